/* What is still owed to which device. */
#include "engine/store/database.h"

#include <assert.h>
#include <string.h>

#define OWED_COLUMNS "row, message, contact, device, envelope, tombstone, queued, expires"

static enum fault one_owed(struct query *query, struct store_owed *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    out->row = query_take(query);
    out->message = query_take(query);
    out->contact = query_take(query);
    out->device = query_take(query);
    out->envelope = query_take(query);
    out->tombstone = query_take(query) != 0;
    out->queued = query_take_time(query);
    out->expires = query_take_time(query);
    return query_close(query);
}

/* --- how many are sealed for a device ---------------------------------------------------------

   Asked before every sealing, and counting hundreds of rows each time would take longer than the
   sealing. So the last answer is kept, moved along, and forgotten when it is not certain. */

static void sealed_changed(struct store *store, int64_t device, int change)
{
    size_t at = (uint64_t)device % SEALED_KNOWN;
    if (store->sealed[at].device == device)
        store->sealed[at].count += (size_t)change;
}

static void sealed_forget(struct store *store)
{
    memset(store->sealed, 0, sizeof store->sealed);
}

size_t store_outbox_sealed(struct store *store, int64_t device)
{
    static const char sql[] = "SELECT count(*) FROM envelope CROSS JOIN outbox"
                              " ON outbox.envelope = envelope.row WHERE envelope.device = ?";
    size_t at = (uint64_t)device % SEALED_KNOWN;
    uint64_t count;
    if (device != 0 && store->sealed[at].device == device)
        return store->sealed[at].count;
    struct query query = query_open(store, sql);
    query_bind(&query, device);
    if (query_number(&query, &count) != FAULT_NONE)
        return 0;
    store->sealed[at].device = device;
    store->sealed[at].count = count;
    return count;
}

/* --- rows ------------------------------------------------------------------------------------- */

enum fault store_outbox_add(struct store *store, struct store_owed *owed)
{
    static const char sql[] =
        "INSERT INTO outbox (" OWED_COLUMNS ") VALUES (?, ?, ?, ?, 0, 0, ?, ?)";
    assert(owed->envelope == 0 && !owed->tombstone);
    if (store->tally.owed >= STORE_OUTBOX_MAX)
        return FAULT_BUSY;
    struct query query = query_open(store, sql);
    query_bind(&query, store->tally.next_owed);
    query_bind(&query, owed->message);
    query_bind(&query, owed->contact);
    query_bind(&query, owed->device);
    query_bind_time(&query, owed->queued);
    query_bind_time(&query, owed->expires);
    enum fault fault = query_change(&query, NULL);
    if (fault == FAULT_NONE) {
        owed->row = store->tally.next_owed++;
        store->tally.owed++;
    }
    return fault;
}

enum fault store_outbox_next(struct store *store, int64_t contact, int64_t after,
                             struct store_owed *out)
{
    static const char sql[] =
        "SELECT " OWED_COLUMNS " FROM outbox WHERE contact = ? AND row > ? ORDER BY row LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    query_bind(&query, after);
    return one_owed(&query, out);
}

enum fault store_outbox_of(struct store *store, int64_t message, struct store_owed *out)
{
    static const char sql[] =
        "SELECT " OWED_COLUMNS " FROM outbox WHERE message = ? ORDER BY row LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, message);
    return one_owed(&query, out);
}

enum fault store_outbox_next_written(struct store *store, int64_t contact, int64_t after,
                                     struct store_owed *out)
{
    static const char sql[] =
        "SELECT " OWED_COLUMNS " FROM outbox INDEXED BY outbox_envelope WHERE envelope = 0"
        " AND contact = ? AND row > ? ORDER BY row LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    query_bind(&query, after);
    return one_owed(&query, out);
}

enum fault store_outbox_next_in(struct store *store, int64_t envelope, int64_t after,
                                struct store_owed *out)
{
    /* Whose it is: an envelope is for one device, so for one contact, as its index wants to know.
     */
    static const char sql[] =
        "SELECT " OWED_COLUMNS " FROM outbox INDEXED BY outbox_envelope WHERE envelope = ?1"
        " AND contact ="
        " (SELECT contact FROM outbox WHERE envelope = ?1 LIMIT 1)"
        " AND row > ?2 ORDER BY row LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, envelope);
    query_bind(&query, after);
    return one_owed(&query, out);
}

enum fault store_outbox_first_to_expire(struct store *store, struct store_owed *out)
{
    /* INT64_MAX is how NEVER is kept. */
    static const char sql[] = "SELECT " OWED_COLUMNS " FROM outbox WHERE expires < ?"
                              " ORDER BY expires, row LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, INT64_MAX);
    return one_owed(&query, out);
}

static enum fault set_state(struct store *store, int64_t message, enum message_state state,
                            enum message_failure failure, instant now, size_t *changed)
{
    static const char sql[] =
        "UPDATE message SET state = ?, failure = ?, changed = ? WHERE row = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, state);
    query_bind(&query, failure);
    query_bind_time(&query, now);
    query_bind(&query, message);
    return query_change(&query, changed);
}

static enum fault count_ended(struct store *store, int64_t contact, size_t ended)
{
    static const char sql[] = "UPDATE conversation SET owed = owed - ? WHERE contact = ?";
    struct query query = query_open(store, sql);
    query_bind_u64(&query, ended);
    query_bind(&query, contact);
    return query_change(&query, NULL);
}

/* --- sealed, and written again ---------------------------------------------------------------- */

static enum fault move(struct store *store, const struct store_owed *owed, int64_t envelope,
                       int64_t device)
{
    static const char sql[] = "UPDATE outbox SET envelope = ?, device = ?"
                              " WHERE contact = ? AND row = ? AND envelope = ?";
    size_t changed = 0;
    struct query query = query_open(store, sql);
    query_bind(&query, envelope);
    query_bind(&query, device);
    query_bind(&query, owed->contact);
    query_bind(&query, owed->row);
    query_bind(&query, owed->envelope);
    enum fault fault = query_change(&query, &changed);
    if (fault != FAULT_NONE || changed == 0)
        return fault == FAULT_NONE ? FAULT_GONE : fault;
    if (owed->envelope != 0)
        sealed_changed(store, owed->device, -1);
    if (envelope != 0)
        sealed_changed(store, device, 1);
    return FAULT_NONE;
}

enum fault store_outbox_seal(struct store *store, const struct store_owed *owed, int64_t envelope,
                             int64_t device, instant now)
{
    enum message_state state = envelope != 0 ? MESSAGE_SEALED : MESSAGE_WRITTEN;
    assert(envelope != 0 || !owed->tombstone);
    enum fault fault = move(store, owed, envelope, device);
    if (fault == FAULT_NONE && !owed->tombstone)
        fault = set_state(store, owed->message, state, FAILURE_NONE, now, NULL);
    return fault;
}

enum fault outbox_unseal_session(struct store *store, int64_t session)
{
    static const char to_written[] =
        "UPDATE message SET state = 1 WHERE row IN (SELECT message FROM envelope CROSS JOIN outbox"
        " ON outbox.envelope = envelope.row WHERE envelope.session = ? AND tombstone = 0)";
    static const char bury[] = "DELETE FROM outbox WHERE tombstone = 1"
                               " AND envelope IN (SELECT row FROM envelope WHERE session = ?)";
    static const char take_out[] =
        "UPDATE outbox SET envelope = 0, device = 0"
        " WHERE envelope IN (SELECT row FROM envelope WHERE session = ?)";
    size_t buried = 0;
    sealed_forget(store);
    enum fault fault = query_change_of(store, to_written, session, NULL);
    if (fault == FAULT_NONE)
        fault = query_change_of(store, bury, session, &buried);
    store->tally.owed -= buried;
    return fault == FAULT_NONE ? query_change_of(store, take_out, session, NULL) : fault;
}

/* --- ending ----------------------------------------------------------------------------------- */

/* `first` is one of the rows of that message. */
static enum fault remove_owed(struct store *store, const struct store_owed *first)
{
    static const char sql[] = "DELETE FROM outbox WHERE message = ?";
    size_t removed = 0;
    enum fault fault = query_change_of(store, sql, first->message, &removed);
    store->tally.owed -= removed;
    if (removed > 1)
        sealed_forget(store); /* several devices, and we asked for one */
    else if (first->envelope != 0)
        sealed_changed(store, first->device, -1);
    return fault;
}

enum fault store_outbox_end(struct store *store, int64_t message, enum message_state state,
                            enum message_failure failure, instant now)
{
    assert(state == MESSAGE_DELIVERED || state == MESSAGE_FAILED);
    struct store_owed owed;
    size_t ended = 0;
    enum fault fault = store_outbox_of(store, message, &owed);
    if (fault == FAULT_NONE)
        fault = remove_owed(store, &owed);
    if (fault != FAULT_NONE || owed.tombstone)
        return fault;
    fault = set_state(store, message, state, failure, now, &ended);
    if (fault == FAULT_NONE)
        fault = count_ended(store, owed.contact, ended);
    return fault;
}

enum fault store_outbox_bury(struct store *store, int64_t message, enum message_failure failure,
                             instant now)
{
    static const char bury[] = "UPDATE outbox SET tombstone = 1, expires = ? WHERE message = ?"
                               " AND tombstone = 0 AND envelope <> 0";
    static const char rest[] = "DELETE FROM outbox WHERE message = ? AND tombstone = 0";
    struct store_owed owed;
    size_t buried = 0, ended = 0;
    enum fault fault = store_outbox_of(store, message, &owed);
    if (fault != FAULT_NONE)
        return fault;
    struct query query = query_open(store, bury);
    query_bind_time(&query, NEVER);
    query_bind(&query, message);
    fault = query_change(&query, &buried);
    if (fault != FAULT_NONE || buried == 0)
        return fault == FAULT_NONE ? FAULT_GONE : fault;
    fault = query_change_of(store, rest, message, &ended);
    store->tally.owed -= ended;
    if (fault == FAULT_NONE)
        fault = set_state(store, message, MESSAGE_FAILED, failure, now, &ended);
    if (fault == FAULT_NONE)
        fault = count_ended(store, owed.contact, ended);
    return fault;
}

/* --- counting --------------------------------------------------------------------------------- */

static size_t count_of(struct query *query)
{
    uint64_t count;
    return query_number(query, &count) == FAULT_NONE ? count : 0;
}

size_t store_outbox_count(struct store *store, int64_t contact)
{
    static const char sql[] = "SELECT count(*) FROM outbox WHERE contact = ?";
    if (contact == 0)
        return store->tally.owed;
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    return count_of(&query);
}

size_t store_outbox_ahead(struct store *store, int64_t contact, int64_t row)
{
    static const char sql[] = "SELECT count(*) FROM outbox WHERE contact = ? AND row < ?";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    query_bind(&query, row);
    return count_of(&query);
}
