/* A search that begins again, and what comes of the questions of the first. */
#include "engine/dht/dht.h"
#include "engine/dht/id.h"
#include "engine/dht/krpc.h"
#include "tests/test.h"

#include "base/rng.h"

#define OTHERS 16
#define ASKED  512

static struct rng_seeded luck;
static struct rng rng;
static struct dht *dht;
static instant now;
static struct dht_node liar, others[OTHERS];
static bool ended;

static struct asked { /* questions of ours, in order */
    struct address to;
    enum krpc_method method;
    uint8_t tid[4];
} asked[ASKED];
static size_t asked_count;

static struct dht_node node_in(uint8_t block)
{
    struct dht_node node = { .at = { .ip = { [10] = 0xff, 0xff, 80, block, 1, 1 }, .port = 6881 } };
    id_make(&node.id, &node.at, &rng);
    return node;
}

static void pull(void)
{
    struct dht_datagram datagram;
    struct dht_event event;
    struct krpc message;
    while (dht_next_datagram(dht, now, &datagram)) {
        CHECK_INT(krpc_decode(datagram.bytes, &message), KRPC_READ);
        CHECK(asked_count < ASKED && message.tid.size == 4);
        asked[asked_count] = (struct asked){ .to = datagram.to, .method = message.method };
        memcpy(asked[asked_count++].tid, message.tid.data, 4);
    }
    while (dht_next_event(dht, &event))
        ended |= event.kind == DHT_ENDED;
}

static void answer(const struct asked *question, const struct dht_id *id, bool names)
{
    uint8_t wire[1472], nodes[OTHERS * 26];
    struct cursor out = cursor_into(nodes, sizeof nodes);
    for (size_t i = 0; names && i < OTHERS; i++)
        krpc_put_node(&out, &others[i]);
    struct krpc message = { .kind = KRPC_REPLY,
                            .id = *id,
                            .tid = BYTES_OF(question->tid),
                            .has_nodes = true,
                            .nodes = cursor_written(&out) };
    size_t size = krpc_encode(&message, wire, sizeof wire);
    CHECK(size > 0);
    dht_receive(dht, now, &question->to, (struct bytes){ wire, size });
    pull();
}

static void step(instant until)
{
    now = earlier(dht_deadline(dht), until);
    dht_advance(dht, now);
    pull();
}

/* From `from` on, he answers all but `get`; the first answer names the others. Returns where the
   second search begins: he is asked the way again. */
static size_t search_twice(size_t from)
{
    bool named = false;
    for (instant end = now + 40 * SECOND; now < end; step(end))
        for (; from < asked_count; from++) {
            if (!address_equal(&asked[from].to, &liar.at) || asked[from].method != KRPC_FIND_NODE)
                continue;
            if (named)
                return from;
            named = true;
            answer(&asked[from], &liar.id, true);
        }
    return 0;
}

static void begin(void)
{
    now = 1000 * DAY;
    rng = rng_from_seed(&luck, 1);
    dht = dht_create(&(struct dht_settings){ .no_ipv6 = true }, now, &rng, NULL);
    liar = node_in(200);
    for (uint8_t i = 0; i < OTHERS; i++)
        others[i] = node_in(i);
    ended = false;
    asked_count = 0;
    dht_try(dht, now, DHT_FROM_PEOPLE, &liar.at, 1);
    pull();
    size_t at = 0;
    for (instant end = now + 5 * SECOND; now < end; step(end))
        for (; at < asked_count; at++)
            answer(&asked[at], &liar.id, false);
}

/* Answers, late or never: the pool of the second search is smaller than the first one was. */
static void test_old_questions_do_not_reach_the_second_search(void)
{
    for (int late = 0; late < 2; late++) {
        struct dht_request request = { .task = DHT_GET, .target = { { 0x42 } } };
        dht_op op;
        begin();
        size_t first = asked_count;
        CHECK_INT(dht_begin(dht, now, &request, &op), FAULT_NONE);
        pull();
        size_t second = search_twice(first);
        CHECK(second > first + OTHERS / 2);
        for (size_t at = second; late == 1 && at-- > first;)
            for (size_t i = 0; i < OTHERS; i++)
                if (address_equal(&asked[at].to, &others[i].at))
                    answer(&asked[at], &others[i].id, false);
        for (instant end = now + MINUTE; now < end;)
            step(end);
        CHECK(ended);
        dht_destroy(dht);
    }
}

TESTS(TEST(test_old_questions_do_not_reach_the_second_search))
