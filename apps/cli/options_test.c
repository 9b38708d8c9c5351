#include "tests/test.h"

#include <stdio.h>

#include "apps/cli/options.h"
#include "apps/cli/table.h"

#define WORDS_MAX 24

/* Reads a line of words; quotes are not needed. */
static bool read_words(struct options *out, const char *line, char trouble[OPTION_TROUBLE_BYTES],
                       const char **nearest)
{
    static char memory[512];
    static char *words[WORDS_MAX];
    int count = 0;
    snprintf(memory, sizeof memory, "ramage %s", line);
    for (char *word = strtok(memory, " "); word != NULL && count < WORDS_MAX - 1;
         word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    return options_read(out, count, words, trouble, nearest);
}

static void test_options_may_stand_anywhere_and_dashes_end_them(void)
{
    static const struct {
        const char *line;
        int words;
        const char *first, *home, *count;
        bool json;
    } rows[] = {
        { "", 0, NULL, NULL, NULL, false },
        { "read bob", 2, "read", NULL, NULL, false },
        { "--json read --home /x bob -n 5", 2, "read", "/x", "5", true },
        { "--home=/x read -n5 bob --json", 2, "read", "/x", "5", true },
        { "read bob --count 5", 2, "read", NULL, "5", false },
        { "send -- bob --json", 3, "send", NULL, NULL, false },
        { "send bob -", 3, "send", NULL, NULL, false },
        { "--home --json read", 1, "read", "--json", NULL, false }, /* a value, however it looks */
        { "-- --json", 1, "--json", NULL, NULL, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct options options;
        char trouble[OPTION_TROUBLE_BYTES];
        const char *nearest;
        CHECK(read_words(&options, rows[i].line, trouble, &nearest));
        CHECK_INT(options.word_count, rows[i].words);
        if (rows[i].first != NULL)
            CHECK_TEXT(options.words[0], rows[i].first);
        CHECK(options.given[OPTION_JSON] == rows[i].json);
        CHECK((options.values[OPTION_HOME][0] == NULL) == (rows[i].home == NULL));
        if (rows[i].home != NULL)
            CHECK_TEXT(options.values[OPTION_HOME][0], rows[i].home);
        if (rows[i].count != NULL)
            CHECK_TEXT(options.values[OPTION_COUNT][0], rows[i].count);
    }
}

static void test_what_is_wrong_is_named(void)
{
    static const struct {
        const char *line, *says, *nearest;
    } rows[] = {
        { "--jsno", "there is no option --jsno", "json" },
        { "--js", "there is no option --js", NULL }, /* what getopt_long would complete */
        { "--hom /x", "there is no option --hom", "home" },
        { "--jso=1", "there is no option --jso", "json" },
        { "--", NULL, NULL },
        { "--home", "--home needs a value", NULL },
        { "-n", "-n needs a value", NULL },
        { "-x", "there is no option -x", NULL },
        { "-qx", "there is no option -x", NULL },
        { "--json=yes", "--json takes no value", NULL },
        { "--json --json", "--json stands there twice", NULL },
        { "--at a --at b --at c --at d --at e --at f --at g --at h --at i",
          "--at may stand 8 times, not more", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct options options;
        char trouble[OPTION_TROUBLE_BYTES] = "";
        const char *nearest;
        CHECK(read_words(&options, rows[i].line, trouble, &nearest) == (rows[i].says == NULL));
        if (rows[i].says != NULL)
            CHECK_TEXT(trouble, rows[i].says);
        if (rows[i].nearest != NULL)
            CHECK_TEXT(nearest, rows[i].nearest);
        else
            CHECK(nearest == NULL || rows[i].says != NULL);
    }
}

static void test_values_are_read_strictly(void)
{
    static const struct {
        const char *text;
        bool good;
        duration time;
    } times[] = {
        { "30s", true, 30 * SECOND },
        { "5", true, 5 * SECOND },
        { "250ms", true, 250 * MILLISECOND },
        { "10m", true, 10 * MINUTE },
        { "2h", true, 2 * HOUR },
        { "365d", true, 365 * DAY },
        { "366d", false, 0 },
        { "0", true, 0 },
        { "", false, 0 },
        { "s", false, 0 },
        { "-5s", false, 0 },
        { "5 s", false, 0 },
        { "5sec", false, 0 },
        { "1e3", false, 0 },
        { "99999999999999999999s", false, 0 },
    };
    for (size_t i = 0; i < COUNT(times); i++) {
        duration time = 0;
        CHECK(duration_from(times[i].text, &time) == times[i].good);
        CHECK(time == times[i].time);
    }
    int64_t number;
    CHECK(whole_from("9223372036854775807", INT64_MAX, &number) && number == INT64_MAX);
    CHECK(!whole_from("9223372036854775808", INT64_MAX, &number));
    CHECK(whole_from("7", 7, &number) && !whole_from("8", 7, &number));
    CHECK(!whole_from("", 7, &number) && !whole_from("+7", 7, &number) &&
          !whole_from("7 ", 7, &number) && !whole_from("-1", 7, &number));
}

static void test_every_verb_is_described_and_found(void)
{
    uint64_t used = OPTIONS_EVERYWHERE;
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *command = command_at(i);
        char name[64], *words[2] = { name, NULL };
        int taken = 0, count = 1;
        snprintf(name, sizeof name, "%s", command->name);
        char *blank = strchr(name, ' ');
        if (blank != NULL) {
            *blank = '\0';
            words[1] = blank + 1;
            count = 2;
        }
        CHECK(command_named(words, count, &taken) == command && taken == count);
        CHECK(command->run != NULL && command->least <= command->most);
        CHECK(command->summary[0] != '\0' && strncmp(command->example, "ramage ", 7) == 0);
        CHECK(strncmp(command->example + 7, command->name, strlen(command->name)) == 0);
        CHECK((command->least > 0) ==
              (command->arguments[0] != '\0' && command->arguments[0] != '[' &&
               strcmp(command->name, "rpc") != 0));
        CHECK((command->options & OPTIONS_EVERYWHERE) == 0);
        used |= command->options;
    }
    for (enum option_id id = 0; id < OPTIONS; id++) {
        CHECK(option_row(id)->about[0] != '\0');
        CHECK((used & OPTION_BIT(id)) != 0); /* no option without a verb */
    }
}

static void test_a_mistyped_verb_finds_its_name(void)
{
    static const struct {
        const char *first, *second, *nearest;
    } rows[] = {
        { "sned", "bob", "send" },          { "stauts", NULL, "status" },
        { "contact", "ad", "contact add" }, { "conatct", "list", "contact list" },
        { "frobnicate", NULL, NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char first[32], second[32], *words[] = { first, second };
        snprintf(first, sizeof first, "%s", rows[i].first);
        snprintf(second, sizeof second, "%s", rows[i].second != NULL ? rows[i].second : "");
        const char *nearest = command_nearest(words, rows[i].second != NULL ? 2 : 1);
        CHECK((nearest == NULL) == (rows[i].nearest == NULL));
        if (nearest != NULL)
            CHECK_TEXT(nearest, rows[i].nearest);
    }
}

TESTS(TEST(test_options_may_stand_anywhere_and_dashes_end_them), TEST(test_what_is_wrong_is_named),
      TEST(test_values_are_read_strictly), TEST(test_every_verb_is_described_and_found),
      TEST(test_a_mistyped_verb_finds_its_name))
