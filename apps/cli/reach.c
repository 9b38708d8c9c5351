/* How a verb reaches the daemon: connect, start it when absent, unlock on the way. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "apps/cli/spawn.h"
#include "base/mem.h"

#define RACE_PATIENCE                                                                              \
    (5 * SECOND) /* two verbs started a daemon at once: the other one's comes up */
#define RACE_STEP (10 * MILLISECOND)
#define TRIES     3 /* for a passphrase typed by a person */

/* The major version must be ours; minor ones only add. */
static bool speaks_our_api(struct rpc_client *client, struct rpc_answer *answer)
{
    rpc_client_call(client, "session.hello", NULL, answer);
    if (answer->error != RPC_FINE)
        return false;
    const char *api = rpc_text(answer->result, "api");
    bool ours = api != NULL && atoi(api) == atoi(RPC_API);
    if (!ours)
        answer->error = RPC_OTHER_API;
    return ours;
}

static bool greet(struct cli *cli)
{
    struct rpc_answer answer;
    bool good = speaks_our_api(cli->client, &answer);
    if (!good)
        fail(cli, answer.error);
    rpc_answer_release(&answer);
    return good;
}

static bool connect_within(struct cli *cli, duration patience)
{
    const struct timespec step = { 0, (long)RACE_STEP };
    for (duration waited = 0; cli->client == NULL; waited += RACE_STEP) {
        cli->client = rpc_client_connect(cli->place.socket);
        if (cli->client != NULL || waited >= patience || was_interrupted())
            break;
        nanosleep(&step, NULL);
    }
    return cli->client != NULL;
}

bool reach_quietly(struct cli *cli)
{
    return connect_within(cli, 0);
}

/* A typing error in --home must not leave a new folder behind. */
static bool home_exists(const struct cli *cli)
{
    struct stat facts;
    return lstat(cli->place.home, &facts) == 0;
}

bool reach(struct cli *cli, bool may_start)
{
    if (cli->client != NULL)
        return true;
    if (reach_quietly(cli))
        return greet(cli);
    if (!may_start || given(cli, OPTION_NO_START))
        return refuse(cli, RPC_NO_DAEMON);
    if (cli->command->run != command_new && !home_exists(cli))
        return refuse(cli, RPC_NO_IDENTITY);
    enum rpc_error error = spawn_daemon(cli->place.home, NULL, 0, SPAWN_STAYS, NULL);
    if (error != RPC_FINE && error != RPC_ALREADY_RUNNING)
        return refuse(cli, error);
    if (!connect_within(cli, RACE_PATIENCE))
        return refuse(cli, was_interrupted() ? RPC_INTERRUPTED : RPC_NO_ANSWER);
    return greet(cli);
}

/* --- unlocking --- */

static enum rpc_error try_secret(struct cli *cli, const struct secret *secret,
                                 struct rpc_answer *answer)
{
    json_t *text = json_stringn(secret->text, secret->size);
    if (text == NULL) /* no UTF-8, so it cannot be the one */
        *answer = (struct rpc_answer){ .error = RPC_WRONG_PASSPHRASE };
    else
        rpc_client_call(cli->client, "session.unlock", json_pack("{s:o}", "passphrase", text),
                        answer);
    return answer->error;
}

static bool unlock_by_descriptor(struct cli *cli)
{
    struct secret secret;
    struct rpc_answer answer;
    if (!secret_from_descriptor(cli, &secret))
        return false;
    enum rpc_error error = try_secret(cli, &secret, &answer);
    wipe(&secret, sizeof secret);
    rpc_answer_release(&answer);
    return error == RPC_FINE || refuse(cli, error);
}

static bool unlock_by_asking(struct cli *cli)
{
    for (int tries = 1; tries <= TRIES; tries++) {
        struct secret secret;
        struct rpc_answer answer;
        enum rpc_error error = secret_prompt("Passphrase: ", &secret);
        if (error == RPC_FINE)
            error = try_secret(cli, &secret, &answer);
        else
            answer = (struct rpc_answer){ 0 };
        wipe(&secret, sizeof secret);
        rpc_answer_release(&answer);
        if (error == RPC_FINE)
            return true;
        if (error != RPC_WRONG_PASSPHRASE || tries == TRIES)
            return refuse(cli, error);
        remark(cli, "That is not the passphrase, try again.\n");
    }
    return false;
}

static bool unlock(struct cli *cli)
{
    if (given(cli, OPTION_PASSPHRASE_FD))
        return unlock_by_descriptor(cli);
    if (may_ask(cli))
        return unlock_by_asking(cli);
    return refuse(cli, RPC_LOCKED);
}

/* --- asking --- */

struct candidates {
    const char *who;
    json_t *near; /* names that begin like `who`, or the nearest one */
    const char *names[RPC_PAGE_MAX];
    size_t count;
};

static void consider(struct candidates *candidates, json_t *page)
{
    size_t i;
    json_t *contact;
    candidates->count = 0;
    json_array_foreach(page, i, contact)
    {
        const char *name = rpc_text(contact, "name");
        if (name == NULL)
            continue;
        if (strncasecmp(name, candidates->who, strlen(candidates->who)) == 0)
            json_array_append_new(candidates->near, json_string(name));
        else if (candidates->count < COUNT(candidates->names))
            candidates->names[candidates->count++] = name;
    }
    const char *nearest = face_nearest(candidates->who, candidates->names, candidates->count);
    if (nearest != NULL)
        json_array_append_new(candidates->near, json_string(nearest));
}

#define CANDIDATES_MAX 5

/* Names that may have been meant, for whoever typed one that nobody has. */
static json_t *find_candidates(struct cli *cli, const char *who)
{
    struct candidates candidates = { .who = who, .near = json_array() };
    int64_t after = 0;
    for (bool more = true; more && json_array_size(candidates.near) < CANDIDATES_MAX;) {
        struct rpc_answer answer;
        rpc_client_call(cli->client, "contact.list", json_pack("{s:I}", "after", (json_int_t)after),
                        &answer);
        json_t *page = json_object_get(answer.result, "contacts");
        size_t size = json_array_size(page);
        consider(&candidates, page);
        more = rpc_flag(answer.result, "more") && size > 0;
        if (size > 0)
            after = rpc_whole(json_array_get(page, size - 1), "id", 0);
        rpc_answer_release(&answer);
    }
    while (json_array_size(candidates.near) > CANDIDATES_MAX)
        json_array_remove(candidates.near, CANDIDATES_MAX);
    return candidates.near;
}

/* "did you mean ada, bob or eve?" */
static void print_question(const json_t *names, char *out, size_t room)
{
    size_t count = json_array_size(names), size = 0;
    for (size_t i = 0; i < count && size < room; i++) {
        const char *joint = i == 0 ? "did you mean " : i == count - 1 ? " or " : ", ";
        const char *end = i == count - 1 ? "?" : "";
        size += (size_t)snprintf(out + size, room - size, "%s%s%s", joint,
                                 json_string_value(json_array_get(names, i)), end);
    }
}

static void fail_with_candidates(struct cli *cli, const struct rpc_answer *answer, const char *who)
{
    char sentence[256], question[512] = "";
    json_t *names = find_candidates(cli, who);
    print_question(names, question, sizeof question);
    snprintf(sentence, sizeof sentence, "%.128s: %.100s", answer->sentence, who);
    fail_with(cli, answer->error, sentence, question[0] != '\0' ? question : answer->hint,
              json_pack("{s:o}", "candidates", names));
}

/* What the error's data holds besides the name and the hint, which stand elsewhere. */
static json_t *details_of(const struct rpc_answer *answer)
{
    json_t *details = json_copy(answer->data);
    if (details != NULL) {
        json_object_del(details, "name");
        json_object_del(details, "hint");
    }
    return details;
}

static void fail_as_answered(struct cli *cli, struct rpc_answer *answer, const json_t *params)
{
    const char *who = rpc_text(params, "who");
    bool about_who = answer->error == RPC_NO_CONTACT || answer->error == RPC_AMBIGUOUS_CONTACT;
    if (about_who && who != NULL)
        fail_with_candidates(cli, answer, who);
    else
        fail_with(cli, answer->error, answer->sentence, answer->hint, details_of(answer));
}

json_t *ask(struct cli *cli, const char *method, json_t *params)
{
    json_t *result = NULL;
    struct rpc_answer answer;
    if (!reach(cli, true))
        goto out;
    rpc_client_call(cli->client, method, json_incref(params), &answer);
    if (answer.error == RPC_LOCKED) {
        rpc_answer_release(&answer);
        if (!unlock(cli))
            goto out;
        rpc_client_call(cli->client, method, json_incref(params), &answer);
    }
    if (answer.error == RPC_FINE)
        result = json_incref(answer.result);
    else
        fail_as_answered(cli, &answer, params);
    rpc_answer_release(&answer);
out:
    json_decref(params);
    return result;
}

bool ask_pages(struct cli *cli, const char *method, json_t *params, const char *list,
               const char *key, void (*each)(void *self, const json_t *item), void *self)
{
    json_t *answer = NULL;
    bool more = true;
    while (more && (answer = ask(cli, method, json_deep_copy(params))) != NULL) {
        json_t *items = json_object_get(answer, list), *item = NULL;
        size_t i;
        json_array_foreach(items, i, item)
        {
            each(self, item);
            json_object_set(params, "after", json_object_get(item, key));
        }
        more = rpc_flag(answer, "more") && item != NULL;
        json_decref(answer);
    }
    json_decref(params);
    return !more;
}
