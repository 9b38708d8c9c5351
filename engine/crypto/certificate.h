/* Who a link key belongs to: the account signs its device, the device signs its link key.

   The chain travels inside handshakes and in the record behind the door. Wire form, 234 bytes:
   version 1 | account key 32 | device key 32 | account's signature 64
             | link key 32 | role 1 | valid from u32 | valid until u32 | device's signature 64
   Days are counted from 1970 (UTC). One chain has one spelling; anything else is refused. */
#ifndef CRYPTO_CERTIFICATE_H
#define CRYPTO_CERTIFICATE_H

#include "base/time.h"
#include "engine/crypto/key.h"

#define CERTIFICATE_BYTES 234

enum link_role {                        /* which of its keys a device answers under */
                 LINK_ROLE_CONTACT = 0, /* the weekly key that contacts know */
                 LINK_ROLE_DOOR = 1,    /* the key every holder of a card can compute */
};

struct certificate {
    uint8_t account[KEY_BYTES];
    uint8_t device[KEY_BYTES];
    uint8_t link[KEY_BYTES];
    enum link_role role;
    uint32_t valid_from, valid_until; /* days; out of date is for the caller to judge: it warns */
};

void certificate_write(uint8_t out[CERTIFICATE_BYTES], const struct sign_pair *account,
                       const struct sign_pair *device, const uint8_t link[KEY_BYTES],
                       enum link_role role, uint32_t valid_from, uint32_t valid_until);
/* FAULT_PEER: malformed, a refused key, equal keys where they must differ, or a wrong signature. */
enum fault certificate_read(struct certificate *out, struct bytes wire);
void certificate_hash(uint8_t out[32], struct bytes wire);

#endif
