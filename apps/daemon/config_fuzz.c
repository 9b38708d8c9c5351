/* A config either names a line of its own that does not read, and gives nothing, or reads within
   its limits. */
#include "apps/daemon/config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    size_t line = config_read(&config, (struct bytes){ data, size });
    assert(line <= size + 1);
    assert(line == 0 || (config.listen_count == 0 && config.bootstrap_count == 0 &&
                         config.router_count == 0 && !config.has_routers));
    assert(config.listen_count <= DAEMON_LISTEN_MAX);
    assert(config.bootstrap_count <= CONFIG_BOOTSTRAP_MAX);
    assert(config.router_count <= CONFIG_ROUTERS_MAX);
    assert(config.has_routers || config.router_count == 0);
    for (size_t i = 0; i < config.router_count; i++)
        assert(config.routers[i].port != 0 && config.routers[i].name[0] != '\0' &&
               config.routers[i].name[CONFIG_NAME_MAX] == '\0');
    return 0;
}
