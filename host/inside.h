/* What the files of this room share about a host; nobody else's business. */
#ifndef HOST_INSIDE_H
#define HOST_INSIDE_H

#include <uv.h>

#include "base/list.h"
#include "host/host.h"
#include "host/udp.h"

#define ROUTES 256 /* remembered: which of our sockets an address last wrote to */

struct clock {
    instant wall; /* at `since` */
    uint64_t since;
};
void clock_start(struct clock *clock);
instant clock_now(struct clock *clock);
/* To set a CLOCK_BOOTTIME timer: nanoseconds of that clock, never 0. */
uint64_t clock_boot_time(const struct clock *clock, instant when);

struct wire { /* one UDP socket in the loop */
    struct host *host;
    struct udp *udp;
    uint8_t index; /* in host->wires */
    uv_poll_t poll;
    /* What the kernel did not take; the node is not asked for more until it did. */
    uint8_t *held;
    size_t held_size, held_segment;
    struct address held_to;
};

struct route {
    struct address from;
    uint8_t wire;
};

struct host {
    struct host_settings settings;
    struct clock clock;
    struct log log;
    struct rng rng;
    uv_loop_t loop;
    int memory; /* /proc/self/statm */
    bool stopping, in_farewell;
    uv_timer_t farewell;

    /* loop.c */
    struct node *node;
    bool round_due;
    uv_prepare_t before;
    uv_check_t after;
    uv_async_t wake;
    int timer;
    uv_poll_t timer_poll;
    instant timer_at;
    uv_signal_t interrupt, terminate;

    /* wire.c */
    struct wire *wires[HOST_LISTEN_MAX];
    size_t wire_count;
    struct udp_batch *batch;
    struct route routes[ROUTES];

    /* moves.c */
    uv_poll_t moves_poll;
    int moves;
    uint64_t addresses_digest;
    uv_timer_t moves_timer;

    /* lan.c */
    uv_poll_t lan_poll;
    int lan; /* -1: none */
    struct address lan_group;

    /* server.c */
    uv_pipe_t server;
    struct list clients;
    size_t client_count;
    uint64_t newest_client;
    char *read_memory;
};

void log_start(struct log *log, bool verbose);
struct rng rng_of_system(void);

/* wire.c */
bool wire_address(const struct sockaddr *from, uint16_t port, struct address *out);
bool wires_send(struct host *host, const struct datagrams *run); /* false: held, wait */
bool wires_ready(const struct host *host);                       /* nothing is held */
void wires_close(struct host *host);

/* moves.c: notices when our own addresses change. */
void moves_start(struct host *host);
void moves_tell(struct host *host); /* the node, where it can be reached */
void moves_close(struct host *host);

/* lan.c */
void lan_join(struct host *host); /* on interfaces that came */
bool lan_is_for(const struct host *host, const struct address *to);
void lan_send(struct host *host, struct bytes datagram);
void lan_close(struct host *host);

/* server.c */
void server_flush(struct host *host);      /* writes what was queued during a round */
bool server_busy(const struct host *host); /* something is still on its way to a client */
void server_close(struct host *host);

#endif
