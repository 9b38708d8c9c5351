/* The signed list of devices that speak for an account. docs/protocol.md, "Device list". */
#ifndef CRYPTO_DEVICES_H
#define CRYPTO_DEVICES_H

#include "engine/crypto/hash.h"
#include "engine/crypto/key.h"

#define DEVICES_MAX         8
#define DEVICES_REVOKED_MAX 32
#define DEVICES_MAX_BYTES                                                                          \
    (1 + 32 + 8 + 32 + 4 + 1 + DEVICES_MAX * 100 + 1 + DEVICES_REVOKED_MAX * 36 + SIGNATURE_BYTES)

/* Which list is meant: its counter and hash; counter 0: none. */
struct list_head {
    uint64_t counter;
    uint8_t hash[HASH_BYTES];
};
#define LIST_HEAD_BYTES 40
void list_head_write(struct cursor *out, const struct list_head *head);
bool list_head_read(struct cursor *in, struct list_head *out); /* counter 0 only with a zero hash */
bool list_head_equal(const struct list_head *a, const struct list_head *b);

struct device_entry {
    uint8_t device[KEY_BYTES], dh[KEY_BYTES];
    uint8_t name_hash[HASH_BYTES];
    uint32_t since; /* days */
};
struct device_revoked {
    uint8_t device[KEY_BYTES];
    uint32_t when; /* days */
};
struct devices {
    uint8_t account[KEY_BYTES];
    uint64_t counter; /* from 1 */
    uint8_t previous[HASH_BYTES];
    uint32_t valid_until; /* days; out of date is for the caller to judge: it warns */
    struct device_entry devices[DEVICES_MAX];
    size_t device_count;
    struct device_revoked revoked[DEVICES_REVOKED_MAX];
    size_t revoked_count;
};

/* Signs and writes a list that keeps the rules (another is our bug); returns its size. */
size_t devices_write(uint8_t out[DEVICES_MAX_BYTES], const struct devices *devices,
                     const struct sign_pair *account);
/* FAULT_PEER: malformed, a refused or repeated key, out of order, or not signed by that account. */
enum fault devices_read(struct devices *out, struct bytes wire);
void devices_hash(uint8_t out[HASH_BYTES], struct bytes wire);
void devices_head(struct list_head *out, const struct devices *devices, struct bytes wire);
/* By device key; NULL: not on the list. */
const struct device_entry *devices_find(const struct devices *devices,
                                        const uint8_t device[KEY_BYTES]);
void devices_name_hash(uint8_t out[HASH_BYTES], const uint8_t device[KEY_BYTES], const char *name);

/* May `next` follow what is held? `held` is NULL or {counter 0}: then the first one seen is taken,
   whatever its counter. */
enum devices_step {
    DEVICES_SAME,    /* it is the one held */
    DEVICES_FOLLOWS, /* counter + 1 and the right previous hash, or the first one seen */
    DEVICES_OLDER,   /* a lower counter: refused */
    DEVICES_GAP,     /* higher, but links between are missing */
    DEVICES_FORKED,  /* the same counter and another hash, or counter + 1 upon another: an alarm */
};
enum devices_step devices_step(const struct list_head *held, const struct devices *next,
                               struct bytes wire);

#endif
