/* To whoever does not know our key, or is not expected, nobody is here: not one byte, no state. */
#include "engine/link/hello.h"
#include "engine/link/keys.h"
#include "engine/link/net_test.h"

#define HALF_VALID 20000

static struct net net;
static uint64_t answered_bytes;

/* Hands over a datagram and counts what leaves because of it, to whomever. */
static void probe(struct links *links, struct bytes datagram)
{
    struct address from = net_address("198.51.100.7:999");
    struct link_batch batch;
    links_receive(links, net.now, &from, datagram);
    while (links_next_batch(links, net.now, &batch))
        answered_bytes += batch.bytes.size;
}

static void probe_call(struct links *links, const struct net_call *call)
{
    probe(links, net_half(call, 0));
    probe(links, net_half(call, 1));
}

/* What `from` sends first when dialling `to`. */
static const struct net_call *first_flight(size_t from, size_t to, struct net_call *out)
{
    link_id id = net_dial(&net, from, to);
    CHECK(id != 0);
    net_take_call(&net, from, out);
    links_close(net.people[from].links, net.now, id);
    return out;
}

static void test_half_valid_datagrams_get_nothing(void)
{
    uint8_t datagram[1500];
    net_start(&net, 1, 2);
    net_befriend(&net, 0, 1);
    answered_bytes = 0;
    for (size_t i = 0; i < HALF_VALID; i++) {
        size_t size = rng_below(&net.rng, sizeof datagram) + 1;
        rng_fill(&net.rng, datagram, size);
        switch (i % 4) {
        case 0: /* a long header of our version */
            datagram[0] |= 0xc0;
            if (size > 5)
                memcpy(datagram + 1, "RMG\x02", 4);
            break;
        case 1:
            datagram[0] = (uint8_t)(0x40 | (datagram[0] & 0x3f));
            break;
        case 2: /* an announce */
            datagram[0] = 0x20;
            size = WIRE_ANNOUNCE_BYTES;
            break;
        }
        probe(net.people[1].links, (struct bytes){ datagram, size });
    }
    CHECK_INT(answered_bytes, 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    CHECK(links_deadline(net.people[1].links) == NEVER);
    net_finish(&net);
}

static void test_a_call_under_a_wrong_key_gets_nothing(void)
{
    struct net_call call;
    net_start(&net, 2, 3);
    net_befriend(&net, 0, 1);
    net_befriend(&net, 0, 2);
    answered_bytes = 0;
    for (int i = 0; i < 200; i++) {
        net.now += SECOND;
        probe_call(net.people[1].links, first_flight(0, 2, &call)); /* meant for somebody else */
    }
    CHECK_INT(answered_bytes, 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    net_finish(&net);
}

static void test_a_caller_nobody_admitted_gets_nothing(void)
{
    struct net_call call;
    net_start(&net, 3, 2);
    answered_bytes = 0;
    net_know(&net, 0, 1); /* he knows us; we do not know him */
    probe_call(net.people[1].links, first_flight(0, 1, &call));
    CHECK_INT(answered_bytes, 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    first_flight(1, 0, &call); /* that we called him once lets nobody in */
    probe_call(net.people[1].links, first_flight(0, 1, &call));
    CHECK_INT(answered_bytes, 0);
    links_admit_device(net.people[1].links, net.people[0].device.public, net.now + SECOND);
    probe_call(net.people[1].links,
               first_flight(0, 1, &call)); /* admitted, but this stamp was seen */
    CHECK_INT(answered_bytes, 0);
    net_finish(&net);
}

static void test_a_stranger_at_the_door_gets_nothing(void)
{
    net_start(&net, 4, 3);
    net_know(&net, 0, 1);
    CHECK(net_dial_door(&net, 0, 1) != 0);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, 20 * SECOND));
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_NO_ANSWER);
    CHECK_INT(net.people[1].sent_datagrams, 0);
    CHECK_INT(net_count(&net, 1, LINK_VISITOR), 0);
    net_finish(&net);
}

/* All holders of a card know the door's secret: one of them plays door towards a visitor, and
   another visitor towards the door with somebody else's certificate. Neither gets past the
   signature. */
static void test_a_door_wants_the_visitors_own_signature(void)
{
    net_start(&net, 5, 3);
    net_befriend(&net, 0, 1);
    net_know(&net, 1, 2);
    /* Person 2 shows person 0's certificate, and signs with his own device key. */
    struct person *thief = &net.people[2];
    links_forget(thief->links, thief->link_key.public);
    CHECK(links_hold(thief->links, LINK_ROLE_CONTACT, &net.people[0].link_key,
                     net.people[0].certificate) == FAULT_NONE);
    CHECK(net_dial_door(&net, 2, 1) != 0);
    CHECK(net_until(&net, 2, LINK_DOWN, 1, 20 * SECOND));
    CHECK_INT(net.people[1].sent_datagrams, 0);
    net_finish(&net);
}

/* Hands it over from there; returns how many datagrams it was answered with. */
static size_t replay(const struct address *from, const struct net_call *call)
{
    struct links *links = net.people[1].links;
    struct link_batch batch;
    size_t answers = 0;
    for (size_t i = 0; i < 2; i++)
        links_receive(links, net.now, from, net_half(call, i));
    while (links_next_batch(links, net.now, &batch))
        answers += (batch.bytes.size + batch.segment - 1) / batch.segment;
    return answers;
}

static void test_T05_a_replayed_call_gets_nothing_from_elsewhere(void)
{
    struct net_call call;
    struct address elsewhere = net_address("203.0.113.5:5");
    net_start(&net, 6, 2);
    net_befriend(&net, 0, 1);
    first_flight(0, 1, &call);
    struct links *links = net.people[1].links;
    CHECK_INT(replay(&net.people[0].at, &call), 2); /* the answer */
    /* While the handshake is open it is answered again, byte for byte, to three addresses at most:
       each datagram with one. */
    size_t answers = 0;
    for (elsewhere.port = 1; elsewhere.port <= 10; elsewhere.port++)
        answers += replay(&elsewhere, &call);
    CHECK_INT(answers, 2 * 2);
    CHECK_INT(links_count(links), 1);
    net.now += 11 * SECOND;
    links_advance(links, net.now);
    CHECK_INT(links_count(links), 0);
    CHECK_INT(replay(&net.people[0].at, &call), 0);
    CHECK_INT(replay(&elsewhere, &call), 0);
    /* And after a restart, when only the stamp is remembered. */
    net_restart(&net, 1);
    links_admit_device(net.people[1].links, net.people[0].device.public, NET_START);
    CHECK_INT(replay(&net.people[0].at, &call), 0);
    CHECK_INT(replay(&elsewhere, &call), 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    net_finish(&net);
}

static void test_T05_only_a_newer_stamp_is_answered(void)
{
    struct net_call older, call, newer;
    net_start(&net, 9, 2);
    net_befriend(&net, 0, 1);
    first_flight(0, 1, &older);
    net.now += SECOND;
    first_flight(0, 1, &call);
    net.now += SECOND;
    first_flight(0, 1, &newer);
    CHECK_INT(replay(&net.people[0].at, &call), 2);
    CHECK_INT(replay(&net.people[0].at, &older), 0);
    CHECK_INT(links_count(net.people[1].links), 1);
    CHECK_INT(replay(&net.people[0].at, &newer), 2); /* he gave the one before up */
    CHECK_INT(links_count(net.people[1].links), 1);
    CHECK_INT(replay(&net.people[0].at, &call), 0); /* whose first id is forgotten */
    net_finish(&net);
}

static void test_T05_after_the_handshake_no_half_is_answered(void)
{
    struct net_call call;
    struct address elsewhere = net_address("203.0.113.5:5");
    net_start(&net, 10, 2);
    net_befriend(&net, 0, 1);
    CHECK(net_dial(&net, 0, 1) != 0);
    net_take_call(&net, 0, &call);
    for (size_t i = 0; i < 2; i++)
        net_inject(&net, 1, &net.people[0].at, net_half(&call, i));
    CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
    net_run(&net, SECOND);
    CHECK_INT(replay(&elsewhere, &call), 0);
    links_close_all(net.people[0].links, net.now);
    net_run(&net, SECOND);
    CHECK_INT(links_count(net.people[1].links), 0);
    /* One half again and again, from everywhere, and the other much later: nobody is there. */
    answered_bytes = 0;
    for (size_t i = 0; i < 100; i++) {
        probe(net.people[1].links, net_half(&call, i % 2));
        net.now += 300 * MILLISECOND;
    }
    CHECK_INT(answered_bytes, 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    CHECK(links_deadline(net.people[1].links) == NEVER);
    net_finish(&net);
}

/* Somebody who holds a card, and is nobody's contact, knocks from everywhere as often as he can. */
static struct net_call knock;
static size_t knock_halves;
static bool crowd(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    struct address address = net_address("203.0.113.5:5");
    (void)datagram;
    for (size_t i = 0; from == 0 && to == 1 && i < 3000; i++) {
        address.ip[13] = (uint8_t)(i >> 8);
        address.ip[14] = (uint8_t)i;
        for (size_t k = 0; k < knock_halves; k++)
            links_receive(here->people[1].links, here->now, &address, net_half(&knock, k));
    }
    return true;
}

static void test_a_crowd_at_the_door_keeps_no_contact_out(void)
{
    for (knock_halves = 1; knock_halves <= 2; knock_halves++) {
        net_start(&net, 8, 3);
        net_befriend(&net, 0, 1);
        CHECK(net_dial_door(&net, 2, 1) != 0);
        net_take_call(&net, 2, &knock);
        net.people[2].deaf = true;
        net.gate = crowd;
        CHECK(net_dial(&net, 0, 1) != 0);
        CHECK(net_until(&net, 1, LINK_UP, 1, 150 * MILLISECOND));
        net_finish(&net);
    }
}

/* Whatever byte of whatever datagram is damaged, the handshake and the talk go on. */
static size_t damage_at;
static bool damage(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    uint8_t copy[1500];
    CHECK(datagram.size <= sizeof copy);
    memcpy(copy, datagram.data, datagram.size);
    copy[damage_at % datagram.size] ^= (uint8_t)(1u << (damage_at % 8));
    links_receive(here->people[to].links, here->now, &here->people[from].at,
                  (struct bytes){ copy, datagram.size });
    damage_at += 7;
    return true;
}

static void test_damage_harms_nobody(void)
{
    for (size_t start = 0; start < 1500; start += 13) {
        net_start(&net, 100 + start, 2);
        net_befriend(&net, 0, 1);
        damage_at = start;
        net.gate = damage;
        link_id id = net_dial(&net, 0, 1);
        CHECK(net_until(&net, 1, LINK_UP, 1, 2 * SECOND));
        for (int i = 0; i < 20; i++)
            CHECK(links_send(net.people[0].links, net.now, id, bytes_of_text("word")) ==
                  FAULT_NONE);
        CHECK(net_until(&net, 1, LINK_FRAME, 20, 5 * SECOND));
        CHECK_INT(net_count(&net, 0, LINK_DOWN) + net_count(&net, 1, LINK_DOWN), 0);
        net_finish(&net);
    }
}

static void test_claims_leave_the_dht_alone(void)
{
    uint8_t datagram[64] = { 'd' };
    net_start(&net, 7, 2);
    net_befriend(&net, 0, 1);
    link_id id = net_dial(&net, 0, 1);
    CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
    for (size_t i = 0; i < 1000000; i++) {
        if (i % 1024 == 0)
            rng_fill(&net.rng, datagram, sizeof datagram);
        datagram[0] = 'd';
        datagram[1] = (uint8_t)('0' + i % 10);
        datagram[2] = (uint8_t)(i >> 4);
        CHECK(!links_claims(net.people[1].links, (struct bytes){ datagram, sizeof datagram }));
    }
    struct link_batch batch;
    links_send(net.people[0].links, net.now, id, bytes_of_text("x"));
    CHECK(links_next_batch(net.people[0].links, net.now, &batch));
    CHECK(links_claims(net.people[1].links, batch.bytes));
    net_finish(&net);
}

TESTS(TEST(test_half_valid_datagrams_get_nothing), TEST(test_a_call_under_a_wrong_key_gets_nothing),
      TEST(test_a_caller_nobody_admitted_gets_nothing),
      TEST(test_a_stranger_at_the_door_gets_nothing),
      TEST(test_a_door_wants_the_visitors_own_signature),
      TEST(test_T05_a_replayed_call_gets_nothing_from_elsewhere),
      TEST(test_T05_only_a_newer_stamp_is_answered),
      TEST(test_T05_after_the_handshake_no_half_is_answered),
      TEST(test_a_crowd_at_the_door_keeps_no_contact_out), TEST(test_damage_harms_nobody),
      TEST(test_claims_leave_the_dht_alone))
