#include "engine/store/fixture.h"

#include "tests/test.h"

static struct fixture home;

static struct store_session session_of(int64_t device, uint8_t mark, uint64_t rank)
{
    struct store_session session = { .device = device, .id = { mark }, .rank = rank };
    session.made = session.used = 100 + mark;
    memset(session.psk, mark, sizeof session.psk);
    session.state = bytes_of_text("state of a ratchet");
    return session;
}

static int64_t add(int64_t device, uint8_t mark, uint64_t rank)
{
    struct store_session session = session_of(device, mark, rank);
    CHECK_INT(store_session_add(home.store, &session), FAULT_NONE);
    CHECK(session.row > 0);
    return session.row;
}

static void test_a_session_comes_back_as_it_was_and_as_it_became(void)
{
    struct store_session session = session_of(3, 7, UINT64_MAX), found;
    session.initiator = session.one_time = true;
    memset(session.pair, 2, sizeof session.pair);
    memset(session.exporter, 3, sizeof session.exporter);
    memset(session.bundle, 4, sizeof session.bundle);
    session.start_size = sizeof session.start;
    memset(session.start, 5, sizeof session.start);
    fixture_begin(&home, NULL);
    CHECK_INT(store_session_add(home.store, &session), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_session_get(home.store, session.row, &found), FAULT_NONE);
    CHECK(found.device == 3 && found.id[0] == 7 && found.rank == UINT64_MAX);
    CHECK(found.initiator && found.one_time && !found.heard);
    CHECK(found.made == session.made && found.used == session.used);
    CHECK_BYTES(found.psk, session.psk, 32);
    CHECK_BYTES(found.pair, session.pair, 32);
    CHECK_BYTES(found.exporter, session.exporter, 32);
    CHECK_BYTES(found.bundle, session.bundle, 8);
    CHECK_INT(found.start_size, sizeof found.start);
    CHECK_BYTES(found.start, session.start, sizeof found.start);
    CHECK(bytes_equal(found.state, session.state));

    session.heard = true;
    session.start_size = 0;
    session.used = 9999;
    session.state = bytes_of_text("another state, and a longer one");
    CHECK_INT(store_session_update(home.store, &session), FAULT_NONE);
    CHECK_INT(store_session_get(home.store, session.row, &found), FAULT_NONE);
    CHECK(found.heard && found.start_size == 0 && found.used == 9999);
    CHECK(bytes_equal(found.state, session.state));
    session.row++;
    CHECK_INT(store_session_update(home.store, &session), FAULT_GONE);
    CHECK_INT(store_session_get(home.store, session.row, &found), FAULT_GONE);
    fixture_end(&home);
}

static void test_the_active_session_has_the_greatest_rank_then_the_smallest_id(void)
{
    struct store_session found;
    fixture_begin(&home, NULL);
    CHECK_INT(store_session_next(home.store, 1, 0, &found), FAULT_GONE);
    int64_t high = add(1, 9, 1ull << 63), low = add(1, 1, 5), same = add(1, 8, 1ull << 63);
    add(2, 1, UINT64_MAX);
    const int64_t expected[] = { same, high, low };
    int64_t at = 0;
    for (size_t i = 0; i < COUNT(expected); i++) {
        CHECK_INT(store_session_next(home.store, 1, at, &found), FAULT_NONE);
        CHECK_INT(found.row, expected[i]);
        at = found.row;
    }
    CHECK_INT(store_session_next(home.store, 1, at, &found), FAULT_GONE);
    fixture_end(&home);
}

static void test_sessions_and_their_states_have_a_most(void)
{
    static uint8_t state[STORE_SESSION_MAX_BYTES + 1] = { [STORE_SESSION_MAX_BYTES - 1] = 6 };
    struct store_session session = session_of(1, 1, 1), found;
    fixture_begin(&home, NULL);
    session.state = BYTES_OF(state);
    CHECK_INT(store_session_add(home.store, &session), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    session.state.size--;
    CHECK_INT(store_session_add(home.store, &session), FAULT_NONE);
    CHECK_INT(store_session_get(home.store, session.row, &found), FAULT_NONE);
    CHECK(bytes_equal(found.state, session.state));
    session.state.size++;
    CHECK_INT(store_session_update(home.store, &session), FAULT_BUSY);
    for (uint8_t i = 1; i < STORE_SESSIONS_MAX; i++)
        add(1, (uint8_t)(i + 1), 1);
    fixture_settle(&home);
    session = session_of(1, 99, 1);
    CHECK_INT(store_session_add(home.store, &session), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    add(2, 99, 1);
    fixture_end(&home);
}

static int64_t seal(int64_t device, int64_t session, uint32_t number, int64_t message)
{
    struct store_envelope envelope = { .device = device, .session = session, .number = number };
    struct store_owed owed;
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_NONE);
    CHECK_INT(store_outbox_of(home.store, message, &owed), FAULT_NONE);
    CHECK_INT(store_outbox_seal(home.store, &owed, envelope.row, device, 5), FAULT_NONE);
    return envelope.row;
}

static void test_what_a_removed_session_sealed_is_written_again(void)
{
    struct store_envelope envelope;
    struct store_message message;
    struct store_session found;
    struct store_owed owed;
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    int64_t lost = add(1, 1, 1), kept = add(1, 2, 2);
    int64_t first = fixture_owe(&home, bob, "one"), buried = fixture_owe(&home, bob, "two");
    int64_t other = fixture_owe(&home, bob, "three");
    seal(1, lost, 1, first);
    seal(1, lost, 2, buried);
    int64_t stays = seal(1, kept, 1, other);
    CHECK_INT(store_outbox_bury(home.store, buried, FAILURE_EXPIRED, 6), FAULT_NONE);
    CHECK_INT(store_outbox_sealed(home.store, 1), 3);

    CHECK_INT(store_session_remove(home.store, lost), FAULT_NONE);
    CHECK_INT(store_session_remove(home.store, lost), FAULT_GONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_session_get(home.store, lost, &found), FAULT_GONE);
    CHECK_INT(store_session_get(home.store, kept, &found), FAULT_NONE);
    CHECK_INT(store_envelope_next(home.store, 1, 0, &envelope), FAULT_NONE);
    CHECK_INT(envelope.row, stays);
    CHECK_INT(store_envelope_next(home.store, 1, stays, &envelope), FAULT_GONE);
    CHECK_INT(store_outbox_sealed(home.store, 1), 1);
    CHECK_INT(store_outbox_next_written(home.store, bob, 0, &owed), FAULT_NONE);
    CHECK(owed.message == first && owed.device == 0 && owed.envelope == 0);
    CHECK_INT(store_outbox_next_written(home.store, bob, owed.row, &owed), FAULT_GONE);
    CHECK_INT(store_message_get(home.store, first, &message), FAULT_NONE);
    CHECK_INT(message.state, MESSAGE_WRITTEN);
    CHECK_INT(store_message_get(home.store, buried, &message), FAULT_NONE);
    CHECK_INT(message.state, MESSAGE_FAILED);
    CHECK_INT(store_outbox_of(home.store, buried, &owed), FAULT_GONE);
    CHECK_INT(store_message_get(home.store, other, &message), FAULT_NONE);
    CHECK_INT(message.state, MESSAGE_SEALED);
    CHECK_INT(store_outbox_count(home.store, 0), 2);
    int64_t newer = add(1, 3, 3);
    CHECK(newer > lost && newer > kept); /* a row is never used twice */
    fixture_end(&home);
}

TESTS(TEST(test_a_session_comes_back_as_it_was_and_as_it_became),
      TEST(test_the_active_session_has_the_greatest_rank_then_the_smallest_id),
      TEST(test_sessions_and_their_states_have_a_most),
      TEST(test_what_a_removed_session_sealed_is_written_again))
