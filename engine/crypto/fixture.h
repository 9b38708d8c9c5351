/* Two ratchets that talk, for tests and fuzzers: side 0 began the session, side 1 is the recipient.
   What they share at the start is drawn at random. */
#ifndef CRYPTO_FIXTURE_H
#define CRYPTO_FIXTURE_H

#include "engine/crypto/ratchet.h"

struct talk {
    struct rng_seeded luck;
    struct rng rng;
    instant now;
    struct session_secrets secrets;
    struct dh_pair bundle;
    struct ratchet *side[2];
    uint64_t written[2];
};
void talk_begin(struct talk *talk, uint64_t seed);
void talk_end(struct talk *talk);

#define LETTER_TEXT_BYTES 8
/* A sealed message. Its text is the count of those its side wrote before it. */
struct letter {
    int from;
    uint64_t text;
    struct ratchet_step step;
    size_t size;
    uint8_t wire[RATCHET_HEADER_MAX_BYTES + RATCHET_BODY_EXTRA_BYTES + LETTER_TEXT_BYTES];
};
/* That side can make a step. */
void talk_write(struct talk *talk, int from, struct letter *out);
/* The other side opens it, and keeps it if it opens; the text is the one written. */
enum fault talk_read(struct talk *talk, const struct letter *letter, struct ratchet_opened *out);
/* It opens. */
void talk_pass(struct talk *talk, const struct letter *letter);
/* `count` times: one from each side, which arrives at once. */
void talk_rounds(struct talk *talk, int count);
/* The side is written, forgotten and read again, and is the same. */
void talk_reload(struct talk *talk, int side);

/* The state as bytes, to compare with and go back to. */
struct kept {
    size_t size;
    uint8_t bytes[RATCHET_STATE_MAX_BYTES];
};
void kept_take(struct kept *out, const struct ratchet *ratchet);
bool kept_same(const struct kept *kept, const struct ratchet *ratchet);
bool kept_holds(const struct kept *kept, const void *bytes, size_t size);
struct ratchet *kept_copy(const struct kept *kept);

#endif
