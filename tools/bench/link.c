/* Figures of one link, beside TCP in the same run.

   usage: bench_link [MIB]      (how much to carry; default 1024)

   Bytes over loopback: CPU seconds of both ends per GiB for a RAW stream at packets of 1,444 bytes,
   for TCP with the same cipher in records of 16 KiB, and for plain TCP. Then, in virtual time, what
   a handshake costs, hybrid as it is and with the classical pattern's share of it, what an idle end
   holds resident, and how soon one lost packet is repaired. */
#include "base/mem.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/noise.h"
#include "engine/link/link.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS            3
#define BLOCK_BYTES       (128 * 1024)
#define RECORD_BYTES      (16 * 1024)
#define PACKET_TEXT_BYTES 1408 /* what a packet of a link carries: as many seals, over TCP */
#define SOCKET_BYTES      (4 * 1024 * 1024)
#define HANDSHAKES        1000
#define GROUP             32 /* each of so many calls each of so many others */
#define LOST_SAMPLES      50
#define WARMING           10 /* messages after which the round trip is well known */
#define ONE_WAY           (25 * MILLISECOND)

static uint8_t block[BLOCK_BYTES];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* --- people --------------------------------------------------------------------------------- */

struct side {
    struct links *links;
    struct rng rng;
    struct sign_pair account, device;
    struct dh_pair key;
    uint8_t certificate[CERTIFICATE_BYTES];
    struct address at;
};

static void luck(void *source, void *out, size_t size)
{
    (void)source;
    if (getrandom(out, size, 0) != (ssize_t)size)
        die("getrandom");
}

static void make_side(struct side *side, uint16_t port)
{
    struct links_settings settings = { 0 };
    memset(side, 0, sizeof *side);
    side->rng = (struct rng){ .fill = luck };
    rng_fill(&side->rng, settings.secret, sizeof settings.secret);
    sign_pair_make(&side->account, &side->rng);
    sign_pair_make(&side->device, &side->rng);
    dh_pair_make(&side->key, &side->rng);
    certificate_write(side->certificate, &side->account, &side->device, side->key.public,
                      LINK_ROLE_CONTACT, 0, 1);
    address_parse("127.0.0.1:1", &side->at);
    side->at.port = port;
    side->links = links_create(&settings, &side->rng, NULL);
    links_set_device(side->links, &side->device);
    links_hold(side->links, LINK_ROLE_CONTACT, &side->key, side->certificate);
}

static link_id dial(struct side *from, const struct side *to, instant now)
{
    struct link_dial dial = { .role = LINK_ROLE_CONTACT, .at = { to->at }, .at_count = 1 };
    link_id id;
    memcpy(dial.theirs, to->key.public, KEY_BYTES);
    memcpy(dial.device, to->device.public, KEY_BYTES);
    certificate_hash(dial.certificate_hash, BYTES_OF(to->certificate));
    enum fault fault = links_dial(from->links, now, &dial, &id);
    assert(fault == FAULT_NONE);
    return id;
}

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static double cpu_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds_of(&usage);
}

static instant clock_now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (instant)at.tv_sec * SECOND + (instant)at.tv_nsec;
}

/* --- a link over UDP ------------------------------------------------------------------------ */

static void set(int descriptor, int level, int name, int value)
{
    if (setsockopt(descriptor, level, name, &value, sizeof value) != 0 && level != SOL_SOCKET)
        die("setsockopt");
}

static int open_udp(uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof at;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&at, &size) != 0)
        die("udp");
    set(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BYTES);
    set(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BYTES);
    set(descriptor, IPPROTO_UDP, UDP_GRO, 1);
    *port = ntohs(at.sin_port);
    return descriptor;
}

static void send_run(int descriptor, const struct link_batch *batch)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(batch->to.port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
    struct iovec bytes = { (void *)batch->bytes.data, batch->bytes.size };
    struct msghdr message = {
        .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &bytes, .msg_iovlen = 1
    };
    uint16_t segment = (uint16_t)batch->segment;
    if (batch->bytes.size > batch->segment) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = IPPROTO_UDP;
        head->cmsg_type = UDP_SEGMENT;
        head->cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(head), &segment, sizeof segment);
    }
    if (sendmsg(descriptor, &message, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED)
        die("sendmsg");
}

static size_t segment_of(struct msghdr *message, size_t whole)
{
    int size;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL;
         head = CMSG_NXTHDR(message, head))
        if (head->cmsg_level == IPPROTO_UDP && head->cmsg_type == UDP_GRO) {
            memcpy(&size, CMSG_DATA(head), sizeof size);
            return (size_t)size;
        }
    return whole;
}

static bool receive_run(int descriptor, struct side *side)
{
    static uint8_t buffer[65536];
    struct sockaddr_in from;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec bytes = { buffer, sizeof buffer };
    struct msghdr message = { .msg_name = &from,
                              .msg_namelen = sizeof from,
                              .msg_iov = &bytes,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof control };
    ssize_t got = recvmsg(descriptor, &message, 0);
    if (got <= 0)
        return false;
    struct address source = side->at;
    source.port = ntohs(from.sin_port);
    size_t whole = (size_t)got, segment = segment_of(&message, whole);
    instant now = clock_now();
    for (size_t at = 0; at < whole; at += segment) {
        size_t left = whole - at;
        links_receive(side->links, now, &source,
                      (struct bytes){ buffer + at, left < segment ? left : segment });
    }
    return true;
}

static void send_all(int descriptor, struct side *side)
{
    struct link_batch batch;
    while (links_next_batch(side->links, clock_now(), &batch))
        send_run(descriptor, &batch);
}

static void wait_for(int descriptor, const struct side *side)
{
    instant now = clock_now(), due = links_deadline(side->links);
    struct pollfd ready = { .fd = descriptor, .events = POLLIN };
    duration wait = due > now ? due - now : 0;
    if (wait > SECOND)
        wait = SECOND;
    struct timespec time = { (time_t)(wait / SECOND), (long)(wait % SECOND) };
    ppoll(&ready, 1, &time, NULL);
}

/* One turn: what arrived, what came due, what happened (to `progress`), what leaves. False: over.
 */
static bool turn(int descriptor, struct side *side, bool (*progress)(struct side *, void *),
                 void *state)
{
    for (int i = 0; i < 16 && receive_run(descriptor, side); i++)
        ;
    links_advance(side->links, clock_now());
    bool more = progress(side, state);
    send_all(descriptor, side);
    if (more)
        wait_for(descriptor, side);
    return more;
}

struct sending {
    link_id link;
    size_t left;
    bool up, ended;
};

static bool keep_sending(struct side *side, void *state)
{
    struct sending *sending = state;
    struct link_event event;
    while (links_next_event(side->links, &event)) {
        sending->up |= event.kind == LINK_UP;
        if (event.kind == LINK_DOWN)
            return false;
    }
    size_t taken = 1;
    while (sending->up && sending->left > 0 && taken > 0) {
        size_t size = sending->left < sizeof block ? sending->left : sizeof block;
        links_write(side->links, clock_now(), sending->link, (struct bytes){ block, size }, &taken);
        sending->left -= taken;
    }
    if (sending->left == 0 && !sending->ended) {
        sending->ended = true;
        links_write_end(side->links, clock_now(), sending->link);
    }
    return true;
}

static bool keep_receiving(struct side *side, void *state)
{
    size_t *got = state;
    struct link_event event;
    while (links_next_event(side->links, &event)) {
        if (event.kind == LINK_DOWN)
            return false;
        if (event.kind == LINK_RAW && event.data.size == 0) {
            links_close(side->links, clock_now(), event.link);
            return false;
        }
        if (event.kind == LINK_RAW)
            *got += event.data.size;
    }
    return true;
}

static struct side caller, called;
static int caller_socket, called_socket;

static void send_by_link(size_t size)
{
    struct sending sending = { .left = size };
    sending.link = dial(&caller, &called, clock_now());
    while (turn(caller_socket, &caller, keep_sending, &sending))
        ;
}

static void receive_by_link(size_t size)
{
    size_t got = 0;
    while (turn(called_socket, &called, keep_receiving, &got))
        ;
    if (got != size)
        fprintf(stderr, "only %zu bytes arrived\n", got), exit(1);
}

static void prepare_link(void)
{
    uint16_t ports[2];
    caller_socket = open_udp(&ports[0]);
    called_socket = open_udp(&ports[1]);
    make_side(&caller, ports[0]);
    make_side(&called, ports[1]);
    links_admit_device(called.links, caller.device.public, 0);
    links_admit_device(caller.links, called.device.public, 0);
}

/* --- TCP beside it -------------------------------------------------------------------------- */

static int pair_of_sockets[2];
static size_t record_size; /* 0: plain */
static uint8_t key[AEAD_KEY_BYTES];

static void prepare_tcp(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &size) != 0)
        die("listen");
    pair_of_sockets[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(pair_of_sockets[0], (struct sockaddr *)&at, sizeof at) != 0)
        die("connect");
    pair_of_sockets[1] = accept(listener, NULL, NULL);
    close(listener);
}

static void write_whole(int descriptor, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(descriptor, data, size);
        if (done <= 0)
            die("write");
        data += done;
        size -= (size_t)done;
    }
}

static bool read_whole(int descriptor, uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t done = read(descriptor, data, size);
        if (done <= 0)
            return false;
        data += done;
        size -= (size_t)done;
    }
    return true;
}

static void nonce_of(uint8_t nonce[AEAD_NONCE_BYTES], uint64_t number)
{
    memset(nonce, 0, AEAD_NONCE_BYTES);
    memcpy(nonce, &number, sizeof number);
}

static void send_by_tcp(size_t size)
{
    static uint8_t record[RECORD_BYTES + AEAD_TAG_BYTES];
    uint8_t nonce[AEAD_NONCE_BYTES];
    struct aead *aead = aead_create(key);
    close(pair_of_sockets[1]);
    for (uint64_t number = 0; size > 0; number++) {
        if (record_size == 0) {
            write_whole(pair_of_sockets[0], block, sizeof block);
            size -= sizeof block;
            continue;
        }
        nonce_of(nonce, number);
        aead_seal(aead, record, nonce, (struct bytes){ block, record_size },
                  (struct bytes){ NULL, 0 });
        write_whole(pair_of_sockets[0], record, record_size + AEAD_TAG_BYTES);
        size -= size < record_size ? size : record_size;
    }
    close(pair_of_sockets[0]);
    aead_destroy(aead);
}

static void receive_by_tcp(size_t size)
{
    static uint8_t record[RECORD_BYTES + AEAD_TAG_BYTES];
    uint8_t nonce[AEAD_NONCE_BYTES];
    struct aead *aead = aead_create(key);
    close(pair_of_sockets[0]);
    for (uint64_t number = 0; size > 0; number++) {
        if (record_size == 0) {
            ssize_t done = read(pair_of_sockets[1], block, sizeof block);
            if (done <= 0)
                die("read");
            size -= (size_t)done;
            continue;
        }
        nonce_of(nonce, number);
        struct bytes whole = { record, record_size + AEAD_TAG_BYTES };
        if (!read_whole(pair_of_sockets[1], record, whole.size) ||
            !aead_open(aead, record, nonce, whole, (struct bytes){ NULL, 0 }))
            die("record");
        size -= size < record_size ? size : record_size;
    }
    aead_destroy(aead);
}

/* --- side by side --------------------------------------------------------------------------- */

struct figure {
    double cpu, wall; /* seconds per GiB */
};

static struct figure carry(size_t size, void (*prepare)(void), void (*sender)(size_t),
                           void (*receiver)(size_t))
{
    struct rusage theirs;
    int status;
    prepare();
    fflush(stdout);
    double before = cpu_now();
    instant began = clock_now();
    pid_t child = fork();
    if (child == 0) {
        receiver(size);
        _exit(0);
    }
    sender(size);
    if (child < 0 || wait4(child, &status, 0, &theirs) != child || status != 0)
        die("the other end");
    double gib = (double)size / (1 << 30);
    return (struct figure){ (cpu_now() - before + seconds_of(&theirs)) / gib,
                            (double)(clock_now() - began) / SECOND / gib };
}

static void show_row(const char *what, const struct figure *figures, const struct figure *beside)
{
    double cpu = 0, ratio = 0, wall = 0;
    for (size_t i = 0; i < ROUNDS; i++) { /* the best round: all else is the machine's other work */
        if (i == 0 || figures[i].cpu < cpu)
            cpu = figures[i].cpu;
        if (i == 0 || figures[i].wall < wall)
            wall = figures[i].wall;
        if (i == 0 || figures[i].cpu / beside[i].cpu < ratio)
            ratio = figures[i].cpu / beside[i].cpu;
    }
    printf("%-37s %8.2f %10.2f %14.2f\n", what, cpu, 1 / wall, ratio);
}

static void transfer(size_t size)
{
    struct figure link[ROUNDS], large[ROUNDS], small[ROUNDS], plain[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        link[i] = carry(size, prepare_link, send_by_link, receive_by_link);
        record_size = RECORD_BYTES;
        large[i] = carry(size, prepare_tcp, send_by_tcp, receive_by_tcp);
        record_size = PACKET_TEXT_BYTES;
        small[i] = carry(size, prepare_tcp, send_by_tcp, receive_by_tcp);
        record_size = 0;
        plain[i] = carry(size, prepare_tcp, send_by_tcp, receive_by_tcp);
    }
    printf("%zu MiB over loopback, cipher by %s, best of %d rounds\n", size >> 20, aead_back_end(),
           ROUNDS);
    printf("%-37s %8s %10s %14s\n", "", "CPU s/GiB", "GiB/s", "CPU, x TCP+AEAD");
    show_row("link, 1,444 B, GSO and GRO", link, large);
    show_row("TCP + same AEAD, 16 KiB records", large, large);
    show_row("TCP + same AEAD, records of a packet", small, large);
    show_row("plain TCP", plain, large);
}

/* --- in virtual time ------------------------------------------------------------------------ */

/* Everything both have to say now, delivered at `arrival`. */
static void exchange(struct side *a, struct side *b, instant now, instant arrival)
{
    static struct {
        uint8_t bytes[1500];
        size_t size;
    } kept[2][64];
    size_t counts[2] = { 0, 0 };
    struct side *sides[2] = { a, b };
    struct link_batch batch;
    for (size_t i = 0; i < 2; i++)
        while (links_next_batch(sides[i]->links, now, &batch))
            for (size_t at = 0; at < batch.bytes.size; at += batch.segment) {
                size_t left = batch.bytes.size - at;
                size_t size = left < batch.segment ? left : batch.segment;
                if (counts[i] == 64 || size > sizeof kept[0][0].bytes)
                    continue;
                memcpy(kept[i][counts[i]].bytes, batch.bytes.data + at, size);
                kept[i][counts[i]++].size = size;
            }
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < counts[i]; k++)
            links_receive(sides[1 - i]->links, arrival, &sides[i]->at,
                          (struct bytes){ kept[i][k].bytes, kept[i][k].size });
}

static size_t drain(struct side *side, enum link_event_kind kind)
{
    struct link_event event;
    size_t count = 0;
    while (links_next_event(side->links, &event))
        count += event.kind == kind;
    return count;
}

/* --- handshakes ----------------------------------------------------------------------------- */

#define NOISE_TEXT_BYTES 340 /* about what the payloads of a link have */

static void carry_message(struct noise *from, struct noise *to)
{
    static uint8_t wire[4096], text[4096];
    struct cursor out = cursor_into(wire, sizeof wire);
    size_t size;
    if (noise_write(from, (struct bytes){ block, NOISE_TEXT_BYTES }, &out) != FAULT_NONE ||
        noise_read(to, cursor_written(&out), text, &size) != FAULT_NONE)
        die("noise");
}

static void noise_once(const struct noise_pattern *pattern, const struct side *a,
                       const struct side *b, struct rng *rng)
{
    static const uint8_t psk[NOISE_PSK_BYTES];
    struct noise_keys ours = { .ours = &a->key, .theirs = b->key.public };
    struct noise_keys theirs = { .ours = &b->key };
    struct noise *from = noise_create(pattern, &kdf_blake2b, true, (struct bytes){ 0 }, &ours, rng);
    struct noise *to =
        noise_create(pattern, &kdf_blake2b, false, (struct bytes){ 0 }, &theirs, rng);
    noise_set_psk(from, 0, psk);
    noise_set_psk(to, 0, psk);
    carry_message(from, to);
    carry_message(to, from);
    noise_destroy(from);
    noise_destroy(to);
}

/* CPU seconds a side of the pattern alone; the patterns take turns, since the machine is shared. */
static void noise_patterns(struct side *a, const struct side *b, double *classical, double *hybrid)
{
    const struct noise_pattern *patterns[2] = { noise_pattern("IK"), noise_pattern("IKhfs+psk2") };
    double sums[2] = { 0, 0 };
    for (int i = 0; i < HANDSHAKES; i++) {
        double before = cpu_now();
        noise_once(patterns[i % 2], a, b, &a->rng);
        sums[i % 2] += cpu_now() - before;
    }
    *classical = sums[0] / (HANDSHAKES / 2) / 2;
    *hybrid = sums[1] / (HANDSHAKES / 2) / 2;
}

static void handshakes(void)
{
    struct side a, b;
    instant now = SECOND;
    double before = cpu_now();
    make_side(&a, 1);
    make_side(&b, 2);
    links_admit_device(b.links, a.device.public, 0);
    for (int i = 0; i < HANDSHAKES; i++) {
        link_id id = dial(&a, &b, now);
        for (int step = 0; step < 3; step++, now += ONE_WAY)
            exchange(&a, &b, now, now + ONE_WAY);
        if (drain(&a, LINK_UP) != 1 || drain(&b, LINK_UP) != 1)
            fprintf(stderr, "handshake %d failed\n", i), exit(1);
        links_close(a.links, now, id);
        exchange(&a, &b, now, now);
        drain(&a, LINK_DOWN);
        drain(&b, LINK_DOWN);
        now += SECOND;
        links_advance(a.links, now);
        links_advance(b.links, now);
    }
    double each = (cpu_now() - before) / HANDSHAKES / 2, classical, hybrid;
    noise_patterns(&a, &b, &classical, &hybrid);
    double without = each - hybrid + classical;
    printf("handshake: %.0f us of CPU a side, %.0f a second on one core\n", each * 1e6, 1 / each);
    printf("of these, Noise: IKhfs+psk2 %.0f us; IK would be %.0f us, and all of it %.0f us: "
           "%.2f times\n",
           hybrid * 1e6, classical * 1e6, without * 1e6, each / without);
    links_destroy(a.links);
    links_destroy(b.links);
}

static size_t resident(void)
{
    unsigned long whole, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &whole, &pages) != 2)
        die("/proc/self/statm");
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Each of one group calls each of another; what they hold grows by two ends a call. */
static void memory(void)
{
    static struct side callers[GROUP], callees[GROUP];
    instant now = SECOND;
    size_t up = 0;
    for (uint8_t i = 0; i < GROUP; i++) {
        make_side(&callers[i], i + 1);
        make_side(&callees[i], i + 1);
        callers[i].at.ip[14] = (uint8_t)(i + 1); /* so that nobody calls too often from one place */
    }
    for (size_t i = 0; i < GROUP * GROUP; i++)
        links_admit_device(callees[i / GROUP].links, callers[i % GROUP].device.public, 0);
    size_t before = resident();
    for (size_t i = 0; i < GROUP * GROUP; i++) {
        struct side *from = &callers[i % GROUP], *to = &callees[i / GROUP];
        dial(from, to, now);
        for (int step = 0; step < 12; step++) {
            exchange(from, to, now, now + MILLISECOND);
            now += MILLISECOND; /* all of them in less time than an idle link lives */
            links_advance(from->links, now);
            links_advance(to->links, now);
            up += drain(from, LINK_UP) + drain(to, LINK_UP);
        }
    }
    printf("memory: %.1f KiB resident an idle end (%zu ends)\n",
           (double)(resident() - before) / 1024 / (double)up, up);
    for (size_t i = 0; i < GROUP; i++) {
        links_destroy(callers[i].links);
        links_destroy(callees[i].links);
    }
}

/* --- one lost packet ------------------------------------------------------------------------ */

#define FLYING_MAX 256

static struct {
    instant at;
    int to;
    size_t size;
    uint8_t bytes[1500];
} flying[FLYING_MAX];
static size_t flying_count;

static void launch(struct side *sides, instant now, bool *lose)
{
    struct link_batch batch;
    for (int i = 0; i < 2; i++)
        while (links_next_batch(sides[i].links, now, &batch))
            for (size_t at = 0; at < batch.bytes.size; at += batch.segment) {
                size_t left = batch.bytes.size - at;
                size_t size = left < batch.segment ? left : batch.segment;
                bool lost = *lose && i == 0;
                *lose &= !lost;
                if (lost || flying_count == FLYING_MAX || size > sizeof flying[0].bytes)
                    continue;
                flying[flying_count].at = now + ONE_WAY;
                flying[flying_count].to = 1 - i;
                flying[flying_count].size = size;
                memcpy(flying[flying_count++].bytes, batch.bytes.data + at, size);
            }
}

static void land(struct side *sides, instant now)
{
    size_t done = 0;
    for (; done < flying_count && flying[done].at <= now; done++)
        links_receive(sides[flying[done].to].links, now, &sides[1 - flying[done].to].at,
                      (struct bytes){ flying[done].bytes, flying[done].size });
    flying_count -= done;
    memmove(flying, flying + done, flying_count * sizeof flying[0]);
}

static instant next_moment(struct side *sides)
{
    instant next = earlier(links_deadline(sides[0].links), links_deadline(sides[1].links));
    return flying_count > 0 ? earlier(next, flying[0].at) : next;
}

/* Runs until `end`, or until the second side has a frame; returns when it had. */
static instant run_until(struct side *sides, instant *now, instant end, bool lose)
{
    for (;;) {
        size_t frames = drain(&sides[1], LINK_FRAME);
        drain(&sides[0], LINK_FRAME);
        launch(sides, *now, &lose);
        if (frames > 0)
            return *now;
        instant next = next_moment(sides);
        if (next > end) {
            *now = end;
            return 0;
        }
        *now = later(*now, next);
        land(sides, *now);
        links_advance(sides[0].links, *now);
        links_advance(sides[1].links, *now);
    }
}

static void repair(void)
{
    static struct side sides[2];
    instant now = SECOND;
    duration worst = 0, total = 0;
    make_side(&sides[0], 1);
    make_side(&sides[1], 2);
    links_admit_device(sides[1].links, sides[0].device.public, 0);
    link_id id = dial(&sides[0], &sides[1], now);
    run_until(sides, &now, now + 5 * SECOND, false);
    for (int i = -WARMING; i < LOST_SAMPLES; i++) {
        instant said = now;
        links_send(sides[0].links, now, id, (struct bytes){ block, 80 });
        duration took = run_until(sides, &now, now + 5 * SECOND, i >= 0) - said;
        run_until(sides, &now, now + SECOND, false);
        worst = i >= 0 && took > worst ? took : worst;
        total += i >= 0 ? took : 0;
    }
    printf("one lost packet, 50 ms: repaired in %.0f ms, at worst %.0f\n",
           (double)total / LOST_SAMPLES / MILLISECOND, (double)worst / MILLISECOND);
    links_destroy(sides[0].links);
    links_destroy(sides[1].links);
}

int main(int count, char **arguments)
{
    size_t mib = count > 1 ? strtoul(arguments[1], NULL, 10) : 1024;
    if (!crypto_start())
        return 1;
    memory();
    handshakes();
    repair();
    transfer(mib << 20);
    return 0;
}
