/* Whatever arrives is read within its bounds, and what is ours keeps its meaning: exchanging the
   version there and back gives the same datagram. Behind the seal, frames are read as strictly. */
#include "engine/link/keys.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

static const uint8_t responder[KEY_BYTES] = { 9 };
static const uint8_t caller_id[WIRE_ID_BYTES] = { 0xc1 };

static void exchange(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_copy(data, size);
    struct bytes id;
    enum wire_kind kind = wire_look((struct bytes){ data, size }, &id);
    if (kind == WIRE_INITIAL || kind == WIRE_LONG) {
        bool in = wire_exchange_version(copy, size, WIRE_VERSION, WIRE_VERSION_INSIDE);
        bool out = wire_exchange_version(copy, size, WIRE_VERSION_INSIDE, WIRE_VERSION);
        assert(in && out && memcmp(copy, data, size) == 0);
    }
    if (kind != WIRE_FOREIGN)
        assert(id.size <= 20 && id.data >= data && id.data + id.size <= data + size);
    mem_free(copy);
}

/* The input as the frames of an Initial packet somebody with the key sealed. */
static void open_sealed(const uint8_t *data, size_t size)
{
    uint8_t packet[2048], nonce[AEAD_NONCE_BYTES], mask[5];
    uint8_t first_id[WIRE_FIRST_ID_BYTES] = { 1 };
    struct packet_keys call, answer;
    struct first_message *message = mem_zeroed(1, sizeof *message);
    struct cursor out = cursor_into(packet, sizeof packet);
    struct bytes noise;
    size = size < 1500 ? size : 1500;
    keys_initial(&call, &answer, responder, BYTES_OF(first_id));
    cursor_put_u8(&out, 0xc0);
    cursor_put_u32(&out, WIRE_VERSION_INSIDE);
    cursor_put_u8(&out, sizeof first_id);
    cursor_put(&out, first_id, sizeof first_id);
    cursor_put_u8(&out, sizeof caller_id);
    cursor_put(&out, caller_id, sizeof caller_id);
    cursor_put_u8(&out, 0); /* no token */
    cursor_put_u16(&out, (uint16_t)(0x4000 | (1 + size + AEAD_TAG_BYTES)));
    size_t number_at = cursor_written(&out).size;
    cursor_put_u8(&out, 0);
    struct bytes header = cursor_written(&out);
    keys_nonce(nonce, call.iv, 0);
    aead_seal_once(packet + header.size, call.key, nonce, (struct bytes){ data, size }, header);
    size_t whole = header.size + size + AEAD_TAG_BYTES;
    if (whole >= number_at + 4 + 16) {
        aead_header_mask(mask, call.mask, packet + number_at + 4);
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at] ^= mask[1];
    }
    wire_exchange_version(packet, whole, WIRE_VERSION_INSIDE, WIRE_VERSION);
    if (keys_open_initial(message, (struct bytes){ packet, whole }, &call) == FAULT_NONE &&
        first_message_whole(message, &noise))
        assert(noise.size + 2 == message->end && message->end <= FIRST_MESSAGE_MAX_BYTES);
    mem_free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t counter;
    struct packet_keys keys = { 0 };
    struct first_message *message = mem_zeroed(1, sizeof *message);
    exchange(data, size);
    if (size > 0)
        open_sealed(data, size);
    keys_open_initial(message, (struct bytes){ data, size }, &keys);
    wire_read_announce((struct bytes){ data, size }, responder, &counter);
    mem_free(message);
    return 0;
}
