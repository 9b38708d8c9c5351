/* Calling: through loss, both at once, again after a restart. */
#include "engine/link/net_test.h"

#include <stdio.h>
#include <stdlib.h>

static struct net net;

static void test_nobody_there(void)
{
    net_start(&net, 1, 2);
    net_befriend(&net, 0, 1);
    net.people[1].deaf = true;
    link_id id = net_dial(&net, 0, 1), again;
    struct link_dial dial;
    net_fill_dial(&net, 0, 1, &dial);
    CHECK(links_dial(net.people[0].links, net.now, &dial, &again) == FAULT_BUSY && again == id);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, 20 * SECOND));
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_NO_ANSWER);
    CHECK(net.now - NET_START == 9 * SECOND);
    CHECK_INT(net.people[0].sent_datagrams, 7 * 2); /* at 0, 200, 400, 800 ... 6,400 ms */
    CHECK_INT(links_count(net.people[0].links), 0);
    net_finish(&net);
}

static void test_any_of_several_addresses_will_do(void)
{
    struct link_dial dial;
    link_id id;
    net_start(&net, 2, 2);
    net_befriend(&net, 0, 1);
    net_fill_dial(&net, 0, 1, &dial);
    dial.at_count = 3;
    dial.at[0] = net_address("192.0.2.1:1");
    dial.at[1] = net_address("[2001:db8::1]:2");
    dial.at[2] = net_address("192.0.2.3:3");
    CHECK(links_dial(net.people[0].links, net.now, &dial, &id) == FAULT_NONE);
    net_run(&net, 100 * MILLISECOND);
    links_dial_also(net.people[0].links, net.now, id, &net.people[1].at, 1);
    CHECK(net_until(&net, 0, LINK_UP, 1, 51 * MILLISECOND));
    CHECK(address_equal(&net_last(&net, 0, LINK_UP)->address, &net.people[1].at));
    net_finish(&net);
}

static void test_loss_delays_a_call_but_does_not_end_it(void)
{
    static const struct {
        unsigned loss;
        duration median, ninety_five;
    } rows[] = { { 0, 76 * MILLISECOND, 76 * MILLISECOND },
                 { 10, 91 * MILLISECOND, 700 * MILLISECOND },
                 { 30, 400 * MILLISECOND, 4 * SECOND } };
    enum { RUNS = 200 };
    for (size_t row = 0; row < COUNT(rows); row++) {
        size_t slow = 0, very_slow = 0, failed = 0;
        for (uint64_t seed = 0; seed < RUNS; seed++) {
            net_start(&net, 1000 * row + seed, 2);
            net_befriend(&net, 0, 1);
            net.loss_percent = rows[row].loss;
            net.jitter = rows[row].loss > 0 ? 5 * MILLISECOND : 0;
            net_dial(&net, 0, 1);
            bool up = net_until(&net, 1, LINK_UP, 1, 9 * SECOND);
            duration took = net.now - NET_START;
            failed += !up;
            slow += took > rows[row].median;
            very_slow += took > rows[row].ninety_five;
            net_finish(&net);
        }
        CHECK(slow * 2 <= RUNS && very_slow * 20 <= RUNS);
        CHECK(failed * 100 <= RUNS);
    }
}

static int by_time(const void *a, const void *b)
{
    duration first = *(const duration *)a, second = *(const duration *)b;
    return first < second ? -1 : first > second;
}

/* How long until the caller has his link, through two datagrams each way: the table that the stash
   and the repeated flights have to answer for. */
static void test_ten_percent_loss_fails_no_call(void)
{
    enum { RUNS = 1000 };
    static duration took[RUNS];
    for (duration jitter = 0; jitter <= 5 * MILLISECOND; jitter += 5 * MILLISECOND) {
        for (uint64_t seed = 0; seed < RUNS; seed++) {
            net_start(&net, 7000 + seed, 2);
            net_befriend(&net, 0, 1);
            net.loss_percent = 10;
            net.jitter = jitter;
            net_dial(&net, 0, 1);
            CHECK(net_until(&net, 0, LINK_UP, 1, 9 * SECOND));
            took[seed] = net.now - NET_START;
            net_finish(&net);
        }
        qsort(took, RUNS, sizeof took[0], by_time);
        printf("10 %% loss, jitter %.0f ms: p50 %.0f, p95 %.0f, p99 %.0f, worst %.0f ms\n",
               (double)jitter / MILLISECOND, (double)took[RUNS / 2] / MILLISECOND,
               (double)took[RUNS * 95 / 100] / MILLISECOND,
               (double)took[RUNS * 99 / 100] / MILLISECOND, (double)took[RUNS - 1] / MILLISECOND);
        CHECK(took[RUNS / 2] <= 60 * MILLISECOND);
        CHECK(took[RUNS * 95 / 100] <= 350 * MILLISECOND);
        CHECK(took[RUNS * 99 / 100] <= 700 * MILLISECOND);
    }
}

static bool one_link_each(void)
{
    const struct person *a = &net.people[0], *b = &net.people[1];
    return links_find_device(a->links, b->device.public) != 0 &&
           links_find_device(b->links, a->device.public) != 0 && links_count(a->links) == 1 &&
           links_count(b->links) == 1;
}

/* A NAT that lets nobody in before its owner has sent something out. */
static bool opened[2], behind_nat[2];
static bool nat(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    (void)here, (void)datagram;
    opened[from] = true;
    return !behind_nat[to] || opened[to];
}

static void meet_from_both_sides(uint64_t seed, duration skew, bool first, bool second,
                                 unsigned loss)
{
    net_start(&net, seed, 2);
    net_befriend(&net, 0, 1);
    opened[0] = opened[1] = false;
    behind_nat[0] = first;
    behind_nat[1] = second;
    net.gate = nat;
    net.loss_percent = loss;
    net.double_percent = loss;
    net.jitter = loss > 0 ? 20 * MILLISECOND : 0; /* halves of a message overtake each other */
    net_share(&net, 0, 1, 1, 0);
    net_share(&net, 1, 0, 2, 1); /* a session ahead: only what the other one calls is trusted */
    size_t early = seed % 2;
    CHECK(net_dial(&net, early, 1 - early) != 0);
    net_run(&net, skew);
    net_dial(&net, 1 - early, early); /* busy already if the first has come through */
    net_run(&net, loss > 0 ? 12 * SECOND : 2 * SECOND);
    CHECK(one_link_each());
    /* What was told adds up: every UP but one was taken back, and before the one that stays. */
    for (size_t i = 0; i < 2; i++) {
        size_t ups = net_count(&net, i, LINK_UP), taken_back = 0;
        for (size_t e = 0; e < net.people[i].event_count; e++)
            taken_back += net.people[i].events[e].kind == LINK_DOWN;
        CHECK(ups >= 1 && taken_back + 1 >= ups);
        CHECK(loss > 0 || ups == 1);
        const struct person *person = &net.people[i];
        CHECK(person->events[person->event_count - 1].kind == LINK_UP ||
              person->events[person->event_count - 1].kind == LINK_MOVED);
        CHECK(net_last(&net, i, LINK_UP)->trusted == (net_last(&net, 0, LINK_UP)->we_called));
    }
    /* Both ends are of one link. */
    links_send(net.people[0].links, net.now,
               links_find_device(net.people[0].links, net.people[1].device.public),
               bytes_of_text("one"));
    CHECK(net_until(&net, 1, LINK_FRAME, 1, 5 * SECOND));
    net_finish(&net);
}

static void test_both_dial_at_once_and_get_one_link(void)
{
    for (uint64_t skew = 0; skew <= 120; skew += 3)
        for (uint64_t nats = 0; nats < 4; nats++)
            for (uint64_t seed = 0; seed < 2; seed++)
                meet_from_both_sides(skew * 8 + nats * 2 + seed, skew * MILLISECOND, nats & 1,
                                     nats & 2, 0);
}

static void test_both_dial_at_once_through_loss(void)
{
    for (uint64_t seed = 0; seed < 150; seed++)
        meet_from_both_sides(seed, seed % 40 * 5 * MILLISECOND, seed & 1, seed & 2, 15);
}

/* Nothing of the one who should call ever arrives until he answers: the other's call gets through.
 */
static bool one_way_done;
static bool one_way(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    (void)to, (void)datagram;
    bool smaller_calls = memcmp(here->people[from].device.public,
                                here->people[1 - from].device.public, KEY_BYTES) < 0;
    return !smaller_calls || one_way_done || here->now - NET_START >= 400 * MILLISECOND;
}

static void test_a_one_way_path_makes_the_winner_yield(void)
{
    net_start(&net, 8, 2);
    net_befriend(&net, 0, 1);
    net.gate = one_way;
    net_dial(&net, 0, 1);
    net_dial(&net, 1, 0);
    net_run(&net, 5 * SECOND);
    CHECK(one_link_each());
    net_finish(&net);
}

/* Two links with one peer come up after all: the loser's last packet of the handshake was held back
   on the way until the winner was up too. Both keep the one the smaller key called. */
static struct {
    size_t smaller;
    bool loser_up, smaller_calls_pass;
    size_t held_size;
    uint8_t held[1500];
} crossing;

static bool cross(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    bool first_flight = (datagram.data[0] & 0x80) != 0 && datagram.data[5] == 16;
    (void)to;
    crossing.loser_up = net_count(here, 1 - crossing.smaller, LINK_UP) > 0;
    if (from == crossing.smaller)
        return !first_flight || crossing.loser_up;
    if (!crossing.loser_up || crossing.smaller_calls_pass)
        return true;
    /* What the larger one says once it is up: its proof of the session's keys, then small talk. */
    if (crossing.held_size == 0) {
        memcpy(crossing.held, datagram.data, datagram.size);
        crossing.held_size = datagram.size;
    }
    return false;
}

static void test_of_two_that_come_up_both_sides_keep_the_same(void)
{
    memset(&crossing, 0, sizeof crossing);
    net_start(&net, 21, 2);
    net_befriend(&net, 0, 1);
    size_t larger =
        memcmp(net.people[0].device.public, net.people[1].device.public, KEY_BYTES) > 0 ? 0 : 1;
    crossing.smaller = 1 - larger;
    net.gate = cross;
    net_dial(&net, crossing.smaller, larger);
    net_dial(&net, larger, crossing.smaller);
    CHECK(net_until(&net, larger, LINK_UP, 1, SECOND)); /* the smaller one yielded after 500 ms */
    net_run(&net, 220 * MILLISECOND);
    crossing.smaller_calls_pass = true; /* its repeated call arrives, and is answered */
    CHECK(crossing.held_size > 0);
    CHECK(net_until(&net, crossing.smaller, LINK_UP, 1, SECOND));
    CHECK(net_last(&net, crossing.smaller, LINK_UP)->we_called);
    net_inject(&net, crossing.smaller, &net.people[larger].at,
               (struct bytes){ crossing.held, crossing.held_size });
    net_run(&net, 2 * SECOND);
    CHECK(one_link_each());
    CHECK_INT(net_count(&net, crossing.smaller, LINK_UP), 1);
    CHECK(!net_last(&net, larger, LINK_UP)->we_called);
    CHECK_INT(net_last(&net, larger, LINK_DOWN)->reason, LINK_REPLACED);
    net_finish(&net);
}

static void test_a_restarted_caller_replaces_his_old_link(void)
{
    for (size_t who = 0; who < 2; who++) {
        net_start(&net, 9, 2);
        net_befriend(&net, 0, 1);
        net_dial(&net, 0, 1);
        CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
        net_run(&net, 10 * SECOND);
        net.people[who].settings.stamp_floor = net.now;
        net_restart(&net, who);
        net_know(&net, who, 1 - who);
        CHECK(net_dial(&net, who, 1 - who) != 0);
        CHECK(net_until(&net, 1 - who, LINK_UP, 2, SECOND));
        const struct person *other = &net.people[1 - who];
        CHECK(other->events[other->event_count - 2].kind == LINK_DOWN &&
              other->events[other->event_count - 2].reason == LINK_REPLACED);
        net_run(&net, SECOND);
        CHECK(one_link_each());
        net_finish(&net);
    }
}

/* Also at once, when it looks as if both had called at the same time: the older link leads nowhere.
   Whoever has the smaller device key, and whoever of the two starts again. */
static void test_a_caller_who_restarts_at_once_is_let_in(void)
{
    for (uint64_t seed = 0; seed < 16; seed++) {
        size_t who = seed % 2;
        net_start(&net, 40 + seed / 2, 2);
        net_befriend(&net, 0, 1);
        net_dial(&net, 1 - who, who);
        CHECK(net_until(&net, 0, LINK_UP, 1, SECOND) && net_until(&net, 1, LINK_UP, 1, SECOND));
        net_run(&net, 300 * MILLISECOND);
        net.people[who].settings.stamp_floor = net.now;
        net_restart(&net, who);
        net_know(&net, who, 1 - who);
        CHECK(net_dial(&net, who, 1 - who) != 0);
        CHECK(net_until(&net, who, LINK_UP, 2, SECOND));
        net_run(&net, SECOND);
        CHECK(one_link_each());
        CHECK(net_last(&net, who, LINK_UP)->we_called);
        CHECK_INT(net_count(&net, who, LINK_DOWN), 0);
        net_finish(&net);
    }
}

static void test_a_restart_is_noticed_at_once(void)
{
    for (size_t who = 0; who < 2; who++) {
        net_start(&net, 10, 2);
        net_befriend(&net, 0, 1);
        net_dial(&net, 0, 1);
        CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
        net_run(&net, SECOND);
        net_restart(&net, who); /* knows nobody, but mints as before */
        const struct person *other = &net.people[1 - who];
        link_id id = links_find_device(other->links, net.people[who].device.public);
        instant asked = net.now;
        links_send(other->links, net.now, id, bytes_of_text("still there?"));
        CHECK(net_until(&net, 1 - who, LINK_DOWN, 1, SECOND));
        CHECK_INT(net_last(&net, 1 - who, LINK_DOWN)->reason, LINK_LOST);
        CHECK(net.now - asked <= 2 * net.delay + MILLISECOND);
        net_finish(&net);
    }
}

static void test_somebody_else_at_that_key_is_refused(void)
{
    struct link_dial dial;
    link_id id;
    net_start(&net, 11, 2);
    net_befriend(&net, 0, 1);
    /* We hold another certificate of his than he does: the prologues differ, he stays silent. */
    net_fill_dial(&net, 0, 1, &dial);
    dial.certificate_hash[0] ^= 1;
    CHECK(links_dial(net.people[0].links, net.now, &dial, &id) == FAULT_NONE);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, 10 * SECOND));
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_NO_ANSWER);
    CHECK_INT(net.people[1].sent_datagrams, 0);
    /* He answers as another device than we dialled. */
    net_fill_dial(&net, 0, 1, &dial);
    dial.device[0] ^= 1;
    CHECK(links_dial(net.people[0].links, net.now, &dial, &id) == FAULT_NONE);
    CHECK(net_until(&net, 0, LINK_DOWN, 2, 10 * SECOND));
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_REFUSED);
    /* A door that shows somebody else's record. */
    net_fill_dial(&net, 0, 1, &dial);
    dial.role = LINK_ROLE_DOOR;
    memcpy(dial.theirs, net.people[1].door.public, KEY_BYTES);
    dial.account[0] ^= 1;
    CHECK(links_dial(net.people[0].links, net.now, &dial, &id) == FAULT_NONE);
    CHECK(net_until(&net, 0, LINK_DOWN, 3, 10 * SECOND));
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_REFUSED);
    CHECK_INT(net_count(&net, 0, LINK_RECORD), 0);
    net_finish(&net);
}

static void test_an_old_key_is_answered_until_it_is_forgotten(void)
{
    struct dh_pair next;
    uint8_t certificate[CERTIFICATE_BYTES];
    struct link_dial dial;
    link_id id;
    net_start(&net, 13, 2);
    net_befriend(&net, 0, 1);
    struct person *person = &net.people[1];
    dh_pair_make(&next, &person->rng);
    certificate_write(certificate, &person->account, &person->device, next.public,
                      LINK_ROLE_CONTACT, 19007, 30000);
    CHECK(links_hold(person->links, LINK_ROLE_CONTACT, &next, certificate) == FAULT_NONE);
    CHECK(net_dial(&net, 0, 1) != 0); /* by the certificate he knows */
    CHECK(net_until(&net, 0, LINK_UP, 1, SECOND));
    links_close_all(net.people[0].links, net.now);
    net_run(&net, SECOND);
    links_forget(person->links, person->link_key.public);
    CHECK(net_dial(&net, 0, 1) != 0);
    CHECK(net_until(&net, 0, LINK_DOWN, 2, 10 * SECOND));
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_NO_ANSWER);
    net_fill_dial(&net, 0, 1, &dial);
    memcpy(dial.theirs, next.public, KEY_BYTES);
    certificate_hash(dial.certificate_hash, BYTES_OF(certificate));
    CHECK(links_dial(net.people[0].links, net.now, &dial, &id) == FAULT_NONE);
    CHECK(net_until(&net, 0, LINK_UP, 2, SECOND));
    /* And he calls with the newest. */
    links_close(net.people[0].links, net.now, id);
    net_run(&net, SECOND);
    CHECK(net_dial(&net, 1, 0) != 0);
    CHECK(net_until(&net, 0, LINK_UP, 3, SECOND));
    CHECK_BYTES(net_last(&net, 0, LINK_UP)->certificate.link, next.public, KEY_BYTES);
    net_finish(&net);
}

static void test_one_past_each_limit_is_refused_and_changes_nothing(void)
{
    struct link_dial dial;
    struct dh_pair pair;
    link_id id;
    net_start(&net, 14, 2);
    net_befriend(&net, 0, 1);
    struct links *links = net.people[0].links;
    for (size_t held = 2; held <= LINK_HELD_KEYS; held++) { /* two it holds from the start */
        dh_pair_make(&pair, &net.people[0].rng);
        CHECK_INT(links_hold(links, LINK_ROLE_DOOR, &pair, NULL),
                  held < LINK_HELD_KEYS ? FAULT_NONE : FAULT_BUSY);
    }
    net_fill_dial(&net, 0, 1, &dial);
    for (size_t i = 0; i < LINK_MAX_COUNT; i++) {
        memcpy(dial.device, &i, sizeof i);
        CHECK(links_dial(links, net.now, &dial, &id) == FAULT_NONE);
    }
    dial.device[KEY_BYTES - 1] ^= 1;
    CHECK(links_dial(links, net.now, &dial, &id) == FAULT_BUSY && id == 0);
    CHECK_INT(links_count(links), LINK_MAX_COUNT);
    links_close_all(links, net.now);
    net_run(&net, MILLISECOND);
    CHECK_INT(links_count(links), 0);
    CHECK(net_dial(&net, 0, 1) != 0);
    net_finish(&net);
}

static void test_a_refused_device_is_hung_up_on(void)
{
    net_start(&net, 12, 2);
    net_befriend(&net, 0, 1);
    net_dial(&net, 0, 1);
    CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
    links_refuse_device(net.people[1].links, net.people[0].device.public);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, SECOND));
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_CLOSED_THERE);
    net_dial(&net, 0, 1);
    net_run(&net, 10 * SECOND);
    CHECK_INT(net_count(&net, 0, LINK_UP), 1);
    net_finish(&net);
}

TESTS(TEST(test_nobody_there), TEST(test_any_of_several_addresses_will_do),
      TEST(test_loss_delays_a_call_but_does_not_end_it), TEST(test_ten_percent_loss_fails_no_call),
      TEST(test_both_dial_at_once_and_get_one_link), TEST(test_both_dial_at_once_through_loss),
      TEST(test_a_one_way_path_makes_the_winner_yield),
      TEST(test_of_two_that_come_up_both_sides_keep_the_same),
      TEST(test_a_restarted_caller_replaces_his_old_link),
      TEST(test_a_caller_who_restarts_at_once_is_let_in), TEST(test_a_restart_is_noticed_at_once),
      TEST(test_somebody_else_at_that_key_is_refused),
      TEST(test_an_old_key_is_answered_until_it_is_forgotten),
      TEST(test_one_past_each_limit_is_refused_and_changes_nothing),
      TEST(test_a_refused_device_is_hung_up_on))
