/* Starts a daemon as another process: this very executable, told `... run --ready-fd`.

   The child writes one line to that descriptor, "ready" or the name of an error, and closes it. */
#ifndef CLI_SPAWN_H
#define CLI_SPAWN_H

#include <sys/types.h>

#include "apps/cli/cli.h"

#define SPAWN_PATIENCE (30 * SECOND) /* an old machine with a full disk may take some seconds */

enum spawn_life {
    SPAWN_STAYS,        /* a session of its own; lives on when we end */
    SPAWN_ENDS_WITH_US, /* killed by the kernel should we die without a word */
};

/* Waits until it is ready. RPC_FINE, or what it said, or RPC_INTERNAL when it said nothing; it is
   gone then. *pid (may be NULL) is its process id. */
enum rpc_error spawn_daemon(const char *home, const char *const *listen, size_t listen_count,
                            enum spawn_life life, pid_t *pid);
/* The same with any words for ourselves: "ramage", a verb and more, NULL. `--ready-fd` is given
   beside them, so there must be room for three behind `count`. */
enum rpc_error spawn_self(const char **words, size_t count, enum spawn_life life, pid_t *pid);

#endif
