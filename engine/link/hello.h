/* What the two Noise messages of a link carry, read and written. docs/protocol.md, "Link
 * handshake". */
#ifndef LINK_HELLO_H
#define LINK_HELLO_H

#include "base/bytes.h"
#include "engine/crypto/certificate.h"
#include "engine/link/wire.h"

#define PARAMETERS_MAX_BYTES 512
#define PSK_ID_BYTES         8
#define HELLO_MAX_BYTES                                                                            \
    (4 + PSK_ID_BYTES + 8 + 8 + WIRE_TOKEN_BYTES + CERTIFICATE_BYTES + SIGNATURE_BYTES + 2 +       \
     PARAMETERS_MAX_BYTES)
#define REPLY_MAX_BYTES (4 + 8 + WIRE_TOKEN_BYTES + CERTIFICATE_BYTES + 2 + PARAMETERS_MAX_BYTES)

/* Message 1. */
struct hello {
    uint8_t psk_id[PSK_ID_BYTES];          /* which secret the caller means; zero: none */
    uint64_t stamp;                        /* grows with every call of a device: no replays */
    uint64_t instance;                     /* drawn at each start: who restarted is told apart */
    uint8_t reset_token[WIRE_TOKEN_BYTES]; /* of the caller's own connection id */
    uint8_t certificate[CERTIFICATE_BYTES];
    uint8_t proof[SIGNATURE_BYTES]; /* at a door only: made by the device key */
    struct bytes parameters;        /* QUIC transport parameters; borrowed */
};

void hello_write(struct cursor *out, enum link_role role, const struct hello *hello);
/* FAULT_PEER: malformed. The certificate's own bytes are judged by whoever reads it. */
enum fault hello_read(struct bytes wire, enum link_role role, struct hello *out);

/* Message 2. */
struct reply {
    uint64_t instance;
    uint8_t reset_token[WIRE_TOKEN_BYTES];
    uint8_t certificate[CERTIFICATE_BYTES]; /* not at a door: there it waits until the caller is
                                               known */
    struct bytes parameters;
};

void reply_write(struct cursor *out, enum link_role role, const struct reply *reply);
enum fault reply_read(struct bytes wire, enum link_role role, struct reply *out);

/* What a door shows on its FRAMES stream: version 2, a certificate of role CONTACT, and what is not
   for this room. */
#define RECORD_LEAST_BYTES (1 + CERTIFICATE_BYTES)
enum fault record_certificate(struct bytes wire, uint8_t certificate[CERTIFICATE_BYTES]);

#endif
