/* The Double Ratchet with header encryption and an ML-KEM-768 step now and then: one session of two
   devices, one state in, one state out. docs/protocol.md, "Ratchet".

   No clock but `now`, no luck but `rng`, no disk: the caller keeps the state (ratchet_write) in the
   same transaction as what it led to, and lets nothing out before. A failed call changes nothing.
 */
#ifndef CRYPTO_RATCHET_H
#define CRYPTO_RATCHET_H

#include "base/time.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/start.h"

#define RATCHET_GAP_MAX      1000 /* numbers one header may skip */
#define RATCHET_SKIPPED_MAX  2000 /* keys kept for what may still come */
#define RATCHET_CHAINS_MAX   5    /* receiving chains remembered besides the running one */
#define RATCHET_CHAIN_LIMIT  990  /* a sender stops here: the receiver could not bridge more */
#define RATCHET_SKIPPED_LIVE (30 * DAY)
#define RATCHET_NUMBER_LIMIT (UINT32_C(1) << 31)

#define RATCHET_OFFER_MESSAGES 50
#define RATCHET_OFFER_USE      (24 * HOUR)
#define RATCHET_OFFER_LATEST   (7 * DAY)

#define CHAIN_ID_BYTES           8
#define RATCHET_HEADER_BYTES     81
#define RATCHET_HEADER_MAX_BYTES (81 + 4 + MLKEM_PUBLIC_BYTES + 4 + MLKEM_CIPHER_BYTES + 16)
#define RATCHET_BODY_EXTRA_BYTES SEALED_EXTRA_BYTES
/* What ratchet_write gives at most: with all skipped keys. */
#define RATCHET_STATE_MAX_BYTES (128 * 1024)

struct ratchet; /* in secret memory */

/* Both take what they need from `secrets`, which the caller wipes. */
struct ratchet *ratchet_create_initiator(const struct session_secrets *secrets,
                                         const uint8_t bundle_dh[KEY_BYTES], instant now,
                                         struct rng *rng);
struct ratchet *ratchet_create_recipient(const struct session_secrets *secrets,
                                         const struct dh_pair *bundle_dh, instant now);
void ratchet_destroy(struct ratchet *ratchet); /* wipes; NULL is fine */

/* --- sealing ------------------------------------------------------------------------------------
   A step takes the next number of the sending chain; what it gives can be kept beside the text and
   made into bytes when it is to leave, again and again: each time under a fresh random nonce. */

struct ratchet_step {
    uint8_t key[32]; /* of this message alone */
    uint8_t chain[CHAIN_ID_BYTES];
    uint32_t number;
    uint64_t turn; /* ratchet_turns when it was made */
    size_t header_size;
    uint8_t header[RATCHET_HEADER_MAX_BYTES]; /* header and extra */
};
/* True when a step can be made: a recipient that has received nothing cannot, nor can a chain at
   its limit. */
bool ratchet_can_step(const struct ratchet *ratchet);
/* Bytes the next step's header takes. */
size_t ratchet_next_header_size(const struct ratchet *ratchet, instant now);
/* What is pending (see ratchet_open) is dropped. FAULT_BUSY: see ratchet_can_step. */
enum fault ratchet_step(struct ratchet *ratchet, instant now, struct rng *rng,
                        struct ratchet_step *out);
/* header | extra | body: step->header_size + content.size + RATCHET_BODY_EXTRA_BYTES bytes. */
void ratchet_seal(uint8_t *out, const uint8_t session[SESSION_ID_BYTES],
                  const struct ratchet_step *step, struct bytes content, struct rng *rng);

/* --- opening ------------------------------------------------------------------------------------
 */

struct ratchet_opened {
    uint8_t chain[CHAIN_ID_BYTES];
    uint32_t number;
    bool turned;
    size_t size; /* of the content */
};
/* Opens it on a copy of the state, which takes the state's place only through ratchet_keep: so the
   caller can judge the content first. `content` has room for sealed.size.
   FAULT_PEER: not of this session, forged, or beyond a limit. FAULT_GONE: a duplicate; `out` names
   it, there is no content. Its header alone proves that: the key of its body is gone. */
enum fault ratchet_open(struct ratchet *ratchet, instant now, struct bytes sealed, uint8_t *content,
                        struct ratchet_opened *out);
void ratchet_keep(struct ratchet *ratchet); /* what the last ratchet_open led to is the state now */
void ratchet_drop(struct ratchet *ratchet); /* it is forgotten; so it is by the next ratchet_open */

/* --- keeping ------------------------------------------------------------------------------------
 */

/* The state as bytes, at most RATCHET_STATE_MAX_BYTES; *size. */
void ratchet_write(const struct ratchet *ratchet, uint8_t *out, size_t *size);
/* NULL: these are no such bytes (the store is damaged). */
struct ratchet *ratchet_read(struct bytes wire);
/* Forgets skipped keys that are too old, which makes room for others: now and then. True: the state
   has changed. What is pending is dropped. */
bool ratchet_age(struct ratchet *ratchet, instant now);

const uint8_t *ratchet_session(const struct ratchet *ratchet);
uint64_t ratchet_turns(const struct ratchet *ratchet); /* sending chains begun */
bool ratchet_heard(const struct ratchet *ratchet);     /* something of the other side has opened */

#endif
