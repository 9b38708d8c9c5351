/* `ramage contact add`: a person by card. */
#include "apps/cli/contact.h"

static json_t *addresses(const struct cli *cli)
{
    json_t *list = json_array();
    for (size_t i = 0; i < cli->options.given[OPTION_AT]; i++)
        json_array_append_new(list, json_string(cli->options.values[OPTION_AT][i]));
    return list;
}

int command_contact_add(struct cli *cli)
{
    const char *card = cli->words[0], *name = value(cli, OPTION_NAME);
    if (name == NULL)
        return fail_usage(cli, "`ramage contact add` needs --name: what you call this person");
    json_t *params = json_pack("{s:s, s:s, s:o}", "card", card, "name", name, "at", addresses(cli));
    if (params == NULL)
        return fail_usage(cli, "a card, a name and addresses must be UTF-8 text");
    return contact_ask(cli, "contact.add", params, "added ",
                       given(cli, OPTION_AT)
                           ? ""
                           : ", without an address: until you add one with `ramage contact at`, "
                             "this person must reach you first");
}
