/* Clients: lines in, answers out. An answer waits until its round is settled, because it promises
   what the disk must hold. */
#include "apps/daemon/inside.h"

#include "base/mem.h"

struct answer_line {
    struct list link;
    struct client *client;
    json_t *id;
    struct rpc_text_line line;
    bool last; /* then the client is hung up on */
};

static struct client *client_of(struct host_client *host)
{
    return host_client_kept(host);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void wait_for_round(struct client *client, const json_t *id, struct rpc_text_line line,
                           bool last)
{
    struct answer_line *waiting = mem_zeroed(1, sizeof *waiting);
    *waiting = (struct answer_line){ .client = client, .line = line, .last = last };
    waiting->id = json_incref((json_t *)(uintptr_t)id);
    client->unsent += line.size;
    list_append(&client->daemon->answers, &waiting->link);
    host_touch(client->daemon->host);
}

void client_answer(struct client *client, const json_t *id, enum rpc_error error, json_t *result,
                   const char *sentence, json_t *more)
{
    struct rpc_text_line line;
    if (error == RPC_FINE) {
        json_decref(more);
        line = rpc_answer_line(id, result == NULL ? json_object() : result);
    } else {
        json_decref(result);
        line = rpc_error_line(id, error, sentence, more);
    }
    wait_for_round(client, id, line, false);
}

static void release(struct answer_line *waiting)
{
    list_remove(&waiting->link);
    json_decref(waiting->id);
    rpc_line_free(&waiting->line);
    mem_free(waiting);
}

static void send_line(struct client *client, const struct rpc_text_line *line)
{
    if (line->data != NULL)
        host_write(client->host, (struct bytes){ (const uint8_t *)line->data, line->size });
}

void answers_release(struct daemon *daemon, enum rpc_error error)
{
    LIST_EACH (link, &daemon->answers) {
        struct answer_line *waiting = LIST_ITEM(link, struct answer_line, link);
        waiting->client->unsent -= waiting->line.size;
        if (error != RPC_FINE) {
            rpc_line_free(&waiting->line);
            waiting->line = rpc_error_line(waiting->id, error, NULL, NULL);
        }
        send_line(waiting->client, &waiting->line);
        if (waiting->last)
            host_hang_up(waiting->client->host);
        release(waiting);
    }
}

/* --- requests --------------------------------------------------------------------------------- */

static void serve(struct client *client, struct bytes line)
{
    struct rpc_request request;
    char trouble[RPC_TROUBLE_BYTES];
    struct call call = { .daemon = client->daemon, .client = client };
    enum rpc_error error = rpc_request_read(line, &request, trouble);
    if (error == RPC_FINE) {
        call.params = request.params;
        call.id = request.id;
        error = method_call(&call, request.method);
    } else {
        call.sentence = trouble;
    }
    if (call.later && error == RPC_FINE)
        client->jobs++;
    else
        client_answer(client, request.id, error, call.result, call.sentence, call.more);
    rpc_request_release(&request);
}

/* A client that asks much and reads little waits with its next requests until it has read. */
static void serve_lines(struct client *client)
{
    struct bytes line;
    client->stalled = false;
    while (!client->overlong) {
        if (host_queued(client->host) + client->unsent >= HOST_QUEUE_ENOUGH_BYTES) {
            client->stalled = true;
            return;
        }
        enum rpc_line kind = rpc_lines_next(client->lines, &line);
        if (kind == RPC_LINE_NONE)
            return;
        if (kind == RPC_LINE_WHOLE) {
            serve(client, line);
            continue;
        }
        client->overlong = true;
        wait_for_round(client, NULL, rpc_error_line(NULL, RPC_LINE_TOO_LONG, NULL, NULL), true);
    }
}

void client_data(void *self, struct host_client *host, struct bytes data)
{
    struct client *client = client_of(host);
    (void)self;
    if (client->overlong)
        return;
    rpc_lines_feed(client->lines, data);
    serve_lines(client);
}

void client_room(void *self, struct host_client *host)
{
    (void)self;
    serve_lines(client_of(host));
}

/* The host tells when a queue that was full has room. One that only seemed full, because answers of
   the round came on top of what was leaving just then, is nobody else's to see to. */
void clients_go_on(struct daemon *daemon)
{
    LIST_EACH (link, &daemon->clients) {
        struct client *client = LIST_ITEM(link, struct client, link);
        if (client->stalled)
            serve_lines(client);
        if (client->ended && !client->stalled && client->unsent == 0 && client->jobs == 0)
            host_hang_up(client->host);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

void client_opened(void *self, struct host_client *host)
{
    struct daemon *daemon = self;
    struct client *client = mem_zeroed(1, sizeof *client);
    client->daemon = daemon;
    client->host = host;
    client->lines = rpc_lines_create();
    list_append(&daemon->clients, &client->link);
    host_client_keep(host, client);
}

void client_destroy(struct client *client)
{
    searches_leave(client);
    LIST_EACH (link, &client->daemon->answers) {
        struct answer_line *waiting = LIST_ITEM(link, struct answer_line, link);
        if (waiting->client == client)
            release(waiting);
    }
    list_remove(&client->link);
    rpc_lines_destroy(client->lines);
    mem_free(client);
}

void client_ended(void *self, struct host_client *host)
{
    (void)self;
    client_of(host)->ended = true;
}

void client_closed(void *self, struct host_client *host)
{
    (void)self;
    client_destroy(client_of(host));
}

struct client *client_numbered(struct daemon *daemon, uint64_t number)
{
    struct host_client *host = host_client_find(daemon->host, number);
    return host == NULL ? NULL : client_of(host);
}
