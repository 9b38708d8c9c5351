/* Names, addresses and lists, as messages carry them. */
#include "engine/dht/krpc_inside.h"

#include <string.h>

const struct bytes krpc_names[KRPC_UNKNOWN] = {
    [KRPC_PING] = TEXT_OF("ping"),
    [KRPC_FIND_NODE] = TEXT_OF("find_node"),
    [KRPC_GET_PEERS] = TEXT_OF("get_peers"),
    [KRPC_ANNOUNCE_PEER] = TEXT_OF("announce_peer"),
    [KRPC_GET] = TEXT_OF("get"),
    [KRPC_PUT] = TEXT_OF("put"),
    [KRPC_SAMPLE_INFOHASHES] = TEXT_OF("sample_infohashes"),
};

bool krpc_take_address(struct bytes wire, struct address *out)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (wire.size != PEER_IPV4_BYTES && wire.size != PEER_IPV6_BYTES)
        return false;
    size_t size = wire.size - 2;
    memcpy(out->ip, mapped, sizeof mapped);
    memcpy(out->ip + sizeof out->ip - size, wire.data, size);
    out->port = (uint16_t)(wire.data[size] << 8 | wire.data[size + 1]);
    return true;
}

bool krpc_put_address(struct cursor *out, const struct address *at)
{
    bool ipv4 = address_is_ipv4(at);
    return cursor_put(out, ipv4 ? at->ip + 12 : at->ip, ipv4 ? 4 : 16) &&
           cursor_put_u16(out, at->port);
}

/* That a packet may be sent to. */
static bool is_of_a_node(const struct address *at)
{
    static const uint8_t unspecified[16];
    if (at->port == 0 || memcmp(at->ip, unspecified, sizeof unspecified) == 0)
        return false;
    if (!address_is_ipv4(at))
        return at->ip[0] != 0xff;
    return at->ip[12] != 0 && at->ip[12] < 224;
}

bool krpc_next_node(struct bytes *nodes, bool ipv6, struct dht_node *out)
{
    size_t size = ipv6 ? NODE_IPV6_BYTES : NODE_IPV4_BYTES;
    while (nodes->size >= size) {
        memcpy(out->id.bytes, nodes->data, DHT_ID_BYTES);
        krpc_take_address((struct bytes){ nodes->data + DHT_ID_BYTES, size - DHT_ID_BYTES },
                          &out->at);
        nodes->data += size;
        nodes->size -= size;
        /* An IPv4 address in IPv6's clothes would lead into the other overlay. */
        if (is_of_a_node(&out->at) && address_is_ipv4(&out->at) != ipv6)
            return true;
    }
    return false;
}

bool krpc_next_value(struct bytes *values, struct address *out)
{
    struct cursor in = cursor_over(*values);
    struct bencode value;
    bool found = false;
    while (!found && bencode_take(&in, &value))
        found = krpc_take_address(bencode_string(&value), out) && is_of_a_node(out);
    *values = found ? (struct bytes){ in.read + in.at, in.size - in.at } : (struct bytes){ 0 };
    return found;
}

bool krpc_put_node(struct cursor *out, const struct dht_node *node)
{
    return cursor_put(out, node->id.bytes, DHT_ID_BYTES) && krpc_put_address(out, &node->at);
}

bool krpc_put_value(struct cursor *out, const struct address *peer)
{
    uint8_t memory[PEER_IPV6_BYTES];
    struct cursor compact = cursor_into(memory, sizeof memory);
    return krpc_put_address(&compact, peer) && bencode_put_string(out, cursor_written(&compact));
}
