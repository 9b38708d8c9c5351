/* Tells the stories: sim_scenarios [--seeds N] [--seed S] [--log] [--list] [NAME...] */
#include "sim/scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct scenario {
    const char *name;
    void (*tell)(struct sim *sim);
} scenarios[] = {
    { "sleeping-friend", scenario_message_waits_for_a_sleeping_friend },
    { "laptops", scenario_laptops_open_and_shut },
    { "clock-jump", scenario_clock_jumps_forward },
    { "clock-back", scenario_clock_is_set_back },
    { "long-letter", scenario_a_long_letter_waits },
    { "quiet", scenario_nothing_happens },
    { "expires", scenario_message_expires },
    { "week", scenario_a_week_passes },
    { "fair-weather", scenario_fair_weather },
    { "storm", scenario_storm_of_loss_and_reordering },
    { "slow-line", scenario_slow_line },
    { "partition", scenario_partition_heals },
    { "mtu-falls", scenario_mtu_falls },
    { "same-seed", scenario_same_seed_same_packets },
    { "both-dial", scenario_both_dial_at_once },
    { "one-adds-first", scenario_one_adds_first },
    { "no-address", scenario_one_has_no_address },
    { "nat", scenario_behind_a_nat },
    { "many-contacts", scenario_many_contacts },
    { "removed", scenario_one_removes_the_other },
    { "caller-moves", scenario_caller_moves },
    { "called-moves", scenario_called_moves },
    { "killed-at-every-write", scenario_killed_at_every_write },
    { "power-cut", scenario_power_fails_before_the_acknowledgement },
    { "killed-while-beginning", scenario_killed_while_beginning },
    { "full-disk", scenario_disk_fills_up },
    { "rotten-disk", scenario_disk_rots },
    { "restart", scenario_everything_restarts },
    { "old-copy", scenario_old_copy_comes_back },
    { "chaos", scenario_everything_goes_wrong },
    { "forty-days-away", scenario_away_for_forty_days },
    { "many-messages", scenario_many_messages },
    { "month-of-one", scenario_one_speaks_for_a_month },
    { "sixty-days-of-five", scenario_sixty_days_of_five },
    { "sealed-apart", scenario_sealed_while_apart },
    { "stranger", scenario_stranger_meets_silence },
    { "replays", scenario_old_packets_come_again },
    { "damaged-packets", scenario_damaged_packets },
};

struct wanted {
    uint64_t seed, seeds;
    bool loud;
    const char **names;
    size_t name_count;
};

static bool is_wanted(const struct wanted *wanted, const char *name)
{
    for (size_t i = 0; i < wanted->name_count; i++)
        if (strcmp(wanted->names[i], name) == 0)
            return true;
    return wanted->name_count == 0;
}

static void tell(const struct scenario *scenario, const struct wanted *wanted)
{
    clock_t began = clock();
    for (uint64_t i = 0; i < wanted->seeds; i++) {
        struct sim *sim = sim_create(scenario->name, wanted->seed + i, wanted->loud);
        scenario->tell(sim);
        sim_destroy(sim);
    }
    printf("ok - %s\n# %" PRIu64 " seeds from %" PRIu64 ", %.2f s of CPU\n", scenario->name,
           wanted->seeds, wanted->seed, (double)(clock() - began) / CLOCKS_PER_SEC);
    fflush(stdout);
}

static bool known(const char *name)
{
    for (size_t i = 0; i < COUNT(scenarios); i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return true;
    return false;
}

static int usage(void)
{
    fputs("usage: sim_scenarios [--seeds N] [--seed S] [--log] [--list] [NAME...]\n", stderr);
    return 2;
}

static int list(void)
{
    for (size_t i = 0; i < COUNT(scenarios); i++)
        puts(scenarios[i].name);
    return 0;
}

int main(int count, char **words)
{
    const char *names[COUNT(scenarios)];
    struct wanted wanted = { .seed = 1, .seeds = 1, .names = names };
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--list") == 0)
            return list();
        if (strcmp(words[i], "--log") == 0)
            wanted.loud = true;
        else if (strcmp(words[i], "--seed") == 0 && i + 1 < count)
            wanted.seed = strtoull(words[++i], NULL, 10);
        else if (strcmp(words[i], "--seeds") == 0 && i + 1 < count)
            wanted.seeds = strtoull(words[++i], NULL, 10);
        else if (known(words[i]) && wanted.name_count < COUNT(names))
            names[wanted.name_count++] = words[i];
        else
            return usage();
    }
    for (size_t i = 0; i < COUNT(scenarios); i++)
        if (is_wanted(&wanted, scenarios[i].name))
            tell(&scenarios[i], &wanted);
    return 0;
}
