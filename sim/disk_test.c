#include "sim/disk.h"

#include "tests/test.h"

#include <sqlcipher/sqlite3.h>
#include <stdio.h>

#define COMMITS                                                                                    \
    24 /* of one workload; the log is folded back every few pages, so also in the middle */

enum synchronous { SYNC_OFF, SYNC_NORMAL, SYNC_FULL }; /* as SQLite numbers them */

static bool run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static bool says_ok(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    bool good = false;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        good = strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    return good;
}

/* NULL: the disk failed. The database may be closed all the same. */
static sqlite3 *opened(struct disk *disk, enum synchronous way)
{
    char pragmas[512];
    sqlite3 *db = NULL;
    snprintf(pragmas, sizeof pragmas,
             "PRAGMA cipher_log_level = NONE; PRAGMA key = \"x'%064d'\"; PRAGMA locking_mode = "
             "EXCLUSIVE; "
             "PRAGMA journal_mode = WAL;"
             "PRAGMA synchronous = %d; PRAGMA wal_autocheckpoint = 12;"
             "CREATE TABLE IF NOT EXISTS said (n INTEGER PRIMARY KEY, text BLOB NOT NULL);",
             7, (int)way);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2("store", &db, flags, disk_vfs(disk)) == SQLITE_OK && run(db, pragmas))
        return db;
    sqlite3_close(db);
    return NULL;
}

/* Commits until the disk fails or all is done. Returns how many commits were acknowledged. */
static int64_t write_some(sqlite3 *db, int64_t from)
{
    for (int64_t n = from; n < from + COMMITS; n++) {
        char sql[128];
        snprintf(sql, sizeof sql, "INSERT INTO said VALUES (%lld, zeroblob(%lld));", (long long)n,
                 (long long)(n * 997 % 3000));
        if (!run(db, sql))
            return n - from;
    }
    return COMMITS;
}

struct outcome {
    bool sound;   /* opens again, and every page is good */
    bool reached; /* the power did go */
    int64_t acknowledged, found;
};

static struct outcome crash_at(uint64_t seed, uint64_t step, enum synchronous way)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, seed);
    struct disk *disk = disk_create("pretend", &rng);
    struct outcome outcome = { 0 };
    disk_crash_at(disk, step);
    sqlite3 *db = opened(disk, way);
    if (db != NULL)
        outcome.acknowledged = write_some(db, 0);
    outcome.reached = disk_dark(disk);
    disk_crash(disk);
    sqlite3_close(db);
    disk_start(disk);
    db = opened(disk, way);
    outcome.sound = db != NULL && says_ok(db, "PRAGMA integrity_check");
    outcome.found = db != NULL ? number(db, "SELECT count(*) FROM said") : -1;
    if (outcome.found > 0 && number(db, "SELECT max(n) + 1 FROM said") != outcome.found)
        outcome.sound = false; /* a hole: a later commit outlived an earlier one */
    sqlite3_close(db);
    disk_destroy(disk);
    return outcome;
}

/* Crashes at every step of the workload, each with some seeds, and counts what went wrong. */
static void crash_everywhere(enum synchronous way, uint64_t seeds, size_t *lost, size_t *unsound)
{
    *lost = *unsound = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct outcome outcome = { .reached = true };
        for (uint64_t step = 1; outcome.reached; step++) {
            outcome = crash_at(seed << 32 | step, step, way);
            *lost += outcome.found < outcome.acknowledged;
            *unsound += !outcome.sound;
            CHECK(step < 5000);
        }
    }
}

static void test_what_was_acknowledged_survives_a_crash_at_every_write(void)
{
    size_t lost, unsound;
    crash_everywhere(SYNC_FULL, 5, &lost, &unsound);
    CHECK_INT(lost, 0);
    CHECK_INT(unsound, 0);
}

/* Else the test above could not fail. */
static void test_a_store_that_does_not_sync_loses_what_it_acknowledged(void)
{
    size_t lost, unsound;
    crash_everywhere(SYNC_NORMAL, 1, &lost, &unsound);
    CHECK(lost > 0);
    CHECK_INT(unsound, 0); /* it forgets the last commits, and only those */
    crash_everywhere(SYNC_OFF, 1, &lost, &unsound);
    CHECK(lost > 0);
    CHECK(unsound > 0);
}

static void test_a_full_disk_refuses_and_keeps_what_it_has(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 1);
    struct disk *disk = disk_create("pretend", &rng);
    sqlite3 *db = opened(disk, SYNC_FULL);
    disk_limit(disk, disk_counts(disk).bytes + 20000);
    int64_t kept = write_some(db, 0);
    CHECK(kept > 0 && kept < COMMITS);
    CHECK_INT(sqlite3_errcode(db), SQLITE_FULL);
    CHECK(disk_counts(disk).bytes <= 200000);
    sqlite3_close(db);
    disk_limit(disk, 0);
    db = opened(disk, SYNC_FULL);
    CHECK_INT(number(db, "SELECT count(*) FROM said"), kept);
    CHECK_INT(write_some(db, kept), COMMITS);
    CHECK(says_ok(db, "PRAGMA integrity_check"));
    sqlite3_close(db);
    disk_destroy(disk);
}

static void test_the_same_seed_loses_the_same(void)
{
    for (uint64_t step = 20; step < 120; step += 7) {
        struct outcome first = crash_at(9, step, SYNC_OFF), again = crash_at(9, step, SYNC_OFF);
        CHECK_INT(first.found, again.found);
        CHECK_INT(first.sound, again.sound);
    }
}

static void test_what_was_put_aside_comes_back(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 3);
    struct disk *disk = disk_create("pretend", &rng);
    sqlite3 *db = opened(disk, SYNC_FULL);
    CHECK_INT(write_some(db, 0), COMMITS);
    sqlite3_close(db);
    disk_put_aside(disk);
    db = opened(disk, SYNC_FULL);
    CHECK_INT(write_some(db, COMMITS), COMMITS);
    disk_crash(disk); /* leaves its log behind */
    sqlite3_close(db);
    disk_bring_back(disk);
    disk_start(disk);
    db = opened(disk, SYNC_FULL);
    CHECK_INT(number(db, "SELECT count(*) FROM said"), COMMITS);
    CHECK(says_ok(db, "PRAGMA integrity_check"));
    sqlite3_close(db);
    disk_destroy(disk);
}

static void test_rot_is_found(void)
{
    size_t found = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng_seeded memory;
        struct rng rng = rng_from_seed(&memory, seed);
        struct disk *disk = disk_create("pretend", &rng);
        sqlite3 *db = opened(disk, SYNC_FULL);
        CHECK_INT(write_some(db, 0), COMMITS);
        sqlite3_close(db);
        disk_rot(disk, 1);
        db = opened(disk, SYNC_FULL);
        found += db == NULL || !says_ok(db, "PRAGMA integrity_check");
        sqlite3_close(db);
        disk_destroy(disk);
    }
    CHECK(found >= 18); /* the first 16 bytes are a salt that our key makes needless */
}

static void test_two_disks_know_nothing_of_each_other(void)
{
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 1);
    struct disk *left = disk_create("left", &rng), *right = disk_create("right", &rng);
    sqlite3 *here = opened(left, SYNC_FULL), *there = opened(right, SYNC_FULL);
    CHECK_INT(write_some(here, 0), COMMITS);
    CHECK_INT(number(there, "SELECT count(*) FROM said"), 0);
    disk_crash(right);
    CHECK(!run(there, "INSERT INTO said VALUES (1, x'');"));
    CHECK_INT(number(here, "SELECT count(*) FROM said"), COMMITS);
    sqlite3_close(here);
    sqlite3_close(there);
    disk_destroy(left);
    disk_destroy(right);
}

TESTS(TEST(test_what_was_acknowledged_survives_a_crash_at_every_write),
      TEST(test_a_store_that_does_not_sync_loses_what_it_acknowledged),
      TEST(test_a_full_disk_refuses_and_keeps_what_it_has), TEST(test_the_same_seed_loses_the_same),
      TEST(test_what_was_put_aside_comes_back), TEST(test_rot_is_found),
      TEST(test_two_disks_know_nothing_of_each_other))
