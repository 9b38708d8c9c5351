/* How much we say to whom. Every packet to one address counts, answers too, so that no node takes
   us for a flood: many clients silence an address after 50 packets in 10 s. Those of our own
   network (private and link-local ones) get 32 times as much. Addresses are counted without their
   port, but on loopback. Bounded: POLITE_ADDRESSES are remembered, those spoken to longest ago go
   first; and small: memory grows with what is remembered. */
#ifndef DHT_POLITE_H
#define DHT_POLITE_H

#include "engine/dht/dht.h"

#define POLITE_ADDRESSES 4096
#define POLITE_WINDOW    (1120 * MILLISECOND) /* 4 in each: at most 36 in any 10 s */
#define POLITE_MEMORY    (5 * MINUTE)         /* so long somebody we wrote to is no stranger */

struct polite;
struct polite *polite_create(const struct dht_rates *rates, instant now, struct rng *rng);
void polite_destroy(struct polite *polite);

/* May a query go there now? When not: the earliest instant to ask again (all our queries, or those
   to this address, are too many). */
instant polite_query_at(const struct polite *polite, instant now, const struct address *to);
void polite_query_sent(struct polite *polite, instant now, const struct address *to);
/* May a lookup begin now? Counts it if so. */
bool polite_lookup(struct polite *polite, instant now);
instant polite_lookup_at(const struct polite *polite, instant now);
/* Could an answer of usual length go there now? Asked before anything is done for it, so that a
   flood of questions costs no more than their reading. */
bool polite_may_answer(const struct polite *polite, instant now, const struct address *to,
                       bool known);
/* May this answer go? Counts it if so. `known`: he proved that he is where he says; otherwise more
   than four times `asked` bytes come out of one small allowance for all. */
bool polite_answer(struct polite *polite, instant now, const struct address *to, size_t asked,
                   size_t size, bool known);
/* Whom we have not written to within POLITE_MEMORY. */
bool polite_stranger(const struct polite *polite, instant now, const struct address *from);

#endif
