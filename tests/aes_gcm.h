/* AES-GCM (NIST SP 800-38D): no suite of ours has it, published vectors of ciphers do. */
#ifndef TESTS_AES_GCM_H
#define TESTS_AES_GCM_H

#include "base/bytes.h"

#define AES_GCM_TAG_BYTES 16

/* By libcrypto's GCM and again by its bare AES, counted and hashed by hand: libcrypto takes no
   nonce longer than 128 bytes, vectors have some. Both ways must give the same, or the program
   stops. The key has 16, 24 or 32 bytes, else it is false, as with an empty nonce. Otherwise `out`
   is the text and the tag after it. */
bool aes_gcm_seal(uint8_t *out, struct bytes key, struct bytes nonce, struct bytes text,
                  struct bytes associated);
/* False also when the tag, the last 16 bytes of `sealed`, is wrong. */
bool aes_gcm_open(uint8_t *out, struct bytes key, struct bytes nonce, struct bytes sealed,
                  struct bytes associated);

#endif
