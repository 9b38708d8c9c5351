/* What survives a restart. Typed questions; no SQL beyond this room.

   Everything between two `store_settle` calls is one transaction: it is opened by the first change
   and made durable (synced) by the settle, whole or not at all. Reads see the changes at once. The
   rule of the house: nothing leaves the node before the settle that covers it.

   FAULT_DISK from any call means the machine failed (store_trouble says how): what was not settled
   is undone and every later change is refused; the caller stops. FAULT_GONE: no such row.
   FAULT_BUSY: a stated maximum. Rows are copied out; text and blob members named `struct bytes` or
   `const char *` stay valid until the next call that returns rows of the same kind.

   One process has the file open at a time; a second gets STORE_TAKEN and waits for nothing (the
   host's lock file says who it is). Only encrypted pages are ever written. A custom VFS needs file
   methods of version 1, no shared memory. Which reads, writes and syncs it sees follows from the
   questions asked; their bytes do not, for SQLCipher takes each page's IV from OpenSSL's generator
   (RAND_set_rand_method changes it) and SQLite the WAL's salt from the VFS's xRandomness.

   What is removed or replaced (ratchet states, message keys) is overwritten in its page, in memory
   too. Older versions of a page may stand in the WAL for up to 4 MiB of later writes, and in what
   a disk keeps of overwritten sectors for as long as it likes: both only encrypted, under the key
   of the database. Who has that key and the whole disk may find states older than the newest. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/address.h"
#include "base/fault.h"
#include "base/time.h"

#define STORE_NAME_MAX_BYTES    64    /* a person's name, ours for him or his own; UTF-8 */
#define STORE_TEXT_MAX_BYTES    65536 /* one message's text; version 1 sent such long ones */
#define STORE_CONTACTS_MAX      10000
#define STORE_OUTBOX_MAX        100000
#define STORE_ADDRESSES_MAX     8 /* per contact, fixed and seen together */
#define STORE_PARENTS_MAX       8
#define STORE_DEVICES_MAX       32 /* per contact */
#define STORE_EVENTS_KEPT       1000000
#define STORE_REQUEST_KEY_MAX   64 /* bytes */
#define STORE_REQUESTS_KEPT_FOR (7 * DAY)
#define STORE_REQUESTS_MAX      1000000 /* the oldest are forgotten first */
#define STORE_CONSUMER_NAME_MAX 64      /* bytes */
#define STORE_CONSUMERS_MAX     1000
#define MESSAGE_ID_BYTES        32
#define CONVERSATION_ID_BYTES   32

struct store;

struct store_place {
    const char *path; /* of the database file; its WAL lies beside it */
    const char *vfs;  /* NULL: the system's; the simulator names its own */
    uint8_t key[32];  /* raw database key */
};

enum store_trouble {
    STORE_FINE,
    STORE_FULL,       /* no space left */
    STORE_DAMAGED,    /* not a store, wrong key, or pages that fail their MAC */
    STORE_TOO_NEW,    /* written by a later release */
    STORE_UNWRITABLE, /* permission, read-only file system */
    STORE_BROKEN,     /* any other input/output error */
    STORE_UNSAFE,     /* the library is not SQLCipher: refuse rather than write in clear */
    STORE_TAKEN,      /* another process has it open; nothing was touched */
};

/* Opens or makes it, and brings older homes up to date. *out is NULL on failure, *trouble
   says why. */
enum fault store_open(const struct store_place *place, struct store **out,
                      enum store_trouble *trouble);
void store_close(struct store *store); /* undoes what is not settled; NULL is fine */
/* One that fails may yet have been kept: whole, as if power went before we could be told. Pages
   that hold our identity's, link and bundle keys leave the cache here, also when nothing changed.
 */
enum fault store_settle(struct store *store);
/* Undoes everything since the last settle, e.g. a command refused half-way. */
void store_undo(struct store *store);
bool store_dirty(const struct store *store);
enum store_trouble store_trouble(const struct store *store);

/* --- ourselves ------------------------------------------------------------------------------ */

struct store_self {
    uint8_t account_seed[32], device_seed[32];
    uint8_t dh_secret[32]; /* all zero: a home of version 1, which had none */
    uint8_t card_secret[16];
    uint8_t node_secret[32]; /* mints connection ids and reset tokens */
    char name[STORE_NAME_MAX_BYTES + 1];
    instant made;
};
enum fault store_self_put(struct store *store, const struct store_self *self); /* once */
enum fault store_self_get(struct store *store, struct store_self *out); /* GONE: no identity yet */
enum fault store_self_update(struct store *store, const struct store_self *self); /* GONE */

/* Link keys of ours: the newest is the one we call with, older ones we still answer under. A home
   of version 1 has one, made when its identity was. */
#define STORE_LINK_KEYS_MAX 16
struct store_link_key {
    uint8_t secret[32];
    uint32_t from; /* days since 1970 */
};
/* Replaces one of the same day. BUSY: too many. */
enum fault store_link_key_add(struct store *store, const struct store_link_key *key);
/* The newest before that day (UINT32_MAX: of all); GONE at the end. */
enum fault store_link_key_before(struct store *store, uint32_t day, struct store_link_key *out);
enum fault store_link_key_forget(struct store *store, uint32_t before); /* those from before it */

/* The newest device list held, as bytes; contact 0: our own. GONE: none yet. BUSY: too long. */
#define STORE_LIST_MAX_BYTES 4096
enum fault store_list_put(struct store *store, int64_t contact, struct bytes wire);
enum fault store_list_get(struct store *store, int64_t contact, struct bytes *wire);

/* The nodes of the DHT that lead back into it, as bytes: at most STORE_NODES_MAX_BYTES. GONE: none
   are kept. BUSY: too many. */
#define STORE_NODES_MAX_BYTES 20480
enum fault store_nodes_put(struct store *store, struct bytes saved);
enum fault store_nodes_get(struct store *store, uint8_t out[STORE_NODES_MAX_BYTES], size_t *size);

/* Prekey bundles of ours, with what opens what was sealed for them. */
#define STORE_BUNDLE_BYTES    1413
#define STORE_ONE_TIME_MAX    3 /* ours set aside for a device, and a device's that we hold */
#define STORE_LAST_RESORT_MAX 64
#define STORE_SEEN_MAX        100000
struct store_prekey {
    uint8_t id[8];
    bool one_time;
    int64_t device; /* one time: of whom it was set aside for */
    uint64_t sequence;
    instant made, ends; /* ends: when its secrets are erased; NEVER: no successor is out yet */
    uint8_t dh[32], kem[64];
    uint8_t wire[STORE_BUNDLE_BYTES];
};
/* By id. BUSY: too many of its kind. */
enum fault store_prekey_put(struct store *store, const struct store_prekey *prekey);
enum fault store_prekey_get(struct store *store, const uint8_t id[8], struct store_prekey *out);
/* The last-resort one of greatest sequence; GONE: none. */
enum fault store_prekey_newest(struct store *store, struct store_prekey *out);
/* One-time ones set aside for a device, in no matter what order: the one after that id (NULL: the
   first); GONE at the end. */
enum fault store_prekey_next(struct store *store, int64_t device, const uint8_t *after,
                             struct store_prekey *out);
/* With what was remembered as seen under it. */
enum fault store_prekey_remove(struct store *store, const uint8_t id[8]);
/* Every last-resort one without an end gets this one, but that of greatest sequence. */
enum fault store_prekey_retire(struct store *store, instant ends);
/* Removes all whose end has come; *next: the next end, or NEVER. */
enum fault store_prekey_expire(struct store *store, instant now, instant *next);
/* Session starts seen, for as long as the bundle lives. BUSY: too many. GONE from store_seen: not
   seen. */
enum fault store_seen_add(struct store *store, const uint8_t hash[32], const uint8_t bundle[8],
                          const uint8_t session[32]);
enum fault store_seen(struct store *store, const uint8_t hash[32], uint8_t session[32]);

/* --- contacts, their devices, where they are ------------------------------------------------ */

enum contact_trust {
    TRUST_UNVERIFIED,
    TRUST_VERIFIED, /* a person has compared the number of both accounts */
    TRUST_STOPPED,  /* it did not match, or his device lists contradict each other: nothing more is
                       sealed for him until a person decides */
};
struct store_contact {
    int64_t id;                          /* never used twice */
    char name[STORE_NAME_MAX_BYTES + 1]; /* ours for him: unique without the case of A to Z */
    uint8_t account[32];
    uint8_t card_secret[16];
    uint64_t newest_stamp;    /* greatest door stamp seen */
    instant added, last_seen; /* last_seen 0: never */
    bool has_pair;
    uint8_t pair[32]; /* the secret of the two accounts, from the first session both used */
    instant reset;    /* when a session of his was last begun anew without being expected; 0 */
    bool forked;      /* his device list contradicted itself: somebody else may have his key */
    enum contact_trust trust;
    instant judged; /* when that was decided; 0: never */
};
/* Sets contact->id. BUSY: too many. GONE is never; a name or account taken is for the
   caller to ask. */
enum fault store_contact_add(struct store *store, struct store_contact *contact);
enum fault store_contact_update(struct store *store, const struct store_contact *contact);
/* With his list, devices and all that is theirs, addresses, messages, outbox and requests; events
   stay, as numbers. */
enum fault store_contact_remove(struct store *store, int64_t contact);
enum fault store_contact_get(struct store *store, int64_t contact, struct store_contact *out);
enum fault store_contact_by_name(struct store *store, const char *name, struct store_contact *out);
enum fault store_contact_by_account(struct store *store, const uint8_t account[32],
                                    struct store_contact *out);
/* The next one by id after `after` (0: the first); GONE at the end. */
enum fault store_contact_next(struct store *store, int64_t after, struct store_contact *out);
size_t store_contact_count(struct store *store);

struct store_device {
    int64_t id, contact;
    uint8_t device[32], link[32];
    uint8_t certificate[256];
    size_t certificate_size;
    uint64_t newest_stamp; /* greatest handshake stamp seen */
    instant first_seen, last_seen;
};
/* By key; sets id. first_seen and all else are replaced. BUSY: too many. PEER: the key is known as
   another contact's, nothing changed. */
enum fault store_device_put(struct store *store, struct store_device *device);
enum fault store_device_get(struct store *store, int64_t device, struct store_device *out);
enum fault store_device_by_key(struct store *store, const uint8_t device[32],
                               struct store_device *out);
enum fault store_device_next(struct store *store, int64_t contact, int64_t after,
                             struct store_device *out); /* contact 0: of anybody */

/* Bundles of theirs, kept until used or replaced: one of last resort and at most
   STORE_ONE_TIME_MAX others a device. A last-resort bundle with a sequence not above that held
   changes nothing: GONE. A one-time bundle that is held changes nothing; one too many: BUSY. */
struct store_bundle {
    int64_t device;
    uint8_t id[8];
    bool one_time;
    uint64_t sequence;
    instant made;
    uint8_t wire[STORE_BUNDLE_BYTES];
};
enum fault store_bundle_put(struct store *store, const struct store_bundle *bundle);
/* One-time ones first, the oldest of them first. GONE: none. */
enum fault store_bundle_best(struct store *store, int64_t device, struct store_bundle *out);
/* An id is what its owner says it is: only with the device does it name one bundle. */
enum fault store_bundle_remove(struct store *store, int64_t device, const uint8_t id[8]);

/* --- sessions: one ratchet each ------------------------------------------------------------- */

#define STORE_SESSIONS_MAX      3 /* per device */
#define STORE_SESSION_MAX_BYTES (128 * 1024)
#define STORE_START_MAX_BYTES   3760
struct store_session {
    int64_t row, device; /* row: never used twice */
    uint8_t id[32];
    uint64_t rank;
    bool initiator; /* we began it */
    bool heard;     /* something of theirs opened in it */
    bool one_time;  /* it was started under a one-time bundle */
    instant made, used;
    uint8_t psk[32], pair[32], exporter[32];
    uint8_t bundle[8];                    /* it was started under */
    uint8_t start[STORE_START_MAX_BYTES]; /* initiator, until heard: the message that starts it */
    size_t start_size;
    struct bytes state; /* the ratchet's; see the top of this page for how long it is valid */
};
/* Sets row. BUSY: too many of that device, or too large a state. */
enum fault store_session_add(struct store *store, struct store_session *session);
/* All but row, device, id, rank, made are replaced. BUSY: too large a state. */
enum fault store_session_update(struct store *store, const struct store_session *session);
enum fault store_session_get(struct store *store, int64_t row, struct store_session *out);
/* Of a device, by falling rank, of equal ones the smaller id first: the one after `after` (row; 0:
   the first, which is the active one). GONE at the end. */
enum fault store_session_next(struct store *store, int64_t device, int64_t after,
                              struct store_session *out);
/* With its envelopes, whose messages are only written again: the caller says so to people. Its
   tombstones are owed no more. */
enum fault store_session_remove(struct store *store, int64_t row);

/* --- envelopes: what is sealed and not acknowledged ----------------------------------------- */

/* The key of one ratchet step, kept beside the texts it seals until they are acknowledged. */
struct store_envelope {
    int64_t row; /* in the order of sealing; grows while the store is open, like the outbox's */
    int64_t device, session;
    uint8_t chain[8];
    uint32_t number;
    uint64_t turn;
    uint8_t key[32];
    uint32_t cell; /* bytes of the cell it travels in */
    instant made;
    uint8_t header[2400];
    size_t header_size;
};
/* Sets row. BUSY: STORE_OUTBOX_MAX of them. */
enum fault store_envelope_add(struct store *store, struct store_envelope *envelope);
/* The next for that device after a row (0: the first); GONE at the end. */
enum fault store_envelope_next(struct store *store, int64_t device, int64_t after,
                               struct store_envelope *out);
/* The one with the least number of `count` (at least 1) from `first` on. */
enum fault store_envelope_in_run(struct store *store, int64_t session, const uint8_t chain[8],
                                 uint32_t first, uint32_t count, struct store_envelope *out);
/* The row alone; what is owed in it is for the caller to end or to unseal. */
enum fault store_envelope_remove(struct store *store, int64_t row);

struct store_address {
    struct address address;
    bool fixed;     /* typed by a person; never forgotten by itself */
    instant worked; /* 0: never */
};
/* By (contact, address). A known one keeps what is better: fixed, and the later `worked`. A ninth
   replaces the seen one that worked longest ago; BUSY when all eight are fixed. */
enum fault store_address_put(struct store *store, int64_t contact,
                             const struct store_address *address);
enum fault store_address_remove(struct store *store, int64_t contact,
                                const struct address *address);
size_t store_addresses(
    struct store *store, int64_t contact,
    struct store_address out[STORE_ADDRESSES_MAX]); /* last worked first, then fixed */

/* --- invitations: one secret each, for one guest --------------------------------------------- */

#define STORE_INVITATIONS_OPEN 64
#define STORE_INVITATIONS_KEPT 100 /* of those that are over */
enum invitation_state {
    INVITATION_OPEN = 1, /* ours: nobody came yet; theirs: the host has not answered yet */
    INVITATION_TAKEN,    /* `contact` came of it */
    INVITATION_LOST,     /* theirs: somebody else was there first */
    INVITATION_CLOSED,   /* taken back by who gave it */
    INVITATION_EXPIRED,
};
struct store_invitation {
    int64_t row; /* never used twice */
    bool ours;   /* we gave it */
    enum invitation_state state;
    bool has_secret;
    uint8_t secret[16];                        /* until it is of no use any more */
    uint8_t host[32];                          /* account of who gave it */
    char name[STORE_NAME_MAX_BYTES + 1];       /* ours for who comes; may be empty */
    char introduced[STORE_NAME_MAX_BYTES + 1]; /* what we call ourselves to him; may be empty */
    int64_t contact;                           /* 0: nobody yet */
    instant made, ends, changed; /* ends: nobody may come after; of theirs: we give up then */
};
/* Sets row. BUSY: too many are open. One too many of the others makes the oldest go. */
enum fault store_invitation_add(struct store *store, struct store_invitation *invitation);
enum fault store_invitation_update(struct store *store, const struct store_invitation *invitation);
enum fault store_invitation_get(struct store *store, int64_t row, struct store_invitation *out);
/* The newest that contact came of. */
enum fault store_invitation_of(struct store *store, int64_t contact, struct store_invitation *out);
/* The next by row (0: the first); GONE at the end. */
enum fault store_invitation_next(struct store *store, int64_t after, struct store_invitation *out);

/* --- messages ------------------------------------------------------------------------------- */

enum message_state { /* durable; each is told by an event. A sealed one is written again when the
                        session it was sealed in is lost */
                     MESSAGE_WRITTEN = 1, /* ours, on our disk */
                     MESSAGE_SEALED = 2,  /* ours: its key is made; only his device can read it */
                     MESSAGE_DELIVERED =
                         4, /* ours: every device of his has it on disk; his: we have it */
                     MESSAGE_FAILED = 7, /* ours: given up; `failure` says why */
};
enum message_failure { FAILURE_NONE, FAILURE_EXPIRED, FAILURE_TOO_LONG /* of version 1 */ };

struct store_message {
    int64_t row;     /* by arrival: the order of `follow` */
    int64_t contact; /* whose conversation */
    uint8_t id[MESSAGE_ID_BYTES];
    bool ours;
    enum message_state state;
    enum message_failure failure;
    bool read;
    uint64_t height;                   /* 1 + greatest of its parents' */
    instant written, arrived, changed; /* by the author's clock; by ours; last state change */
    uint8_t parents[STORE_PARENTS_MAX][MESSAGE_ID_BYTES];
    size_t parent_count;
    struct bytes text;
};
/* Adds it and makes it a head of its conversation instead of its parents. Sets row.
   GONE: its id is there already and nothing changed (the caller acknowledges again).
   BUSY: the text is too long. The contact must exist. */
enum fault store_message_add(struct store *store, struct store_message *message);
enum fault store_message_get(struct store *store, int64_t row, struct store_message *out);
enum fault store_message_by_id(struct store *store, const uint8_t id[MESSAGE_ID_BYTES],
                               struct store_message *out);
/* By the first bits of an id: GONE none, BUSY more than one. `bits` counts bits. */
enum fault store_message_by_prefix(struct store *store, const uint8_t *prefix, size_t bits,
                                   struct store_message *out);
/* The heads of a conversation: ids nobody in it has as a parent yet, at most STORE_PARENTS_MAX, the
   highest first; and the greatest height. */
size_t store_heads(struct store *store, int64_t contact,
                   uint8_t out[STORE_PARENTS_MAX][MESSAGE_ID_BYTES], uint64_t *height);
/* Height of a message by id; GONE: we do not have it. */
enum fault store_height(struct store *store, int64_t contact, const uint8_t id[MESSAGE_ID_BYTES],
                        uint64_t *out);

/* Reads a conversation in its order (height, then id), so both sides see the same. */
struct store_place_in {
    uint64_t height;
    uint8_t id[MESSAGE_ID_BYTES];
};
/* The next after `at` (NULL: from the start), or with `backwards` the one before (NULL: from the
   end); with `unread` only messages of his not read. GONE at the end. */
enum fault store_message_step(struct store *store, int64_t contact, const struct store_place_in *at,
                              bool backwards, bool unread, struct store_message *out);
/* His messages up to and with that place (NULL: all) are read; *changed: how many were not. */
enum fault store_mark_read(struct store *store, int64_t contact, const struct store_place_in *until,
                           size_t *changed);

struct store_chat { /* one line of the list of conversations */
    int64_t contact;
    size_t total, unread, owed; /* owed: ours, not delivered, not failed */
    int64_t last_row;           /* 0: nothing yet */
    instant last_time;
};
enum fault store_chat_get(struct store *store, int64_t contact, struct store_chat *out);

/* --- outbox: what is still owed to which device --------------------------------------------- */

struct store_owed {
    int64_t row; /* of the outbox; grows while the store is open, may begin anew after that */
    int64_t message, contact, device; /* device 0: not yet known which */
    int64_t envelope;                 /* it is sealed in; 0: written only */
    bool tombstone;                   /* expired after it was sealed: only its place is owed */
    instant queued, expires;
};
/* BUSY: STORE_OUTBOX_MAX rows. Sets row. */
enum fault store_outbox_add(struct store *store, struct store_owed *owed);
/* The next owed to that contact after a row (0: from the start); GONE at the end. */
enum fault store_outbox_next(struct store *store, int64_t contact, int64_t after,
                             struct store_owed *out);
enum fault store_outbox_of(struct store *store, int64_t message, struct store_owed *out);
/* The next to that contact that is only written. */
enum fault store_outbox_next_written(struct store *store, int64_t contact, int64_t after,
                                     struct store_owed *out);
/* The next in an envelope. */
enum fault store_outbox_next_in(struct store *store, int64_t envelope, int64_t after,
                                struct store_owed *out);
/* Puts it into an envelope for a device (its message becomes SEALED), or with envelope 0 takes it
   out again (its message becomes WRITTEN); of a tombstone the state stays, and it is not taken out.
   `owed` as it was read: GONE when it is no longer so. */
enum fault store_outbox_seal(struct store *store, const struct store_owed *owed, int64_t envelope,
                             int64_t device, instant now);
/* Sealed and too old: the message is FAILED, its place is owed as a tombstone that never expires.
   GONE: nothing of it is sealed. */
enum fault store_outbox_bury(struct store *store, int64_t message, enum message_failure failure,
                             instant now);
size_t store_outbox_sealed(struct store *store, int64_t device); /* rows in envelopes, all kinds */
/* Removes what is owed of that message and sets its state, in one go; of a tombstone the state
   stays. GONE: nothing was owed. */
enum fault store_outbox_end(struct store *store, int64_t message, enum message_state state,
                            enum message_failure failure, instant now);
/* The first that expires; GONE: nothing owed ever does. */
enum fault store_outbox_first_to_expire(struct store *store, struct store_owed *out);
size_t store_outbox_count(struct store *store, int64_t contact); /* contact 0: all */
/* How many are owed to that contact before that row. */
size_t store_outbox_ahead(struct store *store, int64_t contact, int64_t row);

/* --- events: what a client that was away reads later ---------------------------------------- */

enum event_kind {
    EVENT_MESSAGE_RECEIVED = 1,
    EVENT_MESSAGE_STATE,
    EVENT_CONVERSATION_CHANGED,
    EVENT_CONTACT_CHANGED,
    EVENT_CONTACT_REMOVED,
    EVENT_NETWORK_CHANGED,
    EVENT_SESSION_RESET,      /* contact; a session was begun anew, and not as agreed */
    EVENT_LIST_FORKED,        /* contact; his device list contradicts itself: compare cards */
    EVENT_INVITATION_CHANGED, /* contact, or 0; detail: the invitation's row */
};
struct store_event {
    uint64_t seq; /* from 1, no gaps */
    instant time;
    enum event_kind kind;
    int64_t contact,
        message;    /* rows; 0: none. The row may be gone: then the event is a tombstone */
    int64_t detail; /* MESSAGE_STATE: the state; else 0 */
};
enum fault store_event_add(struct store *store, struct store_event *event); /* sets seq */
/* The first with seq > since; GONE: none yet. */
enum fault store_event_next(struct store *store, uint64_t since, struct store_event *out);
/* Oldest kept (0: none) and newest (0: none). */
void store_event_range(struct store *store, uint64_t *oldest, uint64_t *newest);
enum fault store_consumer_set(struct store *store, const char *name, uint64_t seq); /* BUSY */
enum fault store_consumer_get(struct store *store, const char *name, uint64_t *seq);

/* --- requests already answered: repeating one returns the first answer ---------------------- */

enum fault store_request_put(struct store *store, const char *key, int64_t message, instant now);
enum fault store_request_get(struct store *store, const char *key, int64_t *message);

#endif
