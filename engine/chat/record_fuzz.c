/* Whatever record we can read we can write, and the bytes are the same. */
#include "engine/chat/record.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[RECORD_MAX_BYTES];
    struct record record;
    struct bytes wire = { data, size };
    if (record_read(&record, wire) != FAULT_NONE)
        return 0;
    struct cursor out = cursor_into(memory, sizeof memory);
    record_write(&record, &out);
    assert(bytes_equal(cursor_written(&out), wire));
    return 0;
}
