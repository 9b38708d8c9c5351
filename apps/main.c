/* The one executable, and the one place where the faces and the daemon meet: everywhere else they
   know each other by the socket alone. */
#include "apps/cli/cli.h"
#include "apps/daemon/daemon.h"

#include <string.h>

_Static_assert(CLI_LISTEN_MAX <= DAEMON_LISTEN_MAX, "every --listen finds room");

static enum rpc_error run_daemon(const struct cli_daemon *daemon)
{
    struct daemon_settings settings = {
        .home = daemon->place->home,
        .socket = daemon->place->socket,
        .listen_count = daemon->listen_count,
        .passphrase = daemon->passphrase,
        .ready_fd = daemon->ready_fd,
        .verbose = daemon->verbose,
    };
    memcpy(settings.listen, daemon->listen, sizeof daemon->listen);
    return daemon_main(&settings);
}

int main(int count, char **arguments)
{
    daemon_keep_private();
    rpc_start();
    return cli_main(count, arguments, run_daemon);
}
