/* A node of the BitTorrent Mainline DHT: asks the network, and serves it.

   Sans I/O: datagrams and time go in; datagrams, events and one deadline come out. Two overlays,
   IPv4 and IPv6, each with its own table (BEP 32); nodes that answer put into it, nodes that only
   speak do not. What it says looks like what a widespread client says: see docs/protocol.md.
   Sources: BEP 5, 32, 33, 42, 43, 44, 51.

   Nothing a stranger sends makes this room grow past its maxima, answer with more than four times
   what came in (beyond a small allowance), or send more than the stated rate to one address. */
#ifndef DHT_DHT_H
#define DHT_DHT_H

#include "base/address.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"
#include "engine/crypto/item.h"

#define DHT_ID_BYTES 20
struct dht_id { /* of a node, or a place in the same space: an infohash, an item's target */
    uint8_t bytes[DHT_ID_BYTES];
};

struct dht_node {
    struct dht_id id;
    struct address at;
};

#define DHT_OPERATIONS_MAX 256 /* at once, those that are kept up included */
#define DHT_STORE_ON       8   /* nodes that get what we publish: k of BEP 5 */
#define DHT_STORE_ON_MOST  20
#define DHT_PEERS_AT_ONCE  64
#define DHT_DATAGRAM_MAX   1472 /* we never write more; more is never read */

/* How much we say. Zero: built in. */
#define DHT_NO_LIMIT UINT32_MAX
struct dht_rates {
    uint32_t queries_per_second;     /* of ours to all, on average: 50 ... */
    uint32_t queries_at_once;        /* ... and in a burst: 100 */
    uint32_t lookups_per_second;     /* begun: 1, with a burst of 8 */
    uint32_t per_address;            /* packets to one address in 1,120 ms: 4, so below 40 in 10 s;
                                        answers counted */
    uint32_t reply_bytes_per_second; /* in all: 128 KiB, a burst of two seconds */
};

struct dht_settings {
    struct dht_id id; /* of IPv4; all zero: drawn. Each family has an id of its own (BEP 42, 45) */
    bool no_ipv4, no_ipv6;
    bool read_only; /* metered, or a guest: never serve (BEP 43). Else: while nobody reaches us */
    struct dht_rates rates;
};

struct dht;
struct dht *dht_create(const struct dht_settings *settings, instant now, struct rng *rng,
                       struct log *log); /* rng and log are borrowed */
void dht_destroy(struct dht *dht);       /* NULL is fine */

/* --- finding the network ------------------------------------------------------------------- */

enum dht_source {
    DHT_FROM_PEOPLE, /* an address somebody typed, or a contact's: may well be a node */
    DHT_FROM_ROUTER, /* a public entry point: never kept in the table */
};
/* Places where a node may answer. They are tried soon, politely, and while nobody answers again, at
   last every few minutes, or hours where many wait; at most 64 of one call. */
void dht_try(struct dht *dht, instant now, enum dht_source source, const struct address *at,
             size_t count);
/* Nodes that answered lately, best first, to be kept over a restart: at most DHT_SAVED_MAX_BYTES.
   dht_restore takes them back before anything else is asked; FAULT_PEER: not so made, nothing was
   taken. Our ids are kept with them. */
#define DHT_SAVED_NODES     300 /* of each family */
#define DHT_SAVED_MAX_BYTES (1 + 2 * (DHT_ID_BYTES + 2) + DHT_SAVED_NODES * (26 + 38))
size_t dht_save(const struct dht *dht, uint8_t out[DHT_SAVED_MAX_BYTES]);
enum fault dht_restore(struct dht *dht, instant now, struct bytes saved);
/* Our own network changed: what was known of our address is forgotten, nodes are asked anew. */
void dht_moved(struct dht *dht, instant now);

/* --- nodes of our own network ---------------------------------------------------------------- */

/* Found without any other node, by the multicast that BitTorrent clients call each other with
   (BEP 14). Ours looks like theirs and says no more: that somebody here takes part, at that port.
   The infohash in it is another random one each time. */
#define DHT_NEARBY_MAX_BYTES 256       /* of ours; others may list several infohashes, up to 1400 */
struct address dht_nearby_group(void); /* 239.192.152.143:6771 */
size_t dht_nearby_call(char out[DHT_NEARBY_MAX_BYTES], uint16_t port, struct rng *rng);
/* The node of whoever called. False: it is no call (any order and case of headers will do, as in
   HTTP). *out has port 0 if it did not come from our own network: a private or link-local address.
 */
bool dht_nearby_read(const struct address *from, struct bytes datagram, struct address *out);

/* --- operations ---------------------------------------------------------------------------- */

typedef uint64_t dht_op; /* never used twice; 0: none */

enum dht_task {
    DHT_PING,       /* `at`; DHT_NODES if it answers */
    DHT_FIND_NODES, /* the nodes closest to `target` */
    DHT_FIND_PEERS, /* who announced himself under `target`: DHT_PEERS as they come */
    DHT_ANNOUNCE,   /* that we are under `target`; finds peers on the way */
    DHT_GET,        /* the item at `target`, or of `key` and `salt`: DHT_ITEM as they come */
    DHT_PUT,        /* `item`, which is copied */
};

struct dht_request {
    enum dht_task task;
    struct dht_id target;    /* PUT, and GET of a key: not looked at */
    struct address at;       /* PING */
    uint16_t port;           /* ANNOUNCE: of ours as others see it; 0: whatever they see */
    bool seed;               /* ANNOUNCE (BEP 33) */
    const struct item *item; /* PUT: signed, if mutable. GET: NULL, or mutable with key and salt:
                                then only items of that key are taken */
    bool has_cas;            /* PUT, mutable (BEP 44) */
    int64_t cas;
    unsigned store_on; /* ANNOUNCE, PUT: so many nodes; 0: DHT_STORE_ON */
    bool hidden;       /* only the last nodes of the search see the target; the others a near one */
    bool keep_up; /* ANNOUNCE: again every 15 minutes, PUT: every hour, until cancelled. GET of a
                     key: watched, until cancelled. One after another, those who would hold it
                     are asked for a newer one; every hour they are found anew */
    duration watch_every; /* GET, kept up: between two questions */
};
/* FAULT_BUSY: DHT_OPERATIONS_MAX. FAULT_PEER: the item is not valid. */
enum fault dht_begin(struct dht *dht, instant now, const struct dht_request *request, dht_op *out);
/* No more events of it come. What was stored stays until it expires. */
void dht_cancel(struct dht *dht, dht_op op);

/* --- the five verbs ------------------------------------------------------------------------ */

struct dht_datagram {
    struct address to;
    struct bytes bytes; /* valid until the next call of this room */
};

enum dht_event_kind {
    DHT_NODES,  /* nodes, count: PING and FIND_NODES, the closest first */
    DHT_PEERS,  /* peers, count: each address once per operation */
    DHT_ITEM,   /* item: valid, of the wanted target. The first at once; again if a newer one
                   (greater seq) is found */
    DHT_STORED, /* stored, refused: a round of ANNOUNCE or PUT is over */
    DHT_ENDED,  /* the search is over; the last word unless it is kept up: then after every round */
    DHT_SELF,   /* op 0: what others see as our address changed: self */
    DHT_NOBODY, /* op 0: nobody answers: routers, please. 40 s after the start at the earliest, or
                   15 minutes after the last answer; then every 10 minutes */
};

struct dht_cost {
    unsigned queries, answers; /* sent; answered in time or late */
    unsigned rounds;           /* greatest number of nodes asked one because of another */
    duration first, took;      /* until the first result (0: none), until the end of the search */
};

struct dht_event {
    enum dht_event_kind kind;
    dht_op op;
    /* Valid until the next call of this room: */
    const struct dht_node *nodes;
    const struct address *peers;
    const struct item *item;
    size_t count;
    unsigned stored;  /* nodes that confirmed */
    unsigned refused; /* that said no */
    bool outdated;    /* STORED: somebody holds a newer item, or cas did not match */
    struct address self;
    struct dht_cost cost; /* ENDED */
};

void dht_receive(struct dht *dht, instant now, const struct address *from, struct bytes datagram);
void dht_advance(struct dht *dht, instant now);
bool dht_next_datagram(struct dht *dht, instant now, struct dht_datagram *out);
bool dht_next_event(struct dht *dht, struct dht_event *out);
instant dht_deadline(const struct dht *dht);

/* --- looking ------------------------------------------------------------------------------- */

struct dht_family {
    struct dht_id id;
    size_t good;         /* answered within 15 minutes */
    size_t known;        /* in the table */
    double estimate;     /* nodes in the whole network; 0: not known yet */
    struct address self; /* what others see as our address; port 0: no quorum yet */
    bool ports_change;   /* they see other ports as well: a router makes one for each of them */
};
struct dht_status {
    struct dht_family ipv4, ipv6;
    bool read_only; /* we say so now */
    size_t operations, in_flight;
    size_t infohashes, peers, items; /* held for others */
    uint64_t received, received_bytes, sent, sent_bytes, queries, answered, served, dropped;
};
void dht_look(const struct dht *dht, instant now, struct dht_status *out);

#endif
