/* Three people call, talk, move, hang up and crash at random over a bad network. Whatever happened,
   once it is calm they find each other again, with one link for each pair. */
#include "engine/link/net_test.h"

#define STORIES 60
#define STEPS   200

static struct net net;

static size_t other_than(size_t who)
{
    return (who + 1 + rng_below(&net.rng, 2)) % 3;
}

static void know_everybody(size_t who)
{
    for (size_t i = 0; i < 3; i++)
        if (i != who)
            net_know(&net, who, i);
}

static link_id link_between(size_t who, size_t whom)
{
    return links_find_device(net.people[who].links, net.people[whom].device.public);
}

static void talk(size_t who, size_t whom)
{
    static uint8_t data[LINK_FRAME_MAX_BYTES];
    struct links *links = net.people[who].links;
    link_id id = link_between(who, whom);
    size_t taken, size = rng_below(&net.rng, 10) == 0 ? rng_below(&net.rng, sizeof data) : 100;
    switch (rng_below(&net.rng, 4)) {
    case 0:
        links_write(links, net.now, id, (struct bytes){ data, size }, &taken);
        return;
    case 1:
        links_throw(links, net.now, id, (struct bytes){ data, size });
        return;
    default:
        links_send(links, net.now, id, (struct bytes){ data, size });
    }
}

static void restart(size_t who)
{
    net.people[who].settings.stamp_floor = net.now;
    net_restart(&net, who);
    know_everybody(who);
}

static void change_weather(void)
{
    static const size_t largest[] = { 0, 0, 1300, 1250 };
    net.loss_percent = (unsigned)rng_below(&net.rng, 35);
    net.double_percent = (unsigned)rng_below(&net.rng, 20);
    net.delay = rng_below(&net.rng, 100 * MILLISECOND);
    net.jitter = rng_below(&net.rng, 50 * MILLISECOND);
    net.largest = largest[rng_below(&net.rng, COUNT(largest))];
}

static void act(void)
{
    size_t who = rng_below(&net.rng, 3), whom = other_than(who);
    struct person *person = &net.people[who];
    switch (rng_below(&net.rng, 24)) {
    case 0:
    case 1:
    case 2:
        net_dial(&net, who, whom);
        return;
    case 3:
        net_dial_door(&net, who, whom);
        return;
    case 4:
        links_close(person->links, net.now, link_between(who, whom));
        return;
    case 5:
        restart(who);
        return;
    case 6:
        person->at.port++;
        links_moved(person->links, net.now);
        return;
    case 7:
        person->at.port++; /* a NAT that forgot */
        return;
    case 8:
        change_weather();
        return;
    case 9:
        person->deaf = !person->deaf;
        return;
    case 10:
        links_refuse_device(person->links, net.people[whom].device.public);
        net_know(&net, who, whom);
        return;
    default:
        talk(who, whom);
    }
}

static void calm_down(void)
{
    net.loss_percent = net.double_percent = 0;
    net.delay = 25 * MILLISECOND;
    net.jitter = 0;
    net.largest = 0;
    for (size_t i = 0; i < 3; i++)
        net.people[i].deaf = false;
    net_run(&net, 3 * MINUTE); /* what is dead by now is known to be dead */
}

static void find_again(size_t who, size_t whom)
{
    net_dial(&net, who, whom);
    net_run(&net, 2 * SECOND);
    size_t before = net_count(&net, whom, LINK_FRAME);
    CHECK(links_send(net.people[who].links, net.now, link_between(who, whom),
                     bytes_of_text("calm")) == FAULT_NONE);
    CHECK(
        net_until(&net, whom, LINK_FRAME, before + 1, 5 * SECOND)); /* a stall, and its watchdog */
    CHECK(link_between(whom, who) != 0);
}

static void test_whatever_happens_they_find_each_other_again(void)
{
    for (uint64_t seed = 0; seed < STORIES; seed++) {
        net_start(&net, 5000 + seed, 3);
        for (size_t i = 0; i < 3; i++)
            know_everybody(i);
        for (int i = 0; i < STEPS; i++) {
            act();
            net_run(&net, rng_below(&net.rng, 10) == 0 ? rng_below(&net.rng, 20 * SECOND)
                                                       : rng_below(&net.rng, 200 * MILLISECOND));
        }
        calm_down();
        for (size_t i = 0; i < 3; i++)
            net.people[i].event_count = 0;
        find_again(0, 1);
        find_again(1, 2);
        find_again(2, 0);
        for (size_t i = 0; i < 3; i++)
            CHECK_INT(links_count(net.people[i].links), 2);
        net_finish(&net);
    }
}

TESTS(TEST(test_whatever_happens_they_find_each_other_again))
