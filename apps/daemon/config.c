#include "apps/daemon/config.h"

#include "base/mem.h"

#include <ini.h>
#include <string.h>

static bool take_listen(struct config *config, const char *value)
{
    struct address address;
    if (config->listen_count == DAEMON_LISTEN_MAX || !address_parse(value, &address))
        return false;
    config->listen[config->listen_count++] = address;
    return true;
}

/* libinih's way of saying yes is 1. */
static int take(void *user, const char *section, const char *name, const char *value)
{
    return section[0] == '\0' && strcmp(name, "listen") == 0 && take_listen(user, value);
}

/* libinih passes over a section's head in silence, ends at a NUL, and cuts what is longer than its
   line: all three would hide a mistake, so they are looked for first. */
#define LINE_MAX_BYTES 150

static size_t first_odd_line(struct bytes text)
{
    size_t line = 1, start = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\0' || (i == start && text.data[i] == '[') ||
            i - start >= LINE_MAX_BYTES)
            return line;
        if (text.data[i] == '\n')
            line++, start = i + 1;
    }
    return 0;
}

size_t config_read(struct config *out, struct bytes text)
{
    *out = (struct config){ 0 };
    size_t odd = text.size > CONFIG_MAX_BYTES ? 1 : first_odd_line(text);
    if (odd == 0) {
        char *copy = mem_zeroed(text.size + 1, 1);
        if (text.size > 0)
            memcpy(copy, text.data, text.size);
        int result = ini_parse_string(copy, take, out);
        odd = result > 0 ? (size_t)result : result < 0;
        mem_free(copy);
    }
    if (odd != 0)
        *out = (struct config){ 0 };
    return odd;
}
