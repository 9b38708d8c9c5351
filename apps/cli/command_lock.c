/* `ramage lock` and its opposite. */
#include "apps/cli/command.h"

#include <string.h>

static int print_state(struct cli *cli, json_t *answer, const char *sentence)
{
    if (answer == NULL)
        return cli->exit;
    if (wants_json(cli))
        print_json(answer);
    else
        say(cli, "%s\n", sentence);
    json_decref(answer);
    return RPC_EXIT_DONE;
}

int command_lock(struct cli *cli)
{
    json_t *hello = ask(cli, "session.hello", NULL);
    bool locked = rpc_flag(hello, "locked");
    json_decref(hello);
    if (hello == NULL)
        return cli->exit;
    json_t *answer =
        locked ? json_pack("{s:s}", "state", "locked") : ask(cli, "session.lock", NULL);
    return print_state(cli, answer, "Locked.");
}

/* Any question that needs the keys asks for the passphrase on its way. */
int command_unlock(struct cli *cli)
{
    json_t *identity = ask(cli, "identity.show", NULL);
    json_decref(identity);
    if (identity == NULL)
        return cli->exit;
    return print_state(cli, json_pack("{s:s}", "state", "ready"), "Open.");
}
