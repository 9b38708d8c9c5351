#include "engine/store/fixture.h"

#include <stdio.h>

#include "tests/test.h"

static struct fixture home;

static void test_a_contact_comes_back_as_it_was(void)
{
    fixture_begin(&home, NULL);
    struct store_contact bob = { .name = "Bob", .account = { 1, 0, 2 }, .card_secret = { 3 } };
    bob.newest_stamp = UINT64_MAX;
    bob.added = 1700000000 * SECOND;
    bob.last_seen = NEVER;
    CHECK_INT(store_contact_add(home.store, &bob), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    struct store_contact found;
    CHECK_INT(store_contact_get(home.store, bob.id, &found), FAULT_NONE);
    CHECK_INT(found.id, bob.id);
    CHECK_TEXT(found.name, "Bob");
    CHECK_BYTES(found.account, bob.account, sizeof bob.account);
    CHECK_BYTES(found.card_secret, bob.card_secret, sizeof bob.card_secret);
    CHECK(found.newest_stamp == UINT64_MAX);
    CHECK(found.added == bob.added && found.last_seen == NEVER);
    CHECK(!found.has_pair && found.reset == 0 && !found.forked);
    CHECK_INT(store_contact_by_account(home.store, bob.account, &found), FAULT_NONE);
    CHECK_INT(found.id, bob.id);
    bob.has_pair = bob.forked = true;
    bob.reset = 99;
    memset(bob.pair, 8, sizeof bob.pair);
    CHECK_INT(store_contact_update(home.store, &bob), FAULT_NONE);
    CHECK_INT(store_contact_get(home.store, bob.id, &found), FAULT_NONE);
    CHECK(found.has_pair && found.forked && found.reset == 99);
    CHECK_BYTES(found.pair, bob.pair, sizeof bob.pair);
    fixture_end(&home);
}

static void test_a_name_is_found_without_the_case_of_ascii_letters_only(void)
{
    static const struct {
        const char *name;
        enum fault fault;
    } asked[] = { { "\xc3\x89lise", FAULT_NONE },
                  { "\xc3\x89LISE", FAULT_NONE },
                  { "\xc3\xa9lise", FAULT_GONE },
                  { "\xc3\x89lis", FAULT_GONE },
                  { "", FAULT_GONE } };
    fixture_begin(&home, NULL);
    fixture_contact(&home, "\xc3\x89lise");
    struct store_contact found;
    for (size_t i = 0; i < COUNT(asked); i++)
        CHECK_INT(store_contact_by_name(home.store, asked[i].name, &found), asked[i].fault);
    fixture_end(&home);
}

static void test_a_contact_is_renamed(void)
{
    fixture_begin(&home, NULL);
    struct store_contact bob = { .id = fixture_contact(&home, "Bob") };
    CHECK_INT(store_contact_get(home.store, bob.id, &bob), FAULT_NONE);
    snprintf(bob.name, sizeof bob.name, "bob"); /* his own name in another case is free */
    CHECK_INT(store_contact_update(home.store, &bob), FAULT_NONE);
    snprintf(bob.name, sizeof bob.name, "Robert");
    bob.last_seen = 7;
    CHECK_INT(store_contact_update(home.store, &bob), FAULT_NONE);
    CHECK_INT(store_contact_by_name(home.store, "bob", &bob), FAULT_GONE);
    CHECK_INT(store_contact_by_name(home.store, "robert", &bob), FAULT_NONE);
    CHECK(bob.last_seen == 7);
    bob.id = 99;
    snprintf(bob.name, sizeof bob.name, "nobody");
    CHECK_INT(store_contact_update(home.store, &bob), FAULT_GONE);
    fixture_end(&home);
}

static void test_contacts_are_walked_by_id_and_their_ids_are_never_used_twice(void)
{
    fixture_begin(&home, NULL);
    struct store_contact found;
    CHECK_INT(store_contact_next(home.store, 0, &found), FAULT_GONE);
    int64_t a = fixture_contact(&home, "a"), b = fixture_contact(&home, "b");
    int64_t c = fixture_contact(&home, "c");
    CHECK_INT(store_contact_remove(home.store, c), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    int64_t d = fixture_contact(&home, "d");
    CHECK(d > c);
    static int64_t seen[4];
    size_t count = 0;
    for (int64_t at = 0; store_contact_next(home.store, at, &found) == FAULT_NONE; at = found.id)
        seen[count++] = found.id;
    CHECK_INT(count, 3);
    CHECK(seen[0] == a && seen[1] == b && seen[2] == d);
    CHECK_INT(store_contact_count(home.store), 3);
    fixture_end(&home);
}

static void test_one_contact_too_many_is_refused(void)
{
    fixture_begin(&home, NULL);
    char name[16];
    for (int i = 0; i < STORE_CONTACTS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        fixture_contact(&home, name);
    }
    fixture_settle(&home);
    struct store_contact one = { .name = "one more" };
    CHECK_INT(store_contact_add(home.store, &one), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    CHECK_INT(store_contact_count(home.store), STORE_CONTACTS_MAX);
    fixture_reopen(&home);
    CHECK_INT(store_contact_add(home.store, &one), FAULT_BUSY);
    CHECK_INT(store_contact_by_name(home.store, "5000", &one), FAULT_NONE);
    CHECK_INT(store_contact_remove(home.store, one.id), FAULT_NONE);
    CHECK_INT(store_contact_add(home.store, &one), FAULT_NONE);
    fixture_end(&home);
}

static void add_sessions_of(int64_t contact, int64_t device, uint8_t mark)
{
    struct store_bundle bundle = { .device = device };
    struct store_prekey prekey = { .id = { mark }, .one_time = true, .device = device };
    struct store_session session = { .device = device };
    struct store_envelope envelope = { .device = device };
    uint8_t hash[32] = { mark };
    CHECK_INT(store_list_put(home.store, contact, bytes_of_text("list")), FAULT_NONE);
    CHECK_INT(store_bundle_put(home.store, &bundle), FAULT_NONE);
    CHECK_INT(store_prekey_put(home.store, &prekey), FAULT_NONE);
    CHECK_INT(store_seen_add(home.store, hash, prekey.id, hash), FAULT_NONE);
    CHECK_INT(store_session_add(home.store, &session), FAULT_NONE);
    envelope.session = session.row;
    CHECK_INT(store_envelope_add(home.store, &envelope), FAULT_NONE);
}

static void check_sessions_of(int64_t contact, int64_t device, uint8_t mark, enum fault expected)
{
    struct bytes list;
    struct store_bundle bundle;
    struct store_prekey prekey;
    struct store_session session;
    struct store_envelope envelope;
    uint8_t hash[32] = { mark }, seen[32];
    CHECK_INT(store_list_get(home.store, contact, &list), expected);
    CHECK_INT(store_bundle_best(home.store, device, &bundle), expected);
    CHECK_INT(store_prekey_next(home.store, device, NULL, &prekey), expected);
    CHECK_INT(store_seen(home.store, hash, seen), expected);
    CHECK_INT(store_session_next(home.store, device, 0, &session), expected);
    CHECK_INT(store_envelope_next(home.store, device, 0, &envelope), expected);
}

static void add_everything_of(int64_t contact, uint8_t mark)
{
    struct store_device device = { .contact = contact, .device = { mark }, .certificate_size = 3 };
    struct store_address address = { .address = { .ip = { mark }, .port = 1 }, .fixed = true };
    char key[] = { 'k', (char)('0' + mark), '\0' };
    CHECK_INT(store_device_put(home.store, &device), FAULT_NONE);
    add_sessions_of(contact, device.id, mark);
    CHECK_INT(store_address_put(home.store, contact, &address), FAULT_NONE);
    fixture_say(&home, contact, false, "hello");
    int64_t message = fixture_owe(&home, contact, "well?");
    CHECK_INT(store_request_put(home.store, key, message, 1), FAULT_NONE);
}

static void test_a_removed_contact_takes_everything_of_his_along(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob"), eve = fixture_contact(&home, "Eve");
    add_everything_of(bob, 1);
    add_everything_of(eve, 2);
    fixture_settle(&home);
    CHECK_INT(store_contact_remove(home.store, bob), FAULT_NONE);
    CHECK_INT(store_contact_remove(home.store, bob), FAULT_GONE);
    fixture_settle(&home);
    fixture_reopen(&home);

    struct store_device device;
    struct store_address addresses[STORE_ADDRESSES_MAX];
    struct store_message message;
    struct store_owed owed;
    struct store_chat chat;
    uint8_t heads[STORE_PARENTS_MAX][MESSAGE_ID_BYTES], key[32] = { 1 };
    uint64_t height, oldest, newest;
    int64_t row;
    check_sessions_of(bob, 1, 1, FAULT_GONE);
    check_sessions_of(eve, 2, 2, FAULT_NONE);
    CHECK_INT(store_device_by_key(home.store, key, &device), FAULT_GONE);
    CHECK_INT(store_device_next(home.store, bob, 0, &device), FAULT_GONE);
    CHECK_INT(store_addresses(home.store, bob, addresses), 0);
    CHECK_INT(store_message_step(home.store, bob, NULL, false, false, &message), FAULT_GONE);
    CHECK_INT(store_heads(home.store, bob, heads, &height), 0);
    CHECK_INT(store_outbox_next(home.store, bob, 0, &owed), FAULT_GONE);
    CHECK_INT(store_chat_get(home.store, bob, &chat), FAULT_GONE);
    CHECK_INT(store_request_get(home.store, "k1", &row), FAULT_GONE);
    CHECK_INT(store_outbox_count(home.store, 0), 1);

    key[0] = 2;
    CHECK_INT(store_device_by_key(home.store, key, &device), FAULT_NONE);
    CHECK_INT(store_addresses(home.store, eve, addresses), 1);
    CHECK_INT(store_heads(home.store, eve, heads, &height), 1);
    CHECK_INT(store_request_get(home.store, "k2", &row), FAULT_NONE);
    CHECK_INT(store_message_get(home.store, row, &message), FAULT_NONE);
    store_event_range(home.store, &oldest, &newest);
    CHECK(oldest == 1 && newest == 2); /* tombstones: Bob's event is still numbered */

    fixture_end(&home);
}

/* An event of the past must not come to mean a message or a person of today. */
static void test_a_number_never_comes_to_mean_two_things(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    int64_t row = fixture_say(&home, bob, true, "old");
    CHECK_INT(store_contact_remove(home.store, bob), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    int64_t again = fixture_contact(&home, "Bob");
    CHECK(again > bob);
    CHECK(fixture_say(&home, again, true, "new") > row);
    fixture_end(&home);
}

static void test_a_device_is_known_by_its_key(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob"), eve = fixture_contact(&home, "Eve");
    struct store_device first = { .contact = bob, .device = { 1 }, .link = { 2 }, .first_seen = 5 };
    first.certificate_size = sizeof first.certificate;
    memset(first.certificate, 0xcc, sizeof first.certificate);
    CHECK_INT(store_device_put(home.store, &first), FAULT_NONE);
    struct store_device again = first, found;
    again.id = 0;
    again.link[0] = 9;
    again.newest_stamp = UINT64_MAX;
    again.certificate_size = 0;
    CHECK_INT(store_device_put(home.store, &again), FAULT_NONE);
    CHECK_INT(again.id, first.id);
    CHECK_INT(store_device_get(home.store, first.id, &found), FAULT_NONE);
    CHECK(found.link[0] == 9 && found.newest_stamp == UINT64_MAX && found.certificate_size == 0);
    again.contact = eve; /* she claims his device */
    CHECK_INT(store_device_put(home.store, &again), FAULT_PEER);
    CHECK_INT(store_device_by_key(home.store, first.device, &found), FAULT_NONE);
    CHECK_INT(found.contact, bob);
    CHECK_INT(store_device_get(home.store, 77, &found), FAULT_GONE);
    fixture_end(&home);
}

static void test_devices_are_walked_and_have_a_maximum(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob"), eve = fixture_contact(&home, "Eve");
    struct store_device device = { .contact = eve, .device = { 0xee } }, found;
    CHECK_INT(store_device_put(home.store, &device), FAULT_NONE);
    device.contact = bob;
    for (uint8_t i = 0; i < STORE_DEVICES_MAX; i++) {
        device.device[0] = i;
        CHECK_INT(store_device_put(home.store, &device), FAULT_NONE);
    }
    fixture_settle(&home);
    device.device[0] = STORE_DEVICES_MAX;
    CHECK_INT(store_device_put(home.store, &device), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    size_t his = 0, all = 0;
    for (int64_t at = 0; store_device_next(home.store, bob, at, &found) == FAULT_NONE; his++)
        at = found.id;
    for (int64_t at = 0; store_device_next(home.store, 0, at, &found) == FAULT_NONE; all++)
        at = found.id;
    CHECK_INT(his, STORE_DEVICES_MAX);
    CHECK_INT(all, STORE_DEVICES_MAX + 1);
    fixture_end(&home);
}

static struct store_address at_port(uint16_t port, bool fixed, instant worked)
{
    return (struct store_address){ .address = { .ip = { 1 }, .port = port },
                                   .fixed = fixed,
                                   .worked = worked };
}

static enum fault put(int64_t contact, uint16_t port, bool fixed, instant worked)
{
    struct store_address address = at_port(port, fixed, worked);
    return store_address_put(home.store, contact, &address);
}

static void test_addresses_come_last_worked_first_then_fixed(void)
{
    static const uint16_t expected[] = { 3, 1, 4, 2, 5 };
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    CHECK_INT(put(bob, 1, false, 50), FAULT_NONE);
    CHECK_INT(put(bob, 2, true, 0), FAULT_NONE);
    CHECK_INT(put(bob, 3, false, 70), FAULT_NONE);
    CHECK_INT(put(bob, 4, true, 20), FAULT_NONE);
    CHECK_INT(put(bob, 5, false, 0), FAULT_NONE);
    CHECK_INT(put(bob, 4, false, 10), FAULT_NONE); /* stays fixed, stays the later time */
    struct store_address rows[STORE_ADDRESSES_MAX];
    CHECK_INT(store_addresses(home.store, bob, rows), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        CHECK_INT(rows[i].address.port, expected[i]);
    CHECK(rows[2].fixed && rows[2].worked == 20);
    fixture_end(&home);
}

static void test_a_ninth_address_replaces_the_seen_one_that_worked_longest_ago(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_address rows[STORE_ADDRESSES_MAX];
    for (uint16_t port = 1; port <= STORE_ADDRESSES_MAX; port++)
        CHECK_INT(put(bob, port, port == 1, 100 + port), FAULT_NONE);
    CHECK_INT(put(bob, 9, false, 0), FAULT_NONE);
    CHECK_INT(store_addresses(home.store, bob, rows), STORE_ADDRESSES_MAX);
    for (size_t i = 0; i < STORE_ADDRESSES_MAX; i++)
        CHECK(rows[i].address.port != 2);
    for (uint16_t port = 10; port < 10 + STORE_ADDRESSES_MAX - 1; port++)
        CHECK_INT(put(bob, port, true, 0), FAULT_NONE);
    fixture_settle(&home);
    CHECK_INT(put(bob, 99, true, 500), FAULT_BUSY);
    CHECK_INT(put(bob, 99, false, 500), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    CHECK_INT(put(bob, 10, false, 900), FAULT_NONE); /* a known one is no ninth */
    CHECK_INT(store_addresses(home.store, bob, rows), STORE_ADDRESSES_MAX);
    CHECK(rows[0].address.port == 10 && rows[0].fixed);
    fixture_end(&home);
}

static void test_an_address_is_removed(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_address address = at_port(UINT16_MAX, true, 0), rows[STORE_ADDRESSES_MAX];
    CHECK_INT(store_address_put(home.store, bob, &address), FAULT_NONE);
    CHECK_INT(store_addresses(home.store, bob, rows), 1);
    CHECK(address_equal(&rows[0].address, &address.address));
    CHECK_INT(store_address_remove(home.store, bob, &address.address), FAULT_NONE);
    CHECK_INT(store_address_remove(home.store, bob, &address.address), FAULT_GONE);
    CHECK_INT(store_addresses(home.store, bob, rows), 0);
    fixture_end(&home);
}

static void test_we_are_written_once_and_come_back(void)
{
    fixture_begin(&home, NULL);
    struct store_self self = { .name = "Alice", .made = 12345 }, found;
    memset(self.account_seed, 1, sizeof self.account_seed);
    memset(self.device_seed, 2, sizeof self.device_seed);
    memset(self.dh_secret, 3, sizeof self.dh_secret);
    memset(self.card_secret, 4, sizeof self.card_secret);
    memset(self.node_secret, 5, sizeof self.node_secret);
    CHECK_INT(store_self_get(home.store, &found), FAULT_GONE);
    CHECK_INT(store_self_update(home.store, &self), FAULT_GONE);
    CHECK_INT(store_self_put(home.store, &self), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    memset(&found, 0, sizeof found);
    CHECK_INT(store_self_get(home.store, &found), FAULT_NONE);
    CHECK_BYTES(found.account_seed, self.account_seed, 32);
    CHECK_BYTES(found.device_seed, self.device_seed, 32);
    CHECK_BYTES(found.dh_secret, self.dh_secret, 32);
    CHECK_BYTES(found.card_secret, self.card_secret, 16);
    CHECK_BYTES(found.node_secret, self.node_secret, 32);
    CHECK_TEXT(found.name, "Alice");
    CHECK(found.made == 12345);
    memset(self.dh_secret, 6, sizeof self.dh_secret);
    strcpy(self.name, "Alice B.");
    CHECK_INT(store_self_update(home.store, &self), FAULT_NONE);
    CHECK_INT(store_self_get(home.store, &found), FAULT_NONE);
    CHECK_BYTES(found.dh_secret, self.dh_secret, 32);
    CHECK_TEXT(found.name, "Alice B.");
    fixture_end(&home);
}

TESTS(TEST(test_a_contact_comes_back_as_it_was),
      TEST(test_a_name_is_found_without_the_case_of_ascii_letters_only),
      TEST(test_a_contact_is_renamed),
      TEST(test_contacts_are_walked_by_id_and_their_ids_are_never_used_twice),
      TEST(test_one_contact_too_many_is_refused),
      TEST(test_a_removed_contact_takes_everything_of_his_along),
      TEST(test_a_number_never_comes_to_mean_two_things), TEST(test_a_device_is_known_by_its_key),
      TEST(test_devices_are_walked_and_have_a_maximum),
      TEST(test_addresses_come_last_worked_first_then_fixed),
      TEST(test_a_ninth_address_replaces_the_seen_one_that_worked_longest_ago),
      TEST(test_an_address_is_removed), TEST(test_we_are_written_once_and_come_back))
