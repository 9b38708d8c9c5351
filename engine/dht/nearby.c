/* Calls on the local network, written and read. */
#include "engine/dht/dht.h"
#include "engine/dht/id.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIRST_LINE "BT-SEARCH * HTTP/1.1\r\n"
#define MOST_BYTES 1400

struct address dht_nearby_group(void)
{
    struct address group;
    bool good = address_parse("239.192.152.143:6771", &group);
    assert(good);
    return group;
}

size_t dht_nearby_call(char out[DHT_NEARBY_MAX_BYTES], uint16_t port, struct rng *rng)
{
    uint8_t infohash[20];
    char hex[2 * sizeof infohash + 1];
    rng_fill(rng, infohash, sizeof infohash);
    for (size_t i = 0; i < sizeof infohash; i++)
        snprintf(hex + 2 * i, 3, "%02x", infohash[i]);
    int size = snprintf(out, DHT_NEARBY_MAX_BYTES,
                        FIRST_LINE "Host: 239.192.152.143:6771\r\nPort: %u\r\nInfohash: %s\r\n"
                                   "cookie: %x\r\n\r\n\r\n",
                        port, hex, (unsigned)rng_below(rng, 0x7fffffff));
    assert(size > 0 && size < DHT_NEARBY_MAX_BYTES);
    return (size_t)size;
}

static bool read_port(const uint8_t *text, size_t size, uint16_t *out)
{
    uint32_t port = 0;
    if (size == 0 || size > 5)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = 10 * port + (uint32_t)(text[i] - '0');
    }
    *out = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

static bool read_call(struct bytes datagram, uint16_t *port)
{
    static const char name[] = "Port:";
    const size_t first = sizeof FIRST_LINE - 1;
    if (datagram.size < first || datagram.size > MOST_BYTES ||
        memcmp(datagram.data, FIRST_LINE, first) != 0)
        return false;
    const uint8_t *at = datagram.data + first, *end = datagram.data + datagram.size;
    while (at < end) {
        const uint8_t *stop = memchr(at, '\r', (size_t)(end - at));
        if (stop == NULL || end - stop < 2 || stop[1] != '\n')
            return false;
        if ((size_t)(stop - at) > sizeof name - 1 &&
            strncasecmp((const char *)at, name, sizeof name - 1) == 0) {
            at += sizeof name - 1;
            while (at < stop && *at == ' ')
                at++;
            return read_port(at, (size_t)(stop - at), port);
        }
        at = stop + 2;
    }
    return false;
}

bool dht_nearby_read(const struct address *from, struct bytes datagram, struct address *out)
{
    *out = *from;
    if (!read_call(datagram, &out->port))
        return false;
    if (!id_exempt(from))
        out->port = 0;
    return true;
}
