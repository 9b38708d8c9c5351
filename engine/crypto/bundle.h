/* The prekey bundle: what somebody needs in order to seal for a device that sleeps.
   docs/protocol.md, "Prekey bundle". */
#ifndef CRYPTO_BUNDLE_H
#define CRYPTO_BUNDLE_H

#include "engine/crypto/devices.h"
#include "engine/crypto/mlkem.h"

#define BUNDLE_BYTES    1413
#define BUNDLE_ID_BYTES 8

enum bundle_kind { BUNDLE_LAST_RESORT = 1, BUNDLE_ONE_TIME = 2 };

struct bundle {
    enum bundle_kind kind;
    uint8_t account[KEY_BYTES], device[KEY_BYTES];
    struct list_head head; /* of the account's list when the bundle was made */
    uint8_t id[BUNDLE_ID_BYTES];
    uint64_t sequence, made_ms;
    uint8_t dh[KEY_BYTES];
    uint8_t kem[MLKEM_PUBLIC_BYTES];
};

/* The secrets of a bundle of ours. */
struct bundle_secrets {
    struct dh_pair dh;
    struct mlkem_pair kem;
};
void bundle_secrets_make(struct bundle_secrets *out, struct rng *rng);

/* Signs what `bundle` says. */
void bundle_write(uint8_t out[BUNDLE_BYTES], const struct bundle *bundle,
                  const struct sign_pair *device);
/* FAULT_PEER: malformed, unknown suite, kind or key type, a refused key, or a wrong signature. */
enum fault bundle_read(struct bundle *out, struct bytes wire);
void bundle_hash(uint8_t out[HASH_BYTES], struct bytes wire);

#endif
