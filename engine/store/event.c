/* What clients that were away read later: events, how far each consumer got, answered requests. */
#include "engine/store/database.h"

#include <assert.h>
#include <string.h>

#define EVENTS_BITE                                                                                \
    64 /* rows trimmed at once: seldom enough to cost nothing, few enough to be quick */
#define REQUESTS_BITE 4 /* per request put, so that trimming outruns adding */

/* --- events --------------------------------------------------------------------------------- */

static enum fault trim_events(struct store *store)
{
    static const char sql[] = "DELETE FROM event WHERE seq < ?";
    struct tally *tally = &store->tally;
    uint64_t kept = tally->newest_event - tally->oldest_event + 1;
    if (kept < STORE_EVENTS_KEPT + EVENTS_BITE)
        return FAULT_NONE;
    struct query query = query_open(store, sql);
    query_bind_u64(&query, tally->oldest_event + EVENTS_BITE);
    enum fault fault = query_change(&query, NULL);
    if (fault == FAULT_NONE)
        tally->oldest_event += EVENTS_BITE;
    return fault;
}

enum fault store_event_add(struct store *store, struct store_event *event)
{
    static const char sql[] = "INSERT INTO event (seq, time, kind, contact, message, detail)"
                              " VALUES (?, ?, ?, ?, ?, ?)";
    struct tally *tally = &store->tally;
    struct query query = query_open(store, sql);
    query_bind_u64(&query, tally->newest_event + 1);
    query_bind_time(&query, event->time);
    query_bind(&query, event->kind);
    query_bind(&query, event->contact);
    query_bind(&query, event->message);
    query_bind(&query, event->detail);
    enum fault fault = query_change(&query, NULL);
    if (fault != FAULT_NONE)
        return fault;
    event->seq = ++tally->newest_event;
    if (tally->oldest_event == 0)
        tally->oldest_event = event->seq;
    return trim_events(store);
}

enum fault store_event_next(struct store *store, uint64_t since, struct store_event *out)
{
    static const char sql[] = "SELECT seq, time, kind, contact, message, detail FROM event"
                              " WHERE seq > ? ORDER BY seq LIMIT 1";
    if (since >= store->tally.newest_event)
        return store->trouble == STORE_FINE ? FAULT_GONE : FAULT_DISK;
    struct query query = query_open(store, sql);
    query_bind_u64(&query, since);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    out->seq = query_take_u64(&query);
    out->time = query_take_time(&query);
    out->kind = (enum event_kind)query_take(&query);
    out->contact = query_take(&query);
    out->message = query_take(&query);
    out->detail = query_take(&query);
    return query_close(&query);
}

void store_event_range(struct store *store, uint64_t *oldest, uint64_t *newest)
{
    *oldest = store->tally.oldest_event;
    *newest = store->tally.newest_event;
}

/* --- consumers ------------------------------------------------------------------------------ */

static enum fault count_consumers(struct store *store, size_t *count)
{
    static const char sql[] = "SELECT count(*) FROM consumer";
    struct query query = query_open(store, sql);
    if (query_step(&query) != FAULT_NONE)
        return FAULT_DISK;
    *count = query_take_u64(&query);
    return query_close(&query);
}

enum fault store_consumer_set(struct store *store, const char *name, uint64_t seq)
{
    static const char sql[] = "INSERT INTO consumer (name, seq) VALUES (?, ?)"
                              " ON CONFLICT DO UPDATE SET seq = excluded.seq";
    assert(strlen(name) <= STORE_CONSUMER_NAME_MAX);
    uint64_t before;
    size_t count = 0;
    enum fault fault = store_consumer_get(store, name, &before);
    if (fault == FAULT_GONE)
        fault = count_consumers(store, &count);
    if (fault != FAULT_NONE)
        return fault;
    if (count >= STORE_CONSUMERS_MAX)
        return FAULT_BUSY;
    struct query query = query_open(store, sql);
    query_bind_text(&query, name);
    query_bind_u64(&query, seq);
    return query_change(&query, NULL);
}

enum fault store_consumer_get(struct store *store, const char *name, uint64_t *seq)
{
    static const char sql[] = "SELECT seq FROM consumer WHERE name = ?";
    struct query query = query_open(store, sql);
    query_bind_text(&query, name);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    *seq = query_take_u64(&query);
    return query_close(&query);
}

/* --- requests ------------------------------------------------------------------------------- */

/* Rows grow with time, so the oldest are the first: no index on the time is needed. */
static enum fault trim_requests(struct store *store, instant now)
{
    static const char sql[] =
        "DELETE FROM request WHERE row IN (SELECT row FROM request ORDER BY row LIMIT ?)"
        " AND (answered < ? OR row <= (SELECT max(row) FROM request) - ?)";
    struct query query = query_open(store, sql);
    query_bind(&query, REQUESTS_BITE);
    query_bind_time(&query, now > STORE_REQUESTS_KEPT_FOR ? now - STORE_REQUESTS_KEPT_FOR : 0);
    query_bind(&query, STORE_REQUESTS_MAX);
    return query_change(&query, NULL);
}

enum fault store_request_put(struct store *store, const char *key, int64_t message, instant now)
{
    static const char sql[] = "INSERT INTO request (key, message, answered) VALUES (?, ?, ?)"
                              " ON CONFLICT DO UPDATE SET message = excluded.message";
    assert(strlen(key) <= STORE_REQUEST_KEY_MAX);
    struct query query = query_open(store, sql);
    query_bind_text(&query, key);
    query_bind(&query, message);
    query_bind_time(&query, now);
    enum fault fault = query_change(&query, NULL);
    return fault == FAULT_NONE ? trim_requests(store, now) : fault;
}

enum fault store_request_get(struct store *store, const char *key, int64_t *message)
{
    static const char sql[] = "SELECT message FROM request WHERE key = ?";
    struct query query = query_open(store, sql);
    query_bind_text(&query, key);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    *message = query_take(&query);
    return query_close(&query);
}
