/* Usage and help, from the tables. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>

static void print_options(uint64_t set)
{
    for (enum option_id id = 0; id < OPTIONS; id++) {
        if ((set & OPTION_BIT(id)) == 0)
            continue;
        const struct option_row *row = option_row(id);
        char left[40];
        snprintf(left, sizeof left, "--%s%s%s", row->name, row->argument != NULL ? " " : "",
                 row->argument != NULL ? row->argument : "");
        if (row->letter != 0)
            printf("  -%c, %-22s %s\n", row->letter, left, row->about);
        else
            printf("      %-22s %s\n", left, row->about);
    }
}

void print_help(const struct command *command)
{
    printf("ramage %s%s%s\n    %s\n", command->name, command->arguments[0] != '\0' ? " " : "",
           command->arguments, command->summary);
    if (command->options != 0) {
        puts("\nOptions:");
        print_options(command->options);
    }
    puts("\nOptions of every verb:");
    print_options(OPTIONS_EVERYWHERE);
    printf("\nExample:\n    %s\n", command->example);
}

void print_overview(void)
{
    puts("Ramage: a messenger with no server at all.\n\nramage VERB [OPTION...] [ARGUMENT...]");
    const char *group = "";
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *command = command_at(i);
        char left[64];
        if (strcmp(group, command->group) != 0)
            printf("\n%s\n", group = command->group);
        snprintf(left, sizeof left, "%s %s", command->name, command->arguments);
        printf("  %-32s %s\n", left, command->summary);
    }
    puts("\nOptions of every verb:");
    print_options(OPTIONS_EVERYWHERE);
    puts("\nWHO is your name for a contact, or a card. `ramage help VERB` tells more.");
}

int command_help(struct cli *cli)
{
    int taken;
    if (cli->word_count == 0) {
        print_overview();
        return RPC_EXIT_DONE;
    }
    const struct command *command = command_named(cli->words, cli->word_count, &taken);
    if (command != NULL) {
        print_help(command);
        return RPC_EXIT_DONE;
    }
    size_t found = 0; /* "help contact" means all that begin so */
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const char *name = command_at(i)->name;
        size_t first = strcspn(name, " ");
        if (cli->word_count != 1 || strlen(cli->words[0]) != first ||
            strncmp(name, cli->words[0], first) != 0)
            continue;
        const char *arguments = command_at(i)->arguments;
        printf("%sramage %s%s%s\n    %s\n", found++ > 0 ? "\n" : "", name,
               arguments[0] != '\0' ? " " : "", arguments, command_at(i)->summary);
    }
    if (found > 0) {
        printf("\n`ramage help %s VERB` tells more.\n", cli->words[0]);
        return RPC_EXIT_DONE;
    }
    char sentence[96];
    snprintf(sentence, sizeof sentence, "there is no verb \"%.64s\"", cli->words[0]);
    return fail_with(cli, RPC_USAGE, sentence, "`ramage help` lists them", NULL);
}

int command_version(struct cli *cli)
{
    if (wants_json(cli)) {
        json_t *object = json_pack("{s:s, s:s, s:s}", "version", RAMAGE_VERSION, "api", RPC_API,
                                   "license", "GPL-3.0-or-later");
        print_json(object);
        json_decref(object);
    } else {
        puts("ramage " RAMAGE_VERSION " (API " RPC_API "), GPL-3.0-or-later");
    }
    return RPC_EXIT_DONE;
}
