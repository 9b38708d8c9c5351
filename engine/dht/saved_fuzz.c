/* Nodes kept over a restart: what is read is written again byte by byte. */
#include "engine/dht/saved.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct saved saved;
    static uint8_t again[DHT_SAVED_MAX_BYTES];
    if (saved_read(&saved, (struct bytes){ data, size }) != FAULT_NONE)
        return 0;
    size_t written = saved_write(&saved, again);
    assert(written == size && memcmp(again, data, size) == 0);
    return 0;
}
