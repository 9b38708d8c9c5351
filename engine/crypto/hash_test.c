/* Known answers come from Python's hashlib and from the published test of SipHash; plain BLAKE2b is
   held against vectors in tests/vectors_hash.c. */
#include "engine/crypto/hash.h"
#include "tests/test.h"

static uint8_t counting[32];

static void check_hex(const void *data, size_t size, const char *hex)
{
    uint8_t expected[HASH_MAX_BYTES];
    CHECK_INT(unhex(expected, sizeof expected, hex), size);
    CHECK_BYTES(data, expected, size);
}

static void count_up(void)
{
    for (size_t i = 0; i < sizeof counting; i++)
        counting[i] = (uint8_t)i;
}

static void test_labelled_hashes_match_an_independent_program(void)
{
    uint8_t out[32];
    struct bytes parts[2] = { bytes_of_text("abc"), { NULL, 0 } };
    count_up();
    hash_parts(out, 32, (struct bytes){ 0 }, "ramage/test/v1", parts, 2);
    check_hex(out, 32, "91690d5e004b64884959950949a2e2cd72f9bff55895e59b5f9b5455cc0de583");
    hash_parts(out, 16, BYTES_OF(counting), "ramage/test/v1", parts, 1);
    check_hex(out, 16, "4b804db752f7f5e3bf4615e522fe7246");
}

static void test_T02_no_two_lists_of_parts_hash_alike(void)
{
    static const struct {
        const char *label;
        const char *parts[3];
    } lists[] = {
        { "l", { NULL } },     { "l", { "" } },
        { "l", { "", "" } },   { "l", { "ab" } },
        { "l", { "ab", "" } }, { "l", { "", "ab" } },
        { "l", { "a", "b" } }, { "la", { "b" } },
        { "lab", { NULL } },   { "l", { "a", "b", "\x01" } },
    };
    uint8_t out[COUNT(lists)][32];
    for (size_t i = 0; i < COUNT(lists); i++) {
        struct bytes parts[3];
        size_t count = 0;
        while (count < 3 && lists[i].parts[count] != NULL) {
            parts[count] = bytes_of_text(lists[i].parts[count]);
            count++;
        }
        hash_parts(out[i], 32, (struct bytes){ 0 }, lists[i].label, parts, count);
        for (size_t j = 0; j < i; j++)
            CHECK(memcmp(out[i], out[j], 32) != 0);
    }
}

static void test_a_shorter_hash_is_no_beginning_of_a_longer_one(void)
{
    uint8_t brief[16], whole[64];
    struct bytes part = bytes_of_text("abc");
    hash_parts(brief, 16, (struct bytes){ 0 }, "l", &part, 1);
    hash_parts(whole, 64, (struct bytes){ 0 }, "l", &part, 1);
    CHECK(memcmp(brief, whole, 16) != 0);
}

/* FIPS 180-4 through Python's hashlib: sizes on both sides of where the length needs a block more.
 */
static void test_sha1_matches_an_independent_program(void)
{
    static const struct {
        size_t size;
        const char *hash;
    } cases[] = {
        { 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { 1, "5ba93c9db0cff93f52b521d7420e43f6eda2784f" },
        { 3, "0c7a623fd2bbc05b06423be359e4021d36e721ad" },
        { 55, "8ae2d46729cfe68ff927af5eec9c7d1b66d65ac2" },
        { 56, "636e2ec698dac903498e648bd2f3af641d3c88cb" },
        { 63, "6d942da0c4392b123528f2905c713a3ce28364bd" },
        { 64, "c6138d514ffa2135bfce0ed0b8fac65669917ec7" },
        { 119, "41c89d06001bab4ab78736b44efe7ce18ce6ae08" },
        { 120, "d3dbd653bd8597b7475321b60a36891278e6a04a" },
        { 128, "e6434bc401f98603d7eda504790c98c67385d535" },
        { 200, "54d11e99127d159799dbce10f51a75e697780478" },
    };
    uint8_t out[SHA1_BYTES], text[200];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)i;
    for (size_t i = 0; i < COUNT(cases); i++) {
        hash_sha1(out, (struct bytes){ text, cases[i].size });
        check_hex(out, sizeof out, cases[i].hash);
    }
    hash_sha1(out, bytes_of_text("abc")); /* FIPS 180-4's own example */
    check_hex(out, sizeof out, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

/* Appendix A of the SipHash paper: key 00..0f, text 00..0e. */
static void test_the_short_hash_is_siphash(void)
{
    count_up();
    CHECK(hash_short(counting, (struct bytes){ counting, 15 }) == 0xa129ca6149be45e5);
}

static void test_secrets_compare_whole(void)
{
    uint8_t a[32] = { 1 }, b[32] = { 1 };
    CHECK(secret_equal(a, b, sizeof a));
    b[31] = 1;
    CHECK(!secret_equal(a, b, sizeof a) && secret_equal(a, b, 31) && secret_equal(a, b, 0));
}

TESTS(TEST(test_labelled_hashes_match_an_independent_program),
      TEST(test_T02_no_two_lists_of_parts_hash_alike),
      TEST(test_a_shorter_hash_is_no_beginning_of_a_longer_one),
      TEST(test_sha1_matches_an_independent_program), TEST(test_the_short_hash_is_siphash),
      TEST(test_secrets_compare_whole))
