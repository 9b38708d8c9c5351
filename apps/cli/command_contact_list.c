/* `ramage contact list` */
#include "apps/cli/contact.h"

struct list {
    bool json;
    size_t count;
};

static void print_one(void *self, const json_t *contact)
{
    struct list *list = self;
    list->count++;
    if (list->json)
        print_json(contact);
    else
        contact_print_line(contact);
}

int command_contact_list(struct cli *cli)
{
    struct list list = { .json = wants_json(cli) };
    if (!ask_pages(cli, "contact.list", json_object(), "contacts", "id", print_one, &list))
        return cli->exit;
    if (list.count == 0)
        remark(cli, "No contacts yet: `ramage invite` makes a link for a friend, `ramage join` "
                    "takes one\n");
    return RPC_EXIT_DONE;
}
