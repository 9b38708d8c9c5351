#include "engine/crypto/kdf.h"

#include "base/mem.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static void digest_blake2b(uint8_t *out, const struct bytes *parts, size_t count)
{
    crypto_generichash_blake2b_state state;
    crypto_generichash_blake2b_init(&state, NULL, 0, 64);
    for (size_t i = 0; i < count; i++)
        crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].size);
    crypto_generichash_blake2b_final(&state, out, 64);
    wipe(&state, sizeof state);
}

static void digest_sha256(uint8_t *out, const struct bytes *parts, size_t count)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < count; i++)
        crypto_hash_sha256_update(&state, parts[i].data, parts[i].size);
    crypto_hash_sha256_final(&state, out);
    wipe(&state, sizeof state);
}

static void digest_sha512(uint8_t *out, const struct bytes *parts, size_t count)
{
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    for (size_t i = 0; i < count; i++)
        crypto_hash_sha512_update(&state, parts[i].data, parts[i].size);
    crypto_hash_sha512_final(&state, out);
    wipe(&state, sizeof state);
}

const struct kdf_hash kdf_blake2b = { "BLAKE2b", 64, 128, digest_blake2b };
const struct kdf_hash kdf_sha256 = { "SHA256", 32, 64, digest_sha256 };
const struct kdf_hash kdf_sha512 = { "SHA512", 64, 128, digest_sha512 };

/* RFC 2104, 2: a key longer than a block is hashed first. */
static void pad_key(const struct kdf_hash *hash, uint8_t *block, struct bytes key)
{
    memset(block, 0, hash->block);
    if (key.size > hash->block)
        hash->digest(block, &key, 1);
    else if (key.size > 0)
        memcpy(block, key.data, key.size);
}

void kdf_hmac(const struct kdf_hash *hash, uint8_t *out, struct bytes key,
              const struct bytes *parts, size_t count)
{
    uint8_t inner[KDF_BLOCK_MAX_BYTES], outer[KDF_BLOCK_MAX_BYTES], digest[KDF_HASH_MAX_BYTES];
    struct bytes text[1 + KDF_PARTS_MAX] = { { inner, hash->block } };
    assert(hash->block <= sizeof inner && hash->size <= sizeof digest && count <= KDF_PARTS_MAX);
    pad_key(hash, inner, key);
    for (size_t i = 0; i < hash->block; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    for (size_t i = 0; i < count; i++)
        text[1 + i] = parts[i];
    hash->digest(digest, text, 1 + count);
    hash->digest(out, (struct bytes[]){ { outer, hash->block }, { digest, hash->size } }, 2);
    wipe(inner, sizeof inner);
    wipe(outer, sizeof outer);
    wipe(digest, sizeof digest);
}

void kdf_extract(const struct kdf_hash *hash, uint8_t *out, struct bytes salt, struct bytes input)
{
    kdf_hmac(hash, out, salt, &input, 1);
}

void kdf_expand(const struct kdf_hash *hash, uint8_t *out, size_t size, struct bytes key,
                struct bytes info)
{
    uint8_t block[KDF_HASH_MAX_BYTES], number = 0;
    struct bytes before = { 0 };
    assert(size <= 255 * hash->size);
    for (size_t at = 0; at < size; at += before.size) {
        number++;
        kdf_hmac(hash, block, key, (struct bytes[]){ before, info, { &number, 1 } }, 3);
        before = (struct bytes){ block, hash->size };
        memcpy(out + at, block, size - at < hash->size ? size - at : hash->size);
    }
    wipe(block, sizeof block);
}
