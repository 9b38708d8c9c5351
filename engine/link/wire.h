/* What a datagram of ours is. Pure functions: bytes in, bytes out, no state.

   Outside, our datagrams are QUIC version 1 (RFC 9000, 17) except for the number that names the
   version; the library inside only knows version 1, so that number is exchanged on the way in and
   out. Beside QUIC there is one packet of our own, the announce: "I am here now". */
#ifndef LINK_WIRE_H
#define LINK_WIRE_H

#include "base/bytes.h"
#include "base/rng.h"
#include "engine/crypto/key.h"

#define WIRE_VERSION         0x524d4702u /* "RMG", 2: one per protocol version, not negotiated */
#define WIRE_VERSION_INSIDE  1u
#define WIRE_ID_BYTES        12 /* connection ids we mint: 8 of luck, 4 of proof */
#define WIRE_FIRST_ID_BYTES  16 /* of a caller's first Initial: 8 of luck, 8 of proof */
#define WIRE_TOKEN_BYTES     16 /* stateless reset: RFC 9000, 10.3 */
#define WIRE_ANNOUNCE_BYTES  37
#define WIRE_SHORT_LEAST     33 /* header, id, number, shortest sample: nothing real is shorter */
#define WIRE_RESET_MAX_BYTES 48
#define WIRE_DATAGRAM_LEAST  1200 /* every QUIC path carries this much: RFC 9000, 14 */

enum wire_kind {
    WIRE_FOREIGN, /* not ours, or ours and malformed */
    WIRE_INITIAL, /* starts with an Initial packet */
    WIRE_LONG,    /* starts with a Handshake packet */
    WIRE_SHORT,   /* one protected packet, or a reset */
    WIRE_ANNOUNCE,
};

/* What it is and to which connection id; every long header in it is ours and well-formed. */
enum wire_kind wire_look(struct bytes datagram, struct bytes *id);
/* Exchanges the version in every long header. False: one of them had another, or is malformed. */
bool wire_exchange_version(uint8_t *datagram, size_t size, uint32_t from, uint32_t to);

/* --- connection ids ------------------------------------------------------------------------- */

/* Never starts with an ASCII digit, so that "d1:" and its like always belong to the DHT. */
void wire_mint_id(uint8_t id[WIRE_ID_BYTES], const uint8_t key[16], struct rng *rng);
bool wire_id_minted(struct bytes id, const uint8_t key[16]);
/* The first id of a call carries a proof that the caller knows the responder's static key: a
   stranger's Initial costs us one short hash. */
void wire_first_key(uint8_t key[16], const uint8_t responder[KEY_BYTES]);
void wire_mint_first_id(uint8_t id[WIRE_FIRST_ID_BYTES], const uint8_t key[16], struct rng *rng);
bool wire_first_id_good(struct bytes id, const uint8_t key[16]);

/* --- stateless reset ------------------------------------------------------------------------ */

void wire_reset_token(uint8_t token[WIRE_TOKEN_BYTES], const uint8_t secret[KEY_BYTES],
                      const uint8_t id[WIRE_ID_BYTES]);
/* Shorter than what it answers, so that two sides can never keep each other busy. */
size_t wire_write_reset(uint8_t out[WIRE_RESET_MAX_BYTES], size_t answered_size,
                        const uint8_t token[WIRE_TOKEN_BYTES], struct rng *rng);

/* --- announce: 0x20 | id 12 | counter u64 | tag 16 ------------------------------------------ */

void wire_write_announce(uint8_t out[WIRE_ANNOUNCE_BYTES], const uint8_t key[KEY_BYTES],
                         const uint8_t id[WIRE_ID_BYTES], uint64_t counter);
bool wire_read_announce(struct bytes datagram, const uint8_t key[KEY_BYTES], uint64_t *counter);

/* --- the Initial packet --------------------------------------------------------------------- */

/* Where the parts of a long-header packet lie. */
struct wire_long {
    uint8_t type;          /* 0 Initial, 2 Handshake */
    struct bytes to, from; /* connection ids */
    size_t number_at;      /* offset of the packet number */
    size_t size;           /* of the whole packet */
};
/* False: not a long header of `version`, cut short, or of a type we never use (0-RTT, Retry). */
bool wire_read_long(struct bytes datagram, uint32_t version, struct wire_long *out);
/* RFC 9000, 16. */
bool wire_take_varint(struct cursor *in, uint64_t *out);

#endif
