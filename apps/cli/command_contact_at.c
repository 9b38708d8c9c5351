/* `ramage contact at`: more places to look. */
#include "apps/cli/contact.h"

int command_contact_at(struct cli *cli)
{
    json_t *list = json_array();
    for (int i = 1; i < cli->word_count; i++)
        json_array_append_new(list, json_string(cli->words[i]));
    json_t *params = json_pack("{s:s, s:o}", "who", cli->words[0], "at", list);
    if (params == NULL)
        return fail(cli, RPC_NO_CONTACT);
    return contact_ask(cli, "contact.update", params, "now looking there too for ", "");
}
