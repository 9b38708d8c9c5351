/* What outlives a restart: our ids, and nodes that answered. Version 1: u8 version, both ids, two
   u16 counts, then compact nodes, IPv4 first. */
#ifndef DHT_SAVED_H
#define DHT_SAVED_H

#include "engine/dht/dht.h"

struct saved {
    struct dht_id self[2]; /* of IPv4, of IPv6 */
    struct dht_node nodes[2][DHT_SAVED_NODES];
    size_t count[2];
};

size_t saved_write(const struct saved *saved, uint8_t out[DHT_SAVED_MAX_BYTES]);
/* FAULT_PEER: not so made; *out is then undefined. */
enum fault saved_read(struct saved *out, struct bytes wire);

#endif
