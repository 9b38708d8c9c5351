#include "base/rng.h"
#include "tests/test.h"

static void test_one_seed_gives_one_run(void)
{
    struct rng_seeded a, b, c;
    struct rng one = rng_from_seed(&a, 42), same = rng_from_seed(&b, 42),
               other = rng_from_seed(&c, 43);
    uint8_t x[100], y[100], z[100];
    rng_fill(&one, x, sizeof x);
    rng_fill(&same, y, sizeof y);
    rng_fill(&other, z, sizeof z);
    CHECK_BYTES(x, y, sizeof x);
    CHECK(memcmp(x, z, sizeof x) != 0);
}

/* xoshiro256++ seeded with 42 through SplitMix64, computed by another program. */
static void test_the_seeded_generator_is_the_published_one(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 42);
    CHECK(rng_u64(&rng) == 0xd0764d4f4476689f);
    CHECK(rng_u64(&rng) == 0x519e4174576f3791);
    CHECK(rng_u64(&rng) == 0xfbe07cfb0c24ed8c);
}

/* Nothing beside what was asked for is written, whatever its size. */
static void test_filling_ends_where_it_was_told(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 1);
    for (size_t size = 0; size < 20; size++) {
        uint8_t out[24] = { 0 };
        static const uint8_t zero[24];
        rng_fill(&rng, out, size);
        CHECK_BYTES(out + size, zero, sizeof out - size);
    }
}

static void test_below_reaches_every_value_and_no_other(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 1);
    int seen[7] = { 0 };
    for (int i = 0; i < 70000; i++)
        seen[rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        CHECK(seen[i] > 9500 && seen[i] < 10500);
    CHECK_INT(rng_below(&rng, 1), 0);
}

TESTS(TEST(test_one_seed_gives_one_run), TEST(test_the_seeded_generator_is_the_published_one),
      TEST(test_filling_ends_where_it_was_told), TEST(test_below_reaches_every_value_and_no_other))
