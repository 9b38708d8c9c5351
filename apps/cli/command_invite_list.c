/* `ramage invite list`: invitations, given and taken, and how far each is. */
#include "apps/cli/invitation.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLUMNS 20

struct list {
    bool json;
    size_t count;
};

static void print_open(const json_t *invitation)
{
    bool ours = rpc_flag(invitation, "ours");
    if (rpc_text(invitation, "told") == NULL) {
        fputs("word not left yet: the DHT does not answer, or our address is not known", stdout);
        return;
    }
    printf("word left with %lld nodes at ", (long long)rpc_whole(invitation, "told_on", 0));
    print_time(rpc_text(invitation, "told"));
    if (rpc_text(invitation, "heard") != NULL) {
        fputs(ours ? "; the guest's found, of " : "; the host's found, of ", stdout);
        print_time(rpc_text(invitation, "heard"));
    } else {
        fputs(ours ? "; nobody has come yet" : "; the host's not found yet", stdout);
    }
}

static void print_one(void *self, const json_t *invitation)
{
    struct list *list = self;
    const char *state = rpc_text(invitation, "state");
    const char *contact = rpc_text(invitation, "contact");
    list->count++;
    if (list->json) {
        print_json(invitation);
        return;
    }
    printf("%4lld  %s  ", (long long)rpc_whole(invitation, "id", 0),
           rpc_flag(invitation, "ours") ? "given" : "taken");
    print_fitted(contact != NULL ? contact : rpc_text(invitation, "name"), NAME_COLUMNS);
    fputs("  ", stdout);
    if (state != NULL && strcmp(state, "taken") == 0)
        fputs(rpc_flag(invitation, "online") ? "met, online" : "met", stdout);
    else
        print_clean(state);
    if (state != NULL && strcmp(state, "open") == 0) {
        if (rpc_text(invitation, "ends") != NULL) {
            fputs(" until ", stdout);
            print_time(rpc_text(invitation, "ends"));
        }
        fputs(": ", stdout);
        print_open(invitation);
    }
    putchar('\n');
}

int command_invite_list(struct cli *cli)
{
    struct list list = { .json = wants_json(cli) };
    if (!ask_pages(cli, "invitation.list", json_object(), "invitations", "id", print_one, &list))
        return cli->exit;
    if (list.count == 0)
        remark(cli, "No invitations yet: `ramage invite` makes one.\n");
    return RPC_EXIT_DONE;
}
