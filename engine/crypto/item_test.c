/* The published items of BEP 44 are held against this in tests/vectors_item.c; here are its bounds
   and the pair of signing and checking. */
#include "engine/crypto/item.h"
#include "tests/test.h"

#include <stdio.h>

#define HELLO "12:Hello World!"

static struct sign_pair pair;

static struct item mutable_item(const char *salt, int64_t seq, struct bytes value)
{
    static const uint8_t seed[KEY_BYTES] = { 7 };
    CHECK(crypto_start());
    sign_pair_from_seed(&pair, seed);
    return (
        struct item){ .mutable = true, .seq = seq, .salt = bytes_of_text(salt), .value = value };
}

static void check_target(const struct item *item, const char *hex)
{
    uint8_t expected[ITEM_TARGET_BYTES], target[ITEM_TARGET_BYTES];
    unhex(expected, sizeof expected, hex);
    item_target(target, item);
    CHECK_BYTES(target, expected, sizeof target);
}

/* The example of BEP 44. */
static void test_items_lie_where_the_text_says(void)
{
    struct item item = { .value = bytes_of_text(HELLO) };
    check_target(&item, "e5f96f6f38320f0f33959cb4d3d656452117aadb");
    item.mutable = true;
    unhex(item.key, KEY_BYTES, "77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548");
    check_target(&item, "4a533d47ec9c7d95b1ad75f576cffc641853b750");
    item.salt = bytes_of_text("foobar");
    check_target(&item, "411eba73b6f087ca51a3795d9c8c938d365e32c1");
}

static void test_what_we_sign_is_good_at_every_bound(void)
{
    static const char long_salt[ITEM_SALT_MAX_BYTES + 1] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    static uint8_t value[ITEM_VALUE_MAX_BYTES];
    static const int64_t seqs[] = { 0, 1, 1700000000000, INT64_MAX };
    for (size_t i = 0; i < COUNT(seqs); i++) {
        struct item item = mutable_item(i % 2 == 0 ? "" : long_salt, seqs[i],
                                        (struct bytes){ value, i == 0 ? 1 : sizeof value });
        item_sign(&item, &pair);
        CHECK_BYTES(item.key, pair.public, KEY_BYTES);
        CHECK_INT(item_check(&item), FAULT_NONE);
    }
}

/* Each change alone makes a good item bad. */
static void test_nothing_of_a_signed_item_may_change(void)
{
    struct item good = mutable_item("salt", 5, bytes_of_text(HELLO)), item;
    item_sign(&good, &pair);
    item = good, item.seq = 6;
    CHECK_INT(item_check(&item), FAULT_PEER);
    item = good, item.salt = bytes_of_text("sal");
    CHECK_INT(item_check(&item), FAULT_PEER);
    item = good, item.salt = (struct bytes){ 0 };
    CHECK_INT(item_check(&item), FAULT_PEER);
    item = good, item.value = bytes_of_text("12:Hello World?");
    CHECK_INT(item_check(&item), FAULT_PEER);
    item = good, item.key[0] ^= 1;
    CHECK_INT(item_check(&item), FAULT_PEER);
    item = good, item.signature[63] ^= 1;
    CHECK_INT(item_check(&item), FAULT_PEER);
    CHECK_INT(item_check(&good), FAULT_NONE);
}

/* The value may not eat the number before it: `3:seqi1e1:v` ends where it does. */
static void test_what_is_signed_has_one_reading(void)
{
    struct item item = mutable_item("", 1, bytes_of_text("1:a"));
    item_sign(&item, &pair);
    item.salt = bytes_of_text("3:seqi1e1:v1:a");
    CHECK_INT(item_check(&item), FAULT_PEER);
}

/* Signed by somebody who does not keep the bounds: the signature alone would be good. */
static void test_bounds_hold_also_for_what_is_signed_well(void)
{
    static const char salt[] = "01234567890123456789012345678901234567890123456789012345678901234";
    static const char signed_below[] = "3:seqi-1e1:v" HELLO;
    char signed_long[200];
    struct item below = mutable_item("", -1, bytes_of_text(HELLO)),
                big = mutable_item(salt, 1, bytes_of_text(HELLO));
    CHECK_INT(big.salt.size, ITEM_SALT_MAX_BYTES + 1);
    snprintf(signed_long, sizeof signed_long, "4:salt65:%s3:seqi1e1:v" HELLO, salt);
    memcpy(below.key, pair.public, KEY_BYTES);
    memcpy(big.key, pair.public, KEY_BYTES);
    sign_plain(below.signature, &pair, bytes_of_text(signed_below));
    sign_plain(big.signature, &pair, bytes_of_text(signed_long));
    CHECK_INT(item_check(&below), FAULT_PEER);
    CHECK_INT(item_check(&big), FAULT_PEER);
}

static void test_what_is_out_of_bounds_is_refused(void)
{
    static uint8_t big[ITEM_VALUE_MAX_BYTES + 1];
    struct item good = mutable_item("salt", 5, bytes_of_text(HELLO)), item;
    item_sign(&good, &pair);
    item = good, item.seq = -1;
    CHECK_INT(item_check(&item), FAULT_PEER);
    item = good, item.salt = (struct bytes){ big, ITEM_SALT_MAX_BYTES + 1 };
    CHECK_INT(item_check(&item), FAULT_PEER);
    item = good, item.value = BYTES_OF(big);
    CHECK_INT(item_check(&item), FAULT_PEER);
    item = good, item.value.size = 0;
    CHECK_INT(item_check(&item), FAULT_PEER);
    /* Who is not mutable has no seq and no salt that could be wrong. */
    item =
        (struct item){ .seq = -1, .salt = BYTES_OF(big), .value = { big, ITEM_VALUE_MAX_BYTES } };
    CHECK_INT(item_check(&item), FAULT_NONE);
    item.value = BYTES_OF(big);
    CHECK_INT(item_check(&item), FAULT_PEER);
    item.value.size = 0;
    CHECK_INT(item_check(&item), FAULT_PEER);
}

TESTS(TEST(test_items_lie_where_the_text_says), TEST(test_what_we_sign_is_good_at_every_bound),
      TEST(test_nothing_of_a_signed_item_may_change), TEST(test_what_is_signed_has_one_reading),
      TEST(test_bounds_hold_also_for_what_is_signed_well),
      TEST(test_what_is_out_of_bounds_is_refused))
