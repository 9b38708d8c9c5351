#include "base/secret.h"

#include <stdio.h>

#include "base/rng.h"
#include "tests/test.h"

#define REGION_BYTES 50000 /* no power of two, and not aligned: hosts may be odd */

static _Alignas(64) uint8_t memory[REGION_BYTES + 1];

static bool lies_in_region(const void *secret)
{
    const uint8_t *at = secret;
    return at >= memory && at < memory + sizeof memory;
}

/* Looks at bytes the sanitizer has closed, as a thief would. */
__attribute__((no_sanitize("address"))) static size_t count_in_region(uint8_t byte)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof memory; i++)
        count += ((volatile uint8_t *)memory)[i] == byte;
    return count;
}

static void begin(void)
{
    memset(memory, 0x77, sizeof memory);
    secret_region(memory + 1, REGION_BYTES);
}

static void end(void)
{
    size_t locked, elsewhere;
    secret_usage(&locked, &elsewhere);
    CHECK(locked == 0 && elsewhere == 0);
    secret_region(NULL, 0);
}

static void test_without_a_region_the_heap_serves(void)
{
    static const uint8_t zero[100];
    size_t locked, elsewhere;
    uint8_t *secret = secret_new(100), *nothing = secret_new(0);
    CHECK_BYTES(secret, zero, 100);
    CHECK((uintptr_t)secret % 16 == 0);
    secret_usage(&locked, &elsewhere);
    CHECK(locked == 0 && elsewhere == 100 && nothing);
    secret_free(secret);
    secret_free(nothing);
    secret_free(NULL);
    secret_usage(&locked, &elsewhere);
    CHECK(elsewhere == 0);
}

static void test_a_secret_lies_in_the_region_aligned_and_zeroed(void)
{
    static const size_t sizes[] = { 0, 1, 32, 63, 64, 65, 1000, 4096, 20000 };
    static const uint8_t zero[20000];
    begin();
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint8_t *secret = secret_new(sizes[i]);
        CHECK(lies_in_region(secret) && (uintptr_t)secret % 64 == 0);
        CHECK_BYTES(secret, zero, sizes[i]);
        memset(secret, 0x5a, sizes[i]);
        secret_free(secret);
    }
    end();
}

static void test_freeing_wipes_the_secret_in_the_region(void)
{
    begin();
    uint8_t *kept = secret_new(200), *freed = secret_new(3000);
    memset(kept, 0x5a, 200);
    memset(freed, 0x5b, 3000);
    CHECK(count_in_region(0x5b) >= 3000);
    secret_free(freed);
    CHECK_INT(count_in_region(0x5b), 0);
    CHECK(count_in_region(0x5a) >= 200);
    secret_free(kept);
    CHECK_INT(count_in_region(0x5a), 0);
    end();
}

static void test_a_full_region_overflows_into_the_heap_and_is_used_again(void)
{
    static void *secrets[REGION_BYTES / 64 + 1];
    size_t count = 0, locked, elsewhere;
    begin();
    while (lies_in_region(secrets[count] = secret_new(64)))
        count++;
    secret_usage(&locked, &elsewhere);
    CHECK(locked == 64 * count && elsewhere == 64);
    CHECK(locked > REGION_BYTES * 95 / 100);
    for (size_t i = 0; i <= count; i++)
        secret_free(secrets[i]);
    /* All crumbs have become the one large block again. */
    void *large = secret_new(32768);
    CHECK(lies_in_region(large));
    secret_free(large);
    void *too_large = secret_new(REGION_BYTES);
    CHECK(!lies_in_region(too_large));
    secret_free(too_large);
    end();
}

static void test_no_two_secrets_share_a_byte_whatever_the_order(void)
{
    struct {
        uint8_t *secret, mark;
        size_t size;
    } held[40] = { 0 };
    struct rng_seeded seed;
    struct rng rng = rng_from_seed(&seed, 5);
    begin();
    for (int step = 0; step < 20000; step++) {
        size_t at = (size_t)rng_below(&rng, COUNT(held));
        for (size_t i = 0; i < held[at].size; i++)
            CHECK(held[at].secret[i] == held[at].mark);
        secret_free(held[at].secret);
        held[at].size = (size_t)rng_below(&rng, (uint64_t)1 << rng_below(&rng, 15));
        held[at].mark = (uint8_t)step;
        held[at].secret = secret_new(held[at].size);
        memset(held[at].secret, held[at].mark, held[at].size);
    }
    for (size_t i = 0; i < COUNT(held); i++)
        secret_free(held[i].secret);
    end();
}

static void test_a_dying_process_wipes_whatever_lives_there(void)
{
    begin();
    uint8_t *secret = secret_new(5000), *other;
    memset(secret, 0x5a, 5000);
    secret_wipe_all();
    CHECK_INT(count_in_region(0x5a), 0);
    secret_free(secret); /* whoever still clears up does no harm */
    other = secret_new(10);
    CHECK(!lies_in_region(other));
    secret_free(other);
}

TESTS(TEST(test_without_a_region_the_heap_serves),
      TEST(test_a_secret_lies_in_the_region_aligned_and_zeroed),
      TEST(test_freeing_wipes_the_secret_in_the_region),
      TEST(test_a_full_region_overflows_into_the_heap_and_is_used_again),
      TEST(test_no_two_secrets_share_a_byte_whatever_the_order),
      TEST(test_a_dying_process_wipes_whatever_lives_there))
