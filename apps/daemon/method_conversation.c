#include "apps/daemon/inside.h"

static enum answer show_conversation(struct daemon *daemon, const struct node_contact *contact,
                                     json_t **out)
{
    struct store_chat chat;
    struct store_message last;
    enum answer answer = node_chat(daemon->node, contact->row.id, &chat);
    if (answer != ANSWER_DONE)
        return answer;
    *out = json_pack("{s:I, s:s, s:I, s:I, s:I, s:b}", "contact_id", (json_int_t)contact->row.id,
                     "contact", contact->row.name, "total", (json_int_t)chat.total, "unread",
                     (json_int_t)chat.unread, "owed", (json_int_t)chat.owed, "online",
                     contact->online);
    if (chat.last_row != 0 && node_message_get(daemon->node, chat.last_row, &last) == ANSWER_DONE)
        json_object_set_new(*out, "last", show_message(daemon, &last));
    return ANSWER_DONE;
}

/* How much of a page one conversation takes: its last message may be long. */
static size_t weight(const json_t *conversation)
{
    const char *text = rpc_text(json_object_get(conversation, "last"), "text");
    return DAEMON_ITEM_BYTES + (text == NULL ? 0 : show_text_bytes(bytes_of_text(text)));
}

enum rpc_error conversation_list(struct call *call)
{
    struct daemon *daemon = call->daemon;
    struct node_contact contact;
    int64_t at = rpc_whole(call->params, "after", 0);
    size_t limit = (size_t)rpc_whole(call->params, "limit", RPC_PAGE_MAX), bytes = 0;
    json_t *list = json_array(), *one;
    enum answer answer;
    while ((answer = node_contact_next(daemon->node, at, &contact)) == ANSWER_DONE) {
        if (json_array_size(list) >= limit || bytes > RPC_PAGE_BYTES)
            break;
        answer = show_conversation(daemon, &contact, &one);
        if (answer != ANSWER_DONE)
            break;
        bytes += weight(one);
        json_array_append_new(list, one);
        at = contact.row.id;
    }
    call->result = json_pack("{s:o, s:b}", "conversations", list, "more", answer == ANSWER_DONE);
    return answer == ANSWER_DISK ? error_of_answer(daemon, answer) : RPC_FINE;
}

enum rpc_error conversation_get(struct call *call)
{
    struct node_contact contact;
    json_t *conversation;
    enum rpc_error error = call_contact(call, &contact);
    if (error != RPC_FINE)
        return error;
    enum answer answer = show_conversation(call->daemon, &contact, &conversation);
    if (answer == ANSWER_DONE)
        call->result = json_pack("{s:o}", "conversation", conversation);
    return error_of_answer(call->daemon, answer);
}

enum rpc_error conversation_mark_read(struct call *call)
{
    struct node *node = call->daemon->node;
    struct node_contact contact;
    struct store_message until;
    enum rpc_error error = call_contact(call, &contact);
    if (error == RPC_FINE)
        error = call_message(call, "until", contact.row.id, &until);
    if (error != RPC_FINE)
        return error;
    struct store_place_in place = show_place(&until);
    enum answer answer = node_mark_read(node, host_now(call->daemon->host), contact.row.id, &place);
    return error_of_answer(call->daemon, answer);
}
