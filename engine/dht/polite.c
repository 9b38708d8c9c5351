/* Whom we told how much: a small hash table of addresses, and three buckets for all of them
   together. */
#include "engine/dht/polite.h"

#include "base/mem.h"
#include "engine/crypto/hash.h"
#include "engine/dht/id.h"

#include <string.h>

#define QUERIES_PER_SECOND 50
#define QUERIES_AT_ONCE    100
#define LOOKUPS_PER_SECOND 1
#define LOOKUPS_AT_ONCE    8
#define PER_ADDRESS        4
#define NEARBY_FACTOR      32
#define REPLY_BYTES        (128 * 1024) /* a second */
#define REPLY_SECONDS      2            /* saved up */
#define EXCESS_BYTES       (16 * 1024)  /* a second, beyond four times what strangers said */
#define EXCESS_AT_ONCE     (64 * 1024)
#define EXCESS_FACTOR      4
#define USUAL_BYTES        512 /* an answer with nodes */

/* --- buckets ---------------------------------------------------------------------------------- */

struct bucket { /* tokens in units of 1 / SECOND, so that nothing is rounded away */
    uint64_t rate, most, level;
    instant at;
};

static struct bucket full_bucket(uint64_t rate, uint64_t most, instant now)
{
    return (
        struct bucket){ .rate = rate, .most = most * SECOND, .level = most * SECOND, .at = now };
}

static uint64_t level_at(const struct bucket *bucket, instant now)
{
    duration passed = now > bucket->at ? now - bucket->at : 0;
    uint64_t missing = bucket->most - bucket->level;
    return passed > missing / bucket->rate ? bucket->most : bucket->level + passed * bucket->rate;
}

static bool bucket_has(const struct bucket *bucket, instant now, uint64_t tokens)
{
    return level_at(bucket, now) >= tokens * SECOND;
}

static instant bucket_when(const struct bucket *bucket, instant now, uint64_t tokens)
{
    uint64_t level = level_at(bucket, now);
    if (level >= tokens * SECOND)
        return now;
    return now + (tokens * SECOND - level + bucket->rate - 1) / bucket->rate;
}

/* What is owed is forgiven: callers asked first. */
static void bucket_take(struct bucket *bucket, instant now, uint64_t tokens)
{
    uint64_t level = level_at(bucket, now);
    bucket->level = level > tokens * SECOND ? level - tokens * SECOND : 0;
    bucket->at = now;
}

/* --- addresses -------------------------------------------------------------------------------- */

/* In every POLITE_WINDOW an address gets at most SPANS spans of packets, each of a quarter of its
   due (4: one packet each, so the count is exact). A new span is opened only when the oldest of the
   last four has ended a whole window ago. */
#define SPANS        4
#define CLEAN_LEAST  (100 * MILLISECOND) /* a flood must not have us clean all the time */
#define FIRST_ROOM   16
#define WINDOW_TICKS (POLITE_WINDOW / MILLISECOND + 1) /* ticks are cut short */

struct talk {
    uint32_t hash;           /* keyed, of the address: two that share one share their due */
    uint32_t last;           /* tick of the newest packet; 0 and no spans: this place is free */
    uint16_t ago[SPANS - 1]; /* ticks from the end of each earlier span to `last`, newest first */
    uint8_t spans;           /* opened, at most SPANS */
    uint8_t in_span;         /* packets in the newest */
};

struct polite {
    struct dht_rates rates;
    uint8_t key[16];
    struct bucket queries, lookups, replies, excess;
    struct talk *talks; /* open addressing */
    size_t room, count;
    instant cleaned;
};

static uint32_t tick(instant now)
{
    return (uint32_t)(now / MILLISECOND);
}

static bool is_loopback(const struct address *at)
{
    static const uint8_t six[16] = { [15] = 1 };
    return address_is_ipv4(at) ? at->ip[12] == 127 : memcmp(at->ip, six, sizeof six) == 0;
}

/* One party holds a whole /64 of IPv6. On loopback all share one address, and nobody has to be
   protected from his own machine: there each port counts for itself. */
static uint32_t hash_of(const struct polite *polite, const struct address *at)
{
    uint8_t key[sizeof at->ip + 2];
    size_t size = address_is_ipv4(at) ? sizeof at->ip : 8;
    memcpy(key, at->ip, sizeof at->ip);
    if (is_loopback(at)) {
        key[sizeof at->ip] = (uint8_t)(at->port >> 8);
        key[sizeof at->ip + 1] = (uint8_t)at->port;
        size = sizeof key;
    }
    return (uint32_t)hash_short(polite->key, (struct bytes){ key, size });
}

static struct talk *place_of(struct talk *talks, size_t room, uint32_t hash)
{
    size_t at = (size_t)((uint64_t)hash * room >> 32);
    while (talks[at].spans > 0 && talks[at].hash != hash)
        at = at + 1 < room ? at + 1 : 0;
    return &talks[at];
}

static struct talk *find(const struct polite *polite, const struct address *at)
{
    if (polite->room == 0)
        return NULL;
    struct talk *talk = place_of(polite->talks, polite->room, hash_of(polite, at));
    return talk->spans > 0 ? talk : NULL;
}

/* On our own network few are asked often, where out there many are asked seldom, and a line there
   carries more. */
static unsigned packets_per_span(const struct polite *polite, const struct address *to)
{
    uint32_t due = polite->rates.per_address;
    if (id_exempt(to) && !is_loopback(to) && due >= SPANS && due <= UINT8_MAX)
        due *= NEARBY_FACTOR;
    return due < SPANS ? 1 : due / SPANS > UINT8_MAX ? UINT8_MAX : due / SPANS;
}

static unsigned spans_of(const struct polite *polite)
{
    return polite->rates.per_address < SPANS ? polite->rates.per_address : SPANS;
}

/* Ticks until another packet may go there. */
static uint32_t ticks_to_wait(const struct polite *polite, instant now, const struct talk *talk,
                              const struct address *to)
{
    unsigned spans = spans_of(polite);
    if (polite->rates.per_address == DHT_NO_LIMIT || talk == NULL || talk->spans < spans ||
        talk->in_span < packets_per_span(polite, to))
        return 0;
    uint32_t since = tick(now) - talk->last;
    since += spans > 1 ? talk->ago[spans - 2] : 0;
    return since >= WINDOW_TICKS ? 0 : (uint32_t)WINDOW_TICKS - since;
}

static uint16_t short_ticks(uint32_t ticks)
{
    return ticks > UINT16_MAX ? UINT16_MAX : (uint16_t)ticks;
}

static void add_packet(const struct polite *polite, struct talk *talk, instant now,
                       const struct address *to)
{
    uint32_t passed = talk->spans == 0 ? 0 : tick(now) - talk->last;
    bool opens = talk->spans == 0 || talk->in_span >= packets_per_span(polite, to);
    for (size_t i = 0; i < SPANS - 1; i++)
        talk->ago[i] = short_ticks(talk->ago[i] + passed);
    if (opens) {
        memmove(talk->ago + 1, talk->ago, sizeof talk->ago - sizeof talk->ago[0]);
        talk->ago[0] = short_ticks(passed);
        talk->spans += talk->spans < SPANS;
        talk->in_span = 0;
    }
    talk->in_span++;
    talk->last = tick(now);
}

static size_t younger_than(const struct polite *polite, instant now, duration age)
{
    size_t count = 0;
    for (size_t i = 0; i < polite->room; i++)
        count +=
            polite->talks[i].spans > 0 && tick(now) - polite->talks[i].last < age / MILLISECOND;
    return count;
}

/* Only those younger are kept, in little more room than they need. */
static void rebuild(struct polite *polite, instant now, duration age)
{
    size_t kept = younger_than(polite, now, age), room = kept / 3 * 4 + FIRST_ROOM;
    struct talk *talks = mem_zeroed(room, sizeof *talks);
    for (size_t i = 0; i < polite->room; i++) {
        const struct talk *talk = &polite->talks[i];
        if (talk->spans > 0 && tick(now) - talk->last < age / MILLISECOND)
            *place_of(talks, room, talk->hash) = *talk;
    }
    mem_free(polite->talks);
    polite->talks = talks;
    polite->room = room;
    polite->count = kept;
    polite->cleaned = now;
}

/* Room for one more, or false: so many were spoken to within one window that none may go. */
static bool make_room(struct polite *polite, instant now)
{
    bool full = polite->count >= POLITE_ADDRESSES;
    if (full && now - polite->cleaned < CLEAN_LEAST)
        return false;
    if (!full && polite->count < polite->room / 8 * 7 && now - polite->cleaned < POLITE_MEMORY)
        return true;
    duration age = POLITE_MEMORY;
    while (age > POLITE_WINDOW && younger_than(polite, now, age) > POLITE_ADDRESSES / 2)
        age /= 2;
    rebuild(polite, now, later(age, POLITE_WINDOW + 2 * MILLISECOND));
    return polite->count < POLITE_ADDRESSES;
}

/* False: it is not remembered. */
static bool remember(struct polite *polite, instant now, const struct address *at)
{
    struct talk *talk = find(polite, at);
    if (talk == NULL) {
        if (!make_room(polite, now))
            return false;
        uint32_t hash = hash_of(polite, at);
        talk = place_of(polite->talks, polite->room, hash);
        *talk = (struct talk){ .hash = hash };
        polite->count++;
    }
    add_packet(polite, talk, now, at);
    return true;
}

/* --- the door --------------------------------------------------------------------------------- */

static uint32_t or_usual(uint32_t rate, uint32_t usual)
{
    return rate == 0 ? usual : rate;
}

struct polite *polite_create(const struct dht_rates *rates, instant now, struct rng *rng)
{
    struct polite *polite = mem_zeroed(1, sizeof *polite);
    struct dht_rates *mine = &polite->rates;
    *mine = *rates;
    mine->queries_per_second = or_usual(mine->queries_per_second, QUERIES_PER_SECOND);
    mine->queries_at_once = or_usual(mine->queries_at_once, QUERIES_AT_ONCE);
    mine->lookups_per_second = or_usual(mine->lookups_per_second, LOOKUPS_PER_SECOND);
    mine->per_address = or_usual(mine->per_address, PER_ADDRESS);
    mine->reply_bytes_per_second = or_usual(mine->reply_bytes_per_second, REPLY_BYTES);
    rng_fill(rng, polite->key, sizeof polite->key);
    uint32_t lookups_at_once =
        mine->lookups_per_second > LOOKUPS_AT_ONCE ? mine->lookups_per_second : LOOKUPS_AT_ONCE;
    polite->queries = full_bucket(mine->queries_per_second, mine->queries_at_once, now);
    polite->lookups = full_bucket(mine->lookups_per_second, lookups_at_once, now);
    polite->replies = full_bucket(mine->reply_bytes_per_second,
                                  (uint64_t)REPLY_SECONDS * mine->reply_bytes_per_second, now);
    polite->excess = full_bucket(EXCESS_BYTES, EXCESS_AT_ONCE, now);
    polite->cleaned = now;
    return polite;
}

void polite_destroy(struct polite *polite)
{
    wipe(polite->key, sizeof polite->key);
    mem_free(polite->talks);
    mem_free(polite);
}

instant polite_query_at(const struct polite *polite, instant now, const struct address *to)
{
    instant all = bucket_when(&polite->queries, now, 1);
    uint32_t wait = ticks_to_wait(polite, now, find(polite, to), to);
    return later(all, now + wait * MILLISECOND);
}

void polite_query_sent(struct polite *polite, instant now, const struct address *to)
{
    bucket_take(&polite->queries, now, 1);
    remember(polite, now, to);
}

bool polite_lookup(struct polite *polite, instant now)
{
    if (!bucket_has(&polite->lookups, now, 1))
        return false;
    bucket_take(&polite->lookups, now, 1);
    return true;
}

instant polite_lookup_at(const struct polite *polite, instant now)
{
    return bucket_when(&polite->lookups, now, 1);
}

/* A flood of strangers leaves half of what there is to those who are nodes, and known. */
static uint64_t reserve(const struct polite *polite, bool known)
{
    return known ? 0 : polite->rates.reply_bytes_per_second;
}

bool polite_may_answer(const struct polite *polite, instant now, const struct address *to,
                       bool known)
{
    uint32_t usual = polite->rates.reply_bytes_per_second < USUAL_BYTES
                         ? polite->rates.reply_bytes_per_second
                         : USUAL_BYTES;
    return bucket_has(&polite->replies, now, usual + reserve(polite, known)) &&
           ticks_to_wait(polite, now, find(polite, to), to) == 0;
}

bool polite_answer(struct polite *polite, instant now, const struct address *to, size_t asked,
                   size_t size, bool known)
{
    size_t excess = known || size <= EXCESS_FACTOR * asked ? 0 : size - EXCESS_FACTOR * asked;
    if (ticks_to_wait(polite, now, find(polite, to), to) > 0 ||
        !bucket_has(&polite->replies, now, size + reserve(polite, known)) ||
        !bucket_has(&polite->excess, now, excess))
        return false;
    if (!remember(polite, now, to) && polite->rates.per_address != DHT_NO_LIMIT)
        return false;
    bucket_take(&polite->replies, now, size);
    if (excess > 0)
        bucket_take(&polite->excess, now, excess);
    return true;
}

bool polite_stranger(const struct polite *polite, instant now, const struct address *from)
{
    const struct talk *talk = find(polite, from);
    return talk == NULL || tick(now) - talk->last >= POLITE_MEMORY / MILLISECOND;
}
