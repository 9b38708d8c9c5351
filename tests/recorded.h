/* What the replays of recorded sessions share: bytes as hex in JSON, and luck that is written down
   while it is drawn, or drawn from what was written down. The forms are described in
   tests/reader/README.md and tests/vectors/session/README.md. */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include "base/rng.h"
#include "engine/crypto/ratchet.h"
#include "tests/vectors.h"

#define RECORDED_MAX_BYTES (1 << 17)
#define DRAWS_MAX          64 /* between two looks at what was drawn */

/* Luck from another source, written down. */
struct recorder {
    struct rng *source;
    json_t *draws;
};
struct rng recorder_start(struct recorder *recorder, struct rng *source);
json_t *recorder_take(struct recorder *recorder); /* since the last time; the caller's own */

/* Luck as it was written down: whoever asks for so many bytes gets the first draw of that size that
   is left, so that two implementations need not draw in one order. What was not written down is
   zeros, and noticed. */
struct luck {
    const json_t *draws;
    bool used[DRAWS_MAX];
    bool missed;
};
struct rng luck_from(struct luck *luck, const json_t *draws);
bool luck_fitted(const struct luck *luck); /* all of it was drawn, and nothing else */

/* Hex of any length up to the maximum, in memory to be freed; a member that is missing, or no hex,
   ends the program. */
struct bytes recorded_new(const json_t *hex);
struct bytes recorded_member(const json_t *object, const char *name);
void recorded_free(struct bytes bytes);
/* Fills `out`, which the member must fit. */
void recorded_take(void *out, size_t size, const json_t *object, const char *name);
json_t *recorded_hex(struct bytes bytes);
/* Is the member these bytes? */
bool recorded_is(const json_t *object, const char *name, const void *data, size_t size);

size_t recorded_number(const json_t *object, const char *name);
instant recorded_time(const json_t *object, const char *name); /* a member in milliseconds */

/* In place, as the member "alter" of an event says: [offset, bits to flip]. */
void recorded_alter(uint8_t *data, size_t size, const json_t *event);

/* What opening came to, as the member "gives" names it: "content", "duplicate" or "refused". What
   opens is kept; *content has room for sealed.size. */
const char *recorded_open(struct ratchet *ratchet, instant now, struct bytes sealed,
                          uint8_t *content, struct ratchet_opened *opened);

#endif
