#include "base/mem.h"
#include "sim/scenario.h"

#include <string.h>

/* What `why` tells of a contact who was there all the time: that he was found, and nothing strange.
 */
static void check_ways(struct sim *sim, struct sim_node *node)
{
    struct node_why why;
    CHECK(sim_why(node, "hello", &why));
    CHECK(why.online && why.owed.row == 0 && why.attempt_count > 0 && why.attempt_count <= 3);
    for (size_t i = 0; i < why.attempt_count; i++) {
        const char *outcome = why.attempts[i].outcome;
        CHECK(outcome != NULL && strcmp(outcome, "busy") != 0 && strcmp(outcome, "no answer") != 0);
    }
}

/* On a good line of 25 ms a word is shown when it can be, and known to be so a way back later. */
void scenario_fair_weather(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    sim_say(alice, bob, "hello");
    sim_say(bob, alice, "hello");
    sim_run(sim, 500 * MILLISECOND); /* to the door and back, then the link: five ways */
    for (unsigned i = 0; i < 20; i++) {
        struct sim_node *from = sim_luck(sim, 2) == 0 ? alice : bob,
                        *to = from == bob ? alice : bob;
        size_t heard = sim_heard_count(to);
        story_say(sim, from, to, i);
        sim_run(sim, 26 * MILLISECOND);
        CHECK(sim_heard_count(to) == heard + 1);
        CHECK(sim_run_till_delivered(sim, 30 * MILLISECOND));
        sim_run(sim, sim_luck(sim, 2 * MINUTE));
    }
    check_ways(sim, alice);
    check_ways(sim, bob);
    story_ends_well(sim, alice, bob, 1 * SECOND);
}

/* Three of ten datagrams are lost, the others overtake each other, some come twice. */
void scenario_storm_of_loss_and_reordering(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    network_weather(sim_network(sim), &(struct weather){ .latency = 25 * MILLISECOND,
                                                         .jitter = 60 * MILLISECOND,
                                                         .loss = 300,
                                                         .repeats = 50 });
    story_chatter(sim, alice, bob, 100, 500 * MILLISECOND);
    story_ends_well(sim, alice, bob, 10 * MINUTE);
}

static void say_long(struct sim_node *from, struct sim_node *to, char letter, size_t size)
{
    char *text = mem_zeroed(size + 1, 1);
    memset(text, letter, size);
    sim_say(from, to, text);
    mem_free(text);
}

/* A line of 128 kbit/s each way: long texts take their time and short ones follow in order. */
void scenario_slow_line(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    plug_set_speed(sim_plug(alice), 128000);
    plug_set_speed(sim_plug(bob), 128000);
    for (int i = 0; i < 6; i++) {
        say_long(alice, bob, (char)('a' + i), CHAT_TEXT_MAX_BYTES);
        story_chatter(sim, alice, bob, 5, 1 * SECOND);
    }
    story_ends_well(sim, alice, bob, 5 * MINUTE);
}

/* The network splits while both talk, for seconds or for a day; then it heals. */
void scenario_partition_heals(struct sim *sim)
{
    static const duration lengths[] = { 2 * SECOND, 40 * SECOND, 10 * MINUTE, 1 * DAY };
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    for (int i = 0; i < 4; i++) {
        story_chatter(sim, alice, bob, 10, 200 * MILLISECOND);
        plug_set_island(sim_plug(bob), 1);
        story_chatter(sim, alice, bob, 10, 200 * MILLISECOND);
        sim_run(sim, lengths[sim_luck(sim, COUNT(lengths))]);
        plug_set_island(sim_plug(bob), 0);
        story_chatter(sim, alice, bob, 5, 200 * MILLISECOND);
    }
    story_ends_well(sim, alice, bob, 5 * MINUTE);
}

/* A path begins to swallow large packets in mid-talk: no error comes; long texts still arrive. */
void scenario_mtu_falls(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    struct sim_node *fallen = sim_luck(sim, 2) == 0 ? alice : bob;
    for (int i = 0; i < 4; i++) {
        if (i == 1)
            plug_set_mtu(sim_plug(fallen), 1280);
        say_long(alice, bob, (char)('a' + i), 20000);
        say_long(bob, alice, (char)('A' + i), 20000);
        story_chatter(sim, alice, bob, 5, 400 * MILLISECOND);
        sim_run(sim, sim_luck(sim, 20 * SECOND));
    }
    story_ends_well(sim, alice, bob, 1 * MINUTE);
}

static struct network_counts one_world(uint64_t seed)
{
    struct sim *sim = sim_create("same-seed", seed, false);
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    network_weather(sim_network(sim), &(struct weather){ .latency = 10 * MILLISECOND,
                                                         .jitter = 30 * MILLISECOND,
                                                         .loss = 100,
                                                         .repeats = 20,
                                                         .damage = 20 });
    story_chatter(sim, alice, bob, 30, 300 * MILLISECOND);
    sim_kill(bob);
    sim_run(sim, 3 * SECOND);
    sim_restart(bob);
    story_ends_well(sim, alice, bob, 5 * MINUTE);
    struct network_counts counts = network_counts(sim_network(sim));
    sim_destroy(sim);
    return counts;
}

/* The same seed sends the same bytes at the same moments; another seed does not. */
void scenario_same_seed_same_packets(struct sim *sim)
{
    uint64_t seed = sim_luck(sim, UINT64_MAX);
    struct network_counts first = one_world(seed), again = one_world(seed);
    struct network_counts other = one_world(seed + 1);
    CHECK(first.trace == again.trace && first.sent == again.sent && first.lost == again.lost);
    CHECK(first.trace != other.trace);
}
