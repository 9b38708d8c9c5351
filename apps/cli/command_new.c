/* `ramage new`: one question, then an identity. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static void say_what_next(const struct cli *cli, const json_t *identity)
{
    if (wants_json(cli)) {
        print_json(identity);
        return;
    }
    say(cli, "Your keys are made. To compare by eye, this is you:\n\n    ");
    print_clean(rpc_text(identity, "short"));
    say(cli, "\n\nNext:\n"
             "    ramage invite               a link for one friend, who needs nothing else\n"
             "    ramage join                 accept the invitation of a friend\n"
             "    ramage send NAME \"Hello\"    write\n"
             "    ramage id                   your permanent card\n");
    fflush(stdout);
    if (given(cli, OPTION_NO_PASSPHRASE))
        remark(cli, "\nWithout a passphrase, whoever can read this disk or a copy of it can read "
                    "your messages\nand write as you.\n");
}

static bool ask_twice(struct cli *cli, struct secret *out)
{
    struct secret again = { 0 };
    enum rpc_error error = secret_prompt("Choose a passphrase (nobody can recover it): ", out);
    if (error == RPC_FINE && out->size == 0)
        error = RPC_PASSPHRASE_EMPTY;
    if (error == RPC_FINE)
        error = secret_prompt("The same again: ", &again);
    bool same = out->size == again.size && memcmp(out->text, again.text, out->size) == 0;
    wipe(&again, sizeof again);
    if (error == RPC_FINE && same)
        return true;
    if (error == RPC_FINE)
        fail_with(cli, RPC_USAGE, "the two passphrases differ", "nothing was made; try again",
                  NULL);
    else
        fail_with(cli, error, NULL, NULL, NULL);
    return false;
}

/* Fills `params` with the passphrase, or with the explicit wish for none. */
static bool settle_passphrase(struct cli *cli, json_t *params)
{
    struct secret secret = { 0 };
    bool good = false;
    if (given(cli, OPTION_NO_PASSPHRASE))
        return json_object_set_new(params, "no_passphrase", json_true()) == 0;
    if (given(cli, OPTION_PASSPHRASE_FD))
        good = secret_from_descriptor(cli, &secret);
    else if (may_ask(cli))
        good = ask_twice(cli, &secret);
    else
        fail_with(cli, RPC_PASSPHRASE_EMPTY, NULL,
                  "run it on a terminal, use --passphrase-fd N, or --no-passphrase", NULL);
    if (good &&
        json_object_set_new(params, "passphrase", json_stringn(secret.text, secret.size)) != 0)
        good = fail_usage(cli, "the passphrase must be UTF-8 text") == RPC_EXIT_DONE;
    wipe(&secret, sizeof secret);
    return good;
}

static bool is_empty_home(struct cli *cli)
{
    json_t *hello = ask(cli, "session.hello", NULL);
    const char *state = rpc_text(hello, "state");
    bool empty = state != NULL && strcmp(state, "no_identity") == 0;
    if (hello != NULL && !empty)
        fail(cli, RPC_HAS_IDENTITY);
    json_decref(hello);
    return empty;
}

int command_new(struct cli *cli)
{
    if (given(cli, OPTION_NO_PASSPHRASE) && given(cli, OPTION_PASSPHRASE_FD))
        return fail_usage(cli, "--no-passphrase and --passphrase-fd exclude each other");
    if (!is_empty_home(cli)) /* before anybody types a passphrase for nothing */
        return cli->exit;
    json_t *params = json_object();
    if (given(cli, OPTION_NAME) &&
        json_object_set_new(params, "name", json_string(value(cli, OPTION_NAME))) != 0) {
        json_decref(params);
        return fail(cli, RPC_BAD_NAME);
    }
    if (!settle_passphrase(cli, params)) {
        json_decref(params);
        return cli->exit;
    }
    json_t *answer = ask(cli, "identity.create", params);
    if (answer == NULL)
        return cli->exit;
    say_what_next(cli, json_object_get(answer, "identity"));
    json_decref(answer);
    return RPC_EXIT_DONE;
}
