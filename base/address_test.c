#include "base/address.h"
#include "tests/test.h"

static void test_addresses_print_as_they_were_read(void)
{
    static const char *const texts[] = { "192.0.2.1:4711", "0.0.0.0:1", "[2001:db8::1]:65535",
                                         "[::1]:80", "[fe80::1]:9" };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct address address;
        char text[ADDRESS_TEXT_BYTES];
        CHECK(address_parse(texts[i], &address));
        address_print(&address, text);
        CHECK_TEXT(text, texts[i]);
        CHECK(address_is_ipv4(&address) == (texts[i][0] != '['));
    }
}

static void test_what_is_no_address_is_refused(void)
{
    static const char *const texts[] = { "",
                                         ":",
                                         "192.0.2.1",
                                         "192.0.2.1:",
                                         "192.0.2.1:0",
                                         "192.0.2.1:65536",
                                         "192.0.2.1:04711",
                                         "192.0.2.1:+1",
                                         "192.0.2.1: 1",
                                         "192.0.2.256:1",
                                         "localhost:1",
                                         "2001:db8::1:80x",
                                         "[2001:db8::1]",
                                         "[192.0.2.1]:1",
                                         "[]:1",
                                         "192.0.2.1:1 ",
                                         "[::1]:80]",
                                         "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:1" };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct address address = { { 0 }, 7 };
        CHECK(!address_parse(texts[i], &address));
        CHECK_INT(address.port, 7);
    }
}

static void test_equality_asks_host_and_port(void)
{
    struct address a, b, c;
    CHECK(address_parse("192.0.2.1:1", &a) && address_parse("[::ffff:192.0.2.1]:1", &b));
    CHECK(address_parse("192.0.2.1:2", &c));
    CHECK(address_equal(&a, &b)); /* the mapped form is the same place */
    CHECK(!address_equal(&a, &c));
}

TESTS(TEST(test_addresses_print_as_they_were_read), TEST(test_what_is_no_address_is_refused),
      TEST(test_equality_asks_host_and_port))
