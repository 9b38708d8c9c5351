/* `ramage doctor`: what may keep people apart, and what to do about it. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>

static void print_finding(const json_t *finding)
{
    const char *hint = rpc_text(finding, "hint");
    print_fitted(rpc_text(finding, "check"), 8);
    print_fitted(rpc_text(finding, "state"), 9);
    print_clean(rpc_text(finding, "says"));
    putchar('\n');
    if (hint == NULL)
        return;
    printf("%17s", "");
    print_clean(hint);
    putchar('\n');
}

int command_doctor(struct cli *cli)
{
    json_t *answer = ask(cli, "network.doctor", NULL), *finding;
    size_t i;
    bool bad = false;
    if (answer == NULL)
        return cli->exit;
    json_array_foreach(json_object_get(answer, "findings"), i, finding)
    {
        const char *state = rpc_text(finding, "state");
        bad |= state != NULL && strcmp(state, "bad") == 0;
        if (wants_json(cli))
            print_json(finding);
        else
            print_finding(finding);
    }
    json_decref(answer);
    return bad ? RPC_EXIT_FAILED : RPC_EXIT_DONE;
}
