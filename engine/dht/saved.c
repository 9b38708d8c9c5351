#include "engine/dht/saved.h"

#include "engine/dht/krpc.h"

#include <assert.h>

#define SAVED_VERSION 1

size_t saved_write(const struct saved *saved, uint8_t out[DHT_SAVED_MAX_BYTES])
{
    struct cursor to = cursor_into(out, DHT_SAVED_MAX_BYTES);
    cursor_put_u8(&to, SAVED_VERSION);
    cursor_put(&to, saved->self, sizeof saved->self);
    for (size_t family = 0; family < 2; family++)
        cursor_put_u16(&to, (uint16_t)saved->count[family]);
    for (size_t family = 0; family < 2; family++)
        for (size_t i = 0; i < saved->count[family]; i++)
            krpc_put_node(&to, &saved->nodes[family][i]);
    assert(cursor_good(&to));
    return to.at;
}

static bool take_nodes(struct cursor *in, bool ipv6, size_t count, struct dht_node *out)
{
    struct bytes wire;
    if (!cursor_view(in, count * (ipv6 ? 38 : 26), &wire))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!krpc_next_node(&wire, ipv6, &out[i]))
            return false; /* one of them was passed over: no node could be there */
    return true;
}

enum fault saved_read(struct saved *out, struct bytes wire)
{
    struct cursor in = cursor_over(wire);
    uint8_t version;
    uint16_t count[2];
    if (!cursor_take_u8(&in, &version) || version != SAVED_VERSION ||
        !cursor_take(&in, out->self, sizeof out->self) || !cursor_take_u16(&in, &count[0]) ||
        !cursor_take_u16(&in, &count[1]) || count[0] > DHT_SAVED_NODES ||
        count[1] > DHT_SAVED_NODES)
        return FAULT_PEER;
    for (size_t family = 0; family < 2; family++) {
        out->count[family] = count[family];
        if (!take_nodes(&in, family == 1, count[family], out->nodes[family]))
            return FAULT_PEER;
    }
    return cursor_done(&in) ? FAULT_NONE : FAULT_PEER;
}
