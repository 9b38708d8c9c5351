#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;

/* Sequence 0: for one use. */
static enum fault put(int64_t device, uint8_t mark, uint64_t sequence, instant made)
{
    struct store_bundle bundle = { .device = device, .id = { mark }, .made = made };
    bundle.one_time = sequence == 0;
    bundle.sequence = sequence;
    memset(bundle.wire, mark, sizeof bundle.wire);
    return store_bundle_put(home.store, &bundle);
}

static uint8_t best(int64_t device)
{
    struct store_bundle found;
    if (store_bundle_best(home.store, device, &found) != FAULT_NONE)
        return 0;
    CHECK(found.device == device && found.one_time == (found.sequence == 0));
    CHECK(found.wire[0] == found.id[0] && found.wire[STORE_BUNDLE_BYTES - 1] == found.id[0]);
    return found.id[0];
}

static enum fault use(int64_t device, uint8_t mark)
{
    uint8_t id[8] = { mark };
    return store_bundle_remove(home.store, device, id);
}

static void test_the_oldest_one_time_bundle_is_best_and_last_resort_is_last(void)
{
    fixture_begin(&home, NULL);
    CHECK_INT(best(1), 0);
    CHECK_INT(put(1, 10, 5, 1), FAULT_NONE);
    CHECK_INT(put(1, 11, 0, 300), FAULT_NONE);
    CHECK_INT(put(1, 12, 0, 200), FAULT_NONE);
    CHECK_INT(put(2, 20, 5, 1), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(best(1), 12);
    CHECK_INT(use(1, 12), FAULT_NONE);
    CHECK_INT(use(1, 12), FAULT_GONE);
    CHECK_INT(best(1), 11);
    CHECK_INT(use(1, 11), FAULT_NONE);
    CHECK_INT(best(1), 10);
    CHECK_INT(use(1, 10), FAULT_NONE);
    CHECK_INT(best(1), 0);
    CHECK_INT(best(2), 20);
    fixture_end(&home);
}

static void test_an_older_bundle_of_last_resort_changes_nothing(void)
{
    fixture_begin(&home, NULL);
    CHECK_INT(put(1, 10, 5, 1), FAULT_NONE);
    fixture_settle(&home);
    CHECK_INT(put(1, 11, 5, 2), FAULT_GONE);
    CHECK_INT(put(1, 12, 4, 3), FAULT_GONE);
    CHECK(!store_dirty(home.store));
    CHECK_INT(best(1), 10);
    CHECK_INT(put(1, 13, 1ull << 63, 0), FAULT_NONE); /* a sequence has no sign */
    CHECK_INT(best(1), 13);
    CHECK_INT(put(1, 14, 6, 0), FAULT_GONE);
    fixture_end(&home);
}

static void test_one_time_bundles_have_a_most_and_come_twice(void)
{
    fixture_begin(&home, NULL);
    for (uint8_t i = 0; i < STORE_ONE_TIME_MAX; i++)
        CHECK_INT(put(1, (uint8_t)(i + 1), 0, 10), FAULT_NONE);
    fixture_settle(&home);
    CHECK_INT(put(1, 1, 0, 10), FAULT_NONE);
    CHECK_INT(put(1, 9, 0, 10), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    CHECK_INT(put(2, 9, 0, 10), FAULT_NONE);
    fixture_end(&home);
}

/* Or whoever copies an id would have another's bundle removed. */
static void test_the_same_id_of_two_devices_is_two_bundles(void)
{
    fixture_begin(&home, NULL);
    CHECK_INT(put(1, 10, 5, 1), FAULT_NONE);
    CHECK_INT(put(2, 10, 0, 1), FAULT_NONE);
    CHECK_INT(use(2, 10), FAULT_NONE);
    CHECK_INT(best(2), 0);
    CHECK_INT(best(1), 10);
    fixture_end(&home);
}

TESTS(TEST(test_the_oldest_one_time_bundle_is_best_and_last_resort_is_last),
      TEST(test_an_older_bundle_of_last_resort_changes_nothing),
      TEST(test_one_time_bundles_have_a_most_and_come_twice),
      TEST(test_the_same_id_of_two_devices_is_two_bundles))
