#include "engine/node/inside.h"

enum answer node_status(struct node *node, struct node_status *out)
{
    *out = (struct node_status){ 0 };
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    out->contacts = chat_contact_count(node->chat);
    out->owed = chat_owed_count(node->chat, 0);
    out->links = links_count(node->links);
    out->unreadable = chat_unreadable(node->chat);
    meet_count(node->meet, &out->online, &out->dialling);
    chat_event_range(node->chat, &out->oldest_event, &out->newest_event);
    return ANSWER_DONE;
}

void node_health(const struct node *node, instant now, struct node_health *out)
{
    *out = (struct node_health){ .router = swarm_router(node, now),
                                 .nearby = neighbours_count(node, now) };
    if (node->meet != NULL)
        meet_clock(node->meet, &out->clock);
}

enum answer node_event_after(struct node *node, uint64_t since, struct store_event *out)
{
    if (node->chat == NULL)
        return ANSWER_NO_EVENT;
    return node_answer(node, chat_event_after(node->chat, since, out));
}

enum answer node_consumer_set(struct node *node, const char *name, uint64_t seq)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, chat_consumer_set(node->chat, name, seq));
}

enum answer node_consumer_get(struct node *node, const char *name, uint64_t *seq)
{
    if (node->chat == NULL)
        return ANSWER_NO_IDENTITY;
    return node_answer(node, chat_consumer_get(node->chat, name, seq));
}
