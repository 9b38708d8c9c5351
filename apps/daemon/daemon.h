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

#define DAEMON_LISTEN_MAX 16 /* addresses of --listen */

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

/* First thing in main, before any key or passphrase is read: no core dump, no debugger of the same
   user. */
void daemon_keep_private(void);

/* Returns why it ended: RPC_FINE when it was told to. Says nothing of it itself. */
enum rpc_error daemon_main(const struct daemon_settings *settings);

#endif
