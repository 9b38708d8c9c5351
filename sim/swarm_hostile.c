/* Nodes that mean harm. They know each other and all keys worth attacking; they answer everything,
   with lies: neighbours that are accomplices, strangers or nobody, under ids made up to be close;
   peers that are not there; values too long, wrongly signed or old; the asker's address, wrong.
   What they are given to hold is forgotten. They ask too, so as to be known, and in the name of a
   victim, so that answers go there.

   They read what our engines write, and nothing else: fixed places in canonical messages. */
#include "sim/swarm_inside.h"

#include "base/mem.h"
#include "engine/crypto/item.h"

#include <stdlib.h>
#include <string.h>

#define ID_BYTES     DHT_ID_BYTES
#define ACCOMPLICES  4 /* of the nodes in an answer; as many are made up */
#define CROWD_BITS   40
#define FALSE_BITS   24
#define FALSE_PEERS  8
#define ASKS_EVERY   10000 /* ms, each of them */
#define NAMED_EVERY  10000 /* ms, each honest node is asked in the victim's name ... */
#define NAMED_AT_ONE 20    /* ms ... and the first one so often */
#define NEIGHBOURS   24    /* whom a crowd makes itself known to */

struct leak {
    struct dht_id target;
    uint8_t key[KEY_BYTES], signature[SIGNATURE_BYTES];
    int64_t seq;
    uint8_t value[64];
    size_t value_size;
};

/* --- reading ---------------------------------------------------------------------------------- */

static const uint8_t *find(struct bytes bytes, const char *text)
{
    return memmem(bytes.data, bytes.size, text, strlen(text));
}

static bool read_tid(struct bytes bytes, uint8_t tid[4])
{
    static const size_t end = 7 + 3 + 2 + 4; /* 1:t4:....1:y1:qe */
    if (bytes.size < end || memcmp(bytes.data + bytes.size - 7, "1:y1:qe", 7) != 0)
        return false;
    memcpy(tid, bytes.data + bytes.size - 11, 4);
    return true;
}

static bool read_target(struct bytes bytes, struct dht_id *out)
{
    const uint8_t *at = find(bytes, "6:target20:");
    size_t skip = 11;
    if (at == NULL) {
        at = find(bytes, "9:info_hash20:");
        skip = 14;
    }
    if (at == NULL || (size_t)(bytes.data + bytes.size - at) < skip + ID_BYTES)
        return false;
    memcpy(out->bytes, at + skip, ID_BYTES);
    return true;
}

bool swarm_stops_items(struct swarm *swarm, const struct member *member, uint32_t from,
                       struct bytes bytes)
{
    uint8_t wire[64], tid[4];
    struct cursor out = cursor_into(wire, sizeof wire);
    if (find(bytes, "1:q3:get1:") == NULL && find(bytes, "1:q3:put1:") == NULL &&
        find(bytes, "1:q3:get2:ro") == NULL && find(bytes, "1:q3:put2:ro") == NULL)
        return false;
    if (!read_tid(bytes, tid))
        return false;
    if (member->kind == REFUSES_ITEMS && !member->silent) {
        cursor_put_bytes(&out, bytes_of_text("d1:eli204e14:Method Unknowne1:t4:"));
        cursor_put(&out, tid, sizeof tid);
        cursor_put_bytes(&out, bytes_of_text("1:y1:ee"));
        swarm_post(swarm, member->number, from, cursor_written(&out));
    }
    return true;
}

/* --- the accomplices, by id --------------------------------------------------------------------
 */

static int by_id(const void *a, const void *b, void *members)
{
    const struct member *all = members;
    return memcmp(all[*(const uint32_t *)a].id.bytes, all[*(const uint32_t *)b].id.bytes, ID_BYTES);
}

static void sort_them(struct swarm *swarm)
{
    qsort_r(swarm->hostile_order, swarm->hostile_count, sizeof *swarm->hostile_order, by_id,
            swarm->members);
}

void hostile_start(struct swarm *swarm)
{
    swarm->hostile_count = swarm->settings.hostile;
    swarm->hostile_order = mem_zeroed(swarm->hostile_count + 1, sizeof *swarm->hostile_order);
    for (size_t i = 0; i < swarm->hostile_count; i++) {
        swarm->hostile_order[i] = (uint32_t)(swarm->honest + i);
        rng_fill(&swarm->rng, swarm->members[swarm->honest + i].id.bytes, ID_BYTES);
    }
    sort_them(swarm);
}

void hostile_finish(struct swarm *swarm)
{
    mem_free(swarm->hostile_order);
    mem_free(swarm->leaks);
}

/* The first whose id is not below the target. */
static size_t place_of(const struct swarm *swarm, const struct dht_id *target)
{
    size_t low = 0, high = swarm->hostile_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(swarm->members[swarm->hostile_order[middle]].id.bytes, target->bytes, ID_BYTES) <
            0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void put_address(struct cursor *out, const struct address *at)
{
    cursor_put(out, at->ip + 12, 4);
    cursor_put_u16(out, at->port);
}

static void draw_near(struct swarm *swarm, struct dht_id *id, const struct dht_id *target,
                      unsigned bits)
{
    rng_fill(&swarm->rng, id->bytes, ID_BYTES);
    memcpy(id->bytes, target->bytes, bits / 8);
}

static uint32_t false_number(struct swarm *swarm)
{
    switch (swarm_luck(swarm, 3)) {
    case 0:
        return swarm->victim;
    case 1:
        return (uint32_t)(NUMBERS - 1 - swarm_luck(swarm, NUMBERS / 2)); /* nobody */
    default:
        return (uint32_t)swarm_luck(swarm, swarm->numbers); /* somebody who has another id */
    }
}

static void put_nodes(struct swarm *swarm, struct cursor *out, const struct dht_id *target)
{
    size_t place = place_of(swarm, target) + swarm->hostile_count - ACCOMPLICES / 2;
    cursor_put_bytes(out, bytes_of_text("5:nodes208:"));
    for (size_t i = 0; i < ACCOMPLICES; i++) {
        uint32_t slot = swarm->hostile_order[(place + i) % swarm->hostile_count];
        struct address at = swarm_address(swarm, slot);
        cursor_put(out, swarm->members[slot].id.bytes, ID_BYTES);
        put_address(out, &at);
    }
    for (size_t i = ACCOMPLICES; i < 8; i++) {
        struct dht_id id;
        draw_near(swarm, &id, target, FALSE_BITS);
        struct address at = swarm_at(swarm, false_number(swarm));
        cursor_put(out, id.bytes, ID_BYTES);
        put_address(out, &at);
    }
}

static void put_peers(struct swarm *swarm, struct cursor *out)
{
    cursor_put_bytes(out, bytes_of_text("6:valuesl"));
    for (size_t i = 0; i < FALSE_PEERS; i++) {
        struct address at = swarm_at(swarm, false_number(swarm));
        cursor_put_bytes(out, bytes_of_text("6:"));
        put_address(out, &at);
    }
    cursor_put_bytes(out, bytes_of_text("e"));
}

static const struct leak *leak_of(const struct swarm *swarm, const struct dht_id *target)
{
    for (size_t i = swarm->leak_count; i-- > 0;)
        if (memcmp(swarm->leaks[i].target.bytes, target->bytes, ID_BYTES) == 0)
            return &swarm->leaks[i];
    return NULL;
}

enum poison { OLD_VALUE, WRONG_SIGNATURE, LONG_VALUE, POISONS };

static void put_seq(struct cursor *out, int64_t seq)
{
    char text[32] = "3:seqi";
    size_t at = 6;
    for (int64_t unit = 1000000; unit > 0; unit /= 10)
        if (seq >= unit || unit == 1)
            text[at++] = (char)('0' + seq / unit % 10);
    text[at++] = 'e';
    cursor_put(out, text, at);
}

static void put_item_head(struct cursor *out, const struct leak *leak)
{
    cursor_put_bytes(out, bytes_of_text("1:k32:"));
    cursor_put(out, leak->key, KEY_BYTES);
}

static void put_item_seal(struct cursor *out, const struct leak *leak, enum poison poison)
{
    uint8_t signature[SIGNATURE_BYTES];
    memcpy(signature, leak->signature, sizeof signature);
    signature[9] ^= poison == WRONG_SIGNATURE;
    put_seq(out, poison == OLD_VALUE ? leak->seq : 900000);
    cursor_put_bytes(out, bytes_of_text("3:sig64:"));
    cursor_put(out, signature, sizeof signature);
}

static void put_item_value(struct cursor *out, const struct leak *leak, enum poison poison)
{
    static const uint8_t nothing[1050];
    cursor_put_bytes(out, bytes_of_text("1:v"));
    if (poison == LONG_VALUE) {
        cursor_put_bytes(out, bytes_of_text("1050:"));
        cursor_put(out, nothing, sizeof nothing);
        return;
    }
    cursor_put(out, leak->value, leak->value_size);
}

/* Everybody is told another address: that of the victim. */
static void put_seen(struct swarm *swarm, struct cursor *out)
{
    struct address victim = swarm_at(swarm, swarm->victim);
    cursor_put_bytes(out, bytes_of_text("2:ip6:"));
    put_address(out, &victim);
}

void hostile_hear(struct swarm *swarm, struct member *member, uint32_t from, struct bytes bytes)
{
    uint8_t wire[1536], tid[4];
    struct dht_id target = member->id;
    struct cursor out = cursor_into(wire, sizeof wire);
    if (!read_tid(bytes, tid))
        return;
    bool has_target = read_target(bytes, &target);
    const struct leak *leak = NULL;
    enum poison poison = (enum poison)swarm_luck(swarm, POISONS);
    if (has_target && find(bytes, "1:q3:get1:") != NULL)
        leak = leak_of(swarm, &target);
    cursor_put_bytes(&out, bytes_of_text("d"));
    put_seen(swarm, &out);
    cursor_put_bytes(&out, bytes_of_text("1:rd2:id20:"));
    cursor_put(&out, member->id.bytes, ID_BYTES);
    if (leak != NULL)
        put_item_head(&out, leak);
    put_nodes(swarm, &out, &target);
    if (leak != NULL)
        put_item_seal(&out, leak, poison);
    cursor_put_bytes(&out, bytes_of_text("5:token4:evil"));
    if (leak != NULL)
        put_item_value(&out, leak, poison);
    if (find(bytes, "9:get_peers") != NULL)
        put_peers(swarm, &out);
    cursor_put_bytes(&out, bytes_of_text("e1:t4:"));
    cursor_put(&out, tid, sizeof tid);
    cursor_put_bytes(&out, bytes_of_text("1:y1:re"));
    swarm_post(swarm, member->number, from, cursor_written(&out));
}

void swarm_leak(struct swarm *swarm, const struct item *item)
{
    swarm->leaks = mem_resized(swarm->leaks, swarm->leak_count + 1, sizeof *swarm->leaks);
    struct leak *leak = &swarm->leaks[swarm->leak_count++];
    item_target(leak->target.bytes, item);
    memcpy(leak->key, item->key, KEY_BYTES);
    memcpy(leak->signature, item->signature, SIGNATURE_BYTES);
    leak->seq = item->seq;
    leak->value_size = item->value.size < sizeof leak->value ? item->value.size : 0;
    memcpy(leak->value, item->value.data, leak->value_size);
}

/* --- what they begin themselves ----------------------------------------------------------------
 */

static void ask(struct swarm *swarm, const struct dht_id *id, uint32_t from, size_t slot,
                const char *method, const char *name)
{
    uint8_t wire[160], tid[4];
    struct dht_id target;
    struct cursor out = cursor_into(wire, sizeof wire);
    rng_fill(&swarm->rng, target.bytes, ID_BYTES);
    rng_fill(&swarm->rng, tid, sizeof tid);
    cursor_put_bytes(&out, bytes_of_text("d1:ad2:id20:"));
    cursor_put(&out, id->bytes, ID_BYTES);
    cursor_put_bytes(&out, bytes_of_text(name));
    cursor_put(&out, target.bytes, ID_BYTES);
    cursor_put_bytes(&out, bytes_of_text("e1:q9:"));
    cursor_put_bytes(&out, bytes_of_text(method));
    cursor_put_bytes(&out, bytes_of_text("1:t4:"));
    cursor_put(&out, tid, sizeof tid);
    cursor_put_bytes(&out, bytes_of_text("1:y1:qe"));
    if (from == swarm->victim)
        swarm->figures.by_victim_bytes += out.at;
    swarm_post(swarm, from, swarm->members[slot].number, cursor_written(&out));
}

static void ask_as_victim(struct swarm *swarm, size_t slot)
{
    struct dht_id id;
    rng_fill(&swarm->rng, id.bytes, ID_BYTES);
    if (swarm->members[slot].dht != NULL)
        ask(swarm, &id, swarm->victim, slot, "get_peers", "9:info_hash20:");
}

static size_t how_many(struct swarm *swarm, size_t every, size_t of)
{
    return of / every + (swarm_luck(swarm, every) < of % every);
}

void hostile_act(struct swarm *swarm)
{
    if (swarm->hostile_count == 0)
        return;
    for (size_t i = how_many(swarm, ASKS_EVERY, swarm->hostile_count); i > 0; i--) {
        const struct member *one =
            &swarm->members[swarm->honest + swarm_luck(swarm, swarm->hostile_count)];
        size_t slot = swarm_luck(swarm, swarm->started);
        if (swarm->members[slot].dht != NULL)
            ask(swarm, &one->id, one->number, slot, "find_node", "6:target20:");
    }
    for (size_t i = how_many(swarm, NAMED_EVERY, swarm->started); i > 0; i--)
        ask_as_victim(swarm, swarm_luck(swarm, swarm->started));
    if (swarm->now % NAMED_AT_ONE == 0)
        ask_as_victim(swarm, 0);
}

/* --- crowding ----------------------------------------------------------------------------------
 */

static bool nearer(const struct dht_id *target, const struct dht_id *a, const struct dht_id *b)
{
    for (size_t i = 0; i < ID_BYTES; i++)
        if (a->bytes[i] != b->bytes[i])
            return (a->bytes[i] ^ target->bytes[i]) < (b->bytes[i] ^ target->bytes[i]);
    return false;
}

static struct dht_id id_of(const struct swarm *swarm, size_t slot)
{
    struct dht_status status;
    dht_look(swarm->members[slot].dht, swarm_now(swarm), &status);
    return status.ipv4.id;
}

/* Slots of the honest nodes closest to the target; how many. */
static size_t neighbours(const struct swarm *swarm, const struct dht_id *target,
                         size_t slots[NEIGHBOURS])
{
    struct dht_id ids[NEIGHBOURS];
    size_t count = 0;
    for (size_t slot = 0; slot < swarm->honest; slot++) {
        if (swarm->members[slot].dht == NULL)
            continue;
        struct dht_id id = id_of(swarm, slot);
        size_t at = count;
        while (at > 0 && nearer(target, &id, &ids[at - 1]))
            at--;
        if (at == NEIGHBOURS)
            continue;
        size_t moved = (count < NEIGHBOURS ? count : NEIGHBOURS - 1) - at;
        memmove(ids + at + 1, ids + at, moved * sizeof *ids);
        memmove(slots + at + 1, slots + at, moved * sizeof *slots);
        ids[at] = id;
        slots[at] = slot;
        count += count < NEIGHBOURS;
    }
    return count;
}

void swarm_crowd(struct swarm *swarm, const struct dht_id *target, size_t count)
{
    size_t slots[NEIGHBOURS], near = neighbours(swarm, target, slots);
    for (size_t i = 0; i < count && swarm->hostile_taken < swarm->hostile_count; i++) {
        struct member *one = &swarm->members[swarm->honest + swarm->hostile_taken++];
        draw_near(swarm, &one->id, target, CROWD_BITS);
        for (size_t j = 0; j < near; j++)
            ask(swarm, &one->id, one->number, slots[j], "find_node", "6:target20:");
    }
    sort_them(swarm);
}
