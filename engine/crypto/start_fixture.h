/* For tests and fuzzers of session starts: people with one device each, and a start spelt step by
   step, so that a test can also spell what no honest initiator would. */
#ifndef CRYPTO_START_FIXTURE_H
#define CRYPTO_START_FIXTURE_H

#include "engine/crypto/start.h"

struct person {
    struct sign_pair account, device;
    struct dh_pair dh;
    struct bundle_secrets secrets;
    struct bundle bundle;
    uint8_t bundle_wire[BUNDLE_BYTES];
    struct devices list;
    uint8_t list_wire[DEVICES_MAX_BYTES];
    size_t list_size;
    struct list_head head;
};
void person_make(struct person *person, struct rng *rng);
void person_sign(struct person *person); /* list and bundle again, after a change */
struct start_claim person_claim(const struct person *self, const struct person *other);

/* What start_read gives. */
struct heard {
    struct session_secrets secrets;
    struct start_claim claim;
    struct devices list;
    uint8_t memory[START_LARGE_BYTES];
};
enum fault person_hears(struct heard *heard, const struct person *person, struct bytes message);

/* Every value that goes into a start, in the order of the protocol's text. */
struct spelling {
    uint8_t suite;
    const struct person *to; /* whose keys are the pre-messages */
    struct bytes bundle;     /* that the prologue names */
    uint8_t e[KEY_BYTES], ee[32];
    bool without_kem;
    uint8_t cipher[MLKEM_CIPHER_BYTES], kem_shared[MLKEM_SHARED_BYTES];
    uint8_t es[32], s[KEY_BYTES], se[32];
    uint8_t payload[START_LARGE_BYTES];
    size_t payload_size;
};
/* As an honest initiator has it. */
void spelling_honest(struct spelling *out, const struct person *from, const struct person *to,
                     const struct start_claim *claim, struct rng *rng);
/* Returns the size of the message. */
size_t spelling_write(uint8_t out[START_LARGE_BYTES], const struct spelling *spelling);

#endif
