#include "base/bytes.h"

#include <assert.h>
#include <string.h>

struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    if (order != 0 || a.size == b.size)
        return order;
    return a.size < b.size ? -1 : 1;
}

struct cursor cursor_over(struct bytes wire)
{
    return (struct cursor){ .read = wire.data, .size = wire.size };
}

struct cursor cursor_into(void *memory, size_t size)
{
    return (struct cursor){ .write = memory, .read = memory, .size = size };
}

bool cursor_good(const struct cursor *cursor)
{
    return !cursor->spoilt;
}

bool cursor_done(const struct cursor *cursor)
{
    return !cursor->spoilt && cursor->at == cursor->size;
}

size_t cursor_left(const struct cursor *cursor)
{
    return cursor->spoilt ? 0 : cursor->size - cursor->at;
}

struct bytes cursor_written(const struct cursor *cursor)
{
    return (struct bytes){ cursor->read, cursor->spoilt ? 0 : cursor->at };
}

bool cursor_view(struct cursor *in, size_t size, struct bytes *out)
{
    assert(in->write == NULL);
    if (cursor_left(in) < size || in->spoilt) {
        in->spoilt = true;
        return false;
    }
    /* Pointer arithmetic on NULL is undefined even for zero bytes. */
    *out = (struct bytes){ in->read == NULL ? NULL : in->read + in->at, size };
    in->at += size;
    return true;
}

bool cursor_take(struct cursor *in, void *out, size_t size)
{
    struct bytes view;
    if (!cursor_view(in, size, &view))
        return false;
    if (size > 0)
        memcpy(out, view.data, size);
    return true;
}

static bool take_number(struct cursor *in, size_t size, uint64_t *out)
{
    struct bytes view;
    if (!cursor_view(in, size, &view))
        return false;
    *out = 0;
    for (size_t i = 0; i < size; i++)
        *out = *out << 8 | view.data[i];
    return true;
}

bool cursor_take_u8(struct cursor *in, uint8_t *out)
{
    return cursor_take(in, out, 1);
}

bool cursor_take_u16(struct cursor *in, uint16_t *out)
{
    uint64_t value;
    if (!take_number(in, 2, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

bool cursor_take_u32(struct cursor *in, uint32_t *out)
{
    uint64_t value;
    if (!take_number(in, 4, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool cursor_take_u64(struct cursor *in, uint64_t *out)
{
    return take_number(in, 8, out);
}

static bool view_counted(struct cursor *in, size_t width, size_t most, struct bytes *out)
{
    uint64_t size;
    if (!take_number(in, width, &size))
        return false;
    if (size > most) {
        in->spoilt = true;
        return false;
    }
    return cursor_view(in, (size_t)size, out);
}

bool cursor_view_u16(struct cursor *in, size_t most, struct bytes *out)
{
    return view_counted(in, 2, most, out);
}

bool cursor_view_u32(struct cursor *in, size_t most, struct bytes *out)
{
    return view_counted(in, 4, most, out);
}

bool cursor_put(struct cursor *out, const void *data, size_t size)
{
    assert(out->read == out->write);
    if (cursor_left(out) < size || out->spoilt) {
        out->spoilt = true;
        return false;
    }
    if (size > 0)
        memcpy(out->write + out->at, data, size);
    out->at += size;
    return true;
}

bool cursor_put_bytes(struct cursor *out, struct bytes bytes)
{
    return cursor_put(out, bytes.data, bytes.size);
}

static bool put_number(struct cursor *out, size_t size, uint64_t value)
{
    uint8_t wire[8];
    for (size_t i = 0; i < size; i++)
        wire[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    return cursor_put(out, wire, size);
}

bool cursor_put_u8(struct cursor *out, uint8_t value)
{
    return put_number(out, 1, value);
}

bool cursor_put_u16(struct cursor *out, uint16_t value)
{
    return put_number(out, 2, value);
}

bool cursor_put_u32(struct cursor *out, uint32_t value)
{
    return put_number(out, 4, value);
}

bool cursor_put_u64(struct cursor *out, uint64_t value)
{
    return put_number(out, 8, value);
}

/* A length that does not fit its field is our bug: every format states a smaller maximum. */
bool cursor_put_u16_bytes(struct cursor *out, struct bytes bytes)
{
    assert(bytes.size <= UINT16_MAX);
    return cursor_put_u16(out, (uint16_t)bytes.size) && cursor_put_bytes(out, bytes);
}

bool cursor_put_u32_bytes(struct cursor *out, struct bytes bytes)
{
    assert(bytes.size <= UINT32_MAX);
    return cursor_put_u32(out, (uint32_t)bytes.size) && cursor_put_bytes(out, bytes);
}
