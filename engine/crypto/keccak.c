#include "engine/crypto/keccak.h"

#include "base/mem.h"

#include <assert.h>

#define SHA3_512_RATE   72
#define SHA3_256_RATE   136
#define SHAKE128_RATE   168
#define SHAKE256_RATE   136
#define SHA3_SUFFIX     0x06 /* FIPS 202, 6.1: the bits 01, and the first bit of the padding */
#define SHAKE_SUFFIX    0x1f /* FIPS 202, 6.2: the bits 1111, and the first bit of the padding */
#define LAST_OF_PADDING 0x80

/* --- the permutation: FIPS 202, section 3 ----------------------------------------------------- */

static const uint64_t iota[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static inline uint64_t turn(uint64_t lane, unsigned by)
{
    return lane << by | lane >> (64 - by);
}

static inline uint64_t column(const uint64_t in[25], unsigned x)
{
    return in[x] ^ in[x + 5] ^ in[x + 10] ^ in[x + 15] ^ in[x + 20];
}

static inline void chi(uint64_t *row, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    row[0] = a ^ (~b & c);
    row[1] = b ^ (~c & d);
    row[2] = c ^ (~d & e);
    row[3] = d ^ (~e & a);
    row[4] = e ^ (~a & b);
}

/* Theta gives each lane the parity of two columns, rho and pi turn it and carry it elsewhere, and
   chi mixes the rows so made; each line below is a row of the result. Written out, because every
   index and turn is then a constant and the lanes stay in registers as far as they fit. */
static inline void permute_once(uint64_t out[25], const uint64_t in[25], uint64_t constant)
{
    uint64_t c0 = column(in, 0), c1 = column(in, 1), c2 = column(in, 2), c3 = column(in, 3),
             c4 = column(in, 4);
    uint64_t d0 = c4 ^ turn(c1, 1), d1 = c0 ^ turn(c2, 1), d2 = c1 ^ turn(c3, 1),
             d3 = c2 ^ turn(c4, 1), d4 = c3 ^ turn(c0, 1);
    chi(out, in[0] ^ d0, turn(in[6] ^ d1, 44), turn(in[12] ^ d2, 43), turn(in[18] ^ d3, 21),
        turn(in[24] ^ d4, 14));
    chi(out + 5, turn(in[3] ^ d3, 28), turn(in[9] ^ d4, 20), turn(in[10] ^ d0, 3),
        turn(in[16] ^ d1, 45), turn(in[22] ^ d2, 61));
    chi(out + 10, turn(in[1] ^ d1, 1), turn(in[7] ^ d2, 6), turn(in[13] ^ d3, 25),
        turn(in[19] ^ d4, 8), turn(in[20] ^ d0, 18));
    chi(out + 15, turn(in[4] ^ d4, 27), turn(in[5] ^ d0, 36), turn(in[11] ^ d1, 10),
        turn(in[17] ^ d2, 15), turn(in[23] ^ d3, 56));
    chi(out + 20, turn(in[2] ^ d2, 62), turn(in[8] ^ d3, 55), turn(in[14] ^ d4, 39),
        turn(in[15] ^ d0, 41), turn(in[21] ^ d1, 2));
    out[0] ^= constant;
}

static void permute(uint64_t lanes[25])
{
    uint64_t between[25];
    for (size_t round = 0; round < COUNT(iota); round += 2) {
        permute_once(between, lanes, iota[round]);
        permute_once(lanes, between, iota[round + 1]);
    }
    wipe(between, sizeof between); /* a state leads back to what was fed */
}

/* --- the sponge: FIPS 202, section 4 ---------------------------------------------------------- */

/* Lanes are little-endian in the byte string of the state, whatever the machine thinks. */
static uint64_t lane_read(const uint8_t in[8])
{
    uint64_t lane = 0;
    for (unsigned i = 0; i < 8; i++)
        lane |= (uint64_t)in[i] << 8 * i;
    return lane;
}

static void lane_write(uint8_t out[8], uint64_t lane)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(lane >> 8 * i);
}

static void mix_byte(struct shake *shake, size_t at, uint8_t byte)
{
    shake->lanes[at / 8] ^= (uint64_t)byte << 8 * (at % 8);
}

static void start(struct shake *shake, size_t rate)
{
    *shake = (struct shake){ .rate = rate };
}

static void full_or_not(struct shake *shake)
{
    if (shake->at == shake->rate) {
        permute(shake->lanes);
        shake->at = 0;
    }
}

static void pad(struct shake *shake, uint8_t suffix)
{
    mix_byte(shake, shake->at, suffix);
    mix_byte(shake, shake->rate - 1, LAST_OF_PADDING);
    permute(shake->lanes);
    shake->at = 0;
    shake->squeezing = true;
}

void shake_feed(struct shake *shake, struct bytes data)
{
    assert(!shake->squeezing);
    for (size_t i = 0; i < data.size;) {
        if (shake->at % 8 == 0 && data.size - i >= 8) {
            shake->lanes[shake->at / 8] ^= lane_read(data.data + i);
            shake->at += 8;
            i += 8;
        } else {
            mix_byte(shake, shake->at++, data.data[i++]);
        }
        full_or_not(shake);
    }
}

static void squeeze(struct shake *shake, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size;) {
        full_or_not(shake);
        if (shake->at % 8 == 0 && size - i >= 8) {
            lane_write(out + i, shake->lanes[shake->at / 8]);
            shake->at += 8;
            i += 8;
        } else {
            out[i++] = (uint8_t)(shake->lanes[shake->at / 8] >> 8 * (shake->at % 8));
            shake->at++;
        }
    }
}

void shake_squeeze(struct shake *shake, uint8_t *out, size_t size)
{
    if (!shake->squeezing)
        pad(shake, SHAKE_SUFFIX);
    squeeze(shake, out, size);
}

void shake128_start(struct shake *shake)
{
    start(shake, SHAKE128_RATE);
}

void shake256_start(struct shake *shake)
{
    start(shake, SHAKE256_RATE);
}

static void sha3(uint8_t *out, size_t size, size_t rate, struct bytes data)
{
    struct shake sponge;
    start(&sponge, rate);
    shake_feed(&sponge, data);
    pad(&sponge, SHA3_SUFFIX);
    squeeze(&sponge, out, size);
    wipe(&sponge, sizeof sponge);
}

void sha3_256(uint8_t out[32], struct bytes data)
{
    sha3(out, 32, SHA3_256_RATE, data);
}

void sha3_512(uint8_t out[64], struct bytes data)
{
    sha3(out, 64, SHA3_512_RATE, data);
}
