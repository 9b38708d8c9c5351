#include "engine/crypto/ratchet_state.h"

#include "base/mem.h"
#include "base/secret.h"

#include <assert.h>
#include <string.h>

/* --- skipped keys ----------------------------------------------------------------------------- */

void ratchet_skipped_reserve(struct ratchet *ratchet, size_t more)
{
    size_t used = ratchet->skipped_count + ratchet->added, room = ratchet->skipped_room;
    if (room - used >= more)
        return;
    room = used + more > 2 * room ? used + more : 2 * room;
    struct skipped *larger = secret_new(room * sizeof *larger);
    if (used > 0)
        memcpy(larger, ratchet->skipped, used * sizeof *larger);
    secret_free(ratchet->skipped);
    ratchet->skipped = larger;
    ratchet->skipped_room = room;
}

void ratchet_skipped_remove(struct ratchet *ratchet, size_t from, size_t count)
{
    if (count == 0)
        return;
    size_t rest = ratchet->skipped_count - from - count;
    memmove(&ratchet->skipped[from], &ratchet->skipped[from + count],
            rest * sizeof *ratchet->skipped);
    wipe(&ratchet->skipped[from + rest], count * sizeof *ratchet->skipped);
    ratchet->skipped_count -= count;
    if (ratchet->skipped_count == 0) {
        secret_free(ratchet->skipped);
        ratchet->skipped = NULL;
        ratchet->skipped_room = 0;
    }
}

/* Notes the keys of a chain from where it stands up to `number`. False: a limit is reached. */
static bool skip(struct ratchet *ratchet, struct receiving *chain, uint32_t number, instant now)
{
    if (number < chain->next || number - chain->next > RATCHET_GAP_MAX)
        return false;
    uint32_t more = number - chain->next;
    if (ratchet->skipped_count - ratchet->removed + ratchet->added + more > RATCHET_SKIPPED_MAX)
        return false;
    ratchet_skipped_reserve(ratchet, more);
    for (; chain->next < number; chain->next++) {
        struct skipped *skipped = &ratchet->skipped[ratchet->skipped_count + ratchet->added++];
        ratchet_message_key(skipped->key, chain->key);
        skipped->number = chain->next;
        skipped->since = now;
    }
    chain->skipped += more;
    return true;
}

static bool is_dead(const struct skipped *skipped, instant now)
{
    return now >= after(skipped->since, RATCHET_SKIPPED_LIVE);
}

/* The key of a number that has been passed. FAULT_GONE: it was used. FAULT_PEER: it may have died
   of age, or dies now, so that nobody knows. */
static enum fault take_skipped(struct ratchet *ratchet, struct receiving *chain, uint32_t number,
                               instant now, uint8_t key[32])
{
    size_t from = 0;
    for (const struct receiving *older = ratchet->next.receiving; older < chain; older++)
        from += older->skipped;
    for (size_t at = from; at < from + chain->skipped; at++) {
        const struct skipped *skipped = &ratchet->skipped[at];
        if (skipped->number != number)
            continue;
        if (is_dead(skipped, now))
            return FAULT_PEER;
        memcpy(key, skipped->key, sizeof skipped->key);
        ratchet->removed_from = at;
        ratchet->removed = 1;
        chain->skipped--;
        return FAULT_NONE;
    }
    return number < chain->lost_below ? FAULT_PEER : FAULT_GONE;
}

/* Of one chain, whose keys begin at `from`; returns how many are left. */
static size_t age_chain(struct ratchet *ratchet, struct receiving *chain, size_t from, instant now)
{
    for (size_t at = from; at < from + chain->skipped;) {
        uint32_t number = ratchet->skipped[at].number + 1;
        if (is_dead(&ratchet->skipped[at], now)) {
            chain->lost_below = number > chain->lost_below ? number : chain->lost_below;
            chain->skipped--;
            ratchet_skipped_remove(ratchet, at, 1);
        } else {
            at++;
        }
    }
    return chain->skipped;
}

bool ratchet_age(struct ratchet *ratchet, instant now)
{
    size_t before = ratchet->skipped_count, from = 0;
    ratchet_drop(ratchet);
    for (size_t i = 0; i < ratchet->now.receiving_count; i++)
        from += age_chain(ratchet, &ratchet->now.receiving[i], from, now);
    return ratchet->skipped_count != before;
}

/* --- opening: everything happens in ratchet->next --------------------------------------------- */

/* The chain that answers it is here: its secret goes when this state is kept. */
static void offer_was_answered(struct own_offer *ours, instant now)
{
    wipe(&ours->pair, sizeof ours->pair);
    ours->open = false;
    ours->sent = 0;
    ours->used = 0;
    ours->since = ours->last_sent = now;
}

/* The KEM secret of an answer. FAULT_PEER: it answers nothing that is open. */
static enum fault take_answer(struct ratchet_state *state, const struct ratchet_answer *answer,
                              instant now, struct ratchet_kem *kem, uint8_t key[MLKEM_PUBLIC_BYTES])
{
    if (!state->ours.open || answer->kid != state->ours.kid)
        return FAULT_PEER;
    mlkem_decapsulate(kem->secret, state->ours.pair.seed, answer->cipher);
    memcpy(key, state->ours.pair.public, MLKEM_PUBLIC_BYTES);
    kem->key = (struct bytes){ key, MLKEM_PUBLIC_BYTES };
    kem->cipher = BYTES_OF(answer->cipher);
    offer_was_answered(&state->ours, now);
    return FAULT_NONE;
}

/* The root step of a new receiving chain. */
static enum fault receiving_root(struct ratchet_state *state, const struct ratchet_header *header,
                                 instant now, struct receiving *chain)
{
    uint8_t shared[KEY_BYTES], key[MLKEM_PUBLIC_BYTES];
    struct ratchet_kem kem;
    bool answers = header->answer.kid != 0;
    enum fault fault = dh_agree(shared, state->sending.pair.secret, header->dh);
    if (fault == FAULT_NONE && answers)
        fault = take_answer(state, &header->answer, now, &kem, key);
    if (fault == FAULT_NONE)
        ratchet_root(state->root, chain->key, state->next_receiving, shared, answers ? &kem : NULL);
    wipe(shared, sizeof shared);
    wipe(&kem, sizeof kem);
    return fault;
}

/* The running chain ends at `previous`; the oldest goes when there are too many. */
static bool end_chain(struct ratchet *ratchet, uint32_t previous, instant now)
{
    struct ratchet_state *state = &ratchet->next;
    if (state->receiving_count == 0)
        return previous == 0;
    if (state->receiving_count == RECEIVING_MAX) {
        ratchet->removed_from = 0;
        ratchet->removed = state->receiving[0].skipped;
        memmove(&state->receiving[0], &state->receiving[1],
                (RECEIVING_MAX - 1) * sizeof state->receiving[0]);
        state->receiving_count--;
    }
    struct receiving *ended = &state->receiving[state->receiving_count - 1];
    if (!skip(ratchet, ended, previous, now))
        return false;
    wipe(ended->key, sizeof ended->key);
    return true;
}

/* What our sending chain needed goes: the next message begins another. */
static void end_sending(struct ratchet_state *state)
{
    struct sending *sending = &state->sending;
    wipe(&sending->pair, sizeof sending->pair);
    wipe(sending->header_key, sizeof sending->header_key);
    wipe(sending->key, sizeof sending->key);
    state->phase = PHASE_TURNS;
}

static bool chain_is_new(const struct ratchet_state *state, const uint8_t dh[KEY_BYTES])
{
    for (size_t i = 0; i < state->receiving_count; i++)
        if (memcmp(state->receiving[i].dh, dh, KEY_BYTES) == 0)
            return false;
    return true;
}

/* A header under the next receiving header key: the other side has begun a chain. */
static enum fault turn(struct ratchet *ratchet, const struct ratchet_header *header, instant now,
                       struct receiving **out)
{
    struct ratchet_state *state = &ratchet->next;
    struct receiving chain = { .next = 0 };
    enum fault fault = FAULT_PEER;
    memcpy(chain.dh, header->dh, sizeof chain.dh);
    memcpy(chain.header_key, state->next_receiving, sizeof chain.header_key);
    ratchet_chain_id(chain.id, ratchet->session, header->dh);
    if (state->phase == PHASE_TURNS || !chain_is_new(state, header->dh) ||
        !end_chain(ratchet, header->previous, now))
        goto out;
    fault = receiving_root(state, header, now, &chain);
    if (fault != FAULT_NONE)
        goto out;
    end_sending(state);
    *out = &state->receiving[state->receiving_count++];
    **out = chain;
out:
    wipe(&chain, sizeof chain);
    return fault;
}

/* The chain under whose header key it opens; NULL with true: under the next one. */
static bool find_chain(struct ratchet *ratchet, struct bytes sealed, struct ratchet_header *header,
                       size_t *header_size, struct receiving **out)
{
    struct ratchet_state *state = &ratchet->next;
    for (size_t i = state->receiving_count; i > 0; i--) {
        *out = &state->receiving[i - 1];
        if (ratchet_header_read(header, header_size, (*out)->header_key, ratchet->session, sealed))
            return memcmp((*out)->dh, header->dh, KEY_BYTES) == 0;
    }
    *out = NULL;
    return ratchet_header_read(header, header_size, state->next_receiving, ratchet->session,
                               sealed);
}

/* The key of the message, with all that getting there does to the state. */
static enum fault find_key(struct ratchet *ratchet, struct receiving *chain, uint32_t number,
                           instant now, uint8_t key[32])
{
    const struct ratchet_state *state = &ratchet->next;
    if (number < chain->next)
        return take_skipped(ratchet, chain, number, now, key);
    if (chain != &state->receiving[state->receiving_count - 1] ||
        !skip(ratchet, chain, number, now))
        return FAULT_PEER;
    ratchet_message_key(key, chain->key);
    chain->next++;
    return FAULT_NONE;
}

/* Remembers an offer that is newer than all before; it stands in many headers, and only the first
   is looked at. FAULT_PEER: its key is refused. */
static enum fault take_offer(struct ratchet_state *state, const struct ratchet_offer *offer)
{
    if (offer->kid <= state->answered || offer->kid <= state->theirs.kid)
        return FAULT_NONE;
    if (!mlkem_public_good(offer->key))
        return FAULT_PEER;
    state->theirs = *offer;
    return FAULT_NONE;
}

/* Under the header key of one chain, or of the next: what the header says, done to the copy. */
static enum fault follow_header(struct ratchet *ratchet, const struct ratchet_header *header,
                                struct receiving *chain, instant now, struct ratchet_opened *out,
                                uint8_t key[32])
{
    enum fault fault = FAULT_NONE;
    out->turned = chain == NULL;
    out->number = header->number;
    if (chain == NULL)
        fault = turn(ratchet, header, now, &chain);
    if (fault == FAULT_NONE) {
        memcpy(out->chain, chain->id, sizeof out->chain);
        fault = find_key(ratchet, chain, header->number, now, key);
    }
    return fault == FAULT_NONE ? take_offer(&ratchet->next, &header->offer) : fault;
}

enum fault ratchet_open(struct ratchet *ratchet, instant now, struct bytes sealed, uint8_t *content,
                        struct ratchet_opened *out)
{
    struct ratchet_header header;
    struct receiving *chain;
    uint8_t key[32];
    size_t size;
    enum fault fault = FAULT_PEER;
    *out = (struct ratchet_opened){ .size = 0 };
    ratchet_drop(ratchet);
    ratchet->next = ratchet->now;
    ratchet->pending = true;
    if (!find_chain(ratchet, sealed, &header, &size, &chain))
        goto out;
    fault = follow_header(ratchet, &header, chain, now, out, key);
    if (fault != FAULT_NONE)
        goto out;
    struct bytes head = { sealed.data, size }, body = { sealed.data + size, sealed.size - size };
    out->size = body.size - RATCHET_BODY_EXTRA_BYTES;
    if (!ratchet_body_read(content, key, ratchet->session, head, body))
        fault = FAULT_PEER;
out:
    wipe(key, sizeof key);
    if (fault != FAULT_NONE)
        ratchet_drop(ratchet);
    return fault;
}

/* --- keeping it or not ---------------------------------------------------------------------------
 */

static void forget_pending(struct ratchet *ratchet)
{
    wipe(&ratchet->next, sizeof ratchet->next);
    ratchet->pending = false;
    ratchet->added = ratchet->removed = 0;
}

void ratchet_keep(struct ratchet *ratchet)
{
    assert(ratchet->pending);
    ratchet->now = ratchet->next;
    ratchet->skipped_count += ratchet->added;
    ratchet_skipped_remove(ratchet, ratchet->removed_from, ratchet->removed);
    forget_pending(ratchet);
}

void ratchet_drop(struct ratchet *ratchet)
{
    if (!ratchet->pending)
        return;
    if (ratchet->added > 0)
        wipe(&ratchet->skipped[ratchet->skipped_count], ratchet->added * sizeof *ratchet->skipped);
    forget_pending(ratchet);
}
