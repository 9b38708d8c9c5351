/* `ramage join`: accepts an invitation and waits until host and guest are connected. */
#include "apps/cli/invitation.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define TEXT_ROOM    256
#define LOOK_EVERY   (250 * MILLISECOND)
#define WAIT_USUALLY (60 * SECOND)

/* From the command line, or a line of standard input, without blanks around it. */
static bool settle_text(struct cli *cli, char text[TEXT_ROOM])
{
    size_t size = 0;
    text[0] = '\0';
    if (cli->word_count > 0 && strcmp(cli->words[0], "-") != 0) {
        for (int i = 0; i < cli->word_count && size < TEXT_ROOM; i++)
            size += (size_t)snprintf(text + size, TEXT_ROOM - size, "%s%s", i > 0 ? " " : "",
                                     cli->words[i]);
        return true;
    }
    if (cli->word_count == 0 && may_ask(cli)) {
        fputs("Invitation (ramage:rmgi1..., or four words): ", stderr);
        fflush(stderr);
    }
    bool got = fgets(text, TEXT_ROOM, stdin) != NULL;
    if (!got && was_interrupted())
        return refuse(cli, RPC_INTERRUPTED);
    size_t from = strspn(text, " \t"), to = strcspn(text + from, "\r\n");
    memmove(text, text + from, to);
    text[to] = '\0';
    return true;
}

/* Links and cards hold no blank, and a colon or a digit. */
static bool is_words(const char *text)
{
    return strpbrk(text, ":0123456789") == NULL && strpbrk(text, " -") != NULL;
}

static void print_joined(struct cli *cli, const json_t *invitation, bool met)
{
    if (wants_json(cli)) {
        print_json(invitation);
        return;
    }
    say(cli, met ? "met " : "added ");
    print_clean(rpc_text(invitation, "contact"));
    say(cli, "\n");
}

/* The invitation, the caller's reference; NULL: said so. */
static json_t *by_link(struct cli *cli, const char *text, json_t *params)
{
    json_object_set_new(params, "link", json_string(text));
    json_t *answer = ask(cli, "invitation.accept", params);
    json_t *invitation = json_incref(json_object_get(answer, "invitation"));
    json_decref(answer);
    return invitation;
}

static json_t *by_words(struct cli *cli, const char *text, json_t *params, instant until)
{
    json_object_set_new(params, "words", json_string(text));
    json_t *answer = ask(cli, "invitation.hear", params);
    if (answer == NULL)
        return NULL;
    json_decref(answer);
    remark(cli, "Looking for whoever said these words.\n");
    while ((answer = ask(cli, "invitation.heard", NULL)) != NULL) {
        json_t *invitation = json_incref(json_object_get(answer, "invitation")), *event;
        const char *state = rpc_text(answer, "state");
        bool nobody = state != NULL && strcmp(state, "nobody") == 0;
        json_decref(answer);
        if (invitation != NULL)
            return invitation;
        enum rpc_error error = RPC_NOT_MET;
        if (!nobody && steady_clock() < until)
            error = rpc_client_next(cli->client, LOOK_EVERY, &event);
        if (error != RPC_FINE) {
            fail(cli, error);
            return NULL;
        }
        json_decref(event);
    }
    return NULL;
}

int command_join(struct cli *cli)
{
    char text[TEXT_ROOM];
    duration patience;
    json_t *params;
    if (!invitation_patience(cli, WAIT_USUALLY, &patience) || !settle_text(cli, text) ||
        (params = invitation_params(cli)) == NULL)
        return cli->exit;
    instant until = after(steady_clock(), patience);
    json_t *checked = json_string(text);
    if (checked == NULL) {
        json_decref(params);
        return fail(cli, RPC_BAD_INVITATION);
    }
    json_decref(checked);
    json_t *invitation =
        is_words(text) ? by_words(cli, text, params, until) : by_link(cli, text, params);
    wipe(text, sizeof text);
    if (invitation == NULL)
        return cli->exit;
    bool met = invitation_wait(cli, until - steady_clock(), &invitation);
    print_joined(cli, invitation, met);
    json_decref(invitation);
    return met ? RPC_EXIT_DONE : cli->exit;
}
