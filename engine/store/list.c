/* Device lists as they came, ours and theirs. */
#include "engine/store/database.h"

enum fault store_list_put(struct store *store, int64_t contact, struct bytes wire)
{
    static const char sql[] = "INSERT OR REPLACE INTO list (contact, wire) VALUES (?, ?)";
    if (wire.size > STORE_LIST_MAX_BYTES)
        return FAULT_BUSY;
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    query_bind_blob(&query, wire.data, wire.size);
    return query_change(&query, NULL);
}

enum fault store_list_get(struct store *store, int64_t contact, struct bytes *wire)
{
    static const char sql[] = "SELECT wire FROM list WHERE contact = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    *wire = database_keep(&store->list, query_take_view(&query, STORE_LIST_MAX_BYTES));
    return query_close(&query);
}
