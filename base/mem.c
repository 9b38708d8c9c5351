#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_stop(void *memory)
{
    if (memory == NULL) {
        fputs("ramage: out of memory\n", stderr);
        abort();
    }
    return memory;
}

static size_t product(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        or_stop(NULL);
    size_t bytes = count * size;
    return bytes == 0 ? 1 : bytes; /* malloc(0) may say NULL */
}

void *mem_zeroed(size_t count, size_t size)
{
    return or_stop(calloc(1, product(count, size)));
}

void *mem_resized(void *old, size_t count, size_t size)
{
    return or_stop(realloc(old, product(count, size)));
}

void *mem_copy(const void *data, size_t size)
{
    void *copy = or_stop(malloc(product(1, size)));
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *mem_text(const char *text)
{
    return mem_copy(text, strlen(text) + 1);
}

void mem_free(void *memory)
{
    free(memory);
}

void wipe(void *memory, size_t size)
{
    explicit_bzero(memory, size);
}

#define STACK_REACH_BYTES 65536 /* deeper than SQLite and libsodium go with a key in hand */

__attribute__((noinline)) void wipe_stack(void)
{
    uint8_t below[STACK_REACH_BYTES];
    wipe(below, sizeof below);
}
