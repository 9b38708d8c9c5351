#include "engine/link/queue.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define CHUNK_BYTES                                                                                \
    (16 * 1024 - 32) /* with the header below, what an allocator hands out evenly                  \
                      */

struct chunk {
    struct chunk *next;
    size_t from, to;
    uint8_t data[CHUNK_BYTES];
};

void chunk_pool_finish(struct chunk_pool *pool)
{
    for (struct chunk *chunk; (chunk = pool->free) != NULL;) {
        pool->free = chunk->next;
        mem_free(chunk);
    }
    pool->count = 0;
}

static struct chunk *chunk_take(struct chunk_pool *pool)
{
    if (pool == NULL || pool->free == NULL)
        return mem_resized(NULL, 1, sizeof(struct chunk));
    struct chunk *chunk = pool->free;
    pool->free = chunk->next;
    pool->count--;
    return chunk;
}

static void chunk_give_back(struct chunk_pool *pool, struct chunk *chunk)
{
    if (pool == NULL || pool->count == CHUNK_POOL_MAX) {
        mem_free(chunk);
        return;
    }
    chunk->next = pool->free;
    pool->free = chunk;
    pool->count++;
}

static void drop_chunk(struct queue *queue)
{
    struct chunk *chunk = queue->first;
    queue->first = chunk->next;
    if (queue->first == NULL)
        queue->last = NULL;
    if (queue->mark == chunk)
        queue->mark = NULL;
    chunk_give_back(queue->pool, chunk);
}

void queue_finish(struct queue *queue)
{
    while (queue->first != NULL)
        drop_chunk(queue);
    *queue = (struct queue){ 0 };
}

static void add_chunk(struct queue *queue)
{
    struct chunk *chunk = chunk_take(queue->pool);
    chunk->next = NULL;
    chunk->from = chunk->to = 0;
    if (queue->last == NULL)
        queue->first = chunk;
    else
        queue->last->next = chunk;
    queue->last = chunk;
}

void queue_append(struct queue *queue, struct bytes bytes)
{
    while (bytes.size > 0) {
        if (queue->last == NULL || queue->last->to == CHUNK_BYTES)
            add_chunk(queue);
        struct chunk *chunk = queue->last;
        size_t fits = CHUNK_BYTES - chunk->to < bytes.size ? CHUNK_BYTES - chunk->to : bytes.size;
        memcpy(chunk->data + chunk->to, bytes.data, fits);
        chunk->to += fits;
        queue->size += fits;
        bytes.data += fits;
        bytes.size -= fits;
    }
}

void queue_drop(struct queue *queue, size_t size)
{
    assert(size <= queue->size);
    queue->size -= size;
    queue->marked -= size < queue->marked ? size : queue->marked;
    while (size > 0) {
        struct chunk *chunk = queue->first;
        size_t here = chunk->to - chunk->from < size ? chunk->to - chunk->from : size;
        chunk->from += here;
        size -= here;
        if (chunk->from == chunk->to)
            drop_chunk(queue);
    }
    if (queue->mark == NULL)
        queue->mark_at = queue->first == NULL ? 0 : queue->first->from;
}

struct bytes queue_front(const struct queue *queue, size_t most)
{
    const struct chunk *chunk = queue->first;
    if (chunk == NULL)
        return (struct bytes){ NULL, 0 };
    size_t size = chunk->to - chunk->from;
    return (struct bytes){ chunk->data + chunk->from, size < most ? size : most };
}

bool queue_copy(const struct queue *queue, void *out, size_t size)
{
    if (size > queue->size)
        return false;
    uint8_t *to = out;
    for (const struct chunk *chunk = queue->first; size > 0; chunk = chunk->next) {
        size_t here = chunk->to - chunk->from < size ? chunk->to - chunk->from : size;
        memcpy(to, chunk->data + chunk->from, here);
        to += here;
        size -= here;
    }
    return true;
}

/* Chunks before the mark hold only marked bytes; a mark at a chunk's end moves on once there is
 * more. */
static void settle_mark(struct queue *queue)
{
    if (queue->mark == NULL && queue->first != NULL) {
        queue->mark = queue->first;
        queue->mark_at = queue->first->from;
    }
    while (queue->mark != NULL && queue->mark_at == queue->mark->to && queue->mark->next != NULL) {
        queue->mark = queue->mark->next;
        queue->mark_at = 0;
    }
}

size_t queue_unmarked(struct queue *queue, struct bytes *views, size_t most)
{
    size_t count = 0;
    settle_mark(queue);
    const struct chunk *chunk = queue->mark;
    for (size_t at = queue->mark_at; chunk != NULL && count < most; chunk = chunk->next, at = 0)
        if (chunk->to > at)
            views[count++] = (struct bytes){ chunk->data + at, chunk->to - at };
    return count;
}

void queue_mark(struct queue *queue, size_t size)
{
    assert(size <= queue->size - queue->marked);
    queue->marked += size;
    while (size > 0) {
        settle_mark(queue);
        size_t here = queue->mark->to - queue->mark_at;
        here = here < size ? here : size;
        queue->mark_at += here;
        size -= here;
    }
}

/* --- parcels -------------------------------------------------------------------------------- */

struct parcel {
    struct parcel *next;
    size_t size;
    uint8_t data[];
};

void parcels_finish(struct parcels *parcels)
{
    while (parcels->first != NULL)
        parcels_drop(parcels);
}

bool parcels_put(struct parcels *parcels, struct bytes bytes)
{
    if (parcels->count == PARCELS_MAX || parcels->bytes + bytes.size > PARCELS_MAX_BYTES)
        return false;
    struct parcel *parcel = mem_resized(NULL, 1, sizeof *parcel + bytes.size);
    parcel->next = NULL;
    parcel->size = bytes.size;
    if (bytes.size > 0)
        memcpy(parcel->data, bytes.data, bytes.size);
    if (parcels->last == NULL)
        parcels->first = parcel;
    else
        parcels->last->next = parcel;
    parcels->last = parcel;
    parcels->count++;
    parcels->bytes += bytes.size;
    return true;
}

bool parcels_first(const struct parcels *parcels, struct bytes *out)
{
    if (parcels->first == NULL)
        return false;
    *out = (struct bytes){ parcels->first->data, parcels->first->size };
    return true;
}

void parcels_drop(struct parcels *parcels)
{
    struct parcel *parcel = parcels->first;
    parcels->first = parcel->next;
    if (parcels->first == NULL)
        parcels->last = NULL;
    parcels->count--;
    parcels->bytes -= parcel->size;
    mem_free(parcel);
}
