#include "engine/chat/frame.h"

#include "base/text.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <string.h>

#define MESSAGE_VERSION   1
#define MESSAGE_KIND_TEXT 1
/* A clock beyond the year 2248 is no clock; in nanoseconds it still fits 63 bits. */
#define WRITTEN_MAX_MS ((uint64_t)1 << 43)

static bool ascending(const struct frame *frame)
{
    for (size_t i = 1; i < frame->parent_count; i++)
        if (memcmp(frame->parents[i - 1], frame->parents[i], MESSAGE_ID_BYTES) >= 0)
            return false;
    return true;
}

static enum fault read_message(struct frame *out, struct cursor *in)
{
    uint8_t version, kind, parents;
    out->message = (struct bytes){ in->read + in->at, cursor_left(in) };
    if (!cursor_take_u8(in, &version) || !cursor_take_u8(in, &kind))
        return FAULT_PEER;
    if (version != MESSAGE_VERSION || kind != MESSAGE_KIND_TEXT)
        return FAULT_GONE;
    cursor_take(in, out->conversation, sizeof out->conversation);
    cursor_take_u64(in, &out->height);
    cursor_take_u64(in, &out->written_ms);
    if (!cursor_take_u8(in, &parents) || parents > STORE_PARENTS_MAX)
        return FAULT_PEER;
    out->parent_count = parents;
    for (size_t i = 0; i < out->parent_count; i++)
        cursor_take(in, out->parents[i], MESSAGE_ID_BYTES);
    cursor_view_u32(in, STORE_TEXT_MAX_BYTES, &out->text);
    if (!cursor_done(in) || !ascending(out) || out->written_ms > WRITTEN_MAX_MS)
        return FAULT_PEER;
    /* The first message of a conversation, and no other, has no parents and height 1. */
    if (out->height == 0 || (out->parent_count == 0) != (out->height == 1))
        return FAULT_PEER;
    if (out->text.size == 0 || !text_is_utf8(out->text))
        return FAULT_PEER;
    return FAULT_NONE;
}

static enum fault read_ack(struct frame *out, struct cursor *in)
{
    uint16_t count;
    if (!cursor_take_u16(in, &count) || count == 0 || count > FRAME_ACKS_MAX)
        return FAULT_PEER;
    out->id_count = count;
    for (size_t i = 0; i < out->id_count; i++)
        cursor_take(in, out->ids[i], MESSAGE_ID_BYTES);
    return cursor_done(in) ? FAULT_NONE : FAULT_PEER;
}

enum fault frame_read(struct frame *out, struct bytes wire)
{
    struct cursor in = cursor_over(wire);
    uint8_t kind;
    if (wire.size > FRAME_MAX_BYTES || !cursor_take_u8(&in, &kind))
        return FAULT_PEER;
    out->kind = kind;
    switch (kind) {
    case FRAME_MESSAGE:
        return read_message(out, &in);
    case FRAME_ACK:
        return read_ack(out, &in);
    default:
        return FAULT_GONE;
    }
}

static void write_message(struct frame *frame, struct cursor *out)
{
    assert(frame->parent_count <= STORE_PARENTS_MAX && ascending(frame));
    size_t start = out->at;
    cursor_put_u8(out, MESSAGE_VERSION);
    cursor_put_u8(out, MESSAGE_KIND_TEXT);
    cursor_put(out, frame->conversation, sizeof frame->conversation);
    cursor_put_u64(out, frame->height);
    cursor_put_u64(out, frame->written_ms);
    cursor_put_u8(out, (uint8_t)frame->parent_count);
    for (size_t i = 0; i < frame->parent_count; i++)
        cursor_put(out, frame->parents[i], MESSAGE_ID_BYTES);
    cursor_put_u32_bytes(out, frame->text);
    frame->message = (struct bytes){ out->read + start, out->at - start };
}

struct bytes frame_write(struct frame *frame, uint8_t memory[FRAME_MAX_BYTES])
{
    struct cursor out = cursor_into(memory, FRAME_MAX_BYTES);
    cursor_put_u8(&out, (uint8_t)frame->kind);
    if (frame->kind == FRAME_MESSAGE) {
        write_message(frame, &out);
    } else {
        assert(frame->id_count > 0 && frame->id_count <= FRAME_ACKS_MAX);
        cursor_put_u16(&out, (uint16_t)frame->id_count);
        cursor_put(&out, frame->ids, frame->id_count * MESSAGE_ID_BYTES);
    }
    assert(cursor_good(&out));
    return cursor_written(&out);
}

void message_id(uint8_t out[MESSAGE_ID_BYTES], const uint8_t author[32], struct bytes message)
{
    hash_parts(out, MESSAGE_ID_BYTES, (struct bytes){ 0 }, "ramage/chat/message/v1",
               (struct bytes[]){ { author, 32 }, message }, 2);
}

void conversation_id(uint8_t out[CONVERSATION_ID_BYTES], const uint8_t one[32],
                     const uint8_t other[32])
{
    bool swap = memcmp(one, other, 32) > 0;
    hash_parts(out, CONVERSATION_ID_BYTES, (struct bytes){ 0 }, "ramage/chat/pair/v1",
               (struct bytes[]){ { swap ? other : one, 32 }, { swap ? one : other, 32 } }, 2);
}
