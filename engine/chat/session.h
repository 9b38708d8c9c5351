/* Which ratchet belongs to which pair of devices. docs/protocol.md, "Sessions of a pair".

   Sessions are read from the store when they are needed and written back once a round, before it is
   settled: the ratchet, what it opened and what it sealed are one transaction. */
#ifndef CHAT_SESSION_H
#define CHAT_SESSION_H

#include "engine/chat/room.h"
#include "engine/crypto/ratchet.h"
#include "engine/crypto/start.h"

#define SESSION_OTHERS_FOR   (30 * DAY) /* one that is not active is kept, to receive */
#define SESSION_RESET_PAUSE  HOUR       /* between two resets, whoever makes them */
#define SESSION_CROSSING_FOR MINUTE     /* two starts so close together have crossed */
#define SESSION_RANK_AHEAD                                                                         \
    (3650 * DAY)              /* of our clock, at most: or one start would rule for ever */
#define SESSION_STALE_TURNS 4 /* what was sealed so long ago is sealed again */

/* So many starts of a device are taken at once, and then one at a time: each costs a row for weeks,
   and sealing anew all that it is owed. */
#define SESSION_STARTS_AT_ONCE 16
#define SESSION_STARTS_PAUSE   (10 * MINUTE)

struct session {              /* in secret memory */
    struct store_session row; /* but its state, which is the ratchet */
    struct ratchet *ratchet;
    bool dirty;
};

/* All sessions with one device, by falling rank: the first is active. */
struct sessions {
    struct list link; /* of the chat's */
    int64_t device, contact;
    struct session *all[STORE_SESSIONS_MAX];
    size_t count;
    instant starts_until; /* one pause for each start taken: then all of them are forgotten */
    bool psks_changed;    /* links are to be told */
    bool head_known;      /* of the newest list held of the contact */
    struct list_head head;
};

/* The store failed: NULL. */
struct sessions *sessions_with(struct chat *chat, int64_t contact, int64_t device);
void sessions_destroy(struct chat *chat);
/* A contact is removed: what is held of his devices is not written back. */
void sessions_forget(struct chat *chat, int64_t contact);
/* The head of the newest list held of the contact. Reading a list checks its signature: not what
   one does for every cell. */
enum fault sessions_head(struct chat *chat, struct sessions *sessions, struct list_head *out);
void sessions_list_changed(struct chat *chat, int64_t contact);
/* Writes back what changed. */
enum fault sessions_keep(struct chat *chat);

struct session *sessions_active(const struct sessions *sessions); /* NULL: none */
struct session *sessions_by_row(const struct sessions *sessions, int64_t row);
bool sessions_heard(const struct sessions *sessions); /* is there one both sides have used? */

/* A new one, from the best bundle we have. With `reset` it stands in for all before it: the other
   side is told that none is kept, and what we have sealed is sealed again. GONE: we have no bundle,
   or no list that names the device. */
enum fault session_start(struct chat *chat, instant now, struct sessions *sessions, bool reset);
/* May we begin another already? Not so soon that somebody could make us do nothing else. */
bool session_may_follow(const struct sessions *sessions, instant now);
/* Forgets what is too old: sessions of which nothing is expected any more, keys that were skipped.
 */
enum fault sessions_age(struct chat *chat, instant now, struct sessions *sessions);

/* Takes every message of an envelope out of it: it is written again, and to be sealed anew. */
enum fault session_unseal(struct chat *chat, instant now, const struct store_envelope *envelope);

/* --- receiving a start ------------------------------------------------------------------------ */

/* A start that was read and judged, and is not kept yet. */
struct session_begun {
    struct session *session; /* owned until session_adopt */
    struct start_claim claim;
    struct devices list;
    struct bytes list_wire;
    uint8_t memory[START_LARGE_BYTES];
    uint8_t seen[HASH_BYTES];
    uint8_t bundle[BUNDLE_ID_BYTES];
    bool one_time;
};
/* By the hash of its start: the session it began already, or NULL. */
struct session *sessions_by_start(const struct sessions *sessions, struct bytes start);
/* GONE: it cannot be opened, or was seen before. PEER: it is not to be believed. */
enum fault session_read_start(struct chat *chat, instant now, const struct sessions *sessions,
                              const uint8_t bundle[BUNDLE_ID_BYTES], struct bytes start,
                              struct session_begun *out);
void session_abandon(struct session_begun *begun); /* also after session_adopt: wipes */

enum session_meaning {
    SESSION_FIRST,   /* there was none both sides had used */
    SESSION_CROSSED, /* so did two starts: the other is less than a minute old */
    SESSION_RESET,   /* he lost his, or somebody else has his keys: people are told */
};
/* Keeps it, takes back what the other side can no longer open, and forgets the sessions that are
   too many. *behind: it is not the newest, and he does not know that. */
enum fault session_adopt(struct chat *chat, instant now, struct sessions *sessions,
                         struct session_begun *begun, enum session_meaning *meaning, bool *behind);

#endif
