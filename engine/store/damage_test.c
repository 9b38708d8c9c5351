#include "engine/store/fixture.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tests/test.h"

#define MESSAGES 300
#define ROUNDS   400

static struct fixture home;
static struct rng_seeded memory;
static struct rng rng;

struct file {
    uint8_t *data;
    size_t size;
};

static struct file read_file(const char *path)
{
    struct file file = { .size = 0 };
    FILE *in = fopen(path, "r");
    CHECK(in && fseek(in, 0, SEEK_END) == 0);
    file.size = (size_t)ftell(in);
    file.data = mem_zeroed(file.size + 1, 1);
    rewind(in);
    CHECK(fread(file.data, 1, file.size, in) == file.size && fclose(in) == 0);
    return file;
}

static void write_file(const char *path, struct file file)
{
    FILE *out = fopen(path, "w");
    CHECK(out && fwrite(file.data, 1, file.size, out) == file.size && fclose(out) == 0);
}

/* One message per settle, as a life goes. */
static void live(int64_t contact)
{
    char text[64];
    for (int i = 1; i <= MESSAGES; i++) {
        snprintf(text, sizeof text, "text number %d", i);
        fixture_owe(&home, contact, text);
        fixture_settle(&home);
    }
}

/* How many messages are there; each must be what was written, and nothing be left out between. */
static enum fault walk(struct store *store, int64_t contact, uint64_t *count)
{
    struct store_place_in at, *from = NULL;
    struct store_message message;
    struct store_owed owed;
    struct store_event event;
    char text[64];
    enum fault fault;
    *count = 0;
    while ((fault = store_message_step(store, contact, from, false, false, &message)) ==
           FAULT_NONE) {
        snprintf(text, sizeof text, "text number %d", (int)++*count);
        CHECK(bytes_equal(message.text, bytes_of_text(text)));
        at.height = message.height;
        memcpy(at.id, message.id, sizeof at.id);
        from = &at;
        fault = store_message_by_id(store, message.id, &message);
        if (fault == FAULT_NONE)
            fault = store_outbox_of(store, message.row, &owed);
        if (fault == FAULT_NONE)
            fault = store_event_next(store, *count - 1, &event);
        if (fault != FAULT_NONE)
            break;
    }
    return *count > 0 && fault == FAULT_GONE && from && store_trouble(store) == STORE_FINE
               ? FAULT_NONE
               : fault;
}

/* Opens what is there and reads all of it: true when that went well. */
static bool survives(int64_t contact, uint64_t *count)
{
    enum store_trouble trouble;
    *count = 0;
    if (store_open(&home.place, &home.store, &trouble) != FAULT_NONE) {
        CHECK_INT(trouble, STORE_DAMAGED);
        return false;
    }
    enum fault fault = walk(home.store, contact, count);
    trouble = store_trouble(home.store);
    store_close(home.store);
    home.store = NULL;
    CHECK(fault == FAULT_DISK ? trouble == STORE_DAMAGED : trouble == STORE_FINE);
    return fault != FAULT_DISK;
}

static void swap_pages(struct file *file)
{
    uint8_t page[4096];
    uint8_t *one = file->data + rng_below(&rng, file->size / sizeof page) * sizeof page;
    uint8_t *other = file->data + rng_below(&rng, file->size / sizeof page) * sizeof page;
    memcpy(page, one, sizeof page);
    memcpy(one, other, sizeof page);
    memcpy(other, page, sizeof page);
}

static void hurt(struct file *file)
{
    size_t at = rng_below(&rng, file->size), size = 1 + rng_below(&rng, 5000);
    if (size > file->size - at)
        size = file->size - at;
    switch (rng_below(&rng, 5)) {
    case 0:
        file->data[at] ^= (uint8_t)(1 << rng_below(&rng, 8));
        break;
    case 1:
        rng_fill(&rng, file->data + at, size);
        break;
    case 2:
        memset(file->data + at, 0, size);
        break;
    case 3:
        file->size = at < 2 ? 2 : at;
        break;
    default:
        swap_pages(file);
        break;
    }
}

static void test_a_damaged_file_gives_the_truth_or_says_it_is_damaged(void)
{
    rng = rng_from_seed(&memory, 5);
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    live(bob);
    store_close(home.store);
    home.store = NULL;
    struct file good = read_file(home.path);
    uint64_t count;
    size_t refused = 0;
    CHECK(survives(bob, &count) && count == MESSAGES);
    for (int round = 0; round < ROUNDS; round++) {
        struct file file = { mem_copy(good.data, good.size), good.size };
        hurt(&file);
        write_file(home.path, file);
        unlink(home.wal);
        if (survives(bob, &count))
            CHECK_INT(count, MESSAGES); /* the damage lay where nothing is read */
        else
            refused++;
        mem_free(file.data);
    }
    CHECK(refused > ROUNDS / 2);
    mem_free(good.data);
    unlink(home.wal);
    fixture_end(&home);
}

static void test_the_clear_first_bytes_are_not_needed(void)
{
    rng = rng_from_seed(&memory, 6);
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    live(bob);
    store_close(home.store);
    home.store = NULL;
    struct file file = read_file(home.path);
    rng_fill(&rng, file.data, 16);
    write_file(home.path, file);
    uint64_t count;
    CHECK(survives(bob, &count) && count == MESSAGES);
    mem_free(file.data);
    fixture_end(&home);
}

/* A crash leaves a WAL behind, and then it is damaged too: the past may come back, whole, as it was
   at one of the settles, but nothing is ever mixed. */
static void test_a_damaged_wal_gives_a_moment_of_the_past_or_says_it_is_damaged(void)
{
    rng = rng_from_seed(&memory, 7);
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    fixture_settle(&home);
    store_close(home.store);
    home.store = NULL;
    pid_t child = fork();
    if (child == 0) {
        fixture_reopen(&home);
        live(bob);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct file good = read_file(home.path), wal = read_file(home.wal);
    CHECK(wal.size > 100000);
    uint64_t count;
    for (int round = 0; round < ROUNDS / 4; round++) {
        struct file file = { mem_copy(wal.data, wal.size), wal.size };
        if (round > 0)
            hurt(&file);
        write_file(home.path, good);
        write_file(home.wal, file);
        bool whole = survives(bob, &count);
        CHECK(round > 0 || (whole && count == MESSAGES));
        CHECK(count <= MESSAGES);
        mem_free(file.data);
    }
    mem_free(good.data);
    mem_free(wal.data);
    fixture_end(&home);
}

TESTS(TEST(test_a_damaged_file_gives_the_truth_or_says_it_is_damaged),
      TEST(test_the_clear_first_bytes_are_not_needed),
      TEST(test_a_damaged_wal_gives_a_moment_of_the_past_or_says_it_is_damaged))
