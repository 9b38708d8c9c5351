#include "host/inside.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* One write per line, so that lines of several processes in one file stay whole. A log that cannot
   be written has nowhere to complain. */
static void line(void *sink, enum log_level level, const char *room, const char *text)
{
    static const char *const words[] = { "trace", "note", "warning" };
    (void)sink;
    struct timespec now;
    struct tm date;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &date);
    char stamp[32], out[LOG_LINE_MAX_BYTES + 96];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &date);
    int size = snprintf(out, sizeof out, "%s.%03ldZ %s %s: %s\n", stamp, now.tv_nsec / 1000000,
                        words[level], room, text);
    if (size > 0 && write(STDERR_FILENO, out, (size_t)size) < 0)
        return;
}

void log_start(struct log *log, bool verbose)
{
    *log = (struct log){ .line = line, .sink = NULL, .least = verbose ? LOG_TRACE : LOG_WARN };
}
