/* Values of options, read strictly. */
#include "apps/cli/options.h"

#include <string.h>

#include "base/bytes.h"

bool whole_from(const char *text, int64_t most, int64_t *out)
{
    int64_t sum = 0;
    if (text[0] == '\0')
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        int digit = *at - '0';
        if (digit < 0 || digit > 9 || sum > most / 10 || 10 * sum > most - digit)
            return false;
        sum = 10 * sum + digit;
    }
    *out = sum;
    return true;
}

bool duration_from(const char *text, duration *out)
{
    static const struct {
        const char *name;
        duration unit;
    } units[] = { { "ms", MILLISECOND }, { "s", SECOND }, { "m", MINUTE },
                  { "h", HOUR },         { "d", DAY },    { "", SECOND } };
    const duration most = 365 * DAY;
    char digits[16] = "";
    size_t size = strspn(text, "0123456789");
    int64_t count;
    if (size >= sizeof digits)
        return false;
    memcpy(digits, text, size);
    for (size_t i = 0; i < COUNT(units); i++) {
        if (strcmp(text + size, units[i].name) != 0)
            continue;
        if (!whole_from(digits, (int64_t)(most / units[i].unit), &count))
            return false;
        *out = (duration)count * units[i].unit;
        return true;
    }
    return false;
}
