/* The state as bytes. Canonical: what ratchet_read takes, ratchet_write gives back.

       version u8 = 1 | phase u8 | session 32 | turns u64 | root 32 | next header keys: sending 32,
       receiving 32 | sending | ours | theirs | chains u8 | each: receiving

       sending:    waits: secret 32;  turns: messages sent u32;
                   sends: secret 32 | header key 32 | chain key 32 | N u32 | PN u32 | kid u32
                          | with a kid: ciphertext 1088
       ours:       kid u32 | sent u32 | since u64 | used u64 | last sent u64 | open u8
                   | if open: seed 64
       theirs:     answered u32 | kid u32 | with a kid: key 1184
       receiving:  DH key 32 | header key 32 | next u32 | lost below u32
                   | the last one: chain key 32 | skipped u16 | each: number u32, since u64, key 32

   Public keys of ours are not in it: they follow from the secrets, and so cannot disagree. */
#include "engine/crypto/ratchet_state.h"

#include "base/mem.h"
#include "base/secret.h"

#include <assert.h>
#include <string.h>

#define VERSION 1

/* --- writing ---------------------------------------------------------------------------------- */

static void write_sending(struct cursor *out, const struct ratchet *ratchet)
{
    const struct ratchet_state *state = &ratchet->now;
    const struct sending *sending = &state->sending;
    if (state->phase != PHASE_TURNS)
        cursor_put(out, sending->pair.secret, KEY_BYTES);
    if (state->phase == PHASE_TURNS)
        cursor_put_u32(out, sending->number);
    if (state->phase != PHASE_SENDS)
        return;
    cursor_put(out, sending->header_key, sizeof sending->header_key);
    cursor_put(out, sending->key, sizeof sending->key);
    cursor_put_u32(out, sending->number);
    cursor_put_u32(out, sending->previous);
    cursor_put_u32(out, ratchet->answer.kid);
    if (ratchet->answer.kid != 0)
        cursor_put(out, ratchet->answer.cipher, sizeof ratchet->answer.cipher);
}

static void write_offers(struct cursor *out, const struct ratchet_state *state)
{
    const struct own_offer *ours = &state->ours;
    cursor_put_u32(out, ours->kid);
    cursor_put_u32(out, ours->sent);
    cursor_put_u64(out, ours->since);
    cursor_put_u64(out, ours->used);
    cursor_put_u64(out, ours->last_sent);
    cursor_put_u8(out, ours->open);
    if (ours->open)
        cursor_put(out, ours->pair.seed, sizeof ours->pair.seed);
    cursor_put_u32(out, state->answered);
    cursor_put_u32(out, state->theirs.kid);
    if (state->theirs.kid != 0)
        cursor_put(out, state->theirs.key, sizeof state->theirs.key);
}

/* Its skipped keys begin at `from`. */
static void write_receiving(struct cursor *out, const struct receiving *chain, bool running,
                            const struct ratchet *ratchet, size_t from)
{
    cursor_put(out, chain->dh, sizeof chain->dh);
    cursor_put(out, chain->header_key, sizeof chain->header_key);
    cursor_put_u32(out, chain->next);
    cursor_put_u32(out, chain->lost_below);
    if (running)
        cursor_put(out, chain->key, sizeof chain->key);
    cursor_put_u16(out, (uint16_t)chain->skipped);
    for (size_t i = from; i < from + chain->skipped; i++) {
        const struct skipped *skipped = &ratchet->skipped[i];
        cursor_put_u32(out, skipped->number);
        cursor_put_u64(out, skipped->since);
        cursor_put(out, skipped->key, sizeof skipped->key);
    }
}

void ratchet_write(const struct ratchet *ratchet, uint8_t *out, size_t *size)
{
    const struct ratchet_state *state = &ratchet->now;
    size_t from = 0;
    struct cursor cursor = cursor_into(out, RATCHET_STATE_MAX_BYTES);
    cursor_put_u8(&cursor, VERSION);
    cursor_put_u8(&cursor, state->phase);
    cursor_put(&cursor, ratchet->session, sizeof ratchet->session);
    cursor_put_u64(&cursor, state->turns);
    cursor_put(&cursor, state->root, sizeof state->root);
    cursor_put(&cursor, state->next_sending, sizeof state->next_sending);
    cursor_put(&cursor, state->next_receiving, sizeof state->next_receiving);
    write_sending(&cursor, ratchet);
    write_offers(&cursor, state);
    cursor_put_u8(&cursor, (uint8_t)state->receiving_count);
    for (size_t i = 0; i < state->receiving_count; i++) {
        const struct receiving *chain = &state->receiving[i];
        write_receiving(&cursor, chain, i + 1 == state->receiving_count, ratchet, from);
        from += chain->skipped;
    }
    assert(cursor_good(&cursor));
    *size = cursor_written(&cursor).size;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_pair(struct cursor *in, struct dh_pair *out)
{
    uint8_t secret[KEY_BYTES] = { 0 };
    cursor_take(in, secret, sizeof secret);
    dh_pair_from_secret(out, secret);
    wipe(secret, sizeof secret);
}

static bool read_sending(struct cursor *in, struct ratchet *ratchet)
{
    struct ratchet_state *state = &ratchet->now;
    struct sending *sending = &state->sending;
    if (state->phase == PHASE_WAITS || state->phase == PHASE_SENDS)
        read_pair(in, &sending->pair);
    if (state->phase == PHASE_WAITS)
        return state->turns == 0;
    if (state->phase == PHASE_TURNS)
        return cursor_take_u32(in, &sending->number) && sending->number <= RATCHET_CHAIN_LIMIT;
    ratchet_chain_id(sending->id, ratchet->session, sending->pair.public);
    cursor_take(in, sending->header_key, sizeof sending->header_key);
    cursor_take(in, sending->key, sizeof sending->key);
    cursor_take_u32(in, &sending->number);
    cursor_take_u32(in, &sending->previous);
    cursor_take_u32(in, &ratchet->answer.kid);
    if (ratchet->answer.kid != 0)
        cursor_take(in, ratchet->answer.cipher, sizeof ratchet->answer.cipher);
    return state->turns > 0 && sending->number <= RATCHET_CHAIN_LIMIT &&
           sending->previous <= RATCHET_CHAIN_LIMIT;
}

static bool read_offers(struct cursor *in, struct ratchet_state *state)
{
    struct own_offer *ours = &state->ours;
    uint8_t open = 0, seed[MLKEM_SEED_BYTES] = { 0 };
    cursor_take_u32(in, &ours->kid);
    cursor_take_u32(in, &ours->sent);
    cursor_take_u64(in, &ours->since);
    cursor_take_u64(in, &ours->used);
    cursor_take_u64(in, &ours->last_sent);
    cursor_take_u8(in, &open);
    ours->open = open == 1;
    if (ours->open && cursor_take(in, seed, sizeof seed))
        mlkem_pair_from_seed(&ours->pair, seed);
    wipe(seed, sizeof seed);
    cursor_take_u32(in, &state->answered);
    cursor_take_u32(in, &state->theirs.kid);
    bool good = open <= 1 && (!ours->open || ours->kid > 0);
    if (state->theirs.kid == 0)
        return good;
    return good && state->theirs.kid > state->answered &&
           cursor_take(in, state->theirs.key, sizeof state->theirs.key) &&
           mlkem_public_good(state->theirs.key);
}

/* A chain's skipped keys: ascending, and all of numbers it has passed. */
static bool read_skipped(struct cursor *in, struct ratchet *ratchet, struct receiving *chain)
{
    uint16_t count = 0;
    uint32_t least = 0;
    if (!cursor_take_u16(in, &count) || ratchet->skipped_count + count > RATCHET_SKIPPED_MAX)
        return false;
    ratchet_skipped_reserve(ratchet, count);
    for (chain->skipped = 0; chain->skipped < count; chain->skipped++) {
        struct skipped *skipped = &ratchet->skipped[ratchet->skipped_count++];
        cursor_take_u32(in, &skipped->number);
        cursor_take_u64(in, &skipped->since);
        if (!cursor_take(in, skipped->key, sizeof skipped->key) || skipped->number < least ||
            skipped->number >= chain->next)
            return false;
        least = skipped->number + 1;
    }
    return true;
}

static bool read_receiving(struct cursor *in, struct ratchet *ratchet, struct receiving *chain,
                           bool running)
{
    cursor_take(in, chain->dh, sizeof chain->dh);
    ratchet_chain_id(chain->id, ratchet->session, chain->dh);
    cursor_take(in, chain->header_key, sizeof chain->header_key);
    cursor_take_u32(in, &chain->next);
    cursor_take_u32(in, &chain->lost_below);
    if (running)
        cursor_take(in, chain->key, sizeof chain->key);
    return chain->next <= RATCHET_NUMBER_LIMIT && chain->lost_below <= chain->next &&
           read_skipped(in, ratchet, chain);
}

static bool read_chains(struct cursor *in, struct ratchet *ratchet)
{
    struct ratchet_state *state = &ratchet->now;
    uint8_t count = 0;
    if (!cursor_take_u8(in, &count) || count > RECEIVING_MAX)
        return false;
    for (; state->receiving_count < count; state->receiving_count++)
        if (!read_receiving(in, ratchet, &state->receiving[state->receiving_count],
                            state->receiving_count + 1 == count))
            return false;
    if (state->phase == PHASE_WAITS)
        return count == 0;
    /* The next chain of ours is made with this key: that it is a good one is relied on. */
    return state->phase == PHASE_SENDS ||
           (count > 0 && dh_public_good(state->receiving[count - 1].dh));
}

static bool read_all(struct cursor *in, struct ratchet *ratchet)
{
    struct ratchet_state *state = &ratchet->now;
    uint8_t version = 0, phase = PHASES;
    cursor_take_u8(in, &version);
    cursor_take_u8(in, &phase);
    if (version != VERSION || phase >= PHASES)
        return false;
    state->phase = phase;
    cursor_take(in, ratchet->session, sizeof ratchet->session);
    cursor_take_u64(in, &state->turns);
    cursor_take(in, state->root, sizeof state->root);
    cursor_take(in, state->next_sending, sizeof state->next_sending);
    cursor_take(in, state->next_receiving, sizeof state->next_receiving);
    return read_sending(in, ratchet) && read_offers(in, state) && read_chains(in, ratchet) &&
           cursor_done(in);
}

struct ratchet *ratchet_read(struct bytes wire)
{
    struct ratchet *ratchet = secret_new(sizeof *ratchet);
    struct cursor in = cursor_over(wire);
    if (read_all(&in, ratchet))
        return ratchet;
    ratchet_destroy(ratchet);
    return NULL;
}
