#include "engine/crypto/ratchet_keys.h"

#include "base/mem.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/hash.h"
#include "engine/crypto/kdf.h"

#include <assert.h>
#include <string.h>

/* --- derivations ------------------------------------------------------------------------------ */

#define ROOT_LABEL       "ramage/ratchet/root/v1"
#define ROOT_LABEL_BYTES (sizeof ROOT_LABEL - 1)

static size_t root_info(uint8_t out[ROOT_LABEL_BYTES + 1 + HASH_BYTES],
                        const struct ratchet_kem *kem)
{
    memcpy(out, ROOT_LABEL, ROOT_LABEL_BYTES);
    out[ROOT_LABEL_BYTES] = kem != NULL;
    if (kem == NULL)
        return ROOT_LABEL_BYTES + 1;
    hash_parts(out + ROOT_LABEL_BYTES + 1, HASH_BYTES, (struct bytes){ 0 }, "ramage/ratchet/kem/v1",
               (struct bytes[]){ kem->key, kem->cipher }, 2);
    return ROOT_LABEL_BYTES + 1 + HASH_BYTES;
}

void ratchet_root(uint8_t root[32], uint8_t chain_key[32], uint8_t next_header_key[32],
                  const uint8_t dh[KEY_BYTES], const struct ratchet_kem *kem)
{
    uint8_t input[KEY_BYTES + MLKEM_SHARED_BYTES], temporary[KDF_HASH_MAX_BYTES], output[96];
    uint8_t info[ROOT_LABEL_BYTES + 1 + HASH_BYTES];
    size_t input_size = KEY_BYTES, info_size = root_info(info, kem);
    memcpy(input, dh, KEY_BYTES);
    if (kem != NULL) {
        memcpy(input + KEY_BYTES, kem->secret, sizeof kem->secret);
        input_size += sizeof kem->secret;
    }
    kdf_extract(&kdf_blake2b, temporary, (struct bytes){ root, 32 },
                (struct bytes){ input, input_size });
    kdf_expand(&kdf_blake2b, output, sizeof output, BYTES_OF(temporary),
               (struct bytes){ info, info_size });
    memcpy(root, output, 32);
    memcpy(chain_key, output + 32, 32);
    memcpy(next_header_key, output + 64, 32);
    wipe(input, sizeof input);
    wipe(temporary, sizeof temporary);
    wipe(output, sizeof output);
}

void ratchet_message_key(uint8_t out[32], uint8_t chain_key[32])
{
    uint8_t next[32];
    struct bytes key = { chain_key, 32 };
    hash_parts(out, 32, key, "ramage/ratchet/message/v1", NULL, 0);
    hash_parts(next, sizeof next, key, "ramage/ratchet/chain/v1", NULL, 0);
    memcpy(chain_key, next, sizeof next);
    wipe(next, sizeof next);
}

void ratchet_chain_id(uint8_t out[CHAIN_ID_BYTES], const uint8_t session[SESSION_ID_BYTES],
                      const uint8_t dh[KEY_BYTES])
{
    uint8_t hash[HASH_BYTES];
    struct bytes parts[] = { { session, SESSION_ID_BYTES }, { dh, KEY_BYTES } };
    hash_parts(hash, sizeof hash, (struct bytes){ 0 }, "ramage/ratchet/chain id/v1", parts, 2);
    memcpy(out, hash, CHAIN_ID_BYTES);
}

/* --- header and extra ------------------------------------------------------------------------- */

enum { OFFERS = 1, ANSWERS = 2 };

#define HEADER_TEXT_BYTES (RATCHET_HEADER_BYTES - SEALED_EXTRA_BYTES)
#define OFFER_BYTES       (4 + MLKEM_PUBLIC_BYTES)
#define ANSWER_BYTES      (4 + MLKEM_CIPHER_BYTES)

size_t ratchet_header_size(bool offers, bool answers)
{
    size_t text = (offers ? OFFER_BYTES : 0) + (answers ? ANSWER_BYTES : 0);
    return RATCHET_HEADER_BYTES + (text > 0 ? text + AEAD_TAG_BYTES : 0);
}

/* Header and extra share a key: the extra's nonce is the header's, with one bit turned. */
static void extra_nonce(uint8_t out[SEALED_NONCE_BYTES], const uint8_t *header)
{
    memcpy(out, header, SEALED_NONCE_BYTES);
    out[SEALED_NONCE_BYTES - 1] ^= 1;
}

static void write_extra(uint8_t *out, const uint8_t key[32], const struct ratchet_header *header,
                        struct bytes sealed_header)
{
    uint8_t text[OFFER_BYTES + ANSWER_BYTES], nonce[SEALED_NONCE_BYTES];
    struct cursor cursor = cursor_into(text, sizeof text);
    if (header->offer.kid != 0) {
        cursor_put_u32(&cursor, header->offer.kid);
        cursor_put(&cursor, header->offer.key, sizeof header->offer.key);
    }
    if (header->answer.kid != 0) {
        cursor_put_u32(&cursor, header->answer.kid);
        cursor_put(&cursor, header->answer.cipher, sizeof header->answer.cipher);
    }
    extra_nonce(nonce, sealed_header.data);
    sealed_write_under(out, key, nonce, cursor_written(&cursor), sealed_header);
}

size_t ratchet_header_write(uint8_t out[RATCHET_HEADER_MAX_BYTES], const uint8_t key[32],
                            const uint8_t session[SESSION_ID_BYTES],
                            const struct ratchet_header *header, struct rng *rng)
{
    bool offers = header->offer.kid != 0, answers = header->answer.kid != 0;
    uint8_t text[HEADER_TEXT_BYTES];
    struct cursor cursor = cursor_into(text, sizeof text);
    cursor_put(&cursor, header->dh, KEY_BYTES);
    cursor_put_u32(&cursor, header->previous);
    cursor_put_u32(&cursor, header->number);
    cursor_put_u8(&cursor, (offers ? OFFERS : 0) | (answers ? ANSWERS : 0));
    assert(cursor_good(&cursor) && cursor_left(&cursor) == 0);
    sealed_write(out, key, BYTES_OF(text), (struct bytes){ session, SESSION_ID_BYTES }, rng);
    if (offers || answers)
        write_extra(out + RATCHET_HEADER_BYTES, key, header,
                    (struct bytes){ out, RATCHET_HEADER_BYTES });
    return ratchet_header_size(offers, answers);
}

static bool read_text(struct ratchet_header *out, uint8_t *flags, struct bytes text)
{
    struct cursor in = cursor_over(text);
    cursor_take(&in, out->dh, KEY_BYTES);
    cursor_take_u32(&in, &out->previous);
    cursor_take_u32(&in, &out->number);
    cursor_take_u8(&in, flags);
    return cursor_done(&in) && out->previous < RATCHET_NUMBER_LIMIT &&
           out->number < RATCHET_NUMBER_LIMIT && (*flags & ~(OFFERS | ANSWERS)) == 0;
}

static bool read_extra(struct ratchet_header *out, const uint8_t key[32], uint8_t flags,
                       struct bytes header, struct bytes extra)
{
    uint8_t text[OFFER_BYTES + ANSWER_BYTES], nonce[SEALED_NONCE_BYTES];
    extra_nonce(nonce, header.data);
    if (!sealed_read_under(text, key, nonce, extra, header))
        return false;
    struct cursor in = cursor_over((struct bytes){ text, extra.size - AEAD_TAG_BYTES });
    if ((flags & OFFERS) != 0) {
        cursor_take_u32(&in, &out->offer.kid);
        cursor_take(&in, out->offer.key, sizeof out->offer.key);
    }
    if ((flags & ANSWERS) != 0) {
        cursor_take_u32(&in, &out->answer.kid);
        cursor_take(&in, out->answer.cipher, sizeof out->answer.cipher);
    }
    return cursor_done(&in) && (out->offer.kid != 0) == ((flags & OFFERS) != 0) &&
           (out->answer.kid != 0) == ((flags & ANSWERS) != 0);
}

bool ratchet_header_read(struct ratchet_header *out, size_t *size, const uint8_t key[32],
                         const uint8_t session[SESSION_ID_BYTES], struct bytes sealed)
{
    uint8_t text[HEADER_TEXT_BYTES], flags;
    struct bytes header = { sealed.data, RATCHET_HEADER_BYTES };
    if (sealed.size < RATCHET_HEADER_BYTES + RATCHET_BODY_EXTRA_BYTES ||
        !sealed_read(text, key, header, (struct bytes){ session, SESSION_ID_BYTES }) ||
        !read_text(out, &flags, BYTES_OF(text)))
        return false;
    out->offer.kid = out->answer.kid = 0;
    *size = ratchet_header_size((flags & OFFERS) != 0, (flags & ANSWERS) != 0);
    if (flags == 0)
        return true;
    struct bytes extra = { sealed.data + RATCHET_HEADER_BYTES, *size - RATCHET_HEADER_BYTES };
    return sealed.size >= *size + RATCHET_BODY_EXTRA_BYTES &&
           read_extra(out, key, flags, header, extra);
}

/* --- body ------------------------------------------------------------------------------------- */

/* What is authenticated beside a body: S | header | extra. */
static struct bytes beside(uint8_t memory[SESSION_ID_BYTES + RATCHET_HEADER_MAX_BYTES],
                           const uint8_t session[SESSION_ID_BYTES], struct bytes header)
{
    assert(header.size <= RATCHET_HEADER_MAX_BYTES);
    memcpy(memory, session, SESSION_ID_BYTES);
    memcpy(memory + SESSION_ID_BYTES, header.data, header.size);
    return (struct bytes){ memory, SESSION_ID_BYTES + header.size };
}

void ratchet_body_write(uint8_t *out, const uint8_t key[32],
                        const uint8_t session[SESSION_ID_BYTES], struct bytes header,
                        struct bytes text, struct rng *rng)
{
    uint8_t memory[SESSION_ID_BYTES + RATCHET_HEADER_MAX_BYTES];
    sealed_write(out, key, text, beside(memory, session, header), rng);
}

bool ratchet_body_read(uint8_t *out, const uint8_t key[32], const uint8_t session[SESSION_ID_BYTES],
                       struct bytes header, struct bytes body)
{
    uint8_t memory[SESSION_ID_BYTES + RATCHET_HEADER_MAX_BYTES];
    return sealed_read(out, key, body, beside(memory, session, header));
}
