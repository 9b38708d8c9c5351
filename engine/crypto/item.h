/* An item of the DHT (BEP 44): what is signed, and where it is found. One place for those who make
   items, those who check them and those who carry them. */
#ifndef CRYPTO_ITEM_H
#define CRYPTO_ITEM_H

#include "engine/crypto/key.h"

#define ITEM_TARGET_BYTES    20
#define ITEM_VALUE_MAX_BYTES 1000 /* bencoded: BEP 44 */
#define ITEM_SALT_MAX_BYTES  64

struct item {
    bool mutable;
    uint8_t key[KEY_BYTES]; /* mutable, and so the rest but value */
    uint8_t signature[SIGNATURE_BYTES];
    int64_t seq;        /* not below 0 */
    struct bytes salt;  /* may be empty; a view */
    struct bytes value; /* bencoded; a view */
};

/* SHA-1 of the key and the salt, or of the value. */
void item_target(uint8_t out[ITEM_TARGET_BYTES], const struct item *item);
/* Sets key and signature; sizes and seq must be within bounds. */
void item_sign(struct item *item, const struct sign_pair *pair);
/* Sizes, seq, and the signature of a mutable one. That the value is bencoded is for the DHT to say.
   FAULT_PEER: not valid. */
enum fault item_check(const struct item *item);

#endif
