/* Whatever the other side does, or somebody outside, costs a bounded time and a bounded room, and
   what is refused leaves no trace. A peer that breaks rules is made here by hand, from its state.
 */
#include "engine/crypto/fixture.h"
#include "engine/crypto/ratchet_state.h"
#include "tests/test.h"

static struct kept before;

/* What side `from` would write if it did not keep to the rules: that header, and a body under the
   key `ahead` numbers further on in its chain. */
static void forge(struct talk *talk, int from, const uint8_t header_key[32],
                  const struct ratchet_header *header, uint32_t ahead, struct letter *out)
{
    struct ratchet *ratchet = talk->side[from];
    uint8_t chain_key[32], text[LETTER_TEXT_BYTES];
    memcpy(chain_key, ratchet->now.sending.key, sizeof chain_key);
    for (uint32_t i = 0; i <= ahead; i++)
        ratchet_message_key(out->step.key, chain_key);
    out->from = from;
    out->text = talk->written[from]++;
    memcpy(text, &out->text, sizeof text);
    out->step.number = header->number;
    ratchet_chain_id(out->step.chain, ratchet->session, header->dh);
    out->step.header_size =
        ratchet_header_write(out->step.header, header_key, ratchet->session, header, &talk->rng);
    ratchet_seal(out->wire, ratchet->session, &out->step, BYTES_OF(text), &talk->rng);
    out->size = out->step.header_size + sizeof text + RATCHET_BODY_EXTRA_BYTES;
}

/* What an honest `from` would say next, to be changed. */
static struct ratchet_header header_of(const struct talk *talk, int from)
{
    const struct sending *sending = &talk->side[from]->now.sending;
    struct ratchet_header header = { .previous = sending->previous, .number = sending->number };
    memcpy(header.dh, sending->pair.public, sizeof header.dh);
    header.answer = talk->side[from]->answer;
    return header;
}

/* Goes on `ahead` numbers without saying anything. */
static void leap(struct talk *talk, int from, uint32_t ahead)
{
    struct sending *sending = &talk->side[from]->now.sending;
    uint8_t key[32];
    for (; ahead > 0; ahead--, sending->number++)
        ratchet_message_key(key, sending->key);
}

static void forge_ahead(struct talk *talk, int from, uint32_t ahead, struct letter *out)
{
    struct ratchet_header header = header_of(talk, from);
    header.number += ahead;
    forge(talk, from, talk->side[from]->now.sending.header_key, &header, ahead, out);
}

static void check_refused(struct talk *talk, const struct letter *letter)
{
    struct ratchet_opened opened;
    kept_take(&before, talk->side[1 - letter->from]);
    CHECK_INT(talk_read(talk, letter, &opened), FAULT_PEER);
    CHECK(kept_same(&before, talk->side[1 - letter->from]));
}

/* --- T-15 ------------------------------------------------------------------------------------- */

static void test_T15_the_greatest_number_is_refused_at_once(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 1);
    talk_rounds(&talk, 2);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    talk_write(&talk, 1, &letter);
    struct ratchet_header header = header_of(&talk, 0);
    header.number = RATCHET_NUMBER_LIMIT - 1;
    forge(&talk, 0, talk.side[0]->now.sending.header_key, &header, 0, &letter);
    check_refused(&talk, &letter);
    header.number = 0;
    header.previous = RATCHET_NUMBER_LIMIT - 1; /* at the head of a new chain */
    memset(header.dh, 9, sizeof header.dh);
    forge(&talk, 0, talk.side[1]->now.next_receiving, &header, 0, &letter);
    check_refused(&talk, &letter);
    talk_end(&talk);
}

static void test_T15_a_gap_of_1001_is_refused(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 2);
    talk_rounds(&talk, 2);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    forge_ahead(&talk, 0, RATCHET_GAP_MAX + 1, &letter);
    check_refused(&talk, &letter);
    forge_ahead(&talk, 0, RATCHET_GAP_MAX, &letter);
    talk_pass(&talk, &letter);
    CHECK_INT(talk.side[1]->skipped_count, RATCHET_GAP_MAX);
    talk_end(&talk);
}

static void test_T15_a_gap_of_1001_in_the_chain_before_is_refused(void)
{
    for (uint32_t gap = RATCHET_GAP_MAX; gap <= RATCHET_GAP_MAX + 1; gap++) {
        struct talk talk;
        struct letter letter, answer;
        talk_begin(&talk, 3);
        talk_rounds(&talk, 2);
        talk_write(&talk, 0, &letter);
        talk_pass(&talk, &letter);
        leap(&talk, 0, gap);
        talk_write(&talk, 1, &answer);
        talk_pass(&talk, &answer);
        talk_write(&talk, 0, &letter);
        if (gap > RATCHET_GAP_MAX)
            check_refused(&talk, &letter);
        else
            talk_pass(&talk, &letter);
        talk_end(&talk);
    }
}

/* 1,000 in the first chain, 999 in the next, then one by one. */
static void test_T15_the_2001st_skipped_key_is_refused(void)
{
    struct talk talk;
    struct letter letter, late, answer;
    talk_begin(&talk, 4);
    talk_rounds(&talk, 1);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    leap(&talk, 0, 499);
    talk_write(&talk, 0, &late);
    leap(&talk, 0, 500);
    talk_write(&talk, 1, &answer);
    talk_pass(&talk, &answer);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    CHECK_INT(talk.side[1]->skipped_count, 1000);
    forge_ahead(&talk, 0, 999, &letter);
    talk_pass(&talk, &letter);
    CHECK_INT(talk.side[1]->skipped_count, 1999);
    forge_ahead(&talk, 0, 1002, &letter);
    check_refused(&talk, &letter);
    forge_ahead(&talk, 0, 1001, &letter);
    talk_pass(&talk, &letter);
    talk_reload(&talk, 1); /* so many fit, and are read back */
    forge_ahead(&talk, 0, 1003, &letter);
    check_refused(&talk, &letter);
    talk_pass(&talk, &late); /* makes room for one */
    talk_pass(&talk, &letter);
    CHECK_INT(talk.side[1]->skipped_count, RATCHET_SKIPPED_MAX);
    talk_end(&talk);
}

/* Full, and the oldest chain, which goes when a new one begins, takes its keys along. */
static void test_T15_a_chain_that_is_forgotten_makes_room(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 14);
    for (uint32_t i = 0; i < RATCHET_CHAINS_MAX + 1; i++) {
        talk_write(&talk, 0, &letter);
        talk_pass(&talk, &letter);
        leap(&talk, 0, i < 2 ? 700 : 0);
        talk_write(&talk, 1, &letter);
        talk_pass(&talk, &letter);
    }
    CHECK_INT(talk.side[1]->skipped_count, 1400);
    CHECK_INT(talk.side[1]->now.receiving_count, RATCHET_CHAINS_MAX + 1);
    CHECK_INT(talk.side[1]->now.receiving[0].skipped, 700);
    talk_write(&talk, 0, &letter);
    leap(&talk, 0, 900);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    CHECK_INT(talk.side[1]->skipped_count, 700 + 901);
    talk_end(&talk);
}

/* Each chain leaves one message behind. Late, the 5 before the running one open, a sixth does not.
 */
static void test_T15_a_6th_chain_is_forgotten_with_its_keys(void)
{
    struct talk talk;
    struct letter late[8], letter;
    struct ratchet_opened opened;
    talk_begin(&talk, 5);
    talk_rounds(&talk, 1);
    for (size_t i = 0; i < COUNT(late); i++) {
        talk_write(&talk, 0, &late[i]);
        talk_write(&talk, 0, &letter);
        talk_pass(&talk, &letter);
        talk_write(&talk, 1, &letter);
        talk_pass(&talk, &letter);
    }
    CHECK_INT(talk.side[1]->now.receiving_count, RATCHET_CHAINS_MAX + 1);
    CHECK_INT(talk.side[1]->skipped_count, RATCHET_CHAINS_MAX + 1);
    for (size_t i = 0; i < COUNT(late) - RATCHET_CHAINS_MAX - 1; i++)
        check_refused(&talk, &late[i]);
    for (size_t i = COUNT(late) - RATCHET_CHAINS_MAX - 1; i < COUNT(late); i++) {
        talk_pass(&talk, &late[i]);
        CHECK_INT(talk_read(&talk, &late[i], &opened), FAULT_GONE);
    }
    CHECK(talk.side[1]->skipped_count == 0 && talk.side[1]->skipped == NULL);
    talk_end(&talk);
}

/* A header of nobody: refused with every bit turned, cut short, and as random bytes. */
static void test_T15_a_stranger_changes_nothing(void)
{
    struct talk talk;
    struct letter truth, letter;
    talk_begin(&talk, 6);
    talk_rounds(&talk, 60); /* with offers and answers on the way */
    for (int i = 0; i < 7; i++) {
        talk_write(&talk, 0, &truth); /* all but the last are skipped */
        if (i == 3)
            talk_pass(&talk, &truth);
    }
    for (size_t at = 0; at < truth.size; at++) {
        letter = truth;
        letter.wire[at] ^= (uint8_t)(1u << at % 8);
        check_refused(&talk, &letter);
        letter.wire[at] ^= (uint8_t)(1u << at % 8);
        letter.size = at;
        check_refused(&talk, &letter);
    }
    rng_fill(&talk.rng, letter.wire, letter.size = sizeof letter.wire);
    check_refused(&talk, &letter);
    talk_pass(&talk, &truth);
    talk_end(&talk);
}

/* --- a peer that errs ------------------------------------------------------------------------- */

static void test_a_sender_stops_at_990(void)
{
    struct talk talk;
    struct letter letter;
    struct ratchet_step step;
    talk_begin(&talk, 7);
    CHECK_INT(ratchet_step(talk.side[1], talk.now, &talk.rng, &step), FAULT_BUSY);
    for (uint32_t i = 0; i < RATCHET_CHAIN_LIMIT; i++)
        talk_write(&talk, 0, &letter);
    CHECK(!ratchet_can_step(talk.side[0]));
    kept_take(&before, talk.side[0]);
    CHECK_INT(ratchet_step(talk.side[0], talk.now, &talk.rng, &step), FAULT_BUSY);
    CHECK(kept_same(&before, talk.side[0]));
    talk_pass(&talk, &letter); /* one that bridges all the others */
    CHECK_INT(talk.side[1]->skipped_count, RATCHET_CHAIN_LIMIT - 1);
    talk_write(&talk, 1, &letter);
    talk_pass(&talk, &letter);
    CHECK(ratchet_can_step(talk.side[0])); /* an answer begins a new chain */
    talk_end(&talk);
}

static void test_a_chain_that_ends_before_what_came_is_refused(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 8);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    talk_rounds(&talk, 2);
    talk_write(&talk, 1, &letter);
    talk_pass(&talk, &letter);
    talk_write(&talk, 0, &letter);
    struct ratchet_header header = header_of(&talk, 0);
    header.previous--;
    forge(&talk, 0, talk.side[0]->now.sending.header_key, &header, 0, &letter);
    check_refused(&talk, &letter);
    talk_end(&talk);
}

static void test_a_first_chain_has_none_before_it(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 9);
    struct ratchet_header header = header_of(&talk, 0);
    header.previous = 1;
    forge(&talk, 0, talk.side[0]->now.sending.header_key, &header, 0, &letter);
    check_refused(&talk, &letter);
    talk_end(&talk);
}

static void test_another_key_in_a_running_chain_is_refused(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 10);
    talk_rounds(&talk, 2);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    struct ratchet_header header = header_of(&talk, 0);
    header.dh[0] ^= 1;
    forge(&talk, 0, talk.side[0]->now.sending.header_key, &header, 0, &letter);
    check_refused(&talk, &letter);
    talk_end(&talk);
}

/* A new chain with that key, by somebody who knows what side 1 would agree on. */
static void forge_chain(struct talk *talk, const uint8_t dh[KEY_BYTES],
                        const uint8_t shared[KEY_BYTES], struct letter *out)
{
    const struct ratchet_state *victim = &talk->side[1]->now;
    struct ratchet_header header = { .previous = talk->side[0]->now.sending.number };
    uint8_t root[32], header_key[32];
    memcpy(header.dh, dh, sizeof header.dh);
    memcpy(root, victim->root, sizeof root);
    ratchet_root(root, talk->side[0]->now.sending.key, header_key, shared, NULL);
    memcpy(header_key, victim->next_receiving, sizeof header_key);
    forge(talk, 0, header_key, &header, 0, out);
}

/* Between our turn and our next chain there is no pair to agree with but one of zeros, and
   everybody knows those. */
static void test_a_chain_that_answers_none_of_ours_is_refused(void)
{
    static const uint8_t zeros[KEY_BYTES];
    uint8_t shared[KEY_BYTES];
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 11);
    talk_rounds(&talk, 2);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    CHECK_INT(talk.side[1]->now.phase, PHASE_TURNS);
    CHECK_BYTES(talk.side[1]->now.sending.pair.secret, zeros, sizeof zeros);
    CHECK_INT(dh_agree(shared, zeros, talk.bundle.public), FAULT_NONE);
    forge_chain(&talk, talk.bundle.public, shared, &letter);
    check_refused(&talk, &letter);
    talk_end(&talk);
}

/* An ended chain has no key any more but one of zeros. */
static void test_a_number_after_the_end_of_a_chain_is_refused(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 15);
    talk_rounds(&talk, 2);
    const struct receiving *ended = &talk.side[1]->now.receiving[0];
    struct ratchet_header header = { .number = ended->next };
    memcpy(header.dh, ended->dh, sizeof header.dh);
    memset(talk.side[0]->now.sending.key, 0, 32);
    forge(&talk, 0, ended->header_key, &header, 0, &letter);
    check_refused(&talk, &letter);
    talk_end(&talk);
}

/* 32 bytes are always the same: a peer that makes every chain with one pair. */
static void fill_stuck(void *source, void *out, size_t size)
{
    if (size == KEY_BYTES)
        memset(out, 7, size);
    else
        rng_fill(source, out, size);
}

static void test_a_second_chain_with_the_same_key_is_refused(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 16);
    struct rng luck = talk.rng, stuck = { fill_stuck, &luck };
    for (int i = 0; i < 2; i++) {
        talk_rounds(&talk, 2);
        talk.rng = stuck;
        talk_write(&talk, 0, &letter);
        talk.rng = luck;
        if (i == 1)
            check_refused(&talk, &letter);
        else
            talk_pass(&talk, &letter);
        if (i == 0) {
            talk_write(&talk, 1, &letter);
            talk_pass(&talk, &letter);
        }
    }
    talk_end(&talk);
}

/* Nothing is agreed with it, so that everybody would know the keys. */
static void test_a_key_of_low_order_is_refused(void)
{
    static const uint8_t zeros[KEY_BYTES];
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 12);
    forge_chain(&talk, zeros, zeros, &letter);
    check_refused(&talk, &letter);
    talk_end(&talk);
}

/* --- age -------------------------------------------------------------------------------------- */

static void test_skipped_keys_die_after_30_days(void)
{
    struct talk talk;
    struct letter late[3], letter, used;
    struct ratchet_opened opened;
    talk_begin(&talk, 13);
    for (size_t i = 0; i < COUNT(late); i++)
        talk_write(&talk, 0, &late[i]);
    talk_write(&talk, 0, &used);
    talk_pass(&talk, &used);
    talk.now += RATCHET_SKIPPED_LIVE - 1;
    CHECK(!ratchet_age(talk.side[1], talk.now));
    talk_pass(&talk, &late[2]);
    CHECK_INT(talk_read(&talk, &late[2], &opened), FAULT_GONE);
    talk_write(&talk, 0, &late[2]);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    talk.now++;
    check_refused(&talk, &late[0]); /* dead, though still there */
    CHECK(ratchet_age(talk.side[1], talk.now));
    CHECK_INT(talk.side[1]->skipped_count, 1);
    /* That it was used cannot be said any more: it must not be acknowledged. */
    check_refused(&talk, &late[1]);
    CHECK_INT(talk_read(&talk, &used, &opened), FAULT_GONE);
    talk_reload(&talk, 1);
    check_refused(&talk, &late[1]);
    talk_pass(&talk, &late[2]);
    talk_end(&talk);
}

/* The clock was set back between two gaps, so that the later key dies first. */
static void test_a_key_that_died_stays_dead_when_an_older_one_follows(void)
{
    struct talk talk;
    struct letter letter[4];
    struct ratchet_opened opened;
    talk_begin(&talk, 17);
    for (size_t i = 0; i < COUNT(letter); i++)
        talk_write(&talk, 0, &letter[i]);
    talk_pass(&talk, &letter[1]);
    talk.now -= 10 * DAY;
    talk_pass(&talk, &letter[3]);
    talk.now += RATCHET_SKIPPED_LIVE;
    CHECK(ratchet_age(talk.side[1], talk.now));
    check_refused(&talk, &letter[2]);
    CHECK_INT(talk.side[1]->skipped_count, 1);
    talk.now += 10 * DAY;
    CHECK(ratchet_age(talk.side[1], talk.now));
    for (size_t i = 0; i < 3; i++)
        check_refused(&talk, &letter[i]);
    CHECK_INT(talk_read(&talk, &letter[3], &opened), FAULT_GONE);
    talk_end(&talk);
}

TESTS(TEST(test_T15_the_greatest_number_is_refused_at_once),
      TEST(test_T15_a_gap_of_1001_is_refused),
      TEST(test_T15_a_gap_of_1001_in_the_chain_before_is_refused),
      TEST(test_T15_the_2001st_skipped_key_is_refused),
      TEST(test_T15_a_chain_that_is_forgotten_makes_room),
      TEST(test_T15_a_6th_chain_is_forgotten_with_its_keys),
      TEST(test_T15_a_stranger_changes_nothing), TEST(test_a_sender_stops_at_990),
      TEST(test_a_chain_that_ends_before_what_came_is_refused),
      TEST(test_a_first_chain_has_none_before_it),
      TEST(test_another_key_in_a_running_chain_is_refused),
      TEST(test_a_chain_that_answers_none_of_ours_is_refused),
      TEST(test_a_number_after_the_end_of_a_chain_is_refused),
      TEST(test_a_second_chain_with_the_same_key_is_refused),
      TEST(test_a_key_that_died_stays_dead_when_an_older_one_follows),
      TEST(test_a_key_of_low_order_is_refused), TEST(test_skipped_keys_die_after_30_days))
