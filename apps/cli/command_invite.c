/* `ramage invite`: a link for one guest; at a terminal it is drawn, and the guest waited for. */
#include "apps/cli/invitation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool settle_expiry(struct cli *cli, json_t *params)
{
    const char *time = value(cli, OPTION_EXPIRES);
    duration expires;
    if (time == NULL)
        return true;
    if (!duration_from(time, &expires) || expires < SECOND || expires > 30 * DAY) {
        fail_usage(cli, "\"%.32s\" is no time an invitation can hold: write 30m, 2h, up to 30d",
                   time);
        return false;
    }
    json_object_set_new(params, "expires", json_integer((json_int_t)(expires / SECOND)));
    return true;
}

/* *wait: at a terminal, or when told so. */
static bool settle_waiting(struct cli *cli, bool *wait)
{
    const char *state = value(cli, OPTION_WAIT);
    *wait = state != NULL || (isatty(STDOUT_FILENO) == 1 && !wants_json(cli));
    if (state == NULL || strcmp(state, "joined") == 0)
        return true;
    fail_usage(cli, "--wait knows \"joined\" here, not \"%.32s\"", state);
    return false;
}

/* en, fr, or NULL: none are wanted. At a terminal they are, in the language of its user. */
static bool settle_language(struct cli *cli, const char **out)
{
    const char *asked = value(cli, OPTION_WORDS), *home = getenv("LANG");
    *out = asked;
    if (asked == NULL && isatty(STDOUT_FILENO) == 1 && !wants_json(cli))
        *out = home != NULL && strncmp(home, "fr", 2) == 0 ? "fr" : "en";
    if (asked == NULL || strcmp(asked, "en") == 0 || strcmp(asked, "fr") == 0)
        return true;
    fail_usage(cli, "--words knows en and fr, not \"%.32s\"", asked);
    return false;
}

/* Joins the words to the invitation. False: said so. */
static bool speak(struct cli *cli, json_t *invitation, const char *language)
{
    json_t *answer = ask(cli, "invitation.speak",
                         json_pack("{s:I, s:s}", "id", (json_int_t)rpc_whole(invitation, "id", 0),
                                   "language", language));
    if (answer == NULL)
        return false;
    json_object_set(invitation, "words", json_object_get(answer, "words"));
    json_object_set(invitation, "words_until", json_object_get(answer, "until"));
    json_decref(answer);
    return true;
}

static void print_words(struct cli *cli, const json_t *invitation)
{
    if (rpc_text(invitation, "words") == NULL)
        return;
    say(cli, "\nOr say these words, while you are both on, until ");
    print_time(rpc_text(invitation, "words_until"));
    say(cli, ":\n\n    ");
    print_clean(rpc_text(invitation, "words"));
    say(cli, "\n");
}

static void print_made(struct cli *cli, const json_t *invitation)
{
    const char *link = rpc_text(invitation, "link");
    if (wants_json(cli)) {
        print_json(invitation);
    } else if (isatty(STDOUT_FILENO) == 1 && link != NULL) {
        print_qr(cli, link);
        print_clean(link);
        say(cli, "\n\nFor one guest, until ");
        print_time(rpc_text(invitation, "ends"));
        say(cli, ". Whoever has the link first is your guest: give it over something you trust.\n"
                 "Your guest types `ramage join`, and the link.\n");
        print_words(cli, invitation);
    } else {
        print_clean(link);
        say(cli, "\n");
        if (rpc_text(invitation, "words") != NULL) {
            print_clean(rpc_text(invitation, "words"));
            say(cli, "\n");
        }
    }
    fflush(stdout);
}

static void print_met(struct cli *cli, const json_t *invitation)
{
    if (wants_json(cli)) {
        print_json(invitation);
        return;
    }
    say(cli, "met ");
    print_clean(rpc_text(invitation, "contact"));
    say(cli, "\n");
}

int command_invite(struct cli *cli)
{
    bool wait;
    const char *language;
    duration patience;
    json_t *params;
    if (!settle_waiting(cli, &wait) || !settle_language(cli, &language) ||
        !invitation_patience(cli, NEVER, &patience) || (params = invitation_params(cli)) == NULL)
        return cli->exit;
    if (!settle_expiry(cli, params)) {
        json_decref(params);
        return cli->exit;
    }
    json_t *answer = ask(cli, "invitation.create", params);
    json_t *invitation = json_incref(json_object_get(answer, "invitation"));
    json_decref(answer);
    if (invitation == NULL || (language != NULL && !speak(cli, invitation, language))) {
        json_decref(invitation);
        return cli->exit;
    }
    print_made(cli, invitation);
    if (wait)
        remark(cli, "Waiting for your guest. Ctrl-C ends the waiting; the invitation stays.\n");
    bool met = !wait || invitation_wait(cli, patience, &invitation);
    if (wait && met)
        print_met(cli, invitation);
    json_decref(invitation);
    return met ? RPC_EXIT_DONE : cli->exit;
}
