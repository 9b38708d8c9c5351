/* How long the store takes for one message, by path and by how many are settled together.

   store DIRECTORY [MESSAGES [HISTORY]]: MESSAGES per figure, on top of HISTORY older ones. */
#include "engine/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"

#define TEXT_BYTES   100
#define STATE_BYTES  1600 /* of a ratchet without gaps: two chains and an open offer */
#define HEADER_BYTES 81   /* without offer or answer */
#define SYNC_ROUNDS  200

struct bench {
    struct store *store;
    struct store_contact contact;
    struct rng rng;
    struct store_session session;
    uint32_t number;  /* of the next envelope */
    bool session_due; /* to be written anew before the settle */
    size_t messages;
    int64_t last_row;
};

typedef void step(struct bench *bench, size_t number);

static double seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench store: %s failed\n", what);
    exit(1);
}

static void tell(struct bench *bench, enum event_kind kind, int64_t message)
{
    struct store_event event = { .time = 1, .kind = kind, .message = message };
    event.contact = bench->contact.id;
    check(store_event_add(bench->store, &event) == FAULT_NONE, "event");
}

static void add(struct bench *bench, bool ours)
{
    static const uint8_t text[TEXT_BYTES] = "lunch?";
    struct store_message message = { .contact = bench->contact.id, .ours = ours };
    rng_fill(&bench->rng, message.id, sizeof message.id);
    message.state = ours ? MESSAGE_WRITTEN : MESSAGE_DELIVERED;
    message.parent_count =
        store_heads(bench->store, bench->contact.id, message.parents, &message.height);
    message.height++;
    message.text = BYTES_OF(text);
    check(store_message_add(bench->store, &message) == FAULT_NONE, "message");
    bench->last_row = message.row;
}

/* Each message in an envelope of its own, as when people type. */
static void seal(struct bench *bench, struct store_owed *owed)
{
    struct store_envelope envelope = { .device = bench->session.device,
                                       .session = bench->session.row,
                                       .number = bench->number++,
                                       .cell = 1024,
                                       .header_size = HEADER_BYTES };
    check(store_outbox_sealed(bench->store, envelope.device) <= STORE_OUTBOX_MAX, "sealed");
    check(store_envelope_add(bench->store, &envelope) == FAULT_NONE, "envelope");
    check(store_outbox_seal(bench->store, owed, envelope.row, envelope.device, 1) == FAULT_NONE,
          "seal");
    bench->session_due = true;
}

static void write_one(struct bench *bench, size_t number)
{
    (void)number;
    add(bench, true);
    struct store_owed owed = { .message = bench->last_row, .contact = bench->contact.id };
    owed.expires = 30 * DAY;
    check(store_outbox_add(bench->store, &owed) == FAULT_NONE, "outbox");
    tell(bench, EVENT_MESSAGE_STATE, owed.message);
    seal(bench, &owed);
    tell(bench, EVENT_MESSAGE_STATE, owed.message);
}

/* The acknowledgements of what write_one wrote come in the same order. */
static void end_one(struct bench *bench, size_t number)
{
    static const uint8_t chain[8];
    struct store_envelope envelope;
    struct store_owed owed;
    uint32_t acknowledged = bench->number - (uint32_t)(bench->messages - number);
    check(store_envelope_in_run(bench->store, bench->session.row, chain, acknowledged, 1,
                                &envelope) == FAULT_NONE &&
              store_outbox_next_in(bench->store, envelope.row, 0, &owed) == FAULT_NONE,
          "envelope by number");
    check(store_outbox_end(bench->store, owed.message, MESSAGE_DELIVERED, FAILURE_NONE, 2) ==
              FAULT_NONE,
          "outbox end");
    check(store_envelope_remove(bench->store, envelope.row) == FAULT_NONE, "envelope remove");
    tell(bench, EVENT_MESSAGE_STATE, owed.message);
    bench->session_due = true;
}

static void receive_one(struct bench *bench, size_t number)
{
    (void)number;
    add(bench, false);
    tell(bench, EVENT_MESSAGE_RECEIVED, bench->last_row);
    bench->session_due = true;
}

/* The end of a round: a ratchet that was used is written once. */
static void settle(struct bench *bench)
{
    if (bench->session_due)
        check(store_session_update(bench->store, &bench->session) == FAULT_NONE, "session");
    bench->session_due = false;
    check(store_settle(bench->store) == FAULT_NONE, "settle");
}

static void measure(struct bench *bench, const char *name, step *run, size_t group)
{
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < bench->messages; i++) {
        run(bench, i);
        if ((i + 1) % group == 0 || i + 1 == bench->messages)
            settle(bench);
    }
    wall = (seconds(CLOCK_MONOTONIC) - wall) * 1e6 / (double)bench->messages;
    cpu = (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)bench->messages;
    printf("%-28s %5zu %10.1f %10.1f %10.0f\n", name, group, wall, cpu, 1e6 / wall);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *name, double *times, size_t count)
{
    qsort(times, count, sizeof *times, compare);
    printf("%-28s p50 %.0f us, p99 %.0f us, worst %.0f us\n", name, times[count / 2] * 1e6,
           times[count * 99 / 100] * 1e6, times[count - 1] * 1e6);
}

/* What the disk alone takes, to tell its share from ours. */
static void measure_disk(const char *directory)
{
    static const uint8_t page[4096];
    static double times[SYNC_ROUNDS];
    char file[4096];
    snprintf(file, sizeof file, "%s/sync", directory);
    int disk = open(file, O_CREAT | O_TRUNC | O_RDWR, 0600);
    check(disk >= 0, "open");
    for (size_t i = 0; i < COUNT(times); i++) {
        times[i] = seconds(CLOCK_MONOTONIC);
        check(write(disk, page, sizeof page) == sizeof page && fdatasync(disk) == 0, "sync");
        times[i] = seconds(CLOCK_MONOTONIC) - times[i];
    }
    close(disk);
    unlink(file);
    print_times("4 KiB and fdatasync", times, COUNT(times));
}

static void measure_settle(struct bench *bench)
{
    static double times[SYNC_ROUNDS];
    for (size_t i = 0; i < COUNT(times); i++) {
        receive_one(bench, i);
        times[i] = seconds(CLOCK_MONOTONIC);
        settle(bench);
        times[i] = seconds(CLOCK_MONOTONIC) - times[i];
    }
    print_times("one message settled", times, COUNT(times));
}

static void measure_paths(struct bench *bench)
{
    static const size_t groups[] = { 1, 32, 256 };
    printf("%-28s %5s %10s %10s %10s\n", "path", "group", "us each", "CPU us", "per second");
    for (size_t i = 0; i < COUNT(groups); i++) {
        measure(bench, "written, owed and sealed", write_one, groups[i]);
        measure(bench, "acknowledged", end_one, groups[i]);
        measure(bench, "received", receive_one, groups[i]);
    }
}

static void start_session(struct bench *bench)
{
    static uint8_t state[STATE_BYTES];
    struct store_device device = { .contact = bench->contact.id };
    check(store_device_put(bench->store, &device) == FAULT_NONE, "device");
    rng_fill(&bench->rng, state, sizeof state);
    bench->session.device = device.id;
    bench->session.state = BYTES_OF(state);
    check(store_session_add(bench->store, &bench->session) == FAULT_NONE, "session");
}

static void remember(struct bench *bench, size_t history)
{
    for (size_t i = 1; i <= history; i++) {
        receive_one(bench, i);
        if (i % 4096 == 0 || i == history)
            settle(bench);
    }
}

int main(int argc, char **argv)
{
    struct rng_seeded memory;
    struct bench bench = { .rng = rng_from_seed(&memory, 1), .messages = 2048 };
    char path[4096];
    if (argc < 2) {
        fprintf(stderr, "usage: store DIRECTORY [MESSAGES [HISTORY]]\n");
        return 2;
    }
    if (argc > 2)
        bench.messages = strtoull(argv[2], NULL, 10);
    snprintf(path, sizeof path, "%s/bench.db", argv[1]);
    unlink(path);
    struct store_place place = { .path = path, .key = { 1 } };
    enum store_trouble trouble;
    double start = seconds(CLOCK_MONOTONIC);
    check(store_open(&place, &bench.store, &trouble) == FAULT_NONE, "open");
    printf("%-28s %.1f ms\n", "made", (seconds(CLOCK_MONOTONIC) - start) * 1e3);
    strcpy(bench.contact.name, "Bob");
    check(store_contact_add(bench.store, &bench.contact) == FAULT_NONE, "contact");
    start_session(&bench);
    remember(&bench, argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
    measure_disk(argv[1]);
    measure_settle(&bench);
    measure_paths(&bench);
    store_close(bench.store);
    start = seconds(CLOCK_MONOTONIC);
    check(store_open(&place, &bench.store, &trouble) == FAULT_NONE, "open");
    printf("%-28s %.1f ms\n", "opened again", (seconds(CLOCK_MONOTONIC) - start) * 1e3);
    start = seconds(CLOCK_MONOTONIC);
    check(store_contact_remove(bench.store, bench.contact.id) == FAULT_NONE, "remove");
    check(store_settle(bench.store) == FAULT_NONE, "settle");
    printf("%-28s %.1f ms\n", "contact removed", (seconds(CLOCK_MONOTONIC) - start) * 1e3);
    store_close(bench.store);
    unlink(path);
    return 0;
}
