/* The table against a plain list of everybody: thousands of random events, and after each what is
   promised is looked up the slow way. */
#include "engine/dht/id.h"
#include "engine/dht/table.h"
#include "tests/test.h"

#include <stdlib.h>

#define PEOPLE     500
#define EVENTS     6000
#define LIVE_MOST  1000
#define SEEDS      12
#define TARGET_MAX 20

struct person {
    struct dht_node node;
    uint32_t heard; /* second; 0: never answered, or before our network changed */
    bool ever;      /* it answered */
    bool well;      /* and not been silent since */
};

static struct rng_seeded memory;
static struct rng luck;
static struct dht_id self;
static struct table *table;
static struct person people[PEOPLE];
static instant now;
static struct dht_id target; /* qsort has no place for it */

static struct address address_for(bool ipv6, bool lab, size_t i)
{
    struct address at = { .port = (uint16_t)(1000 + i) };
    if (ipv6) {
        at.ip[0] = lab ? 0xfd : 0x2a;
        at.ip[7] = (uint8_t)(i / 2); /* two in every /64 */
        at.ip[15] = (uint8_t)i;
        return at;
    }
    at.ip[10] = at.ip[11] = 0xff;
    at.ip[12] = lab ? 10 : 80;
    at.ip[13] = (uint8_t)(i / 512);
    at.ip[14] = (uint8_t)(i / 2); /* two in every /24 */
    at.ip[15] = (uint8_t)i;
    return at;
}

static void begin(uint64_t seed)
{
    bool ipv6 = seed % 2 == 1, lab = seed % 3 == 2;
    luck = rng_from_seed(&memory, seed);
    rng_fill(&luck, &self, sizeof self);
    table = table_create(ipv6, &self, &luck);
    now = 20000 * DAY;
    for (size_t i = 0; i < PEOPLE; i++) {
        people[i] = (struct person){ .node.at = address_for(ipv6, lab, i) };
        id_near(&people[i].node.id, &self, (unsigned)rng_below(&luck, i % 2 ? 4 : 12), &luck);
        if (i % 10 == 9) /* another name at his neighbour's place, */
            people[i].node.at = people[i - 1].node.at;
        if (i % 10 == 7) /* or his name elsewhere */
            people[i].node.id = people[i - 1].node.id;
    }
}

static bool is_fresh(const struct person *person)
{
    return person->well && now / SECOND - person->heard < TABLE_FRESH / SECOND;
}

static const struct person *person_of(const struct dht_node *node)
{
    for (size_t i = 0; i < PEOPLE; i++)
        if (id_equal(&people[i].node.id, &node->id) && address_equal(&people[i].node.at, &node->at))
            return &people[i];
    return NULL;
}

static struct person *anybody(void)
{
    return &people[rng_below(&luck, PEOPLE)];
}

static void happen(void)
{
    struct person *person = anybody();
    uint64_t what = rng_below(&luck, 1000);
    now += rng_below(&luck, 4) * SECOND;
    if (what < 550) {
        person->heard = (uint32_t)(now / SECOND);
        person->ever = person->well = true;
        table_answered(table, now, &person->node, (1 + rng_below(&luck, 900)) * MILLISECOND);
    } else if (what < 750) {
        table_told(table, now, &person->node);
    } else if (what < 980) {
        person->well = false;
        table_silent(table, now, &person->node);
    } else if (what < 994) {
        now += rng_below(&luck, 8) * MINUTE;
    } else if (what < 998) {
        if (rng_below(&luck, 2) == 0)
            self.bytes[0] = (uint8_t)rng_u64(&luck);
        self.bytes[1] = (uint8_t)rng_u64(&luck);
        table_rename(table, &self);
    } else {
        for (size_t i = 0; i < PEOPLE; i++)
            people[i].heard = 0;
        table_forget_routes(table);
    }
}

/* --- what is promised ------------------------------------------------------------------------- */

static int order(const void *a, const void *b)
{
    const struct person *first = *(const struct person *const *)a;
    const struct person *second = *(const struct person *const *)b;
    if (is_fresh(first) != is_fresh(second))
        return is_fresh(first) ? -1 : 1;
    return id_closer(&target, &first->node.id, &second->node.id);
}

/* Those with a place. Each answered from there, under the last name it gave. */
static size_t check_places(const struct person **out)
{
    static struct dht_node saved[LIVE_MOST];
    size_t count = table_save(table, saved, LIVE_MOST);
    for (size_t i = 0; i < count; i++) {
        out[i] = person_of(&saved[i]);
        CHECK(out[i] != NULL && out[i]->ever);
        for (size_t j = 0; j < i; j++) {
            CHECK(!address_equal(&out[i]->node.at, &out[j]->node.at));
            CHECK(!id_equal(&out[i]->node.id, &out[j]->node.id));
        }
    }
    return count;
}

static size_t room_of(size_t bucket)
{
    return bucket < 3 ? (size_t)64 >> bucket : 8;
}

/* Whatever the depth is, no bucket holds more than it has room for, nor two of one block. */
static void check_buckets(const struct person **live, size_t count)
{
    size_t in[161] = { 0 }, fitting = 0, deeper = count;
    for (size_t i = 0; i < count; i++) {
        unsigned shared = id_shared_bits(&self, &live[i]->node.id);
        in[shared]++;
        for (size_t j = 0; j < i; j++)
            CHECK(id_shared_bits(&self, &live[j]->node.id) != shared ||
                  !address_same_block(&live[i]->node.at, &live[j]->node.at));
    }
    for (size_t last = 0; last < 160; last++) {
        fitting += deeper <= room_of(last);
        if (in[last] > room_of(last))
            break;
        deeper -= in[last];
    }
    CHECK(fitting > 0);
}

static void check_count(const struct person **live, size_t count)
{
    size_t good, known, fresh = 0;
    for (size_t i = 0; i < count; i++)
        fresh += is_fresh(live[i]);
    table_count(table, now, &good, &known);
    CHECK_INT(good, fresh);
    CHECK(known >= count);
}

static void check_closest(const struct person **live, size_t count)
{
    struct table_node found[TARGET_MAX];
    size_t most = 1 + (size_t)rng_below(&luck, TARGET_MAX);
    id_near(&target, &self, (unsigned)rng_below(&luck, 14), &luck);
    if (rng_below(&luck, 10) == 0)
        target = self;
    qsort(live, count, sizeof *live, order);
    size_t expected = count < most ? count : most;
    CHECK_INT(table_closest(table, now, &target, found, most), expected);
    for (size_t i = 0; i < expected; i++)
        CHECK(id_equal(&found[i].node.id, &live[i]->node.id));
}

static void test_whatever_happens_the_table_keeps_its_word(void)
{
    static const struct person *live[LIVE_MOST];
    size_t most = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed);
        for (unsigned i = 0; i < EVENTS; i++) {
            happen();
            if (i % 8 != 0)
                continue;
            size_t count = check_places(live);
            check_buckets(live, count);
            check_count(live, count);
            check_closest(live, count);
            most = count > most ? count : most;
        }
        table_destroy(table);
    }
    CHECK(most > 150); /* it was not empty all the time */
}

/* Everybody lives next to us. A table of honest nodes is never that deep. */
static void test_neighbours_without_end_find_an_end(void)
{
    size_t good, known;
    luck = rng_from_seed(&memory, 77);
    rng_fill(&luck, &self, sizeof self);
    table = table_create(false, &self, &luck);
    now = 20000 * DAY;
    for (unsigned i = 0; i < 50000; i++) {
        struct dht_node node = { .at = address_for(false, false, 2 * (i % 30000)) };
        node.at.ip[12] = (uint8_t)(80 + i % 90);
        id_near(&node.id, &self, i % 160, &luck);
        table_answered(table, now, &node, MILLISECOND);
    }
    table_count(table, now, &good, &known);
    CHECK(known <= 64 + 32 + 16 + 29 * 8 + 32 * 8);
    table_destroy(table);
}

/* Our id changes once, when our address is known: whoever has room in the new order stays. */
static void test_a_new_name_keeps_the_nodes(void)
{
    size_t good, known, later_good;
    luck = rng_from_seed(&memory, 78);
    rng_fill(&luck, &self, sizeof self);
    table = table_create(false, &self, &luck);
    now = 20000 * DAY;
    for (unsigned i = 0; i < 60; i++) {
        struct dht_node node = { .at = address_for(false, false, 2 * i) };
        rng_fill(&luck, &node.id, sizeof node.id);
        table_answered(table, now, &node, MILLISECOND);
    }
    table_count(table, now, &good, &known);
    CHECK_INT(good, 60);
    for (unsigned i = 0; i < 10; i++) {
        rng_fill(&luck, &self, sizeof self);
        table_rename(table, &self);
        table_count(table, now, &later_good, &known);
        CHECK_INT(later_good, good);
    }
    table_destroy(table);
}

TESTS(TEST(test_whatever_happens_the_table_keeps_its_word),
      TEST(test_neighbours_without_end_find_an_end), TEST(test_a_new_name_keeps_the_nodes))
