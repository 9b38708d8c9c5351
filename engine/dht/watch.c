/* An item that is watched: once a search has found who would hold it, these few are asked by turns
   whether they hold a newer one. That costs one question where a search costs seventy. */
#include "engine/dht/operation.h"

#include <string.h>

#define FOUND_FOR (1 * HOUR)   /* then who is closest may have changed */
#define LEAST     3            /* with fewer left they are found anew, ... */
#define PAUSE     (1 * MINUTE) /* ... but not sooner */

bool watch_is(const struct operation *operation)
{
    return operation->request.task == DHT_GET && operation->request.keep_up;
}

/* A quarter less at most, so that not all who watch ask in step. */
static instant next(struct dht *dht, instant now, const struct operation *operation)
{
    duration every = operation->request.watch_every;
    return now + every - rng_below(dht->rng, every / 4 + 1);
}

void watch_begin(struct dht *dht, instant now, struct operation *operation)
{
    size_t overlays = (operation->lookup[IPV4] != NULL) + (operation->lookup[IPV6] != NULL);
    operation->watched_count = operation->watched_next = 0;
    for (size_t family = 0; family < FAMILIES; family++)
        if (operation->lookup[family] != NULL)
            operation->watched_count += lookup_closest(
                operation->lookup[family], operation->watched + operation->watched_count,
                WATCHED_NODES / overlays);
    operation->searched = now;
    operation->due = next(dht, now, operation);
}

bool watch_ask(struct dht *dht, instant now, struct operation *operation)
{
    instant stale = operation->searched + (operation->watched_count < LEAST ? PAUSE : FOUND_FOR);
    if (now >= stale || operation->searched == 0)
        return false;
    operation->due = next(dht, now, operation);
    if (operation->watched_count == 0)
        return true;
    operation->watched_next %= operation->watched_count;
    struct query query = { .purpose = FOR_WATCH,
                           .method = KRPC_GET,
                           .id_known = true,
                           .to = operation->watched[operation->watched_next++],
                           .target = operation->request.target,
                           .owner = operation->id,
                           .due = now };
    (void)out_ask(dht, &query); /* when too many are out, this turn is passed over */
    return true;
}

bool operation_watch(const struct dht *dht, const struct query *query, struct krpc *out)
{
    const struct operation *operation = operation_find(dht, query->owner);
    if (operation == NULL)
        return false;
    /* Who holds nothing newer leaves the item out. */
    out->has_seq = operation->newest >= 0;
    out->seq = operation->newest;
    return true;
}

void watch_answered(struct dht *dht, instant now, struct operation *operation,
                    const struct krpc *answer)
{
    operation_take_item(dht, now, operation, answer);
}

void watch_silent(struct operation *operation, const struct query *query)
{
    for (size_t i = 0; i < operation->watched_count; i++) {
        if (!address_equal(&operation->watched[i].at, &query->to.at))
            continue;
        operation->watched[i] = operation->watched[--operation->watched_count];
        return;
    }
}
