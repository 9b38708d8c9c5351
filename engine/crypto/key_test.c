/* The curves themselves are held against vectors in tests/vectors_key.c. */
#include "engine/crypto/key.h"
#include "tests/test.h"

static struct rng_seeded luck;
static struct rng rng;
static struct sign_pair pair, other;

static void make_pairs(void)
{
    rng = rng_from_seed(&luck, 3);
    sign_pair_make(&pair, &rng);
    sign_pair_make(&other, &rng);
}

static void test_the_library_is_one_we_may_use(void)
{
    CHECK(crypto_start());
    CHECK(crypto_start()); /* twice is fine */
}

/* The first test of RFC 8032, 7.1; the signature was made by another program over the label, a zero
   byte and the text. */
static void test_signatures_match_an_independent_program(void)
{
    uint8_t seed[KEY_BYTES], public[KEY_BYTES], expected[SIGNATURE_BYTES], made[SIGNATURE_BYTES];
    unhex(seed, sizeof seed, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    unhex(public, sizeof public,
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    unhex(expected, sizeof expected,
          "14a6455e24c41a40b1d037062158f2231e549e5ec99b998fc5ddc1e6fc3ac4f3"
          "572c91416c656c5af747f7201e0a2ff6f47d327789c142fc8226d136f3a09403");
    sign_pair_from_seed(&pair, seed);
    CHECK_BYTES(pair.public, public, sizeof public);
    sign(made, &pair, "ramage/test/v1", bytes_of_text("abc"));
    CHECK_BYTES(made, expected, sizeof expected);
}

/* T-02: a signature made for one purpose is none for another. */
static void test_a_signature_is_good_for_its_label_only(void)
{
    uint8_t signature[SIGNATURE_BYTES];
    struct bytes text = bytes_of_text("words");
    make_pairs();
    sign(signature, &pair, "ramage/a/v1", text);
    CHECK(sign_check(signature, pair.public, "ramage/a/v1", text) == FAULT_NONE);
    CHECK(sign_check(signature, pair.public, "ramage/b/v1", text) == FAULT_PEER);
    CHECK(sign_check(signature, pair.public, "ramage/a/v", text) == FAULT_PEER);
    CHECK(sign_check(signature, pair.public, "ramage/a/v1w", bytes_of_text("ords")) == FAULT_PEER);
    CHECK(sign_check(signature, pair.public, "ramage/a/v1", bytes_of_text("word")) == FAULT_PEER);
    CHECK(sign_check(signature, other.public, "ramage/a/v1", text) == FAULT_PEER);
    CHECK(sign_check_plain(signature, pair.public, text) == FAULT_PEER);
}

static void test_a_signature_with_any_bit_changed_is_none(void)
{
    uint8_t signature[SIGNATURE_BYTES];
    make_pairs();
    sign(signature, &pair, "l", (struct bytes){ 0 });
    for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(sign_check(signature, pair.public, "l", (struct bytes){ 0 }) == FAULT_PEER);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CHECK(sign_check(signature, pair.public, "l", (struct bytes){ 0 }) == FAULT_NONE);
}

static void test_the_longest_text_can_be_signed(void)
{
    static uint8_t text[SIGN_MAX_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    char label[256];
    memset(label, 'l', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    make_pairs();
    sign(signature, &pair, label, BYTES_OF(text));
    CHECK(sign_check(signature, pair.public, label, BYTES_OF(text)) == FAULT_NONE);
    text[sizeof text - 1] = 1;
    CHECK(sign_check(signature, pair.public, label, BYTES_OF(text)) == FAULT_PEER);
}

/* T-01. p = 2^255 - 19, so ed ff .. ff 7f is a second spelling of 0, ee of 1, ef of 2. */
static void test_a_number_has_one_spelling(void)
{
    uint8_t key[KEY_BYTES];
    memset(key, 0xff, sizeof key);
    key[31] = 0x7f;
    for (unsigned low = 0xed; low <= 0xff; low++) {
        key[0] = (uint8_t)low;
        CHECK(!dh_public_good(key));
    }
    key[0] = 0xec; /* p - 1 is canonical, and of low order */
    CHECK(!dh_public_good(key));
    key[0] = 0xeb;
    CHECK(dh_public_good(key));
    key[31] = 0xff;
    CHECK(!dh_public_good(key));
    memset(key, 0, sizeof key);
    key[0] = 2;
    CHECK(dh_public_good(key));
    key[31] = 0x80;
    CHECK(!dh_public_good(key));
}

static void test_two_agree_and_a_refused_key_gives_nothing(void)
{
    static const uint8_t zero[KEY_BYTES];
    struct dh_pair a, b;
    uint8_t one[KEY_BYTES], two[KEY_BYTES];
    rng = rng_from_seed(&luck, 9);
    dh_pair_make(&a, &rng);
    dh_pair_make(&b, &rng);
    CHECK(memcmp(&a, &b, sizeof a) != 0);
    CHECK(dh_agree(one, a.secret, b.public) == FAULT_NONE);
    CHECK(dh_agree(two, b.secret, a.public) == FAULT_NONE);
    CHECK_BYTES(one, two, KEY_BYTES);
    CHECK(dh_agree(one, a.secret, zero) == FAULT_PEER);
    CHECK_BYTES(one, zero, KEY_BYTES);
    b.public[31] |= 0x80;
    CHECK(dh_agree(two, a.secret, b.public) == FAULT_PEER);
    CHECK_BYTES(two, zero, KEY_BYTES);
}

static void test_one_seed_makes_one_pair(void)
{
    struct sign_pair again;
    make_pairs();
    sign_pair_from_seed(&again, pair.seed);
    CHECK(memcmp(&again, &pair, sizeof pair) == 0);
    CHECK(memcmp(&other, &pair, sizeof pair) != 0);
}

TESTS(TEST(test_the_library_is_one_we_may_use), TEST(test_signatures_match_an_independent_program),
      TEST(test_a_signature_is_good_for_its_label_only),
      TEST(test_a_signature_with_any_bit_changed_is_none),
      TEST(test_the_longest_text_can_be_signed), TEST(test_a_number_has_one_spelling),
      TEST(test_two_agree_and_a_refused_key_gives_nothing), TEST(test_one_seed_makes_one_pair))
