/* The short code, and what somebody in the middle can do about it. Known answers were computed by
   another program. */
#include "engine/crypto/shortcode.h"
#include "tests/test.h"

#include <stdlib.h>

#define MESSAGE_BYTES 32

static struct rng_seeded luck;
static struct rng rng;
static const uint8_t keys[HASH_BYTES] = { 1 };

/* A source that gives one byte for ever. */
static void fill_same(void *source, void *out, size_t size)
{
    memset(out, *(uint8_t *)source, size);
}

/* One message from one side to the other. */
static void pass(struct shortcode *from, struct shortcode *to)
{
    uint8_t message[MESSAGE_BYTES];
    CHECK(shortcode_say(from, message) == FAULT_NONE);
    CHECK(shortcode_hear(to, message) == FAULT_NONE);
}

static void finish_both(struct shortcode *first, struct shortcode *second)
{
    pass(first, second);
    pass(second, first);
    pass(first, second);
}

static unsigned code_of(const struct shortcode *code)
{
    char digits[SHORTCODE_DIGITS + 1];
    CHECK(shortcode_digits(code, digits) == FAULT_NONE);
    CHECK_INT(strlen(digits), SHORTCODE_DIGITS);
    return (unsigned)strtoul(digits, NULL, 10);
}

static void test_two_who_agree_see_the_same_digits(void)
{
    struct shortcode first, second;
    unsigned last = 0;
    rng = rng_from_seed(&luck, 1);
    for (int i = 0; i < 5; i++) {
        shortcode_start(&first, true, keys, &rng);
        shortcode_start(&second, false, keys, &rng);
        finish_both(&first, &second);
        CHECK(code_of(&first) == code_of(&second));
        CHECK(code_of(&first) != last);
        last = code_of(&first);
        shortcode_finish(&first);
        shortcode_finish(&second);
    }
}

static void test_the_digits_match_an_independent_program(void)
{
    struct shortcode first, second;
    uint8_t same[HASH_BYTES], commitment[MESSAGE_BYTES], expected[MESSAGE_BYTES], two = 2,
                                                                                  three = 3;
    char digits[SHORTCODE_DIGITS + 1];
    memset(same, 1, sizeof same);
    shortcode_start(&first, true, same, &(struct rng){ fill_same, &two });
    shortcode_start(&second, false, same, &(struct rng){ fill_same, &three });
    CHECK(shortcode_say(&first, commitment) == FAULT_NONE);
    unhex(expected, sizeof expected,
          "2c584b016bfefc6598ac7ac59889fb72496272d72f741a6f5cdfea19390bae5b");
    CHECK_BYTES(commitment, expected, sizeof expected);
    CHECK(shortcode_hear(&second, commitment) == FAULT_NONE);
    pass(&second, &first);
    pass(&first, &second);
    CHECK(shortcode_digits(&second, digits) == FAULT_NONE);
    CHECK_TEXT(digits, "0136172"); /* and a leading zero is shown */
}

static void test_T11_messages_come_in_their_order_only(void)
{
    struct shortcode first, second;
    uint8_t message[MESSAGE_BYTES] = { 0 };
    char digits[SHORTCODE_DIGITS + 1];
    rng = rng_from_seed(&luck, 2);
    shortcode_start(&first, true, keys, &rng);
    shortcode_start(&second, false, keys, &rng);
    CHECK(shortcode_say(&second, message) == FAULT_PEER); /* he answers, he does not begin */
    pass(&first, &second);
    CHECK(shortcode_say(&first, message) == FAULT_PEER); /* the nonce waits for the answer */
    CHECK(shortcode_digits(&first, digits) == FAULT_PEER);
    pass(&second, &first);
    CHECK(shortcode_say(&second, message) == FAULT_PEER);
    CHECK(shortcode_digits(&first, digits) == FAULT_PEER); /* not before the nonce is out */
    CHECK(shortcode_digits(&second, digits) == FAULT_PEER);
    pass(&first, &second);
    CHECK(code_of(&first) == code_of(&second));
    CHECK(shortcode_say(&first, message) == FAULT_PEER);
    CHECK(shortcode_hear(&second, message) == FAULT_PEER); /* one too many: all is off */
    CHECK(shortcode_digits(&second, digits) == FAULT_PEER);
}

/* What is heard out of turn ends it: there is no second try. */
static void test_T11_a_message_out_of_turn_ends_it(void)
{
    struct shortcode first, second;
    uint8_t message[MESSAGE_BYTES] = { 0 };
    rng = rng_from_seed(&luck, 3);
    for (int passed = 0; passed < 3; passed++) {
        shortcode_start(&first, true, keys, &rng);
        shortcode_start(&second, false, keys, &rng);
        if (passed > 0)
            pass(&first, &second);
        if (passed > 1)
            pass(&second, &first);
        struct shortcode *speaker = passed == 1 ? &second : &first;
        CHECK(shortcode_hear(speaker, message) == FAULT_PEER);
        CHECK(shortcode_say(speaker, message) == FAULT_PEER);
        CHECK(shortcode_hear(speaker, message) == FAULT_PEER);
    }
}

static void test_T11_a_nonce_that_was_not_committed_to_is_refused(void)
{
    struct shortcode first, second;
    uint8_t nonce[MESSAGE_BYTES];
    char digits[SHORTCODE_DIGITS + 1];
    rng = rng_from_seed(&luck, 4);
    shortcode_start(&first, true, keys, &rng);
    shortcode_start(&second, false, keys, &rng);
    pass(&first, &second);
    pass(&second, &first);
    CHECK(shortcode_say(&first, nonce) == FAULT_NONE);
    nonce[31] ^= 1;
    CHECK(shortcode_hear(&second, nonce) == FAULT_PEER);
    nonce[31] ^= 1;
    CHECK(shortcode_hear(&second, nonce) == FAULT_PEER); /* and the right one comes too late */
    CHECK(shortcode_digits(&second, digits) == FAULT_PEER);
}

/* The commitment is to the keys as well: whoever sees other keys is not even answered with digits.
 */
static void test_T11_other_keys_are_noticed_by_the_second(void)
{
    struct shortcode first, second;
    static const uint8_t others[HASH_BYTES] = { 2 };
    uint8_t nonce[MESSAGE_BYTES];
    rng = rng_from_seed(&luck, 5);
    shortcode_start(&first, true, keys, &rng);
    shortcode_start(&second, false, others, &rng);
    pass(&first, &second);
    pass(&second, &first);
    CHECK(shortcode_say(&first, nonce) == FAULT_NONE);
    CHECK(shortcode_hear(&second, nonce) == FAULT_PEER);
}

/* --- somebody in the middle --------------------------------------------------------------------
   Mallory speaks with Alice, who begins, under one set of keys and with Bob under another, and wins
   when both see the same digits. He plays the second towards Alice and the first towards Bob. */

#define RUNS        200000
#define NEAR        1000 /* the last three digits alone, which happens often enough to be counted */
#define NEAR_LIKELY (RUNS / NEAR)
#define NEAR_ODD    85 /* six times the root of that: once in five hundred million */

struct middle {
    struct shortcode alice, bob, to_alice, to_bob;
};

static void stand_between(struct middle *middle)
{
    static const uint8_t with_alice[HASH_BYTES] = { 'a' }, with_bob[HASH_BYTES] = { 'b' };
    shortcode_start(&middle->alice, true, with_alice, &rng);
    shortcode_start(&middle->to_alice, false, with_alice, &rng);
    shortcode_start(&middle->to_bob, true, with_bob, &rng);
    shortcode_start(&middle->bob, false, with_bob, &rng);
}

/* He finishes with Alice before he begins with Bob, and picks a nonce for Bob that would do if only
   Bob's were what he guesses it to be. */
static void alice_comes_first(struct middle *middle)
{
    struct shortcode guess;
    finish_both(&middle->alice, &middle->to_alice);
    unsigned wanted = code_of(&middle->to_alice);
    for (int tries = 0; tries < 4; tries++) {
        rng_fill(&rng, middle->to_bob.ours, sizeof middle->to_bob.ours);
        guess = middle->to_bob;
        guess.step = middle->to_alice.step;
        if (code_of(&guess) % NEAR == wanted % NEAR)
            break;
    }
    finish_both(&middle->to_bob, &middle->bob);
}

/* He has Bob's digits and Alice's commitment before he must say a nonce to Alice. */
static void bob_comes_first(struct middle *middle)
{
    uint8_t commitment[MESSAGE_BYTES], nonce[MESSAGE_BYTES];
    CHECK(shortcode_say(&middle->alice, commitment) == FAULT_NONE);
    finish_both(&middle->to_bob, &middle->bob);
    /* The best he knows: what Alice said, and Bob's nonce, which fitted there. */
    memcpy(nonce, middle->to_bob.theirs, sizeof nonce);
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] ^= commitment[i];
    CHECK(shortcode_hear(&middle->alice, nonce) == FAULT_NONE);
    CHECK(shortcode_say(&middle->alice, nonce) == FAULT_NONE);
}

static void test_T11_whoever_stands_between_must_guess(void)
{
    static void (*const ways[])(struct middle *) = { alice_comes_first, bob_comes_first };
    struct middle middle;
    size_t near[COUNT(ways)] = { 0 }, won = 0;
    rng = rng_from_seed(&luck, 6);
    for (size_t run = 0; run < RUNS; run++) {
        stand_between(&middle);
        ways[run % 2](&middle);
        unsigned alice = code_of(&middle.alice), bob = code_of(&middle.bob);
        near[run % 2] += alice % NEAR == bob % NEAR;
        won += alice == bob;
    }
    size_t all = near[0] + near[1];
    CHECK(all > NEAR_LIKELY - NEAR_ODD && all < NEAR_LIKELY + NEAR_ODD);
    CHECK(near[0] > 0 && near[1] > 0);
    CHECK_INT(won, 0); /* one in fifty such tests would see one: at most 2^-20 of the runs */
}

/* --- and without the commitment ---------------------------------------------------------------
 */

#define TRIES 12000 /* of each side: about 14 pairs among them agree in seven digits */

static int by_number(const void *a, const void *b)
{
    const unsigned *one = a, *two = b;
    return (*one > *two) - (*one < *two);
}

/* The digits that so many nonces of Mallory's would lead to, in a talk that is over. */
static void digits_of_many(unsigned *out, const struct shortcode *talk)
{
    struct shortcode other = *talk;
    for (size_t i = 0; i < TRIES; i++) {
        rng_fill(&rng, other.ours, sizeof other.ours);
        out[i] = code_of(&other);
    }
    qsort(out, TRIES, sizeof out[0], by_number);
}

static void test_T11_without_the_commitment_a_search_would_win(void)
{
    static unsigned to_alice[TRIES], to_bob[TRIES];
    struct middle middle;
    size_t found = 0;
    rng = rng_from_seed(&luck, 7);
    stand_between(&middle);
    /* Both have said their nonces, and nothing binds his to what he said before. */
    finish_both(&middle.alice, &middle.to_alice);
    finish_both(&middle.to_bob, &middle.bob);
    digits_of_many(to_alice, &middle.to_alice);
    digits_of_many(to_bob, &middle.to_bob);
    for (size_t i = 0; i < TRIES; i++)
        found += bsearch(&to_alice[i], to_bob, TRIES, sizeof to_bob[0], by_number) != NULL;
    CHECK(found > 0);
}

TESTS(TEST(test_two_who_agree_see_the_same_digits),
      TEST(test_the_digits_match_an_independent_program),
      TEST(test_T11_messages_come_in_their_order_only),
      TEST(test_T11_a_message_out_of_turn_ends_it),
      TEST(test_T11_a_nonce_that_was_not_committed_to_is_refused),
      TEST(test_T11_other_keys_are_noticed_by_the_second),
      TEST(test_T11_whoever_stands_between_must_guess),
      TEST(test_T11_without_the_commitment_a_search_would_win))
