/* What is read keeps its bytes; what is canonical is what we would write ourselves, value by value;
   and no value is canonical that is not read. */
#include "engine/dht/bencode.h"

#include <assert.h>
#include <string.h>

#define SIZE_MAX_BYTES (1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes again what stands in `in`, list after list: a stack, since no reader calls itself. */
static void write_again(struct cursor *out, struct bytes text)
{
    struct bytes rest[BENCODE_DEPTH_MAX + 1] = { text };
    size_t depth = 0;
    for (;;) {
        struct cursor in = cursor_over(rest[depth]);
        struct bencode value;
        if (!bencode_take(&in, &value)) {
            assert(cursor_done(&in)); /* what was read whole is read in parts */
            if (depth-- == 0)
                return;
            cursor_put_u8(out, 'e');
            continue;
        }
        rest[depth] = (struct bytes){ in.read + in.at, in.size - in.at };
        if (value.kind == BENCODE_STRING)
            bencode_put_string(out, value.inside);
        else if (value.kind == BENCODE_INTEGER && value.has_number)
            bencode_put_integer(out, value.number);
        else if (value.kind == BENCODE_INTEGER)
            cursor_put_bytes(out, value.whole);
        else {
            cursor_put_u8(out, value.kind == BENCODE_LIST ? 'l' : 'd');
            rest[++depth] = value.inside;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[SIZE_MAX_BYTES];
    struct bytes text = { data, size };
    struct cursor in = cursor_over(text), out = cursor_into(memory, sizeof memory);
    struct bencode value;
    bool read = bencode_take(&in, &value) && cursor_done(&in),
         canonical = bencode_is_canonical(text);
    assert(read || !canonical);
    if (!read || size > sizeof memory)
        return 0;
    assert(bytes_equal(value.whole, text));
    write_again(&out, text);
    assert(bytes_equal(cursor_written(&out), text));
    return 0;
}
