#include "engine/dht/net_test.h"

#include "base/mem.h"

void net_start(struct net *net, uint64_t seed)
{
    *net = (struct net){ .now = 1000 * DAY };
    net->rng = rng_from_seed(&net->luck, seed);
    net->nodes = mem_zeroed(NET_NODES_MAX, sizeof *net->nodes);
}

void net_finish(struct net *net)
{
    for (size_t i = 0; i < net->count; i++)
        dht_destroy(net->nodes[i].dht);
    for (size_t i = 0; i < net->packet_count; i++)
        mem_free(net->packets[i]);
    mem_free(net->packets);
    mem_free(net->heard);
    mem_free(net->nodes);
    *net = (struct net){ 0 };
}

static struct address public_ipv4(size_t number)
{
    /* 90.0.0.0 and following: public, and none of them in another one's /16. */
    struct address at = { .port = (uint16_t)(20000 + number) };
    at.ip[10] = at.ip[11] = 0xff;
    at.ip[12] = (uint8_t)(90 + number / 128);
    at.ip[13] = (uint8_t)(number % 128);
    at.ip[14] = 7;
    at.ip[15] = 9;
    return at;
}

static struct address public_ipv6(size_t number)
{
    struct address at = { .ip = { 0x2a, 0x01, (uint8_t)number, 0x10 }, .port = 6881 };
    at.ip[15] = 1;
    return at;
}

static size_t add(struct net *net, const struct dht_settings *settings, struct address at)
{
    assert_true(net->count < NET_NODES_MAX);
    struct net_node *node = &net->nodes[net->count];
    node->at = at;
    node->rng = rng_from_seed(&node->luck, rng_u64(&net->rng));
    net_revive(net, net->count, settings);
    return net->count++;
}

size_t net_add(struct net *net, const struct dht_settings *settings)
{
    return add(net, settings, public_ipv4(net->count));
}

size_t net_add_ipv6(struct net *net)
{
    return add(net, NULL, public_ipv6(net->count));
}

void net_kill(struct net *net, size_t node)
{
    dht_destroy(net->nodes[node].dht);
    net->nodes[node].dht = NULL;
}

void net_revive(struct net *net, size_t node, const struct dht_settings *settings)
{
    struct dht_settings none = { 0 };
    struct net_node *it = &net->nodes[node];
    it->dht = dht_create(settings == NULL ? &none : settings, net->now, &it->rng, NULL);
    it->event_count = 0;
}

struct dht *net_dht(struct net *net, size_t node)
{
    return net->nodes[node].dht;
}

/* --- packets ---------------------------------------------------------------------------------- */

static void post(struct net *net, const struct address *from, const struct address *to,
                 struct bytes bytes)
{
    struct net_packet *packet = mem_zeroed(1, sizeof *packet);
    packet->at = net->now + NET_LATENCY;
    packet->order = net->order++;
    packet->from = *from;
    packet->to = *to;
    packet->size = bytes.size;
    memcpy(packet->bytes, bytes.data, bytes.size);
    if (net->packet_count == net->packet_room) {
        net->packet_room = net->packet_room == 0 ? 64 : 2 * net->packet_room;
        net->packets = mem_resized(net->packets, net->packet_room, sizeof(struct net_packet *));
    }
    net->packets[net->packet_count++] = packet;
    net->sent++;
}

void net_inject(struct net *net, const struct address *from, const struct address *to,
                struct bytes bytes)
{
    post(net, from, to, bytes);
}

static void keep_event(struct net_node *node, const struct dht_event *event)
{
    assert_true(node->event_count < NET_EVENTS);
    size_t at = node->event_count++;
    memset(&node->events[at], 0, sizeof node->events[at]);
    node->events[at].kind = event->kind;
    node->events[at].op = event->op;
    node->events[at].count = event->count;
    node->events[at].stored = event->stored;
    node->events[at].refused = event->refused;
    node->events[at].outdated = event->outdated;
    node->events[at].self = event->self;
    node->events[at].cost = event->cost;
    if (event->nodes != NULL)
        node->events[at].node = event->nodes[0];
    if (event->peers != NULL)
        node->events[at].peer = event->peers[0];
    if (event->item != NULL) {
        node->events[at].seq = event->item->seq;
        node->events[at].value_size = event->item->value.size;
        memcpy(node->events[at].value, event->item->value.data, event->item->value.size);
    }
}

static void pull(struct net *net, struct net_node *node)
{
    struct dht_datagram out;
    struct dht_event event;
    while (node->dht != NULL && dht_next_datagram(node->dht, net->now, &out))
        post(net, &node->at, &out.to, out.bytes);
    while (node->dht != NULL && dht_next_event(node->dht, &event))
        keep_event(node, &event);
}

static void hear(struct net *net, const struct net_packet *packet)
{
    if (net->heard_count == net->heard_room) {
        net->heard_room = net->heard_room == 0 ? 16 : 2 * net->heard_room;
        net->heard = mem_resized(net->heard, net->heard_room, sizeof *net->heard);
    }
    net->heard[net->heard_count++] = *packet;
}

static bool is_of_items(const struct net_packet *packet)
{
    struct krpc message;
    return krpc_decode((struct bytes){ packet->bytes, packet->size }, &message) == KRPC_READ &&
           message.kind == KRPC_QUERY && (message.method == KRPC_GET || message.method == KRPC_PUT);
}

static void arrive(struct net *net, const struct net_packet *packet)
{
    if (address_equal(&packet->to, &net->outside))
        hear(net, packet);
    for (size_t i = 0; i < net->count; i++) {
        struct net_node *node = &net->nodes[i];
        if (node->dht == NULL || node->deaf || !address_equal(&node->at, &packet->to) ||
            (node->no_items && is_of_items(packet)))
            continue;
        dht_receive(node->dht, net->now, &packet->from,
                    (struct bytes){ packet->bytes, packet->size });
        pull(net, node);
    }
}

static size_t first_packet(const struct net *net)
{
    size_t first = 0;
    for (size_t i = 1; i < net->packet_count; i++)
        if (net->packets[i]->at < net->packets[first]->at ||
            (net->packets[i]->at == net->packets[first]->at &&
             net->packets[i]->order < net->packets[first]->order))
            first = i;
    return first;
}

static instant next_of_nodes(const struct net *net)
{
    instant next = NEVER;
    for (size_t i = 0; i < net->count; i++)
        if (net->nodes[i].dht != NULL)
            next = earlier(next, dht_deadline(net->nodes[i].dht));
    return next;
}

static void advance_all(struct net *net)
{
    for (size_t i = 0; i < net->count; i++) {
        struct net_node *node = &net->nodes[i];
        if (node->dht == NULL || dht_deadline(node->dht) > net->now)
            continue;
        dht_advance(node->dht, net->now);
        /* A node that asks to be called again at once, for ever, is a defect. */
        assert_true(dht_deadline(node->dht) > net->now);
        pull(net, node);
    }
}

/* The next thing happens, if it does before `end`. */
static bool step(struct net *net, instant end)
{
    for (size_t i = 0; i < net->count; i++)
        pull(net, &net->nodes[i]);
    instant next = next_of_nodes(net);
    size_t packet = 0;
    if (net->packet_count > 0) {
        packet = first_packet(net);
        next = earlier(next, net->packets[packet]->at);
    }
    if (next > end)
        return false;
    net->now = later(net->now, next);
    if (net->packet_count > 0 && net->packets[packet]->at <= net->now) {
        struct net_packet *one = net->packets[packet];
        net->packets[packet] = net->packets[--net->packet_count];
        arrive(net, one);
        mem_free(one);
    }
    advance_all(net);
    return true;
}

void net_run(struct net *net, duration length)
{
    instant end = net->now + length;
    while (step(net, end))
        ;
    net->now = end;
}

void net_grow(struct net *net, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t number = net_add(net, NULL);
        if (number > 0)
            dht_try(net_dht(net, number), net->now, DHT_FROM_PEOPLE, &net->nodes[number / 2].at, 1);
        net_run(net, 300 * MILLISECOND);
    }
    net_run(net, MINUTE);
}

/* --- what was told ---------------------------------------------------------------------------- */

dht_op net_begin(struct net *net, size_t node, const struct dht_request *request)
{
    dht_op op = 0;
    assert_int_equal(dht_begin(net_dht(net, node), net->now, request, &op), FAULT_NONE);
    return op;
}

size_t net_told_count(const struct net *net, size_t node, enum dht_event_kind kind, dht_op op)
{
    size_t count = 0;
    for (size_t i = 0; i < net->nodes[node].event_count; i++)
        count += net->nodes[node].events[i].kind == kind && net->nodes[node].events[i].op == op;
    return count;
}

size_t net_told(const struct net *net, size_t node, enum dht_event_kind kind, dht_op op)
{
    for (size_t i = 0; i < net->nodes[node].event_count; i++)
        if (net->nodes[node].events[i].kind == kind && net->nodes[node].events[i].op == op)
            return i + 1;
    return 0;
}

size_t net_until(struct net *net, size_t node, enum dht_event_kind kind, dht_op op, duration most)
{
    instant end = net->now + most;
    while (net_told(net, node, kind, op) == 0 && step(net, end))
        ;
    return net_told(net, node, kind, op);
}
