/* The frames two devices exchange, and the canonical form of a message (docs/protocol.md,
   "Frames").

   message: version u8 = 1 | kind u8 = 1 (text) | conversation 32 | height u64 | written u64 (ms
   since 1970, the author's clock) | parents u8 (0 to 8) | each 32, strictly ascending | u32 text
   id:      BLAKE2b-256 (label "ramage/chat/message/v1") over the author's account key and these
   bytes frame:   u8 kind, then MESSAGE: one message; ACK: u16 count (1 to 256), ids of 32 */
#ifndef CHAT_FRAME_H
#define CHAT_FRAME_H

#include "engine/store/store.h"

#define FRAME_ACKS_MAX 256
#define FRAME_MESSAGE_BYTES                                                                        \
    (2 + 32 + 8 + 8 + 1 + STORE_PARENTS_MAX * 32 + 4) /* without the text                          \
                                                       */
#define FRAME_MAX_BYTES (1 + FRAME_MESSAGE_BYTES + STORE_TEXT_MAX_BYTES)

enum frame_kind { FRAME_MESSAGE = 1, FRAME_ACK = 2 };

struct frame {
    enum frame_kind kind;
    /* MESSAGE */
    uint8_t conversation[CONVERSATION_ID_BYTES];
    uint64_t height, written_ms;
    uint8_t parents[STORE_PARENTS_MAX][MESSAGE_ID_BYTES];
    size_t parent_count;
    struct bytes text;    /* a view into what was read */
    struct bytes message; /* the canonical bytes the id is made of; set by reading and writing */
    /* ACK */
    uint8_t ids[FRAME_ACKS_MAX][MESSAGE_ID_BYTES];
    size_t id_count;
};

/* FAULT_GONE: a kind of a later version, to be passed over. FAULT_PEER: not canonical. */
enum fault frame_read(struct frame *out, struct bytes wire);
/* Into memory of FRAME_MAX_BYTES; a frame beyond a limit is our bug. */
struct bytes frame_write(struct frame *frame, uint8_t memory[FRAME_MAX_BYTES]);

void message_id(uint8_t out[MESSAGE_ID_BYTES], const uint8_t author[32], struct bytes message);
void conversation_id(uint8_t out[CONVERSATION_ID_BYTES], const uint8_t one[32],
                     const uint8_t other[32]); /* the same for both */

#endif
