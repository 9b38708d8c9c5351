/* The local network's multicast: a socket that hears all who call there, and calls on every
   interface, for the kernel alone would choose the one that leads out, or none. Best effort: where
   it cannot be had, people on one network meet through the DHT. */
#include "host/inside.h"

#include <assert.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAMS_A_ROUND 16
#define DATAGRAM_BYTES    1500
#define INTERFACES_MAX    32

/* Indices of interfaces that are up and can. */
static size_t interfaces(int out[INTERFACES_MAX])
{
    struct ifaddrs *all;
    size_t count = 0;
    if (getifaddrs(&all) < 0)
        return 0;
    for (const struct ifaddrs *one = all; one != NULL && count < INTERFACES_MAX;
         one = one->ifa_next) {
        const unsigned wanted = IFF_UP | IFF_MULTICAST;
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET ||
            (one->ifa_flags & wanted) != wanted || (one->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        int index = (int)if_nametoindex(one->ifa_name);
        if (index > 0 && (count == 0 || out[count - 1] != index))
            out[count++] = index;
    }
    freeifaddrs(all);
    return count;
}

void lan_join(struct host *host)
{
    int index[INTERFACES_MAX];
    size_t count = host->lan < 0 ? 0 : interfaces(index);
    for (size_t i = 0; i < count; i++) {
        struct ip_mreqn group = { .imr_ifindex = index[i] };
        memcpy(&group.imr_multiaddr, host->lan_group.ip + 12, sizeof group.imr_multiaddr);
        /* One that was joined before is refused, which is as good. */
        (void)setsockopt(host->lan, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
    }
}

static void on_call(uv_poll_t *poll, int status, int events)
{
    struct host *host = poll->data;
    uint8_t datagram[DATAGRAM_BYTES];
    (void)status, (void)events;
    for (int i = 0; i < DATAGRAMS_A_ROUND; i++) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        struct address at;
        ssize_t got = recvfrom(host->lan, datagram, sizeof datagram, MSG_DONTWAIT,
                               (struct sockaddr *)&from, &size);
        if (got < 0)
            break;
        if (host->node != NULL && wire_address((struct sockaddr *)&from, ntohs(from.sin_port), &at))
            node_hear_nearby(host->node, host_now(host), &at,
                             (struct bytes){ datagram, (size_t)got });
    }
    host_touch(host);
}

void host_listen_nearby(struct host *host)
{
    host->lan_group = node_nearby_group();
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(host->lan_group.port) };
    int yes = 1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* Torrent clients and other daemons of ours listen there too. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ||
        uv_poll_init(&host->loop, &host->lan_poll, fd) != 0) {
        close(fd);
        return;
    }
    host->lan = fd;
    host->lan_poll.data = host;
    int started = uv_poll_start(&host->lan_poll, UV_READABLE, on_call);
    assert(started == 0);
    lan_join(host);
}

bool lan_is_for(const struct host *host, const struct address *to)
{
    return address_equal(to, &host->lan_group);
}

void lan_send(struct host *host, struct bytes datagram)
{
    int index[INTERFACES_MAX];
    size_t count = host->lan < 0 ? 0 : interfaces(index);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(host->lan_group.port) };
    memcpy(&to.sin_addr, host->lan_group.ip + 12, sizeof to.sin_addr);
    for (size_t i = 0; i < count; i++) {
        struct ip_mreqn through = { .imr_ifindex = index[i] };
        if (setsockopt(host->lan, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through) == 0)
            (void)sendto(host->lan, datagram.data, datagram.size, MSG_NOSIGNAL,
                         (struct sockaddr *)&to, sizeof to);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct host *host = handle->data;
    close(host->lan);
}

void lan_close(struct host *host)
{
    if (host->lan >= 0)
        uv_close((uv_handle_t *)&host->lan_poll, on_closed);
}
