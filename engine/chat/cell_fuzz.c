/* Whatever content we can read we can write, and the bytes are the same. */
#include "engine/chat/cell.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[CELL_MAX_BYTES];
    struct content_head head;
    struct cell_start parts;
    struct cursor items;
    struct item item;
    struct bytes content = { data, size };
    if (cell_read_start(&parts, content) == FAULT_NONE)
        assert(parts.start.data >= data && parts.sealed.data + parts.sealed.size == data + size);
    if (size > sizeof memory || content_read(content, &head, &items) != FAULT_NONE)
        return 0;
    struct cursor out = cursor_into(memory, size);
    content_begin(&out, &head);
    while (content_next(&items, &item))
        content_put(&out, item.kind, item.bytes);
    content_end(&out);
    assert(bytes_equal(cursor_written(&out), content));
    return 0;
}
