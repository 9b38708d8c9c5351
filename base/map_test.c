#include "base/map.h"
#include "base/rng.h"
#include "tests/test.h"

static struct bytes key(const uint64_t *number)
{
    return (struct bytes){ (const uint8_t *)number, sizeof *number };
}

static void test_a_map_finds_what_it_was_given(void)
{
    struct map *map = map_create(4, 1);
    uint64_t one = 1, two = 2;
    CHECK(map_put(map, key(&one), &one));
    CHECK(!map_put(map, key(&one), &two)); /* the first stays */
    CHECK(map_get(map, key(&one)) == &one);
    CHECK(map_get(map, key(&two)) == NULL);
    CHECK(map_remove(map, key(&one)) == &one && map_remove(map, key(&one)) == NULL);
    CHECK_INT(map_count(map), 0);
    map_destroy(map);
}

static void test_a_full_map_refuses(void)
{
    struct map *map = map_create(3, 1);
    uint64_t numbers[4] = { 1, 2, 3, 4 };
    for (size_t i = 0; i < 3; i++)
        CHECK(map_put(map, key(&numbers[i]), &numbers[i]));
    CHECK(!map_put(map, key(&numbers[3]), &numbers[3]));
    CHECK_INT(map_count(map), 3);
    map_destroy(map);
}

static void test_keys_of_different_length_differ(void)
{
    struct map *map = map_create(9, 1);
    static const uint8_t zeros[MAP_KEY_MAX_BYTES] = { 0 };
    int a, b;
    CHECK(map_put(map, (struct bytes){ zeros, 7 }, &a));
    CHECK(map_put(map, (struct bytes){ zeros, 8 }, &b));
    CHECK(map_get(map, (struct bytes){ zeros, 7 }) == &a);
    CHECK(map_get(map, (struct bytes){ zeros, MAP_KEY_MAX_BYTES }) == NULL);
    map_destroy(map);
}

/* Against an array that cannot be wrong: many strangers come and go. */
static void test_a_map_agrees_with_an_array_through_many_changes(void)
{
    static uint64_t numbers[512];
    static bool inside[512];
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 5);
    struct map *map = map_create(512, 7);
    size_t count = 0;
    for (size_t i = 0; i < 512; i++)
        numbers[i] = i;
    for (int step = 0; step < 100000; step++) {
        size_t i = rng_below(&rng, 512);
        if (rng_below(&rng, 2) == 0) {
            CHECK(map_put(map, key(&numbers[i]), &numbers[i]) == !inside[i]);
            count += !inside[i];
            inside[i] = true;
        } else {
            CHECK(map_remove(map, key(&numbers[i])) == (inside[i] ? &numbers[i] : NULL));
            count -= inside[i];
            inside[i] = false;
        }
        CHECK_INT(map_count(map), count);
    }
    for (size_t i = 0; i < 512; i++)
        CHECK((map_get(map, key(&numbers[i])) != NULL) == inside[i]);
    size_t at = 0, seen = 0;
    while (map_each(map, &at) != NULL)
        seen++;
    CHECK_INT(seen, count);
    map_destroy(map);
}

TESTS(TEST(test_a_map_finds_what_it_was_given), TEST(test_a_full_map_refuses),
      TEST(test_keys_of_different_length_differ),
      TEST(test_a_map_agrees_with_an_array_through_many_changes))
