/* Buckets of entries in one piece of memory each: those that answered first, the longest known
   leading, then the replacements. An entry of IPv4 takes 36 bytes, of IPv6 48. */
#include "engine/dht/table.h"

#include "base/mem.h"
#include "engine/dht/id.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM    128 /* of the first bucket; each later one has half of that, at least ... */
#define LEAST_ROOM    8   /* ... k of BEP 5 */
#define SPARES        8   /* replacements of a bucket */
#define BUCKETS_MAX   32  /* 2^32 times 8 nodes; a stranger who lives next to us gets no more */
#define CLOSEST_MAX   32
#define ANSWERED_MOST 8 /* nodes in an answer */

#define FAILS_LIVE  4 /* unanswered in a row, then it is forgotten; */
#define FAILS_SPARE 2 /* a replacement that early */
#define FAILS_ALONE 2 /* counted up to here while nobody answers: it may be our own network */
#define ALONE_AFTER (1 * MINUTE)
#define VETERAN     4 /* quarters of an hour in which it answered: only failing costs its place */
#define QUARTER     ((uint32_t)(15 * MINUTE / SECOND))
#define RTT_MOST_MS UINT16_MAX
#define RTT_CONTEST 2 /* so much slower, and a place is lost */

#define CHECK_AFTER      (6 * MINUTE) /* of silence; */
#define CHECK_ALL        (8 * MINUTE) /* all in so long, if the pace allows: before they are doubtful */
#define CHECK_AGAIN      (30 * SECOND) /* after a check; doubles with each failure */
#define PACE_LEAST       (5 * SECOND)  /* from chore to chore, */
#define PACE_MOST        (15 * SECOND)
#define FEW              20           /* knowing fewer we are coming in, */
#define PACE_COMING      (1 * SECOND) /* and check faster whom we were told of */
#define NEIGHBOURS_FIRST (1 * MINUTE) /* until we look around ourselves again; doubles up to */
#define NEIGHBOURS_LAST  (20 * MINUTE)
#define NEIGHBOURS       3          /* last buckets, which that search is for */
#define SEARCH_AFTER     (1 * HOUR) /* in a bucket that has room and saw nobody new */

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

/* --- entries ---------------------------------------------------------------------------------- */

static uint32_t second_of(instant now)
{
    return (uint32_t)(now / SECOND);
}

static struct entry *entry_at(const struct table *table, const struct bucket *bucket, size_t at)
{
    return (void *)(bucket->entries + at * table->stride);
}

static size_t entries_of(const struct bucket *bucket)
{
    return (size_t)bucket->live + bucket->spare;
}

static struct address address_of(const struct table *table, const struct entry *entry)
{
    struct address at = { .port = entry->port };
    if (table->ip_size < sizeof at.ip)
        at.ip[10] = at.ip[11] = 0xff;
    memcpy(at.ip + sizeof at.ip - table->ip_size, entry->ip, table->ip_size);
    return at;
}

static bool is_at(const struct table *table, const struct entry *entry, const struct address *at)
{
    return entry->port == at->port &&
           memcmp(entry->ip, at->ip + sizeof at->ip - table->ip_size, table->ip_size) == 0;
}

static struct entry entry_of(const struct table *table, instant now, const struct dht_node *node)
{
    struct entry entry = { .id = node->id,
                           .heard = second_of(now),
                           .asked = (uint16_t)(second_of(now) - UINT16_MAX / 2),
                           .port = node->at.port,
                           .fits = id_fits(&node->id, &node->at) };
    memcpy(entry.ip, node->at.ip + sizeof node->at.ip - table->ip_size, table->ip_size);
    return entry;
}

static struct table_node node_of(const struct table *table, const struct entry *entry)
{
    return (struct table_node){ { entry->id, address_of(table, entry) },
                                entry->rtt * MILLISECOND,
                                (enum speaks)entry->items };
}

static bool is_fresh(const struct entry *entry, uint32_t second)
{
    return entry->fails == 0 && entry->rtt > 0 && second - entry->heard < TABLE_FRESH / SECOND;
}

static bool same_block(const struct table *table, const struct entry *a, const struct entry *b)
{
    size_t last = table->ip_size == 4 ? 2 : 7; /* of a block: most differ there */
    if (a->ip[last] != b->ip[last])
        return false;
    struct address at = address_of(table, a), other = address_of(table, b);
    return address_same_block(&at, &other);
}

static void entry_answered(struct entry *entry, instant now, duration rtt)
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

static unsigned index_of(const struct table *table, const struct dht_id *id)
{
    unsigned shared = id_shared_bits(&table->self, id);
    return shared < table->depth ? shared : table->depth - 1u;
}

static struct bucket *bucket_of(const struct table *table, const struct dht_id *id)
{
    return &table->buckets[index_of(table, id)];
}

static size_t room_of(const struct table *table, const struct bucket *bucket)
{
    size_t index = (size_t)(bucket - table->buckets);
    return index > 4 || FIRST_ROOM >> index < LEAST_ROOM ? LEAST_ROOM : FIRST_ROOM >> index;
}

static bool has_room(const struct table *table, const struct bucket *bucket)
{
    return bucket->live < room_of(table, bucket);
}

static void take_out(const struct table *table, struct bucket *bucket, size_t at)
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

static void append_live(const struct table *table, struct bucket *bucket, const struct entry *entry)
{
    put_in(table, bucket, bucket->live, entry);
    bucket->live++;
}

static void append_spare(const struct table *table, struct bucket *bucket,
                         const struct entry *entry)
{
    put_in(table, bucket, entries_of(bucket), entry);
    bucket->spare++;
}

static struct entry copy_of(const struct table *table, const struct bucket *bucket, size_t at)
{
    struct entry copy = { .rtt = 0 };
    memcpy(&copy, entry_at(table, bucket, at), table->stride);
    return copy;
}

/* Its place, or entries_of(bucket). */
static size_t place_of_id(const struct table *table, const struct bucket *bucket,
                          const struct dht_id *id)
{
    size_t at = 0;
    while (at < entries_of(bucket) && !id_equal(&entry_at(table, bucket, at)->id, id))
        at++;
    return at;
}

static size_t place_of(const struct table *table, const struct bucket *bucket,
                       const struct dht_node *node)
{
    size_t at = place_of_id(table, bucket, &node->id);
    if (at < entries_of(bucket) && !is_at(table, entry_at(table, bucket, at), &node->at))
        return entries_of(bucket);
    return at;
}

/* One in the same block, of those from `from` to before `to`; else `to`. */
static size_t rival_of(const struct table *table, const struct bucket *bucket,
                       const struct entry *entry, size_t from, size_t to)
{
    while (from < to && !same_block(table, entry_at(table, bucket, from), entry))
        from++;
    return from;
}

/* --- replacements ------------------------------------------------------------------------------
 */

/* Whose place a new replacement may have: who failed, did not fit, or waited for long. Else those
   who came first stay: strangers who tell of many must not wash them out. */
static bool spare_yields(const struct entry *spare, const struct entry *entry)
{
    return spare->fails > 0 || (entry->fits && !spare->fits) ||
           (entry->rtt > 0 && spare->rtt == 0) ||
           entry->heard - spare->heard >= TABLE_FRESH / SECOND;
}

static void keep_spare(const struct table *table, struct bucket *bucket, const struct entry *entry)
{
    size_t rival = rival_of(table, bucket, entry, bucket->live, entries_of(bucket));
    size_t at = rival < entries_of(bucket) ? rival : bucket->live;
    if (rival < entries_of(bucket) || bucket->spare == SPARES) {
        size_t last = rival < entries_of(bucket) ? rival + 1 : entries_of(bucket);
        while (at < last && !spare_yields(entry_at(table, bucket, at), entry))
            at++;
        if (at == last)
            return;
        take_out(table, bucket, at);
    }
    append_spare(table, bucket, entry);
}

/* Somebody left: a replacement that answered lately moves up. */
static void move_up(const struct table *table, struct bucket *bucket, instant now)
{
    for (size_t at = bucket->live; at < entries_of(bucket); at++) {
        struct entry spare = copy_of(table, bucket, at);
        if (has_room(table, bucket) && is_fresh(&spare, second_of(now)) &&
            rival_of(table, bucket, &spare, 0, bucket->live) == bucket->live) {
            take_out(table, bucket, at);
            append_live(table, bucket, &spare);
        }
    }
}

/* --- places among those who answered -----------------------------------------------------------
 */

static void place(struct table *table, const struct entry *entry, bool live);

static void place_all(struct table *table, struct bucket *old)
{
    for (size_t at = 0; at < entries_of(old); at++) {
        struct entry entry = copy_of(table, old, at);
        place(table, &entry, at < old->live);
    }
    mem_free(old->entries);
}

static bool may_split(const struct table *table, const struct bucket *bucket)
{
    return bucket == &table->buckets[table->depth - 1] && table->depth < BUCKETS_MAX;
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
    while (live && !has_room(table, bucket) && may_split(table, bucket)) {
        split_last(table);
        bucket = bucket_of(table, &entry->id);
    }
    if (rival_of(table, bucket, entry, 0, bucket->live) < bucket->live)
        return;
    if (live && has_room(table, bucket))
        append_live(table, bucket, entry);
    else
        keep_spare(table, bucket, entry);
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
    uint8_t taken[FIRST_ROOM]; /* places by part */
    uint8_t part[FIRST_ROOM];  /* of each place */
    uint8_t mine, crowd;       /* the newcomer's part; most places of one part */
};

static struct contest contest_for(const struct table *table, const struct bucket *bucket,
                                  const struct entry *entry)
{
    size_t index = (size_t)(bucket - table->buckets), room = room_of(table, bucket);
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

/* It answered and has no place yet. */
static void enter(struct table *table, instant now, const struct entry *entry)
{
    struct bucket *bucket = bucket_of(table, &entry->id);
    size_t rival = rival_of(table, bucket, entry, 0, bucket->live);
    if (rival < bucket->live) {
        if (entry_at(table, bucket, rival)->fails == 0)
            return;
        take_out(table, bucket, rival);
    }
    bucket->changed = second_of(now);
    if (has_room(table, bucket) || may_split(table, bucket)) {
        place(table, entry, true);
        return;
    }
    size_t loser = contested(table, bucket, entry);
    if (loser == bucket->live) {
        keep_spare(table, bucket, entry);
        return;
    }
    struct entry old = copy_of(table, bucket, loser);
    take_out(table, bucket, loser);
    append_live(table, bucket, entry);
    keep_spare(table, bucket, &old);
}

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
    table->neighbours_pause = NEIGHBOURS_FIRST;
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
        table->neighbours = table->deadline = table->chore;
    table->neighbours_pause = NEIGHBOURS_FIRST;
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

/* --- what becomes of nodes ----------------------------------------------------------------------
 */

static bool is_possible(const struct table *table, const struct dht_node *node)
{
    bool ipv4 = address_is_ipv4(&node->at);
    uint8_t first = node->at.ip[ipv4 ? 12 : 0];
    return ipv4 == (table->ip_size == 4) && node->at.port != 0 &&
           !id_equal(&node->id, &table->self) && (ipv4 ? first != 0 && first < 224 : first != 0xff);
}

static size_t live_in_all(const struct table *table)
{
    size_t live = 0;
    for (size_t i = 0; i < table->depth; i++)
        live += table->buckets[i].live;
    return live;
}

/* A chore came up: no sooner than the pace allows. */
static void hurry(struct table *table, instant now)
{
    duration pace = live_in_all(table) < FEW ? PACE_COMING : PACE_LEAST;
    table->deadline = earlier(table->deadline, later(now, after(table->chore, pace)));
}

/* Another id there before: it lied, or is gone. */
static void put_out_others(struct table *table, instant now, const struct dht_node *node)
{
    for (size_t i = 0; i < table->depth; i++) {
        struct bucket *bucket = &table->buckets[i];
        for (size_t at = entries_of(bucket); at-- > 0;) {
            const struct entry *entry = entry_at(table, bucket, at);
            if (!is_at(table, entry, &node->at) || id_equal(&entry->id, &node->id))
                continue;
            bool live = at < bucket->live;
            take_out(table, bucket, at);
            if (live)
                move_up(table, bucket, now);
        }
    }
}

void table_answered(struct table *table, instant now, const struct dht_node *node, duration rtt)
{
    if (!is_possible(table, node))
        return;
    table->answered = now;
    if (table->neighbours == NEVER)
        table->neighbours = after(now, table->neighbours_pause);
    put_out_others(table, now, node);
    hurry(table, now);
    struct bucket *bucket = bucket_of(table, &node->id);
    struct entry entry = entry_of(table, now, node);
    size_t at = place_of_id(table, bucket, &node->id);
    if (at < entries_of(bucket)) {
        struct entry *known = entry_at(table, bucket, at);
        bool same = is_at(table, known, &node->at);
        if (!same && is_fresh(known, second_of(now)))
            return; /* the name is taken by somebody who is well */
        if (same && at < bucket->live) {
            entry_answered(known, now, rtt);
            return;
        }
        if (same)
            entry = copy_of(table, bucket, at);
        take_out(table, bucket, at);
    }
    entry_answered(&entry, now, rtt);
    enter(table, now, &entry);
}

void table_told(struct table *table, instant now, const struct dht_node *node)
{
    if (!is_possible(table, node))
        return;
    struct bucket *bucket = bucket_of(table, &node->id);
    struct entry entry = entry_of(table, now, node);
    for (size_t at = 0; at < entries_of(bucket); at++) {
        const struct entry *known = entry_at(table, bucket, at);
        if (is_at(table, known, &node->at) || id_equal(&known->id, &node->id))
            return;
    }
    size_t rival = rival_of(table, bucket, &entry, 0, bucket->live);
    if (rival < bucket->live && entry_at(table, bucket, rival)->fails == 0)
        return;
    keep_spare(table, bucket, &entry);
    if (has_room(table, bucket))
        hurry(table, now);
}

static bool has_ready_spare(const struct table *table, const struct bucket *bucket, instant now)
{
    for (size_t at = bucket->live; at < entries_of(bucket); at++)
        if (is_fresh(entry_at(table, bucket, at), second_of(now)))
            return true;
    return false;
}

void table_silent(struct table *table, instant now, const struct dht_node *node)
{
    struct bucket *bucket = bucket_of(table, &node->id);
    size_t at = place_of(table, bucket, node);
    if (at == entries_of(bucket))
        return;
    struct entry *entry = entry_at(table, bucket, at);
    bool live = at<bucket->live, alone = now> after(table->answered, ALONE_AFTER);
    if (entry->fails < (alone ? FAILS_ALONE : FAILS_LIVE))
        entry->fails++;
    hurry(table, now);
    if (entry->fails < (live ? FAILS_LIVE : FAILS_SPARE) &&
        !(live && has_ready_spare(table, bucket, now)))
        return;
    struct entry old = copy_of(table, bucket, at);
    take_out(table, bucket, at);
    move_up(table, bucket, now);
    if (live && old.fails < FAILS_SPARE)
        keep_spare(table, bucket, &old);
}

void table_learn_items(struct table *table, const struct dht_node *node, bool speaks)
{
    struct bucket *bucket = bucket_of(table, &node->id);
    size_t at = place_of(table, bucket, node);
    if (at < entries_of(bucket))
        entry_at(table, bucket, at)->items = speaks ? SPEAKS_ITEMS : SPEAKS_NO_ITEMS;
}

/* --- looking ---------------------------------------------------------------------------------- */

bool table_find(const struct table *table, const struct dht_node *node, struct table_node *out)
{
    const struct bucket *bucket = bucket_of(table, &node->id);
    size_t at = place_of(table, bucket, node);
    if (at == entries_of(bucket))
        return false;
    *out = node_of(table, entry_at(table, bucket, at));
    return true;
}

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
            is_fresh(entry, search->second) != search->fresh)
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
    size_t own = index_of(table, search->target), last = table->depth - 1u;
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
        out[i] = node_of(table, search.found[i]);
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
        if (is_at(table, entry, except))
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
    const struct entry **all = mem_zeroed(live_in_all(table), sizeof *all);
    for (size_t i = 0; i < table->depth; i++)
        for (size_t at = 0; at < table->buckets[i].live; at++)
            all[count++] = entry_at(table, &table->buckets[i], at);
    qsort(all, count, sizeof *all, compare_to_save);
    count = count < most ? count : most;
    for (size_t i = 0; i < count; i++)
        out[i] = node_of(table, all[i]).node;
    mem_free(all);
    return count;
}

void table_count(const struct table *table, instant now, size_t *good, size_t *known)
{
    *good = *known = 0;
    for (size_t i = 0; i < table->depth; i++) {
        const struct bucket *bucket = &table->buckets[i];
        *known += entries_of(bucket);
        for (size_t at = 0; at < bucket->live; at++)
            *good += is_fresh(entry_at(table, bucket, at), second_of(now));
    }
}

/* --- upkeep ------------------------------------------------------------------------------------
 */

/* The second in which its check is due. Who answered is checked before he is doubtful, who did not
   more and more rarely, replacements where a place is to be had. */
static uint32_t check_due(const struct entry *entry, bool live, bool wanted, uint32_t second)
{
    uint32_t asked = second - (uint16_t)(second - entry->asked);
    uint32_t again = asked + (uint32_t)((CHECK_AGAIN << entry->fails) / SECOND);
    uint32_t quiet = entry->heard + (live && entry->fails == 0 ? CHECK_AFTER / SECOND : 0);
    if (!live && (!wanted || is_fresh(entry, second)))
        return UINT32_MAX;
    return again > quiet ? again : quiet;
}

static bool has_failing(const struct table *table, const struct bucket *bucket)
{
    for (size_t at = 0; at < bucket->live; at++)
        if (entry_at(table, bucket, at)->fails > 0)
            return true;
    return false;
}

/* Whose check has been due for longest, or will be first, and when: UINT32_MAX if nobody's. */
static struct entry *next_check(const struct table *table, uint32_t second, uint32_t *due)
{
    struct entry *first = NULL;
    *due = UINT32_MAX;
    for (size_t i = 0; i < table->depth; i++) {
        const struct bucket *bucket = &table->buckets[i];
        bool wanted = bucket->spare > 0 && (has_room(table, bucket) || has_failing(table, bucket));
        for (size_t at = 0; at < entries_of(bucket); at++) {
            struct entry *entry = entry_at(table, bucket, at);
            uint32_t its = check_due(entry, at < bucket->live, wanted, second);
            if (its < *due) {
                first = entry;
                *due = its;
            }
        }
    }
    return first;
}

/* A bucket nobody came to for long although it has room; the last ones are our neighbourhood. */
static struct bucket *due_search(const struct table *table, instant now)
{
    for (size_t i = 0; i + NEIGHBOURS < table->depth; i++) {
        struct bucket *bucket = &table->buckets[i];
        if (has_room(table, bucket) && second_of(now) - bucket->changed >= SEARCH_AFTER / SECOND)
            return bucket;
    }
    return NULL;
}

static bool chore_search(struct table *table, instant now, struct table_chore *out)
{
    if (table->neighbours <= now) {
        table->neighbours_pause = earlier(2 * table->neighbours_pause, NEIGHBOURS_LAST);
        table->neighbours = now + table->neighbours_pause;
        *out = (struct table_chore){ .search = true, .target = table->self };
        return true;
    }
    struct bucket *bucket = due_search(table, now);
    if (bucket == NULL)
        return false;
    bucket->changed = second_of(now);
    *out = (struct table_chore){ .search = true };
    id_near(&out->target, &table->self, (unsigned)(bucket - table->buckets), table->rng);
    return true;
}

static duration pace_of(struct table *table)
{
    size_t live = live_in_all(table);
    duration pace =
        live < FEW ? PACE_COMING : earlier(later(CHECK_ALL / live, PACE_LEAST), PACE_MOST);
    return pace + rng_below(table->rng, pace / 4);
}

/* Nothing is due: sleep until something is. */
static void sleep_until(struct table *table, instant now, uint32_t due)
{
    instant next = earlier(table->neighbours, after(now, SEARCH_AFTER));
    if (due != UINT32_MAX)
        next = earlier(next, due * SECOND);
    table->deadline = later(table->deadline, next);
}

bool table_chore(struct table *table, instant now, struct table_chore *out)
{
    uint32_t due;
    if (table->deadline > now)
        return false;
    table->chore = now;
    table->deadline = now + pace_of(table);
    if (chore_search(table, now, out))
        return true;
    struct entry *entry = next_check(table, second_of(now), &due);
    if (due > second_of(now)) {
        sleep_until(table, now, due);
        return false;
    }
    entry->asked = (uint16_t)second_of(now);
    *out = (struct table_chore){ .node = { entry->id, address_of(table, entry) } };
    return true;
}

instant table_deadline(const struct table *table)
{
    return table->deadline;
}
