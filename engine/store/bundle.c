/* Prekey bundles of theirs: what sessions can be started with. */
#include "engine/store/database.h"

static enum fault insert(struct store *store, const struct store_bundle *bundle)
{
    static const char sql[] = "INSERT INTO bundle (device, id, one_time, sequence, made, wire)"
                              " VALUES (?, ?, ?, ?, ?, ?)";
    struct query query = query_open(store, sql);
    query_bind(&query, bundle->device);
    query_bind_blob(&query, bundle->id, sizeof bundle->id);
    query_bind(&query, bundle->one_time);
    query_bind_ordered(&query, bundle->sequence);
    query_bind_time(&query, bundle->made);
    query_bind_blob(&query, bundle->wire, sizeof bundle->wire);
    return query_change(&query, NULL);
}

static enum fault put_last_resort(struct store *store, const struct store_bundle *bundle)
{
    static const char held[] = "SELECT sequence FROM bundle WHERE device = ? AND one_time = 0";
    static const char sql[] = "DELETE FROM bundle WHERE device = ? AND one_time = 0";
    struct query query = query_open(store, held);
    query_bind(&query, bundle->device);
    enum fault fault = query_step(&query);
    if (fault == FAULT_NONE) {
        uint64_t sequence = query_take_ordered(&query);
        fault = query_close(&query);
        if (fault == FAULT_NONE && sequence >= bundle->sequence)
            return FAULT_GONE;
        if (fault == FAULT_NONE)
            fault = query_change_of(store, sql, bundle->device, NULL);
    }
    return fault == FAULT_DISK ? fault : insert(store, bundle);
}

static enum fault put_one_time(struct store *store, const struct store_bundle *bundle)
{
    static const char sql[] =
        "SELECT count(*), ifnull(sum(id = ?), 0) FROM bundle WHERE device = ? AND one_time = 1";
    struct query query = query_open(store, sql);
    query_bind_blob(&query, bundle->id, sizeof bundle->id);
    query_bind(&query, bundle->device);
    if (query_step(&query) != FAULT_NONE)
        return FAULT_DISK;
    uint64_t held = query_take_u64(&query);
    bool known = query_take(&query) != 0;
    enum fault fault = query_close(&query);
    if (fault != FAULT_NONE || known)
        return fault;
    return held < STORE_ONE_TIME_MAX ? insert(store, bundle) : FAULT_BUSY;
}

enum fault store_bundle_put(struct store *store, const struct store_bundle *bundle)
{
    return bundle->one_time ? put_one_time(store, bundle) : put_last_resort(store, bundle);
}

enum fault store_bundle_best(struct store *store, int64_t device, struct store_bundle *out)
{
    static const char sql[] = "SELECT device, id, one_time, sequence, made, wire FROM bundle"
                              " WHERE device = ? ORDER BY one_time DESC, made LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, device);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    out->device = query_take(&query);
    query_take_blob(&query, out->id, sizeof out->id);
    out->one_time = query_take(&query) != 0;
    out->sequence = query_take_ordered(&query);
    out->made = query_take_time(&query);
    query_take_blob(&query, out->wire, sizeof out->wire);
    return query_close(&query);
}

enum fault store_bundle_remove(struct store *store, int64_t device, const uint8_t id[8])
{
    static const char sql[] = "DELETE FROM bundle WHERE device = ? AND id = ?";
    struct query query = query_open(store, sql);
    size_t changed = 0;
    query_bind(&query, device);
    query_bind_blob(&query, id, 8);
    enum fault fault = query_change(&query, &changed);
    return fault == FAULT_NONE && changed == 0 ? FAULT_GONE : fault;
}
