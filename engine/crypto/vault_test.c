/* A locked home opens for its passphrase only, and editing the file gains nothing. */
#include "engine/crypto/vault.h"
#include "tests/test.h"

static struct rng_seeded luck;
static struct rng rng;

static const struct vault_cost floor_cost = { VAULT_FLOOR_MEMORY_BYTES, VAULT_FLOOR_PASSES };

static void test_a_vault_opens_for_its_passphrase_only(void)
{
    uint8_t master[MASTER_KEY_BYTES] = { 1, 2, 3 }, file[VAULT_MAX_BYTES], out[MASTER_KEY_BYTES];
    size_t size;
    rng = rng_from_seed(&luck, 4);
    CHECK(vault_close(file, &size, master, bytes_of_text("éclair"), floor_cost, &rng) ==
          FAULT_NONE);
    struct bytes vault = { file, size };
    CHECK(vault_kind(vault) == VAULT_PASSPHRASE);
    CHECK(vault_open(out, vault, bytes_of_text("éclair")) == FAULT_NONE);
    CHECK_BYTES(out, master, sizeof master);
    CHECK(vault_open(out, vault, bytes_of_text("eclair")) == FAULT_GONE);
    CHECK(vault_open(out, vault, (struct bytes){ 0 }) == FAULT_GONE);
    file[size - 1] ^= 1;
    CHECK(vault_open(out, vault, bytes_of_text("éclair")) == FAULT_GONE);
}

static void test_a_vault_edited_below_the_floor_or_above_the_roof_is_none(void)
{
    uint8_t master[MASTER_KEY_BYTES] = { 1 }, file[VAULT_MAX_BYTES], out[MASTER_KEY_BYTES];
    size_t size;
    rng = rng_from_seed(&luck, 5);
    CHECK(vault_close(file, &size, master, bytes_of_text("x"), floor_cost, &rng) == FAULT_NONE);
    struct bytes vault = { file, size };
    static const struct {
        size_t at;
        uint8_t value;
    } edits[] = {
        { 0, 'R' },   { 8, 0 }, { 8, 3 }, { 9, 1 }, /* magic, kind, memory beyond the roof */
        { 13, 0x03 }, /* memory below the floor: 64 MiB is 04 00 00 00 */
        { 20, 2 },    /* two passes */
        { 20, 65 },   /* too many */
    };
    for (size_t i = 0; i < COUNT(edits); i++) {
        uint8_t was = file[edits[i].at];
        file[edits[i].at] = edits[i].value;
        CHECK(vault_kind(vault) == VAULT_BROKEN);
        CHECK(vault_open(out, vault, bytes_of_text("x")) == FAULT_PEER);
        file[edits[i].at] = was;
    }
    for (size_t cut = 0; cut < size; cut++)
        CHECK(vault_kind((struct bytes){ file, cut }) == VAULT_BROKEN);
    file[23 - 3] = 4; /* more passes than it was closed with: allowed, but not the same key */
    CHECK(vault_open(out, vault, bytes_of_text("x")) == FAULT_GONE);
}

static void test_a_vault_without_passphrase_says_so(void)
{
    uint8_t master[MASTER_KEY_BYTES] = { 7 }, file[VAULT_MAX_BYTES], out[MASTER_KEY_BYTES];
    size_t size;
    rng = rng_from_seed(&luck, 6);
    CHECK(vault_close(file, &size, master, (struct bytes){ 0 }, floor_cost, &rng) == FAULT_NONE);
    CHECK(vault_kind((struct bytes){ file, size }) == VAULT_OPEN);
    CHECK(vault_open(out, (struct bytes){ file, size }, (struct bytes){ 0 }) == FAULT_NONE);
    CHECK_BYTES(out, master, sizeof master);
}

/* Argon2id's part is a published vector's, the rest was sealed by another program. */
static void test_a_vault_made_by_an_independent_program_opens(void)
{
    uint8_t file[VAULT_MAX_BYTES], passphrase[24], master[MASTER_KEY_BYTES];
    size_t size = unhex(file, sizeof file,
                        "72616d616765000102000000000400000000000003"
                        "f536c777d4358b343e7b973fc0bea22f"
                        "000102030405060708090a0b0c0d0e0f1011121314151617"
                        "84dcee038afea47266a5a0f49bf8a0e325975179dc62e3e2276c72aba1d626f7"
                        "3e74721b75b5e4ba5f34d54c8d6f3bd8");
    unhex(passphrase, sizeof passphrase, "d6064c7952b14a5cb42d64f5c5c11fc32e8ca21b9ab876f1");
    CHECK(vault_open(master, (struct bytes){ file, size }, BYTES_OF(passphrase)) == FAULT_NONE);
    for (size_t i = 0; i < sizeof master; i++)
        CHECK_INT(master[i], 32 + i);
}

static void test_subkeys_match_an_independent_program(void)
{
    uint8_t master[MASTER_KEY_BYTES], key[32], other[32], expected[32];
    for (size_t i = 0; i < sizeof master; i++)
        master[i] = (uint8_t)i;
    vault_subkey(key, master, "database");
    unhex(expected, sizeof expected,
          "dbc75e894aca95f6db3cf0751f3138bfb2568ac0df0d613bf7c2dcf53f006f64");
    CHECK_BYTES(key, expected, sizeof key);
    vault_subkey(other, master, "search");
    CHECK(memcmp(key, other, sizeof key) != 0);
}

static void test_T28_the_longest_passphrase_works_and_a_longer_one_is_wrong(void)
{
    static uint8_t words[VAULT_PASSPHRASE_MAX + 1];
    uint8_t master[MASTER_KEY_BYTES] = { 1 }, file[VAULT_MAX_BYTES], out[MASTER_KEY_BYTES];
    struct bytes longest = { words, VAULT_PASSPHRASE_MAX };
    size_t size;
    memset(words, 'w', sizeof words);
    rng = rng_from_seed(&luck, 9);
    CHECK(vault_close(file, &size, master, longest, floor_cost, &rng) == FAULT_NONE);
    CHECK(vault_open(out, (struct bytes){ file, size }, longest) == FAULT_NONE);
    CHECK(vault_open(out, (struct bytes){ file, size }, BYTES_OF(words)) == FAULT_GONE);
}

static void test_one_key_closed_twice_is_two_files(void)
{
    uint8_t master[MASTER_KEY_BYTES] = { 1 }, one[VAULT_MAX_BYTES], two[VAULT_MAX_BYTES];
    size_t size;
    rng = rng_from_seed(&luck, 10);
    CHECK(vault_close(one, &size, master, bytes_of_text("x"), floor_cost, &rng) == FAULT_NONE);
    CHECK(vault_close(two, &size, master, bytes_of_text("x"), floor_cost, &rng) == FAULT_NONE);
    CHECK(memcmp(one, two, 21) == 0);           /* the same magic, kind and cost */
    CHECK(memcmp(one + 21, two + 21, 16) != 0); /* another salt */
    CHECK(memcmp(one + 61, two + 61, size - 61) != 0);
}

TESTS(TEST(test_a_vault_opens_for_its_passphrase_only),
      TEST(test_a_vault_edited_below_the_floor_or_above_the_roof_is_none),
      TEST(test_a_vault_without_passphrase_says_so),
      TEST(test_a_vault_made_by_an_independent_program_opens),
      TEST(test_subkeys_match_an_independent_program),
      TEST(test_T28_the_longest_passphrase_works_and_a_longer_one_is_wrong),
      TEST(test_one_key_closed_twice_is_two_files))
