/* What we are to others: device list, link keys, prekey bundles, and their weekly renewal. */
#ifndef CHAT_OWN_H
#define CHAT_OWN_H

#include "engine/chat/record.h"
#include "engine/chat/room.h"

#define OWN_LINK_KEY_DAYS   7
#define OWN_LIST_DAYS       90
#define OWN_LIST_RENEW_DAYS 30 /* so long before its end a list is renewed */
#define OWN_BUNDLE_FOR      (7 * DAY)
#define OWN_BUNDLE_KEPT     (24 * DAY) /* after its successor is out: 21 days in the mail, and 3 */

struct own { /* in secret memory */
    struct sign_pair account, device;
    struct dh_pair dh;
    struct list_head head; /* of our newest list */
    uint8_t lists[STORE_LIST_MAX_BYTES];
    size_t lists_size;
    instant renew_at; /* 0: nothing was read or made yet */
};

struct own *own_create(void);
void own_destroy(struct own *own);

/* Reads what there is and makes what is missing or due. *changed: our record is another one now. */
enum fault own_renew(struct chat *chat, instant now, bool *changed);
/* Our record, with the one-time bundles set aside for that device (0: none); at most
   RECORD_MAX_BYTES. */
enum fault own_record(struct chat *chat, instant now, int64_t device, struct cursor *out);

#endif
