/* Envelopes: which ratchet step sealed which of the owed messages. */
#include "engine/store/database.h"

#include <assert.h>

#define ENVELOPE_COLUMNS "row, device, session, number, chain, turn, key, cell, made, header"

static enum fault one_envelope(struct query *query, struct store_envelope *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    out->row = query_take(query);
    out->device = query_take(query);
    out->session = query_take(query);
    out->number = (uint32_t)query_take(query);
    query_take_blob(query, out->chain, sizeof out->chain);
    out->turn = query_take_u64(query);
    query_take_blob(query, out->key, sizeof out->key);
    out->cell = (uint32_t)query_take(query);
    out->made = query_take_time(query);
    out->header_size = query_take_blob_upto(query, out->header, sizeof out->header);
    return query_close(query);
}

enum fault store_envelope_add(struct store *store, struct store_envelope *envelope)
{
    static const char sql[] =
        "INSERT INTO envelope (" ENVELOPE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    assert(envelope->header_size <= sizeof envelope->header);
    if (store->tally.envelopes >= STORE_OUTBOX_MAX)
        return FAULT_BUSY;
    struct query query = query_open(store, sql);
    query_bind(&query, store->tally.next_envelope);
    query_bind(&query, envelope->device);
    query_bind(&query, envelope->session);
    query_bind(&query, envelope->number);
    query_bind_blob(&query, envelope->chain, sizeof envelope->chain);
    query_bind_u64(&query, envelope->turn);
    query_bind_blob(&query, envelope->key, sizeof envelope->key);
    query_bind(&query, envelope->cell);
    query_bind_time(&query, envelope->made);
    query_bind_blob(&query, envelope->header, envelope->header_size);
    enum fault fault = query_change(&query, NULL);
    if (fault == FAULT_NONE) {
        envelope->row = store->tally.next_envelope++;
        store->tally.envelopes++;
    }
    return fault;
}

enum fault store_envelope_next(struct store *store, int64_t device, int64_t after,
                               struct store_envelope *out)
{
    static const char sql[] = "SELECT " ENVELOPE_COLUMNS
                              " FROM envelope WHERE device = ? AND row > ? ORDER BY row LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, device);
    query_bind(&query, after);
    return one_envelope(&query, out);
}

enum fault store_envelope_in_run(struct store *store, int64_t session, const uint8_t chain[8],
                                 uint32_t first, uint32_t count, struct store_envelope *out)
{
    static const char sql[] = "SELECT " ENVELOPE_COLUMNS " FROM envelope WHERE session = ?"
                              " AND number BETWEEN ? AND ? AND chain = ? ORDER BY number LIMIT 1";
    assert(count > 0);
    struct query query = query_open(store, sql);
    query_bind(&query, session);
    query_bind(&query, first);
    query_bind(&query, (int64_t)first + count - 1);
    query_bind_blob(&query, chain, sizeof out->chain);
    return one_envelope(&query, out);
}

static enum fault remove_envelopes(struct store *store, const char *sql, int64_t which,
                                   size_t *removed)
{
    *removed = 0;
    enum fault fault = query_change_of(store, sql, which, removed);
    store->tally.envelopes -= *removed;
    return fault;
}

enum fault store_envelope_remove(struct store *store, int64_t row)
{
    static const char sql[] = "DELETE FROM envelope WHERE row = ?";
    size_t removed;
    enum fault fault = remove_envelopes(store, sql, row, &removed);
    return fault == FAULT_NONE && removed == 0 ? FAULT_GONE : fault;
}

enum fault envelope_unseal_session(struct store *store, int64_t session)
{
    static const char sql[] = "DELETE FROM envelope WHERE session = ?";
    size_t removed;
    enum fault fault = outbox_unseal_session(store, session);
    return fault == FAULT_NONE ? remove_envelopes(store, sql, session, &removed) : fault;
}
