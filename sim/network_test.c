#include "sim/network.h"

#include "tests/test.h"

struct pair {
    struct rng_seeded luck;
    struct rng rng;
    struct network *network;
    struct plug *here, *there;
};

static void pair_open(struct pair *pair, const struct weather *weather)
{
    pair->rng = rng_from_seed(&pair->luck, 5);
    pair->network = network_create(&pair->rng);
    pair->here = network_plug(pair->network, NULL);
    pair->there = network_plug(pair->network, &pair->there);
    network_weather(pair->network, weather);
}

static void send_to(struct pair *pair, struct plug *from, struct plug *to, instant now, size_t size)
{
    static const uint8_t data[2000];
    struct address address = plug_address(to);
    network_send(pair->network, now, from, &address, (struct bytes){ data, size });
}

static size_t arrivals(struct pair *pair, instant until)
{
    struct arrival arrival;
    size_t count = 0;
    while (network_arrival(pair->network, until, &arrival))
        count++;
    return count;
}

static void test_a_datagram_arrives_after_its_latency(void)
{
    struct pair pair;
    struct arrival arrival;
    pair_open(&pair, &(struct weather){ .latency = 25 * MILLISECOND });
    send_to(&pair, pair.here, pair.there, 0, 100);
    CHECK(network_next(pair.network) == 25 * MILLISECOND);
    CHECK(!network_arrival(pair.network, 24 * MILLISECOND, &arrival));
    CHECK(network_arrival(pair.network, 25 * MILLISECOND, &arrival));
    CHECK(arrival.owner == &pair.there);
    struct address from = plug_address(pair.here);
    CHECK(address_equal(&arrival.from, &from) && arrival.datagram.size == 100);
    CHECK(network_next(pair.network) == NEVER);
    network_destroy(pair.network);
}

static void test_loss_and_repetition_are_as_often_as_asked(void)
{
    struct pair pair;
    pair_open(&pair, &(struct weather){ .loss = 300, .repeats = 100 });
    for (int i = 0; i < 10000; i++)
        send_to(&pair, pair.here, pair.there, 0, 10);
    size_t count = arrivals(&pair, 0);
    CHECK(count > 7500 && count < 7900); /* 10,000 x 0.7 x 1.1 */
    network_destroy(pair.network);
}

static void test_large_packets_vanish_on_a_narrow_path(void)
{
    struct pair pair;
    pair_open(&pair, &(struct weather){ .latency = 0 });
    plug_set_mtu(pair.there, 1280);
    send_to(&pair, pair.here, pair.there, 0, 1252);
    send_to(&pair, pair.here, pair.there, 0, 1253);
    send_to(&pair, pair.there, pair.here, 0, 1253);
    CHECK_INT(arrivals(&pair, 0), 1);
    network_destroy(pair.network);
}

static void test_islands_pulled_plugs_and_old_addresses_hear_nothing(void)
{
    struct pair pair;
    pair_open(&pair, &(struct weather){ .latency = 1 });
    plug_set_island(pair.there, 1);
    send_to(&pair, pair.here, pair.there, 0, 10);
    CHECK_INT(arrivals(&pair, 1), 0);
    plug_set_island(pair.there, 0);
    plug_pull(pair.there, true);
    send_to(&pair, pair.here, pair.there, 1, 10);
    CHECK_INT(arrivals(&pair, 2), 0);
    plug_pull(pair.there, false);
    send_to(&pair, pair.here, pair.there, 2, 10);
    plug_move(pair.there); /* while it flies */
    CHECK_INT(arrivals(&pair, 3), 0);
    send_to(&pair, pair.here, pair.there, 3, 10);
    CHECK_INT(arrivals(&pair, 4), 1);
    network_destroy(pair.network);
}

static void test_a_translator_lets_in_only_who_was_spoken_to_and_for_a_while(void)
{
    struct pair pair;
    struct arrival arrival;
    pair_open(&pair, &(struct weather){ .latency = 0 });
    struct plug *stranger = network_plug(pair.network, NULL);
    plug_behind_nat(pair.here, 30 * SECOND);
    send_to(&pair, pair.there, pair.here, 0, 10); /* port 0: nobody can dial in */
    CHECK_INT(arrivals(&pair, 0), 0);
    send_to(&pair, pair.here, pair.there, 0, 10);
    CHECK(network_arrival(pair.network, 0, &arrival));
    struct address outer = arrival.from;
    struct bytes data = bytes_of_text("answer");
    network_send(pair.network, 29 * SECOND, pair.there, &outer, data);
    CHECK_INT(arrivals(&pair, 29 * SECOND), 1);
    network_send(pair.network, 29 * SECOND, stranger, &outer, data);
    CHECK_INT(arrivals(&pair, 29 * SECOND), 0);
    network_send(pair.network, 31 * SECOND, pair.there, &outer, data);
    CHECK_INT(arrivals(&pair, 31 * SECOND), 0);
    network_destroy(pair.network);
}

static void test_a_slow_line_queues_and_then_drops(void)
{
    struct pair pair;
    pair_open(&pair, &(struct weather){ .latency = 0 });
    plug_set_speed(pair.here, 8 * 1000 * 100); /* 100 packets of 1,000 bytes in a second */
    for (int i = 0; i < 100; i++)
        send_to(&pair, pair.here, pair.there, 0, 1000 - NETWORK_HEADERS_BYTES);
    CHECK_INT(arrivals(&pair, 100 * MILLISECOND), 10);
    CHECK_INT(arrivals(&pair, 10 * SECOND), 11); /* what waited up to 200 ms */
    network_destroy(pair.network);
}

static void test_jitter_reorders_and_the_same_seed_repeats_it(void)
{
    uint64_t orders[2] = { 0 };
    for (int round = 0; round < 2; round++) {
        struct pair pair;
        struct arrival arrival;
        size_t behind = 0, last = 0;
        pair_open(&pair, &(struct weather){ .jitter = 10 * MILLISECOND });
        for (size_t i = 1; i <= 50; i++)
            send_to(&pair, pair.here, pair.there, i * MILLISECOND, i);
        while (network_arrival(pair.network, 1 * SECOND, &arrival)) {
            behind += arrival.datagram.size < last;
            last = arrival.datagram.size;
            orders[round] = orders[round] * 31 + last;
        }
        CHECK(behind > 5);
        network_destroy(pair.network);
    }
    CHECK(orders[0] == orders[1]);
}

TESTS(TEST(test_a_datagram_arrives_after_its_latency),
      TEST(test_loss_and_repetition_are_as_often_as_asked),
      TEST(test_large_packets_vanish_on_a_narrow_path),
      TEST(test_islands_pulled_plugs_and_old_addresses_hear_nothing),
      TEST(test_a_translator_lets_in_only_who_was_spoken_to_and_for_a_while),
      TEST(test_a_slow_line_queues_and_then_drops),
      TEST(test_jitter_reorders_and_the_same_seed_repeats_it))
