#include "sim/scenario.h"

#include <stdio.h>

void story_say(struct sim *sim, struct sim_node *from, struct sim_node *to, unsigned number)
{
    char text[64];
    snprintf(text, sizeof text, "number %u at %llu ms", number,
             (unsigned long long)(sim_age(sim) / MILLISECOND));
    sim_say(from, to, text);
}

void story_chatter(struct sim *sim, struct sim_node *a, struct sim_node *b, unsigned count,
                   duration pause)
{
    for (unsigned i = 0; i < count; i++) {
        story_say(sim, a, b, i);
        story_say(sim, b, a, i);
        if (pause > 0)
            sim_run(sim, sim_luck(sim, pause));
    }
}

void story_ends_well(struct sim *sim, struct sim_node *a, struct sim_node *b, duration most)
{
    CHECK(sim_run_till_delivered(sim, most));
    sim_run(sim, 1 * SECOND); /* what was shown late, or twice, would show now */
    sim_check_talk(a, b);
}
