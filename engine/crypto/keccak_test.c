/* The permutation and the paddings are held against vectors in tests/vectors_kem.c. Here: that a
   sponge does not care in which pieces it is fed and squeezed. */
#include "engine/crypto/keccak.h"
#include "tests/test.h"

#include "base/rng.h"

#define MOST 700 /* bytes: more than four times the longest rate */

static uint8_t text[MOST];

static void fill_text(void)
{
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + i / 256);
}

static void start(struct shake *shake, bool wide)
{
    if (wide)
        shake256_start(shake);
    else
        shake128_start(shake);
}

static void test_the_examples_of_the_standard(void)
{
    uint8_t out[64], expected[64];
    struct shake shake;
    unhex(expected, 32, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
    sha3_256(out, bytes_of_text("abc"));
    CHECK_BYTES(out, expected, 32);
    unhex(expected, 64,
          "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
          "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0");
    sha3_512(out, bytes_of_text("abc"));
    CHECK_BYTES(out, expected, 64);
    unhex(expected, 32, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26");
    shake128_start(&shake);
    shake_squeeze(&shake, out, 32);
    CHECK_BYTES(out, expected, 32);
    unhex(expected, 32, "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f");
    shake256_start(&shake);
    shake_squeeze(&shake, out, 32);
    CHECK_BYTES(out, expected, 32);
}

/* Every length, cut at every place a lane or a block may end, and a byte beside it. */
static void test_feeding_in_two_pieces_is_feeding_at_once(void)
{
    static const size_t cuts[] = {
        0, 1, 7, 8, 9, 135, 136, 137, 167, 168, 169, 271, 272, 335, 336
    };
    struct shake whole, cut;
    uint8_t one[32], two[32];
    fill_text();
    for (size_t size = 0; size < 400; size++)
        for (size_t i = 0; i < COUNT(cuts) && cuts[i] <= size; i++) {
            start(&whole, size % 2 == 0);
            start(&cut, size % 2 == 0);
            shake_feed(&whole, (struct bytes){ text, size });
            shake_feed(&cut, (struct bytes){ text, cuts[i] });
            shake_feed(&cut, (struct bytes){ text + cuts[i], size - cuts[i] });
            shake_squeeze(&whole, one, sizeof one);
            shake_squeeze(&cut, two, sizeof two);
            CHECK_BYTES(one, two, sizeof one);
        }
}

static void test_squeezing_in_pieces_is_squeezing_at_once(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 1);
    uint8_t whole[MOST], pieces[MOST];
    struct shake shake;
    for (int round = 0; round < 200; round++) {
        start(&shake, round % 2 == 0);
        shake_feed(&shake, bytes_of_text("sponge"));
        struct shake again = shake;
        shake_squeeze(&shake, whole, sizeof whole);
        for (size_t at = 0, size; at < sizeof pieces; at += size) {
            size = 1 + (size_t)rng_below(&rng, 1 + (uint64_t)(round % 40) * 5);
            if (size > sizeof pieces - at)
                size = sizeof pieces - at;
            shake_squeeze(&again, pieces + at, 0); /* nothing is nothing */
            shake_squeeze(&again, pieces + at, size);
        }
        CHECK_BYTES(whole, pieces, sizeof whole);
    }
}

TESTS(TEST(test_the_examples_of_the_standard), TEST(test_feeding_in_two_pieces_is_feeding_at_once),
      TEST(test_squeezing_in_pieces_is_squeezing_at_once))
