#include "engine/node/inside.h"

#include "base/mem.h"

#include <string.h>

enum answer node_message_send(struct node *node, instant now, int64_t contact, struct bytes text,
                              const char *request_key, struct store_message *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    enum answer answer = chat_write(node->chat, now, contact, text, request_key, out);
    if (answer == ANSWER_DONE)
        meet_nudge(node->meet, now, contact);
    return node_answer(node, answer);
}

enum answer node_message_find(struct node *node, const char *id, struct store_message *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, chat_message_find(node->chat, id, out));
}

enum answer node_message_get(struct node *node, int64_t row, struct store_message *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, chat_message_get(node->chat, row, out));
}

enum answer node_message_step(struct node *node, int64_t contact, const struct store_place_in *at,
                              bool backwards, bool unread, struct store_message *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, chat_message_step(node->chat, contact, at, backwards, unread, out));
}

enum answer node_mark_read(struct node *node, instant now, int64_t contact,
                           const struct store_place_in *until)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, chat_mark_read(node->chat, now, contact, until));
}

enum answer node_chat(struct node *node, int64_t contact, struct store_chat *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, chat_summary(node->chat, contact, out));
}

static void tell_attempts(const struct meet_reach *reach, struct node_why *out)
{
    _Static_assert(NODE_ATTEMPTS == MEET_ATTEMPTS, "why shows all that is remembered");
    out->attempt_count = reach->attempt_count;
    for (size_t i = 0; i < reach->attempt_count; i++)
        out->attempts[i] = (struct node_attempt){ .address = reach->attempts[i].address,
                                                  .door = reach->attempts[i].door,
                                                  .started = reach->attempts[i].started,
                                                  .ended = reach->attempts[i].ended,
                                                  .outcome = reach->attempts[i].outcome };
}

enum answer node_why(struct node *node, instant now, int64_t message, struct node_why *out)
{
    (void)now;
    struct chat_owed owed;
    struct meet_reach reach;
    struct store_contact contact;
    *out = (struct node_why){ .next_try = NEVER };
    enum answer answer = node_message_get(node, message, &out->message);
    if (answer == ANSWER_DONE)
        answer = chat_owed(node->chat, message, &owed);
    if (answer == ANSWER_DONE)
        answer = chat_contact_get(node->chat, out->message.contact, &contact);
    if (answer != ANSWER_DONE)
        return node_answer(node, answer);
    meet_look(node->meet, contact.id, &reach);
    out->owed = owed.owed;
    out->sent = owed.sent;
    out->ahead = owed.ahead;
    out->online = reach.up;
    out->last_seen = contact.last_seen;
    wipe(&contact, sizeof contact);
    out->next_try = reach.next_try;
    out->address_count = reach.at_count;
    out->told = reach.places.told;
    out->told_on = reach.places.told_on;
    out->looked = reach.places.looked;
    out->heard = reach.places.heard;
    out->our_ports_change = reach.places.ours_change;
    out->their_ports_change = reach.places.theirs_change;
    tell_attempts(&reach, out);
    return ANSWER_DONE;
}

void node_message_name(char out[MESSAGE_NAME_CHARS + 1], const uint8_t id[MESSAGE_ID_BYTES])
{
    chat_message_name(out, id);
}
