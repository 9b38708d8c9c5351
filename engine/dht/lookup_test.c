/* One search, played step by step: the target is all zero, so that an id is its own distance. */
#include "engine/dht/id.h"
#include "engine/dht/lookup.h"
#include "tests/test.h"

#include "base/rng.h"

#define ASKS_MOST   300 /* in all, whatever is told */
#define SILENT_MOST 96  /* at once; they may still answer */

static struct rng_seeded luck;
static struct rng rng;
static struct estimate estimate;
static struct lookup *lookup;

static void begin(const struct lookup_settings *settings)
{
    struct lookup_settings with = *settings;
    with.estimate = &estimate;
    rng = rng_from_seed(&luck, 20);
    lookup = lookup_create(&with, &rng);
}

static void end(void)
{
    lookup_destroy(lookup);
    estimate = (struct estimate){ .count = 0 };
}

/* A network of so many nodes, as other searches have found it. */
static void know_size(unsigned nodes)
{
    estimate.count = ESTIMATE_SAMPLES;
    for (size_t i = 0; i < ESTIMATE_SAMPLES; i++)
        estimate.samples[i] = (float)nodes;
}

/* So many 65536ths of the space from the target; everybody in a block of his own. */
static struct dht_node node_at(unsigned distance)
{
    return (struct dht_node){
        .id = { { (uint8_t)(distance >> 8), (uint8_t)distance, 7 } },
        .at = { .ip = { [10] = 0xff, 0xff, 80, (uint8_t)(distance >> 8), (uint8_t)distance, 1 },
                .port = 6881 },
    };
}

static void add(unsigned distance)
{
    struct dht_node node = node_at(distance);
    lookup_add(lookup, &node, SPEAKS_UNKNOWN);
}

static unsigned distance_of(const struct dht_node *node)
{
    return (unsigned)node->id.bytes[0] << 8 | node->id.bytes[1];
}

static struct lookup_ask next(void)
{
    struct lookup_ask ask;
    CHECK(lookup_next(lookup, &ask));
    return ask;
}

static unsigned next_distance(void)
{
    struct lookup_ask ask = next();
    return distance_of(&ask.node);
}

static bool is_quiet(void)
{
    struct lookup_ask ask;
    return !lookup_next(lookup, &ask);
}

static void answer_as(const struct lookup_ask *ask, const struct dht_id *id,
                      const struct dht_node *told, size_t count, const char *token)
{
    uint8_t wire[64 * 38];
    struct cursor out = cursor_into(wire, sizeof wire);
    for (size_t i = 0; i < count; i++)
        CHECK(krpc_put_node(&out, &told[i]));
    lookup_answered(lookup, ask->number,
                    &(struct lookup_answer){
                        .id = *id, .nodes = cursor_written(&out), .token = bytes_of_text(token) });
}

static void answer(const struct lookup_ask *ask)
{
    answer_as(ask, &ask->node.id, NULL, 0, "");
}

static void answer_with(const struct lookup_ask *ask, unsigned distance)
{
    struct dht_node told = node_at(distance);
    answer_as(ask, &ask->node.id, &told, 1, "");
}

/* Everybody who is asked answers, and knows nobody. Returns how many were asked. */
static size_t answer_all(void)
{
    struct lookup_ask ask;
    size_t asks = 0;
    for (; lookup_next(lookup, &ask); asks++)
        answer_as(&ask, &ask.node.id, NULL, 0, ask.method == KRPC_FIND_NODE ? "" : "token");
    return asks;
}

static const struct lookup_settings find_node = { .method = KRPC_FIND_NODE };
static const struct lookup_settings get = { .method = KRPC_GET };

/* --- whom it asks ----------------------------------------------------------------------------- */

static void test_the_closest_are_asked_first(void)
{
    begin(&find_node);
    for (unsigned i = 10; i > 0; i--)
        add(100 * i);
    for (unsigned i = 1; i <= LOOKUP_AT_ONCE; i++) {
        struct lookup_ask ask = next();
        CHECK_INT(distance_of(&ask.node), 100 * i);
        CHECK_INT(ask.method, KRPC_FIND_NODE);
        CHECK(id_is_zero(&ask.target));
    }
    CHECK(is_quiet());
    end();
}

static void test_who_is_told_of_and_closer_comes_next(void)
{
    begin(&find_node);
    for (unsigned i = 1; i <= 6; i++)
        add(1000 * i);
    struct lookup_ask first = next();
    answer_with(&first, 5);
    struct lookup_ask second = next();
    CHECK_INT(distance_of(&second.node), 5);
    CHECK_INT(lookup_rounds(lookup), 1);
    answer(&second);
    CHECK_INT(lookup_rounds(lookup), 2);
    end();
}

static void test_a_slow_one_makes_room_and_still_counts(void)
{
    struct dht_node closest[2];
    begin(&find_node);
    for (unsigned i = 1; i <= 10; i++)
        add(100 * i);
    struct lookup_ask slow = next();
    for (unsigned i = 1; i < LOOKUP_AT_ONCE; i++)
        next();
    CHECK(is_quiet());
    lookup_slow(lookup, slow.number);
    CHECK_INT(next_distance(), 500);
    CHECK(is_quiet());
    answer_with(&slow, 1);
    CHECK_INT(lookup_closest(lookup, closest, COUNT(closest)), 1);
    CHECK_INT(distance_of(&closest[0]), 100);
    CHECK(is_quiet()); /* his place was taken */
    end();
}

static void test_it_ends_when_the_eight_closest_have_answered(void)
{
    begin(&find_node);
    for (unsigned i = 1; i <= 20; i++)
        add(100 * i);
    CHECK(!lookup_done(lookup));
    CHECK_INT(answer_all(), 8);
    CHECK(lookup_done(lookup));
    end();
}

static void test_it_waits_for_none_that_is_slow(void)
{
    struct lookup_ask silent[3], ask;
    size_t asks = 0;
    begin(&find_node);
    for (unsigned i = 1; i <= 20; i++)
        add(100 * i);
    for (size_t i = 0; i < COUNT(silent); i++)
        silent[i] = next();
    for (; lookup_next(lookup, &ask); asks++)
        answer(&ask);
    CHECK(!lookup_done(lookup));
    for (size_t i = 0; i < COUNT(silent); i++)
        lookup_slow(lookup, silent[i].number);
    CHECK_INT(asks + answer_all(), 8); /* the silent are made up for */
    CHECK(lookup_done(lookup));
    end();
}

static void test_without_an_answer_it_waits_to_the_end(void)
{
    begin(&find_node);
    add(100);
    struct lookup_ask only = next();
    lookup_slow(lookup, only.number);
    CHECK(!lookup_done(lookup)); /* he is all we have */
    lookup_failed(lookup, only.number);
    CHECK(lookup_done(lookup));
    end();
}

static void test_nobody_to_ask_is_the_end(void)
{
    begin(&find_node);
    CHECK(is_quiet());
    CHECK(lookup_done(lookup));
    end();
}

static void test_more_answer_when_more_are_wanted(void)
{
    struct lookup_settings settings = find_node;
    settings.at_least = 15;
    begin(&settings);
    for (unsigned i = 1; i <= 30; i++)
        add(100 * i);
    CHECK_INT(answer_all(), 15);
    CHECK(lookup_done(lookup));
    end();
}

/* --- who has no voice ------------------------------------------------------------------------- */

static struct dht_node neighbour(unsigned distance, const struct dht_node *of)
{
    struct dht_node node = { .id = node_at(distance).id, .at = of->at };
    node.at.ip[15]++;
    return node;
}

static void test_a_block_has_one_voice(void)
{
    begin(&find_node);
    struct dht_node first = node_at(100), second = neighbour(200, &first);
    lookup_add(lookup, &second, SPEAKS_UNKNOWN);
    lookup_add(lookup, &first, SPEAKS_UNKNOWN);
    CHECK_INT(answer_all(), 1);
    CHECK(lookup_done(lookup));
    end();
}

static void test_a_silent_one_does_not_silence_his_block(void)
{
    begin(&find_node);
    struct dht_node first = node_at(100), second = neighbour(200, &first);
    lookup_add(lookup, &second, SPEAKS_UNKNOWN);
    lookup_add(lookup, &first, SPEAKS_UNKNOWN);
    struct lookup_ask ask = next();
    CHECK(is_quiet());
    lookup_slow(lookup, ask.number);
    ask = next();
    CHECK(address_equal(&ask.node.at, &second.at));
    end();
}

static void test_local_addresses_stand_for_themselves(void)
{
    begin(&find_node);
    for (uint8_t i = 1; i <= 3; i++) {
        struct dht_node node = node_at(100u * i);
        node.at.ip[12] = 10;
        node.at.ip[13] = node.at.ip[14] = 0;
        node.at.ip[15] = i;
        lookup_add(lookup, &node, SPEAKS_UNKNOWN);
    }
    CHECK_INT(answer_all(), 3);
    end();
}

static void test_an_ipv6_block_is_a_48(void)
{
    struct lookup_settings settings = find_node;
    settings.ipv6 = true;
    begin(&settings);
    struct dht_node told[3] = { node_at(100), node_at(200), node_at(300) };
    for (uint8_t i = 0; i < 3; i++)
        told[i].at = (struct address){ .ip = { 0x2a, 1, [5] = i / 2, [7] = i }, .port = 6881 };
    struct dht_node first = node_at(400);
    first.at = (struct address){ .ip = { 0x2a, 2, [15] = 1 }, .port = 6881 };
    lookup_add(lookup, &first, SPEAKS_UNKNOWN);
    struct lookup_ask ask = next();
    answer_as(&ask, &ask.node.id, told, COUNT(told), "");
    CHECK_INT(next_distance(), 100);
    CHECK_INT(next_distance(), 300);
    CHECK(is_quiet());
    end();
}

static void test_an_address_is_known_under_two_ids_at_most(void)
{
    begin(&find_node);
    for (unsigned i = 1; i <= 5; i++) {
        struct dht_node node = { node_at(100 * i).id, node_at(100).at };
        lookup_add(lookup, &node, SPEAKS_UNKNOWN);
        lookup_add(lookup, &node, SPEAKS_UNKNOWN);
    }
    struct lookup_ask ask = next();
    lookup_failed(lookup, ask.number);
    ask = next();
    lookup_failed(lookup, ask.number);
    CHECK(is_quiet());
    CHECK(lookup_done(lookup));
    end();
}

/* --- who is another --------------------------------------------------------------------------- */

static void test_an_id_farther_than_said_is_found_where_it_is(void)
{
    struct dht_node closest[3];
    begin(&find_node);
    add(100);
    add(200);
    struct lookup_ask ask = next();
    struct dht_node other = node_at(700);
    answer_as(&ask, &other.id, NULL, 0, "");
    CHECK_INT(answer_all(), 1);
    CHECK_INT(lookup_closest(lookup, closest, COUNT(closest)), 2);
    CHECK_INT(distance_of(&closest[0]), 200);
    CHECK_INT(distance_of(&closest[1]), 700);
    end();
}

static void test_an_id_closer_than_said_is_silence(void)
{
    struct dht_node closest[3];
    begin(&find_node);
    add(100);
    add(200);
    struct lookup_ask ask = next();
    struct dht_node told = node_at(50), other = node_at(1);
    answer_as(&ask, &other.id, &told, 1, "");
    CHECK_INT(answer_all(), 1); /* nor does anybody ask whom it told of */
    CHECK_INT(lookup_closest(lookup, closest, COUNT(closest)), 1);
    CHECK_INT(distance_of(&closest[0]), 200);
    end();
}

static void test_one_node_does_not_answer_under_one_id_twice(void)
{
    struct dht_node closest[3];
    begin(&find_node);
    struct dht_node real = node_at(500), named = { node_at(100).id, real.at };
    lookup_add(lookup, &real, SPEAKS_UNKNOWN);
    lookup_add(lookup, &named, SPEAKS_UNKNOWN);
    struct lookup_ask ask = next();
    CHECK(id_equal(&ask.node.id, &named.id));
    lookup_slow(lookup, ask.number);
    struct lookup_ask again = next();
    answer(&again);
    answer_as(&ask, &real.id, NULL, 0, "");
    CHECK_INT(lookup_closest(lookup, closest, COUNT(closest)), 1);
    end();
}

/* --- items ------------------------------------------------------------------------------------ */

static void test_the_way_to_an_item_is_found_by_find_node(void)
{
    struct lookup_ask ask;
    size_t finds = 0, gets = 0;
    begin(&get);
    for (unsigned i = 1; i <= 40; i++)
        add(100 * i);
    struct lookup_ask first[LOOKUP_AT_ONCE];
    for (size_t i = 0; i < COUNT(first); i++) {
        first[i] = next();
        CHECK_INT(first[i].method, KRPC_FIND_NODE);
    }
    CHECK(is_quiet());
    for (size_t i = 0; i < COUNT(first); i++)
        answer(&first[i]);
    while (lookup_next(lookup, &ask)) {
        finds += ask.method == KRPC_FIND_NODE;
        gets += ask.method == KRPC_GET;
        answer_as(&ask, &ask.node.id, NULL, 0, "");
    }
    CHECK_INT(finds, 8 - LOOKUP_AT_ONCE);
    CHECK_INT(gets, 8);
    CHECK(lookup_done(lookup));
    end();
}

static void test_who_speaks_items_is_asked_for_them_on_the_way(void)
{
    begin(&get);
    struct dht_node node = node_at(100);
    lookup_add(lookup, &node, SPEAKS_ITEMS);
    CHECK_INT(next().method, KRPC_GET);
    end();
}

static void test_who_does_not_speak_items_shows_the_way_only(void)
{
    begin(&get);
    struct dht_node node = node_at(100);
    lookup_add(lookup, &node, SPEAKS_NO_ITEMS);
    struct lookup_ask ask = next();
    CHECK_INT(ask.method, KRPC_FIND_NODE);
    answer(&ask);
    CHECK(is_quiet());
    CHECK(lookup_done(lookup));
    end();
}

static void test_get_goes_to_the_closest_only_before_the_way_ends(void)
{
    begin(&get);
    for (unsigned i = 1; i <= 12; i++)
        add(100 * i);
    struct lookup_ask first = next(), second = next();
    answer(&second);
    for (size_t i = 0; i < LOOKUP_AT_ONCE - 1; i++)
        CHECK_INT(next().method, KRPC_FIND_NODE); /* the first may know closer ones */
    CHECK(is_quiet());
    answer(&first);
    CHECK_INT(next().method, KRPC_FIND_NODE);
    end();
}

/* Nodes that take no items answer all the same: they give no token, and are made up for. */
static void test_so_many_places_as_are_wanted_give_tokens(void)
{
    struct lookup_settings settings = get;
    struct lookup_place places[LOOKUP_WIDE];
    struct lookup_ask ask;
    settings.store_on = 8;
    begin(&settings);
    for (unsigned i = 1; i <= 40; i++)
        add(100 * i);
    while (lookup_next(lookup, &ask)) {
        bool takes = ask.method == KRPC_GET && distance_of(&ask.node) / 100 % 2 == 0;
        answer_as(&ask, &ask.node.id, NULL, 0, takes ? "token" : "");
    }
    CHECK(lookup_done(lookup));
    CHECK_INT(lookup_places(lookup, places, COUNT(places)), 8);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_INT(distance_of(&places[i].node), 200 * (i + 1));
        CHECK(bytes_equal(places[i].token, bytes_of_text("token")));
    }
    end();
}

static void test_who_gives_no_token_is_made_up_for_within_bounds(void)
{
    struct lookup_settings settings = get;
    struct lookup_ask ask;
    size_t gets = 0;
    settings.store_on = 8;
    begin(&settings);
    for (unsigned i = 1; i <= 100; i++)
        add(100 * i);
    while (lookup_next(lookup, &ask)) {
        gets += ask.method == KRPC_GET;
        answer(&ask);
    }
    CHECK_INT(gets, 3 * 8);
    CHECK(lookup_done(lookup));
    end();
}

static void test_a_token_too_long_is_none(void)
{
    struct lookup_settings settings = { .method = KRPC_GET_PEERS, .store_on = 8 };
    struct lookup_place places[2];
    char longest[KRPC_TOKEN_MAX + 1] = { 0 }, longer[KRPC_TOKEN_MAX + 2] = { 0 };
    memset(longest, 't', sizeof longest - 1);
    memset(longer, 't', sizeof longer - 1);
    begin(&settings);
    add(100);
    add(200);
    struct lookup_ask first = next(), second = next();
    answer_as(&first, &first.node.id, NULL, 0, longer);
    answer_as(&second, &second.node.id, NULL, 0, longest);
    CHECK_INT(lookup_places(lookup, places, COUNT(places)), 1);
    CHECK_INT(distance_of(&places[0].node), 200);
    CHECK_INT(places[0].token.size, KRPC_TOKEN_MAX);
    end();
}

/* --- hidden ----------------------------------------------------------------------------------- */

static void test_a_hidden_target_is_told_to_the_closest_only(void)
{
    struct lookup_settings settings = { .method = KRPC_GET_PEERS, .hidden = true };
    struct lookup_ask ask;
    size_t told = 0;
    begin(&settings);
    for (unsigned i = 1; i <= 40; i++)
        add(1000 * i);
    while (lookup_next(lookup, &ask)) {
        unsigned theirs = id_shared_bits(&settings.target, &ask.node.id);
        unsigned shared = id_shared_bits(&settings.target, &ask.target);
        CHECK(ask.method == KRPC_FIND_NODE ? shared <= theirs + 3 : shared == 160);
        if (shared == 160) {
            CHECK(distance_of(&ask.node) <= 1000 * LOOKUP_CANDIDATES);
            told++;
        }
        answer_as(&ask, &ask.node.id, NULL, 0, "token");
    }
    CHECK_INT(told, 8);
    CHECK(lookup_done(lookup));
    end();
}

/* --- liars ------------------------------------------------------------------------------------ */

static struct dht_node made_up(unsigned number)
{
    struct dht_node node = node_at(1);
    node.id.bytes[1] = 0;
    node.id.bytes[5] = (uint8_t)(number >> 8);
    node.id.bytes[6] = (uint8_t)number;
    node.at.ip[12] = 90;
    node.at.ip[13] = (uint8_t)(number >> 8);
    node.at.ip[14] = (uint8_t)number;
    return node;
}

static void test_ids_too_close_for_luck_neither_end_nor_fill_a_search(void)
{
    struct dht_node told[64], complete[LOOKUP_CANDIDATES];
    struct lookup_ask ask;
    size_t fakes = 0, others = 0;
    know_size(1000);
    begin(&find_node);
    for (unsigned i = 0; i < COUNT(told); i++)
        told[i] = made_up(i + 1);
    for (unsigned i = 1; i <= 20; i++)
        add(60 * i);
    while (lookup_next(lookup, &ask)) {
        bool fake = ask.node.at.ip[12] == 90;
        fakes += fake;
        others += !fake;
        answer_as(&ask, &ask.node.id, told, COUNT(told), "");
    }
    CHECK_INT(fakes, 4);
    CHECK_INT(others, 8);
    CHECK(lookup_done(lookup));
    size_t count = lookup_complete(lookup, complete, COUNT(complete));
    CHECK_INT(count, 8);
    for (size_t i = 0; i < count; i++)
        CHECK(complete[i].at.ip[12] == 80);
    end();
}

/* A node whose id fits its address, wherever that leads. */
static struct dht_node fitting(void)
{
    struct dht_node node = node_at((unsigned)rng_below(&rng, 65536));
    id_make(&node.id, &node.at, &rng);
    return node;
}

static struct dht_node mask(unsigned number)
{
    struct dht_node node = node_at(number);
    node.at.ip[12] = 90;
    return node;
}

/* Masks tell of masks, all closer than anybody honest. Returns how many of each were asked. */
static void search_among_masks(bool strict, size_t *masks, size_t *others)
{
    struct lookup_settings settings = { .method = KRPC_FIND_NODE, .strict = strict };
    struct dht_node told[64];
    struct lookup_ask ask;
    *masks = *others = 0;
    begin(&settings);
    for (unsigned i = 0; i < COUNT(told); i++)
        told[i] = mask(i + 1);
    lookup_add(lookup, &told[0], SPEAKS_UNKNOWN);
    for (int i = 0; i < 20; i++) {
        struct dht_node node = fitting();
        lookup_add(lookup, &node, SPEAKS_UNKNOWN);
    }
    while (lookup_next(lookup, &ask)) {
        bool masked = ask.node.at.ip[12] == 90;
        answer_as(&ask, &ask.node.id, told + 16 * (*masks % 4), masked ? 16 : 0, "");
        *masks += masked;
        *others += !masked;
    }
    CHECK(lookup_done(lookup));
    end();
}

static void test_ids_that_do_not_fit_their_addresses_do_not_end_a_search(void)
{
    size_t masks, others;
    search_among_masks(false, &masks, &others);
    CHECK_INT(masks, 8);
    CHECK_INT(others, 0);
    search_among_masks(true, &masks, &others);
    CHECK_INT(masks, 32);
    CHECK_INT(others, 7); /* one mask counts: its owner may just not know BEP 42 */
}

/* Closer than luck would have it; but whoever chose that id had to have an address for it. */
static void test_an_id_that_fits_may_be_as_close_as_it_likes(void)
{
    for (int strict = 0; strict < 2; strict++) {
        struct lookup_settings settings = { .method = KRPC_FIND_NODE, .strict = strict == 1 };
        know_size(1000);
        begin(&settings);
        struct dht_node closest = fitting();
        lookup_destroy(lookup);
        settings.target = closest.id;
        begin(&settings);
        lookup_add(lookup, &closest, SPEAKS_UNKNOWN);
        for (int i = 0; i < 20; i++) {
            struct dht_node node = fitting();
            lookup_add(lookup, &node, SPEAKS_UNKNOWN);
        }
        struct dht_node complete[8];
        answer_all();
        CHECK_INT(lookup_complete(lookup, complete, 8), 8);
        CHECK_INT(id_equal(&complete[0].id, &closest.id), strict == 1);
        end();
    }
}

/* An IPv6 address that fits is to be had for nothing: it is as close as luck has it, or made up. */
static void test_an_ipv6_id_that_fits_may_not_be_too_close(void)
{
    struct lookup_settings settings = { .method = KRPC_FIND_NODE, .strict = true, .ipv6 = true };
    struct dht_node closest = { .at = { .ip = { 0x2a, 7, [15] = 1 }, .port = 6881 } }, complete[8];
    know_size(1000);
    begin(&settings);
    id_make(&closest.id, &closest.at, &rng);
    lookup_destroy(lookup);
    settings.target = closest.id;
    begin(&settings);
    lookup_add(lookup, &closest, SPEAKS_UNKNOWN);
    for (uint8_t i = 0; i < 20; i++) {
        struct dht_node node = { .at = { .ip = { 0x2a, 8, i, [15] = 1 }, .port = 6881 } };
        id_make(&node.id, &node.at, &rng);
        lookup_add(lookup, &node, SPEAKS_UNKNOWN);
    }
    answer_all();
    CHECK_INT(lookup_complete(lookup, complete, 8), 8);
    CHECK(!id_equal(&complete[0].id, &closest.id));
    end();
}

/* One dead address, many ports: each in turn would be waited for. */
static void test_an_answer_names_one_of_each_block(void)
{
    struct dht_node told[16];
    struct lookup_ask ask;
    size_t dead = 0;
    begin(&find_node);
    for (uint16_t i = 0; i < COUNT(told); i++) {
        told[i] = node_at(i + 1u);
        told[i].at = (struct address){ .ip = { [10] = 0xff, 0xff, 90, 1, 1, 1 }, .port = i + 1 };
    }
    add(500);
    for (; lookup_next(lookup, &ask); dead++)
        if (distance_of(&ask.node) == 500)
            answer_as(&ask, &ask.node.id, told, COUNT(told), "");
        else
            lookup_failed(lookup, ask.number);
    CHECK_INT(dead, 1 + 1);
    end();
}

static void test_two_false_ids_do_not_keep_out_one_that_fits(void)
{
    struct lookup_settings settings = { .method = KRPC_FIND_NODE, .strict = true };
    begin(&settings);
    struct dht_node node = fitting(), false_one = node;
    for (uint8_t i = 1; i <= 3; i++) {
        memset(false_one.id.bytes, i, sizeof false_one.id.bytes);
        lookup_add(lookup, &false_one, SPEAKS_UNKNOWN);
    }
    lookup_add(lookup, &node, SPEAKS_UNKNOWN);
    bool asked = false;
    size_t asks = 0;
    for (struct lookup_ask ask; lookup_next(lookup, &ask); asks++) {
        asked |= id_equal(&ask.node.id, &node.id);
        lookup_failed(lookup, ask.number);
    }
    CHECK(asked);
    CHECK_INT(asks, 3);
    end();
}

/* Eight that lie name nobody else; of those known besides, the twelfth knows the way. */
static size_t search_through(unsigned liars_from, struct dht_node closest[8])
{
    struct dht_node told[8];
    struct lookup_ask ask;
    size_t asks = 0;
    know_size(1000);
    begin(&find_node);
    for (unsigned i = 0; i < 8; i++)
        told[i] = node_at(60 * (i + 1));
    for (unsigned i = 0; i < 8; i++)
        add(liars_from + 65 * i);
    for (unsigned i = 0; i < 20; i++)
        add(9000 + 65 * i);
    for (; lookup_next(lookup, &ask); asks++)
        answer_as(&ask, &ask.node.id, told, distance_of(&ask.node) == 9000 + 65 * 4 ? 8 : 0, "");
    CHECK(lookup_done(lookup));
    CHECK_INT(lookup_complete(lookup, closest, 8), 8);
    end();
    return asks;
}

static void test_a_search_that_ends_too_far_away_was_led_astray(void)
{
    struct dht_node closest[8];
    CHECK_INT(search_through(3000, closest), 8 + 5 + 8);
    for (unsigned i = 0; i < 8; i++)
        CHECK_INT(distance_of(&closest[i]), 60 * (i + 1));
    CHECK_INT(search_through(100, closest), 8); /* as close as luck has it */
}

/* Far more than luck would put there, but apart from each other as it would. */
static void crowd(unsigned nodes)
{
    for (unsigned i = 1; i <= nodes; i++) {
        struct dht_node node = made_up(i);
        node.id.bytes[1] = (uint8_t)(2 * i);
        lookup_add(lookup, &node, SPEAKS_UNKNOWN);
    }
}

/* What is stored reaches past the crowd, and the search sees who is around it. */
static void test_a_crowded_place_is_stored_on_widely(void)
{
    struct lookup_settings settings = { .method = KRPC_GET_PEERS, .store_on = 8 };
    struct lookup_place places[LOOKUP_WIDE];
    size_t honest = 0;
    know_size(1000);
    begin(&settings);
    crowd(30);
    for (unsigned i = 1; i <= 30; i++)
        add(65 * i);
    size_t asks = answer_all();
    CHECK(lookup_crowded(lookup));
    CHECK(lookup_done(lookup));
    size_t count = lookup_places(lookup, places, COUNT(places));
    for (size_t i = 0; i < count; i++)
        honest += places[i].node.at.ip[12] == 80;
    CHECK_INT(honest, 20); /* as many as are to be expected so far out: 20 of 1000 */
    CHECK(asks > count);
    CHECK(count <= LOOKUP_WIDE);
    end();
}

static void test_a_place_is_not_crowded_while_nothing_is_known(void)
{
    struct lookup_settings settings = { .method = KRPC_GET_PEERS, .store_on = 8 };
    struct lookup_place places[LOOKUP_WIDE];
    begin(&settings);
    crowd(30);
    answer_all();
    CHECK(!lookup_crowded(lookup));
    CHECK_INT(lookup_places(lookup, places, COUNT(places)), 8);
    end();
}

/* Each answer tells of new and closer ones. */
static void test_a_liar_without_end_is_asked_within_bounds(void)
{
    struct dht_node told[64];
    struct lookup_ask ask;
    unsigned made = 0, asks = 0;
    begin(&find_node);
    add(60000);
    for (; lookup_next(lookup, &ask); asks++) {
        CHECK(asks < ASKS_MOST);
        for (size_t i = 0; i < COUNT(told); i++) {
            told[i] = made_up(++made);
            uint64_t distance = UINT64_MAX - ((uint64_t)made << 40);
            for (size_t byte = 0; byte < 8; byte++)
                told[i].id.bytes[byte] = (uint8_t)(distance >> (56 - 8 * byte));
        }
        answer_as(&ask, &ask.node.id, told, COUNT(told), "");
    }
    CHECK(lookup_done(lookup));
    CHECK(asks >= 8);
    end();
}

/* None of those made up ever answers, so that each makes room for the next. */
static void test_silence_without_end_is_asked_within_bounds(void)
{
    struct dht_node told[32];
    struct lookup_ask ask;
    unsigned made = 0, silent = 0;
    begin(&find_node);
    for (unsigned i = 1; i <= 6; i++)
        add(10000 * i);
    while (lookup_next(lookup, &ask)) {
        if (ask.node.at.ip[12] == 90) {
            CHECK(++silent <= SILENT_MOST);
            lookup_slow(lookup, ask.number);
            continue;
        }
        for (size_t i = 0; i < COUNT(told); i++)
            told[i] = made_up(++made);
        answer_as(&ask, &ask.node.id, told, COUNT(told), "");
    }
    CHECK_INT(silent, SILENT_MOST);
    end();
}

TESTS(TEST(test_the_closest_are_asked_first), TEST(test_who_is_told_of_and_closer_comes_next),
      TEST(test_a_slow_one_makes_room_and_still_counts),
      TEST(test_it_ends_when_the_eight_closest_have_answered),
      TEST(test_it_waits_for_none_that_is_slow), TEST(test_without_an_answer_it_waits_to_the_end),
      TEST(test_nobody_to_ask_is_the_end), TEST(test_more_answer_when_more_are_wanted),
      TEST(test_a_block_has_one_voice), TEST(test_a_silent_one_does_not_silence_his_block),
      TEST(test_local_addresses_stand_for_themselves), TEST(test_an_ipv6_block_is_a_48),
      TEST(test_an_address_is_known_under_two_ids_at_most),
      TEST(test_an_id_farther_than_said_is_found_where_it_is),
      TEST(test_an_id_closer_than_said_is_silence),
      TEST(test_one_node_does_not_answer_under_one_id_twice),
      TEST(test_the_way_to_an_item_is_found_by_find_node),
      TEST(test_who_speaks_items_is_asked_for_them_on_the_way),
      TEST(test_who_does_not_speak_items_shows_the_way_only),
      TEST(test_get_goes_to_the_closest_only_before_the_way_ends),
      TEST(test_so_many_places_as_are_wanted_give_tokens),
      TEST(test_who_gives_no_token_is_made_up_for_within_bounds),
      TEST(test_a_token_too_long_is_none), TEST(test_a_hidden_target_is_told_to_the_closest_only),
      TEST(test_ids_too_close_for_luck_neither_end_nor_fill_a_search),
      TEST(test_ids_that_do_not_fit_their_addresses_do_not_end_a_search),
      TEST(test_an_id_that_fits_may_be_as_close_as_it_likes),
      TEST(test_an_ipv6_id_that_fits_may_not_be_too_close),
      TEST(test_an_answer_names_one_of_each_block),
      TEST(test_two_false_ids_do_not_keep_out_one_that_fits),
      TEST(test_a_search_that_ends_too_far_away_was_led_astray),
      TEST(test_a_crowded_place_is_stored_on_widely),
      TEST(test_a_place_is_not_crowded_while_nothing_is_known),
      TEST(test_a_liar_without_end_is_asked_within_bounds),
      TEST(test_silence_without_end_is_asked_within_bounds))
