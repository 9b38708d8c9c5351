/* ML-KEM-768 (FIPS 203), the one KEM that libsodium lacks on Debian 12.

   A secret key is kept as its 64-byte seed d || z and nothing else: the expanded form would not
   bind the key to its hash. No branch, index or division depends on a secret; tests/ct shows it
   under valgrind. Decapsulation never fails: a ciphertext that was not made for the key gives a
   secret nobody else knows. */
#ifndef CRYPTO_MLKEM_H
#define CRYPTO_MLKEM_H

#include "base/bytes.h"
#include "base/rng.h"

#define MLKEM_SEED_BYTES   64
#define MLKEM_PUBLIC_BYTES 1184
#define MLKEM_CIPHER_BYTES 1088
#define MLKEM_SHARED_BYTES 32

struct mlkem_pair {
    uint8_t seed[MLKEM_SEED_BYTES];
    uint8_t public[MLKEM_PUBLIC_BYTES];
};

void mlkem_pair_make(struct mlkem_pair *out, struct rng *rng);
void mlkem_pair_from_seed(struct mlkem_pair *out, const uint8_t seed[MLKEM_SEED_BYTES]);
/* Every coefficient below q: FIPS 203, 7.2. */
bool mlkem_public_good(const uint8_t public[MLKEM_PUBLIC_BYTES]);
/* The key must be good. */
void mlkem_encapsulate(uint8_t cipher[MLKEM_CIPHER_BYTES], uint8_t shared[MLKEM_SHARED_BYTES],
                       const uint8_t public[MLKEM_PUBLIC_BYTES], struct rng *rng);
/* The same with the randomness given: for vectors. */
void mlkem_encapsulate_with(uint8_t cipher[MLKEM_CIPHER_BYTES], uint8_t shared[MLKEM_SHARED_BYTES],
                            const uint8_t public[MLKEM_PUBLIC_BYTES], const uint8_t m[32]);
void mlkem_decapsulate(uint8_t shared[MLKEM_SHARED_BYTES], const uint8_t seed[MLKEM_SEED_BYTES],
                       const uint8_t cipher[MLKEM_CIPHER_BYTES]);

#endif
