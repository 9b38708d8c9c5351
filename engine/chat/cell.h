/* Cells: what is sealed travels in few sizes, so that a size tells little. docs/protocol.md,
   "Cells".

   The content of a cell is a head, items, and zeros to its end. */
#ifndef CHAT_CELL_H
#define CHAT_CELL_H

#include "base/fault.h"
#include "engine/crypto/ratchet.h"

#define CELL_SMALL_BYTES             1024 /* for cells without messages */
#define CELL_LEAST_BYTES             4096 /* for a message, or the start of a session */
#define CELL_MAX_BYTES               65536
#define CONTENT_HEAD_BYTES           (2 * LIST_HEAD_BYTES + 8)
#define ITEM_EXTRA_BYTES             3 /* kind and length */
#define CELL_START_VERSION           2
#define CELL_START_BYTES(start_size) (1 + BUNDLE_ID_BYTES + 2 + (start_size))
#define ACK_RUN_BYTES                (CHAIN_ID_BYTES + 4 + 2)
#define ACK_RUNS_MAX                 50   /* in one cell: so many fit the smallest class */
#define ACK_RUN_MAX                  1000 /* numbers in one run: what a ratchet bridges */

/* The smallest class that takes so many bytes, not below `least`; 0: none does. */
size_t cell_class(size_t bytes, size_t least);

/* A start cell, taken apart; views. */
struct cell_start {
    uint8_t bundle[BUNDLE_ID_BYTES];
    struct bytes start, sealed;
};
/* FAULT_PEER: not of a class, or another version. */
enum fault cell_read_start(struct cell_start *out, struct bytes cell);
/* The bytes before what the ratchet seals. */
void cell_write_start(struct cursor *out, const uint8_t bundle[BUNDLE_ID_BYTES],
                      struct bytes start);
/* Is it as long as a ratchet cell may be? */
bool cell_size_good(size_t size);

struct content_head {
    struct list_head ours, theirs; /* the writer's own list, and the reader's as he knows it */
    uint8_t pair[8];               /* id of the pair secret; zero: none yet */
};

enum item_kind { ITEM_END = 0, ITEM_MESSAGE = 1, ITEM_ACK = 2, ITEM_TOMBSTONE = 3 };
struct item {
    enum item_kind kind;
    struct bytes bytes; /* MESSAGE: one message; ACK: runs; TOMBSTONE: an id */
};
struct ack_run {
    uint8_t chain[CHAIN_ID_BYTES];
    uint32_t first;
    uint16_t count;
};

void content_begin(struct cursor *out, const struct content_head *head);
void content_put(struct cursor *out, enum item_kind kind, struct bytes bytes);
void content_put_acks(struct cursor *out, const struct ack_run *runs, size_t count);
void content_end(struct cursor *out); /* zeros to the end of the cursor's memory */

/* Judges all of it: heads, items in their form (messages by their own decoder, elsewhere), zeros.
   Leaves `items` where content_next begins. */
enum fault content_read(struct bytes content, struct content_head *head, struct cursor *items);
/* Of what content_read has judged. False at the end. */
bool content_next(struct cursor *items, struct item *out);
/* The next run of an ACK item; false at its end. */
bool ack_run_next(struct cursor *in, struct ack_run *out);

#endif
