/* Calls on a local network: who is answered, how often, and what a flood of them does. */
#include "engine/node/fixture.h"

#include <stdio.h>

static const char call[] = "BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\n";

/* Calls of Alice's that leave within that time. */
static size_t calls(duration length)
{
    struct address group = node_nearby_group();
    struct datagrams out;
    size_t count = 0;
    for (instant last = now + length;;) {
        while (node_next_datagrams(alice.node, now, &out))
            count += address_equal(&out.to, &group);
        if (node_deadline(alice.node) > last) {
            now = last;
            return count;
        }
        now = later(now, node_deadline(alice.node));
        node_advance(alice.node, now);
    }
}

static void hear(const char *from)
{
    struct address at;
    CHECK(address_parse(from, &at));
    node_hear_nearby(alice.node, now, &at, bytes_of_text(call));
}

static size_t nearby(void)
{
    struct node_health health;
    node_health(alice.node, now, &health);
    return health.nearby;
}

static void begin_in_the_dht(void)
{
    struct node_settings settings = { .place = { .path = NULL } };
    enum store_trouble trouble;
    begin();
    CHECK(node_settle(alice.node) == FAULT_NONE);
    node_destroy(alice.node);
    settings.place = side_place(&alice);
    CHECK(node_create(&settings, now, &alice.rng, NULL, &alice.node, &trouble) == FAULT_NONE);
}

static void be_somewhere(void)
{
    struct address at;
    CHECK(address_parse("192.168.1.2:4711", &at));
    node_listens(alice.node, now, &at, 1);
}

static void test_we_call_when_we_come_and_now_and_then(void)
{
    begin_in_the_dht();
    CHECK_INT(calls(MINUTE), 0); /* nobody could answer us yet */
    be_somewhere();
    CHECK_INT(calls(SECOND), 1);
    CHECK_INT(calls(HOUR), 12);
    end();
}

static void test_a_newcomer_need_not_wait_for_our_next_call(void)
{
    begin_in_the_dht();
    be_somewhere();
    CHECK_INT(calls(MINUTE), 1);
    hear("192.168.1.7:6771");
    CHECK_INT(nearby(), 1);
    CHECK_INT(calls(2 * SECOND), 1);
    hear("192.168.1.7:6771"); /* again: he has heard us */
    CHECK_INT(calls(2 * SECOND), 0);
    hear("91.2.3.4:6771"); /* he is not on our network */
    CHECK_INT(nearby(), 1);
    CHECK_INT(calls(2 * SECOND), 0);
    end();
}

static void test_a_flood_of_calls_is_bounded(void)
{
    char from[32];
    begin_in_the_dht();
    be_somewhere();
    CHECK_INT(calls(MINUTE), 1);
    size_t ours = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(from, sizeof from, "10.1.%d.%d:6771", i / 250, 1 + i % 250);
        hear(from);
        ours += calls(10 * MILLISECOND);
    }
    CHECK(nearby() <= 64);
    CHECK(ours >= 1 && ours <= 11);
    end();
}

TESTS(TEST(test_we_call_when_we_come_and_now_and_then),
      TEST(test_a_newcomer_need_not_wait_for_our_next_call), TEST(test_a_flood_of_calls_is_bounded))
