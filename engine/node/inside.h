/* The inside of node, shared by its files only. */
#ifndef NODE_INSIDE_H
#define NODE_INSIDE_H

#include "base/list.h"
#include "base/map.h"
#include "engine/chat/chat.h"
#include "engine/dht/dht.h"
#include "engine/link/link.h"
#include "engine/meet/meet.h"
#include "engine/node/node.h"

#define NEIGHBOURS_MAX 64 /* remembered as heard */

/* One link or dial, and whom it is for. */
struct call {
    link_id link;
    int64_t contact, device; /* device 0: not known yet */
    bool door, up;
    bool answered; /* the door opened: its end is no news */
};

struct node {
    struct store *store;
    struct chat *chat; /* NULL while there is no identity; so are the next two */
    struct meet *meet;
    struct links *links;
    struct dht *dht;    /* NULL: none runs */
    instant keep_nodes; /* when the way back into the DHT is next written down */
    struct rng *rng;
    struct log *log;
    struct node_settings settings;
    enum store_trouble trouble;
    struct map *calls;                      /* by link */
    struct map *current;                    /* by device: its call that is up */
    struct list errands;                    /* wishes that the DHT carries out */
    struct address local[NODE_LISTENS_MAX]; /* where our network says we are */
    size_t local_count;
    struct neighbour {
        struct address at;
        instant heard; /* 0: nobody */
    } neighbours[NEIGHBOURS_MAX];
    instant call_neighbours, called_neighbours; /* when we call next; when we called last */
    char call[DHT_NEARBY_MAX_BYTES];
    uint8_t held[CHAT_LINK_KEYS][KEY_BYTES]; /* public link keys that links hold for us */
    size_t held_count;
    uint64_t told; /* events given out so far */
};

/* The node is out of order: nothing more leaves it. Returns FAULT_DISK for the caller to pass on.
 */
enum fault node_stop(struct node *node);
/* Passes FAULT_NONE; FAULT_DISK stops the node. */
void node_note(struct node *node, enum fault fault);
enum answer node_answer(struct node *node, enum answer answer); /* the same for answers */

/* Opens links, chat and meet for the identity in the store. */
void node_wake(struct node *node, instant now);

/* Gives links what chat has: our link keys and record, and what is shared with a device. */
void node_hold_keys(struct node *node, instant now);
void node_share_psks(struct node *node, const struct store_device *device);

/* wishes.c */
void wishes_carry(struct node *node, instant now);  /* from rooms to links */
void wishes_digest(struct node *node, instant now); /* from links to rooms */
void calls_clear(struct node *node);

/* errands.c */
void errands_unwatch(struct node *node, uint64_t wish);
void errands_carry(struct node *node, instant now, const struct wish *wish); /* PUT and GET */
/* False: it is none of theirs. */
bool errands_take(struct node *node, instant now, const struct dht_event *event);
void errands_clear(struct node *node);

/* neighbours.c */
void neighbours_call(struct node *node, instant now);          /* soon */
size_t neighbours_count(const struct node *node, instant now); /* heard lately */
bool neighbours_next(struct node *node, instant now, struct datagrams *out);

/* route.c */
bool route_is_of_dht(struct bytes datagram);

/* swarm.c: the DHT, and its nodes in the store */
void swarm_wake(struct node *node, instant now);
void swarm_advance(struct node *node, instant now);
void swarm_keep(struct node *node, instant now);
void swarm_tell_self(struct node *node, instant now); /* where we are, to meet */
enum node_router swarm_router(const struct node *node, instant now);
instant swarm_deadline(const struct node *node);

/* agenda.c */
instant agenda_next(const struct node *node);

#endif
