#include "engine/store/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/test.h"

#define SECRET_BYTES 24

/* Searched for, so never kept here in clear: each byte lies inverted. */
struct hidden {
    const char *name;
    uint8_t inverted[SECRET_BYTES];
};

static void hide(struct hidden *hidden, const char *name, const void *secret)
{
    hidden->name = name;
    for (size_t i = 0; i < SECRET_BYTES; i++)
        hidden->inverted[i] = (uint8_t) ~((const uint8_t *)secret)[i];
}

static bool lies_at(const uint8_t *memory, const struct hidden *hidden)
{
    for (size_t i = 0; i < SECRET_BYTES; i++)
        if ((memory[i] ^ hidden->inverted[i]) != 0xff)
            return false;
    return true;
}

static size_t count_in(const uint8_t *memory, size_t size, const struct hidden *hidden)
{
    size_t found = 0;
    for (size_t at = 0; at + SECRET_BYTES <= size; at++)
        found += lies_at(memory + at, hidden);
    return found;
}

/* How often it lies in what this process can write to. */
static size_t count_in_memory(const struct hidden *hidden)
{
    char line[512], rights[8];
    unsigned long long from, to;
    size_t found = 0;
    static uint8_t part[1 << 16];
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    CHECK(maps && memory >= 0);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%llx-%llx %7s", &from, &to, rights) != 3 || rights[1] != 'w' ||
            to - from > 1u << 28) /* a sanitizer's shadow is larger than any memory */
            continue;
        while (from + SECRET_BYTES <= to) {
            size_t size = to - from < sizeof part ? (size_t)(to - from) : sizeof part;
            bool ours = from < (uintptr_t)part + sizeof part && (uintptr_t)part < from + size;
            if (!ours && pread(memory, part, size, (off_t)from) == (ssize_t)size)
                found += count_in(part, size, hidden);
            from += size - (size == sizeof part ? SECRET_BYTES : 0);
        }
    }
    wipe(part, sizeof part);
    fclose(maps);
    close(memory);
    return found;
}

/* A page of a text, and a key that no compiler has seen. */
static void fill(uint8_t *out, size_t size, uint8_t mark)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(mark * 31 + i * 7 + (i >> 3) * 13);
}

static void live(struct fixture *home, struct hidden hidden[3])
{
    struct store_self self = { .name = "Alice" };
    uint8_t text[300];
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

static void test_a_closed_store_leaves_nothing_in_memory(void)
{
    static struct fixture home;
    struct hidden hidden[3];
    fixture_begin(&home, NULL);
    live(&home, hidden);
    CHECK(count_in_memory(&hidden[2]) > 0); /* the search does find what is there */
    store_close(home.store);
    home.store = NULL;
    wipe(home.place.key, sizeof home.place.key);
    for (size_t i = 0; i < COUNT(hidden); i++) {
        size_t found = count_in_memory(&hidden[i]);
        if (found > 0)
            fail_msg("%s: %zu times", hidden[i].name, found);
    }
    fixture_end(&home);
}

TESTS(TEST(test_a_closed_store_leaves_nothing_in_memory))
