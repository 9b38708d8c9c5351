/* `ramage contact remove`: with the conversation, so a person at a terminal is asked first. */
#include "apps/cli/contact.h"

#include <stdio.h>
#include <string.h>

static bool is_sure(struct cli *cli)
{
    char line[16];
    if (wants_json(cli) || !may_ask(cli))
        return true;
    fputs("Remove ", stdout);
    print_clean(cli->words[0]);
    fputs(" and the whole conversation? [y/N] ", stdout);
    fflush(stdout);
    return fgets(line, sizeof line, stdin) != NULL &&
           (strcmp(line, "y\n") == 0 || strcmp(line, "yes\n") == 0);
}

int command_contact_remove(struct cli *cli)
{
    json_t *params = json_pack("{s:s}", "who", cli->words[0]);
    if (params == NULL)
        return fail(cli, RPC_NO_CONTACT);
    json_t *there = ask(cli, "contact.get", json_incref(params));
    if (there == NULL || !is_sure(cli)) {
        json_decref(params);
        if (there == NULL)
            return cli->exit;
        json_decref(there);
        if (was_interrupted())
            return fail(cli, RPC_INTERRUPTED);
        remark(cli, "Nothing was removed.\n");
        return RPC_EXIT_FAILED;
    }
    json_decref(there);
    return contact_ask(cli, "contact.remove", params, "removed ", "");
}
