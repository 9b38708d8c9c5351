/* The two clocks a face needs: one to show times by, one to wait by. */
#include "apps/cli/command.h"

#include <time.h>

static instant clock_now(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (instant)now.tv_sec * SECOND + (instant)now.tv_nsec;
}

instant wall_clock(void)
{
    return clock_now(CLOCK_REALTIME);
}

instant steady_clock(void)
{
    return clock_now(CLOCK_MONOTONIC);
}
