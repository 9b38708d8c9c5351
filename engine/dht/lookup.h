/* One search in one overlay, step by step. Pure: it says whom to ask what, and is told what came.

   It keeps the closest 20 candidates, asks about 4 at a time, and more while some are slow, ends
   when the 8 closest that live have answered, and does not wait for the silent. For items it finds
   the way by find_node, which everybody answers, and sends `get` to the closest 20 (and on the way
   to those known to speak BEP 44, whose answers carry nodes too). One candidate per address block.
   When the place is crowded (estimate.h) it searches around it as well and stores wider. */
#ifndef DHT_LOOKUP_H
#define DHT_LOOKUP_H

#include "engine/dht/estimate.h"
#include "engine/dht/krpc.h"
#include "engine/dht/table.h"

#define LOOKUP_CANDIDATES 20
#define LOOKUP_AT_ONCE    4
#define LOOKUP_WIDE       64 /* nodes we store on when a place is crowded, at most */

struct lookup_settings {
    enum krpc_method method; /* FIND_NODE, GET_PEERS or GET: what the closest are asked */
    struct dht_id target;
    bool ipv6;
    bool strict;       /* most ids fit their addresses (BEP 42): those that do not count less */
    bool hidden;       /* far nodes are asked for a place that only begins like the target */
    unsigned at_least; /* so many are to answer; 0: 8, or as many as are stored on */
    unsigned store_on; /* so many places to write to are wanted at the end; 0: only reading */
    const struct estimate *estimate; /* borrowed; nodes closer than it makes likely count less */
};

struct lookup;
struct lookup *lookup_create(const struct lookup_settings *settings, struct rng *rng);
void lookup_destroy(struct lookup *lookup);

/* A node to begin with. */
void lookup_add(struct lookup *lookup, const struct dht_node *node, enum speaks items);

struct lookup_ask {
    uint32_t number; /* names the question when its answer is told */
    struct dht_node node;
    enum krpc_method method;
    struct dht_id target;
};
/* Ask this one now. False: nothing to ask until something is told, or it is done. */
bool lookup_next(struct lookup *lookup, struct lookup_ask *out);

struct lookup_answer {
    struct dht_id id;   /* that answered: another than asked is silence, if it is closer */
    struct bytes nodes; /* compact, of the search's family */
    struct bytes token; /* empty: none */
    enum speaks items;  /* what is known of it by now */
};
void lookup_answered(struct lookup *lookup, uint32_t number, const struct lookup_answer *answer);
void lookup_slow(struct lookup *lookup, uint32_t number);   /* opens a slot; may still answer */
void lookup_failed(struct lookup *lookup, uint32_t number); /* it will not, or said no */
bool lookup_done(struct lookup *lookup);

/* The closest that answered, as far as everybody up to there was asked; none that is too close to
   be there by luck. */
size_t lookup_complete(const struct lookup *lookup, struct dht_node *out, size_t most);
/* The closest that answered. */
size_t lookup_closest(const struct lookup *lookup, struct dht_node *out, size_t most);
/* Where to write: the closest `store_on` that gave a token; more when the place is crowded. */
struct lookup_place {
    struct dht_node node;
    struct bytes token; /* valid while the lookup lives */
};
size_t lookup_places(const struct lookup *lookup, struct lookup_place *out, size_t most);
bool lookup_gave(const struct lookup *lookup); /* anybody, what the search is for */
bool lookup_crowded(const struct lookup *lookup);
unsigned lookup_rounds(const struct lookup *lookup); /* longest chain of nodes asked */

#endif
