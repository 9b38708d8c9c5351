/* Arbitrary bytes as the state of a ratchet: refused, or they are what ratchet_write gives back. A
   state that is taken can be lived with, whatever nonsense its keys are. */
#include "base/mem.h"
#include "engine/crypto/fixture.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t wire[RATCHET_STATE_MAX_BYTES];

static void check_written(const struct ratchet *ratchet, struct bytes expected)
{
    size_t size;
    ratchet_write(ratchet, wire, &size);
    assert(bytes_equal((struct bytes){ wire, size }, expected));
}

static void live(struct ratchet *ratchet, struct rng *rng)
{
    struct ratchet_step step;
    struct ratchet_opened opened;
    uint8_t sealed[RATCHET_HEADER_MAX_BYTES + RATCHET_BODY_EXTRA_BYTES], content[sizeof sealed];
    instant now = 20000 * DAY;
    for (int i = 0; i < 2 && ratchet_can_step(ratchet); i++) {
        size_t expected = ratchet_next_header_size(ratchet, now);
        enum fault fault = ratchet_step(ratchet, now, rng, &step);
        assert(fault == FAULT_NONE && step.header_size == expected);
        ratchet_seal(sealed, ratchet_session(ratchet), &step, (struct bytes){ 0 }, rng);
        struct bytes letter = { sealed, step.header_size + RATCHET_BODY_EXTRA_BYTES };
        if (ratchet_open(ratchet, now, letter, content, &opened) == FAULT_NONE)
            ratchet_keep(ratchet); /* its two directions may have the same keys */
    }
    ratchet_age(ratchet, now);
    size_t size;
    ratchet_write(ratchet, wire, &size);
    struct ratchet *again = ratchet_read((struct bytes){ wire, size });
    assert(again != NULL);
    ratchet_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    struct bytes in = { data, size };
    struct ratchet *ratchet = ratchet_read(in);
    if (ratchet == NULL)
        return 0;
    check_written(ratchet, in);
    live(ratchet, &rng);
    ratchet_destroy(ratchet);
    return 0;
}
