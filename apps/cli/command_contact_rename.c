/* `ramage contact rename` */
#include "apps/cli/contact.h"

int command_contact_rename(struct cli *cli)
{
    json_t *params = json_pack("{s:s, s:s}", "who", cli->words[0], "name", cli->words[1]);
    if (params == NULL)
        return fail(cli, RPC_BAD_NAME);
    return contact_ask(cli, "contact.update", params, "renamed to ", "");
}
