#include "engine/crypto/safety.h"

#include "base/rng.h"
#include "tests/test.h"

#include <string.h>

static struct rng_seeded luck;
static struct rng rng;
static uint8_t one[KEY_BYTES], other[KEY_BYTES];

static void begin(void)
{
    rng = rng_from_seed(&luck, 9);
    rng_fill(&rng, one, sizeof one);
    rng_fill(&rng, other, sizeof other);
}

static void test_both_sides_see_the_same_sixty_digits(void)
{
    char here[SAFETY_DIGITS + 1], there[SAFETY_DIGITS + 1];
    begin();
    safety_number(here, one, other);
    safety_number(there, other, one);
    CHECK_TEXT(here, there);
    CHECK_INT(strlen(here), SAFETY_DIGITS);
    CHECK_INT(strspn(here, "0123456789"), SAFETY_DIGITS);
}

/* So that it never changes by mistake: people have written it down. */
static void test_the_number_is_what_the_text_says(void)
{
    static const uint8_t first[KEY_BYTES] = { 1 }, second[KEY_BYTES] = { 2 };
    char number[SAFETY_DIGITS + 1];
    safety_number(number, second, first);
    CHECK_TEXT(number, "946314091569223598485748271357770797285109286173260840989195");
}

static void test_any_other_key_gives_another_number(void)
{
    char number[SAFETY_DIGITS + 1], changed[SAFETY_DIGITS + 1];
    begin();
    safety_number(number, one, other);
    for (size_t bit = 0; bit < 8 * KEY_BYTES; bit++) {
        size_t alike = 0;
        other[bit / 8] ^= (uint8_t)(1 << bit % 8);
        safety_number(changed, one, other);
        other[bit / 8] ^= (uint8_t)(1 << bit % 8);
        for (size_t i = 0; i < SAFETY_DIGITS; i++)
            alike += number[i] == changed[i];
        CHECK(alike < 30);
    }
}

static void test_a_typed_number_may_be_grouped_and_must_be_whole(void)
{
    static const char number[] = "012345678901234567890123456789012345678901234567890123456789";
    CHECK(safety_matches(number, number));
    CHECK(safety_matches(
        "01234 56789 01234 56789 01234 56789 01234-56789-01234-56789-01234 56789\n", number));
    CHECK(!safety_matches("", number));
    CHECK(!safety_matches(number + 1, number));
    CHECK(!safety_matches("0123456789012345678901234567890123456789012345678901234567890", number));
    CHECK(!safety_matches("012345678901234567890123456789012345678901234567890123456780", number));
    CHECK(!safety_matches("x12345678901234567890123456789012345678901234567890123456789", number));
}

TESTS(TEST(test_both_sides_see_the_same_sixty_digits), TEST(test_the_number_is_what_the_text_says),
      TEST(test_any_other_key_gives_another_number),
      TEST(test_a_typed_number_may_be_grouped_and_must_be_whole))
