#include "engine/link/wire.h"

#include "engine/crypto/aead.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <string.h>

#define LONG_BITS      0xc0 /* header form and fixed bit: RFC 9000, 17.2 */
#define SHORT_BITS     0x40
#define ANNOUNCE_BYTE  0x20 /* the fixed bit is clear: never QUIC */
#define LUCK_BYTES     8
#define ID_PROOF_BYTES (WIRE_ID_BYTES - LUCK_BYTES)

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* RFC 9000, 16: two bits of length, then the rest. */
bool wire_take_varint(struct cursor *in, uint64_t *out)
{
    uint8_t byte;
    if (!cursor_take_u8(in, &byte))
        return false;
    *out = byte & 0x3f;
    for (size_t left = ((size_t)1 << (byte >> 6)) - 1; left > 0; left--) {
        if (!cursor_take_u8(in, &byte))
            return false;
        *out = *out << 8 | byte;
    }
    return true;
}

static bool take_id(struct cursor *in, struct bytes *out)
{
    uint8_t size;
    return cursor_take_u8(in, &size) && size <= 20 && cursor_view(in, size, out);
}

static bool view_varint(struct cursor *in, struct bytes *out)
{
    uint64_t size;
    return wire_take_varint(in, &size) && size <= cursor_left(in) &&
           cursor_view(in, (size_t)size, out);
}

enum { TYPE_INITIAL = 0, TYPE_HANDSHAKE = 2 };

bool wire_read_long(struct bytes datagram, uint32_t version, struct wire_long *out)
{
    struct cursor in = cursor_over(datagram);
    struct bytes token;
    uint8_t first;
    uint32_t found;
    uint64_t rest;
    if (!cursor_take_u8(&in, &first) || (first & LONG_BITS) != LONG_BITS ||
        !cursor_take_u32(&in, &found) || found != version || !take_id(&in, &out->to) ||
        !take_id(&in, &out->from))
        return false;
    out->type = first >> 4 & 3;
    if (out->type != TYPE_INITIAL && out->type != TYPE_HANDSHAKE)
        return false;
    if (out->type == TYPE_INITIAL && !view_varint(&in, &token))
        return false;
    if (!wire_take_varint(&in, &rest) || rest > cursor_left(&in))
        return false;
    out->number_at = in.at;
    out->size = in.at + (size_t)rest;
    return true;
}

static bool long_headers_ours(struct bytes datagram)
{
    struct wire_long packet;
    for (size_t at = 0; at < datagram.size; at += packet.size) {
        struct bytes rest = { datagram.data + at, datagram.size - at };
        if ((rest.data[0] & 0x80) == 0)
            return true; /* a short header takes the rest */
        if (!wire_read_long(rest, WIRE_VERSION, &packet))
            return false;
    }
    return true;
}

static enum wire_kind look_long(struct bytes datagram, struct bytes *id)
{
    struct wire_long packet;
    if (!wire_read_long(datagram, WIRE_VERSION, &packet) || !long_headers_ours(datagram))
        return WIRE_FOREIGN;
    *id = packet.to;
    return packet.type == TYPE_INITIAL ? WIRE_INITIAL : WIRE_LONG;
}

enum wire_kind wire_look(struct bytes datagram, struct bytes *id)
{
    if (datagram.size < WIRE_SHORT_LEAST)
        return WIRE_FOREIGN;
    uint8_t first = datagram.data[0];
    *id = (struct bytes){ datagram.data + 1, WIRE_ID_BYTES };
    if ((first & 0x80) != 0)
        return look_long(datagram, id);
    if ((first & 0xc0) == SHORT_BITS)
        return first == 'd' && is_digit(datagram.data[1]) ? WIRE_FOREIGN : WIRE_SHORT;
    return first == ANNOUNCE_BYTE && datagram.size == WIRE_ANNOUNCE_BYTES ? WIRE_ANNOUNCE
                                                                          : WIRE_FOREIGN;
}

bool wire_exchange_version(uint8_t *datagram, size_t size, uint32_t from, uint32_t to)
{
    struct wire_long packet;
    for (size_t at = 0; at < size && (datagram[at] & 0x80) != 0; at += packet.size) {
        if (!wire_read_long((struct bytes){ datagram + at, size - at }, from, &packet))
            return false;
        for (int i = 0; i < 4; i++)
            datagram[at + 1 + (size_t)i] = (uint8_t)(to >> (24 - 8 * i));
    }
    return true;
}

/* --- connection ids ------------------------------------------------------------------------- */

static void proof_of(uint8_t proof[8], const uint8_t luck[LUCK_BYTES], const uint8_t key[16])
{
    uint64_t value = hash_short(key, (struct bytes){ luck, LUCK_BYTES });
    for (int i = 0; i < 8; i++)
        proof[i] = (uint8_t)(value >> 8 * i);
}

static void mint(uint8_t *id, size_t proof_size, const uint8_t key[16], struct rng *rng)
{
    uint8_t proof[8];
    do
        rng_fill(rng, id, LUCK_BYTES);
    while (is_digit(id[0]));
    proof_of(proof, id, key);
    memcpy(id + LUCK_BYTES, proof, proof_size);
}

static bool minted(struct bytes id, size_t proof_size, const uint8_t key[16])
{
    uint8_t proof[8];
    if (id.size != LUCK_BYTES + proof_size || is_digit(id.data[0]))
        return false;
    proof_of(proof, id.data, key);
    return secret_equal(id.data + LUCK_BYTES, proof, proof_size);
}

void wire_mint_id(uint8_t id[WIRE_ID_BYTES], const uint8_t key[16], struct rng *rng)
{
    mint(id, ID_PROOF_BYTES, key, rng);
}

bool wire_id_minted(struct bytes id, const uint8_t key[16])
{
    return minted(id, ID_PROOF_BYTES, key);
}

void wire_first_key(uint8_t key[16], const uint8_t responder[KEY_BYTES])
{
    struct bytes part = { responder, KEY_BYTES };
    hash_parts(key, 16, (struct bytes){ NULL, 0 }, "ramage/link/first id/v1", &part, 1);
}

void wire_mint_first_id(uint8_t id[WIRE_FIRST_ID_BYTES], const uint8_t key[16], struct rng *rng)
{
    mint(id, WIRE_FIRST_ID_BYTES - LUCK_BYTES, key, rng);
}

bool wire_first_id_good(struct bytes id, const uint8_t key[16])
{
    return minted(id, WIRE_FIRST_ID_BYTES - LUCK_BYTES, key);
}

/* --- stateless reset ------------------------------------------------------------------------ */

void wire_reset_token(uint8_t token[WIRE_TOKEN_BYTES], const uint8_t secret[KEY_BYTES],
                      const uint8_t id[WIRE_ID_BYTES])
{
    struct bytes part = { id, WIRE_ID_BYTES };
    hash_parts(token, WIRE_TOKEN_BYTES, (struct bytes){ secret, KEY_BYTES },
               "ramage/link/reset token/v1", &part, 1);
}

size_t wire_write_reset(uint8_t out[WIRE_RESET_MAX_BYTES], size_t answered_size,
                        const uint8_t token[WIRE_TOKEN_BYTES], struct rng *rng)
{
    if (answered_size <= WIRE_SHORT_LEAST)
        return 0;
    size_t size =
        answered_size - 1 < WIRE_RESET_MAX_BYTES ? answered_size - 1 : WIRE_RESET_MAX_BYTES;
    do
        rng_fill(rng, out, size - WIRE_TOKEN_BYTES);
    while (is_digit(out[1]));
    out[0] = (uint8_t)(SHORT_BITS | (out[0] & 0x3f));
    memcpy(out + size - WIRE_TOKEN_BYTES, token, WIRE_TOKEN_BYTES);
    return size;
}

/* --- announce ------------------------------------------------------------------------------- */

#define ANNOUNCE_SIGNED_BYTES (WIRE_ANNOUNCE_BYTES - AEAD_TAG_BYTES)

/* The counter is the nonce; the key serves nothing else and one direction. */
static void announce_nonce(uint8_t nonce[AEAD_NONCE_BYTES], uint64_t counter)
{
    struct cursor out = cursor_into(nonce, AEAD_NONCE_BYTES);
    cursor_put_u32(&out, 0);
    cursor_put_u64(&out, counter);
}

void wire_write_announce(uint8_t out[WIRE_ANNOUNCE_BYTES], const uint8_t key[KEY_BYTES],
                         const uint8_t id[WIRE_ID_BYTES], uint64_t counter)
{
    uint8_t nonce[AEAD_NONCE_BYTES];
    struct cursor header = cursor_into(out, ANNOUNCE_SIGNED_BYTES);
    cursor_put_u8(&header, ANNOUNCE_BYTE);
    cursor_put(&header, id, WIRE_ID_BYTES);
    cursor_put_u64(&header, counter);
    announce_nonce(nonce, counter);
    aead_seal_once(out + ANNOUNCE_SIGNED_BYTES, key, nonce, (struct bytes){ NULL, 0 },
                   cursor_written(&header));
}

bool wire_read_announce(struct bytes datagram, const uint8_t key[KEY_BYTES], uint64_t *counter)
{
    uint8_t nonce[AEAD_NONCE_BYTES], nothing[1];
    struct bytes header, tag;
    struct cursor in = cursor_over(datagram);
    uint64_t found;
    if (!cursor_view(&in, ANNOUNCE_SIGNED_BYTES, &header) ||
        !cursor_view(&in, AEAD_TAG_BYTES, &tag) || !cursor_done(&in) ||
        header.data[0] != ANNOUNCE_BYTE)
        return false;
    struct cursor number = cursor_over((struct bytes){ header.data + 1 + WIRE_ID_BYTES, 8 });
    cursor_take_u64(&number, &found);
    announce_nonce(nonce, found);
    if (!aead_open_once(nothing, key, nonce, tag, header))
        return false;
    *counter = found;
    return true;
}
