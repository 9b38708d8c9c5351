/* Networks of many sizes, whose nodes lie by luck. A search there sees the closest of n points: the
   smallest of n random numbers, drawn one after the other without drawing all n. */
#include "engine/dht/estimate.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct rng_seeded memory;
static struct rng luck;

static double random_unit(void) /* above 0, at most 1 */
{
    return ((double)(rng_u64(&luck) >> 11) + 1) * 0x1p-53;
}

/* Zero is the target, so that an id is its own distance. */
static const struct dht_id zero;

static struct dht_node at_distance(double distance)
{
    struct dht_node node = { .at = { .port = 1 } };
    uint64_t high = distance >= 1 ? UINT64_MAX : (uint64_t)(distance * 0x1p64);
    for (size_t i = 0; i < 8; i++)
        node.id.bytes[i] = (uint8_t)(high >> (56 - 8 * i));
    rng_fill(&luck, node.id.bytes + 8, DHT_ID_BYTES - 8);
    return node;
}

/* The closest of `nodes`, the closest first; how many. */
static size_t search(double nodes, struct dht_node out[ESTIMATE_NODES])
{
    double at = 0;
    size_t count = 0;
    for (; count < ESTIMATE_NODES && (double)count < nodes; count++) {
        double left = nodes - (double)count;
        at += (1 - at) * -expm1(log(random_unit()) / left);
        out[count] = at_distance(at);
    }
    return count;
}

/* The same distances at another place: a place has one say. */
static void learn(struct estimate *estimate, uint8_t where, struct dht_node *found, size_t count)
{
    struct dht_id place = { { where } };
    for (size_t i = 0; i < count; i++)
        found[i].id.bytes[0] ^= where;
    estimate_learn(estimate, &place, found, count);
}

static struct estimate informed(double nodes, unsigned searches)
{
    struct estimate estimate = { .count = 0 };
    struct dht_node found[ESTIMATE_NODES];
    for (unsigned i = 0; i < searches; i++) {
        size_t count = search(nodes, found);
        learn(&estimate, (uint8_t)(i + 1), found, count);
    }
    return estimate;
}

static const double sizes[] = { 30, 100, 1000, 10000, 100000, 1e6, 1e7 };

/* --- the size --------------------------------------------------------------------------------- */

static void test_the_size_is_found(void)
{
    luck = rng_from_seed(&memory, 1);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        double sum = 0, squares = 0;
        enum { TIMES = 2000 };
        for (int j = 0; j < TIMES; j++) {
            struct estimate estimate = informed(sizes[i], ESTIMATE_SAMPLES);
            double ratio = estimate_nodes(&estimate) / sizes[i];
            CHECK(ratio > 0.6 && ratio < 1.6);
            sum += ratio;
            squares += ratio * ratio;
        }
        double mean = sum / TIMES, deviation = sqrt(squares / TIMES - mean * mean);
        CHECK(fabs(mean - 1) < 0.02);
        CHECK(deviation < 0.09); /* the median of 16 samples, each off by 1 / sqrt(18) */
    }
}

static void test_nothing_is_said_too_early(void)
{
    luck = rng_from_seed(&memory, 2);
    struct dht_node found[ESTIMATE_NODES];
    struct estimate estimate = informed(1000, 0);
    CHECK(estimate_nodes(&estimate) == 0);
    CHECK(estimate_reach(&estimate, 20) == 1);
    for (size_t i = 0; i < COUNT(found); i++)
        found[i] = at_distance(1e-15);
    CHECK(!estimate_crowded(&estimate, &zero, found, COUNT(found)));
    estimate = informed(7, 100); /* too few for a sample */
    CHECK(estimate_nodes(&estimate) == 0);
    estimate = informed(1000, 1);
    CHECK(estimate_nodes(&estimate) > 0);
    estimate = informed(10, 16);
    CHECK(estimate_reach(&estimate, 20) == 1);
    estimate = informed(1000, 16);
    double nodes = estimate_nodes(&estimate);
    CHECK(fabs(estimate_reach(&estimate, 20) * nodes - 20) < 1e-9);
}

static void test_a_few_lies_do_not_move_the_size(void)
{
    luck = rng_from_seed(&memory, 3);
    struct dht_node found[ESTIMATE_NODES];
    for (int round = 0; round < 200; round++) {
        struct estimate estimate = { .count = 0 };
        for (unsigned i = 0; i < 16; i++) {
            size_t count = search(i % 4 == 1 ? (i < 8 ? 1e9 : 60) : 1e5, found);
            learn(&estimate, (uint8_t)(i + 1), found, count);
        }
        double nodes = estimate_nodes(&estimate);
        CHECK(nodes > 0.5e5 && nodes < 2e5);
    }
}

static void test_a_network_that_grew_is_measured_anew(void)
{
    luck = rng_from_seed(&memory, 4);
    struct estimate estimate = informed(30, 16);
    struct dht_node found[ESTIMATE_NODES];
    struct dht_id place = { { 0 } };
    /* One crowded place, looked at again and again, changes nothing. */
    for (int i = 0; i < 100; i++) {
        size_t count = search(1e6, found);
        estimate_learn(&estimate, &zero, found, count);
        CHECK(estimate_nodes(&estimate) < 100);
    }
    /* Nor do crowded places with ordinary ones between them. */
    for (uint8_t i = 0; i < 4 * ESTIMATE_GROWN; i++) {
        bool crowd = i % 4 != 3;
        size_t count = search(crowd ? 1e6 : 30, found);
        for (size_t j = 0; j < count; j++)
            found[j].id.bytes[0] ^= 0x80 | i;
        place.bytes[0] = 0x80 | i;
        estimate_learn(&estimate, &place, found, count);
        CHECK(estimate_nodes(&estimate) < 100);
    }
    /* Wherever we look it is crowded. */
    for (uint8_t i = 0; i < ESTIMATE_GROWN; i++) {
        CHECK(estimate_nodes(&estimate) < 100);
        size_t count = search(1e6, found);
        place.bytes[0] = i;
        for (size_t j = 0; j < count; j++)
            found[j].id.bytes[0] ^= i;
        estimate_learn(&estimate, &place, found, count);
    }
    CHECK(estimate_nodes(&estimate) > 0.4e6 && estimate_nodes(&estimate) < 2.5e6);
}

/* --- crowded places --------------------------------------------------------------------------- */

/* Honest searches, each judged by what some before it taught. A million in all take a second or
   two; RAMAGE_ESTIMATE_TIMES multiplies them. */
static void test_honest_places_are_not_crowded(void)
{
    const char *text = getenv("RAMAGE_ESTIMATE_TIMES");
    int times = text == NULL ? 1 : atoi(text), alarms = 0;
    struct dht_node found[ESTIMATE_NODES];
    luck = rng_from_seed(&memory, 5);
    for (int round = 0; round < 3000 * times; round++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            struct estimate estimate = informed(sizes[i], 3 + (unsigned)rng_below(&luck, 14));
            for (int j = 0; j < 50; j++) {
                size_t count = search(sizes[i], found);
                alarms += estimate_crowded(&estimate, &zero, found, count);
            }
        }
    if (text != NULL)
        printf("%d alarms in %.0f million\n", alarms, 3000.0 * 7 * 50 * times / 1e6);
    CHECK(alarms <= 1 + times / 2);
}

/* A million nodes, some of them silent now and then: the estimate is of those who answer. */
static void test_nodes_that_come_and_go_are_no_crowd(void)
{
    struct dht_node found[ESTIMATE_NODES];
    luck = rng_from_seed(&memory, 6);
    for (int round = 0; round < 2000; round++) {
        struct estimate estimate = informed(0.8e6, 16);
        for (int j = 0; j < 20; j++) {
            size_t count = search(1e6, found);
            CHECK(!estimate_crowded(&estimate, &zero, found, count));
        }
    }
}

/* log of the chance that of `nodes` at least `least` are within `distance`: binomial, exact. */
static double exact_chance(double nodes, double distance, size_t least)
{
    double sum = 0;
    for (double i = (double)least; i <= nodes && i < (double)least + 200; i++)
        sum += exp(lgamma(nodes + 1) - lgamma(i + 1) - lgamma(nodes - i + 1) + i * log(distance) +
                   (nodes - i) * log1p(-distance));
    return sum;
}

/* Too rare to be seen by trying: the chances of all ways to be called crowded, added up, while the
   estimate is too low by four and a half times what it usually errs by, once in 300,000. */
static void test_chances_of_a_false_alarm_add_up_to_less_than_a_millionth(void)
{
    luck = rng_from_seed(&memory, 7);
    for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
        double nodes = sizes[i / 2];
        struct estimate estimate = { .count = i % 2 ? 3 : ESTIMATE_SAMPLES };
        for (size_t j = 0; j < estimate.count; j++)
            estimate.samples[j] = (float)(nodes * exp(-4.5 * 0.42 / sqrt(estimate.count)));
        double total = 0;
        for (size_t count = 1; count <= ESTIMATE_NODES; count++) {
            double crowded = 0, fine = 1;
            for (int step = 0; step < 60; step++) {
                struct dht_node found[ESTIMATE_NODES];
                double middle = crowded == 0 ? fine / 2 : (crowded + fine) / 2;
                for (size_t j = 0; j < count; j++)
                    found[j] = at_distance(middle * (double)(j + 1) / (double)count);
                if (estimate_crowded(&estimate, &zero, found, count))
                    crowded = middle;
                else
                    fine = middle;
            }
            if (crowded > 0)
                total += exact_chance(nodes, crowded, count);
        }
        CHECK(total > 0);
        CHECK(total < 1e-6);
    }
}

static int nearer(const void *a, const void *b)
{
    return id_closer(&zero, &((const struct dht_node *)a)->id, &((const struct dht_node *)b)->id);
}

/* Share of attacks noticed: `liars` ids before the closest honest one, within `part` of its
   distance. */
static double noticed(double nodes, size_t liars, double part)
{
    enum { TIMES = 2000 };
    int seen = 0;
    for (int i = 0; i < TIMES; i++) {
        struct estimate estimate = informed(nodes, ESTIMATE_SAMPLES);
        struct dht_node found[2 * ESTIMATE_NODES];
        size_t count = search(nodes, found);
        double closest = id_distance(&zero, &found[0].id);
        for (size_t j = 0; j < liars; j++)
            found[count++] = at_distance(closest * part * random_unit());
        qsort(found, count, sizeof *found, nearer);
        seen += estimate_crowded(&estimate, &zero, found,
                                 count < ESTIMATE_NODES ? count : ESTIMATE_NODES);
    }
    return (double)seen / TIMES;
}

/* Twenty before the closest honest node are noticed, and so are eight that took care to stay there
   while honest nodes come. Eight that are just before it often are no rarer than one in a million:
   nobody can tell them from luck. */
static void test_crowds_are_noticed(void)
{
    static const struct {
        size_t liars;
        double part, least;
    } attacks[] = {
        { 20, 1, 0.92 },      { 16, 1, 0.84 },       { 12, 1, 0.64 },         { 8, 1, 0.30 },
        { 8, 1.0 / 4, 0.70 }, { 8, 1.0 / 16, 0.99 }, { 8, 1.0 / 256, 0.998 },
    };
    luck = rng_from_seed(&memory, 8);
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t j = 0; j < COUNT(attacks); j++) {
            double share = noticed(sizes[i], attacks[j].liars, attacks[j].part);
            if (getenv("RAMAGE_ESTIMATE_TIMES") != NULL)
                printf("%8.0f nodes, %2zu liars within %.4f of the closest: %.3f noticed\n",
                       sizes[i], attacks[j].liars, attacks[j].part, share);
            CHECK(share >= attacks[j].least);
        }
}

TESTS(TEST(test_the_size_is_found), TEST(test_nothing_is_said_too_early),
      TEST(test_a_few_lies_do_not_move_the_size), TEST(test_a_network_that_grew_is_measured_anew),
      TEST(test_honest_places_are_not_crowded), TEST(test_nodes_that_come_and_go_are_no_crowd),
      TEST(test_chances_of_a_false_alarm_add_up_to_less_than_a_millionth),
      TEST(test_crowds_are_noticed))
