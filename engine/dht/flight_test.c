/* Questions in flight: whose answer counts, and when one is missed. */
#include "engine/dht/flight.h"
#include "tests/test.h"

static struct rng_seeded luck;

static struct query query_to(uint16_t port, instant due)
{
    struct query query = { .purpose = FOR_TABLE, .method = KRPC_PING, .due = due };
    query.to.at = (struct address){ .ip = { [10] = 0xff, [11] = 0xff, 1, 2, 3, 4 }, .port = port };
    return query;
}

static void test_only_who_was_asked_may_answer(void)
{
    struct rng rng = rng_from_seed(&luck, 1);
    struct flight flight = { 0 };
    struct query query = query_to(7, SECOND);
    struct address other = query.to.at;
    other.port++;
    CHECK(flight_begin(&flight, &query, &rng));
    struct query *waiting = flight_next_due(&flight, SECOND);
    struct bytes tid = BYTES_OF(waiting->tid);
    CHECK(flight_match(&flight, tid, &query.to.at) == NULL); /* it has not left yet */
    flight_sent(&flight, waiting, SECOND, 0);
    CHECK(flight_match(&flight, tid, &other) == NULL);
    CHECK(flight_match(&flight, (struct bytes){ tid.data, 3 }, &query.to.at) == NULL);
    CHECK(flight_match(&flight, tid, &query.to.at) == waiting);
    flight_remove(&flight, waiting);
    CHECK_INT(flight.count, 0);
    CHECK_INT(flight_deadline(&flight), NEVER);
    flight_finish(&flight);
}

static void test_tids_differ(void)
{
    struct rng rng = rng_from_seed(&luck, 2);
    struct flight flight = { 0 };
    struct query query = query_to(7, SECOND);
    for (size_t i = 0; i < FLIGHT_MAX; i++)
        CHECK(flight_begin(&flight, &query, &rng));
    CHECK(!flight_begin(&flight, &query, &rng));
    for (size_t i = 0; i < FLIGHT_MAX; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(memcmp(flight.queries[i].tid, flight.queries[j].tid, FLIGHT_TID_BYTES) != 0);
    flight_finish(&flight);
}

static instant slow_after(struct flight *flight, duration known)
{
    struct rng rng = rng_from_seed(&luck, 3);
    struct query query = query_to(7, HOUR);
    CHECK(flight_begin(flight, &query, &rng));
    struct query *waiting = flight_next_due(flight, HOUR);
    flight_sent(flight, waiting, HOUR, known);
    instant slow = waiting->due - HOUR;
    flight_remove(flight, waiting);
    return slow;
}

/* The quicker the network, the sooner somebody silent is passed over; never below 0.2 s, where
   queues of home lines begin, and never above 1 s. */
static void test_patience_follows_the_network(void)
{
    static const struct {
        duration rtt, known, least, most;
    } rows[] = {
        { 1 * MILLISECOND, 0, 200 * MILLISECOND, 200 * MILLISECOND },
        { 100 * MILLISECOND, 0, 100 * MILLISECOND, 300 * MILLISECOND },
        { 100 * MILLISECOND, 20 * MILLISECOND, 200 * MILLISECOND, 200 * MILLISECOND },
        { 5 * SECOND, 0, 1 * SECOND, 1 * SECOND },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct flight flight = { 0 };
        CHECK_INT(slow_after(&flight, 0), 600 * MILLISECOND);
        for (size_t answer = 0; answer < 50; answer++)
            flight_learn(&flight, rows[i].rtt);
        instant slow = slow_after(&flight, rows[i].known);
        CHECK(slow >= rows[i].least && slow <= rows[i].most);
        flight_finish(&flight);
    }
}

static void test_each_time_comes_in_its_order(void)
{
    struct rng rng = rng_from_seed(&luck, 4);
    struct flight flight = { 0 };
    struct query late = query_to(1, 3 * SECOND), soon = query_to(2, 2 * SECOND);
    flight_begin(&flight, &late, &rng);
    flight_begin(&flight, &soon, &rng);
    CHECK(flight_next_due(&flight, SECOND) == NULL);
    CHECK_INT(flight_deadline(&flight), 2 * SECOND);
    struct query *first = flight_next_due(&flight, HOUR);
    CHECK_INT(first->to.at.port, 2);
    flight_sent(&flight, first, HOUR, 0);
    first->state = QUERY_SLOW;
    CHECK_INT(flight_next_due(&flight, HOUR)->to.at.port, 1);
    flight_remove(&flight, flight_next_due(&flight, HOUR));
    CHECK_INT(flight_deadline(&flight), HOUR + FLIGHT_GONE_AFTER);
    flight_finish(&flight);
}

TESTS(TEST(test_only_who_was_asked_may_answer), TEST(test_tids_differ),
      TEST(test_patience_follows_the_network), TEST(test_each_time_comes_in_its_order))
