/* Halves of a message 1: in any order, twice, from two addresses, late, and in a crowd. */
#include "engine/link/net_test.h"
#include "engine/link/stash.h"

static struct net net;
static struct net_call call;

/* Person 0 has dialled person 1, and nothing has arrived. */
static void begin(uint64_t seed)
{
    net_start(&net, seed, 2);
    net_befriend(&net, 0, 1);
    CHECK(net_dial(&net, 0, 1) != 0);
    net_take_call(&net, 0, &call);
}

static size_t answers(void)
{
    struct link_batch batch;
    size_t count = 0;
    while (links_next_batch(net.people[1].links, net.now, &batch))
        count += (batch.bytes.size + batch.segment - 1) / batch.segment;
    return count;
}

static void test_halves_come_in_any_order_and_twice(void)
{
    static const size_t orders[][4] = {
        { 0, 1, 0, 1 }, { 1, 0, 1, 0 }, { 0, 0, 1, 1 }, { 1, 1, 0, 0 }
    };
    for (size_t order = 0; order < COUNT(orders); order++) {
        begin(1);
        size_t first_answer = orders[order][0] == orders[order][1] ? 2 : 1;
        for (size_t i = 0; i < 4; i++) {
            links_receive(net.people[1].links, net.now, &net.people[0].at,
                          net_half(&call, orders[order][i]));
            /* Two when it is whole; later halves are answered by one each, earlier ones not. */
            size_t expected = i < first_answer ? 0 : i == first_answer ? 2 : 1;
            CHECK_INT(answers(), expected);
        }
        CHECK_INT(links_count(net.people[1].links), 1);
        CHECK(net_until(&net, 1, LINK_UP, 1, SECOND)); /* by the repeated flight */
        net_finish(&net);
    }
}

/* A caller behind two NATs, say: each half through another. The later one is answered first. */
static void test_halves_come_from_two_addresses_of_one_caller(void)
{
    struct address other = net_address("192.0.2.9:9");
    struct link_batch batch;
    for (size_t late = 0; late < 2; late++) {
        begin(2);
        struct links *links = net.people[1].links;
        links_receive(links, net.now, &other, net_half(&call, 1 - late));
        CHECK_INT(answers(), 0);
        links_receive(links, net.now, &net.people[0].at, net_half(&call, late));
        CHECK(links_next_batch(links, net.now, &batch));
        CHECK(address_equal(&batch.to, &net.people[0].at));
        CHECK_INT(answers(), 1);
        CHECK(net_until(&net, 0, LINK_UP, 1, SECOND));
        CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
        net_finish(&net);
    }
}

static void test_a_half_waits_two_seconds(void)
{
    for (duration wait = STASH_FOR - 1; wait <= STASH_FOR; wait++) {
        begin(3);
        links_receive(net.people[1].links, net.now, &net.people[0].at, net_half(&call, 0));
        net.now += wait;
        links_receive(net.people[1].links, net.now, &net.people[0].at, net_half(&call, 1));
        CHECK_INT(answers(), wait < STASH_FOR ? 2 : 0);
        net_finish(&net);
    }
}

static void test_halves_of_two_calls_make_none(void)
{
    struct net_call second;
    begin(4);
    links_close_all(net.people[0].links, net.now);
    net_run(&net, MILLISECOND);
    CHECK(net_dial(&net, 0, 1) != 0);
    net_take_call(&net, 0, &second);
    links_receive(net.people[1].links, net.now, &net.people[0].at, net_half(&call, 0));
    links_receive(net.people[1].links, net.now, &net.people[0].at, net_half(&second, 1));
    CHECK_INT(answers(), 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    links_receive(net.people[1].links, net.now, &net.people[0].at, net_half(&second, 0));
    CHECK_INT(answers(), 2);
    net_finish(&net);
}

static void test_a_key_may_be_forgotten_at_any_point_of_a_call(void)
{
    for (int point = 0; point < 3; point++) {
        begin(5);
        struct person *called = &net.people[1];
        struct dh_pair next;
        uint8_t certificate[CERTIFICATE_BYTES];
        dh_pair_make(&next, &called->rng);
        certificate_write(certificate, &called->account, &called->device, next.public,
                          LINK_ROLE_CONTACT, 19007, 30000);
        CHECK(links_hold(called->links, LINK_ROLE_CONTACT, &next, certificate) == FAULT_NONE);
        if (point == 0)
            links_forget(called->links, called->link_key.public);
        net_inject(&net, 1, &net.people[0].at, net_half(&call, 0));
        if (point == 1)
            links_forget(called->links, called->link_key.public);
        net_inject(&net, 1, &net.people[0].at, net_half(&call, 1));
        if (point == 2) /* answered already: that call goes on */
            links_forget(called->links, called->link_key.public);
        CHECK(net_until(&net, 1, LINK_UP, 1, 2 * SECOND) == (point == 2));
        CHECK((called->sent_datagrams > 0) == (point == 2));
        net_finish(&net);
    }
}

/* --- the stash itself ----------------------------------------------------------------------- */

static struct stash stash;

static bool holds(instant now, uint32_t number)
{
    uint8_t id[WIRE_FIRST_ID_BYTES] = { 0 };
    struct bytes found;
    size_t at = 0;
    memcpy(id, &number, sizeof number);
    return stash_next(&stash, now, BYTES_OF(id), &at, &found);
}

static void keep(instant now, uint64_t source, uint32_t number)
{
    uint8_t id[WIRE_FIRST_ID_BYTES] = { 0 };
    memcpy(id, &number, sizeof number);
    stash_keep(&stash, now, source, BYTES_OF(id), BYTES_OF(id));
}

static void test_one_source_pushes_out_only_its_own(void)
{
    keep(SECOND, 1, 1);
    for (uint32_t i = 0; i <= STASH_MOST_PER_SOURCE; i++)
        keep(SECOND, 2, 100 + i);
    CHECK(holds(SECOND, 1));
    CHECK(!holds(SECOND, 100) && holds(SECOND, 101));
    CHECK_INT(stash.count, 1 + STASH_MOST_PER_SOURCE);
    stash_finish(&stash);
}

static void test_a_crowd_pushes_out_the_oldest(void)
{
    for (uint32_t i = 0; i <= STASH_MAX; i++)
        keep(SECOND, i, i + 1);
    CHECK_INT(stash.count, STASH_MAX);
    CHECK(!holds(SECOND, 1) && holds(SECOND, 2) && holds(SECOND, STASH_MAX + 1));
    keep(SECOND + STASH_FOR, 7, 7777); /* all others are too old by now */
    CHECK_INT(stash.count, 1);
    stash_finish(&stash);
}

static void test_the_same_half_is_kept_once(void)
{
    for (int i = 0; i < 20; i++)
        keep(SECOND, 1, 5);
    CHECK_INT(stash.count, 1);
    uint8_t id[WIRE_FIRST_ID_BYTES] = { 5 };
    stash_drop(&stash, BYTES_OF(id));
    CHECK_INT(stash.count, 0);
    stash_finish(&stash);
}

TESTS(TEST(test_halves_come_in_any_order_and_twice),
      TEST(test_halves_come_from_two_addresses_of_one_caller), TEST(test_a_half_waits_two_seconds),
      TEST(test_halves_of_two_calls_make_none),
      TEST(test_a_key_may_be_forgotten_at_any_point_of_a_call),
      TEST(test_one_source_pushes_out_only_its_own), TEST(test_a_crowd_pushes_out_the_oldest),
      TEST(test_the_same_half_is_kept_once))
