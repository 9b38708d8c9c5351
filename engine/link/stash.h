/* Halves of a message 1 that wait for their other half.

   A hybrid message 1 takes two datagrams, which may come in any order, twice, and from two
   addresses of one caller. What is kept here has passed the proof in its first id and opened as an
   Initial packet: somebody who knows our key made it, nothing more. So it is kept shortly, and a
   crowd only pushes out the oldest: halves of one call arrive close together. Zeroed memory is
   empty. */
#ifndef LINK_STASH_H
#define LINK_STASH_H

#include "base/time.h"
#include "engine/link/wire.h"

#define FLIGHT_DATAGRAM_MAX   1500 /* first flights go out before any larger path is known */
#define STASH_MAX             32   /* for each role, so 64 in all */
#define STASH_MOST_PER_SOURCE 8
#define STASH_FOR             (2 * SECOND)

struct half;
struct stash {
    struct half *halves[STASH_MAX];
    size_t count; /* oldest first */
};
void stash_finish(struct stash *stash);

/* `source` is a number for where it came from. A half that is there already is not kept twice. */
void stash_keep(struct stash *stash, instant now, uint64_t source, struct bytes first_id,
                struct bytes datagram);
/* Walks the halves of one call: start with *at = 0, ends with false. The views stay good until the
   stash changes. */
bool stash_next(struct stash *stash, instant now, struct bytes first_id, size_t *at,
                struct bytes *out);
void stash_drop(struct stash *stash, struct bytes first_id); /* all halves of that call */

#endif
