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

struct cli_dht { /* what `ramage dht run` was asked for */
    struct address bind[CLI_LISTEN_MAX], bootstrap[CLI_LISTEN_MAX];
    size_t bind_count, bootstrap_count;
    const char *save, *socket;                    /* NULL: none */
    uint32_t reply_bytes_per_second, per_address; /* 0: built in; UINT32_MAX: no limit */
    bool read_only, public_routers, verbose;
    int ready_fd; /* -1: none */
};

/* The daemons, which know nothing of this room. */
struct cli_daemons {
    enum rpc_error (*run)(const struct cli_daemon *daemon);
    enum rpc_error (*run_dht)(const struct cli_dht *dht);
};

/* The whole program but the daemons. Returns the exit code (rpc/rpc.h). */
int cli_main(int count, char **arguments, const struct cli_daemons *daemons);

#endif
