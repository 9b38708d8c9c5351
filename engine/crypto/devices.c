#include "engine/crypto/devices.h"

#include <assert.h>
#include <string.h>

#define DEVICES_VERSION 1
#define LABEL           "ramage/devices/v1"

/* --- heads ------------------------------------------------------------------------------------ */

void list_head_write(struct cursor *out, const struct list_head *head)
{
    cursor_put_u64(out, head->counter);
    cursor_put(out, head->hash, HASH_BYTES);
}

static bool is_zero(const uint8_t hash[HASH_BYTES])
{
    static const uint8_t zero[HASH_BYTES];
    return memcmp(hash, zero, HASH_BYTES) == 0;
}

bool list_head_read(struct cursor *in, struct list_head *out)
{
    struct list_head read;
    if (!cursor_take_u64(in, &read.counter) || !cursor_take(in, read.hash, HASH_BYTES) ||
        (read.counter == 0 && !is_zero(read.hash)))
        return false;
    *out = read;
    return true;
}

bool list_head_equal(const struct list_head *a, const struct list_head *b)
{
    return a->counter == b->counter && memcmp(a->hash, b->hash, HASH_BYTES) == 0;
}

/* --- what every list keeps, whoever made it --------------------------------------------------- */

static bool same(const uint8_t a[KEY_BYTES], const uint8_t b[KEY_BYTES])
{
    return memcmp(a, b, KEY_BYTES) == 0;
}

static bool is_revoked(const struct devices *devices, const uint8_t device[KEY_BYTES])
{
    for (size_t i = 0; i < devices->revoked_count; i++)
        if (same(devices->revoked[i].device, device))
            return true;
    return false;
}

/* The first `count` entries hold this DH. */
static bool dh_is_taken(const struct devices *devices, size_t count, const uint8_t dh[KEY_BYTES])
{
    for (size_t i = 0; i < count; i++)
        if (same(devices->devices[i].dh, dh))
            return true;
    return false;
}

static bool order_is_kept(const struct devices *devices)
{
    for (size_t i = 1; i < devices->device_count; i++)
        if (memcmp(devices->devices[i - 1].device, devices->devices[i].device, KEY_BYTES) >= 0)
            return false;
    for (size_t i = 1; i < devices->revoked_count; i++)
        if (memcmp(devices->revoked[i - 1].device, devices->revoked[i].device, KEY_BYTES) >= 0)
            return false;
    return true;
}

static bool entries_are_good(const struct devices *devices)
{
    for (size_t i = 0; i < devices->device_count; i++) {
        const struct device_entry *entry = &devices->devices[i];
        if (same(entry->device, devices->account) || is_revoked(devices, entry->device) ||
            dh_is_taken(devices, i, entry->dh) || !sign_public_good(entry->device) ||
            !dh_public_good(entry->dh))
            return false;
    }
    for (size_t i = 0; i < devices->revoked_count; i++)
        if (same(devices->revoked[i].device, devices->account) ||
            !sign_public_good(devices->revoked[i].device))
            return false;
    return true;
}

static bool rules_are_kept(const struct devices *devices)
{
    return devices->counter > 0 && (devices->counter > 1 || is_zero(devices->previous)) &&
           devices->device_count > 0 && devices->device_count <= DEVICES_MAX &&
           devices->revoked_count <= DEVICES_REVOKED_MAX && order_is_kept(devices) &&
           entries_are_good(devices);
}

/* --- the wire --------------------------------------------------------------------------------- */

size_t devices_write(uint8_t out[DEVICES_MAX_BYTES], const struct devices *devices,
                     const struct sign_pair *account)
{
    uint8_t signature[SIGNATURE_BYTES];
    struct cursor at = cursor_into(out, DEVICES_MAX_BYTES);
    assert(rules_are_kept(devices) && same(devices->account, account->public));
    cursor_put_u8(&at, DEVICES_VERSION);
    cursor_put(&at, devices->account, KEY_BYTES);
    cursor_put_u64(&at, devices->counter);
    cursor_put(&at, devices->previous, HASH_BYTES);
    cursor_put_u32(&at, devices->valid_until);
    cursor_put_u8(&at, (uint8_t)devices->device_count);
    for (size_t i = 0; i < devices->device_count; i++) {
        cursor_put(&at, devices->devices[i].device, KEY_BYTES);
        cursor_put(&at, devices->devices[i].dh, KEY_BYTES);
        cursor_put(&at, devices->devices[i].name_hash, HASH_BYTES);
        cursor_put_u32(&at, devices->devices[i].since);
    }
    cursor_put_u8(&at, (uint8_t)devices->revoked_count);
    for (size_t i = 0; i < devices->revoked_count; i++) {
        cursor_put(&at, devices->revoked[i].device, KEY_BYTES);
        cursor_put_u32(&at, devices->revoked[i].when);
    }
    sign(signature, account, LABEL, cursor_written(&at));
    cursor_put(&at, signature, sizeof signature);
    assert(cursor_good(&at));
    return cursor_written(&at).size;
}

static bool take_entries(struct cursor *in, struct devices *out)
{
    uint8_t count;
    if (!cursor_take_u8(in, &count) || count > DEVICES_MAX)
        return false;
    out->device_count = count;
    for (size_t i = 0; i < count; i++) {
        cursor_take(in, out->devices[i].device, KEY_BYTES);
        cursor_take(in, out->devices[i].dh, KEY_BYTES);
        cursor_take(in, out->devices[i].name_hash, HASH_BYTES);
        cursor_take_u32(in, &out->devices[i].since);
    }
    if (!cursor_take_u8(in, &count) || count > DEVICES_REVOKED_MAX)
        return false;
    out->revoked_count = count;
    for (size_t i = 0; i < count; i++) {
        cursor_take(in, out->revoked[i].device, KEY_BYTES);
        cursor_take_u32(in, &out->revoked[i].when);
    }
    return cursor_good(in);
}

enum fault devices_read(struct devices *out, struct bytes wire)
{
    struct devices read = { 0 };
    uint8_t version, signature[SIGNATURE_BYTES];
    struct cursor in = cursor_over(wire);
    cursor_take_u8(&in, &version);
    cursor_take(&in, read.account, KEY_BYTES);
    cursor_take_u64(&in, &read.counter);
    cursor_take(&in, read.previous, HASH_BYTES);
    cursor_take_u32(&in, &read.valid_until);
    if (!take_entries(&in, &read))
        return FAULT_PEER;
    struct bytes part = { wire.data, in.at };
    cursor_take(&in, signature, sizeof signature);
    if (!cursor_done(&in) || version != DEVICES_VERSION)
        return FAULT_PEER;
    /* The signature first: to judge up to 40 keys is work that a stranger is not given for free. */
    if (sign_check(signature, read.account, LABEL, part) != FAULT_NONE || !rules_are_kept(&read))
        return FAULT_PEER;
    *out = read;
    return FAULT_NONE;
}

void devices_hash(uint8_t out[HASH_BYTES], struct bytes wire)
{
    hash_parts(out, HASH_BYTES, (struct bytes){ 0 }, "ramage/devices/hash/v1", &wire, 1);
}

void devices_head(struct list_head *out, const struct devices *devices, struct bytes wire)
{
    out->counter = devices->counter;
    devices_hash(out->hash, wire);
}

/* --- asking ----------------------------------------------------------------------------------- */

const struct device_entry *devices_find(const struct devices *devices,
                                        const uint8_t device[KEY_BYTES])
{
    for (size_t i = 0; i < devices->device_count; i++)
        if (same(devices->devices[i].device, device))
            return &devices->devices[i];
    return NULL;
}

void devices_name_hash(uint8_t out[HASH_BYTES], const uint8_t device[KEY_BYTES], const char *name)
{
    struct bytes parts[] = { { device, KEY_BYTES }, bytes_of_text(name) };
    hash_parts(out, HASH_BYTES, (struct bytes){ 0 }, "ramage/devices/name/v1", parts, COUNT(parts));
}

enum devices_step devices_step(const struct list_head *held, const struct devices *next,
                               struct bytes wire)
{
    struct list_head head;
    if (held == NULL || held->counter == 0)
        return DEVICES_FOLLOWS;
    if (next->counter < held->counter)
        return DEVICES_OLDER;
    if (next->counter - held->counter > 1)
        return DEVICES_GAP;
    devices_head(&head, next, wire);
    if (next->counter == held->counter)
        return list_head_equal(&head, held) ? DEVICES_SAME : DEVICES_FORKED;
    return memcmp(next->previous, held->hash, HASH_BYTES) == 0 ? DEVICES_FOLLOWS : DEVICES_FORKED;
}
