/* Prekey bundles. The known answer was computed by another program. */
#include "engine/crypto/bundle.h"
#include "tests/test.h"

#define LABEL      "ramage/bundle/v1"
#define PART_BYTES (BUNDLE_BYTES - SIGNATURE_BYTES)

/* Where the parts begin: docs/protocol.md, "Prekey bundle". */
#define SUITE_AT       1
#define KIND_AT        2
#define ACCOUNT_AT     3
#define DEVICE_AT      35
#define HEAD_AT        67
#define ID_AT          107
#define SEQUENCE_AT    115
#define DH_TYPE_AT     131
#define DH_AT          132
#define KEM_TYPE_AT    164
#define KEM_AT         165
#define BITS_PER_COEFF 12

static struct rng_seeded luck;
static struct rng rng;
static struct sign_pair account, device, other;
static struct bundle_secrets secrets;
static struct bundle bundle;
static uint8_t wire[BUNDLE_BYTES];

static void sample_bundle(enum bundle_kind kind)
{
    rng = rng_from_seed(&luck, 11);
    sign_pair_make(&account, &rng);
    sign_pair_make(&device, &rng);
    sign_pair_make(&other, &rng);
    bundle_secrets_make(&secrets, &rng);
    bundle = (struct bundle){ .kind = kind, .sequence = 3, .made_ms = 4, .head.counter = 2 };
    memcpy(bundle.account, account.public, KEY_BYTES);
    memcpy(bundle.device, device.public, KEY_BYTES);
    rng_fill(&rng, bundle.head.hash, HASH_BYTES);
    rng_fill(&rng, bundle.id, BUNDLE_ID_BYTES);
    memcpy(bundle.dh, secrets.dh.public, KEY_BYTES);
    memcpy(bundle.kem, secrets.kem.public, MLKEM_PUBLIC_BYTES);
    bundle_write(wire, &bundle, &device);
}

static bool reads(void)
{
    struct bundle read;
    return bundle_read(&read, BYTES_OF(wire)) == FAULT_NONE;
}

/* Signed anew by its own device: whoever bends the rules can do that. */
static bool reads_signed(void)
{
    sign(wire + PART_BYTES, &device, LABEL, (struct bytes){ wire, PART_BYTES });
    return reads();
}

static void test_a_bundle_reads_as_it_was_written(void)
{
    struct bundle read;
    static const enum bundle_kind kinds[] = { BUNDLE_LAST_RESORT, BUNDLE_ONE_TIME };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        sample_bundle(kinds[i]);
        CHECK(bundle_read(&read, BYTES_OF(wire)) == FAULT_NONE);
        CHECK(read.kind == kinds[i] && read.sequence == 3 && read.made_ms == 4);
        CHECK_BYTES(read.account, account.public, KEY_BYTES);
        CHECK_BYTES(read.device, device.public, KEY_BYTES);
        CHECK(list_head_equal(&read.head, &bundle.head));
        CHECK_BYTES(read.id, bundle.id, BUNDLE_ID_BYTES);
        CHECK_BYTES(read.dh, secrets.dh.public, KEY_BYTES);
        CHECK_BYTES(read.kem, secrets.kem.public, MLKEM_PUBLIC_BYTES);
    }
}

static void test_a_bundle_with_any_bit_changed_is_refused(void)
{
    struct bundle read = { .sequence = 77 };
    sample_bundle(BUNDLE_LAST_RESORT);
    for (size_t bit = 0; bit < 8 * sizeof wire; bit++) {
        wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(bundle_read(&read, BYTES_OF(wire)) == FAULT_PEER);
        wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CHECK_INT(read.sequence, 77); /* a failed read leaves nothing behind */
    CHECK(reads());
}

static void test_T28_a_bundle_is_as_long_as_it_is(void)
{
    struct bundle read;
    uint8_t longer[BUNDLE_BYTES + 1] = { 0 };
    sample_bundle(BUNDLE_LAST_RESORT);
    memcpy(longer, wire, sizeof wire);
    for (size_t size = 0; size <= sizeof longer; size++)
        CHECK((bundle_read(&read, (struct bytes){ longer, size }) == FAULT_NONE) ==
              (size == BUNDLE_BYTES));
}

static void test_T28_the_greatest_numbers_are_read(void)
{
    struct bundle read;
    sample_bundle(BUNDLE_ONE_TIME);
    memset(wire + HEAD_AT, 0xff, 8);
    memset(wire + SEQUENCE_AT, 0xff, 16);
    CHECK(reads_signed());
    CHECK(bundle_read(&read, BYTES_OF(wire)) == FAULT_NONE);
    CHECK(read.head.counter == UINT64_MAX && read.sequence == UINT64_MAX &&
          read.made_ms == UINT64_MAX);
}

static void test_T13_a_kind_of_bundle_cannot_be_taken_for_the_other(void)
{
    sample_bundle(BUNDLE_LAST_RESORT);
    wire[KIND_AT] = BUNDLE_ONE_TIME;
    CHECK(!reads());
    CHECK(reads_signed()); /* only the device itself can say so */
    sample_bundle(BUNDLE_ONE_TIME);
    wire[KIND_AT] = BUNDLE_LAST_RESORT;
    CHECK(!reads());
    for (unsigned kind = 0; kind <= UINT8_MAX; kind++) {
        wire[KIND_AT] = (uint8_t)kind;
        CHECK(reads_signed() == (kind == BUNDLE_LAST_RESORT || kind == BUNDLE_ONE_TIME));
    }
}

/* Even under a right signature: a key type says what the bytes behind it are. */
static void test_T13_a_key_cannot_be_taken_for_one_of_the_other_type(void)
{
    sample_bundle(BUNDLE_LAST_RESORT);
    wire[DH_TYPE_AT] = 2;
    wire[KEM_TYPE_AT] = 1;
    CHECK(!reads_signed());
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        wire[DH_TYPE_AT] = (uint8_t)type;
        wire[KEM_TYPE_AT] = 2;
        CHECK(reads_signed() == (type == 1));
        wire[DH_TYPE_AT] = 1;
        wire[KEM_TYPE_AT] = (uint8_t)type;
        CHECK(reads_signed() == (type == 2));
    }
    /* The two keys in the other order, each with its own type before it. */
    uint8_t turned[BUNDLE_BYTES];
    sample_bundle(BUNDLE_LAST_RESORT);
    memcpy(turned, wire, sizeof turned);
    memcpy(wire + DH_TYPE_AT, turned + KEM_TYPE_AT, 1 + MLKEM_PUBLIC_BYTES);
    memcpy(wire + DH_TYPE_AT + 1 + MLKEM_PUBLIC_BYTES, turned + DH_TYPE_AT, 1 + KEY_BYTES);
    CHECK(!reads_signed());
}

static void test_a_bundle_signed_by_another_than_its_device_is_refused(void)
{
    static const char *const labels[] = { "ramage/devices/v1", "ramage/certificate/link/v1",
                                          "ramage/link/door proof/v1", "ramage/bundle/v2", "" };
    const struct sign_pair *const others[] = { &account, &other };
    struct bytes part = { wire, PART_BYTES };
    sample_bundle(BUNDLE_LAST_RESORT);
    for (size_t i = 0; i < COUNT(others); i++) {
        sign(wire + PART_BYTES, others[i], LABEL, part);
        CHECK(!reads());
    }
    for (size_t i = 0; i < COUNT(labels); i++) {
        sign(wire + PART_BYTES, &device, labels[i], part);
        CHECK(!reads());
    }
    memcpy(wire + DEVICE_AT, other.public, KEY_BYTES); /* T-07: Eve says it is hers */
    CHECK(!reads_signed());
}

/* Each signed rightly by a device that bends the rules. */
static void test_a_bundle_that_breaks_a_rule_is_refused(void)
{
    static const struct {
        size_t at, size;
        uint8_t value;
    } bends[] = {
        { 0, 1, 0 },                   /* version 0 */
        { 0, 1, 2 },                   /* version 2 */
        { SUITE_AT, 1, 0 },            /* T-21: no suite below 1 */
        { SUITE_AT, 1, 2 },            /* nor above */
        { ID_AT, BUNDLE_ID_BYTES, 0 }, /* no id */
        { HEAD_AT, 40, 0 },            /* of no list */
        { HEAD_AT, 8, 0 },             /* of no list, which has a hash all the same */
        { ACCOUNT_AT, KEY_BYTES, 0 },  /* an account key of low order */
        { DH_AT, KEY_BYTES, 0 },       /* a DH key of low order */
        { DH_AT + 31, 1, 0xff },       /* another spelling of a key */
        { KEM_AT, 2, 0xff },           /* the first coefficient is not below q */
        { KEM_AT + 1150, 2, 0xff },    /* the last one is not */
        { KEM_AT, 1152, 0xff },        /* all of them */
    };
    for (size_t i = 0; i < COUNT(bends); i++) {
        sample_bundle(BUNDLE_LAST_RESORT);
        memset(wire + bends[i].at, bends[i].value, bends[i].size);
        CHECK(!reads_signed());
    }
    sample_bundle(BUNDLE_LAST_RESORT);
    memcpy(wire + ACCOUNT_AT, device.public, KEY_BYTES); /* one key in two parts */
    CHECK(!reads_signed());
}

static void test_the_secrets_of_a_bundle_are_its_own(void)
{
    struct bundle_secrets again;
    sample_bundle(BUNDLE_LAST_RESORT);
    bundle_secrets_make(&again, &rng);
    CHECK(memcmp(again.dh.public, secrets.dh.public, KEY_BYTES) != 0);
    CHECK(memcmp(again.kem.public, secrets.kem.public, MLKEM_PUBLIC_BYTES) != 0);
    CHECK(dh_public_good(again.dh.public) && mlkem_public_good(again.kem.public));
}

/* Coefficients 0, 5, 10, ... below q, twelve bits each, and rho = 0, 1, 2, ... */
static void counted_kem(uint8_t out[MLKEM_PUBLIC_BYTES])
{
    memset(out, 0, MLKEM_PUBLIC_BYTES);
    for (size_t i = 0; i < 768; i++)
        for (size_t bit = 0; bit < BITS_PER_COEFF; bit++)
            if (5 * i % 3329 >> bit & 1)
                out[(BITS_PER_COEFF * i + bit) / 8] |=
                    (uint8_t)(1u << (BITS_PER_COEFF * i + bit) % 8);
    for (size_t i = 0; i < 32; i++)
        out[1152 + i] = (uint8_t)i;
}

static void test_a_bundle_matches_an_independent_program(void)
{
    struct dh_pair dh;
    uint8_t seed[KEY_BYTES], expected[KEM_AT + SIGNATURE_BYTES], hash[HASH_BYTES];
    bundle = (struct bundle){
        .kind = BUNDLE_ONE_TIME, .head.counter = 1, .sequence = 7, .made_ms = 1700000000000
    };
    unhex(seed, sizeof seed, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    sign_pair_from_seed(&device, seed);
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    dh_pair_from_secret(&dh, seed);
    unhex(bundle.account, KEY_BYTES,
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    unhex(bundle.head.hash, HASH_BYTES,
          "3623f7715f940461739af9ee7fd4fa0a27a05e1979bf60ec947dd852b27e0071");
    memcpy(bundle.device, device.public, KEY_BYTES);
    memset(bundle.id, 9, sizeof bundle.id);
    memcpy(bundle.dh, dh.public, KEY_BYTES);
    counted_kem(bundle.kem);
    bundle_write(wire, &bundle, &device);
    unhex(expected, KEM_AT,
          "010102d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a3d4017c3"
          "e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c00000000000000013623f7"
          "715f940461739af9ee7fd4fa0a27a05e1979bf60ec947dd852b27e007109090909090909090000"
          "0000000000070000018bcfe56800018f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1a"
          "d1ba6f3e2138285f02");
    unhex(expected + KEM_AT, SIGNATURE_BYTES,
          "933497fa1973cb8121dda4f794f2dd3a53f4d6d6ef9c2a0409aadf606a06c61d59e80d444cdc6f"
          "0446f5eeb6e287bfa1b3e4155c373b2c15b17d638e1dd87500");
    CHECK_BYTES(wire, expected, KEM_AT);
    CHECK_BYTES(wire + PART_BYTES, expected + KEM_AT, SIGNATURE_BYTES);
    CHECK(reads());
    bundle_hash(hash, BYTES_OF(wire));
    unhex(expected, sizeof hash,
          "6f1434223022af99acad91e48aa3ef3eaeb08389bd352ef99e9a8f7009ffd5e4");
    CHECK_BYTES(hash, expected, sizeof hash);
}

TESTS(TEST(test_a_bundle_reads_as_it_was_written),
      TEST(test_a_bundle_with_any_bit_changed_is_refused),
      TEST(test_T28_a_bundle_is_as_long_as_it_is), TEST(test_T28_the_greatest_numbers_are_read),
      TEST(test_T13_a_kind_of_bundle_cannot_be_taken_for_the_other),
      TEST(test_T13_a_key_cannot_be_taken_for_one_of_the_other_type),
      TEST(test_a_bundle_signed_by_another_than_its_device_is_refused),
      TEST(test_a_bundle_that_breaks_a_rule_is_refused),
      TEST(test_the_secrets_of_a_bundle_are_its_own),
      TEST(test_a_bundle_matches_an_independent_program))
