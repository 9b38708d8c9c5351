/* Places in the DHT's space, and which ids an address may have (BEP 42). */
#ifndef DHT_ID_H
#define DHT_ID_H

#include "engine/dht/dht.h"

bool id_equal(const struct dht_id *a, const struct dht_id *b);
bool id_is_zero(const struct dht_id *id);
/* Below 0: a is closer to the target than b; 0: a equals b. */
int id_closer(const struct dht_id *target, const struct dht_id *a, const struct dht_id *b);
unsigned id_shared_bits(const struct dht_id *a, const struct dht_id *b); /* 0 to 160 */
/* Exactly `shared` leading bits of `like`, the next one different, the rest random; 160: equal. */
void id_near(struct dht_id *out, const struct dht_id *like, unsigned shared, struct rng *rng);
/* How far: 0 to 1 of the whole space. */
double id_distance(const struct dht_id *a, const struct dht_id *b);

/* BEP 42. Local networks are exempt: there every id fits. */
bool id_exempt(const struct address *at);
bool id_fits(const struct dht_id *id, const struct address *at);
/* A random id that fits. */
void id_make(struct dht_id *out, const struct address *at, struct rng *rng);
/* The same /24 of IPv4 or /64 of IPv6, and not exempt: one party may hold many such addresses. */
bool address_same_block(const struct address *a, const struct address *b);

#endif
