/* Two whole nodes and a wire without faults between them, in a folder of their own. For tests of
   the node. */
#ifndef NODE_FIXTURE_H
#define NODE_FIXTURE_H

#include "engine/node/node.h"
#include "tests/test.h"

#define START         ((instant)1763900000 * SECOND)
#define TRIP          (25 * MILLISECOND)
#define IN_FLIGHT_MAX 4096

struct side {
    char path[128];
    struct node *node;
    struct address at;
    char card[CARD_TEXT_CHARS + 1];
    int64_t contact;
    struct rng_seeded luck;
    struct rng rng;
    size_t received, delivered; /* events seen */
};

struct flying {
    struct side *to;
    struct address from;
    instant arrives;
    size_t size;
    uint8_t data[1500];
};

extern struct side alice, bob;
extern struct flying *air; /* what is under way, in the order of its arrival */
extern size_t air_count;
extern instant now;
extern char folder[64];
extern void (*overheard)(struct bytes datagram); /* NULL, or told of each that leaves */

/* Both exist under names of their own, in homes named after them. */
void begin_as(const char *alices_name, const char *bobs_name);
void begin(void);   /* as alice and bob */
void friends(void); /* and they are contacts: Alice knows where Bob is */
void end(void);     /* nothing of them stays */
struct store_place side_place(const struct side *side);
void side_start(struct side *side); /* after node_destroy, or another path */
void add(struct side *side, const struct side *other, const char *name, bool with_address);

void send_off(struct side *from); /* what it has to send is under way */
void run(duration length);
int64_t say(struct side *side, const char *text);
bool online(struct side *side);

#endif
