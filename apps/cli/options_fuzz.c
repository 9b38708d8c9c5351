/* Whatever stands on a command line: options are read or refused with a sentence, every word is
   kept, and values read strictly. */
#include <stdlib.h>
#include <string.h>

#include "apps/cli/options.h"
#include "apps/cli/table.h"
#include "base/mem.h"

#define WORDS_MAX 64

static void must(bool claim)
{
    if (!claim)
        abort();
}

/* The input is the words, each ended by a newline. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *memory = mem_zeroed(1, size + 1), *words[WORDS_MAX + 1] = { (char[]){ "ramage" } };
    int count = 1, taken;
    struct options options;
    char trouble[OPTION_TROUBLE_BYTES] = "", *at = memory;
    const char *nearest;
    if (size > 0)
        memcpy(memory, data, size);
    for (char *word; (word = strsep(&at, "\n")) != NULL && count < WORDS_MAX;)
        words[count++] = word;
    if (options_read(&options, count, words, trouble, &nearest)) {
        must(options.word_count >= 0 && options.word_count < count);
        if (options.word_count > 0 &&
            command_named(options.words, options.word_count, &taken) != NULL)
            must(taken <= options.word_count);
        else if (options.word_count > 0)
            command_nearest(options.words, options.word_count);
        for (int i = 0; i < options.word_count; i++) {
            int64_t whole;
            duration time;
            must(!whole_from(options.words[i], 1000, &whole) || (whole >= 0 && whole <= 1000));
            must(!duration_from(options.words[i], &time) || time <= 365 * DAY);
        }
    } else {
        must(trouble[0] != '\0' && strlen(trouble) < sizeof trouble);
    }
    mem_free(memory);
    return 0;
}
