/* Answers. What is said, and in which words, is what the client we resemble says. */
#include "engine/dht/served.h"

#include "base/mem.h"
#include "engine/dht/bencode.h"
#include "engine/dht/id.h"
#include "engine/dht/items.h"
#include "engine/dht/peers.h"
#include "engine/dht/token.h"

#include <string.h>

#define VALUES_MOST     100           /* peers in one answer */
#define SAMPLE_INTERVAL (6 * 60 * 60) /* seconds: BEP 51's longest */
#define FORGET_EVERY    (1 * MINUTE)

enum { ERROR_GENERIC = 201, ERROR_SERVER = 202, ERROR_PROTOCOL = 203 };
enum { ERROR_BIG = 205, ERROR_SIGNATURE = 206, ERROR_SALT = 207, ERROR_CAS = 301, ERROR_OLD = 302 };

struct served {
    struct rng *rng;
    struct tokens tokens;
    struct peers *peers;
    struct items *items;
    instant forget;
};

/* One question while it is answered, and the memory its answer points into. */
struct answer {
    const struct krpc *query;
    const struct address *from;
    const struct served_by *by;
    struct krpc reply;
    uint8_t nodes[8 * 26], nodes6[8 * 38];
    uint8_t token[TOKEN_BYTES];
    uint8_t values[VALUES_MOST * (3 + ADDRESS_WIRE_BYTES)];
    uint8_t seeds[KRPC_BLOOM_BYTES], others[KRPC_BLOOM_BYTES];
    struct dht_id samples[KRPC_SAMPLES_MAX];
};

struct served *served_create(instant now, struct rng *rng)
{
    struct served *served = mem_zeroed(1, sizeof *served);
    served->rng = rng;
    tokens_start(&served->tokens, now, rng);
    served->peers = peers_create(rng);
    served->items = items_create(rng);
    served->forget = now + FORGET_EVERY;
    return served;
}

void served_destroy(struct served *served)
{
    tokens_finish(&served->tokens);
    peers_destroy(served->peers);
    items_destroy(served->items);
    mem_free(served);
}

/* --- pieces of an answer ---------------------------------------------------------------------- */

/* Without `want`: those of the family it came by. A key for nodes of the other one only when there
   are any (BEP 32). */
static void add_nodes(struct answer *answer, instant now)
{
    const struct krpc *query = answer->query;
    struct krpc *reply = &answer->reply;
    bool ipv4 = address_is_ipv4(answer->from);
    bool want4 = query->has_want ? query->want_ipv4 : ipv4;
    bool want6 = query->has_want ? query->want_ipv6 : !ipv4;
    uint8_t memory[8 * 38];
    if (want4 && answer->by->ipv4 != NULL) {
        size_t size =
            table_write_closest(answer->by->ipv4, now, &query->target, answer->from, memory);
        memcpy(answer->nodes, memory, size);
        reply->nodes = (struct bytes){ answer->nodes, size };
        reply->has_nodes = size > 0 || ipv4;
    }
    if (want6 && answer->by->ipv6 != NULL) {
        size_t size = table_write_closest(answer->by->ipv6, now, &query->target, answer->from,
                                          answer->nodes6);
        reply->nodes6 = (struct bytes){ answer->nodes6, size };
        reply->has_nodes6 = size > 0 || !ipv4;
    }
}

static void add_token(const struct served *served, struct answer *answer)
{
    token_make(&served->tokens, answer->from, &answer->query->target, answer->token);
    answer->reply.token = BYTES_OF(answer->token);
}

static void refuse(struct answer *answer, int64_t code, const char *text)
{
    answer->reply.kind = KRPC_ERROR;
    answer->reply.code = code;
    answer->reply.text = bytes_of_text(text);
}

static bool shows_token(const struct served *served, struct answer *answer,
                        const struct dht_id *target, bool *proved)
{
    *proved = token_is_good(&served->tokens, answer->from, target, answer->query->token);
    if (!*proved)
        refuse(answer, ERROR_PROTOCOL, "invalid token");
    return *proved;
}

/* --- methods ---------------------------------------------------------------------------------- */

static void get_peers(struct served *served, instant now, struct answer *answer)
{
    const struct krpc *query = answer->query;
    struct krpc *reply = &answer->reply;
    add_nodes(answer, now);
    if (peers_has_room(served->peers, &query->target))
        add_token(served, answer);
    if (query->scrape &&
        peers_scrape(served->peers, now, &query->target, answer->seeds, answer->others)) {
        reply->seeds = BYTES_OF(answer->seeds);
        reply->others = BYTES_OF(answer->others);
        return;
    }
    size_t size = peers_write(served->peers, now, &query->target, !address_is_ipv4(answer->from),
                              query->noseed, VALUES_MOST, answer->values, sizeof answer->values);
    reply->has_values = size > 0;
    reply->values = (struct bytes){ answer->values, size };
}

static void announce(struct served *served, instant now, struct answer *answer, bool *proved)
{
    const struct krpc *query = answer->query;
    struct address peer = *answer->from;
    if (!shows_token(served, answer, &query->target, proved))
        return;
    if (!query->implied_port)
        peer.port = query->port;
    /* A full list is not his fault, and he cannot do better: BEP 5 knows no error for it. */
    peers_put(served->peers, now, &query->target, answer->from, &peer, query->seed);
}

static void get(struct served *served, instant now, struct answer *answer)
{
    const struct krpc *query = answer->query;
    struct krpc *reply = &answer->reply;
    add_nodes(answer, now);
    add_token(served, answer);
    const struct item *item = items_get(served->items, &query->target);
    if (item == NULL)
        return;
    reply->has_seq = item->mutable;
    reply->seq = item->seq;
    if (item->mutable && query->has_seq && item->seq <= query->seq)
        return;
    reply->value = item->value;
    if (!item->mutable)
        return;
    reply->key = BYTES_OF(item->key);
    reply->signature = BYTES_OF(item->signature);
}

static struct item item_of(const struct krpc *query)
{
    struct item item = { .value = query->value };
    item.mutable = query->key.size > 0 && query->signature.size > 0 && query->has_seq;
    if (!item.mutable)
        return item;
    memcpy(item.key, query->key.data, sizeof item.key);
    memcpy(item.signature, query->signature.data, sizeof item.signature);
    item.seq = query->seq;
    item.salt = query->salt;
    return item;
}

/* Cheap things first: the signature costs as much as all the rest. */
static bool may_be_put(const struct served *served, struct answer *answer, const struct item *item,
                       struct dht_id *target, bool *proved)
{
    if (item->value.size > ITEM_VALUE_MAX_BYTES) {
        refuse(answer, ERROR_BIG, "message too big");
        return false;
    }
    if (item->salt.size > ITEM_SALT_MAX_BYTES) {
        refuse(answer, ERROR_SALT, "salt too big");
        return false;
    }
    item_target(target->bytes, item);
    if (!shows_token(served, answer, target, proved))
        return false;
    if (item->mutable && item->seq < 0) {
        refuse(answer, ERROR_PROTOCOL, "invalid (negative) sequence number");
        return false;
    }
    if (!bencode_is_canonical(item->value)) {
        refuse(answer, ERROR_PROTOCOL, "unsorted dictionary key");
        return false;
    }
    if (item_check(item) != FAULT_NONE) {
        refuse(answer, ERROR_SIGNATURE, "invalid signature");
        return false;
    }
    return true;
}

static void put(struct served *served, instant now, struct answer *answer, bool *proved)
{
    const struct krpc *query = answer->query;
    struct item item = item_of(query);
    struct dht_id target;
    if (!may_be_put(served, answer, &item, &target, proved))
        return;
    switch (items_put(served->items, now, answer->by->self, answer->from, &target, &item,
                      query->has_cas ? &query->cas : NULL)) {
    case PUT_DONE:
        return;
    case PUT_CAS:
        refuse(answer, ERROR_CAS, "CAS mismatch");
        return;
    case PUT_OLD:
        refuse(answer, ERROR_OLD, "old sequence number");
        return;
    case PUT_FULL:
        refuse(answer, ERROR_SERVER, "storage full");
        return;
    }
}

static void sample(struct served *served, instant now, struct answer *answer)
{
    struct krpc *reply = &answer->reply;
    size_t infohashes, peers;
    add_nodes(answer, now);
    size_t count = peers_sample(served->peers, answer->samples, COUNT(answer->samples));
    peers_count(served->peers, &infohashes, &peers);
    reply->has_samples = true;
    reply->samples = (struct bytes){ (const uint8_t *)answer->samples, count * DHT_ID_BYTES };
    reply->total = (int64_t)infohashes;
    reply->interval = SAMPLE_INTERVAL;
}

static void obey(struct served *served, instant now, struct answer *answer, bool *proved)
{
    switch (answer->query->method) {
    case KRPC_PING:
        return;
    case KRPC_FIND_NODE:
        add_nodes(answer, now);
        return;
    case KRPC_GET_PEERS:
        get_peers(served, now, answer);
        return;
    case KRPC_ANNOUNCE_PEER:
        announce(served, now, answer, proved);
        return;
    case KRPC_GET:
        get(served, now, answer);
        return;
    case KRPC_PUT:
        put(served, now, answer, proved);
        return;
    case KRPC_SAMPLE_INFOHASHES:
        sample(served, now, answer);
        return;
    case KRPC_UNKNOWN: /* those to come: BEP 5 as it is lived */
        if (answer->query->has_target)
            add_nodes(answer, now);
        else
            refuse(answer, ERROR_PROTOCOL, "unknown message");
        return;
    }
}

/* --- the door --------------------------------------------------------------------------------- */

static size_t cut(size_t size, size_t piece, size_t excess)
{
    size_t pieces = (excess + piece - 1) / piece;
    return size > pieces * piece ? size - pieces * piece : 0;
}

/* Leaves something out. False: nothing is left that could be. */
static bool shorten(struct krpc *reply, size_t excess)
{
    size_t value = 0;
    if (reply->has_values)
        value = reply->values.data[0] == '6' ? 8 : 3 + ADDRESS_WIRE_BYTES;
    if (reply->has_values) {
        reply->values.size = cut(reply->values.size, value, excess);
        reply->has_values = reply->values.size > 0;
    } else if (reply->seeds.size > 0) {
        reply->seeds.size = reply->others.size = 0;
    } else if (reply->samples.size > 0) {
        reply->samples.size = cut(reply->samples.size, DHT_ID_BYTES, excess);
    } else if (reply->nodes6.size > 0) {
        reply->nodes6.size = cut(reply->nodes6.size, 38, excess);
    } else if (reply->nodes.size > 0) {
        reply->nodes.size = cut(reply->nodes.size, 26, excess);
    } else if (reply->value.size > 0) {
        reply->value.size = reply->key.size = reply->signature.size = 0;
    } else {
        return false;
    }
    return true;
}

static size_t write_within(struct krpc *reply, size_t most, uint8_t *out, size_t size)
{
    uint8_t whole[4096]; /* so that what is too long is known to be, and by how much */
    for (;;) {
        size_t written = krpc_encode(reply, whole, sizeof whole);
        if (written > 0 && written <= most && written <= size) {
            memcpy(out, whole, written);
            return written;
        }
        size_t limit = most < size ? most : size;
        if (!shorten(reply, written > limit ? written - limit : sizeof whole))
            return 0;
    }
}

size_t served_answer(struct served *served, instant now, const struct address *from,
                     const struct krpc *query, const struct served_by *by, uint8_t *out,
                     size_t size, bool *proved)
{
    struct answer answer;
    answer.query = query;
    answer.from = from;
    answer.by = by;
    answer.reply = (struct krpc){ .kind = KRPC_REPLY, .tid = query->tid, .id = *by->self };
    answer.reply.seen = *from;
    *proved = false;
    if (served->tokens.change <= now)
        tokens_advance(&served->tokens, now, served->rng);
    obey(served, now, &answer, proved);
    return write_within(&answer.reply, by->most, out, size);
}

size_t served_refuse(const struct krpc *refused, const struct address *from,
                     const struct dht_id *self, uint8_t *out, size_t size)
{
    static const struct dht_id nobody;
    struct krpc error = {
        .kind = KRPC_ERROR, .tid = refused->tid, .code = refused->code, .text = refused->text
    };
    if (!id_equal(&refused->id, &nobody)) {
        error.seen = *from;
        error.id = *self;
    }
    return krpc_encode(&error, out, size);
}

void served_advance(struct served *served, instant now)
{
    if (served->forget > now)
        return;
    peers_advance(served->peers, now);
    served->forget = now + FORGET_EVERY;
}

instant served_deadline(const struct served *served)
{
    size_t infohashes, peers;
    peers_count(served->peers, &infohashes, &peers);
    return peers > 0 ? served->forget : NEVER;
}

const struct item *served_item(struct served *served, const struct dht_id *target)
{
    return items_get(served->items, target);
}

void served_count(const struct served *served, size_t *infohashes, size_t *peers, size_t *items)
{
    peers_count(served->peers, infohashes, peers);
    *items = items_count(served->items);
}
