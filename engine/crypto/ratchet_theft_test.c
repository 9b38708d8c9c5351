/* Somebody copies the state of side 0 and leaves, records all that is sent, and reads what he can.
   Each test shows first that he does read, or it would prove nothing. */
#include "engine/crypto/fixture.h"
#include "engine/crypto/hash.h"
#include "engine/crypto/ratchet_state.h"
#include "tests/test.h"

/* He lets his copy do whatever side 0 does. Against X25519 he may have a machine: then he is told
   each secret that side 0 draws for it. What is drawn for ML-KEM he has to draw himself. */
struct thief {
    struct ratchet *copy;
    struct rng_seeded luck;
    struct rng own, rng;
    bool breaks_dh;
    int before_dh; /* 32-byte draws of the step that come first; below zero: not now */
    uint8_t dh[KEY_BYTES];
};

static void thief_fill(void *source, void *out, size_t size)
{
    struct thief *thief = source;
    rng_fill(&thief->own, out, size);
    if (size == KEY_BYTES && thief->before_dh-- == 0)
        memcpy(out, thief->dh, size);
}

static void thief_begin(struct thief *thief, const struct talk *talk, bool breaks_dh)
{
    static struct kept kept;
    kept_take(&kept, talk->side[0]);
    *thief = (struct thief){ .copy = kept_copy(&kept), .breaks_dh = breaks_dh, .before_dh = -1 };
    thief->own = rng_from_seed(&thief->luck, 99);
    thief->rng = (struct rng){ thief_fill, thief };
}

/* Side 0 has written: has he the key of that letter? */
static bool thief_sees(struct thief *thief, const struct talk *talk, const struct letter *letter)
{
    const struct ratchet_state *state = &thief->copy->now;
    struct ratchet_step step;
    bool begins = state->phase == PHASE_TURNS;
    if (!ratchet_can_step(thief->copy))
        return false;
    if (begins && thief->breaks_dh) {
        thief->before_dh = state->theirs.kid != 0; /* to encapsulate comes first */
        memcpy(thief->dh, talk->side[0]->now.sending.pair.secret, KEY_BYTES);
    }
    CHECK_INT(ratchet_step(thief->copy, talk->now, &thief->rng, &step), FAULT_NONE);
    if (begins && thief->breaks_dh)
        CHECK_BYTES(state->sending.pair.secret, thief->dh, KEY_BYTES);
    return secret_equal(step.key, letter->step.key, sizeof step.key);
}

/* Side 1 has written: does it open? */
static bool thief_hears(struct thief *thief, const struct talk *talk, const struct letter *letter)
{
    uint8_t content[sizeof letter->wire];
    struct ratchet_opened opened;
    struct bytes wire = { letter->wire, letter->size };
    if (ratchet_open(thief->copy, talk->now, wire, content, &opened) != FAULT_NONE)
        return false;
    CHECK_BYTES(content, &letter->text, LETTER_TEXT_BYTES);
    ratchet_keep(thief->copy);
    return true;
}

/* A letter each way; how many he can read. */
static int round_under_watch(struct talk *talk, struct thief *thief)
{
    struct letter letter;
    talk_write(talk, 0, &letter);
    int read = thief_sees(thief, talk, &letter);
    talk_pass(talk, &letter);
    talk_write(talk, 1, &letter);
    read += thief_hears(thief, talk, &letter);
    talk_pass(talk, &letter);
    return read;
}

/* --- what was before -------------------------------------------------------------------------- */

/* Is any 32 bytes of the copy the letter's key, or a chain key a few steps before it? */
static bool copy_gives_key(const struct kept *copy, const struct letter *letter)
{
    for (size_t at = 0; at + 32 <= copy->size; at++) {
        uint8_t chain_key[32], key[32];
        memcpy(key, copy->bytes + at, sizeof key);
        memcpy(chain_key, copy->bytes + at, sizeof chain_key);
        for (int steps = 0; steps < 4; steps++) {
            if (memcmp(key, letter->step.key, sizeof key) == 0)
                return true;
            ratchet_message_key(key, chain_key);
        }
    }
    return false;
}

static void test_a_copy_reads_nothing_from_before(void)
{
    static struct letter past[40];
    static struct kept copy;
    struct talk talk;
    struct thief thief;
    struct letter skipped, late, next[3];
    talk_begin(&talk, 1);
    for (size_t i = 0; i < COUNT(past); i++) {
        talk_write(&talk, i / 3 % 2, &past[i]);
        talk_pass(&talk, &past[i]);
    }
    talk_write(&talk, 1, &skipped);
    talk_write(&talk, 1, &late);
    talk_pass(&talk, &late);
    thief_begin(&thief, &talk, false);
    kept_take(&copy, talk.side[0]);
    CHECK(!thief_hears(&thief, &talk, &late) && !copy_gives_key(&copy, &late));
    for (size_t i = 0; i < COUNT(past); i++) {
        CHECK(past[i].from == 0 || !thief_hears(&thief, &talk, &past[i]));
        CHECK(!copy_gives_key(&copy, &past[i]));
    }
    /* What has not arrived yet, he reads: the search finds what there is. */
    CHECK(copy_gives_key(&copy, &skipped) && thief_hears(&thief, &talk, &skipped));
    for (size_t i = 0; i < COUNT(next); i++) {
        talk_write(&talk, 1, &next[i]);
        CHECK(copy_gives_key(&copy, &next[i]) && thief_hears(&thief, &talk, &next[i]));
    }
    ratchet_destroy(thief.copy);
    talk_end(&talk);
}

/* --- what comes after ------------------------------------------------------------------------- */

static void test_a_copy_reads_nothing_after_one_round_trip(void)
{
    struct talk talk;
    struct thief thief;
    struct letter letter;
    talk_begin(&talk, 2);
    talk_rounds(&talk, 3);
    talk_write(&talk, 0, &letter); /* a chain that waits for an answer: the worst moment */
    talk_pass(&talk, &letter);
    thief_begin(&thief, &talk, false);
    for (int i = 0; i < 3; i++) {
        talk_write(&talk, 0, &letter);
        CHECK(thief_sees(&thief, &talk, &letter));
        talk_pass(&talk, &letter);
    }
    for (int i = 0; i < 3; i++) {
        talk_write(&talk, 1, &letter);
        CHECK(thief_hears(&thief, &talk, &letter));
        talk_pass(&talk, &letter);
    }
    /* There and back: from here on every key has a secret in it that he never saw. */
    for (int i = 0; i < 50; i++)
        CHECK_INT(round_under_watch(&talk, &thief), 0);
    ratchet_destroy(thief.copy);
    talk_end(&talk);
}

/* The same, with the machine: no number of round trips helps. One step of the KEM does, whoever
   offers. */
static void check_one_rekey_heals(int offers)
{
    struct talk talk;
    struct thief thief;
    talk_begin(&talk, 3);
    talk_rounds(&talk, 3);
    thief_begin(&thief, &talk, true);
    for (int i = 0; i < 20; i++)
        CHECK_INT(round_under_watch(&talk, &thief), 2);
    CHECK(!talk.side[0]->now.ours.open && !talk.side[1]->now.ours.open);
    talk.side[offers]->now.ours.since = 0; /* it is time for that side alone */
    thief.copy->now.ours.since = talk.side[0]->now.ours.since;
    int read = round_under_watch(&talk, &thief);
    CHECK(read >= 1); /* the offer itself stands under keys he has */
    (void)round_under_watch(&talk, &thief);
    CHECK(talk.side[1 - offers]->now.answered == talk.side[offers]->now.ours.kid);
    for (int i = 0; i < 50; i++)
        CHECK_INT(round_under_watch(&talk, &thief), 0);
    ratchet_destroy(thief.copy);
    talk_end(&talk);
}

static void test_with_x25519_broken_a_copy_reads_on_until_side_0_has_offered(void)
{
    check_one_rekey_heals(0);
}

static void test_with_x25519_broken_a_copy_reads_on_until_side_1_has_offered(void)
{
    check_one_rekey_heals(1);
}

/* An offer that was open when the copy was made was copied with it: only the next one heals. */
static void test_with_x25519_broken_a_copied_offer_heals_nothing(void)
{
    struct talk talk;
    struct thief thief;
    struct letter letter;
    talk_begin(&talk, 4);
    talk_rounds(&talk, 3);
    talk.now += RATCHET_OFFER_LATEST;
    talk_write(&talk, 0, &letter);
    CHECK(talk.side[0]->now.ours.open);
    thief_begin(&thief, &talk, true);
    talk_pass(&talk, &letter);
    talk.side[1]->now.ours.since = talk.now; /* that side offers nothing yet */
    for (int i = 0; i < 20; i++)
        CHECK_INT(round_under_watch(&talk, &thief), 2);
    CHECK(!talk.side[0]->now.ours.open);
    talk.now += RATCHET_OFFER_LATEST;
    (void)round_under_watch(&talk, &thief);
    (void)round_under_watch(&talk, &thief);
    for (int i = 0; i < 50; i++)
        CHECK_INT(round_under_watch(&talk, &thief), 0);
    ratchet_destroy(thief.copy);
    talk_end(&talk);
}

TESTS(TEST(test_a_copy_reads_nothing_from_before),
      TEST(test_a_copy_reads_nothing_after_one_round_trip),
      TEST(test_with_x25519_broken_a_copy_reads_on_until_side_0_has_offered),
      TEST(test_with_x25519_broken_a_copy_reads_on_until_side_1_has_offered),
      TEST(test_with_x25519_broken_a_copied_offer_heals_nothing))
