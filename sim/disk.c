#include "sim/disk.h"

#include "base/bytes.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/time.h"

#include <assert.h>
#include <sqlcipher/sqlite3.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 128

/* One write or truncation since the last sync of its file, in order. */
struct change {
    struct list link;
    bool truncates; /* then `at` is the new length, and there is no data */
    uint64_t at, size;
    uint8_t *data;
};

struct content {
    uint8_t *data;
    uint64_t size, room;
};

/* The process sees `live`; the plate surely holds `synced`; `changes` lie between. */
struct file {
    struct list link; /* in disk->files */
    char path[PATH_MAX_BYTES];
    struct content live, synced, aside;
    struct list changes;
    bool named, surely_named; /* its directory entry: as seen, as on the plate */
    size_t handles;
};

/* A name made or removed since the directory was synced, in order. */
struct naming {
    struct list link;
    struct file *file;
    bool made;
};

struct disk {
    sqlite3_vfs vfs;
    char name[DISK_NAME_MAX_BYTES + 1];
    struct rng *rng;
    struct list files, namings;
    struct disk_counts counts;
    uint64_t crash_at, limit; /* crash_at: a number of counts.steps; 0: never */
    unsigned boots;
    bool dark;
};

struct handle {
    sqlite3_file base; /* first: SQLite sees only this */
    struct disk *disk;
    struct file *file;
    unsigned boot;
    bool sync_directory, delete_on_close;
};

/* --- contents ---------------------------------------------------------------------------- */

static void content_resize(struct content *content, uint64_t size)
{
    if (size > content->room) {
        content->room = size + size / 2 + 4096;
        content->data = mem_resized(content->data, content->room, 1);
    }
    if (size > content->size)
        memset(content->data + content->size, 0, size - content->size);
    content->size = size;
}

static void content_write(struct content *content, uint64_t at, const uint8_t *data, uint64_t size)
{
    if (at + size > content->size)
        content_resize(content, at + size);
    memcpy(content->data + at, data, size);
}

static void content_copy(struct content *to, const struct content *from)
{
    content_resize(to, from->size);
    if (from->size > 0)
        memcpy(to->data, from->data, from->size);
}

static void change_apply(const struct change *change, struct content *content)
{
    if (change->truncates)
        content_resize(content, change->at);
    else
        content_write(content, change->at, change->data, change->size);
}

static void change_free(struct change *change)
{
    list_remove(&change->link);
    mem_free(change->data);
    mem_free(change);
}

/* --- files and their names --------------------------------------------------------------- */

static struct file *file_find(struct disk *disk, const char *path)
{
    LIST_EACH (link, &disk->files) {
        struct file *file = LIST_ITEM(link, struct file, link);
        if (file->named && strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

static void file_name(struct disk *disk, struct file *file, bool made)
{
    struct naming *naming = mem_zeroed(1, sizeof *naming);
    naming->file = file;
    naming->made = file->named = made;
    list_append(&disk->namings, &naming->link);
}

static struct file *file_create(struct disk *disk, const char *path)
{
    struct file *file = mem_zeroed(1, sizeof *file);
    list_init(&file->changes);
    list_append(&disk->files, &file->link);
    if (path == NULL) /* a temporary one never has a name and dies with its handle */
        return file;
    assert(strlen(path) < sizeof file->path);
    strcpy(file->path, path);
    file_name(disk, file, true);
    return file;
}

static void file_free(struct file *file)
{
    LIST_EACH (link, &file->changes)
        change_free(LIST_ITEM(link, struct change, link));
    mem_free(file->live.data);
    mem_free(file->synced.data);
    mem_free(file->aside.data);
    list_remove(&file->link);
    mem_free(file);
}

static bool file_awaits_directory(const struct disk *disk, const struct file *file)
{
    for (const struct list *at = disk->namings.next; at != &disk->namings; at = at->next)
        if (LIST_ITEM(at, struct naming, link)->file == file)
            return true;
    return false;
}

/* Forgets files that no name, no handle and no unsynced directory entry can bring back. */
static void sweep(struct disk *disk)
{
    LIST_EACH (link, &disk->files) {
        struct file *file = LIST_ITEM(link, struct file, link);
        if (!file->named && !file->surely_named && file->handles == 0 &&
            !file_awaits_directory(disk, file))
            file_free(file);
    }
}

static void naming_settle(struct naming *naming, bool kept)
{
    if (kept)
        naming->file->surely_named = naming->made;
    list_remove(&naming->link);
    mem_free(naming);
}

static void directory_sync(struct disk *disk)
{
    LIST_EACH (link, &disk->namings)
        naming_settle(LIST_ITEM(link, struct naming, link), true);
    sweep(disk);
}

/* --- the power cut ----------------------------------------------------------------------- */

/* How one power cut treats what was not synced. All kept is what `kill -9` does. */
enum mercy { MERCY_NONE, MERCY_SOME, MERCY_ALL };

/* What becomes of one sector: its versions since the sync are taken until it freezes. */
enum fate { FATE_UNKNOWN, FATE_FROZEN, FATE_WRITTEN, FATE_BY_CHANCE };

static enum mercy draw_mercy(struct rng *rng)
{
    static const enum mercy odds[] = { MERCY_NONE, MERCY_ALL, MERCY_SOME, MERCY_SOME };
    return odds[rng_below(rng, COUNT(odds))];
}

static bool sector_takes(struct disk *disk, enum mercy mercy, uint8_t *fate)
{
    if (mercy != MERCY_SOME)
        return mercy == MERCY_ALL;
    if (*fate == FATE_UNKNOWN)
        *fate = (uint8_t)(FATE_FROZEN + rng_below(disk->rng, 3));
    if (*fate == FATE_BY_CHANCE && rng_below(disk->rng, 2) == 0)
        *fate = FATE_FROZEN;
    return *fate != FATE_FROZEN;
}

/* Lets each sector that the change touches take its part of it, or not. */
static void change_survives(struct disk *disk, enum mercy mercy, const struct change *change,
                            struct content *plate, uint8_t *fates)
{
    uint64_t at = change->at, end = change->truncates ? plate->size : change->at + change->size;
    while (at < end) {
        uint64_t sector = at / DISK_SECTOR_BYTES;
        uint64_t part_end =
            (sector + 1) * DISK_SECTOR_BYTES < end ? (sector + 1) * DISK_SECTOR_BYTES : end;
        if (sector_takes(disk, mercy, &fates[sector])) {
            if (change->truncates)
                memset(plate->data + at, 0, part_end - at);
            else
                memcpy(plate->data + at, change->data + (at - change->at), part_end - at);
        }
        at = part_end;
    }
}

/* The length of some moment since the last sync. */
static uint64_t draw_size(struct disk *disk, enum mercy mercy, const struct file *file)
{
    uint64_t size = file->synced.size, drawn = size, moments = 1;
    if (mercy == MERCY_ALL)
        return file->live.size;
    for (const struct list *at = file->changes.next; at != &file->changes; at = at->next) {
        const struct change *change = LIST_ITEM(at, struct change, link);
        uint64_t end = change->at + change->size;
        size = change->truncates || end > size ? end : size;
        if (mercy == MERCY_SOME && rng_below(disk->rng, ++moments) == 0)
            drawn = size;
    }
    return drawn;
}

static uint64_t largest_size(const struct file *file)
{
    uint64_t most = file->synced.size;
    for (const struct list *at = file->changes.next; at != &file->changes; at = at->next) {
        const struct change *change = LIST_ITEM(at, struct change, link);
        if (change->at + change->size > most)
            most = change->at + change->size;
    }
    return most;
}

static void file_survives(struct disk *disk, enum mercy mercy, struct file *file)
{
    uint64_t size = draw_size(disk, mercy, file), before = file->synced.size;
    content_resize(&file->synced, largest_size(file));
    uint64_t sectors = file->synced.size / DISK_SECTOR_BYTES + 1;
    uint8_t *fates = mem_zeroed(sectors, 1);
    /* A file that grew may show what lay on the plate before: SQLite is told of no safe append. */
    if (mercy == MERCY_SOME && file->synced.size > before && rng_below(disk->rng, 2) == 0)
        rng_fill(disk->rng, file->synced.data + before, file->synced.size - before);
    LIST_EACH (link, &file->changes) {
        struct change *change = LIST_ITEM(link, struct change, link);
        change_survives(disk, mercy, change, &file->synced, fates);
        change_free(change);
    }
    content_resize(&file->synced, size);
    content_copy(&file->live, &file->synced);
    mem_free(fates);
}

/* A journalling file system keeps the order of names: some moment's directory is found again. */
static void directory_survives(struct disk *disk, enum mercy mercy)
{
    bool kept = mercy != MERCY_NONE;
    LIST_EACH (link, &disk->namings) {
        kept = kept && (mercy == MERCY_ALL || rng_below(disk->rng, 4) != 0);
        naming_settle(LIST_ITEM(link, struct naming, link), kept);
    }
    LIST_EACH (link, &disk->files) {
        struct file *file = LIST_ITEM(link, struct file, link);
        file->named = file->surely_named;
    }
}

void disk_crash(struct disk *disk)
{
    if (disk->dark)
        return;
    enum mercy mercy = draw_mercy(disk->rng);
    LIST_EACH (link, &disk->files)
        file_survives(disk, mercy, LIST_ITEM(link, struct file, link));
    directory_survives(disk, mercy);
    sweep(disk);
    disk->dark = true;
    disk->boots++;
    disk->crash_at = 0;
    disk->counts.crashes++;
}

void disk_start(struct disk *disk)
{
    disk->dark = false;
}

bool disk_dark(const struct disk *disk)
{
    return disk->dark;
}

/* --- what SQLite asks of a file ---------------------------------------------------------- */

static struct handle *handle_of(sqlite3_file *base)
{
    return (struct handle *)base;
}

static bool handle_lives(const struct handle *handle)
{
    return !handle->disk->dark && handle->boot == handle->disk->boots;
}

/* True when the power goes in this very step. */
static bool step_is_last(struct disk *disk)
{
    return ++disk->counts.steps == disk->crash_at;
}

static int crash_in_step(struct disk *disk, int fault)
{
    disk_crash(disk);
    return fault;
}

static int file_close(sqlite3_file *base)
{
    struct handle *handle = handle_of(base);
    struct disk *disk = handle->disk;
    if (handle->delete_on_close && handle->file->named && handle_lives(handle))
        file_name(disk, handle->file, false);
    handle->file->handles--;
    sweep(disk);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int size, sqlite3_int64 at)
{
    struct handle *handle = handle_of(base);
    const struct content *live = &handle->file->live;
    if (!handle_lives(handle))
        return SQLITE_IOERR_READ;
    uint64_t from = (uint64_t)at, most = (uint64_t)size;
    uint64_t have = from < live->size ? live->size - from : 0;
    uint64_t part = have < most ? have : most;
    if (part > 0)
        memcpy(out, live->data + from, part);
    memset((uint8_t *)out + part, 0, most - part);
    return part == most ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static struct change *change_note(struct file *file, bool truncates, uint64_t at, const void *data,
                                  uint64_t size)
{
    struct change *change = mem_zeroed(1, sizeof *change);
    change->truncates = truncates;
    change->at = at;
    change->size = size;
    change->data = size > 0 ? mem_copy(data, size) : NULL;
    list_append(&file->changes, &change->link);
    return change;
}

/* A removed file takes room for as long as somebody has it open. */
static bool file_takes_room(const struct file *file)
{
    return file->named || file->handles > 0;
}

static uint64_t bytes_in_use(const struct disk *disk)
{
    uint64_t sum = 0;
    for (const struct list *at = disk->files.next; at != &disk->files; at = at->next) {
        const struct file *file = LIST_ITEM(at, struct file, link);
        sum += file_takes_room(file) ? file->live.size : 0;
    }
    return sum;
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 at)
{
    struct handle *handle = handle_of(base);
    struct disk *disk = handle->disk;
    struct content *live = &handle->file->live;
    if (!handle_lives(handle))
        return SQLITE_IOERR_WRITE;
    uint64_t end = (uint64_t)at + (uint64_t)size;
    if (disk->limit > 0 && end > live->size && bytes_in_use(disk) + end - live->size > disk->limit)
        return SQLITE_FULL;
    bool last = step_is_last(disk);
    disk->counts.writes++;
    change_apply(change_note(handle->file, false, (uint64_t)at, data, (uint64_t)size), live);
    return last ? crash_in_step(disk, SQLITE_IOERR_WRITE) : SQLITE_OK;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *handle = handle_of(base);
    if (!handle_lives(handle))
        return SQLITE_IOERR_TRUNCATE;
    bool last = step_is_last(handle->disk);
    change_apply(change_note(handle->file, true, (uint64_t)size, NULL, 0), &handle->file->live);
    return last ? crash_in_step(handle->disk, SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

/* As SQLite's own VFS does: the first sync of a journal that was made syncs its directory too. */
static int file_sync(sqlite3_file *base, int flags)
{
    struct handle *handle = handle_of(base);
    (void)flags;
    if (!handle_lives(handle))
        return SQLITE_IOERR_FSYNC;
    if (step_is_last(handle->disk))
        return crash_in_step(handle->disk, SQLITE_IOERR_FSYNC);
    handle->disk->counts.syncs++;
    LIST_EACH (link, &handle->file->changes) {
        struct change *change = LIST_ITEM(link, struct change, link);
        change_apply(change, &handle->file->synced);
        change_free(change);
    }
    if (handle->sync_directory)
        directory_sync(handle->disk);
    handle->sync_directory = false;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out)
{
    struct handle *handle = handle_of(base);
    if (!handle_lives(handle))
        return SQLITE_IOERR_FSTAT;
    *out = (sqlite3_int64)handle->file->live.size;
    return SQLITE_OK;
}

/* One connection at a time: nobody to lock out. */
static int file_lock(sqlite3_file *base, int level)
{
    (void)level;
    return handle_lives(handle_of(base)) ? SQLITE_OK : SQLITE_IOERR_LOCK;
}

static int file_unlock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *base, int *out)
{
    (void)base;
    *out = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int what, void *argument)
{
    (void)base, (void)what, (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
    (void)base;
    return DISK_SECTOR_BYTES;
}

/* A write never harms its neighbours in a sector: what SQLite's own VFS claims of every drive. */
static int file_traits(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 1, /* no shared memory: the store holds its file alone */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_traits,
};

/* --- what SQLite asks of a file system --------------------------------------------------- */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
                    int *flags_out)
{
    struct disk *disk = vfs->pAppData;
    struct handle *handle = handle_of(base);
    memset(handle, 0, sizeof *handle); /* no methods: SQLite does not close what did not open */
    if (disk->dark)
        return SQLITE_CANTOPEN;
    struct file *file = path != NULL ? file_find(disk, path) : NULL;
    bool made = file == NULL;
    if (made && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    handle->file = made ? file_create(disk, path) : file;
    handle->file->handles++;
    handle->disk = disk;
    handle->boot = disk->boots;
    handle->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    handle->sync_directory =
        made && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL));
    handle->base.pMethods = &file_methods;
    if (flags_out != NULL)
        *flags_out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    struct disk *disk = vfs->pAppData;
    if (disk->dark)
        return SQLITE_IOERR_DELETE;
    struct file *file = file_find(disk, path);
    if (file == NULL)
        return SQLITE_IOERR_DELETE_NOENT;
    bool last = step_is_last(disk);
    file_name(disk, file, false);
    if (last)
        return crash_in_step(disk, SQLITE_IOERR_DELETE);
    if (sync)
        directory_sync(disk);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    struct disk *disk = vfs->pAppData;
    (void)flags;
    if (disk->dark)
        return SQLITE_IOERR_ACCESS;
    const struct file *file = file_find(disk, path);
    *out = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->live.size > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)size, "%s", path) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_luck(sqlite3_vfs *vfs, int size, char *out)
{
    struct disk *disk = vfs->pAppData;
    rng_fill(disk->rng, out, (size_t)size);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

/* Nothing we store asks SQLite for the time; a fixed one shows it at once if that changes. */
static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    *out = 0;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs, (void)size, (void)out;
    return 0;
}

struct disk *disk_create(const char *name, struct rng *rng)
{
    struct disk *disk = mem_zeroed(1, sizeof *disk);
    assert(strlen(name) <= DISK_NAME_MAX_BYTES && sqlite3_vfs_find(name) == NULL);
    strcpy(disk->name, name);
    disk->rng = rng;
    list_init(&disk->files);
    list_init(&disk->namings);
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct handle),
        .mxPathname = PATH_MAX_BYTES - 1,
        .zName = disk->name,
        .pAppData = disk,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_luck,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    int registered = sqlite3_vfs_register(&disk->vfs, 0);
    assert(registered == SQLITE_OK);
    return disk;
}

void disk_destroy(struct disk *disk)
{
    if (disk == NULL)
        return;
    sqlite3_vfs_unregister(&disk->vfs);
    LIST_EACH (link, &disk->namings)
        naming_settle(LIST_ITEM(link, struct naming, link), true);
    LIST_EACH (link, &disk->files) {
        assert(LIST_ITEM(link, struct file, link)->handles == 0);
        file_free(LIST_ITEM(link, struct file, link));
    }
    mem_free(disk);
}

const char *disk_vfs(const struct disk *disk)
{
    return disk->name;
}

void disk_crash_at(struct disk *disk, uint64_t step)
{
    disk->crash_at = step > 0 ? disk->counts.steps + step : 0;
}

void disk_limit(struct disk *disk, uint64_t bytes)
{
    disk->limit = bytes;
}

void disk_put_aside(struct disk *disk)
{
    directory_sync(disk);
    LIST_EACH (link, &disk->files) {
        struct file *file = LIST_ITEM(link, struct file, link);
        assert(file->handles == 0);
        content_copy(&file->aside, &file->live);
    }
}

/* Files made since are emptied: to SQLite an empty one is none. */
void disk_bring_back(struct disk *disk)
{
    LIST_EACH (link, &disk->files) {
        struct file *file = LIST_ITEM(link, struct file, link);
        assert(file->handles == 0);
        LIST_EACH (at, &file->changes)
            change_free(LIST_ITEM(at, struct change, link));
        content_copy(&file->live, &file->aside);
        content_copy(&file->synced, &file->aside);
    }
}

static void rot_somewhere(struct disk *disk)
{
    uint64_t at = rng_below(disk->rng, bytes_in_use(disk));
    LIST_EACH (link, &disk->files) {
        struct file *file = LIST_ITEM(link, struct file, link);
        uint64_t size = file_takes_room(file) ? file->live.size : 0;
        if (at < size) {
            uint8_t bits = (uint8_t)(1 + rng_below(disk->rng, 255));
            file->live.data[at] ^= bits;
            if (at < file->synced.size)
                file->synced.data[at] ^= bits;
            return;
        }
        at -= size;
    }
}

void disk_rot(struct disk *disk, unsigned bytes)
{
    for (unsigned i = 0; i < bytes && bytes_in_use(disk) > 0; i++)
        rot_somewhere(disk);
}

struct disk_counts disk_counts(const struct disk *disk)
{
    struct disk_counts counts = disk->counts;
    counts.bytes = bytes_in_use(disk);
    return counts;
}
