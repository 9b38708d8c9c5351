/* The start of a session between two devices of which one may sleep: one Noise message, made from
   the other's bundle. docs/protocol.md, "Session start". */
#ifndef CRYPTO_START_H
#define CRYPTO_START_H

#include "engine/crypto/bundle.h"
#include "engine/crypto/devices.h"

#define SESSION_ID_BYTES  32
#define PSK_ID_BYTES      8
#define START_KEPT_MAX    3
#define START_TOKEN_BYTES 16
#define START_SMALL_BYTES 1840 /* with a payload of 640 */
#define START_LARGE_BYTES 3760 /* with a payload of 2,560 */

/* What a session start leaves with both sides. Wipe it. */
struct session_secrets {
    uint8_t id[SESSION_ID_BYTES];
    uint8_t root[32];
    uint8_t header_initiator[32];      /* the initiator's first header key */
    uint8_t next_header_recipient[32]; /* the recipient's first, once the ratchet has turned */
    uint8_t exporter[32];              /* later keys of the session come from it */
    uint8_t psk[32];                   /* for links between the two devices */
    uint8_t pair[32];                  /* for the two accounts */
};
void psk_id(uint8_t out[PSK_ID_BYTES], const uint8_t psk[32]);
void pair_id(uint8_t out[8], const uint8_t pair[32]);

/* What the initiator says of itself. */
struct start_claim {
    uint8_t account[KEY_BYTES], device[KEY_BYTES];
    uint64_t rank;
    uint8_t token[START_TOKEN_BYTES]; /* zero: none */
    struct list_head theirs;          /* the recipient's list as the initiator knows it */
    uint8_t kept[START_KEPT_MAX][SESSION_ID_BYTES];
    size_t kept_count;
    struct bytes list; /* the initiator's device list, at most DEVICES_MAX_BYTES; borrowed */
};

/* Writes START_SMALL_BYTES, or START_LARGE_BYTES where the claim needs them; *size says which.
   The bundle must be of the recipient's account and of a device on its list, with that DH: this is
   for the caller to check, else Eve's list could name Bob's keys as hers. FAULT_PEER: the bundle or
   one of their keys is refused. */
enum fault start_write(uint8_t out[START_LARGE_BYTES], size_t *size,
                       struct session_secrets *secrets, const struct start_claim *claim,
                       const struct dh_pair *our_dh, const uint8_t their_dh[KEY_BYTES],
                       struct bytes bundle_wire, struct rng *rng);
/* Checks all that the message itself can show: that it opens, that its payload is canonical, that
   the list in it is signed by the account claimed, and names the device claimed with the DH that
   the message proves. Whether account and list are acceptable, and whether the message was seen
   before, is for the caller. `list` is claim->list, read. claim->list points into `memory`.
   FAULT_PEER: anything else, whatever it is; nothing is changed, but `memory`, which is wiped. */
enum fault start_read(struct bytes message, uint8_t memory[START_LARGE_BYTES],
                      struct session_secrets *secrets, struct start_claim *claim,
                      struct devices *list, const struct dh_pair *our_dh,
                      const struct bundle_secrets *bundle, struct bytes bundle_wire,
                      struct rng *rng);
/* The name under which a message that was seen is remembered. */
void start_seen_hash(uint8_t out[HASH_BYTES], struct bytes message);

#endif
