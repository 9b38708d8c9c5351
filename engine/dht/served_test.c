/* Each question, as others ask it, and the answer they read. */
#include "engine/dht/served.h"
#include "tests/test.h"

#include "base/rng.h"
#include "engine/crypto/item.h"
#include "engine/dht/id.h"

static const instant start = 20000 * DAY;
static const struct dht_id self = { { 0x55 } };

static struct rng_seeded luck;
static struct rng rng;
static struct served *served;
static struct table *ipv4, *ipv6;
static instant now;
static size_t most;
static bool proved;
static uint8_t wire[2 * DHT_DATAGRAM_MAX];

static void begin(void)
{
    rng = rng_from_seed(&luck, 10);
    now = start;
    most = DHT_DATAGRAM_MAX;
    served = served_create(now, &rng);
    ipv4 = table_create(false, &self, &rng);
    ipv6 = table_create(true, &self, &rng);
}

static void end(void)
{
    served_destroy(served);
    table_destroy(ipv4);
    table_destroy(ipv6);
}

static struct address somebody(unsigned number)
{
    return (struct address){
        .ip = { [10] = 0xff, [11] = 0xff, 91, (uint8_t)(number >> 8), (uint8_t)number, 1 },
        .port = 6881
    };
}

static struct address of_ipv6(unsigned number)
{
    return (struct address){
        .ip = { 0x2a, [4] = (uint8_t)(number >> 8), (uint8_t)number, [15] = 1 }, .port = 6881
    };
}

static struct dht_id place(unsigned number)
{
    return (struct dht_id){ { 7, (uint8_t)(number >> 8), (uint8_t)number } };
}

static void know_nodes(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct dht_node node = { .at = somebody(500 + i) }, other = { .at = of_ipv6(500 + i) };
        node.id.bytes[0] = other.id.bytes[0] = (uint8_t)(i * 8);
        table_answered(ipv4, now, &node, MILLISECOND);
        table_answered(ipv6, now, &other, MILLISECOND);
    }
}

/* --- asking ----------------------------------------------------------------------------------- */

static struct krpc question(enum krpc_method method, struct dht_id target)
{
    return (struct krpc){ .kind = KRPC_QUERY,
                          .method = method,
                          .tid = bytes_of_text("aa"),
                          .id = { { 9 } },
                          .has_target = true,
                          .target = target };
}

/* Read as others read it, until the next question. */
static struct krpc ask(struct address from, const struct krpc *query)
{
    struct served_by by = { .self = &self, .ipv4 = ipv4, .ipv6 = ipv6, .most = most };
    struct krpc answer;
    size_t size = served_answer(served, now, &from, query, &by, wire, sizeof wire, &proved);
    CHECK(size > 0 && size <= most);
    CHECK_INT(krpc_decode((struct bytes){ wire, size }, &answer), KRPC_READ);
    CHECK(bytes_equal(answer.tid, query->tid));
    CHECK(id_equal(&answer.id, &self));
    CHECK(address_equal(&answer.seen, &from));
    CHECK_INT(answer.version.size, 0);
    return answer;
}

static void check_error(const struct krpc *answer, int64_t code, const char *text)
{
    CHECK_INT(answer->kind, KRPC_ERROR);
    CHECK_INT(answer->code, code);
    CHECK(bytes_equal(answer->text, bytes_of_text(text)));
}

struct token {
    uint8_t bytes[KRPC_TOKEN_MAX];
    size_t size;
};

static struct token token_for(struct address from, enum krpc_method method, struct dht_id target)
{
    struct token token;
    struct krpc query = question(method, target), answer = ask(from, &query);
    token.size = answer.token.size;
    CHECK(token.size <= sizeof token.bytes);
    memcpy(token.bytes, answer.token.data, token.size);
    return token;
}

static struct krpc announce(struct address from, const struct token *token, unsigned swarm,
                            uint16_t port, bool implied)
{
    struct krpc query = question(KRPC_ANNOUNCE_PEER, place(swarm));
    query.token = (struct bytes){ token->bytes, token->size };
    query.has_port = true;
    query.port = port;
    query.implied_port = implied;
    return ask(from, &query);
}

static bool announce_well(unsigned who, unsigned swarm)
{
    struct token token = token_for(somebody(who), KRPC_GET_PEERS, place(swarm));
    return announce(somebody(who), &token, swarm, 4000, false).kind == KRPC_REPLY;
}

static size_t nodes_in(struct bytes nodes, bool of_six)
{
    struct dht_node node;
    size_t count = 0;
    while (krpc_next_node(&nodes, of_six, &node))
        count++;
    return count;
}

/* --- who and where ---------------------------------------------------------------------------- */

static void test_a_ping_is_answered_with_nothing_more(void)
{
    begin();
    know_nodes(8);
    struct krpc query = question(KRPC_PING, place(0)), answer = ask(somebody(1), &query);
    CHECK_INT(answer.kind, KRPC_REPLY);
    CHECK(!answer.has_nodes && !answer.has_nodes6 && answer.token.size == 0);
    CHECK(!proved);
    end();
}

static void test_nodes_are_of_the_family_it_came_by_unless_wanted(void)
{
    begin();
    know_nodes(20);
    struct krpc query = question(KRPC_FIND_NODE, place(0)), answer = ask(somebody(1), &query);
    CHECK_INT(nodes_in(answer.nodes, false), 8);
    CHECK(!answer.has_nodes6);
    answer = ask(of_ipv6(1), &query);
    CHECK(!answer.has_nodes);
    CHECK_INT(nodes_in(answer.nodes6, true), 8);
    query.has_want = query.want_ipv4 = query.want_ipv6 = true;
    answer = ask(of_ipv6(1), &query);
    CHECK_INT(nodes_in(answer.nodes, false), 8);
    CHECK_INT(nodes_in(answer.nodes6, true), 8);
    query.want_ipv4 = false;
    answer = ask(somebody(1), &query);
    CHECK(!answer.has_nodes);
    CHECK_INT(nodes_in(answer.nodes6, true), 8);
    end();
}

static void test_nobody_is_told_of_himself(void)
{
    begin();
    know_nodes(3);
    struct krpc query = question(KRPC_FIND_NODE, place(0)), answer = ask(somebody(500), &query);
    CHECK_INT(nodes_in(answer.nodes, false), 2);
    end();
}

static void test_a_list_of_no_nodes_is_there_for_ones_own_family_only(void)
{
    begin();
    struct krpc query = question(KRPC_FIND_NODE, place(0)), answer;
    query.has_want = query.want_ipv4 = query.want_ipv6 = true;
    answer = ask(somebody(1), &query);
    CHECK(answer.has_nodes && answer.nodes.size == 0);
    CHECK(!answer.has_nodes6);
    answer = ask(of_ipv6(1), &query);
    CHECK(!answer.has_nodes);
    CHECK(answer.has_nodes6 && answer.nodes6.size == 0);
    end();
}

static void test_what_is_yet_to_come_is_answered_as_find_node(void)
{
    begin();
    know_nodes(8);
    struct krpc query = question(KRPC_UNKNOWN, place(0)), answer = ask(somebody(1), &query);
    CHECK_INT(answer.kind, KRPC_REPLY);
    CHECK_INT(nodes_in(answer.nodes, false), 8);
    query.has_target = false;
    answer = ask(somebody(1), &query);
    check_error(&answer, 203, "unknown message");
    end();
}

/* --- peers ------------------------------------------------------------------------------------ */

static void test_who_announces_is_found_beside_nodes(void)
{
    begin();
    know_nodes(8);
    struct krpc query = question(KRPC_GET_PEERS, place(1)), answer = ask(somebody(2), &query);
    struct address peer;
    CHECK(!answer.has_values && answer.token.size == 4);
    CHECK(announce_well(1, 1));
    CHECK(proved);
    answer = ask(somebody(2), &query);
    CHECK_INT(nodes_in(answer.nodes, false), 8);
    CHECK(krpc_next_value(&answer.values, &peer));
    CHECK_BYTES(peer.ip, somebody(1).ip, sizeof peer.ip);
    CHECK_INT(peer.port, 4000);
    CHECK(!krpc_next_value(&answer.values, &peer));
    CHECK(!ask(of_ipv6(2), &query).has_values); /* those of his family */
    end();
}

static void test_an_implied_port_is_the_one_it_came_from(void)
{
    begin();
    struct token token = token_for(somebody(1), KRPC_GET_PEERS, place(1));
    struct krpc query = question(KRPC_GET_PEERS, place(1)), answer;
    struct address peer;
    announce(somebody(1), &token, 1, 1, true);
    answer = ask(somebody(2), &query);
    CHECK(krpc_next_value(&answer.values, &peer));
    CHECK_INT(peer.port, 6881);
    end();
}

static void test_without_its_token_nothing_is_announced(void)
{
    begin();
    struct token token = token_for(somebody(1), KRPC_GET_PEERS, place(1)), none = { .size = 0 };
    size_t swarms, peers, items;
    struct krpc answer = announce(somebody(2), &token, 1, 1, false);
    check_error(&answer, 203, "invalid token");
    CHECK(!proved);
    answer = announce(somebody(1), &token, 2, 1, false);
    check_error(&answer, 203, "invalid token");
    answer = announce(somebody(1), &none, 1, 1, false);
    check_error(&answer, 203, "invalid token");
    served_count(served, &swarms, &peers, &items);
    CHECK_INT(peers, 0);
    now += 10 * MINUTE;
    answer = announce(somebody(1), &token, 1, 1, false);
    check_error(&answer, 203, "invalid token");
    end();
}

static void test_a_token_is_good_for_five_minutes_at_least(void)
{
    begin();
    for (unsigned i = 0; i < 20; i++) {
        struct token token = token_for(somebody(i), KRPC_GET_PEERS, place(1));
        now += 5 * MINUTE - SECOND;
        CHECK_INT(announce(somebody(i), &token, 1, 1, false).kind, KRPC_REPLY);
        now += 7 * SECOND;
    }
    end();
}

static void test_a_full_list_gives_no_token(void)
{
    begin();
    struct krpc query = question(KRPC_GET_PEERS, place(1));
    unsigned who = 0;
    while (ask(somebody(who), &query).token.size > 0 && who < 4 * SERVED_PEERS)
        announce_well(who++, 1);
    CHECK(who >= SERVED_PEERS && who < 4 * SERVED_PEERS);
    query.target = place(2);
    CHECK_INT(ask(somebody(1), &query).token.size, 4);
    end();
}

static void test_a_scrape_is_answered_with_filters(void)
{
    begin();
    struct krpc query = question(KRPC_GET_PEERS, place(1)), answer;
    query.scrape = true;
    CHECK_INT(ask(somebody(2), &query).seeds.size, 0);
    announce_well(1, 1);
    answer = ask(somebody(2), &query);
    CHECK_INT(answer.seeds.size, KRPC_BLOOM_BYTES);
    CHECK_INT(answer.others.size, KRPC_BLOOM_BYTES);
    CHECK(!answer.has_values);
    unsigned bits = 0;
    for (size_t i = 0; i < 8 * KRPC_BLOOM_BYTES; i++)
        bits += answer.others.data[i / 8] >> i % 8 & 1;
    CHECK_INT(bits, 2);
    end();
}

static void test_a_sample_names_what_is_announced(void)
{
    begin();
    struct krpc query = question(KRPC_SAMPLE_INFOHASHES, place(0)), answer;
    CHECK_INT(ask(somebody(1), &query).total, 0);
    for (unsigned i = 0; i < 30; i++)
        announce_well(i, i);
    answer = ask(somebody(1), &query);
    CHECK(answer.has_samples);
    CHECK_INT(answer.samples.size, KRPC_SAMPLES_MAX * DHT_ID_BYTES);
    CHECK_INT(answer.total, 30);
    CHECK(answer.interval > 0 && answer.interval <= 21600);
    end();
}

static void test_what_is_over_is_forgotten_when_due(void)
{
    size_t swarms, peers, items;
    begin();
    CHECK(served_deadline(served) == NEVER);
    announce_well(1, 1);
    for (unsigned i = 0; i < 50 && served_deadline(served) != NEVER; i++) {
        CHECK(served_deadline(served) > now);
        now = served_deadline(served);
        served_advance(served, now);
    }
    served_count(served, &swarms, &peers, &items);
    CHECK_INT(peers, 0);
    CHECK(now >= start + 45 * MINUTE && now <= start + 47 * MINUTE);
    end();
}

/* --- items ------------------------------------------------------------------------------------ */

static struct item signed_item(int64_t seq, const char *value, const char *salt)
{
    static const uint8_t seed[KEY_BYTES] = { 7 };
    struct sign_pair pair;
    struct item item = {
        .mutable = true, .seq = seq, .value = bytes_of_text(value), .salt = bytes_of_text(salt)
    };
    sign_pair_from_seed(&pair, seed);
    item_sign(&item, &pair);
    return item;
}

static struct dht_id target_of(const struct item *item)
{
    struct dht_id target;
    item_target(target.bytes, item);
    return target;
}

static struct krpc put_of(const struct item *item)
{
    struct krpc query = question(KRPC_PUT, target_of(item));
    query.value = item->value;
    if (!item->mutable)
        return query;
    query.key = BYTES_OF(item->key);
    query.signature = BYTES_OF(item->signature);
    query.salt = item->salt;
    query.has_seq = true;
    query.seq = item->seq;
    return query;
}

/* With the token that is right for it. */
static struct krpc put_query(struct krpc query)
{
    struct token token = token_for(somebody(1), KRPC_GET, query.target);
    query.token = (struct bytes){ token.bytes, token.size };
    return ask(somebody(1), &query);
}

static struct krpc put(const struct item *item)
{
    return put_query(put_of(item));
}

static struct krpc get(const struct item *item)
{
    struct krpc query = question(KRPC_GET, target_of(item));
    return ask(somebody(2), &query);
}

static void test_what_never_changes_is_put_and_got(void)
{
    begin();
    know_nodes(8);
    struct item item = { .value = bytes_of_text("12:Hello World!") };
    CHECK_INT(get(&item).value.size, 0);
    CHECK_INT(put(&item).kind, KRPC_REPLY);
    CHECK(proved);
    struct krpc answer = get(&item);
    CHECK(bytes_equal(answer.value, item.value));
    CHECK(!answer.has_seq && answer.key.size == 0 && answer.signature.size == 0);
    CHECK_INT(answer.token.size, 4);
    CHECK_INT(nodes_in(answer.nodes, false), 8);
    end();
}

static void test_what_changes_is_put_and_got(void)
{
    begin();
    struct item item = signed_item(4, "1:a", "salt"), other = signed_item(4, "1:a", "");
    CHECK_INT(put(&item).kind, KRPC_REPLY);
    struct krpc answer = get(&item);
    CHECK(bytes_equal(answer.value, item.value));
    CHECK(bytes_equal(answer.key, BYTES_OF(item.key)));
    CHECK(bytes_equal(answer.signature, BYTES_OF(item.signature)));
    CHECK(answer.has_seq);
    CHECK_INT(answer.seq, 4);
    CHECK_INT(get(&other).value.size, 0); /* another salt is another place */
    end();
}

static void test_who_has_it_already_gets_the_seq_only(void)
{
    begin();
    struct item item = signed_item(4, "1:a", "");
    struct krpc query = question(KRPC_GET, target_of(&item));
    CHECK_INT(put(&item).kind, KRPC_REPLY);
    query.has_seq = true;
    for (query.seq = 3; query.seq <= 5; query.seq++) {
        struct krpc answer = ask(somebody(2), &query);
        CHECK_INT(answer.seq, 4);
        CHECK_INT(answer.value.size > 0, query.seq < 4);
        CHECK_INT(answer.signature.size > 0, query.seq < 4);
    }
    end();
}

static void test_seq_and_cas_are_minded(void)
{
    begin();
    struct item first = signed_item(4, "1:a", ""), older = signed_item(3, "1:b", ""),
                newer = signed_item(5, "1:c", ""), same = signed_item(4, "1:d", "");
    CHECK_INT(put(&first).kind, KRPC_REPLY);
    struct krpc answer = put(&older);
    check_error(&answer, 302, "old sequence number");
    CHECK_INT(put(&same).kind, KRPC_REPLY);
    CHECK(bytes_equal(get(&first).value, first.value));
    struct krpc query = put_of(&newer);
    query.has_cas = true;
    query.cas = 3;
    answer = put_query(query);
    check_error(&answer, 301, "CAS mismatch");
    query.cas = 4;
    CHECK_INT(put_query(query).kind, KRPC_REPLY);
    CHECK(bytes_equal(get(&first).value, newer.value));
    end();
}

/* 1,000 bytes with their length in front, and one more. */
static void test_no_value_is_longer_than_1000_bytes(void)
{
    char value[1100] = "996:";
    begin();
    memset(value + 4, 'x', 996);
    struct item item = { .value = bytes_of_text(value) };
    CHECK_INT(item.value.size, ITEM_VALUE_MAX_BYTES);
    CHECK_INT(put(&item).kind, KRPC_REPLY);
    CHECK(bytes_equal(get(&item).value, item.value));
    memcpy(value, "997:", 4);
    value[1000] = 'x';
    item.value = bytes_of_text(value);
    struct krpc answer = put(&item);
    check_error(&answer, 205, "message too big");
    CHECK_INT(get(&item).value.size, 0);
    end();
}

static void test_no_salt_is_longer_than_64_bytes(void)
{
    char salt[66] = { 0 };
    begin();
    memset(salt, 's', 64);
    struct item item = signed_item(1, "1:a", salt);
    CHECK_INT(put(&item).kind, KRPC_REPLY);
    struct krpc query = put_of(&item);
    salt[64] = 's';
    query.salt = bytes_of_text(salt);
    struct krpc answer = put_query(query);
    check_error(&answer, 207, "salt too big");
    end();
}

static void test_what_is_not_right_is_refused_in_their_words(void)
{
    begin();
    struct item item = signed_item(1, "1:a", ""),
                unsorted = { .value = bytes_of_text("d1:b0:1:a0:e") };
    struct krpc query = put_of(&item), answer;
    uint8_t broken[SIGNATURE_BYTES];
    answer = ask(somebody(1), &query);
    check_error(&answer, 203, "invalid token");
    memcpy(broken, item.signature, sizeof broken);
    broken[9] ^= 1;
    query.signature = BYTES_OF(broken);
    answer = put_query(query);
    check_error(&answer, 206, "invalid signature");
    CHECK(proved); /* he is where he says, for all that */
    query = put_of(&item);
    query.seq = -1;
    answer = put_query(query);
    check_error(&answer, 203, "invalid (negative) sequence number");
    answer = put(&unsorted);
    check_error(&answer, 203, "unsorted dictionary key");
    size_t swarms, peers, items;
    served_count(served, &swarms, &peers, &items);
    CHECK_INT(items, 0);
    end();
}

/* Nobody is served a value under a place that is not its own. */
static void test_an_item_lies_where_it_belongs_whatever_target_is_said(void)
{
    begin();
    struct item item = { .value = bytes_of_text("1:a") };
    struct krpc query = put_of(&item), elsewhere = question(KRPC_GET, place(1));
    query.target = place(1);
    struct krpc answer = put_query(query); /* with a token for place 1 */
    check_error(&answer, 203, "invalid token");
    CHECK_INT(ask(somebody(2), &elsewhere).value.size, 0);
    CHECK_INT(get(&item).value.size, 0);
    end();
}

static void test_a_full_share_is_said_to_be_full(void)
{
    begin();
    for (unsigned i = 0; i <= SERVED_ITEMS / 16; i++) {
        char value[] = { 'i', (char)('1' + i / 10), (char)('0' + i % 10), 'e', 0 };
        struct item item = { .value = bytes_of_text(value) };
        struct krpc answer = put(&item);
        if (i < SERVED_ITEMS / 16)
            CHECK_INT(answer.kind, KRPC_REPLY);
        else
            check_error(&answer, 202, "storage full");
    }
    end();
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* Whatever he may have, it is said in `most` bytes; the shortest answers are left for last. */
static void test_an_answer_fits_into_what_it_may_have(void)
{
    begin();
    know_nodes(30);
    for (unsigned i = 0; i < 200; i++)
        announce_well(i, 1);
    struct krpc query = question(KRPC_GET_PEERS, place(1)), answer;
    query.has_want = query.want_ipv4 = query.want_ipv6 = true;
    size_t values_before = SIZE_MAX;
    for (most = DHT_DATAGRAM_MAX; most >= 100; most -= 7) {
        answer = ask(somebody(1), &query);
        CHECK(answer.values.size <= values_before);
        CHECK(answer.values.size == 0 || nodes_in(answer.nodes, false) == 8);
        CHECK_INT(answer.nodes.size % 26, 0);
        CHECK_INT(answer.nodes6.size % 38, 0);
        CHECK_INT(answer.token.size, 4);
        values_before = answer.values.size;
    }
    most = 20;
    struct served_by by = { .self = &self, .ipv4 = ipv4, .ipv6 = ipv6, .most = most };
    struct address from = somebody(1);
    CHECK_INT(served_answer(served, now, &from, &query, &by, wire, sizeof wire, &proved), 0);
    end();
}

static void test_an_item_is_left_out_last(void)
{
    begin();
    know_nodes(30);
    struct item item =
        signed_item(4,
                    "100:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                    "");
    CHECK_INT(put(&item).kind, KRPC_REPLY);
    size_t with = 0, without = 0;
    for (most = DHT_DATAGRAM_MAX; most >= 100; most -= 7) {
        struct krpc answer = get(&item);
        bool whole = answer.value.size > 0;
        CHECK(whole == (answer.key.size > 0) && whole == (answer.signature.size > 0));
        CHECK(whole || answer.nodes.size == 0);
        with += whole;
        without += !whole;
    }
    CHECK(with > 0 && without > 0);
    end();
}

static void test_who_does_not_say_who_he_is_learns_nothing(void)
{
    begin();
    struct krpc refused = { .kind = KRPC_ERROR, .tid = bytes_of_text("aa"), .code = 203 }, answer;
    struct address from = somebody(1);
    refused.text = bytes_of_text("missing 'id' key");
    size_t size = served_refuse(&refused, &from, &self, wire, sizeof wire);
    CHECK_INT(krpc_decode((struct bytes){ wire, size }, &answer), KRPC_READ);
    check_error(&answer, 203, "missing 'id' key");
    CHECK_INT(answer.seen.port, 0);
    CHECK(id_is_zero(&answer.id));
    refused.id = place(1);
    size = served_refuse(&refused, &from, &self, wire, sizeof wire);
    CHECK_INT(krpc_decode((struct bytes){ wire, size }, &answer), KRPC_READ);
    CHECK(address_equal(&answer.seen, &from));
    end();
}

TESTS(TEST(test_a_ping_is_answered_with_nothing_more),
      TEST(test_nodes_are_of_the_family_it_came_by_unless_wanted),
      TEST(test_nobody_is_told_of_himself),
      TEST(test_a_list_of_no_nodes_is_there_for_ones_own_family_only),
      TEST(test_what_is_yet_to_come_is_answered_as_find_node),
      TEST(test_who_announces_is_found_beside_nodes),
      TEST(test_an_implied_port_is_the_one_it_came_from),
      TEST(test_without_its_token_nothing_is_announced),
      TEST(test_a_token_is_good_for_five_minutes_at_least), TEST(test_a_full_list_gives_no_token),
      TEST(test_a_scrape_is_answered_with_filters), TEST(test_a_sample_names_what_is_announced),
      TEST(test_what_is_over_is_forgotten_when_due), TEST(test_what_never_changes_is_put_and_got),
      TEST(test_what_changes_is_put_and_got), TEST(test_who_has_it_already_gets_the_seq_only),
      TEST(test_seq_and_cas_are_minded), TEST(test_no_value_is_longer_than_1000_bytes),
      TEST(test_no_salt_is_longer_than_64_bytes),
      TEST(test_what_is_not_right_is_refused_in_their_words),
      TEST(test_an_item_lies_where_it_belongs_whatever_target_is_said),
      TEST(test_a_full_share_is_said_to_be_full), TEST(test_an_answer_fits_into_what_it_may_have),
      TEST(test_an_item_is_left_out_last), TEST(test_who_does_not_say_who_he_is_learns_nothing))
