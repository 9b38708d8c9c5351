/* A tiny network for tests of this room: a virtual clock, and a few people whose datagrams are
   lost, doubled, delayed and reordered as a seed decides. */
#ifndef LINK_NET_TEST_H
#define LINK_NET_TEST_H

#include "engine/link/link.h"
#include "tests/test.h"

#define NET_PEOPLE      4
#define NET_EVENTS      4096
#define NET_DATA_MAX    (1 << 20)
#define NET_START       ((instant)1700000000 * SECOND)
#define NET_RECORD_REST 5000 /* bytes of a record that are not for this room */
#define NET_LINE_BYTES  ((size_t)1 << 16)

struct heard_event {
    enum link_event_kind kind;
    link_id link;
    enum link_reason reason;
    bool we_called, trusted;
    instant at;
    struct address address;
    uint64_t stamp;
    struct certificate certificate;
    size_t size;
    uint64_t digest; /* of the data */
};

struct person {
    struct links *links;
    struct rng rng;
    struct rng_seeded luck;
    struct links_settings settings;
    struct sign_pair account, device;
    struct dh_pair link_key, door;
    uint8_t certificate[CERTIFICATE_BYTES];
    struct {
        struct link_psk psks[LINK_PSKS];
        size_t count;
    } shared[NET_PEOPLE]; /* with each of the others; told again after a restart */
    struct address at;
    struct heard_event events[NET_EVENTS];
    size_t event_count;
    uint8_t *data; /* RAW bytes and frames, one after another */
    size_t data_size;
    uint64_t sent_datagrams, sent_bytes, got_datagrams;
    size_t longest_run;   /* datagrams handed out at once */
    bool keep_data, deaf; /* deaf: nothing reaches it, as when it is switched off */
};

struct net {
    instant now;
    struct person people[NET_PEOPLE];
    struct rng rng;
    struct rng_seeded luck;
    unsigned loss_percent, double_percent;
    duration delay, jitter;
    uint64_t bits_per_second; /* 0: without limit */
    size_t largest;           /* datagrams above it vanish; 0: all pass */
    instant line_free[NET_PEOPLE];
    /* Called for each datagram about to arrive; false: it does not. */
    bool (*gate)(struct net *net, size_t from, size_t to, struct bytes datagram);
    void *gate_data;
    struct flying *flying;
    size_t flying_count, flying_room;
    uint64_t order, trace;
};

void net_start(struct net *net, uint64_t seed, size_t people);
void net_finish(struct net *net);
void net_restart(struct net *net, size_t who);           /* as after kill -9 */
void net_know(struct net *net, size_t who, size_t whom); /* `who` admits device and account */
void net_befriend(struct net *net, size_t a, size_t b);
/* `who` holds these with `whom`, newest first; 0 is no psk, any other number one of its own. */
void net_share(struct net *net, size_t who, size_t whom, uint8_t first, uint8_t second);
link_id net_dial(struct net *net, size_t from, size_t to);
link_id net_dial_door(struct net *net, size_t from, size_t to);
void net_fill_dial(struct net *net, size_t from, size_t to, struct link_dial *out);
/* Message 1 as it lies on the wire: the first two datagrams that somebody has to send. */
struct net_call {
    uint8_t bytes[2][1500];
    size_t sizes[2];
};
void net_take_call(struct net *net, size_t from, struct net_call *out);
struct bytes net_half(const struct net_call *call, size_t which);
/* Something a stranger sends. */
void net_inject(struct net *net, size_t to, const struct address *from, struct bytes datagram);
void net_run(struct net *net, duration time);
/* Until that person has had `count` events of the kind; false when `time` is over. */
bool net_until(struct net *net, size_t who, enum link_event_kind kind, size_t count, duration time);
size_t net_count(const struct net *net, size_t who, enum link_event_kind kind);
const struct heard_event *net_last(const struct net *net, size_t who, enum link_event_kind kind);
struct address net_address(const char *text);

#endif
