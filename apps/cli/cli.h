/* The command line: one verb, one file. Knows the daemon by rpc alone. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/address.h"
#include "rpc/rpc.h"

#define CLI_LISTEN_MAX 16

struct cli_daemon { /* what `ramage daemon run` was asked for */
    const struct rpc_place *place;
    struct address listen[CLI_LISTEN_MAX];
    size_t listen_count;     /* 0: a random port of all addresses */
    struct bytes passphrase; /* size 0: none */
    int ready_fd;            /* -1: none; see spawn.h */
    bool verbose;
};

/* The whole program but the daemon, which `run_daemon` is. Returns the exit code (rpc/rpc.h). */
int cli_main(int count, char **arguments,
             enum rpc_error (*run_daemon)(const struct cli_daemon *daemon));

#endif
