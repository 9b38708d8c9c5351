/* `ramage daemon run|start|stop|status` */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/cli/spawn.h"
#include "base/mem.h"

#define STOP_PATIENCE (10 * SECOND)
#define STEP          (10 * MILLISECOND)

static int fail_listen(struct cli *cli, const char *text)
{
    char sentence[96];
    snprintf(sentence, sizeof sentence, "that is no address: %.64s", text);
    return fail_with(cli, RPC_BAD_ADDRESS, sentence, NULL, NULL);
}

static bool read_listen(struct cli *cli, struct cli_daemon *daemon)
{
    daemon->listen_count = cli->options.given[OPTION_LISTEN];
    for (size_t i = 0; i < daemon->listen_count; i++) {
        const char *text = cli->options.values[OPTION_LISTEN][i];
        if (!address_parse(text, &daemon->listen[i]))
            return fail_listen(cli, text), false;
    }
    return true;
}

int command_daemon_run(struct cli *cli)
{
    struct cli_daemon daemon = { .place = &cli->place,
                                 .ready_fd = -1,
                                 .verbose = given(cli, OPTION_VERBOSE) };
    struct secret secret = { 0 };
    int64_t descriptor;
    if (!read_listen(cli, &daemon))
        return cli->exit;
    if (given(cli, OPTION_READY_FD)) {
        if (!whole_from(value(cli, OPTION_READY_FD), 1 << 20, &descriptor))
            return fail_usage(cli, "--ready-fd needs the number of an open descriptor");
        daemon.ready_fd = (int)descriptor;
    }
    if (given(cli, OPTION_PASSPHRASE_FD)) {
        if (!secret_from_descriptor(cli, &secret))
            return cli->exit;
        daemon.passphrase = (struct bytes){ (uint8_t *)secret.text, secret.size };
    }
    unwatch_signals();
    enum rpc_error error = cli->daemons->run(&daemon);
    wipe(&secret, sizeof secret);
    return error == RPC_FINE ? RPC_EXIT_DONE : fail(cli, error);
}

static int print_running(struct cli *cli, bool started)
{
    json_t *hello = ask(cli, "session.hello", NULL);
    if (hello == NULL)
        return cli->exit;
    if (wants_json(cli)) {
        json_object_set_new(hello, "running", json_true());
        json_object_set_new(hello, "started", json_boolean(started));
        print_json(hello);
    } else {
        const char *state = rpc_text(hello, "state"), *about = "";
        if (state != NULL && strcmp(state, "no_identity") == 0)
            about = "; no identity yet: `ramage new` makes one";
        else if (state != NULL && strcmp(state, "locked") == 0)
            about = "; locked: `ramage unlock` opens it";
        say(cli, "%s, pid %lld%s\n", started ? "Started" : "Running",
            (long long)rpc_whole(hello, "pid", 0), about);
    }
    json_decref(hello);
    return RPC_EXIT_DONE;
}

int command_daemon_start(struct cli *cli)
{
    struct cli_daemon checked;
    if (!read_listen(cli, &checked))
        return cli->exit;
    if (reach_quietly(cli)) {
        if (given(cli, OPTION_LISTEN)) /* it listens elsewhere: silence would mislead */
            return fail(cli, RPC_ALREADY_RUNNING);
        return print_running(cli, false);
    }
    enum rpc_error error = spawn_daemon(cli->place.home, cli->options.values[OPTION_LISTEN],
                                        checked.listen_count, SPAWN_STAYS, NULL);
    return error == RPC_FINE ? print_running(cli, true) : fail(cli, error);
}

int command_daemon_status(struct cli *cli)
{
    return reach(cli, false) ? print_running(cli, false) : cli->exit;
}

/* It is gone when nobody answers at its socket any more. */
static bool await_end(const struct cli *cli)
{
    const struct timespec step = { 0, (long)STEP };
    for (duration waited = 0; waited < STOP_PATIENCE && !was_interrupted(); waited += STEP) {
        struct rpc_client *client = rpc_client_connect(cli->place.socket);
        if (client == NULL)
            return true;
        rpc_client_close(client);
        nanosleep(&step, NULL);
    }
    return false;
}

int command_daemon_stop(struct cli *cli)
{
    if (!reach(cli, false))
        return cli->exit;
    json_t *answer = ask(cli, "session.shutdown", NULL);
    if (answer == NULL)
        return cli->exit;
    rpc_client_close(cli->client);
    cli->client = NULL;
    if (!await_end(cli)) {
        json_decref(answer);
        return fail_with(cli, was_interrupted() ? RPC_INTERRUPTED : RPC_NO_ANSWER,
                         "the daemon was told to stop, but still runs",
                         "wait a moment, or end its process", NULL);
    }
    json_object_set_new(answer, "stopped", json_true());
    if (wants_json(cli))
        print_json(answer);
    say(cli, "Stopped.\n");
    json_decref(answer);
    return RPC_EXIT_DONE;
}
