/* The real store on the pretend disk: its promises, with the power cut at every write. */
#include "engine/store/store.h"
#include "sim/disk.h"
#include "tests/test.h"

#include <stdio.h>

#define ROUNDS 12

struct home {
    struct rng_seeded luck;
    struct rng rng;
    struct disk *disk;
    struct store *store;
    enum store_trouble trouble;
};

static bool home_open(struct home *home)
{
    struct store_place place = { .path = "store", .vfs = disk_vfs(home->disk), .key = { 1, 2 } };
    return store_open(&place, &home->store, &home->trouble) == FAULT_NONE;
}

static void home_begin(struct home *home, uint64_t seed)
{
    home->rng = rng_from_seed(&home->luck, seed);
    home->disk = disk_create("home", &home->rng);
}

static void home_end(struct home *home)
{
    store_close(home->store);
    disk_destroy(home->disk);
}

static bool meet_bob(struct home *home)
{
    struct store_contact bob = { .name = "bob", .account = { 9 }, .added = 1 };
    return store_contact_add(home->store, &bob) == FAULT_NONE &&
           store_settle(home->store) == FAULT_NONE;
}

/* One message, what is owed of it, and the event, in one step: all of it or nothing may survive. */
static bool write_one(struct home *home, int64_t n)
{
    char text[3000];
    memset(text, 'x', sizeof text);
    struct store_message message = { .contact = 1,
                                     .id = { (uint8_t)n, (uint8_t)(n >> 8), 7 },
                                     .ours = true,
                                     .state = MESSAGE_WRITTEN,
                                     .height = (uint64_t)n + 1,
                                     .text = { (const uint8_t *)text, (size_t)(n * 397 % 3000) } };
    struct store_event event = { .kind = EVENT_MESSAGE_STATE, .detail = MESSAGE_WRITTEN };
    if (store_message_add(home->store, &message) != FAULT_NONE)
        return false;
    struct store_owed owed = { .message = message.row, .contact = 1, .expires = NEVER / 4 };
    return store_outbox_add(home->store, &owed) == FAULT_NONE &&
           store_event_add(home->store, &event) == FAULT_NONE;
}

static bool deliver_one(struct home *home, int64_t n)
{
    struct store_event event = { .kind = EVENT_MESSAGE_STATE, .detail = MESSAGE_DELIVERED };
    return store_outbox_end(home->store, n + 1, MESSAGE_DELIVERED, FAILURE_NONE, 5) == FAULT_NONE &&
           store_event_add(home->store, &event) == FAULT_NONE;
}

/* Returns how many rounds were promised. */
static int64_t live(struct home *home)
{
    if (!meet_bob(home))
        return 0;
    for (int64_t n = 0; n < ROUNDS; n++) {
        if (!write_one(home, n) || (n % 3 == 2 && !deliver_one(home, n)) ||
            store_settle(home->store) != FAULT_NONE)
            return n;
    }
    return ROUNDS;
}

/* What is found must be some whole number of rounds. Returns it. */
static int64_t take_stock(struct home *home)
{
    struct store_message message;
    struct store_owed owed;
    uint64_t oldest, newest;
    int64_t rounds = 0;
    for (; store_message_get(home->store, rounds + 1, &message) == FAULT_NONE; rounds++) {
        bool delivered = rounds % 3 == 2;
        CHECK_INT(message.state, delivered ? MESSAGE_DELIVERED : MESSAGE_WRITTEN);
        CHECK_INT(store_outbox_of(home->store, rounds + 1, &owed),
                  delivered ? FAULT_GONE : FAULT_NONE);
        CHECK_INT(message.text.size, rounds * 397 % 3000);
    }
    store_event_range(home->store, &oldest, &newest);
    CHECK_INT(newest, rounds + rounds / 3);
    CHECK_INT(store_outbox_count(home->store, 0), rounds - rounds / 3);
    return rounds;
}

static bool crash_at(uint64_t seed, uint64_t step)
{
    struct home home = { 0 };
    int64_t promised = 0;
    home_begin(&home, seed);
    disk_crash_at(home.disk, step);
    if (home_open(&home))
        promised = live(&home);
    bool reached = disk_dark(home.disk);
    disk_crash(home.disk);
    store_close(home.store);
    disk_start(home.disk);
    CHECK(home_open(&home));
    CHECK(take_stock(&home) >= promised);
    home_end(&home);
    return reached;
}

static void test_what_was_settled_survives_a_crash_at_every_write(void)
{
    for (uint64_t seed = 1; seed <= 2; seed++)
        for (uint64_t step = 1; crash_at(seed << 32 | step, step); step++)
            CHECK(step < 5000);
}

static void test_a_full_disk_stops_the_store_and_what_was_settled_is_there_afterwards(void)
{
    for (uint64_t room = 1; room < 60000; room += 3001) {
        struct home home = { 0 };
        home_begin(&home, room);
        CHECK(home_open(&home) && meet_bob(&home));
        disk_limit(home.disk, disk_counts(home.disk).bytes + room);
        int64_t n = 0;
        while (write_one(&home, n) && (n % 3 != 2 || deliver_one(&home, n)) &&
               store_settle(home.store) == FAULT_NONE)
            n++;
        CHECK_INT(store_trouble(home.store), STORE_FULL);
        CHECK_INT(store_settle(home.store), FAULT_DISK);
        store_close(home.store);
        disk_limit(home.disk, 0);
        CHECK(home_open(&home));
        CHECK_INT(take_stock(&home), n);
        home_end(&home);
    }
}

TESTS(TEST(test_what_was_settled_survives_a_crash_at_every_write),
      TEST(test_a_full_disk_stops_the_store_and_what_was_settled_is_there_afterwards))
