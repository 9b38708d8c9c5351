/* BLAKE2s (RFC 7693), unkeyed, 32 bytes: libsodium lacks it and the product does not need it;
   published Noise vectors do. */
#ifndef TESTS_BLAKE2S_H
#define TESTS_BLAKE2S_H

#include "base/bytes.h"

void blake2s(uint8_t out[32], const struct bytes *parts, size_t count);

#endif
