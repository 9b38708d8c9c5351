/* Asks one DHT node as fast as it answers: `bench_dht_ask IP PORT KIND WINDOW SOCKETS SECONDS`.

   KIND is ping, find_node, get_peers or get. WINDOW questions are under way at any time, spread
   over SOCKETS sockets; one that is not answered within 0.2 s is given up. Prints the number of
   answers, the bytes they had, and the seconds it took. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SOCKETS_MAX   64
#define BATCH         64
#define ANSWER_BYTES  2048
#define GIVEN_UP      0.2
#define QUESTION_MOST 160

static struct {
    int socket;
    size_t open;   /* asked and not answered */
    double latest; /* when the last answer came */
} asker[SOCKETS_MAX];

static uint64_t luck = 88172645463325252u;

static void random_bytes(char *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        luck ^= luck << 13, luck ^= luck >> 7, luck ^= luck << 17;
        out[i] = (char)(luck >> 24);
    }
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* The id is the same for all, so that the node does not take us for thousands of others. */
static size_t question(char out[QUESTION_MOST], const char *kind)
{
    char target[20], tid[4];
    char *at = out;
    random_bytes(target, sizeof target);
    random_bytes(tid, sizeof tid);
    at += sprintf(at, "d1:ad2:id20:benchbenchbenchbench");
    if (strcmp(kind, "ping") != 0) {
        at += sprintf(at, strcmp(kind, "get_peers") == 0 ? "9:info_hash20:" : "6:target20:");
        memcpy(at, target, sizeof target);
        at += sizeof target;
    }
    at += sprintf(at, "e1:q%zu:%s1:t4:", strlen(kind), kind);
    memcpy(at, tid, sizeof tid);
    at += sizeof tid;
    at += sprintf(at, "1:y1:qe");
    return (size_t)(at - out);
}

static void ask(size_t which, size_t count, const char *kind)
{
    static char questions[BATCH][QUESTION_MOST];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    count = count > BATCH ? BATCH : count;
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct iovec){ questions[i], question(questions[i], kind) };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
    }
    int sent = sendmmsg(asker[which].socket, messages, (unsigned)count, 0);
    if (sent > 0)
        asker[which].open += (size_t)sent;
}

static size_t hear(size_t which, uint64_t *bytes)
{
    static char answers[BATCH][ANSWER_BYTES];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    for (size_t i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){ answers[i], ANSWER_BYTES };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
    }
    int got = recvmmsg(asker[which].socket, messages, BATCH, MSG_DONTWAIT, NULL);
    size_t good = 0;
    for (int i = 0; i < got; i++) {
        if (memmem(answers[i], messages[i].msg_len, "1:y1:r", 6) == NULL)
            continue; /* a question of its own, or an error */
        good++;
        *bytes += messages[i].msg_len;
    }
    if (good > 0) {
        asker[which].open -= good > asker[which].open ? asker[which].open : good;
        asker[which].latest = now();
    }
    return good;
}

static bool open_sockets(const char *ip, const char *port, size_t sockets)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    int room = 4 << 20;
    if (inet_pton(AF_INET, ip, &to.sin_addr) != 1)
        return false;
    for (size_t i = 0; i < sockets; i++) {
        asker[i].socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (asker[i].socket < 0 || connect(asker[i].socket, (struct sockaddr *)&to, sizeof to) != 0)
            return false;
        setsockopt(asker[i].socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        asker[i].latest = now();
    }
    return true;
}

int main(int count, char **arguments)
{
    if (count != 7) {
        fprintf(stderr, "usage: bench_dht_ask IP PORT KIND WINDOW SOCKETS SECONDS\n");
        return 2;
    }
    size_t window = (size_t)atol(arguments[4]), sockets = (size_t)atol(arguments[5]);
    double length = atof(arguments[6]);
    if (sockets == 0 || sockets > SOCKETS_MAX || window < sockets ||
        !open_sockets(arguments[1], arguments[2], sockets)) {
        fprintf(stderr, "bench_dht_ask: cannot ask there like that\n");
        return 1;
    }
    uint64_t answers = 0, bytes = 0;
    size_t share = window / sockets;
    double began = now(), end = began + length;
    struct pollfd ready[SOCKETS_MAX];
    while (now() < end) {
        for (size_t i = 0; i < sockets; i++) {
            answers += hear(i, &bytes);
            if (asker[i].open >= share && now() - asker[i].latest > GIVEN_UP)
                asker[i].open = 0, asker[i].latest = now();
            if (asker[i].open < share)
                ask(i, share - asker[i].open, arguments[3]);
            ready[i] = (struct pollfd){ asker[i].socket, POLLIN, 0 };
        }
        poll(ready, (nfds_t)sockets, 20);
    }
    printf("%llu %llu %.6f\n", (unsigned long long)answers, (unsigned long long)bytes,
           now() - began);
    return 0;
}
