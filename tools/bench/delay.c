/* A cable of a chosen length between two network namespaces, for benches: not every kernel has
   netem.

   usage: delay MILLISECONDS NAMESPACE_A NAMESPACE_B

   Makes a TUN device "wire" in each of the two (files in /run/netns) and carries every packet from
   one to the other after that time. Says "ready", ends when its standard input does. SIGUSR1: the
   next packet from A with more than a few bytes in it is lost. Source: Linux,
   networking/tuntap.rst. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX_BYTES 65536
#define QUEUE_MAX        65536 /* packets on the way, each direction; more are lost */
#define SMALL_BYTES      120   /* of IP: acknowledgements are no worse than this */
#define NANOSECONDS      1000000000ll

struct packet {
    int64_t due; /* ns */
    size_t size;
    uint8_t *data;
};

struct lane { /* one direction: first in, first out, since all wait equally long */
    int from, to;
    bool may_lose;
    size_t first, count;
    struct packet packets[QUEUE_MAX];
};

static volatile sig_atomic_t lose_next;

static void on_lose(int signal)
{
    (void)signal;
    lose_next = 1;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

/* A TUN device in that namespace; this process stays where it was. */
static int wire_in(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "/run/netns/%s", name);
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int there = open(path, O_RDONLY | O_CLOEXEC);
    if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) != 0)
        fail(path);
    struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
    strcpy(request.ifr_name, "wire");
    int wire = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (wire < 0 || ioctl(wire, TUNSETIFF, &request) != 0)
        fail("/dev/net/tun");
    if (setns(home, CLONE_NEWNET) != 0)
        fail("setns");
    close(there);
    close(home);
    return wire;
}

static bool is_lost(const struct lane *lane, size_t size)
{
    if (lane->count == QUEUE_MAX)
        return true;
    if (!lane->may_lose || !lose_next || size <= SMALL_BYTES)
        return false;
    lose_next = 0;
    return true;
}

static void take_in(struct lane *lane, int64_t delay)
{
    static uint8_t data[PACKET_MAX_BYTES];
    ssize_t size;
    while ((size = read(lane->from, data, sizeof data)) > 0) {
        if (is_lost(lane, (size_t)size))
            continue;
        struct packet *packet = &lane->packets[(lane->first + lane->count++) % QUEUE_MAX];
        *packet = (struct packet){ now() + delay, (size_t)size, malloc((size_t)size) };
        if (packet->data == NULL)
            fail("malloc");
        memcpy(packet->data, data, (size_t)size);
    }
}

/* Lets out what is due; returns when the next is, or -1. */
static int64_t let_out(struct lane *lane)
{
    while (lane->count > 0) {
        struct packet *packet = &lane->packets[lane->first];
        if (packet->due > now())
            return packet->due;
        /* EIO: the other end is not up. Like a full queue, that loses a packet, as cables do. */
        if (write(lane->to, packet->data, packet->size) < 0 && errno != EAGAIN && errno != EIO)
            perror("write");
        free(packet->data);
        lane->first = (lane->first + 1) % QUEUE_MAX;
        lane->count--;
    }
    return -1;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

static void carry(struct lane *there, struct lane *back, int64_t delay)
{
    struct pollfd watched[] = { { there->from, POLLIN, 0 },
                                { back->from, POLLIN, 0 },
                                { STDIN_FILENO, POLLIN, 0 } };
    while (!(watched[2].revents & (POLLIN | POLLHUP))) {
        int64_t due = sooner(let_out(there), let_out(back));
        int64_t wait = due < 0 ? NANOSECONDS : due - now();
        struct timespec patience = { wait / NANOSECONDS, wait < 0 ? 0 : wait % NANOSECONDS };
        if (ppoll(watched, 3, &patience, NULL) < 0 && errno != EINTR)
            fail("poll");
        take_in(there, delay);
        take_in(back, delay);
    }
}

int main(int count, char **arguments)
{
    static struct lane there, back;
    if (count != 4) {
        fputs("usage: delay MILLISECONDS NAMESPACE_A NAMESPACE_B\n", stderr);
        return 2;
    }
    int64_t delay = (int64_t)(strtod(arguments[1], NULL) * 1e6);
    there.from = back.to = wire_in(arguments[2]);
    there.to = back.from = wire_in(arguments[3]);
    there.may_lose = true;
    struct sigaction lose = { .sa_handler = on_lose };
    sigaction(SIGUSR1, &lose, NULL);
    puts("ready");
    fflush(stdout);
    carry(&there, &back, delay);
    return 0;
}
