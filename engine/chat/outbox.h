/* What is still owed to whom, until it is acknowledged: the states that never lie.

   The store knows what is owed; here is only what the present links have carried: per device that
   is up, how far we have come and which acknowledgements wait. A link that ends takes that with it,
   and the next one starts again from the first message not acknowledged. */
#ifndef CHAT_OUTBOX_H
#define CHAT_OUTBOX_H

#include "engine/chat/room.h"

struct outbox;
struct outbox *outbox_create(void);
void outbox_destroy(struct outbox *outbox);

/* A device that is up. */
struct peer {
    struct list link;  /* of the outbox */
    struct list ready; /* of those that may have something to send */
    int64_t contact, device;
    uint8_t account[32]; /* theirs */
    uint8_t conversation[CONVERSATION_ID_BYTES];
    int64_t sent;        /* outbox row carried last; 0: none yet */
    int64_t sent_before; /* the same before the last wish, in case it is not taken */
    size_t flying;       /* messages carried and not acknowledged */
    bool busy;           /* their link takes nothing until it says so */
    uint8_t (*acks)[MESSAGE_ID_BYTES];
    size_t ack_count, ack_room;
    size_t acks_wished; /* of them, carried by the last wish */
};

struct peer *outbox_peer(const struct outbox *outbox, int64_t device); /* NULL: not up */
struct peer *outbox_peer_of(const struct outbox *outbox, int64_t contact);
/* `conversation` is ours with that account. */
void outbox_up(struct outbox *outbox, const struct news *news, const uint8_t account[32],
               const uint8_t conversation[CONVERSATION_ID_BYTES]);
void outbox_down(struct outbox *outbox, int64_t device);
void outbox_busy(struct outbox *outbox, int64_t device);
void outbox_writable(struct outbox *outbox, int64_t device);
void outbox_written(struct outbox *outbox, int64_t contact); /* something new is owed */
void outbox_acknowledge(struct outbox *outbox, struct peer *peer,
                        const uint8_t id[MESSAGE_ID_BYTES]);

/* Ends what is owed of one message, with its event. FAULT_GONE: nothing was owed. */
enum fault outbox_end(struct chat *chat, instant now, const struct store_owed *owed,
                      enum message_state state, enum message_failure failure);

#endif
