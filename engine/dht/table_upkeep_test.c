/* The table's chores, in a world where questions are answered at once or, after ten seconds, not.
 */
#include "engine/dht/id.h"
#include "engine/dht/table.h"
#include "tests/test.h"

#include <stdlib.h>

#define PEOPLE   400
#define GONE     (10 * SECOND)
#define LATE_MAX 16

static struct rng_seeded memory;
static struct rng luck;
static struct dht_id self;
static struct table *table;
static const instant start = 20000 * DAY;
static instant now;

static struct person {
    struct dht_node node;
    bool dead;
    instant asked;
    unsigned times;
} people[PEOPLE];

static struct late { /* questions to the dead */
    instant gone;
    struct dht_node node;
} late[LATE_MAX];
static size_t late_count;

static unsigned pings, searches, home_searches;
static instant newest_search;
static struct dht_id newest_target;

static void begin(uint64_t seed)
{
    luck = rng_from_seed(&memory, seed);
    rng_fill(&luck, &self, sizeof self);
    table = table_create(false, &self, &luck);
    now = start;
    late_count = 0;
    pings = searches = home_searches = 0;
    newest_search = 0;
    for (size_t i = 0; i < PEOPLE; i++) {
        people[i] = (struct person){ .dead = false };
        rng_fill(&luck, &people[i].node.id, DHT_ID_BYTES);
        people[i].node.at = (struct address){ .port = 6881 };
        people[i].node.at.ip[10] = people[i].node.at.ip[11] = 0xff;
        people[i].node.at.ip[12] = 80;
        people[i].node.at.ip[13] = (uint8_t)(i / 256);
        people[i].node.at.ip[14] = (uint8_t)i;
    }
}

static void meet(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        table_answered(table, now, &people[i].node, 50 * MILLISECOND);
}

static struct person *person_of(const struct dht_node *node)
{
    size_t i = 0;
    while (!address_equal(&people[i].node.at, &node->at))
        i++;
    CHECK(id_equal(&people[i].node.id, &node->id));
    return &people[i];
}

static void ping(const struct dht_node *node)
{
    struct person *person = person_of(node);
    CHECK(person->asked == 0 || now - person->asked >= 29 * SECOND);
    person->asked = now;
    person->times++;
    pings++;
    if (!person->dead)
        table_answered(table, now, node, 50 * MILLISECOND);
    else if (late_count < LATE_MAX)
        late[late_count++] = (struct late){ now + GONE, *node };
}

static void do_chore(const struct table_chore *chore)
{
    if (!chore->search) {
        ping(&chore->node);
        return;
    }
    searches++;
    home_searches += id_equal(&chore->target, &self);
    newest_search = now;
    newest_target = chore->target;
}

static size_t good(void)
{
    size_t well, known;
    table_count(table, now, &well, &known);
    return well;
}

static void run(instant until)
{
    struct table_chore chore;
    instant last = 0;
    for (;;) {
        instant next = earlier(table_deadline(table), until);
        for (size_t i = 0; i < late_count; i++)
            next = earlier(next, late[i].gone);
        now = later(now, next);
        while (late_count > 0 && late[0].gone <= now) {
            table_silent(table, now, &late[0].node);
            memmove(late, late + 1, --late_count * sizeof *late);
        }
        if (now == until)
            return;
        while (table_deadline(table) <= now && table_chore(table, now, &chore)) {
            CHECK(last == 0 || now - last >= (good() < 20 ? 1 : 5) * SECOND);
            last = now;
            do_chore(&chore);
        }
        CHECK(table_deadline(table) > now);
    }
}

static void test_without_nodes_there_is_nothing_to_do(void)
{
    struct table_chore chore;
    begin(1);
    CHECK(table_deadline(table) == NEVER);
    CHECK(!table_chore(table, start, &chore));
    table_told(table, now, &people[0].node); /* a rumour is something */
    run(start + MINUTE);
    CHECK_INT(good(), 1);
    table_destroy(table);
}

static void test_those_who_answer_stay_good(void)
{
    begin(2);
    meet(0, 90);
    for (int quarter = 0; quarter < 16; quarter++) {
        run(now + 15 * MINUTE);
        CHECK_INT(good(), 90);
    }
    /* Each is asked often enough, and not much more. */
    CHECK(pings >= 90 * 240 / 12 && pings <= 90 * 240 / 7);
    table_destroy(table);
}

static void test_a_full_table_is_cared_for_at_a_measured_pace(void)
{
    begin(3);
    meet(0, PEOPLE);
    size_t before = good();
    CHECK(before > 120);
    run(start + 4 * HOUR);
    CHECK(pings + searches <= 4 * 3600 / 5);
    CHECK(pings >= 4 * 3600 / 7);
    CHECK(good() > before / 2); /* without a single search, which would refresh them too */
    table_destroy(table);
}

static void test_the_dead_are_forgotten(void)
{
    begin(4);
    meet(0, 100);
    for (size_t i = 0; i < 50; i++)
        people[i].dead = true;
    run(start + 45 * MINUTE);
    CHECK_INT(good(), 50);
    struct table_node found;
    for (size_t i = 0; i < 100; i++)
        CHECK_INT(table_find(table, &people[i].node, &found), i >= 50);
    for (size_t i = 0; i < 50; i++)
        CHECK(people[i].times == 4 || people[i].times == 5);
    table_destroy(table);
}

static void test_who_was_told_of_is_checked_where_there_is_room(void)
{
    begin(5);
    meet(0, 3);
    run(start + 10 * SECOND);
    for (size_t i = 10; i < 18; i++)
        table_told(table, now, &people[i].node);
    people[17].dead = true;
    run(start + 3 * MINUTE);
    CHECK_INT(good(), 3 + 7);
    struct table_node found;
    CHECK(!table_find(table, &people[17].node, &found)); /* asked twice */
    CHECK_INT(people[17].times, 2);
    table_destroy(table);
}

static void test_a_replacement_is_checked_when_somebody_fails(void)
{
    begin(6);
    meet(0, PEOPLE);
    /* A full bucket: the first, of those on the other side. */
    size_t beyond[PEOPLE], count = 0, lost = 0;
    for (size_t i = 0; i < PEOPLE; i++)
        if (id_shared_bits(&self, &people[i].node.id) == 0)
            beyond[count++] = i;
    CHECK(count > 64);
    struct table_node found;
    for (size_t i = 0; i < count; i++) { /* those who found no room are replacements, if at all */
        bool there = table_find(table, &people[beyond[i]].node, &found);
        lost += !there;
    }
    CHECK_INT(lost, count - 64 - 4);
    size_t before = good();
    for (size_t i = 0; i < 3; i++) {
        people[beyond[i]].dead = true;
        table_silent(table, now, &people[beyond[i]].node);
        CHECK_INT(good(), before); /* one that had answered was ready */
    }
    table_destroy(table);
}

static void test_a_few_nodes_are_left_in_peace(void)
{
    begin(10);
    meet(0, 25);
    run(start + 2 * HOUR);
    for (size_t i = 0; i < 25; i++)
        CHECK(people[i].times >= 120 / 9 && people[i].times <= 120 / 6);
    table_destroy(table);
}

static void test_a_newcomer_checks_fast_whom_he_is_told_of(void)
{
    begin(11);
    meet(0, 3);
    run(start + 30 * SECOND);
    for (size_t i = 10; i < 18; i++)
        table_told(table, now, &people[i].node);
    run(now + 11 * SECOND);
    CHECK_INT(good(), 3 + 8);
    /* Later, a rumour wakes him that sleeps. */
    meet(20, 30);
    run(now + 10 * MINUTE);
    meet(0, 100);
    table_told(table, now, &people[200].node);
    run(now + 7 * SECOND);
    CHECK_INT(people[200].times, 1);
    table_destroy(table);
}

/* The nodes of one full bucket, and two that are only told of. */
static void test_rumours_wait_until_somebody_fails(void)
{
    begin(12);
    size_t first = PEOPLE, told[2] = { PEOPLE, PEOPLE };
    for (size_t i = 0, count = 0; i < PEOPLE; i++) {
        if (id_shared_bits(&self, &people[i].node.id) != 0)
            continue;
        if (count++ < 64)
            meet(i, 1);
        else if (count < 67)
            told[count - 65] = i;
        if (count == 1)
            first = i;
    }
    CHECK(told[1] < PEOPLE);
    for (size_t i = 0; i < PEOPLE; i++) /* others, so that the full bucket is not the last */
        if (id_shared_bits(&self, &people[i].node.id) != 0)
            meet(i, 1);
    table_told(table, now, &people[told[0]].node);
    table_told(table, now, &people[told[1]].node);
    run(start + HOUR);
    CHECK_INT(people[told[0]].times + people[told[1]].times, 0);
    table_silent(table, now, &people[first].node);
    people[first].dead = true;
    run(now + 15 * SECOND);
    CHECK(people[told[0]].times + people[told[1]].times > 0);
    struct table_node found[1];
    size_t which = people[told[0]].times > 0 ? told[0] : told[1];
    CHECK_INT(table_closest(table, now, &people[which].node.id, found, 1), 1);
    CHECK(id_equal(&found[0].node.id, &people[which].node.id)); /* it has the place */
    table_destroy(table);
}

static void test_we_look_around_ourselves(void)
{
    begin(7);
    meet(0, 20);
    run(start + 59 * SECOND);
    CHECK_INT(home_searches, 0);
    run(start + 90 * SECOND);
    CHECK_INT(home_searches, 1);
    run(start + 4 * HOUR);
    /* After 1, 3, 7, 15 minutes, then every 20. */
    CHECK(home_searches >= 14 && home_searches <= 17);
    CHECK_INT(searches, home_searches); /* the one bucket there is, is our neighbourhood */
    table_rename(table, &people[399].node.id);
    self = people[399].node.id;
    run(now + MINUTE);
    CHECK(newest_search >= start + 4 * HOUR); /* we live elsewhere now */
    table_destroy(table);
}

static void test_a_bucket_with_room_is_searched(void)
{
    unsigned in[160] = { 0 };
    begin(8);
    for (size_t i = 0; i < PEOPLE; i++)
        if (id_shared_bits(&self, &people[i].node.id) != 1 || i % 8 == 0)
            meet(i, 1);
    for (unsigned i = 0; i < 6 * 60; i++) {
        run(now + MINUTE);
        if (newest_search + MINUTE > now && !id_equal(&newest_target, &self))
            in[id_shared_bits(&self, &newest_target)]++;
    }
    CHECK_INT(in[0], 0);                 /* full */
    CHECK(in[1] >= 4 && in[1] <= 6);     /* once an hour */
    CHECK(searches - home_searches < 9); /* the last ones are our neighbourhood */
    table_destroy(table);
}

static void test_after_a_move_all_are_asked_anew(void)
{
    begin(9);
    meet(0, 60);
    run(start + 5 * MINUTE);
    CHECK_INT(good(), 60);
    table_forget_routes(table);
    CHECK_INT(good(), 0);
    CHECK(table_deadline(table) <= now);
    struct table_node found[8];
    CHECK_INT(table_closest(table, now, &self, found, 8), 8); /* better than nobody */
    run(now + 16 * MINUTE);
    CHECK_INT(good(), 60);
    table_destroy(table);
}

TESTS(TEST(test_without_nodes_there_is_nothing_to_do), TEST(test_those_who_answer_stay_good),
      TEST(test_a_full_table_is_cared_for_at_a_measured_pace), TEST(test_the_dead_are_forgotten),
      TEST(test_who_was_told_of_is_checked_where_there_is_room),
      TEST(test_a_replacement_is_checked_when_somebody_fails),
      TEST(test_a_few_nodes_are_left_in_peace),
      TEST(test_a_newcomer_checks_fast_whom_he_is_told_of),
      TEST(test_rumours_wait_until_somebody_fails), TEST(test_we_look_around_ourselves),
      TEST(test_a_bucket_with_room_is_searched), TEST(test_after_a_move_all_are_asked_anew))
