/* Whom a token is good for, and how long. */
#include "engine/dht/token.h"
#include "tests/test.h"

#include "base/rng.h"

static const instant start = 20000 * DAY;
static const struct dht_id here = { { 1, 2, 3 } }, elsewhere = { { 1, 2, 4 } };

static struct address somebody(uint8_t last, uint16_t port)
{
    return (struct address){ .ip = { [10] = 0xff, [11] = 0xff, 91, 5, 3, last }, .port = port };
}

static struct tokens begin(struct rng *rng, struct rng_seeded *luck)
{
    struct tokens tokens;
    *rng = rng_from_seed(luck, 5);
    tokens_start(&tokens, start, rng);
    return tokens;
}

static void test_a_token_is_good_for_one_address_and_one_place(void)
{
    struct rng_seeded luck;
    struct rng rng;
    struct tokens tokens = begin(&rng, &luck);
    struct address he = somebody(1, 6881), his_other_port = somebody(1, 1),
                   another = somebody(2, 6881);
    uint8_t token[TOKEN_BYTES];
    token_make(&tokens, &he, &here, token);
    CHECK(token_is_good(&tokens, &he, &here, BYTES_OF(token)));
    CHECK(token_is_good(&tokens, &his_other_port, &here, BYTES_OF(token)));
    CHECK(!token_is_good(&tokens, &another, &here, BYTES_OF(token)));
    CHECK(!token_is_good(&tokens, &he, &elsewhere, BYTES_OF(token)));
    for (unsigned bit = 0; bit < 8 * TOKEN_BYTES; bit++) {
        token[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(!token_is_good(&tokens, &he, &here, BYTES_OF(token)));
        token[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_no_other_length_is_good(void)
{
    struct rng_seeded luck;
    struct rng rng;
    struct tokens tokens = begin(&rng, &luck);
    struct address he = somebody(1, 6881);
    uint8_t token[TOKEN_BYTES + 1] = { 0 };
    token_make(&tokens, &he, &here, token);
    for (size_t size = 0; size <= sizeof token; size++)
        CHECK_INT(token_is_good(&tokens, &he, &here, (struct bytes){ token, size }),
                  size == TOKEN_BYTES);
}

static void test_a_token_outlives_one_change_and_not_two(void)
{
    struct rng_seeded luck;
    struct rng rng;
    struct tokens tokens = begin(&rng, &luck);
    struct address he = somebody(1, 6881);
    uint8_t token[TOKEN_BYTES];
    token_make(&tokens, &he, &here, token);
    CHECK(tokens.change == start + TOKEN_CHANGE);
    tokens_advance(&tokens, start + TOKEN_CHANGE, &rng);
    CHECK(token_is_good(&tokens, &he, &here, BYTES_OF(token)));
    tokens_advance(&tokens, start + 2 * TOKEN_CHANGE, &rng);
    CHECK(!token_is_good(&tokens, &he, &here, BYTES_OF(token)));
}

static void test_a_token_does_not_outlive_our_sleep(void)
{
    struct rng_seeded luck;
    struct rng rng;
    struct tokens tokens = begin(&rng, &luck);
    struct address he = somebody(1, 6881);
    uint8_t token[TOKEN_BYTES];
    token_make(&tokens, &he, &here, token);
    tokens_advance(&tokens, start + 2 * TOKEN_CHANGE, &rng);
    CHECK(!token_is_good(&tokens, &he, &here, BYTES_OF(token)));
    tokens_finish(&tokens);
    static const struct tokens wiped;
    CHECK_BYTES(&tokens, &wiped, sizeof wiped);
}

TESTS(TEST(test_a_token_is_good_for_one_address_and_one_place), TEST(test_no_other_length_is_good),
      TEST(test_a_token_outlives_one_change_and_not_two),
      TEST(test_a_token_does_not_outlive_our_sleep))
