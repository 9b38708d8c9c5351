#include "engine/crypto/bundle.h"

#include <assert.h>
#include <string.h>

#define BUNDLE_VERSION 1
#define BUNDLE_SUITE   1
#define LABEL          "ramage/bundle/v1"

/* What stands before each key, so that neither can be read as the other. */
enum key_type { KEY_X25519 = 1, KEY_MLKEM768 = 2 };

void bundle_secrets_make(struct bundle_secrets *out, struct rng *rng)
{
    dh_pair_make(&out->dh, rng);
    mlkem_pair_make(&out->kem, rng);
}

static bool is_zero(const uint8_t id[BUNDLE_ID_BYTES])
{
    static const uint8_t zero[BUNDLE_ID_BYTES];
    return memcmp(id, zero, BUNDLE_ID_BYTES) == 0;
}

/* What the fields must keep among themselves; the keys are judged after the signature. */
static bool rules_are_kept(const struct bundle *bundle)
{
    return (bundle->kind == BUNDLE_LAST_RESORT || bundle->kind == BUNDLE_ONE_TIME) &&
           memcmp(bundle->account, bundle->device, KEY_BYTES) != 0 && bundle->head.counter > 0 &&
           !is_zero(bundle->id);
}

void bundle_write(uint8_t out[BUNDLE_BYTES], const struct bundle *bundle,
                  const struct sign_pair *device)
{
    uint8_t signature[SIGNATURE_BYTES];
    struct cursor at = cursor_into(out, BUNDLE_BYTES);
    assert(rules_are_kept(bundle) && memcmp(bundle->device, device->public, KEY_BYTES) == 0);
    cursor_put_u8(&at, BUNDLE_VERSION);
    cursor_put_u8(&at, BUNDLE_SUITE);
    cursor_put_u8(&at, (uint8_t)bundle->kind);
    cursor_put(&at, bundle->account, KEY_BYTES);
    cursor_put(&at, bundle->device, KEY_BYTES);
    list_head_write(&at, &bundle->head);
    cursor_put(&at, bundle->id, BUNDLE_ID_BYTES);
    cursor_put_u64(&at, bundle->sequence);
    cursor_put_u64(&at, bundle->made_ms);
    cursor_put_u8(&at, KEY_X25519);
    cursor_put(&at, bundle->dh, KEY_BYTES);
    cursor_put_u8(&at, KEY_MLKEM768);
    cursor_put(&at, bundle->kem, MLKEM_PUBLIC_BYTES);
    sign(signature, device, LABEL, cursor_written(&at));
    cursor_put(&at, signature, sizeof signature);
    assert(cursor_written(&at).size == BUNDLE_BYTES);
}

/* All before the signature; false: not in the form of this version and suite. */
static bool take_fields(struct cursor *in, struct bundle *out)
{
    uint8_t version, suite, kind, dh_type, kem_type;
    cursor_take_u8(in, &version);
    cursor_take_u8(in, &suite);
    cursor_take_u8(in, &kind);
    cursor_take(in, out->account, KEY_BYTES);
    cursor_take(in, out->device, KEY_BYTES);
    if (!list_head_read(in, &out->head))
        return false;
    cursor_take(in, out->id, BUNDLE_ID_BYTES);
    cursor_take_u64(in, &out->sequence);
    cursor_take_u64(in, &out->made_ms);
    cursor_take_u8(in, &dh_type);
    cursor_take(in, out->dh, KEY_BYTES);
    cursor_take_u8(in, &kem_type);
    cursor_take(in, out->kem, MLKEM_PUBLIC_BYTES);
    if (!cursor_good(in))
        return false;
    out->kind = kind;
    return version == BUNDLE_VERSION && suite == BUNDLE_SUITE && dh_type == KEY_X25519 &&
           kem_type == KEY_MLKEM768 && rules_are_kept(out);
}

enum fault bundle_read(struct bundle *out, struct bytes wire)
{
    struct bundle read;
    uint8_t signature[SIGNATURE_BYTES];
    struct cursor in = cursor_over(wire);
    if (!take_fields(&in, &read))
        return FAULT_PEER;
    struct bytes part = { wire.data, in.at };
    cursor_take(&in, signature, sizeof signature);
    if (!cursor_done(&in) || sign_check(signature, read.device, LABEL, part) != FAULT_NONE ||
        !sign_public_good(read.account) || !dh_public_good(read.dh) || !mlkem_public_good(read.kem))
        return FAULT_PEER;
    *out = read;
    return FAULT_NONE;
}

void bundle_hash(uint8_t out[HASH_BYTES], struct bytes wire)
{
    hash_parts(out, HASH_BYTES, (struct bytes){ 0 }, "ramage/bundle/hash/v1", &wire, 1);
}
