#include "apps/daemon/config.h"
#include "tests/test.h"

static struct config config;

static size_t read_text(const char *text)
{
    return config_read(&config, bytes_of_text(text));
}

static void test_an_empty_file_asks_for_nothing(void)
{
    CHECK_INT(read_text(""), 0);
    CHECK_INT(read_text("# a comment\n\n; another\n"), 0);
    CHECK_INT(config.listen_count, 0);
}

static void test_addresses_are_read_in_order(void)
{
    char text[ADDRESS_TEXT_BYTES];
    CHECK_INT(read_text("listen = 0.0.0.0:4711\nlisten=[::]:4712"), 0);
    CHECK_INT(config.listen_count, 2);
    address_print(&config.listen[0], text);
    CHECK_TEXT(text, "0.0.0.0:4711");
    address_print(&config.listen[1], text);
    CHECK_TEXT(text, "[::]:4712");
}

static void test_a_mistake_is_named_by_its_line_and_nothing_is_taken(void)
{
    static const struct {
        const char *text;
        size_t line;
    } files[] = {
        { "listen = 0.0.0.0:4711\nlisten = here", 2 },
        { "lisen = 0.0.0.0:4711", 1 }, /* not passed over */
        { "\n\nlisten", 3 },
        { "[network]\nlisten = 0.0.0.0:4711", 1 },
        { "listen = 0.0.0.0:4711 5", 1 },
        { "listen =", 1 },
        { "listen = 0.0.0.0:4711\n  listen = x", 2 },
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        CHECK_INT(read_text(files[i].text), files[i].line);
        CHECK_INT(config.listen_count, 0);
    }
    CHECK_INT(config_read(&config, (struct bytes){ (const uint8_t *)"#\0\n", 3 }), 1);
}

static void test_limits_are_exact(void)
{
    char text[CONFIG_MAX_BYTES + 2] = "";
    for (int i = 0; i < DAEMON_LISTEN_MAX; i++)
        strcat(text, "listen = 127.0.0.1:4711\n");
    CHECK_INT(read_text(text), 0);
    strcat(text, "listen = 127.0.0.1:4711\n");
    CHECK_INT(read_text(text), DAEMON_LISTEN_MAX + 1);
    memset(text, '\n', sizeof text);
    CHECK_INT(config_read(&config, (struct bytes){ (uint8_t *)text, CONFIG_MAX_BYTES }), 0);
    CHECK(config_read(&config, (struct bytes){ (uint8_t *)text, CONFIG_MAX_BYTES + 1 }) != 0);
    memset(text, '#', 151);
    CHECK_INT(config_read(&config, (struct bytes){ (uint8_t *)text, 150 }), 0);
    CHECK_INT(config_read(&config, (struct bytes){ (uint8_t *)text, 151 }), 1);
}

TESTS(TEST(test_an_empty_file_asks_for_nothing), TEST(test_addresses_are_read_in_order),
      TEST(test_a_mistake_is_named_by_its_line_and_nothing_is_taken), TEST(test_limits_are_exact))
