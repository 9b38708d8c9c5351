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

    /* 2: sessions. The one link key becomes the first of many; day 0 is 1970-01-01. */
    "CREATE TABLE link_key (day INTEGER PRIMARY KEY, secret BLOB NOT NULL) STRICT;"
    "INSERT INTO link_key (day, secret) SELECT made / 86400000000000, link_secret FROM self;"
    "ALTER TABLE self DROP COLUMN link_secret;"
    "ALTER TABLE self ADD COLUMN dh_secret BLOB NOT NULL"
    "  DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';"

    "ALTER TABLE contact ADD COLUMN pair BLOB NOT NULL DEFAULT x'';" /* empty: none */
    "ALTER TABLE contact ADD COLUMN reset INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE contact ADD COLUMN forked INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE list (contact INTEGER PRIMARY KEY, wire BLOB NOT NULL) STRICT;"

    "CREATE TABLE prekey (row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    "  one_time INTEGER NOT NULL, device INTEGER NOT NULL, sequence INTEGER NOT NULL,"
    "  made INTEGER NOT NULL, ends INTEGER NOT NULL, dh BLOB NOT NULL, kem BLOB NOT NULL,"
    "  wire BLOB NOT NULL) STRICT;"
    "CREATE INDEX prekey_device ON prekey (device, id) WHERE one_time = 1;"
    "CREATE INDEX prekey_sequence ON prekey (sequence) WHERE one_time = 0;"
    "CREATE INDEX prekey_ends ON prekey (ends);"
    "CREATE TABLE seen (hash BLOB PRIMARY KEY, bundle BLOB NOT NULL, session BLOB NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE INDEX seen_bundle ON seen (bundle);"
    /* An id is what its owner says it is, and two may say the same: it is never looked for alone.
     */
    "CREATE TABLE bundle (row INTEGER PRIMARY KEY, device INTEGER NOT NULL, id BLOB NOT NULL,"
    "  one_time INTEGER NOT NULL, sequence INTEGER NOT NULL, made INTEGER NOT NULL,"
    "  wire BLOB NOT NULL) STRICT;"
    "CREATE INDEX bundle_device ON bundle (device, one_time DESC, made);"

    /* `place` falls as the rank grows, so the active session comes first. What every round writes
       anew stands in no index. */
    "CREATE TABLE session (row INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL,"
    "  id BLOB NOT NULL, place INTEGER NOT NULL, made INTEGER NOT NULL,"
    "  initiator INTEGER NOT NULL, heard INTEGER NOT NULL, one_time INTEGER NOT NULL,"
    "  used INTEGER NOT NULL, psk BLOB NOT NULL, pair BLOB NOT NULL, exporter BLOB NOT NULL,"
    "  bundle BLOB NOT NULL, start BLOB NOT NULL, state BLOB NOT NULL) STRICT;"
    "CREATE INDEX session_place ON session (device, place, id);"

    "CREATE TABLE envelope (row INTEGER PRIMARY KEY, device INTEGER NOT NULL,"
    "  session INTEGER NOT NULL, number INTEGER NOT NULL, chain BLOB NOT NULL,"
    "  turn INTEGER NOT NULL, key BLOB NOT NULL, cell INTEGER NOT NULL, made INTEGER NOT NULL,"
    "  header BLOB NOT NULL) STRICT;"
    "CREATE INDEX envelope_device ON envelope (device);"
    "CREATE INDEX envelope_number ON envelope (session, number);"

    /* One index for what is only written (envelope 0) to a contact, and for what an envelope
       holds. */
    "ALTER TABLE outbox ADD COLUMN envelope INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE outbox ADD COLUMN tombstone INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX outbox_envelope ON outbox (envelope, contact, row);",

    /* 3: the way back into the DHT. */
    "CREATE TABLE nodes (one INTEGER PRIMARY KEY CHECK (one = 1), saved BLOB NOT NULL) STRICT;",

    /* 4: invitations. */
    "CREATE TABLE invitation (row INTEGER PRIMARY KEY AUTOINCREMENT, ours INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, secret BLOB NOT NULL," /* empty: no longer needed */
    "  host BLOB NOT NULL, name TEXT NOT NULL, introduced TEXT NOT NULL,"
    "  contact INTEGER NOT NULL, made INTEGER NOT NULL, ends INTEGER NOT NULL,"
    "  changed INTEGER NOT NULL) STRICT;"
    "CREATE INDEX invitation_contact ON invitation (contact);",

    /* 5: what a person has found out about a contact's key. */
    ("ALTER TABLE contact ADD COLUMN trust INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE contact ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;"),
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
