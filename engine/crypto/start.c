#include "engine/crypto/start.h"

#include "base/mem.h"
#include "engine/crypto/noise.h"

#include <assert.h>
#include <string.h>

#define START_VERSION       1
#define START_SUITE         1
#define PROLOGUE_LABEL      "ramage/session/v1"
#define PROLOGUE_BYTES      (1 + sizeof PROLOGUE_LABEL - 1 + 1 + HASH_BYTES)
#define SMALL_PAYLOAD_BYTES 640
#define LARGE_PAYLOAD_BYTES 2560

/* What the handshake adds: e, the sealed ciphertext, the sealed static key, the payload's tag. */
#define OVERHEAD_BYTES (32 + 1088 + 16 + 32 + 16 + 16)
_Static_assert(SMALL_PAYLOAD_BYTES + OVERHEAD_BYTES == START_SMALL_BYTES &&
                   LARGE_PAYLOAD_BYTES + OVERHEAD_BYTES == START_LARGE_BYTES,
               "a start has one of two sizes");
_Static_assert(1 + 32 + 32 + 8 + START_TOKEN_BYTES + LIST_HEAD_BYTES + 1 +
                       START_KEPT_MAX * SESSION_ID_BYTES + 2 + DEVICES_MAX_BYTES <=
                   LARGE_PAYLOAD_BYTES,
               "every claim fits");

/* --- what the initiator says of itself -------------------------------------------------------- */

/* Returns the payload's size: the claim and zeros. */
static size_t write_claim(uint8_t out[LARGE_PAYLOAD_BYTES], const struct start_claim *claim)
{
    struct cursor at = cursor_into(out, LARGE_PAYLOAD_BYTES);
    assert(claim->kept_count <= START_KEPT_MAX && claim->list.size <= DEVICES_MAX_BYTES);
    memset(out, 0, LARGE_PAYLOAD_BYTES);
    cursor_put_u8(&at, START_VERSION);
    cursor_put(&at, claim->account, KEY_BYTES);
    cursor_put(&at, claim->device, KEY_BYTES);
    cursor_put_u64(&at, claim->rank);
    cursor_put(&at, claim->token, START_TOKEN_BYTES);
    list_head_write(&at, &claim->theirs);
    cursor_put_u8(&at, (uint8_t)claim->kept_count);
    cursor_put(&at, claim->kept, claim->kept_count * SESSION_ID_BYTES);
    cursor_put_u16_bytes(&at, claim->list);
    assert(cursor_good(&at));
    return at.at <= SMALL_PAYLOAD_BYTES ? SMALL_PAYLOAD_BYTES : LARGE_PAYLOAD_BYTES;
}

static bool rest_is_zero(struct cursor *in)
{
    struct bytes rest;
    uint8_t any = 0;
    cursor_view(in, cursor_left(in), &rest);
    for (size_t i = 0; i < rest.size; i++)
        any |= rest.data[i];
    return any == 0;
}

static bool read_claim(struct bytes payload, struct start_claim *out)
{
    struct cursor in = cursor_over(payload);
    uint8_t version, count;
    cursor_take_u8(&in, &version);
    cursor_take(&in, out->account, KEY_BYTES);
    cursor_take(&in, out->device, KEY_BYTES);
    cursor_take_u64(&in, &out->rank);
    cursor_take(&in, out->token, START_TOKEN_BYTES);
    if (!list_head_read(&in, &out->theirs) || version != START_VERSION ||
        !cursor_take_u8(&in, &count) || count > START_KEPT_MAX)
        return false;
    out->kept_count = count;
    cursor_take(&in, out->kept, count * SESSION_ID_BYTES);
    if (!cursor_view_u16(&in, DEVICES_MAX_BYTES, &out->list))
        return false;
    bool needs_large = in.at > SMALL_PAYLOAD_BYTES;
    return needs_large == (payload.size == LARGE_PAYLOAD_BYTES) && rest_is_zero(&in);
}

/* The account signed that this device is its own and has the DH key that the handshake proved. */
static bool list_bears_out(struct devices *list, const struct start_claim *claim,
                           const uint8_t proven_dh[KEY_BYTES])
{
    if (devices_read(list, claim->list) != FAULT_NONE)
        return false;
    const struct device_entry *entry = devices_find(list, claim->device);
    return memcmp(list->account, claim->account, KEY_BYTES) == 0 && entry != NULL &&
           memcmp(entry->dh, proven_dh, KEY_BYTES) == 0;
}

/* --- the handshake ---------------------------------------------------------------------------- */

/* The bundle's hash stands for whose it is, of which kind, and every key in it with its type. */
static struct noise *handshake(bool initiator, struct bytes bundle_wire,
                               const struct noise_keys *keys, struct rng *rng)
{
    uint8_t prologue[PROLOGUE_BYTES], hash[HASH_BYTES];
    struct cursor at = cursor_into(prologue, sizeof prologue);
    struct bytes label = bytes_of_text(PROLOGUE_LABEL);
    bundle_hash(hash, bundle_wire);
    cursor_put_u8(&at, (uint8_t)label.size);
    cursor_put_bytes(&at, label);
    cursor_put_u8(&at, START_SUITE);
    cursor_put(&at, hash, sizeof hash);
    assert(cursor_written(&at).size == sizeof prologue);
    return noise_create(noise_pattern("start"), &kdf_blake2b, initiator, BYTES_OF(prologue), keys,
                        rng);
}

static void derive(struct session_secrets *out, const struct noise *noise)
{
    uint8_t keys[6][32];
    struct bytes h = noise_handshake_hash(noise);
    noise_export(noise, "ramage/session/keys/v1", keys[0], sizeof keys);
    hash_parts(out->id, SESSION_ID_BYTES, (struct bytes){ 0 }, "ramage/session/id/v1", &h, 1);
    memcpy(out->root, keys[0], 32);
    memcpy(out->header_initiator, keys[1], 32);
    memcpy(out->next_header_recipient, keys[2], 32);
    memcpy(out->exporter, keys[3], 32);
    memcpy(out->psk, keys[4], 32);
    memcpy(out->pair, keys[5], 32);
    wipe(keys, sizeof keys);
}

enum fault start_write(uint8_t out[START_LARGE_BYTES], size_t *size,
                       struct session_secrets *secrets, const struct start_claim *claim,
                       const struct dh_pair *our_dh, const uint8_t their_dh[KEY_BYTES],
                       struct bytes bundle_wire, struct rng *rng)
{
    struct bundle bundle;
    uint8_t payload[LARGE_PAYLOAD_BYTES];
    struct cursor at = cursor_into(out, START_LARGE_BYTES);
    if (bundle_read(&bundle, bundle_wire) != FAULT_NONE)
        return FAULT_PEER;
    struct noise_keys keys = {
        .ours = our_dh,
        .theirs = their_dh,
        .their_prekey = bundle.dh,
        .their_kem_prekey = bundle.kem,
    };
    struct noise *noise = handshake(true, bundle_wire, &keys, rng);
    size_t payload_size = write_claim(payload, claim);
    enum fault fault = noise_write(noise, (struct bytes){ payload, payload_size }, &at);
    if (fault == FAULT_NONE) {
        derive(secrets, noise);
        *size = cursor_written(&at).size;
    }
    wipe(payload, sizeof payload);
    noise_destroy(noise);
    return fault;
}

enum fault start_read(struct bytes message, uint8_t memory[START_LARGE_BYTES],
                      struct session_secrets *secrets, struct start_claim *claim,
                      struct devices *list, const struct dh_pair *our_dh,
                      const struct bundle_secrets *bundle, struct bytes bundle_wire,
                      struct rng *rng)
{
    enum fault fault = FAULT_PEER;
    struct start_claim said = { 0 };
    struct devices theirs;
    size_t size;
    if (message.size != START_SMALL_BYTES && message.size != START_LARGE_BYTES)
        return FAULT_PEER;
    struct noise_keys keys = {
        .ours = our_dh,
        .our_prekey = &bundle->dh,
        .our_kem_prekey = &bundle->kem,
    };
    struct noise *noise = handshake(false, bundle_wire, &keys, rng);
    if (noise_read(noise, message, memory, &size) != FAULT_NONE ||
        !read_claim((struct bytes){ memory, size }, &said) ||
        !list_bears_out(&theirs, &said, noise_their_static(noise)))
        goto out;
    derive(secrets, noise);
    *claim = said;
    *list = theirs;
    fault = FAULT_NONE;
out:
    if (fault != FAULT_NONE)
        wipe(memory, START_LARGE_BYTES);
    noise_destroy(noise);
    return fault;
}

/* --- names ------------------------------------------------------------------------------------ */

void start_seen_hash(uint8_t out[HASH_BYTES], struct bytes message)
{
    hash_parts(out, HASH_BYTES, (struct bytes){ 0 }, "ramage/session/seen/v1", &message, 1);
}

static void short_id(uint8_t out[8], const char *label, const uint8_t secret[32])
{
    uint8_t hash[HASH_BYTES];
    struct bytes part = { secret, 32 };
    hash_parts(hash, sizeof hash, (struct bytes){ 0 }, label, &part, 1);
    memcpy(out, hash, 8);
}

void psk_id(uint8_t out[PSK_ID_BYTES], const uint8_t psk[32])
{
    short_id(out, "ramage/session/psk id/v1", psk);
}

void pair_id(uint8_t out[8], const uint8_t pair[32])
{
    short_id(out, "ramage/pair/id/v1", pair);
}
