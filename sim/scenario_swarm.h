/* Stories of many DHT nodes, told by sim_swarm. */
#ifndef SIM_SCENARIO_SWARM_H
#define SIM_SCENARIO_SWARM_H

#include "sim/swarm.h"

#include <stdio.h>

struct swarm_story { /* how large, and which world */
    size_t nodes;
    uint64_t seed;
};

/* Ends the program: what a story claims is not so. */
_Noreturn void swarm_wrong(const char *claim, const char *file, int line);
#define CHECK(claim) ((claim) ? (void)0 : swarm_wrong(#claim, __FILE__, __LINE__))

/* Runs until the operation has ended, at most so long. */
void swarm_await(struct swarm *swarm, const struct swarm_result *result, duration most);

/* scenario_swarm.c: worlds of growing size, hostile ones and an honest one */
void scenario_swarm_grows(const struct swarm_story *story);
void scenario_swarm_honest(const struct swarm_story *story);

/* scenario_swarm_small.c: honest ones of a few hundred */
void scenario_swarm_from_one(const struct swarm_story *story);
void scenario_swarm_ipv6(const struct swarm_story *story);
void scenario_swarm_moves(const struct swarm_story *story);
void scenario_swarm_splits(const struct swarm_story *story);
void scenario_swarm_idles(const struct swarm_story *story);
void scenario_swarm_survives(const struct swarm_story *story);

#endif
