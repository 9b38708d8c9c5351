/* The published ids of BEP 42 are judged here, for tests/vectors.c: the rule they are about is
   nobody else's to ask. */
#include "engine/dht/id.h"
#include "tests/vectors.h"

#include <stdio.h>
#include <string.h>

/* Text, or the bytes of IPv4 or IPv6 in hex. */
static bool address_of(const json_t *test, struct address *out)
{
    char text[64];
    struct field ip;
    const char *named = text_of(test, "ip");
    if (named[0] != '\0')
        return snprintf(text, sizeof text, "%s:6881", named) < (int)sizeof text &&
               address_parse(text, out);
    size_t size = hex_of(&ip, test, "ip_hex").size;
    if (size != 4 && size != 16)
        return false;
    memset(out, 0, sizeof *out);
    memset(out->ip + 10, 0xff, 2);
    memcpy(out->ip + sizeof out->ip - size, ip.data, size);
    out->port = 6881;
    return true;
}

/* Those of the BEP itself are all good, and name their last byte. The others know the sum, but not
   the local networks, where every id fits: one of theirs is 127.91.102.179. */
static void judge_id(struct tally *tally, const json_t *test)
{
    const json_t *valid = json_object_get(test, "valid"), *last = json_object_get(test, "rand");
    struct field wire;
    struct address at;
    struct dht_id id;
    bool whole = address_of(test, &at) && hex_of(&wire, test, "node_id").size == DHT_ID_BYTES;
    if (whole)
        memcpy(id.bytes, wire.data, DHT_ID_BYTES);
    bool fits = whole && id_fits(&id, &at) &&
                (last == NULL || json_integer_value(last) == id.bytes[DHT_ID_BYTES - 1]);
    bool good = whole && (id_exempt(&at) || !json_is_false(valid));
    judge(tally, whole && fits == good, "misjudged", text_of(test, "node_id"));
}

void run_bep42(struct tally *tally, const json_t *file)
{
    const json_t *tests = json_object_get(file, "tests");
    for (size_t i = 0; i < json_array_size(tests); i++)
        judge_id(tally, json_array_get(tests, i));
}
