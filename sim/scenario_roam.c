#include "sim/scenario.h"

/* Only Alice has an address to dial, so that she is the caller. */
static void meet(struct sim *sim, struct sim_node **alice, struct sim_node **bob)
{
    *alice = sim_add(sim, "alice");
    *bob = sim_add(sim, "bob");
    sim_give_card(*bob, *alice, false);
    sim_give_card(*alice, *bob, true);
    story_chatter(sim, *alice, *bob, 3, 1 * SECOND);
    sim_run(sim, 5 * SECOND);
}

/* Whoever notices that he moved says so, and is reached before he has said a word. */
static void check_found_at_once(struct sim *sim, struct sim_node *mover, struct sim_node *other)
{
    CHECK(sim_run_till_delivered(sim, 5 * SECOND));
    sim_run(sim, 100 * MILLISECOND);
    sim_say(other, mover, "where are you now?");
    sim_run(sim, 150 * MILLISECOND);
    CHECK(sim_heard(mover, "where are you now?") > 0);
}

static void moves(struct sim *sim, struct sim_node *alice, struct sim_node *bob,
                  struct sim_node *mover)
{
    for (int i = 0; i < 4; i++) {
        story_chatter(sim, alice, bob, 10, 200 * MILLISECOND);
        bool notices = sim_luck(sim, 2) == 0;
        sim_move(mover, notices);
        if (notices && sim_luck(sim, 2) == 0)
            check_found_at_once(sim, mover, mover == alice ? bob : alice);
        if (sim_luck(sim, 3) == 0)
            plug_set_mtu(sim_plug(mover), 1280 + sim_luck(sim, 220));
        story_chatter(sim, alice, bob, 10, 200 * MILLISECOND);
        story_ends_well(sim, alice, bob, 1 * MINUTE);
        sim_run(sim, sim_luck(sim, 2 * MINUTE));
    }
}

/* The caller's address changes while both talk, with or without her computer noticing. */
void scenario_caller_moves(struct sim *sim)
{
    struct sim_node *alice, *bob;
    meet(sim, &alice, &bob);
    moves(sim, alice, bob, alice);
}

/* The other one moves: it was he who was dialled, at an address that is now wrong. */
void scenario_called_moves(struct sim *sim)
{
    struct sim_node *alice, *bob;
    meet(sim, &alice, &bob);
    moves(sim, alice, bob, bob);
}
