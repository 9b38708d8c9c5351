/* The inside of chat, shared by its files only. */
#ifndef CHAT_ROOM_H
#define CHAT_ROOM_H

#include "base/list.h"
#include "base/map.h"
#include "engine/chat/chat.h"
#include "engine/chat/frame.h"

struct chat {
    struct store *store;
    struct log *log;
    uint8_t account[32];
    struct outbox *outbox;
    struct frame frame;              /* the one being read or written; no call keeps it */
    uint8_t memory[FRAME_MAX_BYTES]; /* what was written last: the last wish points into it */
};

/* Adds an event; every change a client may see has one. */
enum fault chat_tell(struct chat *chat, instant now, enum event_kind kind, int64_t contact,
                     int64_t message, int64_t detail);
/* FAULT_DISK becomes ANSWER_DISK; anything else is the caller's to translate first. */
enum answer answer_of(enum fault fault);

#endif
