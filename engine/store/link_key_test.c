#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;

static struct store_link_key key_of(uint32_t day)
{
    struct store_link_key key = { .from = day };
    memset(key.secret, (int)day, sizeof key.secret);
    return key;
}

static void test_link_keys_are_walked_from_the_newest_and_forgotten_from_the_oldest(void)
{
    static const uint32_t days[] = { 20007, 20000, 20014 };
    struct store_link_key key;
    fixture_begin(&home, NULL);
    CHECK_INT(store_link_key_before(home.store, UINT32_MAX, &key), FAULT_GONE);
    for (size_t i = 0; i < COUNT(days); i++) {
        key = key_of(days[i]);
        CHECK_INT(store_link_key_add(home.store, &key), FAULT_NONE);
    }
    CHECK_INT(store_link_key_forget(home.store, 20007), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_link_key_before(home.store, UINT32_MAX, &key), FAULT_NONE);
    CHECK(key.from == 20014 && key.secret[31] == (uint8_t)20014);
    CHECK_INT(store_link_key_before(home.store, key.from, &key), FAULT_NONE);
    CHECK(key.from == 20007 && key.secret[0] == (uint8_t)20007);
    CHECK_INT(store_link_key_before(home.store, key.from, &key), FAULT_GONE);
    fixture_end(&home);
}

static void test_a_day_has_one_link_key_and_there_is_a_most(void)
{
    struct store_link_key key;
    fixture_begin(&home, NULL);
    for (uint32_t day = 0; day < STORE_LINK_KEYS_MAX; day++) {
        key = key_of(day);
        CHECK_INT(store_link_key_add(home.store, &key), FAULT_NONE);
    }
    fixture_settle(&home);
    key = key_of(STORE_LINK_KEYS_MAX);
    CHECK_INT(store_link_key_add(home.store, &key), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    key = key_of(STORE_LINK_KEYS_MAX - 1);
    key.secret[0] = 0xee;
    CHECK_INT(store_link_key_add(home.store, &key), FAULT_NONE);
    CHECK_INT(store_link_key_before(home.store, UINT32_MAX, &key), FAULT_NONE);
    CHECK(key.from == STORE_LINK_KEYS_MAX - 1 && key.secret[0] == 0xee);
    fixture_end(&home);
}

TESTS(TEST(test_link_keys_are_walked_from_the_newest_and_forgotten_from_the_oldest),
      TEST(test_a_day_has_one_link_key_and_there_is_a_most))
