/* `ramage send`: done when the message is safely queued; --wait asks for more. */
#include "apps/cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define TEXT_READ_MAX                                                                              \
    (57344 + 1) /* one byte past what a message holds, so that the daemon refuses */
#define WAIT_USUALLY (60 * SECOND)

struct text {
    char *data; /* NUL-terminated, to be freed */
    size_t size;
};

static struct text text_of_words(const struct cli *cli)
{
    size_t room = 1;
    for (int i = 1; i < cli->word_count; i++)
        room += strlen(cli->words[i]) + 1;
    struct text text = { mem_zeroed(1, room), 0 };
    for (int i = 1; i < cli->word_count; i++)
        text.size += (size_t)snprintf(text.data + text.size, room - text.size, "%s%s",
                                      i > 1 ? " " : "", cli->words[i]);
    return text;
}

/* All of standard input, without the newline at its end that a pipe nearly always has. */
static bool text_of_input(struct cli *cli, struct text *out)
{
    *out = (struct text){ mem_zeroed(1, TEXT_READ_MAX + 2), 0 };
    while (out->size < TEXT_READ_MAX + 1) {
        ssize_t got = read(STDIN_FILENO, out->data + out->size, TEXT_READ_MAX + 1 - out->size);
        if (got < 0 && errno == EINTR && !was_interrupted())
            continue;
        if (got < 0) {
            if (was_interrupted())
                fail(cli, RPC_INTERRUPTED);
            else
                fail_with(cli, RPC_TEXT_EMPTY, "the text could not be read", NULL, NULL);
            return false;
        }
        if (got == 0)
            break;
        out->size += (size_t)got;
    }
    if (out->size > 0 && out->data[out->size - 1] == '\n')
        out->size--;
    return true;
}

static bool settle_text(struct cli *cli, struct text *out)
{
    bool piped = cli->word_count == 1 && isatty(STDIN_FILENO) != 1;
    if (piped || (cli->word_count == 2 && strcmp(cli->words[1], "-") == 0))
        return text_of_input(cli, out);
    *out = text_of_words(cli);
    return true;
}

static json_t *make_params(struct cli *cli, const struct text *text)
{
    json_t *params = json_object(), *content = json_stringn(text->data, text->size);
    const char *key = value(cli, OPTION_REQUEST_KEY);
    bool no_nul = memchr(text->data, '\0', text->size) == NULL;
    enum rpc_error error = RPC_FINE;
    if (content == NULL || !no_nul)
        error = RPC_TEXT_NOT_UTF8;
    else if (json_object_set(params, "text", content) != 0)
        error = RPC_TEXT_NOT_UTF8;
    else if (json_object_set_new(params, "who", json_string(cli->words[0])) != 0)
        error = RPC_NO_CONTACT;
    else if (key != NULL && json_object_set_new(params, "request_key", json_string(key)) != 0)
        error = RPC_BAD_KEY;
    json_decref(content);
    if (error == RPC_FINE)
        return params;
    json_decref(params);
    fail(cli, error);
    return NULL;
}

/* --- waiting for a state --- */

enum progress {
    PROGRESS_NONE,
    PROGRESS_WRITTEN,
    PROGRESS_SEALED,
    PROGRESS_DELIVERED,
    PROGRESS_FAILED
};

static enum progress progress_of(const char *state)
{
    static const char *const names[] = { [PROGRESS_WRITTEN] = "written",
                                         [PROGRESS_SEALED] = "sealed",
                                         [PROGRESS_DELIVERED] = "delivered",
                                         [PROGRESS_FAILED] = "failed" };
    for (enum progress i = PROGRESS_WRITTEN; i < COUNT(names); i++)
        if (state != NULL && strcmp(state, names[i]) == 0)
            return i;
    return PROGRESS_NONE;
}

/* Replaces *message by what it is now. */
static bool look_again(struct cli *cli, json_t **message)
{
    json_t *answer = ask(cli, "message.get", json_pack("{s:s}", "id", rpc_text(*message, "id")));
    json_t *fresh = json_object_get(answer, "message");
    if (fresh != NULL) {
        json_decref(*message);
        *message = json_incref(fresh);
    }
    json_decref(answer);
    return answer != NULL;
}

/* The daemon's error for a message that got less far than was asked for, with the message. */
static bool stop_waiting(struct cli *cli, const json_t *message, bool failed)
{
    json_t *more = json_pack("{s:O}", "message", message);
    fail_with(cli, failed ? RPC_GIVEN_UP : RPC_NOT_YET, NULL, NULL, more);
    return false;
}

/* Events only wake us; what counts is the message as it is. */
static bool wait_for(struct cli *cli, enum progress wanted, duration patience, json_t **message)
{
    instant until = after(steady_clock(), patience);
    for (;;) {
        enum progress now = progress_of(rpc_text(*message, "state"));
        if (now == PROGRESS_FAILED)
            return stop_waiting(cli, *message, true);
        if (now >= wanted)
            return true;
        instant here = steady_clock();
        if (here >= until)
            return stop_waiting(cli, *message, false);
        json_t *event;
        enum rpc_error error = rpc_client_next(cli->client, until - here, &event);
        json_decref(event);
        if (error != RPC_FINE)
            return refuse(cli, error);
        if (!look_again(cli, message))
            return false;
    }
}

static bool settle_waiting(struct cli *cli, enum progress *wanted, duration *patience)
{
    const char *state = value(cli, OPTION_WAIT), *time = value(cli, OPTION_TIMEOUT);
    *wanted = state != NULL ? progress_of(state) : PROGRESS_WRITTEN;
    *patience = WAIT_USUALLY;
    if (*wanted == PROGRESS_NONE || *wanted == PROGRESS_FAILED)
        return fail_usage(cli,
                          "--wait knows \"written\", \"sealed\" and \"delivered\", not \"%.32s\"",
                          state),
               false;
    if (time != NULL && !duration_from(time, patience))
        return fail_usage(cli, "\"%.32s\" is no time; write 30s, 10m or 2h", time), false;
    return true;
}

/* The state that was reached, with the id, which `ramage why` takes. */
static void print_sent(struct cli *cli, const json_t *message)
{
    if (wants_json(cli)) {
        print_json(message);
        return;
    }
    print_clean(rpc_text(message, "id"));
    say(cli, "  ");
    print_clean(rpc_text(message, "state"));
    say(cli, "\n");
}

int command_send(struct cli *cli)
{
    enum progress wanted;
    duration patience;
    struct text text = { 0 };
    json_t *params = NULL, *answer = NULL, *message = NULL;
    if (settle_waiting(cli, &wanted, &patience) && settle_text(cli, &text))
        params = make_params(cli, &text);
    if (text.data != NULL)
        wipe(text.data, text.size);
    mem_free(text.data);
    if (params == NULL)
        return cli->exit;
    if (wanted > PROGRESS_WRITTEN) {
        json_t *stream =
            ask(cli, "events.subscribe", json_pack("{s:[s]}", "kinds", "message.state"));
        json_decref(stream);
        if (stream == NULL) {
            json_decref(params);
            return cli->exit;
        }
    }
    answer = ask(cli, "message.send", params);
    if (answer == NULL)
        return cli->exit;
    message = json_incref(json_object_get(answer, "message"));
    json_decref(answer);
    bool reached = wait_for(cli, wanted, patience, &message);
    print_sent(cli, message); /* also when it got less far: it is queued, and this is its id */
    json_decref(message);
    return reached ? RPC_EXIT_DONE : cli->exit;
}
