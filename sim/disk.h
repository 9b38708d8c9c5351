/* A pretend disk under the real store: it forgets and tears what was written and never synced.

   Each disk is a file system of its own in memory and offers itself to SQLCipher as a VFS of its
   name. It promises what SQLite asks of a real one and nothing more: what was synced stays; every
   other write may be on the plate wholly, sector by sector, in an older version, or not at all; a
   file's length, and names made or removed, may be those of any moment since the last sync. Sectors
   are whole. Luck picks, so one seed always loses the same bytes. One connection at a time; one
   thread. */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "base/rng.h"

#include <stdbool.h>

#define DISK_NAME_MAX_BYTES 32
#define DISK_SECTOR_BYTES   512 /* the most a drive writes whole or not at all */

struct disk;

/* The name is the VFS's and must be alone of its kind. The rng is borrowed. */
struct disk *disk_create(const char *name, struct rng *rng);
void disk_destroy(struct disk *disk); /* every file must be closed; NULL is fine */
const char *disk_vfs(const struct disk *disk);

/* The power goes: what was not synced meets its fate, and every operation fails until disk_start,
   those of files opened before for ever. Twice is once. */
void disk_crash(struct disk *disk);
void disk_start(struct disk *disk);
bool disk_dark(const struct disk *disk);
/* The power goes in the middle of that step from now on: 1 is the next write, truncation, deletion
   or sync. 0: it does not. */
void disk_crash_at(struct disk *disk, uint64_t step);
/* All files together may hold so many bytes; more is refused, as by a full disk. 0: no limit. */
void disk_limit(struct disk *disk, uint64_t bytes);

/* Changes so many bytes here and there in all files, as an old disk does. */
void disk_rot(struct disk *disk, unsigned bytes);

/* Every file as it is now is put aside; it comes back when asked. Only while no file is open. */
void disk_put_aside(struct disk *disk);
void disk_bring_back(struct disk *disk);

struct disk_counts {
    uint64_t steps; /* writes, truncations, deletions and syncs */
    uint64_t writes, syncs, crashes;
    uint64_t bytes; /* in all files now */
};
struct disk_counts disk_counts(const struct disk *disk);

#endif
