/* Whatever we can read we can write, and the bytes are the same: one message has one spelling, so
   one message has one id. */
#include "engine/chat/frame.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frame frame;
    static uint8_t memory[FRAME_MAX_BYTES];
    struct bytes wire = { data, size };
    if (frame_read(&frame, wire) == FAULT_NONE)
        assert(bytes_equal(frame_write(&frame, memory), wire));
    return 0;
}
