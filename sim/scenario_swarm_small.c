/* Honest networks of a few hundred nodes, and what may happen to them. */
#include "sim/scenario_swarm.h"

#include <string.h>

#define SMALL 240

static struct swarm *grown(const struct swarm_story *story, const struct swarm_settings *like)
{
    struct swarm_settings settings = *like;
    settings.nodes = SMALL;
    settings.seed = story->seed;
    settings.loss_per_mille = 10;
    settings.arrival = MINUTE;
    struct swarm *swarm = swarm_create(&settings);
    swarm_run(swarm, 4 * MINUTE);
    return swarm;
}

static void over(struct swarm *swarm)
{
    struct swarm_figures figures;
    swarm_figures(swarm, &figures);
    CHECK(figures.too_many == 0);
    swarm_destroy(swarm);
}

static struct dht_id drawn(struct swarm *swarm)
{
    struct dht_id id;
    rng_fill(swarm_rng(swarm), id.bytes, sizeof id.bytes);
    return id;
}

static unsigned announce(struct swarm *swarm, size_t slot, const struct dht_id *target)
{
    struct swarm_result result = { 0 };
    struct dht_request request = { .task = DHT_ANNOUNCE, .target = *target };
    CHECK(swarm_begin(swarm, slot, &request, &result));
    swarm_await(swarm, &result, 2 * MINUTE);
    CHECK(result.ended);
    return result.stored;
}

static bool finds(struct swarm *swarm, size_t slot, const struct dht_id *target,
                  struct address peer)
{
    struct swarm_result result = { .peer = peer };
    struct dht_request request = { .task = DHT_FIND_PEERS, .target = *target };
    CHECK(swarm_begin(swarm, slot, &request, &result));
    swarm_await(swarm, &result, 2 * MINUTE);
    CHECK(result.ended);
    return result.wanted;
}

/* Of `tries` announces, each is found by somebody. */
static void check_works(struct swarm *swarm, unsigned tries)
{
    for (unsigned i = 0; i < tries; i++) {
        struct dht_id target = drawn(swarm);
        size_t slot = swarm_anybody(swarm), other = swarm_anybody(swarm);
        CHECK(announce(swarm, slot, &target) >= DHT_STORE_ON / 2);
        CHECK(finds(swarm, other, &target, swarm_address(swarm, slot)));
        swarm_run(swarm, 2 * SECOND); /* a node begins one search a second */
    }
}

static size_t fewest_good(struct swarm *swarm, bool ipv6)
{
    size_t fewest = SIZE_MAX;
    for (size_t slot = 0; slot < SMALL; slot++) {
        struct dht_status status;
        dht_look(swarm_dht(swarm, slot), swarm_now(swarm), &status);
        size_t good = ipv6 ? status.ipv6.good : status.ipv4.good;
        fewest = good < fewest ? good : fewest;
    }
    return fewest;
}

/* All know one node only, and nobody else. */
void scenario_swarm_from_one(const struct swarm_story *story)
{
    struct swarm *swarm = grown(story, &(struct swarm_settings){ .entry = 1 });
    size_t fewest = fewest_good(swarm, false);
    printf("# %d nodes that knew one: after 4 minutes each knows %zu good ones or more\n", SMALL,
           fewest);
    CHECK(fewest >= DHT_STORE_ON);
    check_works(swarm, 10);
    over(swarm);
}

void scenario_swarm_ipv6(const struct swarm_story *story)
{
    struct swarm *swarm = grown(story, &(struct swarm_settings){ .ipv6 = true });
    CHECK(fewest_good(swarm, true) >= 20);
    check_works(swarm, 10);
    over(swarm);
}

/* Somebody gets another address, learns it from others, takes an id that fits it, and is found
   there once he has announced himself again. */
void scenario_swarm_moves(const struct swarm_story *story)
{
    struct swarm *swarm = grown(story, &(struct swarm_settings){ 0 });
    struct dht_id target = drawn(swarm);
    struct dht_status before, after;
    size_t slot = swarm_anybody(swarm);
    announce(swarm, slot, &target);
    dht_look(swarm_dht(swarm, slot), swarm_now(swarm), &before);
    swarm_move(swarm, slot);
    swarm_run(swarm, 10 * SECOND);
    CHECK(announce(swarm, slot, &target) >= DHT_STORE_ON / 2);
    CHECK(finds(swarm, (slot + 1) % SMALL, &target, swarm_address(swarm, slot)));
    swarm_run(swarm, 5 * MINUTE);
    dht_look(swarm_dht(swarm, slot), swarm_now(swarm), &after);
    struct address at = swarm_address(swarm, slot);
    CHECK(address_equal(&after.ipv4.self, &at));
    CHECK(!address_equal(&before.ipv4.self, &after.ipv4.self));
    CHECK(memcmp(before.ipv4.id.bytes, after.ipv4.id.bytes, 2) != 0);
    over(swarm);
}

/* Half of the network does not hear the other half for twenty minutes: each half works on alone.
   Afterwards they find each other again, though each has forgotten who was silent. */
void scenario_swarm_splits(const struct swarm_story *story)
{
    struct swarm *swarm = grown(story, &(struct swarm_settings){ 0 });
    swarm_split(swarm, true);
    swarm_run(swarm, 20 * MINUTE);
    struct dht_id target = drawn(swarm);
    CHECK(announce(swarm, 0, &target) >= DHT_STORE_ON / 2);
    CHECK(finds(swarm, 2, &target, swarm_address(swarm, 0)));
    CHECK(!finds(swarm, 1, &target, swarm_address(swarm, 0)));
    swarm_split(swarm, false);
    unsigned minutes = 0;
    while (minutes < 40 && !finds(swarm, 1, &target, swarm_address(swarm, 0))) {
        swarm_run(swarm, MINUTE);
        minutes++;
    }
    printf("# split for 20 minutes: what was announced in the other half is found %u minutes after "
           "it heals\n",
           minutes);
    CHECK(minutes < 40);
    check_works(swarm, 5);
    over(swarm);
}

/* What it costs to be there and do nothing. */
void scenario_swarm_idles(const struct swarm_story *story)
{
    struct swarm *swarm = grown(story, &(struct swarm_settings){ 0 });
    struct swarm_figures before, after;
    swarm_run(swarm, 30 * MINUTE);
    swarm_figures(swarm, &before);
    swarm_run(swarm, 2 * HOUR);
    swarm_figures(swarm, &after);
    double packets = (double)(after.packets - before.packets) / SMALL / 2;
    double bytes = (double)(after.bytes - before.bytes) / SMALL / 2;
    printf("# idle: a node sends %.0f packets (answers included) and %.1f KiB an hour, %.1f MiB a "
           "day\n",
           packets, bytes / 1024, bytes * 24 / 1024 / 1024);
    CHECK(packets <=
          2 * 3600 / 4); /* one query in 4 s, its searches included, and as many answers */
    over(swarm);
}

/* Those through whom all came in are dead; who restarts comes in through nodes it saved. */
void scenario_swarm_survives(const struct swarm_story *story)
{
    struct swarm *swarm = grown(story, &(struct swarm_settings){ .entry = 4 });
    uint8_t saved[DHT_SAVED_MAX_BYTES];
    struct dht_status status;
    swarm_run(swarm, 5 * MINUTE);
    for (size_t slot = 0; slot < 4; slot++)
        swarm_kill(swarm, slot);
    size_t size = dht_save(swarm_dht(swarm, 9), saved);
    swarm_kill(swarm, 9);
    swarm_run(swarm, HOUR);
    swarm_revive(swarm, 9, (struct bytes){ saved, size });
    struct dht_id target = drawn(swarm);
    struct swarm_result result = { 0 };
    struct dht_request request = { .task = DHT_ANNOUNCE, .target = target };
    CHECK(swarm_begin(swarm, 9, &request, &result));
    swarm_await(swarm, &result, 2 * MINUTE);
    CHECK(result.ended && result.stored >= DHT_STORE_ON / 2);
    CHECK(finds(swarm, 20, &target, swarm_address(swarm, 9)));
    swarm_run(swarm, 2 * MINUTE);
    dht_look(swarm_dht(swarm, 9), swarm_now(swarm), &status);
    printf("# restarted from saved nodes, all entry nodes dead: announced after %.1f s, %zu good "
           "nodes after 2 minutes\n",
           (double)result.cost.took / (double)SECOND, status.ipv4.good);
    CHECK(status.ipv4.good >= 20);
    over(swarm);
}
