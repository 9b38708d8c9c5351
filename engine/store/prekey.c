/* Prekey bundles of ours with their secrets, and the session starts seen under them. */
#include "engine/store/database.h"

#include <assert.h>

#define PREKEY_COLUMNS "id, one_time, device, sequence, made, ends, dh, kem, wire"

static enum fault one_prekey(struct query *query, struct store_prekey *out)
{
    query->store->exposed = true;
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    query_take_blob(query, out->id, sizeof out->id);
    out->one_time = query_take(query) != 0;
    out->device = query_take(query);
    out->sequence = query_take_ordered(query);
    out->made = query_take_time(query);
    out->ends = query_take_time(query);
    query_take_blob(query, out->dh, sizeof out->dh);
    query_take_blob(query, out->kem, sizeof out->kem);
    query_take_blob(query, out->wire, sizeof out->wire);
    return query_close(query);
}

/* --- putting ---------------------------------------------------------------------------------- */

/* Is there room beside those of its kind with another id? */
static enum fault has_room(struct store *store, const struct store_prekey *prekey)
{
    static const char for_device[] =
        "SELECT count(*) FROM prekey WHERE one_time = 1 AND device = ? AND id <> ?";
    static const char last_resort[] = "SELECT count(*) FROM prekey WHERE one_time = 0 AND id <> ?";
    struct query query = query_open(store, prekey->one_time ? for_device : last_resort);
    uint64_t others;
    if (prekey->one_time)
        query_bind(&query, prekey->device);
    query_bind_blob(&query, prekey->id, sizeof prekey->id);
    if (query_number(&query, &others) != FAULT_NONE)
        return FAULT_DISK;
    size_t most = prekey->one_time ? STORE_ONE_TIME_MAX : STORE_LAST_RESORT_MAX;
    return others < most ? FAULT_NONE : FAULT_BUSY;
}

enum fault store_prekey_put(struct store *store, const struct store_prekey *prekey)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO prekey (" PREKEY_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    enum fault fault = has_room(store, prekey);
    if (fault != FAULT_NONE)
        return fault;
    struct query query = query_open(store, sql);
    store->exposed = true;
    query_bind_blob(&query, prekey->id, sizeof prekey->id);
    query_bind(&query, prekey->one_time);
    query_bind(&query, prekey->device);
    query_bind_ordered(&query, prekey->sequence);
    query_bind_time(&query, prekey->made);
    query_bind_time(&query, prekey->ends);
    query_bind_blob(&query, prekey->dh, sizeof prekey->dh);
    query_bind_blob(&query, prekey->kem, sizeof prekey->kem);
    query_bind_blob(&query, prekey->wire, sizeof prekey->wire);
    return query_change(&query, NULL);
}

/* --- finding ---------------------------------------------------------------------------------- */

enum fault store_prekey_get(struct store *store, const uint8_t id[8], struct store_prekey *out)
{
    static const char sql[] = "SELECT " PREKEY_COLUMNS " FROM prekey WHERE id = ?";
    struct query query = query_open(store, sql);
    query_bind_blob(&query, id, sizeof out->id);
    return one_prekey(&query, out);
}

enum fault store_prekey_newest(struct store *store, struct store_prekey *out)
{
    static const char sql[] = "SELECT " PREKEY_COLUMNS " FROM prekey WHERE one_time = 0"
                              " ORDER BY sequence DESC LIMIT 1";
    struct query query = query_open(store, sql);
    return one_prekey(&query, out);
}

enum fault store_prekey_next(struct store *store, int64_t device, const uint8_t *after,
                             struct store_prekey *out)
{
    static const char sql[] = "SELECT " PREKEY_COLUMNS " FROM prekey WHERE one_time = 1"
                              " AND device = ? AND id > ? ORDER BY id LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, device);
    query_bind_blob(&query, after, after ? sizeof out->id : 0);
    return one_prekey(&query, out);
}

/* --- ending ----------------------------------------------------------------------------------- */

static enum fault forget_seen(struct store *store, struct query *query)
{
    size_t forgotten = 0;
    enum fault fault = query_change(query, &forgotten);
    store->tally.seen -= forgotten;
    return fault;
}

enum fault store_prekey_remove(struct store *store, const uint8_t id[8])
{
    static const char from_seen[] = "DELETE FROM seen WHERE bundle = ?";
    static const char sql[] = "DELETE FROM prekey WHERE id = ?";
    const size_t id_size = sizeof((struct store_prekey *)0)->id;
    size_t changed = 0;
    struct query query = query_open(store, from_seen);
    query_bind_blob(&query, id, id_size);
    enum fault fault = forget_seen(store, &query);
    if (fault != FAULT_NONE)
        return fault;
    query = query_open(store, sql);
    query_bind_blob(&query, id, id_size);
    fault = query_change(&query, &changed);
    return fault == FAULT_NONE && changed == 0 ? FAULT_GONE : fault;
}

enum fault store_prekey_retire(struct store *store, instant ends)
{
    static const char sql[] = "UPDATE prekey SET ends = ? WHERE one_time = 0 AND ends = ?"
                              " AND sequence < (SELECT max(sequence) FROM prekey"
                              " WHERE one_time = 0)";
    struct query query = query_open(store, sql);
    query_bind_time(&query, ends);
    query_bind_time(&query, NEVER);
    return query_change(&query, NULL);
}

static enum fault next_end(struct store *store, instant *next)
{
    static const char sql[] = "SELECT ends FROM prekey WHERE ends < ? ORDER BY ends LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, INT64_MAX); /* how NEVER is kept */
    *next = NEVER;
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault == FAULT_GONE ? FAULT_NONE : fault;
    *next = query_take_time(&query);
    return query_close(&query);
}

enum fault store_prekey_expire(struct store *store, instant now, instant *next)
{
    static const char from_seen[] =
        "DELETE FROM seen WHERE bundle IN (SELECT id FROM prekey WHERE ends <= ?)";
    static const char sql[] = "DELETE FROM prekey WHERE ends <= ?";
    instant until = earlier(now, INT64_MAX - 1);
    enum fault fault = next_end(store, next);
    if (fault != FAULT_NONE || *next > until)
        return fault; /* nothing is written when nothing has ended */
    struct query query = query_open(store, from_seen);
    query_bind_time(&query, until);
    fault = forget_seen(store, &query);
    if (fault != FAULT_NONE)
        return fault;
    query = query_open(store, sql);
    query_bind_time(&query, until);
    fault = query_change(&query, NULL);
    return fault == FAULT_NONE ? next_end(store, next) : fault;
}

/* --- session starts seen ---------------------------------------------------------------------- */

enum fault store_seen_add(struct store *store, const uint8_t hash[32], const uint8_t bundle[8],
                          const uint8_t session[32])
{
    static const char sql[] =
        "INSERT OR REPLACE INTO seen (hash, bundle, session) VALUES (?, ?, ?)";
    if (store->tally.seen >= STORE_SEEN_MAX)
        return FAULT_BUSY;
    uint8_t known[32];
    enum fault fault = store_seen(store, hash, known);
    if (fault == FAULT_DISK)
        return fault;
    bool is_new = fault == FAULT_GONE;
    struct query query = query_open(store, sql);
    query_bind_blob(&query, hash, 32);
    query_bind_blob(&query, bundle, 8);
    query_bind_blob(&query, session, 32);
    fault = query_change(&query, NULL);
    store->tally.seen += fault == FAULT_NONE && is_new;
    return fault;
}

enum fault store_seen(struct store *store, const uint8_t hash[32], uint8_t session[32])
{
    static const char sql[] = "SELECT session FROM seen WHERE hash = ?";
    struct query query = query_open(store, sql);
    query_bind_blob(&query, hash, 32);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    query_take_blob(&query, session, 32);
    return query_close(&query);
}
