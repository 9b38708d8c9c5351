#include "apps/daemon/config.h"

#include "base/mem.h"

#include <ini.h>
#include <string.h>

static bool take_address(struct address *list, size_t *count, size_t most, const char *value)
{
    struct address address;
    if (*count == most || !address_parse(value, &address))
        return false;
    list[(*count)++] = address;
    return true;
}

static bool take_switch(bool *out, const char *value, const char *on, const char *off)
{
    *out = strcmp(value, on) == 0;
    return *out || strcmp(value, off) == 0;
}

static bool is_name(const char *text, size_t size)
{
    bool in_label = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !(in_label && (c == '-' || c == '.')))
            return false;
        in_label = c != '.';
    }
    return in_label && size <= CONFIG_NAME_MAX;
}

static bool is_port(const char *text, uint16_t *out)
{
    unsigned long sum = 0;
    size_t size = strlen(text);
    if (size == 0 || size > 5 || strspn(text, "0123456789") != size)
        return false;
    for (; *text != '\0'; text++)
        sum = 10 * sum + (unsigned long)(*text - '0');
    *out = (uint16_t)sum;
    return sum > 0 && sum <= UINT16_MAX;
}

static bool take_router(struct config *config, const char *value)
{
    struct config_router *router = &config->routers[config->router_count];
    bool is_first = !config->has_routers,
         was_none = config->has_routers && router == config->routers;
    size_t size = strcspn(value, ":");
    config->has_routers = true;
    if (strcmp(value, "none") == 0)
        return is_first;
    if (was_none || config->router_count == CONFIG_ROUTERS_MAX || !is_name(value, size) ||
        value[size] == '\0' || !is_port(value + size + 1, &router->port))
        return false;
    memcpy(router->name, value, size);
    config->router_count++;
    return true;
}

static bool take_key(struct config *config, const char *name, const char *value)
{
    if (strcmp(name, "listen") == 0)
        return take_address(config->listen, &config->listen_count, DAEMON_LISTEN_MAX, value);
    if (strcmp(name, "dht") == 0)
        return take_switch(&config->dht_off, value, "off", "on");
    if (strcmp(name, "nearby") == 0)
        return take_switch(&config->nearby_off, value, "off", "on");
    if (strcmp(name, "dht.bootstrap") == 0)
        return take_address(config->bootstrap, &config->bootstrap_count, CONFIG_BOOTSTRAP_MAX,
                            value);
    if (strcmp(name, "dht.router") == 0)
        return take_router(config, value);
    if (strcmp(name, "dht.read-only") == 0)
        return take_switch(&config->dht_read_only, value, "yes", "no");
    return false;
}

/* libinih's way of saying yes is 1. */
static int take(void *user, const char *section, const char *name, const char *value)
{
    return section[0] == '\0' && take_key(user, name, value);
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
