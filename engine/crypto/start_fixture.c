#include "engine/crypto/start_fixture.h"

#include "engine/crypto/aead.h"
#include "engine/crypto/kdf.h"

#include <assert.h>
#include <string.h>

/* --- people ----------------------------------------------------------------------------------- */

void person_sign(struct person *person)
{
    person->list_size = devices_write(person->list_wire, &person->list, &person->account);
    devices_head(&person->head, &person->list,
                 (struct bytes){ person->list_wire, person->list_size });
    person->bundle.head = person->head;
    bundle_write(person->bundle_wire, &person->bundle, &person->device);
}

void person_make(struct person *person, struct rng *rng)
{
    *person = (struct person){ .list = { .counter = 1, .valid_until = 20090, .device_count = 1 },
                               .bundle = { .kind = BUNDLE_LAST_RESORT, .sequence = 1 } };
    struct device_entry *entry = &person->list.devices[0];
    sign_pair_make(&person->account, rng);
    sign_pair_make(&person->device, rng);
    dh_pair_make(&person->dh, rng);
    bundle_secrets_make(&person->secrets, rng);
    rng_fill(rng, person->bundle.id, BUNDLE_ID_BYTES);
    memcpy(person->list.account, person->account.public, KEY_BYTES);
    memcpy(entry->device, person->device.public, KEY_BYTES);
    memcpy(entry->dh, person->dh.public, KEY_BYTES);
    devices_name_hash(entry->name_hash, entry->device, "laptop");
    entry->since = 20000;
    memcpy(person->bundle.account, person->account.public, KEY_BYTES);
    memcpy(person->bundle.device, person->device.public, KEY_BYTES);
    memcpy(person->bundle.dh, person->secrets.dh.public, KEY_BYTES);
    memcpy(person->bundle.kem, person->secrets.kem.public, MLKEM_PUBLIC_BYTES);
    person->bundle.made_ms = 5;
    person_sign(person);
}

struct start_claim person_claim(const struct person *self, const struct person *other)
{
    struct start_claim claim = { .rank = 9,
                                 .theirs = other->head,
                                 .list = { self->list_wire, self->list_size } };
    memcpy(claim.account, self->account.public, KEY_BYTES);
    memcpy(claim.device, self->device.public, KEY_BYTES);
    return claim;
}

enum fault person_hears(struct heard *heard, const struct person *person, struct bytes message)
{
    return start_read(message, heard->memory, &heard->secrets, &heard->claim, &heard->list,
                      &person->dh, &person->secrets, BYTES_OF(person->bundle_wire), NULL);
}

/* --- the handshake, step by step -------------------------------------------------------------- */

void spelling_honest(struct spelling *out, const struct person *from, const struct person *to,
                     const struct start_claim *claim, struct rng *rng)
{
    struct dh_pair e;
    struct heard heard;
    struct session_secrets secrets;
    uint8_t message[START_LARGE_BYTES];
    size_t size;
    enum fault fault = start_write(message, &size, &secrets, claim, &from->dh, to->dh.public,
                                   BYTES_OF(to->bundle_wire), rng);
    assert(fault == FAULT_NONE);
    fault = person_hears(&heard, to, (struct bytes){ message, size });
    assert(fault == FAULT_NONE); /* and what it says stands in heard.memory */
    *out = (struct spelling){ .suite = 1, .to = to, .bundle = BYTES_OF(to->bundle_wire) };
    dh_pair_make(&e, rng);
    memcpy(out->e, e.public, KEY_BYTES);
    memcpy(out->s, from->dh.public, KEY_BYTES);
    fault |= dh_agree(out->ee, e.secret, to->secrets.dh.public);
    fault |= dh_agree(out->es, e.secret, to->dh.public);
    fault |= dh_agree(out->se, from->dh.secret, to->secrets.dh.public);
    assert(fault == FAULT_NONE);
    mlkem_encapsulate(out->cipher, out->kem_shared, to->secrets.kem.public, rng);
    out->payload_size = size - (START_SMALL_BYTES - 640);
    memcpy(out->payload, heard.memory, out->payload_size);
}

/* Noise's symmetric state: sections 5.1 and 5.2, with every key used once. */
struct symmetric {
    uint8_t ck[64], h[64], key[32];
};

static void mix_hash(struct symmetric *state, struct bytes data)
{
    struct bytes parts[] = { BYTES_OF(state->h), data };
    kdf_blake2b.digest(state->h, parts, COUNT(parts));
}

static void mix_key(struct symmetric *state, const uint8_t shared[32])
{
    uint8_t temporary[64], out[128];
    kdf_extract(&kdf_blake2b, temporary, BYTES_OF(state->ck), (struct bytes){ shared, 32 });
    kdf_expand(&kdf_blake2b, out, sizeof out, BYTES_OF(temporary), (struct bytes){ 0 });
    memcpy(state->ck, out, 64);
    memcpy(state->key, out + 64, 32);
}

static void seal(struct symmetric *state, struct bytes text, struct cursor *out)
{
    static const uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t sealed[START_LARGE_BYTES];
    assert(text.size + AEAD_TAG_BYTES <= sizeof sealed);
    aead_seal_once(sealed, state->key, nonce, text, BYTES_OF(state->h));
    mix_hash(state, (struct bytes){ sealed, text.size + AEAD_TAG_BYTES });
    cursor_put(out, sealed, text.size + AEAD_TAG_BYTES);
}

static void begin(struct symmetric *state, const struct spelling *spelling)
{
    static const char name[] = "Noise_start_25519+MLKEM768_ChaChaPoly_BLAKE2b";
    uint8_t prologue[1 + 17 + 1 + HASH_BYTES] = "\021ramage/session/v1";
    *state = (struct symmetric){ 0 };
    memcpy(state->h, name, sizeof name);
    memcpy(state->ck, state->h, sizeof state->h);
    prologue[18] = spelling->suite;
    bundle_hash(prologue + 19, spelling->bundle);
    mix_hash(state, BYTES_OF(prologue));
    mix_hash(state, BYTES_OF(spelling->to->dh.public));
    mix_hash(state, BYTES_OF(spelling->to->secrets.dh.public));
    mix_hash(state, BYTES_OF(spelling->to->secrets.kem.public));
}

size_t spelling_write(uint8_t out[START_LARGE_BYTES], const struct spelling *spelling)
{
    struct symmetric state;
    struct cursor at = cursor_into(out, START_LARGE_BYTES);
    begin(&state, spelling);
    cursor_put(&at, spelling->e, KEY_BYTES);
    mix_hash(&state, BYTES_OF(spelling->e));
    mix_key(&state, spelling->ee);
    if (!spelling->without_kem) {
        seal(&state, BYTES_OF(spelling->cipher), &at);
        mix_key(&state, spelling->kem_shared);
    }
    mix_key(&state, spelling->es);
    seal(&state, BYTES_OF(spelling->s), &at);
    mix_key(&state, spelling->se);
    seal(&state, (struct bytes){ spelling->payload, spelling->payload_size }, &at);
    assert(cursor_good(&at));
    return cursor_written(&at).size;
}
