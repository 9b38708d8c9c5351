/* HMAC (RFC 2104) and HKDF (RFC 5869). The hash is handed in: the product uses BLAKE2b and nothing
   else, the others are there to replay published vectors. */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "base/bytes.h"

#define KDF_HASH_MAX_BYTES  64
#define KDF_BLOCK_MAX_BYTES 128
#define KDF_PARTS_MAX       3

struct kdf_hash {
    const char *name; /* as in Noise's protocol names: "BLAKE2b" */
    size_t size, block;
    void (*digest)(uint8_t *out, const struct bytes *parts, size_t count);
};
extern const struct kdf_hash kdf_blake2b, kdf_sha256, kdf_sha512;

/* Over the parts as if they were one text, at most KDF_PARTS_MAX; `out` holds hash->size. */
void kdf_hmac(const struct kdf_hash *hash, uint8_t *out, struct bytes key,
              const struct bytes *parts, size_t count);
/* An empty salt is a salt of zeros. `out` holds hash->size. */
void kdf_extract(const struct kdf_hash *hash, uint8_t *out, struct bytes salt, struct bytes input);
/* `size` is at most 255 * hash->size. */
void kdf_expand(const struct kdf_hash *hash, uint8_t *out, size_t size, struct bytes key,
                struct bytes info);

#endif
