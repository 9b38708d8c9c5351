/* The Noise Protocol Framework, revision 34, with hybrid forward secrecy by ML-KEM-768 (revision 1
   of that extension): one engine for every handshake pattern.

   Patterns are rows of a table (pre-messages and tokens); psk and hfs modifiers are tokens like the
   others. The cipher is ChaChaPoly, the curve 25519; the hash is handed in, so that published
   vectors of every hash can be replayed (the product itself uses BLAKE2b and nothing else). A
   failed read changes nothing: the state before it is the state after it. */
#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/rng.h"
#include "engine/crypto/kdf.h"
#include "engine/crypto/key.h"
#include "engine/crypto/mlkem.h"

#define NOISE_MESSAGE_MAX_BYTES 65535
#define NOISE_PSK_BYTES         32
#define NOISE_PSKS              4

struct noise_pattern;
/* "IK", "XX", "NKpsk0", "IKhfs+psk2", "start", ...; NULL: no such row. */
const struct noise_pattern *noise_pattern(const char *name);
size_t noise_pattern_messages(const struct noise_pattern *pattern);

/* What a party knows before it starts. Unused members stay NULL. `ephemeral` is for vectors only:
   it replaces the pair the engine would make from `rng`. */
struct noise_keys {
    const struct dh_pair *ours;
    const uint8_t *theirs; /* their static public key */
    const struct dh_pair *ephemeral;
    /* Pre-messages `<- e, e1` (the "start" pattern): the responder's pairs, or their public halves.
     */
    const struct dh_pair *our_prekey;
    const struct mlkem_pair *our_kem_prekey;
    const uint8_t *their_prekey, *their_kem_prekey;
    /* For vectors only, in the place of luck: the seed of e1, and what ekem1 is made from. Borrowed
       for the life of the handshake, unlike all above, which is copied. */
    const uint8_t *kem_seed, *kem_luck;
};

struct noise; /* one handshake, one side */
struct noise *noise_create(const struct noise_pattern *pattern, const struct kdf_hash *hash,
                           bool initiator, struct bytes prologue, const struct noise_keys *keys,
                           struct rng *rng); /* rng is borrowed */
void noise_destroy(struct noise *noise);     /* wipes; NULL is fine */

/* The psk of the pattern's psk token number `index`, from 0; due before the message that uses it.
 */
void noise_set_psk(struct noise *noise, size_t index, const uint8_t psk[NOISE_PSK_BYTES]);

/* Bytes that the next message adds to its payload. */
size_t noise_overhead(const struct noise *noise);
/* Writes the next message to `out` (payload.size + overhead bytes, at most the maximum).
   FAULT_PEER: their public key is refused. */
enum fault noise_write(struct noise *noise, struct bytes payload, struct cursor *out);
/* Reads it; the payload goes to `out` (room for message.size bytes), its length to *size. */
enum fault noise_read(struct noise *noise, struct bytes message, uint8_t *out, size_t *size);

bool noise_finished(const struct noise *noise); /* all messages of the pattern are through */
const uint8_t *noise_their_static(const struct noise *noise); /* NULL while unknown */
struct bytes noise_handshake_hash(const struct noise *noise); /* h, so far */

/* Up to three keys from the final chaining key: k1 (initiator to responder), k2 (back), and a third
   that Noise leaves to the application (HKDF with three outputs, section 4.3). The first two are
   the same whether 2 or 3 are asked for. Each is 32 bytes. */
void noise_split(const struct noise *noise, size_t count, uint8_t (*keys)[32]);

/* HKDF-Expand(chaining key, label | h): secrets of our own from a finished handshake, bound to its
   whole transcript. The label has at most 64 characters; at most 255 times the hash's size. */
void noise_export(const struct noise *noise, const char *label, uint8_t *out, size_t size);

#endif
