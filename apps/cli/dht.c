#include "apps/cli/dht.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/cli/spawn.h"

#define PATIENCE (60 * SECOND)
#define STEP     (500 * MILLISECOND) /* how soon Ctrl-C is noticed */
#define TAG      "cli"

/* --- a node for one question ------------------------------------------------------------------ */

struct guest {
    pid_t process; /* 0: none */
    char folder[RPC_SOCKET_MAX_BYTES / 2], socket[RPC_SOCKET_MAX_BYTES];
};

static bool make_folder(struct guest *guest)
{
    const char *place = getenv("TMPDIR");
    int size = snprintf(guest->folder, sizeof guest->folder, "%s/ramage-XXXXXX",
                        place != NULL && place[0] == '/' ? place : "/tmp");
    if (size >= (int)sizeof guest->folder || mkdtemp(guest->folder) == NULL)
        return false;
    snprintf(guest->socket, sizeof guest->socket, "%s/socket", guest->folder);
    return true;
}

static size_t add_each(const struct cli *cli, enum option_id id, const char *name,
                       const char **words, size_t count)
{
    for (size_t i = 0; i < cli->options.given[id]; i++) {
        words[count++] = name;
        words[count++] = cli->options.values[id][i];
    }
    return count;
}

static bool has_family(const struct cli *cli, bool ipv4)
{
    struct address at;
    for (size_t i = 0; i < cli->options.given[OPTION_BOOTSTRAP]; i++)
        if (address_parse(cli->options.values[OPTION_BOOTSTRAP][i], &at) &&
            address_is_ipv4(&at) == ipv4)
            return true;
    return false;
}

/* Any free port, of the families it is to begin in. */
static size_t add_usual_bind(const struct cli *cli, const char **words, size_t count)
{
    static const char *const any[2] = { "[::]:0", "0.0.0.0:0" };
    for (int ipv4 = 1; ipv4 >= 0; ipv4--)
        if (has_family(cli, ipv4)) {
            words[count++] = "--bind";
            words[count++] = any[ipv4];
        }
    return count;
}

/* It serves nobody (BEP 43): it is gone before others have noticed it. */
static enum rpc_error start_guest(const struct cli *cli, struct guest *guest)
{
    const char *words[16 + 4 * OPTION_REPEATS_MAX] = { "ramage", "dht", "run" };
    size_t count = 3;
    if (!make_folder(guest))
        return RPC_INTERNAL;
    words[count++] = "--socket";
    words[count++] = guest->socket;
    count = given(cli, OPTION_BIND) ? add_each(cli, OPTION_BIND, "--bind", words, count)
                                    : add_usual_bind(cli, words, count);
    count = add_each(cli, OPTION_BOOTSTRAP, "--bootstrap", words, count);
    if (!given(cli, OPTION_KEEP))
        words[count++] = "--read-only";
    return spawn_self(words, count, SPAWN_ENDS_WITH_US, &guest->process);
}

static void end_guest(struct guest *guest)
{
    if (guest->process > 0) {
        kill(guest->process, SIGTERM);
        waitpid(guest->process, NULL, 0);
    }
    unlink(guest->socket);
    rmdir(guest->folder);
    *guest = (struct guest){ 0 };
}

static bool begin_guest(struct cli *cli, struct guest *guest)
{
    struct address checked[OPTION_REPEATS_MAX];
    size_t count;
    if (!dht_addresses(cli, OPTION_BOOTSTRAP, checked, &count) ||
        !dht_addresses(cli, OPTION_BIND, checked, &count))
        return false;
    enum rpc_error error = start_guest(cli, guest);
    if (error == RPC_FINE) {
        cli->client = rpc_client_connect(guest->socket);
        error = cli->client != NULL ? RPC_FINE : RPC_NO_ANSWER;
    }
    return error == RPC_FINE || refuse(cli, error);
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool connect_to(struct cli *cli, struct guest *guest)
{
    const char *path = value(cli, OPTION_SOCKET);
    if (path != NULL && given(cli, OPTION_BOOTSTRAP))
        return fail_usage(cli, "--socket asks a node that runs, --bootstrap starts one: choose"),
               false;
    if (given(cli, OPTION_BIND) && !given(cli, OPTION_BOOTSTRAP))
        return fail_usage(cli, "--bind goes with --bootstrap"), false;
    if (given(cli, OPTION_BOOTSTRAP))
        return begin_guest(cli, guest);
    if (path == NULL)
        return true; /* `ask` finds the daemon of the home */
    cli->client = rpc_client_connect(path);
    return cli->client != NULL ||
           (fail_with(cli, RPC_NO_DAEMON, "no node answers at that socket",
                      "start one with `ramage dht run --bind IP:PORT --socket PATH`", NULL),
            false);
}

struct telling {
    struct cli *cli;
    void (*tell)(struct cli *cli, const json_t *event);
};

static void on_event(void *self, const json_t *event)
{
    struct telling *telling = self;
    if (wants_json(telling->cli))
        print_json(event);
    else if (telling->tell != NULL)
        telling->tell(telling->cli, event);
    fflush(stdout);
}

static json_t *search(struct cli *cli, const char *method, json_t *params, struct telling *telling)
{
    struct rpc_watch watch = { .patience = PATIENCE, .tell = on_event, .self = telling };
    struct rpc_answer answer;
    json_t *result = NULL;
    const char *time = value(cli, OPTION_TIMEOUT);
    if (time != NULL && !duration_from(time, &watch.patience)) {
        fail_usage(cli, "\"%.32s\" is no time; write 30s, 10m or 2h", time);
        return NULL;
    }
    if (telling->tell != NULL)
        json_object_set_new(params, "tag", json_string(TAG));
    rpc_client_call_watched(cli->client, method, json_incref(params), &watch, &answer);
    if (answer.error == RPC_FINE) {
        result = json_incref(answer.result);
    } else {
        json_t *more = json_copy(answer.data);
        if (more != NULL) {
            json_object_del(more, "name");
            json_object_del(more, "hint");
        }
        fail_with(cli, answer.error, answer.sentence, answer.hint, more);
    }
    rpc_answer_release(&answer);
    return result;
}

/* What is kept up goes on until somebody ends us: that is no fault. */
static void keep_on(struct cli *cli, struct telling *telling, const json_t *result)
{
    if (!wants_json(cli))
        telling->tell(cli, result);
    remark(cli, "Renewing it until Ctrl-C.\n");
    fflush(stdout);
    while (!was_interrupted()) {
        json_t *event;
        enum rpc_error error = rpc_client_next(cli->client, STEP, &event);
        if (event != NULL)
            on_event(telling, event);
        json_decref(event);
        if (error != RPC_FINE && !was_interrupted()) {
            fail(cli, error);
            return;
        }
    }
}

json_t *dht_ask(struct cli *cli, const char *method, json_t *params,
                void (*tell)(struct cli *cli, const json_t *event))
{
    struct guest guest = { 0 };
    struct telling telling = { cli, tell };
    json_t *result = NULL, *status = NULL;
    /* The first question finds the daemon, starts it, unlocks it: then the search may take long. */
    if (connect_to(cli, &guest) && (status = ask(cli, "dht.status", NULL)) != NULL)
        result = search(cli, method, params, &telling);
    if (result != NULL && given(cli, OPTION_KEEP))
        keep_on(cli, &telling, result);
    if (guest.folder[0] != '\0') {
        rpc_client_close(cli->client);
        cli->client = NULL;
        end_guest(&guest);
    }
    json_decref(status);
    json_decref(params);
    return result;
}

/* --- options ---------------------------------------------------------------------------------- */

/* To listen on, port 0 is any free one; nowhere else is it an address. */
static bool address_from(enum option_id id, const char *text, struct address *out)
{
    char named[ADDRESS_TEXT_BYTES];
    size_t size = strlen(text);
    if (id != OPTION_BIND || size < 3 || size >= sizeof named || strcmp(text + size - 2, ":0") != 0)
        return address_parse(text, out);
    memcpy(named, text, size + 1);
    named[size - 1] = '1';
    bool good = address_parse(named, out);
    out->port = 0;
    return good;
}

bool dht_addresses(struct cli *cli, enum option_id id, struct address *out, size_t *count)
{
    char sentence[96];
    *count = cli->options.given[id];
    for (size_t i = 0; i < *count; i++)
        if (!address_from(id, cli->options.values[id][i], &out[i])) {
            snprintf(sentence, sizeof sentence, "that is no address: %.64s",
                     cli->options.values[id][i]);
            return fail_with(cli, RPC_BAD_ADDRESS, sentence, NULL, NULL), false;
        }
    return true;
}

bool dht_common_params(struct cli *cli, json_t *params)
{
    int64_t nodes;
    const char *text = value(cli, OPTION_NODES);
    if (text != NULL && (!whole_from(text, 20, &nodes) || nodes < 8))
        return fail_usage(cli, "--nodes goes from 8 to 20"), false;
    if (text != NULL)
        json_object_set_new(params, "nodes", json_integer(nodes));
    if (given(cli, OPTION_HIDDEN))
        json_object_set_new(params, "hidden", json_true());
    if (given(cli, OPTION_KEEP))
        json_object_set_new(params, "keep", json_true());
    return true;
}

void dht_remark_cost(const struct cli *cli, const json_t *result)
{
    const json_t *cost = json_object_get(result, "cost");
    remark(cli, "asked %lld, answered %lld, %.2f s\n", (long long)rpc_whole(cost, "queries", 0),
           (long long)rpc_whole(cost, "answers", 0),
           json_number_value(json_object_get(cost, "took_ms")) / 1000);
}
