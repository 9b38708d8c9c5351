/* `ramage why`: plain facts about one message. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>

static void print_state(const json_t *message)
{
    const char *failure = rpc_text(message, "failure");
    print_clean(rpc_text(message, "state"));
    fputs(" ", stdout);
    print_time(rpc_text(message, "changed"));
    if (failure != NULL) {
        fputs(", ", stdout);
        print_clean(failure);
    }
    fputs(rpc_flag(message, "ours") ? "; written by you for " : "; written by ", stdout);
    print_clean(rpc_text(message, "contact"));
    fputs(" ", stdout);
    print_time(rpc_text(message, "written"));
    putchar('\n');
}

static void print_attempts(const json_t *answer)
{
    size_t i;
    json_t *attempt;
    json_array_foreach(json_object_get(answer, "attempts"), i, attempt)
    {
        const char *outcome = rpc_text(attempt, "outcome");
        fputs(i == 0 ? "tried    " : "         ", stdout);
        print_time(rpc_text(attempt, "started"));
        fputs("  ", stdout);
        print_clean(rpc_text(attempt, "address"));
        fputs(rpc_flag(attempt, "door") ? " (first meeting): " : ": ", stdout);
        print_clean(outcome != NULL ? outcome : "still trying");
        putchar('\n');
    }
}

/* What it waits for, in one sentence. */
static void print_waiting(const json_t *answer)
{
    const char *next = rpc_text(answer, "next_try"), *expires = rpc_text(answer, "expires");
    int64_t ahead = rpc_whole(answer, "ahead", 0), addresses = rpc_whole(answer, "addresses", 0);
    fputs("waits    ", stdout);
    if (rpc_flag(answer, "sent")) {
        fputs("for the acknowledgement: sent on the open link", stdout);
    } else if (rpc_flag(answer, "online")) {
        printf("for its turn on the open link, behind %lld others", (long long)ahead);
    } else if (addresses == 0) {
        fputs("to be reached: no address of this contact is known", stdout);
    } else if (next != NULL) {
        fputs("to be connected; next try ", stdout);
        print_time(next);
    } else {
        fputs("to be connected; trying now", stdout);
    }
    if (expires != NULL) {
        fputs("; kept until ", stdout);
        print_time(expires);
    }
    putchar('\n');
}

/* How the two find each other without an address that holds. */
static void print_places(const json_t *answer)
{
    const char *told = rpc_text(answer, "told"), *looked = rpc_text(answer, "looked");
    const char *heard = rpc_text(answer, "heard");
    if (rpc_flag(answer, "online") || (told == NULL && looked == NULL))
        return;
    fputs("DHT      ", stdout);
    if (told != NULL) {
        printf("our addresses left with %lld nodes ", (long long)rpc_whole(answer, "told_on", 0));
        print_time(told);
    }
    if (looked != NULL) {
        fputs(told != NULL ? "\n         looked for theirs " : "looked for theirs ", stdout);
        print_time(looked);
        fputs(heard == NULL ? ": nothing yet" : ": theirs are of ", stdout);
        if (heard != NULL)
            print_time(heard);
    }
    putchar('\n');
}

/* Two who cannot call each other, because of where they are. */
static void print_routers(const json_t *answer)
{
    bool ours = rpc_flag(answer, "our_ports_change"),
         theirs = rpc_flag(answer, "their_ports_change");
    if (rpc_flag(answer, "online") || (!ours && !theirs))
        return;
    if (ours && theirs)
        puts(
            "routers  yours and theirs both make another port for each connection: neither of you\n"
            "         can be called, so you will not meet while both are behind them");
    else
        printf(
            "routers  %s makes another port for each connection, so %s cannot be called: you meet\n"
            "         only if the other side's router lets calls in\n",
            ours ? "yours" : "theirs", ours ? "you" : "they");
}

static void print_why(const json_t *answer)
{
    const json_t *message = json_object_get(answer, "message");
    const char *seen = rpc_text(answer, "last_seen");
    fputs("message  ", stdout);
    print_clean(rpc_text(message, "id"));
    fputs("\nstate    ", stdout);
    print_state(message);
    if (!rpc_flag(message, "ours"))
        return;
    if (rpc_flag(answer, "owed"))
        print_waiting(answer);
    fputs("contact  ", stdout);
    if (rpc_flag(answer, "online")) {
        fputs("online", stdout);
    } else if (seen != NULL) {
        fputs("last seen ", stdout);
        print_time(seen);
    } else {
        fputs("never seen yet", stdout);
    }
    putchar('\n');
    print_places(answer);
    print_routers(answer);
    print_attempts(answer);
}

int command_why(struct cli *cli)
{
    json_t *params = json_pack("{s:s}", "id", cli->words[0]);
    if (params == NULL)
        return fail(cli, RPC_NO_MESSAGE);
    json_t *answer = ask(cli, "message.why", params);
    if (answer == NULL)
        return cli->exit;
    if (wants_json(cli))
        print_json(answer);
    else
        print_why(answer);
    json_decref(answer);
    return RPC_EXIT_DONE;
}
