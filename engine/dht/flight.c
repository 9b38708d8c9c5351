#include "engine/dht/flight.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define FLIGHT_FIRST_ROOM 8
#define FLIGHT_SLOW_FIRST (600 * MILLISECOND) /* while nobody has answered */

void flight_finish(struct flight *flight)
{
    mem_free(flight->queries);
    *flight = (struct flight){ 0 };
}

static bool tid_taken(const struct flight *flight, const uint8_t tid[FLIGHT_TID_BYTES])
{
    for (size_t i = 0; i < flight->count; i++)
        if (memcmp(flight->queries[i].tid, tid, FLIGHT_TID_BYTES) == 0)
            return true;
    return false;
}

bool flight_begin(struct flight *flight, const struct query *query, struct rng *rng)
{
    if (flight->count == FLIGHT_MAX)
        return false;
    if (flight->count == flight->room) {
        flight->room = flight->room == 0 ? FLIGHT_FIRST_ROOM : 2 * flight->room;
        flight->queries = mem_resized(flight->queries, flight->room, sizeof *flight->queries);
    }
    struct query copy = *query;
    copy.state = QUERY_WAITING;
    do
        rng_fill(rng, copy.tid, sizeof copy.tid);
    while (tid_taken(flight, copy.tid));
    flight->queries[flight->count++] = copy;
    return true;
}

/* How long an answer may take before another is asked in its place. */
static duration patience(const struct flight *flight, duration rtt)
{
    if (flight->rtt == 0)
        return FLIGHT_SLOW_FIRST;
    duration usual = flight->rtt + 4 * flight->deviation;
    /* Whoever is known to be quick is missed sooner. */
    if (rtt != 0 && 3 * rtt < usual)
        usual = 3 * rtt;
    return usual < FLIGHT_SLOW_LEAST  ? FLIGHT_SLOW_LEAST
           : usual > FLIGHT_SLOW_MOST ? FLIGHT_SLOW_MOST
                                      : usual;
}

void flight_sent(struct flight *flight, struct query *query, instant now, duration rtt)
{
    assert(query->state == QUERY_WAITING);
    query->state = QUERY_SENT;
    query->sent = now;
    query->due = now + patience(flight, rtt);
}

struct query *flight_match(const struct flight *flight, struct bytes tid,
                           const struct address *from)
{
    if (tid.size != FLIGHT_TID_BYTES)
        return NULL;
    for (size_t i = 0; i < flight->count; i++) {
        struct query *query = &flight->queries[i];
        if (memcmp(query->tid, tid.data, FLIGHT_TID_BYTES) == 0)
            return query->state != QUERY_WAITING && address_equal(&query->to.at, from) ? query
                                                                                       : NULL;
    }
    return NULL;
}

void flight_learn(struct flight *flight, duration rtt)
{
    if (flight->rtt == 0) {
        flight->rtt = later(rtt, 1);
        flight->deviation = rtt / 2;
        return;
    }
    duration off = rtt > flight->rtt ? rtt - flight->rtt : flight->rtt - rtt;
    flight->deviation = (3 * flight->deviation + off) / 4;
    flight->rtt = (7 * flight->rtt + rtt) / 8;
}

void flight_remove(struct flight *flight, struct query *query)
{
    *query = flight->queries[--flight->count];
    if (flight->count == 0) { /* most nodes have nothing to ask most of the time */
        mem_free(flight->queries);
        flight->queries = NULL;
        flight->room = 0;
    }
}

static instant due_of(const struct query *query)
{
    return query->state == QUERY_SLOW ? query->sent + FLIGHT_GONE_AFTER : query->due;
}

void flight_forget(struct flight *flight, dht_op owner)
{
    for (size_t i = flight->count; i-- > 0;)
        if (flight->queries[i].owner == owner)
            flight_remove(flight, &flight->queries[i]);
}

struct query *flight_next_due(const struct flight *flight, instant now)
{
    struct query *first = NULL;
    for (size_t i = 0; i < flight->count; i++)
        if (due_of(&flight->queries[i]) <= now &&
            (first == NULL || due_of(&flight->queries[i]) < due_of(first)))
            first = &flight->queries[i];
    return first;
}

instant flight_deadline(const struct flight *flight)
{
    instant first = NEVER;
    for (size_t i = 0; i < flight->count; i++)
        first = earlier(first, due_of(&flight->queries[i]));
    return first;
}

bool flight_is_asking(const struct flight *flight, const struct address *at)
{
    for (size_t i = 0; i < flight->count; i++)
        if (address_equal(&flight->queries[i].to.at, at))
            return true;
    return false;
}

size_t flight_count(const struct flight *flight, enum query_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < flight->count; i++)
        count += flight->queries[i].state == state;
    return count;
}
