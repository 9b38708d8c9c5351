#include "host/udp.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_BUFFER_BYTES (1 << 20) /* asked for; the kernel gives what its limits allow */

#ifndef UDP_SEGMENT /* older headers on newer kernels: linux/udp.h */
#define UDP_SEGMENT 103
#define UDP_GRO     104
#endif

struct udp {
    int descriptor;
    struct address bound;
    bool ipv4;
    struct udp_help help;
};

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

struct control { /* room for one number, aligned as the kernel wants it */
    alignas(struct cmsghdr) uint8_t memory[CMSG_SPACE(sizeof(int))];
};

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static socklen_t to_socket_address(const struct address *address, union socket_address *out)
{
    memset(out, 0, sizeof *out);
    if (address_is_ipv4(address)) {
        out->ipv4.sin_family = AF_INET;
        out->ipv4.sin_port = htons(address->port);
        memcpy(&out->ipv4.sin_addr, address->ip + 12, 4);
        return sizeof out->ipv4;
    }
    out->ipv6.sin6_family = AF_INET6;
    out->ipv6.sin6_port = htons(address->port);
    memcpy(&out->ipv6.sin6_addr, address->ip, 16);
    return sizeof out->ipv6;
}

static struct address from_socket_address(const union socket_address *in)
{
    struct address address = { 0 };
    if (in->any.sa_family == AF_INET) {
        memcpy(address.ip, mapped, sizeof mapped);
        memcpy(address.ip + 12, &in->ipv4.sin_addr, 4);
        address.port = ntohs(in->ipv4.sin_port);
    } else {
        memcpy(address.ip, &in->ipv6.sin6_addr, 16);
        address.port = ntohs(in->ipv6.sin6_port);
    }
    return address;
}

static bool set(int descriptor, int level, int option, int value)
{
    return setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

static enum host_trouble trouble_of_bind(int error)
{
    switch (error) {
    case EADDRINUSE:
        return HOST_PORT_TAKEN;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT: /* no IPv6 on this machine */
    case EINVAL:       /* a link-local address, which means nothing without its interface */
        return HOST_NOT_OUR_ADDRESS;
    case EACCES:
    case EPERM:
        return HOST_UNWRITABLE;
    default:
        return HOST_BROKEN;
    }
}

static void choose_options(struct udp *udp)
{
    int fd = udp->descriptor;
    set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
    set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
    if (udp->ipv4) {
        set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    } else {
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    }
    udp->help.coalescing = set(fd, IPPROTO_UDP, UDP_GRO, 1);
    udp->help.segments = true; /* until a send is refused */
}

static struct address name_of(int descriptor)
{
    union socket_address name = { 0 };
    socklen_t size = sizeof name;
    int got = getsockname(descriptor, &name.any, &size);
    assert(got == 0);
    return from_socket_address(&name);
}

enum host_trouble udp_open(const struct address *at, struct udp **out)
{
    union socket_address name;
    socklen_t size = to_socket_address(at, &name);
    *out = NULL;
    int fd = socket(name.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return trouble_of_bind(errno);
    struct udp *udp = mem_zeroed(1, sizeof *udp);
    udp->descriptor = fd;
    udp->ipv4 = name.any.sa_family == AF_INET;
    choose_options(udp);
    if (bind(fd, &name.any, size) < 0) {
        enum host_trouble trouble = trouble_of_bind(errno);
        udp_close(udp);
        return trouble;
    }
    udp->bound = name_of(fd);
    *out = udp;
    return HOST_FINE;
}

void udp_close(struct udp *udp)
{
    if (udp == NULL)
        return;
    close(udp->descriptor);
    mem_free(udp);
}

int udp_descriptor(const struct udp *udp)
{
    return udp->descriptor;
}

struct address udp_bound(const struct udp *udp)
{
    return udp->bound;
}

struct udp_help udp_help(const struct udp *udp)
{
    return udp->help;
}

void udp_help_less(struct udp *udp, struct udp_help most)
{
    udp->help.segments = udp->help.segments && most.segments;
    if (udp->help.coalescing && !most.coalescing && set(udp->descriptor, IPPROTO_UDP, UDP_GRO, 0))
        udp->help.coalescing = false;
}

/* --- sending ---------------------------------------------------------------------------------- */

enum sent { SENT, SENT_NOT_NOW, SENT_LOST, SENT_WITHOUT_HELP };

/* What an error of sendmsg means for the datagrams it was given. Firewalls, absent routes, too
   large for the interface: all are a network that loses datagrams. */
static enum sent meaning(int error, bool segmented)
{
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR)
        return SENT_NOT_NOW;
    if (segmented && (error == EIO || error == EINVAL || error == ENOPROTOOPT ||
                      error == EOPNOTSUPP || error == EMSGSIZE))
        return SENT_WITHOUT_HELP;
    return SENT_LOST;
}

static enum sent send_once(struct udp *udp, union socket_address *to, socklen_t to_size,
                           struct bytes run, size_t segment)
{
    struct control control = { { 0 } };
    struct iovec part = { .iov_base = (void *)(uintptr_t)run.data, .iov_len = run.size };
    struct msghdr message = { .msg_name = to, .msg_namelen = to_size };
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    bool segmented = run.size > segment;
    if (segmented) {
        message.msg_control = control.memory;
        message.msg_controllen = CMSG_SPACE(sizeof(uint16_t));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = IPPROTO_UDP;
        header->cmsg_type = UDP_SEGMENT;
        header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
        uint16_t each = (uint16_t)segment;
        memcpy(CMSG_DATA(header), &each, sizeof each);
    }
    if (sendmsg(udp->descriptor, &message, MSG_NOSIGNAL) >= 0)
        return SENT;
    return meaning(errno, segmented);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One by one. Says whether a full segment went through, to tell refused help from refused size. */
static size_t send_singly(struct udp *udp, union socket_address *to, socklen_t to_size,
                          struct bytes run, size_t segment, bool *any)
{
    for (size_t at = 0; at < run.size; at += segment) {
        struct bytes one = { run.data + at, least(segment, run.size - at) };
        enum sent sent = send_once(udp, to, to_size, one, segment);
        if (sent == SENT_NOT_NOW)
            return at;
        *any = *any || (sent == SENT && one.size == segment);
    }
    return run.size;
}

/* How many bytes one sendmsg may carry. */
static size_t chunk_bytes(const struct udp *udp, size_t segment)
{
    if (!udp->help.segments)
        return segment;
    size_t fit = UDP_PAYLOAD_MAX_BYTES / segment;
    return segment * (fit > UDP_SEGMENTS_MAX ? UDP_SEGMENTS_MAX : fit < 1 ? 1 : fit);
}

static size_t send_chunk(struct udp *udp, union socket_address *to, socklen_t to_size,
                         struct bytes chunk, size_t segment)
{
    enum sent sent = send_once(udp, to, to_size, chunk, segment);
    if (sent == SENT_NOT_NOW)
        return 0;
    if (sent != SENT_WITHOUT_HELP)
        return chunk.size;
    /* Either the kernel or the interface has no such help, or the segment does not fit the
       interface. In the first case single datagrams go through, and asking again is waste. */
    bool any = false;
    size_t taken = send_singly(udp, to, to_size, chunk, segment, &any);
    if (any)
        udp->help.segments = false;
    return taken;
}

size_t udp_send(struct udp *udp, const struct address *to, struct bytes run, size_t segment)
{
    assert(segment > 0 && segment <= UINT16_MAX);
    union socket_address name;
    socklen_t size = to_socket_address(to, &name);
    size_t at = 0;
    while (at < run.size) {
        struct bytes chunk = { run.data + at, least(chunk_bytes(udp, segment), run.size - at) };
        size_t taken = send_chunk(udp, &name, size, chunk, segment);
        at += taken;
        if (taken < chunk.size)
            break;
    }
    return at;
}

/* --- receiving -------------------------------------------------------------------------------- */

struct udp_batch {
    union socket_address from[UDP_BATCH_MESSAGES];
    struct control control[UDP_BATCH_MESSAGES];
    struct iovec part[UDP_BATCH_MESSAGES];
    struct mmsghdr messages[UDP_BATCH_MESSAGES];
    uint8_t memory[UDP_BATCH_MESSAGES][UDP_BATCH_BYTES]; /* pages never used cost nothing */
};

struct udp_batch *udp_batch_create(void)
{
    return mem_zeroed(1, sizeof(struct udp_batch));
}

void udp_batch_destroy(struct udp_batch *batch)
{
    mem_free(batch);
}

static void prepare(struct udp_batch *batch)
{
    for (size_t i = 0; i < UDP_BATCH_MESSAGES; i++) {
        batch->part[i] = (struct iovec){ batch->memory[i], UDP_BATCH_BYTES };
        batch->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->from[i],
            .msg_namelen = sizeof batch->from[i],
            .msg_iov = &batch->part[i],
            .msg_iovlen = 1,
            .msg_control = batch->control[i].memory,
            .msg_controllen = sizeof batch->control[i].memory,
        };
    }
}

/* The size of each datagram the kernel joined into one arrival, or the arrival's own. */
static size_t segment_of(struct msghdr *message, size_t size)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != IPPROTO_UDP || header->cmsg_type != UDP_GRO)
            continue;
        int segment = 0;
        memcpy(&segment, CMSG_DATA(header), sizeof segment);
        if (segment > 0 && (size_t)segment < size)
            return (size_t)segment;
    }
    return size;
}

size_t udp_receive(struct udp *udp, struct udp_batch *batch,
                   struct udp_arrival out[UDP_BATCH_MESSAGES])
{
    prepare(batch);
    int got;
    do
        got = recvmmsg(udp->descriptor, batch->messages, UDP_BATCH_MESSAGES, MSG_DONTWAIT, NULL);
    while (got < 0 && errno == EINTR);
    for (int i = 0; i < got; i++) {
        struct mmsghdr *message = &batch->messages[i];
        size_t size = message->msg_len;
        out[i] = (struct udp_arrival){
            .from = from_socket_address(&batch->from[i]),
            .bytes = { batch->memory[i], size },
            .segment = segment_of(&message->msg_hdr, size),
        };
    }
    return got > 0 ? (size_t)got : 0;
}
