/* Instants as RFC 3339 has them: UTC with milliseconds. */
#include "rpc/rpc.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void rpc_time_print(instant when, char text[RPC_TIME_BYTES])
{
    time_t seconds = (time_t)(when / SECOND);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t size = strftime(text, RPC_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, RPC_TIME_BYTES - size, ".%03uZ",
             (unsigned)(when % SECOND / MILLISECOND) % 1000);
}

/* Only the form we print, so that equal times are equal texts. */
bool rpc_time_parse(const char *text, instant *out)
{
    struct tm parts = { 0 };
    unsigned thousandths = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL || sscanf(rest, ".%3uZ", &thousandths) != 1)
        return false;
    time_t seconds = timegm(&parts);
    if (seconds < 0 || (uint64_t)seconds > NEVER / SECOND - 1)
        return false;
    instant when = (instant)seconds * SECOND + thousandths * MILLISECOND;
    char again[RPC_TIME_BYTES];
    rpc_time_print(when, again);
    if (strcmp(again, text) != 0)
        return false;
    *out = when;
    return true;
}
