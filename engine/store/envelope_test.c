#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;

static int64_t add(int64_t device, int64_t session, uint32_t number)
{
    struct store_envelope envelope = { .device = device, .session = session, .number = number };
    envelope.chain[0] = 1;
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_NONE);
    CHECK(envelope.row > 0);
    return envelope.row;
}

static void test_an_envelope_comes_back_as_it_was(void)
{
    struct store_envelope envelope = { .device = 1, .session = 2, .number = 0x7fffffff }, found;
    envelope.turn = UINT64_MAX;
    envelope.cell = 65536;
    envelope.made = 99;
    memset(envelope.chain, 3, sizeof envelope.chain);
    memset(envelope.key, 4, sizeof envelope.key);
    memset(envelope.header, 5, sizeof envelope.header);
    envelope.header_size = sizeof envelope.header;
    fixture_begin(&home, NULL);
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_envelope_in_run(home.store, 2, envelope.chain, envelope.number - 1, 1, &found),
              FAULT_GONE);
    CHECK_INT(store_envelope_in_run(home.store, 1, envelope.chain, envelope.number, 1, &found),
              FAULT_GONE);
    CHECK_INT(store_envelope_in_run(home.store, 2, envelope.chain, envelope.number, 1, &found),
              FAULT_NONE);
    CHECK(found.row == envelope.row && found.device == 1 && found.session == 2);
    CHECK(found.number == envelope.number && found.turn == UINT64_MAX);
    CHECK(found.cell == 65536 && found.made == 99);
    CHECK_BYTES(found.chain, envelope.chain, 8);
    CHECK_BYTES(found.key, envelope.key, 32);
    CHECK_INT(found.header_size, sizeof found.header);
    CHECK_BYTES(found.header, envelope.header, sizeof found.header);
    uint32_t before = envelope.number - 1000;
    CHECK_INT(store_envelope_in_run(home.store, 2, envelope.chain, before, 1000, &found),
              FAULT_GONE);
    CHECK_INT(store_envelope_in_run(home.store, 2, envelope.chain, before + 1, 1000, &found),
              FAULT_NONE);
    CHECK_INT(store_envelope_in_run(home.store, 2, envelope.chain, 0, UINT32_MAX, &found),
              FAULT_NONE);
    envelope.chain[7]++;
    CHECK_INT(store_envelope_in_run(home.store, 2, envelope.chain, envelope.number, 1, &found),
              FAULT_GONE);
    CHECK_INT(store_envelope_remove(home.store, envelope.row), FAULT_NONE);
    CHECK_INT(store_envelope_remove(home.store, envelope.row), FAULT_GONE);
    fixture_end(&home);
}

static void test_envelopes_are_walked_by_device_in_the_order_of_sealing(void)
{
    struct store_envelope found;
    fixture_begin(&home, NULL);
    int64_t first = add(1, 1, 900), others = add(2, 2, 1), second = add(1, 3, 1);
    CHECK(first < others && others < second);
    CHECK_INT(store_envelope_next(home.store, 1, 0, &found), FAULT_NONE);
    CHECK_INT(found.row, first);
    CHECK_INT(store_envelope_next(home.store, 1, first, &found), FAULT_NONE);
    CHECK_INT(found.row, second);
    CHECK_INT(store_envelope_next(home.store, 1, second, &found), FAULT_GONE);
    /* A walk holds a row as its place: it is not used again while we are open. */
    CHECK_INT(store_envelope_remove(home.store, second), FAULT_NONE);
    fixture_settle(&home);
    CHECK(add(1, 3, 2) > second);
    store_undo(home.store);
    CHECK(add(1, 3, 2) > second);
    fixture_end(&home);
}

/* --- what lies in them ------------------------------------------------------------------------ */

static struct store_owed owed_of(int64_t message)
{
    struct store_owed owed;
    CHECK_INT(store_outbox_of(home.store, message, &owed), FAULT_NONE);
    return owed;
}

static void seal(int64_t message, int64_t envelope, int64_t device)
{
    struct store_owed owed = owed_of(message);
    CHECK_INT(store_outbox_seal(home.store, &owed, envelope, device, 7), FAULT_NONE);
}

static enum message_state state_of(int64_t row)
{
    struct store_message message;
    CHECK_INT(store_message_get(home.store, row, &message), FAULT_NONE);
    return message.state;
}

static size_t owed_to(int64_t contact)
{
    struct store_chat chat;
    CHECK_INT(store_chat_get(home.store, contact, &chat), FAULT_NONE);
    return chat.owed;
}

static void test_a_message_is_sealed_and_taken_out_again(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob"), eve = fixture_contact(&home, "Eve");
    int64_t first = fixture_owe(&home, bob, "one"), hers = fixture_owe(&home, eve, "two");
    int64_t second = fixture_owe(&home, bob, "three"), third = fixture_owe(&home, bob, "four");
    int64_t envelope = add(1, 1, 1);
    seal(first, envelope, 1);
    seal(second, envelope, 1);
    CHECK_INT(state_of(first), MESSAGE_SEALED);
    CHECK_INT(owed_to(bob), 3); /* sealed is not delivered */
    CHECK_INT(store_outbox_count(home.store, bob), 3);

    struct store_owed owed;
    CHECK_INT(store_outbox_next_written(home.store, bob, 0, &owed), FAULT_NONE);
    CHECK_INT(owed.message, third);
    CHECK_INT(store_outbox_next_written(home.store, bob, owed.row, &owed), FAULT_GONE);
    CHECK_INT(store_outbox_next_written(home.store, eve, 0, &owed), FAULT_NONE);
    CHECK_INT(owed.message, hers);
    CHECK_INT(store_outbox_next_in(home.store, envelope, 0, &owed), FAULT_NONE);
    CHECK(owed.message == first && owed.envelope == envelope && owed.device == 1);
    CHECK_INT(store_outbox_next_in(home.store, envelope, owed.row, &owed), FAULT_NONE);
    CHECK_INT(owed.message, second);
    CHECK_INT(store_outbox_next_in(home.store, envelope, owed.row, &owed), FAULT_GONE);
    CHECK_INT(store_outbox_next_in(home.store, envelope + 1, 0, &owed), FAULT_GONE);

    struct store_owed stale = owed_of(second);
    seal(second, 0, 0);
    CHECK_INT(store_outbox_seal(home.store, &stale, 0, 0, 7), FAULT_GONE);
    CHECK_INT(state_of(second), MESSAGE_WRITTEN);
    CHECK_INT(store_outbox_next_written(home.store, bob, 0, &owed), FAULT_NONE);
    CHECK(owed.message == second && owed.device == 0 && owed.envelope == 0);
    fixture_end(&home);
}

static void test_a_buried_message_has_failed_and_its_place_is_still_owed(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    int64_t message = fixture_owe(&home, bob, "one"), written = fixture_owe(&home, bob, "two");
    int64_t envelope = add(1, 1, 1), again = add(1, 2, 1);
    seal(message, envelope, 1);
    CHECK_INT(store_outbox_bury(home.store, written, FAILURE_EXPIRED, 50), FAULT_GONE);
    CHECK_INT(store_outbox_bury(home.store, message, FAILURE_EXPIRED, 50), FAULT_NONE);
    CHECK_INT(store_outbox_bury(home.store, message, FAILURE_EXPIRED, 60), FAULT_GONE);
    struct store_message found;
    CHECK_INT(store_message_get(home.store, message, &found), FAULT_NONE);
    CHECK(found.state == MESSAGE_FAILED && found.failure == FAILURE_EXPIRED);
    CHECK(found.changed == 50);
    CHECK_INT(owed_to(bob), 1);
    CHECK_INT(store_outbox_count(home.store, bob), 2);
    struct store_owed owed = owed_of(message);
    CHECK(owed.tombstone && owed.expires == NEVER && owed.envelope == envelope);
    CHECK_INT(store_outbox_first_to_expire(home.store, &owed), FAULT_NONE);
    CHECK_INT(owed.message, written);

    seal(message, again, 1); /* a tombstone can be sealed anew, and stays one */
    CHECK_INT(state_of(message), MESSAGE_FAILED);
    CHECK_INT(store_outbox_end(home.store, message, MESSAGE_DELIVERED, FAILURE_NONE, 70),
              FAULT_NONE);
    CHECK_INT(state_of(message), MESSAGE_FAILED);
    CHECK_INT(owed_to(bob), 1);
    CHECK_INT(store_outbox_count(home.store, 0), 1);
    CHECK_INT(store_outbox_sealed(home.store, 1), 0);
    fixture_end(&home);
}

/* The count is kept in memory: it must be what a fresh count says after every kind of change. */
static void check_sealed(size_t first, size_t second)
{
    CHECK_INT(store_outbox_sealed(home.store, 1), first);
    CHECK_INT(store_outbox_sealed(home.store, 65), second); /* the same place in the cache */
    CHECK_INT(store_outbox_sealed(home.store, 1), first);
}

static void test_what_is_sealed_for_a_device_is_counted_through_every_change(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob"), messages[5];
    int64_t one = add(1, 1, 1), other = add(65, 2, 1);
    for (size_t i = 0; i < COUNT(messages); i++)
        messages[i] = fixture_owe(&home, bob, "hello");
    check_sealed(0, 0);
    for (size_t i = 0; i < COUNT(messages); i++)
        seal(messages[i], i < 4 ? one : other, i < 4 ? 1 : 65);
    check_sealed(4, 1);
    fixture_settle(&home);
    seal(messages[0], 0, 0);
    check_sealed(3, 1);
    seal(messages[4], one, 1);
    check_sealed(4, 0);
    store_undo(home.store);
    check_sealed(4, 1);
    CHECK_INT(store_outbox_end(home.store, messages[1], MESSAGE_DELIVERED, FAILURE_NONE, 9),
              FAULT_NONE);
    check_sealed(3, 1);
    CHECK_INT(store_outbox_bury(home.store, messages[2], FAILURE_EXPIRED, 9), FAULT_NONE);
    check_sealed(3, 1);
    fixture_settle(&home);
    fixture_reopen(&home);
    check_sealed(3, 1);
    CHECK_INT(store_contact_remove(home.store, bob), FAULT_NONE);
    check_sealed(0, 0);
    fixture_end(&home);
}

static void test_one_envelope_too_many_is_refused(void)
{
    struct store_envelope envelope = { .device = 1, .session = 1 };
    fixture_begin(&home, NULL);
    for (uint32_t i = 0; i < STORE_OUTBOX_MAX; i++) {
        envelope.number = i;
        CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_NONE);
    }
    fixture_settle(&home);
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    fixture_reopen(&home);
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_BUSY);
    CHECK_INT(store_envelope_remove(home.store, 1), FAULT_NONE);
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_NONE);
    fixture_end(&home);
}

TESTS(TEST(test_an_envelope_comes_back_as_it_was),
      TEST(test_envelopes_are_walked_by_device_in_the_order_of_sealing),
      TEST(test_a_message_is_sealed_and_taken_out_again),
      TEST(test_a_buried_message_has_failed_and_its_place_is_still_owed),
      TEST(test_what_is_sealed_for_a_device_is_counted_through_every_change),
      TEST(test_one_envelope_too_many_is_refused))
