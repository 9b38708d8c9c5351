#include "engine/chat/record.h"

#include <assert.h>
#include <string.h>

#define RECORD_VERSION 2

static bool lists_good(struct bytes lists)
{
    struct cursor in = cursor_over(lists);
    struct bytes list;
    size_t count = 0;
    while (lists_next(&in, &list))
        count++;
    return cursor_done(&in) && count > 0 && count <= RECORD_LISTS_SHOWN;
}

enum fault record_read(struct record *out, struct bytes wire)
{
    struct cursor in = cursor_over(wire);
    uint8_t version, count;
    if (!cursor_take_u8(&in, &version) || version != RECORD_VERSION)
        return FAULT_PEER;
    cursor_view(&in, CERTIFICATE_BYTES, &out->certificate);
    cursor_view_u16(&in, STORE_LIST_MAX_BYTES, &out->lists);
    cursor_view(&in, BUNDLE_BYTES, &out->bundle);
    if (!cursor_take_u8(&in, &count) || count > STORE_ONE_TIME_MAX)
        return FAULT_PEER;
    out->one_time_count = count;
    for (size_t i = 0; i < out->one_time_count; i++)
        cursor_view(&in, BUNDLE_BYTES, &out->one_time[i]);
    return cursor_done(&in) && lists_good(out->lists) ? FAULT_NONE : FAULT_PEER;
}

void record_write(const struct record *record, struct cursor *out)
{
    assert(record->certificate.size == CERTIFICATE_BYTES && record->bundle.size == BUNDLE_BYTES);
    assert(record->one_time_count <= STORE_ONE_TIME_MAX && lists_good(record->lists));
    cursor_put_u8(out, RECORD_VERSION);
    cursor_put_bytes(out, record->certificate);
    cursor_put_u16_bytes(out, record->lists);
    cursor_put_bytes(out, record->bundle);
    cursor_put_u8(out, (uint8_t)record->one_time_count);
    for (size_t i = 0; i < record->one_time_count; i++)
        cursor_put_bytes(out, record->one_time[i]);
    assert(cursor_good(out));
}

bool lists_next(struct cursor *in, struct bytes *list)
{
    return cursor_left(in) > 0 && cursor_view_u16(in, DEVICES_MAX_BYTES, list);
}

struct bytes lists_add(uint8_t memory[STORE_LIST_MAX_BYTES], struct bytes lists, struct bytes list)
{
    struct cursor in = cursor_over(lists);
    struct bytes first;
    size_t count = 0, from = 0;
    assert(list.size <= DEVICES_MAX_BYTES);
    while (lists_next(&in, &first))
        count++;
    in = cursor_over(lists);
    while (count >= RECORD_LISTS_SHOWN ||
           lists.size - from + 2 + list.size > STORE_LIST_MAX_BYTES) {
        bool more = lists_next(&in, &first);
        assert(more);
        from = in.at;
        count--;
    }
    memmove(memory, lists.data + from, lists.size - from);
    struct cursor out = cursor_into(memory, STORE_LIST_MAX_BYTES);
    out.at = lists.size - from;
    cursor_put_u16_bytes(&out, list);
    assert(cursor_good(&out));
    return cursor_written(&out);
}

enum fault lists_newest(struct bytes lists, struct devices *out, struct bytes *wire)
{
    struct cursor in = cursor_over(lists);
    *wire = (struct bytes){ 0 };
    while (lists_next(&in, wire))
        continue;
    if (wire->size == 0 || !cursor_done(&in))
        return FAULT_PEER;
    return devices_read(out, *wire);
}
