#include "engine/dht/bencode.h"
#include "tests/test.h"

static bool reads(struct bytes text)
{
    struct cursor in = cursor_over(text);
    struct bencode value;
    return bencode_take(&in, &value) && cursor_done(&in);
}

static struct bencode taken(const char *text)
{
    struct cursor in = cursor_over(bytes_of_text(text));
    struct bencode value;
    CHECK(bencode_take(&in, &value) && cursor_done(&in));
    CHECK(bytes_equal(value.whole, bytes_of_text(text)));
    return value;
}

static void test_values_have_one_shortest_form(void)
{
    static const struct {
        const char *text;
        bool reads, canonical;
    } cases[] = {
        { "i0e", true, true },
        { "i-1e", true, true },
        { "i10e", true, true },
        { "0:", true, true },
        { "3:a:b", true, true },
        { "10:0123456789", true, true },
        { "le", true, true },
        { "de", true, true },
        { "ld1:ali1eeee", true, true },
        { "d1:a0:1:bi1ee", true, true },
        { "d0:0:1:a0:e", true, true },
        { "d1:a0:2:aa0:1:b0:e", true, true }, /* a prefix comes first */
        { "d1:b0:1:a0:e", true, false },
        { "d1:a0:1:a0:e", true, false },
        { "d2:aa0:1:a0:e", true, false },
        { "ld1:b0:1:a0:ee", true, false },
        { "d1:ad1:b0:1:a0:ee", true, false },
        { "d1:ad1:a0:e1:b0:e", true, true }, /* keys inside are not compared with those outside */
        { "d1:\x80"
          "0:1:a0:e",
          true, false }, /* keys are bytes, not signed letters */
        { "", false, false },
        { "e", false, false },
        { "x", false, false },
        { "i-0e", false, false },
        { "i00e", false, false },
        { "i01e", false, false },
        { "i-01e", false, false },
        { "i+1e", false, false },
        { "i e", false, false },
        { "ie", false, false },
        { "i-e", false, false },
        { "i1", false, false },
        { "i1.5e", false, false },
        { "01:a", false, false },
        { "00:", false, false },
        { "1:", false, false },
        { "1", false, false },
        { "-1:a", false, false },
        { ":", false, false },
        { "2:a", false, false },
        { "99999999999999999999999999999:a", false, false },
        { "18446744073709551617:a", false, false }, /* 2^64 + 1 is not 1 */
        { "l", false, false },
        { "lx", false, false },
        { "d", false, false },
        { "di1e0:e", false, false }, /* keys are strings */
        { "dle0:e", false, false },
        { "d1:ae", false, false }, /* a key without a value */
        { "d1:a", false, false },
        { "d1:a0:", false, false },
        { "i1ei2e", false, false }, /* something behind */
        { "dee", false, false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes text = bytes_of_text(cases[i].text);
        CHECK_INT(reads(text), cases[i].reads);
        CHECK_INT(bencode_is_canonical(text), cases[i].canonical);
    }
}

static void test_integers_are_64_bits_or_have_no_number(void)
{
    static const struct {
        const char *text;
        bool has;
        int64_t number;
    } cases[] = {
        { "i0e", true, 0 },
        { "i-7e", true, -7 },
        { "i9223372036854775807e", true, INT64_MAX },
        { "i-9223372036854775808e", true, INT64_MIN },
        { "i9223372036854775808e", false, 0 },
        { "i-9223372036854775809e", false, 0 },
        { "i99999999999999999999999999999999999e", false, 0 },
        { "1:1", false, 0 },
        { "le", false, 0 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bencode value = taken(cases[i].text);
        CHECK_INT(value.has_number, cases[i].has);
        CHECK(value.number == cases[i].number);
    }
}

static void test_what_is_inside_is_a_view(void)
{
    static const struct {
        const char *text;
        enum bencode_kind kind;
        const char *inside;
    } cases[] = {
        { "4:spam", BENCODE_STRING, "spam" },
        { "0:", BENCODE_STRING, "" },
        { "li1e4:spame", BENCODE_LIST, "i1e4:spam" },
        { "le", BENCODE_LIST, "" },
        { "d1:ad1:bleee", BENCODE_DICTIONARY, "1:ad1:blee" },
        { "i12e", BENCODE_INTEGER, "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bencode value = taken(cases[i].text);
        CHECK_INT(value.kind, cases[i].kind);
        CHECK(bytes_equal(value.inside, bytes_of_text(cases[i].inside)));
        bool string = cases[i].kind == BENCODE_STRING;
        CHECK(bytes_equal(bencode_string(&value), string ? value.inside : (struct bytes){ 0 }));
    }
}

static void test_values_are_taken_one_after_another(void)
{
    struct cursor in = cursor_over(bytes_of_text("i1e1:ale"));
    static const enum bencode_kind kinds[] = { BENCODE_INTEGER, BENCODE_STRING, BENCODE_LIST };
    struct bencode value;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        CHECK(bencode_take(&in, &value));
        CHECK_INT(value.kind, kinds[i]);
    }
    CHECK(!bencode_take(&in, &value) && cursor_done(&in)); /* an end is no fault */
    in = cursor_over(bytes_of_text("i1ex"));
    CHECK(bencode_take(&in, &value) && !bencode_take(&in, &value));
    CHECK(!cursor_good(&in) && !bencode_take(&in, &value));
}

static struct bytes nested(uint8_t *text, unsigned depth)
{
    memset(text, 'l', depth);
    memset(text + depth, 'e', depth);
    return (struct bytes){ text, 2 * (size_t)depth };
}

static void test_depth_has_an_end(void)
{
    uint8_t text[2 * (BENCODE_DEPTH_MAX + 1)];
    CHECK(reads(nested(text, BENCODE_DEPTH_MAX)));
    CHECK(bencode_is_canonical(nested(text, BENCODE_DEPTH_MAX)));
    CHECK(!reads(nested(text, BENCODE_DEPTH_MAX + 1)));
    CHECK(!bencode_is_canonical(nested(text, BENCODE_DEPTH_MAX + 1)));
}

static void test_nothing_is_read_past_the_end(void)
{
    static const char whole[] = "d1:ad2:id3:abce1:bli-12e0:ee";
    CHECK(bencode_is_canonical(bytes_of_text(whole)));
    for (size_t size = 0; size < strlen(whole); size++) {
        uint8_t cut[sizeof whole];
        memcpy(cut, whole, size);
        memset(cut + size, 'e', sizeof cut - size); /* what would end it lies behind */
        CHECK(!reads((struct bytes){ cut, size }));
    }
}

static void test_what_is_written_is_canonical(void)
{
    static const int64_t numbers[] = { 0, 1, -1, 10, -10, INT64_MAX, INT64_MIN };
    uint8_t memory[64];
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct cursor out = cursor_into(memory, sizeof memory);
        CHECK(bencode_put_integer(&out, numbers[i]));
        struct cursor in = cursor_over(cursor_written(&out));
        struct bencode value;
        CHECK(bencode_is_canonical(cursor_written(&out)) && bencode_take(&in, &value));
        CHECK(value.has_number && value.number == numbers[i]);
    }
    struct cursor out = cursor_into(memory, 13);
    CHECK(bencode_put_string(&out, bytes_of_text("0123456789")));
    CHECK(bytes_equal(cursor_written(&out), bytes_of_text("10:0123456789")));
    CHECK(!bencode_put_string(&out, bytes_of_text("")) && !cursor_good(&out));
    out = cursor_into(memory, 12);
    CHECK(!bencode_put_string(&out, bytes_of_text("0123456789")));
    out = cursor_into(memory, 3);
    CHECK(!bencode_put_integer(&out, -1));
}

TESTS(TEST(test_values_have_one_shortest_form), TEST(test_integers_are_64_bits_or_have_no_number),
      TEST(test_what_is_inside_is_a_view), TEST(test_values_are_taken_one_after_another),
      TEST(test_depth_has_an_end), TEST(test_nothing_is_read_past_the_end),
      TEST(test_what_is_written_is_canonical))
