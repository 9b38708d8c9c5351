/* No bytes make the reader of certificates or of vaults read past them; what reads has the length
   it must have. */
#include "engine/crypto/certificate.h"
#include "engine/crypto/vault.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct certificate certificate;
    struct bytes wire = { data, size };
    if (certificate_read(&certificate, wire) == FAULT_NONE)
        assert(size == CERTIFICATE_BYTES);
    if (vault_kind(wire) != VAULT_BROKEN)
        assert(size <= VAULT_MAX_BYTES);
    return 0;
}
