/* `ramage dht run`: a bare node of the DHT, in the foreground. */
#include "apps/cli/dht.h"

static bool limit_from(struct cli *cli, enum option_id id, uint32_t *out)
{
    int64_t limit;
    const char *text = value(cli, id);
    if (text == NULL)
        return true;
    if (!whole_from(text, UINT32_MAX - 1, &limit))
        return fail_usage(cli, "--%s needs a whole number; 0 is no limit", option_row(id)->name),
               false;
    *out = limit == 0 ? UINT32_MAX : (uint32_t)limit;
    return true;
}

int command_dht_run(struct cli *cli)
{
    struct cli_dht dht = { .save = value(cli, OPTION_SAVE),
                           .socket = value(cli, OPTION_SOCKET),
                           .read_only = given(cli, OPTION_READ_ONLY),
                           .public_routers = given(cli, OPTION_PUBLIC),
                           .verbose = given(cli, OPTION_VERBOSE),
                           .ready_fd = -1 };
    int64_t descriptor;
    if (!dht_addresses(cli, OPTION_BIND, dht.bind, &dht.bind_count) ||
        !dht_addresses(cli, OPTION_BOOTSTRAP, dht.bootstrap, &dht.bootstrap_count) ||
        !limit_from(cli, OPTION_RATE, &dht.reply_bytes_per_second) ||
        !limit_from(cli, OPTION_PER_ADDRESS, &dht.per_address))
        return cli->exit;
    if (given(cli, OPTION_READY_FD)) {
        if (!whole_from(value(cli, OPTION_READY_FD), 1 << 20, &descriptor))
            return fail_usage(cli, "--ready-fd needs the number of an open descriptor");
        dht.ready_fd = (int)descriptor;
    }
    unwatch_signals();
    enum rpc_error error = cli->daemons->run_dht(&dht);
    return error == RPC_FINE ? RPC_EXIT_DONE : fail(cli, error);
}
