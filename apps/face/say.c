/* Small words of all faces: times, nearest words, whether to colour. */
#include "apps/face/face.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool face_may_colour(int descriptor)
{
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(descriptor) == 1 && (refused == NULL || refused[0] == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

void face_time(instant when, instant now, char text[FACE_TIME_BYTES])
{
    time_t then_seconds = (time_t)(when / SECOND), now_seconds = (time_t)(now / SECOND);
    struct tm then, today;
    localtime_r(&then_seconds, &then);
    localtime_r(&now_seconds, &today);
    const char *format = then.tm_year != today.tm_year   ? "%-d %b %Y %H:%M"
                         : then.tm_yday != today.tm_yday ? "%-d %b %H:%M"
                                                         : "%H:%M";
    if (strftime(text, FACE_TIME_BYTES, format, &then) == 0)
        text[0] = '\0';
}

void face_duration(duration time, char text[FACE_TIME_BYTES])
{
    static const struct {
        duration unit;
        const char *name;
    } units[] = { { DAY, "days" }, { HOUR, "h" }, { MINUTE, "min" }, { SECOND, "s" } };
    for (size_t i = 0; i < COUNT(units); i++) {
        unsigned long long count = time / units[i].unit;
        if (count < 2)
            continue; /* "90 s" tells more than "1 min" */
        snprintf(text, FACE_TIME_BYTES, "%llu %s", count, units[i].name);
        return;
    }
    snprintf(text, FACE_TIME_BYTES, "%llu ms", (unsigned long long)(time / MILLISECOND));
}

#define WORD_MAX_BYTES 64 /* longer words resemble nothing */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Letters to insert, remove, replace or swap with their neighbour (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX_BYTES + 1], a_size = strlen(a), b_size = strlen(b);
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(last[j] + 1, now[j - 1] + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], now[j], before[j - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

const char *face_nearest(const char *word, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t size = strlen(word), best = 1 + (size + 1) / 3;
    if (size > WORD_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t apart = strlen(words[i]) <= WORD_MAX_BYTES ? distance(word, words[i]) : best;
        if (apart < best) {
            best = apart;
            nearest = words[i];
        }
    }
    return nearest;
}
