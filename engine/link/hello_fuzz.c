/* Every payload has one spelling: what is read is written back as the same bytes, save the
   capability bits that a reader ignores. */
#include "engine/link/hello.h"

#include <assert.h>
#include <string.h>

static void same_again(struct cursor *out, const uint8_t *data, size_t size)
{
    struct bytes written = cursor_written(out);
    assert(written.size == size && memcmp(written.data + 4, data + 4, size - 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t memory[HELLO_MAX_BYTES > REPLY_MAX_BYTES ? HELLO_MAX_BYTES : REPLY_MAX_BYTES];
    uint8_t certificate[CERTIFICATE_BYTES];
    struct bytes wire = { data, size };
    struct hello hello;
    struct reply reply;
    for (int role = LINK_ROLE_CONTACT; role <= LINK_ROLE_DOOR; role++) {
        struct cursor out = cursor_into(memory, sizeof memory);
        if (hello_read(wire, (enum link_role)role, &hello) == FAULT_NONE) {
            hello_write(&out, (enum link_role)role, &hello);
            same_again(&out, data, size);
        }
        out = cursor_into(memory, sizeof memory);
        if (reply_read(wire, (enum link_role)role, &reply) == FAULT_NONE) {
            reply_write(&out, (enum link_role)role, &reply);
            same_again(&out, data, size);
        }
    }
    if (record_certificate(wire, certificate) == FAULT_NONE)
        assert(size >= RECORD_LEAST_BYTES && memcmp(certificate, data + 1, CERTIFICATE_BYTES) == 0);
    return 0;
}
