/* Known attacks on handshakes and on what follows them, by their numbers. T-05 is in
 * silence_test.c.
 */
#include "engine/link/net_test.h"

#include "base/mem.h"
#include "engine/crypto/noise.h"
#include "engine/link/handshake.h"
#include "engine/link/keys.h"

static struct net net;

/* --- T-03: packets swapped, dropped, repeated, reflected -------------------------------------- */

static struct {
    size_t count;
    bool on;
    size_t held_size;
    uint8_t held[1500];
} tampering;

/* Of every three packets of each direction one waits for the next, one is lost, all come twice,
   and all come back to who sent them. */
static bool tamper(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    if (!tampering.on || (datagram.data[0] & 0x80) != 0 || datagram.size > sizeof tampering.held)
        return true;
    struct links *links = here->people[to].links;
    const struct address *source = &here->people[from].at;
    links_receive(here->people[from].links, here->now, &here->people[to].at, datagram);
    switch (tampering.count++ % 3) {
    case 0:
        memcpy(tampering.held, datagram.data, datagram.size);
        tampering.held_size = datagram.size;
        return false;
    case 1:
        return false;
    default:
        links_receive(links, here->now, source, datagram);
        links_receive(links, here->now, source,
                      (struct bytes){ tampering.held, tampering.held_size });
        return true;
    }
}

static void test_T03_packets_swapped_dropped_and_repeated(void)
{
    net_start(&net, 1, 2);
    net_befriend(&net, 0, 1);
    memset(&tampering, 0, sizeof tampering);
    net.gate = tamper;
    link_id id = net_dial(&net, 0, 1);
    CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
    net_run(&net, SECOND);
    tampering.on = true;
    link_id back = links_find_device(net.people[1].links, net.people[0].device.public);
    for (uint8_t i = 0; i < 50; i++) {
        uint8_t text[40];
        memset(text, i, sizeof text);
        CHECK(links_send(net.people[0].links, net.now, id, BYTES_OF(text)) == FAULT_NONE);
        CHECK(links_send(net.people[1].links, net.now, back, BYTES_OF(text)) == FAULT_NONE);
        net.people[0].keep_data = net.people[1].keep_data = true;
        net_run(&net, 20 * MILLISECOND);
    }
    CHECK(net_until(&net, 0, LINK_FRAME, 50, MINUTE) && net_until(&net, 1, LINK_FRAME, 50, MINUTE));
    net_run(&net, SECOND);
    for (size_t who = 0; who < 2; who++) {
        CHECK_INT(net_count(&net, who, LINK_FRAME), 50); /* each once, in order */
        for (size_t i = 0; i < net.people[who].data_size; i++)
            CHECK_INT(net.people[who].data[i], i / 40);
        CHECK_INT(net_count(&net, who, LINK_DOWN), 0);
    }
    CHECK(tampering.count > 100);
    net_finish(&net);
}

static struct {
    bool wanted;
    size_t from, size;
    uint8_t bytes[1500];
} caught;

static bool catch_one(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    (void)here, (void)to;
    if (!caught.wanted || from != caught.from)
        return true;
    memcpy(caught.bytes, datagram.data, datagram.size);
    caught.size = datagram.size;
    caught.wanted = false;
    return false;
}

static size_t says(size_t who)
{
    struct link_batch batch;
    size_t count = 0;
    while (links_next_batch(net.people[who].links, net.now, &batch))
        count++;
    return count;
}

/* A packet with any bit changed does nothing at all: the tag is judged before anything else. The
   packet itself, afterwards, is as good as ever. */
static void test_T03_no_work_before_the_tag(void)
{
    for (caught.from = 0; caught.from < 2; caught.from++) {
        size_t to = 1 - caught.from;
        net_start(&net, 2, 2);
        net_befriend(&net, 0, 1);
        net.gate = catch_one;
        net_dial(&net, 0, 1);
        CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
        net_run(&net, 5 * SECOND);
        struct links *links = net.people[to].links;
        link_id id = links_find_device(links, net.people[caught.from].device.public);
        link_id sending =
            links_find_device(net.people[caught.from].links, net.people[to].device.public);
        caught.wanted = true;
        links_send(net.people[caught.from].links, net.now, sending, bytes_of_text("words"));
        net_run(&net, 26 * MILLISECOND);
        CHECK(!caught.wanted);
        struct link_state before, after;
        CHECK(links_look(links, id, &before));
        instant deadline = links_deadline(links);
        for (size_t bit = 0; bit < caught.size * 8; bit++) {
            if (bit / 8 >= 1 && bit / 8 <= 12)
                continue; /* another id: not of this link */
            caught.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            links_receive(links, net.now, &net.people[caught.from].at,
                          (struct bytes){ caught.bytes, caught.size });
            caught.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK_INT(says(to), 0);
        }
        struct link_event event;
        CHECK(!links_next_event(links, &event));
        CHECK(links_look(links, id, &after));
        CHECK(links_deadline(links) == deadline && after.moves == before.moves && after.up &&
              after.lost_packets == before.lost_packets);
        net_inject(&net, to, &net.people[caught.from].at,
                   (struct bytes){ caught.bytes, caught.size });
        CHECK_INT(net_count(&net, to, LINK_FRAME), 1);
        net_finish(&net);
    }
}

/* --- handshakes without a network ------------------------------------------------------------ */

struct two {
    struct rng rng;
    struct rng_seeded luck;
    struct sign_pair account, device;
    struct dh_pair caller_key, called_key;
    uint8_t certificate[CERTIFICATE_BYTES];
    struct handshake_setup caller_setup, called_setup;
    struct handshake *caller, *called;
    uint8_t wire[FIRST_MESSAGE_MAX_BYTES], memory[HELLO_MAX_BYTES];
    struct hello hello;
    struct certificate seen;
};

static void meet(struct two *two)
{
    CHECK(crypto_start());
    memset(two, 0, sizeof *two);
    two->rng = rng_from_seed(&two->luck, 77);
    sign_pair_make(&two->account, &two->rng);
    sign_pair_make(&two->device, &two->rng);
    dh_pair_make(&two->caller_key, &two->rng);
    dh_pair_make(&two->called_key, &two->rng);
    certificate_write(two->certificate, &two->account, &two->device, two->caller_key.public,
                      LINK_ROLE_CONTACT, 1, 2);
    two->caller_setup = (struct handshake_setup){ .caller = true,
                                                  .role = LINK_ROLE_CONTACT,
                                                  .ours = &two->caller_key,
                                                  .theirs = two->called_key.public };
    two->called_setup =
        (struct handshake_setup){ .role = LINK_ROLE_CONTACT, .ours = &two->called_key };
    two->caller = handshake_create(&two->caller_setup, &two->rng);
    two->called = handshake_create(&two->called_setup, &two->rng);
}

static void part(struct two *two)
{
    handshake_destroy(two->caller);
    handshake_destroy(two->called);
}

/* Message 1 with that certificate in it. */
static enum fault hear_hello(struct two *two, const uint8_t certificate[CERTIFICATE_BYTES])
{
    struct cursor out = cursor_into(two->wire, sizeof two->wire);
    struct hello hello = { .stamp = 5 };
    memcpy(hello.certificate, certificate, CERTIFICATE_BYTES);
    CHECK(handshake_write_hello(two->caller, &hello, NULL, &out) == FAULT_NONE);
    struct bytes wire = cursor_written(&out);
    return handshake_read_hello(two->called, (struct bytes){ wire.data + 2, wire.size - 2 },
                                two->memory, &two->hello, &two->seen);
}

static enum fault hear_reply(struct two *two)
{
    struct cursor out = cursor_into(two->wire, sizeof two->wire);
    struct reply reply = { .instance = 1 };
    CHECK(handshake_write_reply(two->called, &reply, &out) == FAULT_NONE);
    struct bytes wire = cursor_written(&out);
    return handshake_read_reply(two->caller, (struct bytes){ wire.data + 2, wire.size - 2 },
                                two->memory, &reply);
}

static void test_T03_every_direction_has_its_own_key(void)
{
    struct two two;
    struct handshake_secrets ours, theirs;
    meet(&two);
    CHECK(hear_hello(&two, two.certificate) == FAULT_NONE);
    handshake_choose_psk(two.called, NULL);
    CHECK(hear_reply(&two) == FAULT_NONE);
    handshake_secrets(two.caller, &ours);
    handshake_secrets(two.called, &theirs);
    CHECK_BYTES(&ours, &theirs, sizeof ours);
    const uint8_t *keys = (const uint8_t *)&ours;
    for (size_t a = 0; a < sizeof ours; a += KEY_BYTES)
        for (size_t b = 0; b < a; b += KEY_BYTES)
            CHECK(memcmp(keys + a, keys + b, KEY_BYTES) != 0);
    part(&two);
}

/* --- T-06: whose own key was stolen ---------------------------------------------------------- */

/* The thief knows A's link secret and B's public key, so he can make what A and B agree on with
   their static keys: it is the one agreement of message 1 that should say who calls. Agreements are
   watched by the linker (--wrap); this pair of his is one that computes just that. */
static struct {
    bool on;
    const struct dh_pair *stolen;
    uint8_t marked[KEY_BYTES], posed_as[KEY_BYTES];
} theft;

enum fault __real_dh_agree(uint8_t out[KEY_BYTES], const uint8_t secret[KEY_BYTES],
                           const uint8_t public[KEY_BYTES]);
enum fault __wrap_dh_agree(uint8_t out[KEY_BYTES], const uint8_t secret[KEY_BYTES],
                           const uint8_t public[KEY_BYTES]);
enum fault __wrap_dh_agree(uint8_t out[KEY_BYTES], const uint8_t secret[KEY_BYTES],
                           const uint8_t public[KEY_BYTES])
{
    if (theft.on && memcmp(secret, theft.marked, KEY_BYTES) == 0 &&
        memcmp(public, theft.stolen->public, KEY_BYTES) == 0)
        return __real_dh_agree(out, theft.stolen->secret, theft.posed_as);
    return __real_dh_agree(out, secret, public);
}

/* Person 2 holds person 1's name and a secret that is not his. */
static void pose_as_the_second(void)
{
    struct person *thief = &net.people[2];
    struct dh_pair mask = { .secret = { 9, 9, 9 } };
    memcpy(mask.public, net.people[1].link_key.public, KEY_BYTES);
    theft.stolen = &net.people[0].link_key;
    memcpy(theft.marked, mask.secret, KEY_BYTES);
    memcpy(theft.posed_as, mask.public, KEY_BYTES);
    links_forget(thief->links, thief->link_key.public);
    CHECK(links_hold(thief->links, LINK_ROLE_CONTACT, &mask, net.people[1].certificate) ==
          FAULT_NONE);
}

static void test_T06_a_thief_of_our_key_is_nobody_else_to_us(void)
{
    for (int round = 0; round < 2; round++) {
        net_start(&net, 10, 3);
        net_befriend(&net, 0, 1);
        net_know(&net, 2, 0);
        pose_as_the_second();
        theft.on = round == 1;
        CHECK(net_dial(&net, 2, 0) != 0);
        net_run(&net, 30 * SECOND);
        /* Without the theft not a word; with it message 1 is answered, and nothing comes of it. */
        CHECK((net.people[0].sent_datagrams > 0) == (round == 1));
        CHECK_INT(net_count(&net, 0, LINK_UP) + net_count(&net, 2, LINK_UP), 0);
        CHECK_INT(links_count(net.people[0].links), 0);
        net_finish(&net);
    }
    /* Nor can he stand where the other should be. */
    struct link_dial dial;
    link_id id;
    net_start(&net, 11, 3);
    net_befriend(&net, 0, 1);
    net_know(&net, 2, 0);
    pose_as_the_second();
    net_fill_dial(&net, 0, 1, &dial);
    dial.at[0] = net.people[2].at;
    CHECK(links_dial(net.people[0].links, net.now, &dial, &id) == FAULT_NONE);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, 10 * SECOND));
    CHECK_INT(net.people[2].sent_datagrams, 0);
    theft.on = false;
    net_finish(&net);
}

/* --- T-07, T-08: whose key is it ------------------------------------------------------------- */

static void test_T07_a_key_certified_by_somebody_else_fails_on_both_sides(void)
{
    struct link_dial dial;
    link_id id;
    uint8_t certificate[CERTIFICATE_BYTES];
    net_start(&net, 20, 3);
    for (size_t i = 0; i < 3; i++)
        net_befriend(&net, i, (i + 1) % 3);
    struct person *bob = &net.people[1], *eve = &net.people[2];
    certificate_write(certificate, &eve->account, &eve->device, bob->link_key.public,
                      LINK_ROLE_CONTACT, 19000, 30000);
    /* Alice calls Eve, by what Eve says is her key, and Bob hears it: he is a friend of hers. */
    net_fill_dial(&net, 0, 2, &dial);
    memcpy(dial.theirs, bob->link_key.public, KEY_BYTES);
    certificate_hash(dial.certificate_hash, BYTES_OF(certificate));
    dial.at[0] = bob->at;
    CHECK(links_dial(net.people[0].links, net.now, &dial, &id) == FAULT_NONE);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, 10 * SECOND));
    CHECK_INT(bob->sent_datagrams, 0);
    CHECK_INT(net_count(&net, 1, LINK_UP), 0);
    /* Eve calls under it: Alice hears nobody. */
    struct dh_pair mixed = eve->link_key;
    memcpy(mixed.public, bob->link_key.public, KEY_BYTES);
    links_forget(eve->links, eve->link_key.public);
    CHECK(links_hold(eve->links, LINK_ROLE_CONTACT, &mixed, certificate) == FAULT_NONE);
    net.people[0].sent_datagrams = 0;
    CHECK(net_dial(&net, 2, 0) != 0);
    CHECK(net_until(&net, 2, LINK_DOWN, 1, 10 * SECOND));
    CHECK_INT(net.people[0].sent_datagrams, 0);
    net_finish(&net);
}

/* The device key signed for another link key, the account for another device, or neither fits. */
static void test_T08_a_certificate_swapped_in_the_payload_is_refused(void)
{
    struct two two;
    struct sign_pair other_account, other_device;
    uint8_t other[CERTIFICATE_BYTES], mixed[CERTIFICATE_BYTES];
    for (int way = 0; way < 4; way++) {
        meet(&two);
        sign_pair_make(&other_account, &two.rng);
        sign_pair_make(&other_device, &two.rng);
        certificate_write(other, &other_account, &other_device,
                          way == 0 ? two.called_key.public : two.caller_key.public,
                          LINK_ROLE_CONTACT, 1, 2);
        memcpy(mixed, two.certificate, sizeof mixed);
        if (way == 0) /* somebody's whole certificate, of another key */
            memcpy(mixed, other, sizeof mixed);
        if (way == 1) /* another account, with its own word for its own device */
            memcpy(mixed + 1, other + 1, KEY_BYTES);
        if (way == 2) /* account, device and its signature: the link key was signed by another */
            memcpy(mixed + 1, other + 1, 2 * KEY_BYTES + SIGNATURE_BYTES);
        CHECK_INT(hear_hello(&two, mixed), way == 3 ? FAULT_NONE : FAULT_PEER);
        part(&two);
    }
}

/* --- T-21: nothing talks anybody down -------------------------------------------------------- */

static void test_T21_an_old_version_meets_silence(void)
{
    struct net_call call;
    net_start(&net, 30, 2);
    net_befriend(&net, 0, 1);
    CHECK(net_dial(&net, 0, 1) != 0);
    net_take_call(&net, 0, &call);
    net.people[0].deaf = true;
    for (size_t i = 0; i < 2; i++) {
        memcpy(call.bytes[i] + 1, "RMG\x01", 4);
        net_inject(&net, 1, &net.people[0].at, net_half(&call, i));
    }
    CHECK_INT(net.people[1].sent_datagrams, 0);
    for (size_t i = 0; i < 2; i++) {
        memcpy(call.bytes[i] + 1, "RMG\x02", 4);
        net_inject(&net, 1, &net.people[0].at, net_half(&call, i));
    }
    CHECK_INT(net.people[1].sent_datagrams, 2);
    net_finish(&net);
}

static struct bytes prologue(uint8_t memory[128], const char *label, uint32_t version)
{
    uint8_t zeros[WIRE_FIRST_ID_BYTES + 1 + 32] = { 0 }; /* first id, role, certificate hash */
    struct cursor out = cursor_into(memory, 128);
    cursor_put_u8(&out, (uint8_t)strlen(label));
    cursor_put_bytes(&out, bytes_of_text(label));
    cursor_put_u32(&out, version);
    cursor_put_u8(&out, WIRE_FIRST_ID_BYTES);
    cursor_put(&out, zeros, sizeof zeros);
    return cursor_written(&out);
}

/* Somebody honest in all else, but under another pattern, label or version. */
static void test_T21_message_1_without_its_post_quantum_part_is_refused(void)
{
    static const struct {
        const char *pattern, *label;
        uint32_t version;
        enum fault expected;
    } rows[] = { { "IKhfs+psk2", "ramage/link/v2", WIRE_VERSION, FAULT_NONE },
                 { "IKpsk2", "ramage/link/v2", WIRE_VERSION, FAULT_PEER },
                 { "IKhfs", "ramage/link/v2", WIRE_VERSION, FAULT_PEER },
                 { "IK", "ramage/link/v2", WIRE_VERSION, FAULT_PEER },
                 { "IKhfs+psk2", "ramage/link/v1", WIRE_VERSION, FAULT_PEER },
                 { "IKhfs+psk2", "ramage/link/v2", WIRE_VERSION - 1, FAULT_PEER } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct two two;
        uint8_t memory[128], payload[HELLO_MAX_BYTES], message[FIRST_MESSAGE_MAX_BYTES];
        meet(&two);
        struct noise_keys keys = { .ours = &two.caller_key, .theirs = two.called_key.public };
        struct noise *noise =
            noise_create(noise_pattern(rows[i].pattern), &kdf_blake2b, true,
                         prologue(memory, rows[i].label, rows[i].version), &keys, &two.rng);
        struct hello hello = { .stamp = 5 };
        memcpy(hello.certificate, two.certificate, CERTIFICATE_BYTES);
        struct cursor text = cursor_into(payload, sizeof payload);
        hello_write(&text, LINK_ROLE_CONTACT, &hello);
        struct cursor out = cursor_into(message, sizeof message);
        CHECK(noise_write(noise, cursor_written(&text), &out) == FAULT_NONE);
        CHECK_INT(handshake_read_hello(two.called, cursor_written(&out), two.memory, &two.hello,
                                       &two.seen),
                  rows[i].expected);
        noise_destroy(noise);
        part(&two);
    }
}

static struct {
    uint64_t sizes; /* of all long-header datagrams, in order */
    size_t count;
} seen_on_wire;

static bool watch(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    (void)here, (void)to;
    if ((datagram.data[0] & 0x80) != 0) {
        seen_on_wire.sizes = seen_on_wire.sizes * 31 + datagram.size * 2 + from;
        seen_on_wire.count++;
    }
    return true;
}

/* Newest first; 0: none. Either may be one session ahead, or come from a backup. */
static void test_T21_only_a_psk_that_both_used_makes_a_link_trusted(void)
{
    static const struct {
        uint8_t caller[2], called[2];
        bool trusted;
    } rows[] = {
        { { 0, 0 }, { 0, 0 }, false }, /* strangers to each other */
        { { 2, 1 }, { 2, 1 }, true },
        { { 1, 0 }, { 1, 0 }, true },
        { { 1, 0 }, { 2, 1 }, true }, /* the called one is a session ahead */
        { { 2, 1 }, { 3, 2 }, true },
        { { 2, 1 }, { 1, 0 }, false }, /* the caller is: its newest is not known there yet */
        { { 3, 2 }, { 2, 1 }, false },
        { { 0, 0 }, { 2, 1 }, false }, /* a device that has one, called without: talked down */
        { { 2, 1 }, { 0, 0 }, false },
        { { 1, 0 }, { 3, 2 }, false }, /* an old backup calls, or is called */
        { { 3, 2 }, { 1, 0 }, false },
        { { 9, 8 }, { 2, 1 }, false }, /* unknown */
    };
    uint64_t sizes = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        net_start(&net, 40, 2);
        net_befriend(&net, 0, 1);
        net_share(&net, 0, 1, rows[i].caller[0], rows[i].caller[1]);
        net_share(&net, 1, 0, rows[i].called[0], rows[i].called[1]);
        memset(&seen_on_wire, 0, sizeof seen_on_wire);
        net.gate = watch;
        CHECK(net_dial(&net, 0, 1) != 0);
        CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
        CHECK(net_last(&net, 0, LINK_UP)->trusted == rows[i].trusted);
        CHECK(net_last(&net, 1, LINK_UP)->trusted == rows[i].trusted);
        /* From outside one looks like the other. */
        CHECK_INT(seen_on_wire.count, 5);
        CHECK(sizes == 0 || sizes == seen_on_wire.sizes);
        sizes = seen_on_wire.sizes;
        net_finish(&net);
    }
}

static void test_T21_another_secret_under_the_same_id_is_no_link(void)
{
    net_start(&net, 41, 2);
    net_befriend(&net, 0, 1);
    net.people[0].shared[1].psks[0] = (struct link_psk){ .id = { 1 }, .key = { 1 } };
    net.people[1].shared[0].psks[0] = (struct link_psk){ .id = { 1 }, .key = { 2 } };
    net.people[0].shared[1].count = net.people[1].shared[0].count = 1;
    net_befriend(&net, 0, 1);
    CHECK(net_dial(&net, 0, 1) != 0);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, 10 * SECOND));
    net_run(&net, 15 * SECOND);
    CHECK_INT(net_count(&net, 0, LINK_UP) + net_count(&net, 1, LINK_UP), 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    net_finish(&net);
}

TESTS(TEST(test_T03_packets_swapped_dropped_and_repeated), TEST(test_T03_no_work_before_the_tag),
      TEST(test_T03_every_direction_has_its_own_key),
      TEST(test_T06_a_thief_of_our_key_is_nobody_else_to_us),
      TEST(test_T07_a_key_certified_by_somebody_else_fails_on_both_sides),
      TEST(test_T08_a_certificate_swapped_in_the_payload_is_refused),
      TEST(test_T21_an_old_version_meets_silence),
      TEST(test_T21_message_1_without_its_post_quantum_part_is_refused),
      TEST(test_T21_only_a_psk_that_both_used_makes_a_link_trusted),
      TEST(test_T21_another_secret_under_the_same_id_is_no_link))
