/* Notices when the machine's addresses change, so that links can move at once (rtnetlink(7)).

   The kernel also speaks when only a lifetime was renewed, so what counts is whether the set of
   addresses differs from the one seen before. Looked at once a second at most. */
#include "host/inside.h"

#include <assert.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_EVERY    SECOND
#define DRAIN_AT_ONCE 64

/* Order does not matter, so the digests of single addresses are summed. No
   stranger chooses them. */
static uint64_t digest_of(const void *data, size_t size)
{
    const uint8_t *byte = data;
    uint64_t digest = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        digest = (digest ^ byte[i]) * 0x100000001b3;
    return digest;
}

static uint64_t digest_of_addresses(void)
{
    struct ifaddrs *all;
    uint64_t digest = 0;
    if (getifaddrs(&all) < 0)
        return 0;
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr == NULL)
            continue;
        if (one->ifa_addr->sa_family == AF_INET)
            digest += digest_of(&((struct sockaddr_in *)(void *)one->ifa_addr)->sin_addr, 4);
        if (one->ifa_addr->sa_family == AF_INET6)
            digest += digest_of(&((struct sockaddr_in6 *)(void *)one->ifa_addr)->sin6_addr, 16);
    }
    freeifaddrs(all);
    return digest;
}

static void look(uv_timer_t *timer)
{
    struct host *host = timer->data;
    uint64_t digest = digest_of_addresses();
    if (digest == host->addresses_digest)
        return;
    host->addresses_digest = digest;
    log_line(&host->log, LOG_NOTE, "host", "our addresses changed");
    if (host->node == NULL)
        return;
    node_moved(host->node, host_now(host));
    host_touch(host);
}

/* The content of messages is not read: any of them, and any error, means "look again". */
static void on_news(uv_poll_t *poll, int status, int events)
{
    struct host *host = poll->data;
    uint8_t message[4096];
    (void)status, (void)events;
    for (int i = 0; i < DRAIN_AT_ONCE; i++)
        if (recv(host->moves, message, sizeof message, MSG_DONTWAIT) < 0)
            break;
    if (!uv_is_active((uv_handle_t *)&host->moves_timer))
        uv_timer_start(&host->moves_timer, look, LOOK_EVERY / MILLISECOND, 0);
}

/* Best effort: without it links find out by themselves, only later. */
void moves_start(struct host *host)
{
    struct sockaddr_nl name = { .nl_family = AF_NETLINK,
                                .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return;
    if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0 ||
        uv_poll_init(&host->loop, &host->moves_poll, fd) != 0) {
        close(fd);
        return;
    }
    host->moves = fd;
    host->addresses_digest = digest_of_addresses();
    int timer = uv_timer_init(&host->loop, &host->moves_timer);
    host->moves_poll.data = host->moves_timer.data = host;
    int started = uv_poll_start(&host->moves_poll, UV_READABLE, on_news);
    assert(timer == 0 && started == 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct host *host = handle->data;
    close(host->moves);
}

void moves_close(struct host *host)
{
    if (host->moves < 0)
        return;
    uv_close((uv_handle_t *)&host->moves_poll, on_closed);
    uv_close((uv_handle_t *)&host->moves_timer, NULL);
}
