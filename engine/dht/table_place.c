/* Who has a place in the table: while there is room everybody who answered, then who wins it. */
#include "base/mem.h"
#include "engine/dht/table_inside.h"

#define VETERAN     4 /* quarters of an hour in which it answered: only failing costs its place */
#define RTT_CONTEST 2 /* so much slower, and a place is lost */

/* --- replacements ----------------------------------------------------------------------------- */

/* Whose place a new replacement may have: who failed, did not fit, or waited for long. Else those
   who came first stay: strangers who tell of many must not wash them out. */
static bool spare_yields(const struct entry *spare, const struct entry *entry)
{
    return spare->fails > 0 || (entry->fits && !spare->fits) ||
           (entry->rtt > 0 && spare->rtt == 0) ||
           entry->heard - spare->heard >= TABLE_FRESH / SECOND;
}

void place_spare(const struct table *table, struct bucket *bucket, const struct entry *entry)
{
    size_t rival = bucket_rival(table, bucket, entry, bucket->live, entries_of(bucket));
    size_t at = rival < entries_of(bucket) ? rival : bucket->live;
    size_t most = bucket_has_room(table, bucket) ? TABLE_SPARES : TABLE_SPARES / 2;
    if (rival < entries_of(bucket) || bucket->spare >= most) {
        size_t last = rival < entries_of(bucket) ? rival + 1 : entries_of(bucket);
        while (at < last && !spare_yields(entry_at(table, bucket, at), entry))
            at++;
        if (at == last)
            return;
        bucket_take_out(table, bucket, at);
    }
    bucket_append_spare(table, bucket, entry);
}

void place_move_up(const struct table *table, struct bucket *bucket, instant now)
{
    for (size_t at = bucket->live; at < entries_of(bucket); at++) {
        struct entry spare = bucket_copy(table, bucket, at);
        if (bucket_has_room(table, bucket) && entry_is_fresh(&spare, second_of(now)) &&
            bucket_rival(table, bucket, &spare, 0, bucket->live) == bucket->live) {
            bucket_take_out(table, bucket, at);
            bucket_append_live(table, bucket, &spare);
        }
    }
}

/* --- places among those who answered ---------------------------------------------------------- */

static void place(struct table *table, const struct entry *entry, bool live);

void place_all(struct table *table, struct bucket *old)
{
    for (size_t at = 0; at < entries_of(old); at++) {
        struct entry entry = bucket_copy(table, old, at);
        place(table, &entry, at < old->live);
    }
    mem_free(old->entries);
}

static bool may_split(const struct table *table, const struct bucket *bucket)
{
    return bucket == &table->buckets[table->depth - 1] && table->depth < TABLE_BUCKETS;
}

static void split_last(struct table *table)
{
    struct bucket old = table->buckets[table->depth - 1];
    table->buckets = mem_resized(table->buckets, table->depth + 1u, sizeof *table->buckets);
    table->buckets[table->depth - 1] = table->buckets[table->depth] =
        (struct bucket){ .changed = old.changed };
    table->depth++;
    place_all(table, &old);
}

/* Where there is room: nobody loses a place to it. */
static void place(struct table *table, const struct entry *entry, bool live)
{
    struct bucket *bucket = bucket_of(table, &entry->id);
    while (live && !bucket_has_room(table, bucket) && may_split(table, bucket)) {
        split_last(table);
        bucket = bucket_of(table, &entry->id);
    }
    if (bucket_rival(table, bucket, entry, 0, bucket->live) < bucket->live)
        return;
    if (live && bucket_has_room(table, bucket))
        bucket_append_live(table, bucket, entry);
    else
        place_spare(table, bucket, entry);
}

/* The bits that follow those a bucket has in common say which part of it an id is in: as many parts
   as there are places. */
static unsigned part_of(const struct dht_id *id, size_t index, size_t room)
{
    unsigned part = 0;
    for (size_t bit = index + 1; room > 1; bit++, room /= 2)
        part = part << 1 | (id->bytes[bit / 8] >> (7 - bit % 8) & 1);
    return part;
}

struct contest {
    const struct entry *entry;
    uint8_t taken[TABLE_ROOM_MOST]; /* places by part */
    uint8_t part[TABLE_ROOM_MOST];  /* of each place */
    uint8_t mine, crowd;            /* the newcomer's part; most places of one part */
};

static struct contest contest_for(const struct table *table, const struct bucket *bucket,
                                  const struct entry *entry)
{
    size_t index = (size_t)(bucket - table->buckets), room = bucket_room(table, bucket);
    struct contest contest = { .entry = entry, .mine = (uint8_t)part_of(&entry->id, index, room) };
    for (size_t at = 0; at < bucket->live; at++) {
        unsigned part = part_of(&entry_at(table, bucket, at)->id, index, room);
        contest.part[at] = (uint8_t)part;
        if (++contest.taken[part] > contest.crowd)
            contest.crowd = contest.taken[part];
    }
    return contest;
}

/* How clearly the newcomer wins that place; 0: not at all. In this order: from those who do not
   answer, who do not fit their address, who are many in one part while it is alone in its own, who
   are much slower in its own part. */
static unsigned claim(const struct contest *contest, const struct entry *holder, size_t at)
{
    const struct entry *entry = contest->entry;
    unsigned part = contest->part[at];
    if (holder->fails > 0)
        return 8u + holder->fails;
    if (holder->lived >= VETERAN || (holder->fits && !entry->fits))
        return 0;
    if (entry->fits && !holder->fits)
        return 3;
    if (contest->taken[contest->mine] == 0 && contest->crowd > 1 &&
        contest->taken[part] == contest->crowd)
        return 2;
    return part == contest->mine && holder->rtt > RTT_CONTEST * entry->rtt;
}

/* The place that it wins; bucket->live: none. Among equals the slowest loses, then
   the youngest. */
static size_t contested(const struct table *table, const struct bucket *bucket,
                        const struct entry *entry)
{
    struct contest contest = contest_for(table, bucket, entry);
    size_t best = bucket->live;
    unsigned best_claim = 0;
    uint16_t best_rtt = 0;
    for (size_t at = 0; at < bucket->live; at++) {
        const struct entry *holder = entry_at(table, bucket, at);
        unsigned strength = claim(&contest, holder, at);
        if (strength > best_claim ||
            (strength == best_claim && strength > 0 && holder->rtt >= best_rtt)) {
            best = at;
            best_claim = strength;
            best_rtt = holder->rtt;
        }
    }
    return best;
}

void place_enter(struct table *table, instant now, const struct entry *entry)
{
    struct bucket *bucket = bucket_of(table, &entry->id);
    size_t rival = bucket_rival(table, bucket, entry, 0, bucket->live);
    if (rival < bucket->live) {
        if (entry_at(table, bucket, rival)->fails == 0)
            return;
        bucket_take_out(table, bucket, rival);
    }
    bucket->changed = second_of(now);
    if (bucket_has_room(table, bucket) || may_split(table, bucket)) {
        place(table, entry, true);
        return;
    }
    size_t loser = contested(table, bucket, entry);
    if (loser == bucket->live) {
        place_spare(table, bucket, entry);
        return;
    }
    struct entry old = bucket_copy(table, bucket, loser);
    bucket_take_out(table, bucket, loser);
    bucket_append_live(table, bucket, entry);
    place_spare(table, bucket, &old);
}
