/* T-16 and T-18 at length: two sides in random weather, and beside them a model that knows for each
   letter what has to become of it. */
#include "base/mem.h"
#include "engine/crypto/fixture.h"
#include "engine/crypto/ratchet_state.h"
#include "tests/test.h"

#define FLIGHT_MAX  96     /* letters of one side on their way */
#define LETTERS_MAX 120000 /* of one side in all */
#define CHAIN_MOST  120    /* letters in one chain, so that no limit of the ratchet is met */

struct world {
    struct talk talk;
    struct letter *flight[2]; /* by writer */
    size_t in_flight[2];
    bool *delivered[2];
    uint64_t newest_turn[2]; /* of the writer's chains, the newest one the reader has seen */
    uint32_t last_kid[2];
    uint64_t arrived[2], repeated, forgotten, crashed;
};

static struct world *world_make(uint64_t seed)
{
    struct world *world = mem_zeroed(1, sizeof *world);
    talk_begin(&world->talk, seed);
    for (int side = 0; side < 2; side++) {
        world->flight[side] = mem_zeroed(FLIGHT_MAX, sizeof *world->flight[side]);
        world->delivered[side] = mem_zeroed(LETTERS_MAX, 1);
    }
    return world;
}

static void world_end(struct world *world)
{
    for (int side = 0; side < 2; side++) {
        mem_free(world->flight[side]);
        mem_free(world->delivered[side]);
    }
    talk_end(&world->talk);
    mem_free(world);
}

static uint64_t luck(struct world *world, uint64_t below)
{
    return rng_below(&world->talk.rng, below);
}

/* --- what always holds ------------------------------------------------------------------------ */

static void check_side(struct world *world, int side)
{
    const struct ratchet *ratchet = world->talk.side[side];
    const struct ratchet_state *state = &ratchet->now, *other = &world->talk.side[1 - side]->now;
    size_t skipped = 0;
    for (size_t i = 0; i < state->receiving_count; i++)
        skipped += state->receiving[i].skipped;
    CHECK(skipped == ratchet->skipped_count && skipped <= RATCHET_SKIPPED_MAX);
    /* Sending chains are begun in turns. */
    CHECK(state->turns <= other->turns + 1);
    /* Kids go up one by one, and nobody answers what was not offered, or what he still holds. */
    CHECK(state->ours.kid - world->last_kid[side] <= 1);
    world->last_kid[side] = state->ours.kid;
    CHECK(other->answered <= state->ours.kid);
    CHECK(other->theirs.kid == 0 || other->theirs.kid > other->answered);
    CHECK(state->ours.open || other->answered == state->ours.kid);
}

static bool all_zero(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        if (at[i] != 0)
            return false;
    return true;
}

/* No secret stays that has done its work. */
static void check_wiped(const struct ratchet *ratchet)
{
    const struct ratchet_state *state = &ratchet->now;
    CHECK(all_zero(&ratchet->next, sizeof ratchet->next));
    for (size_t i = 0; i + 1 < state->receiving_count; i++)
        CHECK(all_zero(state->receiving[i].key, sizeof state->receiving[i].key));
    for (size_t i = ratchet->skipped_count; i < ratchet->skipped_room; i++)
        CHECK(all_zero(&ratchet->skipped[i], sizeof ratchet->skipped[i]));
    if (state->phase == PHASE_TURNS) {
        CHECK(all_zero(&state->sending.pair, sizeof state->sending.pair));
        CHECK(all_zero(state->sending.key, sizeof state->sending.key));
    }
    CHECK(state->ours.open || all_zero(&state->ours.pair, sizeof state->ours.pair));
}

/* What is to become of a letter, and is it so? */
static void deliver(struct world *world, const struct letter *letter)
{
    int from = letter->from;
    bool *delivered = &world->delivered[from][letter->text];
    uint64_t *newest = &world->newest_turn[from];
    struct ratchet_opened opened;
    enum fault expected = *delivered ? FAULT_GONE : FAULT_NONE;
    if (letter->step.turn + RATCHET_CHAINS_MAX < *newest)
        expected = FAULT_PEER;
    CHECK_INT(talk_read(&world->talk, letter, &opened), expected);
    world->repeated += expected == FAULT_GONE;
    world->forgotten += expected == FAULT_PEER;
    if (expected != FAULT_NONE)
        return;
    CHECK(opened.turned == (letter->step.turn > *newest));
    *newest = letter->step.turn > *newest ? letter->step.turn : *newest;
    *delivered = true;
    world->arrived[from]++;
}

/* --- what may happen -------------------------------------------------------------------------- */

static bool may_write(const struct world *world, int side)
{
    const struct ratchet_state *state = &world->talk.side[side]->now;
    return ratchet_can_step(world->talk.side[side]) && world->in_flight[side] < FLIGHT_MAX &&
           (state->phase == PHASE_TURNS || state->sending.number < CHAIN_MOST);
}

static void let_write(struct world *world, int side)
{
    if (!may_write(world, side))
        return;
    talk_write(&world->talk, side, &world->flight[side][world->in_flight[side]++]);
    CHECK(world->talk.written[side] < LETTERS_MAX);
}

/* One of those in flight, whichever: it arrives, or is lost, or arrives and comes again later. */
static void let_arrive(struct world *world, int side)
{
    size_t *count = &world->in_flight[side];
    if (*count == 0)
        return;
    struct letter *letter = &world->flight[side][luck(world, *count)];
    uint64_t fate = luck(world, 10);
    if (fate > 1)
        deliver(world, letter);
    if (fate < 8 && (fate > 0 || *count > FLIGHT_MAX / 2))
        *letter = world->flight[side][--*count];
}

/* The process dies: after what it did was kept, or between opening a letter and keeping it. */
static void let_crash(struct world *world, int side)
{
    struct talk *talk = &world->talk;
    size_t count = world->in_flight[1 - side];
    if (count > 0 && luck(world, 2) == 0) {
        const struct letter *letter = &world->flight[1 - side][luck(world, count)];
        uint8_t content[sizeof letter->wire];
        struct ratchet_opened opened;
        (void)ratchet_open(talk->side[side], talk->now,
                           (struct bytes){ letter->wire, letter->size }, content, &opened);
    }
    talk_reload(talk, side);
    world->crashed++;
}

static void step(struct world *world)
{
    int side = (int)luck(world, 2);
    world->talk.now += luck(world, 10 * MINUTE);
    switch (luck(world, 16)) {
    case 0:
        let_crash(world, side);
        break;
    case 1:
        for (uint64_t burst = luck(world, 40); burst > 0; burst--)
            let_write(world, side);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
        let_write(world, side);
        break;
    default:
        let_arrive(world, side);
    }
    check_side(world, side);
    if (luck(world, 8) == 0)
        check_wiped(world->talk.side[side]);
}

static void test_T16_T18_a_hundred_thousand_steps_in_random_weather(void)
{
    struct world *world = world_make(1);
    for (int i = 0; i < 100000; i++)
        step(world);
    for (int side = 0; side < 2; side++) {
        CHECK(world->arrived[side] > 10000);
        CHECK(world->talk.side[side]->now.ours.kid > 100);
    }
    CHECK(world->repeated > 1000 && world->forgotten > 100 && world->crashed > 1000);
    world_end(world);
}

static void test_T16_T18_many_short_lives(void)
{
    for (uint64_t seed = 2; seed < 102; seed++) {
        struct world *world = world_make(seed);
        for (int i = 0; i < 200; i++)
            step(world);
        world_end(world);
    }
}

/* --- permutations ----------------------------------------------------------------------------- */

/* Both write at once, all of it is shuffled; a fifth is lost, a fifth comes twice. */
static void shuffle_round(struct world *world, struct letter **order, size_t most)
{
    static const int copies[5] = { 0, 1, 1, 1, 2 };
    size_t count = 0;
    for (int side = 0; side < 2; side++) {
        world->in_flight[side] = 0;
        for (uint64_t i = luck(world, FLIGHT_MAX); i > 0 && may_write(world, side); i--) {
            let_write(world, side);
            struct letter *letter = &world->flight[side][world->in_flight[side] - 1];
            for (int more = copies[luck(world, 5)]; more > 0 && count < most; more--)
                order[count++] = letter;
        }
    }
    for (size_t i = 0; i < count; i++) { /* Fisher and Yates */
        size_t other = i + luck(world, count - i);
        struct letter *letter = order[other];
        order[other] = order[i];
        deliver(world, letter);
        if (luck(world, 20) == 0)
            let_crash(world, (int)luck(world, 2));
    }
}

static void test_T16_permutations_of_ten_thousand_messages(void)
{
    static struct letter *order[4 * FLIGHT_MAX];
    struct world *world = world_make(200);
    while (world->talk.written[0] < 10000 || world->talk.written[1] < 10000) {
        shuffle_round(world, order, COUNT(order));
        /* One word each way, or a round in which all of a side is lost would end the talk. */
        talk_rounds(&world->talk, 1);
        for (int side = 0; side < 2; side++) {
            world->delivered[side][world->talk.written[side] - 1] = true;
            world->newest_turn[side] = ratchet_turns(world->talk.side[side]);
        }
    }
    CHECK(world->arrived[0] > 6000 && world->arrived[1] > 6000 && world->repeated > 1000);
    world_end(world);
}

TESTS(TEST(test_T16_T18_a_hundred_thousand_steps_in_random_weather),
      TEST(test_T16_T18_many_short_lives), TEST(test_T16_permutations_of_ten_thousand_messages))
