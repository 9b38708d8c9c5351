#include "host/udp.h"
#include "tests/test.h"

#include "base/mem.h"

#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EACH    1200 /* bytes per datagram */
#define COUNTED 40   /* datagrams of a run, numbered by their first byte */

static struct address loopback(bool ipv4)
{
    struct address address;
    CHECK(address_parse(ipv4 ? "127.0.0.1:1" : "[::1]:1", &address));
    address.port = 0;
    return address;
}

static struct udp *opened(bool ipv4)
{
    struct address at = loopback(ipv4);
    struct udp *udp;
    CHECK(udp_open(&at, &udp) == HOST_FINE);
    CHECK(udp_bound(udp).port != 0);
    return udp;
}

static void wait_readable(struct udp *udp)
{
    struct pollfd wait = { .fd = udp_descriptor(udp), .events = POLLIN };
    CHECK(poll(&wait, 1, 2000) == 1);
}

/* Every datagram whole, in order, from where it came; the last one is shorter. */
static void expect_run(struct udp *udp, const struct address *from)
{
    struct udp_batch *batch = udp_batch_create();
    struct udp_arrival arrivals[UDP_BATCH_MESSAGES];
    size_t seen = 0;
    while (seen < COUNTED) {
        wait_readable(udp);
        size_t count = udp_receive(udp, batch, arrivals);
        for (size_t i = 0; i < count; i++) {
            struct bytes left = arrivals[i].bytes;
            CHECK(address_equal(&arrivals[i].from, from));
            for (; left.size > 0; seen++) {
                size_t size = left.size < arrivals[i].segment ? left.size : arrivals[i].segment;
                CHECK_INT(size, seen == COUNTED - 1 ? 7 : EACH);
                CHECK_INT(left.data[0], seen);
                CHECK_INT(left.data[size - 1], seen);
                left.data += size, left.size -= size;
            }
        }
    }
    CHECK_INT(udp_receive(udp, batch, arrivals), 0);
    udp_batch_destroy(batch);
}

static void send_and_expect(bool ipv4, struct udp_help sender, struct udp_help receiver)
{
    static uint8_t run[(COUNTED - 1) * EACH + 7];
    struct udp *one = opened(ipv4), *other = opened(ipv4);
    struct address to = udp_bound(other), from = udp_bound(one);
    for (size_t i = 0; i < sizeof run; i++)
        run[i] = (uint8_t)(i / EACH);
    udp_help_less(one, sender);
    udp_help_less(other, receiver);
    CHECK_INT(udp_send(one, &to, BYTES_OF(run), EACH), sizeof run);
    expect_run(other, &from);
    udp_close(one);
    udp_close(other);
}

static void test_a_run_arrives_whole_with_and_without_the_kernels_help(void)
{
    for (int ways = 0; ways < 8; ways++) {
        struct udp_help sender = { .segments = ways & 1, .coalescing = true };
        struct udp_help receiver = { .segments = true, .coalescing = ways & 2 };
        send_and_expect(ways & 4, sender, receiver);
    }
}

/* An interface without checksums refuses UDP_SEGMENT with EIO; a socket that sends without
   checksums is refused the same way, so the fall-back can be seen on loopback. */
static void test_refused_segmentation_falls_back_and_stays_off(void)
{
    static uint8_t run[(COUNTED - 1) * EACH + 7];
    struct udp *one = opened(true), *other = opened(true);
    struct address to = udp_bound(other), from = udp_bound(one);
    int yes = 1;
    for (size_t i = 0; i < sizeof run; i++)
        run[i] = (uint8_t)(i / EACH);
    CHECK(setsockopt(udp_descriptor(one), SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes) == 0);
    CHECK(udp_help(one).segments);
    CHECK_INT(udp_send(one, &to, BYTES_OF(run), EACH), sizeof run);
    CHECK(!udp_help(one).segments);
    expect_run(other, &from);
    udp_close(one);
    udp_close(other);
}

/* A loopback of our own whose interface carries 1,300 bytes; false where we may not make one. */
static bool enter_narrow_network(void)
{
    struct ifreq request = { .ifr_name = "lo" };
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    request.ifr_mtu = 1300;
    bool made = ioctl(fd, SIOCSIFMTU, &request) == 0;
    request.ifr_flags = IFF_UP;
    made = made && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    return made;
}

static void send_too_large(void)
{
    static const uint8_t run[3 * 1400 + 100] = { 0 };
    struct udp *one = opened(true), *other = opened(true);
    struct udp_batch *batch = udp_batch_create();
    struct udp_arrival arrivals[UDP_BATCH_MESSAGES];
    struct address to = udp_bound(other);
    CHECK_INT(udp_send(one, &to, BYTES_OF(run), 1400), sizeof run);
    CHECK(udp_help(one).segments);
    wait_readable(other);
    CHECK_INT(udp_receive(other, batch, arrivals), 1);
    CHECK_INT(arrivals[0].bytes.size, 100); /* the last, which fits */
    CHECK_INT(udp_send(one, &to, BYTES_OF(run), 1200), sizeof run);
    CHECK(udp_help(one).segments);
    udp_batch_destroy(batch);
    udp_close(one);
    udp_close(other);
}

/* Segments too large for the interface are lost like any datagrams, and the rest keeps its help. */
static void test_too_large_is_lost_and_keeps_the_help(void)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (enter_narrow_network())
            send_too_large(); /* a failed check ends the child with an error */
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_sending_nowhere_is_a_lost_datagram(void)
{
    struct udp *one = opened(true);
    struct address nowhere;
    CHECK(address_parse("255.255.255.255:9", &nowhere)); /* broadcast: refused to us with EACCES */
    CHECK_INT(udp_send(one, &nowhere, BYTES_OF("lost"), 5), 5);
    udp_close(one);
}

static void test_an_empty_datagram_has_no_segments(void)
{
    struct udp *one = opened(true), *other = opened(true);
    struct udp_batch *batch = udp_batch_create();
    struct udp_arrival arrivals[UDP_BATCH_MESSAGES];
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(udp_bound(other).port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(sendto(udp_descriptor(one), "", 0, 0, (struct sockaddr *)&to, sizeof to), 0);
    wait_readable(other);
    CHECK_INT(udp_receive(other, batch, arrivals), 1);
    CHECK_INT(arrivals[0].bytes.size, 0);
    udp_batch_destroy(batch);
    udp_close(one);
    udp_close(other);
}

static void test_ports_and_addresses_that_are_not_ours_are_told_apart(void)
{
    struct udp *one = opened(true), *other;
    struct address taken = udp_bound(one), foreign;
    CHECK(address_parse("192.0.2.1:4711", &foreign)); /* RFC 5737: nobody's */
    CHECK(udp_open(&taken, &other) == HOST_PORT_TAKEN);
    CHECK(udp_open(&foreign, &other) == HOST_NOT_OUR_ADDRESS);
    CHECK(other == NULL);
    udp_close(one);
}

TESTS(TEST(test_a_run_arrives_whole_with_and_without_the_kernels_help),
      TEST(test_refused_segmentation_falls_back_and_stays_off),
      TEST(test_too_large_is_lost_and_keeps_the_help),
      TEST(test_sending_nowhere_is_a_lost_datagram), TEST(test_an_empty_datagram_has_no_segments),
      TEST(test_ports_and_addresses_that_are_not_ours_are_told_apart))
