#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;

static void test_what_is_owed_is_walked_in_order_and_ends_once(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob"), eve = fixture_contact(&home, "Eve");
    int64_t first = fixture_owe(&home, bob, "one"), hers = fixture_owe(&home, eve, "two");
    int64_t second = fixture_owe(&home, bob, "three");
    struct store_owed owed;
    CHECK_INT(store_outbox_next(home.store, bob, 0, &owed), FAULT_NONE);
    CHECK(owed.message == first && owed.contact == bob && owed.device == 0);
    CHECK(owed.queued == 1 && owed.expires == 30 * DAY);
    int64_t place = owed.row;
    CHECK_INT(store_outbox_next(home.store, bob, place, &owed), FAULT_NONE);
    CHECK(owed.message == second && owed.row > place);
    CHECK_INT(store_outbox_ahead(home.store, bob, place), 0);
    CHECK_INT(store_outbox_ahead(home.store, bob, owed.row),
              1); /* hers between is not ahead of it */
    CHECK_INT(store_outbox_next(home.store, bob, owed.row, &owed), FAULT_GONE);
    CHECK_INT(store_outbox_of(home.store, hers, &owed), FAULT_NONE);
    CHECK(owed.contact == eve);
    CHECK_INT(store_outbox_count(home.store, bob), 2);
    CHECK_INT(store_outbox_count(home.store, 0), 3);

    struct store_message message;
    CHECK_INT(store_outbox_end(home.store, first, MESSAGE_DELIVERED, FAILURE_NONE, 50), FAULT_NONE);
    CHECK_INT(store_outbox_end(home.store, first, MESSAGE_FAILED, FAILURE_EXPIRED, 60), FAULT_GONE);
    CHECK_INT(store_message_get(home.store, first, &message), FAULT_NONE);
    CHECK(message.state == MESSAGE_DELIVERED && message.failure == FAILURE_NONE);
    CHECK(message.changed == 50);
    CHECK_INT(store_outbox_end(home.store, second, MESSAGE_FAILED, FAILURE_EXPIRED, 60),
              FAULT_NONE);
    CHECK_INT(store_message_get(home.store, second, &message), FAULT_NONE);
    CHECK(message.state == MESSAGE_FAILED && message.failure == FAILURE_EXPIRED);
    CHECK_INT(store_outbox_of(home.store, first, &owed), FAULT_GONE);
    CHECK_INT(store_outbox_count(home.store, bob), 0);
    CHECK_INT(store_outbox_count(home.store, 0), 1);
    fixture_end(&home);
}

static void test_a_message_owed_to_several_devices_ends_for_all(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_owed owed = { .contact = bob, .device = 1, .expires = NEVER };
    owed.message = fixture_say(&home, bob, true, "one");
    CHECK_INT(store_outbox_add(home.store, &owed), FAULT_NONE);
    owed.device = 2;
    CHECK_INT(store_outbox_add(home.store, &owed), FAULT_NONE);
    CHECK_INT(store_outbox_count(home.store, 0), 2);
    int64_t message = owed.message;
    CHECK_INT(store_outbox_end(home.store, message, MESSAGE_DELIVERED, FAILURE_NONE, 5),
              FAULT_NONE);
    CHECK_INT(store_outbox_count(home.store, 0), 0);
    struct store_chat chat;
    CHECK_INT(store_chat_get(home.store, bob, &chat), FAULT_NONE);
    CHECK_INT(chat.owed, 0);
    fixture_end(&home);
}

static void test_the_first_to_expire_is_found_and_never_is_never(void)
{
    static const instant expiries[] = { NEVER, 500, 100, 300, NEVER - 1 };
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_owed owed = { .contact = bob };
    CHECK_INT(store_outbox_first_to_expire(home.store, &owed), FAULT_GONE);
    for (size_t i = 0; i < COUNT(expiries); i++) {
        owed.message = fixture_say(&home, bob, true, "one");
        owed.expires = expiries[i];
        CHECK_INT(store_outbox_add(home.store, &owed), FAULT_NONE);
    }
    for (instant expected = 100; expected <= 500; expected += 200) {
        CHECK_INT(store_outbox_first_to_expire(home.store, &owed), FAULT_NONE);
        CHECK(owed.expires == expected);
        CHECK_INT(store_outbox_end(home.store, owed.message, MESSAGE_FAILED, FAILURE_EXPIRED, 9),
                  FAULT_NONE);
    }
    CHECK_INT(store_outbox_first_to_expire(home.store, &owed), FAULT_GONE);
    CHECK_INT(store_outbox_count(home.store, 0), 2);
    fixture_end(&home);
}

/* A walk through the outbox holds a row as its place. */
static void test_rows_grow_although_the_outbox_was_empty_or_undone(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_owed owed;
    int64_t message = fixture_owe(&home, bob, "one");
    fixture_settle(&home);
    CHECK_INT(store_outbox_next(home.store, bob, 0, &owed), FAULT_NONE);
    int64_t place = owed.row;
    CHECK_INT(store_outbox_end(home.store, message, MESSAGE_DELIVERED, FAILURE_NONE, 5),
              FAULT_NONE);
    fixture_settle(&home);
    message = fixture_owe(&home, bob, "two");
    CHECK_INT(store_outbox_next(home.store, bob, place, &owed), FAULT_NONE);
    CHECK_INT(owed.message, message);
    store_undo(home.store);
    CHECK_INT(store_outbox_count(home.store, 0), 0);
    place = owed.row;
    fixture_owe(&home, bob, "three");
    CHECK_INT(store_outbox_next(home.store, bob, place, &owed), FAULT_NONE);
    fixture_end(&home);
}

static void test_one_owed_too_many_is_refused(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_owed owed = { .contact = bob, .expires = NEVER };
    for (int i = 0; i < STORE_OUTBOX_MAX; i++) {
        owed.message = i + 1;
        CHECK_INT(store_outbox_add(home.store, &owed), FAULT_NONE);
    }
    fixture_settle(&home);
    CHECK_INT(store_outbox_add(home.store, &owed), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    fixture_reopen(&home);
    CHECK_INT(store_outbox_add(home.store, &owed), FAULT_BUSY);
    CHECK_INT(store_outbox_count(home.store, 0), STORE_OUTBOX_MAX);
    CHECK_INT(store_outbox_count(home.store, bob), STORE_OUTBOX_MAX);
    CHECK_INT(store_outbox_end(home.store, 5, MESSAGE_DELIVERED, FAILURE_NONE, 5), FAULT_NONE);
    CHECK_INT(store_outbox_add(home.store, &owed), FAULT_NONE);
    fixture_end(&home);
}

TESTS(TEST(test_what_is_owed_is_walked_in_order_and_ends_once),
      TEST(test_a_message_owed_to_several_devices_ends_for_all),
      TEST(test_the_first_to_expire_is_found_and_never_is_never),
      TEST(test_rows_grow_although_the_outbox_was_empty_or_undone),
      TEST(test_one_owed_too_many_is_refused))
