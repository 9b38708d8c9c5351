#include "host/inside.h"

#include <assert.h>
#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;
    int got = clock_gettime(clock, &time);
    assert(got == 0);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

/* The wall clock is asked once: whoever sets it later cannot make our time jump. */
void clock_start(struct clock *clock)
{
    clock->since = read_clock(CLOCK_BOOTTIME);
    clock->wall = read_clock(CLOCK_REALTIME);
}

instant clock_now(struct clock *clock)
{
    return clock->wall + (read_clock(CLOCK_BOOTTIME) - clock->since);
}

uint64_t clock_boot_time(const struct clock *clock, instant when)
{
    uint64_t elapsed = when > clock->wall ? when - clock->wall : 0;
    return later(1, after(clock->since, elapsed));
}
