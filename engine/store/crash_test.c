#include "engine/store/fixture.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "tests/test.h"

#define ROUNDS     60
#define GROUP_MOST 16
#define DEVICE     1 /* of Bob */

static struct fixture home;

static void print_text(char text[64], uint64_t number)
{
    snprintf(text, 64, "message %llu of the loop", (unsigned long long)number);
}

/* The ratchet's state is the number of the last message: the two must never part. */
static void write_session(struct store_session *session, bool add)
{
    session->state = (struct bytes){ (const uint8_t *)&home.made, sizeof home.made };
    CHECK_INT(add ? store_session_add(home.store, session)
                  : store_session_update(home.store, session),
              FAULT_NONE);
}

static void read_session(struct store_session *out)
{
    CHECK_INT(store_session_next(home.store, DEVICE, 0, out), FAULT_NONE);
    CHECK_INT(out->state.size, sizeof home.made);
}

/* Writes and seals one; of two, one is acknowledged at once. */
static void write_one(int64_t contact, int64_t session)
{
    struct store_envelope envelope = { .device = DEVICE, .session = session };
    struct store_owed owed;
    char text[64];
    print_text(text, home.made + 1);
    int64_t row = fixture_owe(&home, contact, text);
    envelope.number = (uint32_t)home.made;
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_NONE);
    CHECK_INT(store_outbox_of(home.store, row, &owed), FAULT_NONE);
    CHECK_INT(store_outbox_seal(home.store, &owed, envelope.row, DEVICE, 1), FAULT_NONE);
    if (home.made % 2 != 0)
        return;
    CHECK_INT(store_outbox_end(home.store, row, MESSAGE_DELIVERED, FAILURE_NONE, 1), FAULT_NONE);
    CHECK_INT(store_envelope_remove(home.store, envelope.row), FAULT_NONE);
}

/* Writes message after message until it is killed; tells each settle over the pipe. */
static void write_for_ever(int64_t contact, uint64_t from, int acknowledged, struct rng *rng)
{
    struct store_session session;
    fixture_reopen(&home);
    read_session(&session);
    home.made = from;
    for (;;) {
        uint64_t group = 1 + rng_below(rng, GROUP_MOST);
        for (uint64_t i = 0; i < group; i++)
            write_one(contact, session.row);
        write_session(&session, false);
        fixture_settle(&home);
        if (write(acknowledged, &home.made, sizeof home.made) != sizeof home.made)
            _exit(1);
    }
}

/* Starts the loop, kills it after a while; returns the last number it had promised to keep. */
static uint64_t run_and_kill(int64_t contact, uint64_t from, struct rng *rng)
{
    int ends[2];
    uint64_t number, last = from;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(ends[0]);
        write_for_ever(contact, from, ends[1], rng);
    }
    close(ends[1]);
    struct pollfd waiting = { .fd = ends[0], .events = POLLIN };
    CHECK(poll(&waiting, 1, 30000) == 1); /* it runs */
    usleep((useconds_t)rng_below(rng, 15000));
    kill(child, SIGKILL);
    while (read(ends[0], &number, sizeof number) == sizeof number)
        last = number;
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    close(ends[0]);
    return last;
}

/* Everything in order, whole, in the state it was given. */
static uint64_t count_what_is_there(int64_t contact)
{
    struct store_place_in at, *from = NULL;
    struct store_message message;
    struct store_chat chat;
    char text[64];
    uint64_t count = 0, oldest, newest;
    while (store_message_step(home.store, contact, from, false, false, &message) == FAULT_NONE) {
        print_text(text, ++count);
        CHECK(bytes_equal(message.text, bytes_of_text(text)));
        CHECK_INT(message.state, count % 2 == 0 ? MESSAGE_DELIVERED : MESSAGE_SEALED);
        at.height = message.height;
        memcpy(at.id, message.id, sizeof at.id);
        from = &at;
    }
    CHECK_INT(store_trouble(home.store), STORE_FINE);
    CHECK_INT(store_chat_get(home.store, contact, &chat), FAULT_NONE);
    CHECK_INT(chat.total, count);
    CHECK_INT(store_outbox_count(home.store, 0), count - count / 2);
    store_event_range(home.store, &oldest, &newest);
    CHECK_INT(newest, count);
    return count;
}

/* Of each message not acknowledged the key is there, and of no other; the ratchet is where the last
   message left it. */
static void check_what_is_sealed(uint64_t count)
{
    struct store_session session;
    struct store_envelope envelope = { .row = 0 };
    struct store_owed owed;
    uint64_t state, sealed = 0;
    read_session(&session);
    memcpy(&state, session.state.data, sizeof state);
    CHECK_INT(state, count);
    while (store_envelope_next(home.store, DEVICE, envelope.row, &envelope) == FAULT_NONE) {
        CHECK_INT(envelope.number, 2 * sealed++ + 1);
        CHECK_INT(store_outbox_next_in(home.store, envelope.row, 0, &owed), FAULT_NONE);
        CHECK_INT(store_outbox_next_in(home.store, envelope.row, owed.row, &owed), FAULT_GONE);
    }
    CHECK_INT(sealed, count - count / 2);
    CHECK_INT(store_outbox_sealed(home.store, DEVICE), sealed);
}

static void test_what_was_acknowledged_outlives_every_kill(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 9);
    uint64_t there = 0;
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_session session = { .device = DEVICE };
    write_session(&session, true);
    fixture_settle(&home);
    for (int round = 0; round < ROUNDS; round++) {
        store_close(home.store);
        home.store = NULL;
        uint64_t promised = run_and_kill(bob, there, &rng);
        fixture_reopen(&home);
        there = count_what_is_there(bob);
        check_what_is_sealed(there);
        CHECK(there >= promised && there <= promised + GROUP_MOST);
    }
    CHECK(there > ROUNDS);
    fixture_end(&home);
}

TESTS(TEST(test_what_was_acknowledged_outlives_every_kill))
