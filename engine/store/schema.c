#include "engine/store/schema.h"

#include <stdio.h>

/* Never edit a migration that was released: add the next one. Version n is what the first n make.

   Numbers that need their order (heights, times) are kept below 2^63 by those who write them. */
static const char *const migrations[] = {
    /* 1: the first homes */
    "CREATE TABLE self (one INTEGER PRIMARY KEY CHECK (one = 1), account_seed BLOB NOT NULL,"
    "  device_seed BLOB NOT NULL, link_secret BLOB NOT NULL, card_secret BLOB NOT NULL,"
    "  node_secret BLOB NOT NULL, name TEXT NOT NULL, made INTEGER NOT NULL) STRICT;"

    /* AUTOINCREMENT: events name contacts and messages by row long after these are gone, so a
       number must never mean two things. NOCASE folds ASCII letters and no others. */
    "CREATE TABLE contact (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT NOT NULL UNIQUE COLLATE NOCASE, account BLOB NOT NULL UNIQUE,"
    "  card_secret BLOB NOT NULL, newest_stamp INTEGER NOT NULL, added INTEGER NOT NULL,"
    "  last_seen INTEGER NOT NULL) STRICT;"
    "CREATE TABLE device (id INTEGER PRIMARY KEY AUTOINCREMENT, contact INTEGER NOT NULL,"
    "  device BLOB NOT NULL UNIQUE, link BLOB NOT NULL, certificate BLOB NOT NULL,"
    "  newest_stamp INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL) "
    "STRICT;"
    "CREATE INDEX device_contact ON device (contact);"
    "CREATE TABLE address (contact INTEGER NOT NULL, ip BLOB NOT NULL, port INTEGER NOT NULL,"
    "  fixed INTEGER NOT NULL, worked INTEGER NOT NULL,"
    "  PRIMARY KEY (contact, ip, port)) STRICT, WITHOUT ROWID;"

    /* `start` is the first 63 bits of the id: ids arrive in no order, so this is the one index
       whose pages all stay warm, and it is a third of what whole ids would take. */
    "CREATE TABLE message (row INTEGER PRIMARY KEY AUTOINCREMENT, contact INTEGER NOT NULL,"
    "  start INTEGER NOT NULL, id BLOB NOT NULL, height INTEGER NOT NULL, ours INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, failure INTEGER NOT NULL, read INTEGER NOT NULL,"
    "  written INTEGER NOT NULL, arrived INTEGER NOT NULL, changed INTEGER NOT NULL,"
    "  parents BLOB NOT NULL, text BLOB NOT NULL) STRICT;"
    "CREATE INDEX message_start ON message (start);"
    "CREATE UNIQUE INDEX message_order ON message (contact, height, id);"
    "CREATE INDEX message_unread ON message (contact, height, id) WHERE ours = 0 AND read = 0;"

    /* One line of the list of conversations, kept with every message: counting would take longer.
     */
    "CREATE TABLE conversation (contact INTEGER PRIMARY KEY, total INTEGER NOT NULL,"
    "  unread INTEGER NOT NULL, owed INTEGER NOT NULL, last_row INTEGER NOT NULL,"
    "  last_time INTEGER NOT NULL) STRICT;"
    "CREATE TABLE head (contact INTEGER NOT NULL, height INTEGER NOT NULL, id BLOB NOT NULL,"
    "  PRIMARY KEY (contact, height, id)) STRICT, WITHOUT ROWID;"
    /* Parents named by a message that came before them: they are no heads when they come. */
    "CREATE TABLE awaited (contact INTEGER NOT NULL, id BLOB NOT NULL,"
    "  PRIMARY KEY (contact, id)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE outbox (contact INTEGER NOT NULL, row INTEGER NOT NULL, message INTEGER NOT NULL,"
    "  device INTEGER NOT NULL, queued INTEGER NOT NULL, expires INTEGER NOT NULL,"
    "  PRIMARY KEY (contact, row)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX outbox_message ON outbox (message, row);"
    "CREATE INDEX outbox_expires ON outbox (expires, row);"

    "CREATE TABLE event (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind INTEGER NOT NULL,"
    "  contact INTEGER NOT NULL, message INTEGER NOT NULL, detail INTEGER NOT NULL) STRICT;"
    "CREATE TABLE consumer (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE request (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
    "  message INTEGER NOT NULL, answered INTEGER NOT NULL) STRICT;",
};

static int read_version(sqlite3 *db, int *version)
{
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL);
    if (result != SQLITE_OK)
        return result;
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? SQLITE_OK : result;
}

static int migrate_to(sqlite3 *db, int version)
{
    char number[sizeof "PRAGMA user_version = -2147483648; COMMIT"];
    snprintf(number, sizeof number, "PRAGMA user_version = %d; COMMIT", version);
    int result = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_exec(db, migrations[version - 1], NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_exec(db, number, NULL, NULL, NULL);
    return result;
}

int schema_migrate(sqlite3 *db, bool *too_new)
{
    int version = 0;
    int result = read_version(db, &version);
    *too_new = result == SQLITE_OK && (version < 0 || version > (int)COUNT(migrations));
    while (result == SQLITE_OK && !*too_new && version < (int)COUNT(migrations))
        result = migrate_to(db, ++version);
    return result;
}
