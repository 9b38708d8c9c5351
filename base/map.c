#include "base/map.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* Open addressing with linear probing and backward-shift deletion: no tombstones, so a map that
   sees many strangers come and go stays as fast as a new one. */
struct slot {
    uint8_t key[MAP_KEY_MAX_BYTES];
    uint8_t size;
    uint32_t hash;
    void *value; /* NULL: free */
};

struct map {
    size_t most, count, room; /* room is a power of two, at most 3/4 full */
    uint64_t seed;
    struct slot *slots;
};

#define MAP_FIRST_ROOM 16

static uint64_t rotated(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

/* SipHash's round on two keys of our seed; a short input needs no more than this. */
static uint32_t hash_of(const struct map *map, struct bytes key)
{
    uint64_t a = map->seed ^ 0x736f6d6570736575u, b = ~map->seed ^ 0x646f72616e646f6du;
    uint64_t c = map->seed ^ 0x6c7967656e657261u, d = rotated(map->seed, 32) ^ 0x7465646279746573u;
    for (size_t i = 0; i <= key.size; i += 8) {
        uint64_t word = 0;
        for (size_t j = 0; j < 8 && i + j < key.size; j++)
            word |= (uint64_t)key.data[i + j] << 8 * j;
        if (key.size - i < 8)
            word |= (uint64_t)key.size << 56;
        d ^= word;
        for (int round = 0; round < 2; round++) {
            a += b, b = rotated(b, 13) ^ a, a = rotated(a, 32);
            c += d, d = rotated(d, 16) ^ c;
            a += d, d = rotated(d, 21) ^ a;
            c += b, b = rotated(b, 17) ^ c, c = rotated(c, 32);
        }
        a ^= word;
    }
    return (uint32_t)((a ^ b ^ c ^ d) >> 16);
}

struct map *map_create(size_t most, uint64_t seed)
{
    struct map *map = mem_zeroed(1, sizeof *map);
    map->most = most;
    map->seed = seed;
    map->room = MAP_FIRST_ROOM;
    map->slots = mem_zeroed(map->room, sizeof *map->slots);
    return map;
}

void map_destroy(struct map *map)
{
    if (map == NULL)
        return;
    wipe(map->slots, map->room * sizeof *map->slots);
    mem_free(map->slots);
    mem_free(map);
}

/* The slot that holds the key, or the free one where it would go. */
static struct slot *slot_for(const struct map *map, struct bytes key, uint32_t hash)
{
    for (size_t i = hash & (map->room - 1);; i = (i + 1) & (map->room - 1)) {
        struct slot *slot = &map->slots[i];
        if (slot->value == NULL)
            return slot;
        if (slot->hash == hash && slot->size == key.size &&
            memcmp(slot->key, key.data, key.size) == 0)
            return slot;
    }
}

static void grow(struct map *map)
{
    struct slot *old = map->slots;
    size_t old_room = map->room;
    map->room *= 2;
    map->slots = mem_zeroed(map->room, sizeof *map->slots);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].value != NULL)
            *slot_for(map, (struct bytes){ old[i].key, old[i].size }, old[i].hash) = old[i];
    wipe(old, old_room * sizeof *old);
    mem_free(old);
}

bool map_put(struct map *map, struct bytes key, void *value)
{
    assert(key.size > 0 && key.size <= MAP_KEY_MAX_BYTES && value != NULL);
    if (map->count == map->most)
        return false;
    if ((map->count + 1) * 4 > map->room * 3)
        grow(map);
    uint32_t hash = hash_of(map, key);
    struct slot *slot = slot_for(map, key, hash);
    if (slot->value != NULL)
        return false;
    memcpy(slot->key, key.data, key.size);
    slot->size = (uint8_t)key.size;
    slot->hash = hash;
    slot->value = value;
    map->count++;
    return true;
}

void *map_get(const struct map *map, struct bytes key)
{
    if (key.size == 0 || key.size > MAP_KEY_MAX_BYTES)
        return NULL;
    return slot_for(map, key, hash_of(map, key))->value;
}

void *map_remove(struct map *map, struct bytes key)
{
    if (key.size == 0 || key.size > MAP_KEY_MAX_BYTES)
        return NULL;
    struct slot *slot = slot_for(map, key, hash_of(map, key));
    void *value = slot->value;
    if (value == NULL)
        return NULL;
    size_t mask = map->room - 1, hole = (size_t)(slot - map->slots);
    for (size_t i = (hole + 1) & mask; map->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t home = map->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    wipe(&map->slots[hole], sizeof map->slots[hole]);
    map->count--;
    return value;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

void *map_each(const struct map *map, size_t *at)
{
    while (*at < map->room) {
        void *value = map->slots[(*at)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}
