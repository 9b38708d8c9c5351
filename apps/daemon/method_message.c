#include "apps/daemon/inside.h"

#include "base/mem.h"

#include <string.h>

struct store_place_in show_place(const struct store_message *message)
{
    struct store_place_in place = { .height = message->height };
    memcpy(place.id, message->id, sizeof place.id);
    return place;
}

/* contact 0: of anybody. */
enum rpc_error call_message(struct call *call, const char *param, int64_t contact,
                            struct store_message *out)
{
    enum answer answer = node_message_find(call->daemon->node, rpc_text(call->params, param), out);
    if (answer == ANSWER_DONE && contact != 0 && out->contact != contact)
        answer = ANSWER_NO_MESSAGE;
    return error_of_answer(call->daemon, answer);
}

static enum rpc_error answer_message(struct call *call, const struct store_message *message)
{
    call->result = json_pack("{s:o}", "message", show_message(call->daemon, message));
    return RPC_FINE;
}

enum rpc_error message_send(struct call *call)
{
    struct daemon *daemon = call->daemon;
    struct node_contact contact;
    struct store_message message;
    enum rpc_error error = call_contact(call, &contact);
    if (error != RPC_FINE)
        return error;
    enum answer answer = node_message_send(daemon->node, host_now(daemon->host), contact.row.id,
                                           bytes_of_text(rpc_text(call->params, "text")),
                                           rpc_text(call->params, "request_key"), &message);
    return answer == ANSWER_DONE ? answer_message(call, &message) : error_of_answer(daemon, answer);
}

enum rpc_error message_get(struct call *call)
{
    struct store_message message;
    enum rpc_error error = call_message(call, "id", 0, &message);
    return error == RPC_FINE ? answer_message(call, &message) : error;
}

/* --- a page of a conversation ----------------------------------------------------------------- */

struct page {
    int64_t contact;
    bool backwards, unread, from_place;
    struct store_place_in place;
    size_t limit;
};

static enum rpc_error read_page(struct call *call, struct page *page)
{
    struct node_contact contact;
    struct store_message at;
    bool has_after = rpc_text(call->params, "after") != NULL;
    bool has_before = rpc_text(call->params, "before") != NULL;
    enum rpc_error error = call_contact(call, &contact);
    if (error != RPC_FINE)
        return error;
    if (has_after + has_before + rpc_flag(call->params, "oldest") > 1) {
        call->sentence = "\"after\", \"before\" and \"oldest\" exclude each other";
        return RPC_BAD_PARAMS;
    }
    page->contact = contact.row.id;
    page->unread = rpc_flag(call->params, "unread");
    page->backwards = !has_after && !rpc_flag(call->params, "oldest");
    page->limit = (size_t)rpc_whole(call->params, "limit", RPC_PAGE_MAX);
    page->from_place = has_after || has_before;
    if (!page->from_place)
        return RPC_FINE;
    error = call_message(call, has_after ? "after" : "before", page->contact, &at);
    if (error == RPC_FINE)
        page->place = show_place(&at);
    return error;
}

/* Whichever way it is read, a page is told in the conversation's order. */
static void add(json_t *messages, json_t *message, bool in_front)
{
    if (in_front)
        json_array_insert_new(messages, 0, message);
    else
        json_array_append_new(messages, message);
}

enum rpc_error message_list(struct call *call)
{
    struct daemon *daemon = call->daemon;
    struct page page = { 0 };
    struct store_message message;
    size_t bytes = 0;
    enum rpc_error error = read_page(call, &page);
    if (error != RPC_FINE)
        return error;
    json_t *messages = json_array();
    enum answer answer;
    while ((answer =
                node_message_step(daemon->node, page.contact, page.from_place ? &page.place : NULL,
                                  page.backwards, page.unread, &message)) == ANSWER_DONE) {
        if (json_array_size(messages) >= page.limit || bytes > RPC_PAGE_BYTES)
            break;
        bytes += DAEMON_ITEM_BYTES + show_text_bytes(message.text);
        page.place = show_place(&message);
        page.from_place = true;
        add(messages, show_message(daemon, &message), page.backwards);
    }
    call->result = json_pack("{s:o, s:b}", "messages", messages, "more", answer == ANSWER_DONE);
    return answer == ANSWER_DISK ? error_of_answer(daemon, answer) : RPC_FINE;
}

/* --- why -------------------------------------------------------------------------------------- */

static json_t *show_attempts(const struct node_why *why)
{
    json_t *attempts = json_array();
    for (size_t i = 0; i < why->attempt_count; i++) {
        const struct node_attempt *attempt = &why->attempts[i];
        json_t *one = json_pack("{s:o, s:b, s:o}", "address", show_address(&attempt->address),
                                "door", attempt->door, "started", show_time(attempt->started));
        show_time_unless(one, "ended", attempt->ended, 0);
        if (attempt->outcome != NULL)
            json_object_set_new(one, "outcome", json_string(attempt->outcome));
        json_array_append_new(attempts, one);
    }
    return attempts;
}

static json_t *show_why(struct daemon *daemon, const struct node_why *why)
{
    bool owed = why->owed.row != 0;
    json_t *shown = json_pack(
        "{s:o, s:b, s:b, s:b, s:I, s:I, s:o}", "message", show_message(daemon, &why->message),
        "owed", owed, "online", why->online, "sent", why->sent, "ahead", (json_int_t)why->ahead,
        "addresses", (json_int_t)why->address_count, "attempts", show_attempts(why));
    if (owed)
        json_object_set_new(shown, "expires", show_time(why->owed.expires));
    show_time_unless(shown, "last_seen", why->last_seen, 0);
    show_time_unless(shown, "next_try", why->next_try, NEVER);
    show_time_unless(shown, "told", why->told, 0);
    if (why->told != 0)
        json_object_set_new(shown, "told_on", json_integer((json_int_t)why->told_on));
    show_time_unless(shown, "looked", why->looked, 0);
    show_time_unless(shown, "heard", why->heard, 0);
    json_object_set_new(shown, "our_ports_change", json_boolean(why->our_ports_change));
    json_object_set_new(shown, "their_ports_change", json_boolean(why->their_ports_change));
    return shown;
}

enum rpc_error message_why(struct call *call)
{
    struct daemon *daemon = call->daemon;
    struct store_message message;
    enum rpc_error error = call_message(call, "id", 0, &message);
    if (error != RPC_FINE)
        return error;
    struct node_why *why = mem_zeroed(1, sizeof *why);
    enum answer answer = node_why(daemon->node, host_now(daemon->host), message.row, why);
    if (answer == ANSWER_DONE)
        call->result = show_why(daemon, why);
    mem_free(why);
    return error_of_answer(daemon, answer);
}
