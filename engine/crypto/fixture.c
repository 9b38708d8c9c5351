#include "engine/crypto/fixture.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

void talk_begin(struct talk *talk, uint64_t seed)
{
    *talk = (struct talk){ .now = 20000 * DAY };
    talk->rng = rng_from_seed(&talk->luck, seed);
    rng_fill(&talk->rng, &talk->secrets, sizeof talk->secrets);
    dh_pair_make(&talk->bundle, &talk->rng);
    talk->side[0] =
        ratchet_create_initiator(&talk->secrets, talk->bundle.public, talk->now, &talk->rng);
    talk->side[1] = ratchet_create_recipient(&talk->secrets, &talk->bundle, talk->now);
}

void talk_end(struct talk *talk)
{
    ratchet_destroy(talk->side[0]);
    ratchet_destroy(talk->side[1]);
}

void talk_write(struct talk *talk, int from, struct letter *out)
{
    uint8_t text[LETTER_TEXT_BYTES];
    struct ratchet *ratchet = talk->side[from];
    size_t expected = ratchet_next_header_size(ratchet, talk->now);
    enum fault fault = ratchet_step(ratchet, talk->now, &talk->rng, &out->step);
    assert(fault == FAULT_NONE && out->step.header_size == expected);
    out->from = from;
    out->text = talk->written[from]++;
    memcpy(text, &out->text, sizeof text);
    ratchet_seal(out->wire, ratchet_session(ratchet), &out->step, BYTES_OF(text), &talk->rng);
    out->size = out->step.header_size + sizeof text + RATCHET_BODY_EXTRA_BYTES;
}

enum fault talk_read(struct talk *talk, const struct letter *letter, struct ratchet_opened *out)
{
    uint8_t content[sizeof letter->wire];
    struct ratchet *ratchet = talk->side[1 - letter->from];
    enum fault fault = ratchet_open(ratchet, talk->now,
                                    (struct bytes){ letter->wire, letter->size }, content, out);
    if (fault == FAULT_PEER)
        return fault;
    assert(memcmp(out->chain, letter->step.chain, sizeof out->chain) == 0);
    assert(out->number == letter->step.number);
    if (fault == FAULT_GONE)
        return fault;
    assert(out->size == LETTER_TEXT_BYTES && memcmp(content, &letter->text, out->size) == 0);
    ratchet_keep(ratchet);
    return fault;
}

void talk_pass(struct talk *talk, const struct letter *letter)
{
    struct ratchet_opened opened;
    enum fault fault = talk_read(talk, letter, &opened);
    assert(fault == FAULT_NONE);
}

void talk_rounds(struct talk *talk, int count)
{
    struct letter letter;
    for (int i = 0; i < 2 * count; i++) {
        talk_write(talk, i % 2, &letter);
        talk_pass(talk, &letter);
    }
}

void talk_reload(struct talk *talk, int side)
{
    struct kept *kept = mem_zeroed(1, sizeof *kept);
    kept_take(kept, talk->side[side]);
    ratchet_destroy(talk->side[side]);
    talk->side[side] = kept_copy(kept);
    bool same = kept_same(kept, talk->side[side]);
    assert(same);
    mem_free(kept);
}

void kept_take(struct kept *out, const struct ratchet *ratchet)
{
    ratchet_write(ratchet, out->bytes, &out->size);
}

bool kept_same(const struct kept *kept, const struct ratchet *ratchet)
{
    struct kept *other = mem_zeroed(1, sizeof *other);
    kept_take(other, ratchet);
    bool same = other->size == kept->size && memcmp(other->bytes, kept->bytes, kept->size) == 0;
    mem_free(other);
    return same;
}

bool kept_holds(const struct kept *kept, const void *bytes, size_t size)
{
    for (size_t at = 0; at + size <= kept->size; at++)
        if (memcmp(kept->bytes + at, bytes, size) == 0)
            return true;
    return false;
}

struct ratchet *kept_copy(const struct kept *kept)
{
    struct ratchet *ratchet = ratchet_read((struct bytes){ kept->bytes, kept->size });
    assert(ratchet != NULL);
    return ratchet;
}
