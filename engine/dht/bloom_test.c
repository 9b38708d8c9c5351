/* The filter against the one printed in BEP 33. */
#include "engine/dht/bloom.h"
#include "tests/test.h"

/* Of 192.0.2.0 to 192.0.2.255 and 2001:db8:: to 2001:db8::3e7. */
static const char *const published =
    "f6c3f5eaa07ffd91bde89f777f26fb2bff37bdb8fb2bbaa2fd3ddde7bacfff75"
    "ee7ccbaefe5eedb1fbfaff67f6abff5e43ddbca3fd9b9ffdf4ffd3e9dff12d1b"
    "df59db53dbe9fa5b7ff3b8fdfcde1afb8bedd7be2f3ee71ebbbfe93bcdeefe14"
    "8246c2bc5dbff7e7efdcf24fd8dc7adffd8fffdfddfff7a4bbeedf5cb95ce81f"
    "c7fcff1ff4ffffdfe5f7fdcbb7fd79b3fa1fc77bfe07fff905b7b7ffc7fefeff"
    "e0b8370bb0cd3f5b7f2bd93feb4386cfdd6f7fd5bfaf2e9ebffffeecd67adbf7"
    "c67f17efd5d75eba6ffeba7fff47a91eb1bfbb53e8abfb5762abe8ff237279bf"
    "efbfeef5ffc5febfdfe5adffadfee1fb737ffffbfd9f6aeffeee76b6fd8f72ef";

static struct address ipv4(uint8_t last)
{
    return (struct address){ .ip = { [10] = 0xff, [11] = 0xff, 192, 0, 2, last }, .port = 1 };
}

static struct address ipv6(unsigned last)
{
    return (struct address){
        .ip = { 0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(last >> 8), (uint8_t)last }, .port = 1
    };
}

static void test_the_published_filter_is_made(void)
{
    uint8_t bloom[BLOOM_BYTES] = { 0 }, wanted[BLOOM_BYTES];
    CHECK_INT(unhex(wanted, sizeof wanted, published), sizeof wanted);
    for (unsigned i = 0; i < 256; i++) {
        struct address at = ipv4((uint8_t)i);
        bloom_add(bloom, &at);
    }
    for (unsigned i = 0; i < 1000; i++) {
        struct address at = ipv6(i);
        bloom_add(bloom, &at);
    }
    CHECK_BYTES(bloom, wanted, sizeof wanted);
}

static void test_an_address_is_two_bits_whatever_its_port(void)
{
    uint8_t once[BLOOM_BYTES] = { 0 }, often[BLOOM_BYTES] = { 0 };
    unsigned bits = 0;
    struct address at = ipv4(7);
    bloom_add(once, &at);
    for (unsigned port = 1; port < 100; port++) {
        at.port = (uint16_t)port;
        bloom_add(often, &at);
    }
    CHECK_BYTES(once, often, sizeof once);
    for (unsigned i = 0; i < 8 * BLOOM_BYTES; i++)
        bits += once[i / 8] >> i % 8 & 1;
    CHECK_INT(bits, 2);
}

TESTS(TEST(test_the_published_filter_is_made), TEST(test_an_address_is_two_bits_whatever_its_port))
