/* Who else is on our network: we call, and hear others call; each is tried as a node of the DHT. So
   two meet where there is no way out: then they are the whole DHT for each other. */
#include "engine/node/inside.h"

#define CALL_WITHIN (100 * MILLISECOND) /* not all at once when the power is back */
#define CALL_EVERY  (5 * MINUTE)        /* BEP 14 */
#define CALL_PAUSE  (1 * SECOND)        /* between two calls of ours */
#define KNOWN_FOR   (1 * MINUTE)        /* so long nobody is answered anew */

struct address node_nearby_group(void)
{
    return dht_nearby_group();
}

void neighbours_call(struct node *node, instant now)
{
    if (node->dht == NULL || node->store == NULL || node->settings.no_nearby ||
        node->local_count == 0)
        return;
    instant soon = now + rng_below(node->rng, CALL_WITHIN);
    node->call_neighbours = later(soon, node->called_neighbours + CALL_PAUSE);
}

/* Anything may come to that port; what is no call is dropped, lest it be a second way in. */
void node_hear_nearby(struct node *node, instant now, const struct address *from,
                      struct bytes datagram)
{
    struct address at;
    if (node->dht == NULL || node->settings.no_nearby || !dht_nearby_read(from, datagram, &at) ||
        at.port == 0)
        return;
    struct neighbour *oldest = &node->neighbours[0];
    for (size_t i = 0; i < COUNT(node->neighbours); i++) {
        struct neighbour *known = &node->neighbours[i];
        if (address_equal(&known->at, &at) && now < known->heard + KNOWN_FOR)
            return;
        if (known->heard < oldest->heard)
            oldest = known;
    }
    if (oldest->heard != 0 && now < oldest->heard + KNOWN_FOR)
        return; /* a flood: its addresses would stand in the way of those that answer */
    *oldest = (struct neighbour){ .at = at, .heard = now };
    dht_try(node->dht, now, DHT_FROM_PEOPLE, &at, 1);
    neighbours_call(node, now); /* or a newcomer waits for us for minutes */
}

size_t neighbours_count(const struct node *node, instant now)
{
    size_t count = 0;
    for (size_t i = 0; i < COUNT(node->neighbours); i++)
        count += node->neighbours[i].heard != 0 && now < node->neighbours[i].heard + 2 * CALL_EVERY;
    return count;
}

bool neighbours_next(struct node *node, instant now, struct datagrams *out)
{
    if (node->call_neighbours > now)
        return false;
    node->call_neighbours = now + CALL_EVERY;
    node->called_neighbours = now;
    size_t size = dht_nearby_call(node->call, node->local[0].port, node->rng);
    *out = (struct datagrams){ dht_nearby_group(), { (uint8_t *)node->call, size }, size };
    return true;
}
