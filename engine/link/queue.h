/* Bytes and parcels on their way.

   `struct queue`: bytes appended at the end, read in place, dropped at the front. A byte keeps its
   address until it is dropped, since the library resends from where it lies. Zeroed memory is
   empty; the queue of a busy link is also given a pool, from which chunks come and to which they
   return: memory handed back to the system after each burst costs a page fault for every page of
   the next.

   `struct parcels`: whole datagrams, first in first out, with a maximum. */
#ifndef LINK_QUEUE_H
#define LINK_QUEUE_H

#include "base/bytes.h"

struct chunk;
struct chunk_pool {
    struct chunk *free;
    size_t count;
};
#define CHUNK_POOL_MAX 64 /* a mebibyte, shared by all links of a node */
void chunk_pool_finish(struct chunk_pool *pool);

struct queue {
    struct chunk_pool *pool; /* borrowed; NULL: none */
    struct chunk *first, *last;
    struct chunk *mark;  /* where the part not yet marked begins; NULL: at the very start */
    size_t mark_at;      /* offset in its chunk */
    size_t size, marked; /* bytes held; of these, how many were marked (sent, not acknowledged) */
};

void queue_finish(struct queue *queue);
void queue_append(struct queue *queue, struct bytes bytes);
void queue_drop(struct queue *queue, size_t size); /* from the front; at most `size` */
struct bytes queue_front(const struct queue *queue, size_t most);   /* as much as lies together */
bool queue_copy(const struct queue *queue, void *out, size_t size); /* without dropping */

/* Views of what is not marked, at most `most` of them; returns how many. */
size_t queue_unmarked(struct queue *queue, struct bytes *views, size_t most);
void queue_mark(struct queue *queue, size_t size);

struct parcel;
struct parcels {
    struct parcel *first, *last;
    size_t count, bytes;
};
#define PARCELS_MAX       256
#define PARCELS_MAX_BYTES (256 * 1024)

void parcels_finish(struct parcels *parcels);
bool parcels_put(struct parcels *parcels, struct bytes bytes); /* false: full */
bool parcels_first(const struct parcels *parcels, struct bytes *out);
void parcels_drop(struct parcels *parcels); /* the first */

#endif
