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

/* One made for one purpose is none for another. */
static void test_T02_a_signature_is_good_for_its_label_only(void)
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

static void test_T28_the_longest_text_can_be_signed(void)
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

/* One of each kind; tests/vectors/ed25519-edge holds more. */
static const char *const bad_sign_keys[] = {
    /* of low order: 0 (order 4), 1 (order 1), p - 1 (order 2), and one of order 8 */
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    /* spelt otherwise: p + 1, and 1 with the sign of a zero */
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000080",
    /* of mixed order: 2L (CVE-2025-69277), 4L, 8L */
    "914d58a3bec784c159cc3192f929229cebfb7d61ba5a1892cec7094345d4be2c",
    "8ec64b427eddd421ba761d521d0411d5c4b78adf9b9c620822868bd69beb6135",
    "1d073d0a85fb54ace46f6e3aaed402a254c9d1dcb1f400b9030c8f5372ea1a53",
    /* not on the curve */
    "eb411613c9c324dd5299e44ad179ac9f1f475759d4ca6e8be3e87f3000126205",
};

/* Under a key of order 1, R = 1 and s = 0 would sign every text. */
static void test_T01_a_bad_key_signs_nothing(void)
{
    static const uint8_t forged[SIGNATURE_BYTES] = { 1 };
    uint8_t key[KEY_BYTES];
    for (size_t i = 0; i < COUNT(bad_sign_keys); i++) {
        unhex(key, sizeof key, bad_sign_keys[i]);
        CHECK(!sign_public_good(key));
        CHECK(sign_check(forged, key, "l", bytes_of_text("any text")) == FAULT_PEER);
        CHECK(sign_check_plain(forged, key, bytes_of_text("any text")) == FAULT_PEER);
    }
}

/* C2SP's vector 50: libsodium's check of the signature alone would take it. */
static void test_T01_a_true_signature_under_a_key_of_mixed_order_is_none(void)
{
    uint8_t key[KEY_BYTES], signature[SIGNATURE_BYTES];
    unhex(key, sizeof key, "10eb7c3acfb2bed3e0d6ab89bf5a3d6afddd1176ce4812e38d9fd485058fdb1f");
    unhex(signature, sizeof signature,
          "b62cf890de42c413b11b1411c9f01f1c4d77aa87ef182258d1251f69af2a3506"
          "08f32d206a7c0b7efa9a59e66546e8f1f599ef843fb502c9cc3c4ae8b7c11e05");
    CHECK(!sign_public_good(key));
    CHECK(sign_check_plain(signature, key, bytes_of_text("ed25519vectors 5")) == FAULT_PEER);
}

/* One bit of the key away there is another point, or none, but never the same signer. */
static void test_T01_a_key_with_any_bit_changed_is_another(void)
{
    uint8_t signature[SIGNATURE_BYTES];
    make_pairs();
    sign(signature, &pair, "l", bytes_of_text("words"));
    for (size_t bit = 0; bit < (size_t)8 * KEY_BYTES; bit++) {
        pair.public[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(sign_check(signature, pair.public, "l", bytes_of_text("words")) == FAULT_PEER);
        pair.public[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* The five numbers whose points have low order: 0, 1, two of order 8, and p - 1. */
static void test_T01_a_point_of_low_order_agrees_on_nothing(void)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    uint8_t key[KEY_BYTES], out[KEY_BYTES];
    make_pairs();
    for (size_t i = 0; i < COUNT(points); i++) {
        unhex(key, sizeof key, points[i]);
        CHECK(!dh_public_good(key));
        CHECK(dh_agree(out, pair.seed, key) == FAULT_PEER);
    }
}

/* p = 2^255 - 19, so ed ff .. ff 7f is a second spelling of 0, ee of 1, ef of 2. */
static void test_T01_a_number_has_one_spelling(void)
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

/* --- a library that fails ----------------------------------------------------------------------

   The linker puts this in the place of libsodium's function. */

static bool scalarmult_fails;

int __real_crypto_scalarmult_curve25519(unsigned char *out, const unsigned char *scalar,
                                        const unsigned char *point);
int __wrap_crypto_scalarmult_curve25519(unsigned char *out, const unsigned char *scalar,
                                        const unsigned char *point);
int __wrap_crypto_scalarmult_curve25519(unsigned char *out, const unsigned char *scalar,
                                        const unsigned char *point)
{
    int result = __real_crypto_scalarmult_curve25519(out, scalar, point);
    return scalarmult_fails ? -1 : result;
}

/* The library has written a result and says it is none: nobody may use it. */
static void test_T01_what_the_scalar_multiplication_says_is_heard(void)
{
    static const uint8_t zero[KEY_BYTES];
    struct dh_pair a, b;
    uint8_t out[KEY_BYTES];
    rng = rng_from_seed(&luck, 10);
    dh_pair_make(&a, &rng);
    dh_pair_make(&b, &rng);
    scalarmult_fails = true;
    bool good = dh_public_good(b.public);
    enum fault fault = dh_agree(out, a.secret, b.public);
    scalarmult_fails = false;
    CHECK(!good);
    CHECK(fault == FAULT_PEER);
    CHECK_BYTES(out, zero, sizeof out);
    CHECK(dh_public_good(b.public));
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
      TEST(test_T02_a_signature_is_good_for_its_label_only),
      TEST(test_a_signature_with_any_bit_changed_is_none),
      TEST(test_T28_the_longest_text_can_be_signed), TEST(test_T01_a_bad_key_signs_nothing),
      TEST(test_T01_a_true_signature_under_a_key_of_mixed_order_is_none),
      TEST(test_T01_a_key_with_any_bit_changed_is_another),
      TEST(test_T01_a_point_of_low_order_agrees_on_nothing),
      TEST(test_T01_a_number_has_one_spelling),
      TEST(test_two_agree_and_a_refused_key_gives_nothing),
      TEST(test_T01_what_the_scalar_multiplication_says_is_heard),
      TEST(test_one_seed_makes_one_pair))
