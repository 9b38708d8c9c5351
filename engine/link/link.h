/* One encrypted connection to one device, and all of them together: Noise IKhfs+psk2, hybrid with
   ML-KEM-768, inside QUIC packets.

   Sans I/O: datagrams and time go in; datagrams, events and one deadline come out. To whoever does
   not know one of our static keys this room does not exist: nothing it receives makes it answer.
   One door for the whole node: `struct links`. A link is named by a number never used twice. */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/address.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"
#include "engine/crypto/certificate.h"

#define LINK_MAX_COUNT          4096 /* links and handshakes at once */
#define LINK_CANDIDATES         8    /* addresses one dial may try */
#define LINK_FRAME_MAX_BYTES    (128 * 1024)
#define LINK_QUEUE_MAX_BYTES    (1024 * 1024) /* unacknowledged, per stream; then FAULT_BUSY */
#define LINK_HELD_KEYS          4             /* static keys we answer under at once */
#define LINK_DATAGRAM_MAX_BYTES 65507

typedef uint64_t link_id; /* 0: none */

struct links_settings {
    uint8_t secret[32];   /* survives restarts: connection ids and reset tokens come from it */
    duration keep_alive;  /* 0: the built-in 25 s */
    bool bbr;             /* else CUBIC */
    size_t datagram_most; /* largest UDP payload to probe for; 0: built-in */
    uint64_t stamp_floor; /* our own handshake stamps begin above this, whatever the clock says */
};

struct links;
struct links *links_create(const struct links_settings *settings, struct rng *rng, struct log *log);
void links_destroy(struct links *links); /* says nothing to anybody; see links_close_all */

/* --- who we are ----------------------------------------------------------------------------- */

/* A static key we answer under, and dial with when its role is CONTACT (the newest held). Its
   `certificate` names that key and is copied: it is what callers are shown, and what our door
   shows. For a DOOR it is not looked at and may be NULL. FAULT_BUSY: too many. */
enum fault links_hold(struct links *links, enum link_role role, const struct dh_pair *pair,
                      const uint8_t certificate[CERTIFICATE_BYTES]);
void links_forget(struct links *links, const uint8_t public[KEY_BYTES]);
/* What a visitor of our door is shown: version, the newest certificate, and what the rooms above
   add, at most LINK_RECORD_MAX_BYTES; copied. Until it is set nobody is let in there. */
#define LINK_RECORD_MAX_BYTES 8192
void links_set_record(struct links *links, struct bytes record);
/* Signs what a visitor of a door must prove (see docs/protocol.md, door); copied. */
void links_set_device(struct links *links, const struct sign_pair *device);

/* --- who may come in ------------------------------------------------------------------------ */

/* `newest` is the greatest handshake stamp seen from that device: older message 1 are replays. */
void links_admit_device(struct links *links, const uint8_t device[KEY_BYTES], uint64_t newest);
void links_refuse_device(struct links *links, const uint8_t device[KEY_BYTES]); /* and hang up */
/* What both devices know from their sessions, the best first: at most LINK_PSKS. A dial names the
   first; a caller may name either. With none, or with one the other side does not hold, the link
   comes up without being trusted. Set anew when it changes; copied. Unknown device: nothing. */
#define LINK_PSKS 2
struct link_psk {
    uint8_t id[8]; /* never zero */
    uint8_t key[32];
};
void links_set_psks(struct links *links, const uint8_t device[KEY_BYTES],
                    const struct link_psk *psks, size_t count);
/* Accounts that may come to the door. */
void links_admit_account(struct links *links, const uint8_t account[KEY_BYTES], uint64_t newest);
void links_refuse_account(struct links *links, const uint8_t account[KEY_BYTES]);

/* --- dialling ------------------------------------------------------------------------------- */

struct link_dial {
    enum link_role role;
    uint8_t theirs[KEY_BYTES];    /* static key: their link key or their door */
    uint8_t device[KEY_BYTES];    /* CONTACT: who must answer */
    uint8_t account[KEY_BYTES];   /* DOOR: whose record must be shown */
    uint8_t certificate_hash[32]; /* CONTACT: of the certificate we hold; DOOR: zero */
    struct address at[LINK_CANDIDATES];
    size_t at_count;
    duration patience; /* 0: built-in 9 s */
};

/* FAULT_BUSY: a link or a dial to that device (that door) exists already, *out names it; or the
   limit is reached, *out is 0. FAULT_GONE: we hold no key to dial with, or theirs is refused. Ends
   in LINK_UP (at a door: LINK_RECORD, then LINK_DOWN) or in LINK_DOWN.

   When both sides dial at once, one link comes up on each. If it is not the one dialled here, the
   dial ends as LINK_DOWN (LINK_REPLACED) and LINK_UP of the other follows. So does a link that is
   up when the same device calls anew, as it does after a restart: what it had not answered for by
   then must be sent again. */
enum fault links_dial(struct links *links, instant now, const struct link_dial *dial, link_id *out);
/* Adds addresses to a dial that is still going on. If the link is up, the peer is told at each of
   them where we are: so two that moved at the same time find each other again. */
void links_dial_also(struct links *links, instant now, link_id link, const struct address *at,
                     size_t count);
void links_close(struct links *links, instant now, link_id link);
void links_close_all(struct links *links, instant now); /* tells every peer; pull datagrams after */

/* --- talking -------------------------------------------------------------------------------- */

/* Kinds of streams. FRAMES carries whole frames (u32 length, bytes) in order; RAW carries bytes.
   Each side opens its own, one of each kind per link, when it first writes. */
enum link_stream { LINK_STREAM_FRAMES = 1, LINK_STREAM_RAW = 2 };

/* Takes the whole frame or nothing. FAULT_BUSY: the queue is full, LINK_WRITABLE will come; or the
   frame is longer than LINK_FRAME_MAX_BYTES, and nothing will. FAULT_GONE: no such link, or not up
   yet. */
enum fault links_send(struct links *links, instant now, link_id link, struct bytes frame);
/* Takes what fits and says how much. FAULT_BUSY: not all did, LINK_WRITABLE will come; after
   links_write_end nothing fits any more. */
enum fault links_write(struct links *links, instant now, link_id link, struct bytes data,
                       size_t *taken);
enum fault links_write_end(struct links *links, instant now, link_id link);
/* May be lost, never repeated. FAULT_BUSY: empty, longer than one packet of the present path (36
   less than link_state.datagram_bytes), or too many wait already. */
enum fault links_throw(struct links *links, instant now, link_id link, struct bytes datagram);
/* Our own network changed: every link moves to its new path at once. */
void links_moved(struct links *links, instant now);

/* --- the five verbs ------------------------------------------------------------------------- */

/* A run of datagrams to one address: every `segment` bytes one datagram, the last may be shorter.
 */
struct link_batch {
    struct address to;
    struct bytes bytes; /* valid until the next call of this room */
    size_t segment;
};

enum link_event_kind {
    LINK_UP,       /* certificate, address, we_called; data may flow */
    LINK_DOWN,     /* reason; also the end of a dial that failed. Nothing more of this link comes */
    LINK_FRAME,    /* data: one whole frame */
    LINK_RAW,      /* data: bytes in order; data.size 0: the end */
    LINK_THROWN,   /* data: one datagram */
    LINK_WRITABLE, /* a queue that was full has room again */
    LINK_MOVED,    /* address: where the peer is reached now */
    LINK_RECORD,   /* we knocked: certificate of role CONTACT that the account showed, and data: the
                      whole record, of which this room has judged the certificate; then DOWN */
    LINK_VISITOR, /* someone admitted came to our door: certificate, address, stamp. No DOWN follows
                   */
};

enum link_reason {
    LINK_CLOSED_HERE,
    LINK_CLOSED_THERE,
    LINK_NO_ANSWER,
    LINK_LOST /* idle or reset */,
    LINK_BROKEN /* the peer broke the protocol */,
    LINK_REPLACED /* the other of two dials won */,
    LINK_REFUSED /* they answered, but are not whom we dialled */,
};

struct link_event {
    enum link_event_kind kind;
    link_id link;
    enum link_reason reason;
    bool we_called;
    bool trusted; /* UP: both sides proved a psk they share */
    struct address address;
    uint64_t stamp;     /* UP, VISITOR: of theirs; keep the greatest per device, per account */
    uint64_t own_stamp; /* UP as caller, RECORD: of ours; keep the greatest, for stamp_floor */
    struct certificate certificate;
    uint8_t certificate_wire[CERTIFICATE_BYTES];
    struct bytes data; /* valid until the next call of this room */
};

void links_receive(struct links *links, instant now, const struct address *from,
                   struct bytes datagram);
void links_advance(struct links *links, instant now);
bool links_next_batch(struct links *links, instant now, struct link_batch *out);
bool links_next_event(struct links *links, struct link_event *out);
instant links_deadline(const struct links *links);

/* --- looking -------------------------------------------------------------------------------- */

struct link_state {
    bool up, we_called;
    struct address address;
    duration rtt;          /* smoothed; 0: unknown */
    size_t datagram_bytes; /* path MTU found so far, UDP payload */
    uint64_t sent_bytes, received_bytes, lost_packets, moves;
};
bool links_look(const struct links *links, link_id link, struct link_state *out);
link_id links_find_device(const struct links *links,
                          const uint8_t device[KEY_BYTES]); /* up, or 0 */
size_t links_count(const struct links *links);
/* Is the datagram ours to judge (a QUIC long header of our version, a known or minted connection
   id, one of our control packets)? Everything else may belong to another room of the same socket.
 */
bool links_claims(const struct links *links, struct bytes datagram);

#endif
