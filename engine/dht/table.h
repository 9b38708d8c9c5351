/* The nodes we know of one family, sorted by how close their ids are to ours.

   Buckets of 64, 32, 16 and then 8, so that far lookups start close (128 were no better, measured
   in the simulator); eight replacements each, of a full
   bucket four.
   Only who answered us is handed out. One address per block (see address_same_block) in a bucket.
   Those that lived long stay; those whose id fits their address (BEP 42) win contests, and so do
   short round trips and rare prefixes. Small: an entry is at most 48 bytes, and a table grows with
   what it knows. */
#ifndef DHT_TABLE_H
#define DHT_TABLE_H

#include "engine/dht/dht.h"

#define TABLE_FRESH (15 * MINUTE) /* silent longer is doubtful: BEP 5 */

enum speaks { SPEAKS_UNKNOWN, SPEAKS_ITEMS, SPEAKS_NO_ITEMS }; /* BEP 44 */

struct table_node {
    struct dht_node node;
    duration rtt; /* 0: unknown */
    enum speaks items;
};

struct table;
struct table *table_create(bool ipv6, const struct dht_id *self, struct rng *rng);
void table_destroy(struct table *table);
/* Our id changed: everybody is kept as far as there is room. */
void table_rename(struct table *table, const struct dht_id *self);
void table_forget_routes(struct table *table); /* our network changed: all are doubtful */

/* It answered a query of ours, from there, just now. Another id at an address that is known puts
   that one out: it lies, or is another. */
void table_answered(struct table *table, instant now, const struct dht_node *node, duration rtt);
/* Only heard of: from others, or because it asked us. Kept as a replacement to be checked. */
void table_told(struct table *table, instant now, const struct dht_node *node);
/* It did not answer. */
void table_silent(struct table *table, instant now, const struct dht_node *node);
void table_learn_items(struct table *table, const struct dht_node *node, bool speaks);
bool table_find(const struct table *table, const struct dht_node *node, struct table_node *out);
/* The closest that answered, fresh ones first where there are enough; how many. */
size_t table_closest(const struct table *table, instant now, const struct dht_id *target,
                     struct table_node *out, size_t most);
/* The same, written as compact nodes for an answer: at most 8, never `except`. Bytes written. */
size_t table_write_closest(const struct table *table, instant now, const struct dht_id *target,
                           const struct address *except, uint8_t out[8 * 38]);
/* Those to keep over a restart: longest known and freshest first. */
size_t table_save(const struct table *table, struct dht_node *out, size_t most);

/* Upkeep: about one query per 5 to 15 s, one a second while fewer than 20 nodes are known and
   others are told of. FALSE: nothing is due at `now`. */
struct table_chore {
    bool search;          /* else ping `node` */
    struct dht_id target; /* search: a bucket nobody spoke of for long, or our own neighbourhood */
    struct dht_node node;
};
bool table_chore(struct table *table, instant now, struct table_chore *out);
instant table_deadline(const struct table *table);

/* Most of those we know have ids that fit their addresses (BEP 42), as far as enough are known to
   say so. */
bool table_most_fit(const struct table *table);
void table_count(const struct table *table, instant now, size_t *good, size_t *known);

#endif
