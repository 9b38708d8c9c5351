/* `ramage chats`: one line a conversation. */
#include "apps/cli/command.h"

#include <stdio.h>

#define NAME_COLUMNS 20
#define TEXT_COLUMNS 40

struct chats {
    bool json;
    size_t count;
};

static void print_one(void *self, const json_t *chat)
{
    struct chats *chats = self;
    const json_t *last = json_object_get(chat, "last");
    chats->count++;
    if (chats->json) {
        print_json(chat);
        return;
    }
    int64_t unread = rpc_whole(chat, "unread", 0), owed = rpc_whole(chat, "owed", 0);
    print_fitted(rpc_text(chat, "contact"), NAME_COLUMNS);
    if (unread > 0)
        printf("  %5lld new  ", (long long)unread);
    else
        fputs("             ", stdout);
    print_fitted(rpc_text(last, "text"), TEXT_COLUMNS);
    fputs("  ", stdout);
    if (last != NULL)
        print_time(rpc_text(last, "written"));
    if (owed > 0)
        printf("  %lld waiting", (long long)owed);
    if (rpc_flag(chat, "online"))
        fputs("  online", stdout);
    putchar('\n');
}

int command_chats(struct cli *cli)
{
    struct chats chats = { .json = wants_json(cli) };
    if (!ask_pages(cli, "conversation.list", json_object(), "conversations", "contact_id",
                   print_one, &chats))
        return cli->exit;
    if (chats.count == 0)
        remark(cli, "No conversations yet: `ramage invite` makes a link for a friend, `ramage "
                    "join` takes one\n");
    return RPC_EXIT_DONE;
}
