/* What is read is what was written, and what nobody can have written is not read. */
#include "engine/crypto/fixture.h"
#include "engine/crypto/ratchet_state.h"
#include "tests/test.h"

static struct kept kept;

/* Side 1 of a talk in which everything has happened: skipped keys in two chains, an answer in its
   own chain, an offer of either side that is open. */
static void rich_talk(struct talk *talk)
{
    struct letter letter;
    talk_begin(talk, 1);
    talk_rounds(talk, 3);
    for (int i = 0; i < 3; i++) {
        talk_write(talk, 0, &letter);
        talk_write(talk, 0, &letter);
        talk_write(talk, 0, &letter);
        talk->now += RATCHET_OFFER_LATEST;
        talk_pass(talk, &letter);
        talk_write(talk, 1, &letter);
        if (i < 2)
            talk_pass(talk, &letter);
    }
}

static bool reads(const struct ratchet *ratchet)
{
    kept_take(&kept, ratchet);
    struct ratchet *again = ratchet_read((struct bytes){ kept.bytes, kept.size });
    ratchet_destroy(again);
    return again != NULL;
}

static void test_every_kind_of_state_is_read_back(void)
{
    struct talk talk;
    struct letter letter;
    bool seen[PHASES][2][2] = { 0 };
    talk_begin(&talk, 2);
    for (int i = 0; i < 400; i++) {
        for (int side = 0; side < 2; side++) {
            talk_reload(&talk, side);
            const struct ratchet_state *state = &talk.side[side]->now;
            seen[state->phase][state->ours.open][state->theirs.kid != 0] = true;
        }
        talk_write(&talk, i / 3 % 2, &letter);
        talk_pass(&talk, &letter);
    }
    CHECK(seen[PHASE_WAITS][0][0]);
    CHECK(seen[PHASE_SENDS][0][0] && seen[PHASE_SENDS][1][0]);
    CHECK(seen[PHASE_TURNS][0][0] && seen[PHASE_TURNS][0][1]);
    talk_end(&talk);
}

static void test_a_state_cut_short_or_too_long_is_not_read(void)
{
    struct talk talk;
    rich_talk(&talk);
    for (int side = 0; side < 2; side++) {
        kept_take(&kept, talk.side[side]);
        for (size_t size = 0; size < kept.size; size++)
            CHECK(ratchet_read((struct bytes){ kept.bytes, size }) == NULL);
        CHECK(ratchet_read((struct bytes){ kept.bytes, kept.size + 1 }) == NULL);
    }
    talk_end(&talk);
}

/* Every byte changed: it is not read, or read as what it now says. */
static void test_a_damaged_state_is_read_as_it_stands_or_not_at_all(void)
{
    static struct kept damaged;
    struct talk talk;
    size_t refused = 0;
    rich_talk(&talk);
    kept_take(&damaged, talk.side[1]);
    for (size_t at = 0; at < damaged.size; at++) {
        damaged.bytes[at] ^= 0xff;
        struct ratchet *ratchet = ratchet_read((struct bytes){ damaged.bytes, damaged.size });
        CHECK(ratchet == NULL || kept_same(&damaged, ratchet));
        refused += ratchet == NULL;
        ratchet_destroy(ratchet);
        damaged.bytes[at] ^= 0xff;
    }
    CHECK(refused > 30);
    talk_end(&talk);
}

/* --- states nobody can be in ------------------------------------------------------------------ */

static void version(struct ratchet *ratchet)
{
    (void)ratchet;
    kept.bytes[0]++;
}
static void phase(struct ratchet *ratchet)
{
    (void)ratchet;
    kept.bytes[1] = PHASES;
}
static void flag(struct ratchet *ratchet)
{
    /* "open", a byte before the seed of the open offer */
    const uint8_t *seed = ratchet->now.ours.pair.seed;
    size_t at = 0;
    while (memcmp(kept.bytes + at, seed, MLKEM_SEED_BYTES) != 0)
        at++;
    CHECK_INT(kept.bytes[at - 1], 1);
    kept.bytes[at - 1] = 2;
    memmove(kept.bytes + at, kept.bytes + at + MLKEM_SEED_BYTES, kept.size - at - MLKEM_SEED_BYTES);
    kept.size -= MLKEM_SEED_BYTES;
}

/* Changes the bytes of side 1. */
static void check_bytes_refused(void (*change)(struct ratchet *))
{
    struct talk talk;
    rich_talk(&talk);
    CHECK(reads(talk.side[1]));
    change(talk.side[1]);
    CHECK(ratchet_read((struct bytes){ kept.bytes, kept.size }) == NULL);
    talk_end(&talk);
}

static void test_bytes_of_another_version_or_with_other_flags_are_not_read(void)
{
    check_bytes_refused(version);
    check_bytes_refused(phase);
    check_bytes_refused(flag);
}

static void waits_and_has_heard(struct ratchet *ratchet)
{
    ratchet->now.phase = PHASE_WAITS;
    ratchet->now.turns = 0;
}
static void waits_after_turns(struct ratchet *ratchet)
{
    ratchet->now.phase = PHASE_WAITS;
    ratchet->now.receiving_count = 0;
}
static void turns_unheard(struct ratchet *ratchet)
{
    ratchet->now.phase = PHASE_TURNS;
    ratchet->now.receiving_count = 0;
}
static void turns_towards_a_bad_key(struct ratchet *ratchet)
{
    ratchet->now.phase = PHASE_TURNS;
    memset(ratchet->now.receiving[ratchet->now.receiving_count - 1].dh, 0, KEY_BYTES);
}
static void turns_from_too_long_a_chain(struct ratchet *ratchet)
{
    ratchet->now.phase = PHASE_TURNS;
    ratchet->now.sending.number = RATCHET_CHAIN_LIMIT + 1;
}
static void sends_without_a_turn(struct ratchet *ratchet)
{
    ratchet->now.turns = 0;
}
static void sends_beyond_the_limit(struct ratchet *ratchet)
{
    ratchet->now.sending.number = RATCHET_CHAIN_LIMIT + 1;
}
static void sent_beyond_the_limit(struct ratchet *ratchet)
{
    ratchet->now.sending.previous = RATCHET_CHAIN_LIMIT + 1;
}
static void open_offer_without_a_kid(struct ratchet *ratchet)
{
    ratchet->now.ours.kid = 0;
}
static void the_same_and_none_of_theirs(struct ratchet *ratchet)
{
    ratchet->now.ours.kid = 0;
    ratchet->now.theirs.kid = 0;
}
static void their_offer_was_answered(struct ratchet *ratchet)
{
    ratchet->now.answered = ratchet->now.theirs.kid;
}
static void their_key_is_none(struct ratchet *ratchet)
{
    memset(ratchet->now.theirs.key, 0xff, MLKEM_PUBLIC_BYTES);
}
static void number_beyond_all(struct ratchet *ratchet)
{
    ratchet->now.receiving[0].next = RATCHET_NUMBER_LIMIT + 1;
}
static void lost_what_did_not_come(struct ratchet *ratchet)
{
    ratchet->now.receiving[0].lost_below = ratchet->now.receiving[0].next + 1;
}
static void skipped_twice(struct ratchet *ratchet)
{
    ratchet->skipped[1].number = ratchet->skipped[0].number;
}
static void skipped_ahead(struct ratchet *ratchet)
{
    ratchet->skipped[ratchet->skipped_count - 1].number = UINT32_MAX;
}
static void too_many_skipped(struct ratchet *ratchet)
{
    size_t count = RATCHET_SKIPPED_MAX + 1 - ratchet->skipped_count;
    struct receiving *running = &ratchet->now.receiving[ratchet->now.receiving_count - 1];
    ratchet_skipped_reserve(ratchet, count);
    running->skipped += (uint32_t)count;
    running->next = 10000;
    for (; count > 0; count--, ratchet->skipped_count++)
        ratchet->skipped[ratchet->skipped_count].number = 5000 + (uint32_t)ratchet->skipped_count;
}

static void test_a_state_nobody_can_be_in_is_not_read(void)
{
    static void (*const changes[])(struct ratchet *) = {
        waits_and_has_heard,
        waits_after_turns,
        turns_unheard,
        turns_towards_a_bad_key,
        turns_from_too_long_a_chain,
        sends_without_a_turn,
        sends_beyond_the_limit,
        sent_beyond_the_limit,
        open_offer_without_a_kid,
        the_same_and_none_of_theirs,
        their_offer_was_answered,
        their_key_is_none,
        number_beyond_all,
        lost_what_did_not_come,
        skipped_twice,
        skipped_ahead,
        too_many_skipped,
    };
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct talk talk;
        rich_talk(&talk);
        CHECK(talk.side[1]->now.ours.open && talk.side[1]->skipped_count > 3);
        if (talk.side[1]->now.theirs.kid == 0) { /* in its own chain's answer already: once more */
            talk.side[1]->now.theirs.kid = talk.side[1]->now.answered + 1;
            memcpy(talk.side[1]->now.theirs.key, talk.side[1]->now.ours.pair.public,
                   MLKEM_PUBLIC_BYTES);
        }
        CHECK(reads(talk.side[1]));
        changes[i](talk.side[1]);
        CHECK(!reads(talk.side[1]));
        talk_end(&talk);
    }
}

/* One more than fit is not even looked at. */
static void test_a_7th_receiving_chain_is_not_read(void)
{
    struct talk talk;
    talk_begin(&talk, 3);
    talk_rounds(&talk, 10);
    CHECK_INT(talk.side[1]->now.receiving_count, RATCHET_CHAINS_MAX + 1);
    CHECK(reads(talk.side[1]));
    /* Without skipped keys an ended chain takes 74 bytes; the count stands before the first. */
    size_t ended = 32 + 32 + 4 + 4 + 2, chains = RATCHET_CHAINS_MAX * ended + ended + 32;
    uint8_t *first = kept.bytes + kept.size - chains;
    CHECK_INT(first[-1], RATCHET_CHAINS_MAX + 1);
    memmove(first + ended, first, chains);
    kept.size += ended;
    first[-1]++;
    CHECK(ratchet_read((struct bytes){ kept.bytes, kept.size }) == NULL);
    talk_end(&talk);
}

TESTS(TEST(test_every_kind_of_state_is_read_back),
      TEST(test_a_state_cut_short_or_too_long_is_not_read),
      TEST(test_a_damaged_state_is_read_as_it_stands_or_not_at_all),
      TEST(test_bytes_of_another_version_or_with_other_flags_are_not_read),
      TEST(test_a_state_nobody_can_be_in_is_not_read), TEST(test_a_7th_receiving_chain_is_not_read))
