/* The daemon: one home, one node, and a local socket where every face of the program asks
   (rpc/rpc.h).

   It runs in the foreground until SIGTERM, SIGINT or `session.shutdown`; whoever wants it in the
   background forks first and waits at `ready_fd`. It gives up every right it does not need once it
   listens (sandbox.h). With NOTIFY_SOCKET in the environment it tells systemd when it is ready and
   when it stops. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "base/address.h"
#include "rpc/rpc.h"

#define DAEMON_LISTEN_MAX    16 /* addresses of --listen, or of --bind */
#define DAEMON_BOOTSTRAP_MAX 16

struct daemon_settings {
    const char *home;   /* folder; made 0700 when absent */
    const char *socket; /* path of the control socket, at most 103 bytes */
    struct address listen[DAEMON_LISTEN_MAX];
    size_t listen_count;     /* 0: a random port of all addresses */
    struct bytes passphrase; /* size 0: none; a locked home then waits for `session.unlock` */
    int ready_fd; /* -1: none; gets "ready\n", or one line with the error's name, then EOF */
    bool verbose;
    bool no_sandbox; /* for debuggers */
};

/* A bare node of the DHT (`ramage dht run`): without home and identity. Once it runs it writes
   "ready IP:PORT ID" to stdout, with a pair for each address; `ready_fd` is as above. */
struct daemon_bare {
    struct address bind[DAEMON_LISTEN_MAX];
    size_t bind_count;
    struct address bootstrap[DAEMON_BOOTSTRAP_MAX]; /* nodes to begin with */
    size_t bootstrap_count;
    const char *save;                             /* file that keeps its nodes; NULL: none */
    const char *socket;                           /* answers `dht.` methods there; NULL: none */
    uint32_t reply_bytes_per_second, per_address; /* 0: built in; UINT32_MAX: no limit */
    bool read_only;                               /* asks, never serves */
    bool public_routers;                          /* goes to those compiled in, as a last resort */
    int ready_fd;
    bool verbose;
};
enum rpc_error daemon_main_bare(const struct daemon_bare *bare);

/* First thing in main, before any key or passphrase is read: no core dump, no debugger of the same
   user. */
void daemon_keep_private(void);

/* Returns why it ended: RPC_FINE when it was told to. Says nothing of it itself. */
enum rpc_error daemon_main(const struct daemon_settings *settings);

#endif
