/* The one table of verbs: dispatch, usage and help come from it. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct cli;

struct command {
    const char *group;     /* heading in the help */
    const char *name;      /* one word, or two: "contact add" */
    const char *arguments; /* as the usage shows them */
    int least, most;       /* words behind the verb */
    uint64_t options;      /* besides OPTIONS_EVERYWHERE */
    const char *summary;   /* one line */
    const char *example;   /* a whole command line */
    int (*run)(struct cli *cli);
};

const struct command *command_at(size_t index); /* NULL past the last */
/* The verb that the words begin with; NULL: none. *taken: how many words it is made of. */
const struct command *command_named(char **words, int count, int *taken);
const char *command_nearest(char **words, int count); /* "did you mean", or NULL */

#endif
