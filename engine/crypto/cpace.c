#include "engine/crypto/cpace.h"

#include "base/mem.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define GENERATOR_LABEL "ramage/cpace/generator/v1"
#define KEY_LABEL       "ramage/cpace/key/v1"

_Static_assert(CPACE_BYTES == crypto_core_ristretto255_BYTES, "an element");
_Static_assert(CPACE_BYTES == crypto_core_ristretto255_SCALARBYTES, "a scalar");

/* A point whose logarithm nobody knows, to the base of another password's or any other. */
static void make_generator(uint8_t out[CPACE_BYTES], const uint8_t password[CPACE_BYTES],
                           struct bytes context)
{
    uint8_t hash[crypto_core_ristretto255_HASHBYTES];
    struct bytes parts[] = { { password, CPACE_BYTES }, context };
    hash_parts(hash, sizeof hash, (struct bytes){ 0 }, GENERATOR_LABEL, parts, COUNT(parts));
    int failed = crypto_core_ristretto255_from_hash(out, hash);
    assert(failed == 0);
    wipe(hash, sizeof hash);
}

void cpace_start(struct cpace *cpace, bool initiator, const uint8_t password[CPACE_BYTES],
                 struct bytes context, struct rng *rng)
{
    uint8_t generator[CPACE_BYTES], wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES];
    assert(context.size <= CPACE_CONTEXT_MAX_BYTES);
    *cpace = (struct cpace){ .initiator = initiator, .context_size = context.size };
    if (context.size > 0)
        memcpy(cpace->context, context.data, context.size);
    make_generator(generator, password, context);
    rng_fill(rng, wide, sizeof wide);
    crypto_core_ristretto255_scalar_reduce(cpace->scalar, wide);
    /* Fails for the scalar zero, which no luck worth the name ever gives. */
    int failed = crypto_scalarmult_ristretto255(cpace->ours, cpace->scalar, generator);
    assert(failed == 0);
    wipe(generator, sizeof generator); /* by it a guess of the password can be tested */
    wipe(wide, sizeof wide);
}

void cpace_say(const struct cpace *cpace, uint8_t out[CPACE_BYTES])
{
    memcpy(out, cpace->ours, CPACE_BYTES);
}

static void make_key(const struct cpace *cpace, const uint8_t theirs[CPACE_BYTES],
                     const uint8_t shared[CPACE_BYTES], uint8_t key[CPACE_BYTES])
{
    const uint8_t *first = cpace->initiator ? cpace->ours : theirs;
    const uint8_t *second = cpace->initiator ? theirs : cpace->ours;
    struct bytes parts[] = { { shared, CPACE_BYTES },
                             { first, CPACE_BYTES },
                             { second, CPACE_BYTES },
                             { cpace->context, cpace->context_size } };
    hash_parts(key, CPACE_BYTES, (struct bytes){ 0 }, KEY_LABEL, parts, COUNT(parts));
}

/* The library sees whether the low 255 bits are canonical, but up to 1.0.18 not the one above them:
   each element would have two spellings (RFC 9496, 4.3.1, step 1). */
static bool no_top_bit(const uint8_t element[CPACE_BYTES])
{
    return element[CPACE_BYTES - 1] >> 7 == 0;
}

enum fault cpace_hear(struct cpace *cpace, const uint8_t theirs[CPACE_BYTES],
                      uint8_t key[CPACE_BYTES])
{
    uint8_t shared[CPACE_BYTES];
    /* Refuses any other spelling of an element, and whatever multiplies to the identity: that
       itself, and every element once the scalar is spent. */
    if (!no_top_bit(theirs) || crypto_scalarmult_ristretto255(shared, cpace->scalar, theirs) != 0)
        return FAULT_PEER;
    make_key(cpace, theirs, shared, key);
    wipe(cpace->scalar, sizeof cpace->scalar);
    wipe(shared, sizeof shared);
    return FAULT_NONE;
}

void cpace_finish(struct cpace *cpace)
{
    wipe(cpace, sizeof *cpace);
}
