/* A buddy allocator: every block is a power of two of 64 bytes, aligned to its size within the
   region, and two free halves become their whole again. So each call is a walk over at most ORDERS
   sizes, and no order of calls can leave the region in crumbs for ever. */
#include "base/secret.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size)   ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

#define UNIT_BYTES 64 /* the smallest block: a cache line, and room for the links of a free one */
#define ORDERS     26 /* the largest block is 2 GiB */

/* What the map says of the first unit of a block; of units inside one it says nothing. */
#define MAP_INSIDE 0
#define MAP_FREE   0x40
#define MAP_USED   0x80
#define MAP_ORDER  0x3f

struct free_block {
    struct free_block *next, *previous;
};

static struct {
    uint8_t *map; /* one byte a unit, at the start of the region */
    uint8_t *heap;
    size_t units;
    struct free_block *free[ORDERS];
    size_t used, elsewhere;
    bool wiped; /* nothing in the region means anything any more */
} region;

/* What did not fit, in the ordinary heap. */
struct stray {
    size_t size;
    max_align_t data[];
};

static size_t bytes_of_order(size_t order)
{
    return (size_t)UNIT_BYTES << order;
}

/* --- blocks, by the number of their first unit ---------------------------------------------- */

static struct free_block *block_at(size_t unit)
{
    return (struct free_block *)(void *)(region.heap + unit * UNIT_BYTES);
}

static size_t unit_of(const void *block)
{
    return (size_t)((const uint8_t *)block - region.heap) / UNIT_BYTES;
}

static void put_free(size_t unit, size_t order)
{
    struct free_block *block = block_at(unit);
    ASAN_POISON_MEMORY_REGION(block, bytes_of_order(order));
    ASAN_UNPOISON_MEMORY_REGION(block, sizeof *block);
    *block = (struct free_block){ .next = region.free[order] };
    if (block->next)
        block->next->previous = block;
    region.free[order] = block;
    region.map[unit] = (uint8_t)(MAP_FREE | order);
}

static void take_free(size_t unit, size_t order)
{
    struct free_block *block = block_at(unit);
    if (block->previous)
        block->previous->next = block->next;
    else
        region.free[order] = block->next;
    if (block->next)
        block->next->previous = block->previous;
    region.map[unit] = MAP_INSIDE;
}

/* A free block of that order, cut from a larger one when need be; false: none is left. */
static bool take_block(size_t order, size_t *unit)
{
    size_t found = order;
    while (found < ORDERS && !region.free[found])
        found++;
    if (found == ORDERS)
        return false;
    *unit = unit_of(region.free[found]);
    take_free(*unit, found);
    while (found-- > order)
        put_free(*unit + ((size_t)1 << found), found);
    region.map[*unit] = (uint8_t)(MAP_USED | order);
    return true;
}

static void give_block(size_t unit, size_t order)
{
    for (; order + 1 < ORDERS; order++) {
        size_t buddy = unit ^ (size_t)1 << order;
        if (buddy >= region.units || region.map[buddy] != (MAP_FREE | order))
            break;
        take_free(buddy, order);
        region.map[unit] = MAP_INSIDE;
        unit = unit < buddy ? unit : buddy;
    }
    put_free(unit, order);
}

/* --- the region ----------------------------------------------------------------------------- */

/* Cuts all units into the largest blocks their places allow. */
static void cut_up(void)
{
    for (size_t unit = 0, order; unit < region.units; unit += (size_t)1 << order) {
        for (order = 0; order + 1 < ORDERS; order++) {
            size_t twice = (size_t)2 << order;
            if (unit % twice != 0 || unit + twice > region.units)
                break;
        }
        put_free(unit, order);
    }
}

static void take_back(void)
{
    assert(region.used == 0);
    secret_wipe_all();
    memset(&region, 0, sizeof region);
}

void secret_region(void *memory, size_t size)
{
    if (!memory) {
        take_back();
        return;
    }
    assert(region.units == 0 && region.elsewhere == 0);
    if (size < 4 * UNIT_BYTES)
        return;
    region.units = (size - UNIT_BYTES) / (UNIT_BYTES + 1);
    region.map = memory;
    uint8_t *after = region.map + region.units;
    region.heap = after + (UNIT_BYTES - (uintptr_t)after % UNIT_BYTES) % UNIT_BYTES;
    memset(region.map, MAP_INSIDE, region.units);
    cut_up();
}

static bool is_inside(const void *secret)
{
    const uint8_t *at = secret;
    return region.units > 0 && at >= region.heap && at < region.heap + region.units * UNIT_BYTES;
}

void secret_usage(size_t *locked, size_t *elsewhere)
{
    *locked = region.used;
    *elsewhere = region.elsewhere;
}

/* May run in a signal handler, also in the middle of any function here. */
void secret_wipe_all(void)
{
    if (region.units == 0)
        return;
    region.wiped = true;
    ASAN_UNPOISON_MEMORY_REGION(region.heap, region.units * UNIT_BYTES);
    wipe(region.heap, region.units * UNIT_BYTES);
}

/* --- secrets -------------------------------------------------------------------------------- */

static void *new_stray(size_t size)
{
    assert(size <= SIZE_MAX - sizeof(struct stray));
    struct stray *stray = mem_zeroed(1, sizeof *stray + size);
    stray->size = size;
    region.elsewhere += size;
    return stray->data;
}

static void free_stray(void *secret)
{
    struct stray *stray = (void *)((uint8_t *)secret - offsetof(struct stray, data));
    region.elsewhere -= stray->size;
    wipe(stray, sizeof *stray + stray->size);
    mem_free(stray);
}

void *secret_new(size_t size)
{
    size_t order = 0, unit;
    while (order < ORDERS && bytes_of_order(order) < size)
        order++;
    if (region.wiped || order == ORDERS || !take_block(order, &unit))
        return new_stray(size);
    void *secret = block_at(unit);
    ASAN_UNPOISON_MEMORY_REGION(secret, size);
    memset(secret, 0, size); /* it was wiped when freed, but links and halves have left theirs */
    region.used += bytes_of_order(order);
    return secret;
}

void secret_free(void *secret)
{
    if (!secret || (region.wiped && is_inside(secret)))
        return;
    if (!is_inside(secret)) {
        free_stray(secret);
        return;
    }
    size_t unit = unit_of(secret), order = region.map[unit] & MAP_ORDER;
    assert((region.map[unit] & MAP_USED) && secret == (void *)block_at(unit));
    ASAN_UNPOISON_MEMORY_REGION(secret, bytes_of_order(order));
    wipe(secret, bytes_of_order(order));
    region.used -= bytes_of_order(order);
    give_block(unit, order);
}
