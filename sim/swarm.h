/* A DHT of up to a hundred thousand nodes in one process: every honest one a real engine, every
   packet an event. Time goes in milliseconds; latency and loss are drawn; a run repeats under its
   seed.

   Nodes live in slots. Who is gone is replaced, in the same slot, by a newcomer at a new address
   who knows a few that live. Hostile nodes have no engine: swarm_hostile.c says what they do.
   Everything an engine says is watched: swarm_watch.c. */
#ifndef SIM_SWARM_H
#define SIM_SWARM_H

#include "engine/dht/dht.h"

#define SWARM_KNOWN 24 /* nodes a newcomer knows: what a saved list still holds after some days */

struct swarm_settings {
    size_t nodes, hostile; /* hostile ones are among the nodes, the last slots */
    uint64_t seed;
    bool ipv6;
    bool some_without_items; /* a third: half of them answer `get` and `put` with 204 */
    unsigned loss_per_mille; /* of packets */
    duration median_session; /* 0: nobody leaves */
    size_t entry;            /* all newcomers know only this many first slots; 0: a sample */
    duration arrival;        /* nodes start evenly within this */
};

struct swarm;
struct swarm *swarm_create(const struct swarm_settings *settings);
void swarm_destroy(struct swarm *swarm);

instant swarm_now(const struct swarm *swarm);
uint64_t swarm_luck(struct swarm *swarm, uint64_t bound);
struct rng *swarm_rng(struct swarm *swarm);
void swarm_run(struct swarm *swarm, duration length);

/* --- nodes --- */

struct dht *swarm_dht(struct swarm *swarm, size_t slot); /* NULL: gone, or hostile */
struct address swarm_address(const struct swarm *swarm, size_t slot);
/* An honest node that is there and can be reached. */
size_t swarm_anybody(struct swarm *swarm);
void swarm_kill(struct swarm *swarm, size_t slot);
/* Comes up at a new address; knows what was saved, or a sample if that is empty. */
void swarm_revive(struct swarm *swarm, size_t slot, struct bytes saved);
void swarm_move(struct swarm *swarm, size_t slot); /* to another address; it notices */
/* From now on that part of all honest nodes, in percent, answers nothing, but goes on asking. */
void swarm_silence(struct swarm *swarm, unsigned percent);
void swarm_split(struct swarm *swarm, bool apart); /* odd and even slots do not hear each other */
/* So many hostile nodes take ids closer to the target than anybody's, and make themselves known
   around it. */
void swarm_crowd(struct swarm *swarm, const struct dht_id *target, size_t count);
/* What hostile nodes may replay: an old item, validly signed. */
void swarm_leak(struct swarm *swarm, const struct item *item);

/* --- operations --- */

struct swarm_result { /* of one operation; owned by whoever began it, until it has ended */
    bool ended, stored_told, node_gone;
    unsigned stored, nodes, peers, items;
    int64_t seq; /* of the newest item */
    bool wanted; /* `value` was the newest item's, or `peer` was among the peers */
    struct bytes value;
    struct address peer;
    struct address self; /* with op 0 only */
    struct dht_cost cost;
};
/* False: it could not begin. `result` holds what is wanted, and must stay where it is till then. */
bool swarm_begin(struct swarm *swarm, size_t slot, const struct dht_request *request,
                 struct swarm_result *result);

/* --- figures --- */

struct swarm_figures {
    uint64_t packets, bytes; /* that engines sent */
    uint64_t lost, arrived;  /* of all */
    uint64_t too_many;       /* more than 4 to one address in 1,120 ms, by one node */
    unsigned most_in_window;
    uint64_t to_victim, to_victim_bytes, by_victim_bytes; /* reflected; asked in its name */
    size_t engines, in_flight_bytes, memory; /* engines' memory in all: 0: not known here */
    uint64_t left;
};
void swarm_figures(const struct swarm *swarm, struct swarm_figures *out);

#endif
