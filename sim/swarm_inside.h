/* The inside of a swarm, shared by its files only. */
#ifndef SIM_SWARM_INSIDE_H
#define SIM_SWARM_INSIDE_H

#include "sim/swarm.h"

#define NUMBERS      (1u << 20) /* addresses there are: each in a block of its own */
#define NO_SLOT      UINT32_MAX
#define LATENCY_MOST 2048  /* ms: packets wait in one list for each */
#define TIMER_SPAN   16384 /* ms; who waits longer is looked at again */

enum kind { REFUSES_ITEMS = 1, SILENT_ON_ITEMS, SPEAKS_ALL };

struct letter {
    struct letter *next;
    uint32_t from, to; /* numbers of addresses */
    uint32_t size, class;
    uint8_t bytes[];
};

struct said { /* a packet of the last second */
    uint32_t to, at;
};

struct result_link {
    dht_op op;
    struct swarm_result *result;
    struct result_link *next;
};

struct member {
    struct dht *dht;
    uint32_t number;         /* of its address */
    uint32_t before, behind; /* in a timer's list */
    uint32_t timer;
    uint8_t kind;
    bool silent, hostile, waits;
    uint32_t said_count, said_room;
    struct said *said;
    struct result_link *results;
    struct dht_id id; /* hostile only */
};

#define LETTER_CLASSES 3

struct swarm {
    struct swarm_settings settings;
    struct rng_seeded luck;
    struct rng rng;
    uint64_t now; /* ms since `began` */
    struct member *members;
    size_t honest, started;
    uint32_t *slots;  /* by number */
    uint32_t numbers; /* given */
    bool apart;
    struct letter *post[LATENCY_MOST], **post_end[LATENCY_MOST];
    struct letter *spare[LETTER_CLASSES];
    uint8_t **slabs;
    size_t slab_count, own_bytes, heap_before;
    uint32_t timers[TIMER_SPAN];
    uint32_t victim; /* number nobody has */
    struct dht_id *crowded;
    size_t crowd_count;
    uint32_t *hostile_order; /* slots, by id */
    size_t hostile_count, hostile_taken;
    struct leak *leaks;
    size_t leak_count;
    struct swarm_figures figures;
};

struct address swarm_at(const struct swarm *swarm, uint32_t number);
/* Puts a packet on its way. */
void swarm_post(struct swarm *swarm, uint32_t from, uint32_t to, struct bytes bytes);

/* --- swarm_watch.c --- */
void watch_sent(struct swarm *swarm, struct member *member, uint32_t to, size_t size);
void watch_forget(struct swarm *swarm, struct member *member);

/* --- swarm_hostile.c --- */
void hostile_start(struct swarm *swarm);
void hostile_hear(struct swarm *swarm, struct member *member, uint32_t from, struct bytes bytes);
void hostile_act(struct swarm *swarm); /* once per millisecond */
void hostile_finish(struct swarm *swarm);
/* True: the packet asks for an item; an answer as from somebody who knows no items is posted when
   that is what the member does. */
bool swarm_stops_items(struct swarm *swarm, const struct member *member, uint32_t from,
                       struct bytes bytes);

#endif
