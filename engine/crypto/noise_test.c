/* Published vectors of every pattern: tests/vectors_noise.c. Here: what goes wrong on the way. A
   handshake that refused a message is the same as before, byte for byte. */
#include "base/mem.h"
#include "base/secret.h"
#include "engine/crypto/noise.h"
#include "tests/test.h"

#define MESSAGE_ROOM 2048

static const char *const names[] = {
    "N",          "K",          "X",      "Npsk0",  "Kpsk0",  "Xpsk1",  "NN",     "NK",
    "NX",         "KN",         "KK",     "KX",     "XN",     "XK",     "XX",     "IN",
    "IK",         "IX",         "NNpsk0", "NNpsk2", "NKpsk0", "NKpsk2", "NXpsk2", "XNpsk3",
    "XKpsk3",     "XXpsk3",     "KNpsk0", "KNpsk2", "KKpsk0", "KKpsk2", "KXpsk2", "INpsk1",
    "INpsk2",     "IKpsk1",     "IKpsk2", "IXpsk2", "NK1",    "NX1",    "X1N",    "X1K",
    "XK1",        "X1K1",       "X1X",    "XX1",    "X1X1",   "K1N",    "K1K",    "KK1",
    "K1K1",       "K1X",        "KX1",    "K1X1",   "I1N",    "I1K",    "IK1",    "I1K1",
    "I1X",        "IX1",        "I1X1",   "NNhfs",  "NKhfs",  "XKhfs",  "XXhfs",  "IKhfs",
    "IKhfs+psk1", "IKhfs+psk2", "start",
};

static const uint8_t psk[NOISE_PSK_BYTES] = { 7 };
static struct rng_seeded luck;
static struct rng rng;
static struct dh_pair pairs[2], prekey;
static struct mlkem_pair kem_prekey;

struct talk {
    struct noise *side[2]; /* the initiator first */
    uint8_t message[MESSAGE_ROOM];
    struct bytes wire; /* the message last written */
    size_t number;     /* of that message */
};

/* How much memory a handshake takes: nothing else here is in the ordinary heap's secrets. */
static size_t room_of_noise(void)
{
    size_t locked, all, fewer;
    struct noise_keys keys = { 0 };
    secret_usage(&locked, &fewer);
    struct noise *noise =
        noise_create(noise_pattern("NN"), &kdf_blake2b, true, (struct bytes){ 0 }, &keys, NULL);
    secret_usage(&locked, &all);
    noise_destroy(noise);
    CHECK(all > fewer);
    return all - fewer;
}

/* Of the pattern that starts from a bundle. */
static void give_prekeys(struct noise_keys keys[2])
{
    dh_pair_make(&prekey, &rng);
    mlkem_pair_make(&kem_prekey, &rng);
    keys[0].their_prekey = prekey.public;
    keys[0].their_kem_prekey = kem_prekey.public;
    keys[1].our_prekey = &prekey;
    keys[1].our_kem_prekey = &kem_prekey;
}

/* Both sides know each other's key; only patterns that say so make use of it. */
static void start(struct talk *talk, const char *name)
{
    rng = rng_from_seed(&luck, 7);
    dh_pair_make(&pairs[0], &rng);
    dh_pair_make(&pairs[1], &rng);
    struct noise_keys keys[2] = { { .ours = &pairs[0], .theirs = pairs[1].public },
                                  { .ours = &pairs[1], .theirs = pairs[0].public } };
    if (strcmp(name, "start") == 0)
        give_prekeys(keys);
    for (int i = 0; i < 2; i++) {
        talk->side[i] = noise_create(noise_pattern(name), &kdf_blake2b, i == 0, bytes_of_text("p"),
                                     &keys[i], &rng);
        noise_set_psk(talk->side[i], 0, psk);
    }
    talk->number = 0;
}

static void finish(struct talk *talk)
{
    noise_destroy(talk->side[0]);
    noise_destroy(talk->side[1]);
}

static struct noise *writer(const struct talk *talk)
{
    return talk->side[talk->number % 2];
}

static struct noise *reader(const struct talk *talk)
{
    return talk->side[1 - talk->number % 2];
}

static void write_message(struct talk *talk)
{
    struct cursor out = cursor_into(talk->message, sizeof talk->message);
    size_t overhead = noise_overhead(writer(talk));
    CHECK(noise_write(writer(talk), bytes_of_text("hello"), &out) == FAULT_NONE);
    talk->wire = cursor_written(&out);
    CHECK_INT(talk->wire.size, overhead + 5);
}

static enum fault read_message(struct talk *talk)
{
    uint8_t payload[MESSAGE_ROOM];
    size_t size = 0;
    enum fault fault = noise_read(reader(talk), talk->wire, payload, &size);
    if (fault != FAULT_NONE)
        return fault;
    CHECK(size == 5);
    talk->number++;
    return FAULT_NONE;
}

static void pass_messages(struct talk *talk, size_t until)
{
    while (talk->number < until) {
        write_message(talk);
        CHECK(read_message(talk) == FAULT_NONE);
    }
}

/* Refused, and not a byte of the state has changed. */
static void check_refused(struct noise *noise, struct bytes wire)
{
    static uint8_t payload[NOISE_MESSAGE_MAX_BYTES + 1];
    size_t room = room_of_noise(), size;
    void *before = mem_copy(noise, room);
    CHECK(noise_read(noise, wire, payload, &size) == FAULT_PEER);
    CHECK_BYTES(noise, before, room);
    mem_free(before);
}

static bool same_keys(const struct talk *talk)
{
    uint8_t keys[2][3][32];
    noise_split(talk->side[0], 3, keys[0]);
    noise_split(talk->side[1], 3, keys[1]);
    CHECK(memcmp(keys[0][0], keys[0][1], 32) != 0 && memcmp(keys[0][0], keys[0][2], 32) != 0);
    return memcmp(keys[0], keys[1], sizeof keys[0]) == 0;
}

/* And the handshake goes on as if it had not come. */
static void test_T01_what_is_cut_or_of_low_order_is_refused_by_every_pattern(void)
{
    static const uint8_t zero[KEY_BYTES];
    for (size_t i = 0; i < COUNT(names); i++) {
        struct talk talk;
        start(&talk, names[i]);
        while (!noise_finished(talk.side[0])) {
            size_t least = noise_overhead(writer(&talk));
            write_message(&talk);
            for (size_t size = 0; size < least; size += 7)
                check_refused(reader(&talk), (struct bytes){ talk.message, size });
            check_refused(reader(&talk), (struct bytes){ talk.message, least - 1 });
            if (talk.number < 2) { /* these begin with an e */
                uint8_t e[KEY_BYTES];
                memcpy(e, talk.message, sizeof e);
                memcpy(talk.message, zero, sizeof zero);
                check_refused(reader(&talk), talk.wire);
                memcpy(talk.message, e, sizeof e);
            }
            CHECK(read_message(&talk) == FAULT_NONE);
        }
        CHECK(noise_finished(talk.side[1]) && same_keys(&talk));
        finish(&talk);
    }
}

/* Plays on after a change that could not be noticed at once; true: it came to nothing. */
static bool ends_in_discord(struct talk *talk)
{
    while (!noise_finished(writer(talk))) {
        write_message(talk);
        if (read_message(talk) != FAULT_NONE)
            return true;
    }
    return !same_keys(talk);
}

static void try_change(const char *name, size_t number, size_t at)
{
    struct talk talk;
    start(&talk, name);
    pass_messages(&talk, number);
    write_message(&talk);
    size_t place = at * (talk.wire.size - 1) / 4;
    talk.message[place] ^= 1;
    void *before = mem_copy(reader(&talk), room_of_noise());
    if (read_message(&talk) == FAULT_PEER) {
        CHECK_BYTES(reader(&talk), before, room_of_noise());
        talk.message[place] ^= 1;
        CHECK(read_message(&talk) == FAULT_NONE);
        CHECK(!ends_in_discord(&talk));
    } else {
        CHECK(ends_in_discord(&talk));
    }
    mem_free(before);
    finish(&talk);
}

static void test_a_changed_bit_is_noticed_by_every_pattern(void)
{
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t messages = noise_pattern_messages(noise_pattern(names[i]));
        for (size_t number = 0; number < messages; number++)
            for (size_t at = 0; at <= 4; at++)
                try_change(names[i], number, at);
    }
}

/* What the link does with its two newest keys: the caller tries one, then the other. */
static void test_a_caller_may_try_a_second_psk_on_one_message(void)
{
    static const uint8_t wrong[NOISE_PSK_BYTES] = { 8 };
    struct talk talk;
    start(&talk, "IKhfs+psk2");
    noise_set_psk(talk.side[0], 0, wrong);
    pass_messages(&talk, 1);
    write_message(&talk);
    check_refused(talk.side[0], talk.wire);
    noise_set_psk(talk.side[0], 0, psk);
    CHECK(read_message(&talk) == FAULT_NONE);
    CHECK(same_keys(&talk));
    finish(&talk);
}

static void test_T07_another_prologue_or_responder_is_another_handshake(void)
{
    struct talk talk;
    start(&talk, "IK");
    write_message(&talk);
    struct noise_keys keys = { .ours = &pairs[1] }, stranger = { .ours = &pairs[0] };
    struct noise *elsewhere =
        noise_create(noise_pattern("IK"), &kdf_blake2b, false, bytes_of_text("q"), &keys, &rng);
    struct noise *other =
        noise_create(noise_pattern("IK"), &kdf_blake2b, false, bytes_of_text("p"), &stranger, &rng);
    struct noise *hashing =
        noise_create(noise_pattern("IK"), &kdf_sha512, false, bytes_of_text("p"), &keys, &rng);
    check_refused(elsewhere, talk.wire);
    check_refused(other, talk.wire);
    check_refused(hashing, talk.wire);
    CHECK(noise_their_static(elsewhere) == NULL);
    CHECK(read_message(&talk) == FAULT_NONE);
    CHECK_BYTES(noise_their_static(talk.side[1]), pairs[0].public, KEY_BYTES);
    noise_destroy(elsewhere);
    noise_destroy(other);
    noise_destroy(hashing);
    finish(&talk);
}

/* A message 1 sent back to who wrote it, or the first answer instead of the second. */
static void test_T03_a_message_is_good_in_its_place_only(void)
{
    uint8_t first[MESSAGE_ROOM];
    struct talk talk;
    start(&talk, "IK");
    write_message(&talk);
    struct bytes wire = { first, talk.wire.size };
    memcpy(first, talk.message, wire.size);
    check_refused(talk.side[0], wire);
    CHECK(read_message(&talk) == FAULT_NONE);
    write_message(&talk);
    check_refused(talk.side[0], wire);
    CHECK(read_message(&talk) == FAULT_NONE);
    finish(&talk);
}

static void test_T01_a_refused_static_key_cannot_be_called(void)
{
    static const uint8_t zero[KEY_BYTES];
    uint8_t message[MESSAGE_ROOM];
    rng = rng_from_seed(&luck, 7);
    dh_pair_make(&pairs[0], &rng);
    struct noise_keys keys = { .ours = &pairs[0], .theirs = zero };
    struct noise *noise =
        noise_create(noise_pattern("IK"), &kdf_blake2b, true, (struct bytes){ 0 }, &keys, &rng);
    size_t room = room_of_noise();
    void *before = mem_copy(noise, room);
    struct cursor out = cursor_into(message, sizeof message);
    CHECK(noise_write(noise, bytes_of_text("hello"), &out) == FAULT_PEER);
    CHECK_BYTES(noise, before, room);
    CHECK_INT(cursor_written(&out).size, 0);
    mem_free(before);
    noise_destroy(noise);
}

/* Also where no token of that message would notice. */
static void test_T01_a_refused_static_key_is_refused_where_it_arrives(void)
{
    uint8_t message[MESSAGE_ROOM];
    rng = rng_from_seed(&luck, 7);
    dh_pair_make(&pairs[0], &rng);
    dh_pair_make(&pairs[1], &rng);
    memset(pairs[0].public, 0xff, KEY_BYTES); /* a second spelling of 18 */
    struct noise_keys caller = { .ours = &pairs[0] }, called = { .ours = &pairs[1] };
    struct noise *alice =
        noise_create(noise_pattern("I1N"), &kdf_blake2b, true, (struct bytes){ 0 }, &caller, &rng);
    struct noise *bob =
        noise_create(noise_pattern("I1N"), &kdf_blake2b, false, (struct bytes){ 0 }, &called, &rng);
    struct cursor out = cursor_into(message, sizeof message);
    CHECK(noise_write(alice, bytes_of_text("hello"), &out) == FAULT_NONE);
    check_refused(bob, cursor_written(&out));
    noise_destroy(alice);
    noise_destroy(bob);
}

static void test_T28_a_message_above_the_maximum_is_refused(void)
{
    static uint8_t huge[NOISE_MESSAGE_MAX_BYTES + 1], payload[NOISE_MESSAGE_MAX_BYTES + 1];
    struct talk talk;
    size_t size;
    start(&talk, "NN"); /* its first message is a bare e, and nothing else could be wrong with it */
    huge[0] = 2;
    check_refused(talk.side[1], BYTES_OF(huge));
    CHECK(noise_read(talk.side[1], (struct bytes){ huge, NOISE_MESSAGE_MAX_BYTES }, payload,
                     &size) == FAULT_NONE);
    CHECK_INT(size, NOISE_MESSAGE_MAX_BYTES - KEY_BYTES);
    finish(&talk);
}

/* T-01: e1 of NNhfs travels in the clear, so nothing but the key's own rule is in the way. */
static void test_T30_a_kem_key_with_a_coefficient_too_large_is_refused_where_it_arrives(void)
{
    struct talk talk;
    start(&talk, "NNhfs");
    write_message(&talk);
    uint8_t *coefficients = talk.message + KEY_BYTES, truth[3];
    memcpy(truth, coefficients, sizeof truth);
    memcpy(coefficients, (uint8_t[]){ 0x01, 0x0d, 0x00 }, sizeof truth); /* 3,329 and 0 */
    check_refused(reader(&talk), talk.wire);
    memcpy(coefficients, truth, sizeof truth);
    CHECK(read_message(&talk) == FAULT_NONE);
    CHECK(!ends_in_discord(&talk));
    finish(&talk);
}

static void test_T30_a_kem_key_with_a_coefficient_too_large_cannot_be_written_to(void)
{
    uint8_t message[MESSAGE_ROOM];
    struct talk talk;
    start(&talk, "start");
    uint8_t bad[MLKEM_PUBLIC_BYTES];
    memcpy(bad, kem_prekey.public, sizeof bad);
    memset(bad, 0xff, 3);
    struct noise_keys keys = { .ours = &pairs[0],
                               .theirs = pairs[1].public,
                               .their_prekey = prekey.public,
                               .their_kem_prekey = bad };
    struct noise *noise =
        noise_create(noise_pattern("start"), &kdf_blake2b, true, bytes_of_text("p"), &keys, &rng);
    void *before = mem_copy(noise, room_of_noise());
    struct cursor out = cursor_into(message, sizeof message);
    CHECK(noise_write(noise, bytes_of_text("hello"), &out) == FAULT_PEER);
    CHECK_BYTES(noise, before, room_of_noise());
    CHECK_INT(cursor_written(&out).size, 0);
    mem_free(before);
    noise_destroy(noise);
    finish(&talk);
}

/* Neither side can be talked out of the KEM: the tokens and the name are other ones. */
static void test_T21_a_classical_handshake_and_a_hybrid_one_do_not_meet(void)
{
    static const char *const both[] = { "IK", "IKhfs", "IKpsk2", "IKhfs+psk2" };
    for (size_t i = 0; i < COUNT(both); i += 2) {
        struct talk one, two;
        start(&one, both[i]);
        start(&two, both[i + 1]);
        write_message(&one);
        write_message(&two);
        check_refused(two.side[1], one.wire);
        check_refused(one.side[1], two.wire);
        finish(&one);
        finish(&two);
    }
}

/* One label, one secret; one length, the same beginning as another. */
static void test_what_is_exported_is_of_one_handshake_and_one_label(void)
{
    uint8_t first[2][192], other[192], brief[32];
    struct talk talk;
    start(&talk, "start");
    pass_messages(&talk, 1);
    noise_export(talk.side[0], "a", first[0], sizeof first[0]);
    noise_export(talk.side[1], "a", first[1], sizeof first[1]);
    noise_export(talk.side[1], "b", other, sizeof other);
    noise_export(talk.side[1], "a", brief, sizeof brief);
    CHECK_BYTES(first[0], first[1], sizeof first[0]);
    CHECK_BYTES(first[0], brief, sizeof brief);
    CHECK(memcmp(first[0], other, 32) != 0);
    finish(&talk);
}

static void test_what_is_no_pattern_has_no_row(void)
{
    CHECK(noise_pattern("ik") == NULL && noise_pattern("") == NULL);
    CHECK(noise_pattern("IKpsk9") == NULL && noise_pattern("IKhfs+psk3") == NULL);
    CHECK_INT(noise_pattern_messages(noise_pattern("N")), 1);
    CHECK_INT(noise_pattern_messages(noise_pattern("IK")), 2);
    CHECK_INT(noise_pattern_messages(noise_pattern("X1K1")), 4);
}

TESTS(TEST(test_T01_what_is_cut_or_of_low_order_is_refused_by_every_pattern),
      TEST(test_a_changed_bit_is_noticed_by_every_pattern),
      TEST(test_a_caller_may_try_a_second_psk_on_one_message),
      TEST(test_T07_another_prologue_or_responder_is_another_handshake),
      TEST(test_T03_a_message_is_good_in_its_place_only),
      TEST(test_T01_a_refused_static_key_cannot_be_called),
      TEST(test_T01_a_refused_static_key_is_refused_where_it_arrives),
      TEST(test_T28_a_message_above_the_maximum_is_refused),
      TEST(test_T30_a_kem_key_with_a_coefficient_too_large_is_refused_where_it_arrives),
      TEST(test_T30_a_kem_key_with_a_coefficient_too_large_cannot_be_written_to),
      TEST(test_T21_a_classical_handshake_and_a_hybrid_one_do_not_meet),
      TEST(test_what_is_exported_is_of_one_handshake_and_one_label),
      TEST(test_what_is_no_pattern_has_no_row))
