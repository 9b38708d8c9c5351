#include "sim/scenario.h"

#include <stdio.h>

#define CRASHES      200 /* of either side in turn, each at its own disk step since its start */
#define SAID_BETWEEN 50  /* by each side: 10,000 each way in all */

/* The victim starts, and its power goes in the middle of its step number `step`: in opening its
   store, in the handshake, in any message. False: it never came so far. */
static bool live_until(struct sim *sim, struct sim_node *victim, struct sim_node *other,
                       uint64_t step)
{
    sim_kill(victim);
    sim_kill_at(victim, step);
    sim_restart(victim);
    if (sim_alive(victim))
        sim_run(sim, 200 * MILLISECOND); /* the link comes up again before they talk */
    for (int said = 0; said < SAID_BETWEEN; said += 5)
        story_chatter(sim, victim, other, 5, 10 * MILLISECOND);
    for (int i = 0; i < 20 && sim_alive(victim); i++)
        sim_run(sim, 50 * MILLISECOND);
    sim_run(sim, sim_luck(sim, 2) == 0 ? 0 : sim_luck(sim, 3 * SECOND));
    bool died = !sim_alive(victim);
    if (died)
        sim_restart(victim);
    sim_kill_at(victim, 0);
    return died;
}

/* Either side dies at each of its disk writes in turn while 10,000 messages go each way. */
void scenario_killed_at_every_write(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    if (sim_luck(sim, 2) == 0)
        network_weather(sim_network(sim), &(struct weather){ .latency = 10 * MILLISECOND,
                                                             .jitter = 20 * MILLISECOND,
                                                             .loss = 50,
                                                             .repeats = 20 });
    sim_run(sim, 1 * SECOND);
    unsigned died = 0;
    for (uint64_t crash = 0; crash < CRASHES; crash++)
        died += live_until(sim, crash % 2 == 0 ? alice : bob, crash % 2 == 0 ? bob : alice,
                           crash / 2 + 1);
    CHECK(died == CRASHES);
    story_ends_well(sim, alice, bob, 10 * MINUTE);
    CHECK(sim_heard_count(alice) == CRASHES * SAID_BETWEEN);
    CHECK(sim_heard_count(bob) == CRASHES * SAID_BETWEEN);
}

/* Bob's power goes while he stores what Alice said, before he could say that he has it. He is shown
   it once, and Alice learns that it came. */
void scenario_power_fails_before_the_acknowledgement(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    sim_run(sim, 10 * SECOND);
    for (uint64_t step = 1; step < 12; step++) {
        char text[32];
        snprintf(text, sizeof text, "word %u", (unsigned)step);
        sim_kill_at(bob, step);
        sim_say(alice, bob, text);
        sim_run(sim, 2 * SECOND);
        CHECK(sim_alive(bob) || !sim_knows_delivered(alice, text) || sim_heard(bob, text) == 1);
        sim_kill_at(bob, 0);
        if (!sim_alive(bob))
            sim_restart(bob);
        CHECK(sim_run_till_delivered(sim, 1 * MINUTE));
        CHECK(sim_heard(bob, text) == 1 && sim_knows_delivered(alice, text));
    }
    story_ends_well(sim, alice, bob, 1 * SECOND);
}

/* The power goes in the very first moments: in making the home, the identity, the first contact. */
void scenario_killed_while_beginning(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice");
    uint64_t step = 1;
    for (int i = 0; i < SIM_NODES_MAX - 1; i++, step += 1 + sim_luck(sim, 3)) {
        char name[16];
        snprintf(name, sizeof name, "friend%d", i);
        struct sim_node *friend = sim_add_dying(sim, name, step);
        sim_introduce(alice, friend);
        story_chatter(sim, alice, friend, 2, 100 * MILLISECOND);
        if (!sim_alive(friend))
            sim_restart(friend);
        sim_kill_at(friend, 0);
        story_ends_well(sim, alice, friend, 1 * MINUTE);
        sim_quit(friend);
    }
    CHECK(step > 60);
}

/* A disk is full in mid-talk: that side stops and says why. With room again, all goes on. */
void scenario_disk_fills_up(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    struct sim_node *full = sim_luck(sim, 2) == 0 ? alice : bob;
    story_chatter(sim, alice, bob, 20, 100 * MILLISECOND);
    disk_limit(sim_disk(full), disk_counts(sim_disk(full)).bytes + 1 + sim_luck(sim, 60000));
    for (int i = 0; i < 2000 && sim_alive(full); i++)
        story_chatter(sim, alice, bob, 1, 50 * MILLISECOND);
    CHECK(!sim_alive(full) && sim_trouble(full) == STORE_FULL);
    sim_run(sim, 10 * SECOND);
    disk_limit(sim_disk(full), 0);
    sim_restart(full);
    CHECK(sim_alive(full));
    story_chatter(sim, alice, bob, 20, 100 * MILLISECOND);
    story_ends_well(sim, alice, bob, 5 * MINUTE);
}

/* Bytes of Bob's store change while he is off. Then he stops and says so, at once or when he comes
   across them; or they were of no use. No wrong word is ever shown, and Alice notices nothing. */
void scenario_disk_rots(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    story_chatter(sim, alice, bob, 20, 100 * MILLISECOND);
    CHECK(sim_run_till_delivered(sim, 10 * SECOND));
    sim_quit(bob);
    disk_rot(sim_disk(bob), 1 + (unsigned)sim_luck(sim, 20));
    sim_restart(bob);
    if (sim_alive(bob))
        story_chatter(sim, alice, bob, 20, 100 * MILLISECOND);
    sim_run(sim, 1 * MINUTE);
    if (sim_alive(bob))
        story_ends_well(sim, alice, bob, 1 * MINUTE);
    else
        CHECK(sim_trouble(bob) == STORE_DAMAGED);
    CHECK(sim_alive(alice));
}

/* Everybody is stopped, kindly or not, again and again, now and then all at once. */
void scenario_everything_restarts(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    for (int i = 0; i < 10; i++) {
        story_chatter(sim, alice, bob, 5, 300 * MILLISECOND);
        (sim_luck(sim, 2) == 0 ? sim_kill : sim_quit)(alice);
        if (sim_luck(sim, 2) == 0)
            sim_run(sim, sim_luck(sim, 2 * MINUTE));
        (sim_luck(sim, 2) == 0 ? sim_kill : sim_quit)(bob);
        sim_run(sim, sim_luck(sim, 2) == 0 ? sim_luck(sim, 2 * SECOND) : sim_luck(sim, 2 * HOUR));
        story_chatter(sim, alice, bob, 3, 1 * SECOND);
        sim_restart(sim_luck(sim, 2) == 0 ? alice : bob);
        sim_run(sim, sim_luck(sim, 2) == 0 ? 0 : sim_luck(sim, 2 * MINUTE));
        sim_restart(sim_alive(alice) ? bob : alice);
    }
    story_ends_well(sim, alice, bob, 5 * MINUTE);
}

/* Bob's computer breaks and he goes on with a copy of last week. What Alice told him since is gone
   for him, and her words rest on what he no longer has; all that is said from now on arrives. */
void scenario_old_copy_comes_back(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    story_chatter(sim, alice, bob, 5, 1 * SECOND);
    story_ends_well(sim, alice, bob, 10 * SECOND);
    sim_quit(bob);
    sim_back_up(bob);
    sim_restart(bob);
    for (unsigned i = 0; i < 5; i++) {
        story_say(sim, alice, bob, 100 + i);
        sim_run(sim, 1 * SECOND);
    }
    CHECK(sim_run_till_delivered(sim, 10 * SECOND));
    (sim_luck(sim, 2) == 0 ? sim_kill : sim_quit)(bob);
    sim_run(sim, sim_luck(sim, 2) == 0 ? 1 * SECOND : 7 * DAY);
    sim_restore(bob);
    sim_restart(bob);
    size_t heard_by_alice = sim_heard_count(alice), heard_by_bob = sim_heard_count(bob);
    story_chatter(sim, alice, bob, 10, 1 * SECOND);
    CHECK(sim_run_till_delivered(sim, 1 * MINUTE));
    CHECK(sim_heard_count(alice) == heard_by_alice + 10);
    CHECK(sim_heard_count(bob) == heard_by_bob + 10);
}
