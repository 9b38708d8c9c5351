#include "engine/link/keys.h"

#include "base/mem.h"
#include "engine/crypto/hash.h"

#include <string.h>

#define SAMPLE_BYTES 16 /* RFC 9001, 5.4.2: taken four bytes after the start of the number */

static void derive(void *out, size_t size, const uint8_t secret[KEY_BYTES], const char *label)
{
    hash_parts(out, size, (struct bytes){ secret, KEY_BYTES }, label, NULL, 0);
}

void keys_from_secret(struct packet_keys *out, const uint8_t secret[KEY_BYTES])
{
    uint8_t iv[16];
    derive(out->key, sizeof out->key, secret, "ramage/link/packet key/v1");
    derive(iv, sizeof iv, secret, "ramage/link/packet iv/v1");
    derive(out->mask, sizeof out->mask, secret, "ramage/link/header key/v1");
    memcpy(out->iv, iv, sizeof out->iv);
    wipe(iv, sizeof iv);
}

void keys_next_secret(uint8_t next[KEY_BYTES], const uint8_t secret[KEY_BYTES])
{
    uint8_t made[KEY_BYTES]; /* next may be secret */
    derive(made, sizeof made, secret, "ramage/link/key update/v1");
    memcpy(next, made, sizeof made);
    wipe(made, sizeof made);
}

void keys_initial(struct packet_keys *call, struct packet_keys *answer,
                  const uint8_t responder[KEY_BYTES], struct bytes first_id)
{
    uint8_t shared[KEY_BYTES], secret[KEY_BYTES];
    hash_parts(shared, sizeof shared, (struct bytes){ responder, KEY_BYTES },
               "ramage/link/initial/v1", &first_id, 1);
    derive(secret, sizeof secret, shared, "ramage/link/initial call/v1");
    keys_from_secret(call, secret);
    derive(secret, sizeof secret, shared, "ramage/link/initial answer/v1");
    keys_from_secret(answer, secret);
    wipe(shared, sizeof shared);
    wipe(secret, sizeof secret);
}

void keys_nonce(uint8_t nonce[AEAD_NONCE_BYTES], const uint8_t iv[AEAD_NONCE_BYTES],
                uint64_t number)
{
    memcpy(nonce, iv, AEAD_NONCE_BYTES);
    for (int i = 0; i < 8; i++)
        nonce[AEAD_NONCE_BYTES - 1 - i] ^= (uint8_t)(number >> 8 * i);
}

/* --- the first message ---------------------------------------------------------------------- */

enum { FRAME_PADDING = 0, FRAME_PING = 1, FRAME_CRYPTO = 6 }; /* RFC 9000, 19 */

static bool take_crypto(struct cursor *in, struct first_message *message)
{
    uint64_t offset, size;
    struct bytes piece;
    if (!wire_take_varint(in, &offset) || !wire_take_varint(in, &size) || size > cursor_left(in) ||
        !cursor_view(in, (size_t)size, &piece) || offset > FIRST_MESSAGE_MAX_BYTES ||
        size > FIRST_MESSAGE_MAX_BYTES - offset)
        return false;
    if (piece.size > 0)
        memcpy(message->bytes + offset, piece.data, piece.size);
    message->begun |= piece.size > 0 && offset == 0;
    message->filled += piece.size;
    if (offset + size > message->end)
        message->end = (size_t)(offset + size);
    return true;
}

static bool take_frames(struct first_message *message, struct bytes frames)
{
    struct cursor in = cursor_over(frames);
    uint8_t type;
    while (cursor_left(&in) > 0) {
        if (!cursor_take_u8(&in, &type))
            return false;
        if (type == FRAME_PADDING || type == FRAME_PING)
            continue;
        if (type != FRAME_CRYPTO || !take_crypto(&in, message))
            return false;
    }
    return cursor_good(&in);
}

/* Takes the mask off a copy of the header, which is what the packet is authenticated with. */
static size_t unmask(uint8_t *header, struct bytes packet, size_t number_at,
                     const uint8_t mask_key[AEAD_KEY_BYTES], uint64_t *number)
{
    uint8_t mask[5];
    aead_header_mask(mask, mask_key, packet.data + number_at + 4);
    memcpy(header, packet.data, number_at + 4);
    header[0] ^= mask[0] & 0x0f;
    size_t number_size = (size_t)(header[0] & 3) + 1;
    *number = 0;
    for (size_t i = 0; i < number_size; i++) {
        header[number_at + i] ^= mask[1 + i];
        *number = *number << 8 | header[number_at + i];
    }
    return number_at + number_size;
}

#define HEADER_MAX_BYTES 64 /* a first flight has no token: 1 + 4 + 21 + 21 + 1 + 8 + 4 fits */

enum fault keys_open_initial(struct first_message *message, struct bytes datagram,
                             const struct packet_keys *call)
{
    uint8_t header[HEADER_MAX_BYTES], nonce[AEAD_NONCE_BYTES], text[FIRST_MESSAGE_MAX_BYTES];
    struct wire_long packet;
    uint64_t number;
    if (!wire_read_long(datagram, WIRE_VERSION, &packet) || packet.size > sizeof text ||
        packet.number_at + 4 > sizeof header || packet.size < packet.number_at + 4 + SAMPLE_BYTES)
        return FAULT_PEER;
    size_t header_size = unmask(header, (struct bytes){ datagram.data, packet.size },
                                packet.number_at, call->mask, &number);
    /* The caller's library protected it as version 1. */
    header[1] = header[2] = header[3] = 0, header[4] = WIRE_VERSION_INSIDE;
    keys_nonce(nonce, call->iv, number);
    struct bytes sealed = { datagram.data + header_size, packet.size - header_size };
    if (sealed.size < AEAD_TAG_BYTES ||
        !aead_open_once(text, call->key, nonce, sealed, (struct bytes){ header, header_size }) ||
        !take_frames(message, (struct bytes){ text, sealed.size - AEAD_TAG_BYTES }))
        return FAULT_PEER;
    return FAULT_NONE;
}

bool first_message_whole(const struct first_message *message, struct bytes *out)
{
    struct cursor in = cursor_over((struct bytes){ message->bytes, message->end });
    /* Pieces that overlap count twice, so they never add up: nobody honest sends them. */
    return message->filled == message->end && cursor_view_u16(&in, FIRST_MESSAGE_MAX_BYTES, out) &&
           cursor_done(&in);
}
