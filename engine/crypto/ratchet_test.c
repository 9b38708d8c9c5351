/* What two sides say arrives, each message once, in whatever order; and nothing else does. */
#include "engine/crypto/fixture.h"
#include "engine/crypto/ratchet_state.h"
#include "tests/test.h"

static struct kept before;

static void test_two_sides_talk(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 1);
    CHECK(ratchet_can_step(talk.side[0]) && !ratchet_can_step(talk.side[1]));
    CHECK(!ratchet_heard(talk.side[0]) && !ratchet_heard(talk.side[1]));
    CHECK_INT(ratchet_turns(talk.side[0]), 1);
    for (int i = 0; i < 3; i++) {
        talk_write(&talk, 0, &letter);
        talk_pass(&talk, &letter);
    }
    CHECK(ratchet_heard(talk.side[1]) && ratchet_can_step(talk.side[1]));
    talk_rounds(&talk, 200);
    CHECK_INT(ratchet_turns(talk.side[0]), 200);
    CHECK_BYTES(ratchet_session(talk.side[0]), talk.secrets.id, SESSION_ID_BYTES);
    talk_end(&talk);
}

static void test_a_turn_is_told(void)
{
    struct talk talk;
    struct letter letter;
    struct ratchet_opened opened;
    talk_begin(&talk, 2);
    for (int i = 0; i < 8; i++) {
        talk_write(&talk, i / 2 % 2, &letter);
        CHECK_INT(talk_read(&talk, &letter, &opened), FAULT_NONE);
        CHECK(opened.turned == (i % 2 == 0) && opened.number == (uint32_t)i % 2);
        CHECK_INT(letter.step.turn, ratchet_turns(talk.side[i / 2 % 2]));
    }
    talk_end(&talk);
}

/* The caller judges the content before the state takes its place. */
static void test_what_is_opened_waits_to_be_kept(void)
{
    struct talk talk;
    struct letter letter[3];
    struct ratchet_opened opened;
    uint8_t content[sizeof letter->wire];
    talk_begin(&talk, 3);
    talk_rounds(&talk, 1);
    for (size_t i = 0; i < COUNT(letter); i++)
        talk_write(&talk, 0, &letter[i]);
    struct bytes wire = { letter[2].wire, letter[2].size }; /* skips two, and turns */
    kept_take(&before, talk.side[1]);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(ratchet_open(talk.side[1], talk.now, wire, content, &opened), FAULT_NONE);
        CHECK(kept_same(&before, talk.side[1]));
        if (i == 1)
            ratchet_drop(talk.side[1]);
    }
    ratchet_drop(talk.side[1]);
    ratchet_drop(talk.side[1]); /* nothing is pending: fine */
    CHECK_INT(ratchet_open(talk.side[1], talk.now, wire, content, &opened), FAULT_NONE);
    ratchet_keep(talk.side[1]);
    CHECK(!kept_same(&before, talk.side[1]));
    CHECK_INT(ratchet_open(talk.side[1], talk.now, wire, content, &opened), FAULT_GONE);
    CHECK(opened.size == 0 && opened.number == 2);
    CHECK_BYTES(opened.chain, letter[2].step.chain, CHAIN_ID_BYTES);
    talk_pass(&talk, &letter[1]);
    talk_pass(&talk, &letter[0]);
    talk_end(&talk);
}

/* Or the number that was taken would be given back with the older state. */
static void test_a_step_forgets_what_is_pending(void)
{
    struct talk talk;
    struct letter letter, own;
    struct ratchet_opened opened;
    uint8_t content[sizeof letter.wire];
    talk_begin(&talk, 12);
    talk_rounds(&talk, 1);
    talk_write(&talk, 0, &letter);
    struct bytes wire = { letter.wire, letter.size };
    CHECK_INT(ratchet_open(talk.side[1], talk.now, wire, content, &opened), FAULT_NONE);
    CHECK(talk.side[1]->pending);
    talk_write(&talk, 1, &own);
    CHECK(!talk.side[1]->pending);
    talk_end(&talk);
}

/* A step may be kept beside its text, and sealed each time it leaves. */
static void test_a_step_is_sealed_again_and_again(void)
{
    struct talk talk;
    struct letter first, second;
    struct ratchet_opened opened;
    talk_begin(&talk, 4);
    talk_write(&talk, 0, &first);
    second = first;
    uint8_t text[LETTER_TEXT_BYTES];
    memcpy(text, &second.text, sizeof text);
    ratchet_seal(second.wire, ratchet_session(talk.side[0]), &second.step, BYTES_OF(text),
                 &talk.rng);
    CHECK(memcmp(first.wire, second.wire, first.size) != 0);
    talk_pass(&talk, &second);
    CHECK_INT(talk_read(&talk, &first, &opened), FAULT_GONE);
    talk_end(&talk);
}

static void test_a_state_is_small_when_nothing_is_skipped(void)
{
    struct talk talk;
    talk_begin(&talk, 5);
    for (int i = 0; i < 300; i++) {
        for (int side = 0; side < 2; side++) {
            kept_take(&before, talk.side[side]);
            CHECK(before.size <= 4096);
            talk_reload(&talk, side);
        }
        talk_rounds(&talk, 1);
    }
    talk_end(&talk);
}

/* --- T-03 ------------------------------------------------------------------------------------- */

static void test_T03_a_message_sent_back_to_its_writer_is_refused(void)
{
    struct talk talk;
    struct letter letter, back;
    struct ratchet_opened opened;
    talk_begin(&talk, 6);
    for (int i = 0; i < 6; i++) {
        talk_write(&talk, i % 2, &letter);
        back = letter;
        back.from = 1 - letter.from;
        kept_take(&before, talk.side[letter.from]);
        CHECK_INT(talk_read(&talk, &back, &opened), FAULT_PEER);
        CHECK(kept_same(&before, talk.side[letter.from]));
        talk_pass(&talk, &letter);
        CHECK_INT(talk_read(&talk, &back, &opened), FAULT_PEER);
    }
    talk_end(&talk);
}

/* Swapped, one dropped, and each repeated at every later point. */
static void test_T03_swapped_dropped_repeated(void)
{
    static const int order[] = { 1, 0, 3, 5, 4 };
    struct talk talk;
    struct letter letter[6];
    struct ratchet_opened opened;
    talk_begin(&talk, 7);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < COUNT(letter); i++)
            talk_write(&talk, side, &letter[i]);
        for (size_t i = 0; i < COUNT(order); i++) {
            talk_pass(&talk, &letter[order[i]]);
            kept_take(&before, talk.side[1 - side]);
            for (size_t again = 0; again <= i; again++)
                CHECK_INT(talk_read(&talk, &letter[order[again]], &opened), FAULT_GONE);
            CHECK(kept_same(&before, talk.side[1 - side]));
        }
    }
    talk_end(&talk);
}

/* Parts of one message under those of another. */
static void test_T03_parts_of_two_messages_do_not_fit(void)
{
    struct talk talk;
    struct letter one, two, mixed;
    struct ratchet_opened opened;
    talk_begin(&talk, 8);
    talk_write(&talk, 0, &one);
    talk_write(&talk, 0, &two); /* both carry an offer: header, extra and body are as long */
    CHECK(one.size == two.size && one.step.header_size == two.step.header_size);
    size_t cuts[] = { RATCHET_HEADER_BYTES, one.step.header_size };
    kept_take(&before, talk.side[1]);
    for (size_t i = 0; i < COUNT(cuts); i++) {
        mixed = one;
        memcpy(mixed.wire + cuts[i], two.wire + cuts[i], one.size - cuts[i]);
        CHECK_INT(talk_read(&talk, &mixed, &opened), FAULT_PEER);
        CHECK(kept_same(&before, talk.side[1]));
    }
    talk_pass(&talk, &two);
    talk_pass(&talk, &one);
    talk_end(&talk);
}

static void test_another_session_opens_nothing(void)
{
    struct talk talk, other;
    struct letter letter;
    struct ratchet_opened opened;
    talk_begin(&talk, 9);
    talk_begin(&other, 10);
    talk_write(&talk, 0, &letter);
    CHECK_INT(talk_read(&other, &letter, &opened), FAULT_PEER);
    talk_end(&talk);
    talk_end(&other);
}

/* --- T-14 ------------------------------------------------------------------------------------- */

/* The disk is put back to an older copy, and other words get the same number and the same key. */
static void test_T14_a_state_put_back_repeats_no_key_stream(void)
{
    static const uint8_t texts[2][64] = { "Meet me at the bridge.", "The cat is on the roof." };
    uint8_t wire[2][RATCHET_HEADER_MAX_BYTES + RATCHET_BODY_EXTRA_BYTES + sizeof texts[0]];
    struct ratchet_step step[2];
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 11);
    talk_rounds(&talk, 2);
    talk_write(&talk, 0, &letter);
    kept_take(&before, talk.side[0]);
    for (int i = 0; i < 2; i++) {
        ratchet_destroy(talk.side[0]);
        talk.side[0] = kept_copy(&before);
        CHECK_INT(ratchet_step(talk.side[0], talk.now, &talk.rng, &step[i]), FAULT_NONE);
        ratchet_seal(wire[i], talk.secrets.id, &step[i], BYTES_OF(texts[i]), &talk.rng);
    }
    /* In a running chain the keys are the same. All that protects is the nonce. */
    CHECK_BYTES(step[0].key, step[1].key, sizeof step[0].key);
    CHECK(step[0].number == 1 && step[1].number == 1);
    CHECK(memcmp(wire[0], wire[1], SEALED_NONCE_BYTES) != 0);
    size_t at = step[0].header_size;
    CHECK(memcmp(wire[0] + at, wire[1] + at, SEALED_NONCE_BYTES) != 0);
    size_t same = 0;
    for (size_t i = 0; i < sizeof texts[0]; i++) {
        size_t byte = at + SEALED_NONCE_BYTES + i;
        same += (wire[0][byte] ^ wire[1][byte]) == (texts[0][i] ^ texts[1][i]);
    }
    CHECK(same < 8); /* of 64, by chance */
    talk_end(&talk);
}

TESTS(TEST(test_two_sides_talk), TEST(test_a_turn_is_told),
      TEST(test_what_is_opened_waits_to_be_kept), TEST(test_a_step_forgets_what_is_pending),
      TEST(test_a_step_is_sealed_again_and_again),
      TEST(test_a_state_is_small_when_nothing_is_skipped),
      TEST(test_T03_a_message_sent_back_to_its_writer_is_refused),
      TEST(test_T03_swapped_dropped_repeated), TEST(test_T03_parts_of_two_messages_do_not_fit),
      TEST(test_another_session_opens_nothing),
      TEST(test_T14_a_state_put_back_repeats_no_key_stream))
