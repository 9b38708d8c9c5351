/* A pair's place in the DHT: where two people who share a secret leave word of where they are, for
   each other alone.

   The secret P is of the first session both have used. From it, the author and the time follows one
   key per direction and epoch of 6 h: whoever has P computes it after any absence, nobody else can
   tell that two places belong together, or to whom. What lies there is one mutable item (BEP 44)
   of 640 bytes that look random. docs/protocol.md, "The pair".

   Host and guest of an invitation meet the same way, under a secret computed from the invitation,
   until they share one of their own. docs/protocol.md, "Invitations". */
#ifndef MEET_RENDEZVOUS_H
#define MEET_RENDEZVOUS_H

#include "base/address.h"
#include "base/rng.h"
#include "base/time.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/card.h"
#include "engine/crypto/certificate.h"
#include "engine/crypto/devices.h"

#define RENDEZVOUS_EPOCH     (6 * HOUR)
#define RENDEZVOUS_EARLY     (30 * MINUTE) /* the next epoch's item lies there so long before */
#define RENDEZVOUS_SECRET    32            /* P */
#define RENDEZVOUS_ADDRESSES 8
#define RENDEZVOUS_VALUE     640 /* bencoded; a reply with it is not broken up on the way */

/* Each pair's epochs begin at a time of its own, so that not everybody publishes at once. */
uint64_t rendezvous_epoch(const uint8_t secret[RENDEZVOUS_SECRET], instant now);
instant rendezvous_begin(const uint8_t secret[RENDEZVOUS_SECRET], uint64_t epoch);

struct rendezvous { /* wipe */
    struct sign_pair sign;
    uint8_t key[32];
};
void rendezvous_make(struct rendezvous *out, const uint8_t secret[RENDEZVOUS_SECRET],
                     const uint8_t author[KEY_BYTES], uint64_t epoch);

/* What the invitation of that account has instead of P. Its guest, whom the host does not know yet,
   writes as the author of 32 zero bytes. */
void rendezvous_invited(uint8_t out[RENDEZVOUS_SECRET], const struct card *invitation);

#define RENDEZVOUS_NAME 64 /* bytes */
enum invited_state {
    INVITED_OPEN,   /* the host waits, the guest asks */
    INVITED_TAKEN,  /* the host has taken the guest whose mark this is */
    INVITED_CLOSED, /* the host waits no more */
    INVITED_STATES,
};
struct invited { /* what the record says besides at an invitation's place */
    enum invited_state state;
    uint8_t mark[8];                /* TAKEN; else zero */
    char name[RENDEZVOUS_NAME + 1]; /* what the author calls himself; may be empty */
};
void invited_mark(uint8_t out[8], const uint8_t secret[RENDEZVOUS_SECRET],
                  const uint8_t guest[KEY_BYTES]);

/* The places of two who share spoken words (crypto/words.h), where they make a key of them
   (crypto/cpace.h): one of the host, one of the guest, of an hour. `secret` is the first half of
   what the words were stretched to. */
void rendezvous_spoken(struct rendezvous *out, const uint8_t secret[RENDEZVOUS_SECRET], bool host);

#define SPOKEN_ELEMENT 32
#define SPOKEN_PLAIN   (KEY_BYTES + CARD_SECRET_BYTES) /* an invitation */
#define SPOKEN_SEALED  (SPOKEN_PLAIN + SEALED_EXTRA_BYTES)
struct spoken_record {
    bool host; /* `sealed` is part of it */
    uint8_t element[SPOKEN_ELEMENT];
    uint8_t sealed[SPOKEN_SEALED]; /* the invitation, under the key that was made */
};
void spoken_record_write(uint8_t out[RENDEZVOUS_VALUE], const struct rendezvous *place,
                         const struct spoken_record *record, struct rng *rng);
/* FAULT_PEER: not made for that place, or not so spelt. */
enum fault spoken_record_read(struct spoken_record *out, const struct rendezvous *place,
                              struct bytes value);

struct pair_record {
    bool at_invitation; /* `invited` is part of it */
    struct invited invited;
    struct list_head head; /* of the author's newest device list */
    uint8_t certificate[CERTIFICATE_BYTES];
    bool ports_change; /* a router of his makes another port for each connection */
    struct address at[RENDEZVOUS_ADDRESSES]; /* where he may be reached, the likeliest first */
    size_t at_count;
};
void pair_record_write(uint8_t out[RENDEZVOUS_VALUE], const struct rendezvous *place,
                       const struct pair_record *record, struct rng *rng);
/* FAULT_PEER: not made for that place, or not so spelt. The certificate is for the caller to judge.
 */
enum fault pair_record_read(struct pair_record *out, const struct rendezvous *place,
                            struct bytes value);

#endif
