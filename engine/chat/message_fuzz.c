/* Whatever we can read we can write, and the bytes are the same: one message has one spelling, so
   one message has one id. */
#include "engine/chat/message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message message;
    static uint8_t memory[MESSAGE_MAX_BYTES];
    struct bytes wire = { data, size };
    if (message_read(&message, wire) != FAULT_NONE)
        return 0;
    struct cursor out = cursor_into(memory, sizeof memory);
    assert(message_size(&message) == size);
    message_write(&message, &out);
    assert(bytes_equal(cursor_written(&out), wire));
    return 0;
}
