/* What is still owed to which device. */
#include "engine/store/database.h"

#include <assert.h>

#define OWED_COLUMNS "row, message, contact, device, queued, expires"

static enum fault one_owed(struct query *query, struct store_owed *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    out->row = query_take(query);
    out->message = query_take(query);
    out->contact = query_take(query);
    out->device = query_take(query);
    out->queued = query_take_time(query);
    out->expires = query_take_time(query);
    return query_close(query);
}

enum fault store_outbox_add(struct store *store, struct store_owed *owed)
{
    static const char sql[] = "INSERT INTO outbox (" OWED_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)";
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

enum fault store_outbox_first_to_expire(struct store *store, struct store_owed *out)
{
    /* INT64_MAX is how NEVER is kept. */
    static const char sql[] = "SELECT " OWED_COLUMNS " FROM outbox WHERE expires < ?"
                              " ORDER BY expires, row LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, INT64_MAX);
    return one_owed(&query, out);
}

static enum fault remove_owed(struct store *store, int64_t message)
{
    static const char sql[] = "DELETE FROM outbox WHERE message = ?";
    struct query query = query_open(store, sql);
    size_t changed = 0;
    query_bind(&query, message);
    enum fault fault = query_change(&query, &changed);
    store->tally.owed -= changed;
    return fault;
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

enum fault store_outbox_end(struct store *store, int64_t message, enum message_state state,
                            enum message_failure failure, instant now)
{
    assert(state == MESSAGE_DELIVERED || state == MESSAGE_FAILED);
    struct store_owed owed;
    size_t ended = 0;
    enum fault fault = store_outbox_of(store, message, &owed);
    if (fault == FAULT_NONE)
        fault = remove_owed(store, message);
    if (fault == FAULT_NONE)
        fault = set_state(store, message, state, failure, now, &ended);
    if (fault == FAULT_NONE)
        fault = count_ended(store, owed.contact, ended);
    return fault;
}

static size_t count_of(struct query *query)
{
    if (query_step(query) != FAULT_NONE)
        return 0;
    size_t count = query_take_u64(query);
    return query_close(query) == FAULT_NONE ? count : 0;
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
