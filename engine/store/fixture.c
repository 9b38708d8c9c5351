#include "engine/store/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/test.h"

void fixture_begin(struct fixture *fixture, const char *vfs)
{
    *fixture = (struct fixture){ .directory = "/tmp/ramage-store-XXXXXX" };
    CHECK(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof fixture->path, "%s/store.db", fixture->directory);
    snprintf(fixture->wal, sizeof fixture->wal, "%s-wal", fixture->path);
    fixture->place = (struct store_place){ .path = fixture->path, .vfs = vfs };
    memcpy(fixture->place.key, "a raw key of thirty-two bytes...", sizeof fixture->place.key);
    fixture_reopen(fixture);
}

void fixture_end(struct fixture *fixture)
{
    char journal[96];
    store_close(fixture->store);
    snprintf(journal, sizeof journal, "%s-journal", fixture->path);
    unlink(fixture->path);
    unlink(fixture->wal);
    unlink(journal);
    CHECK(rmdir(fixture->directory) == 0); /* nothing else was ever written there */
}

void fixture_reopen(struct fixture *fixture)
{
    enum store_trouble trouble;
    store_close(fixture->store);
    CHECK_INT(store_open(&fixture->place, &fixture->store, &trouble), FAULT_NONE);
    CHECK_INT(trouble, STORE_FINE);
    CHECK(fixture->store != NULL);
}

void fixture_settle(struct fixture *fixture)
{
    CHECK_INT(store_settle(fixture->store), FAULT_NONE);
    CHECK(!store_dirty(fixture->store));
}

enum store_trouble fixture_trouble(const struct fixture *fixture)
{
    enum store_trouble trouble;
    struct store *store = fixture->store;
    CHECK_INT(store_open(&fixture->place, &store, &trouble), FAULT_DISK);
    CHECK(store == NULL);
    return trouble;
}

int64_t fixture_contact(struct fixture *fixture, const char *name)
{
    struct store_contact contact = { .added = 1 };
    snprintf(contact.name, sizeof contact.name, "%s", name);
    snprintf((char *)contact.account, sizeof contact.account, "account of %.20s", name);
    snprintf((char *)contact.card_secret, sizeof contact.card_secret, "card %.10s", name);
    CHECK_INT(store_contact_add(fixture->store, &contact), FAULT_NONE);
    CHECK(contact.id > 0);
    return contact.id;
}

void fixture_id(uint8_t id[MESSAGE_ID_BYTES], uint64_t number)
{
    uint64_t mixed = (number + 1) * 0x9E3779B97F4A7C15u;
    struct cursor out = cursor_into(id, MESSAGE_ID_BYTES);
    cursor_put_u64(&out, mixed ^ mixed >> 29);
    cursor_put_u64(&out, number);
    cursor_put_u64(&out, 0);
    cursor_put_u64(&out, mixed);
}

int64_t fixture_say(struct fixture *fixture, int64_t contact, bool ours, const char *text)
{
    struct store_message message = { .contact = contact, .ours = ours, .written = fixture->made };
    message.state = ours ? MESSAGE_WRITTEN : MESSAGE_DELIVERED;
    message.text = bytes_of_text(text);
    message.parent_count = store_heads(fixture->store, contact, message.parents, &message.height);
    message.height++;
    message.arrived = ++fixture->made;
    fixture_id(message.id, fixture->made);
    CHECK_INT(store_message_add(fixture->store, &message), FAULT_NONE);
    CHECK(message.row > 0);
    return message.row;
}

int64_t fixture_owe(struct fixture *fixture, int64_t contact, const char *text)
{
    struct store_owed owed = { .contact = contact, .queued = 1, .expires = 30 * DAY };
    owed.message = fixture_say(fixture, contact, true, text);
    CHECK_INT(store_outbox_add(fixture->store, &owed), FAULT_NONE);
    struct store_event event = { .time = 1, .kind = EVENT_MESSAGE_STATE, .contact = contact };
    event.message = owed.message;
    event.detail = MESSAGE_WRITTEN;
    CHECK_INT(store_event_add(fixture->store, &event), FAULT_NONE);
    return owed.message;
}
