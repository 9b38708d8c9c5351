#include "engine/crypto/noise.h"

#include "base/mem.h"
#include "base/secret.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/noise_patterns.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Noise's HKDF (section 4.3) is that of RFC 5869 with the chaining key for salt and no info. */
static void hkdf(const struct kdf_hash *hash, const uint8_t *chaining_key, struct bytes input,
                 size_t count, uint8_t *out)
{
    uint8_t temporary[KDF_HASH_MAX_BYTES];
    kdf_extract(hash, temporary, (struct bytes){ chaining_key, hash->size }, input);
    kdf_expand(hash, out, count * hash->size, (struct bytes){ temporary, hash->size },
               (struct bytes){ 0 });
    wipe(temporary, sizeof temporary);
}

/* --- the state -------------------------------------------------------------------------------- */

/* Everything a message may change, so that one copy undoes a message that failed. */
struct state {
    uint8_t chaining_key[KDF_HASH_MAX_BYTES];
    uint8_t hash[KDF_HASH_MAX_BYTES];
    uint8_t key[AEAD_KEY_BYTES];
    uint64_t nonce;
    bool keyed;
    struct dh_pair e;
    uint8_t their_e[KEY_BYTES], their_s[KEY_BYTES];
    uint8_t e1_seed[MLKEM_SEED_BYTES]; /* of our own e1 */
    bool has_e, has_their_e, has_their_s, has_e1, has_their_e1;
    size_t message, psks_used;
};

struct noise {
    const struct noise_pattern *pattern;
    const struct kdf_hash *function;
    struct rng *rng;
    struct dh_pair s, fixed_e;
    const uint8_t *kem_seed, *kem_luck; /* as in noise_keys */
    bool initiator, has_s, fixed, with_psk;
    /* Not in `state`, which would be four times as large to copy: it is written once, and is zero
       while state.has_their_e1 is false. */
    uint8_t their_e1[MLKEM_PUBLIC_BYTES];
    uint8_t psks[NOISE_PSKS][NOISE_PSK_BYTES];
    bool has_psk[NOISE_PSKS];
    struct state state;
};

static void mix_hash(struct noise *noise, struct bytes data)
{
    struct state *state = &noise->state;
    struct bytes parts[2] = { { state->hash, noise->function->size }, data };
    noise->function->digest(state->hash, parts, 2);
}

static void mix_key(struct noise *noise, struct bytes input)
{
    uint8_t out[2 * KDF_HASH_MAX_BYTES];
    size_t size = noise->function->size;
    struct state *state = &noise->state;
    hkdf(noise->function, state->chaining_key, input, 2, out);
    memcpy(state->chaining_key, out, size);
    memcpy(state->key, out + size, sizeof state->key);
    state->nonce = 0;
    state->keyed = true;
    wipe(out, sizeof out);
}

static void mix_key_and_hash(struct noise *noise, struct bytes input)
{
    uint8_t out[3 * KDF_HASH_MAX_BYTES];
    size_t size = noise->function->size;
    struct state *state = &noise->state;
    hkdf(noise->function, state->chaining_key, input, 3, out);
    memcpy(state->chaining_key, out, size);
    mix_hash(noise, (struct bytes){ out + size, size });
    memcpy(state->key, out + 2 * size, sizeof state->key);
    state->nonce = 0;
    state->keyed = true;
    wipe(out, sizeof out);
}

/* ChaChaPoly's nonce: 32 zero bits, then the counter in little-endian (section 12.3). */
static void nonce_bytes(uint8_t out[AEAD_NONCE_BYTES], uint64_t nonce)
{
    memset(out, 0, AEAD_NONCE_BYTES);
    for (size_t i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(nonce >> 8 * i);
}

/* Whoever writes has asked for the room before. */
static void encrypt_and_hash(struct noise *noise, struct bytes text, struct cursor *out)
{
    struct state *state = &noise->state;
    uint8_t nonce[AEAD_NONCE_BYTES];
    size_t size = text.size + (state->keyed ? AEAD_TAG_BYTES : 0), at = out->at;
    assert(cursor_left(out) >= size);
    if (state->keyed) {
        nonce_bytes(nonce, state->nonce++);
        aead_seal_once(out->write + at, state->key, nonce, text,
                       (struct bytes){ state->hash, noise->function->size });
        out->at += size;
    } else {
        cursor_put_bytes(out, text);
    }
    mix_hash(noise, (struct bytes){ out->read + at, size });
}

static bool decrypt_and_hash(struct noise *noise, struct bytes sealed, uint8_t *out)
{
    struct state *state = &noise->state;
    uint8_t nonce[AEAD_NONCE_BYTES];
    if (state->keyed) {
        nonce_bytes(nonce, state->nonce);
        if (!aead_open_once(out, state->key, nonce, sealed,
                            (struct bytes){ state->hash, noise->function->size }))
            return false;
        state->nonce++;
    } else if (sealed.size > 0) {
        memcpy(out, sealed.data, sealed.size);
    }
    mix_hash(noise, sealed);
    return true;
}

/* --- tokens ----------------------------------------------------------------------------------- */

/* With a psk in the pattern, every e is also mixed into the key (section 9.2). */
static void mix_ephemeral(struct noise *noise, const uint8_t public[KEY_BYTES])
{
    mix_hash(noise, (struct bytes){ public, KEY_BYTES });
    if (noise->with_psk)
        mix_key(noise, (struct bytes){ public, KEY_BYTES });
}

static enum fault mix_dh(struct noise *noise, enum token token)
{
    struct state *state = &noise->state;
    uint8_t shared[KEY_BYTES];
    /* The first letter is the initiator's key, the second the responder's. */
    bool first_is_e = token == EE || token == ES, second_is_e = token == EE || token == SE;
    bool mine_is_e = noise->initiator ? first_is_e : second_is_e;
    bool theirs_is_e = noise->initiator ? second_is_e : first_is_e;
    assert(mine_is_e ? state->has_e : noise->has_s);
    assert(theirs_is_e ? state->has_their_e : state->has_their_s);
    enum fault fault = dh_agree(shared, mine_is_e ? state->e.secret : noise->s.secret,
                                theirs_is_e ? state->their_e : state->their_s);
    if (fault == FAULT_NONE)
        mix_key(noise, (struct bytes){ shared, sizeof shared });
    wipe(shared, sizeof shared);
    return fault;
}

static void mix_psk(struct noise *noise)
{
    size_t index = noise->state.psks_used++;
    assert(index < NOISE_PSKS && noise->has_psk[index]);
    mix_key_and_hash(noise, (struct bytes){ noise->psks[index], NOISE_PSK_BYTES });
}

static enum fault write_e(struct noise *noise, struct cursor *out)
{
    struct state *state = &noise->state;
    if (noise->fixed)
        state->e = noise->fixed_e;
    else
        dh_pair_make(&state->e, noise->rng);
    state->has_e = true;
    cursor_put(out, state->e.public, KEY_BYTES);
    mix_ephemeral(noise, state->e.public);
    return FAULT_NONE;
}

static enum fault write_s(struct noise *noise, struct cursor *out)
{
    assert(noise->has_s);
    encrypt_and_hash(noise, (struct bytes){ noise->s.public, KEY_BYTES }, out);
    return FAULT_NONE;
}

static enum fault write_e1(struct noise *noise, struct cursor *out)
{
    struct state *state = &noise->state;
    struct mlkem_pair pair;
    if (noise->kem_seed != NULL)
        mlkem_pair_from_seed(&pair, noise->kem_seed);
    else
        mlkem_pair_make(&pair, noise->rng);
    memcpy(state->e1_seed, pair.seed, sizeof pair.seed);
    state->has_e1 = true;
    encrypt_and_hash(noise, BYTES_OF(pair.public), out);
    wipe(&pair, sizeof pair);
    return FAULT_NONE;
}

/* One that arrived has been judged; one from a pre-message is judged here. */
static enum fault write_ekem1(struct noise *noise, struct cursor *out)
{
    uint8_t cipher[MLKEM_CIPHER_BYTES], shared[MLKEM_SHARED_BYTES];
    assert(noise->state.has_their_e1);
    if (!mlkem_public_good(noise->their_e1))
        return FAULT_PEER;
    if (noise->kem_luck != NULL)
        mlkem_encapsulate_with(cipher, shared, noise->their_e1, noise->kem_luck);
    else
        mlkem_encapsulate(cipher, shared, noise->their_e1, noise->rng);
    encrypt_and_hash(noise, BYTES_OF(cipher), out);
    mix_key(noise, BYTES_OF(shared));
    wipe(shared, sizeof shared);
    return FAULT_NONE;
}

/* What both sides do alike, with nothing on the wire. */
static enum fault mix_token(struct noise *noise, enum token token)
{
    if (token != PSK)
        return mix_dh(noise, token);
    mix_psk(noise);
    return FAULT_NONE;
}

static enum fault write_token(struct noise *noise, enum token token, struct cursor *out)
{
    switch (token) {
    case E:
        return write_e(noise, out);
    case S:
        return write_s(noise, out);
    case E1:
        return write_e1(noise, out);
    case EKEM1:
        return write_ekem1(noise, out);
    default:
        return mix_token(noise, token);
    }
}

static enum fault read_e(struct noise *noise, struct cursor *in)
{
    struct state *state = &noise->state;
    if (!cursor_take(in, state->their_e, KEY_BYTES) || !dh_public_good(state->their_e))
        return FAULT_PEER;
    state->has_their_e = true;
    mix_ephemeral(noise, state->their_e);
    return FAULT_NONE;
}

/* Reads what encrypt_and_hash wrote of `size` bytes. */
static bool take_sealed(struct noise *noise, struct cursor *in, uint8_t *out, size_t size)
{
    struct bytes sealed;
    return cursor_view(in, size + (noise->state.keyed ? AEAD_TAG_BYTES : 0), &sealed) &&
           decrypt_and_hash(noise, sealed, out);
}

static enum fault read_s(struct noise *noise, struct cursor *in)
{
    struct state *state = &noise->state;
    if (!take_sealed(noise, in, state->their_s, KEY_BYTES) || !dh_public_good(state->their_s))
        return FAULT_PEER;
    state->has_their_s = true;
    return FAULT_NONE;
}

static enum fault read_e1(struct noise *noise, struct cursor *in)
{
    if (!take_sealed(noise, in, noise->their_e1, MLKEM_PUBLIC_BYTES) ||
        !mlkem_public_good(noise->their_e1))
        return FAULT_PEER;
    noise->state.has_their_e1 = true;
    return FAULT_NONE;
}

static enum fault read_ekem1(struct noise *noise, struct cursor *in)
{
    uint8_t cipher[MLKEM_CIPHER_BYTES], shared[MLKEM_SHARED_BYTES];
    assert(noise->state.has_e1);
    if (!take_sealed(noise, in, cipher, sizeof cipher))
        return FAULT_PEER;
    mlkem_decapsulate(shared, noise->state.e1_seed, cipher);
    mix_key(noise, BYTES_OF(shared));
    wipe(shared, sizeof shared);
    return FAULT_NONE;
}

static enum fault read_token(struct noise *noise, enum token token, struct cursor *in)
{
    switch (token) {
    case E:
        return read_e(noise, in);
    case S:
        return read_s(noise, in);
    case E1:
        return read_e1(noise, in);
    case EKEM1:
        return read_ekem1(noise, in);
    default:
        return mix_token(noise, token);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

static void start_hash(struct noise *noise, struct bytes prologue)
{
    char name[64];
    struct state *state = &noise->state;
    const char *kem = noise_pattern_has(noise->pattern, EKEM1) ? "+MLKEM768" : "";
    int size = snprintf(name, sizeof name, "Noise_%s_25519%s_ChaChaPoly_%s", noise->pattern->name,
                        kem, noise->function->name);
    assert(size > 0 && (size_t)size < sizeof name);
    struct bytes text = bytes_of_text(name);
    if (text.size <= noise->function->size)
        memcpy(state->hash, text.data, text.size);
    else
        noise->function->digest(state->hash, &text, 1);
    memcpy(state->chaining_key, state->hash, noise->function->size);
    mix_hash(noise, prologue);
}

static void take_keys(struct noise *noise, const struct noise_keys *keys)
{
    struct state *state = &noise->state;
    if (keys->ours != NULL)
        noise->s = *keys->ours, noise->has_s = true;
    if (keys->theirs != NULL)
        memcpy(state->their_s, keys->theirs, KEY_BYTES), state->has_their_s = true;
    if (keys->our_prekey != NULL)
        state->e = *keys->our_prekey, state->has_e = true;
    if (keys->their_prekey != NULL)
        memcpy(state->their_e, keys->their_prekey, KEY_BYTES), state->has_their_e = true;
    if (keys->our_kem_prekey != NULL)
        memcpy(state->e1_seed, keys->our_kem_prekey->seed, MLKEM_SEED_BYTES), state->has_e1 = true;
    if (keys->their_kem_prekey != NULL)
        memcpy(noise->their_e1, keys->their_kem_prekey, MLKEM_PUBLIC_BYTES),
            state->has_their_e1 = true;
    if (keys->ephemeral != NULL)
        noise->fixed_e = *keys->ephemeral, noise->fixed = true;
    noise->kem_seed = keys->kem_seed;
    noise->kem_luck = keys->kem_luck;
}

static struct bytes known_before(const struct noise *noise, const struct noise_keys *keys,
                                 enum token token, bool mine)
{
    const struct state *state = &noise->state;
    switch (token) {
    case S:
        assert(mine ? noise->has_s : state->has_their_s);
        return (struct bytes){ mine ? noise->s.public : state->their_s, KEY_BYTES };
    case E:
        assert(mine ? state->has_e : state->has_their_e);
        return (struct bytes){ mine ? state->e.public : state->their_e, KEY_BYTES };
    default:
        assert(token == E1 && (mine ? state->has_e1 : state->has_their_e1));
        return (struct bytes){ mine ? keys->our_kem_prekey->public : noise->their_e1,
                               MLKEM_PUBLIC_BYTES };
    }
}

/* Pre-messages: the initiator's keys first (section 5.3). */
static void mix_before(struct noise *noise, const struct noise_keys *keys)
{
    for (int side = 0; side < 2; side++)
        for (const enum token *token = noise->pattern->before[side]; *token != END; token++)
            mix_hash(noise, known_before(noise, keys, *token, (side == 0) == noise->initiator));
}

struct noise *noise_create(const struct noise_pattern *pattern, const struct kdf_hash *hash,
                           bool initiator, struct bytes prologue, const struct noise_keys *keys,
                           struct rng *rng)
{
    struct noise *noise = secret_new(sizeof *noise);
    noise->pattern = pattern;
    noise->function = hash;
    noise->initiator = initiator;
    noise->rng = rng;
    noise->with_psk = noise_pattern_has(pattern, PSK);
    take_keys(noise, keys);
    start_hash(noise, prologue);
    mix_before(noise, keys);
    return noise;
}

void noise_destroy(struct noise *noise)
{
    secret_free(noise);
}

void noise_set_psk(struct noise *noise, size_t index, const uint8_t psk[NOISE_PSK_BYTES])
{
    assert(index < NOISE_PSKS);
    memcpy(noise->psks[index], psk, NOISE_PSK_BYTES);
    noise->has_psk[index] = true;
}

/* --- messages --------------------------------------------------------------------------------- */

/* What a token seals, without the tag. */
static size_t sealed_size(enum token token)
{
    return token == S       ? KEY_BYTES
           : token == E1    ? MLKEM_PUBLIC_BYTES
           : token == EKEM1 ? MLKEM_CIPHER_BYTES
                            : 0;
}

size_t noise_overhead(const struct noise *noise)
{
    size_t size = 0;
    bool keyed = noise->state.keyed;
    assert(!noise_finished(noise));
    for (const enum token *token = noise->pattern->messages[noise->state.message]; *token != END;
         token++) {
        if (*token == E)
            size += KEY_BYTES, keyed |= noise->with_psk;
        else if (sealed_size(*token) > 0)
            size += sealed_size(*token) + (keyed ? AEAD_TAG_BYTES : 0), keyed |= *token == EKEM1;
        else
            keyed = true;
    }
    return size + (keyed ? AEAD_TAG_BYTES : 0);
}

enum fault noise_write(struct noise *noise, struct bytes payload, struct cursor *out)
{
    struct state saved = noise->state;
    size_t at = out->at, size = payload.size + noise_overhead(noise);
    assert((noise->state.message % 2 == 0) == noise->initiator);
    assert(size <= NOISE_MESSAGE_MAX_BYTES && cursor_left(out) >= size);
    enum fault fault = FAULT_NONE;
    for (const enum token *token = noise->pattern->messages[noise->state.message];
         *token != END && fault == FAULT_NONE; token++)
        fault = write_token(noise, *token, out);
    if (fault == FAULT_NONE) {
        encrypt_and_hash(noise, payload, out);
        noise->state.message++;
    } else {
        noise->state = saved;
        out->at = at;
    }
    wipe(&saved, sizeof saved);
    return fault;
}

enum fault noise_read(struct noise *noise, struct bytes message, uint8_t *out, size_t *size)
{
    struct state saved = noise->state;
    struct cursor in = cursor_over(message);
    struct bytes payload = { 0 };
    assert(!noise_finished(noise) && (noise->state.message % 2 == 0) != noise->initiator);
    enum fault fault = message.size <= NOISE_MESSAGE_MAX_BYTES ? FAULT_NONE : FAULT_PEER;
    for (const enum token *token = noise->pattern->messages[noise->state.message];
         *token != END && fault == FAULT_NONE; token++)
        fault = read_token(noise, *token, &in);
    size_t tag = noise->state.keyed ? AEAD_TAG_BYTES : 0;
    if (fault == FAULT_NONE &&
        (cursor_left(&in) < tag || !cursor_view(&in, cursor_left(&in), &payload) ||
         !decrypt_and_hash(noise, payload, out)))
        fault = FAULT_PEER;
    if (fault == FAULT_NONE) {
        noise->state.message++;
        *size = payload.size - tag;
    } else {
        noise->state = saved;
        if (!saved.has_their_e1)
            wipe(noise->their_e1, sizeof noise->their_e1);
    }
    wipe(&saved, sizeof saved);
    return fault;
}

bool noise_finished(const struct noise *noise)
{
    return noise->state.message == noise_pattern_messages(noise->pattern);
}

const uint8_t *noise_their_static(const struct noise *noise)
{
    return noise->state.has_their_s ? noise->state.their_s : NULL;
}

struct bytes noise_handshake_hash(const struct noise *noise)
{
    return (struct bytes){ noise->state.hash, noise->function->size };
}

void noise_split(const struct noise *noise, size_t count, uint8_t (*keys)[32])
{
    uint8_t out[3 * KDF_HASH_MAX_BYTES];
    assert(count >= 2 && count <= 3 && noise_finished(noise));
    hkdf(noise->function, noise->state.chaining_key, (struct bytes){ 0 }, count, out);
    for (size_t i = 0; i < count; i++)
        memcpy(keys[i], out + i * noise->function->size, 32);
    wipe(out, sizeof out);
}

void noise_export(const struct noise *noise, const char *label, uint8_t *out, size_t size)
{
    uint8_t info[64 + KDF_HASH_MAX_BYTES];
    size_t hash_size = noise->function->size, label_size = strlen(label);
    assert(noise_finished(noise) && label_size + KDF_HASH_MAX_BYTES <= sizeof info);
    memcpy(info, label, label_size);
    memcpy(info + label_size, noise->state.hash, hash_size);
    kdf_expand(noise->function, out, size, (struct bytes){ noise->state.chaining_key, hash_size },
               (struct bytes){ info, label_size + hash_size });
}
