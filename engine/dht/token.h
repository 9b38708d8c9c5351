/* Tokens: who shows one that is not ten minutes old receives what is sent to his address, and asked
   about this very place (BEP 5). Four bytes, as the client we resemble gives. */
#ifndef DHT_TOKEN_H
#define DHT_TOKEN_H

#include "engine/dht/dht.h"

#define TOKEN_BYTES  4
#define TOKEN_CHANGE (5 * MINUTE) /* of the secret; the one before is still good */

struct tokens {
    uint8_t secrets[2][16]; /* this one, and the one before */
    instant change;
};

void tokens_start(struct tokens *tokens, instant now, struct rng *rng);
void tokens_finish(struct tokens *tokens);
/* `change` is over. */
void tokens_advance(struct tokens *tokens, instant now, struct rng *rng);
void token_make(const struct tokens *tokens, const struct address *to, const struct dht_id *target,
                uint8_t out[TOKEN_BYTES]);
/* In constant time. */
bool token_is_good(const struct tokens *tokens, const struct address *from,
                   const struct dht_id *target, struct bytes token);

#endif
