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
      TEST(test_the_short_hash_is_siphash), TEST(test_secrets_compare_whole))
