#include "engine/crypto/noise.h"

#include "base/mem.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* --- hashes ----------------------------------------------------------------------------------- */

static void digest_blake2b(uint8_t *out, const struct bytes *parts, size_t count)
{
    crypto_generichash_blake2b_state state;
    crypto_generichash_blake2b_init(&state, NULL, 0, 64);
    for (size_t i = 0; i < count; i++)
        crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].size);
    crypto_generichash_blake2b_final(&state, out, 64);
    sodium_memzero(&state, sizeof state);
}

static void digest_sha256(uint8_t *out, const struct bytes *parts, size_t count)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < count; i++)
        crypto_hash_sha256_update(&state, parts[i].data, parts[i].size);
    crypto_hash_sha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

static void digest_sha512(uint8_t *out, const struct bytes *parts, size_t count)
{
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    for (size_t i = 0; i < count; i++)
        crypto_hash_sha512_update(&state, parts[i].data, parts[i].size);
    crypto_hash_sha512_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

const struct noise_hash noise_blake2b = { "BLAKE2b", 64, 128, digest_blake2b };
const struct noise_hash noise_sha256 = { "SHA256", 32, 64, digest_sha256 };
const struct noise_hash noise_sha512 = { "SHA512", 64, 128, digest_sha512 };

#define BLOCK_MAX_BYTES 128

/* HMAC (RFC 2104) over a byte string and one more byte or none. */
static void hmac(const struct noise_hash *hash, uint8_t *out, const uint8_t *key, size_t key_size,
                 struct bytes first, struct bytes second)
{
    uint8_t inner[BLOCK_MAX_BYTES], outer[BLOCK_MAX_BYTES], digest[NOISE_HASH_MAX_BYTES];
    assert(key_size <= hash->block && hash->block <= BLOCK_MAX_BYTES);
    memset(inner, 0x36, hash->block);
    memset(outer, 0x5c, hash->block);
    for (size_t i = 0; i < key_size; i++)
        inner[i] ^= key[i], outer[i] ^= key[i];
    hash->digest(digest, (struct bytes[]){ { inner, hash->block }, first, second }, 3);
    hash->digest(out, (struct bytes[]){ { outer, hash->block }, { digest, hash->size } }, 2);
    wipe(inner, sizeof inner);
    wipe(outer, sizeof outer);
    wipe(digest, sizeof digest);
}

/* HKDF(chaining key, input) with up to three outputs: Noise, section 4.3. */
static void hkdf(const struct noise_hash *hash, const uint8_t *chaining_key, struct bytes input,
                 size_t count, uint8_t (*out)[NOISE_HASH_MAX_BYTES])
{
    uint8_t temporary[NOISE_HASH_MAX_BYTES];
    hmac(hash, temporary, chaining_key, hash->size, input, (struct bytes){ 0 });
    for (uint8_t i = 0; i < count; i++) {
        uint8_t number = i + 1;
        struct bytes before = { i == 0 ? NULL : out[i - 1], i == 0 ? 0 : hash->size };
        hmac(hash, out[i], temporary, hash->size, before, (struct bytes){ &number, 1 });
    }
    wipe(temporary, sizeof temporary);
}

/* --- patterns -----------------------------------------------------------------------------------
 */

enum token { END, E, S, EE, ES, SE, SS, PSK };

#define MESSAGES_MAX 4
#define TOKENS_MAX   7

struct noise_pattern {
    const char *name;
    enum token before[2][2]; /* pre-messages of initiator and responder */
    enum token messages[MESSAGES_MAX][TOKENS_MAX];
};

/* Noise revision 34, sections 7.4, 7.5 and 18.1; the psk rows are section 9.4 applied to them. */
static const struct noise_pattern patterns[] = {
    /* one way */
    { "N", { { END }, { S } }, { { E, ES } } },
    { "K", { { S }, { S } }, { { E, ES, SS } } },
    { "X", { { END }, { S } }, { { E, ES, S, SS } } },
    { "Npsk0", { { END }, { S } }, { { PSK, E, ES } } },
    { "Kpsk0", { { S }, { S } }, { { PSK, E, ES, SS } } },
    { "Xpsk1", { { END }, { S } }, { { E, ES, S, SS, PSK } } },
    /* interactive */
    { "NN", { { END }, { END } }, { { E }, { E, EE } } },
    { "NK", { { END }, { S } }, { { E, ES }, { E, EE } } },
    { "NX", { { END }, { END } }, { { E }, { E, EE, S, ES } } },
    { "KN", { { S }, { END } }, { { E }, { E, EE, SE } } },
    { "KK", { { S }, { S } }, { { E, ES, SS }, { E, EE, SE } } },
    { "KX", { { S }, { END } }, { { E }, { E, EE, SE, S, ES } } },
    { "XN", { { END }, { END } }, { { E }, { E, EE }, { S, SE } } },
    { "XK", { { END }, { S } }, { { E, ES }, { E, EE }, { S, SE } } },
    { "XX", { { END }, { END } }, { { E }, { E, EE, S, ES }, { S, SE } } },
    { "IN", { { END }, { END } }, { { E, S }, { E, EE, SE } } },
    { "IK", { { END }, { S } }, { { E, ES, S, SS }, { E, EE, SE } } },
    { "IX", { { END }, { END } }, { { E, S }, { E, EE, SE, S, ES } } },
    /* with a shared key */
    { "NNpsk0", { { END }, { END } }, { { PSK, E }, { E, EE } } },
    { "NNpsk2", { { END }, { END } }, { { E }, { E, EE, PSK } } },
    { "NKpsk0", { { END }, { S } }, { { PSK, E, ES }, { E, EE } } },
    { "NKpsk2", { { END }, { S } }, { { E, ES }, { E, EE, PSK } } },
    { "NXpsk2", { { END }, { END } }, { { E }, { E, EE, S, ES, PSK } } },
    { "XNpsk3", { { END }, { END } }, { { E }, { E, EE }, { S, SE, PSK } } },
    { "XKpsk3", { { END }, { S } }, { { E, ES }, { E, EE }, { S, SE, PSK } } },
    { "XXpsk3", { { END }, { END } }, { { E }, { E, EE, S, ES }, { S, SE, PSK } } },
    { "KNpsk0", { { S }, { END } }, { { PSK, E }, { E, EE, SE } } },
    { "KNpsk2", { { S }, { END } }, { { E }, { E, EE, SE, PSK } } },
    { "KKpsk0", { { S }, { S } }, { { PSK, E, ES, SS }, { E, EE, SE } } },
    { "KKpsk2", { { S }, { S } }, { { E, ES, SS }, { E, EE, SE, PSK } } },
    { "KXpsk2", { { S }, { END } }, { { E }, { E, EE, SE, S, ES, PSK } } },
    { "INpsk1", { { END }, { END } }, { { E, S, PSK }, { E, EE, SE } } },
    { "INpsk2", { { END }, { END } }, { { E, S }, { E, EE, SE, PSK } } },
    { "IKpsk1", { { END }, { S } }, { { E, ES, S, SS, PSK }, { E, EE, SE } } },
    { "IKpsk2", { { END }, { S } }, { { E, ES, S, SS }, { E, EE, SE, PSK } } },
    { "IXpsk2", { { END }, { END } }, { { E, S }, { E, EE, SE, S, ES, PSK } } },
    /* deferred */
    { "NK1", { { END }, { S } }, { { E }, { E, EE, ES } } },
    { "NX1", { { END }, { END } }, { { E }, { E, EE, S }, { ES } } },
    { "X1N", { { END }, { END } }, { { E }, { E, EE }, { S }, { SE } } },
    { "X1K", { { END }, { S } }, { { E, ES }, { E, EE }, { S }, { SE } } },
    { "XK1", { { END }, { S } }, { { E }, { E, EE, ES }, { S, SE } } },
    { "X1K1", { { END }, { S } }, { { E }, { E, EE, ES }, { S }, { SE } } },
    { "X1X", { { END }, { END } }, { { E }, { E, EE, S, ES }, { S }, { SE } } },
    { "XX1", { { END }, { END } }, { { E }, { E, EE, S }, { ES, S, SE } } },
    { "X1X1", { { END }, { END } }, { { E }, { E, EE, S }, { ES, S }, { SE } } },
    { "K1N", { { S }, { END } }, { { E }, { E, EE }, { SE } } },
    { "K1K", { { S }, { S } }, { { E, ES }, { E, EE }, { SE } } },
    { "KK1", { { S }, { S } }, { { E }, { E, EE, SE, ES } } },
    { "K1K1", { { S }, { S } }, { { E }, { E, EE, ES }, { SE } } },
    { "K1X", { { S }, { END } }, { { E }, { E, EE, S, ES }, { SE } } },
    { "KX1", { { S }, { END } }, { { E }, { E, EE, SE, S }, { ES } } },
    { "K1X1", { { S }, { END } }, { { E }, { E, EE, S }, { SE, ES } } },
    { "I1N", { { END }, { END } }, { { E, S }, { E, EE }, { SE } } },
    { "I1K", { { END }, { S } }, { { E, ES, S }, { E, EE }, { SE } } },
    { "IK1", { { END }, { S } }, { { E, S }, { E, EE, SE, ES } } },
    { "I1K1", { { END }, { S } }, { { E, S }, { E, EE, ES }, { SE } } },
    { "I1X", { { END }, { END } }, { { E, S }, { E, EE, S, ES }, { SE } } },
    { "IX1", { { END }, { END } }, { { E, S }, { E, EE, SE, S }, { ES } } },
    { "I1X1", { { END }, { END } }, { { E, S }, { E, EE, S }, { SE, ES } } },
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
    uint8_t chaining_key[NOISE_HASH_MAX_BYTES];
    uint8_t hash[NOISE_HASH_MAX_BYTES];
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
    const struct noise_hash *function;
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
    uint8_t out[2][NOISE_HASH_MAX_BYTES];
    struct state *state = &noise->state;
    hkdf(noise->function, state->chaining_key, input, 2, out);
    memcpy(state->chaining_key, out[0], noise->function->size);
    memcpy(state->key, out[1], sizeof state->key);
    state->nonce = 0;
    state->keyed = true;
    wipe(out, sizeof out);
}

static void mix_key_and_hash(struct noise *noise, struct bytes input)
{
    uint8_t out[3][NOISE_HASH_MAX_BYTES];
    struct state *state = &noise->state;
    hkdf(noise->function, state->chaining_key, input, 3, out);
    memcpy(state->chaining_key, out[0], noise->function->size);
    mix_hash(noise, (struct bytes){ out[1], noise->function->size });
    memcpy(state->key, out[2], sizeof state->key);
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

static bool encrypt_and_hash(struct noise *noise, struct bytes text, struct cursor *out)
{
    struct state *state = &noise->state;
    uint8_t nonce[AEAD_NONCE_BYTES];
    size_t size = text.size + (state->keyed ? AEAD_TAG_BYTES : 0), at = out->at;
    if (cursor_left(out) < size)
        return false;
    if (state->keyed) {
        nonce_bytes(nonce, state->nonce++);
        aead_seal_once(out->write + at, state->key, nonce, text,
                       (struct bytes){ state->hash, noise->function->size });
        out->at += size;
    } else {
        cursor_put_bytes(out, text);
    }
    mix_hash(noise, (struct bytes){ out->read + at, size });
    return true;
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

static enum fault write_token(struct noise *noise, enum token token, struct cursor *out)
{
    switch (token) {
    case E:
        return write_e(noise, out);
    case S:
        assert(noise->has_s);
        encrypt_and_hash(noise, (struct bytes){ noise->s.public, KEY_BYTES }, out);
        return FAULT_NONE;
    case PSK:
        mix_psk(noise);
        return FAULT_NONE;
    case EE:
    case ES:
    case SE:
    case SS:
        return mix_dh(noise, token);
    case END:
        break;
    }
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
    switch (token) {
    case E:
        return read_e(noise, in);
    case S:
        return read_s(noise, in);
    case PSK:
        mix_psk(noise);
        return FAULT_NONE;
    case EE:
    case ES:
    case SE:
    case SS:
        return mix_dh(noise, token);
    case END:
        break;
    }
    return FAULT_NONE;
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

/* Pre-messages: the initiator's keys first (section 5.3). */
static void mix_before(struct noise *noise)
{
    struct state *state = &noise->state;
    for (int side = 0; side < 2; side++) {
        bool mine = (side == 0) == noise->initiator;
        for (size_t i = 0; i < 2 && noise->pattern->before[side][i] != END; i++) {
            bool is_e = noise->pattern->before[side][i] == E;
            if (is_e) {
                assert(mine ? noise->fixed : state->has_their_e);
                mix_ephemeral(noise, mine ? noise->fixed_e.public : state->their_e);
            } else {
                assert(mine ? noise->has_s : state->has_their_s);
                mix_hash(noise,
                         (struct bytes){ mine ? noise->s.public : state->their_s, KEY_BYTES });
            }
        }
    }
}

struct noise *noise_create(const struct noise_pattern *pattern, const struct noise_hash *hash,
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
    if (keys->their_ephemeral != NULL) {
        memcpy(noise->state.their_e, keys->their_ephemeral, KEY_BYTES);
        noise->state.has_their_e = true;
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
    assert(!noise_finished(noise) && (noise->state.message % 2 == 0) == noise->initiator);
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
    uint8_t out[3][NOISE_HASH_MAX_BYTES];
    assert(count >= 2 && count <= 3);
    hkdf(noise->function, noise->state.chaining_key, (struct bytes){ 0 }, count, out);
    for (size_t i = 0; i < count; i++)
        memcpy(keys[i], out[i], 32);
    wipe(out, sizeof out);
}
