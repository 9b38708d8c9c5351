#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;

/* `device` 0: of last resort. */
static struct store_prekey prekey_of(uint8_t mark, int64_t device, uint64_t sequence)
{
    struct store_prekey prekey = { .id = { mark }, .one_time = device != 0, .device = device };
    prekey.sequence = sequence;
    prekey.made = 1000 + mark;
    prekey.ends = NEVER;
    memset(prekey.dh, mark, sizeof prekey.dh);
    memset(prekey.kem, mark + 1, sizeof prekey.kem);
    memset(prekey.wire, mark + 2, sizeof prekey.wire);
    return prekey;
}

static enum fault put(uint8_t mark, int64_t device, uint64_t sequence)
{
    struct store_prekey prekey = prekey_of(mark, device, sequence);
    return store_prekey_put(home.store, &prekey);
}

static bool is_there(uint8_t mark)
{
    struct store_prekey found;
    uint8_t id[8] = { mark };
    return store_prekey_get(home.store, id, &found) == FAULT_NONE;
}

static void test_a_prekey_comes_back_as_it_was(void)
{
    struct store_prekey prekey = prekey_of(9, 4, UINT64_MAX), found;
    prekey.ends = 77;
    fixture_begin(&home, NULL);
    CHECK(!is_there(9));
    CHECK_INT(store_prekey_put(home.store, &prekey), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_prekey_get(home.store, prekey.id, &found), FAULT_NONE);
    CHECK(found.one_time && found.device == 4 && found.sequence == UINT64_MAX);
    CHECK(found.made == prekey.made && found.ends == 77);
    CHECK_BYTES(found.dh, prekey.dh, sizeof found.dh);
    CHECK_BYTES(found.kem, prekey.kem, sizeof found.kem);
    CHECK_BYTES(found.wire, prekey.wire, sizeof found.wire);
    CHECK_INT(store_prekey_remove(home.store, prekey.id), FAULT_NONE);
    CHECK_INT(store_prekey_remove(home.store, prekey.id), FAULT_GONE);
    CHECK(!is_there(9));
    fixture_end(&home);
}

static void test_the_newest_of_last_resort_has_the_greatest_sequence(void)
{
    struct store_prekey found;
    fixture_begin(&home, NULL);
    CHECK_INT(put(1, 5, UINT64_MAX), FAULT_NONE); /* for one use: another kind */
    CHECK_INT(store_prekey_newest(home.store, &found), FAULT_GONE);
    CHECK_INT(put(2, 0, 8), FAULT_NONE);
    CHECK_INT(put(3, 0, 9), FAULT_NONE);
    CHECK_INT(put(4, 0, 7), FAULT_NONE);
    CHECK_INT(store_prekey_newest(home.store, &found), FAULT_NONE);
    CHECK_INT(found.id[0], 3);
    CHECK_INT(put(4, 0, 1ull << 63), FAULT_NONE); /* the same id: replaced */
    CHECK_INT(store_prekey_newest(home.store, &found), FAULT_NONE);
    CHECK_INT(found.id[0], 4);
    fixture_end(&home);
}

static void test_one_time_prekeys_are_walked_by_device_and_have_a_most(void)
{
    struct store_prekey found;
    fixture_begin(&home, NULL);
    for (uint8_t i = 0; i < STORE_ONE_TIME_MAX; i++) {
        CHECK_INT(put((uint8_t)(10 + i), 1, 1), FAULT_NONE);
        CHECK_INT(put((uint8_t)(20 + i), 2, 1), FAULT_NONE);
    }
    CHECK_INT(put(30, 1, 1), FAULT_BUSY);
    CHECK_INT(put(10, 1, 1), FAULT_NONE);
    CHECK_INT(store_prekey_next(home.store, 2, NULL, &found), FAULT_NONE);
    for (uint8_t i = 1; i < STORE_ONE_TIME_MAX; i++) {
        CHECK_INT(found.id[0], 20 + i - 1);
        CHECK_INT(store_prekey_next(home.store, 2, found.id, &found), FAULT_NONE);
    }
    CHECK_INT(store_prekey_next(home.store, 2, found.id, &found), FAULT_GONE);
    CHECK_INT(store_prekey_next(home.store, 3, NULL, &found), FAULT_GONE);
    for (int i = 0; i < STORE_LAST_RESORT_MAX; i++)
        CHECK_INT(put((uint8_t)(100 + i), 0, (uint64_t)i), FAULT_NONE);
    CHECK_INT(put(200, 0, 99), FAULT_BUSY);
    fixture_end(&home);
}

static void test_retired_prekeys_end_at_their_time_and_the_newest_stays(void)
{
    instant next;
    fixture_begin(&home, NULL);
    CHECK_INT(put(1, 0, 1), FAULT_NONE);
    CHECK_INT(put(2, 0, 2), FAULT_NONE);
    CHECK_INT(put(9, 7, 1), FAULT_NONE);
    CHECK_INT(store_prekey_retire(home.store, 500), FAULT_NONE);
    CHECK_INT(put(3, 0, 3), FAULT_NONE);
    CHECK_INT(store_prekey_retire(home.store, 900), FAULT_NONE); /* the first keeps its end */
    fixture_settle(&home);
    CHECK_INT(store_prekey_expire(home.store, 499, &next), FAULT_NONE);
    CHECK(next == 500 && is_there(1) && !store_dirty(home.store));
    CHECK_INT(store_prekey_expire(home.store, 500, &next), FAULT_NONE);
    CHECK(next == 900 && !is_there(1) && is_there(2));
    CHECK_INT(store_prekey_expire(home.store, NEVER, &next), FAULT_NONE);
    CHECK(next == NEVER && !is_there(2) && is_there(3) && is_there(9));
    fixture_end(&home);
}

static enum fault see(uint8_t hash, uint8_t bundle)
{
    uint8_t whole[32] = { hash }, id[8] = { bundle }, session[32] = { (uint8_t)(hash + 1) };
    return store_seen_add(home.store, whole, id, session);
}

static bool was_seen(uint8_t hash)
{
    uint8_t whole[32] = { hash }, session[32];
    enum fault fault = store_seen(home.store, whole, session);
    CHECK(fault != FAULT_NONE || session[0] == hash + 1);
    return fault == FAULT_NONE;
}

static void test_what_was_seen_is_remembered_as_long_as_its_prekey(void)
{
    instant next;
    uint8_t id[8] = { 2 };
    fixture_begin(&home, NULL);
    CHECK_INT(put(1, 0, 1), FAULT_NONE);
    CHECK_INT(put(2, 0, 2), FAULT_NONE);
    CHECK_INT(put(3, 0, 3), FAULT_NONE);
    for (uint8_t i = 1; i <= 3; i++)
        CHECK_INT(see((uint8_t)(10 * i), i), FAULT_NONE);
    CHECK_INT(see(30, 3), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK(was_seen(10) && was_seen(20) && was_seen(30) && !was_seen(40));
    CHECK_INT(store_prekey_remove(home.store, id), FAULT_NONE);
    CHECK(was_seen(10) && !was_seen(20) && was_seen(30));
    CHECK_INT(store_prekey_retire(home.store, 5), FAULT_NONE);
    CHECK_INT(store_prekey_expire(home.store, 5, &next), FAULT_NONE);
    CHECK(!was_seen(10) && was_seen(30));
    fixture_end(&home);
}

static void test_one_start_seen_too_many_is_refused(void)
{
    uint8_t hash[32] = { 0 }, id[8] = { 1 }, session[32] = { 0 };
    fixture_begin(&home, NULL);
    CHECK_INT(put(1, 0, 1), FAULT_NONE);
    for (uint32_t i = 0; i < STORE_SEEN_MAX; i++) {
        memcpy(hash, &i, sizeof i);
        CHECK_INT(store_seen_add(home.store, hash, id, session), FAULT_NONE);
    }
    fixture_settle(&home);
    hash[31] = 1;
    CHECK_INT(store_seen_add(home.store, hash, id, session), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    fixture_reopen(&home);
    CHECK_INT(store_seen_add(home.store, hash, id, session), FAULT_BUSY);
    CHECK_INT(store_prekey_remove(home.store, id), FAULT_NONE);
    CHECK_INT(store_seen_add(home.store, hash, id, session), FAULT_NONE);
    fixture_end(&home);
}

TESTS(TEST(test_a_prekey_comes_back_as_it_was),
      TEST(test_the_newest_of_last_resort_has_the_greatest_sequence),
      TEST(test_one_time_prekeys_are_walked_by_device_and_have_a_most),
      TEST(test_retired_prekeys_end_at_their_time_and_the_newest_stays),
      TEST(test_what_was_seen_is_remembered_as_long_as_its_prekey),
      TEST(test_one_start_seen_too_many_is_refused))
