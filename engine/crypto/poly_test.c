/* The arithmetic of ML-KEM against its definitions, over every input where there are few enough. */
#include "engine/crypto/poly.h"
#include "engine/crypto/keccak.h"
#include "tests/test.h"

#include "base/rng.h"

#define Q POLY_Q

static struct rng_seeded memory;

/* The definition: 0 to q - 1. */
static int modulo(int64_t x)
{
    return (int)((x % Q + Q) % Q);
}

static int distance(int x)
{
    return x < 0 ? -x : x;
}

/* --- modulo q --------------------------------------------------------------------------------- */

static void test_barrett_is_right_for_every_input(void)
{
    for (int x = INT16_MIN; x <= INT16_MAX; x++) {
        int reduced = poly_barrett((int16_t)x);
        if (modulo(reduced) != modulo(x) || distance(reduced) > (Q - 1) / 2)
            fail_msg("%d became %d", x, reduced);
    }
}

/* All 218 million of them. */
static void test_montgomery_is_right_for_every_input(void)
{
    const int32_t most = Q << 15;
    for (int32_t wide = -most + 1; wide < most; wide++) {
        int reduced = poly_montgomery(wide);
        if ((reduced * 65536 - wide) % Q != 0 || distance(reduced) >= Q)
            fail_msg("%d became %d", wide, reduced);
    }
}

/* --- compression ------------------------------------------------------------------------------ */

/* round(2^bits * x / q) modulo 2^bits, a half rounded up (FIPS 203, 4.7). */
static unsigned compressed(int x, unsigned bits)
{
    return (unsigned)((2 * ((int64_t)x << bits) + Q) / (2 * Q)) % (1U << bits);
}

/* round(q * y / 2^bits) (FIPS 203, 4.8). */
static int decompressed(unsigned y, unsigned bits)
{
    return (int)((2 * (int64_t)Q * y + (1 << bits)) / (2 << bits));
}

/* Bit by bit (FIPS 203, algorithm 6). */
static unsigned bits_at(const uint8_t *bytes, size_t index, unsigned bits)
{
    unsigned value = 0;
    for (unsigned i = 0; i < bits; i++) {
        size_t at = index * bits + i;
        value |= (unsigned)(bytes[at / 8] >> at % 8 & 1) << i;
    }
    return value;
}

/* Every int16_t once, 256 at a time. */
static void fill_from(struct poly *out, int first)
{
    for (int i = 0; i < POLY_COEFFICIENTS; i++)
        out->at[i] = (int16_t)(first + i);
}

static void test_compression_is_right_for_every_input(void)
{
    static const unsigned widths[] = { 1, 4, 10 };
    struct poly poly;
    uint8_t packed[POLY_BYTES(10)];
    for (size_t w = 0; w < COUNT(widths); w++)
        for (int first = INT16_MIN; first < INT16_MAX; first += POLY_COEFFICIENTS) {
            fill_from(&poly, first);
            poly_compress(packed, &poly, widths[w]);
            for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
                CHECK_INT(bits_at(packed, i, widths[w]), compressed(modulo(poly.at[i]), widths[w]));
        }
}

/* Every value at every place; and what was decompressed is compressed to the same. */
static void test_decompression_is_right_for_every_input(void)
{
    static const unsigned widths[] = { 1, 4, 10 };
    struct poly poly;
    uint8_t packed[POLY_BYTES(10)], again[POLY_BYTES(10)];
    struct rng rng = rng_from_seed(&memory, 2);
    for (size_t w = 0; w < COUNT(widths); w++) {
        static bool seen[1 << 10];
        unsigned missing = 1U << widths[w];
        memset(seen, 0, sizeof seen);
        while (missing > 0) {
            rng_fill(&rng, packed, POLY_BYTES(widths[w]));
            poly_decompress(&poly, packed, widths[w]);
            for (size_t i = 0; i < POLY_COEFFICIENTS; i++) {
                unsigned value = bits_at(packed, i, widths[w]);
                CHECK_INT(poly.at[i], decompressed(value, widths[w]));
                missing -= !seen[value];
                seen[value] = true;
            }
            poly_compress(again, &poly, widths[w]);
            CHECK_BYTES(again, packed, POLY_BYTES(widths[w]));
        }
    }
}

static void test_encoding_is_right_for_every_input(void)
{
    struct poly poly, again;
    uint8_t packed[POLY_BYTES(12)];
    for (int first = INT16_MIN; first < INT16_MAX; first += POLY_COEFFICIENTS) {
        fill_from(&poly, first);
        poly_encode(packed, &poly);
        poly_decode(&again, packed);
        CHECK(poly_below_q(&again));
        for (size_t i = 0; i < POLY_COEFFICIENTS; i++) {
            CHECK_INT(bits_at(packed, i, 12), modulo(poly.at[i]));
            CHECK_INT(again.at[i], modulo(poly.at[i]));
        }
    }
}

/* --- products --------------------------------------------------------------------------------- */

/* Modulo X^256 + 1, as one learns it at school. */
static void multiply_slowly(int out[POLY_COEFFICIENTS], const struct poly *a, const struct poly *b)
{
    int64_t sums[POLY_COEFFICIENTS] = { 0 };
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        for (size_t j = 0; j < POLY_COEFFICIENTS; j++) {
            int64_t term = (int64_t)a->at[i] * b->at[j];
            sums[(i + j) % POLY_COEFFICIENTS] += i + j < POLY_COEFFICIENTS ? term : -term;
        }
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
        out[i] = modulo(sums[i]);
}

/* Coefficients as far out as they may be: at the ends only, or anywhere. */
static void fill_wildly(struct poly *out, struct rng *rng, bool ends)
{
    for (size_t i = 0; i < POLY_COEFFICIENTS; i++) {
        uint64_t luck = rng_u64(rng);
        int far = ends ? Q - 1 : (int)(luck % Q);
        out->at[i] = (int16_t)(luck >> 63 ? far : -far);
    }
}

/* The three products of a row, the left side NTT'd too and as far from zero as a decoded key. */
static void test_products_are_those_learnt_at_school(void)
{
    struct rng rng = rng_from_seed(&memory, 3);
    struct poly a[POLY_RANK], b[POLY_RANK], sum;
    int slow[POLY_COEFFICIENTS], total[POLY_COEFFICIENTS];
    for (int round = 0; round < 60; round++) {
        memset(total, 0, sizeof total);
        for (size_t k = 0; k < POLY_RANK; k++) {
            fill_wildly(&a[k], &rng, round % 2 == 0);
            fill_wildly(&b[k], &rng, round % 3 == 0);
            multiply_slowly(slow, &a[k], &b[k]);
            for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
                total[i] += slow[i];
            poly_ntt(&a[k]);
            poly_ntt(&b[k]);
            for (size_t i = 0; i < POLY_COEFFICIENTS; i++) {
                CHECK(distance(b[k].at[i]) <= (Q - 1) / 2);
                a[k].at[i] = (int16_t)(a[k].at[i] < 4096 - Q ? a[k].at[i] + Q : a[k].at[i]);
            }
        }
        poly_dot(&sum, a, 1, b);
        for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
            CHECK(distance(sum.at[i]) < Q);
        poly_ntt_inverse(&sum);
        for (size_t i = 0; i < POLY_COEFFICIENTS; i++) {
            CHECK(distance(sum.at[i]) < Q);
            CHECK_INT(modulo(sum.at[i]), modulo(total[i]));
        }
    }
}

/* Each coefficient of the NTT is a polynomial modulo X^2 - 17^(2 b(i) + 1): FIPS 203, 4.3. */
static void test_the_transform_is_the_one_of_the_standard(void)
{
    struct rng rng = rng_from_seed(&memory, 4);
    struct poly poly, transformed;
    for (int round = 0; round < 4; round++) {
        fill_wildly(&poly, &rng, round % 2 == 0);
        transformed = poly;
        poly_ntt(&transformed);
        for (unsigned i = 0; i < 128; i++) {
            unsigned turned = 0;
            int64_t root = 1, power = 1, even = 0, odd = 0;
            for (unsigned bit = 0; bit < 7; bit++)
                turned |= (i >> bit & 1) << (6 - bit);
            for (unsigned step = 0; step < 2 * turned + 1; step++)
                root = root * 17 % Q;
            for (size_t j = 0; j < 128; j++, power = power * root % Q) {
                even += poly.at[2 * j] * power;
                odd += poly.at[2 * j + 1] * power;
            }
            CHECK_INT(modulo(transformed.at[2 * i]), modulo(even));
            CHECK_INT(modulo(transformed.at[2 * i + 1]), modulo(odd));
        }
    }
}

/* There and back, the 2^16 of the way back included. All of one sign is where sums grow fastest. */
static void test_the_transform_undoes_its_inverse(void)
{
    struct rng rng = rng_from_seed(&memory, 5);
    struct poly poly, again;
    for (int round = 0; round < 20; round++) {
        fill_wildly(&poly, &rng, round % 2 == 0);
        for (size_t i = 0; i < POLY_COEFFICIENTS && round < 2; i++)
            poly.at[i] = (int16_t)(round == 0 ? Q - 1 : 1 - Q);
        again = poly;
        poly_ntt_inverse(&again);
        poly_ntt(&again);
        for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
            CHECK_INT(modulo(again.at[i]), modulo((int64_t)poly.at[i] * 65536));
    }
}

static void test_healing_brings_back_the_lost_factor(void)
{
    struct poly poly;
    for (int first = INT16_MIN; first < INT16_MAX; first += POLY_COEFFICIENTS) {
        fill_from(&poly, first);
        poly_heal(&poly);
        for (int i = 0; i < POLY_COEFFICIENTS; i++) {
            CHECK(distance(poly.at[i]) < Q);
            CHECK_INT(modulo(poly.at[i]), modulo((int64_t)(first + i) * 65536));
        }
    }
}

/* --- sampling --------------------------------------------------------------------------------- */

/* x of two bits less y of two bits (FIPS 203, algorithm 8). */
static void test_noise_is_that_of_the_standard(void)
{
    uint8_t seed[33] = { 5 }, stream[128];
    struct poly poly;
    struct shake shake;
    for (unsigned number = 0; number < 32; number++) {
        seed[32] = (uint8_t)number;
        shake256_start(&shake);
        shake_feed(&shake, BYTES_OF(seed));
        shake_squeeze(&shake, stream, sizeof stream);
        poly_sample_noise(&poly, seed, seed[32]);
        for (size_t i = 0; i < POLY_COEFFICIENTS; i++)
            CHECK_INT(poly.at[i],
                      (int)bits_at(stream, 4 * i, 1) + (int)bits_at(stream, 4 * i + 1, 1) -
                          (int)bits_at(stream, 4 * i + 2, 1) - (int)bits_at(stream, 4 * i + 3, 1));
    }
}

/* --- sampling from a stream that is unlucky -----------------------------------------------------

   SHAKE128 would need more years than there are for a row of bad blocks, so the linker puts our own
   squeeze in its place, which spoils the first ones. */

static int blocks_to_spoil, blocks_squeezed;

void __real_shake_squeeze(struct shake *shake, uint8_t *out, size_t size);
void __wrap_shake_squeeze(struct shake *shake, uint8_t *out, size_t size);
void __wrap_shake_squeeze(struct shake *shake, uint8_t *out, size_t size)
{
    if (blocks_squeezed++ < blocks_to_spoil)
        memset(out, 0xff, size);
    else
        __real_shake_squeeze(shake, out, size);
}

/* The first 256 candidates of 12 bits that are below q (FIPS 203, algorithm 7). Returns how many
   bytes it took. */
static size_t sample_slowly(int16_t out[POLY_COEFFICIENTS], const uint8_t place[34])
{
    static uint8_t stream[4096];
    struct shake shake;
    size_t count = 0, candidate = 0;
    shake128_start(&shake);
    shake_feed(&shake, (struct bytes){ place, 34 });
    __real_shake_squeeze(&shake, stream, sizeof stream);
    for (; count < POLY_COEFFICIENTS; candidate++)
        if (bits_at(stream, candidate, 12) < Q)
            out[count++] = (int16_t)bits_at(stream, candidate, 12);
    return (candidate * 12 + 7) / 8;
}

/* One in a hundred wants a fourth block. */
static void test_T30_unlucky_sampling_takes_another_block(void)
{
    uint8_t place[34] = { 0 };
    int16_t slow[POLY_COEFFICIENTS];
    struct poly poly;
    size_t most = 0;
    for (unsigned i = 0; i < 2000; i++) {
        place[0] = (uint8_t)i, place[1] = (uint8_t)(i >> 8), place[32] = 2, place[33] = 1;
        size_t took = sample_slowly(slow, place);
        most = took > most ? took : most;
        poly_sample_uniform(&poly, place, 2, 1);
        CHECK_BYTES(poly.at, slow, sizeof slow);
    }
    CHECK(most > (size_t)3 * 168);
}

static void test_T30_sampling_reads_for_as_long_as_it_must(void)
{
    uint8_t place[34] = { 7 };
    int16_t slow[POLY_COEFFICIENTS];
    struct poly poly;
    sample_slowly(slow, place);
    blocks_squeezed = 0;
    blocks_to_spoil = 1000;
    poly_sample_uniform(&poly, place, 0, 0);
    blocks_to_spoil = 0;
    CHECK(blocks_squeezed >= 1003);
    CHECK_BYTES(poly.at, slow, sizeof slow);
}

TESTS(TEST(test_barrett_is_right_for_every_input), TEST(test_montgomery_is_right_for_every_input),
      TEST(test_compression_is_right_for_every_input),
      TEST(test_decompression_is_right_for_every_input),
      TEST(test_encoding_is_right_for_every_input), TEST(test_products_are_those_learnt_at_school),
      TEST(test_the_transform_is_the_one_of_the_standard),
      TEST(test_the_transform_undoes_its_inverse), TEST(test_healing_brings_back_the_lost_factor),
      TEST(test_noise_is_that_of_the_standard), TEST(test_T30_unlucky_sampling_takes_another_block),
      TEST(test_T30_sampling_reads_for_as_long_as_it_must))
