/* From what is written to what is sealed, and from that to bytes. */
#ifndef CHAT_SEAL_H
#define CHAT_SEAL_H

#include "engine/chat/outbox.h"

/* Seals as much as may be of what is written for a contact; begins a session if there is none and
   `may_start`. Messages that wait together share cells. */
enum fault seal_written(struct chat *chat, instant now, int64_t contact, bool may_start);
/* The frame that carries an envelope, into chat->frame: the same ratchet step each time, under a
   fresh nonce. Size 0: nothing is owed in it any more. */
struct bytes seal_frame(struct chat *chat, struct sessions *sessions, const struct session *session,
                        const struct store_envelope *envelope, const uint8_t account[32]);
/* A cell without messages: acknowledgements, or nothing. Size 0: that session cannot seal now. */
struct bytes seal_signal(struct chat *chat, instant now, struct sessions *sessions,
                         struct session *session, const struct ack_run *runs, size_t count);
/* True when the session's first message still goes with every cell. */
bool seal_with_start(const struct session *session);

#endif
