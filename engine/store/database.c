#include "engine/store/database.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "engine/store/memory.h"
#include "engine/store/schema.h"

#define WAL_PAGES      1000 /* of 4 KiB: then the WAL is copied home and begun anew */
#define KEY_TEXT_BYTES (2 + 2 * (32 + 16) + 1) /* x'..' around the digits of key and salt */

/* The raw key is random, so the salt hides nothing: it only separates the MAC key from it. Giving
   our own means that the clear first 16 bytes of the file are never needed to read it. */
static const uint8_t salt[16] = "ramage store v1";

/* --- trouble -------------------------------------------------------------------------------- */

static enum store_trouble trouble_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STORE_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return STORE_UNWRITABLE;
    default:
        return STORE_BROKEN;
    }
}

static enum store_trouble trouble_of(sqlite3 *db, int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return STORE_FULL;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_MISMATCH:
        return STORE_DAMAGED;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return STORE_UNWRITABLE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_TAKEN;
    case SQLITE_IOERR:
        return trouble_of_errno(sqlite3_system_errno(db));
    default:
        return STORE_BROKEN;
    }
}

static void roll_back(struct store *store)
{
    if (store->db && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->dirty = false;
}

static enum fault fail(struct store *store, enum store_trouble trouble)
{
    if (store->trouble == STORE_FINE)
        store->trouble = trouble;
    roll_back(store);
    return FAULT_DISK;
}

enum fault database_fail(struct store *store, int result)
{
    /* We ask before we insert: a constraint that fails is our own bug. So is a misused library. */
    assert((result & 0xff) != SQLITE_CONSTRAINT && (result & 0xff) != SQLITE_MISUSE);
    return fail(store, trouble_of(store->db, result));
}

enum fault database_damaged(struct store *store)
{
    return fail(store, STORE_DAMAGED);
}

enum store_trouble store_trouble(const struct store *store)
{
    return store->trouble;
}

bool store_dirty(const struct store *store)
{
    return store->dirty;
}

/* --- opening -------------------------------------------------------------------------------- */

static int run(struct store *store, const char *sql)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL);
}

/* The first column of the first row, compared; false too when there is no row. */
static bool answers(struct store *store, const char *sql, const char *expected, int *result)
{
    sqlite3_stmt *statement = NULL;
    bool same = false;
    *result = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (*result == SQLITE_OK)
        *result = sqlite3_step(statement);
    if (*result == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        same = text && (!expected || strcmp(text, expected) == 0);
    }
    if (*result == SQLITE_ROW || *result == SQLITE_DONE)
        *result = SQLITE_OK;
    sqlite3_finalize(statement);
    return same;
}

static void put_hex(char **out, const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *(*out)++ = digits[data[i] >> 4];
        *(*out)++ = digits[data[i] & 15];
    }
}

static int give_key(struct store *store, const uint8_t key[32])
{
    char text[KEY_TEXT_BYTES], *at = text;
    *at++ = 'x';
    *at++ = '\'';
    put_hex(&at, key, 32);
    put_hex(&at, salt, sizeof salt);
    *at++ = '\'';
    int result = sqlite3_key(store->db, text, sizeof text);
    wipe(text, sizeof text);
    return result;
}

/* What must be said before the first page is read.

   One process holds the file while it is open: the wal-index then lives in our memory, no third
   file is made, and cached pages stay good from one transaction to the next. */
static const char before_reading[] = "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA locking_mode = EXCLUSIVE;"
                                     "PRAGMA trusted_schema = OFF;";

/* synchronous FULL: every settle syncs the WAL, so what was told to be kept is kept through a power
   cut. After a huge change the WAL's file is cut back to 4 MiB. */
static const char before_writing[] = "PRAGMA synchronous = FULL;"
                                     "PRAGMA secure_delete = ON;"
                                     "PRAGMA cache_size = -4096;"
                                     "PRAGMA journal_size_limit = 4194304;";

static enum store_trouble prepare_to_read(struct store *store, const uint8_t key[32])
{
    int result;
    /* A wrong key would otherwise be told on stderr, over whatever face is drawn there. */
    if (run(store, "PRAGMA cipher_log_level = NONE") != SQLITE_OK)
        return STORE_BROKEN;
    /* Plain SQLite takes a key without a word and writes everything in clear. */
    if (!answers(store, "PRAGMA cipher_version", NULL, &result))
        return STORE_UNSAFE;
    result = give_key(store, key);
    if (result == SQLITE_OK)
        result = run(store, before_reading);
    return result == SQLITE_OK ? STORE_FINE : trouble_of(store->db, result);
}

/* Called after each commit. SQLite's own hook forgets when copying home fails, and the WAL would
   grow until the disk is full: here that settle fails, although its changes are kept. */
static int bound_wal(void *memory, sqlite3 *db, const char *schema, int pages)
{
    (void)memory;
    if (pages < WAL_PAGES)
        return SQLITE_OK;
    return sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static enum store_trouble prepare_to_write(struct store *store)
{
    int result;
    bool too_new;
    /* The first page is read here: a wrong key, or a file that is no store, shows itself. */
    bool wal = answers(store, "PRAGMA journal_mode = WAL", "wal", &result);
    if (result == SQLITE_OK && !wal)
        return STORE_BROKEN;
    if (result == SQLITE_OK)
        result = run(store, before_writing);
    sqlite3_wal_hook(store->db, bound_wal, NULL);
    if (result == SQLITE_OK)
        result = schema_migrate(store->db, &too_new);
    if (result == SQLITE_OK && too_new)
        return STORE_TOO_NEW;
    return result == SQLITE_OK ? STORE_FINE : trouble_of(store->db, result);
}

static enum store_trouble open_database(struct store *store, const struct store_place *place)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    int result = sqlite3_open_v2(place->path, &store->db, flags, place->vfs);
    if (result != SQLITE_OK)
        return store->db ? trouble_of(store->db, result) : STORE_BROKEN;
    /* SQLite opens for reading what it may not write. */
    if (sqlite3_db_readonly(store->db, "main") != 0)
        return STORE_UNWRITABLE;
    enum store_trouble trouble = prepare_to_read(store, place->key);
    if (trouble == STORE_FINE)
        trouble = prepare_to_write(store);
    if (trouble == STORE_FINE && database_count(store) != FAULT_NONE)
        trouble = store->trouble;
    return trouble;
}

enum fault store_open(const struct store_place *place, struct store **out,
                      enum store_trouble *trouble)
{
    memory_wipe_what_is_freed();
    struct store *store = mem_zeroed(1, sizeof *store);
    *trouble = open_database(store, place);
    if (*trouble != STORE_FINE) {
        store->trouble = *trouble;
        store_close(store);
        *out = NULL;
        return FAULT_DISK;
    }
    *out = store;
    return FAULT_NONE;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        sqlite3_finalize(store->statements[i].prepared);
    roll_back(store);
    /* A failing disk is left as it is: the WAL holds everything that was settled. */
    if (store->trouble != STORE_FINE)
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int result = sqlite3_close(store->db);
    assert(result == SQLITE_OK);
    secret_free(store->text.data);
    secret_free(store->list.data);
    secret_free(store->state.data);
    mem_free(store);
}

/* --- the transaction ------------------------------------------------------------------------ */

/* Somebody may hold a row number as his place in a walk: it is not used again. */
static void raise_to(int64_t *next, int64_t least)
{
    if (*next < least)
        *next = least;
}

enum fault database_count(struct store *store)
{
    memset(store->sealed, 0, sizeof store->sealed);
    struct query query = query_open(
        store, "SELECT (SELECT count(*) FROM contact), (SELECT count(*) FROM outbox),"
               " (SELECT ifnull(max(row), 0) + 1 FROM outbox),"
               " (SELECT count(*) FROM envelope), (SELECT ifnull(max(row), 0) + 1 FROM envelope),"
               " (SELECT count(*) FROM seen),"
               " (SELECT ifnull(min(seq), 0) FROM event), (SELECT ifnull(max(seq), 0) FROM event)");
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return FAULT_DISK;
    store->tally.contacts = query_take_u64(&query);
    store->tally.owed = query_take_u64(&query);
    raise_to(&store->tally.next_owed, query_take(&query));
    store->tally.envelopes = query_take_u64(&query);
    raise_to(&store->tally.next_envelope, query_take(&query));
    store->tally.seen = query_take_u64(&query);
    store->tally.oldest_event = query_take_u64(&query);
    store->tally.newest_event = query_take_u64(&query);
    return query_close(&query);
}

static enum fault begin(struct store *store)
{
    if (store->dirty || store->trouble != STORE_FINE)
        return store->dirty ? FAULT_NONE : FAULT_DISK;
    struct query query = query_open(store, "BEGIN IMMEDIATE");
    if (query_step(&query) == FAULT_DISK)
        return FAULT_DISK;
    store->dirty = true;
    return FAULT_NONE;
}

/* The cache is ordinary memory. Keys that live long are read or written seldom; when they were, all
   pages go, and freeing wipes them. SQLCipher still has the last page it opened in a buffer of its
   own: the next one overwrites that. */
static enum fault drop_exposed(struct store *store)
{
    uint64_t any;
    if (!store->exposed)
        return FAULT_NONE;
    store->exposed = false;
    sqlite3_db_release_memory(store->db);
    struct query query = query_open(store, "SELECT count(*) FROM consumer");
    enum fault fault = query_number(&query, &any);
    wipe_stack(); /* SQLite moves small rows about on it */
    return fault;
}

enum fault store_settle(struct store *store)
{
    if (store->trouble != STORE_FINE)
        return FAULT_DISK;
    if (store->dirty) {
        struct query query = query_open(store, "COMMIT");
        if (query_step(&query) == FAULT_DISK)
            return FAULT_DISK;
        store->dirty = false;
    }
    return drop_exposed(store);
}

void store_undo(struct store *store)
{
    if (!store->dirty)
        return;
    roll_back(store);
    (void)database_count(store); /* when this fails, the store says so at the next call */
}

struct bytes database_keep(struct kept *kept, struct bytes data)
{
    if (data.size > kept->room) {
        secret_free(kept->data);
        kept->data = secret_new(data.size);
        kept->room = data.size;
    }
    if (data.size > 0)
        memcpy(kept->data, data.data, data.size);
    return (struct bytes){ kept->data, data.size };
}

/* --- questions ------------------------------------------------------------------------------ */

static size_t slot_of(const struct store *store, const char *sql)
{
    size_t slot = ((uintptr_t)sql >> 3) * 0x9E3779B97F4A7C15u >> 32;
    for (slot %= STATEMENTS_MAX; store->statements[slot].sql; slot = (slot + 1) % STATEMENTS_MAX)
        if (store->statements[slot].sql == sql)
            break;
    return slot;
}

static sqlite3_stmt *prepared(struct store *store, const char *sql)
{
    size_t slot = slot_of(store, sql);
    if (!store->statements[slot].sql) {
        sqlite3_stmt *statement;
        int result =
            sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
        if (result != SQLITE_OK) {
            database_fail(store, result);
            return NULL;
        }
        store->statement_count++;
        assert(store->statement_count <= STATEMENTS_MAX * 2 / 3);
        store->statements[slot].sql = sql;
        store->statements[slot].prepared = statement;
    }
    return store->statements[slot].prepared;
}

struct query query_open(struct store *store, const char *sql)
{
    sqlite3_stmt *statement = store->trouble == STORE_FINE ? prepared(store, sql) : NULL;
    assert(!statement || !sqlite3_stmt_busy(statement));
    return (struct query){ .store = store, .statement = statement };
}

void query_bind(struct query *query, int64_t value)
{
    sqlite3_bind_int64(query->statement, ++query->bound, value);
}

void query_bind_u64(struct query *query, uint64_t value)
{
    query_bind(query, (int64_t)value);
}

/* SQLite's numbers have a sign: turned over, the least of ours is the least of its. */
void query_bind_ordered(struct query *query, uint64_t value)
{
    query_bind_u64(query, value ^ (uint64_t)1 << 63);
}

void query_bind_time(struct query *query, instant value)
{
    query_bind(query, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void query_bind_blob(struct query *query, const void *data, size_t size)
{
    /* SQLite takes a NULL pointer for NULL, and an empty text has one. */
    sqlite3_bind_blob64(query->statement, ++query->bound, size > 0 ? data : "", size,
                        SQLITE_STATIC);
}

void query_bind_text(struct query *query, const char *text)
{
    sqlite3_bind_text(query->statement, ++query->bound, text, -1, SQLITE_STATIC);
}

enum fault query_step(struct query *query)
{
    if (!query->statement)
        return FAULT_DISK;
    assert(query->bound == sqlite3_bind_parameter_count(query->statement));
    int result = sqlite3_step(query->statement);
    if (result == SQLITE_ROW)
        return FAULT_NONE;
    sqlite3_reset(query->statement);
    return result == SQLITE_DONE ? FAULT_GONE : database_fail(query->store, result);
}

int64_t query_take(struct query *query)
{
    if (sqlite3_column_type(query->statement, query->column) != SQLITE_INTEGER)
        query->misshapen = true;
    return sqlite3_column_int64(query->statement, query->column++);
}

uint64_t query_take_u64(struct query *query)
{
    return (uint64_t)query_take(query);
}

uint64_t query_take_ordered(struct query *query)
{
    return query_take_u64(query) ^ (uint64_t)1 << 63;
}

instant query_take_time(struct query *query)
{
    int64_t value = query_take(query);
    return value == INT64_MAX ? NEVER : (instant)value;
}

struct bytes query_take_view(struct query *query, size_t most)
{
    const void *data = sqlite3_column_blob(query->statement, query->column);
    int size = sqlite3_column_bytes(query->statement, query->column++);
    if (size < 0 || (size_t)size > most) {
        query->misshapen = true;
        size = 0;
    }
    return (struct bytes){ data, (size_t)size };
}

size_t query_take_blob_upto(struct query *query, void *out, size_t most)
{
    struct bytes view = query_take_view(query, most);
    if (view.size > 0)
        memcpy(out, view.data, view.size);
    return view.size;
}

void query_take_blob(struct query *query, void *out, size_t size)
{
    if (query_take_blob_upto(query, out, size) != size)
        query->misshapen = true;
}

void query_take_text(struct query *query, char *out, size_t most)
{
    out[query_take_blob_upto(query, out, most)] = '\0';
}

enum fault query_close(struct query *query)
{
    sqlite3_reset(query->statement);
    return query->misshapen ? database_damaged(query->store) : FAULT_NONE;
}

enum fault query_change(struct query *query, size_t *changed)
{
    if (begin(query->store) != FAULT_NONE)
        return FAULT_DISK;
    enum fault fault = query_step(query);
    assert(fault != FAULT_NONE); /* a change has no rows */
    if (fault == FAULT_DISK)
        return FAULT_DISK;
    if (changed)
        *changed = (size_t)sqlite3_changes64(query->store->db);
    return FAULT_NONE;
}

enum fault query_change_of(struct store *store, const char *sql, int64_t value, size_t *changed)
{
    struct query query = query_open(store, sql);
    query_bind(&query, value);
    return query_change(&query, changed);
}

enum fault query_number(struct query *query, uint64_t *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    *out = query_take_u64(query);
    return query_close(query);
}
