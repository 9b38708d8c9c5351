/* CPace between two, and what strangers may send. Known answers were computed by another program,
   with a ristretto255 of its own. */
#include "engine/crypto/cpace.h"
#include "tests/test.h"

static struct rng_seeded luck;
static struct rng rng;
static const uint8_t password[CPACE_BYTES] = { 1 }, other_password[CPACE_BYTES] = { 2 };

struct talk {
    struct cpace first, second;
    uint8_t first_key[CPACE_BYTES], second_key[CPACE_BYTES];
};

/* A source that gives one byte for ever. */
static void fill_same(void *source, void *out, size_t size)
{
    memset(out, *(uint8_t *)source, size);
}

static struct bytes context(const char *text)
{
    return bytes_of_text(text);
}

static void exchange(struct talk *talk)
{
    uint8_t first[CPACE_BYTES], second[CPACE_BYTES];
    cpace_say(&talk->first, first);
    cpace_say(&talk->second, second);
    CHECK(cpace_hear(&talk->first, second, talk->first_key) == FAULT_NONE);
    CHECK(cpace_hear(&talk->second, first, talk->second_key) == FAULT_NONE);
}

static bool same_key(const struct talk *talk)
{
    return memcmp(talk->first_key, talk->second_key, CPACE_BYTES) == 0;
}

static void test_two_with_one_password_have_one_key(void)
{
    uint8_t last[CPACE_BYTES] = { 0 };
    struct talk talk;
    rng = rng_from_seed(&luck, 1);
    for (int i = 0; i < 20; i++) {
        cpace_start(&talk.first, true, password, context("both"), &rng);
        cpace_start(&talk.second, false, password, context("both"), &rng);
        exchange(&talk);
        CHECK(same_key(&talk));
        CHECK(memcmp(last, talk.first_key, sizeof last) != 0); /* a new one every time */
        memcpy(last, talk.first_key, sizeof last);
    }
}

static void test_an_exchange_matches_an_independent_program(void)
{
    uint8_t ones[CPACE_BYTES], expected[CPACE_BYTES], said[CPACE_BYTES], two = 2, three = 3;
    struct talk talk;
    memset(ones, 1, sizeof ones);
    cpace_start(&talk.first, true, ones, context("context"), &(struct rng){ fill_same, &two });
    cpace_start(&talk.second, false, ones, context("context"), &(struct rng){ fill_same, &three });
    unhex(expected, sizeof expected,
          "6a8ba5dc0dc7425b3f0fcbecdfb321c575f6cc08f02001839e4fd00c0420c14e");
    cpace_say(&talk.first, said);
    CHECK_BYTES(said, expected, sizeof said);
    unhex(expected, sizeof expected,
          "6efc9f22a1dd26cadd9f20428182fe6923623e4a04ea00433debd71eef1dbb54");
    cpace_say(&talk.second, said);
    CHECK_BYTES(said, expected, sizeof said);
    exchange(&talk);
    unhex(expected, sizeof expected,
          "60497abd9f2d94bf1ba9e0fb5a9a3dcfd7c52332647e2635d9e04afbcc5f8cb4");
    CHECK_BYTES(talk.first_key, expected, sizeof expected);
    CHECK_BYTES(talk.second_key, expected, sizeof expected);
}

static void test_who_differs_in_anything_has_another_key(void)
{
    static const struct {
        bool initiator;
        const uint8_t *password;
        const char *context;
        bool same;
    } seconds[] = {
        { false, password, "both", true },       { false, other_password, "both", false },
        { false, password, "botH", false },      { false, password, "", false },
        { false, password, "both and", false },  { true, password, "both", false },
        { true, other_password, "both", false },
    };
    struct talk talk;
    rng = rng_from_seed(&luck, 2);
    for (size_t i = 0; i < COUNT(seconds); i++) {
        cpace_start(&talk.first, true, password, context("both"), &rng);
        cpace_start(&talk.second, seconds[i].initiator, seconds[i].password,
                    context(seconds[i].context), &rng);
        exchange(&talk);
        CHECK(same_key(&talk) == seconds[i].same);
    }
}

/* Somebody in the middle who brings his own element to either side. */
static void test_the_key_is_bound_to_both_elements(void)
{
    struct talk talk, other;
    rng = rng_from_seed(&luck, 3);
    cpace_start(&talk.first, true, password, context(""), &rng);
    cpace_start(&talk.second, false, password, context(""), &rng);
    cpace_start(&other.first, true, other_password, context(""), &rng);
    other.second = talk.second;
    exchange(&other);
    exchange(&talk);
    CHECK(same_key(&talk) && !same_key(&other));
    CHECK(memcmp(other.second_key, talk.second_key, CPACE_BYTES) != 0);
}

/* One and more for every step of RFC 9496, 4.3.1, that refuses, most from its A.2; and the
 * identity.
 */
static void test_what_is_no_element_is_refused_and_changes_nothing(void)
{
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000", /* the identity */
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", /* not reduced */
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* zero again */
        "0100000000000000000000000000000000000000000000000000000000000000", /* negative */
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
        "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", /* no square root */
        "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
        "62cf30eb6faf0c7bc77a06f1dd315ecab61c3f22348b5c86a10b56d8c50e4d3c", /* x y negative */
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y is zero */
    };
    struct talk talk;
    struct cpace before;
    rng = rng_from_seed(&luck, 4);
    cpace_start(&talk.first, true, password, context("both"), &rng);
    cpace_start(&talk.second, false, password, context("both"), &rng);
    before = talk.first;
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint8_t element[CPACE_BYTES], key[CPACE_BYTES] = { 9 };
        CHECK_INT(unhex(element, sizeof element, bad[i]), CPACE_BYTES);
        CHECK(cpace_hear(&talk.first, element, key) == FAULT_PEER);
        CHECK_INT(key[0], 9);
        CHECK_BYTES(&before, &talk.first, sizeof before);
    }
    exchange(&talk);
    CHECK(same_key(&talk));
}

/* libsodium 1.0.18 takes it for the element without that bit. */
static void test_an_element_with_its_top_bit_set_is_refused(void)
{
    uint8_t element[CPACE_BYTES], key[CPACE_BYTES];
    struct talk talk;
    rng = rng_from_seed(&luck, 5);
    cpace_start(&talk.first, true, password, context(""), &rng);
    cpace_start(&talk.second, false, password, context(""), &rng);
    cpace_say(&talk.second, element);
    element[CPACE_BYTES - 1] |= 0x80;
    CHECK(cpace_hear(&talk.first, element, key) == FAULT_PEER);
}

static void test_there_is_no_second_guess(void)
{
    static const uint8_t nothing[CPACE_BYTES];
    uint8_t element[CPACE_BYTES], key[CPACE_BYTES] = { 9 };
    struct talk talk;
    rng = rng_from_seed(&luck, 6);
    cpace_start(&talk.first, true, password, context(""), &rng);
    cpace_start(&talk.second, false, password, context(""), &rng);
    exchange(&talk);
    cpace_say(&talk.second, element);
    CHECK(cpace_hear(&talk.first, element, key) == FAULT_PEER);
    CHECK_INT(key[0], 9);
    CHECK_BYTES(talk.first.scalar, nothing, sizeof nothing); /* and nothing to make one with */
}

static void test_luck_is_what_is_handed_in(void)
{
    struct cpace one, same, other;
    uint8_t said[3][CPACE_BYTES];
    rng = rng_from_seed(&luck, 7);
    cpace_start(&one, true, password, context("both"), &rng);
    rng = rng_from_seed(&luck, 7);
    cpace_start(&same, true, password, context("both"), &rng);
    cpace_start(&other, true, password, context("both"), &rng);
    cpace_say(&one, said[0]);
    cpace_say(&same, said[1]);
    cpace_say(&other, said[2]);
    CHECK_BYTES(said[0], said[1], CPACE_BYTES);
    CHECK(memcmp(said[0], said[2], CPACE_BYTES) != 0);
    cpace_say(&one, said[2]);
    CHECK_BYTES(said[0], said[2], CPACE_BYTES); /* and saying it again says the same */
}

static void test_the_longest_context_counts_to_its_end(void)
{
    static uint8_t longest[CPACE_CONTEXT_MAX_BYTES];
    struct talk talk;
    rng = rng_from_seed(&luck, 8);
    for (int differ = 0; differ < 2; differ++) {
        cpace_start(&talk.first, true, password, BYTES_OF(longest), &rng);
        longest[sizeof longest - 1] ^= (uint8_t)differ;
        cpace_start(&talk.second, false, password, BYTES_OF(longest), &rng);
        exchange(&talk);
        CHECK(same_key(&talk) == !differ);
    }
}

static void test_nothing_is_left_when_it_is_finished(void)
{
    static const uint8_t nothing[sizeof(struct cpace)];
    struct cpace cpace;
    rng = rng_from_seed(&luck, 9);
    cpace_start(&cpace, true, password, context("both"), &rng);
    CHECK(memcmp(&cpace, nothing, sizeof cpace) != 0);
    cpace_finish(&cpace);
    CHECK_BYTES(&cpace, nothing, sizeof cpace);
}

TESTS(TEST(test_two_with_one_password_have_one_key),
      TEST(test_an_exchange_matches_an_independent_program),
      TEST(test_who_differs_in_anything_has_another_key),
      TEST(test_the_key_is_bound_to_both_elements),
      TEST(test_what_is_no_element_is_refused_and_changes_nothing),
      TEST(test_an_element_with_its_top_bit_set_is_refused), TEST(test_there_is_no_second_guess),
      TEST(test_luck_is_what_is_handed_in), TEST(test_the_longest_context_counts_to_its_end),
      TEST(test_nothing_is_left_when_it_is_finished))
