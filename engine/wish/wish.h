/* How a room asks for what is outside it: a wish is what it wants, news is what came of it.

   A wish is never stored: a room restates its wishes from the store after a restart. Rooms that
   wish have four calls, x_next_wish, x_learn, x_advance, x_deadline; the node carries wishes to
   whoever can fulfil them and brings the news back, by one table. */
#ifndef WISH_WISH_H
#define WISH_WISH_H

#include "base/address.h"
#include "base/time.h"

#define WISH_ADDRESSES 8

enum wish_kind {
    WISH_DIAL, /* reach a device: device (its key and link key) or, if unknown, the account's door
                */
    WISH_HANG_UP, /* end the link, or stop dialling */
    WISH_SEND,    /* one frame to a device that is UP */
    WISH_KEYS,    /* our link keys or our record changed: have links ask for them anew */
    WISH_PSKS,    /* so did what we share with a device: contact, device */
    WISH_ADMIT,   /* contact's account may come in, and device if it is not 0 */
    WISH_PUT,     /* an item of the DHT (BEP 44), written to a few nodes: item, store_on */
    WISH_GET,     /* the newest item of a key of the DHT: item.key. With `watch` newer ones as well,
                     as they come, asked for so often; until the next GET of that id, or ... */
    WISH_UNWATCH, /* ... this, or a HANG_UP */
};

struct wish_item { /* mutable, without salt */
    uint8_t key[32], signature[64];
    int64_t seq;
    struct bytes value; /* bencoded; valid until the next call of the room it came from */
};

struct wish {
    uint64_t id; /* the room's own name for it; news carry it back */
    enum wish_kind kind;
    int64_t contact, device; /* rows of the store; device 0: not known yet */
    bool door;               /* DIAL: knock at the account's door instead of calling the device */
    struct address at[WISH_ADDRESSES];
    size_t at_count;
    struct bytes data; /* SEND: valid until the next call of the wishing room */
    struct wish_item item;
    unsigned store_on; /* PUT: so many nodes; 0: as usual */
    duration watch;    /* GET; 0: once */
};

enum news_kind {
    NEWS_UP,       /* a device is connected: contact, device, address */
    NEWS_DOWN,     /* it no longer is, or the dial failed: reason (a short English word) */
    NEWS_RECEIVED, /* a frame from a device: data */
    NEWS_WRITABLE, /* a device that answered BUSY takes frames again */
    NEWS_BUSY,     /* the SEND was not taken: ask again after WRITABLE */
    NEWS_KNOWN,    /* a contact's device or its link key became known: contact, device */
    NEWS_ITEM,     /* of a GET, valid: item; again if a newer one is found */
    NEWS_GOT,      /* the GET is over, whatever came; one that watches has found whom to ask */
    NEWS_STORED,   /* the PUT is over: taken by `count` nodes */
};

struct news {
    uint64_t id; /* of the wish, or 0 */
    enum news_kind kind;
    int64_t contact, device;
    struct address address; /* UP */
    bool door;              /* DOWN: it was a dial to the door */
    bool we_called, was_up; /* UP: who dialled. DOWN: after UP, or a dial that failed */
    bool trusted;           /* UP: both proved the secret of a session they share */
    const char *reason;     /* DOWN: one of a fixed set of words */
    struct bytes data;      /* RECEIVED */
    struct wish_item item;
    size_t count;
};

#endif
