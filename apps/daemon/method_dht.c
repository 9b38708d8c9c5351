/* What clients may ask of the DHT: parameters become a request; search.c does the rest. */
#include "apps/daemon/inside.h"

#include "base/mem.h"

#include <string.h>

#define SEED_CHARS (2 * KEY_BYTES)

static enum rpc_error wrong(struct call *call, const char *sentence)
{
    call->sentence = sentence;
    return RPC_BAD_PARAMS;
}

static enum rpc_error read_place(struct call *call, const char *name, struct dht_id *out)
{
    const char *text = rpc_text(call->params, name);
    if (text == NULL || !rpc_hex_parse(text, out->bytes, sizeof out->bytes))
        return wrong(call, "a place in the DHT is written as 40 hex digits");
    return RPC_FINE;
}

static enum rpc_error read_store_on(struct call *call, struct dht_request *request)
{
    int64_t count = rpc_whole(call->params, "nodes", DHT_STORE_ON);
    if (count < DHT_STORE_ON || count > DHT_STORE_ON_MOST)
        return wrong(call, "\"nodes\" goes from 8 to 20");
    request->store_on = (unsigned)count;
    return RPC_FINE;
}

static enum rpc_error begin(struct call *call, struct dht_request *request)
{
    request->hidden = rpc_flag(call->params, "hidden");
    request->keep_up = rpc_flag(call->params, "keep");
    if (request->keep_up && rpc_text(call->params, "tag") == NULL)
        return wrong(call, "what is kept up needs a \"tag\", by which it can be ended");
    return search_begin(call, request);
}

enum rpc_error method_dht_status(struct call *call)
{
    call->result = json_pack("{s:o}", "dht", show_dht(call->daemon));
    return RPC_FINE;
}

enum rpc_error method_dht_ping(struct call *call)
{
    struct dht_request request = { .task = DHT_PING };
    if (!address_parse(rpc_text(call->params, "at"), &request.at))
        return RPC_BAD_ADDRESS;
    return begin(call, &request);
}

enum rpc_error method_dht_nodes(struct call *call)
{
    struct dht_request request = { .task = DHT_FIND_NODES };
    enum rpc_error error = read_place(call, "target", &request.target);
    return error == RPC_FINE ? begin(call, &request) : error;
}

enum rpc_error method_dht_peers(struct call *call)
{
    struct dht_request request = { .task = DHT_FIND_PEERS };
    enum rpc_error error = read_place(call, "infohash", &request.target);
    return error == RPC_FINE ? begin(call, &request) : error;
}

enum rpc_error method_dht_announce(struct call *call)
{
    struct dht_request request = { .task = DHT_ANNOUNCE };
    request.port = (uint16_t)rpc_whole(call->params, "port", 0);
    enum rpc_error error = read_place(call, "infohash", &request.target);
    if (error == RPC_FINE)
        error = read_store_on(call, &request);
    return error == RPC_FINE ? begin(call, &request) : error;
}

/* --- items ------------------------------------------------------------------------------------ */

static struct bytes salt_of(const struct call *call)
{
    const char *salt = rpc_text(call->params, "salt");
    return salt != NULL ? bytes_of_text(salt) : (struct bytes){ 0 };
}

enum rpc_error method_dht_get(struct call *call)
{
    struct dht_request request = { .task = DHT_GET };
    struct item item = { .mutable = true, .salt = salt_of(call) };
    const char *key = rpc_text(call->params, "key");
    bool by_target = rpc_text(call->params, "target") != NULL;
    if (by_target == (key != NULL))
        return wrong(call, "one of \"target\" and \"key\" is needed, and not both");
    if (by_target && item.salt.size > 0)
        return wrong(call, "\"salt\" goes with \"key\"");
    if (by_target) {
        enum rpc_error error = read_place(call, "target", &request.target);
        return error == RPC_FINE ? begin(call, &request) : error;
    }
    if (!rpc_hex_parse(key, item.key, sizeof item.key))
        return wrong(call, "a key is written as 64 hex digits");
    request.item = &item;
    return begin(call, &request);
}

/* BEP 44 leaves open what a seq counts. Seconds let an owner who lost his last one go on. */
static int64_t seq_of(const struct call *call)
{
    return rpc_whole(call->params, "seq", (int64_t)(host_now(call->daemon->host) / SECOND));
}

static enum rpc_error sign_item(struct call *call, struct item *item, const char *text)
{
    struct sign_pair pair;
    uint8_t seed[KEY_BYTES];
    if (!rpc_hex_parse(text, seed, sizeof seed))
        return wrong(call, "a seed is written as 64 hex digits");
    sign_pair_from_seed(&pair, seed);
    item->mutable = true;
    item->salt = salt_of(call);
    item->seq = seq_of(call);
    item_sign(item, &pair);
    wipe(seed, sizeof seed);
    wipe(&pair, sizeof pair);
    return RPC_FINE;
}

static bool says_how_to_sign(const struct call *call)
{
    return rpc_text(call->params, "salt") != NULL || rpc_whole(call->params, "seq", -1) >= 0 ||
           rpc_whole(call->params, "cas", -1) >= 0;
}

enum rpc_error method_dht_put(struct call *call)
{
    struct dht_request request = { .task = DHT_PUT };
    struct item item = { 0 };
    uint8_t value[ITEM_VALUE_MAX_BYTES];
    const char *seed = rpc_text(call->params, "seed");
    enum rpc_error error = read_store_on(call, &request);
    if (error != RPC_FINE)
        return error;
    item.value.data = value;
    if (!rpc_base64_parse(rpc_text(call->params, "value"), value, sizeof value, &item.value.size) ||
        item.value.size == 0)
        return RPC_BAD_ITEM;
    if (seed == NULL && says_how_to_sign(call))
        return wrong(call, "\"salt\", \"seq\" and \"cas\" go with \"seed\"");
    if (seed != NULL)
        error = sign_item(call, &item, seed);
    if (error != RPC_FINE)
        return error;
    request.item = &item;
    request.cas = rpc_whole(call->params, "cas", -1);
    request.has_cas = request.cas >= 0;
    return begin(call, &request);
}

enum rpc_error method_dht_cancel(struct call *call)
{
    return search_cancel(call->client, rpc_text(call->params, "tag")) ? RPC_FINE : RPC_NO_SEARCH;
}
