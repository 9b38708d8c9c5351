/* Votes about our address, held against a count made anew from all of them; and the trial. */
#include "engine/dht/self.h"
#include "tests/test.h"

#include "base/rng.h"

#include <stdio.h>

static const instant start = 20000 * DAY;

static struct address at(const char *text)
{
    struct address address;
    CHECK(address_parse(text, &address));
    return address;
}

/* Somebody in network number `network`, of IPv4 a /16, of IPv6 a /32. */
static struct address voter(bool ipv6, unsigned network, unsigned host)
{
    struct address address = { .port = (uint16_t)(1000 + host) };
    uint8_t *ip = address.ip;
    if (ipv6) {
        ip[0] = 0x2a;
        ip[2] = (uint8_t)(network >> 8);
        ip[3] = (uint8_t)network;
        ip[7] = ip[15] = (uint8_t)host;
    } else {
        ip[10] = ip[11] = 0xff;
        ip[12] = (uint8_t)(50 + network / 256);
        ip[13] = (uint8_t)network;
        ip[14] = (uint8_t)host;
        ip[15] = (uint8_t)host;
    }
    return address;
}

static bool vote(struct self *self, struct address who, const char *seen)
{
    struct address us = at(seen);
    return self_vote(self, start, &who, &us);
}

static bool believes(const struct self *self, const char *text)
{
    struct address us = at(text), found = self_address(self, !address_is_ipv4(&us));
    return address_equal(&us, &found);
}

/* --- our address ------------------------------------------------------------------------------ */

static void test_a_quorum_of_networks_is_believed(void)
{
    static const char *const seen[] = { "203.0.113.5:4711", "[2001:db8:7::1]:4711" };
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct self *self = self_create(false, start);
        for (unsigned i = 0; i < SELF_QUORUM; i++) {
            CHECK_INT(self_address(self, ipv6).port, 0);
            CHECK_INT(vote(self, voter(ipv6, i, 1), seen[ipv6]), i == SELF_QUORUM - 1);
        }
        CHECK(believes(self, seen[ipv6]));
        CHECK_INT(self_address(self, !ipv6).port, 0);       /* each family for itself */
        CHECK(!vote(self, voter(ipv6, 20, 1), seen[ipv6])); /* nothing new */
        self_destroy(self);
    }
}

static void test_ports_that_change_are_noticed(void)
{
    struct self *steady = self_create(false, start), *changing = self_create(false, start);
    for (unsigned i = 0; i < 8; i++) {
        char seen[32];
        CHECK(!self_ports_change(steady, false));
        snprintf(seen, sizeof seen, "203.0.113.5:%u", i == 3 ? 9 : 4711); /* one errs */
        vote(steady, voter(false, i, 1), seen);
        snprintf(seen, sizeof seen, "203.0.113.5:%u", 2000 + i);
        vote(changing, voter(false, i, 1), seen);
        CHECK_INT(self_ports_change(changing, false), i >= SELF_QUORUM - 1);
    }
    CHECK(!self_ports_change(changing, true));
    self_destroy(steady);
    self_destroy(changing);
}

static void test_one_network_is_one_vote(void)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        const char *truth = ipv6 ? "[2001:db8::1]:1" : "203.0.113.5:1";
        const char *lie = ipv6 ? "[2001:db8::2]:2" : "198.51.100.9:2";
        struct self *self = self_create(false, start);
        for (unsigned i = 0; i < 1000; i++)
            CHECK(!vote(self, voter(ipv6, 1, i % 250), lie));
        CHECK_INT(self_address(self, ipv6).port, 0);
        for (unsigned i = 0; i < SELF_QUORUM; i++)
            vote(self, voter(ipv6, 100 + i, 1), truth);
        CHECK(believes(self, truth));
        for (unsigned i = 0; i < 1000; i++)
            CHECK(!vote(self, voter(ipv6, i % 3, i % 250), lie)); /* nor are three */
        CHECK(believes(self, truth));
        self_destroy(self);
    }
}

static void test_lies_of_fewer_than_half_change_nothing(void)
{
    struct self *self = self_create(false, start);
    for (unsigned i = 0; i < 8; i++)
        vote(self, voter(false, i, 1), "203.0.113.5:1");
    for (unsigned i = 0; i < 200; i++) { /* seven liars, eight honest ones, again and again */
        CHECK(!vote(self, voter(false, 100 + i % 7, 1), "198.51.100.9:2"));
        CHECK(!vote(self, voter(false, i % 8, 1), "203.0.113.5:1"));
        CHECK(believes(self, "203.0.113.5:1"));
    }
    self_destroy(self);
}

static void test_an_address_that_changed_is_learnt(void)
{
    struct self *self = self_create(false, start);
    for (unsigned i = 0; i < 16; i++)
        vote(self, voter(false, i, 1), "203.0.113.5:1");
    unsigned needed = 0;
    while (!vote(self, voter(false, 100 + needed, 1), "203.0.113.77:1"))
        needed++;
    CHECK(needed >= 8 && needed < 16);
    CHECK(believes(self, "203.0.113.77:1"));
    self_moved(self, start);
    CHECK_INT(self_address(self, false).port, 0);
    for (unsigned i = 0; i < SELF_QUORUM; i++)
        vote(self, voter(false, i, 1), "192.0.2.1:9");
    CHECK(believes(self, "192.0.2.1:9"));
    self_destroy(self);
}

static void test_a_port_that_everybody_sees_differently_does_not_flicker(void)
{
    struct self *self = self_create(false, start);
    char seen[32];
    unsigned changes = 0;
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(seen, sizeof seen, "203.0.113.5:%u", 2000 + i);
        changes += vote(self, voter(false, i, 1), seen);
    }
    CHECK_INT(changes, 1);
    CHECK(believes(self, "203.0.113.5:2003"));
    for (unsigned i = 0; i < SELF_QUORUM; i++) /* one that a quorum agrees on is taken */
        changes += vote(self, voter(false, 200 + i, 1), "203.0.113.5:7");
    CHECK_INT(changes, 2);
    CHECK(believes(self, "203.0.113.5:7"));
    self_destroy(self);
}

static void test_a_lab_of_one_machine_finds_its_address(void)
{
    static const struct {
        const char *voters, *seen;
    } labs[] = {
        { "127.0.0.1:%u", "127.0.0.1:4000" },
        { "10.1.2.3:%u", "10.1.2.4:4000" },
        { "[::1]:%u", "[::1]:4000" },
        { "[fd00::1]:%u", "[fd00::2]:4000" },
    };
    for (size_t i = 0; i < COUNT(labs); i++) {
        struct self *self = self_create(false, start);
        char who[64];
        for (unsigned j = 0; j < SELF_QUORUM; j++) {
            CHECK(!believes(self, labs[i].seen));
            (void)snprintf(who, sizeof who, labs[i].voters, 5000 + j);
            vote(self, at(who), labs[i].seen);
            vote(self, at(who), labs[i].seen);
        }
        CHECK(believes(self, labs[i].seen));
        self_destroy(self);
    }
}

static void test_neighbours_have_no_say_about_the_world(void)
{
    struct self *self = self_create(false, start);
    char who[32];
    for (unsigned i = 0; i < 100; i++) { /* a public address, told by nodes beside us */
        (void)snprintf(who, sizeof who, "192.168.0.%u:5000", 1 + i);
        CHECK(!vote(self, at(who), "203.0.113.5:1"));
    }
    for (unsigned i = 0; i < SELF_QUORUM; i++) {
        (void)snprintf(who, sizeof who, "192.168.0.%u:5000", 1 + i);
        vote(self, at(who), "192.168.0.200:1");
    }
    CHECK(believes(self, "192.168.0.200:1"));
    for (unsigned i = 0; i < SELF_QUORUM; i++)
        vote(self, voter(false, i, 1), "203.0.113.5:1");
    CHECK(believes(self, "203.0.113.5:1"));
    for (unsigned i = 0; i < 1000; i++) { /* one host beside us, with all its ports */
        (void)snprintf(who, sizeof who, "192.168.0.66:%u", 1 + i);
        CHECK(!vote(self, at(who), "192.168.0.200:1"));
    }
    CHECK(believes(self, "203.0.113.5:1"));
    self_destroy(self);
}

static void test_votes_that_make_no_sense_are_not_counted(void)
{
    struct self *self = self_create(false, start);
    struct address none = at("203.0.113.5:1");
    none.port = 0;
    for (unsigned i = 0; i < 16; i++) {
        struct address who = voter(false, i, 1), other = voter(true, i, 1);
        CHECK(!self_vote(self, start, &who, &none));
        CHECK(!vote(self, other, "203.0.113.5:1")); /* of the other family */
        CHECK(!vote(self, who, "[2001:db8::1]:1"));
    }
    CHECK_INT(self_address(self, false).port, 0);
    CHECK_INT(self_address(self, true).port, 0);
    self_destroy(self);
}

/* What one vote may change, after thousands of random ones: each network's last word counts, of the
   16 networks that spoke last. */
static void test_votes_against_a_plain_count(void)
{
    static const char *const seen[] = { "203.0.113.5:1", "203.0.113.6:1", "203.0.113.7:1" };
    struct rng_seeded memory;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct rng luck = rng_from_seed(&memory, seed);
        struct self *self = self_create(false, start);
        unsigned last[24], when[24] = { 0 }, believed = UINT32_MAX;
        for (unsigned now = 1; now < 400; now++) {
            unsigned network = (unsigned)rng_below(&luck, COUNT(last));
            unsigned lean = rng_below(&luck, 3) == 0 ? 3 : now / 130 + 1;
            unsigned choice = (unsigned)rng_below(&luck, lean > 3 ? 3 : lean);
            last[network] = choice;
            when[network] = now;
            unsigned votes = 0, counted = 0, confirmed = 0;
            for (size_t i = 0; i < COUNT(last); i++) {
                size_t newer = 0;
                for (size_t j = 0; j < COUNT(last); j++)
                    newer += when[j] > when[i];
                if (when[i] == 0 || newer >= 16)
                    continue;
                counted++;
                votes += last[i] == choice;
                confirmed += last[i] == believed;
            }
            bool changes = votes >= SELF_QUORUM && 2 * votes > counted && believed != choice &&
                           confirmed < SELF_QUORUM;
            CHECK_INT(vote(self, voter(false, network, now % 200), seen[choice]), changes);
            if (changes)
                believed = choice;
            CHECK(believed == UINT32_MAX || believes(self, seen[believed]));
        }
        self_destroy(self);
    }
}

/* --- whether we can be reached ---------------------------------------------------------------- */

static void test_who_is_never_reached_becomes_read_only(void)
{
    struct self *self = self_create(false, start);
    CHECK(!self_read_only(self, start));
    CHECK(!self_read_only(self, start + DAY)); /* nobody answered yet: the trial has not begun */
    instant begun = start + DAY;
    self_answered(self, begun);
    self_answered(self, begun + MINUTE);
    CHECK(!self_read_only(self, begun + 15 * MINUTE - 1));
    CHECK(self_read_only(self, begun + 15 * MINUTE));
    unsigned open = 0;
    for (unsigned minute = 15; minute < 15 + 600; minute++)
        open += !self_read_only(self, begun + minute * MINUTE);
    CHECK_INT(open, 10 * 5); /* five minutes in every hour */
    self_destroy(self);
}

static void test_who_is_reached_serves(void)
{
    struct self *self = self_create(false, start);
    self_answered(self, start);
    CHECK(self_read_only(self, start + 16 * MINUTE));
    self_reached(self, start + 16 * MINUTE);
    for (unsigned minute = 16; minute < 16 + 120; minute++)
        CHECK(!self_read_only(self, start + minute * MINUTE));
    CHECK(self_read_only(self, start + 4 * HOUR)); /* nobody came for long: perhaps no more */
    self_moved(self, start + 4 * HOUR);
    CHECK(!self_read_only(self, start + 4 * HOUR));
    self_destroy(self);
}

static void test_who_wants_to_be_read_only_always_is(void)
{
    struct self *self = self_create(true, start);
    CHECK(self_read_only(self, start));
    self_reached(self, start);
    CHECK(self_read_only(self, start));
    self_moved(self, start);
    CHECK(self_read_only(self, start));
    self_destroy(self);
}

TESTS(TEST(test_a_quorum_of_networks_is_believed), TEST(test_ports_that_change_are_noticed),
      TEST(test_one_network_is_one_vote), TEST(test_lies_of_fewer_than_half_change_nothing),
      TEST(test_an_address_that_changed_is_learnt),
      TEST(test_a_port_that_everybody_sees_differently_does_not_flicker),
      TEST(test_a_lab_of_one_machine_finds_its_address),
      TEST(test_neighbours_have_no_say_about_the_world),
      TEST(test_votes_that_make_no_sense_are_not_counted), TEST(test_votes_against_a_plain_count),
      TEST(test_who_is_never_reached_becomes_read_only), TEST(test_who_is_reached_serves),
      TEST(test_who_wants_to_be_read_only_always_is))
