/* Somebody with an identity and a home of his own, for tests of this room. */
#ifndef MEET_FIXTURE_H
#define MEET_FIXTURE_H

#include "engine/meet/meet.h"

struct somebody {
    char folder[64], path[96];
    struct store *store;
    struct chat *chat;
    struct meet *meet; /* the test makes it, when his contacts are there */
    uint8_t account[KEY_BYTES];
};

/* Each fails the test when it cannot. */
void somebody_begin(struct somebody *who, instant now, struct rng *rng);
void somebody_end(struct somebody *who);
/* Closes all and begins anew with what is in the store. */
void somebody_restart(struct somebody *who, instant now, struct rng *rng);

#endif
