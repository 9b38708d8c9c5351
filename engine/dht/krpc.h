/* The messages of the DHT: one bencoded dictionary per datagram (BEP 5), with what BEP 32, 33, 42,
   43, 44 and 51 add. Every message can be read and written: krpc_read.c, krpc_write.c.

   Read: any order of keys, unknown keys, any tid up to KRPC_TID_MAX bytes, or none, which is one of
   no bytes; trailing bytes are not forgiven. Written: canonical, and whatever was read is written
   again canonically. All views point into what was read. */
#ifndef DHT_KRPC_H
#define DHT_KRPC_H

#include "engine/dht/dht.h"

#define KRPC_TID_MAX     1024 /* the client we resemble echoes longer ones still */
#define KRPC_TOKEN_MAX   64   /* longer ones are not kept: then we cannot write there */
#define KRPC_BLOOM_BYTES 256
#define KRPC_SAMPLES_MAX 20 /* infohashes we put into one answer: BEP 51 */

enum krpc_kind { KRPC_QUERY, KRPC_REPLY, KRPC_ERROR };

enum krpc_method {
    KRPC_PING,
    KRPC_FIND_NODE,
    KRPC_GET_PEERS,
    KRPC_ANNOUNCE_PEER,
    KRPC_GET,
    KRPC_PUT,
    KRPC_SAMPLE_INFOHASHES,
    KRPC_UNKNOWN, /* any other name; never written */
};

struct krpc {
    enum krpc_kind kind;
    struct bytes tid;
    struct bytes version; /* `v`; we write none */
    struct address seen;  /* `ip`, and `p` when written: whom we answer; all zero: absent */
    bool read_only;       /* query: BEP 43 */
    struct dht_id id;     /* of the speaker; all zero in an error: absent */

    /* query */
    enum krpc_method method;
    bool has_target;
    struct dht_id target; /* `target` or `info_hash` */
    bool want_ipv4, want_ipv6, has_want;
    bool scrape, noseed, seed, implied_port;
    bool has_port;
    uint16_t port;
    bool has_cas;
    int64_t cas;

    /* query and reply */
    struct bytes token;
    /* the item's parts; empty view: absent */
    struct bytes value; /* bencoded */
    struct bytes key, signature, salt;
    bool has_seq;
    int64_t seq;

    /* reply */
    bool has_nodes, has_nodes6;
    struct bytes nodes, nodes6; /* compact: 26 and 38 bytes each; a broken tail is passed over */
    bool has_values;
    struct bytes values;        /* the bencoded strings of the list, one after another */
    struct bytes seeds, others; /* BEP 33: BFsd, BFpe */
    bool has_samples;
    int64_t interval, total; /* BEP 51 */
    struct bytes samples;

    /* error */
    int64_t code;
    struct bytes text;
};

enum krpc_read {
    KRPC_READ,
    KRPC_REFUSE, /* a query good enough to be answered with an error */
    KRPC_SILENT, /* not a message: no answer */
};
/* What it is. On REFUSE `out` holds tid, kind and code, out->text says why, in the words of the
   client we resemble, and out->id is the asker's if the query says who asks. */
enum krpc_read krpc_decode(struct bytes datagram, struct krpc *out);
/* Bytes written; 0: it does not fit. */
size_t krpc_encode(const struct krpc *message, uint8_t *out, size_t size);

/* Walk compact lists: false at the end. Nodes whose port is 0 or whose address cannot be a node's
   (multicast, unspecified, broadcast) are passed over. Loopback and private ones are not. */
bool krpc_next_node(struct bytes *nodes, bool ipv6, struct dht_node *out);
bool krpc_next_value(struct bytes *values, struct address *out);
bool krpc_put_node(struct cursor *out, const struct dht_node *node); /* by its family */
bool krpc_put_value(struct cursor *out, const struct address *peer); /* "6:..." or "18:..." */

#endif
