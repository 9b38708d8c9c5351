/* What we do for others: answer their queries, hold their peers and items (BEP 5, 33, 44, 51).

   Limits: SERVED_INFOHASHES of SERVED_PEERS each, kept 45 minutes; SERVED_ITEMS, kept at least two
   hours after they were last put, unless a closer one needs the room; then until room is needed:
   the least asked for and farthest from us go first. Of one address at most a sixteenth of any of
   them. Memory grows with what is held.
 */
#ifndef DHT_SERVED_H
#define DHT_SERVED_H

#include "engine/dht/krpc.h"
#include "engine/dht/table.h"

#define SERVED_INFOHASHES 2000
#define SERVED_PEERS      500
#define SERVED_PEERS_ALL  100000 /* in all: bounds memory */
#define SERVED_ITEMS      1000

struct served;
struct served *served_create(instant now, struct rng *rng);
void served_destroy(struct served *served);

/* What an answer is made from besides what is held. */
struct served_by {
    const struct dht_id *self;
    const struct table *ipv4, *ipv6; /* NULL: there is none */
    size_t most; /* bytes of the answer: values, then nodes, then the item are left out to fit */
};
/* Obeys the query and writes the answer, with `ip`; 0: silence. *proved is set when the
   asker showed a token, so that he is where he says. */
size_t served_answer(struct served *served, instant now, const struct address *from,
                     const struct krpc *query, const struct served_by *by, uint8_t *out,
                     size_t size, bool *proved);
/* The answer to what krpc_decode refused. Who does not say who he is learns nothing of us, nor his
   own address: so does the client we resemble. */
size_t served_refuse(const struct krpc *refused, const struct address *from,
                     const struct dht_id *self, uint8_t *out, size_t size);
void served_advance(struct served *served, instant now); /* forgets what is old */
instant served_deadline(const struct served *served);
/* What we hold for others there; NULL: nothing. Valid until the next call. */
const struct item *served_item(struct served *served, const struct dht_id *target);
void served_count(const struct served *served, size_t *infohashes, size_t *peers, size_t *items);

#endif
