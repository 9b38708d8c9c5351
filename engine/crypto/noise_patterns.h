/* The rows of the Noise engine: what each pattern's messages are made of. Inside noise.c's
   business; its users know patterns by name (noise.h). */
#ifndef CRYPTO_NOISE_PATTERNS_H
#define CRYPTO_NOISE_PATTERNS_H

#include "engine/crypto/noise.h"

enum token { END, E, S, E1, EE, ES, SE, SS, EKEM1, PSK };

#define MESSAGES_MAX 4
#define TOKENS_MAX   7

struct noise_pattern {
    const char *name;
    enum token before[2][4]; /* pre-messages: keys of initiator, of responder, known before */
    enum token messages[MESSAGES_MAX][TOKENS_MAX];
};

bool noise_pattern_has(const struct noise_pattern *pattern, enum token token);

#endif
