/* One side of one handshake: Noise IKhfs+psk2 with our payloads, and the secrets that come of it.

   Each message travels in QUIC CRYPTO bytes as u16 length, then the Noise message. A failed read
   leaves the handshake as it was. */
#ifndef LINK_HANDSHAKE_H
#define LINK_HANDSHAKE_H

#include "base/rng.h"
#include "engine/crypto/mlkem.h"
#include "engine/link/hello.h"
#include "engine/link/link.h"

/* What the pattern adds to a payload: e; e1 or ekem1; s; and the tags. */
#define HELLO_NOISE_BYTES    (32 + (MLKEM_PUBLIC_BYTES + 16) + (32 + 16) + 16)
#define REPLY_NOISE_BYTES    (32 + (MLKEM_CIPHER_BYTES + 16) + 16)
#define HELLO_WIRE_MAX_BYTES (2 + HELLO_NOISE_BYTES + HELLO_MAX_BYTES)
#define REPLY_WIRE_MAX_BYTES (2 + REPLY_NOISE_BYTES + REPLY_MAX_BYTES)

struct handshake_setup {
    bool caller;
    enum link_role role; /* of the key that is called */
    const struct dh_pair *ours;
    const uint8_t *theirs;        /* caller: whom it calls */
    const struct link_psk *psk;   /* caller: the one it names; NULL: none */
    uint8_t certificate_hash[32]; /* of the responder's certificate; a door's is zero */
    uint8_t first_id[WIRE_FIRST_ID_BYTES];
};

struct handshake;
struct handshake *handshake_create(const struct handshake_setup *setup, struct rng *rng);
void handshake_destroy(struct handshake *handshake); /* wipes; NULL is fine */

/* Caller; fills in the id of the psk. `device` proves who knocks at a door; needed for that role
   only. */
enum fault handshake_write_hello(struct handshake *handshake, struct hello *hello,
                                 const struct sign_pair *device, struct cursor *out);
/* `memory` (HELLO_MAX_BYTES) holds what out->parameters points into. The certificate is read,
   belongs to the key that spoke, and at a door the proof is good. */
enum fault handshake_read_hello(struct handshake *handshake, struct bytes message, uint8_t *memory,
                                struct hello *out, struct certificate *certificate);
/* Responder, before it replies: the psk that message 1 named, if it is held, else NULL. */
void handshake_choose_psk(struct handshake *handshake, const struct link_psk *psk);
enum fault handshake_write_reply(struct handshake *handshake, const struct reply *reply,
                                 struct cursor *out);
enum fault handshake_read_reply(struct handshake *handshake, struct bytes message, uint8_t *memory,
                                struct reply *out);

/* The psk that the caller named is part of the secrets. A responder believes it once something of
   the caller opens under them. */
bool handshake_trusted(const struct handshake *handshake);

/* One secret for each direction. */
struct both_ways {
    uint8_t call[KEY_BYTES], answer[KEY_BYTES];
};
struct handshake_secrets {
    struct both_ways handshake, transport, announce;
};
/* Once both messages are through. The caller wipes them. */
void handshake_secrets(const struct handshake *handshake, struct handshake_secrets *out);

#endif
