/* What a messenger means, with no word about networks: who we are, whom we know, what was said, and
   what is still owed to whom.

   A conversation is a causal graph: every message names its parents, the newest messages its author
   had seen, and everybody shows it in the same order, by height and then by id. Nothing leaves this
   room but by wishes (engine/wish/wish.h): chat wishes frames to be sent to devices that are up,
   and learns what came. FAULT_DISK from any call: the store failed, stop. */
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include "base/log.h"
#include "base/rng.h"
#include "engine/crypto/card.h"
#include "engine/crypto/certificate.h"
#include "engine/crypto/devices.h"
#include "engine/crypto/safety.h"
#include "engine/store/store.h"
#include "engine/wish/wish.h"

#define MESSAGE_KEPT_FOR (30 * DAY) /* undelivered longer than this fails, visibly */
#define MESSAGE_HEIGHT_JUMP                                                                        \
    (1u << 20)                /* a message may claim at most so much above what we know            \
                               */
#define MESSAGE_NAME_CHARS 16 /* an id as people see it */
/* One message's text: with all that goes around it, it fits the greatest cell. */
#define CHAT_TEXT_MAX_BYTES 57344
#define CHAT_SEALED_MAX     900         /* messages sealed for one device and not acknowledged */
#define CHAT_ONE_TIME_FOR   (180 * DAY) /* a one-time bundle of theirs is used so long */

#define CHAT_GUEST_WAITS (31 * DAY) /* for the host's answer: none holds longer */

/* One per sentence a person may read; rpc/methods.c gives names, hints and exit codes. */
enum answer {
    ANSWER_DONE,
    ANSWER_NO_IDENTITY,
    ANSWER_HAS_IDENTITY,
    ANSWER_BAD_NAME, /* empty, too long, control characters, not UTF-8, or reads like a card */
    ANSWER_NAME_TAKEN,
    ANSWER_BAD_CARD,
    ANSWER_OWN_CARD,
    ANSWER_CONTACT_EXISTS,
    ANSWER_CONTACTS_FULL,
    ANSWER_ADDRESSES_FULL,
    ANSWER_NO_CONTACT,
    ANSWER_AMBIGUOUS_CONTACT,
    ANSWER_NO_MESSAGE,
    ANSWER_AMBIGUOUS_MESSAGE,
    ANSWER_TEXT_EMPTY,
    ANSWER_TEXT_TOO_LONG,
    ANSWER_TEXT_NOT_UTF8,
    ANSWER_OUTBOX_FULL,
    ANSWER_BAD_KEY,  /* request_key empty or too long */
    ANSWER_NO_EVENT, /* no event after that number yet */
    ANSWER_CONSUMERS_FULL,
    ANSWER_STOPPED, /* the contact is not trusted until a person decides */
    ANSWER_BAD_INVITATION,
    ANSWER_NO_INVITATION,
    ANSWER_INVITATIONS_FULL,
    ANSWER_DISK, /* the store failed; store_trouble says how */
};

/* --- who we are ------------------------------------------------------------------------------- */

/* Makes account and device keys, the first link key and the card secret. */
enum answer chat_identity_make(struct store *store, instant now, const char *name, struct rng *rng);
/* FAULT_GONE: there is none yet. Wipe it after use. */
enum fault chat_identity(struct store *store, struct store_self *out);
void chat_card(struct card *out, const struct store_self *self);

/* --- the room --------------------------------------------------------------------------------- */

struct chat;
/* The store is borrowed and must hold an identity; so are the others. The deadline of a new room is
   0: what has to be renewed is made by the first chat_advance, which must come before all else. */
struct chat *chat_create(struct store *store, struct rng *rng, struct log *log);
void chat_destroy(struct chat *chat);
/* Writes back what is kept in memory between rounds: due before every store_settle. */
enum fault chat_settle(struct chat *chat);

/* --- what links need to know ------------------------------------------------------------------ */

#define CHAT_LINK_KEYS 3 /* the newest, and the two before it */
struct chat_link_key {
    struct dh_pair pair;
    uint8_t certificate[CERTIFICATE_BYTES];
};
size_t chat_link_keys(struct chat *chat, struct chat_link_key out[CHAT_LINK_KEYS]); /* wipe */
void chat_device_pair(struct chat *chat, struct sign_pair *out);                    /* wipe */
/* Our account. */
void chat_account(const struct chat *chat, uint8_t out[32]);
/* The head of our newest device list. */
void chat_list_head(struct chat *chat, struct list_head *out);
/* What our door shows. Valid until the next call. Size 0: the store failed. */
struct bytes chat_record(struct chat *chat, instant now);
/* The secrets that links to a device are made with, the best first. Wipe. */
#define CHAT_PSKS 2
struct chat_psk {
    uint8_t id[8];
    uint8_t key[32];
};
size_t chat_psks(struct chat *chat, int64_t device, struct chat_psk out[CHAT_PSKS]);

/* --- people ----------------------------------------------------------------------------------- */

bool chat_name_good(const char *name);
enum answer chat_contact_add(struct chat *chat, instant now, const struct card *card,
                             const char *name, struct store_contact *out);
/* By name without case, by the start of one name alone, or by card. */
enum answer chat_contact_find(struct chat *chat, const char *who, struct store_contact *out);
enum answer chat_contact_get(struct chat *chat, int64_t contact, struct store_contact *out);
enum answer chat_contact_next(struct chat *chat, int64_t after, struct store_contact *out);
size_t chat_contact_count(struct chat *chat);
enum answer chat_contact_rename(struct chat *chat, instant now, int64_t contact, const char *name);
enum answer chat_contact_remove(struct chat *chat, instant now, int64_t contact);

/* Invitations: one secret each, for one guest. `name` is what we will call the other, `introduced`
   what we call ourselves to him; both may be empty. Wipe what comes out. */
enum answer chat_invite(struct chat *chat, instant now, const char *name, const char *introduced,
                        instant ends, struct store_invitation *out);
/* Takes one: its host becomes a contact, without a card. out->contact says which. */
enum answer chat_join(struct chat *chat, instant now, const struct card *invitation,
                      const char *name, const char *introduced, struct store_invitation *out);
/* The first guest of an open one of ours: he becomes a contact, under our name for him, or the one
   he offers, or "guest"; with a number where somebody has it. */
enum answer chat_guest(struct chat *chat, instant now, struct store_invitation *row,
                       const uint8_t account[32], const char *offered);
/* Keeps what the caller changed in it, and tells. */
enum answer chat_invitation_change(struct chat *chat, instant now, struct store_invitation *row);
enum answer chat_invitation_get(struct chat *chat, int64_t row, struct store_invitation *out);
/* The newest that contact came of. */
enum answer chat_invitation_of(struct chat *chat, int64_t contact, struct store_invitation *out);
enum answer chat_invitation_next(struct chat *chat, int64_t after, struct store_invitation *out);

/* A device has proved by this certificate that it belongs to an account. `stamp` is the
   handshake's, 0 when we called. FAULT_GONE: the account is no contact. FAULT_PEER: the device is
   known as another's, or no longer on the account's list. *fresh: the device or its
   link key is new. */
enum fault chat_device_seen(struct chat *chat, instant now, const struct certificate *certificate,
                            const uint8_t wire[CERTIFICATE_BYTES], uint64_t stamp,
                            struct store_device *out, bool *fresh);
enum answer chat_device_get(struct chat *chat, int64_t device, struct store_device *out);
/* The next device of anybody after `after` (0: the first); ANSWER_NO_CONTACT at the end. */
enum answer chat_device_next(struct chat *chat, int64_t after, struct store_device *out);
/* The record that somebody's door has shown; the certificate in it has been judged and seen. */
enum fault chat_record_seen(struct chat *chat, instant now, const struct store_device *device,
                            struct bytes record);
/* The stamp of a visit at our door. */
enum fault chat_visit_seen(struct chat *chat, const uint8_t account[32], uint64_t stamp);

/* --- talk ------------------------------------------------------------------------------------- */

/* The text is ours to keep from here on; ANSWER_DONE promises it once the store is settled. */
enum answer chat_write(struct chat *chat, instant now, int64_t contact, struct bytes text,
                       const char *request_key, struct store_message *out);
enum answer chat_message_find(struct chat *chat, const char *name, struct store_message *out);
enum answer chat_message_get(struct chat *chat, int64_t row, struct store_message *out);
enum answer chat_message_step(struct chat *chat, int64_t contact, const struct store_place_in *at,
                              bool backwards, bool unread, struct store_message *out);
enum answer chat_mark_read(struct chat *chat, instant now, int64_t contact,
                           const struct store_place_in *until);
enum answer chat_summary(struct chat *chat, int64_t contact, struct store_chat *out);
/* Lower-case base 32 (RFC 4648, no padding) of the first 80 bits. */
void chat_message_name(char out[MESSAGE_NAME_CHARS + 1], const uint8_t id[MESSAGE_ID_BYTES]);

struct chat_owed {
    struct store_owed owed; /* row 0: nothing is owed any more */
    bool sent;              /* on the present link, not acknowledged yet */
    size_t ahead;           /* messages to the same contact that go first */
};
enum answer chat_owed(struct chat *chat, int64_t message, struct chat_owed *out);
struct chat_safety { /* how well a talk is protected */
    bool session;    /* both devices have used one */
    instant since;   /* of the active one */
    instant reset;   /* of the last one begun anew and not as agreed; 0: never */
    bool forked;     /* his device list contradicted itself */
    enum contact_trust trust;
    instant judged; /* 0: never */
};
uint64_t chat_unreadable(const struct chat *chat); /* cells nothing could open, since the start */
/* What both accounts have in common for people to compare; and what one of them found. Nothing more
   is sealed for whom is stopped, until he is verified. */
enum answer chat_number(struct chat *chat, int64_t contact, char out[SAFETY_DIGITS + 1]);
enum answer chat_judge(struct chat *chat, instant now, int64_t contact, bool matches);
enum answer chat_safety(struct chat *chat, int64_t contact, struct chat_safety *out);
size_t chat_owed_count(struct chat *chat, int64_t contact); /* 0: all */

/* --- events -------------------------------------------------------------------------------------
 */

enum answer chat_event_after(struct chat *chat, uint64_t since, struct store_event *out);
void chat_event_range(struct chat *chat, uint64_t *oldest, uint64_t *newest);
enum answer chat_consumer_set(struct chat *chat, const char *name, uint64_t seq);
enum answer chat_consumer_get(struct chat *chat, const char *name, uint64_t *seq);

/* --- wishes ------------------------------------------------------------------------------------
 */

bool chat_next_wish(struct chat *chat, instant now, struct wish *out);
enum fault chat_learn(struct chat *chat, instant now, const struct news *news);
/* What is owed too long fails, keys are renewed, sessions begun that are wanted. */
enum fault chat_advance(struct chat *chat, instant now);
instant chat_deadline(struct chat *chat);

#endif
