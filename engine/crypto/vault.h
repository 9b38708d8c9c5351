/* The lock on a home: one random master key, wrapped under a passphrase by Argon2id (RFC 9106) and
   XChaCha20-Poly1305. The wrapped form is a small file; its parameters are authenticated, and the
   floor below is enforced on opening, so nobody gains by editing it.

   Without a passphrase the master key lies in the file as it is, and says so. Both calls may take a
   second and use much memory: they are pure, so a host can run them beside its loop. */
#ifndef CRYPTO_VAULT_H
#define CRYPTO_VAULT_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/rng.h"

#define MASTER_KEY_BYTES         32
#define VAULT_MAX_BYTES          128
#define VAULT_PASSPHRASE_MAX     1024 /* bytes */
#define VAULT_SALT_BYTES         16
#define VAULT_FLOOR_MEMORY_BYTES ((size_t)64 << 20)
#define VAULT_FLOOR_PASSES       3
#define VAULT_MOST_MEMORY_BYTES  ((size_t)1 << 30) /* an edited file must not eat the machine */
#define VAULT_MOST_PASSES        64

struct vault_cost {
    size_t memory_bytes;
    uint32_t passes;
};

/* passphrase.size 0: no passphrase. Returns the size written to `out`.
   FAULT_DISK: the machine has not the memory. */
enum fault vault_close(uint8_t out[VAULT_MAX_BYTES], size_t *size,
                       const uint8_t master[MASTER_KEY_BYTES], struct bytes passphrase,
                       struct vault_cost cost, struct rng *rng);

enum vault_kind { VAULT_BROKEN, VAULT_OPEN, VAULT_PASSPHRASE };
enum vault_kind vault_kind(struct bytes file);

/* FAULT_GONE: wrong passphrase. FAULT_PEER: not a vault, or weaker than the floor. */
enum fault vault_open(uint8_t master[MASTER_KEY_BYTES], struct bytes file, struct bytes passphrase);

/* What turns a passphrase into a key: Argon2id, version 0x13, one lane. Knows no floor of its own.
   `size` is 16 or more. FAULT_DISK: the memory is not to be had. */
enum fault vault_stretch(void *out, size_t size, struct bytes passphrase,
                         const uint8_t salt[VAULT_SALT_BYTES], struct vault_cost cost);

/* A key for one purpose. */
void vault_subkey(uint8_t out[32], const uint8_t master[MASTER_KEY_BYTES], const char *purpose);

#endif
