/* Where luck comes from: handed in, never global. The host fills it from the system, the simulator
   from a seed, so that a whole run can be repeated. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    void (*fill)(void *source, void *out, size_t size); /* cannot fail: the source stops instead */
    void *source;
};

void rng_fill(struct rng *rng, void *out, size_t size);
uint64_t rng_u64(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* 0 to bound - 1, without bias; bound > 0 */

/* A small seeded generator (xoshiro256++) for tests and the simulator. Never for keys of people. */
struct rng_seeded {
    uint64_t state[4];
};
struct rng rng_from_seed(struct rng_seeded *memory, uint64_t seed); /* memory is borrowed */

#endif
