#include "engine/store/fixture.h"

#include <stdio.h>

#include "engine/store/database.h"
#include "tests/test.h"

static struct fixture home;

static uint64_t tell(instant time)
{
    struct store_event event = { .time = time, .kind = EVENT_NETWORK_CHANGED };
    CHECK_INT(store_event_add(home.store, &event), FAULT_NONE);
    return event.seq;
}

static void check_range(uint64_t oldest, uint64_t newest)
{
    uint64_t first, last;
    store_event_range(home.store, &first, &last);
    CHECK_INT(first, oldest);
    CHECK_INT(last, newest);
}

static void test_an_event_comes_back_as_it_was(void)
{
    fixture_begin(&home, NULL);
    struct store_event in = { .time = 5, .kind = EVENT_MESSAGE_STATE, .contact = 2, .message = 3 },
                       out;
    in.detail = MESSAGE_DELIVERED;
    check_range(0, 0);
    CHECK_INT(store_event_next(home.store, 0, &out), FAULT_GONE);
    CHECK_INT(store_event_add(home.store, &in), FAULT_NONE);
    CHECK_INT(in.seq, 1);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_event_next(home.store, 0, &out), FAULT_NONE);
    CHECK(out.seq == 1 && out.time == 5 && out.kind == EVENT_MESSAGE_STATE);
    CHECK(out.contact == 2 && out.message == 3 && out.detail == MESSAGE_DELIVERED);
    CHECK_INT(store_event_next(home.store, 1, &out), FAULT_GONE);
    CHECK_INT(store_event_next(home.store, UINT64_MAX, &out), FAULT_GONE);
    fixture_end(&home);
}

static void test_events_have_no_gaps_through_undo_and_restart(void)
{
    fixture_begin(&home, NULL);
    CHECK_INT(tell(1), 1);
    fixture_settle(&home);
    CHECK_INT(tell(2), 2);
    CHECK_INT(tell(3), 3);
    store_undo(home.store);
    check_range(1, 1);
    CHECK_INT(tell(4), 2);
    fixture_reopen(&home);
    CHECK_INT(tell(5), 2);
    fixture_settle(&home);
    check_range(1, 2);
    fixture_end(&home);
}

static void test_old_events_are_trimmed_in_small_bites(void)
{
    struct store_event out;
    fixture_begin(&home, NULL);
    for (uint64_t i = 1; i <= STORE_EVENTS_KEPT + 1000; i++) {
        CHECK_INT(tell(i), i);
        if (i % 50000 == 0)
            fixture_settle(&home);
    }
    fixture_settle(&home);
    uint64_t oldest, newest, before;
    store_event_range(home.store, &oldest, &newest);
    CHECK(newest == STORE_EVENTS_KEPT + 1000);
    CHECK(newest - oldest + 1 >= STORE_EVENTS_KEPT);
    CHECK(newest - oldest + 1 < STORE_EVENTS_KEPT + 100);
    CHECK_INT(store_event_next(home.store, 0, &out), FAULT_NONE);
    CHECK_INT(out.seq, oldest);
    for (int i = 0; i < 1000; i++, oldest = before) {
        tell(1);
        store_event_range(home.store, &before, &newest);
        CHECK(before - oldest <= 100);
    }
    store_undo(home.store);
    store_event_range(home.store, &before, &newest);
    CHECK(before == out.seq && newest == STORE_EVENTS_KEPT + 1000);
    fixture_end(&home);
}

static void test_a_consumer_keeps_its_place(void)
{
    uint64_t seq;
    fixture_begin(&home, NULL);
    CHECK_INT(store_consumer_get(home.store, "tui", &seq), FAULT_GONE);
    CHECK_INT(store_consumer_set(home.store, "tui", 5), FAULT_NONE);
    CHECK_INT(store_consumer_set(home.store, "bot", UINT64_MAX), FAULT_NONE);
    CHECK_INT(store_consumer_set(home.store, "tui", 6), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_consumer_get(home.store, "tui", &seq), FAULT_NONE);
    CHECK(seq == 6);
    CHECK_INT(store_consumer_get(home.store, "bot", &seq), FAULT_NONE);
    CHECK(seq == UINT64_MAX);
    CHECK_INT(store_consumer_get(home.store, "Tui", &seq), FAULT_GONE);
    fixture_end(&home);
}

static void test_one_consumer_too_many_is_refused(void)
{
    char name[STORE_CONSUMER_NAME_MAX + 1];
    fixture_begin(&home, NULL);
    for (int i = 0; i < STORE_CONSUMERS_MAX; i++) {
        snprintf(name, sizeof name, "%0*d", STORE_CONSUMER_NAME_MAX, i);
        CHECK_INT(store_consumer_set(home.store, name, 1), FAULT_NONE);
    }
    fixture_settle(&home);
    CHECK_INT(store_consumer_set(home.store, "one more", 1), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    CHECK_INT(store_consumer_set(home.store, name, 2), FAULT_NONE); /* a known one may go on */
    fixture_end(&home);
}

static void test_a_request_answered_keeps_its_answer(void)
{
    int64_t message;
    fixture_begin(&home, NULL);
    CHECK_INT(store_request_get(home.store, "a", &message), FAULT_GONE);
    CHECK_INT(store_request_put(home.store, "a", 5, 1), FAULT_NONE);
    CHECK_INT(store_request_put(home.store, "b", 6, 1), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_request_get(home.store, "a", &message), FAULT_NONE);
    CHECK_INT(message, 5);
    CHECK_INT(store_request_get(home.store, "A", &message), FAULT_GONE);
    fixture_end(&home);
}

static size_t requests_kept(int count)
{
    size_t kept = 0;
    char key[16];
    int64_t message;
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%d", i);
        kept += store_request_get(home.store, key, &message) == FAULT_NONE;
    }
    return kept;
}

static void test_old_requests_are_trimmed_in_small_bites(void)
{
    const instant start = 100 * DAY, late = start + STORE_REQUESTS_KEPT_FOR + 1;
    char key[16];
    fixture_begin(&home, NULL);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "%d", i);
        CHECK_INT(store_request_put(home.store, key, i, start), FAULT_NONE);
    }
    CHECK_INT(requests_kept(100), 100);
    CHECK_INT(store_request_put(home.store, "on time", 1, late - 1), FAULT_NONE);
    CHECK_INT(requests_kept(100), 100);
    CHECK_INT(store_request_put(home.store, "late", 1, late), FAULT_NONE);
    size_t kept = requests_kept(100);
    CHECK(kept < 100 && kept >= 90);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "late %d", i);
        CHECK_INT(store_request_put(home.store, key, i, late), FAULT_NONE);
    }
    CHECK_INT(requests_kept(100), 0);
    int64_t message;
    CHECK_INT(store_request_get(home.store, "on time", &message), FAULT_NONE);
    CHECK_INT(store_request_get(home.store, "late 0", &message), FAULT_NONE);
    fixture_end(&home);
}

static void test_beyond_their_maximum_the_oldest_requests_are_forgotten(void)
{
    char sql[160];
    int64_t message;
    fixture_begin(&home, NULL);
    CHECK_INT(store_request_put(home.store, "first", 1, 1), FAULT_NONE);
    CHECK_INT(store_request_put(home.store, "second", 1, 1), FAULT_NONE);
    snprintf(sql, sizeof sql,
             "INSERT INTO request (row, key, message, answered) VALUES (%d, 'k', 1, 1)",
             STORE_REQUESTS_MAX);
    CHECK_INT(sqlite3_exec(home.store->db, sql, NULL, NULL, NULL), SQLITE_OK);
    CHECK_INT(store_request_get(home.store, "first", &message), FAULT_NONE);
    CHECK_INT(store_request_put(home.store, "one more", 1, 1), FAULT_NONE);
    CHECK_INT(store_request_get(home.store, "first", &message), FAULT_GONE);
    CHECK_INT(store_request_get(home.store, "second", &message), FAULT_NONE);
    fixture_end(&home);
}

TESTS(TEST(test_an_event_comes_back_as_it_was),
      TEST(test_events_have_no_gaps_through_undo_and_restart),
      TEST(test_old_events_are_trimmed_in_small_bites), TEST(test_a_consumer_keeps_its_place),
      TEST(test_one_consumer_too_many_is_refused), TEST(test_a_request_answered_keeps_its_answer),
      TEST(test_old_requests_are_trimmed_in_small_bites),
      TEST(test_beyond_their_maximum_the_oldest_requests_are_forgotten))
