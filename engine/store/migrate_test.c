/* Homes of releases before this one: tests/homes says how they were made. */
#include "engine/store/database.h"

#include <stdio.h>

#include "engine/store/faulty.h"
#include "engine/store/fixture.h"
#include "tests/test.h"

static const char key_of_alice[] =
    "51116b1b6aed9d8b86d6ef48f99fcb18b31c6d0b3b8993b83191de40c4257c51";
#define NEWEST 5 /* version of homes */

static struct fixture home;

/* --- the file itself ----------------------------------------------------------------------------
 */

static void copy_file(const char *from, const char *to)
{
    static uint8_t data[1 << 20];
    FILE *in = fopen(from, "r");
    CHECK(in);
    size_t size = fread(data, 1, sizeof data, in);
    CHECK(size > 0 && size < sizeof data && fclose(in) == 0);
    FILE *out = fopen(to, "w");
    CHECK(out && fwrite(data, 1, size, out) == size && fclose(out) == 0);
}

/* Lays Alice's store of version 1 there; it is not opened. */
static void begin_old(const char *vfs)
{
    fixture_begin(&home, vfs);
    store_close(home.store);
    home.store = NULL;
    copy_file(HOMES "/v1/alice/store.db", home.path);
    unhex(home.place.key, sizeof home.place.key, key_of_alice);
}

/* Opens the file, but not as a store, which would bring it up to date. */
static sqlite3 *raw_open(void)
{
    static const char salt[] = "72616d6167652073746f726520763100"; /* of database.c */
    char key[128];
    sqlite3 *db;
    int length = snprintf(key, sizeof key, "x'%s%s'", key_of_alice, salt);
    CHECK_INT(sqlite3_open(home.path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_key(db, key, length), SQLITE_OK);
    return db;
}

static int64_t raw_number(const char *sql)
{
    sqlite3 *db = raw_open();
    sqlite3_stmt *statement;
    CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

/* --- what is in it ------------------------------------------------------------------------------
 */

static void check_self(void)
{
    static const uint8_t zero[32];
    struct store_self self;
    struct store_link_key key;
    uint8_t expected[32];
    unhex(expected, sizeof expected,
          "df72be138f2bf4ec37d3e6dcab24266aedbec17f993642c48f6f4b2747659186");
    CHECK_INT(store_self_get(home.store, &self), FAULT_NONE);
    CHECK_TEXT(self.name, "Alice");
    CHECK_BYTES(self.dh_secret, zero, sizeof zero);
    CHECK(memcmp(self.account_seed, zero, 32) != 0 && memcmp(self.device_seed, zero, 32) != 0);
    CHECK_INT(store_link_key_before(home.store, UINT32_MAX, &key), FAULT_NONE);
    CHECK_INT(key.from, self.made / DAY);
    CHECK_BYTES(key.secret, expected, sizeof expected);
    CHECK_INT(store_link_key_before(home.store, key.from, &key), FAULT_GONE);
}

static void check_people(int64_t *bob, int64_t *carol)
{
    struct store_contact contact;
    struct store_device device;
    struct store_address addresses[STORE_ADDRESSES_MAX];
    struct bytes list;
    CHECK_INT(store_contact_count(home.store), 2);
    CHECK_INT(store_contact_by_name(home.store, "Carol", &contact), FAULT_NONE);
    *carol = contact.id;
    CHECK_INT(store_addresses(home.store, *carol, addresses), 1);
    CHECK(addresses[0].fixed && addresses[0].worked == 0 && addresses[0].address.port == 47313);
    CHECK_INT(store_device_next(home.store, *carol, 0, &device), FAULT_GONE);
    CHECK_INT(store_contact_by_name(home.store, "Bob", &contact), FAULT_NONE);
    *bob = contact.id;
    CHECK(!contact.has_pair && contact.reset == 0 && !contact.forked && contact.last_seen > 0);
    CHECK_INT(store_addresses(home.store, *bob, addresses), 1);
    CHECK(addresses[0].worked > 0 && addresses[0].address.port == 47312);
    CHECK_INT(store_device_next(home.store, *bob, 0, &device), FAULT_NONE);
    CHECK_INT(device.certificate_size, 234);
    CHECK_INT(store_list_get(home.store, *bob, &list), FAULT_GONE);
}

static void check_messages(int64_t bob)
{
    static const struct {
        const char *text;
        bool ours;
        enum message_state state;
    } expected[] = {
        { "are you there?", true, MESSAGE_DELIVERED },
        { "yes, and you?", false, MESSAGE_DELIVERED },
        { "so it seems", true, MESSAGE_DELIVERED },
        { "not read yet", false, MESSAGE_DELIVERED },
        { "owed to Bob, one", true, MESSAGE_WRITTEN },
        { "owed to Bob, two", true, MESSAGE_WRITTEN },
    };
    struct store_place_in place, *at = NULL;
    struct store_message message;
    struct store_chat chat;
    int64_t row;
    for (size_t i = 0; i < COUNT(expected); i++) {
        CHECK_INT(store_message_step(home.store, bob, at, false, false, &message), FAULT_NONE);
        CHECK(bytes_equal(message.text, bytes_of_text(expected[i].text)));
        CHECK(message.ours == expected[i].ours && message.state == expected[i].state);
        place.height = message.height;
        memcpy(place.id, message.id, sizeof place.id);
        at = &place;
        if (i == 2) {
            CHECK_INT(store_request_get(home.store, "the first release", &row), FAULT_NONE);
            CHECK_INT(row, message.row);
        }
    }
    CHECK_INT(store_message_step(home.store, bob, at, false, false, &message), FAULT_GONE);
    CHECK_INT(store_chat_get(home.store, bob, &chat), FAULT_NONE);
    CHECK(chat.total == COUNT(expected) && chat.unread == 1 && chat.owed == 2);
}

static void check_owed(int64_t bob, int64_t carol)
{
    struct store_owed owed = { .row = 0 };
    CHECK_INT(store_outbox_count(home.store, 0), 3);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(store_outbox_next_written(home.store, bob, owed.row, &owed), FAULT_NONE);
        CHECK(owed.envelope == 0 && !owed.tombstone);
        CHECK_INT(owed.expires - owed.queued, 30 * DAY);
    }
    CHECK_INT(store_outbox_next_written(home.store, bob, owed.row, &owed), FAULT_GONE);
    CHECK_INT(store_outbox_next_written(home.store, carol, 0, &owed), FAULT_NONE);
}

static void check_everything(void)
{
    uint64_t oldest, newest;
    int64_t bob, carol;
    check_self();
    check_people(&bob, &carol);
    check_messages(bob);
    check_owed(bob, carol);
    store_event_range(home.store, &oldest, &newest);
    CHECK(oldest == 1 && newest == 12);
    CHECK_INT(store_trouble(home.store), STORE_FINE);
}

/* --- the tests ----------------------------------------------------------------------------------
 */

static void test_a_home_of_version_1_opens_with_everything_in_it(void)
{
    begin_old(NULL);
    CHECK_INT(raw_number("PRAGMA user_version"), 1);
    for (int opened = 0; opened < 2; opened++) {
        fixture_reopen(&home);
        check_everything();
        store_close(home.store);
        home.store = NULL;
        CHECK_INT(raw_number("PRAGMA user_version"), NEWEST);
    }
    fixture_end(&home);
}

/* Version 3 is version 2 and a table for the nodes of the DHT, 4 is that and one for invitations, 5
   has two columns more.
 */
static void test_a_home_of_version_2_gets_places_for_nodes_and_invitations(void)
{
    uint8_t nodes[STORE_NODES_MAX_BYTES];
    size_t size;
    begin_old(NULL);
    fixture_reopen(&home);
    store_close(home.store);
    home.store = NULL;
    sqlite3 *db = raw_open();
    CHECK_INT(sqlite3_exec(db,
                           "DROP TABLE nodes; DROP TABLE invitation;"
                           "ALTER TABLE contact DROP COLUMN trust;"
                           "ALTER TABLE contact DROP COLUMN judged; PRAGMA user_version = 2",
                           NULL, NULL, NULL),
              SQLITE_OK);
    sqlite3_close(db);
    fixture_reopen(&home);
    check_everything();
    CHECK_INT(store_nodes_get(home.store, nodes, &size), FAULT_GONE);
    CHECK_INT(store_nodes_put(home.store, bytes_of_text("some")), FAULT_NONE);
    fixture_settle(&home);
    store_close(home.store);
    home.store = NULL;
    CHECK_INT(raw_number("PRAGMA user_version"), NEWEST);
    fixture_end(&home);
}

static void test_what_a_home_of_version_1_owed_is_sealed_and_delivered(void)
{
    struct store_contact bob;
    struct store_device device;
    struct store_owed owed;
    begin_old(NULL);
    fixture_reopen(&home);
    CHECK_INT(store_contact_by_name(home.store, "Bob", &bob), FAULT_NONE);
    CHECK_INT(store_device_next(home.store, bob.id, 0, &device), FAULT_NONE);
    struct store_session session = { .device = device.id };
    CHECK_INT(store_session_add(home.store, &session), FAULT_NONE);
    struct store_envelope envelope = { .device = device.id, .session = session.row };
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_NONE);
    while (store_outbox_next_written(home.store, bob.id, 0, &owed) == FAULT_NONE)
        CHECK_INT(store_outbox_seal(home.store, &owed, envelope.row, device.id, 1), FAULT_NONE);
    CHECK_INT(store_outbox_sealed(home.store, device.id), 2);
    fixture_settle(&home);
    while (store_outbox_next_in(home.store, envelope.row, 0, &owed) == FAULT_NONE)
        CHECK_INT(store_outbox_end(home.store, owed.message, MESSAGE_DELIVERED, FAILURE_NONE, 2),
                  FAULT_NONE);
    fixture_settle(&home);
    CHECK_INT(store_outbox_count(home.store, 0), 1);
    fixture_end(&home);
}

/* Returns false when so many operations were not needed. */
static bool migrate_with_failure(enum faulty_operation operation, uint64_t n, int result)
{
    enum store_trouble trouble;
    begin_old(FAULTY_VFS);
    faulty_fail(operation, n, result);
    bool opened = store_open(&home.place, &home.store, &trouble) == FAULT_NONE;
    store_close(home.store);
    home.store = NULL;
    faulty_heal();
    int64_t version = raw_number("PRAGMA user_version");
    CHECK(version == NEWEST || (version < NEWEST && !opened));
    /* The one before could still read it: what was there for it still is. */
    if (version == 1)
        CHECK_INT(raw_number("SELECT length(link_secret) FROM self"), 32);
    fixture_reopen(&home);
    check_everything();
    fixture_end(&home);
    return !opened;
}

static void test_a_migration_cut_short_anywhere_leaves_a_whole_home(void)
{
    static const struct {
        enum faulty_operation operation;
        int result;
        uint64_t least; /* operations we know to happen */
    } failures[] = {
        { FAULTY_WRITE, SQLITE_FULL, 20 },
        { FAULTY_WRITE, SQLITE_IOERR_WRITE, 20 },
        { FAULTY_SYNC, SQLITE_IOERR_FSYNC, 1 },
        { FAULTY_READ, SQLITE_IOERR_READ, 5 },
    };
    faulty_register();
    for (size_t i = 0; i < COUNT(failures); i++) {
        uint64_t n = 0;
        while (migrate_with_failure(failures[i].operation, n, failures[i].result))
            n++;
        CHECK(n >= failures[i].least);
    }
}

TESTS(TEST(test_a_home_of_version_1_opens_with_everything_in_it),
      TEST(test_a_home_of_version_2_gets_places_for_nodes_and_invitations),
      TEST(test_what_a_home_of_version_1_owed_is_sealed_and_delivered),
      TEST(test_a_migration_cut_short_anywhere_leaves_a_whole_home))
