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

static struct fixture home;

static void print_text(char text[64], uint64_t number)
{
    snprintf(text, 64, "message %llu of the loop", (unsigned long long)number);
}

/* Writes message after message until it is killed; tells each settle over the pipe. */
static void write_for_ever(int64_t contact, uint64_t from, int acknowledged, struct rng *rng)
{
    fixture_reopen(&home);
    home.made = from;
    for (;;) {
        char text[64];
        uint64_t group = 1 + rng_below(rng, GROUP_MOST);
        for (uint64_t i = 0; i < group; i++) {
            print_text(text, home.made + 1);
            int64_t row = fixture_owe(&home, contact, text);
            if (home.made % 2 == 0)
                CHECK_INT(store_outbox_end(home.store, row, MESSAGE_DELIVERED, FAILURE_NONE, 1),
                          FAULT_NONE);
        }
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
        CHECK_INT(message.state, count % 2 == 0 ? MESSAGE_DELIVERED : MESSAGE_WRITTEN);
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

static void test_what_was_acknowledged_outlives_every_kill(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 9);
    uint64_t there = 0;
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    fixture_settle(&home);
    for (int round = 0; round < ROUNDS; round++) {
        store_close(home.store);
        home.store = NULL;
        uint64_t promised = run_and_kill(bob, there, &rng);
        fixture_reopen(&home);
        there = count_what_is_there(bob);
        CHECK(there >= promised && there <= promised + GROUP_MOST);
    }
    CHECK(there > ROUNDS);
    fixture_end(&home);
}

TESTS(TEST(test_what_was_acknowledged_outlives_every_kill))
