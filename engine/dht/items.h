/* Items of others, carried for them (BEP 44): at most SERVED_ITEMS, each kept two hours at least
   after it was last put, unless one closer to us wants its place. One address, a /64 of IPv6, fills
   at most its share. */
#ifndef DHT_ITEMS_H
#define DHT_ITEMS_H

#include "engine/dht/served.h"

#define ITEMS_KEPT  (2 * HOUR)
#define ITEMS_SHARE 16

struct items;
struct items *items_create(struct rng *rng);
void items_destroy(struct items *items);

enum put {
    PUT_DONE,
    PUT_CAS,  /* 301: another seq than was compared with is held */
    PUT_OLD,  /* 302: a newer one is held */
    PUT_FULL, /* no room for it, or he has his share */
};
/* `item` is valid, and copied. The same seq again keeps what is held. */
enum put items_put(struct items *items, instant now, const struct dht_id *self,
                   const struct address *from, const struct dht_id *target, const struct item *item,
                   const int64_t *cas);
/* NULL: not held. Valid until the next call. Counts as asked for. */
const struct item *items_get(struct items *items, const struct dht_id *target);
size_t items_count(const struct items *items);

#endif
