/* `ramage status`: one screen of facts. */
#include "apps/cli/command.h"

#include <stdio.h>
#include <string.h>

static void print_listening(const json_t *status)
{
    fputs("\nlistening  ", stdout);
    for (size_t i = 0; i < rpc_texts(status, "listening"); i++) {
        fputs(i > 0 ? ", " : "", stdout);
        print_clean(rpc_text_at(status, "listening", i));
    }
    putchar('\n');
}

static void print_counts(const json_t *status)
{
    printf("contacts   %lld, %lld online, %lld being looked for\n",
           (long long)rpc_whole(status, "contacts", 0), (long long)rpc_whole(status, "online", 0),
           (long long)rpc_whole(status, "dialling", 0));
    printf("messages   %lld unread, %lld not delivered yet\n",
           (long long)rpc_whole(status, "unread", 0), (long long)rpc_whole(status, "owed", 0));
}

static void print_status(const json_t *status)
{
    char uptime[FACE_TIME_BYTES];
    const json_t *identity = json_object_get(status, "identity");
    const char *name = rpc_text(identity, "name");
    fputs("identity   ", stdout);
    if (name != NULL && name[0] != '\0') {
        print_clean(name);
        fputs("  ", stdout);
    }
    print_clean(identity != NULL ? rpc_text(identity, "short")
                                 : "locked; `ramage unlock` opens it");
    fputs("\nhome       ", stdout);
    print_clean(rpc_text(status, "home"));
    print_listening(status);
    if (identity != NULL)
        print_counts(status);
    face_duration((duration)(json_number_value(json_object_get(status, "uptime")) * SECOND),
                  uptime);
    printf("daemon     pid %lld, up %s, ", (long long)rpc_whole(status, "pid", 0), uptime);
    if (rpc_whole(status, "memory", 0) > 0)
        printf("%.1f MiB, ", (double)rpc_whole(status, "memory", 0) / (1 << 20));
    fputs("release ", stdout);
    print_clean(rpc_text(status, "version"));
    putchar('\n');
}

int command_status(struct cli *cli)
{
    json_t *status = ask(cli, "session.status", NULL);
    const char *state = rpc_text(status, "state");
    if (status == NULL)
        return cli->exit;
    if (state != NULL && strcmp(state, "no_identity") == 0)
        fail(cli, RPC_NO_IDENTITY);
    else if (wants_json(cli))
        print_json(status);
    else
        print_status(status);
    json_decref(status);
    return cli->exit;
}
