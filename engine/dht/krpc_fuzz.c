/* Whatever we can read we can write, canonically, and that reads and is written as the same; but a
   value goes on as it came. What is refused has what an answer needs. Lists are walked to an end.
   The datagram stands alone in its memory, so whoever reads past it is seen. */
#include "engine/dht/bencode.h"
#include "engine/dht/krpc.h"

#include <assert.h>
#include <string.h>

#define INPUT_MAX_BYTES  (1 << 15)
#define OUTPUT_MAX_BYTES (1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct krpc *message)
{
    struct bytes nodes = message->nodes, nodes6 = message->nodes6, values = message->values;
    struct dht_node node;
    struct address peer;
    while (krpc_next_node(&nodes, false, &node))
        assert(node.at.port != 0 && address_is_ipv4(&node.at));
    while (krpc_next_node(&nodes6, true, &node))
        assert(node.at.port != 0 && !address_is_ipv4(&node.at));
    while (krpc_next_value(&values, &peer))
        assert(peer.port != 0);
    assert(nodes.size == 0 && nodes6.size == 0 && values.size == 0);
}

/* As it lies inside a message: two dictionaries around it count for its depth. */
static bool is_canonical_inside(struct bytes value)
{
    static uint8_t memory[OUTPUT_MAX_BYTES];
    struct cursor out = cursor_into(memory, sizeof memory);
    cursor_put(&out, "ll", 2);
    cursor_put_bytes(&out, value);
    cursor_put(&out, "ee", 2);
    return bencode_is_canonical(cursor_written(&out));
}

static void write_again(const struct krpc *message)
{
    static uint8_t first[OUTPUT_MAX_BYTES], second[OUTPUT_MAX_BYTES];
    struct krpc again;
    size_t size = krpc_encode(message, first, sizeof first);
    struct bytes wire = { first, size };
    assert(size > 0);
    assert(bencode_is_canonical(wire) == is_canonical_inside(message->value));
    assert(krpc_decode(wire, &again) == KRPC_READ && again.kind == message->kind);
    assert(krpc_encode(&again, second, sizeof second) == size);
    assert(memcmp(first, second, size) == 0);
    assert(krpc_encode(message, second, size - 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct krpc message;
    if (size > INPUT_MAX_BYTES)
        return 0;
    enum krpc_read read = krpc_decode((struct bytes){ data, size }, &message);
    if (read == KRPC_SILENT)
        return 0;
    assert(message.tid.size <= KRPC_TID_MAX);
    assert(message.tid.size == 0 ||
           (message.tid.data > data && message.tid.data + message.tid.size < data + size));
    if (read == KRPC_REFUSE) {
        assert(message.kind == KRPC_QUERY && message.code == 203 && message.text.size > 0);
        return 0;
    }
    walk(&message);
    if (message.kind != KRPC_QUERY || message.method != KRPC_UNKNOWN)
        write_again(&message);
    return 0;
}
