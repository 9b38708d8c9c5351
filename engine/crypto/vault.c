#include "engine/crypto/vault.h"

#include "base/mem.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* open:       magic 8 | kind u8 = 1 | master key 32
   passphrase: magic 8 | kind u8 = 2 | memory u64 | passes u32 | salt 16 | sealed master key 72
   All before the sealed key is authenticated with it. */
static const uint8_t magic[8] = "ramage\0\1";
#define SEALED_BYTES (MASTER_KEY_BYTES + SEALED_EXTRA_BYTES)
_Static_assert(VAULT_SALT_BYTES == crypto_pwhash_argon2id_SALTBYTES, "libsodium takes no other");
_Static_assert(8 + 1 + 8 + 4 + VAULT_SALT_BYTES + SEALED_BYTES <= VAULT_MAX_BYTES, "a vault fits");

struct lock {
    struct vault_cost cost;
    uint8_t salt[VAULT_SALT_BYTES];
    struct bytes head; /* what is authenticated */
    struct bytes sealed;
};

enum fault vault_stretch(void *out, size_t size, struct bytes passphrase,
                         const uint8_t salt[VAULT_SALT_BYTES], struct vault_cost cost)
{
    return crypto_pwhash_argon2id(out, size, (const char *)passphrase.data, passphrase.size, salt,
                                  cost.passes, cost.memory_bytes,
                                  crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0
               ? FAULT_NONE
               : FAULT_DISK;
}

static bool cost_allowed(struct vault_cost cost)
{
    return cost.memory_bytes >= VAULT_FLOOR_MEMORY_BYTES &&
           cost.memory_bytes <= VAULT_MOST_MEMORY_BYTES && cost.passes >= VAULT_FLOOR_PASSES &&
           cost.passes <= VAULT_MOST_PASSES;
}

enum fault vault_close(uint8_t out[VAULT_MAX_BYTES], size_t *size,
                       const uint8_t master[MASTER_KEY_BYTES], struct bytes passphrase,
                       struct vault_cost cost, struct rng *rng)
{
    uint8_t key[AEAD_KEY_BYTES], sealed[SEALED_BYTES];
    struct cursor at = cursor_into(out, VAULT_MAX_BYTES);
    assert(passphrase.size <= VAULT_PASSPHRASE_MAX);
    cursor_put(&at, magic, sizeof magic);
    cursor_put_u8(&at, passphrase.size == 0 ? VAULT_OPEN : VAULT_PASSPHRASE);
    if (passphrase.size == 0) {
        cursor_put(&at, master, MASTER_KEY_BYTES);
        *size = cursor_written(&at).size;
        return FAULT_NONE;
    }
    assert(cost_allowed(cost));
    struct lock lock = { .cost = cost };
    rng_fill(rng, lock.salt, sizeof lock.salt);
    cursor_put_u64(&at, cost.memory_bytes);
    cursor_put_u32(&at, cost.passes);
    cursor_put(&at, lock.salt, sizeof lock.salt);
    enum fault fault = vault_stretch(key, sizeof key, passphrase, lock.salt, cost);
    if (fault == FAULT_NONE) {
        sealed_write(sealed, key, (struct bytes){ master, MASTER_KEY_BYTES }, cursor_written(&at),
                     rng);
        cursor_put(&at, sealed, sizeof sealed);
        *size = cursor_written(&at).size;
    }
    wipe(key, sizeof key);
    return fault;
}

static enum vault_kind parse(struct bytes file, struct lock *lock)
{
    uint8_t found[sizeof magic], kind;
    uint64_t memory;
    struct cursor in = cursor_over(file);
    cursor_take(&in, found, sizeof found);
    if (!cursor_take_u8(&in, &kind) || memcmp(found, magic, sizeof magic) != 0)
        return VAULT_BROKEN;
    if (kind == VAULT_OPEN)
        return cursor_view(&in, MASTER_KEY_BYTES, &lock->sealed) && cursor_done(&in) ? VAULT_OPEN
                                                                                     : VAULT_BROKEN;
    cursor_take_u64(&in, &memory);
    cursor_take_u32(&in, &lock->cost.passes);
    cursor_take(&in, lock->salt, sizeof lock->salt);
    lock->head = (struct bytes){ file.data, in.at };
    cursor_view(&in, SEALED_BYTES, &lock->sealed);
    if (!cursor_done(&in) || kind != VAULT_PASSPHRASE || memory > VAULT_MOST_MEMORY_BYTES)
        return VAULT_BROKEN;
    lock->cost.memory_bytes = (size_t)memory;
    return cost_allowed(lock->cost) ? VAULT_PASSPHRASE : VAULT_BROKEN;
}

enum vault_kind vault_kind(struct bytes file)
{
    struct lock lock;
    return parse(file, &lock);
}

enum fault vault_open(uint8_t master[MASTER_KEY_BYTES], struct bytes file, struct bytes passphrase)
{
    struct lock lock;
    uint8_t key[AEAD_KEY_BYTES];
    switch (parse(file, &lock)) {
    case VAULT_BROKEN:
        return FAULT_PEER;
    case VAULT_OPEN:
        memcpy(master, lock.sealed.data, MASTER_KEY_BYTES);
        return FAULT_NONE;
    case VAULT_PASSPHRASE:
        break;
    }
    if (passphrase.size == 0 || passphrase.size > VAULT_PASSPHRASE_MAX)
        return FAULT_GONE;
    enum fault fault = vault_stretch(key, sizeof key, passphrase, lock.salt, lock.cost);
    if (fault == FAULT_NONE && !sealed_read(master, key, lock.sealed, lock.head))
        fault = FAULT_GONE;
    wipe(key, sizeof key);
    return fault;
}

void vault_subkey(uint8_t out[32], const uint8_t master[MASTER_KEY_BYTES], const char *purpose)
{
    struct bytes part = bytes_of_text(purpose);
    hash_parts(out, 32, (struct bytes){ master, MASTER_KEY_BYTES }, "ramage/vault/subkey/v1", &part,
               1);
}
