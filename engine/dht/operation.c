/* What the rooms above asked for, one search in each overlay, and what is done with what comes. */
#include "engine/dht/operation.h"

#include "base/mem.h"
#include "engine/dht/bencode.h"

#include <assert.h>
#include <string.h>

#define WAIT_MOST     (20 * SECOND) /* for a node to begin with */
#define AGAIN_WITHOUT (1 * MINUTE)  /* kept up, and there was none */
#define ANNOUNCE_AGAIN                                                                             \
    (15 * MINUTE)                   /* the shortest memory in the field is 30: docs/protocol.md    \
                                     */
#define PUT_AGAIN        (1 * HOUR) /* BEP 44 */
#define SMALL            8          /* nodes of a network that nobody needs to be spared in */
#define CHORE_NODES      20         /* around us, or in a bucket: whom we find we keep */
#define PING_PATIENCE    (5 * SECOND)
#define PEERS_PER_ANSWER 200  /* a liar's list ends here */
#define PEERS_MOST       4096 /* per operation */
#define ASKING_AT_ONCE   64   /* waiting for their turn: the rate is the limit, not memory */

static const bool may_become[STAGES][STAGES] = {
    [STAGE_WAITING] = { [STAGE_SEARCHING] = true, [STAGE_RESTING] = true },
    [STAGE_SEARCHING] = { [STAGE_WRITING] = true, [STAGE_RESTING] = true },
    [STAGE_WRITING] = { [STAGE_RESTING] = true },
    [STAGE_RESTING] = { [STAGE_WAITING] = true },
};

void operation_become(struct operation *operation, enum stage next)
{
    assert(may_become[operation->stage][next]);
    operation->stage = (uint8_t)next;
}

/* --- life ------------------------------------------------------------------------------------- */

struct operation *operation_find(const struct dht *dht, dht_op id)
{
    LIST_EACH (link, &dht->operations) {
        struct operation *operation = LIST_ITEM(link, struct operation, link);
        if (operation->id == id)
            return operation;
    }
    return NULL;
}

static void drop_search(struct operation *operation)
{
    for (size_t family = 0; family < FAMILIES; family++) {
        lookup_destroy(operation->lookup[family]);
        operation->lookup[family] = NULL;
    }
}

static void destroy(struct dht *dht, struct operation *operation)
{
    if (operation->chore)
        dht->at_chore[operation->only] = false;
    else
        dht->operation_count--;
    list_remove(&operation->link);
    drop_search(operation);
    write_clear(operation);
    mem_free(operation->peers);
    mem_free(operation->item_memory);
    mem_free(operation);
}

static struct operation *create(struct dht *dht, instant now, const struct dht_request *request)
{
    struct operation *operation = mem_zeroed(1, sizeof *operation);
    operation->id = ++dht->newest;
    operation->request = *request;
    operation->stage = STAGE_WAITING;
    operation->newest = -1;
    operation->began = now;
    operation->due = now + WAIT_MOST;
    list_append(&dht->operations, &operation->link);
    return operation;
}

static void keep_item(struct operation *operation, const struct item *item)
{
    size_t size = item->salt.size + item->value.size;
    operation->item_memory = mem_zeroed(1, size + 1);
    struct cursor memory = cursor_into(operation->item_memory, size);
    cursor_put_bytes(&memory, item->salt);
    cursor_put_bytes(&memory, item->value);
    operation->item = *item;
    operation->item.salt.data = operation->item_memory;
    operation->item.value.data = operation->item_memory + item->salt.size;
    operation->request.item = &operation->item;
    item_target(operation->request.target.bytes, item);
}

static bool may_be_put(const struct item *item)
{
    return item_check(item) == FAULT_NONE && bencode_is_canonical(item->value);
}

static bool may_be_wanted(const struct item *item)
{
    return item->mutable && item->salt.size <= ITEM_SALT_MAX_BYTES;
}

static bool ping(struct dht *dht, instant when, struct operation *operation)
{
    struct query query = { .purpose = FOR_PERSON,
                           .method = KRPC_PING,
                           .to.at = operation->request.at,
                           .owner = operation->id,
                           .due = when };
    return out_ask(dht, &query);
}

static void ask_person(struct dht *dht, instant now, struct operation *operation)
{
    operation_become(operation, STAGE_SEARCHING);
    operation->due = ping(dht, now, operation) ? now + PING_PATIENCE : now;
}

enum fault dht_begin(struct dht *dht, instant now, const struct dht_request *request, dht_op *out)
{
    const struct item *item = request->item;
    dht->now = now;
    if (dht->operation_count == DHT_OPERATIONS_MAX)
        return FAULT_BUSY;
    if (request->task == DHT_PUT && (item == NULL || !may_be_put(item)))
        return FAULT_PEER;
    if (request->task == DHT_GET && item != NULL && !may_be_wanted(item))
        return FAULT_PEER;
    struct operation *operation = create(dht, now, request);
    dht->operation_count++;
    if (request->task == DHT_PUT || request->task == DHT_GET) {
        if (item != NULL)
            keep_item(operation, item);
        else
            operation->request.keep_up = false; /* what is immutable is not watched */
    } else {
        operation->request.item = NULL;
    }
    if (operation->request.store_on == 0)
        operation->request.store_on = DHT_STORE_ON;
    if (operation->request.store_on > DHT_STORE_ON_MOST)
        operation->request.store_on = DHT_STORE_ON_MOST;
    *out = operation->id;
    if (request->task == DHT_PING)
        ask_person(dht, now, operation);
    dht_go_on(dht, now);
    return FAULT_NONE;
}

void dht_cancel(struct dht *dht, dht_op id)
{
    struct operation *operation = operation_find(dht, id);
    if (operation != NULL && !operation->chore)
        destroy(dht, operation);
    out_forget(dht, id);
}

void operations_clear(struct dht *dht)
{
    LIST_EACH (link, &dht->operations)
        destroy(dht, LIST_ITEM(link, struct operation, link));
}

/* --- searching -------------------------------------------------------------------------------- */

static enum krpc_method method_of(const struct operation *operation)
{
    switch (operation->request.task) {
    case DHT_FIND_PEERS:
    case DHT_ANNOUNCE:
        return KRPC_GET_PEERS;
    case DHT_GET:
    case DHT_PUT:
        return KRPC_GET;
    case DHT_PING:
    case DHT_FIND_NODES:
        break;
    }
    return KRPC_FIND_NODE;
}

static void begin_search(struct dht *dht, instant now, struct operation *operation,
                         enum family family)
{
    struct table_node near[LOOKUP_CANDIDATES];
    struct lookup_settings settings = {
        .method = method_of(operation),
        .target = operation->request.target,
        .ipv6 = family == IPV6,
        .strict = table_most_fit(dht->table[family]),
        .hidden = operation->request.hidden,
        .at_least = operation->chore ? CHORE_NODES : 0,
        .store_on = write_places(&operation->request),
        .estimate = &dht->estimate[family],
    };
    struct lookup *lookup = lookup_create(&settings, dht->rng);
    size_t count = table_closest(dht->table[family], now, &settings.target, near, COUNT(near));
    for (size_t i = 0; i < count; i++)
        lookup_add(lookup, &near[i].node, near[i].items);
    operation->lookup[family] = lookup;
}

static bool is_anybody(const struct dht *dht)
{
    return dht_good(dht, IPV4) > 0 || dht_good(dht, IPV6) > 0;
}

/* A search that ends after a handful of questions is no burden. */
static bool is_small(const struct dht *dht)
{
    return dht_good(dht, IPV4) + dht_good(dht, IPV6) <= SMALL;
}

static void ask_ourselves(struct dht *dht, instant now, struct operation *operation);

/* False: there is nobody to begin with, or it is not its turn. */
static bool begin_round(struct dht *dht, instant now, struct operation *operation)
{
    if (!is_anybody(dht) || (!is_small(dht) && !polite_lookup(dht->polite, now)))
        return false;
    for (size_t family = 0; family < FAMILIES; family++)
        if (dht_good(dht, family) > 0)
            begin_search(dht, now, operation, family);
    operation_become(operation, STAGE_SEARCHING);
    ask_ourselves(dht, now, operation);
    return true;
}

void operation_begin_chore(struct dht *dht, instant now, enum family family,
                           const struct dht_id *target, const struct krpc *first)
{
    struct dht_request request = { .task = DHT_FIND_NODES, .target = *target };
    struct operation *operation = create(dht, now, &request);
    struct dht_node node;
    operation->chore = true;
    operation->only = family;
    dht->at_chore[family] = true;
    begin_search(dht, now, operation, family);
    operation_become(operation, STAGE_SEARCHING);
    struct bytes nodes = first == NULL    ? (struct bytes){ 0 }
                         : family == IPV6 ? first->nodes6
                                          : first->nodes;
    while (krpc_next_node(&nodes, family == IPV6, &node))
        lookup_add(operation->lookup[family], &node, SPEAKS_UNKNOWN);
}

static void ask_more(struct dht *dht, instant now, struct operation *operation,
                     struct lookup *lookup)
{
    struct lookup_ask ask;
    while (flight_count(&dht->flight, QUERY_WAITING) < ASKING_AT_ONCE &&
           lookup_next(lookup, &ask)) {
        struct query query = { .purpose = FOR_SEARCH,
                               .method = (uint8_t)ask.method,
                               .id_known = true,
                               .to = ask.node,
                               .target = ask.target,
                               .owner = operation->id,
                               .number = ask.number,
                               .due = now };
        if (!out_ask(dht, &query))
            lookup_failed(lookup, ask.number);
        else
            operation->cost.queries++;
    }
}

static void learn_from(struct dht *dht, struct operation *operation, enum family family)
{
    struct lookup *lookup = operation->lookup[family];
    struct dht_node closest[ESTIMATE_NODES];
    size_t count = lookup_complete(lookup, closest, COUNT(closest));
    estimate_learn(&dht->estimate[family], &operation->request.target, closest, count);
    if (lookup_rounds(lookup) > operation->cost.rounds)
        operation->cost.rounds = lookup_rounds(lookup);
}

static int nearer(const struct dht_id *target, const struct dht_node *a, const struct dht_node *b)
{
    return id_closer(target, &a->id, &b->id);
}

/* The closest of both overlays, in order. */
static void tell_nodes(struct dht *dht, struct operation *operation)
{
    struct dht_node nodes[2 * DHT_STORE_ON];
    size_t count = 0;
    for (size_t family = 0; family < FAMILIES; family++)
        if (operation->lookup[family] != NULL)
            count += lookup_closest(operation->lookup[family], nodes + count, DHT_STORE_ON);
    for (size_t i = 1; i < count; i++)
        for (size_t j = i;
             j > 0 && nearer(&operation->request.target, &nodes[j], &nodes[j - 1]) < 0; j--) {
            struct dht_node swapped = nodes[j];
            nodes[j] = nodes[j - 1];
            nodes[j - 1] = swapped;
        }
    if (count > 0)
        out_event(dht,
                  &(struct dht_event){
                      .kind = DHT_NODES, .op = operation->id, .nodes = nodes, .count = count });
}

static duration jittered(struct dht *dht, duration period)
{
    return period - period / 10 + rng_below(dht->rng, period / 5);
}

/* Its questions go with the search: the next one would take their answers for its own. */
static void rest(struct dht *dht, struct operation *operation)
{
    operation_become(operation, STAGE_RESTING);
    flight_forget(&dht->flight, operation->id);
    drop_search(operation);
}

void operation_finish(struct dht *dht, instant now, struct operation *operation)
{
    const struct dht_request *request = &operation->request;
    if (!operation->chore)
        out_event(dht, &(struct dht_event){
                           .kind = DHT_ENDED, .op = operation->id, .cost = operation->cost });
    if (watch_is(operation)) {
        watch_begin(dht, now, operation);
        operation->again = false;
        rest(dht, operation);
        return;
    }
    bool writes = request->task == DHT_ANNOUNCE || request->task == DHT_PUT;
    if (!request->keep_up || !writes) {
        destroy(dht, operation);
        return;
    }
    duration wait = operation->stored == 0          ? AGAIN_WITHOUT
                    : request->task == DHT_ANNOUNCE ? ANNOUNCE_AGAIN
                                                    : PUT_AGAIN;
    operation->due = now + jittered(dht, wait);
    operation->round++;
    operation->again = false;
    rest(dht, operation);
    write_clear(operation);
}

/* Nobody answered what the search is for: in a small network a lost packet,
   or one above somebody's rate, is enough. */
static bool search_again(struct dht *dht, instant now, struct operation *operation)
{
    bool gave = false;
    for (size_t family = 0; family < FAMILIES; family++)
        gave =
            gave || (operation->lookup[family] != NULL && lookup_gave(operation->lookup[family]));
    if (gave || operation->settled || operation->chore || operation->again)
        return false;
    operation->again = true;
    operation->due = now + AGAIN_AFTER;
    rest(dht, operation);
    return true;
}

static void search_over(struct dht *dht, instant now, struct operation *operation)
{
    if (search_again(dht, now, operation))
        return;
    operation->cost.took = now - operation->began;
    for (size_t family = 0; family < FAMILIES; family++)
        if (operation->lookup[family] != NULL)
            learn_from(dht, operation, family);
    if (operation->request.task == DHT_FIND_NODES && !operation->chore)
        tell_nodes(dht, operation);
    if (write_places(&operation->request) == 0) {
        operation_finish(dht, now, operation);
        return;
    }
    write_begin(operation);
    write_pump(dht, now, operation);
}

static void pump_search(struct dht *dht, instant now, struct operation *operation)
{
    bool done = true;
    if (operation->request.task == DHT_PING) {
        if (operation->due <= now)
            operation_finish(dht, now, operation);
        return;
    }
    for (size_t family = 0; family < FAMILIES; family++) {
        struct lookup *lookup = operation->lookup[family];
        if (lookup == NULL)
            continue;
        ask_more(dht, now, operation, lookup);
        done = done && lookup_done(lookup);
    }
    if (done)
        search_over(dht, now, operation);
}

static void pump_waiting(struct dht *dht, instant now, struct operation *operation)
{
    if (begin_round(dht, now, operation)) {
        pump_search(dht, now, operation);
        return;
    }
    if (is_anybody(dht) || (operation->due > now && upkeep_is_hopeful(dht)))
        return;
    operation->cost.took = now - operation->began;
    operation_finish(dht, now, operation);
}

static void begin_again(struct operation *operation, instant now)
{
    operation_become(operation, STAGE_WAITING);
    operation->due = now + WAIT_MOST;
    if (operation->again)
        return;
    operation->began = now;
    operation->cost = (struct dht_cost){ 0 };
}

static void pump(struct dht *dht, instant now, struct operation *operation)
{
    switch ((enum stage)operation->stage) {
    case STAGE_RESTING:
        if (operation->due > now ||
            (watch_is(operation) && !operation->again && watch_ask(dht, now, operation)))
            return;
        begin_again(operation, now);
        pump_waiting(dht, now, operation);
        return;
    case STAGE_WAITING:
        pump_waiting(dht, now, operation);
        return;
    case STAGE_SEARCHING:
        pump_search(dht, now, operation);
        return;
    case STAGE_WRITING:
        write_pump(dht, now, operation);
        return;
    case STAGES:
        break;
    }
    assert(false);
}

void operations_pump(struct dht *dht, instant now)
{
    LIST_EACH (link, &dht->operations)
        pump(dht, now, LIST_ITEM(link, struct operation, link));
}

/* --- what came -------------------------------------------------------------------------------- */

static void first_result(struct operation *operation, instant now)
{
    if (operation->cost.first == 0)
        operation->cost.first = later(now - operation->began, 1);
}

static bool peer_told(const struct operation *operation, const struct address *peer)
{
    for (size_t i = 0; i < operation->peer_count; i++)
        if (address_equal(&operation->peers[i], peer))
            return true;
    return false;
}

static void keep_peer(struct operation *operation, const struct address *peer)
{
    if (operation->peer_count == operation->peer_room) {
        operation->peer_room = operation->peer_room == 0 ? 8 : 2 * operation->peer_room;
        operation->peers =
            mem_resized(operation->peers, operation->peer_room, sizeof *operation->peers);
    }
    operation->peers[operation->peer_count++] = *peer;
}

static void take_peers(struct dht *dht, instant now, struct operation *operation,
                       struct bytes values)
{
    struct address peer;
    size_t first = operation->peer_count;
    for (size_t i = 0; i < PEERS_PER_ANSWER && operation->peer_count < PEERS_MOST &&
                       krpc_next_value(&values, &peer);
         i++)
        if (!peer_told(operation, &peer))
            keep_peer(operation, &peer);
    for (size_t at = first; at < operation->peer_count; at += DHT_PEERS_AT_ONCE) {
        size_t left = operation->peer_count - at;
        first_result(operation, now);
        out_event(dht, &(struct dht_event){
                           .kind = DHT_PEERS,
                           .op = operation->id,
                           .peers = operation->peers + at,
                           .count = left < DHT_PEERS_AT_ONCE ? left : DHT_PEERS_AT_ONCE });
    }
}

/* What an answer says is there. False: not all of it is. */
static bool read_item(const struct operation *operation, const struct krpc *answer,
                      struct item *out)
{
    *out = (struct item){ .value = answer->value };
    if (answer->value.size == 0)
        return false;
    out->mutable = answer->key.size > 0;
    if (!out->mutable)
        return true;
    if (answer->key.size != sizeof out->key || answer->signature.size != sizeof out->signature ||
        !answer->has_seq)
        return false;
    memcpy(out->key, answer->key.data, sizeof out->key);
    memcpy(out->signature, answer->signature.data, sizeof out->signature);
    out->seq = answer->seq;
    if (operation->request.item != NULL)
        out->salt = operation->item.salt;
    return true;
}

static bool is_valid(const struct operation *operation, const struct item *item)
{
    struct dht_id target;
    item_target(target.bytes, item);
    /* The signature comes last: it costs most. */
    return id_equal(&target, &operation->request.target) && bencode_is_canonical(item->value) &&
           item_check(item) == FAULT_NONE;
}

/* Whoever puts under a number that is taken already would be told that it was stored: nodes refuse
   what they hold in the same words. */
static bool is_rival(const struct operation *operation, const struct item *item)
{
    return operation->request.task == DHT_PUT && item->mutable && !operation->outdated &&
           item->seq == operation->item.seq && !bytes_equal(item->value, operation->item.value);
}

static bool is_news(const struct operation *operation, const struct item *item)
{
    return item->mutable ? item->seq > operation->newest : !operation->settled;
}

static void weigh_item(struct dht *dht, instant now, struct operation *operation, struct item item)
{
    bool news = is_news(operation, &item), rival = is_rival(operation, &item);
    if ((!news && !rival) || !is_valid(operation, &item))
        return;
    operation->outdated |= rival;
    if (!news)
        return;
    if (item.mutable)
        operation->newest = item.seq;
    else
        operation->settled = true;
    if (operation->request.task == DHT_PUT && (!item.mutable || item.seq <= operation->item.seq))
        return; /* who puts wants to hear of newer ones only */
    first_result(operation, now);
    out_event(dht, &(struct dht_event){ .kind = DHT_ITEM, .op = operation->id, .item = &item });
}

void operation_take_item(struct dht *dht, instant now, struct operation *operation,
                         const struct krpc *answer)
{
    struct item item;
    if (read_item(operation, answer, &item))
        weigh_item(dht, now, operation, item);
}

/* We are one of the nodes as well: of two who are alone with each other, each holds what the other
   put. */
static void ask_ourselves(struct dht *dht, instant now, struct operation *operation)
{
    bool items = operation->request.task == DHT_GET || operation->request.task == DHT_PUT;
    const struct item *held = items ? served_item(dht->served, &operation->request.target) : NULL;
    if (held != NULL)
        weigh_item(dht, now, operation, *held);
}

static void search_answered(struct dht *dht, instant now, struct operation *operation,
                            const struct query *query, const struct address *from,
                            const struct krpc *answer)
{
    enum family family = family_of(from);
    struct table_node known;
    struct lookup *lookup = operation->lookup[family];
    struct dht_node node = { answer->id, *from };
    struct lookup_answer told = { .id = answer->id,
                                  .nodes = family == IPV6 ? answer->nodes6 : answer->nodes,
                                  .token = answer->token };
    if (table_find(dht->table[family], &node, &known))
        told.items = known.items;
    if (told.token.size > KRPC_TOKEN_MAX)
        told.token.size = 0;
    operation->cost.answers++;
    lookup_answered(lookup, query->number, &told);
    if (query->method == KRPC_GET_PEERS && answer->has_values)
        take_peers(dht, now, operation, answer->values);
    if (query->method == KRPC_GET)
        operation_take_item(dht, now, operation, answer);
}

/* Of this round's search? */
static struct operation *searching(const struct dht *dht, const struct query *query)
{
    struct operation *operation = operation_find(dht, query->owner);
    return operation != NULL && operation->stage == STAGE_SEARCHING &&
                   operation->lookup[family_of(&query->to.at)] != NULL
               ? operation
               : NULL;
}

static struct operation *writing(const struct dht *dht, const struct query *query)
{
    struct operation *operation = operation_find(dht, query->owner);
    return operation != NULL && operation->stage == STAGE_WRITING &&
                   query->number < operation->write_count
               ? operation
               : NULL;
}

void operation_answered(struct dht *dht, instant now, const struct query *query,
                        const struct address *from, const struct krpc *answer)
{
    struct operation *operation;
    if (query->purpose == FOR_SEARCH && (operation = searching(dht, query)) != NULL) {
        search_answered(dht, now, operation, query, from, answer);
        if (operation->request.task == DHT_GET && operation->settled)
            search_over(dht, now, operation); /* it cannot change */
    } else if (query->purpose == FOR_WRITE && (operation = writing(dht, query)) != NULL) {
        write_answered(operation, query->number);
    } else if (query->purpose == FOR_WATCH &&
               (operation = operation_find(dht, query->owner)) != NULL) {
        watch_answered(dht, now, operation, answer);
    } else if (query->purpose == FOR_PERSON &&
               (operation = operation_find(dht, query->owner)) != NULL) {
        struct dht_node node = { answer->id, *from };
        first_result(operation, now);
        operation->cost.took =
            now - query->sent; /* our own waiting for the rate is no round trip */
        out_event(dht, &(struct dht_event){
                           .kind = DHT_NODES, .op = operation->id, .nodes = &node, .count = 1 });
        operation_finish(dht, now, operation);
    }
}

void operation_refused(struct dht *dht, instant now, const struct query *query,
                       const struct krpc *error)
{
    struct operation *operation;
    if (query->purpose == FOR_WRITE && (operation = writing(dht, query)) != NULL)
        write_refused(operation, query->number, error->code);
    else
        operation_gone(dht, now, query);
}

void operation_slow(struct dht *dht, const struct query *query)
{
    struct operation *operation;
    if (query->purpose == FOR_SEARCH && (operation = searching(dht, query)) != NULL)
        lookup_slow(operation->lookup[family_of(&query->to.at)], query->number);
    else if (query->purpose == FOR_WRITE && (operation = writing(dht, query)) != NULL)
        write_slow(operation, query->number);
    else if (query->purpose == FOR_PERSON &&
             (operation = operation_find(dht, query->owner)) != NULL &&
             !operation->again) /* its rate may have been used up */
        operation->again = ping(dht, dht->now + AGAIN_AFTER, operation);
}

void operation_gone(struct dht *dht, instant now, const struct query *query)
{
    struct operation *operation;
    (void)now;
    if (query->purpose == FOR_SEARCH && (operation = searching(dht, query)) != NULL)
        lookup_failed(operation->lookup[family_of(&query->to.at)], query->number);
    else if (query->purpose == FOR_WRITE && (operation = writing(dht, query)) != NULL)
        write_slow(operation, query->number);
    else if (query->purpose == FOR_WATCH && (operation = operation_find(dht, query->owner)) != NULL)
        watch_silent(operation, query);
}

bool operation_write(const struct dht *dht, const struct query *query, struct krpc *out)
{
    const struct operation *operation = writing(dht, query);
    if (operation == NULL)
        return false;
    write_fill(dht, operation, query->number, out);
    return true;
}

/* --- when ------------------------------------------------------------------------------------- */

static instant due_of(const struct dht *dht, const struct operation *operation)
{
    switch ((enum stage)operation->stage) {
    case STAGE_WAITING:
        return !is_anybody(dht) ? operation->due
               : is_small(dht)  ? dht->now
                                : polite_lookup_at(dht->polite, dht->now);
    case STAGE_RESTING:
        return operation->due;
    case STAGE_SEARCHING:
        return operation->request.task == DHT_PING ? operation->due : NEVER;
    case STAGE_WRITING:
    case STAGES:
        break;
    }
    return NEVER; /* answers and silence are flight's to time */
}

instant operations_deadline(const struct dht *dht)
{
    instant first = NEVER;
    LIST_EACH (link, &dht->operations)
        first = earlier(first, due_of(dht, LIST_ITEM(link, struct operation, link)));
    return first;
}
