/* CPace (draft-irtf-cfrg-cpace, the initiator-responder form, over ristretto255, RFC 9496) with the
   encodings of ours: two who share a password make a key of it, and whoever takes part in the
   exchange without it may test one password for each time he does; from listening alone, none.

   One element goes each way, in any order. A key comes out even if the passwords differ, another
   one on each side: the two must prove to each other that they have the same before either uses it.
   `password` is what words_stretch made, or anything else of 32 bytes; `context` is what both must
   agree on besides, such as who they are. */
#ifndef CRYPTO_CPACE_H
#define CRYPTO_CPACE_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/rng.h"

#define CPACE_BYTES             32 /* of a password, a scalar, an element, a key */
#define CPACE_CONTEXT_MAX_BYTES 256

struct cpace {
    bool initiator;
    uint8_t scalar[CPACE_BYTES]; /* zero when it is spent */
    uint8_t ours[CPACE_BYTES];
    uint8_t context[CPACE_CONTEXT_MAX_BYTES];
    size_t context_size;
};

/* One side is the initiator, the other is not. `context` is at most CPACE_CONTEXT_MAX_BYTES, and is
   copied. */
void cpace_start(struct cpace *cpace, bool initiator, const uint8_t password[CPACE_BYTES],
                 struct bytes context, struct rng *rng);
void cpace_say(const struct cpace *cpace, uint8_t out[CPACE_BYTES]); /* the same every time */
/* Hears one element. FAULT_PEER: it is not canonical, or the identity; or one was heard before, and
   a second one would be a second guess. Nothing is written then, and all is as it was. */
enum fault cpace_hear(struct cpace *cpace, const uint8_t theirs[CPACE_BYTES],
                      uint8_t key[CPACE_BYTES]);
void cpace_finish(struct cpace *cpace); /* wipes */

#endif
