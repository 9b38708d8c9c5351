/* `ramage id`: the card, to be given away. */
#include "apps/cli/command.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Decided once for the whole program: --color, then what the terminal and NO_COLOR say. */
static bool may_colour(const struct cli *cli)
{
    const char *when = value(cli, OPTION_COLOR);
    if (when != NULL && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return face_may_colour(STDOUT_FILENO);
}

/* Capitals need a smaller code, and bech32 allows them. */
static void draw(const struct cli *cli, const char *card)
{
    char capitals[128];
    size_t size = strlen(card);
    if (size >= sizeof capitals)
        return;
    for (size_t i = 0; i <= size; i++)
        capitals[i] = (char)toupper((unsigned char)card[i]);
    char *code = face_qr(capitals, may_colour(cli));
    if (code != NULL)
        fputs(code, stdout);
    mem_free(code);
}

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
            draw(cli, card);
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
