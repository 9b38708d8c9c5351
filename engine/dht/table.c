/* What becomes of nodes that answer, that are told of, that are silent. */
#include "base/mem.h"
#include "engine/dht/table_inside.h"

#include <stdlib.h>
#include <string.h>

#define FAILS_LIVE  4 /* unanswered in a row, then it is forgotten; */
#define FAILS_SPARE 2 /* a replacement that early */
#define FAILS_ALONE 2 /* counted up to here while nobody answers: it may be our own network */
#define ALONE_AFTER (1 * MINUTE)

/* --- life ------------------------------------------------------------------------------------- */

struct table *table_create(bool ipv6, const struct dht_id *self, struct rng *rng)
{
    struct table *table = mem_zeroed(1, sizeof *table);
    table->self = *self;
    table->rng = rng;
    table->ip_size = ipv6 ? 16 : 4;
    table->stride = (uint8_t)(offsetof(struct entry, ip) + table->ip_size);
    table->buckets = mem_zeroed(1, sizeof *table->buckets);
    table->depth = 1;
    table->deadline = table->neighbours = NEVER;
    return table;
}

void table_destroy(struct table *table)
{
    for (size_t i = 0; i < table->depth; i++)
        mem_free(table->buckets[i].entries);
    mem_free(table->buckets);
    mem_free(table);
}

void table_rename(struct table *table, const struct dht_id *self)
{
    struct bucket *old = table->buckets;
    size_t depth = table->depth;
    table->self = *self;
    table->buckets = mem_zeroed(1, sizeof *table->buckets);
    table->buckets[0].changed = old[0].changed;
    table->depth = 1;
    for (size_t i = 0; i < depth; i++)
        place_all(table, &old[i]);
    mem_free(old);
    if (table->neighbours != NEVER)
        table_look_around(table, table->chore);
}

void table_forget_routes(struct table *table)
{
    for (size_t i = 0; i < table->depth; i++) {
        struct bucket *bucket = &table->buckets[i];
        for (size_t at = 0; at < entries_of(bucket); at++) {
            struct entry *entry = entry_at(table, bucket, at);
            entry->heard = 0;
            entry->rtt = 0;
        }
    }
    if (table->deadline != NEVER)
        table->deadline = table->chore;
}

/* --- what becomes of nodes -------------------------------------------------------------------- */

static bool is_possible(const struct table *table, const struct dht_node *node)
{
    bool ipv4 = address_is_ipv4(&node->at);
    uint8_t first = node->at.ip[ipv4 ? 12 : 0];
    return ipv4 == (table->ip_size == 4) && node->at.port != 0 &&
           !id_equal(&node->id, &table->self) && (ipv4 ? first != 0 && first < 224 : first != 0xff);
}

/* Another id there before: it lied, or is gone. */
static void put_out_others(struct table *table, instant now, const struct dht_node *node)
{
    for (size_t i = 0; i < table->depth; i++) {
        struct bucket *bucket = &table->buckets[i];
        for (size_t at = entries_of(bucket); at-- > 0;) {
            const struct entry *entry = entry_at(table, bucket, at);
            if (!entry_is_at(table, entry, &node->at) || id_equal(&entry->id, &node->id))
                continue;
            bool live = at < bucket->live;
            bucket_take_out(table, bucket, at);
            if (live)
                place_move_up(table, bucket, now);
        }
    }
}

void table_answered(struct table *table, instant now, const struct dht_node *node, duration rtt)
{
    if (!is_possible(table, node))
        return;
    table->answered = now;
    if (table->neighbours == NEVER)
        table_look_around(table, now);
    put_out_others(table, now, node);
    table_hurry(table, now);
    struct bucket *bucket = bucket_of(table, &node->id);
    struct entry entry = entry_of(table, now, node);
    size_t at = bucket_place_of_id(table, bucket, &node->id);
    if (at < entries_of(bucket)) {
        struct entry *known = entry_at(table, bucket, at);
        bool same = entry_is_at(table, known, &node->at);
        if (!same && entry_is_fresh(known, second_of(now)))
            return; /* the name is taken by somebody who is well */
        if (same && at < bucket->live) {
            entry_answered(known, now, rtt);
            return;
        }
        if (same)
            entry = bucket_copy(table, bucket, at);
        bucket_take_out(table, bucket, at);
    }
    entry_answered(&entry, now, rtt);
    place_enter(table, now, &entry);
}

void table_told(struct table *table, instant now, const struct dht_node *node)
{
    if (!is_possible(table, node))
        return;
    struct bucket *bucket = bucket_of(table, &node->id);
    struct entry entry = entry_of(table, now, node);
    for (size_t at = 0; at < entries_of(bucket); at++) {
        const struct entry *known = entry_at(table, bucket, at);
        if (entry_is_at(table, known, &node->at) || id_equal(&known->id, &node->id))
            return;
    }
    size_t rival = bucket_rival(table, bucket, &entry, 0, bucket->live);
    if (rival < bucket->live && entry_at(table, bucket, rival)->fails == 0)
        return;
    place_spare(table, bucket, &entry);
    if (bucket_has_room(table, bucket))
        table_hurry(table, now);
}

static bool has_ready_spare(const struct table *table, const struct bucket *bucket, instant now)
{
    for (size_t at = bucket->live; at < entries_of(bucket); at++)
        if (entry_is_fresh(entry_at(table, bucket, at), second_of(now)))
            return true;
    return false;
}

void table_silent(struct table *table, instant now, const struct dht_node *node)
{
    struct bucket *bucket = bucket_of(table, &node->id);
    size_t at = bucket_place_of(table, bucket, node);
    if (at == entries_of(bucket))
        return;
    struct entry *entry = entry_at(table, bucket, at);
    bool live = at < bucket->live;
    bool alone = now - table->answered > ALONE_AFTER;
    if (entry->fails < (alone ? FAILS_ALONE : FAILS_LIVE))
        entry->fails++;
    table_hurry(table, now);
    if (entry->fails < (live ? FAILS_LIVE : FAILS_SPARE) &&
        !(live && has_ready_spare(table, bucket, now)))
        return;
    struct entry old = bucket_copy(table, bucket, at);
    bucket_take_out(table, bucket, at);
    place_move_up(table, bucket, now);
    if (live && old.fails < FAILS_SPARE)
        place_spare(table, bucket, &old);
}

void table_learn_items(struct table *table, const struct dht_node *node, bool speaks)
{
    struct bucket *bucket = bucket_of(table, &node->id);
    size_t at = bucket_place_of(table, bucket, node);
    if (at < entries_of(bucket))
        entry_at(table, bucket, at)->items = speaks ? SPEAKS_ITEMS : SPEAKS_NO_ITEMS;
}

size_t table_live(const struct table *table)
{
    size_t live = 0;
    for (size_t i = 0; i < table->depth; i++)
        live += table->buckets[i].live;
    return live;
}

/* --- looking ---------------------------------------------------------------------------------- */

bool table_find(const struct table *table, const struct dht_node *node, struct table_node *out)
{
    const struct bucket *bucket = bucket_of(table, &node->id);
    size_t at = bucket_place_of(table, bucket, node);
    if (at == entries_of(bucket))
        return false;
    *out = entry_node(table, entry_at(table, bucket, at));
    return true;
}

static int compare_to_save(const void *a, const void *b)
{
    const struct entry *first = *(const struct entry *const *)a;
    const struct entry *second = *(const struct entry *const *)b;
    if ((first->fails == 0) != (second->fails == 0))
        return first->fails == 0 ? -1 : 1;
    if (first->lived != second->lived)
        return first->lived > second->lived ? -1 : 1;
    return (first->heard < second->heard) - (first->heard > second->heard);
}

size_t table_save(const struct table *table, struct dht_node *out, size_t most)
{
    size_t count = 0;
    const struct entry **all = mem_zeroed(table_live(table), sizeof *all);
    for (size_t i = 0; i < table->depth; i++)
        for (size_t at = 0; at < table->buckets[i].live; at++)
            all[count++] = entry_at(table, &table->buckets[i], at);
    qsort(all, count, sizeof *all, compare_to_save);
    count = count < most ? count : most;
    for (size_t i = 0; i < count; i++)
        out[i] = entry_node(table, all[i]).node;
    mem_free(all);
    return count;
}

bool table_most_fit(const struct table *table)
{
    size_t fit = 0, live = table_live(table);
    for (size_t i = 0; i < table->depth; i++)
        for (size_t at = 0; at < table->buckets[i].live; at++)
            fit += entry_at(table, &table->buckets[i], at)->fits;
    return live >= TABLE_FEW && 2 * fit > live;
}

void table_count(const struct table *table, instant now, size_t *good, size_t *known)
{
    *good = *known = 0;
    for (size_t i = 0; i < table->depth; i++) {
        const struct bucket *bucket = &table->buckets[i];
        *known += entries_of(bucket);
        for (size_t at = 0; at < bucket->live; at++)
            *good += entry_is_fresh(entry_at(table, bucket, at), second_of(now));
    }
}
