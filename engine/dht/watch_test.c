/* An item that is watched: how soon a newer one is told, and what that costs. */
#include "engine/dht/net_test.h"

#define EVERY (1 * MINUTE)

static struct net net;
static struct sign_pair pair;
static size_t watcher, writer;
static dht_op watch;

static void put(int64_t seq)
{
    static uint8_t value[] = "4:text";
    struct item item = { .mutable = true, .seq = seq, .value = { value, 6 } };
    item_sign(&item, &pair);
    dht_op op = net_begin(&net, writer, &(struct dht_request){ .task = DHT_PUT, .item = &item });
    size_t told = net_until(&net, writer, DHT_STORED, op, MINUTE);
    CHECK(told != 0 && net.nodes[writer].events[told - 1].stored > 0);
}

static void begin(size_t nodes)
{
    net_start(&net, 7);
    net_grow(&net, nodes);
    watcher = 0;
    writer = 1;
    sign_pair_make(&pair, &net.rng);
    put(1);
    struct item item = { .mutable = true };
    memcpy(item.key, pair.public, sizeof item.key);
    struct dht_request request = {
        .task = DHT_GET, .item = &item, .keep_up = true, .watch_every = EVERY
    };
    item_target(request.target.bytes, &item);
    watch = net_begin(&net, watcher, &request);
    CHECK(net_until(&net, watcher, DHT_ENDED, watch, MINUTE) != 0);
    CHECK_INT(net_told_count(&net, watcher, DHT_ITEM, watch), 1);
}

static uint64_t queries(void)
{
    struct dht_status status;
    dht_look(net_dht(&net, watcher), net.now, &status);
    return status.queries;
}

static void test_a_newer_one_is_told_soon(void)
{
    begin(60);
    for (int64_t seq = 2; seq <= 12; seq++) {
        net_run(&net, 10 * MINUTE + (duration)seq * 7 * SECOND);
        put(seq);
        net_run(&net, EVERY + 10 * SECOND);
        CHECK_INT(net_told_count(&net, watcher, DHT_ITEM, watch), seq);
    }
    net_finish(&net);
}

/* One question a minute, and a search an hour. */
static void test_it_costs_little(void)
{
    begin(60);
    net_run(&net, HOUR);
    uint64_t before = queries();
    net_run(&net, 6 * HOUR);
    uint64_t with = queries() - before;
    dht_cancel(net_dht(&net, watcher), watch);
    before = queries();
    net_run(&net, 6 * HOUR);
    uint64_t without = queries() - before;
    CHECK(with > without + 6 * 30); /* answers spare the table questions of its own */
    CHECK(with < without + 6 * (80 + 90));
    net_finish(&net);
}

static void test_silent_ones_are_replaced(void)
{
    begin(60);
    for (size_t i = 2; i < 40; i++)
        net_kill(&net, i);
    net_run(&net, 2 * HOUR);
    put(2);
    net_run(&net, EVERY + 10 * SECOND);
    CHECK_INT(net_told_count(&net, watcher, DHT_ITEM, watch), 2);
    net_finish(&net);
}

static void test_an_hour_without_anybody_ends_no_watch(void)
{
    begin(12);
    for (size_t i = 1; i < 12; i++)
        net.nodes[i].deaf = true;
    net_run(&net, HOUR);
    for (size_t i = 1; i < 12; i++)
        net.nodes[i].deaf = false;
    net_run(&net, HOUR);
    put(2);
    net_run(&net, 2 * MINUTE);
    CHECK_INT(net_told_count(&net, watcher, DHT_ITEM, watch), 2);
    net_finish(&net);
}

TESTS(TEST(test_a_newer_one_is_told_soon), TEST(test_it_costs_little),
      TEST(test_silent_ones_are_replaced), TEST(test_an_hour_without_anybody_ends_no_watch))
