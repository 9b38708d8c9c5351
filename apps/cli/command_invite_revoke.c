/* `ramage invite revoke`: nobody may come under it any more. */
#include "apps/cli/invitation.h"

int command_invite_revoke(struct cli *cli)
{
    int64_t id;
    if (!whole_from(cli->words[0], INT64_MAX, &id))
        return fail(cli, RPC_NO_INVITATION);
    json_t *answer = ask(cli, "invitation.revoke", json_pack("{s:I}", "id", (json_int_t)id));
    if (answer == NULL)
        return cli->exit;
    if (wants_json(cli))
        print_json(json_object_get(answer, "invitation"));
    else
        say(cli, "taken back: its link is dead\n");
    json_decref(answer);
    return RPC_EXIT_DONE;
}
