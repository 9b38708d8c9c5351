/* The nodes that one search knows of, the closest first, and how much each of them counts. Other
   people name most of them, so that most is done here against lies. Inside of lookup.h only. */
#ifndef DHT_POOL_H
#define DHT_POOL_H

#include "engine/dht/lookup.h"

#define POOL_MOST 160

/* On the way; around a crowded place; what the search is for. */
enum stage { ROUTE, AROUND, FINAL, STAGES };
enum state { FRESH, ASKED, SLOW, ANSWERED, FAILED };

struct candidate {
    struct dht_node node;
    uint64_t block; /* of its address; 0: it stands for itself */
    uint8_t state[STAGES];
    uint8_t items; /* enum speaks */
    bool too_close, unfit;
    uint8_t round;
    uint8_t token_size;
    uint8_t token[KRPC_TOKEN_MAX];
};

struct pool {
    struct candidate *slots;  /* a candidate stays where it is: questions name it by that */
    uint8_t order[POOL_MOST]; /* the slots, closest first */
    size_t count, room;
    unsigned too_close, unfit; /* of those kept */
    struct dht_id target;
    bool strict;                     /* struct lookup_settings says what these are */
    const struct estimate *estimate; /* borrowed */
};

void pool_start(struct pool *pool, const struct lookup_settings *settings);
void pool_finish(struct pool *pool);

/* NULL: it is known already, too many like it are, or all places are taken by closer ones. */
struct candidate *pool_add(struct pool *pool, const struct dht_node *node, unsigned round);
/* Somebody told us of an honest node under a false id, so that it would be lost to us: it is found
   under its own. False: it claims to be closer than was said, which only a liar gains by. */
bool pool_rename(struct pool *pool, size_t slot, const struct dht_id *id);

static inline struct candidate *pool_at(const struct pool *pool, size_t rank)
{
    return &pool->slots[pool->order[rank]];
}

static inline bool candidate_was_asked(const struct candidate *candidate)
{
    return candidate->state[ROUTE] != FRESH || candidate->state[FINAL] != FRESH;
}

static inline bool candidate_has_answered(const struct candidate *candidate)
{
    return candidate->state[ROUTE] == ANSWERED || candidate->state[FINAL] == ANSWERED;
}

static inline bool candidate_is_lost(const struct candidate *candidate)
{
    return candidate_was_asked(candidate) && !candidate_has_answered(candidate) &&
           candidate->state[ROUTE] != ASKED && candidate->state[FINAL] != ASKED;
}

/* They are asked some, for they may hold what is sought, but nothing waits for them. */
static inline bool candidate_is_doubtful(const struct candidate *candidate)
{
    return candidate->too_close || candidate->unfit;
}

/* One party may hold a whole block; it has one voice. Whoever is told of first has it while he is
   asked: silent neighbours that somebody made up cannot keep an honest node from being asked. */
bool pool_is_unheard(const struct pool *pool, const struct candidate *candidate);

/* Those that counted so far in a walk that begins at the closest. */
struct tally {
    const struct candidate *last;
    size_t fit, unfit;
};
bool pool_counts(const struct pool *pool, const struct candidate *candidate, struct tally *tally);

#endif
