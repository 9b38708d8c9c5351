/* `ramage rpc`: the daemon's own language, for programs and curious people. */
#include "apps/cli/command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES 65536

static bool write_all(int descriptor, const char *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t written = write(descriptor, data + at, size - at);
        if (written > 0)
            at += (size_t)written;
        else if (errno != EINTR || was_interrupted())
            return false;
    }
    return true;
}

/* Moves what has come from one descriptor to the other. 0: the end; below 0: failed. */
static ssize_t pass(int from, int to)
{
    char piece[PIECE_BYTES];
    ssize_t got = read(from, piece, sizeof piece);
    if (got > 0 && !write_all(to, piece, (size_t)got))
        return -1;
    return got;
}

/* Lines both ways, for `ssh box ramage rpc --stdio`. The end of our input is told to the daemon,
   whose remaining answers still come. */
static int bridge(struct cli *cli)
{
    if (!reach(cli, true))
        return cli->exit;
    struct pollfd ends[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                              { .fd = rpc_client_descriptor(cli->client), .events = POLLIN } };
    int socket = ends[1].fd;
    for (;;) {
        if (poll(ends, 2, -1) < 0 && (errno != EINTR || was_interrupted()))
            return fail(cli, RPC_INTERRUPTED);
        if (ends[0].revents != 0 && pass(STDIN_FILENO, socket) <= 0) {
            shutdown(socket, SHUT_WR);
            ends[0].fd = -1;
            ends[0].revents = 0;
        }
        if (ends[1].revents != 0) {
            ssize_t got = pass(socket, STDOUT_FILENO);
            if (got == 0 && ends[0].fd == -1)
                return RPC_EXIT_DONE;
            if (got <= 0)
                return fail(cli, got == 0 ? RPC_NO_ANSWER : RPC_OUTPUT);
        }
    }
}

int command_rpc(struct cli *cli)
{
    char trouble[RPC_TROUBLE_BYTES];
    json_t *params = NULL;
    if (given(cli, OPTION_STDIO))
        return cli->word_count == 0 ? bridge(cli)
                                    : fail_usage(cli, "--stdio takes its requests from the pipe");
    if (cli->word_count == 0)
        return fail_usage(cli, "`ramage rpc` needs METHOD [JSON], or --stdio");
    if (rpc_method_named(cli->words[0]) == NULL) {
        const char *names[64], *nearest;
        size_t count = 0;
        for (; count < COUNT(names) && rpc_method_at(count) != NULL; count++)
            names[count] = rpc_method_at(count)->name;
        char hint[96];
        nearest = face_nearest(cli->words[0], names, count);
        snprintf(hint, sizeof hint, "did you mean %s?", nearest != NULL ? nearest : "");
        return fail_with(cli, RPC_UNKNOWN_METHOD, NULL, nearest != NULL ? hint : NULL, NULL);
    }
    if (cli->word_count == 2) {
        params = rpc_json_read(bytes_of_text(cli->words[1]), trouble);
        if (params == NULL || !json_is_object(params)) {
            json_decref(params);
            return fail_usage(cli, "the parameters must be one JSON object, such as %s",
                              "'{\"who\":\"bob\"}'");
        }
    }
    json_t *answer = ask(cli, cli->words[0], params);
    if (answer == NULL)
        return cli->exit;
    print_json(answer);
    json_decref(answer);
    return RPC_EXIT_DONE;
}
