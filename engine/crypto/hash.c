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

/* --- SHA-1: libsodium has none, and libcrypto may be missing -----------------------------------
 */

#define SHA1_BLOCK 64

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

/* The function and constant of each of the four times twenty rounds: FIPS 180-4, 4.1.1, 4.2.1. */
static uint32_t sha1_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20)
        return (d ^ (b & (c ^ d))) + 0x5a827999;
    if (round < 40)
        return (b ^ c ^ d) + 0x6ed9eba1;
    if (round < 60)
        return ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
    return (b ^ c ^ d) + 0xca62c1d6;
}

/* The word of a round; of the eighty, the last sixteen are at hand. */
static uint32_t sha1_word(uint32_t words[16], unsigned round)
{
    uint32_t *word = &words[round & 15];
    if (round >= 16)
        *word = rotate(words[(round + 13) & 15] ^ words[(round + 8) & 15] ^
                           words[(round + 2) & 15] ^ *word,
                       1);
    return *word;
}

static void sha1_block(uint32_t state[5], const uint8_t block[SHA1_BLOCK])
{
    uint32_t words[16], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (size_t i = 0; i < COUNT(words); i++)
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                   (uint32_t)block[4 * i + 2] << 8 | (uint32_t)block[4 * i + 3];
    for (unsigned round = 0; round < 80; round++) {
        uint32_t next = rotate(a, 5) + sha1_mix(round, b, c, d) + e + sha1_word(words, round);
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void hash_sha1(uint8_t out[SHA1_BYTES], struct bytes data)
{
    uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    uint8_t last[2 * SHA1_BLOCK] = { 0 };
    size_t whole = data.size - data.size % SHA1_BLOCK, rest = data.size - whole;
    for (size_t at = 0; at < whole; at += SHA1_BLOCK)
        sha1_block(state, data.data + at);
    /* A one bit, zeros, and the length in bits end the last block, or take one more. */
    size_t size = rest + 9 > SHA1_BLOCK ? 2 * SHA1_BLOCK : SHA1_BLOCK;
    if (rest > 0)
        memcpy(last, data.data + whole, rest);
    last[rest] = 0x80;
    for (size_t i = 0; i < 8; i++)
        last[size - 1 - i] = (uint8_t)((uint64_t)data.size * 8 >> 8 * i);
    for (size_t at = 0; at < size; at += SHA1_BLOCK)
        sha1_block(state, last + at);
    for (size_t i = 0; i < SHA1_BYTES; i++)
        out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* --- for tables, and comparing ---------------------------------------------------------------- */

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
