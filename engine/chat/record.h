/* The record of a device: what a contact needs to reach it and to seal for it. docs/protocol.md,
   "Prekey bundle". */
#ifndef CHAT_RECORD_H
#define CHAT_RECORD_H

#include "engine/crypto/bundle.h"
#include "engine/crypto/certificate.h"
#include "engine/store/store.h"

#define RECORD_LISTS_SHOWN 8 /* a contact who missed more takes the newest as a checkpoint */
#define RECORD_MAX_BYTES                                                                           \
    (1 + CERTIFICATE_BYTES + 2 + STORE_LIST_MAX_BYTES + BUNDLE_BYTES + 1 +                         \
     STORE_ONE_TIME_MAX * BUNDLE_BYTES)

struct record { /* views; nothing in them has been judged */
    struct bytes certificate;
    struct bytes lists; /* for lists_next */
    struct bytes bundle;
    struct bytes one_time[STORE_ONE_TIME_MAX];
    size_t one_time_count;
};

/* FAULT_PEER: malformed, or an unknown version. */
enum fault record_read(struct record *out, struct bytes wire);
void record_write(const struct record *record, struct cursor *out);

/* The next device list of many; false at the end, and when what follows is none: then `in` is
   spoilt. */
bool lists_next(struct cursor *in, struct bytes *list);
/* Adds one at the end, and drops the first ones until RECORD_LISTS_SHOWN are left and fit. `memory`
   has room for STORE_LIST_MAX_BYTES and holds `lists` already. */
struct bytes lists_add(uint8_t memory[STORE_LIST_MAX_BYTES], struct bytes lists, struct bytes list);
/* The newest, with what it says; FAULT_PEER: there is none, or it is not good. */
enum fault lists_newest(struct bytes lists, struct devices *out, struct bytes *wire);

#endif
