#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;

static void test_a_list_is_replaced_and_ours_is_apart_from_theirs(void)
{
    struct bytes found;
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    CHECK_INT(store_list_get(home.store, bob, &found), FAULT_GONE);
    CHECK_INT(store_list_put(home.store, bob, bytes_of_text("his")), FAULT_NONE);
    CHECK_INT(store_list_put(home.store, 0, bytes_of_text("ours")), FAULT_NONE);
    CHECK_INT(store_list_put(home.store, bob, bytes_of_text("his newer one")), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_list_get(home.store, bob, &found), FAULT_NONE);
    CHECK(bytes_equal(found, bytes_of_text("his newer one")));
    CHECK_INT(store_list_get(home.store, 0, &found), FAULT_NONE);
    CHECK(bytes_equal(found, bytes_of_text("ours")));
    fixture_end(&home);
}

static void test_a_list_may_be_as_long_as_the_limit_and_no_longer(void)
{
    static uint8_t wire[STORE_LIST_MAX_BYTES + 1] = { [STORE_LIST_MAX_BYTES - 1] = 7 };
    struct bytes found;
    fixture_begin(&home, NULL);
    CHECK_INT(store_list_put(home.store, 0, BYTES_OF(wire)), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    CHECK_INT(store_list_put(home.store, 0, (struct bytes){ wire, STORE_LIST_MAX_BYTES }),
              FAULT_NONE);
    CHECK_INT(store_list_get(home.store, 0, &found), FAULT_NONE);
    CHECK_INT(found.size, STORE_LIST_MAX_BYTES);
    CHECK_BYTES(found.data, wire, found.size);
    fixture_end(&home);
}

TESTS(TEST(test_a_list_is_replaced_and_ours_is_apart_from_theirs),
      TEST(test_a_list_may_be_as_long_as_the_limit_and_no_longer))
