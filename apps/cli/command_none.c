/* Bare `ramage`: what a newcomer sees first, and what everybody sees afterwards. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Asks the daemon when it runs; else a home with files in it counts, without starting anything. */
static bool has_identity(struct cli *cli)
{
    struct stat facts;
    struct rpc_answer answer;
    if (!reach_quietly(cli))
        return stat(cli->place.home, &facts) == 0;
    rpc_client_call(cli->client, "session.hello", NULL, &answer);
    const char *state = rpc_text(answer.result, "state");
    bool has = state == NULL || strcmp(state, "no_identity") != 0;
    rpc_answer_release(&answer);
    return has;
}

static int question_card(struct cli *cli)
{
    char line[16];
    for (;;) {
        say(cli, "Ramage: a messenger with no server at all.\n\n"
                 "  1  try it alone: two nodes on this machine, nothing stays\n"
                 "  2  make my identity: offline, in a second\n"
                 "  q  quit\n\n> ");
        fflush(stdout);
        if (fgets(line, sizeof line, stdin) == NULL)
            return was_interrupted() ? fail(cli, RPC_INTERRUPTED) : RPC_EXIT_DONE;
        switch (line[0]) {
        case '1':
            return command_demo(cli);
        case '2':
            for (size_t i = 0; command_at(i) != NULL; i++)
                if (command_at(i)->run == command_new)
                    cli->command = command_at(i);
            return command_new(cli);
        case 'q':
            return RPC_EXIT_DONE;
        default:
            say(cli, "\nType 1, 2 or q, then Enter.\n\n");
        }
    }
}

static int overview_of_mine(struct cli *cli)
{
    int exit_code = command_status(cli);
    if (exit_code == RPC_EXIT_DONE)
        say(cli, "\nNext: `ramage invite`, `ramage chats`, `ramage read`, `ramage send WHO TEXT`, "
                 "`ramage follow`, `ramage help`\n");
    return exit_code;
}

int command_none(struct cli *cli)
{
    if (has_identity(cli))
        return overview_of_mine(cli);
    if (wants_json(cli))
        return fail(cli, RPC_NO_IDENTITY);
    if (isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !given(cli, OPTION_NO_INPUT))
        return question_card(cli);
    return command_demo(cli);
}
