#include "engine/store/fixture.h"

#include "base/mem.h"
#include "tests/memory.h"

/* Bytes that no compiler has seen, and no 16 in a row twice. */
static void fill(uint8_t *out, size_t size, uint8_t mark)
{
    uint64_t state = mark;
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(state >> 56);
    }
}

/* A ratchet whose state is written anew in every round, and a key that is used and removed. */
static void live_sessions(struct fixture *home, struct hidden hidden[2])
{
    struct store_session session = { .device = 1 };
    struct store_envelope envelope = { .device = 1 };
    uint8_t state[5000];
    fill(state, sizeof state, 7);
    fill(envelope.key, sizeof envelope.key, 9);
    hide(&hidden[0], "state of a ratchet", state + 4000);
    hide(&hidden[1], "key of a message", envelope.key);
    session.state = BYTES_OF(state);
    CHECK_INT(store_session_add(home->store, &session), FAULT_NONE);
    for (int i = 0; i < 50; i++) {
        CHECK_INT(store_session_update(home->store, &session), FAULT_NONE);
        CHECK_INT(store_envelope_add(home->store, &envelope), FAULT_NONE);
        fixture_settle(home);
        CHECK_INT(store_envelope_next(home->store, 1, 0, &envelope), FAULT_NONE);
        CHECK_INT(store_envelope_remove(home->store, envelope.row), FAULT_NONE);
    }
    CHECK_INT(store_session_get(home->store, session.row, &session), FAULT_NONE);
    wipe(state, sizeof state);
    wipe(&envelope, sizeof envelope);
}

static void live(struct fixture *home, struct hidden hidden[5])
{
    struct store_self self = { .name = "Alice" };
    uint8_t text[300];
    live_sessions(home, hidden + 3);
    struct store_message message = { .height = 1, .text = BYTES_OF(text) };
    fill(self.account_seed, sizeof self.account_seed, 3);
    fill(text, sizeof text, 5);
    hide(&hidden[0], "key of the database", home->place.key);
    hide(&hidden[1], "account seed", self.account_seed);
    hide(&hidden[2], "text", text + 100);
    CHECK_INT(store_self_put(home->store, &self), FAULT_NONE);
    message.contact = fixture_contact(home, "Bob");
    for (uint8_t i = 0; i < 200; i++) {
        message.id[0] = i;
        CHECK_INT(store_message_add(home->store, &message), FAULT_NONE);
        fixture_settle(home);
    }
    CHECK_INT(store_message_get(home->store, message.row, &message), FAULT_NONE);
    CHECK_INT(store_self_get(home->store, &self), FAULT_NONE);
    wipe(&self, sizeof self);
    wipe(text, sizeof text);
}

static void test_T27_a_closed_store_leaves_nothing_in_memory(void)
{
    static struct fixture home;
    struct hidden hidden[5];
    fixture_begin(&home, NULL);
    live(&home, hidden);
    for (size_t i = 2; i < 4; i++)
        CHECK(hidden_in_memory(&hidden[i], NULL) > 0); /* the search does find what is there */
    /* The identity's keys were read, and are in no page that is kept. */
    CHECK(hidden_in_memory(&hidden[1], NULL) > 0);
    fixture_settle(&home);
    CHECK_INT(hidden_in_memory(&hidden[1], NULL), 0);
    store_close(home.store);
    home.store = NULL;
    wipe(home.place.key, sizeof home.place.key);
    for (size_t i = 0; i < COUNT(hidden); i++) {
        size_t found = hidden_in_memory(&hidden[i], NULL);
        if (found > 0)
            fail_msg("%s: %zu times", hidden[i].name, found);
    }
    fixture_end(&home);
}

TESTS(TEST(test_T27_a_closed_store_leaves_nothing_in_memory))
