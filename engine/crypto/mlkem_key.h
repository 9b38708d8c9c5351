/* ML-KEM keys unpacked, as they are while something is computed with them and at no other time.
   Public to the tests, since published vectors hold keys in this form; the product has none but
   mlkem.h. */
#ifndef CRYPTO_MLKEM_KEY_H
#define CRYPTO_MLKEM_KEY_H

#include "engine/crypto/mlkem.h"
#include "engine/crypto/poly.h"

struct mlkem_open {                            /* what a public key says */
    struct poly matrix[POLY_RANK * POLY_RANK]; /* A, row by row, in the NTT domain */
    struct poly t[POLY_RANK];                  /* As + e, in the NTT domain, 0 to 4095 */
    uint8_t hash[32];                          /* H(public key) */
};

struct mlkem_key {                 /* what a seed makes */
    struct poly secret[POLY_RANK]; /* s, in the NTT domain, less than q from zero */
    struct mlkem_open open;
    uint8_t rejection[32]; /* z: what the secret of a bad ciphertext is made from */
};

void mlkem_open(struct mlkem_open *out, const uint8_t public[MLKEM_PUBLIC_BYTES]);
/* ML-KEM.KeyGen_internal (algorithm 16). The caller wipes `out`. */
void mlkem_expand(struct mlkem_key *out, uint8_t public[MLKEM_PUBLIC_BYTES],
                  const uint8_t seed[MLKEM_SEED_BYTES]);
/* ML-KEM.Decaps_internal (algorithm 18). */
void mlkem_decapsulate_with(uint8_t shared[MLKEM_SHARED_BYTES], const struct mlkem_key *key,
                            const uint8_t cipher[MLKEM_CIPHER_BYTES]);

#endif
