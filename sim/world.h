/* What the files of this room share: the world, and a person with a computer. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/map.h"
#include "sim/sim.h"

#define SIM_NAME_MAX_BYTES 24
#define SIM_MESSAGES_MAX   (1u << 20) /* messages one person says, or sees, in one story */

enum life { LIFE_AWAKE, LIFE_ASLEEP, LIFE_DEAD };

struct said {
    struct sim_node *to;
    char *text;
    int64_t row;              /* of the store, once asked for */
    enum message_state state; /* as events told it; 0: not yet */
};

struct shown { /* to the person, by an event */
    const struct sim_node *from;
    char *text;
};

struct sim_node {
    struct sim *sim;
    size_t number;
    char name[SIM_NAME_MAX_BYTES + 1];
    char card[CARD_TEXT_CHARS + 1];
    enum life life;
    struct node *engine;
    struct disk *disk;
    struct plug *plug;
    struct rng_seeded luck;
    struct rng rng;
    struct log log;
    uint8_t key[32];
    int64_t ahead;       /* its clock, of the world's; below 0: behind */
    instant fell_asleep; /* by the world's clock */
    instant deadline;    /* by the world's clock */
    uint64_t wakeups;
    bool touched; /* something happened: pull what comes out */
    enum store_trouble trouble;
    int64_t contacts[SIM_NODES_MAX]; /* rows by number; 0: a stranger */
    struct said *said;
    size_t said_count, said_room;
    size_t asked; /* of said, in this life of the node */
    size_t told;  /* of said: answered, so kept for ever */
    struct shown *shown;
    size_t shown_count, shown_room;
    struct map *said_by_row; /* what was told: its index and 1, as a pointer */
    struct map *shown_ids;
    uint64_t last_event, last_event_aside;
};

struct sim {
    const char *story;
    uint64_t seed;
    bool loud;
    instant now, born;
    struct rng_seeded luck, network_luck;
    struct rng rng, network_rng;
    struct network *network;
    struct sim_node *nodes[SIM_NODES_MAX];
    size_t node_count;
};

instant world_time_of(const struct sim_node *node, instant own); /* from its clock to ours */

/* talk.c */
void talk_ask(struct sim_node *node);    /* hands waiting words to the engine */
void talk_listen(struct sim_node *node); /* reads new events */
void talk_told(struct sim_node *node);   /* everything asked for is on disk */
void talk_forget_asking(struct sim_node *node);
bool talk_owes(struct sim_node *node);
void talk_finish(struct sim_node *node);

#endif
