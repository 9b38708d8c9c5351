#include "tests/blake2b.h"

#include <string.h>

#define BLOCK 128

static const uint64_t start[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* The order of message words in each round; after ten it begins again: RFC 7693, 2.7. */
static const uint8_t order[10][16] = {
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
    { 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
    { 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
    { 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
    { 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
    { 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
    { 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
    { 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
    { 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static uint64_t word_at(const uint8_t *at)
{
    uint64_t word = 0;
    for (size_t i = 0; i < 8; i++)
        word |= (uint64_t)at[i] << 8 * i;
    return word;
}

static uint64_t turned(uint64_t value, int by)
{
    return value >> by | value << (64 - by);
}

static void mix(uint64_t *v, size_t a, size_t b, size_t c, size_t d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x, v[d] = turned(v[d] ^ v[a], 32);
    v[c] += v[d], v[b] = turned(v[b] ^ v[c], 24);
    v[a] += v[b] + y, v[d] = turned(v[d] ^ v[a], 16);
    v[c] += v[d], v[b] = turned(v[b] ^ v[c], 63);
}

/* `count`: bytes so far, this block's included. */
static void compress(uint64_t h[8], const uint8_t block[BLOCK], uint64_t count, bool last)
{
    uint64_t v[16], m[16];
    for (size_t i = 0; i < 16; i++)
        m[i] = word_at(block + 8 * i);
    memcpy(v, h, 8 * sizeof *h);
    memcpy(v + 8, start, sizeof start);
    v[12] ^= count;
    v[14] ^= last ? UINT64_MAX : 0;
    for (size_t round = 0; round < 12; round++) {
        const uint8_t *s = order[round % 10];
        for (size_t i = 0; i < 4; i++)
            mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
        for (size_t i = 0; i < 4; i++)
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                m[s[9 + 2 * i]]);
    }
    for (size_t i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[8 + i];
}

static void begin(uint64_t h[8], const struct blake2b_parameters *p)
{
    uint8_t block[64] = { (uint8_t)p->size, (uint8_t)p->key.size, 1, 1 }; /* one leaf: no tree */
    if (p->salt.size > 0)
        memcpy(block + 32, p->salt.data, p->salt.size);
    if (p->personal.size > 0)
        memcpy(block + 48, p->personal.data, p->personal.size);
    for (size_t i = 0; i < 8; i++)
        h[i] = start[i] ^ word_at(block + 8 * i);
}

bool blake2b(uint8_t *out, const struct blake2b_parameters *p, struct bytes data)
{
    uint64_t h[8], count = 0;
    uint8_t block[BLOCK] = { 0 };
    if (p->size < 1 || p->size > 64 || p->key.size > 64 || p->salt.size > 16 ||
        p->personal.size > 16)
        return false;
    begin(h, p);
    if (p->key.size > 0) { /* the key is a block of its own, before the data */
        memcpy(block, p->key.data, p->key.size);
        count = BLOCK;
        compress(h, block, count, data.size == 0);
    }
    for (size_t at = 0; at < data.size || count == 0; at += BLOCK) {
        size_t size = data.size - at < BLOCK ? data.size - at : BLOCK;
        memset(block, 0, sizeof block);
        if (size > 0)
            memcpy(block, data.data + at, size);
        count += size;
        compress(h, block, count, at + size == data.size);
        if (size == 0)
            break;
    }
    for (size_t i = 0; i < p->size; i++)
        out[i] = (uint8_t)(h[i / 8] >> 8 * (i % 8));
    return true;
}
