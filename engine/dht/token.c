#include "engine/dht/token.h"

#include "base/mem.h"
#include "engine/crypto/hash.h"

#include <string.h>

void tokens_start(struct tokens *tokens, instant now, struct rng *rng)
{
    rng_fill(rng, tokens->secrets, sizeof tokens->secrets);
    tokens->change = now + TOKEN_CHANGE;
}

void tokens_finish(struct tokens *tokens)
{
    wipe(tokens, sizeof *tokens);
}

void tokens_advance(struct tokens *tokens, instant now, struct rng *rng)
{
    memcpy(tokens->secrets[1], tokens->secrets[0], sizeof tokens->secrets[0]);
    rng_fill(rng, tokens->secrets[0], sizeof tokens->secrets[0]);
    if (now >= tokens->change + TOKEN_CHANGE) /* we slept: the one before is too old as well */
        rng_fill(rng, tokens->secrets[1], sizeof tokens->secrets[1]);
    tokens->change = now + TOKEN_CHANGE;
}

/* Not to his port: translators change it. */
static void make(const uint8_t secret[16], const struct address *to, const struct dht_id *target,
                 uint8_t out[TOKEN_BYTES])
{
    uint8_t said[sizeof to->ip + DHT_ID_BYTES];
    memcpy(said, to->ip, sizeof to->ip);
    memcpy(said + sizeof to->ip, target->bytes, DHT_ID_BYTES);
    uint64_t hash = hash_short(secret, BYTES_OF(said));
    memcpy(out, &hash, TOKEN_BYTES);
}

void token_make(const struct tokens *tokens, const struct address *to, const struct dht_id *target,
                uint8_t out[TOKEN_BYTES])
{
    make(tokens->secrets[0], to, target, out);
}

bool token_is_good(const struct tokens *tokens, const struct address *from,
                   const struct dht_id *target, struct bytes token)
{
    uint8_t mine[2][TOKEN_BYTES];
    if (token.size != TOKEN_BYTES)
        return false;
    for (size_t i = 0; i < COUNT(mine); i++)
        make(tokens->secrets[i], from, target, mine[i]);
    bool now = secret_equal(mine[0], token.data, TOKEN_BYTES);
    bool before = secret_equal(mine[1], token.data, TOKEN_BYTES);
    return now | before;
}
