#include "engine/meet/rendezvous.h"

#include "engine/crypto/aead.h"
#include "engine/crypto/hash.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define VERSION     1
#define FRAME       "636:" /* of a bencoded string */
#define FRAME_BYTES (sizeof FRAME - 1)
#define PLAIN_BYTES (RENDEZVOUS_VALUE - FRAME_BYTES - SEALED_EXTRA_BYTES)

_Static_assert(1 + LIST_HEAD_BYTES + CERTIFICATE_BYTES + 1 + RENDEZVOUS_ADDRESSES * 18 <=
                   PLAIN_BYTES,
               "a record fits its item");

/* --- when and where ----------------------------------------------------------------------------
 */

static duration offset_of(const uint8_t secret[RENDEZVOUS_SECRET])
{
    uint8_t hash[HASH_BYTES];
    uint64_t number = 0;
    hash_parts(hash, sizeof hash, (struct bytes){ secret, RENDEZVOUS_SECRET },
               "ramage/pair/epoch/v1", NULL, 0);
    struct cursor in = cursor_over(BYTES_OF(hash));
    cursor_take_u64(&in, &number);
    return number % (RENDEZVOUS_EPOCH / MILLISECOND) * MILLISECOND;
}

uint64_t rendezvous_epoch(const uint8_t secret[RENDEZVOUS_SECRET], instant now)
{
    return (now + offset_of(secret)) / RENDEZVOUS_EPOCH;
}

instant rendezvous_begin(const uint8_t secret[RENDEZVOUS_SECRET], uint64_t epoch)
{
    return epoch * RENDEZVOUS_EPOCH - offset_of(secret);
}

void rendezvous_make(struct rendezvous *out, const uint8_t secret[RENDEZVOUS_SECRET],
                     const uint8_t author[KEY_BYTES], uint64_t epoch)
{
    uint8_t both[2 * KEY_BYTES], number[8];
    struct cursor at = cursor_into(number, sizeof number);
    cursor_put_u64(&at, epoch);
    struct bytes parts[] = { { author, KEY_BYTES }, BYTES_OF(number) };
    hash_parts(both, sizeof both, (struct bytes){ secret, RENDEZVOUS_SECRET },
               "ramage/pair/place/v1", parts, COUNT(parts));
    sign_pair_from_seed(&out->sign, both);
    memcpy(out->key, both + KEY_BYTES, sizeof out->key);
    wipe(both, sizeof both);
}

/* --- what lies there ---------------------------------------------------------------------------
 */

static void put_address(struct cursor *out, const struct address *at)
{
    cursor_put(out, at->ip, sizeof at->ip);
    cursor_put_u16(out, at->port);
}

static bool take_address(struct cursor *in, struct address *out)
{
    *out = (struct address){ .port = 0 };
    return cursor_take(in, out->ip, sizeof out->ip) && cursor_take_u16(in, &out->port) &&
           out->port != 0;
}

static bool is_zero(struct bytes bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++)
        any |= bytes.data[i];
    return any == 0;
}

void pair_record_write(uint8_t out[RENDEZVOUS_VALUE], const struct rendezvous *place,
                       const struct pair_record *record, struct rng *rng)
{
    uint8_t plain[PLAIN_BYTES] = { 0 };
    struct cursor at = cursor_into(plain, sizeof plain);
    cursor_put_u8(&at, VERSION);
    list_head_write(&at, &record->head);
    cursor_put(&at, record->certificate, sizeof record->certificate);
    assert(record->at_count <= RENDEZVOUS_ADDRESSES);
    cursor_put_u8(&at, (uint8_t)record->at_count);
    for (size_t i = 0; i < record->at_count; i++)
        put_address(&at, &record->at[i]);
    assert(cursor_good(&at));
    memcpy(out, FRAME, FRAME_BYTES);
    sealed_write(out + FRAME_BYTES, place->key, BYTES_OF(plain), BYTES_OF(place->sign.public), rng);
    wipe(plain, sizeof plain);
}

static bool read_plain(struct pair_record *out, struct bytes plain)
{
    struct cursor in = cursor_over(plain);
    struct bytes rest;
    uint8_t version = 0, count = 0;
    cursor_take_u8(&in, &version);
    bool headed = list_head_read(&in, &out->head);
    cursor_take(&in, out->certificate, sizeof out->certificate);
    cursor_take_u8(&in, &count);
    if (!headed || version != VERSION || count > RENDEZVOUS_ADDRESSES)
        return false;
    for (out->at_count = 0; out->at_count < count; out->at_count++)
        if (!take_address(&in, &out->at[out->at_count]))
            return false;
    return cursor_view(&in, cursor_left(&in), &rest) && is_zero(rest) && cursor_done(&in);
}

enum fault pair_record_read(struct pair_record *out, const struct rendezvous *place,
                            struct bytes value)
{
    uint8_t plain[PLAIN_BYTES];
    if (value.size != RENDEZVOUS_VALUE || memcmp(value.data, FRAME, FRAME_BYTES) != 0)
        return FAULT_PEER;
    struct bytes sealed = { value.data + FRAME_BYTES, value.size - FRAME_BYTES };
    bool good = sealed_read(plain, place->key, sealed, BYTES_OF(place->sign.public)) &&
                read_plain(out, BYTES_OF(plain));
    wipe(plain, sizeof plain);
    return good ? FAULT_NONE : FAULT_PEER;
}
