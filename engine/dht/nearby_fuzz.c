/* Whatever calls on the local network either names a port or is nothing; what names one is as good
   as what we write with that port. */
#include "engine/dht/dht.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    char ours[DHT_NEARBY_MAX_BYTES];
    struct address from, node, again;
    bool parsed = address_parse("10.1.2.3:4", &from);
    assert(parsed);
    if (!dht_nearby_read(&from, (struct bytes){ data, size }, &node))
        return 0;
    assert(node.port != 0);
    size_t written = dht_nearby_call(ours, node.port, &rng);
    bool read = dht_nearby_read(&from, (struct bytes){ (uint8_t *)ours, written }, &again);
    assert(read && address_equal(&node, &again));
    return 0;
}
