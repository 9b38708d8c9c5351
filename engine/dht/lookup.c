/* One search. Every candidate may be asked in up to three stages: on the way (ROUTE), around a
   crowded place (AROUND), and what the search is for (FINAL).

   Where everybody answers what the search is for, there is only the last stage. Items, and targets
   that are to be hidden, are approached by find_node first: many do not answer `get`, and who is
   asked on the way needs not know the target. */
#include "engine/dht/lookup.h"

#include "base/mem.h"

#include <string.h>

#define POOL_MOST        160
#define POOL_FIRST       24
#define ASKS_MOST        300 /* a liar's company ends here */
#define ASKED_MOST       96  /* slow ones included: liars name many that will never answer */
#define CLOSEST          8   /* k: that many have answered, and nobody closer is left to ask */
#define AROUND_MOST      16
#define AROUND_RANK      20 /* wide: as far as the so many'th is to be expected */
#define NODES_PER_ANSWER 32 /* some give 20 */
#define TOO_CLOSE        64 /* times closer to the target than the closest is to be expected */
#define TOO_CLOSE_ASKED  4
#define TOO_CLOSE_KEPT   16
#define HIDDEN_BITS      3 /* told to a node beyond what its own id shares with the target */

enum stage { ROUTE, AROUND, FINAL, STAGES };
enum state { FRESH, ASKED, SLOW, ANSWERED, FAILED };

struct candidate {
    struct dht_node node;
    uint64_t block; /* of its address; 0: it stands for itself */
    uint8_t state[STAGES];
    uint8_t items; /* enum speaks */
    bool too_close;
    uint8_t round;
    uint8_t token_size;
    uint8_t token[KRPC_TOKEN_MAX];
};

struct lookup {
    struct lookup_settings settings;
    struct rng *rng;
    struct candidate *pool;   /* a candidate stays where it is: questions name it by that */
    uint8_t order[POOL_MOST]; /* the pool, closest first */
    size_t count, room;
    unsigned asks, asked, slow, around; /* in all; now; now; in all */
    unsigned too_close, too_close_asks; /* kept; in all */
    unsigned rounds;
    bool two_stages, judged, crowded;
};

/* --- candidates ----------------------------------------------------------------------------------
 */

struct lookup *lookup_create(const struct lookup_settings *settings, struct rng *rng)
{
    struct lookup *lookup = mem_zeroed(1, sizeof *lookup);
    lookup->settings = *settings;
    lookup->rng = rng;
    lookup->two_stages = settings->hidden || settings->method == KRPC_GET;
    return lookup;
}

void lookup_destroy(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    mem_free(lookup->pool);
    mem_free(lookup);
}

static struct candidate *at_rank(const struct lookup *lookup, size_t rank)
{
    return &lookup->pool[lookup->order[rank]];
}

static bool was_asked(const struct candidate *candidate)
{
    return candidate->state[ROUTE] != FRESH || candidate->state[FINAL] != FRESH;
}

static bool has_answered(const struct candidate *candidate)
{
    return candidate->state[ROUTE] == ANSWERED || candidate->state[FINAL] == ANSWERED;
}

static bool is_lost(const struct candidate *candidate)
{
    return was_asked(candidate) && !has_answered(candidate) && candidate->state[ROUTE] != ASKED &&
           candidate->state[FINAL] != ASKED;
}

/* Addresses in a local network stand for themselves. */
static uint64_t block_of(const struct address *at)
{
    uint64_t block;
    if (id_exempt(at))
        return 0;
    if (!address_is_ipv4(at)) {
        memcpy(&block, at->ip, sizeof block);
        return block;
    }
    return (uint64_t)at->ip[12] << 16 | (uint64_t)at->ip[13] << 8 | at->ip[14];
}

/* One party may hold a whole block; it has one voice. Whoever is told of first has it while he is
   asked: silent neighbours that somebody made up cannot keep an honest node from being asked. */
static bool has_no_voice(const struct lookup *lookup, const struct candidate *candidate)
{
    if (candidate->block == 0 || was_asked(candidate))
        return false;
    for (size_t i = 0; i < lookup->count; i++) {
        const struct candidate *other = &lookup->pool[i];
        if (other->block == candidate->block && was_asked(other) && !is_lost(other))
            return true;
    }
    return false;
}

/* Known already; or known under two other ids, one of which at least is a lie. */
static bool is_known(const struct lookup *lookup, const struct dht_node *node)
{
    size_t there = 0;
    for (size_t i = 0; i < lookup->count; i++) {
        const struct dht_node *other = &lookup->pool[i].node;
        if (!address_equal(&other->at, &node->at))
            continue;
        if (id_equal(&other->id, &node->id) || ++there == 2)
            return true;
    }
    return false;
}

static size_t rank_of(const struct lookup *lookup, const struct dht_id *id)
{
    size_t low = 0, high = lookup->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (id_closer(&lookup->settings.target, &at_rank(lookup, middle)->node.id, id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Closer to each other than luck would have it. */
static bool are_too_close(const struct lookup *lookup, const struct dht_id *a,
                          const struct dht_id *b)
{
    double nodes = estimate_nodes(lookup->settings.estimate);
    return nodes > 0 && id_distance(a, b) * nodes * TOO_CLOSE < 1;
}

/* Ids so close are made up, and accomplices', nearly always: among honest nodes one search in
   TOO_CLOSE meets one. Some are asked, so that such a one is found; but they neither end a search
   nor drive anybody out of it. */
static bool is_too_close(const struct lookup *lookup, const struct dht_id *id)
{
    return are_too_close(lookup, &lookup->settings.target, id);
}

/* So is a crowd at another place that is next to this one by chance: who is as close to the last
   one that counted adds nothing to it. Advances *last. */
static bool counts(const struct lookup *lookup, const struct candidate *candidate,
                   const struct candidate **last)
{
    if (candidate->too_close ||
        (*last != NULL && are_too_close(lookup, &(*last)->node.id, &candidate->node.id)))
        return false;
    *last = candidate;
    return true;
}

/* The farthest that was never asked makes room. SIZE_MAX: there is none, or it is closer. */
static size_t slot_for(struct lookup *lookup, size_t rank)
{
    if (lookup->count < POOL_MOST)
        return lookup->count;
    for (size_t last = lookup->count; last-- > rank;)
        if (!was_asked(at_rank(lookup, last))) {
            size_t slot = lookup->order[last];
            lookup->too_close -= lookup->pool[slot].too_close;
            memmove(lookup->order + last, lookup->order + last + 1, lookup->count - last - 1);
            lookup->count--;
            return slot;
        }
    return SIZE_MAX;
}

static struct candidate *insert(struct lookup *lookup, const struct dht_node *node, unsigned round)
{
    size_t rank = rank_of(lookup, &node->id);
    bool too_close = is_too_close(lookup, &node->id);
    if (too_close && lookup->too_close == TOO_CLOSE_KEPT)
        return NULL;
    size_t slot = slot_for(lookup, rank);
    if (slot == SIZE_MAX)
        return NULL;
    lookup->too_close += too_close;
    if (slot >= lookup->room) {
        lookup->room = lookup->room == 0 ? POOL_FIRST : 2 * lookup->room;
        lookup->pool = mem_resized(lookup->pool, lookup->room, sizeof *lookup->pool);
    }
    memmove(lookup->order + rank + 1, lookup->order + rank, lookup->count - rank);
    lookup->order[rank] = (uint8_t)slot;
    lookup->count++;
    lookup->pool[slot] =
        (struct candidate){ .node = *node,
                            .block = block_of(&node->at),
                            .too_close = too_close,
                            .round = (uint8_t)(round < UINT8_MAX ? round : UINT8_MAX) };
    return &lookup->pool[slot];
}

void lookup_add(struct lookup *lookup, const struct dht_node *node, enum speaks items)
{
    if (is_known(lookup, node))
        return;
    struct candidate *candidate = insert(lookup, node, 1);
    if (candidate != NULL)
        candidate->items = (uint8_t)items;
}

/* --- what is to be asked -------------------------------------------------------------------------
 */

/* What a walk through one stage, the closest first, comes to. */
struct walk {
    size_t next; /* rank of the first to be asked; SIZE_MAX: none */
    bool open;   /* some are asked, or to be asked, so that it is not over */
};

static struct walk nothing(void)
{
    return (struct walk){ .next = SIZE_MAX };
}

/* It ends with the first to be asked: every answer has all searches walk, and whether a candidate
   has a voice is found out by a look at all others. */
static bool goes_on(const struct lookup *lookup, size_t rank, const struct walk *walk)
{
    return rank < lookup->count && walk->next == SIZE_MAX;
}

static void to_be_asked(struct walk *walk, size_t rank)
{
    walk->open = true;
    walk->next = rank;
}

static bool may_be_asked_more(const struct lookup *lookup, const struct candidate *candidate)
{
    return !candidate->too_close || lookup->too_close_asks < TOO_CLOSE_ASKED;
}

/* On the way: until the CLOSEST that live have answered, and nobody closer is left. */
static struct walk walk_route(const struct lookup *lookup)
{
    struct walk walk = nothing();
    const struct candidate *last = NULL;
    size_t answered = 0;
    for (size_t rank = 0; goes_on(lookup, rank, &walk) && answered < CLOSEST; rank++) {
        const struct candidate *candidate = at_rank(lookup, rank);
        if (has_answered(candidate))
            answered += counts(lookup, candidate, &last);
        else if (is_lost(candidate))
            continue;
        else if (was_asked(candidate))
            walk.open = true;
        else if (!has_no_voice(lookup, candidate) && may_be_asked_more(lookup, candidate))
            to_be_asked(&walk, rank);
    }
    return walk;
}

static struct walk walk_around(const struct lookup *lookup)
{
    struct walk walk = nothing();
    for (size_t rank = 0; goes_on(lookup, rank, &walk); rank++) {
        const struct candidate *candidate = at_rank(lookup, rank);
        if (candidate->state[AROUND] == ASKED)
            walk.open = true;
        else if (candidate->state[AROUND] == FRESH && has_answered(candidate) &&
                 lookup->around < AROUND_MOST)
            to_be_asked(&walk, rank);
    }
    return walk;
}

/* As far from the target as the last stage goes, in candidates that gave what was asked for. */
static size_t wanted(const struct lookup *lookup)
{
    if (lookup->crowded)
        return LOOKUP_WIDE;
    size_t most = lookup->settings.store_on > lookup->settings.at_least ? lookup->settings.store_on
                                                                        : lookup->settings.at_least;
    return most > CLOSEST ? most : CLOSEST;
}

/* In space. */
static double reach(const struct lookup *lookup)
{
    return lookup->crowded ? estimate_reach(lookup->settings.estimate, AROUND_RANK) : 1;
}

/* Those who do not speak BEP 44, or are silent, are made up for, but not without end. */
static size_t tries(const struct lookup *lookup)
{
    size_t most = 3 * (size_t)lookup->settings.store_on;
    if (!lookup->two_stages || lookup->crowded)
        return POOL_MOST;
    return most > LOOKUP_CANDIDATES ? most : LOOKUP_CANDIDATES;
}

static bool may_be_asked_last(const struct lookup *lookup, const struct candidate *candidate)
{
    bool useless = lookup->settings.method == KRPC_GET && candidate->items == SPEAKS_NO_ITEMS;
    return !useless && !is_lost(candidate) && !has_no_voice(lookup, candidate) &&
           may_be_asked_more(lookup, candidate);
}

static bool gave_what_we_want(const struct lookup *lookup, const struct candidate *candidate)
{
    return candidate->state[FINAL] == ANSWERED &&
           (lookup->settings.store_on == 0 || candidate->token_size > 0);
}

static struct walk walk_final(const struct lookup *lookup)
{
    struct walk walk = nothing();
    const struct candidate *last = NULL;
    size_t gave = 0, tried = 0;
    double far = reach(lookup);
    for (size_t rank = 0; goes_on(lookup, rank, &walk); rank++) {
        const struct candidate *candidate = at_rank(lookup, rank);
        uint8_t state = candidate->state[FINAL];
        if (gave == wanted(lookup) || tried == tries(lookup) ||
            (far < 1 && gave >= CLOSEST &&
             id_distance(&lookup->settings.target, &candidate->node.id) > far))
            break;
        gave += gave_what_we_want(lookup, candidate) && counts(lookup, candidate, &last);
        tried += state != FRESH && !is_lost(candidate); /* who never answered may be made up */
        if (state == ASKED)
            walk.open = true;
        if (state != FRESH || !may_be_asked_last(lookup, candidate))
            continue;
        tried++;
        to_be_asked(&walk, rank);
    }
    return walk;
}

/* Before the way is at its end: those that answered, if nobody closer is left to ask. */
static size_t early_final(const struct lookup *lookup)
{
    for (size_t rank = 0; rank < lookup->count && rank < CLOSEST; rank++) {
        const struct candidate *candidate = at_rank(lookup, rank);
        if (!has_answered(candidate) && !is_lost(candidate) && !candidate->too_close)
            break;
        if (candidate->state[ROUTE] == ANSWERED && candidate->state[FINAL] == FRESH &&
            may_be_asked_last(lookup, candidate))
            return rank;
    }
    return SIZE_MAX;
}

/* Once, when the closest are known: are they too many to be there by luck? */
static void judge(struct lookup *lookup)
{
    struct dht_node closest[ESTIMATE_NODES];
    if (lookup->judged)
        return;
    lookup->judged = true;
    size_t count = lookup_complete(lookup, closest, COUNT(closest));
    lookup->crowded =
        estimate_crowded(lookup->settings.estimate, &lookup->settings.target, closest, count);
}

/* --- asking
 * --------------------------------------------------------------------------------------- */

/* On the way a hidden target is told only as far as the one who is asked could guess it from his
   own place, and a little further. */
static struct dht_id target_for(const struct lookup *lookup, const struct candidate *candidate,
                                enum stage stage)
{
    struct dht_id target = lookup->settings.target;
    if (stage == AROUND) {
        double far = estimate_reach(lookup->settings.estimate, AROUND_RANK);
        unsigned bits = 0;
        for (; far < 0.5; far *= 2)
            bits++;
        id_near(&target, &lookup->settings.target, bits, lookup->rng);
    } else if (stage == ROUTE && lookup->settings.hidden) {
        unsigned known =
            id_shared_bits(&lookup->settings.target, &candidate->node.id) + HIDDEN_BITS;
        if (known < 8 * DHT_ID_BYTES)
            id_near(&target, &lookup->settings.target, known, lookup->rng);
    }
    return target;
}

static bool ask(struct lookup *lookup, size_t rank, enum stage stage, struct lookup_ask *out)
{
    struct candidate *candidate = at_rank(lookup, rank);
    bool at_once = stage == ROUTE && lookup->settings.method == KRPC_GET &&
                   !lookup->settings.hidden && candidate->items == SPEAKS_ITEMS;
    if (at_once)
        stage = FINAL; /* his answer to `get` has the nodes as well */
    candidate->state[stage] = ASKED;
    lookup->asked++;
    lookup->asks++;
    lookup->around += stage == AROUND;
    lookup->too_close_asks += candidate->too_close;
    *out = (struct lookup_ask){
        .number = lookup->order[rank] * (uint32_t)STAGES + stage,
        .node = candidate->node,
        .method = stage == FINAL ? lookup->settings.method : KRPC_FIND_NODE,
        .target = target_for(lookup, candidate, stage),
    };
    return true;
}

/* The stage that is not over yet, and how it stands; STAGES: all are over. */
static enum stage current(struct lookup *lookup, struct walk *walk)
{
    if (lookup->two_stages) {
        *walk = walk_route(lookup);
        if (walk->open)
            return ROUTE;
        judge(lookup);
    }
    for (int again = 0; again < 2; again++) {
        if (lookup->crowded) {
            *walk = walk_around(lookup);
            if (walk->open)
                return AROUND;
        }
        *walk = walk_final(lookup);
        if (walk->open || lookup->judged)
            break;
        judge(lookup);
    }
    return walk->open ? FINAL : STAGES;
}

/* The way is narrow, so that little is asked in vain; at its end everybody is. */
static unsigned at_once(enum stage stage)
{
    return stage == ROUTE ? LOOKUP_AT_ONCE : 2 * LOOKUP_AT_ONCE;
}

bool lookup_next(struct lookup *lookup, struct lookup_ask *out)
{
    struct walk walk;
    if (lookup->asked + lookup->slow >= ASKED_MOST || lookup->asks >= ASKS_MOST)
        return false;
    enum stage stage = current(lookup, &walk);
    unsigned most = lookup->two_stages ? at_once(stage) : LOOKUP_AT_ONCE;
    if (lookup->asked >= most)
        return false;
    if (walk.next != SIZE_MAX)
        return ask(lookup, walk.next, stage, out);
    size_t early = stage == ROUTE ? early_final(lookup) : SIZE_MAX;
    return early != SIZE_MAX && ask(lookup, early, FINAL, out);
}

/* --- being told
 * ----------------------------------------------------------------------------------- */

/* The candidate a question was about, whose state was ASKED or SLOW and now is `next`. */
static struct candidate *turn(struct lookup *lookup, uint32_t number, enum state next)
{
    struct candidate *candidate = &lookup->pool[number / STAGES];
    uint8_t *state = &candidate->state[number % STAGES];
    lookup->asked -= *state == ASKED;
    lookup->slow -= *state == SLOW;
    lookup->slow += next == SLOW;
    *state = (uint8_t)next;
    return candidate;
}

static void hear_of(struct lookup *lookup, struct bytes nodes, unsigned round)
{
    struct dht_node node;
    for (size_t i = 0; i < NODES_PER_ANSWER && krpc_next_node(&nodes, lookup->settings.ipv6, &node);
         i++)
        if (!is_known(lookup, &node))
            insert(lookup, &node, round);
}

/* Somebody told us of an honest node under a false id, so that it would be lost to us: it is found
   under its own. False: it claims to be closer than was said, which only a liar gains by. */
static bool rename_to(struct lookup *lookup, size_t slot, const struct dht_id *id)
{
    struct candidate *candidate = &lookup->pool[slot];
    struct dht_node node = { *id, candidate->node.at };
    if (id_closer(&lookup->settings.target, id, &candidate->node.id) < 0)
        return false;
    for (size_t i = 0; i < lookup->count; i++)
        if (id_equal(&lookup->pool[i].node.id, id) &&
            address_equal(&lookup->pool[i].node.at, &node.at))
            return false;
    size_t rank = 0;
    while (lookup->order[rank] != slot)
        rank++;
    lookup->count--;
    memmove(lookup->order + rank, lookup->order + rank + 1, lookup->count - rank);
    rank = rank_of(lookup, id);
    memmove(lookup->order + rank + 1, lookup->order + rank, lookup->count - rank);
    lookup->order[rank] = (uint8_t)slot;
    lookup->count++;
    lookup->too_close -= candidate->too_close;
    candidate->node = node;
    candidate->too_close = is_too_close(lookup, id);
    lookup->too_close += candidate->too_close;
    return true;
}

void lookup_answered(struct lookup *lookup, uint32_t number, const struct lookup_answer *answer)
{
    struct candidate *candidate = &lookup->pool[number / STAGES];
    if (!id_equal(&candidate->node.id, &answer->id) &&
        !rename_to(lookup, number / STAGES, &answer->id)) {
        lookup_failed(lookup, number);
        return;
    }
    turn(lookup, number, ANSWERED);
    if (answer->items != SPEAKS_UNKNOWN)
        candidate->items = (uint8_t)answer->items;
    if (number % STAGES == FINAL && answer->token.size > 0 &&
        answer->token.size <= KRPC_TOKEN_MAX) {
        candidate->token_size = (uint8_t)answer->token.size;
        memcpy(candidate->token, answer->token.data, answer->token.size);
    }
    if (candidate->round > lookup->rounds)
        lookup->rounds = candidate->round;
    hear_of(lookup, answer->nodes, candidate->round + 1u);
}

void lookup_slow(struct lookup *lookup, uint32_t number)
{
    turn(lookup, number, SLOW);
}

void lookup_failed(struct lookup *lookup, uint32_t number)
{
    turn(lookup, number, FAILED);
}

/* --- what was found
 * ------------------------------------------------------------------------------- */

bool lookup_done(struct lookup *lookup)
{
    struct walk walk;
    if (lookup->asks >= ASKS_MOST)
        return lookup->asked == 0;
    if (current(lookup, &walk) != STAGES)
        return false;
    return lookup->rounds > 0 || lookup->asked + lookup->slow == 0; /* they are all we have */
}

size_t lookup_complete(const struct lookup *lookup, struct dht_node *out, size_t most)
{
    const struct candidate *last = NULL;
    size_t count = 0;
    for (size_t rank = 0; rank < lookup->count && count < most; rank++) {
        const struct candidate *candidate = at_rank(lookup, rank);
        if (is_lost(candidate) || has_no_voice(lookup, candidate))
            continue;
        if (!has_answered(candidate) && !candidate->too_close)
            break;
        if (has_answered(candidate) && counts(lookup, candidate, &last))
            out[count++] = candidate->node;
    }
    return count;
}

size_t lookup_closest(const struct lookup *lookup, struct dht_node *out, size_t most)
{
    size_t count = 0;
    for (size_t rank = 0; rank < lookup->count && count < most; rank++)
        if (has_answered(at_rank(lookup, rank)))
            out[count++] = at_rank(lookup, rank)->node;
    return count;
}

size_t lookup_places(const struct lookup *lookup, struct lookup_place *out, size_t most)
{
    size_t count = 0, places = lookup->crowded ? LOOKUP_WIDE : lookup->settings.store_on;
    for (int counted = 1; counted >= 0; counted--) {
        const struct candidate *last = NULL;
        for (size_t rank = 0; rank < lookup->count && count < most && count < places; rank++) {
            const struct candidate *candidate = at_rank(lookup, rank);
            if (candidate->token_size > 0 && counts(lookup, candidate, &last) == counted)
                out[count++] = (struct lookup_place){ candidate->node,
                                                      { candidate->token, candidate->token_size } };
        }
    }
    return count;
}

bool lookup_crowded(const struct lookup *lookup)
{
    return lookup->crowded;
}

unsigned lookup_rounds(const struct lookup *lookup)
{
    return lookup->rounds;
}
