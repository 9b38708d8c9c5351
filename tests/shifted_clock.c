/* Preloaded into a program, sets its wall clock back or forward by so many seconds as the
   environment says: homes of old releases hold messages that would have expired by today's. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef int clock_reader(clockid_t clock, struct timespec *out);

static clock_reader *real;
static time_t shift;

/* Before main, and so before the program gives up its rights. */
__attribute__((constructor)) static void begin(void)
{
    const char *seconds = getenv("CLOCK_SHIFT_SECONDS");
    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime"); /* the cast that POSIX names */
    if (real == NULL || seconds == NULL)
        abort();
    shift = (time_t)strtoll(seconds, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = real(clock, out);
    if (result == 0 && clock == CLOCK_REALTIME)
        out->tv_sec += shift;
    return result;
}
