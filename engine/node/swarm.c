/* The DHT inside a node: how it comes back into the network after a restart. */
#include "engine/node/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

static_assert(DHT_SAVED_MAX_BYTES <= STORE_NODES_MAX_BYTES, "the store keeps what the DHT saves");

#define KEEP_FIRST (2 * MINUTE) /* soon after the start: a crash must not cost the way back */
#define KEEP_EVERY (30 * MINUTE)

static void restore(struct node *node, instant now)
{
    uint8_t saved[STORE_NODES_MAX_BYTES];
    size_t size;
    enum fault fault = store_nodes_get(node->store, saved, &size);
    node_note(node, fault);
    /* What no version of ours can read is as good as nothing: others lead back as well. */
    if (fault == FAULT_NONE &&
        dht_restore(node->dht, now, (struct bytes){ saved, size }) != FAULT_NONE)
        log_line(node->log, LOG_WARN, "dht", "the saved nodes are not readable");
}

/* Contacts may well run a node where they were last. */
static void try_contacts(struct node *node, instant now)
{
    struct store_contact contact;
    struct meet_reach reach;
    struct address all[STORE_ADDRESSES_MAX];
    for (int64_t id = 0; chat_contact_next(node->chat, id, &contact) == ANSWER_DONE;
         id = contact.id) {
        meet_look(node->meet, contact.id, &reach);
        for (size_t i = 0; i < reach.at_count; i++)
            all[i] = reach.at[i].address;
        dht_try(node->dht, now, DHT_FROM_PEOPLE, all, reach.at_count);
    }
    wipe(&contact, sizeof contact);
}

void swarm_wake(struct node *node, instant now)
{
    if (node->settings.no_dht)
        return;
    node->dht = dht_create(&node->settings.dht, now, node->rng, node->log);
    node->keep_nodes = now + KEEP_FIRST;
    if (node->store == NULL)
        return;
    restore(node, now);
    try_contacts(node, now);
    swarm_tell_self(node, now);
}

void swarm_keep(struct node *node, instant now)
{
    uint8_t saved[DHT_SAVED_MAX_BYTES];
    struct dht_status status;
    if (node->dht == NULL || node->store == NULL || node->trouble != STORE_FINE)
        return;
    /* Who meets nobody keeps what led him in the last time. */
    dht_look(node->dht, now, &status);
    if (status.ipv4.good + status.ipv6.good == 0)
        return;
    size_t size = dht_save(node->dht, saved);
    node_note(node, store_nodes_put(node->store, (struct bytes){ saved, size }));
}

static size_t add(struct address *at, size_t count, const struct address *one)
{
    for (size_t i = 0; i < count; i++)
        if (address_equal(&at[i], one))
            return count;
    if (one->port == 0 || count == WISH_ADDRESSES)
        return count;
    at[count] = *one;
    return count + 1;
}

/* What others see of us is likeliest to be of use to others. */
void swarm_tell_self(struct node *node, instant now)
{
    struct address at[WISH_ADDRESSES];
    struct dht_status status = { 0 };
    size_t count = 0;
    if (node->meet == NULL)
        return;
    if (node->dht != NULL)
        dht_look(node->dht, now, &status);
    count = add(at, count, &status.ipv6.self);
    count = add(at, count, &status.ipv4.self);
    for (size_t i = 0; i < node->local_count; i++)
        count = add(at, count, &node->local[i]);
    meet_self(node->meet, now, at, count, status.ipv4.ports_change);
}

static bool is_local(const struct node *node, const struct address *at)
{
    for (size_t i = 0; i < node->local_count; i++)
        if (memcmp(node->local[i].ip, at->ip, sizeof at->ip) == 0)
            return true;
    return false;
}

enum node_router swarm_router(const struct node *node, instant now)
{
    struct dht_status status = { 0 };
    if (node->dht != NULL)
        dht_look(node->dht, now, &status);
    const struct address *self = &status.ipv4.self;
    if (self->port == 0)
        return status.ipv6.self.port != 0 && is_local(node, &status.ipv6.self) ? ROUTER_NONE
                                                                               : ROUTER_UNKNOWN;
    if (is_local(node, self))
        return ROUTER_NONE;
    return status.ipv4.ports_change ? ROUTER_CHANGING : ROUTER_STEADY;
}

void node_listens(struct node *node, instant now, const struct address *at, size_t count)
{
    node->local_count = count < NODE_LISTENS_MAX ? count : NODE_LISTENS_MAX;
    memcpy(node->local, at, node->local_count * sizeof *at);
    swarm_tell_self(node, now);
    neighbours_call(node, now);
}

void swarm_advance(struct node *node, instant now)
{
    if (node->dht == NULL)
        return;
    if (dht_deadline(node->dht) <= now)
        dht_advance(node->dht, now);
    if (node->keep_nodes > now)
        return;
    swarm_keep(node, now);
    node->keep_nodes = now + KEEP_EVERY;
}

instant swarm_deadline(const struct node *node)
{
    if (node->dht == NULL)
        return NEVER;
    return node->store == NULL ? dht_deadline(node->dht)
                               : earlier(dht_deadline(node->dht), node->keep_nodes);
}
