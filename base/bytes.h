/* A view of bytes somebody else owns, and the cursor through which every wire format is read and
   written. A cursor knows where it ends: a read or write past the end fails, changes nothing, and
   leaves the cursor spoilt, so a decoder may check once, at its end. Integers are big-endian. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct bytes {
    const uint8_t *data;
    size_t size;
};

#define BYTES_OF(array) ((struct bytes){ (const uint8_t *)(array), sizeof(array) })

struct bytes bytes_of_text(const char *text);      /* without its final NUL */
bool bytes_equal(struct bytes a, struct bytes b);  /* leaks where they differ: not for secrets */
int bytes_compare(struct bytes a, struct bytes b); /* as memcmp; a prefix comes first */

struct cursor {
    uint8_t *write; /* NULL when reading */
    const uint8_t *read;
    size_t size, at;
    bool spoilt;
};

struct cursor cursor_over(struct bytes wire);         /* to read */
struct cursor cursor_into(void *memory, size_t size); /* to write */

/* True when nothing failed. For a reader `cursor_done` also wants every byte consumed. */
bool cursor_good(const struct cursor *cursor);
bool cursor_done(const struct cursor *cursor);
size_t cursor_left(const struct cursor *cursor);
struct bytes cursor_written(const struct cursor *cursor); /* what a writer has written so far */

bool cursor_take(struct cursor *in, void *out, size_t size);
bool cursor_take_u8(struct cursor *in, uint8_t *out);
bool cursor_take_u16(struct cursor *in, uint16_t *out);
bool cursor_take_u32(struct cursor *in, uint32_t *out);
bool cursor_take_u64(struct cursor *in, uint64_t *out);
/* A view into what is read, not a copy. */
bool cursor_view(struct cursor *in, size_t size, struct bytes *out);
/* u16 length, then that many bytes; refused above `most`. */
bool cursor_view_u16(struct cursor *in, size_t most, struct bytes *out);
bool cursor_view_u32(struct cursor *in, size_t most, struct bytes *out);

bool cursor_put(struct cursor *out, const void *data, size_t size);
bool cursor_put_bytes(struct cursor *out, struct bytes bytes);
bool cursor_put_u8(struct cursor *out, uint8_t value);
bool cursor_put_u16(struct cursor *out, uint16_t value);
bool cursor_put_u32(struct cursor *out, uint32_t value);
bool cursor_put_u64(struct cursor *out, uint64_t value);
bool cursor_put_u16_bytes(struct cursor *out, struct bytes bytes); /* length, then bytes */
bool cursor_put_u32_bytes(struct cursor *out, struct bytes bytes);

#endif
