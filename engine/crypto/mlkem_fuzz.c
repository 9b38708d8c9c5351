/* A public key is either refused or has one spelling and can be used by whoever has the private
   one. A ciphertext of whatever bytes gives a secret, and never the true one unless it is the true
   ciphertext. Bytes are tried as they are and laid over true ones, so that every refusal is near.
 */
#include "engine/crypto/mlkem.h"
#include "engine/crypto/keccak.h"
#include "engine/crypto/poly.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mlkem_pair pair;
static uint8_t cipher[MLKEM_CIPHER_BYTES], shared[MLKEM_SHARED_BYTES];

static void make_genuine(void)
{
    static bool made;
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    if (made)
        return;
    mlkem_pair_make(&pair, &rng);
    mlkem_encapsulate(cipher, shared, pair.public, &rng);
    made = true;
}

static void lay_over(uint8_t *bytes, size_t size, struct bytes in)
{
    for (size_t i = 0; i < in.size && i < size; i++)
        bytes[i] ^= in.data[i];
}

/* Good is what is written again as it was read: numbers have one spelling. */
static void try_public(const uint8_t public[MLKEM_PUBLIC_BYTES])
{
    uint8_t again[MLKEM_PUBLIC_BYTES], made[MLKEM_CIPHER_BYTES], secret[MLKEM_SHARED_BYTES];
    static const uint8_t m[32] = { 1 };
    memcpy(again, public, sizeof again);
    for (size_t i = 0; i < POLY_RANK; i++) {
        struct poly t;
        poly_decode(&t, public + i * POLY_BYTES(12));
        poly_encode(again + i * POLY_BYTES(12), &t);
    }
    bool good = mlkem_public_good(public);
    assert(good == (memcmp(again, public, sizeof again) == 0));
    if (good)
        mlkem_encapsulate_with(made, secret, public, m);
}

static void try_cipher(const uint8_t in[MLKEM_CIPHER_BYTES])
{
    uint8_t opened[MLKEM_SHARED_BYTES], rejected[MLKEM_SHARED_BYTES];
    struct shake shake;
    bool genuine = memcmp(in, cipher, sizeof cipher) == 0;
    mlkem_decapsulate(opened, pair.seed, in);
    shake256_start(&shake);
    shake_feed(&shake, (struct bytes){ pair.seed + 32, 32 });
    shake_feed(&shake, (struct bytes){ in, MLKEM_CIPHER_BYTES });
    shake_squeeze(&shake, rejected, sizeof rejected);
    assert(memcmp(opened, genuine ? shared : rejected, sizeof opened) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t public[MLKEM_PUBLIC_BYTES] = { 0 }, bytes[MLKEM_CIPHER_BYTES] = { 0 };
    struct bytes in = { data, size };
    make_genuine();
    lay_over(public, sizeof public, in);
    try_public(public);
    memcpy(public, pair.public, sizeof public);
    lay_over(public, sizeof public, in);
    try_public(public);
    lay_over(bytes, sizeof bytes, in);
    try_cipher(bytes);
    memcpy(bytes, cipher, sizeof bytes);
    lay_over(bytes, sizeof bytes, in);
    try_cipher(bytes);
    return 0;
}
