/* The closest of those who answered. */
#include "engine/dht/table_inside.h"

#include <string.h>

#define CLOSEST_MAX   32
#define ANSWERED_MOST 8 /* nodes in an answer: k of BEP 5 */

static uint64_t first_bits(const struct dht_id *id)
{
    uint64_t bits;
    memcpy(&bits, id->bytes, sizeof bits);
    return __builtin_bswap64(bits);
}

struct search {
    const struct table *table;
    const struct dht_id *target;
    uint64_t bits; /* the target's first */
    uint32_t second;
    bool fresh; /* wanted now; else only those that are not */
    size_t count, most;
    uint64_t distance[CLOSEST_MAX]; /* their first bits; grows */
    const struct entry *found[CLOSEST_MAX];
};

static bool is_nearer(const struct search *search, uint64_t distance, const struct entry *entry,
                      size_t than)
{
    if (distance != search->distance[than])
        return distance < search->distance[than];
    return id_closer(search->target, &entry->id, &search->found[than]->id) < 0;
}

static void search_bucket(struct search *search, const struct bucket *bucket)
{
    const size_t begun = search->count;
    for (size_t i = 0; i < bucket->live && begun < search->most; i++) {
        const struct entry *entry = entry_at(search->table, bucket, i);
        uint64_t distance = first_bits(&entry->id) ^ search->bits;
        size_t at = search->count;
        if ((at == search->most && !is_nearer(search, distance, entry, at - 1)) ||
            entry_is_fresh(entry, search->second) != search->fresh)
            continue;
        if (search->count < search->most)
            search->count++;
        else
            at--;
        for (; at > begun && is_nearer(search, distance, entry, at - 1); at--) {
            search->distance[at] = search->distance[at - 1];
            search->found[at] = search->found[at - 1];
        }
        search->distance[at] = distance;
        search->found[at] = entry;
    }
}

static bool differs_from_us(const struct table *table, const struct dht_id *id, size_t bit)
{
    return ((table->self.bytes[bit / 8] ^ id->bytes[bit / 8]) >> (7 - bit % 8) & 1) != 0;
}

/* Whole buckets are closer than others. First the target's own; then deeper ones: where the target
   goes the other way than we do the bucket comes before all that are deeper still, else after them;
   last those before its own. */
static void search_buckets(struct search *search)
{
    const struct table *table = search->table;
    size_t own = bucket_index_of(table, search->target), last = table->depth - 1u;
    search_bucket(search, &table->buckets[own]);
    for (size_t i = own + 1; i < last && search->count < search->most; i++)
        if (differs_from_us(table, search->target, i))
            search_bucket(search, &table->buckets[i]);
    if (own < last)
        search_bucket(search, &table->buckets[last]);
    for (size_t i = last; i-- > own + 1 && search->count < search->most;)
        if (!differs_from_us(table, search->target, i))
            search_bucket(search, &table->buckets[i]);
    for (size_t i = own; i-- > 0 && search->count < search->most;)
        search_bucket(search, &table->buckets[i]);
}

static void search_table(struct search *search, const struct table *table, instant now,
                         const struct dht_id *target, size_t most)
{
    search->table = table;
    search->target = target;
    search->bits = first_bits(target);
    search->second = second_of(now);
    search->count = 0;
    search->most = most < CLOSEST_MAX ? most : CLOSEST_MAX;
    search->fresh = true;
    search_buckets(search);
    search->fresh = false;
    if (search->count < search->most)
        search_buckets(search);
}

size_t table_closest(const struct table *table, instant now, const struct dht_id *target,
                     struct table_node *out, size_t most)
{
    struct search search;
    search_table(&search, table, now, target, most);
    for (size_t i = 0; i < search.count; i++)
        out[i] = entry_node(table, search.found[i]);
    return search.count;
}

size_t table_write_closest(const struct table *table, instant now, const struct dht_id *target,
                           const struct address *except, uint8_t out[8 * 38])
{
    struct search search;
    uint8_t *end = out;
    search_table(&search, table, now, target, ANSWERED_MOST + 1);
    for (size_t i = 0, written = 0; i < search.count && written < ANSWERED_MOST; i++) {
        const struct entry *entry = search.found[i];
        if (entry_is_at(table, entry, except))
            continue;
        memcpy(end, entry->id.bytes, DHT_ID_BYTES);
        memcpy(end + DHT_ID_BYTES, entry->ip, table->ip_size);
        end += DHT_ID_BYTES + table->ip_size;
        *end++ = (uint8_t)(entry->port >> 8);
        *end++ = (uint8_t)entry->port;
        written++;
    }
    return (size_t)(end - out);
}
