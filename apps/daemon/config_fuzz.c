/* A config either names a line of its own that does not read, and gives nothing, or reads within
   its limits. */
#include "apps/daemon/config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    size_t line = config_read(&config, (struct bytes){ data, size });
    assert(line == 0 || config.listen_count == 0);
    assert(line <= size + 1 && config.listen_count <= DAEMON_LISTEN_MAX);
    return 0;
}
