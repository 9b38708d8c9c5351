/* Results are held against vectors in tests/vectors_kem.c, arithmetic in poly_test.c, and that
   secrets leave no trace in time by tests/constant_time_test.py. Here: what a peer may try. */
#include "engine/crypto/keccak.h"
#include "engine/crypto/mlkem_key.h"
#include "tests/test.h"

#include <pthread.h>

static struct rng_seeded luck;
static struct rng rng;
static struct mlkem_pair pair;
static uint8_t cipher[MLKEM_CIPHER_BYTES], shared[MLKEM_SHARED_BYTES];

static void start(uint64_t seed)
{
    rng = rng_from_seed(&luck, seed);
    mlkem_pair_make(&pair, &rng);
    mlkem_encapsulate(cipher, shared, pair.public, &rng);
}

/* J(z || c), what a ciphertext gives that nobody made for this key (FIPS 203, 6.3). */
static void reject(uint8_t out[MLKEM_SHARED_BYTES])
{
    struct shake shake;
    shake256_start(&shake);
    shake_feed(&shake, (struct bytes){ pair.seed + 32, 32 });
    shake_feed(&shake, BYTES_OF(cipher));
    shake_squeeze(&shake, out, MLKEM_SHARED_BYTES);
}

/* The ciphertext as it stands is none of ours. */
static void check_rejected(void)
{
    uint8_t opened[MLKEM_SHARED_BYTES], expected[MLKEM_SHARED_BYTES];
    mlkem_decapsulate(opened, pair.seed, cipher);
    reject(expected);
    CHECK_BYTES(opened, expected, sizeof opened);
    CHECK(memcmp(opened, shared, sizeof opened) != 0);
}

static void test_two_agree_on_a_secret(void)
{
    uint8_t opened[MLKEM_SHARED_BYTES];
    for (uint64_t seed = 0; seed < 100; seed++) {
        start(seed);
        CHECK(mlkem_public_good(pair.public));
        mlkem_decapsulate(opened, pair.seed, cipher);
        CHECK_BYTES(opened, shared, sizeof shared);
    }
}

static void test_one_seed_makes_one_pair(void)
{
    struct mlkem_pair again;
    start(1);
    mlkem_pair_from_seed(&again, pair.seed);
    CHECK(memcmp(&again, &pair, sizeof pair) == 0);
    mlkem_pair_from_seed(&again, again.seed); /* in place */
    CHECK(memcmp(&again, &pair, sizeof pair) == 0);
    for (size_t i = 0; i < 32; i++) { /* d makes the key; z only what is rejected */
        again.seed[i] ^= 1;
        mlkem_pair_from_seed(&again, again.seed);
        CHECK(memcmp(again.public, pair.public, sizeof pair.public) != 0);
        again.seed[i] ^= 1;
    }
}

static void test_luck_decides_key_and_ciphertext(void)
{
    uint8_t first[MLKEM_CIPHER_BYTES], first_shared[MLKEM_SHARED_BYTES];
    struct mlkem_pair other;
    start(2);
    memcpy(first, cipher, sizeof first);
    memcpy(first_shared, shared, sizeof first_shared);
    mlkem_encapsulate(cipher, shared, pair.public, &rng);
    CHECK(memcmp(first, cipher, sizeof first) != 0);
    CHECK(memcmp(first_shared, shared, sizeof first_shared) != 0);
    mlkem_pair_make(&other, &rng);
    CHECK(memcmp(&other, &pair, sizeof pair) != 0);
}

/* One bit of each byte; all of them in a long campaign of the fuzzer. */
static void test_T30_a_changed_ciphertext_is_rejected_in_silence(void)
{
    start(3);
    for (size_t i = 0; i < sizeof cipher; i++) {
        cipher[i] ^= (uint8_t)(1U << i % 8);
        check_rejected();
        cipher[i] ^= (uint8_t)(1U << i % 8);
    }
}

static void test_T30_anything_of_the_right_length_is_a_ciphertext(void)
{
    start(4);
    memset(cipher, 0, sizeof cipher);
    check_rejected();
    memset(cipher, 0xff, sizeof cipher);
    check_rejected();
    for (int i = 0; i < 50; i++) {
        rng_fill(&rng, cipher, sizeof cipher);
        check_rejected();
    }
}

/* A comparison that ends at a zero byte would take these for true. */
static void test_T30_strcmp_what_follows_a_zero_is_compared_too(void)
{
    start(5);
    while (cipher[0] != 0)
        mlkem_encapsulate(cipher, shared, pair.public, &rng);
    for (size_t i = 1; i < sizeof cipher; i += 97) {
        cipher[i] ^= 0x80;
        check_rejected();
        cipher[i] ^= 0x80;
    }
    cipher[sizeof cipher - 1] ^= 1;
    check_rejected();
}

/* Re-encapsulation under another key, and the same with another z, which is the same public key. */
static void test_T30_a_ciphertext_opens_under_its_own_key_only(void)
{
    start(6);
    struct mlkem_pair other, twin = pair;
    mlkem_pair_make(&other, &rng);
    mlkem_encapsulate(cipher, shared, other.public, &rng);
    check_rejected();
    mlkem_encapsulate(cipher, shared, pair.public, &rng);
    twin.seed[63] ^= 1;
    mlkem_pair_from_seed(&twin, twin.seed);
    CHECK_BYTES(twin.public, pair.public, sizeof pair.public);
    uint8_t opened[MLKEM_SHARED_BYTES];
    mlkem_decapsulate(opened, twin.seed, cipher);
    CHECK_BYTES(opened, shared, sizeof shared);
    cipher[0] ^= 1;
    uint8_t one[MLKEM_SHARED_BYTES], two[MLKEM_SHARED_BYTES];
    mlkem_decapsulate(one, pair.seed, cipher);
    mlkem_decapsulate(two, twin.seed, cipher);
    CHECK(memcmp(one, two, sizeof one) != 0);
}

/* The 12 bits of one coefficient of the public key. */
static unsigned coefficient(size_t index, unsigned value)
{
    uint8_t *at = pair.public + index / 2 * 3 + index % 2;
    unsigned was = (at[0] | (unsigned)at[1] << 8) >> index % 2 * 4 & 0xfff;
    unsigned both = (at[0] | (unsigned)at[1] << 8) & ~(0xfffU << index % 2 * 4);
    both |= value << index % 2 * 4;
    at[0] = (uint8_t)both;
    at[1] = (uint8_t)(both >> 8);
    return was;
}

/* Every coefficient, at both edges of what is refused, and every value at one of them. */
static void test_T01_T30_a_public_key_with_a_bad_modulus_is_refused(void)
{
    start(7);
    for (size_t i = 0; i < POLY_RANK * POLY_COEFFICIENTS; i++) {
        unsigned was = coefficient(i, POLY_Q);
        CHECK(!mlkem_public_good(pair.public));
        CHECK_INT(coefficient(i, 4095), POLY_Q);
        CHECK(!mlkem_public_good(pair.public));
        coefficient(i, POLY_Q - 1);
        CHECK(mlkem_public_good(pair.public));
        coefficient(i, was);
    }
    for (unsigned value = 0; value < 4096; value++) {
        coefficient(500, value);
        CHECK(mlkem_public_good(pair.public) == (value < POLY_Q));
    }
}

/* --- what is left behind ------------------------------------------------------------------------

   Each function runs on a stack of ours, which is then searched for every secret of its. */

#define STACK_BYTES (1 << 20)

static _Alignas(4096) uint8_t stack[STACK_BYTES];
static uint8_t message[32], opened_there[MLKEM_SHARED_BYTES];

static void *make_there(void *unused)
{
    mlkem_pair_from_seed(&pair, pair.seed);
    return unused;
}

static void *encapsulate_there(void *unused)
{
    mlkem_encapsulate_with(cipher, shared, pair.public, message);
    return unused;
}

static void *decapsulate_there(void *unused)
{
    mlkem_decapsulate(opened_there, pair.seed, cipher);
    return unused;
}

static void run_there(void *(*function)(void *))
{
    pthread_t thread;
    pthread_attr_t attributes;
    memset(stack, 0, sizeof stack);
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstack(&attributes, stack, sizeof stack), 0);
    CHECK_INT(pthread_create(&thread, &attributes, function, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(pthread_attr_destroy(&attributes), 0);
}

/* Eight bytes, a register's worth, are enough to be noticed. */
static bool is_left(struct bytes secret)
{
    for (size_t i = 0; i + 8 <= secret.size; i += 8)
        for (size_t at = 0; at + 8 <= sizeof stack; at++)
            if (stack[at] == secret.data[i] && memcmp(stack + at, secret.data + i, 8) == 0)
                return true;
    return false;
}

/* The ephemeral secret of a ciphertext, in the NTT domain as it is used. */
static void check_no_y_is_left(const uint8_t coins[32])
{
    struct poly y;
    for (uint8_t i = 0; i < POLY_RANK; i++) {
        poly_sample_noise(&y, coins, i);
        poly_ntt(&y);
        CHECK(!is_left(BYTES_OF(y.at)));
    }
}

static void check_nothing_is_left(void)
{
    struct mlkem_key key;
    uint8_t public[MLKEM_PUBLIC_BYTES], in[64], d_made[64], m_made[64], rejected[32];
    mlkem_expand(&key, public, pair.seed);
    memcpy(in, pair.seed, 32);
    in[32] = POLY_RANK;
    sha3_512(d_made, (struct bytes){ in, 33 }); /* rho, which is public, and sigma */
    memcpy(in, message, 32);
    memcpy(in + 32, key.open.hash, 32);
    sha3_512(m_made, BYTES_OF(in)); /* the shared secret, and the coins */
    reject(rejected);
    CHECK(!is_left(BYTES_OF(pair.seed)) && !is_left((struct bytes){ d_made + 32, 32 }));
    CHECK(!is_left((struct bytes){ (const uint8_t *)key.secret, sizeof key.secret }));
    CHECK(!is_left(BYTES_OF(message)) && !is_left(BYTES_OF(m_made)));
    CHECK(!is_left(BYTES_OF(rejected)));
    check_no_y_is_left(m_made + 32);
}

/* The first test there is: the linker may leave something behind when a function is called for the
   first time. */
static void test_T27_no_secret_stays_on_the_stack(void)
{
    rng = rng_from_seed(&luck, 8);
    rng_fill(&rng, pair.seed, sizeof pair.seed);
    rng_fill(&rng, message, sizeof message);
    run_there(make_there);
    check_nothing_is_left();
    run_there(encapsulate_there);
    check_nothing_is_left();
    run_there(decapsulate_there);
    check_nothing_is_left();
    CHECK_BYTES(opened_there, shared, sizeof shared);
    cipher[9] ^= 1;
    run_there(decapsulate_there);
    check_nothing_is_left();
}

TESTS(TEST(test_T27_no_secret_stays_on_the_stack), TEST(test_two_agree_on_a_secret),
      TEST(test_one_seed_makes_one_pair), TEST(test_luck_decides_key_and_ciphertext),
      TEST(test_T30_a_changed_ciphertext_is_rejected_in_silence),
      TEST(test_T30_anything_of_the_right_length_is_a_ciphertext),
      TEST(test_T30_strcmp_what_follows_a_zero_is_compared_too),
      TEST(test_T30_a_ciphertext_opens_under_its_own_key_only),
      TEST(test_T01_T30_a_public_key_with_a_bad_modulus_is_refused))
