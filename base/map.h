/* A hash map from short keys to pointers, with a maximum.

   Keys are copied in. Values are borrowed: the map never frees one. The hash is keyed (SipHash-like
   mixing under `seed`), so strangers who choose keys cannot make chains long. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"

#define MAP_KEY_MAX_BYTES 64

struct map;

struct map *map_create(size_t most, uint64_t seed);
void map_destroy(struct map *map); /* NULL is fine; values stay the caller's */

/* False when the map is full or the key is there already (then nothing changes). */
bool map_put(struct map *map, struct bytes key, void *value);
void *map_get(const struct map *map, struct bytes key); /* NULL: not there */
void *map_remove(struct map *map, struct bytes key);    /* what was there, or NULL */
size_t map_count(const struct map *map);
/* Walks in no particular order: start with *at = 0, ends with NULL. Do not change the map
 * meanwhile. */
void *map_each(const struct map *map, size_t *at);

#endif
