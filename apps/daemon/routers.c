/* Public entry points of the DHT: the last resort of a node that nobody answers. Their names are
   asked for 40 s after the start at the earliest, then every 10 minutes at most, and never by a
   node that only this machine can reach: see engine/dht/dht.h, DHT_NOBODY. */
#include "apps/daemon/inside.h"

#include <string.h>

/* Alive in May 2026. BEP 5 asks programs to bring nobody to router.bittorrent.com. */
static const struct config_router compiled_in[] = {
    { "dht.libtorrent.org", 25401 },
    { "dht.transmissionbt.com", 6881 },
};

static bool is_loopback(const struct address *at)
{
    static const struct address six = { .ip = { [15] = 1 } };
    return address_is_ipv4(at) ? at->ip[12] == 127 : memcmp(at->ip, six.ip, sizeof six.ip) == 0;
}

/* A node on loopback alone is a test, or somebody's experiment: it has no business out there. */
static bool listens_on_loopback_alone(const struct host *host)
{
    struct address at[HOST_LISTEN_MAX];
    size_t count = host_listening(host, at);
    for (size_t i = 0; i < count; i++)
        if (!is_loopback(&at[i]))
            return false;
    return true;
}

bool routers_wanted(const struct daemon *daemon)
{
    const struct config *config = &daemon->config;
    return !config->dht_off && (!config->has_routers || config->router_count > 0) &&
           !listens_on_loopback_alone(daemon->host);
}

static void on_resolved(void *self, const struct address *at, size_t count)
{
    struct daemon *daemon = self;
    log_line(host_log(daemon->host), LOG_NOTE, "dht", "a public entry point has %zu addresses",
             count);
    if (daemon->node == NULL)
        return; /* locked meanwhile */
    node_dht_try(daemon->node, host_now(daemon->host), DHT_FROM_ROUTER, at, count);
    host_touch(daemon->host);
}

void routers_ask(struct daemon *daemon)
{
    const struct config *config = &daemon->config;
    const struct config_router *routers = config->has_routers ? config->routers : compiled_in;
    size_t count = config->has_routers ? config->router_count : COUNT(compiled_in);
    if (!routers_wanted(daemon))
        return;
    for (size_t i = 0; i < count; i++)
        host_resolve(daemon->host, routers[i].name, routers[i].port, on_resolved, daemon);
}
