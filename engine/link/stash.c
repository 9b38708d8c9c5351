#include "engine/link/stash.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

struct half {
    instant since;
    uint64_t source;
    uint8_t first_id[WIRE_FIRST_ID_BYTES];
    size_t size;
    uint8_t bytes[]; /* the datagram */
};

static void drop(struct stash *stash, size_t index)
{
    mem_free(stash->halves[index]);
    stash->count--;
    memmove(&stash->halves[index], &stash->halves[index + 1],
            (stash->count - index) * sizeof stash->halves[0]);
}

void stash_finish(struct stash *stash)
{
    while (stash->count > 0)
        drop(stash, stash->count - 1);
}

static void forget_old(struct stash *stash, instant now)
{
    while (stash->count > 0 && now >= after(stash->halves[0]->since, STASH_FOR))
        drop(stash, 0);
}

static bool is_of(const struct half *half, struct bytes first_id)
{
    return bytes_equal(BYTES_OF(half->first_id), first_id);
}

static bool is_there(const struct stash *stash, struct bytes datagram)
{
    for (size_t i = 0; i < stash->count; i++)
        if (bytes_equal((struct bytes){ stash->halves[i]->bytes, stash->halves[i]->size },
                        datagram))
            return true;
    return false;
}

/* Room for one more from that source, at the cost of the oldest: of its own, or of all. */
static void make_room(struct stash *stash, uint64_t source)
{
    size_t from_there = 0, oldest = stash->count;
    for (size_t i = stash->count; i > 0; i--)
        if (stash->halves[i - 1]->source == source) {
            from_there++;
            oldest = i - 1;
        }
    if (from_there == STASH_MOST_PER_SOURCE)
        drop(stash, oldest);
    else if (stash->count == STASH_MAX)
        drop(stash, 0);
}

void stash_keep(struct stash *stash, instant now, uint64_t source, struct bytes first_id,
                struct bytes datagram)
{
    assert(first_id.size == WIRE_FIRST_ID_BYTES && datagram.size <= FLIGHT_DATAGRAM_MAX);
    forget_old(stash, now);
    if (is_there(stash, datagram))
        return;
    make_room(stash, source);
    struct half *half = mem_resized(NULL, 1, sizeof *half + datagram.size);
    half->since = now;
    half->source = source;
    memcpy(half->first_id, first_id.data, sizeof half->first_id);
    half->size = datagram.size;
    memcpy(half->bytes, datagram.data, datagram.size);
    stash->halves[stash->count++] = half;
}

bool stash_next(struct stash *stash, instant now, struct bytes first_id, size_t *at,
                struct bytes *out)
{
    if (*at == 0)
        forget_old(stash, now);
    for (; *at < stash->count; (*at)++) {
        const struct half *half = stash->halves[*at];
        if (!is_of(half, first_id))
            continue;
        *out = (struct bytes){ half->bytes, half->size };
        (*at)++;
        return true;
    }
    return false;
}

void stash_drop(struct stash *stash, struct bytes first_id)
{
    for (size_t i = stash->count; i > 0; i--)
        if (is_of(stash->halves[i - 1], first_id))
            drop(stash, i - 1);
}
