#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;
static uint8_t found[STORE_NODES_MAX_BYTES];

static void test_what_was_kept_last_is_found_after_a_restart(void)
{
    size_t size;
    fixture_begin(&home, NULL);
    CHECK_INT(store_nodes_get(home.store, found, &size), FAULT_GONE);
    CHECK_INT(store_nodes_put(home.store, bytes_of_text("some")), FAULT_NONE);
    CHECK_INT(store_nodes_put(home.store, bytes_of_text("some others")), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_nodes_get(home.store, found, &size), FAULT_NONE);
    CHECK(bytes_equal((struct bytes){ found, size }, bytes_of_text("some others")));
    fixture_end(&home);
}

static void test_no_more_is_kept_than_the_limit(void)
{
    static uint8_t saved[STORE_NODES_MAX_BYTES + 1] = { [STORE_NODES_MAX_BYTES - 1] = 7 };
    size_t size;
    fixture_begin(&home, NULL);
    CHECK_INT(store_nodes_put(home.store, BYTES_OF(saved)), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    CHECK_INT(store_nodes_put(home.store, (struct bytes){ saved, STORE_NODES_MAX_BYTES }),
              FAULT_NONE);
    CHECK_INT(store_nodes_get(home.store, found, &size), FAULT_NONE);
    CHECK_INT(size, STORE_NODES_MAX_BYTES);
    CHECK_BYTES(found, saved, size);
    fixture_end(&home);
}

TESTS(TEST(test_what_was_kept_last_is_found_after_a_restart),
      TEST(test_no_more_is_kept_than_the_limit))
