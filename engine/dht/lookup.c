/* One search. Every candidate may be asked in up to three stages: on the way (ROUTE), around a
   crowded place (AROUND), and what the search is for (FINAL).

   Where everybody answers what the search is for, there is only the last stage. Items, and targets
   that are to be hidden, are approached by find_node first: many do not answer `get`, and who is
   asked on the way needs not know the target. */
#include "engine/dht/pool.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define ASKS_MOST        300 /* a liar's company ends here */
#define ASKED_MOST       96  /* slow ones included: liars name many that will never answer */
#define CLOSEST          8   /* k: that many have answered, and nobody closer is left to ask */
#define ASTRAY_RANK      20  /* the closest eight are farther than this one should be: not they */
#define ASTRAY_MOST      24
#define AROUND_MOST      16
#define AROUND_RANK      20 /* wide: as far as the so many'th is to be expected */
#define NODES_PER_ANSWER 16 /* 8 are usual; some give 20 */
#define TOO_CLOSE_ASKED  4
#define UNFIT_ASKED      32
#define HIDDEN_BITS      3 /* told to a node beyond what its own id shares with the target */

struct lookup {
    struct lookup_settings settings;
    struct rng *rng;
    struct pool pool;
    unsigned asks, asked, slow, around;  /* in all; now; now; in all */
    unsigned too_close_asks, unfit_asks; /* in all */
    unsigned rounds;
    bool two_stages, judged, crowded;
};

struct lookup *lookup_create(const struct lookup_settings *settings, struct rng *rng)
{
    struct lookup *lookup = mem_zeroed(1, sizeof *lookup);
    lookup->settings = *settings;
    lookup->rng = rng;
    pool_start(&lookup->pool, settings);
    lookup->two_stages = settings->hidden || settings->method == KRPC_GET;
    return lookup;
}

void lookup_destroy(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    pool_finish(&lookup->pool);
    mem_free(lookup);
}

void lookup_add(struct lookup *lookup, const struct dht_node *node, enum speaks items)
{
    struct candidate *candidate = pool_add(&lookup->pool, node, 1);
    if (candidate != NULL)
        candidate->items = (uint8_t)items;
}

/* --- what is to be asked ---------------------------------------------------------------------- */

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
    return rank < lookup->pool.count && walk->next == SIZE_MAX;
}

static void to_be_asked(struct walk *walk, size_t rank)
{
    walk->open = true;
    walk->next = rank;
}

static bool may_be_asked_more(const struct lookup *lookup, const struct candidate *candidate)
{
    return (!candidate->too_close || lookup->too_close_asks < TOO_CLOSE_ASKED) &&
           (!candidate->unfit || lookup->unfit_asks < UNFIT_ASKED);
}

/* A company that names nobody but its own leads to those of them that are closest. The closest of
   all would be closer: so others that are known, though farther, are asked for the way. */
static bool went_astray(const struct lookup *lookup, const struct candidate *candidate)
{
    return id_distance(&lookup->settings.target, &candidate->node.id) >
           estimate_reach(lookup->settings.estimate, ASTRAY_RANK);
}

/* On the way: until the CLOSEST that live have answered, and nobody closer is left. */
static struct walk walk_route(const struct lookup *lookup)
{
    struct walk walk = nothing();
    struct tally tally = { 0 };
    size_t answered = 0, enough = CLOSEST;
    for (size_t rank = 0; goes_on(lookup, rank, &walk) && answered < enough; rank++) {
        const struct candidate *candidate = pool_at(&lookup->pool, rank);
        if (candidate_has_answered(candidate)) {
            answered += pool_counts(&lookup->pool, candidate, &tally);
            if (answered == CLOSEST && went_astray(lookup, candidate))
                enough = ASTRAY_MOST;
        } else if (candidate_is_lost(candidate))
            continue;
        else if (candidate_was_asked(candidate))
            walk.open = true;
        else if (!pool_is_unheard(&lookup->pool, candidate) && may_be_asked_more(lookup, candidate))
            to_be_asked(&walk, rank);
    }
    return walk;
}

static struct walk walk_around(const struct lookup *lookup)
{
    struct walk walk = nothing();
    for (size_t rank = 0; goes_on(lookup, rank, &walk); rank++) {
        const struct candidate *candidate = pool_at(&lookup->pool, rank);
        if (candidate->state[AROUND] == ASKED)
            walk.open = true;
        else if (candidate->state[AROUND] == FRESH && candidate_has_answered(candidate) &&
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
    return !useless && !candidate_is_lost(candidate) &&
           !pool_is_unheard(&lookup->pool, candidate) && may_be_asked_more(lookup, candidate);
}

static bool gave_what_we_want(const struct lookup *lookup, const struct candidate *candidate)
{
    return candidate->state[FINAL] == ANSWERED &&
           (lookup->settings.store_on == 0 || candidate->token_size > 0);
}

static struct walk walk_final(const struct lookup *lookup)
{
    struct walk walk = nothing();
    struct tally tally = { 0 };
    size_t gave = 0, tried = 0, enough = wanted(lookup);
    double far = reach(lookup);
    for (size_t rank = 0; goes_on(lookup, rank, &walk); rank++) {
        const struct candidate *candidate = pool_at(&lookup->pool, rank);
        uint8_t state = candidate->state[FINAL];
        if (gave >= enough || tried == tries(lookup) ||
            (far < 1 && gave >= CLOSEST &&
             id_distance(&lookup->settings.target, &candidate->node.id) > far))
            break;
        if (gave_what_we_want(lookup, candidate) && pool_counts(&lookup->pool, candidate, &tally) &&
            ++gave == CLOSEST && !lookup->two_stages && enough < ASTRAY_MOST &&
            went_astray(lookup, candidate))
            enough = ASTRAY_MOST;
        /* Who never answered may be made up. */
        tried += state != FRESH && !candidate_is_lost(candidate) && !candidate->unfit;
        if (state == ASKED)
            walk.open = true;
        if (state != FRESH || !may_be_asked_last(lookup, candidate))
            continue;
        to_be_asked(&walk, rank);
    }
    return walk;
}

/* Before the way is at its end: those that answered, if nobody closer is left to ask. */
static size_t early_final(const struct lookup *lookup)
{
    size_t near = 0;
    for (size_t rank = 0; rank < lookup->pool.count && near < CLOSEST; rank++) {
        const struct candidate *candidate = pool_at(&lookup->pool, rank);
        if (!candidate_has_answered(candidate) && !candidate_is_lost(candidate) &&
            !candidate_is_doubtful(candidate))
            break;
        near += !candidate_is_doubtful(candidate);
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
    struct candidate *candidate = pool_at(&lookup->pool, rank);
    bool at_once = stage == ROUTE && lookup->settings.method == KRPC_GET &&
                   !lookup->settings.hidden && candidate->items == SPEAKS_ITEMS;
    if (at_once)
        stage = FINAL; /* his answer to `get` has the nodes as well */
    candidate->state[stage] = ASKED;
    lookup->asked++;
    lookup->asks++;
    lookup->around += stage == AROUND;
    lookup->too_close_asks += candidate->too_close;
    lookup->unfit_asks += candidate->unfit;
    *out = (struct lookup_ask){
        .number = lookup->pool.order[rank] * (uint32_t)STAGES + stage,
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
    assert(number / STAGES < lookup->pool.count);
    struct candidate *candidate = &lookup->pool.slots[number / STAGES];
    uint8_t *state = &candidate->state[number % STAGES];
    lookup->asked -= *state == ASKED;
    lookup->slow -= *state == SLOW;
    lookup->slow += next == SLOW;
    *state = (uint8_t)next;
    return candidate;
}

/* One of each block: with the many ports of one dead address, asked one after the other, a liar
   could draw a search out. */
static void hear_of(struct lookup *lookup, struct bytes nodes, unsigned round)
{
    struct dht_node told[NODES_PER_ANSWER];
    size_t count = 0;
    while (count < NODES_PER_ANSWER &&
           krpc_next_node(&nodes, lookup->settings.ipv6, &told[count])) {
        size_t at = 0;
        while (at < count && !address_same_block(&told[at].at, &told[count].at))
            at++;
        if (at == count)
            pool_add(&lookup->pool, &told[count++], round);
    }
}

void lookup_answered(struct lookup *lookup, uint32_t number, const struct lookup_answer *answer)
{
    struct candidate *candidate = &lookup->pool.slots[number / STAGES];
    if (!id_equal(&candidate->node.id, &answer->id) &&
        !pool_rename(&lookup->pool, number / STAGES, &answer->id)) {
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
    struct tally tally = { 0 };
    size_t count = 0;
    for (size_t rank = 0; rank < lookup->pool.count && count < most; rank++) {
        const struct candidate *candidate = pool_at(&lookup->pool, rank);
        if (candidate_is_lost(candidate) || pool_is_unheard(&lookup->pool, candidate))
            continue;
        if (!candidate_has_answered(candidate) && !candidate_is_doubtful(candidate))
            break;
        if (candidate_has_answered(candidate) && pool_counts(&lookup->pool, candidate, &tally))
            out[count++] = candidate->node;
    }
    return count;
}

size_t lookup_closest(const struct lookup *lookup, struct dht_node *out, size_t most)
{
    size_t count = 0;
    for (size_t rank = 0; rank < lookup->pool.count && count < most; rank++)
        if (candidate_has_answered(pool_at(&lookup->pool, rank)))
            out[count++] = pool_at(&lookup->pool, rank)->node;
    return count;
}

size_t lookup_places(const struct lookup *lookup, struct lookup_place *out, size_t most)
{
    size_t count = 0, places = lookup->crowded ? LOOKUP_WIDE : lookup->settings.store_on;
    for (int counted = 1; counted >= 0; counted--) {
        struct tally tally = { 0 };
        for (size_t rank = 0; rank < lookup->pool.count && count < most && count < places; rank++) {
            const struct candidate *candidate = pool_at(&lookup->pool, rank);
            if (candidate->token_size > 0 &&
                pool_counts(&lookup->pool, candidate, &tally) == counted)
                out[count++] = (struct lookup_place){ candidate->node,
                                                      { candidate->token, candidate->token_size } };
        }
    }
    return count;
}

bool lookup_gave(const struct lookup *lookup)
{
    for (size_t rank = 0; rank < lookup->pool.count; rank++)
        if (gave_what_we_want(lookup, pool_at(&lookup->pool, rank)))
            return true;
    return false;
}

bool lookup_crowded(const struct lookup *lookup)
{
    return lookup->crowded;
}

unsigned lookup_rounds(const struct lookup *lookup)
{
    return lookup->rounds;
}
