#include "base/rng.h"

#include <assert.h>
#include <string.h>

void rng_fill(struct rng *rng, void *out, size_t size)
{
    rng->fill(rng->source, out, size);
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t value;
    rng_fill(rng, &value, sizeof value);
    return value;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    assert(bound > 0);
    uint64_t unfair = (0 - bound) % bound; /* values below this would favour small results */
    uint64_t value;
    do
        value = rng_u64(rng);
    while (value < unfair);
    return value % bound;
}

static uint64_t rotated(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

/* xoshiro256++ by Blackman and Vigna, 2019. */
static uint64_t next(struct rng_seeded *seeded)
{
    uint64_t *s = seeded->state, result = rotated(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return result;
}

static void fill_seeded(void *source, void *out, size_t size)
{
    for (uint8_t *at = out; size > 0;) {
        uint64_t word = next(source);
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(at, &word, part);
        at += part;
        size -= part;
    }
}

struct rng rng_from_seed(struct rng_seeded *memory, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) { /* SplitMix64, as its authors advise for seeding */
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        memory->state[i] = z ^ z >> 31;
    }
    return (struct rng){ fill_seeded, memory };
}
