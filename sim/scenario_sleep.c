#include "sim/scenario.h"

/* Bob's laptop is shut when Alice writes. He gets the message after he opens it. */
void scenario_message_waits_for_a_sleeping_friend(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    struct node_why why;
    bool met_before = sim_luck(sim, 2) == 0;
    if (met_before)
        sim_run(sim, 1 * MINUTE);
    sim_sleep(bob);
    sim_say(alice, bob, "lunch?");
    sim_run(sim, 8 * HOUR);
    CHECK(sim_heard(bob, "lunch?") == 0);
    CHECK(!sim_knows_delivered(alice, "lunch?"));
    CHECK(sim_why(alice, "lunch?", &why));
    CHECK(why.message.state < MESSAGE_DELIVERED && why.owed.row != 0 && !why.online);
    CHECK(why.attempt_count > 0 && why.address_count > 0);
    bool trying_now = why.attempts[why.attempt_count - 1].ended == 0;
    CHECK(trying_now != (why.next_try != NEVER));
    sim_wake(bob, sim_luck(sim, 2) == 0);
    sim_run(sim, 30 * SECOND);
    CHECK(sim_heard(bob, "lunch?") == 1);
    CHECK(sim_knows_delivered(alice, "lunch?"));
    CHECK(sim_why(alice, "lunch?", &why) && why.owed.row == 0);
    story_ends_well(sim, alice, bob, 1 * SECOND);
}

/* Lids open and shut at any moment while both talk; words said meanwhile wait. */
void scenario_laptops_open_and_shut(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    for (int day = 0; day < 10; day++) {
        struct sim_node *shut = sim_luck(sim, 2) == 0 ? alice : bob;
        story_chatter(sim, alice, bob, 5, sim_luck(sim, 2) == 0 ? 20 * MILLISECOND : 5 * SECOND);
        sim_sleep(shut);
        story_chatter(sim, alice, bob, 3, 10 * SECOND);
        sim_run(sim, sim_luck(sim, 2) == 0 ? 2 * SECOND : 9 * HOUR);
        sim_wake(shut, sim_luck(sim, 2) == 0);
    }
    story_ends_well(sim, alice, bob, 5 * MINUTE);
}

/* A clock is set forward in mid-talk: timers all come due at once, and nothing is lost by it. */
void scenario_clock_jumps_forward(struct sim *sim)
{
    static const duration jumps[] = { 10 * SECOND, 45 * SECOND, 5 * MINUTE, 3 * HOUR, 2 * DAY };
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    story_chatter(sim, alice, bob, 5, 1 * SECOND);
    for (int i = 0; i < 4; i++) {
        sim_clock_forward(sim_luck(sim, 2) == 0 ? alice : bob, jumps[sim_luck(sim, COUNT(jumps))]);
        story_chatter(sim, alice, bob, 5, 1 * SECOND);
        sim_run(sim, sim_luck(sim, 60 * SECOND));
    }
    story_ends_well(sim, alice, bob, 5 * MINUTE);
}

/* A computer starts with a clock that was right before and now is wrong by hours, or the other way
   round: who met before still meets, whoever calls. */
void scenario_clock_is_set_back(struct sim *sim)
{
    static const duration steps[] = { 1 * MINUTE, 3 * HOUR, 2 * DAY };
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    story_chatter(sim, alice, bob, 3, 1 * SECOND);
    for (int i = 0; i < 4; i++) {
        struct sim_node *wrong = sim_luck(sim, 2) == 0 ? alice : bob;
        (sim_luck(sim, 2) == 0 ? sim_kill : sim_quit)(wrong);
        sim_run(sim, sim_luck(sim, 10 * SECOND));
        sim_clock_back(wrong, steps[sim_luck(sim, COUNT(steps))]);
        sim_restart(wrong);
        story_chatter(sim, alice, bob, 3, 1 * SECOND);
        story_ends_well(sim, alice, bob, 20 * SECOND);
    }
}

/* Alice writes a whole book to Bob while he is away. It arrives, page after page. */
void scenario_a_long_letter_waits(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    sim_run(sim, 5 * SECOND);
    sim_sleep(bob);
    for (unsigned page = 0; page < 3000; page++)
        story_say(sim, alice, bob, page);
    sim_run(sim, sim_luck(sim, 3 * HOUR));
    sim_wake(bob, true);
    story_ends_well(sim, alice, bob, 4 * MINUTE);
}

/* Two who are connected and silent for an hour, and a third whom nobody answers: hardly a packet,
   and hardly a wake-up, for batteries and metered lines. */
void scenario_nothing_happens(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    struct sim_node *carol = sim_befriend(alice, "carol");
    sim_run(sim, 1 * MINUTE);
    sim_kill(carol);
    sim_run(sim, 1 * HOUR); /* until calling carol has become rare */
    uint64_t packets = network_counts(sim_network(sim)).sent;
    uint64_t wakeups = sim_wakeups(alice);
    sim_run(sim, 1 * HOUR);
    packets = network_counts(sim_network(sim)).sent - packets;
    wakeups = sim_wakeups(alice) - wakeups;
    CHECK(packets <= 450 && wakeups <= 600);
    story_ends_well(sim, alice, bob, 1 * SECOND);
}

/* Bob does not come back for more than a month. Alice is told that her message failed and why; he
   is never shown it, and hears what she says next. */
void scenario_message_expires(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    struct node_why why;
    sim_run(sim, 5 * SECOND);
    sim_sleep(bob);
    sim_say(alice, bob, "the party is tonight");
    sim_run(sim, 1 * MINUTE);
    sim_clock_forward(alice, 29 * DAY);
    sim_run(sim, 1 * MINUTE);
    CHECK(sim_why(alice, "the party is tonight", &why) && why.message.state == MESSAGE_SEALED);
    sim_clock_forward(alice, 1 * DAY);
    if (sim_luck(sim, 2) == 0) { /* nor does a restart forget it */
        sim_kill(alice);
        sim_restart(alice);
    }
    sim_run(sim, 1 * MINUTE);
    CHECK(sim_why(alice, "the party is tonight", &why) && why.owed.row == 0);
    CHECK(why.message.state == MESSAGE_FAILED && why.message.failure == FAILURE_EXPIRED);
    sim_wake(bob, true);
    sim_say(alice, bob, "where were you?");
    CHECK(sim_run_till_delivered(sim, 5 * MINUTE));
    CHECK(sim_heard(bob, "where were you?") == 1 && sim_heard_count(bob) == 1);
}

/* A week on one link, with a word now and then: keys are renewed, idle times end, and every word is
   there at once. */
void scenario_a_week_passes(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    sim_run(sim, 1 * SECOND);
    while (sim_age(sim) < 7 * DAY) {
        story_chatter(sim, alice, bob, 1 + (unsigned)sim_luck(sim, 5), 1 * SECOND);
        CHECK(sim_run_till_delivered(sim, 500 * MILLISECOND));
        sim_run(sim, sim_luck(sim, 2 * HOUR));
    }
    story_ends_well(sim, alice, bob, 1 * SECOND);
}
