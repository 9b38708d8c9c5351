/* `ramage id`: the card, to be given away. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <unistd.h>

int command_id(struct cli *cli)
{
    json_t *answer = ask(cli, "identity.show", NULL);
    const json_t *identity = json_object_get(answer, "identity");
    const char *card = rpc_text(identity, "card");
    if (answer == NULL)
        return cli->exit;
    if (wants_json(cli)) {
        print_json(identity);
    } else {
        if (given(cli, OPTION_QR) && card != NULL)
            print_qr(cli, card);
        print_clean(card);
        putchar('\n');
        if (isatty(STDOUT_FILENO) == 1) { /* a pipe gets the card alone */
            say(cli, "\nlink     ");
            print_clean(rpc_text(identity, "link"));
            say(cli, "\nto compare by eye   ");
            print_clean(rpc_text(identity, "short"));
            say(cli, "\n\nWhoever has this card can ask to meet you; give it to friends only.\n");
        }
    }
    json_decref(answer);
    return RPC_EXIT_DONE;
}
