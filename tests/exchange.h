/* Two people as a recorded exchange knows them, and one side of their session: what writing and
   reading one share. */
#ifndef TESTS_EXCHANGE_H
#define TESTS_EXCHANGE_H

#include "engine/crypto/card.h"
#include "engine/crypto/certificate.h"
#include "engine/crypto/noise.h"
#include "tests/recorded.h"

#define EXCHANGE_FORMAT     "ramage exchange 1"
#define EXCHANGE_BUNDLES    2 /* a last resort, and one for one use */
#define RECORD_LISTS_MAX    4096
#define RECORD_MAX_BYTES    (1 + CERTIFICATE_BYTES + 2 + RECORD_LISTS_MAX + 1 + 2 * BUNDLE_BYTES)
#define CELL_MAX_BYTES      65536
#define CELL_PREFIX_BYTES   (1 + BUNDLE_ID_BYTES + 2) /* before the start in a start cell */
#define LINK_PAYLOAD_MAX    1024
#define LINK_FIRST_ID_BYTES 16
#define LINK_PROLOGUE_BYTES (1 + 14 + 4 + 1 + LINK_FIRST_ID_BYTES + 1 + HASH_BYTES)
#define LINK_SECRETS        6
#define LINK_PROTOCOL       "IKhfs+psk2"

struct person {
    struct sign_pair account, device;
    struct dh_pair dh, link, door;
    uint8_t certificate[CERTIFICATE_BYTES];
    uint8_t list[DEVICES_MAX_BYTES]; /* the newest */
    size_t list_size;
    struct list_head head;
    struct bundle_secrets secrets[EXCHANGE_BUNDLES];
    uint8_t bundles[EXCHANGE_BUNDLES][BUNDLE_BYTES];
};

/* One side. Of `them` it looks at nothing but what is public. */
struct side {
    const struct person *us, *them;
    bool initiator, heard;
    struct ratchet *ratchet;
    struct session_secrets secrets;
    uint8_t bundle[BUNDLE_ID_BYTES];
    uint8_t start[START_LARGE_BYTES]; /* made, or accepted */
    size_t start_size;
};

/* As the initiator; false: our start cannot be made. */
bool side_begin(struct side *side, const struct start_claim *claim, struct bytes bundle,
                instant now, struct rng *rng);
/* What stands before the sealed part of the next cell: nothing once the other was heard. */
void side_prefix(const struct side *side, struct cursor *out);
/* Opens a cell of the other, and accepts the start in it if there is no session yet. What it gives,
   as recorded_open. `content` has room for CELL_MAX_BYTES. */
const char *side_open(struct side *side, instant now, struct bytes cell, uint8_t *content,
                      struct ratchet_opened *opened);

/* docs/protocol.md, "Link handshake" and "Door". Of a link both sides are told the same. */
struct link_call {
    enum link_role role;
    const struct person *caller, *called;
    uint8_t first_id[LINK_FIRST_ID_BYTES], psk[32];
};
struct noise *link_noise(bool calls, const struct link_call *link, struct rng *rng);
/* What the device of a caller signs at a door, before the first message. */
#define PROOF_LABEL "ramage/link/door proof/v1"
#define PROOF_BYTES (HASH_MAX_BYTES + 8 + CERTIFICATE_BYTES)
void link_proof_text(uint8_t out[PROOF_BYTES], const struct noise *noise, uint64_t stamp,
                     const uint8_t certificate[CERTIFICATE_BYTES]);
/* The six secrets under their names in the record. */
json_t *link_secrets(const struct noise *noise);

json_t *exchange_write(void);
/* Both sides, each with its own secrets. Prints what differs. */
bool exchange_read(const json_t *exchange);

#endif
