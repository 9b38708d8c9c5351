/* `ramage rpc`: the daemon's own language, for programs and curious people. */
#include "apps/cli/command.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One direction of the bridge. Nothing is read before the last piece is written, and writing never
   blocks: else both sides could wait for each other, each with a full pipe. */
struct flow {
    int from, to;
    char piece[65536];
    size_t size, written;
    bool ended; /* nothing more comes */
};

static bool is_full(const struct flow *flow)
{
    return flow->written < flow->size;
}

static bool would_wait(void)
{
    return errno == EAGAIN || errno == EINTR;
}

static bool fill(struct flow *flow)
{
    ssize_t got = read(flow->from, flow->piece, sizeof flow->piece);
    if (got < 0 && would_wait())
        return true;
    flow->ended = got <= 0;
    flow->size = got > 0 ? (size_t)got : 0;
    flow->written = 0;
    return got >= 0;
}

static bool empty(struct flow *flow)
{
    /* A pipe that is ready takes this much without blocking: pipe(7), PIPE_BUF. */
    size_t left = flow->size - flow->written;
    size_t most = left < PIPE_BUF ? left : PIPE_BUF;
    ssize_t put = write(flow->to, flow->piece + flow->written, most);
    if (put < 0)
        return would_wait();
    flow->written += (size_t)put;
    return true;
}

static bool step(struct flow *flow, short ready_from, short ready_to)
{
    if (is_full(flow))
        return ready_to == 0 || empty(flow);
    return ready_from == 0 || flow->ended || fill(flow);
}

/* Lines both ways, for `ssh box ramage rpc --stdio`. The end of our input is told to the daemon,
   whose remaining answers still come. */
static int bridge(struct cli *cli)
{
    static struct flow in, out;
    if (!reach(cli, true))
        return cli->exit;
    int socket = rpc_client_descriptor(cli->client);
    in = (struct flow){ .from = STDIN_FILENO, .to = socket };
    out = (struct flow){ .from = socket, .to = STDOUT_FILENO };
    while (!out.ended) {
        /* A negative descriptor is not watched: poll(2). */
        struct pollfd ends[4] = {
            { .fd = is_full(&in) || in.ended ? -1 : in.from, .events = POLLIN },
            { .fd = is_full(&in) ? in.to : -1, .events = POLLOUT },
            { .fd = is_full(&out) ? -1 : out.from, .events = POLLIN },
            { .fd = is_full(&out) ? out.to : -1, .events = POLLOUT },
        };
        if (poll(ends, COUNT(ends), -1) < 0 && (errno != EINTR || was_interrupted()))
            return fail(cli, RPC_INTERRUPTED);
        bool was_open = !in.ended;
        if (!step(&in, ends[0].revents, ends[1].revents))
            return fail(cli, RPC_NO_ANSWER);
        if (in.ended && was_open)
            shutdown(socket, SHUT_WR);
        if (!step(&out, ends[2].revents, ends[3].revents))
            return fail(cli, RPC_OUTPUT);
    }
    return in.ended ? RPC_EXIT_DONE : fail(cli, RPC_NO_ANSWER);
}

static int refuse_method(struct cli *cli)
{
    const char *names[64];
    size_t count = 0;
    char hint[96];
    for (; count < COUNT(names) && rpc_method_at(count) != NULL; count++)
        names[count] = rpc_method_at(count)->name;
    const char *nearest = face_nearest(cli->words[0], names, count);
    snprintf(hint, sizeof hint, "did you mean %s?", nearest != NULL ? nearest : "");
    return fail_with(cli, RPC_UNKNOWN_METHOD, NULL, nearest != NULL ? hint : NULL, NULL);
}

static int call(struct cli *cli)
{
    json_t *params = NULL;
    if (cli->word_count == 2) {
        params = rpc_json_read(bytes_of_text(cli->words[1]), NULL);
        if (!json_is_object(params)) {
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

int command_rpc(struct cli *cli)
{
    if (given(cli, OPTION_STDIO))
        return cli->word_count == 0 ? bridge(cli)
                                    : fail_usage(cli, "--stdio takes its requests from the pipe");
    if (cli->word_count == 0)
        return fail_usage(cli, "`ramage rpc` needs METHOD [JSON], or --stdio");
    if (rpc_method_named(cli->words[0]) == NULL)
        return refuse_method(cli);
    return call(cli);
}
