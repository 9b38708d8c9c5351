#include "sim/scenario.h"

#define PEOPLE  4
#define STEPS   200
#define WEIGHTS 20 /* of all fates together */

struct village {
    struct sim *sim;
    struct sim_node *people[PEOPLE];
    bool asleep[PEOPLE];
    unsigned moves[PEOPLE];
};

static size_t somebody(struct village *village)
{
    return sim_luck(village->sim, PEOPLE);
}

static void talk(struct village *village)
{
    size_t from = somebody(village), to = (from + 1 + sim_luck(village->sim, PEOPLE - 1)) % PEOPLE;
    for (uint64_t i = sim_luck(village->sim, 10) + 1; i > 0; i--)
        story_say(village->sim, village->people[from], village->people[to], (unsigned)i);
}

static void lid(struct village *village)
{
    size_t who = somebody(village);
    if (village->asleep[who])
        sim_wake(village->people[who], sim_luck(village->sim, 2) == 0);
    else if (sim_alive(village->people[who]))
        sim_sleep(village->people[who]);
    else
        return;
    village->asleep[who] = !village->asleep[who];
}

static void power(struct village *village)
{
    size_t who = somebody(village);
    struct sim_node *node = village->people[who];
    if (village->asleep[who])
        return;
    if (!sim_alive(node))
        sim_restart(node);
    else if (sim_luck(village->sim, 2) == 0)
        sim_kill_at(node, 1 + sim_luck(village->sim, 40));
    else
        (sim_luck(village->sim, 2) == 0 ? sim_kill : sim_quit)(node);
}

static void weather(struct village *village)
{
    struct sim *sim = village->sim;
    struct weather weather = { .latency = (1 + sim_luck(sim, 200)) * MILLISECOND,
                               .jitter = sim_luck(sim, 100) * MILLISECOND,
                               .loss = (unsigned)sim_luck(sim, 300),
                               .repeats = (unsigned)sim_luck(sim, 100),
                               .damage = (unsigned)sim_luck(sim, 100) };
    network_weather(sim_network(sim), &weather);
}

static void wires(struct village *village)
{
    struct sim *sim = village->sim;
    size_t who = somebody(village);
    struct plug *plug = sim_plug(village->people[who]);
    switch (sim_luck(sim, 3)) {
    case 0:
        plug_set_island(plug, (unsigned)sim_luck(sim, 2));
        break;
    case 1:
        plug_set_mtu(plug, 1280 + sim_luck(sim, 221));
        break;
    default:
        if (village->moves[who] < 3) /* a person keeps so many addresses of another */
            sim_move(village->people[who], sim_luck(sim, 2) == 0);
        village->moves[who]++;
    }
}

static void clocks(struct village *village)
{
    sim_clock_forward(village->people[somebody(village)], sim_luck(village->sim, 10 * MINUTE));
}

static void room(struct village *village)
{
    struct disk *disk = sim_disk(village->people[somebody(village)]);
    bool enough = sim_luck(village->sim, 2) == 0;
    disk_limit(disk, enough ? 0 : disk_counts(disk).bytes + 1 + sim_luck(village->sim, 200000));
}

static void calm(struct village *village)
{
    network_weather(sim_network(village->sim), &(struct weather){ .latency = 25 * MILLISECOND });
    for (size_t i = 0; i < PEOPLE; i++) {
        sim_kill_at(village->people[i], 0);
        disk_limit(sim_disk(village->people[i]), 0);
        if (village->asleep[i])
            sim_wake(village->people[i], true);
        if (!sim_alive(village->people[i]))
            sim_restart(village->people[i]);
        plug_set_island(sim_plug(village->people[i]), 0);
    }
    for (size_t i = 0; i < PEOPLE; i++)
        for (size_t k = 0; k < PEOPLE; k++)
            if (i != k) /* two who both moved find each other by no other means, for now */
                sim_tell_address(village->people[i], village->people[k]);
}

/* Four people, and whatever can happen to them in any order. When it is over, nothing was lost. */
void scenario_everything_goes_wrong(struct sim *sim)
{
    static const struct {
        void (*happens)(struct village *village);
        unsigned weight;
    } fates[] = { { talk, 10 }, { lid, 2 },    { power, 3 }, { weather, 1 },
                  { wires, 2 }, { clocks, 1 }, { room, 1 } };
    static const char *const names[PEOPLE] = { "alice", "bob", "carol", "dave" };
    struct village village = { .sim = sim };
    for (size_t i = 0; i < PEOPLE; i++) {
        village.people[i] = sim_add(sim, names[i]);
        for (size_t k = 0; k < i; k++)
            sim_introduce(village.people[i], village.people[k]);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t drawn = sim_luck(sim, WEIGHTS);
        size_t fate = 0;
        for (; drawn >= fates[fate].weight; fate++)
            drawn -= fates[fate].weight;
        fates[fate].happens(&village);
        sim_run(sim, sim_luck(sim, sim_luck(sim, 10) == 0 ? 10 * MINUTE : 2 * SECOND));
    }
    calm(&village);
    CHECK(sim_run_till_delivered(sim, 5 * MINUTE));
    for (size_t i = 0; i < PEOPLE; i++)
        for (size_t k = 0; k < i; k++)
            sim_check_talk(village.people[i], village.people[k]);
}
