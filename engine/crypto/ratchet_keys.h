/* What the ratchet derives and how its headers look, without any state: pure functions, each with a
   known answer in ratchet_keys_test.c. docs/protocol.md, "Ratchet". For ratchet*.c alone. */
#ifndef CRYPTO_RATCHET_KEYS_H
#define CRYPTO_RATCHET_KEYS_H

#include "engine/crypto/mlkem.h"
#include "engine/crypto/ratchet.h"

/* The secret of an answer, and what it was made of. */
struct ratchet_kem {
    uint8_t secret[MLKEM_SHARED_BYTES];
    struct bytes key, cipher;
};
/* `root` becomes the next root. `kem` is NULL in a step that mixes in none. */
void ratchet_root(uint8_t root[32], uint8_t chain_key[32], uint8_t next_header_key[32],
                  const uint8_t dh[KEY_BYTES], const struct ratchet_kem *kem);
/* The key of the next message; `chain_key` becomes the one after. */
void ratchet_message_key(uint8_t out[32], uint8_t chain_key[32]);
void ratchet_chain_id(uint8_t out[CHAIN_ID_BYTES], const uint8_t session[SESSION_ID_BYTES],
                      const uint8_t dh[KEY_BYTES]);

struct ratchet_offer {
    uint32_t kid; /* 0: none */
    uint8_t key[MLKEM_PUBLIC_BYTES];
};
struct ratchet_answer {
    uint32_t kid; /* 0: none */
    uint8_t cipher[MLKEM_CIPHER_BYTES];
};
struct ratchet_header {
    uint8_t dh[KEY_BYTES];
    uint32_t previous, number; /* PN and N */
    struct ratchet_offer offer;
    struct ratchet_answer answer;
};

/* Bytes of header and extra. */
size_t ratchet_header_size(bool offers, bool answers);
/* Returns the size. */
size_t ratchet_header_write(uint8_t out[RATCHET_HEADER_MAX_BYTES], const uint8_t key[32],
                            const uint8_t session[SESSION_ID_BYTES],
                            const struct ratchet_header *header, struct rng *rng);
/* False: not sealed under this key, or not canonical. *size is that of header and extra; at least a
   body's extra bytes follow them. The offered key is not judged: see mlkem_public_good. */
bool ratchet_header_read(struct ratchet_header *out, size_t *size, const uint8_t key[32],
                         const uint8_t session[SESSION_ID_BYTES], struct bytes sealed);

/* The body under its message's key; `header` is header and extra. text.size +
   RATCHET_BODY_EXTRA_BYTES bytes. */
void ratchet_body_write(uint8_t *out, const uint8_t key[32],
                        const uint8_t session[SESSION_ID_BYTES], struct bytes header,
                        struct bytes text, struct rng *rng);
bool ratchet_body_read(uint8_t *out, const uint8_t key[32], const uint8_t session[SESSION_ID_BYTES],
                       struct bytes header, struct bytes body);

#endif
