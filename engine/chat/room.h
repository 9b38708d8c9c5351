/* The inside of chat, shared by its files only. */
#ifndef CHAT_ROOM_H
#define CHAT_ROOM_H

#include "base/list.h"
#include "engine/chat/cell.h"
#include "engine/chat/chat.h"

/* Frames of a link begin with their kind. docs/protocol.md, "Acknowledgement". */
enum frame_kind { FRAME_RECORD = 3, FRAME_START = 4, FRAME_CELL = 5 };
#define FRAME_MAX_BYTES (1 + CELL_MAX_BYTES)

struct own;
struct outbox;

struct chat {
    struct store *store;
    struct log *log;
    struct rng *rng;
    uint8_t account[32];
    struct own *own;
    struct outbox *outbox;
    struct list sessions; /* loaded, by device; the one used last stands first */
    uint64_t unreadable;  /* cells nothing could open, since the start */
    bool keys_changed;    /* links are to ask for our keys and record */
    /* No call keeps what is in these. */
    uint8_t frame[FRAME_MAX_BYTES];  /* what was written last: the last wish points into it */
    uint8_t content[CELL_MAX_BYTES]; /* of a cell, in clear */
    uint8_t state[RATCHET_STATE_MAX_BYTES];
};

/* Adds an event; every change a client may see has one. */
enum fault chat_tell(struct chat *chat, instant now, enum event_kind kind, int64_t contact,
                     int64_t message, int64_t detail);
/* FAULT_DISK becomes ANSWER_DISK; anything else is the caller's to translate first. */
enum answer answer_of(enum fault fault);

/* FAULT_GONE becomes ANSWER_NO_CONTACT. */
enum answer contact_found(enum fault fault);

/* device.c. Takes what a device's record says: newer lists and bundles. FAULT_PEER: it is not to
   be believed, and nothing of it was kept. */
enum fault contact_take_record(struct chat *chat, instant now, const struct store_device *device,
                               struct bytes wire);
/* Takes the list of that account that a session start has shown. FAULT_PEER: it does not fit what
   we hold, or does not name that device with that DH. */
enum fault contact_take_list(struct chat *chat, instant now, int64_t contact,
                             const struct devices *list, struct bytes wire,
                             const uint8_t device[KEY_BYTES], const uint8_t dh[KEY_BYTES]);
/* The head of the newest list held of a contact; counter 0: none. */
enum fault contact_head(struct chat *chat, int64_t contact, struct list_head *out);
/* A session was begun anew because one side has lost the one before, or is not who it was. */
enum fault contact_tell_reset(struct chat *chat, instant now, int64_t contact);
/* Is the last one long enough ago? */
bool contact_may_reset(struct chat *chat, instant now, int64_t contact);
/* The account's lists contradict each other: told once. */
enum fault contact_alarm(struct chat *chat, instant now, int64_t contact);

#endif
