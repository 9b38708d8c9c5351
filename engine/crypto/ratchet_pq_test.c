/* The ML-KEM step: offers, answers, their order, and the end of their secrets. */
#include "engine/crypto/fixture.h"
#include "engine/crypto/ratchet_state.h"
#include "tests/test.h"

static struct kept before;

static const struct own_offer *offer_of(const struct talk *talk, int side)
{
    return &talk->side[side]->now.ours;
}

static void check_refused(struct talk *talk, const struct letter *letter)
{
    struct ratchet_opened opened;
    kept_take(&before, talk->side[1 - letter->from]);
    CHECK_INT(talk_read(talk, letter, &opened), FAULT_PEER);
    CHECK(kept_same(&before, talk->side[1 - letter->from]));
}

static bool header_carries(const struct letter *letter, bool offer, bool answer)
{
    return letter->step.header_size == ratchet_header_size(offer, answer);
}

/* --- who offers, who answers ------------------------------------------------------------------ */

static void test_T18_the_first_chain_offers_and_the_first_reply_answers(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 1);
    for (int i = 0; i < 3; i++) { /* in every header until it is answered */
        talk_write(&talk, 0, &letter);
        CHECK(header_carries(&letter, true, false));
        talk_pass(&talk, &letter);
    }
    for (int i = 0; i < 3; i++) { /* in every header of the chain */
        talk_write(&talk, 1, &letter);
        CHECK(header_carries(&letter, false, true));
    }
    talk_pass(&talk, &letter); /* the first that comes will do, whichever it is */
    CHECK(!offer_of(&talk, 0)->open && offer_of(&talk, 0)->kid == 1);
    CHECK_INT(talk.side[1]->now.answered, 1);
    talk_write(&talk, 0, &letter);
    CHECK(header_carries(&letter, false, false));
    talk_pass(&talk, &letter);
    talk_write(&talk, 1, &letter); /* a new chain: no answer in it */
    CHECK(header_carries(&letter, false, false));
    talk_end(&talk);
}

static void test_an_offer_is_made_after_50_messages(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 2);
    talk_rounds(&talk, 1);
    for (int i = 0; i < RATCHET_OFFER_MESSAGES; i++) {
        talk_write(&talk, 0, &letter);
        CHECK(!offer_of(&talk, 0)->open && header_carries(&letter, false, false));
    }
    talk_write(&talk, 0, &letter);
    CHECK(offer_of(&talk, 0)->open && header_carries(&letter, true, false));
    CHECK_INT(offer_of(&talk, 0)->kid, 2);
    talk_end(&talk);
}

static void check_time_to_offer(duration step, int silent)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 3);
    talk_rounds(&talk, 1);
    for (int i = 0; i < silent; i++) {
        talk.now += step;
        talk_write(&talk, 0, &letter);
        CHECK(header_carries(&letter, false, false));
        talk_reload(&talk, 0);
    }
    talk.now += step;
    talk_write(&talk, 0, &letter);
    CHECK(header_carries(&letter, true, false));
    talk_end(&talk);
}

static void test_an_offer_is_made_after_24_hours_of_use_or_7_days(void)
{
    check_time_to_offer(30 * MINUTE, 47);
    check_time_to_offer(HOUR, 23);
    check_time_to_offer(HOUR - 1, 24);
    check_time_to_offer(HOUR + 1, 23); /* so long between two words is not use */
    check_time_to_offer(DAY, 6);
    check_time_to_offer(WEEK - 1, 1);
    check_time_to_offer(WEEK, 0);
}

/* 20 hours of use, an answer, and use is counted from there. */
static void test_an_answer_ends_the_count_of_use(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 13);
    for (int i = 0; i < 20; i++) {
        talk_write(&talk, 0, &letter);
        talk.now += HOUR;
    }
    talk_pass(&talk, &letter);
    talk_write(&talk, 1, &letter);
    talk_pass(&talk, &letter);
    for (int i = 0; i < 24; i++) {
        talk_write(&talk, 0, &letter);
        CHECK(header_carries(&letter, false, false));
        talk.now += HOUR;
    }
    talk_write(&talk, 0, &letter);
    CHECK(header_carries(&letter, true, false));
    talk_end(&talk);
}

static void test_a_clock_set_back_makes_no_offers_and_no_trouble(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 4);
    talk_rounds(&talk, 1);
    talk.now -= 1000 * DAY;
    talk_write(&talk, 0, &letter);
    CHECK(header_carries(&letter, false, false));
    CHECK_INT(offer_of(&talk, 0)->used, 0);
    talk_end(&talk);
}

/* Offers cross, and answers. */
static void test_T18_both_sides_offer_at_once(void)
{
    struct talk talk;
    struct letter letter[2];
    talk_begin(&talk, 5);
    for (int i = 0; i < 10; i++) {
        talk_rounds(&talk, 3);
        talk.now += RATCHET_OFFER_LATEST;
        for (int side = 0; side < 2; side++)
            talk_write(&talk, side, &letter[side]);
        for (int side = 0; side < 2; side++)
            talk_pass(&talk, &letter[side]);
        CHECK(offer_of(&talk, 0)->open && offer_of(&talk, 1)->open);
        talk_rounds(&talk, 3);
        CHECK(!offer_of(&talk, 0)->open && !offer_of(&talk, 1)->open);
        CHECK_INT(talk.side[1]->now.answered, offer_of(&talk, 0)->kid);
        CHECK_INT(talk.side[0]->now.answered, offer_of(&talk, 1)->kid);
    }
    CHECK(offer_of(&talk, 0)->kid == 11 && offer_of(&talk, 1)->kid == 10);
    talk_end(&talk);
}

/* --- a kid is answered once ------------------------------------------------------------------- */

static void test_T18_a_late_copy_of_an_old_offer_is_not_answered(void)
{
    struct talk talk;
    struct letter late, letter;
    talk_begin(&talk, 6);
    talk_write(&talk, 0, &late); /* offers kid 1 */
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    talk_write(&talk, 1, &letter); /* answers it */
    talk_pass(&talk, &letter);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    talk_pass(&talk, &late);
    CHECK_INT(talk.side[1]->now.theirs.kid, 0);
    talk_write(&talk, 1, &letter);
    CHECK(header_carries(&letter, false, false));
    talk_pass(&talk, &letter);
    talk_rounds(&talk, 3);
    talk_end(&talk);
}

static void test_T18_kids_increase_and_answers_name_the_open_one(void)
{
    struct talk talk;
    uint32_t last[2] = { 0, 0 };
    talk_begin(&talk, 7);
    for (int i = 0; i < 400; i++) {
        talk_rounds(&talk, 1);
        for (int side = 0; side < 2; side++) {
            uint32_t kid = offer_of(&talk, side)->kid;
            CHECK(kid == last[side] || kid == last[side] + 1);
            last[side] = kid;
            CHECK(talk.side[1 - side]->now.answered <= kid);
        }
    }
    CHECK(last[0] >= 7 && last[1] >= 7);
    talk_end(&talk);
}

/* --- when secrets end ------------------------------------------------------------------------- */

static void test_T18_the_secret_of_an_offer_ends_when_its_answer_is_kept(void)
{
    struct talk talk;
    struct letter letter;
    struct ratchet_opened opened;
    uint8_t seed[MLKEM_SEED_BYTES], content[sizeof letter.wire];
    talk_begin(&talk, 8);
    talk_rounds(&talk, 1);
    talk.now += RATCHET_OFFER_LATEST;
    talk_write(&talk, 0, &letter);
    memcpy(seed, offer_of(&talk, 0)->pair.seed, sizeof seed);
    talk_pass(&talk, &letter);
    talk_write(&talk, 1, &letter);
    struct bytes wire = { letter.wire, letter.size };
    CHECK_INT(ratchet_open(talk.side[0], talk.now, wire, content, &opened), FAULT_NONE);
    kept_take(&before, talk.side[0]);
    CHECK(kept_holds(&before, seed, sizeof seed)); /* opened, but not kept */
    ratchet_drop(talk.side[0]);
    kept_take(&before, talk.side[0]);
    CHECK(kept_holds(&before, seed, sizeof seed));
    talk_pass(&talk, &letter);
    kept_take(&before, talk.side[0]);
    CHECK(!kept_holds(&before, seed, MLKEM_SHARED_BYTES));
    /* Nor is it anywhere else in the ratchet's memory. */
    const uint8_t *memory = (const uint8_t *)talk.side[0];
    for (size_t at = 0; at + sizeof seed <= sizeof *talk.side[0]; at++)
        CHECK(memcmp(memory + at, seed, sizeof seed) != 0);
    talk_end(&talk);
}

/* --- a peer that errs ------------------------------------------------------------------------- */

/* The next letter of `from`, with its header as changed by the caller and all else as it is. */
static struct letter changed(struct talk *talk, int from, void (*change)(struct ratchet_header *))
{
    struct letter letter;
    struct ratchet_header header;
    size_t size;
    uint8_t text[LETTER_TEXT_BYTES];
    talk_write(talk, from, &letter);
    const struct sending *sending = &talk->side[from]->now.sending;
    bool good = ratchet_header_read(&header, &size, sending->header_key, talk->secrets.id,
                                    (struct bytes){ letter.wire, letter.size });
    CHECK(good);
    change(&header);
    letter.step.header_size = ratchet_header_write(letter.step.header, sending->header_key,
                                                   talk->secrets.id, &header, &talk->rng);
    memcpy(text, &letter.text, sizeof text);
    ratchet_seal(letter.wire, talk->secrets.id, &letter.step, BYTES_OF(text), &talk->rng);
    letter.size = letter.step.header_size + sizeof text + RATCHET_BODY_EXTRA_BYTES;
    return letter;
}

static void alter_cipher(struct ratchet_header *header)
{
    header->answer.cipher[500] ^= 4;
}

static void alter_answered_kid(struct ratchet_header *header)
{
    header->answer.kid++;
}

static void leave_answer_out(struct ratchet_header *header)
{
    header->answer.kid = 0;
}

static void alter_offered_key(struct ratchet_header *header)
{
    memset(header->offer.key, 0xff, sizeof header->offer.key);
}

static void alter_nothing(struct ratchet_header *header)
{
    (void)header;
}

/* The chain lives on: the next header carries the true one. */
static void test_T18_an_altered_answer_changes_nothing(void)
{
    static void (*const changes[])(struct ratchet_header *) = { alter_cipher, alter_answered_kid,
                                                                leave_answer_out };
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct talk talk;
        struct letter letter;
        talk_begin(&talk, 9);
        talk_write(&talk, 0, &letter);
        talk_pass(&talk, &letter);
        letter = changed(&talk, 1, changes[i]);
        check_refused(&talk, &letter);
        CHECK(offer_of(&talk, 0)->open);
        letter = changed(&talk, 1, alter_nothing); /* the change alone was to blame */
        talk_pass(&talk, &letter);
        talk_rounds(&talk, 3);
        talk_end(&talk);
    }
}

/* By a peer that mixes in what it says. */
static void test_an_answer_to_what_is_not_open_is_refused(void)
{
    for (int again = 0; again < 2; again++) {
        struct talk talk;
        struct letter letter;
        talk_begin(&talk, 10);
        struct ratchet_state *peer = &talk.side[1]->now;
        talk_write(&talk, 0, &letter);
        talk_pass(&talk, &letter);
        struct ratchet_offer offer = peer->theirs;
        if (again) { /* a kid that has been answered */
            talk_write(&talk, 1, &letter);
            talk_pass(&talk, &letter);
            talk_write(&talk, 0, &letter);
            talk_pass(&talk, &letter);
        } else { /* one that was never offered, with the key of the one that was */
            offer.kid++;
        }
        peer->theirs = offer;
        talk_write(&talk, 1, &letter);
        CHECK(header_carries(&letter, false, true));
        check_refused(&talk, &letter);
        talk_end(&talk);
    }
}

/* As no honest peer does: it offers when it has not been answered. */
static void test_an_older_offer_takes_no_newer_ones_place(void)
{
    static const uint32_t kids[] = { 5, 3, 5, 7, 6 }, newest[] = { 5, 5, 5, 7, 7 };
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 14);
    for (size_t i = 0; i < COUNT(kids); i++) {
        struct own_offer *ours = &talk.side[0]->now.ours;
        mlkem_pair_make(&ours->pair, &talk.rng);
        ours->kid = kids[i];
        talk_write(&talk, 0, &letter);
        talk_pass(&talk, &letter);
        CHECK_INT(talk.side[1]->now.theirs.kid, newest[i]);
        bool same =
            memcmp(talk.side[1]->now.theirs.key, ours->pair.public, MLKEM_PUBLIC_BYTES) == 0;
        CHECK(same == (i == 0 || i == 3));
    }
    talk_end(&talk);
}

static void test_an_offered_key_that_is_none_is_refused(void)
{
    struct talk talk;
    struct letter letter;
    talk_begin(&talk, 11);
    letter = changed(&talk, 0, alter_offered_key);
    check_refused(&talk, &letter);
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    talk_rounds(&talk, 3);
    talk_end(&talk);
}

/* --- a silent peer ---------------------------------------------------------------------------- */

/* One side writes for 30 days and is not answered: its offer stands, and is one. */
static void test_T18_30_days_of_one_side_alone(void)
{
    struct talk talk;
    struct letter letter[30 * 24], answer;
    uint8_t seed[MLKEM_SEED_BYTES];
    talk_begin(&talk, 12);
    talk_rounds(&talk, 1);
    for (size_t i = 0; i < COUNT(letter); i++) {
        talk_write(&talk, 0, &letter[i]);
        talk.now += HOUR;
        if (i == RATCHET_OFFER_MESSAGES)
            memcpy(seed, offer_of(&talk, 0)->pair.seed, sizeof seed);
    }
    CHECK(offer_of(&talk, 0)->open && offer_of(&talk, 0)->kid == 2);
    CHECK_BYTES(seed, offer_of(&talk, 0)->pair.seed, sizeof seed);
    for (size_t i = 0; i < COUNT(letter); i++) /* from both ends */
        talk_pass(&talk, &letter[i % 2 == 0 ? i / 2 : COUNT(letter) - 1 - i / 2]);
    talk_write(&talk, 1, &answer);
    talk_pass(&talk, &answer);
    CHECK(!offer_of(&talk, 0)->open);
    talk_rounds(&talk, 3);
    talk_end(&talk);
}

TESTS(TEST(test_T18_the_first_chain_offers_and_the_first_reply_answers),
      TEST(test_an_offer_is_made_after_50_messages),
      TEST(test_an_offer_is_made_after_24_hours_of_use_or_7_days),
      TEST(test_an_answer_ends_the_count_of_use),
      TEST(test_a_clock_set_back_makes_no_offers_and_no_trouble),
      TEST(test_T18_both_sides_offer_at_once),
      TEST(test_T18_a_late_copy_of_an_old_offer_is_not_answered),
      TEST(test_T18_kids_increase_and_answers_name_the_open_one),
      TEST(test_T18_the_secret_of_an_offer_ends_when_its_answer_is_kept),
      TEST(test_T18_an_altered_answer_changes_nothing),
      TEST(test_an_answer_to_what_is_not_open_is_refused),
      TEST(test_an_older_offer_takes_no_newer_ones_place),
      TEST(test_an_offered_key_that_is_none_is_refused), TEST(test_T18_30_days_of_one_side_alone))
