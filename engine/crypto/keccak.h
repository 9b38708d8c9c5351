/* SHA-3 and SHAKE (FIPS 202), which ML-KEM is made of. Nothing else of ours uses them. */
#ifndef CRYPTO_KECCAK_H
#define CRYPTO_KECCAK_H

#include "base/bytes.h"

void sha3_256(uint8_t out[32], struct bytes data);
void sha3_512(uint8_t out[64], struct bytes data);

/* A sponge that is fed, then squeezed for as long as one likes. */
struct shake {
    uint64_t lanes[25];
    size_t rate, at;
    bool squeezing;
};
void shake128_start(struct shake *shake);
void shake256_start(struct shake *shake);
void shake_feed(struct shake *shake, struct bytes data); /* not after the first squeeze */
void shake_squeeze(struct shake *shake, uint8_t *out, size_t size);

#endif
