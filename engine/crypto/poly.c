#include "engine/crypto/poly.h"

#include "base/mem.h"
#include "engine/crypto/keccak.h"

#define Q             POLY_Q
#define Q_INVERSE     (-3327) /* of q modulo 2^16, nearest to zero */
#define BARRETT       20159   /* 2^26 / q, to the nearest */
#define SQUARE        1353    /* 2^32 modulo q: times this, less the 2^16 lost, is times 2^16 */
#define SQUARE_BY_128 1441    /* 2^32 / 128 modulo q: the same, and the 128 of the inverse NTT */
#define RECIPROCAL    5160670 /* 2^34 / q, rounded up */

/* Powers of 17, the 256th root of unity: 17^b(i) * 2^16 modulo q, nearest to zero, where b turns
   the seven bits of i around (FIPS 203, appendix A). */
static const int16_t zetas[128] = {
    -1044, -758,  -359,  -1517, 1493,  1422,  287,   202,   -171,  622,   1577,  182,   962,
    -1202, -1474, 1468,  573,   -1325, 264,   383,   -829,  1458,  -1602, -130,  -681,  1017,
    732,   608,   -1542, 411,   -205,  -1571, 1223,  652,   -552,  1015,  -1293, 1491,  -282,
    -1544, 516,   -8,    -320,  -666,  -1618, -1162, 126,   1469,  -853,  -90,   -271,  830,
    107,   -1421, -247,  -951,  -398,  961,   -1508, -725,  448,   -1065, 677,   -1275, -1103,
    430,   555,   843,   -1251, 871,   1550,  105,   422,   587,   177,   -235,  -291,  -460,
    1574,  1653,  -246,  778,   1159,  -147,  -777,  1483,  -602,  1119,  -1590, 644,   -872,
    349,   418,   329,   -156,  -75,   817,   1097,  603,   610,   1322,  -1285, -1465, 384,
    -1215, -136,  1218,  -1335, -874,  220,   -1187, -1659, -1185, -1530, -1278, 794,   -1510,
    -854,  -870,  478,   -108,  -308,  996,   991,   958,   -1460, 1522,  1628,
};

/* --- modulo q --------------------------------------------------------------------------------- */

/* gcc and clang define what is used here: a conversion to int16_t keeps the low 16 bits, and a
   shift to the right keeps the sign. */
int16_t poly_montgomery(int32_t wide)
{
    int16_t multiple = (int16_t)((int16_t)wide * Q_INVERSE);
    return (int16_t)((wide - (int32_t)multiple * Q) >> 16); /* the low 16 bits are zero */
}

int16_t poly_barrett(int16_t x)
{
    int32_t times = ((int32_t)x * BARRETT + (1 << 25)) >> 26;
    return (int16_t)(x - times * Q);
}

static int16_t product(int16_t a, int16_t b)
{
    return poly_montgomery((int32_t)a * b);
}

/* 0 to q - 1. */
static uint16_t canonical(int16_t x)
{
    x = poly_barrett(x);
    return (uint16_t)(x + ((x >> 15) & Q));
}

/* A secret bit as the compiler shall see it: a number it knows nothing about. Where clang 15 to 18
   knew it for a bit, they turned other people's arithmetic on it back into a branch. */
static uint32_t hidden(uint32_t bit)
{
    __asm__("" : "+r"(bit));
    return bit;
}

/* --- sampling --------------------------------------------------------------------------------- */

/* Two candidates of 12 bits out of three bytes; those below q are taken. */
static size_t take_below_q(struct poly *out, size_t count, const uint8_t in[3])
{
    uint16_t pair[2] = { (uint16_t)(in[0] | (in[1] & 0x0f) << 8),
                         (uint16_t)(in[1] >> 4 | in[2] << 4) };
    for (size_t i = 0; i < 2; i++)
        if (pair[i] < Q && count < POLY_COEFFICIENTS)
            out->at[count++] = (int16_t)pair[i];
    return count;
}

/* Three blocks are usually enough, but any number may be needed: there is no bound. */
void poly_sample_uniform(struct poly *out, const uint8_t rho[32], uint8_t column, uint8_t row)
{
    struct shake shake;
    uint8_t place[2] = { column, row }, block[168]; /* whole triples, and SHAKE128's rate */
    size_t count = 0;
    shake128_start(&shake);
    shake_feed(&shake, (struct bytes){ rho, 32 });
    shake_feed(&shake, BYTES_OF(place));
    while (count < POLY_COEFFICIENTS) {
        shake_squeeze(&shake, block, sizeof block);
        for (size_t i = 0; i < sizeof block; i += 3)
            count = take_below_q(out, count, block + i);
    }
}

/* Each byte holds two coefficients: in four bits, the first two less the last two. */
static void centred_binomial(struct poly *out, const uint8_t in[128])
{
    for (size_t i = 0; i < 128; i++) {
        int pairs = (in[i] & 0x55) + ((in[i] >> 1) & 0x55);
        out->at[2 * i] = (int16_t)((pairs & 3) - ((pairs >> 2) & 3));
        out->at[2 * i + 1] = (int16_t)(((pairs >> 4) & 3) - ((pairs >> 6) & 3));
    }
}

void poly_sample_noise(struct poly *out, const uint8_t seed[32], uint8_t number)
{
    struct shake shake;
    uint8_t noise[128];
    shake256_start(&shake);
    shake_feed(&shake, (struct bytes){ seed, 32 });
    shake_feed(&shake, (struct bytes){ &number, 1 });
    shake_squeeze(&shake, noise, sizeof noise);
    centred_binomial(out, noise);
    wipe(noise, sizeof noise);
    wipe(&shake, sizeof shake);
}

/* --- the number-theoretic transform ----------------------------------------------------------- */

/* gcc at -O2 makes vectors only of loops whose length it knows, hence runs of eight: the
   transforms take half the time. Shorter blocks are a run each. */
#define RUN 8

static inline void split_run(int16_t *restrict low, int16_t *restrict high, int16_t zeta,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int16_t turned = product(zeta, high[i]);
        high[i] = (int16_t)(low[i] - turned);
        low[i] = (int16_t)(low[i] + turned);
    }
}

static inline void unite_run(int16_t *restrict low, int16_t *restrict high, int16_t zeta,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int16_t was = low[i];
        low[i] = poly_barrett((int16_t)(was + high[i]));
        high[i] = product(zeta, (int16_t)(high[i] - was));
    }
}

/* A block of 2 * half coefficients falls into two of half. */
static void split(int16_t *block, size_t half, int16_t zeta)
{
    if (half < RUN)
        split_run(block, block + half, zeta, half);
    for (size_t i = 0; i + RUN <= half; i += RUN)
        split_run(block + i, block + half + i, zeta, RUN);
}

/* And two become one again, twice as great. */
static void unite(int16_t *block, size_t half, int16_t zeta)
{
    if (half < RUN)
        unite_run(block, block + half, zeta, half);
    for (size_t i = 0; i + RUN <= half; i += RUN)
        unite_run(block + i, block + half + i, zeta, RUN);
}

/* No layer adds more than q, so seven of them stay below 8q < 2^15 without a reduction. */
void poly_ntt(struct poly *poly)
{
    for (size_t blocks = 1, half = 128; half >= 2; blocks *= 2, half /= 2)
        for (size_t i = 0; i < blocks; i++)
            split(poly->at + 2 * half * i, half, zetas[blocks + i]);
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        poly->at[i] = poly_barrett(poly->at[i]);
}

void poly_ntt_inverse(struct poly *poly)
{
    for (size_t blocks = 64, half = 2; half <= 128; blocks /= 2, half *= 2)
        for (size_t i = 0; i < blocks; i++)
            unite(poly->at + 2 * half * i, half, zetas[2 * blocks - 1 - i]);
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        poly->at[i] = product(poly->at[i], SQUARE_BY_128);
}

/* Pairs are polynomials of degree one, modulo X^2 - zeta. Sums are reduced once: six products of
   less than 4096 and q / 2 are well below the q * 2^15 that Montgomery can take. */
static void dot_pair(int16_t out[2], const struct poly *a, size_t stride, const struct poly *b,
                     size_t at, int16_t zeta)
{
    int32_t low = 0, middle = 0, high = 0;
    for (size_t i = 0; i < POLY_RANK; i++) {
        const int16_t *x = a[i * stride].at + at, *y = b[i].at + at;
        low += (int32_t)x[0] * y[0];
        middle += (int32_t)x[0] * y[1] + (int32_t)x[1] * y[0];
        high += (int32_t)x[1] * y[1];
    }
    out[0] = poly_montgomery(low + (int32_t)poly_montgomery(high) * zeta);
    out[1] = poly_montgomery(middle);
}

void poly_dot(struct poly *out, const struct poly *a, size_t stride, const struct poly *b)
{
    for (size_t i = 0; i < 64; i++) {
        dot_pair(out->at + 4 * i, a, stride, b, 4 * i, zetas[64 + i]);
        dot_pair(out->at + 4 * i + 2, a, stride, b, 4 * i + 2, (int16_t)-zetas[64 + i]);
    }
}

void poly_heal(struct poly *poly)
{
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        poly->at[i] = product(poly->at[i], SQUARE);
}

void poly_add(struct poly *poly, const struct poly *other)
{
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        poly->at[i] = (int16_t)(poly->at[i] + other->at[i]);
}

void poly_subtract(struct poly *poly, const struct poly *other)
{
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        poly->at[i] = (int16_t)(poly->at[i] - other->at[i]);
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* 2^bits * x / q to the nearest, modulo 2^bits. The quotient by the reciprocal is exact, because
   the dividend is below 2^22 and the reciprocal less than one too great. */
static uint32_t squeezed(int16_t x, unsigned bits)
{
    uint32_t dividend = ((uint32_t)canonical(x) << bits) + Q / 2;
    return (uint32_t)((uint64_t)dividend * RECIPROCAL >> 34) & ((1U << bits) - 1);
}

/* q * y / 2^bits to the nearest. Of one bit, such as a message is made of, not even the product is
   left to the compiler to think about. */
static int16_t stretched(uint32_t y, unsigned bits)
{
    return (int16_t)((hidden(y) * Q + (1U << (bits - 1))) >> bits);
}

struct bit_writer {
    uint8_t *out;
    uint32_t waiting;
    unsigned count;
};

static void put_bits(struct bit_writer *writer, uint32_t value, unsigned bits)
{
    writer->waiting |= value << writer->count;
    for (writer->count += bits; writer->count >= 8; writer->count -= 8) {
        *writer->out++ = (uint8_t)writer->waiting;
        writer->waiting >>= 8;
    }
}

struct bit_reader {
    const uint8_t *in;
    uint32_t waiting;
    unsigned count;
};

static uint32_t take_bits(struct bit_reader *reader, unsigned bits)
{
    for (; reader->count < bits; reader->count += 8)
        reader->waiting |= (uint32_t)*reader->in++ << reader->count;
    uint32_t value = reader->waiting & ((1U << bits) - 1);
    reader->waiting >>= bits;
    reader->count -= bits;
    return value;
}

void poly_encode(uint8_t out[POLY_BYTES(12)], const struct poly *poly)
{
    struct bit_writer writer = { .out = out };
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        put_bits(&writer, canonical(poly->at[i]), 12);
}

void poly_decode(struct poly *out, const uint8_t in[POLY_BYTES(12)])
{
    struct bit_reader reader = { .in = in };
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        out->at[i] = (int16_t)take_bits(&reader, 12);
}

bool poly_below_q(const struct poly *poly)
{
    bool below = true;
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        below &= poly->at[i] < Q;
    return below;
}

void poly_compress(uint8_t *out, const struct poly *poly, unsigned bits)
{
    struct bit_writer writer = { .out = out };
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        put_bits(&writer, squeezed(poly->at[i], bits), bits);
}

void poly_decompress(struct poly *out, const uint8_t *in, unsigned bits)
{
    struct bit_reader reader = { .in = in };
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        out->at[i] = stretched(take_bits(&reader, bits), bits);
}
