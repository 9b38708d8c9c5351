/* From arguments to a verb. */
#include "apps/cli/cli.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/cli/command.h"

/* A closed descriptor would be given to the next socket, and what we print would go there. Opened
   the wrong way round, so that using it still fails and is noticed. */
static void hold_standard_descriptors(void)
{
    for (int descriptor = 0; descriptor <= 2; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0)
            (void)!open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
}

static int refuse_options(struct cli *cli, const char *trouble, const char *nearest)
{
    char hint[128];
    snprintf(hint, sizeof hint, "did you mean --%s?", nearest != NULL ? nearest : "");
    return fail_with(cli, RPC_USAGE, trouble,
                     nearest != NULL ? hint
                                     : "`ramage help` lists them; write -- before a text that "
                                       "begins with a dash",
                     NULL);
}

/* "add, list, show" for `ramage contact`; empty when no verb begins with that word. */
static void list_second_words(const char *first, char *out, size_t room)
{
    size_t length = strlen(first), size = 0;
    out[0] = '\0';
    for (size_t i = 0; command_at(i) != NULL && size < room; i++) {
        const char *name = command_at(i)->name;
        if (strncmp(name, first, length) == 0 && name[length] == ' ')
            size += (size_t)snprintf(out + size, room - size, "%s%s", size > 0 ? ", " : "",
                                     name + length + 1);
    }
}

static int refuse_verb(struct cli *cli)
{
    char sentence[128], hint[128] = "`ramage help` lists them", seconds[96];
    char **words = cli->options.words;
    const char *nearest = command_nearest(words, cli->options.word_count);
    list_second_words(words[0], seconds, sizeof seconds);
    if (seconds[0] != '\0')
        snprintf(sentence, sizeof sentence, "`ramage %.16s` needs one of: %s", words[0], seconds);
    else
        snprintf(sentence, sizeof sentence, "there is no verb \"%.64s\"", words[0]);
    if (seconds[0] != '\0' && cli->options.word_count == 1)
        snprintf(hint, sizeof hint, "`ramage help %.16s` explains them", words[0]);
    else if (nearest != NULL)
        snprintf(hint, sizeof hint, "did you mean `ramage %s`?", nearest);
    return fail_with(cli, RPC_USAGE, sentence, hint, NULL);
}

/* Do the words and options fit the verb? */
static bool fits(struct cli *cli)
{
    const struct command *command = cli->command;
    for (enum option_id id = 0; id < OPTIONS; id++)
        if (given(cli, id) && ((OPTIONS_EVERYWHERE | command->options) & OPTION_BIT(id)) == 0)
            return fail_usage(cli, "`ramage %s` has no option --%s", command->name,
                              option_row(id)->name),
                   false;
    const char *color = value(cli, OPTION_COLOR);
    if (color != NULL && strcmp(color, "auto") != 0 && strcmp(color, "always") != 0 &&
        strcmp(color, "never") != 0)
        return fail_usage(cli, "--color is auto, always or never"), false;
    if (cli->word_count < command->least)
        return fail_usage(cli, "`ramage %s` needs %s", command->name, command->arguments), false;
    if (cli->word_count > command->most)
        return fail_usage(cli, "`ramage %s` does not know what to do with \"%.64s\"", command->name,
                          cli->words[command->most]),
               false;
    return true;
}

static const struct command bare = { "", "", "", 0, 0, 0, "", "", command_none };

static void find_command(struct cli *cli)
{
    struct options *options = &cli->options;
    int taken = 0;
    cli->command = options->word_count == 0
                       ? &bare
                       : command_named(options->words, options->word_count, &taken);
    cli->words = options->words + taken;
    cli->word_count = options->word_count - taken;
}

static int run(struct cli *cli)
{
    find_command(cli);
    if (given(cli, OPTION_VERSION))
        return command_version(cli);
    if (given(cli, OPTION_HELP)) { /* the same as `ramage help VERB`, also for half a verb */
        cli->words = cli->options.words;
        cli->word_count = cli->options.word_count;
        return command_help(cli);
    }
    if (cli->command == NULL)
        return refuse_verb(cli);
    if (!fits(cli))
        return cli->exit;
    if (!rpc_place_find(value(cli, OPTION_HOME), &cli->place))
        return fail_usage(cli, "that home has no name this system can use");
    return cli->command->run(cli);
}

/* Errors of the arguments themselves must be JSON too where that was asked for. */
static bool asks_for_json(int count, char **arguments)
{
    for (int i = 1; i < count && strcmp(arguments[i], "--") != 0; i++)
        if (strcmp(arguments[i], "--json") == 0)
            return true;
    return false;
}

int cli_main(int count, char **arguments, const struct cli_daemons *daemons)
{
    static struct cli cli; /* large, and zeroed */
    char trouble[OPTION_TROUBLE_BYTES];
    const char *nearest;
    hold_standard_descriptors();
    setlocale(LC_TIME, "");
    watch_signals();
    cli.daemons = daemons;
    if (!options_read(&cli.options, count, arguments, trouble, &nearest)) {
        cli.options.given[OPTION_JSON] = asks_for_json(count, arguments);
        return refuse_options(&cli, trouble, nearest);
    }
    int exit_code = run(&cli);
    rpc_client_close(cli.client);
    if (exit_code == RPC_EXIT_DONE && !output_reached(&cli))
        exit_code = cli.exit;
    return exit_code;
}
