/* Searches in a model of the DHT: 2000 nodes, a quarter of them silent, a third without BEP 44, a
   tenth hostile, and every search watched: what it asks, how often, how much at once, and whether
   it ends. */
#include "engine/dht/id.h"
#include "engine/dht/lookup.h"
#include "tests/test.h"

#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>

#define NODES      2000
#define DEPTH      16 /* nobody shares more bits with anybody who is not the closest of all */
#define PER_BUCKET 8
#define BEGIN_WITH 20
#define ASKS_MOST  300
#define AT_END     8 /* at once, when the closest are known */
#define WAITING    96
#define SLOW_AFTER (700 * MILLISECOND) /* as flight.c has it: all but the lost are in time */
#define GONE_AFTER (10 * SECOND)
#define LOST       50 /* one datagram of so many */
#define SEARCHES   1000

/* What a hostile node answers with: its company; names of nobody, close to the target; or such
   names at the addresses of its company, who answer to any name. */
enum kind { HONEST, SILENT, COMPANY, NOBODY, MASKED };

struct member {
    struct dht_node node;
    enum kind kind;
    bool items, holds;
    duration rtt;
    uint16_t known[DEPTH * PER_BUCKET];
    size_t count;
};

struct waiting {
    struct lookup_ask ask;
    instant slow, answer, gone;
};

static struct rng_seeded memory;
static struct rng luck;
static struct member members[NODES]; /* by id */
static uint16_t hostile[NODES];
static size_t hostile_count;
static struct estimate estimate;

struct sample {
    unsigned asks, rounds, took; /* ms */
};
static struct sample samples[2 * SEARCHES];
static size_t sample_count;

/* one search */
static struct lookup *lookup;
static struct dht_id target;
static struct waiting waiting[WAITING];
static struct lookup_ask asked[ASKS_MOST];
static size_t waiting_count, asked_count, slow_count;
static instant now;
static size_t held_by; /* of those that answered `get` */

/* --- the network ------------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
    const struct member *first = a, *second = b;
    return memcmp(&first->node.id, &second->node.id, sizeof first->node.id);
}

static struct address address_of(unsigned block)
{
    return (struct address){ .ip = { [10] = 0xff,
                                     0xff,
                                     (uint8_t)(60 + block / 65536),
                                     (uint8_t)(block / 256),
                                     (uint8_t)block,
                                     9 },
                             .port = 6881 };
}

/* 20 to 640 ms, half of them below 113. */
static duration some_rtt(void)
{
    return (20 * MILLISECOND + rng_below(&luck, 20) * MILLISECOND) << rng_below(&luck, 5);
}

/* The first whose id is not below `like` with all bits after the first `shared` cleared. */
static size_t first_of(const struct dht_id *like, unsigned shared)
{
    struct dht_id least = *like;
    for (unsigned bit = shared; bit < 160; bit++)
        least.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    size_t low = 0, high = NODES;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(&members[middle].node.id, &least, sizeof least) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Up to eight who share exactly so many bits: all there are, where they are few. */
static void fill_bucket(struct member *member, unsigned shared)
{
    struct dht_id other;
    id_near(&other, &member->node.id, shared, &luck);
    size_t first = first_of(&other, shared + 1), count = 0;
    while (first + count < NODES &&
           id_shared_bits(&other, &members[first + count].node.id) > shared)
        count++;
    size_t start = count > 0 ? rng_below(&luck, count) : 0;
    for (size_t i = 0; i < count && i < PER_BUCKET; i++)
        member->known[member->count++] = (uint16_t)(first + (start + i) % count);
}

static enum kind kind_of(size_t i, bool liars)
{
    static const enum kind lies[] = { COMPANY, NOBODY, MASKED };
    if (i % 4 == 0)
        return SILENT;
    return liars && i % 10 == 3 ? lies[i / 10 % 3] : HONEST;
}

static void learn_size(void)
{
    estimate = (struct estimate){ .count = ESTIMATE_SAMPLES };
    for (size_t i = 0; i < ESTIMATE_SAMPLES; i++)
        estimate.samples[i] = (float)NODES * (float)(90 + i) / 100;
}

static void build(uint64_t seed, bool liars)
{
    luck = rng_from_seed(&memory, seed);
    memset(members, 0, sizeof members);
    for (size_t i = 0; i < NODES; i++) {
        struct member *member = &members[i];
        member->node.at = address_of((unsigned)i);
        if (i % 7 < 2)
            rng_fill(&luck, &member->node.id, sizeof member->node.id); /* knows no BEP 42 */
        else
            id_make(&member->node.id, &member->node.at, &luck);
        member->kind = kind_of(i, liars);
        member->items = i % 3 != 1;
        member->rtt = some_rtt();
    }
    qsort(members, NODES, sizeof *members, by_id);
    hostile_count = 0;
    for (size_t i = 0; i < NODES; i++) {
        for (unsigned shared = 0; shared < DEPTH; shared++)
            fill_bucket(&members[i], shared);
        if (members[i].kind > SILENT)
            hostile[hostile_count++] = (uint16_t)i;
    }
    learn_size();
    sample_count = 0;
}

static struct member *member_at(const struct address *at)
{
    for (size_t i = 0; i < NODES; i++)
        if (address_equal(&members[i].node.at, at))
            return &members[i];
    return NULL;
}

/* --- answers ---------------------------------------------------------------------------------- */

static int by_distance(const void *a, const void *b)
{
    return id_closer(&target, &members[*(const uint16_t *)a].node.id,
                     &members[*(const uint16_t *)b].node.id);
}

/* The closest of `count`, which are sorted then; bytes written. */
static void tell_closest(uint16_t *from, size_t count, struct cursor *out)
{
    qsort(from, count, sizeof *from, by_distance);
    for (size_t i = 0; i < count && i < PER_BUCKET; i++)
        krpc_put_node(out, &members[from[i]].node);
}

/* As close as the closest eight of such a network are. */
static void tell_made_up(bool masked, struct cursor *out)
{
    for (size_t i = 0; i < PER_BUCKET; i++) {
        struct dht_node node = { .at =
                                     masked
                                         ? members[hostile[rng_below(&luck, hostile_count)]].node.at
                                         : address_of(65536 + (unsigned)rng_below(&luck, 65536)) };
        id_near(&node.id, &target, 8 + (unsigned)rng_below(&luck, 5), &luck);
        krpc_put_node(out, &node);
    }
}

static void answer(const struct lookup_ask *ask, struct member *member)
{
    uint8_t wire[PER_BUCKET * 26];
    uint16_t known[DEPTH * PER_BUCKET];
    struct cursor out = cursor_into(wire, sizeof wire);
    bool gives = ask->method != KRPC_FIND_NODE;
    if (member->kind == NOBODY || member->kind == MASKED)
        tell_made_up(member->kind == MASKED, &out);
    else if (member->kind == COMPANY)
        tell_closest(hostile, hostile_count, &out);
    else {
        memcpy(known, member->known, sizeof known);
        tell_closest(known, member->count, &out);
    }
    held_by += gives && member->kind == HONEST && member->holds;
    lookup_answered(lookup, ask->number,
                    &(struct lookup_answer){
                        .id = member->kind > SILENT ? ask->node.id : member->node.id,
                        .nodes = cursor_written(&out),
                        .token = bytes_of_text(gives ? "token" : ""),
                    });
}

/* --- one search, watched ---------------------------------------------------------------------- */

/* An address has two ids at most, and each is asked the same once. */
static void watch(const struct lookup_ask *ask)
{
    size_t at_address = 0, now_asked = waiting_count - slow_count;
    for (size_t i = 0; i < asked_count; i++) {
        bool same = asked[i].method == ask->method && id_equal(&asked[i].target, &ask->target);
        if (!same || !address_equal(&asked[i].node.at, &ask->node.at))
            continue;
        CHECK(!id_equal(&asked[i].node.id, &ask->node.id));
        at_address++;
    }
    CHECK(at_address < 2);
    CHECK(asked_count < ASKS_MOST && waiting_count < WAITING);
    CHECK(now_asked < AT_END);
    if (ask->method == KRPC_FIND_NODE && !lookup_crowded(lookup))
        CHECK(now_asked < LOOKUP_AT_ONCE);
    asked[asked_count++] = *ask;
}

static void send(const struct lookup_ask *ask)
{
    const struct member *member = member_at(&ask->node.at);
    bool heard = member != NULL && member->kind != SILENT && rng_below(&luck, LOST) > 0 &&
                 (ask->method != KRPC_GET || member->items || member->kind != HONEST);
    watch(ask);
    waiting[waiting_count++] = (struct waiting){ .ask = *ask,
                                                 .slow = now + SLOW_AFTER,
                                                 .answer = heard ? now + member->rtt : NEVER,
                                                 .gone = now + GONE_AFTER };
}

static instant due_of(const struct waiting *one)
{
    return earlier(earlier(one->slow, one->answer), one->gone);
}

/* What comes next: an answer, or that somebody is slow, or gone. */
static void wait(void)
{
    struct waiting *first = &waiting[0];
    CHECK(waiting_count > 0);
    for (size_t i = 1; i < waiting_count; i++)
        if (due_of(&waiting[i]) < due_of(first))
            first = &waiting[i];
    now = due_of(first);
    if (now == first->slow) {
        first->slow = NEVER;
        slow_count++;
        lookup_slow(lookup, first->ask.number);
        return;
    }
    struct waiting told = *first;
    slow_count -= first->slow == NEVER;
    *first = waiting[--waiting_count];
    if (now == told.answer)
        answer(&told.ask, member_at(&told.ask.node.at));
    else
        lookup_failed(lookup, told.ask.number);
}

/* As an honest node begins it that knows what it knows. */
static void begin(const struct lookup_settings *settings)
{
    uint16_t known[DEPTH * PER_BUCKET];
    struct lookup_settings with = *settings;
    size_t self = rng_below(&luck, NODES);
    target = settings->target;
    with.estimate = &estimate;
    lookup = lookup_create(&with, &luck);
    memcpy(known, members[self].known, sizeof known);
    qsort(known, members[self].count, sizeof *known, by_distance);
    for (size_t i = 0; i < BEGIN_WITH && i < members[self].count; i++)
        lookup_add(lookup, &members[known[i]].node, SPEAKS_UNKNOWN);
    waiting_count = asked_count = slow_count = held_by = 0;
    now = 0;
}

static void run(const struct lookup_settings *settings)
{
    struct lookup_ask ask;
    begin(settings);
    for (;;) {
        while (lookup_next(lookup, &ask))
            send(&ask);
        if (lookup_done(lookup))
            return;
        wait();
        CHECK(now < MINUTE);
    }
}

/* --- many ------------------------------------------------------------------------------------- */

static void keep_sample(void)
{
    samples[sample_count++] = (struct sample){ (unsigned)asked_count, lookup_rounds(lookup),
                                               (unsigned)(now / MILLISECOND) };
}

static int by_asks(const void *a, const void *b)
{
    return (int)((const struct sample *)a)->asks - (int)((const struct sample *)b)->asks;
}

static int by_rounds(const void *a, const void *b)
{
    return (int)((const struct sample *)a)->rounds - (int)((const struct sample *)b)->rounds;
}

static int by_took(const void *a, const void *b)
{
    return (int)((const struct sample *)a)->took - (int)((const struct sample *)b)->took;
}

/* Half of the searches, and 99 %, came to no more. */
static void print_samples(const char *what)
{
    size_t half = sample_count / 2, most = sample_count * 99 / 100;
    qsort(samples, sample_count, sizeof *samples, by_asks);
    printf("%s: %zu searches; queries %u (99 %%: %u)", what, sample_count, samples[half].asks,
           samples[most].asks);
    qsort(samples, sample_count, sizeof *samples, by_rounds);
    printf(", rounds %u (%u)", samples[half].rounds, samples[most].rounds);
    qsort(samples, sample_count, sizeof *samples, by_took);
    printf(", ms %u (%u)\n", samples[half].took, samples[most].took);
    sample_count = 0;
}

/* Puts where a search for places leads; then somebody else looks for it. */
static bool put_and_get(enum krpc_method method, bool hidden)
{
    struct lookup_place places[LOOKUP_WIDE];
    struct lookup_settings settings = {
        .method = method, .store_on = 8, .hidden = hidden, .strict = true
    };
    rng_fill(&luck, &settings.target, sizeof settings.target);
    run(&settings);
    keep_sample();
    size_t count = lookup_places(lookup, places, COUNT(places));
    for (size_t i = 0; i < NODES; i++)
        members[i].holds = false;
    for (size_t i = 0; i < count; i++)
        member_at(&places[i].node.at)->holds = true;
    lookup_destroy(lookup);
    settings.store_on = 0;
    run(&settings);
    keep_sample();
    lookup_destroy(lookup);
    return held_by > 0;
}

static size_t puts_found(enum krpc_method method, bool hidden)
{
    size_t found = 0;
    for (size_t i = 0; i < SEARCHES; i++)
        found += put_and_get(method, hidden);
    printf("%zu of %d found\n", found, SEARCHES);
    return found;
}

static void test_items_are_found_though_a_quarter_is_silent(void)
{
    build(1, false);
    CHECK_INT(puts_found(KRPC_GET, false), SEARCHES);
    print_samples("a quarter silent");
}

static void test_items_are_found_though_a_tenth_lies_too(void)
{
    build(2, true);
    CHECK(puts_found(KRPC_GET, false) * 1000 >= 999 * SEARCHES);
    print_samples("and a tenth hostile");
}

static void test_hidden_items_are_found_though_a_tenth_lies_too(void)
{
    build(3, true);
    CHECK(puts_found(KRPC_GET, true) * 1000 >= 999 * SEARCHES);
    print_samples("and hidden");
}

/* Of those that live, the closest eight; one that was lost on the way is forgiven. */
static size_t closest_found(void)
{
    struct dht_node closest[LOOKUP_WIDE];
    uint16_t alive[NODES];
    size_t count = 0, right = 0;
    for (size_t i = 0; i < NODES; i++)
        if (members[i].kind == HONEST)
            alive[count++] = (uint16_t)i;
    qsort(alive, count, sizeof *alive, by_distance);
    size_t found = lookup_closest(lookup, closest, COUNT(closest));
    for (size_t i = 0; i < found; i++)
        for (size_t j = 0; j < 8; j++)
            right += id_equal(&closest[i].id, &members[alive[j]].node.id);
    return right;
}

static size_t find_closest(void)
{
    struct lookup_settings settings = { .method = KRPC_GET_PEERS, .strict = true };
    rng_fill(&luck, &settings.target, sizeof settings.target);
    run(&settings);
    keep_sample();
    size_t right = closest_found();
    lookup_destroy(lookup);
    return right;
}

static void test_the_closest_of_all_are_found(void)
{
    size_t right = 0;
    build(4, false);
    for (size_t i = 0; i < SEARCHES; i++)
        right += find_closest();
    printf("%zu of %d closest found\n", right, 8 * SEARCHES);
    CHECK(right * 100 >= 8 * SEARCHES * 95);
    print_samples("get_peers");
}

static void test_peers_are_found_though_a_tenth_lies(void)
{
    build(6, true);
    CHECK(puts_found(KRPC_GET_PEERS, false) * 1000 >= 999 * SEARCHES);
    print_samples("peers, a tenth hostile");
}

/* The same luck leads the same way. */
static void test_a_search_can_be_repeated(void)
{
    struct lookup_ask first[ASKS_MOST];
    struct lookup_settings settings = { .method = KRPC_GET, .target = { { 1, 2, 3 } } };
    size_t count = 0;
    for (int again = 0; again < 2; again++) {
        build(5, true);
        run(&settings);
        lookup_destroy(lookup);
        if (again == 0) {
            memcpy(first, asked, asked_count * sizeof *asked);
            count = asked_count;
        }
    }
    CHECK_INT(count, asked_count);
    for (size_t i = 0; i < count; i++)
        CHECK(id_equal(&first[i].node.id, &asked[i].node.id) && first[i].method == asked[i].method);
}

TESTS(TEST(test_items_are_found_though_a_quarter_is_silent),
      TEST(test_items_are_found_though_a_tenth_lies_too),
      TEST(test_hidden_items_are_found_though_a_tenth_lies_too),
      TEST(test_the_closest_of_all_are_found), TEST(test_peers_are_found_though_a_tenth_lies),
      TEST(test_a_search_can_be_repeated))
