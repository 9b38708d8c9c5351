#include "base/text.h"
#include "tests/test.h"

static void test_only_well_formed_utf8_is_text(void)
{
    static const struct {
        const char *text;
        size_t size;
        bool good;
    } texts[] = {
        { "", 0, true },
        { "plain", 5, true },
        { "\xc2\x80", 2, true }, /* the least of each length */
        { "\xe0\xa0\x80", 3, true },
        { "\xf0\x90\x80\x80", 4, true },
        { "\xf4\x8f\xbf\xbf", 4, true }, /* U+10FFFF */
        { "\xed\x9f\xbf", 3, true },     /* the last before the surrogates */
        { "\xee\x80\x80", 3, true },
        { "a\0b", 3, false },
        { "\x80", 1, false },
        { "\xc1\xbf", 2, false }, /* overlong */
        { "\xe0\x9f\xbf", 3, false },
        { "\xf0\x8f\xbf\xbf", 4, false },
        { "\xed\xa0\x80", 3, false }, /* a surrogate */
        { "\xf4\x90\x80\x80", 4, false },
        { "\xf5\x80\x80\x80", 4, false },
        { "\xff", 1, false },
        { "\xe2\x82", 2, false }, /* cut short */
        { "\xe2\x28\xa1", 3, false },
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        CHECK(text_is_utf8((struct bytes){ (const uint8_t *)texts[i].text, texts[i].size }) ==
              texts[i].good);
}

static void test_controls_are_seen_and_letters_are_not(void)
{
    static const char *const controls[] = { "\n", "a\x1b[0m", "\x7f", "\xc2\x85", "x\xc2\x9f" };
    static const char *const letters[] = { "", "abc", "\xc2\xa0", "\xc3\x85", "\xe2\x80\x8d" };
    for (size_t i = 0; i < COUNT(controls); i++)
        CHECK(text_has_controls(bytes_of_text(controls[i])));
    for (size_t i = 0; i < COUNT(letters); i++)
        CHECK(!text_has_controls(bytes_of_text(letters[i])));
}

static void test_case_is_that_of_ascii_letters(void)
{
    CHECK(text_equal_without_case("Bob", "bOB"));
    CHECK(!text_equal_without_case("Bob", "Bobb"));
    CHECK(!text_equal_without_case("\xc3\xa9", "\xc3\x89")); /* é and É are two names */
}

TESTS(TEST(test_only_well_formed_utf8_is_text), TEST(test_controls_are_seen_and_letters_are_not),
      TEST(test_case_is_that_of_ascii_letters))
