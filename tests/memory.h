/* Looks for secrets in the memory of this process, or of another.

   What is searched for is never kept here in clear, or the search would find itself: each byte lies
   inverted. */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/test.h"

#define HIDDEN_BYTES 16 /* as many of each secret are looked for: no chance hits that */

struct hidden {
    const char *name;
    uint8_t inverted[HIDDEN_BYTES];
};

static inline void hide(struct hidden *hidden, const char *name, const void *secret)
{
    hidden->name = name;
    for (size_t i = 0; i < HIDDEN_BYTES; i++)
        hidden->inverted[i] = (uint8_t) ~((const uint8_t *)secret)[i];
}

static inline bool hidden_lies_at(const uint8_t *memory, const struct hidden *hidden)
{
    for (size_t i = 0; i < HIDDEN_BYTES; i++)
        if ((memory[i] ^ hidden->inverted[i]) != 0xff)
            return false;
    return true;
}

static inline size_t hidden_in(const uint8_t *memory, size_t size, const struct hidden *hidden)
{
    size_t found = 0;
    for (size_t at = 0; at + HIDDEN_BYTES <= size; at++)
        found += hidden_lies_at(memory + at, hidden);
    return found;
}

/* How often it lies in what this process can write to. With `where` (NULL: not) the mapping that
   holds the last one found is named there. */
static inline size_t hidden_in_memory(const struct hidden *hidden, char where[256])
{
    char line[200], rights[8];
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
        for (size_t size; from + HIDDEN_BYTES <= to;
             from += size == sizeof part ? size - HIDDEN_BYTES : size) {
            size = to - from < sizeof part ? (size_t)(to - from) : sizeof part;
            bool ours = from < (uintptr_t)part + sizeof part && (uintptr_t)part < from + size;
            if (ours || pread(memory, part, size, (off_t)from) != (ssize_t)size)
                continue;
            size_t here = hidden_in(part, size, hidden);
            found += here;
            for (size_t at = 0; where && here > 0 && at + HIDDEN_BYTES <= size; at++)
                if (hidden_lies_at(part + at, hidden))
                    snprintf(where, 256, "%llx in %s", from + at, line);
        }
    }
    wipe(part, sizeof part);
    fclose(maps);
    close(memory);
    return found;
}

#endif
