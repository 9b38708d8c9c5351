/* Run under valgrind by tests/constant_time_test.py. Secrets are marked as memory nobody has ever
   written, which memcheck follows through all arithmetic: it speaks up where a branch or an index
   depends on one, and these are the ways in which a computation takes longer for one secret than
   for another. (Division is the third; the script looks for it in the machine code.)

   With -DLEAK=1 or 2 this program itself branches on a secret, or uses one as an index: the check
   must then fail, or it shows nothing. */
#include "base/rng.h"
#include "engine/crypto/hash.h"
#include "engine/crypto/mlkem.h"
#include "engine/crypto/poly.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#ifndef LEAK
#define LEAK 0
#endif

static void hide(void *memory, size_t size)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(memory, size);
}

/* Only for what everybody may know; each use says why. */
static void publish(void *memory, size_t size)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(memory, size);
}

/* Luck is secret from the moment it is drawn. */
static void fill_hidden(void *source, void *out, size_t size)
{
    rng_fill(source, out, size);
    hide(out, size);
}

/* The linker puts this in front of the sampling of the matrix, which does branch: its seed rho is
   made from the secret d, but is the last part of the public key. */
void __real_poly_sample_uniform(struct poly *out, const uint8_t rho[32], uint8_t column,
                                uint8_t row);
void __wrap_poly_sample_uniform(struct poly *out, const uint8_t rho[32], uint8_t column,
                                uint8_t row);
void __wrap_poly_sample_uniform(struct poly *out, const uint8_t rho[32], uint8_t column,
                                uint8_t row)
{
    uint8_t public[32];
    memcpy(public, rho, sizeof public);
    publish(public, sizeof public);
    __real_poly_sample_uniform(out, public, column, row);
}

/* Whether two secrets are the same is what their owner acts on, so the answer may be known. */
static bool same(const uint8_t *a, const uint8_t *b, size_t size)
{
    bool answer = secret_equal(a, b, size);
    publish(&answer, sizeof answer);
    return answer;
}

static void leak(const uint8_t *secret)
{
    static const char table[256] = { 1 };
    if (LEAK == 1 && (secret[0] & 1) != 0)
        puts("the secret is odd");
    if (LEAK == 2) {
        volatile char looked_up = table[secret[0]];
        (void)looked_up;
    }
}

/* True when everything also came out right. */
static bool exchange(struct rng *rng)
{
    struct mlkem_pair pair, again;
    uint8_t cipher[MLKEM_CIPHER_BYTES], sent[MLKEM_SHARED_BYTES], opened[MLKEM_SHARED_BYTES];
    mlkem_pair_make(&pair, rng);
    mlkem_pair_from_seed(&again, pair.seed);
    publish(pair.public, sizeof pair.public); /* it is sent to everybody */
    leak(pair.seed);
    mlkem_encapsulate(cipher, sent, pair.public, rng);
    publish(cipher, sizeof cipher); /* it is sent over the wire */
    mlkem_decapsulate(opened, pair.seed, cipher);
    bool good =
        same(again.public, pair.public, sizeof pair.public) && same(sent, opened, sizeof sent);
    cipher[700] ^= 4; /* now it was not made for this key, which must not show either */
    mlkem_decapsulate(opened, pair.seed, cipher);
    good &= !same(sent, opened, sizeof sent);
    memset(cipher, 0, sizeof cipher);
    mlkem_decapsulate(opened, pair.seed, cipher);
    return good && !same(sent, opened, sizeof sent);
}

int main(void)
{
    struct rng_seeded memory;
    struct rng seeded = rng_from_seed(&memory, 1), hidden = { fill_hidden, &seeded };
    bool good = RUNNING_ON_VALGRIND != 0;
    for (int i = 0; i < 3; i++)
        good &= exchange(&hidden);
    puts(good ? "good" : "wrong");
    return good ? 0 : 1;
}
