/* Buckets of entries in one piece of memory each: those that answered first, the longest known
   leading, then the replacements. An entry of IPv4 takes 36 bytes, of IPv6 48. */
#include "base/mem.h"
#include "engine/dht/table_inside.h"

#include <string.h>

#define LEAST_ROOM  8 /* k of BEP 5 */
#define QUARTER     ((uint32_t)(15 * MINUTE / SECOND))
#define RTT_MOST_MS UINT16_MAX

/* --- entries ---------------------------------------------------------------------------------- */

struct address entry_address(const struct table *table, const struct entry *entry)
{
    struct address at = { .port = entry->port };
    if (table->ip_size < sizeof at.ip)
        at.ip[10] = at.ip[11] = 0xff;
    memcpy(at.ip + sizeof at.ip - table->ip_size, entry->ip, table->ip_size);
    return at;
}

struct entry entry_of(const struct table *table, instant now, const struct dht_node *node)
{
    struct entry entry = { .id = node->id,
                           .heard = second_of(now),
                           .asked = (uint16_t)(second_of(now) - UINT16_MAX / 2),
                           .port = node->at.port,
                           .fits = id_fits(&node->id, &node->at) };
    memcpy(entry.ip, node->at.ip + sizeof node->at.ip - table->ip_size, table->ip_size);
    return entry;
}

struct table_node entry_node(const struct table *table, const struct entry *entry)
{
    return (struct table_node){ { entry->id, entry_address(table, entry) },
                                entry->rtt * MILLISECOND,
                                (enum speaks)entry->items };
}

static bool same_block(const struct table *table, const struct entry *a, const struct entry *b)
{
    size_t last = table->ip_size == 4 ? 2 : 7; /* of a block: most differ there */
    if (a->ip[last] != b->ip[last])
        return false;
    struct address at = entry_address(table, a), other = entry_address(table, b);
    return address_same_block(&at, &other);
}

void entry_answered(struct entry *entry, instant now, duration rtt)
{
    uint32_t second = second_of(now);
    duration ms = (rtt + MILLISECOND - 1) / MILLISECOND;
    ms = ms == 0 ? 1 : ms > RTT_MOST_MS ? RTT_MOST_MS : ms;
    bool first = entry->rtt == 0;
    entry->rtt = (uint16_t)(first ? ms : (3 * entry->rtt + ms + 3) / 4);
    if (entry->lived < UINT8_MAX && (first || entry->heard / QUARTER != second / QUARTER))
        entry->lived++;
    entry->heard = second;
    entry->fails = 0;
}

/* --- buckets ---------------------------------------------------------------------------------- */

size_t bucket_room(const struct table *table, const struct bucket *bucket)
{
    size_t index = (size_t)(bucket - table->buckets);
    return index < 3 ? TABLE_ROOM_MOST >> index : LEAST_ROOM;
}

bool bucket_has_room(const struct table *table, const struct bucket *bucket)
{
    return bucket->live < bucket_room(table, bucket);
}

void bucket_take_out(const struct table *table, struct bucket *bucket, size_t at)
{
    uint8_t *entry = bucket->entries + at * table->stride;
    size_t behind = entries_of(bucket) - at - 1;
    memmove(entry, entry + table->stride, behind * table->stride);
    if (at < bucket->live)
        bucket->live--;
    else
        bucket->spare--;
}

static void put_in(const struct table *table, struct bucket *bucket, size_t at,
                   const struct entry *entry)
{
    size_t behind = entries_of(bucket) - at;
    if (entries_of(bucket) == bucket->room) {
        bucket->room = (uint8_t)(bucket->room + 2); /* many tables are in one simulator */
        bucket->entries = mem_resized(bucket->entries, bucket->room, table->stride);
    }
    uint8_t *place = bucket->entries + at * table->stride;
    memmove(place + table->stride, place, behind * table->stride);
    memcpy(place, entry, table->stride);
}

void bucket_append_live(const struct table *table, struct bucket *bucket, const struct entry *entry)
{
    put_in(table, bucket, bucket->live, entry);
    bucket->live++;
}

void bucket_append_spare(const struct table *table, struct bucket *bucket,
                         const struct entry *entry)
{
    put_in(table, bucket, entries_of(bucket), entry);
    bucket->spare++;
}

struct entry bucket_copy(const struct table *table, const struct bucket *bucket, size_t at)
{
    struct entry copy = { .rtt = 0 };
    memcpy(&copy, entry_at(table, bucket, at), table->stride);
    return copy;
}

size_t bucket_place_of_id(const struct table *table, const struct bucket *bucket,
                          const struct dht_id *id)
{
    size_t at = 0;
    while (at < entries_of(bucket) && !id_equal(&entry_at(table, bucket, at)->id, id))
        at++;
    return at;
}

size_t bucket_place_of(const struct table *table, const struct bucket *bucket,
                       const struct dht_node *node)
{
    size_t at = bucket_place_of_id(table, bucket, &node->id);
    if (at < entries_of(bucket) && !entry_is_at(table, entry_at(table, bucket, at), &node->at))
        return entries_of(bucket);
    return at;
}

size_t bucket_rival(const struct table *table, const struct bucket *bucket,
                    const struct entry *entry, size_t from, size_t to)
{
    while (from < to && !same_block(table, entry_at(table, bucket, from), entry))
        from++;
    return from;
}
