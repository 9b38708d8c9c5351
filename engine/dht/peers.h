/* Peers that announced themselves with us: under each infohash a list, each entry kept for 45
   minutes. Maxima as served.h says; memory grows with what is held. One address, a /64 of IPv6, has
   at most its share of every maximum. */
#ifndef DHT_PEERS_H
#define DHT_PEERS_H

#include "engine/dht/served.h"

#define PEERS_KEPT  (45 * MINUTE)
#define PEERS_SHARE 16 /* a sixteenth of everything */

struct peers;
struct peers *peers_create(struct rng *rng);
void peers_destroy(struct peers *peers);

/* He is there, from now on for PEERS_KEPT; again: as if new. False: no room, or he has his share.
 */
bool peers_put(struct peers *peers, instant now, const struct dht_id *infohash,
               const struct address *from, const struct address *peer, bool seed);
/* May another one come? Otherwise no token is given, so that he goes on to the next node: BEP 33.
 */
bool peers_has_room(const struct peers *peers, const struct dht_id *infohash);
/* Of one family, as values of an answer, taken at random where there are more than `most`. Bytes
   written; those that do not fit are left out. */
size_t peers_write(const struct peers *peers, instant now, const struct dht_id *infohash, bool ipv6,
                   bool noseed, size_t most, uint8_t *out, size_t size);
/* Both filters; false: nobody is there. */
bool peers_scrape(const struct peers *peers, instant now, const struct dht_id *infohash,
                  uint8_t seeds[KRPC_BLOOM_BYTES], uint8_t others[KRPC_BLOOM_BYTES]);
/* Some infohashes, taken at random; how many. */
size_t peers_sample(const struct peers *peers, struct dht_id *out, size_t most);
void peers_advance(struct peers *peers, instant now); /* forgets those whose time is over */
void peers_count(const struct peers *peers, size_t *infohashes, size_t *count);

#endif
