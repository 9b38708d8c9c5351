#include "engine/link/hello.h"

#include <string.h>

#define CAPABILITIES_NONE 0u /* bits for later; a reader ignores those it does not know */
#define RECORD_VERSION    2

void hello_write(struct cursor *out, enum link_role role, const struct hello *hello)
{
    cursor_put_u32(out, CAPABILITIES_NONE);
    cursor_put(out, hello->psk_id, sizeof hello->psk_id);
    cursor_put_u64(out, hello->stamp);
    cursor_put_u64(out, hello->instance);
    cursor_put(out, hello->reset_token, sizeof hello->reset_token);
    cursor_put(out, hello->certificate, sizeof hello->certificate);
    if (role == LINK_ROLE_DOOR)
        cursor_put(out, hello->proof, sizeof hello->proof);
    cursor_put_u16_bytes(out, hello->parameters);
}

enum fault hello_read(struct bytes wire, enum link_role role, struct hello *out)
{
    struct cursor in = cursor_over(wire);
    uint32_t capabilities;
    memset(out, 0, sizeof *out);
    cursor_take_u32(&in, &capabilities);
    cursor_take(&in, out->psk_id, sizeof out->psk_id);
    cursor_take_u64(&in, &out->stamp);
    cursor_take_u64(&in, &out->instance);
    cursor_take(&in, out->reset_token, sizeof out->reset_token);
    cursor_take(&in, out->certificate, sizeof out->certificate);
    if (role == LINK_ROLE_DOOR)
        cursor_take(&in, out->proof, sizeof out->proof);
    cursor_view_u16(&in, PARAMETERS_MAX_BYTES, &out->parameters);
    return cursor_done(&in) ? FAULT_NONE : FAULT_PEER;
}

void reply_write(struct cursor *out, enum link_role role, const struct reply *reply)
{
    cursor_put_u32(out, CAPABILITIES_NONE);
    cursor_put_u64(out, reply->instance);
    cursor_put(out, reply->reset_token, sizeof reply->reset_token);
    if (role == LINK_ROLE_CONTACT)
        cursor_put(out, reply->certificate, sizeof reply->certificate);
    cursor_put_u16_bytes(out, reply->parameters);
}

enum fault reply_read(struct bytes wire, enum link_role role, struct reply *out)
{
    struct cursor in = cursor_over(wire);
    uint32_t capabilities;
    memset(out, 0, sizeof *out);
    cursor_take_u32(&in, &capabilities);
    cursor_take_u64(&in, &out->instance);
    cursor_take(&in, out->reset_token, sizeof out->reset_token);
    if (role == LINK_ROLE_CONTACT)
        cursor_take(&in, out->certificate, sizeof out->certificate);
    cursor_view_u16(&in, PARAMETERS_MAX_BYTES, &out->parameters);
    return cursor_done(&in) ? FAULT_NONE : FAULT_PEER;
}

enum fault record_certificate(struct bytes wire, uint8_t certificate[CERTIFICATE_BYTES])
{
    if (wire.size < RECORD_LEAST_BYTES || wire.data[0] != RECORD_VERSION)
        return FAULT_PEER;
    memcpy(certificate, wire.data + 1, CERTIFICATE_BYTES);
    return FAULT_NONE;
}
