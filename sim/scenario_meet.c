#include "sim/scenario.h"

#include <stdio.h>

static bool one_link(struct sim_node *node)
{
    struct node_status status;
    return node_status(sim_engine(node), &status) == ANSWER_DONE && status.online == 1 &&
           status.links == 1;
}

/* Both start within a tenth of a second and call each other: one link is left, talk is whole. */
void scenario_both_dial_at_once(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    if (sim_luck(sim, 4) != 0) { /* else this is the first time, through both doors */
        sim_run(sim, 10 * SECOND);
        sim_quit(alice);
        sim_quit(bob);
        sim_restart(alice);
        sim_run(sim, sim_luck(sim, 2) == 0 ? 0 : sim_luck(sim, 120 * MILLISECOND));
        sim_restart(bob);
    }
    story_chatter(sim, alice, bob, 10, 30 * MILLISECOND);
    story_ends_well(sim, alice, bob, 30 * SECOND);
    sim_run(sim, 10 * SECOND);
    CHECK(one_link(alice) && one_link(bob));
    story_chatter(sim, alice, bob, 3, 1 * SECOND);
    story_ends_well(sim, alice, bob, 5 * SECOND);
}

/* Alice adds Bob and writes; Bob's door stays shut until he has added her too. */
void scenario_one_adds_first(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_add(sim, "bob");
    struct node_why why;
    sim_give_card(alice, bob, true);
    sim_say(alice, bob, "are you there?");
    sim_run(sim, sim_luck(sim, 2) == 0 ? 1 * MINUTE : 5 * HOUR);
    CHECK(sim_heard_count(bob) == 0);
    CHECK(sim_why(alice, "are you there?", &why));
    CHECK(!why.online && why.attempt_count > 0 && why.attempts[0].door);
    sim_give_card(bob, alice, sim_luck(sim, 2) == 0);
    sim_run(sim, 3 * MINUTE);
    CHECK(sim_heard(bob, "are you there?") == 1);
    sim_say(bob, alice, "now I am");
    story_ends_well(sim, alice, bob, 10 * SECOND);
}

/* Alice knows where Bob is; Bob has Alice's card and no address of hers. Each may write first. */
void scenario_one_has_no_address(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_add(sim, "bob");
    sim_give_card(bob, alice, false);
    sim_say(bob, alice, "I wait for you");
    sim_run(sim, sim_luck(sim, 60 * SECOND));
    sim_give_card(alice, bob, true);
    story_chatter(sim, alice, bob, 10, 1 * SECOND);
    story_ends_well(sim, alice, bob, 1 * MINUTE);
    CHECK(sim_heard(alice, "I wait for you") == 1);
}

/* Alice sits behind a translator that forgets her soon: Bob is reached, and reaches her back while
   the link lives. */
void scenario_behind_a_nat(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_add(sim, "bob");
    plug_behind_nat(sim_plug(alice), 30 * SECOND + sim_luck(sim, 90 * SECOND));
    sim_introduce(alice, bob);
    story_chatter(sim, alice, bob, 5, 1 * SECOND);
    sim_run(sim, 20 * MINUTE);
    sim_say(bob, alice, "still there?");
    sim_run(sim, 5 * SECOND);
    CHECK(sim_heard(alice, "still there?") == 1);
    sim_move(alice, sim_luck(sim, 2) == 0); /* the translator forgets all, as when it restarts */
    story_chatter(sim, alice, bob, 5, 1 * SECOND);
    story_ends_well(sim, alice, bob, 3 * MINUTE);
}

/* One person with fifty contacts, all of whom talk to her; half-way her computer dies. */
void scenario_many_contacts(struct sim *sim)
{
    struct sim_node *hub = sim_add(sim, "hub"), *friends[50];
    for (unsigned i = 0; i < COUNT(friends); i++) {
        char name[16];
        snprintf(name, sizeof name, "friend%u", i);
        friends[i] = sim_befriend(hub, name);
    }
    for (unsigned i = 0; i < COUNT(friends); i++)
        story_chatter(sim, hub, friends[i], 3, 20 * MILLISECOND);
    sim_kill(hub);
    for (unsigned i = 0; i < COUNT(friends); i++)
        story_chatter(sim, hub, friends[i], 3, 20 * MILLISECOND);
    sim_restart(hub);
    CHECK(sim_run_till_delivered(sim, 5 * MINUTE));
    for (unsigned i = 0; i < COUNT(friends); i++)
        sim_check_talk(hub, friends[i]);
}

/* Bob removes Alice: she cannot reach him any more, and what she says stays hers. When he adds her
   again, it comes. */
void scenario_one_removes_the_other(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    struct node_why why;
    story_chatter(sim, alice, bob, 3, 1 * SECOND);
    sim_run(sim, sim_luck(sim, 2) == 0 ? 0 : 5 * SECOND);
    sim_forget(bob, alice);
    size_t heard = sim_heard_count(bob);
    sim_say(alice, bob, "hello?");
    sim_run(sim, 1 * HOUR);
    CHECK(sim_heard_count(bob) == heard && !sim_knows_delivered(alice, "hello?"));
    CHECK(sim_why(alice, "hello?", &why) && !why.online && why.owed.row != 0);
    sim_give_card(bob, alice, true);
    sim_run(sim, 5 * MINUTE);
    CHECK(sim_heard(bob, "hello?") == 1 && sim_knows_delivered(alice, "hello?"));
    sim_say(bob, alice, "sorry");
    CHECK(sim_run_till_delivered(sim, 5 * SECOND));
    CHECK(sim_heard(alice, "sorry") == 1);
}
