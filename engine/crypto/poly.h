/* Polynomials of ML-KEM: 256 coefficients modulo q = 3329 (FIPS 203, section 4), the arithmetic
   under mlkem.c and of use to nobody else.

   A coefficient is any int16_t that is congruent to what is meant; each function says how far from
   zero its coefficients may be and how far they come out. Nothing here branches on a coefficient,
   uses one as an index or divides by anything, except poly_sample_uniform and poly_below_q, which
   see public keys only.

   Products lose a factor 2^16 (Montgomery); the functions below say where it is lost and found. */
#ifndef CRYPTO_POLY_H
#define CRYPTO_POLY_H

#include "base/bytes.h"

#define POLY_Q            3329
#define POLY_COEFFICIENTS 256
#define POLY_RANK         3                                      /* ML-KEM-768: k = 3 */
#define POLY_BYTES(bits)  ((size_t)(bits)*POLY_COEFFICIENTS / 8) /* encoded, so many bits each */

struct poly {
    int16_t at[POLY_COEFFICIENTS];
};

/* wide / 2^16 modulo q, for |wide| < q * 2^15; the result is less than q from zero. */
int16_t poly_montgomery(int32_t wide);
/* The same modulo q, at most (q - 1) / 2 from zero; for every int16_t. */
int16_t poly_barrett(int16_t x);

/* SampleNTT (algorithm 7) over rho || column || row: 0 to q - 1. Public input only. */
void poly_sample_uniform(struct poly *out, const uint8_t rho[32], uint8_t column, uint8_t row);
/* SamplePolyCBD with eta 2 (algorithm 8) over SHAKE256(seed || number): -2 to 2. */
void poly_sample_noise(struct poly *out, const uint8_t seed[32], uint8_t number);

/* NTT (algorithm 9), in place: from less than q to at most (q - 1) / 2. */
void poly_ntt(struct poly *poly);
/* Its inverse (algorithm 10) times 2^16, which heals a product: from and to less than q. */
void poly_ntt_inverse(struct poly *poly);
/* The sum of three products in the NTT domain (algorithm 11), divided by 2^16: a[0] * b[0] +
   a[stride] * b[1] + a[2 * stride] * b[2]. From a less than 4096 and b at most q / 2 to less than q
   from zero. */
void poly_dot(struct poly *out, const struct poly *a, size_t stride, const struct poly *b);
/* Times 2^16, which heals a product that stays in the NTT domain. Every int16_t to less than q. */
void poly_heal(struct poly *poly);

/* Coefficient by coefficient; the sums must fit an int16_t. */
void poly_add(struct poly *poly, const struct poly *other);
void poly_subtract(struct poly *poly, const struct poly *other);

/* ByteEncode and ByteDecode (algorithms 5 and 6) of 12 bits each. Encodes every int16_t; decodes to
   less than 4096. */
void poly_encode(uint8_t out[POLY_BYTES(12)], const struct poly *poly);
void poly_decode(struct poly *out, const uint8_t in[POLY_BYTES(12)]);
bool poly_below_q(const struct poly *poly);
/* Compress and encode, decode and decompress (4.7 and 4.8): `bits` is 1, 4 or 10. Takes every
   int16_t, gives 0 to q - 1. */
void poly_compress(uint8_t *out, const struct poly *poly, unsigned bits);
void poly_decompress(struct poly *out, const uint8_t *in, unsigned bits);

#endif
