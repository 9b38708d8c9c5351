/* How long a text is made before it is sealed, so that its length says little: Padme (Nikitin,
   Barman, Lueks, Underwood, Hubaux, Ford, "Reducing Metadata Leakage from Encrypted Files and
   Communication with PURBs", PETS 2019). Of a length of n bits about the first log2 n stay, the
   others become zero; the price is at most 12 %. */
#ifndef CRYPTO_PADME_H
#define CRYPTO_PADME_H

#include <stdint.h>

#define PADME_MAX_BYTES (UINT64_C(1) << 63)

/* The padded length, never less than `size` (at most PADME_MAX_BYTES). */
uint64_t padme_bytes(uint64_t size);

#endif
