/* Session starts: what they give, and what is refused. Attacks: start_attack_test.c. */
#include "engine/crypto/start_fixture.h"
#include "tests/test.h"

#include <stdlib.h>

#define SMALL_PAYLOAD 640
#define LARGE_PAYLOAD 2560

/* Where the parts of a payload begin: docs/protocol.md, "Session start". */
#define VERSION_AT  0
#define HEAD_AT     89
#define KEPT_AT     129
#define LIST_AT     130 /* its length, when no session is kept */
#define LISTLESS(k) (132 + (k)*SESSION_ID_BYTES)

static struct rng_seeded luck;
static struct rng rng;
static struct person alice, bob, carol;
static struct start_claim claim;
static uint8_t message[START_LARGE_BYTES];
static size_t message_size;
static struct session_secrets secrets;
static struct heard heard;

static void meet(void)
{
    rng = rng_from_seed(&luck, 21);
    person_make(&alice, &rng);
    person_make(&bob, &rng);
    person_make(&carol, &rng);
    claim = person_claim(&alice, &bob);
}

/* Alice starts a session with Bob. */
static void write_start(void)
{
    CHECK(start_write(message, &message_size, &secrets, &claim, &alice.dh, bob.dh.public,
                      BYTES_OF(bob.bundle_wire), &rng) == FAULT_NONE);
}

static struct bytes wire(void)
{
    return (struct bytes){ message, message_size };
}

/* Refused by that person, and nothing is left of it. */
static void check_refused(const struct person *person, struct bytes bytes)
{
    static const uint8_t zero[START_LARGE_BYTES];
    static struct heard before;
    memset(&heard, 0x5a, sizeof heard);
    before = heard;
    CHECK(person_hears(&heard, person, bytes) == FAULT_PEER);
    CHECK_BYTES(&heard.secrets, &before.secrets, sizeof heard.secrets);
    CHECK_BYTES(&heard.claim, &before.claim, sizeof heard.claim);
    CHECK_BYTES(&heard.list, &before.list, sizeof heard.list);
    if (memcmp(heard.memory, before.memory, sizeof heard.memory) != 0)
        CHECK_BYTES(heard.memory, zero, sizeof zero);
}

/* --- what a start gives ----------------------------------------------------------------------- */

static void check_secrets_differ(const struct session_secrets *s)
{
    const uint8_t *all[] = {
        s->id, s->root, s->header_initiator, s->next_header_recipient, s->exporter, s->psk, s->pair
    };
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t j = 0; j < i; j++)
            CHECK(memcmp(all[i], all[j], 32) != 0);
}

static void check_heard_claim(void)
{
    CHECK_BYTES(heard.claim.account, claim.account, KEY_BYTES);
    CHECK_BYTES(heard.claim.device, claim.device, KEY_BYTES);
    CHECK(heard.claim.rank == claim.rank && heard.claim.kept_count == claim.kept_count);
    CHECK_BYTES(heard.claim.token, claim.token, START_TOKEN_BYTES);
    CHECK(list_head_equal(&heard.claim.theirs, &claim.theirs));
    CHECK_BYTES(heard.claim.kept, claim.kept, claim.kept_count * SESSION_ID_BYTES);
    CHECK(bytes_equal(heard.claim.list, claim.list));
    CHECK(heard.claim.list.data > heard.memory &&
          heard.claim.list.data < heard.memory + sizeof heard.memory);
    CHECK_INT(heard.list.counter, alice.list.counter);
    CHECK_INT(heard.list.device_count, alice.list.device_count);
}

static void test_both_sides_get_the_same_secrets_and_one_the_others_claim(void)
{
    meet();
    claim.rank = UINT64_MAX;
    claim.kept_count = START_KEPT_MAX;
    rng_fill(&rng, claim.kept, sizeof claim.kept);
    rng_fill(&rng, claim.token, sizeof claim.token);
    write_start();
    CHECK(person_hears(&heard, &bob, wire()) == FAULT_NONE);
    CHECK_BYTES(&heard.secrets, &secrets, sizeof secrets);
    check_secrets_differ(&secrets);
    check_heard_claim();
}

static void test_two_starts_have_nothing_in_common(void)
{
    static uint8_t first[START_LARGE_BYTES];
    static struct session_secrets one;
    meet();
    write_start();
    memcpy(first, message, message_size);
    one = secrets;
    write_start();
    CHECK(memcmp(first, message, KEY_BYTES) != 0);
    CHECK(memcmp(one.id, secrets.id, 32) != 0 && memcmp(one.root, secrets.root, 32) != 0);
    CHECK(memcmp(one.psk, secrets.psk, 32) != 0 && memcmp(one.pair, secrets.pair, 32) != 0);
}

/* Fill number n gives the byte n. */
static void fill_counting(void *source, void *out, size_t size)
{
    memset(out, ++*(uint8_t *)source, size);
}

static void check_hex(const uint8_t *value, size_t size, const char *hex)
{
    uint8_t expected[64];
    CHECK_INT(unhex(expected, sizeof expected, hex), size);
    CHECK_BYTES(value, expected, size);
}

static void check_known_secrets(const struct session_secrets *s)
{
    uint8_t id[8];
    check_hex(s->id, 32, "6c7adc873b3a4d5a2341ad6298abb2a345874ab08c4f68747bda446f37438e70");
    check_hex(s->root, 32, "3d10aa036a9a7b75a5a523e518cf12ab2e25f76b0d16168073ec9fead9eeab2a");
    check_hex(s->header_initiator, 32,
              "6eb045c76f32cb0384d32513fec2786466bb84a7c13aaabe004f379a51111a39");
    check_hex(s->next_header_recipient, 32,
              "2d962367c527dccb5fa308faf72ea7a9370d18dc34c13bf0cb4832c6ba079068");
    check_hex(s->exporter, 32, "40aa949081d900ae93ad4e21ede1e64f1c530ece0e9eac78fddf83a72044edcc");
    check_hex(s->psk, 32, "5638424f74d0819987dded85697e312164360bf6ba03629fd570b91e4a1a2233");
    check_hex(s->pair, 32, "e01e77bcc6e273793e1dd06820e7a9f77797951f5defb4570796572f59029e45");
    psk_id(id, s->psk);
    check_hex(id, 8, "ee774e803f9a6f02");
    pair_id(id, s->pair);
    check_hex(id, 8, "f2920cda02833d4e");
}

/* The seeds are 32 bytes (of the KEM 64, of an id 8) of 1, of 2 and so on: Alice's account, device,
   DH, bundle DH, bundle KEM, bundle id; Bob's; then e, and what the ciphertext is made from. The
   answers come from the independent reader in Python: ML-KEM after FIPS 203, Noise's steps with
   hashlib.blake2b and hmac, X25519 and Ed25519 of PyNaCl. The first is of the whole message. */
static void test_T27_a_start_made_of_known_seeds_is_the_known_one(void)
{
    uint8_t drawn = 0, hash[HASH_BYTES];
    rng = (struct rng){ fill_counting, &drawn };
    person_make(&alice, &rng);
    person_make(&bob, &rng);
    claim = person_claim(&alice, &bob);
    write_start();
    start_seen_hash(hash, wire());
    check_hex(hash, 32, "4f4efa975c4bf6fcf56bc393b45bba39582029499ee08b7124db94064d1bfc18");
    check_known_secrets(&secrets);
    CHECK(person_hears(&heard, &bob, wire()) == FAULT_NONE);
    check_known_secrets(&heard.secrets);
}

/* A start is not used up by being read: whoever reads keeps the names of those he has seen. */
static void test_T05_a_start_that_comes_again_has_the_same_name(void)
{
    uint8_t first[HASH_BYTES], again[HASH_BYTES];
    meet();
    write_start();
    start_seen_hash(first, wire());
    CHECK(person_hears(&heard, &bob, wire()) == FAULT_NONE);
    CHECK(person_hears(&heard, &bob, wire()) == FAULT_NONE);
    start_seen_hash(again, wire());
    CHECK_BYTES(first, again, HASH_BYTES);
    message[message_size - 1] ^= 1;
    start_seen_hash(again, wire());
    CHECK(memcmp(first, again, HASH_BYTES) != 0);
}

/* --- sizes ------------------------------------------------------------------------------------ */

static int by_device(const void *a, const void *b)
{
    return memcmp(((const struct device_entry *)a)->device,
                  ((const struct device_entry *)b)->device, KEY_BYTES);
}

static int by_revoked(const void *a, const void *b)
{
    return memcmp(((const struct device_revoked *)a)->device,
                  ((const struct device_revoked *)b)->device, KEY_BYTES);
}

/* Alice's list with her own device and others. */
static void enlarge_list(size_t devices, size_t revoked)
{
    struct sign_pair device;
    struct dh_pair dh;
    alice.list.device_count = devices;
    alice.list.revoked_count = revoked;
    for (size_t i = 1; i < devices; i++) {
        sign_pair_make(&device, &rng);
        dh_pair_make(&dh, &rng);
        memcpy(alice.list.devices[i].device, device.public, KEY_BYTES);
        memcpy(alice.list.devices[i].dh, dh.public, KEY_BYTES);
    }
    for (size_t i = 0; i < revoked; i++) {
        sign_pair_make(&device, &rng);
        memcpy(alice.list.revoked[i].device, device.public, KEY_BYTES);
    }
    qsort(alice.list.devices, devices, sizeof alice.list.devices[0], by_device);
    qsort(alice.list.revoked, revoked, sizeof alice.list.revoked[0], by_revoked);
    person_sign(&alice);
}

/* Up to the greatest claim there is. */
static void test_T28_a_start_is_small_when_640_bytes_hold_its_claim(void)
{
    static const struct {
        size_t devices, revoked, kept;
    } claims[] = {
        { 1, 0, 0 }, { 1, 0, 3 }, { 4, 0, 0 }, { 2, 4, 0 }, { 3, 1, 0 },  { 2, 0, 3 },  { 2, 1, 3 },
        { 2, 2, 3 }, { 3, 0, 2 }, { 3, 2, 0 }, { 8, 0, 0 }, { 1, 32, 0 }, { 8, 32, 3 },
    };
    for (size_t i = 0; i < COUNT(claims); i++) {
        meet();
        enlarge_list(claims[i].devices, claims[i].revoked);
        claim = person_claim(&alice, &bob);
        claim.kept_count = claims[i].kept;
        size_t needs = LISTLESS(claims[i].kept) + alice.list_size;
        write_start();
        CHECK_INT(message_size, needs <= SMALL_PAYLOAD ? START_SMALL_BYTES : START_LARGE_BYTES);
        CHECK(person_hears(&heard, &bob, wire()) == FAULT_NONE);
        CHECK_BYTES(&heard.secrets, &secrets, sizeof secrets);
        check_heard_claim();
    }
}

static void test_T28_a_start_of_another_size_is_refused(void)
{
    static uint8_t longer[START_LARGE_BYTES + 1];
    meet();
    write_start();
    memcpy(longer, message, message_size);
    for (size_t size = 0; size < START_SMALL_BYTES; size++)
        check_refused(&bob, (struct bytes){ message, size });
    check_refused(&bob, (struct bytes){ longer, START_SMALL_BYTES + 1 });
    check_refused(&bob, (struct bytes){ longer, START_LARGE_BYTES - 1 });
    check_refused(&bob, (struct bytes){ longer, START_LARGE_BYTES });
    check_refused(&bob, (struct bytes){ longer, START_LARGE_BYTES + 1 });
    CHECK(person_hears(&heard, &bob, wire()) == FAULT_NONE);
}

/* --- what is refused -------------------------------------------------------------------------- */

/* T-04: whatever is wrong, the answer is one and the same. */
static void test_T21_a_start_with_any_byte_changed_is_refused(void)
{
    meet();
    write_start();
    for (size_t at = 0; at < message_size; at++) {
        uint8_t change = (uint8_t)(1u << at % 8);
        message[at] ^= change;
        check_refused(&bob, wire());
        message[at] ^= change;
    }
    CHECK(person_hears(&heard, &bob, wire()) == FAULT_NONE);
}

static void test_a_large_start_with_a_byte_changed_is_refused(void)
{
    meet();
    enlarge_list(8, 32);
    claim = person_claim(&alice, &bob);
    write_start();
    for (size_t at = START_LARGE_BYTES - 1; at > START_LARGE_BYTES / 2; at -= 13) {
        message[at] ^= 0x80;
        check_refused(&bob, wire());
        message[at] ^= 0x80;
    }
}

static void test_a_start_is_refused_by_whoever_it_is_not_for(void)
{
    meet();
    write_start();
    check_refused(&carol, wire());
    check_refused(&alice, wire());
    struct person other = bob; /* the same bundle, but another device */
    other.dh = carol.dh;
    check_refused(&other, wire());
    other = bob;
    other.secrets.dh = carol.secrets.dh;
    check_refused(&other, wire());
    other = bob;
    other.secrets.kem = carol.secrets.kem;
    check_refused(&other, wire());
}

/* The keys are the same, and yet it is not the bundle the initiator had in hand. */
static void test_a_start_under_another_bundle_of_the_same_keys_is_refused(void)
{
    meet();
    write_start();
    struct person other = bob;
    other.bundle.kind = BUNDLE_ONE_TIME;
    person_sign(&other);
    check_refused(&other, wire());
    other = bob;
    other.bundle.sequence++;
    person_sign(&other);
    check_refused(&other, wire());
    other = bob;
    other.list.valid_until++; /* another list: another head in the bundle */
    person_sign(&other);
    check_refused(&other, wire());
    CHECK(person_hears(&heard, &bob, wire()) == FAULT_NONE);
}

/* T-01. */
static void test_T01_a_key_of_low_order_or_with_a_second_spelling_is_refused(void)
{
    uint8_t bad[3][KEY_BYTES] = { { 0 }, { 1 } };
    memset(bad[2], 0xff, KEY_BYTES);
    meet();
    write_start();
    for (size_t i = 0; i < COUNT(bad); i++) {
        size_t size = 77;
        memcpy(message, bad[i], KEY_BYTES);
        check_refused(&bob, wire());
        CHECK(start_write(message, &size, &secrets, &claim, &alice.dh, bad[i],
                          BYTES_OF(bob.bundle_wire), &rng) == FAULT_PEER);
        CHECK_INT(size, 77);
    }
}

static void test_a_bundle_that_is_not_signed_is_not_used(void)
{
    meet();
    for (size_t at = 0; at < BUNDLE_BYTES; at += 11) {
        bob.bundle_wire[at] ^= 1;
        CHECK(start_write(message, &message_size, &secrets, &claim, &alice.dh, bob.dh.public,
                          BYTES_OF(bob.bundle_wire), &rng) == FAULT_PEER);
        bob.bundle_wire[at] ^= 1;
    }
}

/* --- the payload, sealed rightly -------------------------------------------------------------- */

static struct spelling spelling;

static void spell(void)
{
    meet();
    spelling_honest(&spelling, &alice, &bob, &claim, &rng);
}

static enum fault say(void)
{
    message_size = spelling_write(message, &spelling);
    return person_hears(&heard, &bob, wire());
}

static void test_a_payload_has_one_spelling(void)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } wrongs[] = {
        { "version", VERSION_AT, 0 },           { "version", VERSION_AT, 2 },
        { "too many kept", KEPT_AT, 4 },        { "all ones", KEPT_AT, 0xff },
        { "one kept, none there", KEPT_AT, 1 }, { "length", LIST_AT, 0xff },
        { "length", LIST_AT + 1, 0 },           { "padding", SMALL_PAYLOAD - 1, 1 },
    };
    spell();
    CHECK(say() == FAULT_NONE);
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        spell();
        CHECK(spelling.payload[wrongs[i].at] != wrongs[i].value);
        spelling.payload[wrongs[i].at] = wrongs[i].value;
        message_size = spelling_write(message, &spelling);
        check_refused(&bob, wire());
    }
    for (size_t at = LISTLESS(0) + alice.list_size; at < SMALL_PAYLOAD; at++) {
        spell();
        spelling.payload[at] = 0x80;
        message_size = spelling_write(message, &spelling);
        check_refused(&bob, wire());
    }
}

static void test_a_small_claim_in_a_large_payload_is_refused(void)
{
    spell();
    spelling.payload_size = LARGE_PAYLOAD;
    message_size = spelling_write(message, &spelling);
    CHECK_INT(message_size, START_LARGE_BYTES);
    check_refused(&bob, wire());
}

static void test_a_head_without_a_counter_is_all_zero(void)
{
    spell();
    memset(spelling.payload + HEAD_AT, 0, 8);
    message_size = spelling_write(message, &spelling);
    check_refused(&bob, wire());
    memset(spelling.payload + HEAD_AT, 0, LIST_HEAD_BYTES);
    CHECK(say() == FAULT_NONE);
}

/* The list's length may not lie, whatever lies behind it. */
static void test_T28_a_list_that_is_cut_or_lengthened_is_refused(void)
{
    for (int by = -3; by <= 3; by++) {
        spell();
        spelling.payload[LIST_AT + 1] = (uint8_t)(spelling.payload[LIST_AT + 1] + by);
        message_size = spelling_write(message, &spelling);
        CHECK((person_hears(&heard, &bob, wire()) == FAULT_NONE) == (by == 0));
    }
}

TESTS(TEST(test_both_sides_get_the_same_secrets_and_one_the_others_claim),
      TEST(test_two_starts_have_nothing_in_common),
      TEST(test_T27_a_start_made_of_known_seeds_is_the_known_one),
      TEST(test_T05_a_start_that_comes_again_has_the_same_name),
      TEST(test_T28_a_start_is_small_when_640_bytes_hold_its_claim),
      TEST(test_T28_a_start_of_another_size_is_refused),
      TEST(test_T21_a_start_with_any_byte_changed_is_refused),
      TEST(test_a_large_start_with_a_byte_changed_is_refused),
      TEST(test_a_start_is_refused_by_whoever_it_is_not_for),
      TEST(test_a_start_under_another_bundle_of_the_same_keys_is_refused),
      TEST(test_T01_a_key_of_low_order_or_with_a_second_spelling_is_refused),
      TEST(test_a_bundle_that_is_not_signed_is_not_used), TEST(test_a_payload_has_one_spelling),
      TEST(test_a_small_claim_in_a_large_payload_is_refused),
      TEST(test_a_head_without_a_counter_is_all_zero),
      TEST(test_T28_a_list_that_is_cut_or_lengthened_is_refused))
