/* The inside of a DHT node, shared by its files only. */
#ifndef DHT_INSIDE_H
#define DHT_INSIDE_H

#include "base/list.h"
#include "engine/dht/estimate.h"
#include "engine/dht/flight.h"
#include "engine/dht/lookup.h"
#include "engine/dht/polite.h"
#include "engine/dht/saved.h"
#include "engine/dht/self.h"
#include "engine/dht/served.h"
#include "engine/dht/table.h"

enum family { IPV4, IPV6, FAMILIES };

#define DHT_PACKETS_MAX                                                                            \
    1024                      /* written and not yet pulled; more answers than that are not given  \
                               */
#define DHT_ATTEMPTS_MAX 1024 /* addresses where a node may be, to be tried */
#define DHT_PEOPLE_MAX   64   /* by one dht_try */

struct attempt {
    struct dht_node node;
    bool id_known;
    uint8_t purpose; /* FOR_ENTRY or FOR_ROUTER */
    uint8_t tries;   /* in vain, so far */
};

struct packet {
    struct list link;
    struct address to;
    size_t size;
    uint8_t bytes[];
};

struct dht {
    struct dht_settings settings;
    struct rng *rng;
    struct log *log;
    instant now; /* the newest we were told */
    struct dht_id id[FAMILIES];
    struct table *table[FAMILIES]; /* NULL: a family we have not */
    struct estimate estimate[FAMILIES];
    struct self *self;
    struct polite *polite;
    struct served *served;
    struct flight flight;

    /* operation.c */
    struct list operations;
    size_t operation_count;
    dht_op newest;

    /* upkeep.c */
    struct attempt *attempts; /* those to be tried first come first */
    size_t attempt_count, attempt_room;
    instant attempt_due;
    instant heard;       /* anybody answered, or we began */
    instant told_nobody; /* 0: not yet */
    bool entered;
    bool at_chore[FAMILIES]; /* a search of the table's runs */

    /* out.c */
    struct list packets, events;
    size_t packet_count;
    struct packet *pulled;
    struct told *told;

    uint64_t received, received_bytes, sent, sent_bytes, queries, answered, served_count, dropped;
};

static inline enum family family_of(const struct address *at)
{
    return address_is_ipv4(at) ? IPV4 : IPV6;
}

size_t dht_good(const struct dht *dht, enum family family); /* nodes that answer, now */
/* Operations ask what they may, and what waits for its turn by now is sent. */
void dht_go_on(struct dht *dht, instant now);

/* --- out.c: what leaves ---------------------------------------------------------------------- */

void out_packet(struct dht *dht, const struct address *to, struct bytes bytes);
/* Has a question wait for its turn. False: too many. */
bool out_ask(struct dht *dht, const struct query *query);
/* Sends it, or has it wait on. */
void out_query(struct dht *dht, instant now, struct query *query);
/* Everything an event points to is copied. */
void out_event(struct dht *dht, const struct dht_event *event);
void out_forget(struct dht *dht, dht_op operation); /* its events */
void out_clear(struct dht *dht);

/* --- operation.c: what the rooms above asked for ---------------------------------------------- */

/* A search for the table's sake: no events. */
void operation_begin_chore(struct dht *dht, instant now, enum family family,
                           const struct dht_id *target, const struct krpc *first);
void operations_pump(struct dht *dht, instant now);
void operation_answered(struct dht *dht, instant now, const struct query *query,
                        const struct address *from, const struct krpc *answer);
void operation_refused(struct dht *dht, instant now, const struct query *query,
                       const struct krpc *error);
void operation_slow(struct dht *dht, const struct query *query);
void operation_gone(struct dht *dht, instant now, const struct query *query);
/* Fills what a WRITE says. False: it is no longer wanted. */
bool operation_write(const struct dht *dht, const struct query *query, struct krpc *out);
/* Fills what a WATCH says. False: it is no longer wanted. */
bool operation_watch(const struct dht *dht, const struct query *query, struct krpc *out);
instant operations_deadline(const struct dht *dht);
void operations_clear(struct dht *dht);

/* --- upkeep.c: coming in, and staying in ------------------------------------------------------ */

void upkeep_add(struct dht *dht, const struct attempt *attempt);
void upkeep_advance(struct dht *dht, instant now);
/* Somebody answered who was tried. */
void upkeep_entered(struct dht *dht, instant now, enum family family, const struct krpc *answer);
instant upkeep_deadline(const struct dht *dht);
/* Somebody who was tried is slow. */
void upkeep_slow(struct dht *dht, const struct query *query);
void upkeep_moved(struct dht *dht, instant now);
bool upkeep_is_hopeful(const struct dht *dht); /* somebody may still answer */

#endif
