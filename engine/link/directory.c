#include "engine/link/directory.h"

#include "base/mem.h"
#include "engine/crypto/hash.h"

#include <assert.h>

#define IDS_PER_CONNECTION                                                                         \
    12 /* eight of ours at once (RFC 9000, 5.1.1), and those being retired                         \
        */
#define TOKENS_PER_CONNECTION 10

void directory_init(struct directory *directory, const uint8_t secret[KEY_BYTES], size_t most,
                    struct rng *rng)
{
    struct bytes key = { secret, KEY_BYTES };
    directory->ids = map_create(most * IDS_PER_CONNECTION, rng_u64(rng));
    directory->tokens = map_create(most * TOKENS_PER_CONNECTION, rng_u64(rng));
    directory->rng = rng;
    hash_parts(directory->mint_key, sizeof directory->mint_key, key, "ramage/link/mint/v1", NULL,
               0);
    hash_parts(directory->reset_key, sizeof directory->reset_key, key, "ramage/link/reset/v1", NULL,
               0);
}

void directory_finish(struct directory *directory)
{
    map_destroy(directory->ids);
    map_destroy(directory->tokens);
    wipe(directory, sizeof *directory);
}

void directory_mint(struct directory *directory, void *owner, uint8_t id[WIRE_ID_BYTES],
                    uint8_t token[WIRE_TOKEN_BYTES])
{
    do
        wire_mint_id(id, directory->mint_key, directory->rng);
    while (!map_put(directory->ids, (struct bytes){ id, WIRE_ID_BYTES }, owner));
    wire_reset_token(token, directory->reset_key, id);
}

bool directory_put(struct directory *directory, void *owner, struct bytes id)
{
    return map_put(directory->ids, id, owner);
}

void directory_remove(struct directory *directory, const void *owner, struct bytes id)
{
    if (map_get(directory->ids, id) == owner)
        map_remove(directory->ids, id);
}

void *directory_find(const struct directory *directory, struct bytes id)
{
    return map_get(directory->ids, id);
}

bool directory_minted(const struct directory *directory, struct bytes id)
{
    return wire_id_minted(id, directory->mint_key);
}

bool directory_put_token(struct directory *directory, void *owner,
                         const uint8_t token[WIRE_TOKEN_BYTES])
{
    return map_put(directory->tokens, (struct bytes){ token, WIRE_TOKEN_BYTES }, owner);
}

void directory_remove_token(struct directory *directory, const void *owner,
                            const uint8_t token[WIRE_TOKEN_BYTES])
{
    struct bytes key = { token, WIRE_TOKEN_BYTES };
    if (map_get(directory->tokens, key) == owner)
        map_remove(directory->tokens, key);
}

void *directory_find_reset(const struct directory *directory, struct bytes datagram)
{
    if (datagram.size < WIRE_SHORT_LEAST)
        return NULL;
    return map_get(
        directory->tokens,
        (struct bytes){ datagram.data + datagram.size - WIRE_TOKEN_BYTES, WIRE_TOKEN_BYTES });
}
