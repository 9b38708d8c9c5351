#include "engine/crypto/noise.h"

#include "base/mem.h"
#include "engine/crypto/aead.h"

#include <assert.h>
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

/* --- patterns --------------------------------------------------------------------------------- */

enum token { END, E, S, EE, ES, SE, SS, PSK };

#define MESSAGES_MAX 4
#define TOKENS_MAX   7

struct noise_pattern {
    const char *name;
    bool
        known[2]; /* the pre-messages: is the static key of initiator, of responder known before? */
    enum token messages[MESSAGES_MAX][TOKENS_MAX];
};

/* Noise revision 34, sections 7.4, 7.5 and 18.1; the psk rows are section 9.4 applied to them. */
static const struct noise_pattern patterns[] = {
    /* one way */
    { "N", { 0, 1 }, { { E, ES } } },
    { "K", { 1, 1 }, { { E, ES, SS } } },
    { "X", { 0, 1 }, { { E, ES, S, SS } } },
    { "Npsk0", { 0, 1 }, { { PSK, E, ES } } },
    { "Kpsk0", { 1, 1 }, { { PSK, E, ES, SS } } },
    { "Xpsk1", { 0, 1 }, { { E, ES, S, SS, PSK } } },
    /* interactive */
    { "NN", { 0, 0 }, { { E }, { E, EE } } },
    { "NK", { 0, 1 }, { { E, ES }, { E, EE } } },
    { "NX", { 0, 0 }, { { E }, { E, EE, S, ES } } },
    { "KN", { 1, 0 }, { { E }, { E, EE, SE } } },
    { "KK", { 1, 1 }, { { E, ES, SS }, { E, EE, SE } } },
    { "KX", { 1, 0 }, { { E }, { E, EE, SE, S, ES } } },
    { "XN", { 0, 0 }, { { E }, { E, EE }, { S, SE } } },
    { "XK", { 0, 1 }, { { E, ES }, { E, EE }, { S, SE } } },
    { "XX", { 0, 0 }, { { E }, { E, EE, S, ES }, { S, SE } } },
    { "IN", { 0, 0 }, { { E, S }, { E, EE, SE } } },
    { "IK", { 0, 1 }, { { E, ES, S, SS }, { E, EE, SE } } },
    { "IX", { 0, 0 }, { { E, S }, { E, EE, SE, S, ES } } },
    /* with a shared key */
    { "NNpsk0", { 0, 0 }, { { PSK, E }, { E, EE } } },
    { "NNpsk2", { 0, 0 }, { { E }, { E, EE, PSK } } },
    { "NKpsk0", { 0, 1 }, { { PSK, E, ES }, { E, EE } } },
    { "NKpsk2", { 0, 1 }, { { E, ES }, { E, EE, PSK } } },
    { "NXpsk2", { 0, 0 }, { { E }, { E, EE, S, ES, PSK } } },
    { "XNpsk3", { 0, 0 }, { { E }, { E, EE }, { S, SE, PSK } } },
    { "XKpsk3", { 0, 1 }, { { E, ES }, { E, EE }, { S, SE, PSK } } },
    { "XXpsk3", { 0, 0 }, { { E }, { E, EE, S, ES }, { S, SE, PSK } } },
    { "KNpsk0", { 1, 0 }, { { PSK, E }, { E, EE, SE } } },
    { "KNpsk2", { 1, 0 }, { { E }, { E, EE, SE, PSK } } },
    { "KKpsk0", { 1, 1 }, { { PSK, E, ES, SS }, { E, EE, SE } } },
    { "KKpsk2", { 1, 1 }, { { E, ES, SS }, { E, EE, SE, PSK } } },
    { "KXpsk2", { 1, 0 }, { { E }, { E, EE, SE, S, ES, PSK } } },
    { "INpsk1", { 0, 0 }, { { E, S, PSK }, { E, EE, SE } } },
    { "INpsk2", { 0, 0 }, { { E, S }, { E, EE, SE, PSK } } },
    { "IKpsk1", { 0, 1 }, { { E, ES, S, SS, PSK }, { E, EE, SE } } },
    { "IKpsk2", { 0, 1 }, { { E, ES, S, SS }, { E, EE, SE, PSK } } },
    { "IXpsk2", { 0, 0 }, { { E, S }, { E, EE, SE, S, ES, PSK } } },
    /* deferred */
    { "NK1", { 0, 1 }, { { E }, { E, EE, ES } } },
    { "NX1", { 0, 0 }, { { E }, { E, EE, S }, { ES } } },
    { "X1N", { 0, 0 }, { { E }, { E, EE }, { S }, { SE } } },
    { "X1K", { 0, 1 }, { { E, ES }, { E, EE }, { S }, { SE } } },
    { "XK1", { 0, 1 }, { { E }, { E, EE, ES }, { S, SE } } },
    { "X1K1", { 0, 1 }, { { E }, { E, EE, ES }, { S }, { SE } } },
    { "X1X", { 0, 0 }, { { E }, { E, EE, S, ES }, { S }, { SE } } },
    { "XX1", { 0, 0 }, { { E }, { E, EE, S }, { ES, S, SE } } },
    { "X1X1", { 0, 0 }, { { E }, { E, EE, S }, { ES, S }, { SE } } },
    { "K1N", { 1, 0 }, { { E }, { E, EE }, { SE } } },
    { "K1K", { 1, 1 }, { { E, ES }, { E, EE }, { SE } } },
    { "KK1", { 1, 1 }, { { E }, { E, EE, SE, ES } } },
    { "K1K1", { 1, 1 }, { { E }, { E, EE, ES }, { SE } } },
    { "K1X", { 1, 0 }, { { E }, { E, EE, S, ES }, { SE } } },
    { "KX1", { 1, 0 }, { { E }, { E, EE, SE, S }, { ES } } },
    { "K1X1", { 1, 0 }, { { E }, { E, EE, S }, { SE, ES } } },
    { "I1N", { 0, 0 }, { { E, S }, { E, EE }, { SE } } },
    { "I1K", { 0, 1 }, { { E, ES, S }, { E, EE }, { SE } } },
    { "IK1", { 0, 1 }, { { E, S }, { E, EE, SE, ES } } },
    { "I1K1", { 0, 1 }, { { E, S }, { E, EE, ES }, { SE } } },
    { "I1X", { 0, 0 }, { { E, S }, { E, EE, S, ES }, { SE } } },
    { "IX1", { 0, 0 }, { { E, S }, { E, EE, SE, S }, { ES } } },
    { "I1X1", { 0, 0 }, { { E, S }, { E, EE, S }, { SE, ES } } },
};

const struct noise_pattern *noise_pattern(const char *name)
{
    for (size_t i = 0; i < COUNT(patterns); i++)
        if (strcmp(patterns[i].name, name) == 0)
            return &patterns[i];
    return NULL;
}

size_t noise_pattern_messages(const struct noise_pattern *pattern)
{
    size_t count = 0;
    while (count < MESSAGES_MAX && pattern->messages[count][0] != END)
        count++;
    return count;
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
    bool has_e, has_their_e, has_their_s;
    size_t message, psks_used;
};

struct noise {
    const struct noise_pattern *pattern;
    const struct kdf_hash *function;
    struct rng *rng;
    struct dh_pair s, fixed_e;
    bool initiator, has_s, fixed, with_psk;
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
    if (token == E)
        return write_e(noise, out);
    if (token != S)
        return mix_token(noise, token);
    assert(noise->has_s);
    encrypt_and_hash(noise, (struct bytes){ noise->s.public, KEY_BYTES }, out);
    return FAULT_NONE;
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

static enum fault read_s(struct noise *noise, struct cursor *in)
{
    struct state *state = &noise->state;
    struct bytes sealed;
    size_t size = KEY_BYTES + (state->keyed ? AEAD_TAG_BYTES : 0);
    if (!cursor_view(in, size, &sealed) || !decrypt_and_hash(noise, sealed, state->their_s) ||
        !dh_public_good(state->their_s))
        return FAULT_PEER;
    state->has_their_s = true;
    return FAULT_NONE;
}

static enum fault read_token(struct noise *noise, enum token token, struct cursor *in)
{
    if (token == E)
        return read_e(noise, in);
    return token == S ? read_s(noise, in) : mix_token(noise, token);
}

/* --- life ------------------------------------------------------------------------------------- */

static void start_hash(struct noise *noise, struct bytes prologue)
{
    char name[64] = "Noise_";
    struct state *state = &noise->state;
    strcat(name, noise->pattern->name);
    strcat(name, "_25519_ChaChaPoly_");
    strcat(name, noise->function->name);
    struct bytes text = bytes_of_text(name);
    if (text.size <= noise->function->size)
        memcpy(state->hash, text.data, text.size);
    else
        noise->function->digest(state->hash, &text, 1);
    memcpy(state->chaining_key, state->hash, noise->function->size);
    mix_hash(noise, prologue);
}

/* Pre-messages: the initiator's key first (section 5.3). */
static void mix_before(struct noise *noise)
{
    struct state *state = &noise->state;
    for (int side = 0; side < 2; side++) {
        bool mine = (side == 0) == noise->initiator;
        if (!noise->pattern->known[side])
            continue;
        assert(mine ? noise->has_s : state->has_their_s);
        mix_hash(noise, (struct bytes){ mine ? noise->s.public : state->their_s, KEY_BYTES });
    }
}

struct noise *noise_create(const struct noise_pattern *pattern, const struct kdf_hash *hash,
                           bool initiator, struct bytes prologue, const struct noise_keys *keys,
                           struct rng *rng)
{
    struct noise *noise = mem_zeroed(1, sizeof *noise);
    noise->pattern = pattern;
    noise->function = hash;
    noise->initiator = initiator;
    noise->rng = rng;
    noise->with_psk = strstr(pattern->name, "psk") != NULL;
    if (keys->ours != NULL)
        noise->s = *keys->ours, noise->has_s = true;
    if (keys->ephemeral != NULL)
        noise->fixed_e = *keys->ephemeral, noise->fixed = true;
    if (keys->theirs != NULL) {
        memcpy(noise->state.their_s, keys->theirs, KEY_BYTES);
        noise->state.has_their_s = true;
    }
    start_hash(noise, prologue);
    mix_before(noise);
    return noise;
}

void noise_destroy(struct noise *noise)
{
    if (noise == NULL)
        return;
    wipe(noise, sizeof *noise);
    mem_free(noise);
}

void noise_set_psk(struct noise *noise, size_t index, const uint8_t psk[NOISE_PSK_BYTES])
{
    assert(index < NOISE_PSKS);
    memcpy(noise->psks[index], psk, NOISE_PSK_BYTES);
    noise->has_psk[index] = true;
}

/* --- messages --------------------------------------------------------------------------------- */

size_t noise_overhead(const struct noise *noise)
{
    size_t size = 0;
    bool keyed = noise->state.keyed;
    assert(!noise_finished(noise));
    for (const enum token *token = noise->pattern->messages[noise->state.message]; *token != END;
         token++) {
        if (*token == E)
            size += KEY_BYTES, keyed |= noise->with_psk;
        else if (*token == S)
            size += KEY_BYTES + (keyed ? AEAD_TAG_BYTES : 0);
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
