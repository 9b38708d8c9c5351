/* Bencoded data (BEP 3): integers, strings, lists and dictionaries, read as views.

   Two strictnesses. Read: integers and lengths in their one shortest form, keys that are strings,
   in any order. Canonical: keys in rising order too, none twice. No value is
   deeper than BENCODE_DEPTH_MAX, and no reader calls itself. */
#ifndef DHT_BENCODE_H
#define DHT_BENCODE_H

#include "base/bytes.h"

#define BENCODE_DEPTH_MAX 8 /* inside a message: as deep as the client we resemble reads */

enum bencode_kind { BENCODE_INTEGER, BENCODE_STRING, BENCODE_LIST, BENCODE_DICTIONARY };

struct bencode {
    enum bencode_kind kind;
    struct bytes whole;  /* as it was written */
    struct bytes inside; /* a string's bytes; what is between the ends of a list or dictionary */
    bool has_number;     /* an integer that fits 64 bits; greater ones are read, and have none */
    int64_t number;
};

/* The next value. False: the end, or it is not one; then `in` is spoilt unless it was at its end.
   The values of a list are taken from its `inside`, keys and values of a dictionary in turn. */
bool bencode_take(struct cursor *in, struct bencode *out);
/* A string's bytes; nothing of any other value. */
struct bytes bencode_string(const struct bencode *value);
/* One value, canonical, and nothing behind it. */
bool bencode_is_canonical(struct bytes value);

bool bencode_put_string(struct cursor *out, struct bytes string);
bool bencode_put_integer(struct cursor *out, int64_t number);

#endif
