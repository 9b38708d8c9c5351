/* Link keys of ours, by the day each was made. */
#include "engine/store/database.h"

enum fault store_link_key_add(struct store *store, const struct store_link_key *key)
{
    static const char count[] = "SELECT count(*) FROM link_key WHERE day <> ?";
    static const char sql[] = "INSERT OR REPLACE INTO link_key (day, secret) VALUES (?, ?)";
    uint64_t others;
    struct query query = query_open(store, count);
    query_bind(&query, key->from);
    if (query_number(&query, &others) != FAULT_NONE)
        return FAULT_DISK;
    if (others >= STORE_LINK_KEYS_MAX)
        return FAULT_BUSY;
    query = query_open(store, sql);
    store->exposed = true;
    query_bind(&query, key->from);
    query_bind_blob(&query, key->secret, sizeof key->secret);
    return query_change(&query, NULL);
}

enum fault store_link_key_before(struct store *store, uint32_t day, struct store_link_key *out)
{
    static const char sql[] =
        "SELECT day, secret FROM link_key WHERE day < ? ORDER BY day DESC LIMIT 1";
    struct query query = query_open(store, sql);
    store->exposed = true;
    query_bind(&query, day);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    out->from = (uint32_t)query_take_u64(&query);
    query_take_blob(&query, out->secret, sizeof out->secret);
    return query_close(&query);
}

enum fault store_link_key_forget(struct store *store, uint32_t before)
{
    static const char sql[] = "DELETE FROM link_key WHERE day < ?";
    return query_change_of(store, sql, before, NULL);
}
