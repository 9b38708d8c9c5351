/* The pretend internet: it delays, loses, repeats, reorders and damages datagrams, cuts cables, and
   hides computers behind address translators. All by luck from one rng: a seed repeats it. */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "base/address.h"
#include "base/rng.h"
#include "base/time.h"

#define NETWORK_MTU_BYTES     1500 /* of IP packets, until told otherwise */
#define NETWORK_HEADERS_BYTES 28   /* IPv4 and UDP: what a datagram grows by */

struct network;
struct plug; /* where one computer is plugged in */

struct weather {
    duration latency, jitter;       /* one way; jitter is added, and reorders */
    unsigned loss, repeats, damage; /* of 1,000 datagrams. A damaged one comes beside the
                                       whole one, from the same place or from another */
};

struct network *network_create(struct rng *rng); /* borrowed */
void network_destroy(struct network *network);
void network_weather(struct network *network, const struct weather *weather);

/* Plugs live as long as the network. `owner` comes back with what arrives. */
struct plug *network_plug(struct network *network, void *owner);
struct address plug_address(const struct plug *plug); /* as others must dial it; NAT: port 0 */
void plug_move(struct plug *plug);                    /* another address; a NAT forgets */
/* Outward datagrams get one outer port for all peers; inward ones pass only from an address and
   port spoken to before; both are forgotten after so long without an outward one. */
void plug_behind_nat(struct plug *plug, duration patience);
void plug_set_mtu(struct plug *plug, size_t bytes); /* larger IP packets vanish, either way */
void plug_set_speed(struct plug *plug, uint64_t bits_per_second); /* outward; 0: no limit */
void plug_set_island(struct plug *plug,
                     unsigned island);       /* only those on one island hear each other */
void plug_pull(struct plug *plug, bool out); /* nothing passes while it is out */

void network_send(struct network *network, instant now, struct plug *plug, const struct address *to,
                  struct bytes datagram);
/* A stranger's packet, from any address. */
void network_inject(struct network *network, instant now, const struct address *from,
                    const struct address *to, struct bytes datagram);

/* Somebody on the path keeps what is sent while he listens, up to so many datagrams; and sends any
   of them again from where he likes. */
#define NETWORK_TAP_MAX 4096
void network_tap(struct network *network, bool listens);
size_t network_tapped(const struct network *network);
struct bytes network_tapped_one(const struct network *network, size_t number);
void network_replay(struct network *network, instant now, size_t number,
                    const struct address *from);

struct arrival {
    void *owner;
    struct address from;
    struct bytes datagram; /* valid until the next call */
};
/* False: nothing more arrives until network_next. */
bool network_arrival(struct network *network, instant now, struct arrival *out);
instant network_next(const struct network *network);

struct network_counts {
    uint64_t sent, lost;
    uint64_t to_nobody;       /* sent to an address at which no computer ever was */
    size_t to_nobody_largest; /* bytes of the largest of them */
    uint64_t trace;           /* a digest of when what was sent from where to where */
};
struct network_counts network_counts(const struct network *network);

#endif
