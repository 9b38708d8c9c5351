#include "engine/dht/dht.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

static bool reads_bytes(struct bytes call, uint16_t *port)
{
    struct address from, node;
    CHECK(address_parse("192.168.1.7:9", &from));
    bool good = dht_nearby_read(&from, call, &node);
    *port = node.port;
    return good && memcmp(node.ip, from.ip, sizeof node.ip) == 0;
}

static bool reads(const char *text, uint16_t *port)
{
    return reads_bytes(bytes_of_text(text), port);
}

static void test_what_we_write_names_our_port_and_nothing_that_stays(void)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    char one[DHT_NEARBY_MAX_BYTES], other[DHT_NEARBY_MAX_BYTES];
    uint16_t port = 0;
    for (unsigned i = 1; i <= 65535; i += 1311) {
        size_t size = dht_nearby_call(one, (uint16_t)i, &rng);
        CHECK(reads_bytes((struct bytes){ (uint8_t *)one, size }, &port) && port == i);
    }
    dht_nearby_call(one, 7, &rng);
    dht_nearby_call(other, 7, &rng);
    CHECK(strncmp(strstr(one, "Infohash: ") + 10, strstr(other, "Infohash: ") + 10, 40) != 0);
    CHECK(strcmp(strstr(one, "cookie"), strstr(other, "cookie")) != 0);
}

static void test_other_clients_are_understood(void)
{
    uint16_t port;
    CHECK(reads("BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nport:6881\r\n"
                "Infohash: 0123456789012345678901234567890123456789\r\n"
                "Infohash: 9123456789012345678901234567890123456789\r\n\r\n\r\n",
                &port) &&
          port == 6881);
    CHECK(reads("BT-SEARCH * HTTP/1.1\r\nX: y\r\nPORT:   1\r\n", &port) && port == 1);
}

static void test_whoever_is_not_near_is_not_believed(void)
{
    struct address far, node;
    CHECK(address_parse("91.1.1.1:6771", &far));
    CHECK(dht_nearby_read(&far, bytes_of_text("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n"), &node));
    CHECK_INT(node.port, 0);
}

static void test_anything_else_is_not(void)
{
    static const char *const texts[] = {
        "",
        "BT-SEARCH * HTTP/1.1\r\n",
        "BT-SEARCH * HTTP/1.0\r\nPort: 1\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 0\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 123456\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 6 \r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort:\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 6881",
        "BT-SEARCH * HTTP/1.1\r\nPort: 6881\r",
        "BT-SEARCH * HTTP/1.1\r\nSupport: 6881\r\n",
    };
    uint16_t port;
    for (size_t i = 0; i < COUNT(texts); i++)
        CHECK(!reads(texts[i], &port));
    char longest[1500] = "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n";
    CHECK(reads_bytes((struct bytes){ (uint8_t *)longest, 1400 }, &port));
    CHECK(!reads_bytes((struct bytes){ (uint8_t *)longest, 1401 }, &port));
}

TESTS(TEST(test_what_we_write_names_our_port_and_nothing_that_stays),
      TEST(test_other_clients_are_understood), TEST(test_whoever_is_not_near_is_not_believed),
      TEST(test_anything_else_is_not))
