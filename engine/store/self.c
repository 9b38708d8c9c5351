/* Ourselves: one row. */
#include "engine/store/database.h"

static void bind_self(struct query *query, const struct store_self *self)
{
    query_bind_blob(query, self->account_seed, sizeof self->account_seed);
    query_bind_blob(query, self->device_seed, sizeof self->device_seed);
    query_bind_blob(query, self->dh_secret, sizeof self->dh_secret);
    query_bind_blob(query, self->card_secret, sizeof self->card_secret);
    query_bind_blob(query, self->node_secret, sizeof self->node_secret);
    query_bind_text(query, self->name);
    query_bind_time(query, self->made);
}

enum fault store_self_put(struct store *store, const struct store_self *self)
{
    static const char sql[] =
        "INSERT INTO self (one, account_seed, device_seed, dh_secret, card_secret, node_secret,"
        " name, made) VALUES (1, ?, ?, ?, ?, ?, ?, ?)";
    struct query query = query_open(store, sql);
    store->exposed = true;
    bind_self(&query, self);
    return query_change(&query, NULL);
}

enum fault store_self_update(struct store *store, const struct store_self *self)
{
    static const char sql[] =
        "UPDATE self SET account_seed = ?, device_seed = ?, dh_secret = ?, card_secret = ?,"
        " node_secret = ?, name = ?, made = ?";
    struct query query = query_open(store, sql);
    store->exposed = true;
    size_t changed = 0;
    bind_self(&query, self);
    enum fault fault = query_change(&query, &changed);
    return fault == FAULT_NONE && changed == 0 ? FAULT_GONE : fault;
}

enum fault store_self_get(struct store *store, struct store_self *out)
{
    static const char sql[] = "SELECT account_seed, device_seed, dh_secret, card_secret,"
                              " node_secret, name, made FROM self";
    struct query query = query_open(store, sql);
    store->exposed = true;
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    query_take_blob(&query, out->account_seed, sizeof out->account_seed);
    query_take_blob(&query, out->device_seed, sizeof out->device_seed);
    query_take_blob(&query, out->dh_secret, sizeof out->dh_secret);
    query_take_blob(&query, out->card_secret, sizeof out->card_secret);
    query_take_blob(&query, out->node_secret, sizeof out->node_secret);
    query_take_text(&query, out->name, STORE_NAME_MAX_BYTES);
    out->made = query_take_time(&query);
    return query_close(&query);
}
