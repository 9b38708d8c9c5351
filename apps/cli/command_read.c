/* `ramage read`: shows messages, and marks them as read. */
#include "apps/cli/command.h"

#include <stdio.h>

#define SHOWN_USUALLY 20
#define SHOWN_MOST    10000000

struct reading {
    struct cli *cli;
    int64_t count; /* newest so many; 0: all that are unread */
    bool unread;   /* only those */
    json_t *last;  /* the last one shown */
};

static void print_one(struct reading *reading, json_t *message)
{
    if (wants_json(reading->cli))
        print_json(message);
    else
        print_talk(message);
    json_decref(reading->last);
    reading->last = json_incref(message);
}

static json_t *ask_list(struct reading *reading, const char *who, int64_t limit, const char *key,
                        const char *from)
{
    json_t *params = json_pack("{s:s, s:I, s:b}", "who", who, "limit", (json_int_t)limit, "unread",
                               reading->unread);
    if (key != NULL)
        json_object_set_new(params, key, from != NULL ? json_string(from) : json_true());
    return ask(reading->cli, "message.list", params);
}

/* Prints pages forwards: from `from` (an id; NULL: the start) to the end. */
static bool print_forwards(struct reading *reading, const char *who, const char *from)
{
    json_t *answer = NULL;
    bool more = true;
    json_t *at = from != NULL ? json_string(from) : NULL;
    while (more) {
        answer = ask_list(reading, who, RPC_PAGE_MAX, at != NULL ? "after" : "oldest",
                          json_string_value(at));
        json_t *list = json_object_get(answer, "messages"), *message = NULL;
        size_t i;
        json_array_foreach(list, i, message) print_one(reading, message);
        more = rpc_flag(answer, "more") && message != NULL;
        json_decref(at);
        at = json_incref(json_object_get(message, "id"));
        json_decref(answer);
        if (answer == NULL)
            break;
    }
    json_decref(at);
    return answer != NULL;
}

/* Goes back from the end page by page, keeping what the last `count` need; then prints. */
static bool print_newest(struct reading *reading, const char *who)
{
    json_t *pages = json_array();
    char *before = NULL;
    bool more = true, good = true;
    for (int64_t left = reading->count; left > 0 && more && good;) {
        int64_t limit = left < RPC_PAGE_MAX ? left : RPC_PAGE_MAX;
        json_t *answer = ask_list(reading, who, limit, before != NULL ? "before" : NULL, before);
        json_t *list = json_object_get(answer, "messages");
        good = answer != NULL;
        more = rpc_flag(answer, "more") && json_array_size(list) > 0;
        left -= (int64_t)json_array_size(list);
        if (list != NULL)
            json_array_append(pages, list);
        json_decref(answer);
        json_t *page = json_array_get(pages, json_array_size(pages) - 1);
        before = (char *)rpc_text(json_array_get(page, 0), "id"); /* lives in `pages` */
    }
    for (size_t i = json_array_size(pages); good && i-- > 0;) {
        size_t j;
        json_t *message;
        json_array_foreach(json_array_get(pages, i), j, message) print_one(reading, message);
    }
    json_decref(pages);
    return good;
}

static bool mark(struct reading *reading, const char *who)
{
    const char *until = rpc_text(reading->last, "id");
    if (until == NULL || given(reading->cli, OPTION_KEEP))
        return true;
    json_t *answer = ask(reading->cli, "conversation.mark_read",
                         json_pack("{s:s, s:s}", "who", who, "until", until));
    json_decref(answer);
    return answer != NULL;
}

/* What was printed must be out before it counts as read. */
static bool read_one(struct reading *reading, const char *who)
{
    bool good =
        reading->count == 0 ? print_forwards(reading, who, NULL) : print_newest(reading, who);
    good = good && output_reached(reading->cli) && mark(reading, who);
    json_decref(reading->last);
    reading->last = NULL;
    return good;
}

static void note_unread(void *self, const json_t *conversation)
{
    if (rpc_whole(conversation, "unread", 0) > 0)
        json_array_append(self, json_object_get(conversation, "contact"));
}

static int read_all(struct reading *reading)
{
    json_t *names = json_array();
    size_t i = 0;
    bool good = ask_pages(reading->cli, "conversation.list", json_object(), "conversations",
                          "contact_id", note_unread, names);
    for (; good && i < json_array_size(names); i++)
        good = read_one(reading, json_string_value(json_array_get(names, i)));
    if (good && i == 0)
        remark(reading->cli, "Nothing unread.\n");
    json_decref(names);
    return good ? RPC_EXIT_DONE : reading->cli->exit;
}

int command_read(struct cli *cli)
{
    struct reading reading = { .cli = cli };
    const char *count = value(cli, OPTION_COUNT);
    reading.unread = given(cli, OPTION_UNREAD) || cli->word_count == 0;
    reading.count = reading.unread ? 0 : SHOWN_USUALLY;
    if (count != NULL && (!whole_from(count, SHOWN_MOST, &reading.count) || reading.count == 0))
        return fail_usage(cli, "-n needs a number of messages from 1 to %d", SHOWN_MOST);
    if (cli->word_count == 0)
        return read_all(&reading);
    json_t *who = json_string(cli->words[0]);
    if (who == NULL)
        return fail(cli, RPC_NO_CONTACT);
    json_decref(who);
    return read_one(&reading, cli->words[0]) ? RPC_EXIT_DONE : cli->exit;
}
