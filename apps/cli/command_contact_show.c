/* `ramage contact show` */
#include "apps/cli/contact.h"

int command_contact_show(struct cli *cli)
{
    json_t *params = json_pack("{s:s}", "who", cli->words[0]);
    if (params == NULL)
        return fail(cli, RPC_NO_CONTACT);
    json_t *answer = ask(cli, "contact.get", params);
    if (answer == NULL)
        return cli->exit;
    if (wants_json(cli))
        print_json(json_object_get(answer, "contact"));
    else
        contact_print_all(json_object_get(answer, "contact"));
    json_decref(answer);
    return RPC_EXIT_DONE;
}
