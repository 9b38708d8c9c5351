/* The UDP sockets in the loop: arrivals go to the node, and what it wants sent goes out, held back
   when the kernel is full. */
#include "host/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#define BATCHES_PER_ROUND 16 /* then others get their turn: 128 arrivals of up to 64 KiB */
#define RANDOM_PORT_TRIES 16 /* a port free on IPv4 may be taken on IPv6 */

/* --- which socket an address belongs to ------------------------------------------------------- */

static struct route *route_of(struct host *host, const struct address *address)
{
    uint32_t hash = address->port;
    for (size_t i = 0; i < sizeof address->ip; i++)
        hash = hash * 31 + address->ip[i];
    return &host->routes[hash % ROUTES];
}

/* Whoever wrote to one of our addresses must be answered from it, or his NAT drops the answer. A
   place taken by another address costs no more than the default below. */
static struct wire *wire_for(struct host *host, const struct address *to)
{
    const struct route *route = route_of(host, to);
    if (address_equal(&route->from, to))
        return host->wires[route->wire];
    for (size_t i = 0; i < host->wire_count; i++) {
        struct address bound = udp_bound(host->wires[i]->udp);
        if (address_is_ipv4(&bound) == address_is_ipv4(to))
            return host->wires[i];
    }
    return NULL;
}

/* --- in --------------------------------------------------------------------------------------- */

static void deliver(struct host *host, const struct udp_arrival *arrival)
{
    struct bytes left = arrival->bytes;
    while (left.size > 0) {
        size_t size = left.size < arrival->segment ? left.size : arrival->segment;
        node_receive(host->node, host_now(host), &arrival->from, (struct bytes){ left.data, size });
        left.data += size;
        left.size -= size;
    }
}

static void receive(struct wire *wire)
{
    struct host *host = wire->host;
    struct udp_arrival arrivals[UDP_BATCH_MESSAGES];
    for (size_t batch = 0; batch < BATCHES_PER_ROUND; batch++) {
        size_t count = udp_receive(wire->udp, host->batch, arrivals);
        for (size_t i = 0; i < count && host->node != NULL; i++) {
            struct route *route = route_of(host, &arrivals[i].from);
            route->from = arrivals[i].from;
            route->wire = wire->index;
            deliver(host, &arrivals[i]);
        }
        if (count < UDP_BATCH_MESSAGES)
            break;
    }
    host_touch(host);
}

/* --- out -------------------------------------------------------------------------------------- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct wire *wire)
{
    int events = UV_READABLE | (wire->held_size > 0 ? UV_WRITABLE : 0);
    int started = uv_poll_start(&wire->poll, events, on_ready);
    assert(started == 0);
}

static void send_held(struct wire *wire)
{
    struct bytes run = { wire->held, wire->held_size };
    size_t taken = udp_send(wire->udp, &wire->held_to, run, wire->held_segment);
    wire->held_size -= taken;
    memmove(wire->held, wire->held + taken, wire->held_size);
    if (wire->held_size > 0)
        return;
    mem_free(wire->held);
    wire->held = NULL;
    watch(wire);
    host_touch(wire->host);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct wire *wire = poll->data;
    if (status == 0 && (events & UV_WRITABLE) != 0 && wire->held_size > 0)
        send_held(wire);
    if (status < 0 || (events & UV_READABLE) != 0)
        receive(wire); /* reading also takes a pending socket error away */
}

bool wires_send(struct host *host, const struct datagrams *run)
{
    if (lan_is_for(host, &run->to)) {
        lan_send(host, run->bytes);
        return true;
    }
    struct wire *wire = wire_for(host, &run->to);
    if (wire == NULL) /* no socket of that family: to a link this is a network that loses it */
        return true;
    assert(wire->held_size == 0);
    size_t taken = udp_send(wire->udp, &run->to, run->bytes, run->segment);
    if (taken == run->bytes.size)
        return true;
    wire->held_size = run->bytes.size - taken;
    wire->held = mem_copy(run->bytes.data + taken, wire->held_size);
    wire->held_segment = run->segment;
    wire->held_to = run->to;
    watch(wire);
    return false;
}

bool wires_ready(const struct host *host)
{
    for (size_t i = 0; i < host->wire_count; i++)
        if (host->wires[i]->held_size > 0)
            return false;
    return true;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static enum host_trouble add(struct host *host, const struct address *at)
{
    struct udp *udp;
    enum host_trouble trouble = udp_open(at, &udp);
    if (trouble != HOST_FINE)
        return trouble;
    struct wire *wire = mem_zeroed(1, sizeof *wire);
    wire->host = host;
    wire->udp = udp;
    wire->poll.data = wire;
    if (uv_poll_init(&host->loop, &wire->poll, udp_descriptor(udp)) != 0) {
        udp_close(udp);
        mem_free(wire);
        return HOST_BROKEN;
    }
    wire->index = (uint8_t)host->wire_count;
    host->wires[host->wire_count++] = wire;
    return HOST_FINE;
}

static void on_closed(uv_handle_t *handle)
{
    struct wire *wire = handle->data;
    udp_close(wire->udp); /* only now: the loop watched its descriptor until here */
    mem_free(wire->held);
    mem_free(wire);
}

void wires_close(struct host *host)
{
    for (size_t i = 0; i < host->wire_count; i++)
        uv_close((uv_handle_t *)&host->wires[i]->poll, on_closed);
    host->wire_count = 0;
}

static struct address everywhere(bool ipv4, uint16_t port)
{
    struct address address = { .port = port };
    if (ipv4)
        address.ip[10] = address.ip[11] = 0xff;
    return address;
}

/* One port for both families, so that a person has one number to tell and to forward. A machine
   without either family still serves the other. */
static enum host_trouble listen_everywhere(struct host *host)
{
    struct address any = everywhere(true, 0);
    for (int i = 0; i < RANDOM_PORT_TRIES; i++) {
        enum host_trouble trouble = add(host, &any);
        if (trouble == HOST_NOT_OUR_ADDRESS) /* no IPv4 */
            return add(host, &(struct address){ 0 });
        if (trouble != HOST_FINE)
            return trouble;
        struct address both = everywhere(false, udp_bound(host->wires[0]->udp).port);
        trouble = add(host, &both);
        if (trouble != HOST_PORT_TAKEN)
            return trouble == HOST_NOT_OUR_ADDRESS ? HOST_FINE : trouble;
        wires_close(host);
    }
    return HOST_PORT_TAKEN;
}

static enum host_trouble listen_at(struct host *host, const struct address *at, size_t count,
                                   struct address *failed)
{
    for (size_t i = 0; i < count; i++) {
        enum host_trouble trouble = add(host, &at[i]);
        if (trouble == HOST_FINE)
            continue;
        if (failed != NULL)
            *failed = at[i];
        return trouble;
    }
    return HOST_FINE;
}

enum host_trouble host_listen(struct host *host, const struct address *at, size_t count,
                              struct address *failed)
{
    assert(host->batch == NULL && count <= HOST_LISTEN_MAX);
    if (failed != NULL)
        memset(failed, 0, sizeof *failed);
    enum host_trouble trouble =
        count == 0 ? listen_everywhere(host) : listen_at(host, at, count, failed);
    if (trouble != HOST_FINE) {
        wires_close(host);
        return trouble;
    }
    host->batch = udp_batch_create();
    for (size_t i = 0; i < host->wire_count; i++)
        watch(host->wires[i]);
    moves_start(host);
    return HOST_FINE;
}

/* False: of neither family. `from` may be NULL. */
bool wire_address(const struct sockaddr *from, uint16_t port, struct address *out)
{
    *out = (struct address){ .ip = { [10] = 0xff, [11] = 0xff }, .port = port };
    if (from != NULL && from->sa_family == AF_INET)
        memcpy(out->ip + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else if (from != NULL && from->sa_family == AF_INET6)
        memcpy(out->ip, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    else
        return false;
    return true;
}

size_t host_listening(const struct host *host, struct address out[HOST_LISTEN_MAX])
{
    for (size_t i = 0; i < host->wire_count; i++)
        out[i] = udp_bound(host->wires[i]->udp);
    return host->wire_count;
}
