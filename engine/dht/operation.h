/* One operation, as the two files that carry it out see it: operation.c searches, write.c writes.
 */
#ifndef DHT_OPERATION_H
#define DHT_OPERATION_H

#include "engine/dht/inside.h"

/* Waiting for a node to begin with, or for its turn; searching; writing to those found; resting
   until the next round. */
enum stage { STAGE_WAITING, STAGE_SEARCHING, STAGE_WRITING, STAGE_RESTING, STAGES };

/* Slow, it is asked again where no other is left; silent after that, it may still answer. */
enum write_state {
    WRITE_READY,
    WRITE_ASKED,
    WRITE_SLOW,
    WRITE_ASKED_AGAIN,
    WRITE_SILENT,
    WRITE_OVER
};

/* Whom a packet was lost on, or whose rate was used up, is asked again then. */
#define AGAIN_AFTER (1500 * MILLISECOND)

#define WATCHED_NODES 8

struct write { /* one node to be written to */
    struct dht_node node;
    uint8_t state;
    uint8_t token_size;
    uint8_t token[KRPC_TOKEN_MAX];
};

struct operation {
    struct list link;
    dht_op id;
    uint8_t stage;
    bool chore; /* the table's; in `only` */
    enum family only;
    struct dht_request request; /* its item, if any, is ... */
    struct item item;           /* ... this, in ... */
    uint8_t *item_memory;
    struct lookup *lookup[FAMILIES]; /* NULL: that overlay is not searched */
    uint32_t round;                  /* of a kept one: an answer from an earlier one is late */
    bool again;                      /* this round: nobody gave what we want, once */
    instant began;                   /* this round */
    instant due;                     /* WAITING: to give up; RESTING: to begin again */
    struct dht_cost cost;
    struct address *peers; /* told already */
    size_t peer_count, peer_room;
    int64_t newest;       /* greatest seq found; -1: none */
    bool settled;         /* an immutable item was found */
    struct write *writes; /* those to be tried first come first */
    size_t write_count, wanted;
    unsigned stored, refused;
    bool outdated;
    struct dht_node watched[WATCHED_NODES]; /* who would hold what is watched */
    size_t watched_count, watched_next;
    instant searched; /* when they were found; 0: not yet */
};

void operation_become(struct operation *operation, enum stage next);
/* Its round is over: it ends, or rests. The pointer may be void then. */
void operation_finish(struct dht *dht, instant now, struct operation *operation);

/* An item that somebody gave: told if it is news. */
void operation_take_item(struct dht *dht, instant now, struct operation *operation,
                         const struct krpc *answer);
struct operation *operation_find(const struct dht *dht, dht_op id);

/* watch.c */
bool watch_is(const struct operation *operation); /* a GET that is kept up */
/* The search is over: whom it found is asked from now on. */
void watch_begin(struct dht *dht, instant now, struct operation *operation);
/* It is time. False: they have to be found anew. */
bool watch_ask(struct dht *dht, instant now, struct operation *operation);
void watch_answered(struct dht *dht, instant now, struct operation *operation,
                    const struct krpc *answer);
void watch_silent(struct operation *operation, const struct query *query);

/* write.c */
/* How many places the search is to find: those wanted and some spare. */
unsigned write_places(const struct dht_request *request);
void write_begin(struct operation *operation);
void write_pump(struct dht *dht, instant now, struct operation *operation);
void write_fill(const struct dht *dht, const struct operation *operation, uint32_t number,
                struct krpc *out);
void write_answered(struct operation *operation, uint32_t number);
void write_refused(struct operation *operation, uint32_t number, int64_t code);
void write_slow(struct operation *operation, uint32_t number);
void write_clear(struct operation *operation);

#endif
