/* What strangers try on one node: to make it work in vain, or to bend what it does for itself. */
#include "engine/dht/dht.h"
#include "engine/dht/krpc.h"
#include "tests/test.h"

static struct rng_seeded luck;
static struct rng rng;
static struct dht *dht;
static instant now;

static void begin(void)
{
    now = 1000 * DAY;
    rng = rng_from_seed(&luck, 44);
    dht = dht_create(&(struct dht_settings){ .no_ipv6 = true }, now, &rng, NULL);
}

static struct address somewhere(uint8_t number)
{
    return (struct address){ .ip = { [10] = 0xff, [11] = 0xff, 91, number, 3, 4 }, .port = 6881 };
}

static void say(const struct address *from, const struct krpc *message)
{
    uint8_t wire[DHT_DATAGRAM_MAX];
    size_t size = krpc_encode(message, wire, sizeof wire);
    CHECK(size > 0);
    dht_receive(dht, now, from, (struct bytes){ wire, size });
}

/* The next message it sends, readable until it is asked for another. */
static bool hear(struct krpc *out)
{
    struct dht_datagram datagram;
    return dht_next_datagram(dht, now, &datagram) && krpc_decode(datagram.bytes, out) == KRPC_READ;
}

static struct item item_with_seq(int64_t seq)
{
    static const uint8_t seed[KEY_BYTES] = { 7 };
    struct sign_pair pair;
    struct item item = { .mutable = true, .seq = seq, .value = bytes_of_text("1:a") };
    sign_pair_from_seed(&pair, seed);
    item_sign(&item, &pair);
    return item;
}

static struct krpc query_for(const struct item *item, enum krpc_method method)
{
    struct krpc query = { .kind = KRPC_QUERY, .tid = bytes_of_text("aaaa"), .id.bytes = { 1 } };
    query.method = method;
    query.has_target = true;
    item_target(query.target.bytes, item);
    return query;
}

static struct krpc put_of(const struct item *item, struct bytes token)
{
    struct krpc put = query_for(item, KRPC_PUT);
    put.token = token;
    put.value = item->value;
    put.key = BYTES_OF(item->key);
    put.signature = BYTES_OF(item->signature);
    put.has_seq = true;
    put.seq = item->seq;
    return put;
}

/* A token once shown opens the way to what costs most, the signature. So whoever is over his due is
   not only left without an answer: what he says is not looked at. */
static void test_what_cannot_be_answered_is_not_obeyed(void)
{
    struct address from = somewhere(1);
    struct krpc heard;
    uint8_t token[KRPC_TOKEN_MAX];
    struct item item = item_with_seq(1);
    struct krpc get = query_for(&item, KRPC_GET);
    unsigned done = 0;
    begin();
    say(&from, &get);
    CHECK(hear(&heard) && heard.token.size > 0 && heard.token.size <= sizeof token);
    struct bytes shown = { token, heard.token.size };
    memcpy(token, heard.token.data, heard.token.size);
    now += 10 * SECOND;
    for (int64_t seq = 1; seq <= 50; seq++) {
        item = item_with_seq(seq);
        struct krpc put = put_of(&item, shown);
        say(&from, &put);
        done += hear(&heard);
    }
    CHECK_INT(done, 4);
    now += 10 * SECOND;
    say(&from, &get);
    CHECK(hear(&heard));
    CHECK_INT(heard.seq, 4);
    dht_destroy(dht);
}

/* The only node there is answers our searches, and refuses what we put with `code`. */
static struct dht_event put_refused_with(int64_t code, const struct dht_request *request)
{
    struct address liar = somewhere(2);
    struct dht_event event, stored = { 0 };
    dht_op op;
    begin();
    dht_try(dht, now, DHT_FROM_PEOPLE, &liar, 1);
    for (unsigned step = 0; step < 200 && stored.op == 0; step++) {
        struct krpc heard, answer = { .kind = KRPC_REPLY, .id.bytes = { 9 } };
        uint8_t tid[KRPC_TID_MAX];
        now += 50 * MILLISECOND;
        dht_advance(dht, now);
        if (step == 20)
            CHECK_INT(dht_begin(dht, now, request, &op), FAULT_NONE);
        while (hear(&heard)) {
            memcpy(tid, heard.tid.data, heard.tid.size);
            answer.tid = (struct bytes){ tid, heard.tid.size };
            answer.token = bytes_of_text("open");
            answer.kind = heard.method == KRPC_PUT ? KRPC_ERROR : KRPC_REPLY;
            answer.code = code;
            answer.text = bytes_of_text("no");
            say(&liar, &answer);
        }
        while (dht_next_event(dht, &event))
            if (event.kind == DHT_STORED)
                stored = event;
    }
    dht_destroy(dht);
    return stored;
}

/* One liar among those who are asked must not end a put with what only a comparison can tell. */
static void test_nothing_is_outdated_by_a_word_alone(void)
{
    struct item item = item_with_seq(3);
    struct dht_request request = { .task = DHT_PUT, .item = &item };
    struct dht_event stored = put_refused_with(301, &request);
    CHECK_INT(stored.refused, 1);
    CHECK(!stored.outdated);
    request.has_cas = true;
    request.cas = 2;
    stored = put_refused_with(301, &request);
    CHECK_INT(stored.refused, 1);
    CHECK(stored.outdated);
}

TESTS(TEST(test_what_cannot_be_answered_is_not_obeyed),
      TEST(test_nothing_is_outdated_by_a_word_alone))
