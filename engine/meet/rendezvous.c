#include "engine/meet/rendezvous.h"

#include "engine/crypto/hash.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define PAIR        1 /* the version of a record at a pair's place, ... */
#define INVITED     2 /* ... at an invitation's, ... */
#define GUEST       3 /* ... and at those of spoken words */
#define HOST        4
#define FRAME       "636:" /* of a bencoded string */
#define FRAME_BYTES (sizeof FRAME - 1)
#define PLAIN_BYTES (RENDEZVOUS_VALUE - FRAME_BYTES - SEALED_EXTRA_BYTES)

#define INVITED_MOST (1 + 8 + 1 + RENDEZVOUS_NAME)

_Static_assert(1 + LIST_HEAD_BYTES + CERTIFICATE_BYTES + INVITED_MOST + 2 +
                       RENDEZVOUS_ADDRESSES * 18 <=
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

static void make(struct rendezvous *out, const uint8_t secret[RENDEZVOUS_SECRET], const char *label,
                 const struct bytes *parts, size_t count)
{
    uint8_t both[2 * KEY_BYTES];
    hash_parts(both, sizeof both, (struct bytes){ secret, RENDEZVOUS_SECRET }, label, parts, count);
    sign_pair_from_seed(&out->sign, both);
    memcpy(out->key, both + KEY_BYTES, sizeof out->key);
    wipe(both, sizeof both);
}

void rendezvous_make(struct rendezvous *out, const uint8_t secret[RENDEZVOUS_SECRET],
                     const uint8_t author[KEY_BYTES], uint64_t epoch)
{
    uint8_t number[8];
    struct cursor at = cursor_into(number, sizeof number);
    cursor_put_u64(&at, epoch);
    struct bytes parts[] = { { author, KEY_BYTES }, BYTES_OF(number) };
    make(out, secret, "ramage/pair/place/v1", parts, COUNT(parts));
}

void rendezvous_spoken(struct rendezvous *out, const uint8_t secret[RENDEZVOUS_SECRET], bool host)
{
    uint8_t role = host;
    make(out, secret, "ramage/words/place/v1", &(struct bytes){ &role, 1 }, 1);
}

void rendezvous_invited(uint8_t out[RENDEZVOUS_SECRET], const struct card *invitation)
{
    hash_parts(out, RENDEZVOUS_SECRET, (struct bytes){ invitation->secret, CARD_SECRET_BYTES },
               "ramage/invitation/pair/v1", &(struct bytes){ invitation->account, KEY_BYTES }, 1);
}

void invited_mark(uint8_t out[8], const uint8_t secret[RENDEZVOUS_SECRET],
                  const uint8_t guest[KEY_BYTES])
{
    uint8_t hash[HASH_BYTES];
    hash_parts(hash, sizeof hash, (struct bytes){ secret, RENDEZVOUS_SECRET },
               "ramage/invitation/guest/v1", &(struct bytes){ guest, KEY_BYTES }, 1);
    memcpy(out, hash, 8);
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

static void put_invited(struct cursor *out, const struct invited *invited)
{
    size_t size = strlen(invited->name);
    assert(size <= RENDEZVOUS_NAME);
    cursor_put_u8(out, (uint8_t)invited->state);
    cursor_put(out, invited->mark, sizeof invited->mark);
    cursor_put_u8(out, (uint8_t)size);
    cursor_put(out, invited->name, size);
}

/* The name is for the caller to judge, as any text of a peer. */
static bool take_invited(struct cursor *in, struct invited *out)
{
    uint8_t state = INVITED_STATES, size = 0;
    *out = (struct invited){ .state = INVITED_OPEN };
    bool good = cursor_take_u8(in, &state) && state < INVITED_STATES &&
                cursor_take(in, out->mark, sizeof out->mark) && cursor_take_u8(in, &size) &&
                size <= RENDEZVOUS_NAME && cursor_take(in, out->name, size) &&
                memchr(out->name, '\0', size) == NULL;
    out->state = (enum invited_state)state;
    return good && (is_zero(BYTES_OF(out->mark)) == (state != INVITED_TAKEN));
}

/* --- under spoken words ------------------------------------------------------------------------
 */

static void seal(uint8_t out[RENDEZVOUS_VALUE], const struct rendezvous *place,
                 uint8_t plain[PLAIN_BYTES], struct rng *rng)
{
    memcpy(out, FRAME, FRAME_BYTES);
    sealed_write(out + FRAME_BYTES, place->key, (struct bytes){ plain, PLAIN_BYTES },
                 BYTES_OF(place->sign.public), rng);
    wipe(plain, PLAIN_BYTES);
}

static bool open_value(uint8_t plain[PLAIN_BYTES], const struct rendezvous *place,
                       struct bytes value)
{
    if (value.size != RENDEZVOUS_VALUE || memcmp(value.data, FRAME, FRAME_BYTES) != 0)
        return false;
    struct bytes sealed = { value.data + FRAME_BYTES, value.size - FRAME_BYTES };
    return sealed_read(plain, place->key, sealed, BYTES_OF(place->sign.public));
}

void spoken_record_write(uint8_t out[RENDEZVOUS_VALUE], const struct rendezvous *place,
                         const struct spoken_record *record, struct rng *rng)
{
    uint8_t plain[PLAIN_BYTES] = { 0 };
    struct cursor at = cursor_into(plain, sizeof plain);
    cursor_put_u8(&at, record->host ? HOST : GUEST);
    cursor_put(&at, record->element, sizeof record->element);
    if (record->host)
        cursor_put(&at, record->sealed, sizeof record->sealed);
    assert(cursor_good(&at));
    seal(out, place, plain, rng);
}

enum fault spoken_record_read(struct spoken_record *out, const struct rendezvous *place,
                              struct bytes value)
{
    uint8_t plain[PLAIN_BYTES], version = 0;
    struct bytes rest;
    struct cursor in = cursor_over(BYTES_OF(plain));
    bool good = open_value(plain, place, value);
    *out = (struct spoken_record){ .host = false };
    if (good) {
        cursor_take_u8(&in, &version);
        cursor_take(&in, out->element, sizeof out->element);
        out->host = version == HOST;
        if (out->host)
            cursor_take(&in, out->sealed, sizeof out->sealed);
        good = (version == GUEST || version == HOST) && cursor_view(&in, cursor_left(&in), &rest) &&
               is_zero(rest);
    }
    wipe(plain, sizeof plain);
    return good ? FAULT_NONE : FAULT_PEER;
}

/* --- of a pair ---------------------------------------------------------------------------------
 */

void pair_record_write(uint8_t out[RENDEZVOUS_VALUE], const struct rendezvous *place,
                       const struct pair_record *record, struct rng *rng)
{
    uint8_t plain[PLAIN_BYTES] = { 0 };
    struct cursor at = cursor_into(plain, sizeof plain);
    cursor_put_u8(&at, record->at_invitation ? INVITED : PAIR);
    list_head_write(&at, &record->head);
    cursor_put(&at, record->certificate, sizeof record->certificate);
    if (record->at_invitation)
        put_invited(&at, &record->invited);
    assert(record->at_count <= RENDEZVOUS_ADDRESSES);
    cursor_put_u8(&at, record->ports_change);
    cursor_put_u8(&at, (uint8_t)record->at_count);
    for (size_t i = 0; i < record->at_count; i++)
        put_address(&at, &record->at[i]);
    assert(cursor_good(&at));
    seal(out, place, plain, rng);
}

static bool read_plain(struct pair_record *out, struct bytes plain)
{
    struct cursor in = cursor_over(plain);
    struct bytes rest;
    uint8_t version = 0, ports = 0, count = 0;
    cursor_take_u8(&in, &version);
    bool headed = list_head_read(&in, &out->head);
    cursor_take(&in, out->certificate, sizeof out->certificate);
    out->at_invitation = version == INVITED;
    if (!headed || (version != PAIR && version != INVITED) ||
        (version == INVITED && !take_invited(&in, &out->invited)))
        return false;
    cursor_take_u8(&in, &ports);
    cursor_take_u8(&in, &count);
    if (ports > 1 || count > RENDEZVOUS_ADDRESSES)
        return false;
    out->ports_change = ports == 1;
    for (out->at_count = 0; out->at_count < count; out->at_count++)
        if (!take_address(&in, &out->at[out->at_count]))
            return false;
    return cursor_view(&in, cursor_left(&in), &rest) && is_zero(rest) && cursor_done(&in);
}

enum fault pair_record_read(struct pair_record *out, const struct rendezvous *place,
                            struct bytes value)
{
    uint8_t plain[PLAIN_BYTES];
    bool good = open_value(plain, place, value) && read_plain(out, BYTES_OF(plain));
    wipe(plain, sizeof plain);
    return good ? FAULT_NONE : FAULT_PEER;
}
