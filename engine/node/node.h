/* The engine's whole public face: one node is one identity. Five verbs carry the world in and out,
   and commands carry a person's wishes. No clock, socket, thread or luck of its own.

   Nothing leaves a node (no datagram, event or answer) before what it rests on is on disk: commands
   and received datagrams change memory and the open transaction; the first call that lets something
   out settles it. After FAULT_DISK the node is stopped: node_trouble says why, it does nothing
   more. */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "base/address.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"
#include "engine/chat/chat.h"
#include "engine/crypto/card.h"
#include "engine/crypto/vault.h"
#include "engine/dht/dht.h"
#include "engine/meet/meet.h"
#include "engine/store/store.h"

struct node;

struct node_settings {
    struct store_place place;
    duration keep_alive;  /* 0: built-in */
    size_t datagram_most; /* 0: built-in */
    bool bare;            /* a node of the DHT and nothing else: `place` is not looked at */
    bool no_dht;
    bool no_nearby; /* calls nobody on the local networks, and hears nobody */
    struct dht_settings dht;
};

/* Opens the store; *out is NULL on failure and *trouble says why. rng and log are borrowed. A home
   without identity opens too: node_identity_make comes first then. */
enum fault node_create(const struct node_settings *settings, instant now, struct rng *rng,
                       struct log *log, struct node **out, enum store_trouble *trouble);
/* Forgets everything, tells nobody: for a crash, or after node_leave. NULL is fine. */
void node_destroy(struct node *node);
/* Says goodbye on every link; pull datagrams once more, then destroy. */
void node_leave(struct node *node, instant now);
enum store_trouble node_trouble(const struct node *node); /* STORE_FINE while it runs */

/* --- the five verbs
 * -------------------------------------------------------------------------------- */

struct datagrams { /* a run of datagrams to one address, each `segment` bytes, the last maybe
                      shorter */
    struct address to;
    struct bytes bytes; /* valid until the next call */
    size_t segment;
};

struct node_event { /* durable ones are store events; link changes are also told as they happen */
    bool of_dht;    /* `dht`: never kept, and all it points to valid until the next call */
    struct store_event event;
    struct dht_event dht;
};

void node_receive(struct node *node, instant now, const struct address *from,
                  struct bytes datagram);
void node_advance(struct node *node, instant now);
bool node_next_datagrams(struct node *node, instant now, struct datagrams *out);
bool node_next_event(struct node *node, instant now,
                     struct node_event *out); /* settled, in order of seq */
instant node_deadline(const struct node *node);

/* Makes everything so far durable. The host calls it before it lets answers of commands out. */
enum fault node_settle(struct node *node);
/* Our addresses changed (the host saw it): links move, and those who wait are dialled again. */
void node_moved(struct node *node, instant now);

/* --- commands: thin, typed; what they answer is settled by node_settle
 * ---------------------------------- */

enum answer node_identity_make(struct node *node, instant now, const char *name);
struct node_identity {
    char name[STORE_NAME_MAX_BYTES + 1];
    struct card card;
    instant made;
};
enum answer node_identity(struct node *node, struct node_identity *out);

/* WHO is a contact's name (without case) or a card. */
struct node_contact {
    struct store_contact row;
    struct store_address at[STORE_ADDRESSES_MAX];
    size_t at_count;
    bool online, dialling;
    struct address online_at; /* when online */
    duration rtt;             /* smoothed; 0: unknown */
    struct chat_safety safety;
};
enum answer node_contact_add(struct node *node, instant now, const char *card, const char *name,
                             const struct address *at, size_t at_count, struct node_contact *out);
enum answer node_contact_find(struct node *node, const char *who, struct node_contact *out);
enum answer node_contact_get(struct node *node, int64_t contact, struct node_contact *out);
enum answer node_contact_next(struct node *node, int64_t after, struct node_contact *out);
enum answer node_contact_rename(struct node *node, instant now, int64_t contact, const char *name);
enum answer node_contact_reach(struct node *node, instant now, int64_t contact,
                               const struct address *at,
                               size_t at_count); /* adds fixed addresses */
enum answer node_contact_remove(struct node *node, instant now, int64_t contact);
/* The number both can compare, and what came of it: see chat_number, chat_judge. */
enum answer node_contact_number(struct node *node, int64_t contact, char out[SAFETY_DIGITS + 1]);
enum answer node_contact_judge(struct node *node, instant now, int64_t contact, bool matches);

/* Invitations: for one guest each. `name` is for who comes, or for the host; `introduced` is what
   we call ourselves to the other; both may be empty. Wipe what comes out: it may hold the link. */
struct node_invitation {
    struct store_invitation row; /* without its secret */
    bool has_link;               /* ours, and open: what one gives to the guest */
    struct card link;
    /* What we left in the DHT, on so many nodes; when we looked for the other's; when it was
       written. 0: not yet. */
    instant told, looked, heard;
    size_t told_on;
};
enum answer node_invite(struct node *node, instant now, const char *name, const char *introduced,
                        instant ends, struct node_invitation *out);
/* row.contact is the host, a contact from now on. */
enum answer node_join(struct node *node, instant now, const char *link, const char *name,
                      const char *introduced, struct node_invitation *out);
enum answer node_invitation_get(struct node *node, int64_t row, struct node_invitation *out);
enum answer node_invitation_next(struct node *node, int64_t after, struct node_invitation *out);
enum answer node_invitation_close(struct node *node, instant now, int64_t row);

/* Spoken words, which hold for an hour and while both run: see meet_spoken_host. `stretched` is
   what words_stretch made of them, which takes long: beside the loop. */
enum answer node_spoken_host(struct node *node, instant now, int64_t row,
                             const uint8_t stretched[WORDS_KEY_BYTES]);
enum answer node_spoken_guest(struct node *node, instant now,
                              const uint8_t stretched[MEET_SPOKEN_HOURS * WORDS_KEY_BYTES],
                              const char *name, const char *introduced);
enum answer node_spoken_look(const struct node *node, instant now, struct meet_spoken *out);

/* `request_key` NULL or a client's own text: repeating it returns the first answer. */
enum answer node_message_send(struct node *node, instant now, int64_t contact, struct bytes text,
                              const char *request_key, struct store_message *out);
/* By id, or the start of one in base 32 (4 characters or more). */
enum answer node_message_find(struct node *node, const char *id, struct store_message *out);
enum answer node_message_get(struct node *node, int64_t row, struct store_message *out);
enum answer node_message_step(struct node *node, int64_t contact, const struct store_place_in *at,
                              bool backwards, bool unread, struct store_message *out);
enum answer node_mark_read(struct node *node, instant now, int64_t contact,
                           const struct store_place_in *until);
enum answer node_chat(struct node *node, int64_t contact, struct store_chat *out);
/* Ids as people see them: chat_message_name. */
void node_message_name(char out[MESSAGE_NAME_CHARS + 1], const uint8_t id[MESSAGE_ID_BYTES]);

/* Why a message is where it is: facts, newest attempt last. */
#define NODE_ATTEMPTS 8
struct node_attempt {
    struct address address;
    bool door;
    instant started, ended; /* ended 0: still going on */
    const char *outcome;    /* "connected", "no answer", ... ; NULL while going on */
};
struct node_why {
    struct store_message message;
    struct store_owed owed;      /* row 0: nothing is owed any more */
    bool online, sent;           /* sent: on the present link, not acknowledged yet */
    size_t ahead;                /* messages to the same contact that go first */
    instant last_seen, next_try; /* next_try NEVER: nothing to dial */
    struct node_attempt attempts[NODE_ATTEMPTS];
    size_t attempt_count, address_count;
    /* What we left for the contact in the DHT, on so many nodes; when we looked for his; when he
       wrote it. 0: not yet. */
    instant told, looked, heard;
    size_t told_on;
    bool our_ports_change, their_ports_change; /* a router makes another for each connection */
};
enum answer node_why(struct node *node, instant now, int64_t message, struct node_why *out);

/* What may keep people apart, for `doctor`. */
enum node_router { /* between us and the others, as far as their answers tell */
                   ROUTER_UNKNOWN,
                   ROUTER_NONE,
                   ROUTER_STEADY,   /* it shows all of them one port: two such can meet */
                   ROUTER_CHANGING, /* it makes another for each of them */
};
struct node_health {
    enum node_router router;
    struct meet_clock clock;
    size_t nearby; /* clients heard on the local networks within 10 minutes */
};
void node_health(const struct node *node, instant now, struct node_health *out);

struct node_status {
    size_t contacts, online, dialling, owed, links;
    uint64_t newest_event, oldest_event;
    uint64_t unreadable; /* cells nothing could open, since the start */
};
enum answer node_status(struct node *node, struct node_status *out);
enum answer node_event_after(struct node *node, uint64_t since, struct store_event *out);
enum answer node_consumer_set(struct node *node, const char *name, uint64_t seq);
enum answer node_consumer_get(struct node *node, const char *name, uint64_t *seq);

/* --- the DHT: see engine/dht/dht.h
 * ---------------------------------------------------------------- */

/* Searches of people and their programs; what comes of them are events. GONE: it runs none, because
   it was told so, or has no identity yet. */
enum fault node_dht_begin(struct node *node, instant now, const struct dht_request *request,
                          dht_op *out);
void node_dht_cancel(struct node *node, dht_op op);
void node_dht_try(struct node *node, instant now, enum dht_source source, const struct address *at,
                  size_t count);
/* Where our own network says that we can be reached, sockets with their ports: contacts are told,
   and what others see of us as well. */
#define NODE_LISTENS_MAX 8
void node_listens(struct node *node, instant now, const struct address *at, size_t count);
/* Where nodes of a local network call each other (BEP 14): the host sends what goes there on all
   its interfaces, and brings what was heard there, and nothing else, by node_hear_nearby. */
struct address node_nearby_group(void);
void node_hear_nearby(struct node *node, instant now, const struct address *from,
                      struct bytes datagram);
/* All zero where none runs. */
void node_dht_status(const struct node *node, instant now, struct dht_status *out);
/* Of a bare node, which has no store; others keep their nodes themselves. */
size_t node_dht_save(const struct node *node, uint8_t out[DHT_SAVED_MAX_BYTES]);
enum fault node_dht_restore(struct node *node, instant now, struct bytes saved);

#endif
