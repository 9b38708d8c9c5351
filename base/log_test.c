#include "base/log.h"
#include "tests/test.h"

static char last[2 * LOG_LINE_MAX_BYTES], last_room[16];
static int lines;

static void keep(void *sink, enum log_level level, const char *room, const char *text)
{
    CHECK(sink == &lines && level >= LOG_NOTE);
    CHECK(strlen(text) < LOG_LINE_MAX_BYTES && strlen(room) < sizeof last_room);
    strcpy(last, text);
    strcpy(last_room, room);
    lines++;
}

static void test_a_line_names_its_room_and_counts_from_its_level(void)
{
    struct log log = { keep, &lines, LOG_NOTE };
    lines = 0;
    log_line(&log, LOG_TRACE, "link", "not asked for");
    CHECK_INT(lines, 0);
    log_line(&log, LOG_NOTE, "link", "%d of %s", 3, "them");
    CHECK_INT(lines, 1);
    CHECK_TEXT(last, "3 of them");
    CHECK_TEXT(last_room, "link");
}

static void test_a_line_too_long_is_cut(void)
{
    struct log log = { keep, &lines, LOG_NOTE };
    log_line(&log, LOG_WARN, "link", "%0*d", 2 * LOG_LINE_MAX_BYTES, 7);
    CHECK_INT(strlen(last), LOG_LINE_MAX_BYTES - 1);
}

static void test_without_a_log_nothing_is_said(void)
{
    struct log silent = { NULL, NULL, LOG_TRACE };
    lines = 0;
    log_line(NULL, LOG_WARN, "link", "unheard");
    log_line(&silent, LOG_WARN, "link", "unheard");
    CHECK_INT(lines, 0);
}

TESTS(TEST(test_a_line_names_its_room_and_counts_from_its_level), TEST(test_a_line_too_long_is_cut),
      TEST(test_without_a_log_nothing_is_said))
