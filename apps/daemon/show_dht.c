/* What the DHT says, as JSON. Field names are the table's (rpc/methods.c). */
#include "apps/daemon/inside.h"

#include "base/text.h"

#include <string.h>

#define HEX_MOST_BYTES SIGNATURE_BYTES

void show_hex(json_t *object, const char *name, struct bytes bytes)
{
    char text[2 * HEX_MOST_BYTES + 1];
    rpc_hex_print(bytes, text);
    json_object_set_new(object, name, json_string(text));
}

static double milliseconds(duration time)
{
    return (double)time / (double)MILLISECOND;
}

json_t *show_dht_cost(const struct dht_cost *cost)
{
    json_t *shown = json_pack("{s:i, s:i, s:i, s:f}", "queries", (int)cost->queries, "answers",
                              (int)cost->answers, "rounds", (int)cost->rounds, "took_ms",
                              milliseconds(cost->took));
    if (cost->first != 0)
        json_object_set_new(shown, "first_ms", json_real(milliseconds(cost->first)));
    return shown;
}

json_t *show_dht_node(const struct dht_node *node)
{
    json_t *shown = json_object();
    show_hex(shown, "id", BYTES_OF(node->id.bytes));
    json_object_set_new(shown, "at", show_address(&node->at));
    return shown;
}

/* --- items ------------------------------------------------------------------------------------ */

static void show_base64(json_t *object, const char *name, struct bytes bytes)
{
    char text[RPC_BASE64_CHARS(ITEM_VALUE_MAX_BYTES) + 1];
    rpc_base64_print(bytes, text);
    json_object_set_new(object, name, json_string(text));
}

/* "5:hello" is hello. The value is known to be bencoded, so a digit begins a string and the string
   is all of it. */
static bool is_string(struct bytes value, struct bytes *out)
{
    const uint8_t *colon = memchr(value.data, ':', value.size);
    if (value.size == 0 || value.data[0] < '0' || value.data[0] > '9' || colon == NULL)
        return false;
    out->data = colon + 1;
    out->size = (size_t)(value.data + value.size - out->data);
    return true;
}

static void show_value(json_t *object, struct bytes value)
{
    struct bytes string;
    show_base64(object, "value", value);
    if (!is_string(value, &string))
        return;
    show_base64(object, "string", string);
    if (text_is_utf8(string))
        json_object_set_new(object, "text", json_stringn((const char *)string.data, string.size));
}

json_t *show_dht_item(const struct item *item)
{
    uint8_t target[ITEM_TARGET_BYTES];
    json_t *shown = json_object();
    item_target(target, item);
    show_hex(shown, "target", BYTES_OF(target));
    json_object_set_new(shown, "mutable", json_boolean(item->mutable));
    show_value(shown, item->value);
    if (!item->mutable)
        return shown;
    show_hex(shown, "key", BYTES_OF(item->key));
    if (item->salt.size > 0) /* the asker's, a text */
        json_object_set_new(shown, "salt",
                            json_stringn((const char *)item->salt.data, item->salt.size));
    json_object_set_new(shown, "seq", json_integer(item->seq));
    show_hex(shown, "signature", BYTES_OF(item->signature));
    return shown;
}

/* --- the node itself -------------------------------------------------------------------------- */

static json_t *show_family(const struct dht_family *family)
{
    json_t *shown = json_pack("{s:I, s:I, s:f}", "good", (json_int_t)family->good, "known",
                              (json_int_t)family->known, "estimate", family->estimate);
    show_hex(shown, "id", BYTES_OF(family->id.bytes));
    json_object_set_new(shown, "ports_change", json_boolean(family->ports_change));
    if (family->self.port != 0)
        json_object_set_new(shown, "self", show_address(&family->self));
    return shown;
}

static void show_counts(json_t *shown, const struct dht_status *status)
{
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        { "operations", status->operations },
        { "in_flight", status->in_flight },
        { "infohashes", status->infohashes },
        { "peers", status->peers },
        { "items", status->items },
        { "received", status->received },
        { "received_bytes", status->received_bytes },
        { "sent", status->sent },
        { "sent_bytes", status->sent_bytes },
        { "queries", status->queries },
        { "answered", status->answered },
        { "served", status->served },
        { "dropped", status->dropped },
    };
    for (size_t i = 0; i < COUNT(counts); i++)
        json_object_set_new(shown, counts[i].name, json_integer((json_int_t)counts[i].count));
}

json_t *show_dht(struct daemon *daemon)
{
    struct dht_status status;
    instant now = host_now(daemon->host);
    node_dht_status(daemon->node, now, &status);
    json_t *shown = json_pack("{s:o, s:o, s:b, s:f, s:o}", "ipv4", show_family(&status.ipv4),
                              "ipv6", show_family(&status.ipv6), "read_only", status.read_only,
                              "uptime", (double)(now - daemon->started) / (double)SECOND,
                              "listening", show_listening(daemon->host));
    if (status.read_only)
        json_object_set_new(
            shown, "why", json_string(daemon->config.dht_read_only ? "configured" : "unreachable"));
    show_counts(shown, &status);
    return shown;
}
