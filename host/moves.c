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

static bool is_wildcard(const struct address *at)
{
    static const struct address any4 = { .ip = { [10] = 0xff, [11] = 0xff } }, any6 = { .port = 0 };
    return memcmp(at->ip, any4.ip, sizeof at->ip) == 0 ||
           memcmp(at->ip, any6.ip, sizeof at->ip) == 0;
}

/* Nobody reaches us there from elsewhere. */
static bool is_for_us_alone(const struct address *at)
{
    static const uint8_t six[16] = { [15] = 1 };
    if (address_is_ipv4(at))
        return at->ip[12] == 127 || (at->ip[12] == 169 && at->ip[13] == 254);
    return memcmp(at->ip, six, sizeof six) == 0 ||
           (at->ip[0] == 0xfe && (at->ip[1] & 0xc0) == 0x80);
}

/* A socket that hears on all addresses hears on each of these. */
static size_t add_all(const struct address *bound, struct address *out, size_t most)
{
    struct ifaddrs *all;
    size_t count = 0;
    if (getifaddrs(&all) < 0)
        return 0;
    for (const struct ifaddrs *one = all; one != NULL && count < most; one = one->ifa_next)
        count += wire_address(one->ifa_addr, bound->port, &out[count]) &&
                 !is_for_us_alone(&out[count]) &&
                 address_is_ipv4(&out[count]) == address_is_ipv4(bound);
    freeifaddrs(all);
    return count;
}

void moves_tell(struct host *host)
{
    struct address bound[HOST_LISTEN_MAX], at[NODE_LISTENS_MAX];
    size_t sockets = host_listening(host, bound), count = 0;
    for (size_t i = 0; i < sockets && count < COUNT(at); i++)
        if (is_wildcard(&bound[i]))
            count += add_all(&bound[i], at + count, COUNT(at) - count);
        else
            at[count++] = bound[i];
    node_listens(host->node, host_now(host), at, count);
}

static void look(uv_timer_t *timer)
{
    struct host *host = timer->data;
    uint64_t digest = digest_of_addresses();
    if (digest == host->addresses_digest)
        return;
    host->addresses_digest = digest;
    lan_join(host);
    log_line(&host->log, LOG_NOTE, "host", "our addresses changed");
    if (host->node == NULL)
        return;
    node_moved(host->node, host_now(host));
    moves_tell(host);
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
