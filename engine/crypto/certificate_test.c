/* The chain account, device, link key. Known answers were computed by another program. */
#include "engine/crypto/certificate.h"
#include "tests/test.h"

#define DEVICE_LABEL "ramage/certificate/device/v1"
#define LINK_LABEL   "ramage/certificate/link/v1"

/* Where the parts begin: see certificate.h. */
#define DEVICE_PART_BYTES 65
#define LINK_PART_BYTES   170

static struct rng_seeded luck;
static struct rng rng;
static struct sign_pair account, device, other;
static struct dh_pair link;
static uint8_t wire[CERTIFICATE_BYTES];

static void sample_certificate(void)
{
    rng = rng_from_seed(&luck, 3);
    sign_pair_make(&account, &rng);
    sign_pair_make(&device, &rng);
    sign_pair_make(&other, &rng);
    dh_pair_make(&link, &rng);
    certificate_write(wire, &account, &device, link.public, LINK_ROLE_CONTACT, 20000, 20007);
}

static void test_a_certificate_reads_as_it_was_written(void)
{
    struct certificate read;
    sample_certificate();
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_NONE);
    CHECK_BYTES(read.account, account.public, KEY_BYTES);
    CHECK_BYTES(read.device, device.public, KEY_BYTES);
    CHECK_BYTES(read.link, link.public, KEY_BYTES);
    CHECK(read.role == LINK_ROLE_CONTACT && read.valid_from == 20000 && read.valid_until == 20007);
}

static void test_a_certificate_with_any_bit_changed_is_refused(void)
{
    struct certificate read = { .valid_from = 77 };
    sample_certificate();
    for (size_t bit = 0; bit < 8 * sizeof wire; bit++) {
        wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER);
        wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < sizeof wire; size++)
        CHECK(certificate_read(&read, (struct bytes){ wire, size }) == FAULT_PEER);
    uint8_t longer[CERTIFICATE_BYTES + 1] = { 0 };
    memcpy(longer, wire, sizeof wire);
    CHECK(certificate_read(&read, BYTES_OF(longer)) == FAULT_PEER);
    CHECK_INT(read.valid_from, 77); /* a failed read leaves nothing behind */
}

/* Somebody else's key inside one's own chain (T-07), and parts of two chains put together. */
static void test_T08_parts_of_two_chains_make_none(void)
{
    struct certificate read;
    uint8_t second[CERTIFICATE_BYTES], mixed[CERTIFICATE_BYTES];
    sample_certificate();
    certificate_write(second, &other, &device, link.public, LINK_ROLE_CONTACT, 20000, 20007);
    CHECK(certificate_read(&read, BYTES_OF(second)) == FAULT_NONE);
    memcpy(mixed, wire, sizeof mixed);
    memcpy(mixed, second, 1 + 32 + 32 + 64); /* his account and signature, my device's words */
    CHECK(certificate_read(&read, BYTES_OF(mixed)) == FAULT_PEER);
    memcpy(mixed, wire, sizeof mixed);
    memcpy(mixed + 1, other.public, KEY_BYTES); /* his account over my signature */
    CHECK(certificate_read(&read, BYTES_OF(mixed)) == FAULT_PEER);
}

static void test_one_key_cannot_play_two_parts(void)
{
    struct certificate read;
    sample_certificate();
    certificate_write(wire, &account, &account, link.public, LINK_ROLE_CONTACT, 1, 2);
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER);
    certificate_write(wire, &account, &device, link.public, LINK_ROLE_CONTACT, 3, 2);
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER); /* ends before it begins */
    static const uint8_t zero[KEY_BYTES];
    certificate_write(wire, &account, &device, zero, LINK_ROLE_CONTACT, 1, 2);
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER);
}

/* A chain that is signed rightly by somebody who bends the rules: `version`, `role`, and the labels
   under which the two signatures were made. */
static void bent_certificate(uint8_t version, uint8_t role, const char *first, const char *second)
{
    sample_certificate();
    wire[0] = version;
    sign(wire + DEVICE_PART_BYTES, &account, first, (struct bytes){ wire, DEVICE_PART_BYTES });
    wire[DEVICE_PART_BYTES + SIGNATURE_BYTES + KEY_BYTES] = role;
    sign(wire + LINK_PART_BYTES, &device, second, (struct bytes){ wire, LINK_PART_BYTES });
}

/* What was signed for another purpose is no part of a chain. */
static void test_T02_signatures_of_another_kind_make_no_chain(void)
{
    struct certificate read;
    bent_certificate(1, LINK_ROLE_DOOR, DEVICE_LABEL, LINK_LABEL);
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_NONE);
    CHECK(read.role == LINK_ROLE_DOOR);
    static const char *const labels[][2] = {
        { LINK_LABEL, LINK_LABEL },
        { DEVICE_LABEL, DEVICE_LABEL },
        { LINK_LABEL, DEVICE_LABEL },
        { DEVICE_LABEL, "ramage/link/door proof/v1" },
        { "ramage/certificate/device/v2", LINK_LABEL },
        { "", LINK_LABEL },
    };
    for (size_t i = 0; i < COUNT(labels); i++) {
        bent_certificate(1, LINK_ROLE_DOOR, labels[i][0], labels[i][1]);
        CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER);
    }
}

static void test_a_version_or_role_we_do_not_know_is_refused(void)
{
    struct certificate read;
    bent_certificate(2, LINK_ROLE_CONTACT, DEVICE_LABEL, LINK_LABEL);
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER);
    bent_certificate(0, LINK_ROLE_CONTACT, DEVICE_LABEL, LINK_LABEL);
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER);
    bent_certificate(1, LINK_ROLE_DOOR + 1, DEVICE_LABEL, LINK_LABEL);
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER);
}

/* A device's own signature, offered where an account's is asked for. */
static void test_a_device_cannot_sign_itself_in(void)
{
    struct certificate read;
    sample_certificate();
    sign(wire + DEVICE_PART_BYTES, &device, DEVICE_LABEL,
         (struct bytes){ wire, DEVICE_PART_BYTES });
    sign(wire + LINK_PART_BYTES, &device, LINK_LABEL, (struct bytes){ wire, LINK_PART_BYTES });
    CHECK(certificate_read(&read, BYTES_OF(wire)) == FAULT_PEER);
}

static void test_a_chain_matches_an_independent_program(void)
{
    uint8_t seed[KEY_BYTES], expected[CERTIFICATE_BYTES], hash[32];
    unhex(seed, sizeof seed, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    sign_pair_from_seed(&account, seed);
    unhex(seed, sizeof seed, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    sign_pair_from_seed(&device, seed);
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    dh_pair_from_secret(&link, seed);
    certificate_write(wire, &account, &device, link.public, LINK_ROLE_CONTACT, 20000, 20007);
    unhex(expected, sizeof expected,
          "01d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a3d4017c3e843"
          "895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c47281598fbdad43e5b26d6f38a"
          "e7ea0451d34d97bc6d52095f2133f030a018d0485867fdb95b811c631fc14f03fe787ca88268f9"
          "fbf4bfe561f5cb07622749058f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f"
          "3e2138285f0000004e2000004e27f45f2d1fc0c6a31fd8feb8b56ce122a3866b32161f6714fd3a"
          "49859c76031736900be00e680410d732e1f4b3e77aa2af6bb802bb26018ee4a677606ffa5bd40d");
    CHECK_BYTES(wire, expected, sizeof expected);
    certificate_hash(hash, BYTES_OF(wire));
    unhex(expected, sizeof expected,
          "015336259c130c6463da11686d9066ad46c3363957e4281c8c9f5851d0bec436");
    CHECK_BYTES(hash, expected, sizeof hash);
}

TESTS(TEST(test_a_certificate_reads_as_it_was_written),
      TEST(test_a_certificate_with_any_bit_changed_is_refused),
      TEST(test_T08_parts_of_two_chains_make_none), TEST(test_one_key_cannot_play_two_parts),
      TEST(test_T02_signatures_of_another_kind_make_no_chain),
      TEST(test_a_version_or_role_we_do_not_know_is_refused),
      TEST(test_a_device_cannot_sign_itself_in), TEST(test_a_chain_matches_an_independent_program))
