/* The number two people compare to know that nobody stands between them: 60 digits from both
   accounts, the same on both sides. 199 bits: to make two sides agree wrongly takes about 2^100
   tries. It covers the account keys alone, so another device does not change it. */
#ifndef CRYPTO_SAFETY_H
#define CRYPTO_SAFETY_H

#include "engine/crypto/key.h"

#define SAFETY_DIGITS 60

void safety_number(char out[SAFETY_DIGITS + 1], const uint8_t one[KEY_BYTES],
                   const uint8_t other[KEY_BYTES]);
/* The same number, whatever blanks and hyphens stand between its digits. */
bool safety_matches(const char *typed, const char number[SAFETY_DIGITS + 1]);

#endif
