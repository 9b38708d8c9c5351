/* `ramage verify`: two people compare a number and so know that nobody stands between them. */
#include "apps/cli/contact.h"

#include <stdio.h>
#include <string.h>

#define GROUP 5
#define LINE  (4 * GROUP)

/* In groups that can be read out, four a line. */
static void print_number(const char *number)
{
    for (size_t i = 0; number[i] != '\0'; i++) {
        putchar(number[i]);
        if ((i + 1) % LINE == 0)
            putchar('\n');
        else if ((i + 1) % GROUP == 0)
            putchar(' ');
    }
}

static int judge(struct cli *cli, const char *method, const char *number, const char *before)
{
    json_t *params = json_pack("{s:s}", "who", cli->words[0]);
    if (params != NULL && number != NULL &&
        json_object_set_new(params, "number", json_string(number)) != 0) {
        json_decref(params);
        params = NULL;
    }
    if (params == NULL)
        return fail(cli, RPC_NO_CONTACT);
    return contact_ask(cli, method, params, before, "");
}

/* "y", "n", or anything else: not now. */
static char ask_person(struct cli *cli)
{
    char line[16] = "";
    fputs("\nDoes your contact see the same number? [y/n, Enter: not now] ", stdout);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL && was_interrupted())
        fail(cli, RPC_INTERRUPTED);
    return line[0];
}

static int show(struct cli *cli)
{
    json_t *params = json_pack("{s:s}", "who", cli->words[0]);
    if (params == NULL)
        return fail(cli, RPC_NO_CONTACT);
    json_t *answer = ask(cli, "verify.start", params);
    const char *number = rpc_text(answer, "number");
    char said = '\0';
    if (answer == NULL)
        return cli->exit;
    if (wants_json(cli)) {
        print_json(answer);
    } else {
        if (given(cli, OPTION_QR))
            print_qr(cli, number);
        print_number(number);
        if (may_ask(cli)) {
            say(cli,
                "\nRead it to each other over something you trust: a call, or face to face.\n");
            said = ask_person(cli);
        }
    }
    json_decref(answer);
    if (said == 'y')
        return judge(cli, "verify.confirm", NULL, "verified ");
    if (said == 'n')
        return judge(cli, "verify.mismatch", NULL, "nothing more is sent to ");
    return cli->exit;
}

int command_verify(struct cli *cli)
{
    bool match = given(cli, OPTION_MATCH), mismatch = given(cli, OPTION_MISMATCH);
    const char *number = cli->word_count > 1 ? cli->words[1] : NULL;
    if (match + mismatch + (number != NULL) > 1)
        return fail_usage(cli, "--match, --mismatch and a number exclude each other");
    if (mismatch)
        return judge(cli, "verify.mismatch", NULL, "nothing more is sent to ");
    if (match || number != NULL)
        return judge(cli, "verify.confirm", number, "verified ");
    return show(cli);
}
