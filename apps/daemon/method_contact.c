#include "apps/daemon/inside.h"

#include "base/mem.h"

#include <string.h>

#define CANDIDATES_MAX 8   /* named when a name fits several */
#define PLACE_BYTES    160 /* what one address takes in a line, at most */

/* Those whose name begins like that, to choose from. */
static json_t *candidates(struct daemon *daemon, const char *who)
{
    struct node_contact contact;
    json_t *names = json_array();
    for (int64_t at = 0; json_array_size(names) < CANDIDATES_MAX &&
                         node_contact_next(daemon->node, at, &contact) == ANSWER_DONE;
         at = contact.row.id)
        if (strncasecmp(contact.row.name, who, strlen(who)) == 0)
            json_array_append_new(names, json_string(contact.row.name));
    return json_pack("{s:o}", "candidates", names);
}

enum rpc_error call_contact(struct call *call, struct node_contact *out)
{
    const char *who = rpc_text(call->params, "who");
    enum answer answer = node_contact_find(call->daemon->node, who, out);
    if (answer == ANSWER_AMBIGUOUS_CONTACT)
        call->more = candidates(call->daemon, who);
    return error_of_answer(call->daemon, answer);
}

static enum rpc_error read_addresses(struct call *call, struct address out[RPC_ADDRESSES_MAX],
                                     size_t *count)
{
    *count = rpc_texts(call->params, "at");
    for (size_t i = 0; i < *count; i++)
        if (!address_parse(rpc_text_at(call->params, "at", i), &out[i]) || out[i].port == 0)
            return RPC_BAD_ADDRESS;
    return RPC_FINE;
}

static enum rpc_error answer_contact(struct call *call, enum answer answer,
                                     const struct node_contact *contact)
{
    if (answer == ANSWER_DONE)
        call->result = json_pack("{s:o}", "contact", show_contact(contact));
    return error_of_answer(call->daemon, answer);
}

enum rpc_error contact_add(struct call *call)
{
    struct address at[RPC_ADDRESSES_MAX];
    size_t count;
    struct node_contact contact;
    struct card card;
    enum rpc_error error = read_addresses(call, at, &count);
    if (invitation_read(&card, rpc_text(call->params, "card")) == FAULT_NONE)
        error = RPC_IS_INVITATION;
    wipe(&card, sizeof card);
    if (error != RPC_FINE)
        return error;
    enum answer answer = node_contact_add(call->daemon->node, host_now(call->daemon->host),
                                          rpc_text(call->params, "card"),
                                          rpc_text(call->params, "name"), at, count, &contact);
    return answer_contact(call, answer, &contact);
}

enum rpc_error contact_list(struct call *call)
{
    struct node_contact contact;
    int64_t at = rpc_whole(call->params, "after", 0);
    size_t limit = (size_t)rpc_whole(call->params, "limit", RPC_PAGE_MAX), bytes = 0;
    json_t *contacts = json_array();
    enum answer answer;
    while ((answer = node_contact_next(call->daemon->node, at, &contact)) == ANSWER_DONE) {
        if (json_array_size(contacts) >= limit || bytes > RPC_PAGE_BYTES)
            break;
        bytes += DAEMON_ITEM_BYTES + contact.at_count * PLACE_BYTES;
        json_array_append_new(contacts, show_contact(&contact));
        at = contact.row.id;
    }
    call->result = json_pack("{s:o, s:b}", "contacts", contacts, "more", answer == ANSWER_DONE);
    return answer == ANSWER_DISK ? error_of_answer(call->daemon, answer) : RPC_FINE;
}

enum rpc_error contact_get(struct call *call)
{
    struct node_contact contact;
    enum rpc_error error = call_contact(call, &contact);
    return error == RPC_FINE ? answer_contact(call, ANSWER_DONE, &contact) : error;
}

/* Addresses typed by a person are never dropped for others, so there may be no room. */
static bool have_room(const struct node_contact *contact, const struct address *at, size_t count)
{
    size_t fixed = count;
    for (size_t i = 0; i < contact->at_count; i++) {
        bool again = false;
        for (size_t j = 0; j < count; j++)
            again = again || address_equal(&contact->at[i].address, &at[j]);
        fixed += contact->at[i].fixed && !again;
    }
    return fixed <= STORE_ADDRESSES_MAX;
}

/* All or nothing: room is asked for before the name is changed, and after that
   nothing is refused. */
enum rpc_error contact_update(struct call *call)
{
    struct node *node = call->daemon->node;
    instant now = host_now(call->daemon->host);
    const char *name = rpc_text(call->params, "name");
    struct address at[RPC_ADDRESSES_MAX];
    size_t count;
    struct node_contact contact;
    enum rpc_error error = read_addresses(call, at, &count);
    if (error == RPC_FINE)
        error = call_contact(call, &contact);
    if (error != RPC_FINE)
        return error;
    if (!have_room(&contact, at, count))
        return RPC_ADDRESSES_FULL;
    enum answer answer = ANSWER_DONE;
    if (name != NULL)
        answer = node_contact_rename(node, now, contact.row.id, name);
    if (answer == ANSWER_DONE && count > 0)
        answer = node_contact_reach(node, now, contact.row.id, at, count);
    if (answer == ANSWER_DONE)
        answer = node_contact_get(node, contact.row.id, &contact);
    return answer_contact(call, answer, &contact);
}

enum rpc_error contact_remove(struct call *call)
{
    struct node_contact contact;
    enum rpc_error error = call_contact(call, &contact);
    if (error != RPC_FINE)
        return error;
    enum answer answer =
        node_contact_remove(call->daemon->node, host_now(call->daemon->host), contact.row.id);
    return answer_contact(call, answer, &contact);
}
