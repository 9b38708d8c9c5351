/* Bencoded data: one walk over the bytes serves both strictnesses. */
#include "engine/dht/bencode.h"

#include <string.h>

#define DIGITS_MAX 20 /* of a 64-bit number, with its sign */

/* What is open around the place we are at. */
struct open {
    bool dictionary;
    bool at_value; /* a key was read */
    bool has_last;
    struct bytes last; /* key */
};

struct walk {
    struct cursor *in;
    bool canonical;
    unsigned depth;
    struct open open[BENCODE_DEPTH_MAX];
};

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool spoil(struct cursor *in)
{
    in->spoilt = true;
    return false;
}

/* The next byte, not taken; 0 at the end, where no value may begin either. */
static uint8_t ahead(const struct cursor *in)
{
    return cursor_left(in) > 0 ? in->read[in->at] : 0;
}

static bool take_string(struct cursor *in, struct bytes *out)
{
    size_t size = 0, digits = 0;
    uint8_t byte = ahead(in);
    bool zero = byte == '0';
    for (; is_digit(byte); byte = ahead(in)) {
        if (digits++ > 0 && zero)
            return spoil(in);
        size = size * 10 + (size_t)(byte - '0');
        if (size > cursor_left(in))
            return spoil(in);
        in->at++;
    }
    if (digits == 0 || byte != ':')
        return spoil(in);
    in->at++;
    return cursor_view(in, size, out);
}

/* Adds a digit below zero, where there is one number more than above. */
static bool add_digit(int64_t *number, uint8_t digit)
{
    return !__builtin_mul_overflow(*number, 10, number) &&
           !__builtin_sub_overflow(*number, (int64_t)(digit - '0'), number);
}

static bool take_integer(struct cursor *in, struct bencode *out)
{
    in->at++; /* i */
    bool negative = ahead(in) == '-';
    if (negative)
        in->at++;
    bool zero = ahead(in) == '0', fits = true;
    size_t digits = 0;
    int64_t number = 0;
    for (; is_digit(ahead(in)); in->at++, digits++)
        fits = fits && add_digit(&number, ahead(in));
    if (digits == 0 || (zero && (digits > 1 || negative)) || ahead(in) != 'e')
        return spoil(in);
    in->at++;
    out->has_number = fits && (negative || number != INT64_MIN);
    out->number = !out->has_number ? 0 : negative ? number : -number;
    return true;
}

/* A key, or a string as a value. */
static bool walk_string(struct walk *walk, struct bytes *string)
{
    if (!take_string(walk->in, string))
        return false;
    if (walk->depth == 0)
        return true;
    struct open *around = &walk->open[walk->depth - 1];
    if (!around->dictionary || around->at_value)
        return true;
    if (walk->canonical && around->has_last && bytes_compare(around->last, *string) >= 0)
        return spoil(walk->in);
    around->last = *string;
    around->has_last = true;
    return true;
}

static bool walk_open(struct walk *walk, bool dictionary)
{
    if (walk->depth == BENCODE_DEPTH_MAX)
        return spoil(walk->in);
    walk->in->at++;
    walk->open[walk->depth++] = (struct open){ .dictionary = dictionary };
    return true;
}

static bool walk_close(struct walk *walk)
{
    if (walk->depth == 0 || walk->open[walk->depth - 1].at_value)
        return spoil(walk->in);
    walk->in->at++;
    walk->depth--;
    return true;
}

/* One token: a string, an integer, an opening or an end. */
static bool walk_step(struct walk *walk, struct bencode *out)
{
    uint8_t byte = ahead(walk->in);
    bool key = walk->depth > 0 && walk->open[walk->depth - 1].dictionary &&
               !walk->open[walk->depth - 1].at_value;
    if (byte == 'e')
        return walk_close(walk);
    if (is_digit(byte)) {
        out->kind = BENCODE_STRING;
        return walk_string(walk, &out->inside);
    }
    if (key)
        return spoil(walk->in);
    if (byte == 'i') {
        out->kind = BENCODE_INTEGER;
        return take_integer(walk->in, out);
    }
    if (byte != 'l' && byte != 'd')
        return spoil(walk->in);
    out->kind = byte == 'l' ? BENCODE_LIST : BENCODE_DICTIONARY;
    return walk_open(walk, byte == 'd');
}

/* What was just read, or closed, was a key or a value of the dictionary around it. */
static void walk_turn(struct walk *walk)
{
    if (walk->depth > 0)
        walk->open[walk->depth - 1].at_value ^= walk->open[walk->depth - 1].dictionary;
}

static bool walk_value(struct walk *walk, struct bencode *out)
{
    *out = (struct bencode){ 0 };
    size_t from = walk->in->at;
    if (!walk_step(walk, out))
        return false;
    struct bencode part;
    while (walk->depth > 0) {
        unsigned before = walk->depth;
        if (!walk_step(walk, &part))
            return false;
        if (walk->depth <= before)
            walk_turn(walk);
    }
    out->whole = (struct bytes){ walk->in->read + from, walk->in->at - from };
    if (out->kind == BENCODE_LIST || out->kind == BENCODE_DICTIONARY)
        out->inside = (struct bytes){ out->whole.data + 1, out->whole.size - 2 };
    return true;
}

bool bencode_take(struct cursor *in, struct bencode *out)
{
    if (in->spoilt || cursor_left(in) == 0)
        return false;
    struct walk walk;
    walk.in = in;
    walk.canonical = false;
    walk.depth = 0;
    return walk_value(&walk, out);
}

struct bytes bencode_string(const struct bencode *value)
{
    return value->kind == BENCODE_STRING ? value->inside : (struct bytes){ 0 };
}

bool bencode_is_canonical(struct bytes value)
{
    struct cursor in = cursor_over(value);
    struct walk walk;
    walk.in = &in;
    walk.canonical = true;
    walk.depth = 0;
    struct bencode out;
    return walk_value(&walk, &out) && cursor_done(&in);
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
