#include "engine/dht/items.h"

#include "base/map.h"
#include "base/mem.h"
#include "engine/crypto/hash.h"
#include "engine/dht/id.h"

#include <string.h>

struct held {
    struct dht_id target;
    instant put;
    uint64_t owner; /* keyed hash of the address that put it last */
    uint16_t asked; /* how often; saturates */
    uint16_t place; /* in `all` */
    struct item item;
    uint8_t memory[]; /* salt, value */
};

struct items {
    struct rng *rng;
    uint8_t key[16];
    struct map *by_target; /* NULL while there are none */
    struct held **all;
    size_t count, room;
};

struct items *items_create(struct rng *rng)
{
    struct items *items = mem_zeroed(1, sizeof *items);
    items->rng = rng;
    rng_fill(rng, items->key, sizeof items->key);
    return items;
}

void items_destroy(struct items *items)
{
    for (size_t i = 0; i < items->count; i++)
        mem_free(items->all[i]);
    map_destroy(items->by_target);
    mem_free(items->all);
    wipe(items->key, sizeof items->key);
    mem_free(items);
}

static struct bytes key_of(const struct dht_id *target)
{
    return BYTES_OF(target->bytes);
}

static struct held *find(const struct items *items, const struct dht_id *target)
{
    return items->by_target == NULL ? NULL : map_get(items->by_target, key_of(target));
}

/* --- room ------------------------------------------------------------------------------------- */

static uint64_t owner_of(const struct items *items, const struct address *from)
{
    struct bytes ip = { from->ip, address_is_ipv4(from) ? sizeof from->ip : 8 };
    return hash_short(items->key, ip);
}

static size_t count_of(const struct items *items, uint64_t owner)
{
    size_t count = 0;
    for (size_t i = 0; i < items->count; i++)
        count += items->all[i]->owner == owner;
    return count;
}

/* Those whose time is over go first, those nobody asks for before others, then the farthest. */
static bool goes_before(const struct dht_id *self, instant now, const struct held *a,
                        const struct held *b)
{
    bool a_over = now - a->put >= ITEMS_KEPT, b_over = now - b->put >= ITEMS_KEPT;
    if (a_over != b_over)
        return a_over;
    if (a_over && a->asked != b->asked)
        return a->asked < b->asked;
    return id_closer(self, &a->target, &b->target) > 0;
}

static struct held *first_to_go(const struct items *items, const struct dht_id *self, instant now)
{
    struct held *first = items->all[0];
    for (size_t i = 1; i < items->count; i++)
        if (goes_before(self, now, items->all[i], first))
            first = items->all[i];
    return first;
}

static void take_out(struct items *items, struct held *held)
{
    map_remove(items->by_target, key_of(&held->target));
    items->all[held->place] = items->all[--items->count];
    items->all[held->place]->place = held->place;
    mem_free(held);
}

static bool make_room(struct items *items, instant now, const struct dht_id *self,
                      const struct dht_id *target)
{
    if (items->count < SERVED_ITEMS)
        return true;
    struct held *first = first_to_go(items, self, now);
    if (now - first->put < ITEMS_KEPT && id_closer(self, target, &first->target) >= 0)
        return false;
    take_out(items, first);
    return true;
}

static void keep(struct items *items, struct held *held)
{
    if (items->by_target == NULL)
        items->by_target = map_create(SERVED_ITEMS, rng_u64(items->rng));
    if (items->count == items->room) {
        items->room = items->room == 0 ? 4 : 2 * items->room;
        items->all = mem_resized(items->all, items->room, sizeof(struct held *));
    }
    held->place = (uint16_t)items->count;
    items->all[items->count++] = held;
    map_put(items->by_target, key_of(&held->target), held);
}

static struct held *copy_of(const struct dht_id *target, const struct item *item)
{
    struct held *held = mem_zeroed(1, sizeof *held + item->salt.size + item->value.size);
    struct cursor memory = cursor_into(held->memory, item->salt.size + item->value.size);
    cursor_put_bytes(&memory, item->salt);
    cursor_put_bytes(&memory, item->value);
    held->target = *target;
    held->item = *item;
    held->item.salt.data = held->memory;
    held->item.value.data = held->memory + item->salt.size;
    return held;
}

/* --- the door --------------------------------------------------------------------------------- */

enum put items_put(struct items *items, instant now, const struct dht_id *self,
                   const struct address *from, const struct dht_id *target, const struct item *item,
                   const int64_t *cas)
{
    struct held *old = find(items, target);
    uint64_t owner = owner_of(items, from);
    uint16_t asked = 0;
    if (old != NULL && item->mutable && cas != NULL && *cas != old->item.seq)
        return PUT_CAS;
    if (old != NULL && item->mutable && item->seq < old->item.seq)
        return PUT_OLD;
    if ((old == NULL || old->owner != owner) &&
        count_of(items, owner) >= SERVED_ITEMS / ITEMS_SHARE)
        return PUT_FULL;
    if (old != NULL && (!item->mutable || item->seq == old->item.seq)) {
        old->put = now;
        old->owner = owner;
        return PUT_DONE;
    }
    if (old != NULL) {
        asked = old->asked;
        take_out(items, old);
    } else if (!make_room(items, now, self, target)) {
        return PUT_FULL;
    }
    struct held *held = copy_of(target, item);
    held->put = now;
    held->owner = owner;
    held->asked = asked;
    keep(items, held);
    return PUT_DONE;
}

const struct item *items_get(struct items *items, const struct dht_id *target)
{
    struct held *held = find(items, target);
    if (held == NULL)
        return NULL;
    held->asked += held->asked < UINT16_MAX;
    return &held->item;
}

size_t items_count(const struct items *items)
{
    return items->count;
}
