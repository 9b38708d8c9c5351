/* Stories. Each is told under many seeds; see scenarios.c, which tells them. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim/sim.h"

#define CHECK(claim) SIM_CHECK(sim, claim)

/* What more than one story needs. */
void story_say(struct sim *sim, struct sim_node *from, struct sim_node *to, unsigned number);
/* Both say `count` things to each other, with pauses of up to `pause` between. */
void story_chatter(struct sim *sim, struct sim_node *a, struct sim_node *b, unsigned count,
                   duration pause);
/* All is delivered within `most`, and both see what they should. */
void story_ends_well(struct sim *sim, struct sim_node *a, struct sim_node *b, duration most);

/* scenario_sleep.c */
void scenario_message_waits_for_a_sleeping_friend(struct sim *sim);
void scenario_laptops_open_and_shut(struct sim *sim);
void scenario_clock_jumps_forward(struct sim *sim);
void scenario_clock_is_set_back(struct sim *sim);
void scenario_a_long_letter_waits(struct sim *sim);
void scenario_nothing_happens(struct sim *sim);
void scenario_message_expires(struct sim *sim);
void scenario_a_week_passes(struct sim *sim);

/* scenario_weather.c */
void scenario_fair_weather(struct sim *sim);
void scenario_storm_of_loss_and_reordering(struct sim *sim);
void scenario_slow_line(struct sim *sim);
void scenario_partition_heals(struct sim *sim);
void scenario_mtu_falls(struct sim *sim);
void scenario_same_seed_same_packets(struct sim *sim);

/* scenario_meet.c */
void scenario_both_dial_at_once(struct sim *sim);
void scenario_one_adds_first(struct sim *sim);
void scenario_one_has_no_address(struct sim *sim);
void scenario_behind_a_nat(struct sim *sim);
void scenario_many_contacts(struct sim *sim);
void scenario_one_removes_the_other(struct sim *sim);

/* scenario_roam.c */
void scenario_caller_moves(struct sim *sim);
void scenario_called_moves(struct sim *sim);

/* scenario_crash.c */
void scenario_killed_at_every_write(struct sim *sim);
void scenario_power_fails_before_the_acknowledgement(struct sim *sim);
void scenario_killed_while_beginning(struct sim *sim);
void scenario_disk_fills_up(struct sim *sim);
void scenario_disk_rots(struct sim *sim);
void scenario_old_copy_comes_back(struct sim *sim);
void scenario_everything_restarts(struct sim *sim);

/* scenario_session.c */
void scenario_away_for_forty_days(struct sim *sim);
void scenario_many_messages(struct sim *sim);
void scenario_one_speaks_for_a_month(struct sim *sim);
void scenario_sixty_days_of_five(struct sim *sim);
void scenario_sealed_while_apart(struct sim *sim);

/* scenario_stranger.c */
void scenario_stranger_meets_silence(struct sim *sim);
void scenario_old_packets_come_again(struct sim *sim);
void scenario_damaged_packets(struct sim *sim);

/* scenario_chaos.c */
void scenario_everything_goes_wrong(struct sim *sim);

#endif
