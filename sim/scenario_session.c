#include "sim/scenario.h"

#include <stdio.h>
#include <string.h>

#define SEALED_MOST 900 /* docs/protocol.md, "Acknowledgement" */

static uint64_t unreadable(struct sim *sim, struct sim_node *node)
{
    struct node_status status;
    CHECK(node_status(sim_engine(node), &status) == ANSWER_DONE);
    return status.unreadable;
}

static size_t count_state(struct sim *sim, struct sim_node *node, enum message_state state)
{
    struct node_contact contact = { 0 };
    struct store_message message;
    struct store_place_in at, *from = NULL;
    size_t count = 0;
    CHECK(node_contact_next(sim_engine(node), 0, &contact) == ANSWER_DONE);
    while (node_message_step(sim_engine(node), contact.row.id, from, false, false, &message) ==
           ANSWER_DONE) {
        count += message.ours && message.state == state;
        at.height = message.height;
        memcpy(at.id, message.id, sizeof at.id);
        from = &at;
    }
    return count;
}

/* Alice writes 5,000 messages to Bob, who is away for forty days. No more is sealed than his
   ratchet can follow; what is older than thirty days fails, visibly; all else he gets. */
void scenario_away_for_forty_days(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    size_t sealed_most = 0;
    unsigned said = 0;
    story_chatter(sim, alice, bob, 3, 1 * SECOND);
    CHECK(sim_run_till_delivered(sim, 10 * SECOND));
    sim_sleep(bob);
    for (unsigned day = 0; day < 40; day++) {
        for (unsigned i = 0; i < 125; i++)
            story_say(sim, alice, bob, said++);
        sim_run(sim, 1 * MINUTE);
        sim_clock_forward(alice, 1 * DAY - 1 * MINUTE);
        if (day % 8 == 7) { /* nor does a restart unseal or forget anything */
            sim_kill(alice);
            sim_restart(alice);
            size_t sealed = count_state(sim, alice, MESSAGE_SEALED);
            sealed_most = sealed > sealed_most ? sealed : sealed_most;
            CHECK(sealed <= SEALED_MOST);
        }
    }
    CHECK(said == 5000 && sealed_most > SEALED_MOST / 2);
    sim_clock_forward(bob, 40 * DAY);
    sim_wake(bob, true);
    CHECK(sim_run_till_delivered(sim, 10 * MINUTE));
    size_t failed = count_state(sim, alice, MESSAGE_FAILED);
    CHECK(failed >= 9 * 125 && failed <= 12 * 125);
    CHECK(sim_heard_count(bob) == 3 + said - failed);
    CHECK(count_state(sim, alice, MESSAGE_DELIVERED) == 3 + said - failed);
    CHECK(unreadable(sim, bob) == 0 && unreadable(sim, alice) == 0);
    sim_say(bob, alice, "I am back");
    CHECK(sim_run_till_delivered(sim, 1 * MINUTE) && sim_knows_delivered(bob, "I am back"));
}

/* T-16, T-18: a hundred thousand messages both ways over a bad line, with power cuts, sleep and
   cut links; the ratchets turn and are rekeyed all the time. Each message comes exactly once. */
void scenario_many_messages(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    network_weather(sim_network(sim), &(struct weather){ .latency = 10 * MILLISECOND,
                                                         .jitter = 20 * MILLISECOND,
                                                         .loss = 30,
                                                         .repeats = 20 });
    sim_run(sim, 1 * SECOND);
    for (unsigned round = 0; round < 500; round++) {
        struct sim_node *victim = round % 2 == 0 ? alice : bob;
        sim_kill_at(victim, 20 + sim_luck(sim, 400));
        story_chatter(sim, alice, bob, 100, 2 * MILLISECOND);
        sim_run(sim, sim_luck(sim, 2 * SECOND));
        sim_kill_at(victim, 0);
        if (!sim_alive(victim))
            sim_restart(victim);
    }
    story_ends_well(sim, alice, bob, 20 * MINUTE);
    CHECK(sim_heard_count(alice) == 50000 && sim_heard_count(bob) == 50000);
}

/* T-18: for thirty days Alice speaks and Bob only listens: acknowledgements turn the ratchet. */
void scenario_one_speaks_for_a_month(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    network_weather(sim_network(sim),
                    &(struct weather){ .latency = 25 * MILLISECOND, .loss = 50, .repeats = 20 });
    sim_run(sim, 10 * SECOND);
    for (unsigned day = 0; day < 30; day++) {
        bool asleep = sim_luck(sim, 3) == 0;
        if (asleep)
            sim_sleep(bob);
        for (unsigned i = 0; i < 20; i++)
            story_say(sim, alice, bob, i);
        sim_run(sim, 10 * MINUTE);
        sim_clock_forward(alice, 1 * DAY - 10 * MINUTE);
        if (asleep)
            sim_wake(bob, true);
        sim_clock_forward(bob, 1 * DAY - 10 * MINUTE);
        sim_run(sim, 10 * MINUTE);
    }
    story_ends_well(sim, alice, bob, 10 * MINUTE);
    CHECK(sim_heard_count(bob) == 600);
    CHECK(unreadable(sim, alice) == 0 && unreadable(sim, bob) == 0);
}

#define PEOPLE 5

static void chat_a_little(struct sim *sim, struct sim_node *people[PEOPLE])
{
    for (unsigned i = 0; i < 10; i++) {
        size_t from = sim_luck(sim, PEOPLE), to = sim_luck(sim, PEOPLE - 1);
        story_say(sim, people[from], people[to + (to >= from)], i);
    }
}

/* T-26: five people, who sleep as they like, on lines that lose packets, for sixty days. Nothing
   that arrives is ever unreadable, and nobody needs a reset. */
void scenario_sixty_days_of_five(struct sim *sim)
{
    static const char *const names[PEOPLE] = { "alice", "bob", "carol", "dave", "erin" };
    struct sim_node *people[PEOPLE];
    bool asleep[PEOPLE] = { 0 };
    for (size_t i = 0; i < PEOPLE; i++) {
        people[i] = sim_add(sim, names[i]);
        for (size_t k = 0; k < i; k++)
            sim_introduce(people[i], people[k]);
    }
    network_weather(sim_network(sim), &(struct weather){ .latency = 25 * MILLISECOND,
                                                         .jitter = 10 * MILLISECOND,
                                                         .loss = 50,
                                                         .repeats = 20 });
    sim_run(sim, 30 * SECOND);
    for (unsigned half_day = 0; half_day < 120; half_day++) {
        for (size_t i = 0; i < PEOPLE; i++) {
            bool sleeps = sim_luck(sim, 3) == 0;
            if (sleeps && !asleep[i])
                sim_sleep(people[i]);
            else if (!sleeps && asleep[i])
                sim_wake(people[i], true);
            asleep[i] = sleeps;
        }
        chat_a_little(sim, people);
        sim_run(sim, 5 * MINUTE);
        for (size_t i = 0; i < PEOPLE; i++)
            sim_clock_forward(people[i], 12 * HOUR - 5 * MINUTE);
        sim_run(sim, 1 * MINUTE);
    }
    for (size_t i = 0; i < PEOPLE; i++)
        if (asleep[i])
            sim_wake(people[i], true);
    CHECK(sim_run_till_delivered(sim, 20 * MINUTE));
    for (size_t i = 0; i < PEOPLE; i++) {
        CHECK(unreadable(sim, people[i]) == 0);
        for (size_t k = 0; k < i; k++)
            sim_check_talk(people[i], people[k]);
    }
}

/* Both write while they are apart, each begins a session, and both arrive. */
void scenario_sealed_while_apart(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    struct node_contact contact;
    if (sim_luck(sim, 2) == 0)
        sim_run(sim, 200 * MILLISECOND + sim_luck(sim, 2 * SECOND));
    plug_set_island(sim_plug(bob), 1);
    for (unsigned i = 0; i < 5; i++) {
        story_chatter(sim, alice, bob, 1 + (unsigned)sim_luck(sim, 30), 1 * SECOND);
        sim_run(sim, sim_luck(sim, 3 * HOUR));
        if (sim_luck(sim, 2) == 0) {
            sim_kill(alice);
            sim_restart(alice);
        }
        plug_set_island(sim_plug(bob), 0);
        sim_run(sim, sim_luck(sim, 5 * SECOND));
        plug_set_island(sim_plug(bob), 1);
    }
    plug_set_island(sim_plug(bob), 0);
    story_ends_well(sim, alice, bob, 10 * MINUTE);
    CHECK(node_contact_next(sim_engine(alice), 0, &contact) == ANSWER_DONE);
    CHECK(contact.safety.session && contact.safety.reset == 0 && !contact.safety.forked);
}
