/* Options: one table, from which parsing, usage and help come. getopt_long does the work; it would
   take abbreviations, which break scripts when a longer option comes, so those are refused first.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

enum option_id {
    OPTION_HOME,
    OPTION_JSON,
    OPTION_NO_START,
    OPTION_NO_INPUT,
    OPTION_PASSPHRASE_FD,
    OPTION_QUIET,
    OPTION_COLOR,
    OPTION_HELP,
    OPTION_VERSION, /* these go with every verb */
    OPTION_NO_PASSPHRASE,
    OPTION_NAME,
    OPTION_QR,
    OPTION_AT,
    OPTION_LISTEN,
    OPTION_READY_FD,
    OPTION_VERBOSE,
    OPTION_WAIT,
    OPTION_TIMEOUT,
    OPTION_REQUEST_KEY,
    OPTION_COUNT,
    OPTION_UNREAD,
    OPTION_KEEP,
    OPTION_SINCE,
    OPTION_AS,
    OPTION_STDIO,
    OPTION_SCRIPT,
    OPTION_BIND,
    OPTION_BOOTSTRAP,
    OPTION_SAVE,
    OPTION_SOCKET,
    OPTION_RATE,
    OPTION_PER_ADDRESS,
    OPTION_PUBLIC,
    OPTION_READ_ONLY,
    OPTION_KEY,
    OPTION_SALT,
    OPTION_KEY_FILE,
    OPTION_SEQ,
    OPTION_CAS,
    OPTION_BENCODED,
    OPTION_NODES,
    OPTION_PORT,
    OPTION_HIDDEN,
    OPTION_EXPIRES,
    OPTION_INTRODUCE,
    OPTION_WORDS,
    OPTION_MATCH,
    OPTION_MISMATCH,
    OPTIONS
};

#define OPTION_BIT(id)     (UINT64_C(1) << (id))
#define OPTIONS_EVERYWHERE (OPTION_BIT(OPTION_NO_PASSPHRASE) - 1)
#define OPTION_REPEATS_MAX 16

struct option_row {
    const char *name;     /* without dashes */
    char letter;          /* 0: none */
    const char *argument; /* NULL: takes none */
    size_t most;          /* how often it may stand */
    const char *about;
};
const struct option_row *option_row(enum option_id id);

struct options {
    const char *values[OPTIONS][OPTION_REPEATS_MAX];
    size_t given[OPTIONS];
    char **words; /* what is no option, in order */
    int word_count;
};

#define OPTION_TROUBLE_BYTES 200
/* Options may stand anywhere, `--` ends them. Reorders `arguments`. False: `trouble` is the
   sentence and *nearest, unless NULL, the option that may have been meant. */
bool options_read(struct options *out, int count, char **arguments,
                  char trouble[OPTION_TROUBLE_BYTES], const char **nearest);

/* --- values, read strictly --- */

/* A whole number from 0 to `most`, of digits alone. */
bool whole_from(const char *text, int64_t most, int64_t *out);
/* "30s", "500ms", "10m", "2h", "1d", or seconds without a unit; at most a year. */
bool duration_from(const char *text, duration *out);

#endif
