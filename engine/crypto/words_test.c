/* The lists and their rules, what people type, and what a code is stretched to. Known answers were
   computed by another program. */
#include "engine/crypto/words.h"
#include "engine/crypto/hash.h"
#include "tests/test.h"

#include <stdio.h>

static struct rng_seeded luck;
static struct rng rng;

static bool finds(const char *typed, const char *word)
{
    enum words_language language;
    uint16_t index;
    return words_find(typed, strlen(typed), &language, &index) &&
           strcmp(words_word(language, index), word) == 0;
}

static bool finds_nothing(const char *typed)
{
    enum words_language language = WORDS_LANGUAGES;
    uint16_t index = WORDS_LIST;
    CHECK(!words_find(typed, strlen(typed), &language, &index));
    return language == WORDS_LANGUAGES && index == WORDS_LIST;
}

/* --- the lists -------------------------------------------------------------------------------- */

static void test_words_are_short_and_plain_and_sorted(void)
{
    for (int language = 0; language < WORDS_LANGUAGES; language++) {
        const char *before = "";
        for (uint16_t i = 0; i < WORDS_LIST; i++) {
            const char *word = words_word((enum words_language)language, i);
            size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz");
            CHECK_INT(strlen(word), letters);
            CHECK(letters >= WORDS_START && letters <= WORDS_LETTERS_MAX);
            CHECK(strcmp(before, word) < 0);
            before = word;
        }
    }
}

static void test_four_letters_begin_one_word_of_both_lists(void)
{
    const char *all[WORDS_LANGUAGES * WORDS_LIST];
    for (size_t i = 0; i < COUNT(all); i++) {
        all[i] = words_word((enum words_language)(i / WORDS_LIST), (uint16_t)(i % WORDS_LIST));
        for (size_t j = 0; j < i; j++)
            CHECK(strncmp(all[i], all[j], WORDS_START) != 0);
    }
}

/* The pairs people would mix up; all of both lists was compared as a speech program says it. */
static void test_no_two_words_sound_the_same(void)
{
    static const char *const pairs[][2] = {
        { "larva", "lava" },     { "flower", "flour" },  { "berry", "bury" },
        { "beach", "beech" },    { "metal", "medal" },   { "mussel", "muscle" },
        { "pedal", "petal" },    { "cereal", "serial" }, { "cymbal", "symbol" },
        { "hangar", "hanger" },  { "cellar", "seller" }, { "kernel", "colonel" },
        { "poplar", "popular" }, { "plain", "plane" },   { "stair", "stare" },
        { "steak", "stake" },    { "vane", "vein" },     { "wheel", "weal" },
        { "vanne", "vent" },     { "tante", "tente" },   { "compte", "conte" },
        { "champ", "chant" },    { "encre", "ancre" },   { "mettre", "metre" },
        { "cygne", "signe" },    { "datte", "date" },    { "haute", "hotte" },
        { "plaine", "pleine" },  { "sceau", "seau" },    { "pouce", "pousse" },
        { "balade", "ballade" }, { "serre", "cerf" },    { "amende", "amande" },
    };
    for (size_t i = 0; i < COUNT(pairs); i++)
        CHECK(!finds(pairs[i][0], pairs[i][0]) || !finds(pairs[i][1], pairs[i][1]));
}

static void test_no_word_is_the_plural_of_another(void)
{
    static const char *const ends[] = { "s", "x", "es" };
    for (size_t i = 0; i < WORDS_LANGUAGES * WORDS_LIST; i++) {
        enum words_language language = (enum words_language)(i / WORDS_LIST);
        const char *word = words_word(language, (uint16_t)(i % WORDS_LIST));
        for (size_t end = 0; end < COUNT(ends); end++) {
            char plural[WORDS_LETTERS_MAX + 4];
            snprintf(plural, sizeof plural, "%s%s", word, ends[end]);
            CHECK(finds_nothing(plural));
        }
    }
}

/* A word is a number to the other side: the lists may not move. BLAKE2b-256 of all words, a line
   each. */
static void test_the_lists_are_what_they_were(void)
{
    static const char *const known[WORDS_LANGUAGES] = {
        [WORDS_ENGLISH] = "c19de3827aeb9ae5460f54cfe186b6b5f49c9fe9dfcdd7454c0497e22defa354",
        [WORDS_FRENCH] = "18ff24bab65468b24bda1faa9727507dec0c75b1cc274389555c391951881ebe",
    };
    for (int language = 0; language < WORDS_LANGUAGES; language++) {
        uint8_t hash[HASH_BYTES], expected[HASH_BYTES];
        char all[WORDS_LIST * (WORDS_LETTERS_MAX + 1)];
        size_t size = 0;
        for (uint16_t i = 0; i < WORDS_LIST; i++) {
            const char *word = words_word((enum words_language)language, i);
            memcpy(all + size, word, strlen(word));
            size += strlen(word);
            all[size++] = '\n';
        }
        hash_blake2b(hash, sizeof hash, (struct bytes){ 0 },
                     (struct bytes){ (const uint8_t *)all, size });
        unhex(expected, sizeof expected, known[language]);
        CHECK_BYTES(hash, expected, sizeof hash);
    }
}

/* --- what people type ------------------------------------------------------------------------- */

static void test_every_word_is_found_and_so_is_its_start(void)
{
    for (size_t i = 0; i < WORDS_LANGUAGES * WORDS_LIST; i++) {
        enum words_language language = (enum words_language)(i / WORDS_LIST), found;
        uint16_t at = (uint16_t)(i % WORDS_LIST), index;
        const char *word = words_word(language, at);
        for (size_t size = 0; size <= strlen(word); size++) {
            CHECK(words_find(word, size, &found, &index) == (size >= WORDS_START));
            CHECK(size < WORDS_START || (found == language && index == at));
        }
    }
}

static void test_case_and_accents_do_not_matter(void)
{
    static const char *const same[][2] = {
        { "ACORN", "acorn" },     { "Acor", "acorn" },    { "abeïlle", "abeille" },
        { "àbéîllê", "abeille" }, { "vôïsîn", "voisin" }, { "VÔÏSÎN", "voisin" },
        { "çîgàlë", "cigale" },   { "Çiga", "cigale" },   { "lüne", "lune" },
        { "lûne", "lune" },       { "lùne", "lune" },     { "LÛNE", "lune" },
    };
    for (size_t i = 0; i < COUNT(same); i++)
        CHECK(finds(same[i][0], same[i][1]));
}

static void test_what_is_no_word_is_not_found(void)
{
    static const char *const none[] = {
        "",
        "a",
        "aco",
        "acorns",
        "acornx",
        "acor1",
        "ac rn",
        "acorn ",
        "zzzz",
        "aaaa",
        "abeillex",
        "abeillesss",
        "ab\xc3",
        "abei\xc3",
        "abei\xc3(",
        "abe\xc3\x97",
        "\xc3@beille",
        "\xc3\xc0"
        "beille",
        "\xc3\xa9",
        "abe\xc5\x93",
        "e\xcc\x81"
        "toile",
    };
    for (size_t i = 0; i < COUNT(none); i++)
        CHECK(finds_nothing(none[i]));
    /* Nor is a NUL the end of one. */
    enum words_language language;
    uint16_t index;
    CHECK(words_find("acor\0n", 4, &language, &index));
    CHECK(!words_find("acor\0n", 5, &language, &index));
}

static void test_a_start_is_completed_in_order(void)
{
    const char *out[WORDS_LIST + 1];
    size_t count = words_complete(WORDS_ENGLISH, "", out, COUNT(out));
    CHECK_INT(count, WORDS_LIST);
    for (uint16_t i = 0; i < WORDS_LIST; i++)
        CHECK(out[i] == words_word(WORDS_ENGLISH, i));
    CHECK_INT(words_complete(WORDS_ENGLISH, "", out, 3), 3);
    CHECK_INT(words_complete(WORDS_ENGLISH, "a", out, 0), 0);
    count = words_complete(WORDS_FRENCH, "ÀB", out, COUNT(out));
    CHECK_INT(count, 2);
    CHECK_TEXT(out[0], "abeille");
    CHECK_TEXT(out[1], "abricot");
    CHECK_INT(words_complete(WORDS_ENGLISH, "zone", out, COUNT(out)), 1);
    CHECK_INT(words_complete(WORDS_ENGLISH, "zones", out, COUNT(out)), 0);
    CHECK_INT(words_complete(WORDS_FRENCH, "acorn", out, COUNT(out)), 0);
    CHECK_INT(words_complete(WORDS_FRENCH, "a-", out, COUNT(out)), 0);
}

/* --- whole codes ------------------------------------------------------------------------------ */

static void test_what_is_written_reads_the_same(void)
{
    rng = rng_from_seed(&luck, 1);
    for (int i = 0; i < 1000; i++) {
        enum words_language language = (enum words_language)(i % WORDS_LANGUAGES), found;
        uint16_t code[WORDS_COUNT], again[WORDS_COUNT];
        char text[WORDS_TEXT_MAX + 1];
        size_t wrong;
        words_pick(code, &rng);
        words_write(text, language, code);
        CHECK(words_read(text, &found, again, &wrong) == FAULT_NONE);
        CHECK(found == language);
        CHECK_BYTES(code, again, sizeof code);
    }
}

static void test_blanks_and_hyphens_are_the_same(void)
{
    static const char *const texts[] = {
        "acorn-acrobat-actor-zone",
        "acorn acrobat actor zone",
        "  ACORN - acro\tactor--zone\r\n",
        "acor acro acto zone",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        enum words_language language;
        uint16_t code[WORDS_COUNT];
        char text[WORDS_TEXT_MAX + 1];
        size_t wrong;
        CHECK(words_read(texts[i], &language, code, &wrong) == FAULT_NONE);
        CHECK(language == WORDS_ENGLISH);
        words_write(text, language, code);
        CHECK_TEXT(text, texts[0]);
    }
}

static void test_the_first_wrong_word_is_named(void)
{
    static const struct {
        const char *text;
        size_t wrong;
    } rows[] = {
        { "", 0 },
        { " - ", 0 },
        { "acor", 1 },
        { "acorn acrobat actor", 3 },
        { "akorn acrobat actor zone", 0 },
        { "acorn akrobat aktor zone", 1 },
        { "acorn acrobat actor z", 3 },
        { "acorn acrobat actor zone acorn", 4 },
        { "acorn acrobat actor zone what", 4 },
        { "acorn acrobat voisin zone", 2 },
        { "voisin acorn acrobat zone", 1 },
        { "voisin abeille abricot zone", 3 },
        { "acorn.acrobat.actor.zone", 0 },
        { "acorn\xe2\x80\x91"
          "acrobat actor zone",
          0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum words_language language = WORDS_LANGUAGES;
        uint16_t code[WORDS_COUNT] = { 7, 7, 7, 7 };
        size_t wrong = 9;
        CHECK(words_read(rows[i].text, &language, code, &wrong) == FAULT_PEER);
        CHECK_INT(wrong, rows[i].wrong);
        CHECK(language == WORDS_LANGUAGES && code[0] == 7); /* nothing else is written */
    }
}

static void test_the_longest_code_fits(void)
{
    char text[WORDS_TEXT_MAX + 1];
    for (int language = 0; language < WORDS_LANGUAGES; language++) {
        size_t longest = 0;
        for (uint16_t i = 0; i < WORDS_LIST; i++) {
            words_write(text, (enum words_language)language, (uint16_t[]){ i, i, i, i });
            CHECK_INT(strlen(text), 4 * strlen(words_word((enum words_language)language, i)) + 3);
            longest = strlen(text) > longest ? strlen(text) : longest;
        }
        CHECK_INT(longest, WORDS_TEXT_MAX);
    }
}

/* Each word is drawn for each place, none much more often than another. */
static void test_every_word_is_picked(void)
{
    static unsigned seen[WORDS_COUNT][WORDS_LIST];
    rng = rng_from_seed(&luck, 2);
    for (int i = 0; i < 64 * WORDS_LIST; i++) {
        uint16_t code[WORDS_COUNT];
        words_pick(code, &rng);
        for (size_t at = 0; at < WORDS_COUNT; at++)
            seen[at][code[at]]++; /* 64 are likely, with a deviation of 8 */
    }
    for (size_t at = 0; at < WORDS_COUNT; at++)
        for (size_t i = 0; i < WORDS_LIST; i++)
            CHECK(seen[at][i] > 64 - 48 && seen[at][i] < 64 + 56);
}

/* --- stretched -------------------------------------------------------------------------------- */

static const uint16_t code_known[WORDS_COUNT] = { 0, 1, 512, 1023 };

static void test_a_stretched_code_matches_an_independent_program(void)
{
    uint8_t out[WORDS_KEY_BYTES], expected[WORDS_KEY_BYTES];
    unhex(expected, sizeof expected,
          "09e979bcd550106678bf2a672325b220b61ff238046df2f20030e8642f466e0a"
          "2296d2ebdf1de565db975383ffe44ba8e69c1c2b344a1d54636071e2963f3932");
    CHECK(words_stretch(out, WORDS_FRENCH, code_known, 500000));
    CHECK_BYTES(out, expected, sizeof out);
}

static void test_code_language_and_hour_all_count(void)
{
    static const uint16_t other[WORDS_COUNT] = { 0, 1, 512, 1022 };
    uint8_t out[4][WORDS_KEY_BYTES];
    CHECK(words_stretch(out[0], WORDS_FRENCH, code_known, 500000));
    CHECK(words_stretch(out[1], WORDS_ENGLISH, code_known, 500000));
    CHECK(words_stretch(out[2], WORDS_FRENCH, other, 500000));
    CHECK(words_stretch(out[3], WORDS_FRENCH, code_known, 500001));
    for (size_t i = 0; i < COUNT(out); i++)
        for (size_t j = 0; j < i; j++)
            CHECK(memcmp(out[i], out[j], WORDS_KEY_BYTES) != 0);
}

TESTS(TEST(test_words_are_short_and_plain_and_sorted),
      TEST(test_four_letters_begin_one_word_of_both_lists), TEST(test_no_two_words_sound_the_same),
      TEST(test_no_word_is_the_plural_of_another), TEST(test_the_lists_are_what_they_were),
      TEST(test_every_word_is_found_and_so_is_its_start), TEST(test_case_and_accents_do_not_matter),
      TEST(test_what_is_no_word_is_not_found), TEST(test_a_start_is_completed_in_order),
      TEST(test_what_is_written_reads_the_same), TEST(test_blanks_and_hyphens_are_the_same),
      TEST(test_the_first_wrong_word_is_named), TEST(test_the_longest_code_fits),
      TEST(test_every_word_is_picked), TEST(test_a_stretched_code_matches_an_independent_program),
      TEST(test_code_language_and_hour_all_count))
