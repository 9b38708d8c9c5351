#include "engine/crypto/key.h"

#include "base/mem.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* A point of mixed order that libsodium took for a good one before the fix of CVE-2025-69277. The
   library on this machine must refuse it, or must not be used: see tests/vectors/ed25519-edge. */
static const uint8_t mixed_order[KEY_BYTES] = { 0x91, 0x4d, 0x58, 0xa3, 0xbe, 0xc7, 0x84, 0xc1,
                                                0x59, 0xcc, 0x31, 0x92, 0xf9, 0x29, 0x22, 0x9c,
                                                0xeb, 0xfb, 0x7d, 0x61, 0xba, 0x5a, 0x18, 0x92,
                                                0xce, 0xc7, 0x09, 0x43, 0x45, 0xd4, 0xbe, 0x2c };

bool crypto_start(void)
{
    return sodium_init() >= 0 && crypto_core_ed25519_is_valid_point(mixed_order) == 0;
}

/* --- Ed25519 ---------------------------------------------------------------------------------- */

void sign_pair_from_seed(struct sign_pair *out, const uint8_t seed[KEY_BYTES])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    memmove(out->seed, seed, KEY_BYTES);
    crypto_sign_seed_keypair(out->public, secret, out->seed);
    wipe(secret, sizeof secret);
}

void sign_pair_make(struct sign_pair *out, struct rng *rng)
{
    uint8_t seed[KEY_BYTES];
    rng_fill(rng, seed, sizeof seed);
    sign_pair_from_seed(out, seed);
    wipe(seed, sizeof seed);
}

/* What is really signed: the label, a zero byte that no label holds, and the data. */
static size_t labelled(uint8_t *out, const char *label, struct bytes data)
{
    size_t size = strlen(label) + 1;
    assert(size <= 256 && data.size <= SIGN_MAX_BYTES);
    memcpy(out, label, size);
    if (data.size > 0)
        memcpy(out + size, data.data, data.size);
    return size + data.size;
}

void sign(uint8_t out[SIGNATURE_BYTES], const struct sign_pair *pair, const char *label,
          struct bytes data)
{
    uint8_t text[256 + SIGN_MAX_BYTES];
    size_t size = labelled(text, label, data);
    sign_plain(out, pair, (struct bytes){ text, size });
    wipe(text, size);
}

void sign_plain(uint8_t out[SIGNATURE_BYTES], const struct sign_pair *pair, struct bytes data)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    memcpy(secret, pair->seed, KEY_BYTES); /* libsodium's form is the seed and the public key */
    memcpy(secret + KEY_BYTES, pair->public, KEY_BYTES);
    crypto_sign_detached(out, NULL, data.data, data.size, secret);
    wipe(secret, sizeof secret);
}

enum fault sign_check(const uint8_t signature[SIGNATURE_BYTES], const uint8_t public[KEY_BYTES],
                      const char *label, struct bytes data)
{
    uint8_t text[256 + SIGN_MAX_BYTES];
    size_t size = labelled(text, label, data);
    enum fault fault = sign_check_plain(signature, public, (struct bytes){ text, size });
    wipe(text, size);
    return fault;
}

enum fault sign_check_plain(const uint8_t signature[SIGNATURE_BYTES],
                            const uint8_t public[KEY_BYTES], struct bytes data)
{
    return sign_public_good(public) &&
                   crypto_sign_verify_detached(signature, data.data, data.size, public) == 0
               ? FAULT_NONE
               : FAULT_PEER;
}

bool sign_public_good(const uint8_t public[KEY_BYTES])
{
    return crypto_core_ed25519_is_valid_point(public) == 1;
}

/* --- X25519 ----------------------------------------------------------------------------------- */

void dh_pair_from_secret(struct dh_pair *out, const uint8_t secret[KEY_BYTES])
{
    memmove(out->secret, secret, KEY_BYTES);
    crypto_scalarmult_curve25519_base(out->public, out->secret);
}

void dh_pair_make(struct dh_pair *out, struct rng *rng)
{
    uint8_t secret[KEY_BYTES];
    rng_fill(rng, secret, sizeof secret);
    dh_pair_from_secret(out, secret);
    wipe(secret, sizeof secret);
}

/* u < p = 2^255 - 19 and bit 255 clear: libsodium computes with other spellings, and two spellings
   of one key would break every comparison and transcript made on bytes. */
static bool canonical(const uint8_t u[KEY_BYTES])
{
    if (u[31] != 0x7f)
        return u[31] < 0x7f;
    for (size_t i = 30; i > 0; i--)
        if (u[i] != 0xff)
            return true;
    return u[0] < 0xed;
}

bool dh_public_good(const uint8_t public[KEY_BYTES])
{
    /* Any scalar is a multiple of the cofactor, so a point of low order, and no other, gives zero,
       which libsodium reports. */
    static const uint8_t scalar[KEY_BYTES] = { 8, [31] = 0x40 };
    uint8_t out[KEY_BYTES];
    return canonical(public) && crypto_scalarmult_curve25519(out, scalar, public) == 0;
}

enum fault dh_agree(uint8_t out[KEY_BYTES], const uint8_t secret[KEY_BYTES],
                    const uint8_t public[KEY_BYTES])
{
    if (canonical(public) && crypto_scalarmult_curve25519(out, secret, public) == 0)
        return FAULT_NONE;
    wipe(out, KEY_BYTES);
    return FAULT_PEER;
}
