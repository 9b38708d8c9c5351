#include "engine/link/stream.h"

#include <assert.h>

#define LENGTH_BYTES 4
/* Told only when half is free again: one event for many writes. */
#define ROOM_AGAIN_BYTES (LINK_QUEUE_MAX_BYTES / 2)

static size_t room_of(struct outlet *outlet)
{
    return outlet->queue.size < LINK_QUEUE_MAX_BYTES ? LINK_QUEUE_MAX_BYTES - outlet->queue.size
                                                     : 0;
}

enum fault outlet_put_frame(struct outlet *outlet, struct bytes frame)
{
    uint8_t length[LENGTH_BYTES];
    struct cursor out = cursor_into(length, sizeof length);
    if (room_of(outlet) < frame.size + LENGTH_BYTES) {
        outlet->hungry = true;
        return FAULT_BUSY;
    }
    cursor_put_u32(&out, (uint32_t)frame.size);
    queue_append(&outlet->queue, BYTES_OF(length));
    queue_append(&outlet->queue, frame);
    return FAULT_NONE;
}

size_t outlet_put(struct outlet *outlet, struct bytes data)
{
    size_t room = room_of(outlet);
    if (data.size > room) {
        data.size = room;
        outlet->hungry = true;
    }
    queue_append(&outlet->queue, data);
    return data.size;
}

void outlet_open(struct outlet *outlet, enum link_stream kind, int64_t id)
{
    uint8_t first = (uint8_t)kind;
    assert(!outlet->opened && outlet->queue.size == 0);
    outlet->id = id;
    outlet->opened = true;
    queue_append(&outlet->queue, (struct bytes){ &first, 1 });
}

bool outlet_has_work(const struct outlet *outlet)
{
    if (!outlet->opened || outlet->blocked || outlet->end_sent)
        return false;
    return outlet->queue.size > outlet->queue.marked || outlet->ended;
}

bool outlet_acknowledged(struct outlet *outlet, size_t size)
{
    queue_drop(&outlet->queue, size);
    if (!outlet->hungry || outlet->queue.size > ROOM_AGAIN_BYTES)
        return false;
    outlet->hungry = false;
    return true;
}

/* --- arriving ------------------------------------------------------------------------------- */

static bool frame_length(const struct inlet *inlet, uint32_t *out)
{
    uint8_t length[LENGTH_BYTES];
    if (!queue_copy(&inlet->queue, length, sizeof length))
        return false;
    struct cursor in = cursor_over(BYTES_OF(length));
    return cursor_take_u32(&in, out);
}

static enum fault take_kind(struct inlet *inlet, struct bytes *data)
{
    if (data->data[0] != LINK_STREAM_FRAMES && data->data[0] != LINK_STREAM_RAW)
        return FAULT_PEER;
    inlet->kind = (enum link_stream)data->data[0];
    data->data++;
    data->size--;
    return FAULT_NONE;
}

enum fault inlet_arrived(struct inlet *inlet, struct bytes data, bool end)
{
    if (data.size > 0 && inlet->kind == 0 && take_kind(inlet, &data) != FAULT_NONE)
        return FAULT_PEER;
    queue_append(&inlet->queue, data);
    if (end && inlet->kind != LINK_STREAM_RAW)
        return FAULT_PEER; /* frames end with the link, never before */
    inlet->ended |= end;
    return inlet_spoilt(inlet) ? FAULT_PEER : FAULT_NONE;
}

bool inlet_spoilt(const struct inlet *inlet)
{
    uint32_t length;
    return inlet->kind == LINK_STREAM_FRAMES && frame_length(inlet, &length) &&
           length > LINK_FRAME_MAX_BYTES;
}

bool inlet_frame(const struct inlet *inlet, uint8_t *scratch, struct bytes *out)
{
    uint32_t length;
    if (inlet->kind != LINK_STREAM_FRAMES || !frame_length(inlet, &length) ||
        inlet->queue.size < LENGTH_BYTES + (size_t)length)
        return false;
    *out = queue_front(&inlet->queue, LENGTH_BYTES + (size_t)length);
    if (out->size < LENGTH_BYTES + (size_t)length) {
        queue_copy(&inlet->queue, scratch, LENGTH_BYTES + (size_t)length);
        *out = (struct bytes){ scratch, LENGTH_BYTES + (size_t)length };
    }
    out->data += LENGTH_BYTES;
    out->size -= LENGTH_BYTES;
    return true;
}

size_t inlet_drop_frame(struct inlet *inlet)
{
    uint32_t length = 0;
    bool whole = frame_length(inlet, &length);
    assert(whole);
    queue_drop(&inlet->queue, LENGTH_BYTES + (size_t)length);
    return LENGTH_BYTES + (size_t)length;
}

bool inlet_readable(const struct inlet *inlet)
{
    uint32_t length;
    if (inlet->kind == LINK_STREAM_FRAMES)
        return frame_length(inlet, &length) && inlet->queue.size >= LENGTH_BYTES + (size_t)length;
    return inlet->queue.size > 0 || (inlet->ended && !inlet->end_told);
}
