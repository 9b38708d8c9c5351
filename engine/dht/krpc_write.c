/* Writing a message: canonical, so the keys of every dictionary rise. */
#include "engine/dht/krpc_inside.h"

#include <string.h>

static bool put(struct cursor *out, struct bytes literal)
{
    return cursor_put_bytes(out, literal);
}
#define PUT(out, literal) put(out, TEXT(literal))

static void put_id(struct cursor *out, struct bytes key, const struct dht_id *id)
{
    put(out, key);
    PUT(out, "20:");
    cursor_put(out, id->bytes, sizeof id->bytes);
}

/* `key` is written already bencoded; nothing is written for nothing. */
static void put_string(struct cursor *out, struct bytes key, struct bytes string)
{
    if (string.size == 0)
        return;
    put(out, key);
    bencode_put_string(out, string);
}

static void put_number(struct cursor *out, struct bytes key, bool has, int64_t number)
{
    if (!has)
        return;
    put(out, key);
    bencode_put_integer(out, number);
}

static void put_true(struct cursor *out, struct bytes key, bool value)
{
    put_number(out, key, value, 1);
}

static void put_value(struct cursor *out, struct bytes value)
{
    if (value.size == 0)
        return;
    PUT(out, "1:v");
    cursor_put_bytes(out, value);
}

static bool is_absent(const struct address *at)
{
    static const struct address nobody;
    return address_equal(at, &nobody);
}

static void put_want(struct cursor *out, const struct krpc *message)
{
    if (!message->has_want)
        return;
    PUT(out, "4:wantl");
    if (message->want_ipv4)
        PUT(out, "2:n4");
    if (message->want_ipv6)
        PUT(out, "2:n6");
    PUT(out, "e");
}

/* Whoever announces always says whether he is a seed, as the client we resemble does. */
static void put_arguments(struct cursor *out, const struct krpc *message)
{
    bool announce = message->method == KRPC_ANNOUNCE_PEER;
    bool of_peers = announce || message->method == KRPC_GET_PEERS;
    PUT(out, "1:ad");
    put_number(out, TEXT("3:cas"), message->has_cas, message->cas);
    put_id(out, TEXT("2:id"), &message->id);
    put_true(out, TEXT("12:implied_port"), message->implied_port);
    if (of_peers)
        put_id(out, TEXT("9:info_hash"), &message->target);
    put_string(out, TEXT("1:k"), message->key);
    put_true(out, TEXT("6:noseed"), message->noseed);
    put_number(out, TEXT("4:port"), message->has_port, message->port);
    put_string(out, TEXT("4:salt"), message->salt);
    put_true(out, TEXT("6:scrape"), message->scrape);
    put_number(out, TEXT("4:seed"), announce || message->seed, message->seed);
    put_number(out, TEXT("3:seq"), message->has_seq, message->seq);
    put_string(out, TEXT("3:sig"), message->signature);
    if (!of_peers && message->has_target)
        put_id(out, TEXT("6:target"), &message->target);
    if (announce || message->method == KRPC_PUT) {
        PUT(out, "5:token");
        bencode_put_string(out, message->token);
    }
    put_value(out, message->value);
    put_want(out, message);
    PUT(out, "e");
}

static void put_list_of_nodes(struct cursor *out, struct bytes key, bool has, struct bytes nodes)
{
    if (!has)
        return;
    put(out, key);
    bencode_put_string(out, nodes);
}

static void put_values(struct cursor *out, const struct krpc *message)
{
    if (!message->has_values)
        return;
    PUT(out, "6:valuesl");
    cursor_put_bytes(out, message->values);
    PUT(out, "e");
}

/* `p` tells the asker his port again, as the client we resemble does. */
static void put_reply(struct cursor *out, const struct krpc *message)
{
    PUT(out, "1:rd");
    put_string(out, TEXT("4:BFpe"), message->others);
    put_string(out, TEXT("4:BFsd"), message->seeds);
    put_id(out, TEXT("2:id"), &message->id);
    put_number(out, TEXT("8:interval"), message->has_samples, message->interval);
    put_string(out, TEXT("1:k"), message->key);
    put_list_of_nodes(out, TEXT("5:nodes"), message->has_nodes, message->nodes);
    put_list_of_nodes(out, TEXT("6:nodes6"), message->has_nodes6, message->nodes6);
    put_number(out, TEXT("3:num"), message->has_samples, message->total);
    put_number(out, TEXT("1:p"), !is_absent(&message->seen), message->seen.port);
    if (message->has_samples) {
        PUT(out, "7:samples");
        bencode_put_string(out, message->samples);
    }
    put_number(out, TEXT("3:seq"), message->has_seq, message->seq);
    put_string(out, TEXT("3:sig"), message->signature);
    put_string(out, TEXT("5:token"), message->token);
    put_value(out, message->value);
    put_values(out, message);
    PUT(out, "e");
}

static void put_error(struct cursor *out, const struct krpc *message)
{
    PUT(out, "1:el");
    bencode_put_integer(out, message->code);
    bencode_put_string(out, message->text);
    PUT(out, "e");
}

static void put_seen(struct cursor *out, const struct address *seen)
{
    if (is_absent(seen))
        return;
    if (address_is_ipv4(seen))
        PUT(out, "2:ip6:");
    else
        PUT(out, "2:ip18:");
    krpc_put_address(out, seen);
}

static bool says_who(const struct krpc *message)
{
    static const struct dht_id nobody;
    return message->kind == KRPC_REPLY ||
           (message->kind == KRPC_ERROR && memcmp(&message->id, &nobody, sizeof nobody) != 0);
}

size_t krpc_encode(const struct krpc *message, uint8_t *memory, size_t size)
{
    bool query = message->kind == KRPC_QUERY;
    if (query && message->method == KRPC_UNKNOWN)
        return 0;
    struct cursor out = cursor_into(memory, size);
    PUT(&out, "d");
    if (query)
        put_arguments(&out, message);
    if (message->kind == KRPC_ERROR)
        put_error(&out, message);
    put_seen(&out, &message->seen);
    if (query)
        put_string(&out, TEXT("1:q"), krpc_names[message->method]);
    if (says_who(message))
        put_reply(&out, message);
    put_true(&out, TEXT("2:ro"), query && message->read_only);
    PUT(&out, "1:t");
    bencode_put_string(&out, message->tid);
    put_string(&out, TEXT("1:v"), message->version);
    PUT(&out, "1:y1:");
    cursor_put_u8(&out, (uint8_t) "qre"[message->kind]);
    PUT(&out, "e");
    return cursor_written(&out).size;
}
