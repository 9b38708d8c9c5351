/* Published vectors: tests/vectors_cipher.c. Here: the two back ends agree, and nothing forged
   opens. `aead_seal` is the back end of packets, `aead_seal_once` is always libsodium. */
#include "engine/crypto/aead.h"
#include "tests/test.h"

#include <sodium.h>

static const uint8_t key[AEAD_KEY_BYTES] = { 1, 2, 3 };
static uint8_t text[AEAD_MAX_BYTES - AEAD_TAG_BYTES], sealed[AEAD_MAX_BYTES], out[AEAD_MAX_BYTES];

static void fill_text(void)
{
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + (i >> 8));
}

static void test_both_back_ends_write_the_same_packets(void)
{
    static const size_t sizes[] = { 0,   1,   15,  16,  17,  63,   64,   65,
                                    127, 128, 129, 255, 256, 1200, 1452, sizeof text };
    struct aead *aead = aead_create(key);
    fill_text();
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint8_t nonce[AEAD_NONCE_BYTES] = { [11] = (uint8_t)i };
        struct bytes plain = { text, sizes[i] }, beside = { text, i * 3 };
        struct bytes packet = { sealed, sizes[i] + AEAD_TAG_BYTES };
        aead_seal_once(sealed, key, nonce, plain, beside);
        memcpy(out, text, sizes[i]);
        aead_seal(aead, out, nonce, (struct bytes){ out, sizes[i] }, beside); /* in place */
        CHECK_BYTES(out, sealed, packet.size);
        CHECK(aead_open(aead, out, nonce, (struct bytes){ out, packet.size }, beside));
        CHECK_BYTES(out, text, sizes[i]);
        memset(out, 0, sizes[i]);
        CHECK(aead_open_once(out, key, nonce, packet, beside));
        CHECK_BYTES(out, text, sizes[i]);
    }
    aead_destroy(aead);
}

static void test_nothing_forged_opens_and_what_is_true_opens_after_it(void)
{
    uint8_t nonce[AEAD_NONCE_BYTES] = { 5 }, beside[20] = { 6 };
    struct aead *aead = aead_create(key);
    fill_text();
    aead_seal(aead, sealed, nonce, (struct bytes){ text, 40 }, BYTES_OF(beside));
    struct bytes packet = { sealed, 40 + AEAD_TAG_BYTES };
    for (size_t bit = 0; bit < 8 * packet.size; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(!aead_open(aead, out, nonce, packet, BYTES_OF(beside)));
        CHECK(!aead_open_once(out, key, nonce, packet, BYTES_OF(beside)));
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < packet.size; size++)
        CHECK(!aead_open(aead, out, nonce, (struct bytes){ sealed, size }, BYTES_OF(beside)));
    CHECK(!aead_open(aead, out, nonce, packet, (struct bytes){ beside, 19 }));
    CHECK(!aead_open(aead, out, nonce, packet, (struct bytes){ 0 }));
    nonce[11] ^= 1;
    CHECK(!aead_open(aead, out, nonce, packet, BYTES_OF(beside)));
    nonce[11] ^= 1;
    CHECK(aead_open(aead, out, nonce, packet, BYTES_OF(beside)));
    CHECK_BYTES(out, text, 40);
    aead_destroy(aead);
}

static void test_T28_what_is_longer_than_a_packet_is_refused(void)
{
    static uint8_t huge[AEAD_MAX_BYTES + 1], opened[AEAD_MAX_BYTES + 1];
    uint8_t nonce[AEAD_NONCE_BYTES] = { 0 };
    struct aead *aead = aead_create(key);
    for (size_t size = AEAD_MAX_BYTES; size <= AEAD_MAX_BYTES + 1; size++) { /* both sealed well */
        aead_seal_once(huge, key, nonce, (struct bytes){ huge, size - AEAD_TAG_BYTES },
                       (struct bytes){ 0 });
        CHECK(aead_open(aead, opened, nonce, (struct bytes){ huge, size }, (struct bytes){ 0 }) ==
              (size == AEAD_MAX_BYTES));
    }
    aead_destroy(aead);
    aead_destroy(NULL);
}

static void test_the_back_end_has_a_name(void)
{
    CHECK(strcmp(aead_back_end(), "libcrypto") == 0 || strcmp(aead_back_end(), "libsodium") == 0);
}

/* What is stored: one text twice is two ciphertexts, and neither opens changed. */
static void test_what_is_stored_opens_unchanged_only(void)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    uint8_t one[10 + SEALED_EXTRA_BYTES], two[sizeof one], plain[10];
    struct bytes words = bytes_of_text("ten bytes!"), beside = bytes_of_text("beside");
    sealed_write(one, key, words, beside, &rng);
    sealed_write(two, key, words, beside, &rng);
    CHECK(memcmp(one, two, 24) != 0 && memcmp(one + 24, two + 24, 10) != 0);
    CHECK(sealed_read(plain, key, BYTES_OF(one), beside));
    CHECK_BYTES(plain, words.data, sizeof plain);
    for (size_t bit = 0; bit < 8 * sizeof one; bit++) {
        one[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(!sealed_read(plain, key, BYTES_OF(one), beside));
        one[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < sizeof one; size++)
        CHECK(!sealed_read(plain, key, (struct bytes){ one, size }, beside));
    CHECK(!sealed_read(plain, key, BYTES_OF(one), bytes_of_text("Beside")));
}

/* Whichever back end a length falls to. */
static void test_what_is_stored_is_xchacha_at_every_length(void)
{
    static const size_t sizes[] = { 0, 1, 495, 496, 497, 4000, 65518, 65519, 65520, 70000 };
    static uint8_t plain[70000], stored[70000 + AEAD_TAG_BYTES], other[sizeof stored];
    uint8_t nonce[SEALED_NONCE_BYTES];
    struct bytes beside = bytes_of_text("beside");
    memset(plain, 0x5c, sizeof plain);
    memset(nonce, 7, sizeof nonce);
    nonce[20] = 9;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t size = sizes[i] + AEAD_TAG_BYTES;
        sealed_write_under(stored, key, nonce, (struct bytes){ plain, sizes[i] }, beside);
        crypto_aead_xchacha20poly1305_ietf_encrypt(other, NULL, plain, sizes[i], beside.data,
                                                   beside.size, NULL, nonce, key);
        CHECK_BYTES(stored, other, size);
        CHECK(sealed_read_under(other, key, nonce, (struct bytes){ stored, size }, beside));
        CHECK_BYTES(other, plain, sizes[i]);
        stored[size / 2] ^= 1;
        CHECK(!sealed_read_under(other, key, nonce, (struct bytes){ stored, size }, beside));
    }
}

TESTS(TEST(test_both_back_ends_write_the_same_packets),
      TEST(test_nothing_forged_opens_and_what_is_true_opens_after_it),
      TEST(test_T28_what_is_longer_than_a_packet_is_refused), TEST(test_the_back_end_has_a_name),
      TEST(test_what_is_stored_opens_unchanged_only),
      TEST(test_what_is_stored_is_xchacha_at_every_length))
