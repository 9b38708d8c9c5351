#include "engine/crypto/ratchet_state.h"

#include "base/mem.h"
#include "base/secret.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <string.h>

#define OFFER_USE_GAP HOUR /* of the time between two messages, this much is use at most */

/* --- the life of a ratchet -------------------------------------------------------------------- */

static struct ratchet *create(const struct session_secrets *secrets, instant now)
{
    struct ratchet *ratchet = secret_new(sizeof *ratchet);
    memcpy(ratchet->session, secrets->id, sizeof ratchet->session);
    memcpy(ratchet->now.root, secrets->root, sizeof ratchet->now.root);
    ratchet->now.ours.since = ratchet->now.ours.last_sent = now;
    return ratchet;
}

struct ratchet *ratchet_create_recipient(const struct session_secrets *secrets,
                                         const struct dh_pair *bundle_dh, instant now)
{
    struct ratchet *ratchet = create(secrets, now);
    struct ratchet_state *state = &ratchet->now;
    state->phase = PHASE_WAITS;
    state->sending.pair = *bundle_dh;
    memcpy(state->next_receiving, secrets->header_initiator, 32);
    memcpy(state->next_sending, secrets->next_header_recipient, 32);
    return ratchet;
}

void ratchet_destroy(struct ratchet *ratchet)
{
    if (ratchet == NULL)
        return;
    secret_free(ratchet->skipped);
    secret_free(ratchet);
}

const uint8_t *ratchet_session(const struct ratchet *ratchet)
{
    return ratchet->session;
}

uint64_t ratchet_turns(const struct ratchet *ratchet)
{
    return ratchet->now.turns;
}

bool ratchet_heard(const struct ratchet *ratchet)
{
    return ratchet->now.receiving_count > 0;
}

/* --- offers of ours --------------------------------------------------------------------------- */

static duration use_until(const struct own_offer *ours, instant now)
{
    duration gap = now > ours->last_sent ? now - ours->last_sent : 0;
    return after(ours->used, earlier(gap, OFFER_USE_GAP));
}

static bool offer_is_due(const struct own_offer *ours, instant now)
{
    return !ours->open && ours->kid < UINT32_MAX &&
           (ours->sent >= RATCHET_OFFER_MESSAGES || use_until(ours, now) >= RATCHET_OFFER_USE ||
            now >= after(ours->since, RATCHET_OFFER_LATEST));
}

static void make_offer(struct own_offer *ours, struct rng *rng)
{
    ours->kid++;
    ours->open = true;
    mlkem_pair_make(&ours->pair, rng);
}

/* --- sealing ---------------------------------------------------------------------------------- */

/* The root step of a new sending chain towards `their_dh`, with a fresh pair. */
static void sending_root(struct ratchet_state *state, const uint8_t session[SESSION_ID_BYTES],
                         const uint8_t their_dh[KEY_BYTES], const struct ratchet_kem *kem,
                         struct rng *rng)
{
    struct sending *sending = &state->sending;
    uint8_t shared[KEY_BYTES];
    dh_pair_make(&sending->pair, rng);
    enum fault fault = dh_agree(shared, sending->pair.secret, their_dh);
    assert(fault == FAULT_NONE); /* their key was judged where it came in */
    ratchet_root(state->root, sending->key, state->next_sending, shared, kem);
    wipe(shared, sizeof shared);
    ratchet_chain_id(sending->id, session, sending->pair.public);
    sending->number = 0;
    state->turns++;
    state->phase = PHASE_SENDS;
}

struct ratchet *ratchet_create_initiator(const struct session_secrets *secrets,
                                         const uint8_t bundle_dh[KEY_BYTES], instant now,
                                         struct rng *rng)
{
    struct ratchet *ratchet = create(secrets, now);
    struct ratchet_state *state = &ratchet->now;
    memcpy(state->sending.header_key, secrets->header_initiator, 32);
    memcpy(state->next_receiving, secrets->next_header_recipient, 32);
    sending_root(state, ratchet->session, bundle_dh, NULL, rng);
    make_offer(&state->ours, rng);
    return ratchet;
}

/* Encapsulates to the open offer of the other side, once: a kid answered is not answered again, or
   a late copy of it would be answered to a secret that has been erased. */
static void answer_offer(struct ratchet *ratchet, struct ratchet_kem *kem, struct rng *rng)
{
    struct ratchet_state *state = &ratchet->now;
    struct ratchet_answer *answer = &ratchet->answer;
    mlkem_encapsulate(answer->cipher, kem->secret, state->theirs.key, rng);
    answer->kid = state->answered = state->theirs.kid;
    kem->key = BYTES_OF(state->theirs.key);
    kem->cipher = BYTES_OF(answer->cipher);
    state->theirs.kid = 0;
}

static void begin_chain(struct ratchet *ratchet, struct rng *rng)
{
    struct ratchet_state *state = &ratchet->now;
    const struct receiving *peer = &state->receiving[state->receiving_count - 1];
    struct ratchet_kem kem;
    bool answers = state->theirs.kid != 0;
    ratchet->answer.kid = 0;
    if (answers)
        answer_offer(ratchet, &kem, rng);
    state->sending.previous = state->sending.number;
    memcpy(state->sending.header_key, state->next_sending, 32);
    sending_root(state, ratchet->session, peer->dh, answers ? &kem : NULL, rng);
    wipe(&kem, sizeof kem);
}

bool ratchet_can_step(const struct ratchet *ratchet)
{
    const struct ratchet_state *state = &ratchet->now;
    return state->phase == PHASE_TURNS ||
           (state->phase == PHASE_SENDS && state->sending.number < RATCHET_CHAIN_LIMIT);
}

size_t ratchet_next_header_size(const struct ratchet *ratchet, instant now)
{
    const struct ratchet_state *state = &ratchet->now;
    bool offers = state->ours.open || offer_is_due(&state->ours, now);
    return ratchet_header_size(offers, state->phase == PHASE_TURNS ? state->theirs.kid != 0
                                                                   : ratchet->answer.kid != 0);
}

static void write_header(struct ratchet_step *out, const struct ratchet *ratchet, struct rng *rng)
{
    const struct sending *sending = &ratchet->now.sending;
    const struct own_offer *ours = &ratchet->now.ours;
    struct ratchet_header header = { .previous = sending->previous, .number = sending->number };
    memcpy(header.dh, sending->pair.public, sizeof header.dh);
    header.answer = ratchet->answer;
    if (ours->open) {
        header.offer.kid = ours->kid;
        memcpy(header.offer.key, ours->pair.public, sizeof header.offer.key);
    }
    out->header_size =
        ratchet_header_write(out->header, sending->header_key, ratchet->session, &header, rng);
}

enum fault ratchet_step(struct ratchet *ratchet, instant now, struct rng *rng,
                        struct ratchet_step *out)
{
    struct ratchet_state *state = &ratchet->now;
    ratchet_drop(ratchet);
    if (!ratchet_can_step(ratchet))
        return FAULT_BUSY;
    if (state->phase == PHASE_TURNS)
        begin_chain(ratchet, rng);
    if (offer_is_due(&state->ours, now))
        make_offer(&state->ours, rng);
    write_header(out, ratchet, rng);
    ratchet_message_key(out->key, state->sending.key);
    memcpy(out->chain, state->sending.id, sizeof out->chain);
    out->number = state->sending.number++;
    out->turn = state->turns;
    state->ours.used = use_until(&state->ours, now);
    state->ours.last_sent = now;
    state->ours.sent += state->ours.sent < UINT32_MAX;
    return FAULT_NONE;
}

void ratchet_seal(uint8_t *out, const uint8_t session[SESSION_ID_BYTES],
                  const struct ratchet_step *step, struct bytes content, struct rng *rng)
{
    memcpy(out, step->header, step->header_size);
    ratchet_body_write(out + step->header_size, step->key, session,
                       (struct bytes){ step->header, step->header_size }, content, rng);
}
