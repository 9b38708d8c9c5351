/* Sessions: the state of one ratchet each, written anew in every round that used it. */
#include "engine/store/database.h"

#include <assert.h>

/* --- a row, there and back -------------------------------------------------------------------- */

#define CHANGING_COLUMNS                                                                           \
    "initiator, heard, one_time, used, psk, pair, exporter, bundle, start, state"
#define SESSION_COLUMNS "row, device, id, place, made, " CHANGING_COLUMNS

/* Rank as the schema keeps it: the greatest comes first. */
static uint64_t place_of(uint64_t rank)
{
    return ~rank;
}

static void bind_changing(struct query *query, const struct store_session *session)
{
    assert(session->start_size <= sizeof session->start);
    query_bind(query, session->initiator);
    query_bind(query, session->heard);
    query_bind(query, session->one_time);
    query_bind_time(query, session->used);
    query_bind_blob(query, session->psk, sizeof session->psk);
    query_bind_blob(query, session->pair, sizeof session->pair);
    query_bind_blob(query, session->exporter, sizeof session->exporter);
    query_bind_blob(query, session->bundle, sizeof session->bundle);
    query_bind_blob(query, session->start, session->start_size);
    query_bind_blob(query, session->state.data, session->state.size);
}

static void take_changing(struct query *query, struct store_session *out)
{
    out->initiator = query_take(query) != 0;
    out->heard = query_take(query) != 0;
    out->one_time = query_take(query) != 0;
    out->used = query_take_time(query);
    query_take_blob(query, out->psk, sizeof out->psk);
    query_take_blob(query, out->pair, sizeof out->pair);
    query_take_blob(query, out->exporter, sizeof out->exporter);
    query_take_blob(query, out->bundle, sizeof out->bundle);
    out->start_size = query_take_blob_upto(query, out->start, sizeof out->start);
    out->state =
        database_keep(&query->store->state, query_take_view(query, STORE_SESSION_MAX_BYTES));
}

static enum fault one_session(struct query *query, struct store_session *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    out->row = query_take(query);
    out->device = query_take(query);
    query_take_blob(query, out->id, sizeof out->id);
    out->rank = place_of(query_take_ordered(query));
    out->made = query_take_time(query);
    take_changing(query, out);
    return query_close(query);
}

/* --- writing ---------------------------------------------------------------------------------- */

enum fault store_session_add(struct store *store, struct store_session *session)
{
    static const char count[] = "SELECT count(*) FROM session WHERE device = ?";
    static const char sql[] = "INSERT INTO session (device, id, place, made, " CHANGING_COLUMNS
                              ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    uint64_t others;
    struct query query = query_open(store, count);
    query_bind(&query, session->device);
    if (query_number(&query, &others) != FAULT_NONE)
        return FAULT_DISK;
    if (others >= STORE_SESSIONS_MAX || session->state.size > STORE_SESSION_MAX_BYTES)
        return FAULT_BUSY;
    query = query_open(store, sql);
    query_bind(&query, session->device);
    query_bind_blob(&query, session->id, sizeof session->id);
    query_bind_ordered(&query, place_of(session->rank));
    query_bind_time(&query, session->made);
    bind_changing(&query, session);
    enum fault fault = query_change(&query, NULL);
    if (fault == FAULT_NONE)
        session->row = sqlite3_last_insert_rowid(store->db);
    return fault;
}

enum fault store_session_update(struct store *store, const struct store_session *session)
{
    static const char sql[] =
        "UPDATE session SET (" CHANGING_COLUMNS ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE row = ?";
    size_t changed = 0;
    if (session->state.size > STORE_SESSION_MAX_BYTES)
        return FAULT_BUSY;
    struct query query = query_open(store, sql);
    bind_changing(&query, session);
    query_bind(&query, session->row);
    enum fault fault = query_change(&query, &changed);
    return fault == FAULT_NONE && changed == 0 ? FAULT_GONE : fault;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum fault store_session_get(struct store *store, int64_t row, struct store_session *out)
{
    static const char sql[] = "SELECT " SESSION_COLUMNS " FROM session WHERE row = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, row);
    return one_session(&query, out);
}

enum fault store_session_next(struct store *store, int64_t device, int64_t after,
                              struct store_session *out)
{
    static const char first[] = "SELECT " SESSION_COLUMNS " FROM session WHERE device = ?"
                                " ORDER BY place, id LIMIT 1";
    static const char next[] = "SELECT " SESSION_COLUMNS " FROM session WHERE device = ?"
                               " AND (place, id) > (SELECT place, id FROM session WHERE row = ?)"
                               " ORDER BY place, id LIMIT 1";
    struct query query = query_open(store, after == 0 ? first : next);
    query_bind(&query, device);
    if (after != 0)
        query_bind(&query, after);
    return one_session(&query, out);
}

/* --- ending ----------------------------------------------------------------------------------- */

enum fault store_session_remove(struct store *store, int64_t row)
{
    static const char sql[] = "DELETE FROM session WHERE row = ?";
    size_t changed = 0;
    enum fault fault = envelope_unseal_session(store, row);
    if (fault == FAULT_NONE)
        fault = query_change_of(store, sql, row, &changed);
    return fault == FAULT_NONE && changed == 0 ? FAULT_GONE : fault;
}
