/* One QUIC connection under Noise keys.

   It knows nothing of addresses: to the library inside every path is a made-up one, numbered by an
   epoch, and whoever keeps the connection decides where its datagrams go. `connection_kick` moves
   to the next epoch, which makes either role validate its path and learn its size and speed anew.
 */
#ifndef LINK_CONNECTION_H
#define LINK_CONNECTION_H

#include "base/time.h"
#include "engine/link/directory.h"
#include "engine/link/handshake.h"
#include "engine/link/link.h"
#include "engine/link/queue.h"

#define CONNECTION_HANDSHAKE_FOR (10 * SECOND)
#define CONNECTION_IDLE_FOR      (90 * SECOND)
#define CONNECTION_DATAGRAM_MOST                                                                   \
    1444 /* IPv6 over PPPoE: larger payloads are asked for by settings */

enum connection_phase {
    CONNECTION_OPENING,
    CONNECTION_OPEN, /* both sides proved their keys */
    CONNECTION_OVER,
};

enum connection_end { /* why it is over */
                      CONNECTION_NOT_ENDED,
                      CONNECTION_CLOSED,   /* by the peer */
                      CONNECTION_REPLACED, /* by the peer, in favour of another */
                      CONNECTION_SILENT,   /* nothing was heard for too long */
                      CONNECTION_BROKEN,   /* the peer broke the protocol */
};

struct connection_setup {
    struct directory *directory; /* borrowed, as are rng and owner */
    struct rng *rng;
    struct chunk_pool *pool; /* borrowed; for queues */
    void *owner;             /* whom our ids lead to */
    duration keep_alive;
    bool bbr;
    size_t datagram_most;
    uint64_t instance; /* ours */
    uint8_t responder[KEY_BYTES];
    uint8_t first_id[WIRE_FIRST_ID_BYTES];
};

struct connection;

/* The handshake becomes the connection's. For a caller `hello` holds stamp and certificate; the
   rest is filled in here. For a responder it is what was read from message 1, `certificate` is what
   the reply shows (unused at a door), and `caller_id` is the id the caller goes by. NULL: the
   peer's parameters are refused. */
struct connection *connection_call(const struct connection_setup *setup, instant now,
                                   struct handshake *handshake, struct hello *hello,
                                   const struct sign_pair *device);
struct connection *connection_answer(const struct connection_setup *setup, instant now,
                                     struct handshake *handshake, const struct hello *hello,
                                     const uint8_t certificate[CERTIFICATE_BYTES],
                                     struct bytes caller_id);
void connection_destroy(struct connection *connection); /* NULL is fine */

enum connection_phase connection_phase(const struct connection *connection);
enum connection_end connection_end(const struct connection *connection);
/* What the responder showed in its reply (callers only, once open). */
const uint8_t *connection_certificate(const struct connection *connection);
uint64_t connection_instance(const struct connection *connection); /* likewise */
/* Both sides proved a psk, once open. */
bool connection_trusted(const struct connection *connection);

/* --- datagrams ------------------------------------------------------------------------------ */

enum connection_heard {
    CONNECTION_HEARD_NOTHING, /* nothing in it was protected by a key of ours */
    CONNECTION_HEARD_OLD,     /* genuine, but not newer than what came before */
    CONNECTION_HEARD_NEW,     /* genuine and the newest: its source is where the peer is */
};
/* `datagram` is in outer form and well-formed (wire_look). */
enum connection_heard connection_read(struct connection *connection, instant now,
                                      struct bytes datagram);
/* Checks an announce and that it is new. */
bool connection_read_announce(struct connection *connection, struct bytes datagram);
void connection_write_announce(struct connection *connection, uint8_t out[WIRE_ANNOUNCE_BYTES]);

/* One datagram into `out` (room for connection_datagram_most); 0: nothing to say now. After a
   burst, at most connection_burst bytes, comes connection_burst_end. */
size_t connection_write(struct connection *connection, instant now, uint8_t *out);
size_t connection_burst(const struct connection *connection);
void connection_burst_end(struct connection *connection, instant now);
size_t connection_datagram_most(const struct connection *connection);
/* The last datagram: tells the peer that it is over. 0: there is nothing to tell. */
size_t connection_write_close(struct connection *connection, instant now, bool replaced,
                              uint8_t *out, size_t size);

instant connection_expiry(const struct connection *connection);
void connection_expire(struct connection *connection, instant now);
/* True when it did move: not before the peer confirmed the handshake, nor without spare ids. */
bool connection_kick(struct connection *connection, instant now);
/* The path seems to carry less than it did: nothing larger than every path carries is written until
   the library itself sizes a path anew. */
void connection_narrow(struct connection *connection);

/* --- talking -------------------------------------------------------------------------------- */

enum fault connection_send(struct connection *connection, struct bytes frame);
size_t connection_put(struct connection *connection, struct bytes data);
void connection_put_end(struct connection *connection);
enum fault connection_throw(struct connection *connection, struct bytes datagram);

bool connection_has_room_news(struct connection *connection); /* once per refusal */
/* What arrived; the views stay good until connection_consume of the same kind. `scratch` holds
   4 + LINK_FRAME_MAX_BYTES. */
bool connection_frame(struct connection *connection, uint8_t *scratch, struct bytes *out);
bool connection_raw(struct connection *connection, struct bytes *out); /* size 0: the end */
bool connection_thrown(struct connection *connection, struct bytes *out);
enum connection_read_kind { CONNECTION_FRAME, CONNECTION_RAW, CONNECTION_THROWN };
void connection_consume(struct connection *connection, enum connection_read_kind kind, size_t size);
bool connection_readable(const struct connection *connection);

/* --- looking -------------------------------------------------------------------------------- */

struct connection_figures {
    duration rtt, probe_timeout;
    size_t datagram_bytes;
    uint64_t sent_bytes, received_bytes, acknowledged, lost_packets;
    bool waiting; /* for the peer to acknowledge what we want to say, sent or not */
};
void connection_look(const struct connection *connection, struct connection_figures *out);

#endif
