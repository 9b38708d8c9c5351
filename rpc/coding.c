/* Bytes as text: base 16 for what has a fixed size, base 64 (RFC 4648, 4) for what has not. */
#include "rpc/rpc.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void rpc_hex_print(struct bytes data, char *text)
{
    for (size_t i = 0; i < data.size; i++) {
        *text++ = hex_digits[data.data[i] >> 4];
        *text++ = hex_digits[data.data[i] & 15];
    }
    *text = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool rpc_hex_parse(const char *text, void *out, size_t size)
{
    uint8_t *byte = out;
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        byte[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void rpc_base64_print(struct bytes data, char *text)
{
    for (size_t i = 0; i < data.size; i += 3) {
        size_t left = data.size - i;
        uint32_t three = (uint32_t)data.data[i] << 16;
        three |= left > 1 ? (uint32_t)data.data[i + 1] << 8 : 0;
        three |= left > 2 ? (uint32_t)data.data[i + 2] : 0;
        *text++ = digits[three >> 18];
        *text++ = digits[three >> 12 & 63];
        *text++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *text++ = left > 2 ? digits[three & 63] : '=';
    }
    *text = '\0';
}

static int base64_value(char c)
{
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Four characters to one, two or three bytes; 0: they are none. The bits that pad must be zero, so
   that bytes have one spelling. */
static size_t take_four(const char *text, bool is_last, uint8_t out[3])
{
    size_t pads = !is_last ? 0 : (size_t)(text[3] == '=') + (text[2] == '=' && text[3] == '=');
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - pads ? base64_value(text[i]) : 0;
        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
    }
    if ((bits & ((1u << (8 * pads)) - 1)) != 0)
        return 0;
    for (size_t i = 0; i < 3; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return 3 - pads;
}

bool rpc_base64_parse(const char *text, void *out, size_t most, size_t *size)
{
    size_t length = strlen(text);
    uint8_t *to = out;
    *size = 0;
    if (length % 4 != 0)
        return false;
    for (size_t i = 0; i < length; i += 4) {
        uint8_t three[3];
        size_t count = take_four(text + i, i + 4 == length, three);
        if (count == 0 || count > most - *size)
            return false;
        memcpy(to + *size, three, count);
        *size += count;
    }
    return true;
}
