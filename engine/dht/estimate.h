/* How many nodes there are, judged by how close the closest to random places are; and whether the
   nodes around a place are too many to be there by luck. */
#ifndef DHT_ESTIMATE_H
#define DHT_ESTIMATE_H

#include "engine/dht/id.h"

#define ESTIMATE_NODES   20 /* closest ones a sample is made of, at most */
#define ESTIMATE_SAMPLES 16
#define ESTIMATE_GROWN   5 /* different places crowded in a row: the network grew, not they */

struct estimate {
    float samples[ESTIMATE_SAMPLES];   /* nodes in the network, each by one search ... */
    uint32_t places[ESTIMATE_SAMPLES]; /* ... there: its first bits */
    uint8_t count, next;
    uint8_t crowded; /* places in a row */
    struct {
        uint32_t place; /* first bits */
        float sample;
    } doubted[ESTIMATE_GROWN];
};

/* A search for `target` ended, and these are all that are there, the closest first, at least eight.
   A crowded place teaches nothing unless all are. */
void estimate_learn(struct estimate *estimate, const struct dht_id *target,
                    const struct dht_node *closest, size_t count);
double estimate_nodes(const struct estimate *estimate); /* 0: not known yet */
/* Distance (0 to 1) within which `rank` nodes are to be expected; 1 while nothing is known. */
double estimate_reach(const struct estimate *estimate, unsigned rank);
/* Far more of them, and closer, than luck would put there: one chance in a million at most. */
bool estimate_crowded(const struct estimate *estimate, const struct dht_id *target,
                      const struct dht_node *closest, size_t count);

#endif
