/* Digests. Everything of ours is BLAKE2b (RFC 7693); every use starts with its own label, so no
   value made for one purpose can serve another. Equality of secrets is asked here, in constant
   time. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/bytes.h"

#define HASH_BYTES     32
#define HASH_MAX_BYTES 64

/* BLAKE2b over `label` (length-prefixed with one byte, at most 255) and then the parts in order,
   each preceded by its u64 length, so that no two lists of parts share an encoding. `key` may be
   empty, else 16 to 64 bytes. `size` is 16 to 64. */
void hash_parts(void *out, size_t size, struct bytes key, const char *label,
                const struct bytes *parts, size_t count);

/* Plain BLAKE2b, for formats fixed elsewhere. key.size 0: unkeyed. */
void hash_blake2b(void *out, size_t size, struct bytes key, struct bytes data);

/* SHA-1 (FIPS 180-4): what the DHT names its places with (BEP 5, 42, 44). Broken against
   collisions: nothing of ours may rest on it. */
#define SHA1_BYTES 20
void hash_sha1(uint8_t out[SHA1_BYTES], struct bytes data);

/* SipHash-2-4 (64 bits out): only to sort honest from blind, never as a signature. */
uint64_t hash_short(const uint8_t key[16], struct bytes data);

bool secret_equal(const void *a, const void *b, size_t size); /* in constant time */

#endif
