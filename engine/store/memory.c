#include "engine/store/memory.h"

#include <stdbool.h>
#include <string.h>

#include <sqlcipher/sqlite3.h>

#include "base/mem.h"

/* SQLCipher's own cipher_memory_security wipes too, but it also locks each allocation by a system
   call, and a message of 40 microseconds took 240 with it (tools/bench/store.c). */
static sqlite3_mem_methods real;

static void free_wiped(void *memory)
{
    wipe(memory, (size_t)real.xSize(memory));
    real.xFree(memory);
}

/* Growing in place keeps nothing behind; moving would, so we move ourselves. */
static void *resize_wiped(void *memory, int size)
{
    int had = real.xSize(memory);
    if (size <= had)
        return memory;
    void *moved = real.xMalloc(size);
    if (!moved)
        return NULL;
    memcpy(moved, memory, (size_t)had);
    free_wiped(memory);
    return moved;
}

void memory_wipe_what_is_freed(void)
{
    static bool asked;
    sqlite3_mem_methods wiping;
    if (asked)
        return;
    asked = true;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK)
        return;
    wiping = real;
    wiping.xFree = free_wiped;
    wiping.xRealloc = resize_wiped;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &wiping);
}
