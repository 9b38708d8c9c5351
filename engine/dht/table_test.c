/* The table against a plain model: a list of everybody, and the rules it promises. */
#include "engine/dht/id.h"
#include "engine/dht/table.h"
#include "tests/test.h"

#include "base/mem.h"

#include <stdlib.h>

static struct rng_seeded memory;
static struct rng luck;
static struct dht_id self;
static const instant start = 20000 * DAY;

static struct table *begin(bool ipv6, uint64_t seed)
{
    luck = rng_from_seed(&memory, seed);
    rng_fill(&luck, &self, sizeof self);
    return table_create(ipv6, &self, &luck);
}

/* Each in a /24 of its own unless said otherwise. */
static struct address ipv4(uint32_t block, uint8_t last)
{
    struct address at = { .port = 6881 };
    at.ip[10] = at.ip[11] = 0xff;
    at.ip[12] = (uint8_t)(20 + (block >> 16) % 80);
    at.ip[13] = (uint8_t)(block >> 8);
    at.ip[14] = (uint8_t)block;
    at.ip[15] = last;
    return at;
}

static struct address local(uint16_t port)
{
    struct address at = ipv4(0, 1);
    at.ip[12] = 127;
    at.port = port;
    return at;
}

/* An id that shares `shared` bits with us; what it says of its address is luck. */
static struct dht_node near_us(unsigned shared, struct address at)
{
    struct dht_node node = { .at = at };
    id_near(&node.id, &self, shared, &luck);
    return node;
}

static struct dht_node anybody(uint32_t number)
{
    struct dht_node node = { .at = ipv4(number, 7) };
    rng_fill(&luck, &node.id, sizeof node.id);
    return node;
}

static bool knows(const struct table *table, const struct dht_node *node)
{
    struct table_node found;
    return table_find(table, node, &found);
}

static bool hands_out(const struct table *table, instant now, const struct dht_node *node)
{
    struct table_node found[1];
    return table_closest(table, now, &node->id, found, 1) == 1 &&
           id_equal(&found[0].node.id, &node->id) && address_equal(&found[0].node.at, &node->at);
}

static size_t good_of(const struct table *table, instant now)
{
    size_t good, known;
    table_count(table, now, &good, &known);
    CHECK(good <= known);
    return good;
}

static size_t known_of(const struct table *table, instant now)
{
    size_t good, known;
    table_count(table, now, &good, &known);
    return known;
}

/* --- who is handed out ------------------------------------------------------------------------ */

static void test_only_who_answered_is_handed_out(void)
{
    struct table *table = begin(false, 1);
    struct dht_node told = anybody(1), answered = anybody(2);
    uint8_t wire[8 * 38];
    table_told(table, start, &told);
    CHECK(knows(table, &told));
    CHECK(!hands_out(table, start, &told));
    CHECK_INT(table_write_closest(table, start, &told.id, &answered.at, wire), 0);
    CHECK_INT(good_of(table, start), 0);
    CHECK_INT(known_of(table, start), 1);
    table_answered(table, start, &answered, 30 * MILLISECOND);
    CHECK(hands_out(table, start, &answered));
    table_answered(table, start, &told, 30 * MILLISECOND);
    CHECK(hands_out(table, start, &told));
    CHECK_INT(good_of(table, start), 2);
    table_destroy(table);
}

static void test_what_cannot_be_a_node_is_not_taken(void)
{
    static const char *const impossible[] = {
        "0.0.0.0:5",   "0.1.2.3:5",         "224.0.0.1:5",
        "240.1.1.1:5", "255.255.255.255:5", "[2001:db8::1]:5"
    };
    struct table *table = begin(false, 2);
    struct dht_node node = anybody(1);
    for (size_t i = 0; i < COUNT(impossible); i++) {
        CHECK(address_parse(impossible[i], &node.at));
        table_told(table, start, &node);
        table_answered(table, start, &node, MILLISECOND);
        CHECK_INT(known_of(table, start), 0);
    }
    node = anybody(2);
    node.at.port = 0;
    table_answered(table, start, &node, MILLISECOND);
    node = (struct dht_node){ self, ipv4(3, 3) };
    table_answered(table, start, &node, MILLISECOND);
    CHECK_INT(known_of(table, start), 0);
    table_destroy(table);
}

static void test_silence_of_a_quarter_hour_makes_doubtful(void)
{
    struct table *table = begin(false, 3);
    struct dht_node old = anybody(1), new = anybody(2);
    struct table_node found[2];
    table_answered(table, start, &old, MILLISECOND);
    table_answered(table, start + 10 * MINUTE, &new, MILLISECOND);
    instant now = start + TABLE_FRESH;
    CHECK_INT(good_of(table, now - SECOND), 2);
    CHECK_INT(good_of(table, now), 1);
    /* Who is fresh comes first, even farther away; the other one only where there is room. */
    CHECK_INT(table_closest(table, now, &old.id, found, 2), 2);
    CHECK(id_equal(&found[0].node.id, &new.id));
    CHECK(id_equal(&found[1].node.id, &old.id));
    table_answered(table, now, &old, MILLISECOND);
    CHECK_INT(good_of(table, now), 2);
    table_destroy(table);
}

static void test_an_answer_names_eight_and_not_the_asker(void)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct table *table = begin(ipv6, 4);
        uint8_t wire[8 * 38];
        size_t each = ipv6 ? 38 : 26;
        struct dht_node node, nodes[12];
        for (uint32_t i = 0; i < COUNT(nodes); i++) {
            nodes[i] = anybody(i);
            if (ipv6)
                nodes[i].at = (struct address){ { 0x20, 0x01, [7] = (uint8_t)i, [15] = 9 }, 99 };
            table_answered(table, start, &nodes[i], MILLISECOND);
        }
        CHECK_INT(table_write_closest(table, start, &nodes[3].id, &nodes[3].at, wire), 8 * each);
        for (size_t i = 0; i < 8; i++) {
            const uint8_t *at = wire + i * each;
            memcpy(node.id.bytes, at, DHT_ID_BYTES);
            size_t found = 0;
            while (found < COUNT(nodes) && !id_equal(&nodes[found].id, &node.id))
                found++;
            CHECK(found < COUNT(nodes) && found != 3);
            size_t ip_size = ipv6 ? 16 : 4;
            CHECK_BYTES(at + 20, nodes[found].at.ip + 16 - ip_size, ip_size);
            CHECK_INT(at[20 + ip_size] << 8 | at[21 + ip_size], nodes[found].at.port);
        }
        table_destroy(table);
    }
}

/* --- who may stay ----------------------------------------------------------------------------- */

static void test_another_id_at_an_address_puts_the_first_out(void)
{
    struct table *table = begin(false, 5);
    struct dht_node first = near_us(0, ipv4(1, 1)), second = near_us(1, ipv4(1, 1));
    table_answered(table, start, &first, MILLISECOND);
    table_told(table, start, &second); /* hearsay does not */
    CHECK(knows(table, &first));
    table_answered(table, start, &second, MILLISECOND);
    CHECK(!knows(table, &first));
    CHECK(hands_out(table, start, &second));
    table_destroy(table);
}

static void test_a_name_is_not_taken_from_who_is_well(void)
{
    struct table *table = begin(false, 6);
    struct dht_node first = anybody(1), thief = { first.id, ipv4(2, 2) };
    table_answered(table, start, &first, MILLISECOND);
    table_answered(table, start + MINUTE, &thief, MILLISECOND);
    CHECK(hands_out(table, start, &first));
    CHECK(!knows(table, &thief));
    /* Who is silent may have moved. */
    table_answered(table, start + HOUR, &thief, MILLISECOND);
    CHECK(hands_out(table, start + HOUR, &thief));
    CHECK(!knows(table, &first));
    table_destroy(table);
}

static void test_a_block_has_one_place_in_a_bucket(void)
{
    struct table *table = begin(false, 7);
    struct dht_node first = near_us(0, ipv4(1, 1));
    table_answered(table, start, &first, MILLISECOND);
    for (uint8_t i = 2; i < 200; i++) {
        struct dht_node other = near_us(0, ipv4(1, i));
        table_told(table, start, &other);
        table_answered(table, start, &other, MILLISECOND);
        CHECK_INT(known_of(table, start), 1);
    }
    CHECK(hands_out(table, start, &first));
    /* When it fails, another of the block may have the place. */
    table_silent(table, start, &first);
    struct dht_node heir = near_us(0, ipv4(1, 201));
    table_answered(table, start, &heir, MILLISECOND);
    CHECK(hands_out(table, start, &heir));
    table_destroy(table);
    /* Loopback and private networks are labs: there all are welcome. */
    table = begin(false, 8);
    for (uint16_t i = 1; i <= 60; i++) {
        struct dht_node node = near_us(0, local(i));
        table_answered(table, start, &node, MILLISECOND);
    }
    CHECK_INT(good_of(table, start), 60);
    table_destroy(table);
}

static void test_who_is_silent_is_forgotten_if_others_answer(void)
{
    struct table *table = begin(false, 9);
    struct dht_node node = anybody(1), other = anybody(2);
    table_answered(table, start, &node, MILLISECOND);
    table_answered(table, start, &other, MILLISECOND);
    instant now = start;
    for (int i = 0; i < 3; i++) {
        table_silent(table, now += 30 * SECOND, &node);
        CHECK(knows(table, &node));
        CHECK_INT(good_of(table, now), 1);
        table_answered(table, now, &other, MILLISECOND);
    }
    table_answered(table, now, &node, MILLISECOND); /* back: as good as new */
    CHECK_INT(good_of(table, now), 2);
    for (int i = 0; i < 4; i++) {
        table_answered(table, now, &other, MILLISECOND);
        table_silent(table, now += 30 * SECOND, &node);
    }
    CHECK(!knows(table, &node));
    /* When nobody answers it is our own network that is gone: nobody is forgotten. */
    for (int i = 0; i < 100; i++)
        table_silent(table, now += 5 * MINUTE, &other);
    CHECK(knows(table, &other));
    table_destroy(table);
}

static void test_who_was_only_told_of_is_forgotten_sooner(void)
{
    struct table *table = begin(false, 10);
    struct dht_node node = anybody(1);
    table_told(table, start, &node);
    table_silent(table, start, &node);
    CHECK(knows(table, &node));
    table_silent(table, start, &node);
    CHECK(!knows(table, &node));
    table_destroy(table);
}

/* --- contests --------------------------------------------------------------------------------- */

/* A bucket of eight places: the sixth, opened by filling those before it. */
#define SMALL 5u
static struct table *with_small_bucket(uint64_t seed)
{
    struct table *table = begin(false, seed);
    for (uint32_t i = 0; i < 3000; i++) {
        struct dht_node node = near_us(i % 3 == 0 ? i % 5 : 8 + i % 20, ipv4(1000 + i, 1));
        struct dht_id near;
        id_near(&near, &self, i % 3 == 0 ? i % 5 : 8 + i % 20, &luck);
        node.id = near;
        table_answered(table, start, &node, 100 * MILLISECOND);
    }
    return table;
}

/* In part `part` (of eight) of that bucket. */
static struct dht_node in_part(unsigned part, uint32_t block)
{
    struct dht_node node = near_us(SMALL, ipv4(block, 1));
    for (unsigned i = 0; i < 3; i++) {
        unsigned bit = SMALL + 1 + i, mask = 0x80u >> bit % 8;
        if (part >> (2 - i) & 1)
            node.id.bytes[bit / 8] = (uint8_t)(node.id.bytes[bit / 8] | mask);
        else
            node.id.bytes[bit / 8] = (uint8_t)(node.id.bytes[bit / 8] & ~mask);
    }
    return node;
}

static unsigned part_of(const struct dht_id *id)
{
    unsigned part = 0;
    for (unsigned bit = SMALL + 1; bit < SMALL + 4; bit++)
        part = part << 1 | (id->bytes[bit / 8] >> (7 - bit % 8) & 1);
    return part;
}

/* One whose id fits its address. */
static struct dht_node fitting(unsigned part, uint32_t block)
{
    struct dht_node node;
    for (uint32_t i = 0;; i++) {
        node.at = ipv4(block * 100000 + i, 3);
        id_make(&node.id, &node.at, &luck);
        if (id_shared_bits(&self, &node.id) == SMALL && part_of(&node.id) == part)
            return node;
    }
}

static bool has_place(const struct table *table, instant now, const struct dht_node *node)
{
    struct table_node found[32];
    size_t count = table_closest(table, now, &node->id, found, 8);
    for (size_t i = 0; i < count; i++)
        if (id_equal(&found[i].node.id, &node->id))
            return true;
    return false;
}

static void test_those_who_fail_lose_their_place_first(void)
{
    struct table *table = with_small_bucket(11);
    struct dht_node nodes[8];
    for (unsigned i = 0; i < 8; i++) {
        nodes[i] = in_part(i, i);
        table_answered(table, start, &nodes[i], 50 * MILLISECOND);
        CHECK(has_place(table, start, &nodes[i]));
    }
    struct dht_node late = in_part(0, 100);
    table_answered(table, start, &late, 50 * MILLISECOND);
    CHECK(knows(table, &late));
    CHECK(!has_place(table, start, &late)); /* a replacement */
    table_silent(table, start, &nodes[6]);
    CHECK(has_place(table, start, &late));
    CHECK(!has_place(table, start, &nodes[6]));
    CHECK(knows(table, &nodes[6])); /* now it waits itself */
    /* It answers again: its part is empty, and `late` the youngest of a part that holds two. */
    table_answered(table, start, &nodes[6], 50 * MILLISECOND);
    CHECK(has_place(table, start, &nodes[6]));
    CHECK(!has_place(table, start, &late));
    table_silent(table, start, &nodes[2]);
    CHECK(has_place(table, start, &late));
    table_destroy(table);
}

static void test_contests_are_won_by_address_then_prefix_then_speed(void)
{
    struct table *table = with_small_bucket(12);
    struct dht_node crowd[8];
    for (unsigned i = 0; i < 8; i++) {
        crowd[i] = in_part(i < 4 ? 0 : i, i);
        table_answered(table, start, &crowd[i], (50 + i) * MILLISECOND);
        CHECK(has_place(table, start, &crowd[i]));
    }
    struct dht_node rare = in_part(2, 100);
    table_answered(table, start, &rare, 500 * MILLISECOND);
    CHECK(has_place(table, start, &rare));
    CHECK(!has_place(table, start, &crowd[3])); /* the slowest of the four in part 0 */
    struct dht_node fast = in_part(4, 101), faster = in_part(4, 102);
    table_answered(table, start, &fast, 30 * MILLISECOND); /* not twice as fast as 54 ms */
    CHECK(!has_place(table, start, &fast));
    table_answered(table, start, &faster, 20 * MILLISECOND);
    CHECK(has_place(table, start, &faster));
    CHECK(!has_place(table, start, &crowd[4]));
    struct dht_node fit = fitting(6, 1);
    table_answered(table, start, &fit, 900 * MILLISECOND);
    CHECK(has_place(table, start, &fit));
    CHECK(!has_place(table, start, &rare));  /* the slowest that does not fit */
    struct dht_node swift = in_part(6, 103); /* nor does who fits lose to who does not */
    table_answered(table, start, &swift, 1 * MILLISECOND);
    CHECK(has_place(table, start, &fit));
    table_destroy(table);
}

static void test_veterans_keep_their_places(void)
{
    struct table *table = with_small_bucket(13);
    struct dht_node old[8];
    instant now = start;
    for (unsigned i = 0; i < 8; i++)
        old[i] = in_part(0, i);
    for (int quarter = 0; quarter < 4; quarter++, now += 15 * MINUTE)
        for (unsigned i = 0; i < 8; i++)
            table_answered(table, now, &old[i], 900 * MILLISECOND);
    now -= 15 * MINUTE;
    for (unsigned i = 0; i < 8; i++) {
        struct dht_node new = fitting(i, 1 + i);
        table_answered(table, now, &new, 1 * MILLISECOND);
        CHECK(!has_place(table, now, &new));
        CHECK(has_place(table, now, &old[i]));
    }
    struct dht_node saved[4];
    CHECK_INT(table_save(table, saved, 4), 4); /* and are those to come back to */
    for (unsigned i = 0; i < 4; i++)
        CHECK_INT(id_shared_bits(&self, &saved[i].id), SMALL);
    table_destroy(table);
}

static void test_strangers_told_of_do_not_wash_out_replacements(void)
{
    struct table *table = with_small_bucket(14);
    struct dht_node first[4];
    for (unsigned i = 0; i < 8; i++) {
        struct dht_node live = in_part(i, i);
        table_answered(table, start, &live, 50 * MILLISECOND);
    }
    for (unsigned i = 0; i < 4; i++) {
        first[i] = in_part(i, 100 + i);
        table_told(table, start, &first[i]);
    }
    for (unsigned i = 0; i < 1000; i++) {
        struct dht_node liar = in_part(i % 8, 1000 + i);
        if (!id_fits(&liar.id, &liar.at))
            table_told(table, start + MINUTE, &liar);
    }
    for (unsigned i = 0; i < 4; i++)
        CHECK(knows(table, &first[i]));
    table_destroy(table);
}

static void test_many_answers_in_one_hour_make_no_veteran(void)
{
    struct table *table = with_small_bucket(15);
    struct dht_node busy[8];
    for (unsigned i = 0; i < 8; i++)
        busy[i] = in_part(0, i);
    for (unsigned i = 0; i < 8 * 50; i++)
        table_answered(table, start + i * SECOND, &busy[i % 8], 50 * MILLISECOND);
    struct dht_node new = fitting(0, 1);
    table_answered(table, start + 10 * MINUTE, &new, 900 * MILLISECOND);
    CHECK(has_place(table, start + 10 * MINUTE, &new));
    table_destroy(table);
}

static void test_replacements_yield_to_who_answered_and_grow_old(void)
{
    struct table *table = with_small_bucket(16);
    struct dht_node told[8];
    for (unsigned i = 0; i < 8; i++) {
        struct dht_node live = in_part(i, i);
        table_answered(table, start, &live, 50 * MILLISECOND);
    }
    for (unsigned i = 0; i < 8; i++) {
        told[i] = in_part(i, 100 + i);
        table_told(table, start, &told[i]);
    }
    struct dht_node proved = in_part(0, 200), rumour = in_part(0, 300);
    table_answered(table, start, &proved, 50 * MILLISECOND);
    CHECK(knows(table, &proved));
    table_told(table, start + TABLE_FRESH - SECOND, &rumour);
    CHECK(!knows(table, &rumour));
    table_told(table, start + TABLE_FRESH, &rumour);
    CHECK(knows(table, &rumour));
    /* Whose place is freed by a liar goes to who proved himself. */
    struct dht_node liar = in_part(3, 3);
    CHECK(!has_place(table, start, &proved));
    rng_fill(&luck, &liar.id, sizeof liar.id);
    table_answered(table, start, &liar, 50 * MILLISECOND);
    CHECK(has_place(table, start, &proved));
    table_destroy(table);
}

static void test_most_fit_where_more_than_half_of_enough_do(void)
{
    struct table *table = begin(false, 17);
    for (unsigned i = 0; i < 19; i++) {
        struct dht_node node = fitting(i % 8, i);
        table_answered(table, start, &node, 50 * MILLISECOND);
        CHECK(!table_most_fit(table)); /* too few to say */
    }
    for (unsigned i = 0; i < 21; i++) {
        struct dht_node node = anybody(1000 + i);
        CHECK(!id_fits(&node.id, &node.at));
        table_answered(table, start, &node, 50 * MILLISECOND);
        CHECK_INT(table_most_fit(table), i < 18);
    }
    table_destroy(table);
}

static void test_those_known_for_long_are_saved_first(void)
{
    struct table *table = begin(false, 17);
    struct dht_node nodes[5], saved[5];
    /* Answered in so many quarters of an hour, the last one so many minutes ago. */
    static const unsigned quarters[] = { 3, 1, 3, 5, 9 }, ago[] = { 9, 1, 4, 8, 1 };
    instant now = start + 10 * HOUR;
    for (uint32_t i = 0; i < 5; i++) {
        nodes[i] = anybody(i);
        for (unsigned j = quarters[i]; j-- > 0;)
            table_answered(table, now - ago[i] * MINUTE - j * 15 * MINUTE, &nodes[i], MILLISECOND);
    }
    table_silent(table, now, &nodes[4]);
    static const unsigned order[] = { 3, 2, 0, 1, 4 };
    CHECK_INT(table_save(table, saved, 5), 5);
    for (size_t i = 0; i < 5; i++)
        CHECK(address_equal(&saved[i].at, &nodes[order[i]].at));
    CHECK_INT(table_save(table, saved, 2), 2);
    table_destroy(table);
}

TESTS(TEST(test_only_who_answered_is_handed_out), TEST(test_what_cannot_be_a_node_is_not_taken),
      TEST(test_silence_of_a_quarter_hour_makes_doubtful),
      TEST(test_an_answer_names_eight_and_not_the_asker),
      TEST(test_another_id_at_an_address_puts_the_first_out),
      TEST(test_a_name_is_not_taken_from_who_is_well), TEST(test_a_block_has_one_place_in_a_bucket),
      TEST(test_who_is_silent_is_forgotten_if_others_answer),
      TEST(test_who_was_only_told_of_is_forgotten_sooner),
      TEST(test_those_who_fail_lose_their_place_first),
      TEST(test_contests_are_won_by_address_then_prefix_then_speed),
      TEST(test_veterans_keep_their_places),
      TEST(test_strangers_told_of_do_not_wash_out_replacements),
      TEST(test_many_answers_in_one_hour_make_no_veteran),
      TEST(test_replacements_yield_to_who_answered_and_grow_old),
      TEST(test_most_fit_where_more_than_half_of_enough_do),
      TEST(test_those_known_for_long_are_saved_first))
