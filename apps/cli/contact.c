#include "apps/cli/contact.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLUMNS 20

static void print_presence(const json_t *contact)
{
    const char *seen = rpc_text(contact, "last_seen");
    if (rpc_flag(contact, "online")) {
        fputs("online", stdout);
    } else if (rpc_flag(contact, "dialling")) {
        fputs("looking", stdout);
    } else if (seen != NULL) {
        fputs("seen ", stdout);
        print_time(seen);
    } else {
        fputs("not seen yet", stdout);
    }
}

void contact_print_line(const json_t *contact)
{
    print_fitted(rpc_text(contact, "name"), NAME_COLUMNS);
    fputs("  ", stdout);
    print_presence(contact);
    putchar('\n');
}

static void print_places(const json_t *contact)
{
    size_t i;
    json_t *place;
    json_array_foreach(json_object_get(contact, "at"), i, place)
    {
        const char *worked = rpc_text(place, "worked");
        fputs(i == 0 ? "addresses   " : "            ", stdout);
        print_clean(rpc_text(place, "address"));
        fputs(rpc_flag(place, "fixed") ? "  (yours)" : "  (learnt)", stdout);
        if (worked != NULL) {
            fputs(", worked ", stdout);
            print_time(worked);
        }
        putchar('\n');
    }
    if (i == 0)
        puts("addresses   none: this person must reach you first, or use `ramage contact at`");
}

/* What protects the talk, and what would be a reason to compare cards. */
static void print_safety(const json_t *contact)
{
    const char *since = rpc_text(contact, "session_since");
    const char *reset = rpc_text(contact, "session_reset");
    fputs("\nsession     ", stdout);
    if (since == NULL)
        fputs("none yet: messages wait as written", stdout);
    else
        print_time(since);
    if (since != NULL && !rpc_flag(contact, "sealed"))
        fputs(", not answered yet", stdout);
    if (reset != NULL) {
        fputs("\nreset       ", stdout);
        print_time(reset);
        fputs(
            ": begun anew, as a device, yours or theirs, lost its state or was copied\n"
            "            if nobody put back an old copy, compare cards over something you trust;\n"
            "            if somebody did, that device lacks what was delivered to it since",
            stdout);
    }
    if (rpc_flag(contact, "list_forked"))
        fputs("\nwarning     two lists of this person's devices contradict each other: "
              "compare cards over something you trust",
              stdout);
}

static void print_trust(const json_t *contact)
{
    const char *trust = rpc_text(contact, "trust");
    if (trust != NULL && strcmp(trust, "verified") == 0) {
        fputs("\ntrust       verified ", stdout);
        print_time(rpc_text(contact, "judged"));
    } else if (trust != NULL && strcmp(trust, "stopped") == 0) {
        fputs("\ntrust       stopped: nothing is sent until you decide; see `ramage verify`",
              stdout);
    } else {
        fputs("\ntrust       not verified: `ramage verify` compares a number with this person",
              stdout);
    }
}

void contact_print_all(const json_t *contact)
{
    fputs("name        ", stdout);
    print_clean(rpc_text(contact, "name"));
    fputs("\npresence    ", stdout);
    print_presence(contact);
    if (rpc_text(contact, "online_at") != NULL) {
        fputs(" at ", stdout);
        print_clean(rpc_text(contact, "online_at"));
    }
    double round_trip = json_number_value(json_object_get(contact, "round_trip"));
    if (round_trip > 0)
        printf(", round trip %.1f ms", round_trip * 1000);
    print_trust(contact);
    print_safety(contact);
    fputs("\nadded       ", stdout);
    print_time(rpc_text(contact, "added"));
    putchar('\n');
    print_places(contact);
    const char *card = rpc_text(contact, "card");
    fputs("card        ", stdout);
    print_clean(card != NULL && card[0] != '\0' ? card : "none: you met by invitation");
    fputs("\nto compare  ", stdout);
    print_clean(rpc_text(contact, "short"));
    putchar('\n');
}

int contact_ask(struct cli *cli, const char *method, json_t *params, const char *before,
                const char *behind)
{
    json_t *answer = ask(cli, method, params);
    const json_t *contact = json_object_get(answer, "contact");
    if (answer == NULL)
        return cli->exit;
    if (wants_json(cli)) {
        print_json(contact);
    } else {
        fputs(before, stdout);
        print_clean(rpc_text(contact, "name"));
        puts(behind);
    }
    json_decref(answer);
    return RPC_EXIT_DONE;
}
