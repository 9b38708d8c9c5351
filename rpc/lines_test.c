#include "tests/test.h"

#include "base/mem.h"
#include "rpc/rpc.h"

static bool next_is(struct rpc_lines *lines, const char *text)
{
    struct bytes line;
    return rpc_lines_next(lines, &line) == RPC_LINE_WHOLE && bytes_equal(line, bytes_of_text(text));
}

static void test_lines_come_whole_however_they_are_cut(void)
{
    const char *stream = "one\n\n\r\ntwo\r\nthr\ree\nrest";
    for (size_t step = 1; step <= strlen(stream); step++) {
        struct rpc_lines *lines = rpc_lines_create();
        const char *const expected[] = { "one", "two", "thr\ree" };
        size_t found = 0;
        for (size_t at = 0; at < strlen(stream); at += step) {
            size_t left = strlen(stream) - at;
            rpc_lines_feed(lines,
                           (struct bytes){ (uint8_t *)stream + at, left < step ? left : step });
            struct bytes line;
            while (rpc_lines_next(lines, &line) == RPC_LINE_WHOLE)
                CHECK(bytes_equal(line, bytes_of_text(expected[found++])));
        }
        CHECK_INT(found, COUNT(expected));
        rpc_lines_feed(lines, bytes_of_text("\n"));
        CHECK(next_is(lines, "rest"));
        rpc_lines_destroy(lines);
    }
}

static void test_the_longest_line_passes_and_one_byte_more_does_not(void)
{
    for (size_t size = RPC_LINE_MAX_BYTES; size <= RPC_LINE_MAX_BYTES + 1; size++) {
        uint8_t *text = mem_zeroed(1, size);
        memset(text, 'x', size);
        struct rpc_lines *lines = rpc_lines_create();
        struct bytes line;
        rpc_lines_feed(lines, (struct bytes){ text, size });
        bool fits = size == RPC_LINE_MAX_BYTES;
        CHECK(rpc_lines_next(lines, &line) == (fits ? RPC_LINE_NONE : RPC_LINE_OVERLONG));
        rpc_lines_feed(lines, bytes_of_text("\n{}\n"));
        CHECK(rpc_lines_next(lines, &line) == (fits ? RPC_LINE_WHOLE : RPC_LINE_OVERLONG));
        if (fits)
            CHECK(next_is(lines, "{}"));
        else
            CHECK(rpc_lines_next(lines, &line) == RPC_LINE_OVERLONG); /* for good */
        rpc_lines_destroy(lines);
        mem_free(text);
    }
}

static void test_answers_and_errors_are_lines(void)
{
    json_t *id = json_integer(3);
    struct rpc_text_line line = rpc_answer_line(id, json_pack("{s:s}", "a", "é\n"));
    CHECK_TEXT(line.data, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"a\":\"é\\n\"}}\n");
    CHECK_INT(line.size, strlen(line.data));
    rpc_line_free(&line);
    line = rpc_error_line(NULL, RPC_LOCKED, NULL, json_pack("{s:i}", "retry_after", 3));
    CHECK_TEXT(line.data, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":501,\"message\":"
                          "\"Ramage is locked\",\"data\":{\"name\":\"LOCKED\",\"hint\":\"open it "
                          "with `ramage unlock`\",\"retry_after\":3}}}\n");
    rpc_line_free(&line);
    line = rpc_error_line(id, RPC_BAD_NAME, "\xff", NULL); /* a quote that is no UTF-8 */
    CHECK(strstr(line.data, "that cannot be a name") != NULL);
    rpc_line_free(&line);
    json_decref(id);
}

static void test_an_answer_too_long_becomes_an_error(void)
{
    char *text = mem_zeroed(1, RPC_LINE_MAX_BYTES + 1);
    memset(text, 'x', RPC_LINE_MAX_BYTES);
    struct rpc_text_line line = rpc_answer_line(NULL, json_pack("{s:s}", "a", text));
    CHECK(strstr(line.data, "INTERNAL") != NULL);
    rpc_line_free(&line);
    mem_free(text);
}

static void test_times_print_and_read_back(void)
{
    static const struct {
        instant when;
        const char *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 1795370760 * SECOND + 7 * MILLISECOND, "2026-11-22T18:06:00.007Z" },
        { 951782400 * SECOND, "2000-02-29T00:00:00.000Z" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[RPC_TIME_BYTES];
        instant again;
        rpc_time_print(rows[i].when, text);
        CHECK_TEXT(text, rows[i].text);
        CHECK(rpc_time_parse(text, &again) && again == rows[i].when);
    }
    static const char *const wrong[] = {
        "",
        "2026-11-22",
        "2026-11-22T18:06:00Z",
        "2026-11-22T18:06:00.007",
        "2026-11-22T18:06:00.07Z",
        "2026-02-30T18:06:00.007Z",
        "1969-12-31T23:59:59.000Z",
        "2026-11-22T18:06:00.007Z ",
        "9999-11-22T18:06:00.007Z",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        instant out;
        CHECK(!rpc_time_parse(wrong[i], &out));
    }
}

TESTS(TEST(test_lines_come_whole_however_they_are_cut),
      TEST(test_the_longest_line_passes_and_one_byte_more_does_not),
      TEST(test_answers_and_errors_are_lines), TEST(test_an_answer_too_long_becomes_an_error),
      TEST(test_times_print_and_read_back))
