#include "engine/link/timers.h"

#include "base/mem.h"

#define FIRST_ROOM 16

void timers_finish(struct timers *timers)
{
    mem_free(timers->heap);
    *timers = (struct timers){ 0 };
}

static void put(struct timers *timers, size_t at, struct timer *timer)
{
    timers->heap[at] = timer;
    timer->at = at;
}

static void rise(struct timers *timers, size_t at)
{
    struct timer *timer = timers->heap[at];
    for (; at > 1 && timers->heap[at / 2]->due > timer->due; at /= 2)
        put(timers, at, timers->heap[at / 2]);
    put(timers, at, timer);
}

static void sink(struct timers *timers, size_t at)
{
    struct timer *timer = timers->heap[at];
    for (size_t child; (child = 2 * at) <= timers->count; at = child) {
        if (child < timers->count && timers->heap[child + 1]->due < timers->heap[child]->due)
            child++;
        if (timers->heap[child]->due >= timer->due)
            break;
        put(timers, at, timers->heap[child]);
    }
    put(timers, at, timer);
}

static void take_out(struct timers *timers, struct timer *timer)
{
    struct timer *last = timers->heap[timers->count--];
    size_t at = timer->at;
    timer->at = 0;
    if (last == timer)
        return;
    put(timers, at, last);
    rise(timers, at);
    sink(timers, last->at);
}

static void add(struct timers *timers, struct timer *timer)
{
    if (timers->count + 1 >= timers->room) {
        timers->room = timers->room == 0 ? FIRST_ROOM : 2 * timers->room;
        timers->heap = mem_resized(timers->heap, timers->room, sizeof *timers->heap);
    }
    put(timers, ++timers->count, timer);
    rise(timers, timers->count);
}

void timers_set(struct timers *timers, struct timer *timer, instant due)
{
    if (timer->at != 0 && timer->due == due)
        return;
    timer->due = due;
    if (due == NEVER) {
        if (timer->at != 0)
            take_out(timers, timer);
        return;
    }
    if (timer->at == 0) {
        add(timers, timer);
        return;
    }
    rise(timers, timer->at);
    sink(timers, timer->at);
}

struct timer *timers_first(const struct timers *timers)
{
    return timers->count == 0 ? NULL : timers->heap[1];
}
