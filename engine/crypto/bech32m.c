#include "engine/crypto/bech32m.h"

#include "base/mem.h"

#include <string.h>

/* BIP 173 gives the characters and the generator, BIP 350 the constant. */
static const char characters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
#define BECH32M_CONSTANT 0x2bc830a3u
#define CHECKSUM_CHARS   6
#define PREFIX_MAX       83

static uint32_t checksum_step(uint32_t sum, uint32_t value)
{
    static const uint32_t generator[5] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                           0x2a1462b3 };
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < COUNT(generator); i++)
        if (top >> i & 1)
            sum ^= generator[i];
    return sum;
}

static uint32_t checksum_prefix(const char *prefix, size_t size)
{
    uint32_t sum = 1;
    for (size_t i = 0; i < size; i++)
        sum = checksum_step(sum, (uint8_t)prefix[i] >> 5);
    sum = checksum_step(sum, 0);
    for (size_t i = 0; i < size; i++)
        sum = checksum_step(sum, (uint8_t)prefix[i] & 31);
    return sum;
}

static bool prefix_good(const char *prefix, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (prefix[i] < 33 || prefix[i] > 126 || (prefix[i] >= 'A' && prefix[i] <= 'Z'))
            return false;
    return size > 0 && size <= PREFIX_MAX;
}

bool bech32m_write(char *text, const char *prefix, struct bytes data)
{
    size_t size = strlen(prefix), digits = (8 * data.size + 4) / 5;
    if (!prefix_good(prefix, size) || size + 1 + digits + CHECKSUM_CHARS > BECH32M_TEXT_MAX)
        return false;
    uint32_t sum = checksum_prefix(prefix, size);
    memcpy(text, prefix, size);
    text[size++] = '1';
    for (size_t bit = 0; bit < 8 * data.size; bit += 5) {
        unsigned pair = (unsigned)data.data[bit / 8] << 8;
        if (bit / 8 + 1 < data.size)
            pair |= data.data[bit / 8 + 1];
        unsigned digit = pair >> (11 - bit % 8) & 31;
        sum = checksum_step(sum, digit);
        text[size++] = characters[digit];
    }
    for (size_t i = 0; i < CHECKSUM_CHARS; i++)
        sum = checksum_step(sum, 0);
    sum ^= BECH32M_CONSTANT;
    for (size_t i = 0; i < CHECKSUM_CHARS; i++)
        text[size++] = characters[sum >> 5 * (CHECKSUM_CHARS - 1 - i) & 31];
    text[size] = '\0';
    return true;
}

/* One case throughout, then lower case into `out`. */
static bool lowered(char out[BECH32M_TEXT_MAX + 1], const char *text)
{
    bool upper = false, lower = false;
    size_t size = 0;
    for (; text[size] != '\0'; size++) {
        char c = text[size];
        if (size == BECH32M_TEXT_MAX)
            return false;
        upper |= c >= 'A' && c <= 'Z';
        lower |= c >= 'a' && c <= 'z';
        out[size] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[size] = '\0';
    return !(upper && lower);
}

/* Digits of five bits to bytes; what is left over must be fewer than five bits, all zero. */
static bool gather(uint8_t *out, size_t most, size_t *size, const char *digits, size_t count)
{
    uint32_t bits = 0;
    size_t held = 0;
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        bits = bits << 5 | (uint32_t)(strchr(characters, digits[i]) - characters);
        held += 5;
        if (held < 8)
            continue;
        held -= 8;
        if (*size == most)
            return false;
        out[(*size)++] = (uint8_t)(bits >> held);
        bits &= (1u << held) - 1;
    }
    return held < 5 && bits == 0;
}

/* `lower` is in lower case throughout. */
static bool read_lowered(uint8_t *out, size_t most, size_t *size, const char *prefix,
                         const char *lower)
{
    size_t prefix_size = strlen(prefix);
    size_t total = strlen(lower);
    if (total < prefix_size + 1 + CHECKSUM_CHARS || memcmp(lower, prefix, prefix_size) != 0 ||
        lower[prefix_size] != '1')
        return false;
    const char *digits = lower + prefix_size + 1;
    size_t count = total - prefix_size - 1;
    uint32_t sum = checksum_prefix(prefix, prefix_size);
    for (size_t i = 0; i < count; i++) {
        const char *digit = strchr(characters, digits[i]);
        if (digit == NULL)
            return false;
        sum = checksum_step(sum, (uint32_t)(digit - characters));
    }
    return sum == BECH32M_CONSTANT && gather(out, most, size, digits, count - CHECKSUM_CHARS);
}

bool bech32m_read(uint8_t *out, size_t most, size_t *size, const char *prefix, const char *text)
{
    char lower[BECH32M_TEXT_MAX + 1];
    bool good = lowered(lower, text) && prefix_good(prefix, strlen(prefix)) &&
                read_lowered(out, most, size, prefix, lower);
    wipe(lower, sizeof lower); /* a card holds a secret */
    return good;
}
