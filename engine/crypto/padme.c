#include "engine/crypto/padme.h"

#include <assert.h>

/* floor(log2 value) of a value that is not zero. */
static unsigned log2_of(uint64_t value)
{
    unsigned log = 0;
    while (value >>= 1)
        log++;
    return log;
}

uint64_t padme_bytes(uint64_t size)
{
    assert(size <= PADME_MAX_BYTES);
    if (size < 2) /* its exponent is 0, which has no logarithm */
        return size;
    unsigned exponent = log2_of(size);
    unsigned kept = log2_of(exponent) + 1; /* bits of the mantissa that may be told */
    uint64_t rest = (UINT64_C(1) << (exponent - kept)) - 1;
    return (size + rest) & ~rest;
}
