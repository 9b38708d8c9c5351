/* FIPS 203 with the parameters of ML-KEM-768: k = 3, eta1 = eta2 = 2, du = 10, dv = 4. */
#include "engine/crypto/mlkem.h"

#include "base/mem.h"
#include "engine/crypto/keccak.h"
#include "engine/crypto/mlkem_key.h"

#include <assert.h>
#include <string.h>

#define K       POLY_RANK
#define U_BITS  10
#define V_BITS  4
#define V_AT    (K * POLY_BYTES(U_BITS))
#define RHO_AT  (K * POLY_BYTES(12))
#define M_BYTES 32

_Static_assert(RHO_AT + 32 == MLKEM_PUBLIC_BYTES, "a public key is t and rho");
_Static_assert(V_AT + POLY_BYTES(V_BITS) == MLKEM_CIPHER_BYTES, "a ciphertext is u and v");

/* --- hashes: FIPS 203, 4.1 -------------------------------------------------------------------- */

/* G of two halves, out in two halves. */
static void hash_g(uint8_t left[32], uint8_t right[32], const uint8_t first[32],
                   struct bytes second)
{
    uint8_t in[64], out[64];
    assert(second.size <= 32);
    memcpy(in, first, 32);
    memcpy(in + 32, second.data, second.size);
    sha3_512(out, (struct bytes){ in, 32 + second.size });
    memcpy(left, out, 32);
    memcpy(right, out + 32, 32);
    wipe(in, sizeof in);
    wipe(out, sizeof out);
}

static void hash_j(uint8_t out[32], const uint8_t z[32], const uint8_t cipher[MLKEM_CIPHER_BYTES])
{
    struct shake shake;
    shake256_start(&shake);
    shake_feed(&shake, (struct bytes){ z, 32 });
    shake_feed(&shake, (struct bytes){ cipher, MLKEM_CIPHER_BYTES });
    shake_squeeze(&shake, out, 32);
    wipe(&shake, sizeof shake);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void sample_matrix(struct poly matrix[K * K], const uint8_t rho[32])
{
    for (uint8_t row = 0; row < K; row++)
        for (uint8_t column = 0; column < K; column++)
            poly_sample_uniform(&matrix[row * K + column], rho, column, row);
}

/* `noise` is where the numbering of the vector's noise starts. */
static void sample_vector(struct poly out[K], const uint8_t seed[32], uint8_t first)
{
    for (uint8_t i = 0; i < K; i++) {
        poly_sample_noise(&out[i], seed, (uint8_t)(first + i));
        poly_ntt(&out[i]);
    }
}

/* t = As + e, and the public key that holds it. */
static void make_public(struct mlkem_key *key, uint8_t public[MLKEM_PUBLIC_BYTES],
                        const uint8_t rho[32], const uint8_t sigma[32])
{
    struct poly noise[K];
    sample_matrix(key->open.matrix, rho);
    sample_vector(key->secret, sigma, 0);
    sample_vector(noise, sigma, K);
    for (size_t i = 0; i < K; i++) {
        struct poly *t = &key->open.t[i];
        poly_dot(t, key->open.matrix + i * K, 1, key->secret);
        poly_heal(t);
        poly_add(t, &noise[i]);
        poly_encode(public + i * POLY_BYTES(12), t);
        poly_decode(t, public + i * POLY_BYTES(12)); /* 0 to q - 1 from here on */
    }
    memcpy(public + RHO_AT, rho, 32);
    wipe(noise, sizeof noise);
}

void mlkem_expand(struct mlkem_key *out, uint8_t public[MLKEM_PUBLIC_BYTES],
                  const uint8_t seed[MLKEM_SEED_BYTES])
{
    static const uint8_t rank = K; /* the domain byte of the final standard */
    uint8_t rho[32], sigma[32];
    hash_g(rho, sigma, seed, (struct bytes){ &rank, 1 });
    make_public(out, public, rho, sigma);
    sha3_256(out->open.hash, (struct bytes){ public, MLKEM_PUBLIC_BYTES });
    memcpy(out->rejection, seed + 32, 32);
    wipe(sigma, sizeof sigma);
}

void mlkem_pair_from_seed(struct mlkem_pair *out, const uint8_t seed[MLKEM_SEED_BYTES])
{
    struct mlkem_key key;
    memmove(out->seed, seed, MLKEM_SEED_BYTES);
    mlkem_expand(&key, out->public, out->seed);
    wipe(&key, sizeof key);
}

void mlkem_pair_make(struct mlkem_pair *out, struct rng *rng)
{
    uint8_t seed[MLKEM_SEED_BYTES];
    rng_fill(rng, seed, sizeof seed);
    mlkem_pair_from_seed(out, seed);
    wipe(seed, sizeof seed);
}

static bool read_t(struct poly out[K], const uint8_t public[MLKEM_PUBLIC_BYTES])
{
    bool below = true;
    for (size_t i = 0; i < K; i++) {
        poly_decode(&out[i], public + i * POLY_BYTES(12));
        below &= poly_below_q(&out[i]);
    }
    return below;
}

bool mlkem_public_good(const uint8_t public[MLKEM_PUBLIC_BYTES])
{
    struct poly t[K];
    return read_t(t, public);
}

void mlkem_open(struct mlkem_open *out, const uint8_t public[MLKEM_PUBLIC_BYTES])
{
    bool good = read_t(out->t, public);
    assert(good);
    sample_matrix(out->matrix, public + RHO_AT);
    sha3_256(out->hash, (struct bytes){ public, MLKEM_PUBLIC_BYTES });
}

/* --- K-PKE: FIPS 203, section 5 --------------------------------------------------------------- */

static void add_noise(struct poly *poly, const uint8_t coins[32], uint8_t number)
{
    struct poly noise;
    poly_sample_noise(&noise, coins, number);
    poly_add(poly, &noise);
    wipe(&noise, sizeof noise);
}

/* v = t * y + e2 + m. */
static void encrypt_message(uint8_t *out, const struct mlkem_open *open, const struct poly y[K],
                            const uint8_t m[M_BYTES], const uint8_t coins[32])
{
    struct poly v, message;
    poly_dot(&v, open->t, 1, y);
    poly_ntt_inverse(&v);
    add_noise(&v, coins, 2 * K);
    poly_decompress(&message, m, 1);
    poly_add(&v, &message);
    poly_compress(out, &v, V_BITS);
    wipe(&v, sizeof v);
    wipe(&message, sizeof message);
}

/* u = A^T * y + e1, and v. */
static void encrypt(uint8_t cipher[MLKEM_CIPHER_BYTES], const struct mlkem_open *open,
                    const uint8_t m[M_BYTES], const uint8_t coins[32])
{
    struct poly y[K], u;
    sample_vector(y, coins, 0);
    for (uint8_t i = 0; i < K; i++) {
        poly_dot(&u, open->matrix + i, K, y);
        poly_ntt_inverse(&u);
        add_noise(&u, coins, (uint8_t)(K + i));
        poly_compress(cipher + i * POLY_BYTES(U_BITS), &u, U_BITS);
    }
    encrypt_message(cipher + V_AT, open, y, m, coins);
    wipe(y, sizeof y);
    wipe(&u, sizeof u);
}

/* v - s * u, rounded to bits. */
static void decrypt(uint8_t m[M_BYTES], const struct poly secret[K],
                    const uint8_t cipher[MLKEM_CIPHER_BYTES])
{
    struct poly u[K], v, mask;
    for (size_t i = 0; i < K; i++) {
        poly_decompress(&u[i], cipher + i * POLY_BYTES(U_BITS), U_BITS);
        poly_ntt(&u[i]);
    }
    poly_dot(&mask, secret, 1, u);
    poly_ntt_inverse(&mask);
    poly_decompress(&v, cipher + V_AT, V_BITS);
    poly_subtract(&v, &mask);
    poly_compress(m, &v, 1);
    wipe(u, sizeof u);
    wipe(&v, sizeof v);
    wipe(&mask, sizeof mask);
}

/* --- the KEM: FIPS 203, section 6 ------------------------------------------------------------- */

void mlkem_encapsulate_with(uint8_t cipher[MLKEM_CIPHER_BYTES], uint8_t shared[MLKEM_SHARED_BYTES],
                            const uint8_t public[MLKEM_PUBLIC_BYTES], const uint8_t m[32])
{
    struct mlkem_open open;
    uint8_t coins[32];
    mlkem_open(&open, public);
    hash_g(shared, coins, m, BYTES_OF(open.hash));
    encrypt(cipher, &open, m, coins);
    wipe(coins, sizeof coins);
}

void mlkem_encapsulate(uint8_t cipher[MLKEM_CIPHER_BYTES], uint8_t shared[MLKEM_SHARED_BYTES],
                       const uint8_t public[MLKEM_PUBLIC_BYTES], struct rng *rng)
{
    uint8_t m[M_BYTES];
    rng_fill(rng, m, sizeof m);
    mlkem_encapsulate_with(cipher, shared, public, m);
    wipe(m, sizeof m);
}

/* 0xff if all bytes are the same, else 0: every byte is looked at, and nobody asks before the end.
 */
static uint8_t mask_of_equality(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint32_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= (uint32_t)(a[i] ^ b[i]);
    __asm__(""
            : "+r"(difference)); /* or a compiler may ask early, or turn the mask into a branch */
    return (uint8_t)((difference - 1) >> 8);
}

void mlkem_decapsulate_with(uint8_t shared[MLKEM_SHARED_BYTES], const struct mlkem_key *key,
                            const uint8_t cipher[MLKEM_CIPHER_BYTES])
{
    uint8_t m[M_BYTES], coins[32], agreed[32], rejected[32], again[MLKEM_CIPHER_BYTES];
    decrypt(m, key->secret, cipher);
    hash_g(agreed, coins, m, BYTES_OF(key->open.hash));
    hash_j(rejected, key->rejection, cipher);
    encrypt(again, &key->open, m, coins);
    uint8_t mask = mask_of_equality(again, cipher, MLKEM_CIPHER_BYTES);
    for (size_t i = 0; i < MLKEM_SHARED_BYTES; i++)
        shared[i] = (uint8_t)((agreed[i] & mask) | (rejected[i] & ~mask));
    wipe(m, sizeof m);
    wipe(coins, sizeof coins);
    wipe(agreed, sizeof agreed);
    wipe(rejected, sizeof rejected);
    wipe(again, sizeof again);
}

void mlkem_decapsulate(uint8_t shared[MLKEM_SHARED_BYTES], const uint8_t seed[MLKEM_SEED_BYTES],
                       const uint8_t cipher[MLKEM_CIPHER_BYTES])
{
    struct mlkem_key key;
    uint8_t public[MLKEM_PUBLIC_BYTES];
    mlkem_expand(&key, public, seed);
    mlkem_decapsulate_with(shared, &key, cipher);
    wipe(&key, sizeof key);
}
