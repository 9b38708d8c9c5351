/* Packet protection: what QUIC takes from TLS (RFC 9001, 5), derived here from Noise keys instead.

   Initial packets are protected by keys from the responder's static key, so only who knows it can
   make or read one; Handshake and 1-RTT packets by keys from the Noise Split. All are
   ChaCha20-Poly1305. */
#ifndef LINK_KEYS_H
#define LINK_KEYS_H

#include "engine/crypto/aead.h"
#include "engine/link/wire.h"

struct packet_keys {
    uint8_t key[AEAD_KEY_BYTES];
    uint8_t iv[AEAD_NONCE_BYTES];
    uint8_t mask[AEAD_KEY_BYTES]; /* header protection */
};

/* From the caller, and from the one who answers. `first_id` is the first Initial's connection id.
 */
void keys_initial(struct packet_keys *call, struct packet_keys *answer,
                  const uint8_t responder[KEY_BYTES], struct bytes first_id);
void keys_from_secret(struct packet_keys *out, const uint8_t secret[KEY_BYTES]);
/* The secret after a key update; the mask key stays: RFC 9001, 6.1. */
void keys_next_secret(uint8_t next[KEY_BYTES], const uint8_t secret[KEY_BYTES]);
void keys_nonce(uint8_t nonce[AEAD_NONCE_BYTES], const uint8_t iv[AEAD_NONCE_BYTES],
                uint64_t number);

/* --- the first message, read without any state ---------------------------------------------- */

#define FIRST_MESSAGE_MAX_BYTES 4096
#define FLIGHT_MAX_DATAGRAMS    2 /* a hybrid message never fits one, always two */

/* The CRYPTO bytes of one or more Initial packets, put together. */
struct first_message {
    uint8_t bytes[FIRST_MESSAGE_MAX_BYTES];
    size_t filled, end;
    bool begun; /* its first byte is there */
};

/* Opens the Initial packet at the start of `datagram` (outer version) and adds its CRYPTO bytes.
   FAULT_PEER: not made with those keys, or holds what a first flight never holds. */
enum fault keys_open_initial(struct first_message *message, struct bytes datagram,
                             const struct packet_keys *call);
/* True when all of it is there: u16 length, then the Noise message in *out. */
bool first_message_whole(const struct first_message *message, struct bytes *out);

#endif
