#include "sim/network.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define PLUGS_MAX      256
#define FLIGHTS_MAX    (1u << 20)
#define NAT_PEERS_MAX  64
#define QUEUE_PATIENCE (200 * MILLISECOND) /* a slow line drops what would wait longer */

struct flight {
    instant at;
    uint64_t order; /* of sending: what arrives together arrives in order */
    struct address from, to;
    size_t size;
    uint8_t *data;
};

struct nat_peer {
    struct address address;
    instant until;
};

struct nat {
    duration patience; /* 0: there is none */
    instant until;     /* of the outer port */
    struct nat_peer peers[NAT_PEERS_MAX];
};

struct plug {
    void *owner;
    unsigned number, moves;
    struct address outside; /* with a NAT: its outer address and the port in use */
    struct nat nat;
    size_t mtu;
    uint64_t speed;
    instant free_at; /* the line has sent all before */
    unsigned island;
    bool out;
};

struct network {
    struct rng *rng;
    struct weather weather;
    struct plug *plugs[PLUGS_MAX];
    size_t plug_count;
    struct flight *heap; /* the earliest first */
    size_t flight_count, flight_room;
    uint64_t order;
    struct flight *tap; /* what somebody on the path kept */
    size_t tap_count;
    bool tapped;
    uint8_t *arrived; /* what the last arrival pointed to */
    struct network_counts counts;
};

struct network *network_create(struct rng *rng)
{
    struct network *network = mem_zeroed(1, sizeof *network);
    network->rng = rng;
    network->weather = (struct weather){ .latency = 25 * MILLISECOND };
    return network;
}

void network_destroy(struct network *network)
{
    if (network == NULL)
        return;
    for (size_t i = 0; i < network->plug_count; i++)
        mem_free(network->plugs[i]);
    for (size_t i = 0; i < network->flight_count; i++)
        mem_free(network->heap[i].data);
    for (size_t i = 0; i < network->tap_count; i++)
        mem_free(network->tap[i].data);
    mem_free(network->tap);
    mem_free(network->heap);
    mem_free(network->arrived);
    mem_free(network);
}

void network_weather(struct network *network, const struct weather *weather)
{
    network->weather = *weather;
}

struct network_counts network_counts(const struct network *network)
{
    return network->counts;
}

/* --- plugs ------------------------------------------------------------------------------- */

/* 10.NUMBER.MOVES.1: the address tells in a log whose it was. */
static void place(struct plug *plug)
{
    struct address address = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } };
    address.ip[13] = (uint8_t)plug->number;
    address.ip[14] = (uint8_t)plug->moves;
    address.port = plug->nat.patience > 0 ? 0 : (uint16_t)(4711 + plug->moves);
    plug->outside = address;
}

struct plug *network_plug(struct network *network, void *owner)
{
    assert(network->plug_count < PLUGS_MAX);
    struct plug *plug = mem_zeroed(1, sizeof *plug);
    plug->owner = owner;
    plug->number = (unsigned)network->plug_count;
    plug->mtu = NETWORK_MTU_BYTES;
    place(plug);
    network->plugs[network->plug_count++] = plug;
    return plug;
}

struct address plug_address(const struct plug *plug)
{
    struct address address = plug->outside;
    if (plug->nat.patience > 0)
        address.port = 0;
    return address;
}

void plug_move(struct plug *plug)
{
    plug->moves++;
    plug->nat.until = 0;
    place(plug);
}

void plug_behind_nat(struct plug *plug, duration patience)
{
    plug->nat = (struct nat){ .patience = patience };
    place(plug);
}

void plug_set_mtu(struct plug *plug, size_t bytes)
{
    plug->mtu = bytes;
}

void plug_set_speed(struct plug *plug, uint64_t bits_per_second)
{
    plug->speed = bits_per_second;
}

void plug_set_island(struct plug *plug, unsigned island)
{
    plug->island = island;
}

void plug_pull(struct plug *plug, bool out)
{
    plug->out = out;
}

/* --- address translation ----------------------------------------------------------------- */

static struct nat_peer *nat_peer_for(struct nat *nat, const struct address *to)
{
    struct nat_peer *oldest = &nat->peers[0];
    for (size_t i = 0; i < NAT_PEERS_MAX; i++) {
        if (address_equal(&nat->peers[i].address, to))
            return &nat->peers[i];
        if (nat->peers[i].until < oldest->until)
            oldest = &nat->peers[i];
    }
    oldest->address = *to;
    return oldest;
}

static void nat_outward(struct network *network, instant now, struct plug *plug,
                        const struct address *to)
{
    struct nat *nat = &plug->nat;
    if (nat->until <= now) {
        memset(nat->peers, 0, sizeof nat->peers);
        plug->outside.port = (uint16_t)(10000 + rng_below(network->rng, 50000));
    }
    nat->until = now + nat->patience;
    nat_peer_for(nat, to)->until = nat->until;
}

static bool nat_lets_in(const struct nat *nat, instant now, const struct address *from)
{
    for (size_t i = 0; i < NAT_PEERS_MAX; i++)
        if (nat->peers[i].until > now && address_equal(&nat->peers[i].address, from))
            return nat->until > now;
    return false;
}

/* --- flights: a binary heap -------------------------------------------------------------- */

static bool sooner(const struct flight *a, const struct flight *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct network *network, struct flight flight)
{
    if (network->flight_count == network->flight_room) {
        network->flight_room = 2 * network->flight_room + 64;
        network->heap = mem_resized(network->heap, network->flight_room, sizeof *network->heap);
    }
    size_t at = network->flight_count++;
    while (at > 0 && sooner(&flight, &network->heap[(at - 1) / 2])) {
        network->heap[at] = network->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    network->heap[at] = flight;
}

static struct flight heap_pop(struct network *network)
{
    struct flight *heap = network->heap, first = heap[0], last = heap[--network->flight_count];
    size_t count = network->flight_count, at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && sooner(&heap[child + 1], &heap[child]))
            child++;
        if (!sooner(&heap[child], &last))
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

static void launch(struct network *network, instant at, const struct address *from,
                   const struct address *to, struct bytes datagram)
{
    if (network->flight_count == FLIGHTS_MAX) {
        network->counts.lost++;
        return;
    }
    heap_push(network, (struct flight){ at, network->order++, *from, *to, datagram.size,
                                        mem_copy(datagram.data, datagram.size) });
}

instant network_next(const struct network *network)
{
    return network->flight_count > 0 ? network->heap[0].at : NEVER;
}

/* --- sending ----------------------------------------------------------------------------- */

/* FNV-1a over eight bytes at a time. */
static void trace(uint64_t *digest, const void *data, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, (const uint8_t *)data + at, size - at < 8 ? size - at : 8);
        *digest = (*digest ^ word) * 0x100000001b3u;
        *digest ^= *digest >> 29;
    }
}

static bool chance(struct network *network, unsigned per_thousand)
{
    return per_thousand > 0 && rng_below(network->rng, 1000) < per_thousand;
}

static struct plug *plug_at(const struct network *network, const struct address *address)
{
    for (size_t i = 0; i < network->plug_count; i++)
        if (address_equal(&network->plugs[i]->outside, address))
            return network->plugs[i];
    return NULL;
}

static bool ever_a_plug(const struct network *network, const struct address *address)
{
    return address->ip[12] == 10 && address->ip[13] < network->plug_count;
}

static instant fly_until(struct network *network, instant leaves)
{
    const struct weather *weather = &network->weather;
    duration jitter = weather->jitter > 0 ? rng_below(network->rng, weather->jitter) : 0;
    return leaves + weather->latency + jitter;
}

/* A copy with flipped bits, cut short or drawn out, sometimes from an address nobody has. */
static void launch_damaged(struct network *network, instant at, const struct address *from,
                           const struct address *to, struct bytes datagram)
{
    size_t room = datagram.size + 64, size = datagram.size;
    uint8_t *copy = mem_zeroed(1, room);
    struct address source = *from;
    memcpy(copy, datagram.data, datagram.size);
    for (uint64_t flips = rng_below(network->rng, 4); flips > 0; flips--)
        copy[rng_below(network->rng, size)] ^= (uint8_t)(1u << rng_below(network->rng, 8));
    if (rng_below(network->rng, 3) == 0)
        size = rng_below(network->rng, room);
    if (rng_below(network->rng, 3) == 0)
        source.port ^= (uint16_t)(1 + rng_below(network->rng, 1000));
    launch(network, at, &source, to, (struct bytes){ copy, size });
    mem_free(copy);
}

/* When the line has let it out; false when too much waits already. */
static bool leaves_at(struct plug *plug, instant now, size_t size, instant *out)
{
    *out = now;
    if (plug->speed == 0)
        return true;
    instant start = later(now, plug->free_at);
    if (start - now > QUEUE_PATIENCE)
        return false;
    *out = plug->free_at = start + (size + NETWORK_HEADERS_BYTES) * 8 * SECOND / plug->speed;
    return true;
}

static void keep(struct network *network, const struct address *to, struct bytes datagram)
{
    if (!network->tapped || network->tap_count == NETWORK_TAP_MAX)
        return;
    struct flight *kept = &network->tap[network->tap_count++];
    *kept = (struct flight){ .to = *to, .size = datagram.size };
    kept->data = mem_copy(datagram.data, datagram.size);
}

static void count_to_nobody(struct network_counts *counts, size_t size)
{
    counts->to_nobody++;
    if (size > counts->to_nobody_largest)
        counts->to_nobody_largest = size;
}

void network_send(struct network *network, instant now, struct plug *plug, const struct address *to,
                  struct bytes datagram)
{
    instant leaves;
    network->counts.sent++;
    if (!ever_a_plug(network, to))
        count_to_nobody(&network->counts, datagram.size);
    if (plug->nat.patience > 0)
        nat_outward(network, now, plug, to);
    struct address from = plug->outside;
    keep(network, to, datagram);
    trace(&network->counts.trace, &now, sizeof now);
    trace(&network->counts.trace, from.ip, sizeof from.ip);
    trace(&network->counts.trace, to->ip, sizeof to->ip);
    trace(&network->counts.trace, datagram.data, datagram.size);
    if (plug->out || datagram.size + NETWORK_HEADERS_BYTES > plug->mtu ||
        chance(network, network->weather.loss) || !leaves_at(plug, now, datagram.size, &leaves)) {
        network->counts.lost++;
        return;
    }
    launch(network, fly_until(network, leaves), &from, to, datagram);
    if (chance(network, network->weather.repeats))
        launch(network, fly_until(network, leaves), &from, to, datagram);
    if (datagram.size > 0 && chance(network, network->weather.damage))
        launch_damaged(network, fly_until(network, leaves), &from, to, datagram);
}

void network_inject(struct network *network, instant now, const struct address *from,
                    const struct address *to, struct bytes datagram)
{
    launch(network, fly_until(network, now), from, to, datagram);
}

void network_tap(struct network *network, bool listens)
{
    if (network->tap == NULL)
        network->tap = mem_zeroed(NETWORK_TAP_MAX, sizeof *network->tap);
    network->tapped = listens;
}

size_t network_tapped(const struct network *network)
{
    return network->tap_count;
}

struct bytes network_tapped_one(const struct network *network, size_t number)
{
    assert(number < network->tap_count);
    return (struct bytes){ network->tap[number].data, network->tap[number].size };
}

void network_replay(struct network *network, instant now, size_t number, const struct address *from)
{
    struct address to = network->tap[number].to;
    network_inject(network, now, from, &to, network_tapped_one(network, number));
}

/* --- arriving ---------------------------------------------------------------------------- */

static struct plug *receiver(const struct network *network, instant now,
                             const struct flight *flight)
{
    struct plug *plug = plug_at(network, &flight->to);
    const struct plug *sender = plug_at(network, &flight->from);
    if (plug == NULL || plug->out || flight->to.port == 0 ||
        flight->size + NETWORK_HEADERS_BYTES > plug->mtu)
        return NULL;
    if (sender != NULL && sender->island != plug->island)
        return NULL;
    if (plug->nat.patience > 0 && !nat_lets_in(&plug->nat, now, &flight->from))
        return NULL;
    return plug;
}

bool network_arrival(struct network *network, instant now, struct arrival *out)
{
    mem_free(network->arrived);
    network->arrived = NULL;
    while (network_next(network) <= now) {
        struct flight flight = heap_pop(network);
        const struct plug *plug = receiver(network, now, &flight);
        if (plug != NULL) {
            network->arrived = flight.data;
            *out = (struct arrival){ plug->owner, flight.from, { flight.data, flight.size } };
            return true;
        }
        network->counts.lost++;
        mem_free(flight.data);
    }
    return false;
}
