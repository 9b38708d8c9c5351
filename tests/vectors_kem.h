/* What the two readers of ML-KEM's vectors share: keys in the expanded form of FIPS 203, which the
   product does not have, and whether our functions give what a file says. */
#ifndef TESTS_VECTORS_KEM_H
#define TESTS_VECTORS_KEM_H

#include "engine/crypto/mlkem_key.h"
#include "tests/vectors.h"

bool kem_key_read(struct mlkem_key *out, struct bytes expanded); /* false: refused */
bool kem_seed_gives(struct bytes seed, struct bytes public, struct bytes expanded);
bool kem_decapsulation_gives(struct bytes expanded, struct bytes cipher, struct bytes shared);

#endif
