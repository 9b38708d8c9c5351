/* The short code two people compare by voice when they join two devices: 7 digits from both nonces.
   Who speaks first commits first, or he could search for a nonce that gives the other's code
   (Vaudenay 2005). Messages: commitment ->, nonce <-, nonce ->; any other order is refused. */
#ifndef CRYPTO_SHORTCODE_H
#define CRYPTO_SHORTCODE_H

#include "base/fault.h"
#include "base/rng.h"
#include "engine/crypto/hash.h"

#define SHORTCODE_DIGITS 7

struct shortcode {
    bool first;
    int step;
    uint8_t keys[HASH_BYTES]; /* of what is being compared: both sides' keys and transcript */
    uint8_t commitment[HASH_BYTES], ours[32], theirs[32];
};
/* `keys` is the hash of what both sides must agree on. */
void shortcode_start(struct shortcode *code, bool first, const uint8_t keys[HASH_BYTES],
                     struct rng *rng);
/* The next message of ours, 32 bytes. FAULT_PEER: it is not our turn. */
enum fault shortcode_say(struct shortcode *code, uint8_t out[32]);
/* FAULT_PEER: not their turn, or a nonce that was not committed to: give up. */
enum fault shortcode_hear(struct shortcode *code, const uint8_t message[32]);
/* FAULT_PEER: not finished. */
enum fault shortcode_digits(const struct shortcode *code, char out[SHORTCODE_DIGITS + 1]);
void shortcode_finish(struct shortcode *code); /* wipes */

#endif
