#include "engine/dht/peers.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "engine/crypto/hash.h"
#include "engine/dht/bloom.h"

#include <string.h>

#define SHARES 1024 /* counters; addresses that share one share what they may */

struct peer {
    uint8_t ip[16];
    uint16_t port;
    uint8_t seed;
    uint16_t share; /* whose counter */
    uint32_t said;  /* second */
};

struct swarm {
    struct list link; /* the one announced to longest ago comes first */
    struct dht_id infohash;
    uint16_t share; /* of who made it */
    size_t count, room;
    struct peer *peers;
};

struct shares {
    uint16_t peers[SHARES], swarms[SHARES];
};

struct peers {
    struct rng *rng;
    uint8_t key[16];
    struct map *swarms; /* NULL while there are none, and so is ... */
    struct shares *shares;
    struct list order;
    size_t count;
};

struct peers *peers_create(struct rng *rng)
{
    struct peers *peers = mem_zeroed(1, sizeof *peers);
    peers->rng = rng;
    rng_fill(rng, peers->key, sizeof peers->key);
    list_init(&peers->order);
    return peers;
}

static struct bytes key_of(const struct dht_id *infohash)
{
    return BYTES_OF(infohash->bytes);
}

static struct swarm *find(const struct peers *peers, const struct dht_id *infohash)
{
    return peers->swarms == NULL ? NULL : map_get(peers->swarms, key_of(infohash));
}

static uint16_t share_of(const struct peers *peers, const struct address *from)
{
    struct bytes ip = { from->ip, address_is_ipv4(from) ? sizeof from->ip : 8 };
    return (uint16_t)(hash_short(peers->key, ip) % SHARES);
}

static uint32_t second_of(instant now)
{
    return (uint32_t)(now / SECOND);
}

static bool is_over(const struct peer *peer, instant now)
{
    return second_of(now) - peer->said >= PEERS_KEPT / SECOND;
}

static struct address address_of(const struct peer *peer)
{
    struct address at = { .port = peer->port };
    memcpy(at.ip, peer->ip, sizeof at.ip);
    return at;
}

/* --- coming and going ------------------------------------------------------------------------- */

static void remove_peer(struct peers *peers, struct swarm *swarm, size_t at)
{
    peers->shares->peers[swarm->peers[at].share]--;
    peers->count--;
    swarm->peers[at] = swarm->peers[--swarm->count];
}

static void remove_swarm(struct peers *peers, struct swarm *swarm)
{
    while (swarm->count > 0)
        remove_peer(peers, swarm, swarm->count - 1);
    peers->shares->swarms[swarm->share]--;
    map_remove(peers->swarms, key_of(&swarm->infohash));
    list_remove(&swarm->link);
    mem_free(swarm->peers);
    mem_free(swarm);
    if (map_count(peers->swarms) > 0)
        return;
    map_destroy(peers->swarms);
    mem_free(peers->shares);
    peers->swarms = NULL;
    peers->shares = NULL;
}

void peers_destroy(struct peers *peers)
{
    LIST_EACH (link, &peers->order)
        remove_swarm(peers, LIST_ITEM(link, struct swarm, link));
    wipe(peers->key, sizeof peers->key);
    mem_free(peers);
}

void peers_advance(struct peers *peers, instant now)
{
    LIST_EACH (link, &peers->order) {
        struct swarm *swarm = LIST_ITEM(link, struct swarm, link);
        for (size_t i = swarm->count; i-- > 0;)
            if (is_over(&swarm->peers[i], now))
                remove_peer(peers, swarm, i);
        if (swarm->count == 0)
            remove_swarm(peers, swarm);
    }
}

/* The one nobody has announced to for longest makes room. NULL: he has his share. */
static struct swarm *make_swarm(struct peers *peers, const struct dht_id *infohash, uint16_t share)
{
    if (peers->swarms == NULL) {
        peers->swarms = map_create(SERVED_INFOHASHES, rng_u64(peers->rng));
        peers->shares = mem_zeroed(1, sizeof *peers->shares);
    }
    if (peers->shares->swarms[share] >= SERVED_INFOHASHES / PEERS_SHARE)
        return NULL;
    struct swarm *swarm = mem_zeroed(1, sizeof *swarm);
    swarm->infohash = *infohash;
    swarm->share = share;
    peers->shares->swarms[share]++;
    if (map_count(peers->swarms) == SERVED_INFOHASHES)
        remove_swarm(peers, LIST_ITEM(peers->order.next, struct swarm, link));
    map_put(peers->swarms, key_of(infohash), swarm);
    list_append(&peers->order, &swarm->link);
    return swarm;
}

static struct peer *find_peer(struct swarm *swarm, const struct address *at)
{
    for (size_t i = 0; i < swarm->count; i++)
        if (swarm->peers[i].port == at->port &&
            memcmp(swarm->peers[i].ip, at->ip, sizeof at->ip) == 0)
            return &swarm->peers[i];
    return NULL;
}

static size_t count_of_share(const struct swarm *swarm, uint16_t share)
{
    size_t count = 0;
    for (size_t i = 0; i < swarm->count; i++)
        count += swarm->peers[i].share == share;
    return count;
}

/* In all lists together. */
static bool has_room(const struct peers *peers, uint16_t share)
{
    return peers->count < SERVED_PEERS_ALL &&
           (peers->shares == NULL || peers->shares->peers[share] < SERVED_PEERS_ALL / PEERS_SHARE);
}

static bool may_come(const struct swarm *swarm, uint16_t share)
{
    return swarm->count < SERVED_PEERS && count_of_share(swarm, share) < SERVED_PEERS / PEERS_SHARE;
}

static struct peer *add_peer(struct peers *peers, struct swarm *swarm, uint16_t share)
{
    if (swarm->count == swarm->room) {
        swarm->room = swarm->room == 0 ? 1 : 2 * swarm->room;
        swarm->peers = mem_resized(swarm->peers, swarm->room, sizeof *swarm->peers);
    }
    peers->count++;
    peers->shares->peers[share]++;
    return &swarm->peers[swarm->count++];
}

bool peers_put(struct peers *peers, instant now, const struct dht_id *infohash,
               const struct address *from, const struct address *peer, bool seed)
{
    uint16_t share = share_of(peers, from);
    struct swarm *swarm = find(peers, infohash);
    struct peer *there = swarm == NULL ? NULL : find_peer(swarm, peer);
    if (there == NULL) {
        if (!has_room(peers, share) || (swarm != NULL && !may_come(swarm, share)))
            return false; /* before anybody else's list makes room */
        if (swarm == NULL && (swarm = make_swarm(peers, infohash, share)) == NULL)
            return false;
        there = add_peer(peers, swarm, share);
    } else {
        share = there->share;
    }
    *there =
        (struct peer){ .port = peer->port, .seed = seed, .share = share, .said = second_of(now) };
    memcpy(there->ip, peer->ip, sizeof there->ip);
    list_remove(&swarm->link);
    list_append(&peers->order, &swarm->link);
    return true;
}

/* --- asking ----------------------------------------------------------------------------------- */

bool peers_has_room(const struct peers *peers, const struct dht_id *infohash)
{
    const struct swarm *swarm = find(peers, infohash);
    return swarm == NULL || swarm->count < SERVED_PEERS;
}

size_t peers_write(const struct peers *peers, instant now, const struct dht_id *infohash, bool ipv6,
                   bool noseed, size_t most, uint8_t *out, size_t size)
{
    const struct swarm *swarm = find(peers, infohash);
    struct cursor wire = cursor_into(out, size);
    if (swarm == NULL)
        return 0;
    /* From a random one on: whoever asks again learns of others. */
    size_t first = (size_t)rng_below(peers->rng, swarm->count), written = 0;
    for (size_t i = 0; i < swarm->count && written < most; i++) {
        const struct peer *peer = &swarm->peers[(first + i) % swarm->count];
        struct address at = address_of(peer);
        if (address_is_ipv4(&at) == ipv6 || (noseed && peer->seed) || is_over(peer, now))
            continue;
        if (cursor_left(&wire) < 3 + ADDRESS_WIRE_BYTES)
            break;
        krpc_put_value(&wire, &at);
        written++;
    }
    return cursor_written(&wire).size;
}

bool peers_scrape(const struct peers *peers, instant now, const struct dht_id *infohash,
                  uint8_t seeds[KRPC_BLOOM_BYTES], uint8_t others[KRPC_BLOOM_BYTES])
{
    const struct swarm *swarm = find(peers, infohash);
    memset(seeds, 0, KRPC_BLOOM_BYTES);
    memset(others, 0, KRPC_BLOOM_BYTES);
    for (size_t i = 0; swarm != NULL && i < swarm->count; i++) {
        struct address at = address_of(&swarm->peers[i]);
        if (!is_over(&swarm->peers[i], now))
            bloom_add(swarm->peers[i].seed ? seeds : others, &at);
    }
    return swarm != NULL;
}

size_t peers_sample(const struct peers *peers, struct dht_id *out, size_t most)
{
    size_t seen = 0;
    /* Reservoir sampling: each with the same chance, in one walk. */
    for (struct list *link = peers->order.next; link != &peers->order; link = link->next) {
        const struct swarm *swarm = LIST_ITEM(link, struct swarm, link);
        size_t place = seen < most ? seen : (size_t)rng_below(peers->rng, seen + 1);
        if (place < most)
            out[place] = swarm->infohash;
        seen++;
    }
    return seen < most ? seen : most;
}

void peers_count(const struct peers *peers, size_t *infohashes, size_t *count)
{
    *infohashes = peers->swarms == NULL ? 0 : map_count(peers->swarms);
    *count = peers->count;
}
