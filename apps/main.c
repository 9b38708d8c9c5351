/* The one executable, and the one place where the faces and the daemon meet: everywhere else they
   know each other by the socket alone. */
#include "apps/cli/cli.h"
#include "apps/daemon/daemon.h"

#include <string.h>

_Static_assert(CLI_LISTEN_MAX <= DAEMON_LISTEN_MAX, "every --listen finds room");
_Static_assert(CLI_LISTEN_MAX <= DAEMON_BOOTSTRAP_MAX, "and every --bootstrap");

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

static enum rpc_error run_dht(const struct cli_dht *dht)
{
    struct daemon_bare bare = {
        .bind_count = dht->bind_count,
        .bootstrap_count = dht->bootstrap_count,
        .save = dht->save,
        .socket = dht->socket,
        .reply_bytes_per_second = dht->reply_bytes_per_second,
        .per_address = dht->per_address,
        .read_only = dht->read_only,
        .public_routers = dht->public_routers,
        .ready_fd = dht->ready_fd,
        .verbose = dht->verbose,
    };
    memcpy(bare.bind, dht->bind, sizeof dht->bind);
    memcpy(bare.bootstrap, dht->bootstrap, sizeof dht->bootstrap);
    return daemon_main_bare(&bare);
}

int main(int count, char **arguments)
{
    daemon_keep_private();
    rpc_start();
    static const struct cli_daemons daemons = { run_daemon, run_dht };
    return cli_main(count, arguments, &daemons);
}
