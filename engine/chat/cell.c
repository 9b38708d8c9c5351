#include "engine/chat/cell.h"

#include <assert.h>
#include <string.h>

static const size_t classes[] = { CELL_SMALL_BYTES, CELL_LEAST_BYTES, 16384, CELL_MAX_BYTES };

size_t cell_class(size_t bytes, size_t least)
{
    for (size_t i = 0; i < COUNT(classes); i++)
        if (classes[i] >= least && classes[i] >= bytes)
            return classes[i];
    return 0;
}

bool cell_size_good(size_t size)
{
    return size > 0 && cell_class(size, 0) == size;
}

/* --- start cells ------------------------------------------------------------------------------ */

enum fault cell_read_start(struct cell_start *out, struct bytes cell)
{
    struct cursor in = cursor_over(cell);
    uint8_t version;
    if (!cell_size_good(cell.size) || cell.size < CELL_LEAST_BYTES ||
        !cursor_take_u8(&in, &version) || version != CELL_START_VERSION)
        return FAULT_PEER;
    cursor_take(&in, out->bundle, sizeof out->bundle);
    if (!cursor_view_u16(&in, START_LARGE_BYTES, &out->start) ||
        (out->start.size != START_SMALL_BYTES && out->start.size != START_LARGE_BYTES))
        return FAULT_PEER;
    cursor_view(&in, cursor_left(&in), &out->sealed);
    return cursor_done(&in) ? FAULT_NONE : FAULT_PEER;
}

void cell_write_start(struct cursor *out, const uint8_t bundle[BUNDLE_ID_BYTES], struct bytes start)
{
    cursor_put_u8(out, CELL_START_VERSION);
    cursor_put(out, bundle, BUNDLE_ID_BYTES);
    cursor_put_u16_bytes(out, start);
    assert(cursor_good(out));
}

/* --- content ---------------------------------------------------------------------------------- */

void content_begin(struct cursor *out, const struct content_head *head)
{
    list_head_write(out, &head->ours);
    list_head_write(out, &head->theirs);
    cursor_put(out, head->pair, sizeof head->pair);
}

void content_put(struct cursor *out, enum item_kind kind, struct bytes bytes)
{
    cursor_put_u8(out, (uint8_t)kind);
    cursor_put_u16_bytes(out, bytes);
    assert(cursor_good(out));
}

void content_put_acks(struct cursor *out, const struct ack_run *runs, size_t count)
{
    cursor_put_u8(out, ITEM_ACK);
    cursor_put_u16(out, (uint16_t)(count * ACK_RUN_BYTES));
    for (size_t i = 0; i < count; i++) {
        assert(runs[i].count > 0 && runs[i].count <= ACK_RUN_MAX);
        cursor_put(out, runs[i].chain, sizeof runs[i].chain);
        cursor_put_u32(out, runs[i].first);
        cursor_put_u16(out, runs[i].count);
    }
    assert(count > 0 && cursor_good(out));
}

void content_end(struct cursor *out)
{
    assert(cursor_good(out));
    memset(out->write + out->at, 0, cursor_left(out));
    out->at = out->size;
}

bool ack_run_next(struct cursor *in, struct ack_run *out)
{
    if (cursor_left(in) == 0)
        return false;
    cursor_take(in, out->chain, sizeof out->chain);
    cursor_take_u32(in, &out->first);
    cursor_take_u16(in, &out->count);
    return cursor_good(in);
}

static bool acks_good(struct bytes bytes)
{
    struct cursor in = cursor_over(bytes);
    struct ack_run run;
    while (ack_run_next(&in, &run))
        if (run.count == 0 || run.count > ACK_RUN_MAX ||
            run.first > RATCHET_NUMBER_LIMIT - run.count)
            return false;
    return bytes.size > 0 && cursor_done(&in);
}

static bool item_good(const struct item *item)
{
    switch (item->kind) {
    case ITEM_MESSAGE:
        return item->bytes.size > 0;
    case ITEM_ACK:
        return acks_good(item->bytes);
    case ITEM_TOMBSTONE:
        return item->bytes.size == 32;
    case ITEM_END:
        break;
    }
    return false;
}

static bool all_zero(struct bytes bytes)
{
    uint8_t all = 0;
    for (size_t i = 0; i < bytes.size; i++)
        all |= bytes.data[i];
    return all == 0;
}

bool content_next(struct cursor *items, struct item *out)
{
    uint8_t kind;
    if (cursor_left(items) == 0 || items->read[items->at] == ITEM_END)
        return false;
    cursor_take_u8(items, &kind);
    out->kind = kind;
    return cursor_view_u16(items, UINT16_MAX, &out->bytes);
}

enum fault content_read(struct bytes content, struct content_head *head, struct cursor *items)
{
    struct cursor in = cursor_over(content);
    struct item item;
    if (!list_head_read(&in, &head->ours) || !list_head_read(&in, &head->theirs) ||
        !cursor_take(&in, head->pair, sizeof head->pair))
        return FAULT_PEER;
    size_t runs = 0;
    *items = in;
    while (content_next(&in, &item)) {
        if (!item_good(&item))
            return FAULT_PEER;
        runs += item.kind == ITEM_ACK ? item.bytes.size / ACK_RUN_BYTES : 0;
    }
    if (runs > ACK_RUNS_MAX) /* each has to be looked for */
        return FAULT_PEER;
    struct bytes rest = { in.read + in.at, in.size - in.at };
    return cursor_good(&in) && all_zero(rest) ? FAULT_NONE : FAULT_PEER;
}
