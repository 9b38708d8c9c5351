#include "apps/cli/pair.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/cli/spawn.h"
#include "base/mem.h"

#define PORT_TRIES 3 /* another program may take the port we found free */

/* A port nobody uses right now. */
static bool choose_address(char out[32])
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof name;
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return false;
    bool good = bind(probe, (struct sockaddr *)&name, size) == 0 &&
                getsockname(probe, (struct sockaddr *)&name, &size) == 0;
    close(probe);
    snprintf(out, 32, "127.0.0.1:%u", ntohs(name.sin_port));
    return good;
}

static bool subscribe(struct cli *cli, struct pair_node *node)
{
    json_t *answer = pair_ask(cli, node, "events.subscribe", NULL);
    json_decref(answer);
    return answer != NULL;
}

static bool start(struct cli *cli, struct pair_node *node, bool at_new_address)
{
    struct rpc_place place;
    enum rpc_error error = RPC_INTERNAL;
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        const char *listen = node->address;
        if (at_new_address && !choose_address(node->address))
            break;
        error = spawn_daemon(node->home, &listen, 1, SPAWN_ENDS_WITH_US, &node->process);
        if (error != RPC_PORT_IN_USE)
            break;
    }
    if (error != RPC_FINE) {
        node->process = 0;
        return refuse(cli, error);
    }
    node->client = rpc_place_find(node->home, &place) ? rpc_client_connect(place.socket) : NULL;
    return node->client != NULL || refuse(cli, RPC_NO_ANSWER);
}

bool pair_start(struct cli *cli, struct pair_node *node)
{
    return start(cli, node, false) && subscribe(cli, node);
}

static bool make(struct cli *cli, struct pair *pair, struct pair_node *node, const char *name)
{
    node->name = name;
    snprintf(node->home, sizeof node->home, "%s/%s", pair->folder, name);
    if (!start(cli, node, true))
        return false;
    json_t *made = pair_ask(cli, node, "identity.create",
                            json_pack("{s:s, s:b}", "name", name, "no_passphrase", true));
    const char *card = rpc_text(json_object_get(made, "identity"), "card");
    snprintf(node->card, sizeof node->card, "%s", card != NULL ? card : "");
    json_decref(made);
    return made != NULL && subscribe(cli, node);
}

static bool befriend(struct cli *cli, struct pair_node *node, const struct pair_node *other)
{
    json_t *answer = pair_ask(cli, node, "contact.add",
                              json_pack("{s:s, s:s, s:[s]}", "card", other->card, "name",
                                        other->name, "at", other->address));
    json_decref(answer);
    return answer != NULL;
}

bool pair_begin(struct cli *cli, struct pair *pair)
{
    *pair = (struct pair){ 0 };
    snprintf(pair->folder, sizeof pair->folder, "/tmp/ramage-demo-XXXXXX");
    if (mkdtemp(pair->folder) == NULL) {
        pair->folder[0] = '\0';
        return fail_with(cli, RPC_HOME_UNWRITABLE, "the demo could not make a folder in /tmp",
                         "make some room there", NULL),
               false;
    }
    return make(cli, pair, &pair->you, "You") && make(cli, pair, &pair->echo, "Echo") &&
           befriend(cli, &pair->you, &pair->echo) && befriend(cli, &pair->echo, &pair->you);
}

static void end_process(struct pair_node *node, int signal)
{
    rpc_client_close(node->client);
    node->client = NULL;
    if (node->process <= 0)
        return;
    kill(node->process, signal);
    while (waitpid(node->process, NULL, 0) < 0 && kill(node->process, 0) == 0)
        continue; /* interrupted by a signal of our own */
    node->process = 0;
}

void pair_kill(struct pair_node *node)
{
    end_process(node, SIGKILL);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts, (void)kind, (void)where;
    return remove(path);
}

/* The folder goes away whole, so nobody needs the daemons to leave in good order. */
void pair_end(struct pair *pair)
{
    pair_kill(&pair->you);
    pair_kill(&pair->echo);
    if (pair->folder[0] != '\0')
        nftw(pair->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    pair->folder[0] = '\0';
}

json_t *pair_ask(struct cli *cli, struct pair_node *node, const char *method, json_t *params)
{
    struct rpc_answer answer;
    if (node->client == NULL) {
        json_decref(params);
        return fail(cli, RPC_NO_DAEMON), NULL;
    }
    rpc_client_call(node->client, method, params, &answer);
    json_t *result = json_incref(answer.result);
    if (answer.error != RPC_FINE)
        fail_with(cli, answer.error, answer.sentence, answer.hint, NULL);
    rpc_answer_release(&answer);
    return result;
}

bool pair_send(struct cli *cli, struct pair_node *from, const struct pair_node *to,
               const char *text, char **id)
{
    json_t *params = json_pack("{s:s, s:s}", "who", to->name, "text", text);
    json_t *answer = params != NULL ? pair_ask(cli, from, "message.send", params)
                                    : (fail(cli, RPC_TEXT_NOT_UTF8), NULL);
    const char *name = rpc_text(json_object_get(answer, "message"), "id");
    *id = name != NULL ? mem_text(name) : NULL;
    json_decref(answer);
    return *id != NULL;
}
