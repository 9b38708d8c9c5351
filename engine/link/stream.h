/* The two ends of a stream: what waits to be sent and acknowledged, and what arrived and waits to
   be read. Knows nothing of QUIC but offsets. The first byte of every stream names its kind. */
#ifndef LINK_STREAM_H
#define LINK_STREAM_H

#include "base/fault.h"
#include "engine/link/link.h"
#include "engine/link/queue.h"

#define STREAM_KINDS 2 /* FRAMES is row 0, RAW row 1: of both tables */

static inline size_t stream_row(enum link_stream kind)
{
    return (size_t)kind - 1;
}

struct outlet {
    struct queue queue;
    int64_t id; /* of the QUIC stream, once opened */
    bool opened;
    bool blocked;         /* the peer's credit is used up */
    bool ended, end_sent; /* nothing more will be written; and that was told */
    bool hungry;          /* somebody was refused: say when there is room */
};

/* FAULT_BUSY: takes the queue past its limit; then the outlet remembers to tell of room. */
enum fault outlet_put_frame(struct outlet *outlet, struct bytes frame);
size_t outlet_put(struct outlet *outlet, struct bytes data);
void outlet_open(struct outlet *outlet, enum link_stream kind, int64_t id);
bool outlet_has_work(const struct outlet *outlet); /* something to put into packets now */
/* True when somebody who was refused should be told of room. */
bool outlet_acknowledged(struct outlet *outlet, size_t size);

struct inlet {
    struct queue queue;
    int64_t id;
    enum link_stream kind; /* 0: nothing arrived yet */
    bool ended, end_told;
};

/* FAULT_PEER: an unknown kind, or a frame that says it is too long. */
enum fault inlet_arrived(struct inlet *inlet, struct bytes data, bool end);
/* The next whole frame: a view, or copied to `scratch` (4 + LINK_FRAME_MAX_BYTES) when it lies in
   pieces. inlet_drop_frame gives its bytes back and returns how many. */
bool inlet_frame(const struct inlet *inlet, uint8_t *scratch, struct bytes *out);
size_t inlet_drop_frame(struct inlet *inlet);
bool inlet_readable(const struct inlet *inlet);
bool inlet_spoilt(const struct inlet *inlet); /* the next frame says it is too long */

#endif
