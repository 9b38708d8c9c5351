/* BLAKE2b (RFC 7693) with the whole of its parameter block: our own hash never takes a salt or a
   personal string, nor digests and keys as short as these may be; published vectors do. */
#ifndef TESTS_BLAKE2B_H
#define TESTS_BLAKE2B_H

#include "base/bytes.h"

struct blake2b_parameters {
    size_t size;                      /* of the digest, 1 to 64 */
    struct bytes key, salt, personal; /* at most 64, 16 and 16 bytes; shorter ones end in zeros */
};

/* False when the parameters are out of range. */
bool blake2b(uint8_t *out, const struct blake2b_parameters *parameters, struct bytes data);

#endif
