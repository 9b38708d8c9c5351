#include "engine/dht/bloom.h"

#include "engine/crypto/hash.h"

static void set(uint8_t bloom[BLOOM_BYTES], unsigned bit)
{
    bit %= 8 * BLOOM_BYTES;
    bloom[bit / 8] |= (uint8_t)(1u << bit % 8);
}

void bloom_add(uint8_t bloom[BLOOM_BYTES], const struct address *at)
{
    uint8_t hash[SHA1_BYTES];
    bool ipv4 = address_is_ipv4(at);
    hash_sha1(hash, (struct bytes){ ipv4 ? at->ip + 12 : at->ip, ipv4 ? 4 : 16 });
    set(bloom, hash[0] | (unsigned)hash[1] << 8);
    set(bloom, hash[2] | (unsigned)hash[3] << 8);
}
