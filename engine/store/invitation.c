/* Invitations: those we gave, and those we took. */
#include "engine/store/database.h"

#include <string.h>

#define COLUMNS "row, ours, state, secret, host, name, introduced, contact, made, ends, changed"

static void bind(struct query *query, const struct store_invitation *invitation)
{
    query_bind(query, invitation->ours);
    query_bind(query, invitation->state);
    query_bind_blob(query, invitation->secret,
                    invitation->has_secret ? sizeof invitation->secret : 0);
    query_bind_blob(query, invitation->host, sizeof invitation->host);
    query_bind_text(query, invitation->name);
    query_bind_text(query, invitation->introduced);
    query_bind(query, invitation->contact);
    query_bind_time(query, invitation->made);
    query_bind_time(query, invitation->ends);
    query_bind_time(query, invitation->changed);
}

static enum fault one(struct query *query, struct store_invitation *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    memset(out, 0, sizeof *out);
    out->row = query_take(query);
    out->ours = query_take(query) != 0;
    out->state = (enum invitation_state)query_take(query);
    size_t size = query_take_blob_upto(query, out->secret, sizeof out->secret);
    out->has_secret = size > 0;
    query_take_blob(query, out->host, sizeof out->host);
    query_take_text(query, out->name, STORE_NAME_MAX_BYTES);
    query_take_text(query, out->introduced, STORE_NAME_MAX_BYTES);
    out->contact = query_take(query);
    out->made = query_take_time(query);
    out->ends = query_take_time(query);
    out->changed = query_take_time(query);
    if ((out->has_secret && size != sizeof out->secret) || out->state < INVITATION_OPEN ||
        out->state > INVITATION_EXPIRED)
        query->misshapen = true;
    return query_close(query);
}

/* Open ones are counted; of the others the oldest makes room. */
static enum fault make_room(struct store *store)
{
    static const char open[] = "SELECT count(*) FROM invitation WHERE state = ?";
    static const char trim[] =
        "DELETE FROM invitation WHERE row IN (SELECT row FROM invitation WHERE state <> ?"
        " AND secret = x'' ORDER BY row DESC LIMIT -1 OFFSET ?)";
    uint64_t count;
    struct query query = query_open(store, open);
    query_bind(&query, INVITATION_OPEN);
    if (query_number(&query, &count) != FAULT_NONE)
        return FAULT_DISK;
    if (count >= STORE_INVITATIONS_OPEN)
        return FAULT_BUSY;
    query = query_open(store, trim);
    query_bind(&query, INVITATION_OPEN);
    query_bind(&query, STORE_INVITATIONS_KEPT - 1);
    return query_change(&query, NULL);
}

enum fault store_invitation_add(struct store *store, struct store_invitation *invitation)
{
    static const char sql[] =
        "INSERT INTO invitation (ours, state, secret, host, name, introduced, contact, made, ends,"
        " changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    enum fault fault = make_room(store);
    if (fault != FAULT_NONE)
        return fault;
    struct query query = query_open(store, sql);
    store->exposed = true;
    bind(&query, invitation);
    fault = query_change(&query, NULL);
    if (fault == FAULT_NONE)
        invitation->row = sqlite3_last_insert_rowid(store->db);
    return fault;
}

enum fault store_invitation_update(struct store *store, const struct store_invitation *invitation)
{
    static const char sql[] =
        "UPDATE invitation SET ours = ?, state = ?, secret = ?, host = ?, name = ?, introduced = ?,"
        " contact = ?, made = ?, ends = ?, changed = ? WHERE row = ?";
    size_t changed = 0;
    struct query query = query_open(store, sql);
    store->exposed = true;
    bind(&query, invitation);
    query_bind(&query, invitation->row);
    enum fault fault = query_change(&query, &changed);
    return fault == FAULT_NONE && changed == 0 ? FAULT_GONE : fault;
}

enum fault store_invitation_get(struct store *store, int64_t row, struct store_invitation *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM invitation WHERE row = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, row);
    return one(&query, out);
}

enum fault store_invitation_of(struct store *store, int64_t contact, struct store_invitation *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM invitation WHERE contact = ? ORDER BY row DESC LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    return one(&query, out);
}

enum fault store_invitation_next(struct store *store, int64_t after, struct store_invitation *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM invitation WHERE row > ? ORDER BY row LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, after);
    return one(&query, out);
}
