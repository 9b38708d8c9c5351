/* What leaves: packets, and events for whoever asked. */
#include "engine/dht/inside.h"

#include "base/mem.h"

#include <string.h>

/* --- packets --------------------------------------------------------------------------------- */

void out_packet(struct dht *dht, const struct address *to, struct bytes bytes)
{
    struct packet *packet = mem_resized(NULL, 1, sizeof *packet + bytes.size);
    packet->to = *to;
    packet->size = bytes.size;
    memcpy(packet->bytes, bytes.data, bytes.size);
    list_append(&dht->packets, &packet->link);
    dht->packet_count++;
    dht->sent++;
    dht->sent_bytes += bytes.size;
}

bool dht_next_datagram(struct dht *dht, instant now, struct dht_datagram *out)
{
    (void)now;
    mem_free(dht->pulled);
    dht->pulled = NULL;
    if (list_empty(&dht->packets))
        return false;
    dht->pulled = LIST_ITEM(dht->packets.next, struct packet, link);
    list_remove(&dht->pulled->link);
    dht->packet_count--;
    *out = (struct dht_datagram){ dht->pulled->to, { dht->pulled->bytes, dht->pulled->size } };
    return true;
}

/* --- questions ------------------------------------------------------------------------------- */

bool out_ask(struct dht *dht, const struct query *query)
{
    return dht->table[family_of(&query->to.at)] != NULL &&
           flight_begin(&dht->flight, query, dht->rng);
}

/* What the question says. False: whoever wanted it asked is gone. */
static bool compose(const struct dht *dht, const struct query *query, struct krpc *out)
{
    *out = (struct krpc){ .kind = KRPC_QUERY, .method = query->method };
    out->id = dht->id[family_of(&query->to.at)];
    out->has_target = query->method != KRPC_PING;
    out->target = query->target;
    switch ((enum purpose)query->purpose) {
    case FOR_WRITE:
        return operation_write(dht, query, out);
    case FOR_WATCH:
        return operation_watch(dht, query, out);
    case FOR_ENTRY:
    case FOR_ROUTER: /* both overlays, while we come in: BEP 32 */
        out->has_want = dht->table[IPV4] != NULL && dht->table[IPV6] != NULL;
        out->want_ipv4 = out->want_ipv6 = out->has_want;
        return true;
    case FOR_TABLE:
    case FOR_SEARCH:
    case FOR_PERSON:
        return true;
    }
    return true;
}

static duration known_rtt(const struct dht *dht, const struct dht_node *node)
{
    struct table_node known;
    return table_find(dht->table[family_of(&node->at)], node, &known) ? known.rtt : 0;
}

void out_query(struct dht *dht, instant now, struct query *query)
{
    uint8_t wire[DHT_DATAGRAM_MAX];
    struct krpc message;
    instant at = polite_query_at(dht->polite, now, &query->to.at);
    if (at > now) {
        query->due = at;
        return;
    }
    if (!compose(dht, query, &message)) {
        flight_remove(&dht->flight, query);
        return;
    }
    message.tid = BYTES_OF(query->tid);
    message.read_only = self_read_only(dht->self, now);
    size_t size = krpc_encode(&message, wire, sizeof wire);
    if (size == 0) { /* a token of a liar's length, say: nothing can be asked there */
        struct query over = *query;
        flight_remove(&dht->flight, query);
        operation_gone(dht, now, &over);
        return;
    }
    flight_sent(&dht->flight, query, now, query->id_known ? known_rtt(dht, &query->to) : 0);
    polite_query_sent(dht->polite, now, &query->to.at);
    out_packet(dht, &query->to.at, (struct bytes){ wire, size });
    dht->queries++;
}

/* --- events ---------------------------------------------------------------------------------- */

struct told { /* an event, with all it points to */
    struct list link;
    struct dht_event event;
    struct item item;
    uint8_t *memory;
};

static void told_destroy(struct told *told)
{
    if (told == NULL)
        return;
    list_remove(&told->link);
    mem_free(told->memory);
    mem_free(told);
}

static void keep_item(struct told *told, const struct item *item)
{
    size_t size = item->salt.size + item->value.size;
    struct cursor memory;
    told->memory = mem_zeroed(1, size + 1);
    memory = cursor_into(told->memory, size);
    cursor_put_bytes(&memory, item->salt);
    cursor_put_bytes(&memory, item->value);
    told->item = *item;
    told->item.salt.data = told->memory;
    told->item.value.data = told->memory + item->salt.size;
    told->event.item = &told->item;
}

void out_event(struct dht *dht, const struct dht_event *event)
{
    struct told *told = mem_zeroed(1, sizeof *told);
    told->event = *event;
    if (event->item != NULL)
        keep_item(told, event->item);
    if (event->nodes != NULL)
        told->event.nodes =
            (const struct dht_node *)(void *)(told->memory =
                                                  mem_copy(event->nodes,
                                                           event->count * sizeof *event->nodes));
    if (event->peers != NULL)
        told->event.peers =
            (const struct address *)(void *)(told->memory =
                                                 mem_copy(event->peers,
                                                          event->count * sizeof *event->peers));
    list_append(&dht->events, &told->link);
}

bool dht_next_event(struct dht *dht, struct dht_event *out)
{
    told_destroy(dht->told);
    dht->told = NULL;
    if (list_empty(&dht->events))
        return false;
    dht->told = LIST_ITEM(dht->events.next, struct told, link);
    list_remove(&dht->told->link);
    *out = dht->told->event;
    return true;
}

void out_forget(struct dht *dht, dht_op operation)
{
    LIST_EACH (link, &dht->events) {
        struct told *told = LIST_ITEM(link, struct told, link);
        if (told->event.op == operation)
            told_destroy(told);
    }
}

void out_clear(struct dht *dht)
{
    struct dht_datagram datagram;
    struct dht_event event;
    while (dht_next_datagram(dht, 0, &datagram))
        ;
    while (dht_next_event(dht, &event))
        ;
}
