/* Distances by XOR, and the ids an address may have. */
#include "engine/dht/id.h"

#include <string.h>

#define BITS       (8 * DHT_ID_BYTES)
#define FIXED_BITS 21 /* of an id that fits its address */

bool id_equal(const struct dht_id *a, const struct dht_id *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool id_is_zero(const struct dht_id *id)
{
    return id_equal(id, &(struct dht_id){ { 0 } });
}

int id_closer(const struct dht_id *target, const struct dht_id *a, const struct dht_id *b)
{
    for (size_t i = 0; i < DHT_ID_BYTES; i++)
        if (a->bytes[i] != b->bytes[i])
            return (a->bytes[i] ^ target->bytes[i]) - (b->bytes[i] ^ target->bytes[i]);
    return 0;
}

unsigned id_shared_bits(const struct dht_id *a, const struct dht_id *b)
{
    for (unsigned i = 0; i < DHT_ID_BYTES; i++) {
        unsigned differ = a->bytes[i] ^ b->bytes[i];
        if (differ != 0)
            return 8 * i + (unsigned)__builtin_clz(differ << 24);
    }
    return BITS;
}

void id_near(struct dht_id *out, const struct dht_id *like, unsigned shared, struct rng *rng)
{
    rng_fill(rng, out, sizeof *out);
    unsigned whole = shared / 8;
    memcpy(out->bytes, like->bytes, whole);
    if (shared == BITS)
        return;
    /* Of the byte where they part: bits above are `like`'s, that bit is not, those below are any.
     */
    unsigned part = 0x80u >> shared % 8, below = part - 1;
    unsigned wanted = (unsigned)like->bytes[whole] ^ part;
    out->bytes[whole] = (uint8_t)((wanted & ~below) | (out->bytes[whole] & below));
}

double id_distance(const struct dht_id *a, const struct dht_id *b)
{
    double distance = 0;
    for (size_t i = DHT_ID_BYTES; i-- > 0;)
        distance = (distance + (a->bytes[i] ^ b->bytes[i])) / 256;
    return distance;
}

/* CRC-32C (Castagnoli, RFC 3720 B.4), half a byte at a time: its remainders of the 16 halves. */
static uint32_t crc32c(const uint8_t *data, size_t size)
{
    static const uint32_t remainder[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ remainder[crc & 15];
        crc = crc >> 4 ^ remainder[crc & 15];
    }
    return ~crc;
}

static bool starts(const struct address *at, size_t from, uint8_t value, uint8_t mask)
{
    return (at->ip[from] & mask) == value;
}

static bool exempt_ipv4(const struct address *at)
{
    return starts(at, 12, 10, 0xff) || starts(at, 12, 127, 0xff) ||
           (starts(at, 12, 172, 0xff) && starts(at, 13, 16, 0xf0)) ||
           (starts(at, 12, 192, 0xff) && starts(at, 13, 168, 0xff)) ||
           (starts(at, 12, 169, 0xff) && starts(at, 13, 254, 0xff));
}

/* Loopback, link-local and unique local addresses (RFC 4291 2.5.3, 2.5.6; RFC 4193). */
static bool exempt_ipv6(const struct address *at)
{
    static const uint8_t loopback[16] = { [15] = 1 };
    return memcmp(at->ip, loopback, sizeof loopback) == 0 || starts(at, 0, 0xfc, 0xfe) ||
           (starts(at, 0, 0xfe, 0xff) && starts(at, 1, 0x80, 0xc0));
}

bool id_exempt(const struct address *at)
{
    return address_is_ipv4(at) ? exempt_ipv4(at) : exempt_ipv6(at);
}

/* What the first 21 bits must be; `last` is the id's last byte. */
static uint32_t prefix_of(const struct address *at, uint8_t last)
{
    static const uint8_t mask4[4] = { 0x03, 0x0f, 0x3f, 0xff };
    static const uint8_t mask6[8] = { 0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff };
    bool ipv4 = address_is_ipv4(at);
    const uint8_t *ip = ipv4 ? at->ip + 12 : at->ip, *mask = ipv4 ? mask4 : mask6;
    size_t size = ipv4 ? sizeof mask4 : sizeof mask6;
    uint8_t masked[8];
    for (size_t i = 0; i < size; i++)
        masked[i] = ip[i] & mask[i];
    masked[0] |= (uint8_t)((last & 7) << 5);
    return crc32c(masked, size) >> (32 - FIXED_BITS);
}

static uint32_t first_bits(const struct dht_id *id)
{
    uint32_t three =
        (uint32_t)id->bytes[0] << 16 | (uint32_t)id->bytes[1] << 8 | (uint32_t)id->bytes[2];
    return three >> (24 - FIXED_BITS);
}

bool id_fits(const struct dht_id *id, const struct address *at)
{
    return id_exempt(at) || first_bits(id) == prefix_of(at, id->bytes[DHT_ID_BYTES - 1]);
}

void id_make(struct dht_id *out, const struct address *at, struct rng *rng)
{
    rng_fill(rng, out, sizeof *out);
    if (id_exempt(at))
        return;
    uint32_t prefix = prefix_of(at, out->bytes[DHT_ID_BYTES - 1]) << (24 - FIXED_BITS);
    out->bytes[0] = (uint8_t)(prefix >> 16);
    out->bytes[1] = (uint8_t)(prefix >> 8);
    out->bytes[2] = (uint8_t)((prefix & 0xf8) | (out->bytes[2] & 7));
}

bool address_same_block(const struct address *a, const struct address *b)
{
    if (address_is_ipv4(a) != address_is_ipv4(b) || id_exempt(a))
        return false;
    return memcmp(a->ip, b->ip, address_is_ipv4(a) ? 15 : 8) == 0;
}
