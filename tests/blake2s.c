#include "tests/blake2s.h"

#include <string.h>

static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

/* The order of message words in each round: RFC 7693, 2.7. */
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

struct state {
    uint32_t h[8];
    uint64_t count;
    uint8_t block[64];
    size_t held;
};

static uint32_t turned(uint32_t value, int by)
{
    return value >> by | value << (32 - by);
}

static void mix(uint32_t *v, size_t a, size_t b, size_t c, size_t d, uint32_t x, uint32_t y)
{
    v[a] += v[b] + x, v[d] = turned(v[d] ^ v[a], 16);
    v[c] += v[d], v[b] = turned(v[b] ^ v[c], 12);
    v[a] += v[b] + y, v[d] = turned(v[d] ^ v[a], 8);
    v[c] += v[d], v[b] = turned(v[b] ^ v[c], 7);
}

static void compress(struct state *state, bool last)
{
    uint32_t v[16], m[16];
    for (size_t i = 0; i < 16; i++) {
        const uint8_t *at = state->block + 4 * i;
        m[i] =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    }
    memcpy(v, state->h, sizeof state->h);
    memcpy(v + 8, start, sizeof start);
    v[12] ^= (uint32_t)state->count;
    v[13] ^= (uint32_t)(state->count >> 32);
    v[14] ^= last ? UINT32_MAX : 0;
    for (size_t round = 0; round < 10; round++) {
        const uint8_t *s = order[round];
        for (size_t i = 0; i < 4; i++)
            mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
        for (size_t i = 0; i < 4; i++)
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                m[s[9 + 2 * i]]);
    }
    for (size_t i = 0; i < 8; i++)
        state->h[i] ^= v[i] ^ v[8 + i];
}

static void update(struct state *state, struct bytes data)
{
    for (size_t i = 0; i < data.size; i++) {
        if (state->held == sizeof state->block) {
            state->count += sizeof state->block;
            compress(state, false);
            state->held = 0;
        }
        state->block[state->held++] = data.data[i];
    }
}

void blake2s(uint8_t out[32], const struct bytes *parts, size_t count)
{
    struct state state = { .held = 0 };
    memcpy(state.h, start, sizeof start);
    state.h[0] ^= 0x01010000 ^ 32;
    for (size_t i = 0; i < count; i++)
        update(&state, parts[i]);
    state.count += state.held;
    memset(state.block + state.held, 0, sizeof state.block - state.held);
    compress(&state, true);
    for (size_t i = 0; i < 32; i++)
        out[i] = (uint8_t)(state.h[i / 4] >> 8 * (i % 4));
}
