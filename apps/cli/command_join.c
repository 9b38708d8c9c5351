/* `ramage join`: accepts an invitation and waits until host and guest are connected. */
#include "apps/cli/invitation.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define LINK_ROOM    256
#define WAIT_USUALLY (60 * SECOND)

/* From the words, or a line of standard input, without blanks around it. */
static bool settle_link(struct cli *cli, char link[LINK_ROOM])
{
    if (cli->word_count == 1 && strcmp(cli->words[0], "-") != 0) {
        snprintf(link, LINK_ROOM, "%s", cli->words[0]);
        return true;
    }
    if (cli->word_count == 0 && may_ask(cli)) {
        fputs("Invitation (ramage:rmgi1...): ", stderr);
        fflush(stderr);
    }
    link[0] = '\0';
    bool got = fgets(link, LINK_ROOM, stdin) != NULL;
    if (!got && was_interrupted())
        return refuse(cli, RPC_INTERRUPTED);
    size_t from = strspn(link, " \t"), to = strcspn(link + from, " \t\r\n");
    memmove(link, link + from, to);
    link[to] = '\0';
    return true;
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

int command_join(struct cli *cli)
{
    char link[LINK_ROOM];
    duration patience;
    json_t *params;
    if (!invitation_patience(cli, WAIT_USUALLY, &patience) || !settle_link(cli, link) ||
        (params = invitation_params(cli)) == NULL)
        return cli->exit;
    json_t *text = json_string(link);
    wipe(link, sizeof link);
    if (text == NULL) {
        json_decref(params);
        return fail(cli, RPC_BAD_INVITATION);
    }
    json_object_set_new(params, "link", text);
    json_t *answer = ask(cli, "invitation.accept", params);
    json_t *invitation = json_incref(json_object_get(answer, "invitation"));
    json_decref(answer);
    if (invitation == NULL)
        return cli->exit;
    bool met = invitation_wait(cli, patience, &invitation);
    print_joined(cli, invitation, met);
    json_decref(invitation);
    return met ? RPC_EXIT_DONE : cli->exit;
}
