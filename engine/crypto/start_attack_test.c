/* Session starts against people who know more than they should, or say what is not so. Mallory's
   starts are spelt step by step (start_fixture.h), with whatever secrets he has. */
#include "engine/crypto/start_fixture.h"
#include "tests/test.h"

#include <stdlib.h>

static struct rng_seeded luck;
static struct rng rng;
static struct person alice, bob, eve;
static struct spelling spelling;
static struct heard heard;

static void meet(void)
{
    rng = rng_from_seed(&luck, 22);
    person_make(&alice, &rng);
    person_make(&bob, &rng);
    person_make(&eve, &rng);
}

/* What `from` says to `to`, sealed rightly; a test then changes something. */
static void spell(const struct person *from, const struct person *to)
{
    struct start_claim claim = person_claim(from, to);
    spelling_honest(&spelling, from, to, &claim, &rng);
}

static enum fault say_to(const struct person *to)
{
    uint8_t message[START_LARGE_BYTES];
    size_t size = spelling_write(message, &spelling);
    return person_hears(&heard, to, (struct bytes){ message, size });
}

static void agree(uint8_t out[32], const struct dh_pair *ours, const struct dh_pair *theirs)
{
    CHECK(dh_agree(out, ours->secret, theirs->public) == FAULT_NONE);
}

static void test_what_is_spelt_rightly_is_taken(void)
{
    meet();
    spell(&alice, &bob);
    CHECK(say_to(&bob) == FAULT_NONE);
}

/* --- stolen secrets --------------------------------------------------------------------------- */

/* Mallory has Alice's device DH secret (and her link keys, which play no part here) and wants to
   come to her as Bob. All else of an honest start he can compute; but se is of Bob's DH and the key
   of Alice's bundle, and he has neither secret. */
static void test_T06_a_thief_of_alices_dh_secret_cannot_come_to_her_as_bob(void)
{
    uint8_t true_se[32];
    meet();
    spell(&bob, &alice);
    memcpy(true_se, spelling.se, sizeof true_se);
    agree(spelling.se, &alice.dh, &bob.dh); /* all the agreements that the stolen secret gives */
    CHECK(say_to(&alice) == FAULT_PEER);
    agree(spelling.se, &alice.dh, &alice.secrets.dh);
    CHECK(say_to(&alice) == FAULT_PEER);
    agree(spelling.se, &eve.dh, &alice.secrets.dh); /* a key of his own */
    CHECK(say_to(&alice) == FAULT_PEER);
    memcpy(spelling.se, true_se, sizeof true_se);
    CHECK(say_to(&alice) == FAULT_NONE);
}

/* Where it does succeed, as in X3DH and PQXDH: with the secret of Alice's *bundle* key, se can be
   computed from Bob's public DH. So bundle secrets live for weeks, not years, one-time ones for one
   start; and a start under a last-resort bundle beside a session in use is shown to the person as a
   reset, whoever it says it is from ("Sessions of a pair"). */
static void test_T06_a_thief_of_alices_bundle_secret_can_come_to_her_as_bob(void)
{
    meet();
    spell(&bob, &alice);
    memset(spelling.se, 0, sizeof spelling.se);
    agree(spelling.se, &alice.secrets.dh, &bob.dh);
    CHECK(say_to(&alice) == FAULT_NONE);
    CHECK_BYTES(heard.claim.account, bob.account.public, KEY_BYTES);
}

/* A thief of Alice's DH secret can start sessions as Alice: that is what the key is for. But a
   recording of what others sent her stays shut: ee and the KEM secret are of the bundle's keys. */
static void test_T06_a_start_recorded_before_the_theft_of_the_dh_secret_stays_shut(void)
{
    uint8_t message[START_LARGE_BYTES];
    meet();
    spell(&bob, &alice);
    size_t size = spelling_write(message, &spelling);
    struct person thief = eve;
    thief.dh = alice.dh;
    memcpy(thief.bundle_wire, alice.bundle_wire, BUNDLE_BYTES);
    CHECK(person_hears(&heard, &thief, (struct bytes){ message, size }) == FAULT_PEER);
    thief.secrets.dh = alice.secrets.dh; /* X25519 broken, ML-KEM not */
    CHECK(person_hears(&heard, &thief, (struct bytes){ message, size }) == FAULT_PEER);
    thief.secrets.dh = eve.secrets.dh;
    thief.secrets.kem = alice.secrets.kem; /* ML-KEM broken, X25519 not */
    CHECK(person_hears(&heard, &thief, (struct bytes){ message, size }) == FAULT_PEER);
}

/* --- somebody else's keys as one's own -------------------------------------------------------- */

/* Eve's list names Bob's DH as hers, her bundle his bundle's keys. Alice starts a session with Eve;
   Eve passes it on to Bob, who should take Alice's words for words to him. */
static void test_T07_bobs_keys_certified_by_eve_lead_alice_to_nobody(void)
{
    uint8_t message[START_LARGE_BYTES];
    struct session_secrets secrets;
    size_t size;
    meet();
    struct person claims_bobs = eve;
    memcpy(claims_bobs.list.devices[0].dh, bob.dh.public, KEY_BYTES);
    memcpy(claims_bobs.bundle.dh, bob.bundle.dh, KEY_BYTES);
    memcpy(claims_bobs.bundle.kem, bob.bundle.kem, MLKEM_PUBLIC_BYTES);
    memcpy(claims_bobs.bundle.id, bob.bundle.id, BUNDLE_ID_BYTES);
    person_sign(&claims_bobs);
    struct start_claim claim = person_claim(&alice, &claims_bobs);
    CHECK(start_write(message, &size, &secrets, &claim, &alice.dh, bob.dh.public,
                      BYTES_OF(claims_bobs.bundle_wire), &rng) == FAULT_NONE);
    CHECK(person_hears(&heard, &bob, (struct bytes){ message, size }) == FAULT_PEER);
    CHECK(person_hears(&heard, &claims_bobs, (struct bytes){ message, size }) == FAULT_PEER);
}

/* The same from the other end: Eve's list names Alice's DH as the one of Eve's device. She cannot
   prove it, not even with a start of Alice's in hand: the payload is sealed under se as well. */
static void test_T07_alices_dh_certified_by_eve_proves_nothing_to_bob(void)
{
    uint8_t message[START_LARGE_BYTES], again[START_LARGE_BYTES];
    meet();
    struct person claims_alices = eve;
    memcpy(claims_alices.list.devices[0].dh, alice.dh.public, KEY_BYTES);
    person_sign(&claims_alices);
    struct person alices_twin = claims_alices; /* what Alice would have to help with */
    alices_twin.dh = alice.dh;
    spell(&alices_twin, &bob);
    CHECK(say_to(&bob) == FAULT_NONE);
    agree(spelling.se, &eve.dh, &bob.secrets.dh);
    CHECK(say_to(&bob) == FAULT_PEER);
    size_t size = spelling_write(again, &spelling);
    spell(&alice, &bob);
    CHECK_INT(spelling_write(message, &spelling), size);
    memcpy(message + size - 640 - 16, again + size - 640 - 16, 640 + 16); /* Eve's payload */
    CHECK(person_hears(&heard, &bob, (struct bytes){ message, size }) == FAULT_PEER);
}

/* --- somebody else's name --------------------------------------------------------------------- */

#define ACCOUNT_AT 1
#define DEVICE_AT  33
#define LIST_AT    132 /* when no session is kept */

/* T-08: Alice's keys with parts of another identity, sealed by Alice herself. */
static void test_T08_a_payload_with_another_account_or_device_is_refused(void)
{
    meet();
    spell(&alice, &bob);
    memcpy(spelling.payload + ACCOUNT_AT, eve.account.public, KEY_BYTES);
    CHECK(say_to(&bob) == FAULT_PEER);
    spell(&alice, &bob);
    memcpy(spelling.payload + DEVICE_AT, eve.device.public, KEY_BYTES);
    CHECK(say_to(&bob) == FAULT_PEER);
    spell(&alice, &bob);
    memcpy(spelling.payload + DEVICE_AT, alice.account.public, KEY_BYTES);
    CHECK(say_to(&bob) == FAULT_PEER);
}

static void test_T08_a_payload_with_another_list_is_refused(void)
{
    meet();
    spell(&alice, &bob);
    CHECK_INT(eve.list_size, alice.list_size);
    memcpy(spelling.payload + LIST_AT, eve.list_wire, eve.list_size);
    CHECK(say_to(&bob) == FAULT_PEER);
    memcpy(spelling.payload + ACCOUNT_AT, eve.account.public, KEY_BYTES);
    CHECK(say_to(&bob) == FAULT_PEER);
    memcpy(spelling.payload + DEVICE_AT, eve.device.public, KEY_BYTES);
    CHECK(say_to(&bob) == FAULT_PEER); /* a whole identity; but its DH is not the one proved */
    agree(spelling.se, &eve.dh, &bob.secrets.dh);
    memcpy(spelling.s, eve.dh.public, KEY_BYTES);
    CHECK(say_to(&bob) == FAULT_NONE); /* with the DH it is Eve, who may say so */
}

static int by_device(const void *a, const void *b)
{
    return memcmp(((const struct device_entry *)a)->device,
                  ((const struct device_entry *)b)->device, KEY_BYTES);
}

/* One account, two devices: neither speaks for the other. */
static void test_T08_a_device_does_not_speak_for_another_of_its_account(void)
{
    struct sign_pair second;
    struct dh_pair second_dh;
    meet();
    sign_pair_make(&second, &rng);
    dh_pair_make(&second_dh, &rng);
    alice.list.device_count = 2;
    memcpy(alice.list.devices[1].device, second.public, KEY_BYTES);
    memcpy(alice.list.devices[1].dh, second_dh.public, KEY_BYTES);
    qsort(alice.list.devices, 2, sizeof alice.list.devices[0], by_device);
    person_sign(&alice);
    spell(&alice, &bob);
    CHECK(say_to(&bob) == FAULT_NONE);
    memcpy(spelling.payload + DEVICE_AT, second.public, KEY_BYTES);
    CHECK(say_to(&bob) == FAULT_PEER);
    memcpy(spelling.s, second_dh.public, KEY_BYTES);
    agree(spelling.se, &second_dh, &bob.secrets.dh);
    CHECK(say_to(&bob) == FAULT_NONE);
}

static void test_T08_a_revoked_device_starts_nothing(void)
{
    struct sign_pair second;
    meet();
    sign_pair_make(&second, &rng);
    alice.list.revoked_count = 1;
    memcpy(alice.list.revoked[0].device, alice.device.public, KEY_BYTES);
    memcpy(alice.list.devices[0].device, second.public, KEY_BYTES);
    alice.list_size = devices_write(alice.list_wire, &alice.list, &alice.account);
    struct start_claim claim = person_claim(&alice, &bob);
    uint8_t message[START_LARGE_BYTES];
    struct session_secrets secrets;
    size_t size;
    CHECK(start_write(message, &size, &secrets, &claim, &alice.dh, bob.dh.public,
                      BYTES_OF(bob.bundle_wire), &rng) == FAULT_NONE);
    CHECK(person_hears(&heard, &bob, (struct bytes){ message, size }) == FAULT_PEER);
}

/* --- the post-quantum part -------------------------------------------------------------------- */

/* Eve's bundle has a KEM key of hers. She opens what Alice encapsulated and encapsulates the same
   to Bob, so that all three hold one secret (the fault found in PQXDH with Kyber). ML-KEM hashes
   its key into the secret, so the same message under another key gives another secret; and were it
   the same, the prologue and the pre-messages would still differ. */
static void test_T12_a_secret_encapsulated_again_to_another_is_another(void)
{
    static const uint8_t m[32] = { 12 };
    uint8_t to_eve[MLKEM_CIPHER_BYTES], eves[32], opened[32], bobs[32];
    meet();
    spell(&alice, &bob);
    mlkem_encapsulate_with(to_eve, eves, eve.secrets.kem.public, m);
    mlkem_decapsulate(opened, eve.secrets.kem.seed, to_eve);
    CHECK_BYTES(opened, eves, 32);
    mlkem_encapsulate_with(spelling.cipher, bobs, bob.secrets.kem.public, m);
    CHECK(memcmp(eves, bobs, 32) != 0);
    memcpy(spelling.kem_shared, eves, 32); /* Alice's secret, the ciphertext Bob can open */
    CHECK(say_to(&bob) == FAULT_PEER);
    memcpy(spelling.cipher, to_eve, sizeof to_eve); /* the ciphertext Alice made */
    CHECK(say_to(&bob) == FAULT_PEER);
    mlkem_encapsulate_with(spelling.cipher, spelling.kem_shared, bob.secrets.kem.public, m);
    CHECK(say_to(&bob) == FAULT_NONE);
}

/* Both hold the same KEM secret here, and yet: the key it was made for is in the transcript. */
static void test_T12_another_kem_key_in_the_bundle_is_another_transcript(void)
{
    meet();
    spell(&alice, &bob);
    struct person seen = bob; /* Bob with Eve's KEM key, as Alice was made to see him */
    seen.secrets.kem = eve.secrets.kem;
    spelling.to = &seen;
    CHECK(say_to(&bob) == FAULT_PEER);
    spelling.to = &bob;
    memcpy(seen.bundle.kem, eve.secrets.kem.public, MLKEM_PUBLIC_BYTES);
    person_sign(&seen);
    spelling.bundle = BYTES_OF(seen.bundle_wire);
    CHECK(say_to(&bob) == FAULT_PEER);
    spelling.bundle = BYTES_OF(bob.bundle_wire);
    CHECK(say_to(&bob) == FAULT_NONE);
}

static void test_T21_another_suite_is_refused(void)
{
    meet();
    for (unsigned suite = 0; suite <= UINT8_MAX; suite++) {
        spell(&alice, &bob);
        spelling.suite = (uint8_t)suite;
        CHECK((say_to(&bob) == FAULT_NONE) == (suite == 1));
    }
}

/* Neither left out nor put in as something both would know. */
static void test_T21_a_start_without_its_post_quantum_part_is_refused(void)
{
    meet();
    spell(&alice, &bob);
    spelling.without_kem = true;
    CHECK(say_to(&bob) == FAULT_PEER);
    spelling.payload_size = 640 + MLKEM_CIPHER_BYTES + 16; /* in the size of a whole one */
    CHECK(say_to(&bob) == FAULT_PEER);
    spell(&alice, &bob);
    memset(spelling.kem_shared, 0, sizeof spelling.kem_shared);
    CHECK(say_to(&bob) == FAULT_PEER);
    spell(&alice, &bob);
    memset(spelling.cipher, 0, sizeof spelling.cipher);
    CHECK(say_to(&bob) == FAULT_PEER);
}

/* An agreement left out is as good as one replaced: each is in the key. */
static void test_T21_every_agreement_counts(void)
{
    uint8_t *const parts[] = { spelling.ee, spelling.es, spelling.se, spelling.kem_shared };
    for (size_t i = 0; i < COUNT(parts); i++) {
        meet();
        spell(&alice, &bob);
        parts[i][31] ^= 1;
        CHECK(say_to(&bob) == FAULT_PEER);
    }
}

TESTS(TEST(test_what_is_spelt_rightly_is_taken),
      TEST(test_T06_a_thief_of_alices_dh_secret_cannot_come_to_her_as_bob),
      TEST(test_T06_a_thief_of_alices_bundle_secret_can_come_to_her_as_bob),
      TEST(test_T06_a_start_recorded_before_the_theft_of_the_dh_secret_stays_shut),
      TEST(test_T07_bobs_keys_certified_by_eve_lead_alice_to_nobody),
      TEST(test_T07_alices_dh_certified_by_eve_proves_nothing_to_bob),
      TEST(test_T08_a_payload_with_another_account_or_device_is_refused),
      TEST(test_T08_a_payload_with_another_list_is_refused),
      TEST(test_T08_a_device_does_not_speak_for_another_of_its_account),
      TEST(test_T08_a_revoked_device_starts_nothing),
      TEST(test_T12_a_secret_encapsulated_again_to_another_is_another),
      TEST(test_T12_another_kem_key_in_the_bundle_is_another_transcript),
      TEST(test_T21_another_suite_is_refused),
      TEST(test_T21_a_start_without_its_post_quantum_part_is_refused),
      TEST(test_T21_every_agreement_counts))
