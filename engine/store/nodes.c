/* The way back into the DHT. */
#include "engine/store/database.h"

#include <string.h>

enum fault store_nodes_put(struct store *store, struct bytes saved)
{
    static const char sql[] = "INSERT OR REPLACE INTO nodes (one, saved) VALUES (1, ?)";
    if (saved.size > STORE_NODES_MAX_BYTES)
        return FAULT_BUSY;
    struct query query = query_open(store, sql);
    query_bind_blob(&query, saved.data, saved.size);
    return query_change(&query, NULL);
}

enum fault store_nodes_get(struct store *store, uint8_t out[STORE_NODES_MAX_BYTES], size_t *size)
{
    static const char sql[] = "SELECT saved FROM nodes";
    struct query query = query_open(store, sql);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    struct bytes saved = query_take_view(&query, STORE_NODES_MAX_BYTES);
    *size = saved.size;
    if (saved.size > 0)
        memcpy(out, saved.data, saved.size);
    return query_close(&query);
}
