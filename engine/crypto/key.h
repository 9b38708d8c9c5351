/* Key pairs, and the strict reading of public keys: one key has one spelling, and a spelling that
   is low-order, mixed-order or non-canonical is refused wherever a key enters (RFC 7748, RFC 8032).
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/rng.h"

#define KEY_BYTES       32
#define SIGNATURE_BYTES 64

struct sign_pair { /* Ed25519 */
    uint8_t seed[KEY_BYTES];
    uint8_t public[KEY_BYTES];
};

struct dh_pair { /* X25519 */
    uint8_t secret[KEY_BYTES];
    uint8_t public[KEY_BYTES];
};

bool crypto_start(
    void); /* once per process, before anything else; false: the library is unusable */

void sign_pair_make(struct sign_pair *out, struct rng *rng);
void sign_pair_from_seed(struct sign_pair *out, const uint8_t seed[KEY_BYTES]);
/* Signs `label`, a zero byte, and `data` (at most SIGN_MAX_BYTES). */
#define SIGN_MAX_BYTES 4096
void sign(uint8_t out[SIGNATURE_BYTES], const struct sign_pair *pair, const char *label,
          struct bytes data);
/* FAULT_PEER: not made by that key for that label, or the key itself is refused. */
enum fault sign_check(const uint8_t signature[SIGNATURE_BYTES], const uint8_t public[KEY_BYTES],
                      const char *label, struct bytes data);
/* The same over the data alone, for formats fixed elsewhere: nothing that starts as one of our
   labels does may be signed so. */
void sign_plain(uint8_t out[SIGNATURE_BYTES], const struct sign_pair *pair, struct bytes data);
enum fault sign_check_plain(const uint8_t signature[SIGNATURE_BYTES],
                            const uint8_t public[KEY_BYTES], struct bytes data);
bool sign_public_good(const uint8_t public[KEY_BYTES]);

void dh_pair_make(struct dh_pair *out, struct rng *rng);
void dh_pair_from_secret(struct dh_pair *out, const uint8_t secret[KEY_BYTES]);
bool dh_public_good(const uint8_t public[KEY_BYTES]);
/* FAULT_PEER: the public key is refused; `out` is then wiped. */
enum fault dh_agree(uint8_t out[KEY_BYTES], const uint8_t secret[KEY_BYTES],
                    const uint8_t public[KEY_BYTES]);

#endif
