#include "engine/node/inside.h"

static struct dht *running(const struct node *node)
{
    return node->trouble == STORE_FINE ? node->dht : NULL;
}

enum fault node_dht_begin(struct node *node, instant now, const struct dht_request *request,
                          dht_op *out)
{
    *out = 0;
    return running(node) == NULL ? FAULT_GONE : dht_begin(node->dht, now, request, out);
}

void node_dht_cancel(struct node *node, dht_op op)
{
    if (running(node) != NULL)
        dht_cancel(node->dht, op);
}

void node_dht_try(struct node *node, instant now, enum dht_source source, const struct address *at,
                  size_t count)
{
    if (running(node) != NULL)
        dht_try(node->dht, now, source, at, count);
}

void node_dht_status(const struct node *node, instant now, struct dht_status *out)
{
    *out = (struct dht_status){ 0 };
    if (running(node) != NULL)
        dht_look(node->dht, now, out);
}

size_t node_dht_save(const struct node *node, uint8_t out[DHT_SAVED_MAX_BYTES])
{
    return running(node) == NULL ? 0 : dht_save(node->dht, out);
}

enum fault node_dht_restore(struct node *node, instant now, struct bytes saved)
{
    return running(node) == NULL ? FAULT_GONE : dht_restore(node->dht, now, saved);
}
