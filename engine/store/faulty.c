#include "engine/store/faulty.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include <sqlcipher/sqlite3.h>

/* SQLite gives us as much memory as we ask for; the real file follows ours in it. */
struct faulty_file {
    sqlite3_file head;
    sqlite3_file *real;
};

static struct {
    uint64_t count[FAULTY_OPERATIONS];
    uint64_t fail_at;
    enum faulty_operation failing;
    int result;
} state;

static int meet(enum faulty_operation operation)
{
    uint64_t number = state.count[operation]++;
    bool fails = state.result != SQLITE_OK && operation == state.failing && number >= state.fail_at;
    return fails ? state.result : SQLITE_OK;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)(void *)file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
    int result = meet(FAULTY_READ);
    return result ? result : real_of(file)->pMethods->xRead(real_of(file), out, size, at);
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    int result = meet(FAULTY_WRITE);
    return result ? result : real_of(file)->pMethods->xWrite(real_of(file), data, size, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int result = meet(FAULTY_TRUNCATE);
    return result ? result : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    int result = meet(FAULTY_SYNC);
    return result ? result : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_reserved(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* Version 1, as store.h promises: no shared memory and no mapping. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct faulty_file *faulty = (struct faulty_file *)(void *)file;
    sqlite3_vfs *real = vfs->pAppData;
    faulty->real = (sqlite3_file *)(void *)(faulty + 1);
    int result = real->xOpen(real, name, faulty->real, flags, out);
    file->pMethods = result == SQLITE_OK ? &methods : NULL;
    return result;
}

void faulty_register(void)
{
    static sqlite3_vfs faulty;
    if (faulty.zName)
        return;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    faulty = *real;
    faulty.zName = FAULTY_VFS;
    faulty.pAppData = real;
    faulty.pNext = NULL;
    faulty.szOsFile = (int)sizeof(struct faulty_file) + real->szOsFile;
    faulty.xOpen = faulty_open;
    int result = sqlite3_vfs_register(&faulty, 0);
    assert(result == SQLITE_OK);
}

void faulty_fail(enum faulty_operation operation, uint64_t after, int result)
{
    state.failing = operation;
    state.fail_at = state.count[operation] + after;
    state.result = result;
}

void faulty_heal(void)
{
    state.result = SQLITE_OK;
}

uint64_t faulty_count(enum faulty_operation operation)
{
    return state.count[operation];
}
