#include "engine/chat/message.h"

#include "base/text.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <string.h>

#define MESSAGE_VERSION   1
#define MESSAGE_KIND_TEXT 1
/* A clock beyond the year 2248 is no clock; in nanoseconds it still fits 63 bits. */
#define WRITTEN_MAX_MS ((uint64_t)1 << 43)

static bool ascending(const struct message *message)
{
    for (size_t i = 1; i < message->parent_count; i++)
        if (memcmp(message->parents[i - 1], message->parents[i], MESSAGE_ID_BYTES) >= 0)
            return false;
    return true;
}

static bool sensible(const struct message *message)
{
    if (!ascending(message) || message->written_ms > WRITTEN_MAX_MS)
        return false;
    /* The first message of a conversation, and no other, has no parents and height 1. */
    if (message->height == 0 || (message->parent_count == 0) != (message->height == 1))
        return false;
    return message->text.size > 0 && text_is_utf8(message->text);
}

enum fault message_read(struct message *out, struct bytes wire)
{
    struct cursor in = cursor_over(wire);
    uint8_t version, kind, parents;
    if (!cursor_take_u8(&in, &version) || !cursor_take_u8(&in, &kind))
        return FAULT_PEER;
    if (version != MESSAGE_VERSION || kind != MESSAGE_KIND_TEXT)
        return FAULT_GONE;
    cursor_take(&in, out->conversation, sizeof out->conversation);
    cursor_take_u64(&in, &out->height);
    cursor_take_u64(&in, &out->written_ms);
    if (!cursor_take_u8(&in, &parents) || parents > STORE_PARENTS_MAX)
        return FAULT_PEER;
    out->parent_count = parents;
    for (size_t i = 0; i < out->parent_count; i++)
        cursor_take(&in, out->parents[i], MESSAGE_ID_BYTES);
    cursor_view_u32(&in, CHAT_TEXT_MAX_BYTES, &out->text);
    return cursor_done(&in) && sensible(out) ? FAULT_NONE : FAULT_PEER;
}

size_t message_size(const struct message *message)
{
    return MESSAGE_FIXED_BYTES + message->parent_count * MESSAGE_ID_BYTES + message->text.size;
}

void message_write(const struct message *message, struct cursor *out)
{
    assert(message->parent_count <= STORE_PARENTS_MAX && ascending(message));
    assert(message->text.size <= CHAT_TEXT_MAX_BYTES);
    cursor_put_u8(out, MESSAGE_VERSION);
    cursor_put_u8(out, MESSAGE_KIND_TEXT);
    cursor_put(out, message->conversation, sizeof message->conversation);
    cursor_put_u64(out, message->height);
    cursor_put_u64(out, message->written_ms);
    cursor_put_u8(out, (uint8_t)message->parent_count);
    for (size_t i = 0; i < message->parent_count; i++)
        cursor_put(out, message->parents[i], MESSAGE_ID_BYTES);
    cursor_put_u32_bytes(out, message->text);
    assert(cursor_good(out));
}

void message_id(uint8_t out[MESSAGE_ID_BYTES], const uint8_t author[32], struct bytes wire)
{
    hash_parts(out, MESSAGE_ID_BYTES, (struct bytes){ 0 }, "ramage/chat/message/v1",
               (struct bytes[]){ { author, 32 }, wire }, 2);
}

void conversation_id(uint8_t out[CONVERSATION_ID_BYTES], const uint8_t one[32],
                     const uint8_t other[32])
{
    bool swap = memcmp(one, other, 32) > 0;
    hash_parts(out, CONVERSATION_ID_BYTES, (struct bytes){ 0 }, "ramage/chat/pair/v1",
               (struct bytes[]){ { swap ? other : one, 32 }, { swap ? one : other, 32 } }, 2);
}
