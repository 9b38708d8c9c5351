#include "engine/crypto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static void put_length(crypto_generichash_blake2b_state *state, uint64_t length)
{
    uint8_t wire[8];
    for (size_t i = 0; i < sizeof wire; i++)
        wire[i] = (uint8_t)(length >> 8 * (7 - i));
    crypto_generichash_blake2b_update(state, wire, sizeof wire);
}

void hash_parts(void *out, size_t size, struct bytes key, const char *label,
                const struct bytes *parts, size_t count)
{
    crypto_generichash_blake2b_state state;
    size_t label_size = strlen(label);
    assert(label_size > 0 && label_size <= UINT8_MAX && size >= 16 && size <= HASH_MAX_BYTES);
    assert(key.size == 0 || (key.size >= 16 && key.size <= HASH_MAX_BYTES));
    uint8_t short_length = (uint8_t)label_size;
    crypto_generichash_blake2b_init(&state, key.data, key.size, size);
    crypto_generichash_blake2b_update(&state, &short_length, 1);
    crypto_generichash_blake2b_update(&state, (const uint8_t *)label, label_size);
    for (size_t i = 0; i < count; i++) {
        put_length(&state, parts[i].size);
        crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].size);
    }
    crypto_generichash_blake2b_final(&state, out, size);
    sodium_memzero(&state, sizeof state);
}

void hash_blake2b(void *out, size_t size, struct bytes key, struct bytes data)
{
    assert(size > 0 && size <= HASH_MAX_BYTES && key.size <= HASH_MAX_BYTES);
    crypto_generichash_blake2b(out, size, data.data, data.size, key.data, key.size);
}

uint64_t hash_short(const uint8_t key[16], struct bytes data)
{
    uint8_t out[crypto_shorthash_siphash24_BYTES];
    uint64_t value = 0;
    crypto_shorthash_siphash24(out, data.data, data.size, key);
    for (size_t i = 0; i < sizeof out; i++) /* SipHash is defined little-endian */
        value |= (uint64_t)out[i] << 8 * i;
    return value;
}

bool secret_equal(const void *a, const void *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}
