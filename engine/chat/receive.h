/* Frames of other devices, taken in. */
#ifndef CHAT_RECEIVE_H
#define CHAT_RECEIVE_H

#include "engine/chat/outbox.h"

/* FAULT_DISK or nothing: whatever else is wrong with it, it is dropped. */
enum fault receive_frame(struct chat *chat, instant now, struct peer *peer, struct bytes frame);

#endif
