/* Packets that are lost: what is sent once more, and what is given up. */
#include "engine/dht/net_test.h"

static struct net net;

/* The one node of the network besides us. It answers everything, but loses some questions of one
   kind: the n-th if bit n is set. */
static struct outside {
    enum krpc_method kind;
    uint32_t lose;
    size_t from, came;
} outside;

static void hear(const struct krpc *query)
{
    uint8_t wire[200];
    struct krpc answer = { .kind = KRPC_REPLY, .tid = query->tid };
    if (query->method == outside.kind && outside.lose >> outside.came++ & 1)
        return;
    memset(answer.id.bytes, 0x5a, sizeof answer.id.bytes);
    answer.token = bytes_of_text(query->method == KRPC_GET_PEERS ? "token" : "");
    size_t size = krpc_encode(&answer, wire, sizeof wire);
    net_inject(&net, &net.outside, &net.nodes[0].at, (struct bytes){ wire, size });
}

static void run(duration length)
{
    for (instant end = net.now + length; net.now < end;) {
        net_run(&net, 50 * MILLISECOND);
        for (; outside.from < net.heard_count; outside.from++) {
            const struct net_packet *packet = &net.heard[outside.from];
            struct krpc query;
            CHECK_INT(krpc_decode((struct bytes){ packet->bytes, packet->size }, &query),
                      KRPC_READ);
            if (query.kind == KRPC_QUERY)
                hear(&query);
        }
    }
}

static dht_op begin(enum krpc_method kind, uint32_t lose, bool keep_up)
{
    outside = (struct outside){ .kind = kind, .lose = lose };
    net_start(&net, 2);
    net_add(&net, NULL);
    net.outside = (struct address){ .ip = { [10] = 0xff, 0xff, 99, 9, 9, 9 }, .port = 9 };
    dht_try(net_dht(&net, 0), net.now, DHT_FROM_PEOPLE, &net.outside, 1);
    return net_begin(
        &net, 0,
        &(struct dht_request){ .task = DHT_ANNOUNCE, .target = { { 1 } }, .keep_up = keep_up });
}

/* On how many it was stored, in the last round. */
static unsigned stored(dht_op op)
{
    size_t told = 0;
    for (size_t i = 0; i < net.nodes[0].event_count; i++)
        if (net.nodes[0].events[i].kind == DHT_STORED && net.nodes[0].events[i].op == op)
            told = i + 1;
    CHECK(told != 0);
    return net.nodes[0].events[told - 1].stored;
}

static void test_what_was_lost_is_sent_once_more(void)
{
    static const enum krpc_method kinds[] = { KRPC_ANNOUNCE_PEER, KRPC_GET_PEERS };
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (size_t lose = 0; lose < 4; lose++) {
            dht_op op = begin(kinds[i], (1u << lose) - 1, false);
            run(40 * SECOND);
            CHECK_INT(stored(op), lose < 2);
            CHECK_INT(outside.came, lose == 0 ? 1 : 2);
            net_finish(&net);
        }
}

/* In each round of what is kept up. */
static void test_every_round_begins_once_more(void)
{
    dht_op op = begin(KRPC_GET_PEERS, 0x5, true); /* the first and the third */
    run(20 * MINUTE);
    CHECK_INT(outside.came, 4);
    CHECK_INT(stored(op), 1);
    CHECK_INT(net_told_count(&net, 0, DHT_STORED, op), 2);
    net_finish(&net);
}

static void test_where_nobody_answers_hope_ends_soon(void)
{
    net_start(&net, 2);
    net_add(&net, NULL);
    struct address nobody = { .ip = { [10] = 0xff, 0xff, 99, 9, 9, 9 }, .port = 9 };
    dht_try(net_dht(&net, 0), net.now, DHT_FROM_PEOPLE, &nobody, 1);
    dht_op op = net_begin(&net, 0, &(struct dht_request){ .task = DHT_FIND_PEERS });
    CHECK(net_until(&net, 0, DHT_ENDED, op, 10 * SECOND) != 0);
    net_finish(&net);
}

TESTS(TEST(test_what_was_lost_is_sent_once_more), TEST(test_every_round_begins_once_more),
      TEST(test_where_nobody_answers_hope_ends_soon))
