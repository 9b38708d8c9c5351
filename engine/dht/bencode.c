/* Bencoded data: one walk over the bytes serves both strictnesses. */
#include "engine/dht/bencode.h"

#include <string.h>

#define DIGITS_MAX 20 /* of a 64-bit number, with its sign */

/* Where we are, and what is open around it: a bit per level, the innermost is the lowest. */
struct walk {
    const uint8_t *at, *end;
    unsigned depth;
    uint32_t dictionaries; /* the others are lists */
    uint32_t at_value;     /* of those dictionaries: a key was read */
    struct bytes *last;    /* key of each level; NULL: nobody asks whether they rise */
};

_Static_assert(BENCODE_DEPTH_MAX <= 32, "a level is a bit");

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The next byte, not taken; 0 at the end, where no value may begin either. */
static uint8_t ahead(const struct walk *walk)
{
    return walk->at < walk->end ? *walk->at : 0;
}

static size_t left(const struct walk *walk)
{
    return (size_t)(walk->end - walk->at);
}

static bool take_string(struct walk *walk, struct bytes *out)
{
    size_t size = 0, digits = 0;
    bool zero = ahead(walk) == '0';
    for (; is_digit(ahead(walk)); walk->at++, digits++) {
        size = size * 10 + (size_t)(*walk->at - '0');
        if (size > left(walk))
            return false;
    }
    if ((zero && digits > 1) || ahead(walk) != ':')
        return false;
    walk->at++;
    if (size > left(walk))
        return false;
    *out = (struct bytes){ walk->at, size };
    walk->at += size;
    return true;
}

/* Adds a digit below zero, where there is one number more than above. */
static bool add_digit(int64_t *number, uint8_t digit)
{
    return !__builtin_mul_overflow(*number, 10, number) &&
           !__builtin_sub_overflow(*number, (int64_t)(digit - '0'), number);
}

static bool take_integer(struct walk *walk, struct bencode *out)
{
    walk->at++; /* i */
    bool negative = ahead(walk) == '-';
    if (negative)
        walk->at++;
    bool zero = ahead(walk) == '0', fits = true;
    size_t digits = 0;
    int64_t number = 0;
    for (; is_digit(ahead(walk)); walk->at++, digits++)
        fits = fits && add_digit(&number, *walk->at);
    if (digits == 0 || (zero && (digits > 1 || negative)) || ahead(walk) != 'e')
        return false;
    walk->at++;
    out->has_number = fits && (negative || number != INT64_MIN);
    out->number = !out->has_number ? 0 : negative ? number : -number;
    return true;
}

/* Whether this key comes after the one before it in its dictionary. */
static bool rises(struct walk *walk, struct bytes key)
{
    if (walk->last == NULL)
        return true;
    struct bytes *last = &walk->last[walk->depth - 1];
    bool good = last->data == NULL || bytes_compare(*last, key) < 0;
    *last = key;
    return good;
}

/* What was just read, or closed, was a key or a value of the dictionary around it. */
static void turn(struct walk *walk)
{
    walk->at_value ^= walk->dictionaries & 1;
}

static bool open_level(struct walk *walk, bool dictionary)
{
    if (walk->depth == BENCODE_DEPTH_MAX)
        return false;
    walk->at++;
    if (walk->last != NULL)
        walk->last[walk->depth] = (struct bytes){ 0 };
    walk->depth++;
    walk->dictionaries = walk->dictionaries << 1 | dictionary;
    walk->at_value <<= 1;
    return true;
}

static bool close_level(struct walk *walk)
{
    if (walk->depth == 0 || (walk->at_value & 1) != 0)
        return false;
    walk->at++;
    walk->depth--;
    walk->dictionaries >>= 1;
    walk->at_value >>= 1;
    turn(walk);
    return true;
}

/* A string, an integer, an opening or an end. */
static bool take_token(struct walk *walk, struct bencode *out)
{
    uint8_t byte = ahead(walk);
    bool key = (walk->dictionaries & ~walk->at_value & 1) != 0, good;
    if (byte == 'e')
        return close_level(walk);
    if (is_digit(byte)) {
        out->kind = BENCODE_STRING;
        good = take_string(walk, &out->inside) && (!key || rises(walk, out->inside));
    } else if (key || (byte != 'i' && byte != 'l' && byte != 'd'))
        return false;
    else if (byte != 'i') {
        out->kind = byte == 'l' ? BENCODE_LIST : BENCODE_DICTIONARY;
        return open_level(walk, byte == 'd');
    } else {
        out->kind = BENCODE_INTEGER;
        good = take_integer(walk, out);
    }
    turn(walk);
    return good;
}

static bool walk_value(struct walk *walk, struct bencode *out)
{
    const uint8_t *from = walk->at;
    struct bencode part;
    *out = (struct bencode){ 0 };
    if (!take_token(walk, out))
        return false;
    while (walk->depth > 0)
        if (!take_token(walk, &part))
            return false;
    out->whole = (struct bytes){ from, (size_t)(walk->at - from) };
    if (out->kind == BENCODE_LIST || out->kind == BENCODE_DICTIONARY)
        out->inside = (struct bytes){ from + 1, out->whole.size - 2 };
    return true;
}

bool bencode_take(struct cursor *in, struct bencode *out)
{
    size_t size = cursor_left(in);
    if (size == 0)
        return false;
    struct walk walk = { .at = in->read + in->at, .end = in->read + in->at + size };
    struct bytes whole;
    if (walk_value(&walk, out))
        return cursor_view(in, out->whole.size, &whole);
    in->spoilt = true;
    return false;
}

bool bencode_is_canonical(struct bytes value)
{
    if (value.size == 0)
        return false;
    struct bytes last[BENCODE_DEPTH_MAX];
    struct walk walk = { .at = value.data, .end = value.data + value.size, .last = last };
    struct bencode out;
    return walk_value(&walk, &out) && walk.at == walk.end;
}

struct bytes bencode_string(const struct bencode *value)
{
    return value->kind == BENCODE_STRING ? value->inside : (struct bytes){ 0 };
}

static bool put_number(struct cursor *out, uint64_t number)
{
    uint8_t digits[DIGITS_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return cursor_put(out, digits + at, sizeof digits - at);
}

bool bencode_put_string(struct cursor *out, struct bytes string)
{
    return put_number(out, string.size) && cursor_put_u8(out, ':') && cursor_put_bytes(out, string);
}

bool bencode_put_integer(struct cursor *out, int64_t number)
{
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    return cursor_put_u8(out, 'i') && (number >= 0 || cursor_put_u8(out, '-')) &&
           put_number(out, size) && cursor_put_u8(out, 'e');
}
