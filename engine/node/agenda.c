/* The one list of deadlines: whoever has something to do later is asked when. */
#include "engine/node/inside.h"

instant agenda_next(const struct node *node)
{
    instant next = earlier(swarm_deadline(node), node->call_neighbours);
    if (node->links == NULL)
        return next;
    next = earlier(next, links_deadline(node->links));
    next = earlier(next, meet_deadline(node->meet));
    return earlier(next, chat_deadline(node->chat));
}
