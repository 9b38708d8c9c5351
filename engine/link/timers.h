/* Deadlines in order: a binary heap of timers that live inside what they wake. */
#ifndef LINK_TIMERS_H
#define LINK_TIMERS_H

#include "base/time.h"

#include <stddef.h>

struct timer {
    instant due;
    size_t at; /* place in the heap, from 1; 0: not in it */
};

struct timers {
    struct timer **heap;
    size_t count, room;
};

void timers_finish(struct timers *timers);
/* Sets when it is due; NEVER takes it out. */
void timers_set(struct timers *timers, struct timer *timer, instant due);
struct timer *timers_first(const struct timers *timers); /* NULL: none */

#endif
