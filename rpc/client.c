/* The client's end of the socket, for programs that do one thing at a time. */
#include "rpc/rpc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define READ_BYTES      65536
#define EVENTS_KEPT_MAX 1024 /* that came during calls; a stream that outruns this is dropped */

struct rpc_client {
    int socket;
    int64_t last_id;
    struct rpc_lines *lines;
    json_t *events; /* that arrived during a call, oldest first */
    bool ended;
};

static const volatile sig_atomic_t *interrupted;

void rpc_client_interrupt_on(const volatile sig_atomic_t *flag)
{
    interrupted = flag;
}

static bool is_interrupted(void)
{
    return interrupted != NULL && *interrupted != 0;
}

static instant monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (instant)now.tv_sec * SECOND + (instant)now.tv_nsec;
}

/* Whoever listens there must be us: a passphrase may follow. */
static bool is_ours(int socket)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == getuid();
}

struct rpc_client *rpc_client_connect(const char *socket_path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    size_t size = strlen(socket_path);
    if (size >= sizeof name.sun_path)
        return NULL;
    memcpy(name.sun_path, socket_path, size);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return NULL;
    if (connect(descriptor, (struct sockaddr *)&name, sizeof name) != 0 || !is_ours(descriptor)) {
        close(descriptor);
        return NULL;
    }
    struct rpc_client *client = mem_zeroed(1, sizeof *client);
    client->socket = descriptor;
    client->lines = rpc_lines_create();
    client->events = json_array();
    return client;
}

void rpc_client_close(struct rpc_client *client)
{
    if (client == NULL)
        return;
    close(client->socket);
    rpc_lines_destroy(client->lines);
    json_decref(client->events);
    mem_free(client);
}

int rpc_client_descriptor(const struct rpc_client *client)
{
    return client->socket;
}

/* Waits until the socket allows `what`, the time is over or a signal asks us to stop. RPC_NOT_YET:
   the time is over. The mask is not touched: a flag set between the look and the wait is noticed at
   the latest after STEP. */
static enum rpc_error wait_for(int socket, short what, instant until)
{
    const duration step = 500 * MILLISECOND;
    for (;;) {
        if (is_interrupted())
            return RPC_INTERRUPTED;
        instant now = monotonic();
        if (now >= until)
            now = until;
        duration wait = until - now < step ? until - now : step;
        struct pollfd one = { .fd = socket, .events = what };
        int ready = poll(&one, 1, (int)((wait + MILLISECOND - 1) / MILLISECOND));
        if (ready > 0)
            return RPC_FINE;
        if (ready < 0 && errno != EINTR)
            return RPC_NO_ANSWER;
        if (ready == 0 && now == until)
            return RPC_NOT_YET;
    }
}

static enum rpc_error send_line(struct rpc_client *client, const struct rpc_text_line *line,
                                instant until)
{
    for (size_t at = 0; at < line->size;) {
        ssize_t sent =
            send(client->socket, line->data + at, line->size - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += (size_t)sent;
        } else if (errno == EAGAIN) {
            enum rpc_error error = wait_for(client->socket, POLLOUT, until);
            if (error != RPC_FINE)
                return error;
        } else if (errno != EINTR) {
            return RPC_NO_ANSWER;
        }
    }
    return RPC_FINE;
}

static enum rpc_error receive(struct rpc_client *client, instant until)
{
    enum rpc_error error = wait_for(client->socket, POLLIN, until);
    if (error != RPC_FINE)
        return error;
    uint8_t memory[READ_BYTES];
    ssize_t size = recv(client->socket, memory, sizeof memory, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return RPC_FINE;
    if (size <= 0) {
        client->ended = true;
        return RPC_NO_ANSWER;
    }
    rpc_lines_feed(client->lines, (struct bytes){ memory, (size_t)size });
    wipe(memory, (size_t)size);
    return RPC_FINE;
}

/* The next object the daemon wrote. RPC_NOT_YET: none in time. */
static enum rpc_error next_object(struct rpc_client *client, instant until, json_t **out)
{
    for (;;) {
        struct bytes line;
        enum rpc_line found = rpc_lines_next(client->lines, &line);
        if (found == RPC_LINE_WHOLE) {
            *out = rpc_json_read(line, NULL);
            return json_is_object(*out) ? RPC_FINE : RPC_NO_ANSWER;
        }
        if (found == RPC_LINE_OVERLONG || client->ended)
            return RPC_NO_ANSWER;
        enum rpc_error error = receive(client, until);
        if (error != RPC_FINE)
            return error;
    }
}

static bool is_event(const json_t *object)
{
    const char *method = rpc_text(object, "method");
    return method != NULL && strcmp(method, "event") == 0 &&
           json_is_object(json_object_get(object, "params"));
}

static void fill_error(struct rpc_answer *out, enum rpc_error error, const char *sentence,
                       const char *hint)
{
    const struct rpc_error_row *row = rpc_error_row(error);
    out->error = error;
    snprintf(out->sentence, sizeof out->sentence, "%s",
             sentence != NULL ? sentence : row->sentence);
    snprintf(out->hint, sizeof out->hint, "%s", hint != NULL ? hint : row->hint);
}

static void take_answer(const json_t *object, struct rpc_answer *out)
{
    json_t *result = json_object_get(object, "result");
    if (json_is_object(result)) {
        out->result = json_incref(result);
        return;
    }
    const json_t *error = json_object_get(object, "error");
    json_t *data = json_object_get(error, "data");
    const char *name = rpc_text(data, "name");
    enum rpc_error known = name != NULL ? rpc_error_named(name) : RPC_INTERNAL;
    if (known == RPC_FINE)
        known = RPC_INTERNAL;
    fill_error(out, known, rpc_text(error, "message"), rpc_text(data, "hint"));
    out->data = json_incref(data);
}

static void take_event(struct rpc_client *client, const struct rpc_watch *watch, json_t *event)
{
    if (watch->tell != NULL)
        watch->tell(watch->self, event);
    else if (json_array_size(client->events) < EVENTS_KEPT_MAX)
        json_array_append(client->events, event);
    else
        client->ended = true;
}

static enum rpc_error await_answer(struct rpc_client *client, const struct rpc_watch *watch,
                                   instant until, struct rpc_answer *out)
{
    for (;;) {
        json_t *object = NULL;
        enum rpc_error error = next_object(client, until, &object);
        if (error != RPC_FINE) {
            json_decref(object);
            return error == RPC_NOT_YET ? RPC_TIME_OVER : error;
        }
        bool ours = rpc_whole(object, "id", -1) == client->last_id;
        bool without_id = json_is_null(json_object_get(object, "id")); /* the line was refused */
        if (is_event(object))
            take_event(client, watch, json_object_get(object, "params"));
        else if (ours || without_id)
            take_answer(object, out);
        json_decref(object);
        if (ours || without_id)
            return RPC_FINE;
    }
}

void rpc_client_call_watched(struct rpc_client *client, const char *method, json_t *params,
                             const struct rpc_watch *watch, struct rpc_answer *out)
{
    *out = (struct rpc_answer){ 0 };
    json_t *request =
        json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", (json_int_t)++client->last_id,
                  "method", method, "params", params != NULL ? params : json_object());
    struct rpc_text_line line = rpc_line_write(request);
    json_decref(request);
    if (line.data == NULL) {
        fill_error(out, RPC_LINE_TOO_LONG, NULL, NULL);
        return;
    }
    instant until = after(monotonic(), watch->patience);
    enum rpc_error error = send_line(client, &line, until);
    rpc_line_free(&line);
    if (error == RPC_FINE)
        error = await_answer(client, watch, until, out);
    if (error != RPC_FINE)
        fill_error(out, error == RPC_NOT_YET ? RPC_NO_ANSWER : error, NULL, NULL);
}

void rpc_client_call(struct rpc_client *client, const char *method, json_t *params,
                     struct rpc_answer *out)
{
    const struct rpc_watch watch = { .patience = RPC_PATIENCE };
    rpc_client_call_watched(client, method, params, &watch, out);
    if (out->error == RPC_TIME_OVER)
        fill_error(out, RPC_NO_ANSWER, NULL, NULL);
}

void rpc_answer_release(struct rpc_answer *answer)
{
    json_decref(answer->result);
    json_decref(answer->data);
    *answer = (struct rpc_answer){ 0 };
}

static bool take_kept(struct rpc_client *client, json_t **event)
{
    if (json_array_size(client->events) == 0)
        return false;
    *event = json_incref(json_array_get(client->events, 0));
    json_array_remove(client->events, 0);
    return true;
}

enum rpc_error rpc_client_next(struct rpc_client *client, duration wait, json_t **event)
{
    instant until = after(monotonic(), wait);
    *event = NULL;
    if (take_kept(client, event))
        return RPC_FINE;
    for (;;) {
        json_t *object = NULL;
        enum rpc_error error = next_object(client, until, &object);
        if (error == RPC_FINE && is_event(object))
            *event = json_incref(json_object_get(object, "params"));
        json_decref(object);
        if (error != RPC_FINE || *event != NULL)
            return error == RPC_NOT_YET ? RPC_FINE : error;
    }
}
