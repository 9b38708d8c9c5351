/* `ramage follow`: events as they come. A named reader goes on where it stopped. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>

struct following {
    struct cli *cli;
    int64_t contact;    /* 0: everybody */
    const char *reader; /* NULL: nobody keeps our place */
    int64_t done;       /* last event printed, not yet stored for the reader */
};

static bool is_wanted(const struct following *following, const json_t *event)
{
    return following->contact == 0 || rpc_whole(event, "contact_id", 0) == following->contact;
}

/* What nobody asked for and everybody should know. */
static bool print_alarm(const json_t *event, const char *kind)
{
    const char *says = NULL;
    if (strcmp(kind, "contact.session_reset") == 0)
        says = ": session begun anew, as a device, yours or theirs, lost its state or was copied; "
               "see `ramage contact show`\n";
    else if (strcmp(kind, "contact.list_forked") == 0)
        says = ": two device lists contradict each other; compare cards\n";
    if (says == NULL)
        return false;
    print_time(rpc_text(event, "time"));
    fputs("  ", stdout);
    print_clean(rpc_text(event, "contact"));
    fputs(says, stdout);
    return true;
}

static void print_for_people(const json_t *event)
{
    const char *kind = rpc_text(event, "kind");
    if (kind != NULL && print_alarm(event, kind))
        return;
    const json_t *message = json_object_get(event, "message");
    if (kind != NULL && strcmp(kind, "message.received") == 0 && message != NULL) {
        print_talk(message);
    } else if (kind != NULL && strcmp(kind, "message.state") == 0 && message != NULL) {
        print_time(rpc_text(event, "time"));
        printf("  %.6s  to ", rpc_text(message, "id"));
        print_clean(rpc_text(message, "contact"));
        fputs(": ", stdout);
        print_clean(rpc_text(event, "state"));
        putchar('\n');
    }
}

/* Printed first, stored after: a reader that dies in between sees an event twice, never not at all.
 */
static bool store_place(struct following *following)
{
    if (following->reader == NULL || following->done == 0)
        return true;
    json_t *answer =
        ask(following->cli, "events.ack",
            json_pack("{s:s, s:I}", "as", following->reader, "seq", (json_int_t)following->done));
    following->done = 0;
    json_decref(answer);
    return answer != NULL;
}

static bool take_event(struct following *following, const json_t *event)
{
    const char *kind = rpc_text(event, "kind");
    int64_t seq = rpc_whole(event, "seq", 0);
    bool gap = kind != NULL && strcmp(kind, "log.gap") == 0;
    if (wants_json(following->cli) && (gap || is_wanted(following, event)))
        print_json(event);
    else if (is_wanted(following, event))
        print_for_people(event);
    if (!output_reached(following->cli))
        return false;
    following->done = seq > 0 ? seq : following->done;
    return !gap || refuse(following->cli, RPC_GAP);
}

/* Stores its place when nothing more is waiting, so that a burst costs one write. */
static int stream(struct following *following)
{
    for (;;) {
        json_t *event;
        duration wait = following->done > 0 && following->reader != NULL ? 0 : NEVER;
        enum rpc_error error = rpc_client_next(following->cli->client, wait, &event);
        if (error != RPC_FINE)
            return fail(following->cli, error);
        bool good = event != NULL ? take_event(following, event) : store_place(following);
        json_decref(event);
        if (!good)
            return following->cli->exit;
    }
}

static bool find_contact(struct following *following, const char *who)
{
    json_t *params = json_pack("{s:s}", "who", who);
    if (params == NULL)
        return refuse(following->cli, RPC_NO_CONTACT);
    json_t *answer = ask(following->cli, "contact.get", params);
    following->contact = rpc_whole(json_object_get(answer, "contact"), "id", 0);
    json_decref(answer);
    return answer != NULL;
}

int command_follow(struct cli *cli)
{
    struct following following = { .cli = cli, .reader = value(cli, OPTION_AS) };
    int64_t since;
    json_t *params = json_object();
    bool good = true;
    if (given(cli, OPTION_SINCE) && !whole_from(value(cli, OPTION_SINCE), INT64_MAX, &since))
        good = fail_usage(cli, "--since needs the number of an event, or 0") == RPC_EXIT_DONE;
    else if (given(cli, OPTION_SINCE))
        json_object_set_new(params, "since", json_integer(since));
    if (following.reader != NULL &&
        json_object_set_new(params, "as", json_string(following.reader)) != 0)
        good = refuse(cli, RPC_BAD_NAME);
    if (good && cli->word_count > 0)
        good = find_contact(&following, cli->words[0]);
    if (!good) {
        json_decref(params);
        return cli->exit;
    }
    json_t *answer = ask(cli, "events.subscribe", params);
    json_decref(answer);
    return answer != NULL ? stream(&following) : cli->exit;
}
