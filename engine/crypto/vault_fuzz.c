/* No bytes make the reader of vaults read past them; a vault without a passphrase has one spelling,
   and one with a passphrase does not open without it. */
#include "engine/crypto/vault.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes file = { data, size }, none = { 0 };
    uint8_t master[MASTER_KEY_BYTES], again[VAULT_MAX_BYTES];
    struct vault_cost cost = { 0 };
    size_t written;
    enum vault_kind kind = vault_kind(file);
    enum fault fault = vault_open(master, file, none);
    assert(kind == VAULT_BROKEN || size <= VAULT_MAX_BYTES);
    assert(fault == (kind == VAULT_OPEN         ? FAULT_NONE
                     : kind == VAULT_PASSPHRASE ? FAULT_GONE
                                                : FAULT_PEER));
    if (kind == VAULT_OPEN) {
        fault = vault_close(again, &written, master, none, cost, NULL);
        assert(fault == FAULT_NONE && bytes_equal((struct bytes){ again, written }, file));
    }
    return 0;
}
