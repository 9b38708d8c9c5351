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

static void test_the_dht_is_on_with_the_built_in_routers_unless_told_otherwise(void)
{
    char text[ADDRESS_TEXT_BYTES];
    CHECK_INT(read_text("listen = 127.0.0.1:1"), 0);
    CHECK(!config.dht_off && !config.dht_read_only && !config.has_routers);
    CHECK_INT(read_text("dht = on\ndht.read-only = no"), 0);
    CHECK(!config.dht_off && !config.dht_read_only);
    CHECK_INT(read_text("dht = off\ndht.read-only = yes\ndht.bootstrap = 192.0.2.7:6881\n"
                        "dht.bootstrap = [2001:db8::7]:1\ndht.router = none"),
              0);
    CHECK(config.dht_off && config.dht_read_only && config.has_routers);
    CHECK(!config.nearby_off);
    CHECK_INT(config.router_count, 0);
    CHECK_INT(config.bootstrap_count, 2);
    CHECK_INT(read_text("nearby = off"), 0);
    CHECK(config.nearby_off && !config.dht_off);
    CHECK_INT(read_text("dht.router = none\ndht.bootstrap = 192.0.2.7:6881\n"
                        "dht.bootstrap = [2001:db8::7]:1"),
              0);
    address_print(&config.bootstrap[1], text);
    CHECK_TEXT(text, "[2001:db8::7]:1");
    CHECK_INT(read_text("dht.router = a.example.org:6881\ndht.router = b-2.example:65535"), 0);
    CHECK_INT(config.router_count, 2);
    CHECK_TEXT(config.routers[1].name, "b-2.example");
    CHECK_INT(config.routers[1].port, 65535);
}

static void test_a_router_is_a_name_and_a_port(void)
{
    static const char *const wrong[] = {
        "dht.router = a.example",
        "dht.router = a.example:0",
        "dht.router = a.example:65536",
        "dht.router = a.example:1x",
        "dht.router = a.example:",
        "dht.router = :6881",
        "dht.router = .example:1",
        "dht.router = a..b:1",
        "dht.router = -a:1",
        "dht.router = a.:1",
        "dht.router = a_b:1",
        "dht.router = [::1]:1",
        "dht.router = a b:1",
        "dht.router = a:000001",
        "dht.router =",
        "dht.router = none:none",
        "dht = no",
        "dht.read-only = maybe",
        "dht.read-only = on",
        "dht.routers = none",
        "dht.bootstrap = a:1",
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        CHECK_INT(read_text(wrong[i]), 1);
    CHECK_INT(read_text("dht.router = a:1\ndht.router = none"), 2);
    CHECK_INT(read_text("dht.router = none\ndht.router = a:1"), 2);
    CHECK_INT(read_text("dht.router = none\ndht.router = none"), 2);
    CHECK(!config.has_routers);
}

static void test_limits_are_exact(void)
{
    char text[CONFIG_MAX_BYTES + 2] = "";
    for (int i = 0; i < DAEMON_LISTEN_MAX; i++)
        strcat(text, "listen = 127.0.0.1:4711\n");
    CHECK_INT(read_text(text), 0);
    strcat(text, "listen = 127.0.0.1:4711\n");
    CHECK_INT(read_text(text), DAEMON_LISTEN_MAX + 1);
    text[0] = '\0';
    for (int i = 0; i < CONFIG_ROUTERS_MAX; i++)
        strcat(text, "dht.router = a.example:1\n");
    for (int i = 0; i < CONFIG_BOOTSTRAP_MAX; i++)
        strcat(text, "dht.bootstrap = 192.0.2.1:1\n");
    CHECK_INT(read_text(text), 0);
    strcat(text, "dht.router = a.example:1\n");
    CHECK_INT(read_text(text), CONFIG_ROUTERS_MAX + CONFIG_BOOTSTRAP_MAX + 1);
    memset(text, '\n', sizeof text);
    CHECK_INT(config_read(&config, (struct bytes){ (uint8_t *)text, CONFIG_MAX_BYTES }), 0);
    CHECK(config_read(&config, (struct bytes){ (uint8_t *)text, CONFIG_MAX_BYTES + 1 }) != 0);
    memset(text, '#', 151);
    CHECK_INT(config_read(&config, (struct bytes){ (uint8_t *)text, 150 }), 0);
    CHECK_INT(config_read(&config, (struct bytes){ (uint8_t *)text, 151 }), 1);
}

TESTS(TEST(test_an_empty_file_asks_for_nothing), TEST(test_addresses_are_read_in_order),
      TEST(test_a_mistake_is_named_by_its_line_and_nothing_is_taken),
      TEST(test_the_dht_is_on_with_the_built_in_routers_unless_told_otherwise),
      TEST(test_a_router_is_a_name_and_a_port), TEST(test_limits_are_exact))
