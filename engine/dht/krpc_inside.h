/* What the files that read and write messages share. */
#ifndef DHT_KRPC_INSIDE_H
#define DHT_KRPC_INSIDE_H

#include "engine/dht/bencode.h"
#include "engine/dht/krpc.h"

#define PEER_IPV4_BYTES 6
#define PEER_IPV6_BYTES 18
#define NODE_IPV4_BYTES (DHT_ID_BYTES + PEER_IPV4_BYTES)
#define NODE_IPV6_BYTES (DHT_ID_BYTES + PEER_IPV6_BYTES)

/* Bytes of a literal, without its NUL; the first also where a constant is wanted. */
#define TEXT_OF(literal)                                                                           \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
#define TEXT(literal) ((struct bytes)TEXT_OF(literal))

extern const struct bytes krpc_names[KRPC_UNKNOWN]; /* of the methods */

/* Compact: 6 or 18 bytes; other sizes are refused. */
bool krpc_take_address(struct bytes wire, struct address *out);
bool krpc_put_address(struct cursor *out, const struct address *at);

#endif
