/* What the files of this room share: all links, one link, and who does what with them.

   links.c    makes and ends links, and the verbs that bring the outside in
   dial.c     calling somebody, also when he calls at the same time
   guests.c   who may come in, and message 1 of whoever knocks
   stash.c    halves of a message 1 that wait for the other half
   roam.c     a link whose ends move
   out.c      what leaves: runs of datagrams
   events.c   what is told */
#ifndef LINK_INSIDE_H
#define LINK_INSIDE_H

#include "base/list.h"
#include "engine/link/connection.h"
#include "engine/link/keys.h"
#include "engine/link/link.h"
#include "engine/link/stash.h"
#include "engine/link/timers.h"

#define OUT_BYTES        65507 /* of one run: what one system call takes, RFC 768 over IPv4 */
#define OUT_SEGMENTS     64    /* datagrams in a run: Linux, UDP_MAX_SEGMENTS */
#define LOOSE_MAX        1024  /* datagrams of no connection that wait to leave */
#define PEERS_MAX        65536 /* devices and accounts we know of: contacts and their devices */
#define HALF_OPEN_MAX    256   /* callers not yet sure, in all; one per device */
#define SOURCES_MAX      3     /* addresses one first flight may be answered to */
#define FIRST_FLIGHT_FOR (10 * SECOND)

struct links;

/* What was sent or heard first, kept to be sent again or recognised. */
struct flight {
    size_t count, sizes[FLIGHT_MAX_DATAGRAMS];
    uint8_t bytes[FLIGHT_MAX_DATAGRAMS][FLIGHT_DATAGRAM_MAX];
};
bool flight_add(struct flight *flight, struct bytes datagram); /* false: no room */
struct bytes flight_datagram(const struct flight *flight, size_t index);

/* A caller whom we would have answered, had we not been calling him ourselves. */
struct waiting {
    struct flight flight;
    struct address from;
    instant since;
};

struct dialling {
    struct link_dial dial;
    struct flight flight;
    instant started, patience_ends, next_send;
    duration interval;
    bool heard;  /* something of theirs opened: the library repairs as well */
    bool paused; /* we answer their call instead */
    struct waiting *waiting;
    uint64_t declined; /* greatest stamp of the calls we did not answer, for ours wins */
};

struct answering {
    struct flight theirs, ours;
    struct address sources[SOURCES_MAX];
    size_t source_count;
    instant until;
};

enum link_phase {
    LINK_CALLING,
    LINK_ANSWERING,
    LINK_OPEN,
    LINK_ENDED, /* some of it may still have to be told, to the peer or to our user */
    LINK_PHASES,
};

/* What is still to be told to our user, in this order; data comes before DOWN. */
struct news {
    bool up, visitor, record, moved, writable, down;
};

struct link {
    struct links *links;
    link_id id;
    enum link_phase phase;
    enum link_role role;
    bool we_called;
    struct connection *connection;
    struct address address; /* where the peer is; port 0: not known yet */
    uint8_t device[KEY_BYTES];
    struct certificate certificate;
    uint8_t certificate_wire[CERTIFICATE_BYTES];
    struct {
        uint8_t *bytes; /* NULL: none was shown */
        size_t size;
    } record;          /* what a door showed us */
    uint64_t stamp;    /* the caller's, of this handshake */
    uint64_t instance; /* the peer's */
    struct dialling *dialling;
    struct answering *answering;
    struct news news;
    enum link_reason reason;
    bool known_above;        /* our user has its id, so its end is told */
    bool deaf;               /* ended by us: what arrived before is of no interest */
    bool farewell, replaced; /* to be said to the peer */
    struct list ready, writing;
    struct timer timer;
    instant up_at, kicked_at, visit_ends;
    bool kick_wanted;
    instant watched_since; /* stall watchdog: NEVER while nothing is on its way */
    duration watch_for;
    uint64_t watched_acknowledged, moves;
};

struct peer { /* a device */
    uint8_t device[KEY_BYTES];
    bool admitted;
    uint64_t newest;
    struct link_psk *psks; /* the newest first, in secret memory */
    size_t psk_count;
    struct link *up, *dial, *answer;
};

struct account {
    uint8_t key[KEY_BYTES];
    uint64_t newest;
    struct link *visit; /* at our door, one at a time */
};

struct held {
    enum link_role role;
    struct dh_pair pair;
    uint8_t first_key[16];
    struct certificate certificate; /* CONTACT only */
    uint8_t wire[CERTIFICATE_BYTES], hash[32];
};

/* So many now, and so many more each second. */
struct budget {
    instant at;
    uint32_t left;
};
#define SOURCE_BUDGETS 256

struct links {
    struct links_settings settings;
    struct rng *rng;
    struct log *log;
    struct directory directory;
    struct held *held;        /* LINK_HELD_KEYS, in secret memory */
    size_t held_count;        /* oldest first */
    struct sign_pair *device; /* in secret memory */
    struct {
        uint8_t bytes[LINK_RECORD_MAX_BYTES];
        size_t size;
    } record;
    uint64_t last_stamp, instance;
    link_id last_id;
    struct map *by_id, *peers, *accounts, *doors; /* doors: dials in progress, by door key */
    size_t half_open;
    struct list ready, writing, loose;
    size_t loose_count;
    struct timers timers;
    struct budget resets;
    struct {
        struct budget all, from[SOURCE_BUDGETS];
    } calls[2]; /* by the role of the key: whoever holds our card could else keep contacts out */
    uint8_t source_key[16];
    struct stash stash[2]; /* by role, as the budgets */
    struct {
        link_id link;
        enum connection_read_kind kind;
        size_t size;
    } pulled; /* data told by the last event, given back at the next */
    struct {
        link_id link;
        size_t size;
        uint8_t *bytes;
    } carried; /* a datagram that did not fit the last run */
    struct chunk_pool pool;
    uint8_t *out, *scratch;
};

bool budget_take(struct budget *budget, instant now, uint32_t per_second, uint32_t most);

/* links.c */
struct link *link_create(struct links *links, enum link_phase phase, enum link_role role);
struct link *link_find(const struct links *links, link_id id);
void link_become(struct link *link, enum link_phase next);
/* Ends it, whatever it was. `farewell`: the peer is told. */
void link_end(struct link *link, enum link_reason reason, bool farewell);
void link_destroy(struct link *link);
bool link_has_news(const struct link *link);
void link_destroy_if_done(struct link *link);
void link_came_up(struct link *link, instant now);
void link_refresh(struct link *link, instant now); /* after anything that may change its deadline */
void link_fill_setup(struct link *link, struct connection_setup *out);
struct peer *links_peer(struct links *links, const uint8_t device[KEY_BYTES]); /* NULL: too many */
struct peer *links_find_peer(const struct links *links, const uint8_t device[KEY_BYTES]);
const struct held *links_newest_contact(const struct links *links); /* NULL: none held */

/* dial.c */
instant dial_due(const struct link *link);
void dial_advance(struct link *link, instant now);
void dial_send_flight(struct link *link);
/* Both call at once. True: our call goes on, theirs waits. */
bool dial_wins(struct link *link, instant now, const struct address *from,
               const struct flight *flight, const uint8_t ours[KEY_BYTES]);
void dial_pause(struct link *link);
void dial_resume(struct link *link, instant now);
void dial_finish(struct link *link);

/* guests.c */
/* An Initial of no connection: message 1 of somebody, or a part of it. */
void guests_hear(struct links *links, instant now, const struct address *from,
                 struct bytes datagram);
/* A whole message 1 that had to wait. It is answered even while we are calling him. */
void guests_insist(struct links *links, instant now, const struct address *from,
                   const struct flight *flight);
/* A first flight once more, byte for byte, while its handshake is open. True: it was one. */
bool guests_hear_again(struct link *link, instant now, const struct address *from,
                       struct bytes datagram);
void guests_finish(struct link *link);

/* roam.c */
void roam_heard_from(struct link *link, instant now, const struct address *from);
void roam_announced(struct link *link, instant now, const struct address *from);
void roam_moved(struct link *link, instant now);
void roam_seek(struct link *link, const struct address *at, size_t count); /* he may be there */
instant roam_due(struct link *link, instant now);
void roam_advance(struct link *link, instant now);

/* out.c */
void out_want(struct link *link); /* it may have something to say */
void out_loose(struct links *links, const struct address *to, struct bytes datagram);

/* events.c */
void events_want(struct link *link); /* it may have something to tell */

#endif
