/* A few nodes and a network between them, for this room's tests: fixed latency, nothing lost unless
   a node is deaf or mute. */
#ifndef DHT_NET_TEST_H
#define DHT_NET_TEST_H

#include "engine/dht/dht.h"
#include "engine/dht/krpc.h"
#include "tests/test.h"

#define NET_NODES_MAX 96
#define NET_LATENCY   (20 * MILLISECOND)
#define NET_EVENTS    4096

struct net_node {
    struct dht *dht; /* NULL: gone */
    struct address at;
    struct rng_seeded luck;
    struct rng rng;
    bool deaf;     /* nothing arrives */
    bool no_items; /* `get` and `put` do not arrive */
    struct {       /* what it was told, newest last */
        enum dht_event_kind kind;
        dht_op op;
        size_t count;
        struct dht_node node; /* the first */
        struct address peer;  /* the first */
        unsigned stored, refused;
        bool outdated;
        int64_t seq;
        uint8_t value[ITEM_VALUE_MAX_BYTES];
        size_t value_size;
        struct address self;
        struct dht_cost cost;
    } events[NET_EVENTS];
    size_t event_count;
};

struct net_packet {
    instant at;
    uint64_t order;
    struct address from, to;
    size_t size;
    uint8_t bytes[DHT_DATAGRAM_MAX];
};

struct net {
    instant now;
    struct rng_seeded luck;
    struct rng rng;
    struct net_node *nodes;
    size_t count;
    struct net_packet **packets;
    size_t packet_count, packet_room;
    uint64_t order, sent;
    /* Somebody outside at this address hears what is sent to it. */
    struct address outside;
    struct net_packet *heard;
    size_t heard_count, heard_room;
};

void net_start(struct net *net, uint64_t seed);
void net_finish(struct net *net);
/* Returns its number. Addresses are in different /16s and look public. `settings` may be NULL. */
size_t net_add(struct net *net, const struct dht_settings *settings);
size_t net_add_ipv6(struct net *net);
void net_kill(struct net *net, size_t node);
void net_revive(struct net *net, size_t node, const struct dht_settings *settings);
void net_run(struct net *net, duration length);
/* So many nodes that all know the network. */
void net_grow(struct net *net, size_t count);
/* A packet from anywhere. */
void net_inject(struct net *net, const struct address *from, const struct address *to,
                struct bytes bytes);
struct dht *net_dht(struct net *net, size_t node);
dht_op net_begin(struct net *net, size_t node, const struct dht_request *request);
/* Index + 1 of the first event of that kind and operation; 0: none. */
size_t net_told(const struct net *net, size_t node, enum dht_event_kind kind, dht_op op);
size_t net_told_count(const struct net *net, size_t node, enum dht_event_kind kind, dht_op op);
/* Runs until that was told; 0: not within `most`. */
size_t net_until(struct net *net, size_t node, enum dht_event_kind kind, dht_op op, duration most);

#endif
