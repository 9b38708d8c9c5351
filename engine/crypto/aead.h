/* Authenticated encryption. ChaCha20-Poly1305 (RFC 8439) with counter nonces protects packets of a
   link; XChaCha20-Poly1305 with random nonces protects whatever is stored.

   There are two back ends behind one door: libcrypto where it is present (1.5 times as fast at
   1,400 bytes, twice at 4,000: tools/bench), else libsodium. Both give the same bytes. */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/bytes.h"
#include "base/rng.h"

#define AEAD_KEY_BYTES     32
#define AEAD_NONCE_BYTES   12
#define AEAD_TAG_BYTES     16
#define AEAD_MAX_BYTES     65535 /* of a packet, tag included; of what goes beside it */
#define SEALED_NONCE_BYTES 24
#define SEALED_EXTRA_BYTES (SEALED_NONCE_BYTES + AEAD_TAG_BYTES) /* of `sealed_write` */

/* One direction of packets under one key; keeps the back end's state ready. */
struct aead;
struct aead *aead_create(const uint8_t key[AEAD_KEY_BYTES]);
void aead_destroy(struct aead *aead); /* wipes; NULL is fine */
/* `out` holds text.size + AEAD_TAG_BYTES and may be text.data itself. */
void aead_seal(struct aead *aead, uint8_t *out, const uint8_t nonce[AEAD_NONCE_BYTES],
               struct bytes text, struct bytes associated);
/* `out` holds sealed.size - AEAD_TAG_BYTES and may be sealed.data. False: forged, and what is in
   `out` is to be thrown away. */
bool aead_open(struct aead *aead, uint8_t *out, const uint8_t nonce[AEAD_NONCE_BYTES],
               struct bytes sealed, struct bytes associated);
const char *aead_back_end(void); /* "libcrypto" or "libsodium" */

/* The five mask bytes of QUIC header protection with ChaCha20: RFC 9001, 5.4.4. */
void aead_header_mask(uint8_t mask[5], const uint8_t key[AEAD_KEY_BYTES], const uint8_t sample[16]);

/* One-shot forms of the same cipher, for handshakes. */
void aead_seal_once(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES],
                    const uint8_t nonce[AEAD_NONCE_BYTES], struct bytes text,
                    struct bytes associated);
bool aead_open_once(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES],
                    const uint8_t nonce[AEAD_NONCE_BYTES], struct bytes sealed,
                    struct bytes associated);

/* nonce (random, 24) || ciphertext || tag: text.size + SEALED_EXTRA_BYTES. */
void sealed_write(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES], struct bytes text,
                  struct bytes associated, struct rng *rng);
/* False: forged. `out` is not `sealed`. */
bool sealed_read(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES], struct bytes sealed,
                 struct bytes associated);
/* The same under a nonce both sides know: ciphertext || tag, text.size + AEAD_TAG_BYTES. */
void sealed_write_under(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES],
                        const uint8_t nonce[SEALED_NONCE_BYTES], struct bytes text,
                        struct bytes associated);
bool sealed_read_under(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES],
                       const uint8_t nonce[SEALED_NONCE_BYTES], struct bytes sealed,
                       struct bytes associated);

#endif
