/* Which connection a datagram belongs to: by the ids we minted, and by the reset tokens peers gave
   us.

   Owners are borrowed pointers of whoever keeps the connections. */
#ifndef LINK_DIRECTORY_H
#define LINK_DIRECTORY_H

#include "base/map.h"
#include "base/rng.h"
#include "engine/link/wire.h"

struct directory {
    struct map *ids, *tokens;
    uint8_t mint_key[16], reset_key[KEY_BYTES];
    struct rng *rng;
};

/* `secret` survives restarts: so ids of an earlier life are known as ours and answered by a reset.
 */
void directory_init(struct directory *directory, const uint8_t secret[KEY_BYTES], size_t most,
                    struct rng *rng);
void directory_finish(struct directory *directory);

/* A fresh id that leads to `owner`, and its reset token. */
void directory_mint(struct directory *directory, void *owner, uint8_t id[WIRE_ID_BYTES],
                    uint8_t token[WIRE_TOKEN_BYTES]);
bool directory_put(struct directory *directory, void *owner, struct bytes id);
void directory_remove(struct directory *directory, const void *owner, struct bytes id);
void *directory_find(const struct directory *directory, struct bytes id);
bool directory_minted(const struct directory *directory, struct bytes id);

bool directory_put_token(struct directory *directory, void *owner,
                         const uint8_t token[WIRE_TOKEN_BYTES]);
void directory_remove_token(struct directory *directory, const void *owner,
                            const uint8_t token[WIRE_TOKEN_BYTES]);
/* Whose connection a datagram resets, if its end is one of the tokens; else NULL. */
void *directory_find_reset(const struct directory *directory, struct bytes datagram);

#endif
