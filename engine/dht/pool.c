/* Whom a search knows of. */
#include "engine/dht/pool.h"

#include "base/mem.h"

#include <string.h>

#define POOL_FIRST     24
#define TOO_CLOSE      64 /* times closer to the target than the closest is to be expected */
#define TOO_CLOSE_KEPT 16
#define UNFIT_KEPT     64

void pool_start(struct pool *pool, const struct lookup_settings *settings)
{
    pool->target = settings->target;
    pool->strict = settings->strict;
    pool->estimate = settings->estimate;
}

void pool_finish(struct pool *pool)
{
    mem_free(pool->slots);
}

/* --- whom to believe -------------------------------------------------------------------------- */

/* Addresses in a local network stand for themselves. */
static uint64_t block_of(const struct address *at)
{
    uint64_t block = 0;
    if (id_exempt(at))
        return 0;
    if (!address_is_ipv4(at)) { /* a /48, as a company gets it for the asking */
        memcpy(&block, at->ip, 6);
        return block;
    }
    return (uint64_t)at->ip[12] << 16 | (uint64_t)at->ip[13] << 8 | at->ip[14];
}

bool pool_is_unheard(const struct pool *pool, const struct candidate *candidate)
{
    if (candidate->block == 0 || candidate_was_asked(candidate))
        return false;
    for (size_t i = 0; i < pool->count; i++) {
        const struct candidate *other = &pool->slots[i];
        if (other->block == candidate->block && candidate_was_asked(other) &&
            !candidate_is_lost(other))
            return true;
    }
    return false;
}

/* Closer to each other than luck would have it. */
static bool are_too_close(const struct pool *pool, const struct dht_id *a, const struct dht_id *b)
{
    double nodes = estimate_nodes(pool->estimate);
    return nodes > 0 && id_distance(a, b) * nodes * TOO_CLOSE < 1;
}

/* Where most ids fit their addresses (BEP 42), whoever's does not may have chosen it to be here:
   one party at few addresses would be the closest to any place. */
static bool is_unfit(const struct pool *pool, const struct dht_node *node)
{
    return pool->strict && !id_fits(&node->id, &node->at);
}

/* An address of IPv4 for one place is one in 2^18: to be there takes very many. Of IPv6, somebody
   may have that many. */
static bool is_dear(const struct pool *pool, const struct dht_node *node)
{
    return pool->strict && address_is_ipv4(&node->at) && id_fits(&node->id, &node->at);
}

/* Ids so close are made up, and accomplices', nearly always: among honest nodes one search in
   TOO_CLOSE meets one. Some are asked, so that such a one is found; but they neither end a search
   nor drive anybody out of it. What is dear is believed, though the size may have been taken for
   much too small when we knew nobody: all of a place would seem to be too close then. */
static bool is_too_close(const struct pool *pool, const struct dht_node *node)
{
    return !is_dear(pool, node) && are_too_close(pool, &pool->target, &node->id);
}

/* A crowd at another place that is next to this one by chance is made up as well: who is as close
   to the last one that counted adds nothing to it. One whose id does not fit counts where as many
   that do are closer: among honest nodes most do, of a liar's masks one does. */
bool pool_counts(const struct pool *pool, const struct candidate *candidate, struct tally *tally)
{
    if (candidate->too_close || (candidate->unfit && tally->unfit > tally->fit) ||
        (tally->last != NULL && !is_dear(pool, &candidate->node) &&
         are_too_close(pool, &tally->last->node.id, &candidate->node.id)))
        return false;
    tally->last = candidate;
    tally->fit += !candidate->unfit;
    tally->unfit += candidate->unfit;
    return true;
}

/* --- in and out ------------------------------------------------------------------------------- */

/* Known already; or known under two other ids, one of which at least is a lie. False ids that do
   not fit cannot keep one out that does. */
static bool is_known(const struct pool *pool, const struct dht_node *node)
{
    size_t there = 0;
    for (size_t i = 0; i < pool->count; i++) {
        const struct candidate *other = &pool->slots[i];
        if (!address_equal(&other->node.at, &node->at))
            continue;
        if (id_equal(&other->node.id, &node->id))
            return true;
        there += !other->unfit || is_unfit(pool, node);
        if (there == 2)
            return true;
    }
    return false;
}

static size_t rank_of(const struct pool *pool, const struct dht_id *id)
{
    size_t low = 0, high = pool->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (id_closer(&pool->target, &pool_at(pool, middle)->node.id, id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void take_out(struct pool *pool, size_t rank)
{
    pool->too_close -= pool_at(pool, rank)->too_close;
    pool->unfit -= pool_at(pool, rank)->unfit;
    pool->count--;
    memmove(pool->order + rank, pool->order + rank + 1, pool->count - rank);
}

static void put_in(struct pool *pool, size_t slot)
{
    struct candidate *candidate = &pool->slots[slot];
    size_t rank = rank_of(pool, &candidate->node.id);
    candidate->block = block_of(&candidate->node.at);
    candidate->too_close = is_too_close(pool, &candidate->node);
    candidate->unfit = is_unfit(pool, &candidate->node);
    pool->too_close += candidate->too_close;
    pool->unfit += candidate->unfit;
    memmove(pool->order + rank + 1, pool->order + rank, pool->count - rank);
    pool->order[rank] = (uint8_t)slot;
    pool->count++;
}

/* It never answered, and will not. */
static bool has_failed(const struct candidate *candidate)
{
    for (size_t stage = 0; stage < STAGES; stage++)
        if (candidate->state[stage] != FRESH && candidate->state[stage] != FAILED)
            return false;
    return candidate_was_asked(candidate);
}

/* Who makes room for one at `rank`: somebody who said nothing, else the farthest that was never
   asked and is not closer. SIZE_MAX: nobody. */
static size_t rank_to_leave(const struct pool *pool, size_t rank)
{
    for (size_t last = pool->count; last-- > 0;)
        if (has_failed(pool_at(pool, last)))
            return last;
    for (size_t last = pool->count; last-- > rank;)
        if (!candidate_was_asked(pool_at(pool, last)))
            return last;
    return SIZE_MAX;
}

static size_t slot_for(struct pool *pool, const struct dht_id *id)
{
    if (pool->count < POOL_MOST)
        return pool->count;
    size_t rank = rank_to_leave(pool, rank_of(pool, id));
    if (rank == SIZE_MAX)
        return SIZE_MAX;
    size_t slot = pool->order[rank];
    take_out(pool, rank);
    return slot;
}

struct candidate *pool_add(struct pool *pool, const struct dht_node *node, unsigned round)
{
    if (is_known(pool, node) || (pool->too_close >= TOO_CLOSE_KEPT && is_too_close(pool, node)) ||
        (pool->unfit >= UNFIT_KEPT && is_unfit(pool, node)))
        return NULL;
    size_t slot = slot_for(pool, &node->id);
    if (slot == SIZE_MAX)
        return NULL;
    if (slot >= pool->room) {
        pool->room = pool->room == 0 ? POOL_FIRST : 2 * pool->room;
        pool->slots = mem_resized(pool->slots, pool->room, sizeof *pool->slots);
    }
    pool->slots[slot] =
        (struct candidate){ .node = *node,
                            .round = (uint8_t)(round < UINT8_MAX ? round : UINT8_MAX) };
    put_in(pool, slot);
    return &pool->slots[slot];
}

bool pool_rename(struct pool *pool, size_t slot, const struct dht_id *id)
{
    struct candidate *candidate = &pool->slots[slot];
    if (id_closer(&pool->target, id, &candidate->node.id) < 0)
        return false;
    for (size_t i = 0; i < pool->count; i++)
        if (id_equal(&pool->slots[i].node.id, id) &&
            address_equal(&pool->slots[i].node.at, &candidate->node.at))
            return false;
    size_t rank = 0;
    while (pool->order[rank] != slot)
        rank++;
    take_out(pool, rank);
    candidate->node.id = *id;
    put_in(pool, slot);
    return true;
}
