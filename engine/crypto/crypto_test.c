/* Our own constructions: known answers computed by an independent program (Python's hashlib and a
   Montgomery ladder written for it), and what each decoder must refuse. Published vectors:
   tests/vectors.c. */
#include "engine/crypto/card.h"
#include "engine/crypto/certificate.h"
#include "engine/crypto/hash.h"
#include "engine/crypto/noise.h"
#include "engine/crypto/vault.h"
#include "tests/test.h"

static struct rng_seeded luck;
static struct rng rng;

static void check_hex(const void *data, size_t size, const char *hex)
{
    uint8_t expected[128];
    CHECK_INT(unhex(expected, sizeof expected, hex), size);
    CHECK_BYTES(data, expected, size);
}

/* The first key pair of RFC 8032, 7.1. */
#define ACCOUNT_SEED   "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define ACCOUNT_PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define CARD_TEXT                                                                                  \
    "rmg1q8t44xqps2cs4d74f0ld8jtyquaqactj70d2vge94upp568hqag35qqpqgpsgpgxquyqjzstpsxsurcde9c6j"
#define CARD_SHORT "rmg1q8t44xqps2cs4d74f0ld8jtyquaqactj70d2vge94upp568hqag35hc025c"

static void sample_card(struct card *card)
{
    unhex(card->account, sizeof card->account, ACCOUNT_PUBLIC);
    for (size_t i = 0; i < sizeof card->secret; i++)
        card->secret[i] = (uint8_t)i;
}

static void test_labelled_hashes_match_an_independent_program(void)
{
    uint8_t out[32], key[32];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    struct bytes parts[2] = { bytes_of_text("abc"), { NULL, 0 } };
    hash_parts(out, 32, (struct bytes){ 0 }, "ramage/test/v1", parts, 2);
    check_hex(out, 32, "91690d5e004b64884959950949a2e2cd72f9bff55895e59b5f9b5455cc0de583");
    hash_parts(out, 16, BYTES_OF(key), "ramage/test/v1", parts, 1);
    check_hex(out, 16, "4b804db752f7f5e3bf4615e522fe7246");
    certificate_hash(out, parts[0]);
    check_hex(out, 32, "91a791ecfaa0e6a5616c6ff5d8cbe36846967f0a55090e66361cf1837951b208");
    vault_subkey(out, key, "database");
    check_hex(out, 32, "dbc75e894aca95f6db3cf0751f3138bfb2568ac0df0d613bf7c2dcf53f006f64");
}

static void test_no_two_lists_of_parts_hash_alike(void)
{
    uint8_t a[32], b[32];
    hash_parts(a, 32, (struct bytes){ 0 }, "l", (struct bytes[]){ bytes_of_text("ab"), { 0 } }, 2);
    hash_parts(b, 32, (struct bytes){ 0 }, "l",
               (struct bytes[]){ bytes_of_text("a"), bytes_of_text("b") }, 2);
    CHECK(memcmp(a, b, 32) != 0);
    hash_parts(b, 32, (struct bytes){ 0 }, "l", (struct bytes[]){ bytes_of_text("ab") }, 1);
    CHECK(memcmp(a, b, 32) != 0);
}

static void test_a_card_has_one_text_and_a_door(void)
{
    struct card card, read;
    struct dh_pair door;
    char text[CARD_TEXT_CHARS + 1], brief[CARD_SHORT_CHARS + 1];
    sample_card(&card);
    card_write(text, &card);
    CHECK_TEXT(text, CARD_TEXT);
    card_write_short(brief, card.account);
    CHECK_TEXT(brief, CARD_SHORT);
    CHECK(card_read(&read, text) == FAULT_NONE && memcmp(&read, &card, sizeof card) == 0);
    card_door(&door, &card);
    check_hex(door.public, 32, "f12aace18f84995412464d0c82a8b880f38e3969637b84773b0522962366c35f");
}

static void test_cards_are_read_in_either_case_and_as_links(void)
{
    struct card card;
    char upper[CARD_TEXT_CHARS + 1] = CARD_TEXT;
    for (size_t i = 0; i < CARD_TEXT_CHARS; i++)
        upper[i] = upper[i] >= 'a' && upper[i] <= 'z' ? (char)(upper[i] - 32) : upper[i];
    CHECK(card_read(&card, upper) == FAULT_NONE);
    CHECK(card_read(&card, CARD_LINK_SCHEME CARD_TEXT) == FAULT_NONE);
    CHECK(card_read(&card, "RAMAGE:" CARD_TEXT) == FAULT_NONE);
    upper[60] = CARD_TEXT[60] == '2' ? 'q' : CARD_TEXT[60];
    upper[61] = 'q';
    CHECK(card_read(&card, upper) == FAULT_PEER); /* two cases */
}

static void test_a_card_with_any_one_wrong_character_is_refused(void)
{
    static const char all[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7lbio1 -";
    struct card card;
    char text[CARD_TEXT_CHARS + 2];
    for (size_t i = 0; i < CARD_TEXT_CHARS; i++) {
        for (const char *c = all; *c != '\0'; c++) {
            memcpy(text, CARD_TEXT, CARD_TEXT_CHARS + 1);
            if (text[i] == *c)
                continue;
            text[i] = *c;
            CHECK(card_read(&card, text) == FAULT_PEER);
        }
        memcpy(text, CARD_TEXT, CARD_TEXT_CHARS + 1); /* one left out */
        memmove(text + i, text + i + 1, CARD_TEXT_CHARS - i);
        CHECK(card_read(&card, text) == FAULT_PEER);
        memcpy(text, CARD_TEXT, i); /* one doubled */
        memcpy(text + i + 1, &CARD_TEXT[i], CARD_TEXT_CHARS + 1 - i);
        text[i] = CARD_TEXT[i];
        CHECK(card_read(&card, text) == FAULT_PEER);
    }
    CHECK(card_read(&card, "") == FAULT_PEER && card_read(&card, CARD_SHORT) == FAULT_PEER);
}

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
    CHECK_INT(read.valid_from, 77); /* a failed read leaves nothing behind */
}

/* T-07, T-08: somebody else's key inside one's own chain, and parts of two chains put together. */
static void test_parts_of_two_chains_make_none(void)
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

/* T-02: a signature made for one purpose is none for another. */
static void test_a_signature_is_good_for_its_label_only(void)
{
    uint8_t signature[SIGNATURE_BYTES];
    struct bytes text = bytes_of_text("words");
    sample_certificate();
    sign(signature, &account, "ramage/a/v1", text);
    CHECK(sign_check(signature, account.public, "ramage/a/v1", text) == FAULT_NONE);
    CHECK(sign_check(signature, account.public, "ramage/b/v1", text) == FAULT_PEER);
    CHECK(sign_check(signature, account.public, "ramage/a/v", text) == FAULT_PEER);
    CHECK(sign_check(signature, device.public, "ramage/a/v1", text) == FAULT_PEER);
    CHECK(sign_check(signature, account.public, "ramage/a/v1", bytes_of_text("word")) ==
          FAULT_PEER);
}

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

/* T-03, T-05 at the engine: a damaged message fails, and the true one still reads after it. */
static void test_a_failed_read_leaves_the_handshake_as_it_was(void)
{
    uint8_t message[256], payload[256];
    size_t size;
    rng = rng_from_seed(&luck, 7);
    struct dh_pair initiator, responder;
    dh_pair_make(&initiator, &rng);
    dh_pair_make(&responder, &rng);
    const struct noise_pattern *ik = noise_pattern("IK");
    struct noise *alice =
        noise_create(ik, &kdf_blake2b, true, bytes_of_text("p"),
                     &(struct noise_keys){ .ours = &initiator, .theirs = responder.public }, &rng);
    struct noise *bob = noise_create(ik, &kdf_blake2b, false, bytes_of_text("p"),
                                     &(struct noise_keys){ .ours = &responder }, &rng);
    for (int number = 0; number < 2; number++) {
        struct noise *from = number == 0 ? alice : bob, *to = number == 0 ? bob : alice;
        struct cursor out = cursor_into(message, sizeof message);
        size_t overhead = noise_overhead(from);
        CHECK(noise_write(from, bytes_of_text("hello"), &out) == FAULT_NONE);
        struct bytes sent = cursor_written(&out);
        CHECK_INT(sent.size, 5 + overhead);
        for (size_t bit = 0; bit < 8 * sent.size; bit += 5) {
            message[bit / 8] ^= (uint8_t)(1u << bit % 8);
            CHECK(noise_read(to, sent, payload, &size) == FAULT_PEER);
            message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t cut = 0; cut < sent.size; cut++)
            CHECK(noise_read(to, (struct bytes){ message, cut }, payload, &size) == FAULT_PEER);
        CHECK(noise_read(to, sent, payload, &size) == FAULT_NONE && size == 5);
        CHECK_BYTES(payload, "hello", 5);
    }
    CHECK(noise_finished(alice) && noise_finished(bob));
    CHECK_BYTES(noise_their_static(bob), initiator.public, KEY_BYTES);
    uint8_t one[3][32], two[3][32];
    noise_split(alice, 3, one);
    noise_split(bob, 2, two);
    CHECK_BYTES(one, two, 2 * 32);
    noise_destroy(alice);
    noise_destroy(bob);
}

static void test_another_prologue_is_another_handshake(void)
{
    uint8_t message[256], payload[256];
    size_t size;
    rng = rng_from_seed(&luck, 8);
    struct dh_pair initiator, responder;
    dh_pair_make(&initiator, &rng);
    dh_pair_make(&responder, &rng);
    struct noise *alice =
        noise_create(noise_pattern("IK"), &kdf_blake2b, true, bytes_of_text("one"),
                     &(struct noise_keys){ .ours = &initiator, .theirs = responder.public }, &rng);
    struct noise *bob =
        noise_create(noise_pattern("IK"), &kdf_blake2b, false, bytes_of_text("two"),
                     &(struct noise_keys){ .ours = &responder }, &rng);
    struct cursor out = cursor_into(message, sizeof message);
    CHECK(noise_write(alice, (struct bytes){ 0 }, &out) == FAULT_NONE);
    CHECK(noise_read(bob, cursor_written(&out), payload, &size) == FAULT_PEER);
    noise_destroy(alice);
    noise_destroy(bob);
}

static void test_the_library_is_one_we_may_use(void)
{
    CHECK(crypto_start());
}

TESTS(TEST(test_the_library_is_one_we_may_use),
      TEST(test_labelled_hashes_match_an_independent_program),
      TEST(test_no_two_lists_of_parts_hash_alike), TEST(test_a_card_has_one_text_and_a_door),
      TEST(test_cards_are_read_in_either_case_and_as_links),
      TEST(test_a_card_with_any_one_wrong_character_is_refused),
      TEST(test_a_certificate_reads_as_it_was_written),
      TEST(test_a_certificate_with_any_bit_changed_is_refused),
      TEST(test_parts_of_two_chains_make_none), TEST(test_one_key_cannot_play_two_parts),
      TEST(test_a_signature_is_good_for_its_label_only),
      TEST(test_a_vault_opens_for_its_passphrase_only),
      TEST(test_a_vault_edited_below_the_floor_or_above_the_roof_is_none),
      TEST(test_a_vault_without_passphrase_says_so),
      TEST(test_a_failed_read_leaves_the_handshake_as_it_was),
      TEST(test_another_prologue_is_another_handshake))
