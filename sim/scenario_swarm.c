/* Whether what was put and announced is found, in networks of growing size: a quarter of the nodes
   have just fallen silent and stand in everybody's table, a third of the rest know no items, a
   tenth of all lie, two in a hundred packets are lost, and nodes leave as they do in the world
   (half of the sessions are shorter than 200 minutes). Once without the liars, too.

   Every honest node is a real engine. They come within four minutes, each knowing 24 addresses
   drawn from who is there (the liars too), as somebody with a list some days old does; everything
   else they find out themselves, in the minutes before the first search is measured. So their
   tables are poorer than those of nodes that have been up for hours: the figures err to the bad. */
#include "sim/scenario_swarm.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SETTLING      (20 * MINUTE) /* those of arriving included */
#define ARRIVING      (4 * MINUTE)
#define SESSION       (200 * MINUTE)
#define SILENT        25 /* per cent */
#define LOST          20 /* per mille */
#define BEGIN_EVERY   (40 * MILLISECOND)
#define PATIENCE      (90 * SECOND)
#define RESTING       (2 * MINUTE) /* between the last write and the first search */
#define CROWDED_EVERY 200          /* of so many trials two are crowded: a put and an announce */
#define CROWD         10
#define LARGE         20000
/* Of 1000. In a small network each crowd of liars stands beside a good part of all keys, not only
   beside the one it came for, and a liar may be all that a searcher knows there. */
#define FOUND_HONEST 996 /* one of 300; of 60 worlds one has such a one */
#define FOUND_LARGE  999
#define FOUND        990
#define MEMORY_MOST  (16 * 1024)

struct trial {
    struct sign_pair pair;
    struct item item;
    uint8_t value[32];
    struct dht_id target;
    bool put, crowded;
    struct swarm_result write, search;
};

struct world {
    struct swarm *swarm;
    struct trial *trials;
    size_t count;
};

/* --- trials ----------------------------------------------------------------------------------- */

static void make_item(struct world *world, struct trial *trial, int64_t seq)
{
    memcpy(trial->value, "24:", 3);
    rng_fill(swarm_rng(world->swarm), trial->value + 3, 24);
    trial->item = (struct item){ .mutable = true, .seq = seq, .value = { trial->value, 27 } };
    item_sign(&trial->item, &trial->pair);
    item_target(trial->target.bytes, &trial->item);
}

/* The liars hold an earlier item of every key, from before they turned. */
static void prepare(struct world *world, size_t number)
{
    struct trial *trial = &world->trials[number];
    trial->put = number % 2 == 0;
    trial->crowded = number % CROWDED_EVERY < 2;
    sign_pair_make(&trial->pair, swarm_rng(world->swarm));
    make_item(world, trial, 1);
    swarm_leak(world->swarm, &trial->item);
    make_item(world, trial, 2);
    if (trial->crowded)
        swarm_crowd(world->swarm, &trial->target, CROWD);
}

static void begin_write(struct world *world, struct trial *trial)
{
    struct dht_request request = { .task = trial->put ? DHT_PUT : DHT_ANNOUNCE,
                                   .target = trial->target,
                                   .item = trial->put ? &trial->item : NULL };
    size_t slot = swarm_anybody(world->swarm);
    trial->search.peer = swarm_address(world->swarm, slot);
    trial->search.value = trial->item.value;
    CHECK(swarm_begin(world->swarm, slot, &request, &trial->write));
}

static void begin_search(struct world *world, struct trial *trial)
{
    struct dht_request request = { .task = trial->put ? DHT_GET : DHT_FIND_PEERS,
                                   .target = trial->target,
                                   .item = trial->put ? &trial->item : NULL };
    CHECK(swarm_begin(world->swarm, swarm_anybody(world->swarm), &request, &trial->search));
}

static void do_all(struct world *world, void (*begin)(struct world *world, struct trial *trial))
{
    for (size_t i = 0; i < world->count; i++) {
        begin(world, &world->trials[i]);
        swarm_run(world->swarm, BEGIN_EVERY);
    }
    swarm_run(world->swarm, PATIENCE);
}

/* --- figures ---------------------------------------------------------------------------------- */

struct tally {
    size_t count, good, crowded, crowded_good;
    double rounds, messages, first, took; /* medians; ms */
    double slow_took;                     /* of 99 in 100 */
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double part_of(double *values, size_t count, size_t percent)
{
    qsort(values, count, sizeof *values, by_size);
    return count == 0 ? 0 : values[count * percent / 100];
}

enum measure { ROUNDS, MESSAGES, FIRST, TOOK };

static double measured(const struct dht_cost *cost, enum measure measure)
{
    switch (measure) {
    case ROUNDS:
        return cost->rounds;
    case MESSAGES:
        return cost->queries + cost->answers;
    case FIRST:
        return (double)cost->first / (double)MILLISECOND;
    case TOOK:
        break;
    }
    return (double)cost->took / (double)MILLISECOND;
}

static double percentile(const struct world *world, bool put, bool search, enum measure measure,
                         size_t percent)
{
    double *values = mem_zeroed(world->count, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++) {
        const struct trial *trial = &world->trials[i];
        const struct swarm_result *result = search ? &trial->search : &trial->write;
        if (trial->put == put && result->ended && !result->node_gone)
            values[count++] = measured(&result->cost, measure);
    }
    double found = part_of(values, count, percent);
    mem_free(values);
    return found;
}

/* Who left in the midst of a trial of its own proves nothing. */
static void count_one(struct tally *tally, const struct trial *trial)
{
    if (trial->write.node_gone || trial->search.node_gone)
        return;
    bool good = trial->search.ended && trial->search.wanted;
    tally->count++;
    tally->good += good;
    tally->crowded += trial->crowded;
    tally->crowded_good += trial->crowded && good;
}

static struct tally tally_of(const struct world *world, bool put)
{
    struct tally tally = { 0 };
    for (size_t i = 0; i < world->count; i++)
        if (world->trials[i].put == put)
            count_one(&tally, &world->trials[i]);
    tally.rounds = percentile(world, put, true, ROUNDS, 50);
    tally.messages = percentile(world, put, true, MESSAGES, 50);
    tally.first = percentile(world, put, true, FIRST, 50);
    tally.took = percentile(world, put, true, TOOK, 50);
    tally.slow_took = percentile(world, put, true, TOOK, 99);
    return tally;
}

static void print_tally(size_t nodes, const char *what, const struct tally *tally)
{
    printf("# swarm of %zu: %s: found %zu of %zu (crowded keys %zu of %zu); median rounds %.0f, "
           "messages %.0f, first %.0f ms, complete %.0f ms (99 %%: %.0f ms)\n",
           nodes, what, tally->good, tally->count, tally->crowded_good, tally->crowded,
           tally->rounds, tally->messages, tally->first, tally->took, tally->slow_took);
}

static void print_writes(const struct world *world, size_t nodes, bool put)
{
    printf("# swarm of %zu: %s: median rounds %.0f, messages of the search %.0f, search %.0f ms\n",
           nodes, put ? "put" : "announce", percentile(world, put, false, ROUNDS, 50),
           percentile(world, put, false, MESSAGES, 50), percentile(world, put, false, TOOK, 50));
}

static void check_manners(const struct world *world, size_t nodes)
{
    struct swarm_figures figures;
    swarm_figures(world->swarm, &figures);
    double amplified = (double)figures.to_victim_bytes / (double)(figures.by_victim_bytes + 1);
    printf("# swarm of %zu: %llu packets of engines, at most %u to one address in 1,120 ms, %llu "
           "nodes replaced; a victim got %.2f times what was said in its name\n",
           nodes, (unsigned long long)figures.packets, figures.most_in_window,
           (unsigned long long)figures.left, amplified);
    CHECK(figures.too_many == 0);
    CHECK(figures.most_in_window == 4); /* else nobody was pressed, and nothing was shown */
    CHECK(amplified <= 4);
}

/* Before anything is asked for: what a node holds for the trials is theirs, and grows with them. */
static void check_memory(const struct world *world, size_t nodes)
{
    struct swarm_figures figures;
    swarm_figures(world->swarm, &figures);
    if (figures.memory == 0)
        return; /* a sanitizer's heap does not say */
    double each = (double)figures.memory / (double)figures.engines;
    printf("# swarm of %zu: %.1f KiB of memory per node, %zu engines\n", nodes, each / 1024,
           figures.engines);
    CHECK(each <= MEMORY_MOST);
}

/* What the nodes take for the size, as a part of it. */
static void print_estimates(const struct world *world, size_t nodes)
{
    double *sizes = mem_zeroed(nodes, sizeof *sizes);
    size_t count = 0;
    for (size_t i = 0; i < nodes; i++) {
        struct dht_status status;
        if (swarm_dht(world->swarm, i) == NULL)
            continue;
        dht_look(swarm_dht(world->swarm, i), swarm_now(world->swarm), &status);
        sizes[count++] = status.ipv4.estimate / (double)nodes;
    }
    double half = part_of(sizes, count, 50), low = part_of(sizes, count, 5);
    printf("# swarm of %zu: taken for %.2f times as large, by one in 20 for less than %.2f or more "
           "than %.2f\n",
           nodes, half, low, part_of(sizes, count, 95));
    mem_free(sizes);
}

static bool is_enough(const struct tally *tally, size_t least_of_1000)
{
    return tally->count > 0 && 1000 * tally->good >= least_of_1000 * tally->count;
}

/* --- the story -------------------------------------------------------------------------------- */

struct cost {
    double gets, finds; /* messages */
    double rounds;
};

static void live(struct world *world, size_t nodes)
{
    swarm_run(world->swarm, SETTLING);
    check_memory(world, nodes);
    print_estimates(world, nodes);
    for (size_t i = 0; i < world->count; i++)
        prepare(world, i);
    swarm_silence(world->swarm, SILENT);
    do_all(world, begin_write);
    swarm_run(world->swarm, RESTING);
    do_all(world, begin_search);
}

static struct cost measure(const struct swarm_story *story, size_t nodes, size_t hostile,
                           size_t least_of_1000)
{
    struct swarm_settings settings = { .nodes = nodes,
                                       .hostile = hostile,
                                       .seed = story->seed,
                                       .some_without_items = true,
                                       .loss_per_mille = LOST,
                                       .median_session = SESSION,
                                       .arrival = ARRIVING };
    struct world world = { swarm_create(&settings), NULL, story->nodes >= 10000 ? 4000 : 600 };
    world.trials = mem_zeroed(world.count, sizeof *world.trials);
    live(&world, nodes);
    struct tally gets = tally_of(&world, true), finds = tally_of(&world, false);
    print_tally(nodes, "get", &gets);
    print_tally(nodes, "find peers", &finds);
    print_writes(&world, nodes, true);
    print_writes(&world, nodes, false);
    check_manners(&world, nodes);
    CHECK(is_enough(&gets, least_of_1000));
    CHECK(is_enough(&finds, least_of_1000));
    swarm_destroy(world.swarm);
    mem_free(world.trials);
    return (struct cost){ gets.messages, finds.messages, later(1, (instant)gets.rounds) };
}

/* A network ten times as large costs as many messages more as the last step did, not a multiple:
   that is the logarithm. */
static void check_growth(const struct cost *smaller, const struct cost *larger)
{
    CHECK(larger->rounds <= smaller->rounds + 2);
    CHECK(larger->gets <= smaller->gets + 35);
    CHECK(larger->finds <= smaller->finds + 20);
}

void scenario_swarm_grows(const struct swarm_story *story)
{
    struct cost before = { 0 };
    size_t step = story->nodes >= LARGE ? 10 : 4;
    for (size_t nodes = story->nodes >= LARGE ? story->nodes / 100 : story->nodes / 4;
         nodes <= story->nodes; nodes *= step) {
        struct cost cost = measure(story, nodes, nodes / 10, nodes >= LARGE ? FOUND_LARGE : FOUND);
        if (before.rounds > 0)
            check_growth(&before, &cost);
        before = cost;
    }
}

void scenario_swarm_honest(const struct swarm_story *story)
{
    measure(story, story->nodes, 0, FOUND_HONEST);
}
