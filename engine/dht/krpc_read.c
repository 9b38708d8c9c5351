/* Reading a message: three readers take what they know from three dictionaries, the message itself,
   the arguments `a` of a query, and `r` of a reply. */
#include "engine/dht/krpc_inside.h"

#include <string.h>

#define ERROR_PROTOCOL 203

/* The next key and its value. False: the end, or `in` is spoilt. */
static bool next_pair(struct cursor *in, struct bytes *key, struct bencode *value)
{
    struct bencode name;
    if (!bencode_take(in, &name))
        return false;
    if (name.kind != BENCODE_STRING || !bencode_take(in, value)) {
        in->spoilt = true;
        return false;
    }
    *key = name.inside;
    return true;
}

static bool is(struct bytes key, const char *name, size_t size)
{
    return key.size == size && memcmp(key.data, name, size) == 0;
}
#define IS(key, literal) is(key, literal, sizeof(literal) - 1)

static bool is_true(const struct bencode *value)
{
    return value->has_number && value->number != 0;
}

/* A string of exactly `size` bytes, or nothing. */
static struct bytes string_of_size(const struct bencode *value, size_t size)
{
    struct bytes string = bencode_string(value);
    return string.size == size ? string : (struct bytes){ 0 };
}

static bool take_id(const struct bencode *value, struct dht_id *out)
{
    struct bytes id = string_of_size(value, DHT_ID_BYTES);
    if (id.size == 0)
        return false;
    memcpy(out->bytes, id.data, DHT_ID_BYTES);
    return true;
}

static void take_number(const struct bencode *value, bool *has, int64_t *out)
{
    *has = value->has_number;
    *out = value->number;
}

/* A number beyond 64 bits is nobody's seq, and so is one below zero. */
static void take_cas(const struct bencode *value, struct krpc *out)
{
    out->has_cas = value->kind == BENCODE_INTEGER;
    out->cas = value->has_number ? value->number : -1;
}

static void take_want(const struct bencode *value, struct krpc *out)
{
    if (value->kind != BENCODE_LIST)
        return;
    out->has_want = true;
    struct cursor in = cursor_over(value->inside);
    struct bencode family;
    while (bencode_take(&in, &family)) {
        out->want_ipv4 |= family.kind == BENCODE_STRING && IS(family.inside, "n4");
        out->want_ipv6 |= family.kind == BENCODE_STRING && IS(family.inside, "n6");
    }
}

/* What an asker said of fields that must be there, for the one sentence he gets. */
enum said { SAID_NOTHING, SAID_WRONG, SAID_RIGHT };

struct required {
    enum said id, target, infohash, port, token, value;
};

static enum said said_id(const struct bencode *value, struct dht_id *out)
{
    if (value->kind != BENCODE_STRING)
        return SAID_NOTHING;
    return take_id(value, out) ? SAID_RIGHT : SAID_WRONG;
}

static enum said said_port(const struct bencode *value, struct krpc *out)
{
    if (value->kind != BENCODE_INTEGER)
        return SAID_NOTHING;
    if (!value->has_number || value->number < 0 || value->number > UINT16_MAX)
        return SAID_WRONG;
    out->has_port = true;
    out->port = (uint16_t)value->number;
    return SAID_RIGHT;
}

/* Keys of four letters and more. */
static void take_long_argument(struct bytes key, const struct bencode *value,
                               struct dht_id *infohash, struct required *said, struct krpc *out)
{
    if (IS(key, "target"))
        said->target = said_id(value, &out->target);
    else if (IS(key, "info_hash"))
        said->infohash = said_id(value, infohash);
    else if (IS(key, "token")) {
        said->token = value->kind == BENCODE_STRING ? SAID_RIGHT : SAID_NOTHING;
        out->token = bencode_string(value);
    } else if (IS(key, "port"))
        said->port = said_port(value, out);
    else if (IS(key, "want"))
        take_want(value, out);
    else if (IS(key, "salt"))
        out->salt = bencode_string(value);
    else if (IS(key, "seed"))
        out->seed = is_true(value);
    else if (IS(key, "scrape"))
        out->scrape = is_true(value);
    else if (IS(key, "noseed"))
        out->noseed = is_true(value);
    else if (IS(key, "implied_port"))
        out->implied_port = is_true(value);
}

static void take_short_argument(struct bytes key, const struct bencode *value,
                                struct required *said, struct krpc *out)
{
    if (IS(key, "id"))
        said->id = said_id(value, &out->id);
    else if (IS(key, "v")) {
        said->value = SAID_RIGHT;
        out->value = value->whole;
    } else if (IS(key, "k"))
        out->key = string_of_size(value, KEY_BYTES);
    else if (IS(key, "sig"))
        out->signature = string_of_size(value, SIGNATURE_BYTES);
    else if (IS(key, "seq"))
        take_number(value, &out->has_seq, &out->seq);
    else if (IS(key, "cas"))
        take_cas(value, out);
}

/* The sentence for the first thing that is missing or wrong; NULL: none. */
static const char *complaint(enum krpc_method method, const struct required *said)
{
    static const struct {
        size_t field;
        unsigned methods; /* that need it: a bit each */
        const char *missing, *wrong;
    } rules[] = {
        { offsetof(struct required, id), ~0u, "missing 'id' key", "invalid value for 'id'" },
        { offsetof(struct required, infohash), 1u << KRPC_GET_PEERS | 1u << KRPC_ANNOUNCE_PEER,
          "missing 'info_hash' key", "invalid value for 'info_hash'" },
        { offsetof(struct required, port), 1u << KRPC_ANNOUNCE_PEER, "missing 'port' key",
          "invalid port" },
        { offsetof(struct required, token), 1u << KRPC_ANNOUNCE_PEER | 1u << KRPC_PUT,
          "missing 'token' key", NULL },
        { offsetof(struct required, value), 1u << KRPC_PUT, "missing 'v' key", NULL },
        { offsetof(struct required, target),
          1u << KRPC_FIND_NODE | 1u << KRPC_GET | 1u << KRPC_SAMPLE_INFOHASHES,
          "missing 'target' key", "invalid value for 'target'" },
    };
    for (size_t i = 0; i < COUNT(rules); i++) {
        enum said now;
        memcpy(&now, (const uint8_t *)said + rules[i].field, sizeof now);
        if (now != SAID_RIGHT && (rules[i].methods & 1u << method) != 0)
            return now == SAID_WRONG ? rules[i].wrong : rules[i].missing;
    }
    return NULL;
}

static enum krpc_method method_named(struct bytes name)
{
    for (size_t i = 0; i < COUNT(krpc_names); i++)
        if (bytes_equal(name, krpc_names[i]))
            return (enum krpc_method)i;
    return KRPC_UNKNOWN;
}

static enum krpc_read refuse(struct krpc *out, const char *why)
{
    out->code = ERROR_PROTOCOL;
    out->text = bytes_of_text(why);
    return KRPC_REFUSE;
}

static enum krpc_read read_query(const struct bencode *name, const struct bencode *arguments,
                                 struct krpc *out)
{
    if (name->whole.size == 0 || name->kind != BENCODE_STRING)
        return refuse(out, "missing 'q' key");
    if (arguments->whole.size == 0 || arguments->kind != BENCODE_DICTIONARY)
        return refuse(out, "missing 'a' key");
    out->method = method_named(name->inside);
    struct required said = { 0 };
    struct dht_id infohash = { { 0 } };
    struct cursor in = cursor_over(arguments->inside);
    struct bytes key;
    struct bencode value;
    while (next_pair(&in, &key, &value))
        if (key.size < 4)
            take_short_argument(key, &value, &said, out);
        else
            take_long_argument(key, &value, &infohash, &said, out);
    const char *why = complaint(out->method, &said);
    if (why != NULL)
        return refuse(out, why);
    bool of_peers = out->method == KRPC_GET_PEERS || out->method == KRPC_ANNOUNCE_PEER;
    if (said.infohash == SAID_RIGHT && (of_peers || said.target != SAID_RIGHT))
        out->target = infohash;
    out->has_target = said.target == SAID_RIGHT || said.infohash == SAID_RIGHT;
    return KRPC_READ;
}

/* Views of strings only, so that whoever walks them meets nothing else. */
static void take_values(const struct bencode *value, struct krpc *out)
{
    if (value->kind != BENCODE_LIST)
        return;
    struct cursor in = cursor_over(value->inside);
    struct bencode peer;
    while (bencode_take(&in, &peer))
        if (peer.kind != BENCODE_STRING)
            return;
    out->has_values = true;
    out->values = value->inside;
}

/* Whole pieces only; a broken tail is a fault of others that costs us nothing. */
static void take_pieces(const struct bencode *value, size_t piece, bool *has, struct bytes *out)
{
    *has = value->kind == BENCODE_STRING;
    *out = bencode_string(value);
    out->size -= out->size % piece;
}

static void take_short_part(struct bytes key, const struct bencode *value, struct krpc *out)
{
    if (IS(key, "v"))
        out->value = value->whole;
    else if (IS(key, "k"))
        out->key = string_of_size(value, KEY_BYTES);
    else if (IS(key, "sig"))
        out->signature = string_of_size(value, SIGNATURE_BYTES);
    else if (IS(key, "seq"))
        take_number(value, &out->has_seq, &out->seq);
    else if (IS(key, "num"))
        out->total = value->number;
}

/* Keys of four letters and more, beside those that most replies have. */
static void take_rare_part(struct bytes key, const struct bencode *value, struct krpc *out)
{
    if (IS(key, "samples"))
        take_pieces(value, DHT_ID_BYTES, &out->has_samples, &out->samples);
    else if (IS(key, "interval"))
        out->interval = value->number;
    else if (IS(key, "BFsd"))
        out->seeds = string_of_size(value, KRPC_BLOOM_BYTES);
    else if (IS(key, "BFpe"))
        out->others = string_of_size(value, KRPC_BLOOM_BYTES);
}

/* False: it does not say who speaks. */
static bool read_reply(const struct bencode *reply, struct krpc *out)
{
    if (reply->whole.size == 0 || reply->kind != BENCODE_DICTIONARY)
        return false;
    struct cursor in = cursor_over(reply->inside);
    struct bytes key;
    struct bencode value;
    bool said_who = false;
    while (next_pair(&in, &key, &value))
        if (IS(key, "id"))
            said_who = take_id(&value, &out->id);
        else if (IS(key, "nodes"))
            take_pieces(&value, NODE_IPV4_BYTES, &out->has_nodes, &out->nodes);
        else if (IS(key, "nodes6"))
            take_pieces(&value, NODE_IPV6_BYTES, &out->has_nodes6, &out->nodes6);
        else if (IS(key, "token"))
            out->token = bencode_string(&value);
        else if (IS(key, "values"))
            take_values(&value, out);
        else if (key.size < 4)
            take_short_part(key, &value, out);
        else
            take_rare_part(key, &value, out);
    if (out->token.size > KRPC_TOKEN_MAX)
        out->token = (struct bytes){ 0 };
    return said_who;
}

static bool read_error(const struct bencode *error, const struct bencode *reply, struct krpc *out)
{
    if (error->whole.size == 0 || error->kind != BENCODE_LIST)
        return false;
    struct cursor in = cursor_over(error->inside);
    struct bencode code, text;
    if (!bencode_take(&in, &code) || !code.has_number || !bencode_take(&in, &text))
        return false;
    struct krpc speaker = { 0 };
    if (read_reply(reply, &speaker))
        out->id = speaker.id;
    out->code = code.number;
    out->text = bencode_string(&text);
    return text.kind == BENCODE_STRING;
}

/* What one dictionary, the message, holds. */
struct message {
    struct bencode arguments, error, name, reply, kind, tid;
};

static void take_part(struct bytes key, const struct bencode *value, struct message *parts,
                      struct krpc *out)
{
    if (IS(key, "a"))
        parts->arguments = *value;
    else if (IS(key, "e"))
        parts->error = *value;
    else if (IS(key, "q"))
        parts->name = *value;
    else if (IS(key, "r"))
        parts->reply = *value;
    else if (IS(key, "t"))
        parts->tid = *value;
    else if (IS(key, "y"))
        parts->kind = *value;
    else if (IS(key, "v"))
        out->version = bencode_string(value);
    else if (IS(key, "ip"))
        krpc_take_address(bencode_string(value), &out->seen);
    else if (IS(key, "ro"))
        out->read_only = is_true(value);
}

/* The outermost dictionary is taken apart without being walked as a whole first. */
static bool read_parts(struct bytes datagram, struct message *parts, struct krpc *out)
{
    size_t size = datagram.size;
    if (size < 2 || datagram.data[0] != 'd' || datagram.data[size - 1] != 'e')
        return false;
    struct cursor in = cursor_over((struct bytes){ datagram.data + 1, size - 2 });
    struct bytes key;
    struct bencode value;
    while (next_pair(&in, &key, &value))
        take_part(key, &value, parts, out);
    out->tid = bencode_string(&parts->tid);
    return cursor_done(&in) && out->tid.size <= KRPC_TID_MAX;
}

enum krpc_read krpc_decode(struct bytes datagram, struct krpc *out)
{
    *out = (struct krpc){ 0 };
    struct message parts = { 0 };
    if (!read_parts(datagram, &parts, out))
        return KRPC_SILENT;
    struct bytes kind = bencode_string(&parts.kind);
    if (IS(kind, "q")) {
        out->kind = KRPC_QUERY;
        return read_query(&parts.name, &parts.arguments, out);
    }
    if (IS(kind, "r")) {
        out->kind = KRPC_REPLY;
        return read_reply(&parts.reply, out) ? KRPC_READ : KRPC_SILENT;
    }
    out->kind = KRPC_ERROR;
    bool read = IS(kind, "e") && read_error(&parts.error, &parts.reply, out);
    return read ? KRPC_READ : KRPC_SILENT;
}
