/* T-02: what was made as one thing is never taken for another, whoever offers it where. Every
   signed or sealed structure of this room against every reader, and every label against every
   structure that is signed. The door's proof has its own room, engine/link; its label is here. */
#include "engine/crypto/certificate.h"
#include "engine/crypto/fixture.h"
#include "engine/crypto/start_fixture.h"
#include "tests/test.h"

enum kind { CERTIFICATE, LIST, BUNDLE, START, CELL, KINDS };

#define WIRE_MAX_BYTES 4096

static struct rng_seeded luck;
static struct rng rng;
static struct person alice, bob;
static struct talk talk;
static struct wire {
    uint8_t data[WIRE_MAX_BYTES];
    size_t size;
} wires[KINDS];

static struct bytes view(const struct wire *wire)
{
    return (struct bytes){ wire->data, wire->size };
}

/* --- how each is read: true only if it is then written again in the same bytes ---------------- */

static bool reads_certificate(struct bytes wire)
{
    struct certificate read;
    uint8_t again[CERTIFICATE_BYTES];
    if (certificate_read(&read, wire) != FAULT_NONE)
        return false;
    certificate_write(again, &alice.account, &alice.device, read.link, read.role, read.valid_from,
                      read.valid_until);
    CHECK(bytes_equal(wire, BYTES_OF(again)));
    return true;
}

static bool reads_list(struct bytes wire)
{
    struct devices read;
    uint8_t again[DEVICES_MAX_BYTES];
    if (devices_read(&read, wire) != FAULT_NONE)
        return false;
    size_t size = devices_write(again, &read, &alice.account);
    CHECK(bytes_equal(wire, (struct bytes){ again, size }));
    return true;
}

static bool reads_bundle(struct bytes wire)
{
    struct bundle read;
    uint8_t again[BUNDLE_BYTES];
    if (bundle_read(&read, wire) != FAULT_NONE)
        return false;
    bundle_write(again, &read, &alice.device);
    CHECK(bytes_equal(wire, BYTES_OF(again)));
    return true;
}

static bool reads_start(struct bytes wire)
{
    static struct heard heard;
    return person_hears(&heard, &bob, wire) == FAULT_NONE;
}

static bool reads_cell(struct bytes wire)
{
    static uint8_t content[WIRE_MAX_BYTES];
    struct ratchet_opened opened;
    enum fault fault = ratchet_open(talk.side[1], talk.now, wire, content, &opened);
    ratchet_drop(talk.side[1]);
    return fault == FAULT_NONE;
}

static bool (*const reads[KINDS])(struct bytes) = { reads_certificate, reads_list, reads_bundle,
                                                    reads_start, reads_cell };

/* --- and made, all of them by Alice, with one set of keys ------------------------------------- */

static void make_certificate(void)
{
    struct dh_pair link;
    dh_pair_make(&link, &rng);
    uint32_t from = (uint32_t)rng_below(&rng, 30000);
    certificate_write(wires[CERTIFICATE].data, &alice.account, &alice.device, link.public,
                      LINK_ROLE_CONTACT, from, from + (uint32_t)rng_below(&rng, 10));
    wires[CERTIFICATE].size = CERTIFICATE_BYTES;
}

static void make_start(void)
{
    struct session_secrets secrets;
    struct start_claim claim = person_claim(&alice, &bob);
    CHECK(start_write(wires[START].data, &wires[START].size, &secrets, &claim, &alice.dh,
                      bob.dh.public, BYTES_OF(bob.bundle_wire), &rng) == FAULT_NONE);
}

static void make_cell(void)
{
    struct letter letter;
    talk_write(&talk, 0, &letter);
    memcpy(wires[CELL].data, letter.wire, letter.size);
    wires[CELL].size = letter.size;
}

static void put(enum kind kind, const void *data, size_t size)
{
    memcpy(wires[kind].data, data, size);
    wires[kind].size = size;
}

static void setup(uint64_t seed)
{
    rng = rng_from_seed(&luck, seed);
    person_make(&alice, &rng);
    person_make(&bob, &rng);
    talk_begin(&talk, seed);
    make_certificate();
    put(LIST, alice.list_wire, alice.list_size);
    put(BUNDLE, alice.bundle_wire, BUNDLE_BYTES);
    make_start();
    make_cell();
}

/* --- whole structures ------------------------------------------------------------------------- */

/* As it is, and cut or filled up with zeros to the length that is expected there. */
static void offer_elsewhere(enum kind made, enum kind expected)
{
    struct wire fitted = { .size = wires[expected].size };
    size_t size = wires[made].size < fitted.size ? wires[made].size : fitted.size;
    memcpy(fitted.data, wires[made].data, size);
    CHECK(!reads[expected](view(&wires[made])));
    CHECK(!reads[expected](view(&fitted)));
    if (wires[made].size < fitted.size) { /* or with the end of what is expected */
        memcpy(fitted.data + size, wires[expected].data + size, fitted.size - size);
        CHECK(!reads[expected](view(&fitted)));
    }
}

static void test_T02_each_kind_is_read_as_itself_alone(void)
{
    setup(1);
    for (enum kind made = 0; made < KINDS; made++)
        for (enum kind expected = 0; expected < KINDS; expected++)
            if (made == expected)
                CHECK(reads[expected](view(&wires[made])));
            else
                offer_elsewhere(made, expected);
    talk_end(&talk);
}

/* decode(encode(x)) = x; that encode(decode(b)) = b the fuzzers beside each reader ask. */
static void test_T02_what_was_made_is_read_and_written_the_same(void)
{
    for (uint64_t seed = 10; seed < 30; seed++) {
        setup(seed);
        for (enum kind kind = 0; kind < KINDS; kind++)
            CHECK(reads[kind](view(&wires[kind])));
        talk_end(&talk);
    }
}

static void test_T02_no_piece_of_a_structure_is_read(void)
{
    setup(2);
    for (enum kind kind = 0; kind < KINDS; kind++)
        for (size_t size = 0; size < wires[kind].size; size += size < 300 ? 1 : 37) {
            CHECK(!reads[kind]((struct bytes){ wires[kind].data, size }));
            CHECK(!reads[kind]((struct bytes){ wires[kind].data + wires[kind].size - size, size }));
        }
    talk_end(&talk);
}

/* Header and body are sealed alike, under keys of one session. */
static void test_T02_header_and_body_of_a_cell_cannot_trade_places(void)
{
    struct letter letter;
    struct wire turned = { 0 };
    setup(3);
    talk_write(&talk, 0, &letter);
    size_t header = letter.step.header_size, body = letter.size - header;
    memcpy(turned.data, letter.wire + header, body);
    memcpy(turned.data + body, letter.wire, header);
    turned.size = letter.size;
    CHECK(!reads_cell(view(&turned)));
    memcpy(turned.data, letter.wire, header);
    memcpy(turned.data + header, letter.wire, header); /* the header as its own body */
    turned.size = 2 * header;
    CHECK(!reads_cell(view(&turned)));
    CHECK(reads_cell((struct bytes){ letter.wire, letter.size }));
    talk_end(&talk);
}

/* --- signatures ------------------------------------------------------------------------------- */

/* Each covers all that stands before it. */
static const struct spot {
    enum kind kind;
    size_t from_end; /* where it begins */
    const char *label;
    const struct sign_pair *by;
} spots[] = {
    { CERTIFICATE, 169, "ramage/certificate/device/v1", &alice.account },
    { CERTIFICATE, 64, "ramage/certificate/link/v1", &alice.device },
    { LIST, 64, "ramage/devices/v1", &alice.account },
    { BUNDLE, 64, "ramage/bundle/v1", &alice.device },
};

/* What Alice signs besides, elsewhere or for nothing yet. */
static const char *const other_labels[] = { "ramage/link/door proof/v1", "ramage/bundle/v2", "" };

static uint8_t *signature_of(struct wire *wire, const struct spot *spot)
{
    return wire->data + wire->size - spot->from_end;
}

static void sign_spot(struct wire *wire, const struct spot *spot, const char *label)
{
    uint8_t *at = signature_of(wire, spot);
    sign(at, spot->by, label, (struct bytes){ wire->data, (size_t)(at - wire->data) });
}

/* What follows a spot is signed rightly again, so that the spot alone decides. */
static bool reads_but_for(struct wire *wire, size_t changed)
{
    for (size_t i = changed + 1; i < COUNT(spots); i++)
        if (spots[i].kind == spots[changed].kind)
            sign_spot(wire, &spots[i], spots[i].label);
    return reads[spots[changed].kind](view(wire));
}

static void test_T02_no_label_serves_for_another(void)
{
    setup(4);
    for (size_t i = 0; i < COUNT(spots); i++) {
        struct wire wire = wires[spots[i].kind];
        for (size_t j = 0; j < COUNT(spots); j++) {
            sign_spot(&wire, &spots[i], spots[j].label);
            CHECK(reads_but_for(&wire, i) == (i == j));
        }
        for (size_t j = 0; j < COUNT(other_labels); j++) {
            sign_spot(&wire, &spots[i], other_labels[j]);
            CHECK(!reads_but_for(&wire, i));
        }
    }
    talk_end(&talk);
}

/* Nor does the signature of one structure stand under another. */
static void test_T02_no_signature_serves_for_another(void)
{
    setup(5);
    for (size_t i = 0; i < COUNT(spots); i++)
        for (size_t j = 0; j < COUNT(spots); j++) {
            struct wire wire = wires[spots[i].kind];
            memcpy(signature_of(&wire, &spots[i]), signature_of(&wires[spots[j].kind], &spots[j]),
                   SIGNATURE_BYTES);
            CHECK(reads_but_for(&wire, i) == (i == j));
        }
    talk_end(&talk);
}

/* S + L is the same number modulo the order L of the group: the equation holds, the bytes differ.
   RFC 8032, 5.1.7, wants S < L. */
static void add_order(uint8_t signature[SIGNATURE_BYTES])
{
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                       0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
    unsigned carry = 0;
    for (size_t i = 0; i < sizeof order; i++) {
        carry += signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    CHECK(carry == 0);
}

static void test_T28_a_signature_has_one_spelling(void)
{
    setup(6);
    for (size_t i = 0; i < COUNT(spots); i++) {
        struct wire wire = wires[spots[i].kind];
        CHECK(reads_but_for(&wire, i));
        for (int times = 0; times < 7; times++) { /* 8 L no longer fits */
            add_order(signature_of(&wire, &spots[i]));
            CHECK(!reads_but_for(&wire, i));
        }
        wire = wires[spots[i].kind];
        signature_of(&wire, &spots[i])[31] ^= 0x80; /* -R */
        CHECK(!reads_but_for(&wire, i));
    }
    talk_end(&talk);
}

TESTS(TEST(test_T02_each_kind_is_read_as_itself_alone),
      TEST(test_T02_what_was_made_is_read_and_written_the_same),
      TEST(test_T02_no_piece_of_a_structure_is_read),
      TEST(test_T02_header_and_body_of_a_cell_cannot_trade_places),
      TEST(test_T02_no_label_serves_for_another), TEST(test_T02_no_signature_serves_for_another),
      TEST(test_T28_a_signature_has_one_spelling))
