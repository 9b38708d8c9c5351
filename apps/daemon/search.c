/* Searches of the DHT that clients began: what comes of each is gathered until it ends, and told on
   the way to whoever gave it a tag. A client that leaves takes its searches with it. */
#include "apps/daemon/inside.h"

#include "base/mem.h"

#include <string.h>

#define SEARCHES_OF_CLIENT 64   /* of DHT_OPERATIONS_MAX, so that others find room */
#define PEERS_KEPT         2000 /* for the answer: 2,000 of 55 bytes are far below a line */
#define NODES_KEPT         64

struct search {
    struct list link;
    struct client *client;
    json_t *id; /* NULL: answered; it is kept up */
    dht_op op;
    enum dht_task task;
    bool keep;
    char *tag; /* NULL: nobody wants events */
    json_t *nodes, *peers, *item;
    json_t *about; /* what the answer says whatever comes of it */
    size_t found;
    unsigned stored, refused;
    bool outdated;
};

static void destroy(struct search *search)
{
    list_remove(&search->link);
    json_decref(search->id);
    json_decref(search->nodes);
    json_decref(search->peers);
    json_decref(search->item);
    json_decref(search->about);
    mem_free(search->tag);
    mem_free(search);
}

/* --- beginning -------------------------------------------------------------------------------- */

static struct search *tagged(struct client *client, const char *tag)
{
    LIST_EACH (link, &client->daemon->searches) {
        struct search *search = LIST_ITEM(link, struct search, link);
        if (search->client == client && search->tag != NULL && strcmp(search->tag, tag) == 0)
            return search;
    }
    return NULL;
}

static size_t count_of(const struct client *client)
{
    size_t count = 0;
    LIST_EACH (link, &client->daemon->searches)
        count += LIST_ITEM(link, struct search, link)->client == client;
    return count;
}

/* What is stored where, which the owner must know even when nobody takes it. */
static json_t *about_item(const struct item *item)
{
    uint8_t target[ITEM_TARGET_BYTES];
    item_target(target, item);
    json_t *about = json_object();
    show_hex(about, "target", BYTES_OF(target));
    if (item->mutable) {
        show_hex(about, "key", BYTES_OF(item->key));
        json_object_set_new(about, "seq", json_integer(item->seq));
    }
    return about;
}

static struct search *create(struct call *call, const struct dht_request *request, dht_op op)
{
    struct search *search = mem_zeroed(1, sizeof *search);
    const char *tag = rpc_text(call->params, "tag");
    search->client = call->client;
    search->id = json_deep_copy(call->id);
    search->op = op;
    search->task = request->task;
    search->keep = request->keep_up;
    search->tag = tag != NULL ? mem_text(tag) : NULL;
    search->nodes = json_array();
    search->peers = json_array();
    search->about = request->task == DHT_PUT ? about_item(request->item) : json_object();
    list_append(&call->daemon->searches, &search->link);
    return search;
}

enum rpc_error search_begin(struct call *call, const struct dht_request *request)
{
    struct daemon *daemon = call->daemon;
    const char *tag = rpc_text(call->params, "tag");
    dht_op op;
    if (tag != NULL && tagged(call->client, tag) != NULL) {
        call->sentence = "another search of yours has that tag";
        return RPC_BAD_PARAMS;
    }
    if (count_of(call->client) >= SEARCHES_OF_CLIENT)
        return RPC_DHT_BUSY;
    enum fault fault = node_dht_begin(daemon->node, host_now(daemon->host), request, &op);
    if (fault != FAULT_NONE)
        return fault == FAULT_BUSY ? RPC_DHT_BUSY : RPC_BAD_ITEM;
    create(call, request, op);
    call->later = true;
    return RPC_FINE;
}

/* --- ending ----------------------------------------------------------------------------------- */

static json_t *result_of(const struct search *search)
{
    json_t *result = json_deep_copy(search->about);
    if (search->task == DHT_PING || search->task == DHT_FIND_NODES)
        json_object_set(result, "nodes", search->nodes);
    if (search->task == DHT_FIND_PEERS)
        json_object_set(result, "peers", search->peers);
    if (search->task == DHT_FIND_PEERS || search->task == DHT_ANNOUNCE)
        json_object_set_new(result, "found", json_integer((json_int_t)search->found));
    if (search->task == DHT_GET && search->item != NULL)
        json_object_set(result, "item", search->item);
    if (search->task == DHT_ANNOUNCE || search->task == DHT_PUT) {
        json_object_set_new(result, "stored", json_integer((json_int_t)search->stored));
        json_object_set_new(result, "refused", json_integer((json_int_t)search->refused));
    }
    return result;
}

static enum rpc_error error_of(const struct search *search, const struct dht_cost *cost)
{
    bool writes = search->task == DHT_ANNOUNCE || search->task == DHT_PUT;
    if (search->task == DHT_PING)
        return json_array_size(search->nodes) > 0 ? RPC_FINE : RPC_NOTHING_FOUND;
    if (cost->answers == 0)
        return RPC_NO_NETWORK;
    if (!writes)
        return RPC_FINE;
    return search->outdated ? RPC_OUTDATED : search->stored == 0 ? RPC_NOT_STORED : RPC_FINE;
}

/* Only once: what is kept up goes on without a word but its events. */
static void answer(struct search *search, enum rpc_error error, json_t *cost)
{
    struct client *client = search->client;
    json_t *result = result_of(search);
    const char *silent = "no node of the DHT answers at that address";
    if (cost != NULL)
        json_object_set_new(result, "cost", cost);
    client->jobs--;
    if (error == RPC_FINE)
        client_answer(client, search->id, error, result, NULL, NULL);
    else
        client_answer(client, search->id, error, NULL, search->task == DHT_PING ? silent : NULL,
                      result);
    json_decref(search->id);
    search->id = NULL;
}

bool search_cancel(struct client *client, const char *tag)
{
    struct search *search = tagged(client, tag);
    if (search == NULL)
        return false;
    node_dht_cancel(client->daemon->node, search->op);
    if (search->id != NULL)
        answer(search, RPC_FINE, NULL);
    destroy(search);
    return true;
}

void searches_leave(struct client *client)
{
    struct daemon *daemon = client->daemon;
    LIST_EACH (link, &daemon->searches) {
        struct search *search = LIST_ITEM(link, struct search, link);
        if (search->client != client)
            continue;
        if (daemon->node != NULL)
            node_dht_cancel(daemon->node, search->op);
        destroy(search);
    }
}

void searches_end(struct daemon *daemon, enum rpc_error why)
{
    LIST_EACH (link, &daemon->searches) {
        struct search *search = LIST_ITEM(link, struct search, link);
        if (search->id != NULL)
            answer(search, why, NULL);
        destroy(search);
    }
}

/* --- events ----------------------------------------------------------------------------------- */

/* Takes over `content`. */
static void tell(struct search *search, const char *kind, const char *name, json_t *content)
{
    struct client *client = search->client;
    if (search->tag == NULL) {
        json_decref(content);
        return;
    }
    json_t *event = show_any(0, host_now(client->daemon->host), kind);
    json_object_set_new(event, "tag", json_string(search->tag));
    json_object_set_new(event, name, content);
    client_tell(client, event);
}

static void take_nodes(struct search *search, const struct dht_event *event)
{
    json_t *nodes = json_array();
    for (size_t i = 0; i < event->count; i++)
        json_array_append_new(nodes, show_dht_node(&event->nodes[i]));
    if (json_array_size(search->nodes) < NODES_KEPT)
        json_array_extend(search->nodes, nodes);
    tell(search, "dht.nodes", "nodes", nodes);
}

static void take_peers(struct search *search, const struct dht_event *event)
{
    json_t *peers = json_array();
    for (size_t i = 0; i < event->count; i++)
        json_array_append_new(peers, show_address(&event->peers[i]));
    search->found += event->count;
    if (json_array_size(search->peers) < PEERS_KEPT)
        json_array_extend(search->peers, peers);
    tell(search, "dht.peers", "peers", peers);
}

static void take_item(struct search *search, const struct dht_event *event)
{
    json_decref(search->item);
    search->item = show_dht_item(event->item);
    tell(search, "dht.item", "item", json_incref(search->item));
}

static void take_stored(struct search *search, const struct dht_event *event)
{
    search->stored = event->stored;
    search->refused = event->refused;
    search->outdated = event->outdated;
    if (search->tag == NULL)
        return;
    json_t *told = show_any(0, host_now(search->client->daemon->host), "dht.stored");
    json_object_set_new(told, "tag", json_string(search->tag));
    json_object_set_new(told, "stored", json_integer((json_int_t)event->stored));
    json_object_set_new(told, "refused", json_integer((json_int_t)event->refused));
    client_tell(search->client, told);
}

static void take_end(struct search *search, const struct dht_event *event)
{
    json_t *cost = show_dht_cost(&event->cost);
    if (search->keep)
        tell(search, "dht.round", "cost", json_incref(cost));
    if (search->id != NULL)
        answer(search, error_of(search, &event->cost), cost);
    else
        json_decref(cost);
    if (!search->keep)
        destroy(search);
}

static struct search *searching(struct daemon *daemon, dht_op op)
{
    LIST_EACH (link, &daemon->searches)
        if (LIST_ITEM(link, struct search, link)->op == op)
            return LIST_ITEM(link, struct search, link);
    return NULL;
}

void searches_take(struct daemon *daemon, const struct dht_event *event)
{
    struct search *search = searching(daemon, event->op);
    if (search == NULL)
        return; /* the node's own */
    switch (event->kind) {
    case DHT_NODES:
        take_nodes(search, event);
        break;
    case DHT_PEERS:
        take_peers(search, event);
        break;
    case DHT_ITEM:
        take_item(search, event);
        break;
    case DHT_STORED:
        take_stored(search, event);
        break;
    case DHT_ENDED:
        take_end(search, event);
        break;
    default:
        break;
    }
}
