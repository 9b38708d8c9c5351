/* People, their devices, and where these were seen. */
#include "engine/store/database.h"

#include <assert.h>
#include <string.h>

/* --- contacts ------------------------------------------------------------------------------- */

#define CONTACT_COLUMNS                                                                            \
    "id, name, account, card_secret, newest_stamp, added, last_seen, pair, reset, forked,"         \
    " trust, judged"

static void bind_contact(struct query *query, const struct store_contact *contact)
{
    query_bind_text(query, contact->name);
    query_bind_blob(query, contact->account, sizeof contact->account);
    query_bind_blob(query, contact->card_secret, sizeof contact->card_secret);
    query_bind_u64(query, contact->newest_stamp);
    query_bind_time(query, contact->added);
    query_bind_time(query, contact->last_seen);
    query_bind_blob(query, contact->pair, contact->has_pair ? sizeof contact->pair : 0);
    query_bind_time(query, contact->reset);
    query_bind(query, contact->forked);
    query_bind(query, contact->trust);
    query_bind_time(query, contact->judged);
}

static void take_pair(struct query *query, struct store_contact *out)
{
    memset(out->pair, 0, sizeof out->pair);
    size_t size = query_take_blob_upto(query, out->pair, sizeof out->pair);
    out->has_pair = size > 0;
    if (out->has_pair && size != sizeof out->pair)
        query->misshapen = true;
}

/* Steps a bound query for one contact and takes it. */
static enum fault one_contact(struct query *query, struct store_contact *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    out->id = query_take(query);
    query_take_text(query, out->name, STORE_NAME_MAX_BYTES);
    query_take_blob(query, out->account, sizeof out->account);
    query_take_blob(query, out->card_secret, sizeof out->card_secret);
    out->newest_stamp = query_take_u64(query);
    out->added = query_take_time(query);
    out->last_seen = query_take_time(query);
    take_pair(query, out);
    out->reset = query_take_time(query);
    out->forked = query_take(query) != 0;
    out->trust = (enum contact_trust)query_take(query);
    out->judged = query_take_time(query);
    if (out->trust > TRUST_STOPPED)
        query->misshapen = true;
    return query_close(query);
}

static enum fault begin_conversation(struct store *store, int64_t contact)
{
    static const char sql[] = "INSERT INTO conversation (contact, total, unread, owed, last_row,"
                              " last_time) VALUES (?, 0, 0, 0, 0, 0)";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    return query_change(&query, NULL);
}

enum fault store_contact_add(struct store *store, struct store_contact *contact)
{
    static const char sql[] =
        "INSERT INTO contact (name, account, card_secret, newest_stamp, added,"
        " last_seen, pair, reset, forked, trust, judged)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    if (store->tally.contacts >= STORE_CONTACTS_MAX)
        return FAULT_BUSY;
    struct query query = query_open(store, sql);
    bind_contact(&query, contact);
    enum fault fault = query_change(&query, NULL);
    if (fault != FAULT_NONE)
        return fault;
    contact->id = sqlite3_last_insert_rowid(store->db);
    store->tally.contacts++;
    return begin_conversation(store, contact->id);
}

enum fault store_contact_update(struct store *store, const struct store_contact *contact)
{
    static const char sql[] = "UPDATE contact SET name = ?, account = ?, card_secret = ?,"
                              " newest_stamp = ?, added = ?, last_seen = ?, pair = ?, reset = ?,"
                              " forked = ?, trust = ?, judged = ? WHERE id = ?";
    struct query query = query_open(store, sql);
    size_t changed = 0;
    bind_contact(&query, contact);
    query_bind(&query, contact->id);
    enum fault fault = query_change(&query, &changed);
    return fault == FAULT_NONE && changed == 0 ? FAULT_GONE : fault;
}

enum fault store_contact_get(struct store *store, int64_t contact, struct store_contact *out)
{
    static const char sql[] = "SELECT " CONTACT_COLUMNS " FROM contact WHERE id = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    return one_contact(&query, out);
}

enum fault store_contact_by_name(struct store *store, const char *name, struct store_contact *out)
{
    static const char sql[] = "SELECT " CONTACT_COLUMNS " FROM contact WHERE name = ?";
    struct query query = query_open(store, sql);
    query_bind_text(&query, name);
    return one_contact(&query, out);
}

enum fault store_contact_by_account(struct store *store, const uint8_t account[32],
                                    struct store_contact *out)
{
    static const char sql[] = "SELECT " CONTACT_COLUMNS " FROM contact WHERE account = ?";
    struct query query = query_open(store, sql);
    query_bind_blob(&query, account, 32);
    return one_contact(&query, out);
}

enum fault store_contact_next(struct store *store, int64_t after, struct store_contact *out)
{
    static const char sql[] =
        "SELECT " CONTACT_COLUMNS " FROM contact WHERE id > ? ORDER BY id LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, after);
    return one_contact(&query, out);
}

size_t store_contact_count(struct store *store)
{
    return store->tally.contacts;
}

enum fault store_contact_remove(struct store *store, int64_t contact)
{
    static const char from_contact[] = "DELETE FROM contact WHERE id = ?";
#define HIS_DEVICES " IN (SELECT id FROM device WHERE contact = ?)"
    static const char *const from_others[] = {
        "DELETE FROM request WHERE message IN (SELECT row FROM message WHERE contact = ?)",
        "DELETE FROM message WHERE contact = ?",
        "DELETE FROM outbox WHERE contact = ?",
        "DELETE FROM head WHERE contact = ?",
        "DELETE FROM awaited WHERE contact = ?",
        "DELETE FROM conversation WHERE contact = ?",
        "DELETE FROM address WHERE contact = ?",
        "DELETE FROM list WHERE contact = ?",
        "DELETE FROM invitation WHERE contact = ?",
        "DELETE FROM envelope WHERE device" HIS_DEVICES,
        "DELETE FROM session WHERE device" HIS_DEVICES,
        "DELETE FROM bundle WHERE device" HIS_DEVICES,
        "DELETE FROM seen WHERE bundle IN"
        " (SELECT id FROM prekey WHERE one_time = 1 AND device" HIS_DEVICES ")",
        "DELETE FROM prekey WHERE one_time = 1 AND device" HIS_DEVICES,
        "DELETE FROM device WHERE contact = ?",
    };
    size_t contacts = 0;
    enum fault fault = query_change_of(store, from_contact, contact, &contacts);
    if (fault == FAULT_NONE && contacts == 0)
        return FAULT_GONE;
    for (size_t i = 0; fault == FAULT_NONE && i < COUNT(from_others); i++)
        fault = query_change_of(store, from_others[i], contact, NULL);
    return fault == FAULT_NONE ? database_count(store) : fault;
}

/* --- devices -------------------------------------------------------------------------------- */

#define DEVICE_COLUMNS "id, contact, device, link, certificate, newest_stamp, first_seen, last_seen"

static enum fault one_device(struct query *query, struct store_device *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    out->id = query_take(query);
    out->contact = query_take(query);
    query_take_blob(query, out->device, sizeof out->device);
    query_take_blob(query, out->link, sizeof out->link);
    out->certificate_size = query_take_blob_upto(query, out->certificate, sizeof out->certificate);
    out->newest_stamp = query_take_u64(query);
    out->first_seen = query_take_time(query);
    out->last_seen = query_take_time(query);
    return query_close(query);
}

static enum fault devices_of(struct store *store, int64_t contact, size_t *count)
{
    static const char sql[] = "SELECT count(*) FROM device WHERE contact = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    if (query_step(&query) != FAULT_NONE)
        return FAULT_DISK;
    *count = query_take_u64(&query);
    return query_close(&query);
}

static void bind_device(struct query *query, const struct store_device *device)
{
    assert(device->certificate_size <= sizeof device->certificate);
    query_bind_blob(query, device->link, sizeof device->link);
    query_bind_blob(query, device->certificate, device->certificate_size);
    query_bind_u64(query, device->newest_stamp);
    query_bind_time(query, device->first_seen);
    query_bind_time(query, device->last_seen);
}

static enum fault add_device(struct store *store, struct store_device *device)
{
    static const char sql[] = "INSERT INTO device (link, certificate, newest_stamp, first_seen,"
                              " last_seen, contact, device) VALUES (?, ?, ?, ?, ?, ?, ?)";
    size_t count = 0;
    enum fault fault = devices_of(store, device->contact, &count);
    if (fault == FAULT_NONE && count >= STORE_DEVICES_MAX)
        return FAULT_BUSY;
    struct query query = query_open(store, sql);
    bind_device(&query, device);
    query_bind(&query, device->contact);
    query_bind_blob(&query, device->device, sizeof device->device);
    fault = query_change(&query, NULL);
    if (fault == FAULT_NONE)
        device->id = sqlite3_last_insert_rowid(store->db);
    return fault;
}

static enum fault change_device(struct store *store, const struct store_device *device)
{
    static const char sql[] = "UPDATE device SET link = ?, certificate = ?, newest_stamp = ?,"
                              " first_seen = ?, last_seen = ? WHERE id = ?";
    struct query query = query_open(store, sql);
    bind_device(&query, device);
    query_bind(&query, device->id);
    return query_change(&query, NULL);
}

enum fault store_device_put(struct store *store, struct store_device *device)
{
    struct store_device known;
    enum fault fault = store_device_by_key(store, device->device, &known);
    if (fault == FAULT_GONE)
        return add_device(store, device);
    if (fault != FAULT_NONE)
        return fault;
    if (known.contact != device->contact)
        return FAULT_PEER;
    device->id = known.id;
    return change_device(store, device);
}

enum fault store_device_get(struct store *store, int64_t device, struct store_device *out)
{
    static const char sql[] = "SELECT " DEVICE_COLUMNS " FROM device WHERE id = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, device);
    return one_device(&query, out);
}

enum fault store_device_by_key(struct store *store, const uint8_t device[32],
                               struct store_device *out)
{
    static const char sql[] = "SELECT " DEVICE_COLUMNS " FROM device WHERE device = ?";
    struct query query = query_open(store, sql);
    query_bind_blob(&query, device, 32);
    return one_device(&query, out);
}

enum fault store_device_next(struct store *store, int64_t contact, int64_t after,
                             struct store_device *out)
{
    static const char of_anybody[] =
        "SELECT " DEVICE_COLUMNS " FROM device WHERE id > ? ORDER BY id LIMIT 1";
    static const char of_contact[] =
        "SELECT " DEVICE_COLUMNS " FROM device WHERE id > ? AND contact = ? ORDER BY id LIMIT 1";
    struct query query = query_open(store, contact == 0 ? of_anybody : of_contact);
    query_bind(&query, after);
    if (contact != 0)
        query_bind(&query, contact);
    return one_device(&query, out);
}

/* --- addresses ------------------------------------------------------------------------------ */

static void bind_address(struct query *query, int64_t contact, const struct address *address)
{
    query_bind(query, contact);
    query_bind_blob(query, address->ip, sizeof address->ip);
    query_bind(query, address->port);
}

static enum fault read_addresses(struct store *store, int64_t contact,
                                 struct store_address out[STORE_ADDRESSES_MAX], size_t *count)
{
    static const char sql[] = "SELECT ip, port, fixed, worked FROM address WHERE contact = ?"
                              " ORDER BY worked DESC, fixed DESC, ip, port LIMIT ?";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    query_bind(&query, STORE_ADDRESSES_MAX);
    enum fault fault;
    for (*count = 0; (fault = query_step(&query)) == FAULT_NONE; ++*count) {
        struct store_address *row = &out[*count];
        query.column = 0;
        query_take_blob(&query, row->address.ip, sizeof row->address.ip);
        row->address.port = (uint16_t)query_take(&query);
        row->fixed = query_take(&query) != 0;
        row->worked = query_take_time(&query);
    }
    if (fault == FAULT_GONE)
        fault = query_close(&query);
    return fault;
}

size_t store_addresses(struct store *store, int64_t contact,
                       struct store_address out[STORE_ADDRESSES_MAX])
{
    size_t count;
    return read_addresses(store, contact, out, &count) == FAULT_NONE ? count : 0;
}

static enum fault write_address(struct store *store, int64_t contact,
                                const struct store_address *row)
{
    static const char sql[] =
        "INSERT INTO address (contact, ip, port, fixed, worked) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET fixed = max(fixed, excluded.fixed),"
        " worked = max(worked, excluded.worked)";
    struct query query = query_open(store, sql);
    bind_address(&query, contact, &row->address);
    query_bind(&query, row->fixed);
    query_bind_time(&query, row->worked);
    return query_change(&query, NULL);
}

/* They are ordered by when they last worked, so the seen one to lose is the last one not fixed. */
static enum fault make_room(struct store *store, int64_t contact,
                            const struct store_address rows[STORE_ADDRESSES_MAX])
{
    for (size_t i = STORE_ADDRESSES_MAX; i-- > 0;)
        if (!rows[i].fixed)
            return store_address_remove(store, contact, &rows[i].address);
    return FAULT_BUSY;
}

enum fault store_address_put(struct store *store, int64_t contact,
                             const struct store_address *address)
{
    struct store_address rows[STORE_ADDRESSES_MAX];
    size_t count;
    bool known = false;
    enum fault fault = read_addresses(store, contact, rows, &count);
    if (fault != FAULT_NONE)
        return fault;
    for (size_t i = 0; i < count; i++)
        known = known || address_equal(&rows[i].address, &address->address);
    if (!known && count == STORE_ADDRESSES_MAX)
        fault = make_room(store, contact, rows);
    return fault == FAULT_NONE ? write_address(store, contact, address) : fault;
}

enum fault store_address_remove(struct store *store, int64_t contact, const struct address *address)
{
    static const char sql[] = "DELETE FROM address WHERE contact = ? AND ip = ? AND port = ?";
    struct query query = query_open(store, sql);
    size_t changed = 0;
    bind_address(&query, contact, address);
    enum fault fault = query_change(&query, &changed);
    return fault == FAULT_NONE && changed == 0 ? FAULT_GONE : fault;
}
