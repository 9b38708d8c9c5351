/* Padded lengths. The published pairs are in tests/vectors/padme. */
#include "engine/crypto/padme.h"
#include "tests/test.h"

static void test_the_smallest_lengths_stay_what_they_are(void)
{
    for (uint64_t size = 0; size <= 8; size++)
        CHECK(padme_bytes(size) == size);
    CHECK(padme_bytes(9) == 10);
}

/* Never shorter, never by more than 12 %, in order, and padding what is padded changes nothing. */
static void keeps_its_promise(uint64_t size)
{
    uint64_t padded = padme_bytes(size);
    CHECK(padded >= size);
    CHECK(padded - size <= size / 8); /* 1/8 only at 9: above, 12 % */
    CHECK(size < 10 || (padded - size) * 100 <= size * 12);
    CHECK(padme_bytes(padded) == padded);
    CHECK(padme_bytes(size + 1) >= padded);
}

static void test_the_price_is_at_most_twelve_in_a_hundred(void)
{
    for (uint64_t size = 1; size < 100000; size++)
        keeps_its_promise(size);
    for (unsigned bit = 1; bit < 57; bit++)
        for (int near = -3; near <= 3; near++)
            if ((UINT64_C(1) << bit) > 3)
                keeps_its_promise((UINT64_C(1) << bit) + (uint64_t)near);
}

static void test_T28_the_greatest_length_is_padded_too(void)
{
    CHECK(padme_bytes(PADME_MAX_BYTES) == PADME_MAX_BYTES);
    CHECK(padme_bytes(PADME_MAX_BYTES - 1) == PADME_MAX_BYTES);
}

/* How little is told: of all lengths up to a MiB so many remain. */
static void test_few_lengths_can_be_told_apart(void)
{
    size_t kinds = 0;
    for (uint64_t size = 1; size <= 1 << 20; size = padme_bytes(size) + 1)
        kinds++;
    CHECK(kinds < 350);
}

TESTS(TEST(test_the_smallest_lengths_stay_what_they_are),
      TEST(test_the_price_is_at_most_twelve_in_a_hundred),
      TEST(test_T28_the_greatest_length_is_padded_too), TEST(test_few_lengths_can_be_told_apart))
