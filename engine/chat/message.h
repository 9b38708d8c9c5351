/* The canonical form of a message: the bytes its id is made of. docs/protocol.md, "Messages".

   version u8 = 1 | kind u8 = 1 (text) | conversation 32 | height u64 | written u64 (ms since 1970,
   the author's clock) | parents u8 (0 to 8) | each 32, strictly ascending | u32 text
   id: H("ramage/chat/message/v1"; author's account key, these bytes) */
#ifndef CHAT_MESSAGE_H
#define CHAT_MESSAGE_H

#include "engine/chat/chat.h"

#define MESSAGE_FIXED_BYTES (2 + 32 + 8 + 8 + 1 + 4) /* without parents and text */
#define MESSAGE_MAX_BYTES                                                                          \
    (MESSAGE_FIXED_BYTES + STORE_PARENTS_MAX * MESSAGE_ID_BYTES + CHAT_TEXT_MAX_BYTES)

struct message {
    uint8_t conversation[CONVERSATION_ID_BYTES];
    uint64_t height, written_ms;
    uint8_t parents[STORE_PARENTS_MAX][MESSAGE_ID_BYTES];
    size_t parent_count;
    struct bytes text; /* a view into what was read */
};

/* FAULT_GONE: a version or kind of a later release. FAULT_PEER: not canonical. */
enum fault message_read(struct message *out, struct bytes wire);
/* A message beyond a limit is our bug; so is a cursor without room for it. */
void message_write(const struct message *message, struct cursor *out);
size_t message_size(const struct message *message); /* bytes that message_write will write */

void message_id(uint8_t out[MESSAGE_ID_BYTES], const uint8_t author[32], struct bytes wire);
void conversation_id(uint8_t out[CONVERSATION_ID_BYTES], const uint8_t one[32],
                     const uint8_t other[32]); /* the same for both */

#endif
