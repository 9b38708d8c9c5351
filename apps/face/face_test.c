#include "tests/test.h"

#include <stdlib.h>

#include "apps/face/face.h"
#include "base/mem.h"

#define GONE "\xef\xbf\xbd"

static void test_what_could_harm_a_terminal_is_marked(void)
{
    static const struct {
        const char *text, *one_line, *lines;
    } rows[] = {
        { "", "", "" },
        { "Bonjour, ça va ?", "Bonjour, ça va ?", "Bonjour, ça va ?" },
        { "a\nb", "a" GONE "b", "a\nb" },
        { "a\tb", "a b", "a b" },
        { "\x1b[2J\x1b]0;title\x07", GONE "[2J" GONE "]0;title" GONE,
          GONE "[2J" GONE "]0;title" GONE },
        { "a\rb\x08\x7f", "a" GONE "b" GONE GONE, "a" GONE "b" GONE GONE },
        { "\xc2\x9b"
          "31m",
          GONE "31m", GONE "31m" }, /* CSI as one C1 character */
        { "\x9b"
          "31m",
          GONE "31m", GONE "31m" }, /* and as a bare byte */
        { "\xe2\x80\xae"
          "gpj.exe",
          GONE "gpj.exe", GONE "gpj.exe" },                            /* RLO */
        { "\xe2\x81\xa6x\xe2\x81\xa9", GONE "x" GONE, GONE "x" GONE }, /* LRI, PDI */
        { "a\xe2\x80\xa8z", "a" GONE "z", "a" GONE "z" },              /* line separator */
        { "\xc0\x80\xed\xa0\x80", GONE GONE GONE GONE GONE, GONE GONE GONE GONE GONE },
        { "\xf3\xa0\x81\xa7", GONE, GONE }, /* a tag letter */
        { "שלום", "שלום", "שלום" },
        { "👩‍👩‍👧 ❤️ 🇫🇷", "👩‍👩‍👧 ❤️ 🇫🇷",
          "👩‍👩‍👧 ❤️ 🇫🇷" },
        { "\xe2\x82", GONE GONE, GONE GONE },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *one_line = face_clean(rows[i].text, FACE_ONE_LINE);
        char *lines = face_clean(rows[i].text, FACE_LINES);
        CHECK_TEXT(one_line, rows[i].one_line);
        CHECK_TEXT(lines, rows[i].lines);
        mem_free(one_line);
        mem_free(lines);
    }
}

static void test_a_tower_of_marks_is_cut(void)
{
    char tower[2 * 40 + 2] = "a";
    for (size_t i = 0; i < 40; i++)
        memcpy(tower + 1 + 2 * i, "\xcc\x81", 3);
    char *clean = face_clean(tower, FACE_ONE_LINE);
    size_t marks = 0;
    for (char *at = clean; (at = strstr(at, "\xcc\x81")) != NULL; at++)
        marks++;
    CHECK_INT(marks, FACE_MARKS_MAX);
    mem_free(clean);
}

static void test_width_counts_what_a_person_sees(void)
{
    static const struct {
        const char *text;
        size_t width;
    } rows[] = {
        { "", 0 },          { "abc", 3 },  { "é", 1 },
        { "e\xcc\x81", 1 }, { "日本", 4 }, { "👩‍👩‍👧", 2 },
        { "👍🏽", 2 },  { "🇫🇷🇩🇪", 4 }, { "❤️", 2 },
        { "한", 2 },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(face_width(rows[i].text), rows[i].width);
}

static void test_text_fits_its_columns_exactly(void)
{
    static const struct {
        const char *text;
        size_t columns;
        const char *fitted;
    } rows[] = {
        { "abc", 5, "abc  " },
        { "abc", 3, "abc" },
        { "abcd", 3, "ab…" },
        { "", 2, "  " },
        { "日本語", 4, "日… " },
        { "abc", 0, "" },
        { "abc", 1, "…" },
        { "👩‍👩‍👧👩‍👩‍👧", 3, "👩‍👩‍👧…" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *fitted = face_fit(rows[i].text, rows[i].columns);
        CHECK_TEXT(fitted, rows[i].fitted);
        mem_free(fitted);
    }
}

static void test_a_typo_finds_its_word(void)
{
    static const char *const words[] = { "send", "status", "read", "contact", "follow" };
    static const struct {
        const char *word, *nearest;
    } rows[] = {
        { "sned", "send" }, { "staus", "status" }, { "contcat", "contact" }, { "folow", "follow" },
        { "red", "read" },  { "xyz", NULL },       { "mississippi", NULL },  { "", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *nearest = face_nearest(rows[i].word, words, COUNT(words));
        CHECK((nearest == NULL) == (rows[i].nearest == NULL));
        if (nearest != NULL)
            CHECK_TEXT(nearest, rows[i].nearest);
    }
    char longest[200];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK(face_nearest(longest, words, COUNT(words)) == NULL);
}

static void test_times_read_as_people_say_them(void)
{
    setenv("TZ", "UTC", 1);
    char text[FACE_TIME_BYTES];
    const instant now = 1795370760 * SECOND; /* 2026-11-22 18:06 */
    face_time(now - HOUR, now, text);
    CHECK_TEXT(text, "17:06");
    face_time(now - DAY, now, text);
    CHECK_TEXT(text, "21 Nov 18:06");
    face_time(now - 365 * DAY, now, text);
    CHECK_TEXT(text, "22 Nov 2025 18:06");
    face_duration(350 * MILLISECOND, text);
    CHECK_TEXT(text, "350 ms");
    face_duration(90 * SECOND, text);
    CHECK_TEXT(text, "90 s");
    face_duration(49 * HOUR, text);
    CHECK_TEXT(text, "2 days");
}

static void test_a_card_in_capitals_makes_a_small_code(void)
{
    char card[90];
    memset(card, 'Q', 89);
    card[89] = '\0';
    memcpy(card, "RMG1", 4);
    char *plain = face_qr(card, false), *coloured = face_qr(card, true);
    size_t lines = 0;
    for (const char *at = plain; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK_INT(lines, (33 + 8 + 1) / 2); /* version 4 */
    CHECK(strchr(plain, '\x1b') == NULL && strchr(coloured, '\x1b') != NULL);
    mem_free(plain);
    mem_free(coloured);
}

TESTS(TEST(test_what_could_harm_a_terminal_is_marked), TEST(test_a_tower_of_marks_is_cut),
      TEST(test_width_counts_what_a_person_sees), TEST(test_text_fits_its_columns_exactly),
      TEST(test_a_typo_finds_its_word), TEST(test_times_read_as_people_say_them),
      TEST(test_a_card_in_capitals_makes_a_small_code))
