/* Time as the engine knows it: one number handed in by whoever waits.

   An instant counts nanoseconds since 1970 and never runs backwards while a process lives: the host
   takes the wall clock once and then adds what a monotonic clock says, so the same number serves
   timers and the time shown beside a message. The simulator makes its own. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

typedef uint64_t instant;  /* nanoseconds since 1970-01-01 00:00 UTC */
typedef uint64_t duration; /* nanoseconds */

#define MICROSECOND ((duration)1000)
#define MILLISECOND (1000 * MICROSECOND)
#define SECOND      (1000 * MILLISECOND)
#define MINUTE      (60 * SECOND)
#define HOUR        (60 * MINUTE)
#define DAY         (24 * HOUR)
#define WEEK        (7 * DAY)
#define NEVER       UINT64_MAX

static inline instant earlier(instant a, instant b)
{
    return a < b ? a : b;
}

static inline instant later(instant a, instant b)
{
    return a > b ? a : b;
}

/* `from` plus `wait` without wrapping: far enough is never. */
static inline instant after(instant from, duration wait)
{
    return from > NEVER - wait ? NEVER : from + wait;
}

#endif
