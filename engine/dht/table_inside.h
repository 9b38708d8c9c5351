/* The inside of a table, shared by its files only. */
#ifndef DHT_TABLE_INSIDE_H
#define DHT_TABLE_INSIDE_H

#include "engine/dht/id.h"
#include "engine/dht/table.h"

#include <string.h>

#define TABLE_ROOM_MOST 64 /* of the first bucket; each later one has half of that, at least 8 */
#define TABLE_SPARES    8  /* replacements of a bucket; of a full one half as many */
#define TABLE_BUCKETS   32 /* 2^32 times 8 nodes; strangers who live next to us get no more */
#define TABLE_FEW       20 /* knowing fewer we are coming in */

struct entry {
    struct dht_id id;
    uint32_t heard; /* second it answered in; who never did: it was told in */
    uint16_t asked; /* second it was last checked in, modulo 2^16 */
    uint16_t rtt;   /* ms, rounded up; 0: never answered, as far as we know */
    uint16_t port;
    uint8_t lived;     /* quarters of an hour in which it answered */
    uint8_t fails : 3; /* questions in a row that were not answered */
    uint8_t items : 2; /* enum speaks */
    uint8_t fits : 1;  /* BEP 42 */
    uint8_t ip[16];    /* IPv4: 4, and what follows is not kept */
};
_Static_assert(sizeof(struct entry) <= 48, "an entry is small");

struct bucket {
    uint8_t *entries;
    uint8_t live, spare, room;
    uint32_t changed; /* second: somebody new came, or one was searched for */
};

struct table {
    struct dht_id self;
    struct rng *rng;
    struct bucket *buckets; /* the n-th: n bits shared with us; the last: so many or more */
    uint8_t depth, stride, ip_size;
    instant answered;   /* anybody, last */
    instant chore;      /* the last one */
    instant deadline;   /* the next one */
    instant neighbours; /* we look around */
    duration neighbours_pause;
};

static inline uint32_t second_of(instant now)
{
    return (uint32_t)(now / SECOND);
}

static inline struct entry *entry_at(const struct table *table, const struct bucket *bucket,
                                     size_t at)
{
    return (void *)(bucket->entries + at * table->stride);
}

static inline size_t entries_of(const struct bucket *bucket)
{
    return (size_t)bucket->live + bucket->spare;
}

static inline bool entry_is_at(const struct table *table, const struct entry *entry,
                               const struct address *at)
{
    return entry->port == at->port &&
           memcmp(entry->ip, at->ip + sizeof at->ip - table->ip_size, table->ip_size) == 0;
}

static inline bool entry_is_fresh(const struct entry *entry, uint32_t second)
{
    return entry->fails == 0 && entry->rtt > 0 && second - entry->heard < TABLE_FRESH / SECOND;
}

static inline unsigned bucket_index_of(const struct table *table, const struct dht_id *id)
{
    unsigned shared = id_shared_bits(&table->self, id);
    return shared < table->depth ? shared : table->depth - 1u;
}

static inline struct bucket *bucket_of(const struct table *table, const struct dht_id *id)
{
    return &table->buckets[bucket_index_of(table, id)];
}

size_t table_live(const struct table *table); /* those with a place */

/* --- table_bucket.c: entries, and the buckets they are in ------------------------------------- */

struct entry entry_of(const struct table *table, instant now, const struct dht_node *node);
struct address entry_address(const struct table *table, const struct entry *entry);
struct table_node entry_node(const struct table *table, const struct entry *entry);
void entry_answered(struct entry *entry, instant now, duration rtt);

size_t bucket_room(const struct table *table, const struct bucket *bucket);
bool bucket_has_room(const struct table *table, const struct bucket *bucket);
void bucket_take_out(const struct table *table, struct bucket *bucket, size_t at);
void bucket_append_live(const struct table *table, struct bucket *bucket,
                        const struct entry *entry);
void bucket_append_spare(const struct table *table, struct bucket *bucket,
                         const struct entry *entry);
struct entry bucket_copy(const struct table *table, const struct bucket *bucket, size_t at);
/* Its place, or entries_of(bucket). */
size_t bucket_place_of_id(const struct table *table, const struct bucket *bucket,
                          const struct dht_id *id);
size_t bucket_place_of(const struct table *table, const struct bucket *bucket,
                       const struct dht_node *node);
/* One in the same block, of those from `from` to before `to`; else `to`. */
size_t bucket_rival(const struct table *table, const struct bucket *bucket,
                    const struct entry *entry, size_t from, size_t to);

/* --- table_place.c: who has a place, and who waits for one ------------------------------------ */

/* Only heard of, or without luck: it waits, if it may. */
void place_spare(const struct table *table, struct bucket *bucket, const struct entry *entry);
/* Somebody left: replacements that answered lately move up. */
void place_move_up(const struct table *table, struct bucket *bucket, instant now);
/* All of a bucket that is no longer the table's, which is freed: as far as there is room. */
void place_all(struct table *table, struct bucket *old);
/* It answered and has no place yet. */
void place_enter(struct table *table, instant now, const struct entry *entry);

/* --- table_upkeep.c --------------------------------------------------------------------------- */

/* A chore came up: soon, but no sooner than the pace allows. */
void table_hurry(struct table *table, instant now);
/* Look around ourselves soon, and more often for a while. */
void table_look_around(struct table *table, instant at);

#endif
