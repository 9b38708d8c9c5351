#include "engine/node/inside.h"

#include "base/mem.h"

#include <string.h>

static enum answer describe(struct node *node, struct node_contact *out)
{
    struct meet_reach reach;
    struct link_state link;
    struct call *call = NULL;
    meet_look(node->meet, out->row.id, &reach);
    out->online = reach.up;
    out->dialling = reach.dialling;
    out->online_at = reach.up_at;
    out->rtt = 0;
    out->at_count = reach.at_count;
    memcpy(out->at, reach.at, sizeof out->at);
    size_t at = 0;
    while (reach.up && (call = map_each(node->calls, &at)) != NULL)
        if (call->up && call->contact == out->row.id)
            break;
    if (call != NULL && links_look(node->links, call->link, &link))
        out->rtt = link.rtt;
    wipe(out->row.pair, sizeof out->row.pair); /* for sessions alone */
    return chat_safety(node->chat, out->row.id, &out->safety);
}

static enum answer described(struct node *node, enum answer answer, struct node_contact *out)
{
    return node_answer(node, answer == ANSWER_DONE ? describe(node, out) : answer);
}

enum answer node_contact_add(struct node *node, instant now, const char *card, const char *name,
                             const struct address *at, size_t at_count, struct node_contact *out)
{
    struct card theirs;
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    if (card_read(&theirs, card) != FAULT_NONE)
        return ANSWER_BAD_CARD;
    if (at_count > STORE_ADDRESSES_MAX)
        return ANSWER_ADDRESSES_FULL;
    enum answer answer = chat_contact_add(node->chat, now, &theirs, name, &out->row);
    if (answer == ANSWER_DONE) {
        links_admit_account(node->links, theirs.account, 0);
        answer = meet_contact_add(node->meet, now, out->row.id, at, at_count);
    }
    wipe(&theirs, sizeof theirs);
    return described(node, answer, out);
}

enum answer node_contact_find(struct node *node, const char *who, struct node_contact *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return described(node, chat_contact_find(node->chat, who, &out->row), out);
}

enum answer node_contact_get(struct node *node, int64_t contact, struct node_contact *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return described(node, chat_contact_get(node->chat, contact, &out->row), out);
}

enum answer node_contact_next(struct node *node, int64_t after, struct node_contact *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return described(node, chat_contact_next(node->chat, after, &out->row), out);
}

enum answer node_contact_rename(struct node *node, instant now, int64_t contact, const char *name)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, chat_contact_rename(node->chat, now, contact, name));
}

enum answer node_contact_reach(struct node *node, instant now, int64_t contact,
                               const struct address *at, size_t at_count)
{
    struct node_contact known;
    enum answer answer = node_contact_get(node, contact, &known);
    size_t fixed = at_count;
    for (size_t i = 0; answer == ANSWER_DONE && i < known.at_count; i++) {
        fixed += known.at[i].fixed;
        for (size_t j = 0; j < at_count; j++)
            fixed -= known.at[i].fixed && address_equal(&known.at[i].address, &at[j]);
    }
    if (answer == ANSWER_DONE && fixed > STORE_ADDRESSES_MAX)
        return ANSWER_ADDRESSES_FULL; /* before anything changes */
    if (answer == ANSWER_DONE)
        answer = meet_contact_add(node->meet, now, contact, at, at_count);
    return node_answer(node, answer);
}

enum answer node_contact_remove(struct node *node, instant now, int64_t contact)
{
    struct store_contact row;
    struct store_device device;
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    enum answer answer = chat_contact_get(node->chat, contact, &row);
    if (answer != ANSWER_DONE)
        return node_answer(node, answer);
    links_refuse_account(node->links, row.account);
    wipe(&row, sizeof row);
    for (int64_t at = 0; chat_device_next(node->chat, at, &device) == ANSWER_DONE; at = device.id)
        if (device.contact == contact)
            links_refuse_device(node->links, device.device);
    meet_contact_remove(node->meet, now, contact);
    return node_answer(node, chat_contact_remove(node->chat, now, contact));
}

enum answer node_contact_number(struct node *node, int64_t contact, char out[SAFETY_DIGITS + 1])
{
    return node->chat == NULL ? ANSWER_NO_IDENTITY
                              : node_answer(node, chat_number(node->chat, contact, out));
}

enum answer node_contact_judge(struct node *node, instant now, int64_t contact, bool matches)
{
    return node->chat == NULL ? ANSWER_NO_IDENTITY
                              : node_answer(node, chat_judge(node->chat, now, contact, matches));
}
