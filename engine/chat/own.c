#include "engine/chat/own.h"

#include "base/mem.h"
#include "base/secret.h"

#include <assert.h>
#include <string.h>

struct own *own_create(void)
{
    return secret_new(sizeof(struct own));
}

void own_destroy(struct own *own)
{
    secret_free(own);
}

static uint32_t day_of(instant now)
{
    return (uint32_t)(now / DAY);
}

/* --- keys that stay --------------------------------------------------------------------------- */

static bool is_zero(const uint8_t key[32])
{
    static const uint8_t zero[32];
    return secret_equal(key, zero, sizeof zero);
}

static enum fault read_keys(struct chat *chat)
{
    struct store_self self;
    enum fault fault = store_self_get(chat->store, &self);
    /* Homes of version 1 had no DH key. */
    if (fault == FAULT_NONE && is_zero(self.dh_secret)) {
        rng_fill(chat->rng, self.dh_secret, sizeof self.dh_secret);
        fault = store_self_update(chat->store, &self);
    }
    if (fault == FAULT_NONE) {
        sign_pair_from_seed(&chat->own->account, self.account_seed);
        sign_pair_from_seed(&chat->own->device, self.device_seed);
        dh_pair_from_secret(&chat->own->dh, self.dh_secret);
    }
    wipe(&self, sizeof self);
    return fault;
}

/* --- the device list -------------------------------------------------------------------------- */

static enum fault keep_list(struct chat *chat, const struct devices *devices)
{
    struct own *own = chat->own;
    uint8_t wire[DEVICES_MAX_BYTES];
    struct bytes list = { wire, devices_write(wire, devices, &own->account) };
    struct bytes lists = lists_add(own->lists, (struct bytes){ own->lists, own->lists_size }, list);
    own->lists_size = lists.size;
    devices_head(&own->head, devices, list);
    return store_list_put(chat->store, 0, lists);
}

static enum fault first_list(struct chat *chat, instant now)
{
    struct store_self self;
    struct devices devices = { .counter = 1,
                               .valid_until = day_of(now) + OWN_LIST_DAYS,
                               .device_count = 1 };
    struct device_entry *entry = &devices.devices[0];
    enum fault fault = store_self_get(chat->store, &self);
    if (fault != FAULT_NONE)
        return fault;
    memcpy(devices.account, chat->account, KEY_BYTES);
    memcpy(entry->device, chat->own->device.public, KEY_BYTES);
    memcpy(entry->dh, chat->own->dh.public, KEY_BYTES);
    devices_name_hash(entry->name_hash, entry->device, self.name);
    entry->since = day_of(self.made);
    wipe(&self, sizeof self);
    return keep_list(chat, &devices);
}

static enum fault next_list(struct chat *chat, instant now, struct devices *devices)
{
    devices->counter++;
    memcpy(devices->previous, chat->own->head.hash, sizeof devices->previous);
    devices->valid_until = day_of(now) + OWN_LIST_DAYS;
    return keep_list(chat, devices);
}

static enum fault renew_list(struct chat *chat, instant now, bool *changed, instant *due)
{
    struct own *own = chat->own;
    struct devices devices;
    struct bytes lists, newest;
    enum fault fault = store_list_get(chat->store, 0, &lists);
    if (fault == FAULT_DISK)
        return fault;
    if (fault == FAULT_GONE) {
        *changed = true;
        *due = after(now, (OWN_LIST_DAYS - OWN_LIST_RENEW_DAYS) * DAY);
        return first_list(chat, now);
    }
    if (lists.size > sizeof own->lists || lists_newest(lists, &devices, &newest) != FAULT_NONE)
        return FAULT_DISK; /* nobody else writes it */
    devices_head(&own->head, &devices, newest);
    memcpy(own->lists, lists.data, lists.size);
    own->lists_size = lists.size;
    *due = (devices.valid_until - OWN_LIST_RENEW_DAYS) * DAY;
    if (now < *due)
        return FAULT_NONE;
    *changed = true;
    *due = after(now, (OWN_LIST_DAYS - OWN_LIST_RENEW_DAYS) * DAY);
    return next_list(chat, now, &devices);
}

/* --- link keys -------------------------------------------------------------------------------- */

static enum fault renew_link_key(struct chat *chat, instant now, bool *changed, instant *due)
{
    struct store_link_key key, older;
    uint32_t today = day_of(now);
    enum fault fault = store_link_key_before(chat->store, UINT32_MAX, &key);
    if (fault == FAULT_DISK)
        return fault;
    *due = fault == FAULT_GONE ? 0 : (instant)(key.from + OWN_LINK_KEY_DAYS) * DAY;
    if (now >= *due) {
        *changed = true;
        rng_fill(chat->rng, key.secret, sizeof key.secret);
        key.from = today;
        *due = (instant)(today + OWN_LINK_KEY_DAYS) * DAY;
        fault = store_link_key_add(chat->store, &key);
    }
    /* The two before the newest are still answered under. */
    uint32_t from = UINT32_MAX;
    for (size_t i = 0; i < CHAT_LINK_KEYS && fault == FAULT_NONE; i++) {
        fault = store_link_key_before(chat->store, from, &older);
        from = fault == FAULT_NONE ? older.from : from;
    }
    if (fault == FAULT_NONE)
        fault = store_link_key_forget(chat->store, from);
    wipe(&key, sizeof key);
    wipe(&older, sizeof older);
    return fault == FAULT_GONE ? FAULT_NONE : fault;
}

size_t chat_link_keys(struct chat *chat, struct chat_link_key out[CHAT_LINK_KEYS])
{
    struct store_link_key key;
    size_t count = 0;
    uint32_t before = UINT32_MAX;
    while (count < CHAT_LINK_KEYS &&
           store_link_key_before(chat->store, before, &key) == FAULT_NONE) {
        struct chat_link_key *next = &out[count++];
        dh_pair_from_secret(&next->pair, key.secret);
        certificate_write(next->certificate, &chat->own->account, &chat->own->device,
                          next->pair.public, LINK_ROLE_CONTACT, key.from,
                          key.from + OWN_LINK_KEY_DAYS);
        before = key.from;
    }
    wipe(&key, sizeof key);
    return count;
}

void chat_account(const struct chat *chat, uint8_t out[KEY_BYTES])
{
    memcpy(out, chat->account, KEY_BYTES);
}

void chat_list_head(struct chat *chat, struct list_head *out)
{
    *out = chat->own->head;
}

void chat_device_pair(struct chat *chat, struct sign_pair *out)
{
    *out = chat->own->device;
}

/* --- prekeys ---------------------------------------------------------------------------------- */

static enum fault make_prekey(struct chat *chat, instant now, int64_t device, uint64_t sequence,
                              struct store_prekey *out)
{
    struct bundle_secrets secrets;
    struct bundle bundle = { .kind = device == 0 ? BUNDLE_LAST_RESORT : BUNDLE_ONE_TIME,
                             .head = chat->own->head,
                             .sequence = sequence,
                             .made_ms = now / MILLISECOND };
    bundle_secrets_make(&secrets, chat->rng);
    memcpy(bundle.account, chat->account, KEY_BYTES);
    memcpy(bundle.device, chat->own->device.public, KEY_BYTES);
    memcpy(bundle.dh, secrets.dh.public, KEY_BYTES);
    memcpy(bundle.kem, secrets.kem.public, MLKEM_PUBLIC_BYTES);
    rng_fill(chat->rng, bundle.id, sizeof bundle.id);
    bundle.id[0] |= 1; /* an id is never zero */
    *out = (struct store_prekey){
        .one_time = device != 0, .device = device, .sequence = sequence, .made = now, .ends = NEVER
    };
    memcpy(out->id, bundle.id, sizeof out->id);
    memcpy(out->dh, secrets.dh.secret, sizeof out->dh);
    memcpy(out->kem, secrets.kem.seed, sizeof out->kem);
    bundle_write(out->wire, &bundle, &chat->own->device);
    wipe(&secrets, sizeof secrets);
    return store_prekey_put(chat->store, out);
}

static enum fault renew_bundle(struct chat *chat, instant now, bool *changed, instant *due)
{
    struct store_prekey prekey;
    instant ends = NEVER;
    enum fault fault = store_prekey_newest(chat->store, &prekey);
    uint64_t sequence = fault == FAULT_NONE ? prekey.sequence + 1 : 1;
    *due = fault == FAULT_NONE ? after(prekey.made, OWN_BUNDLE_FOR) : 0;
    if (fault != FAULT_DISK && now >= *due) {
        *changed = true;
        *due = after(now, OWN_BUNDLE_FOR);
        fault = make_prekey(chat, now, 0, sequence, &prekey);
        if (fault == FAULT_NONE)
            fault = store_prekey_retire(chat->store, after(now, OWN_BUNDLE_KEPT));
    }
    if (fault == FAULT_NONE)
        fault = store_prekey_expire(chat->store, now, &ends);
    *due = earlier(*due, ends);
    wipe(&prekey, sizeof prekey);
    return fault;
}

/* Three at a time are set aside for a device, for sessions that have to be begun anew. */
static enum fault write_one_time(struct chat *chat, instant now, int64_t device,
                                 struct store_prekey prekeys[STORE_ONE_TIME_MAX], size_t *count)
{
    const uint8_t *after_id = NULL;
    enum fault fault = FAULT_NONE;
    for (*count = 0; *count < STORE_ONE_TIME_MAX && fault == FAULT_NONE; ++*count) {
        struct store_prekey *prekey = &prekeys[*count];
        fault = store_prekey_next(chat->store, device, after_id, prekey);
        if (fault != FAULT_NONE)
            break;
        after_id = prekey->id;
    }
    while (fault == FAULT_GONE && *count < STORE_ONE_TIME_MAX) {
        if (make_prekey(chat, now, device, 1, &prekeys[*count]) != FAULT_NONE)
            return FAULT_DISK;
        ++*count;
    }
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

/* --- the record ------------------------------------------------------------------------------- */

enum fault own_record(struct chat *chat, instant now, int64_t device, struct cursor *out)
{
    struct chat_link_key keys[CHAT_LINK_KEYS];
    struct store_prekey last_resort, one_time[STORE_ONE_TIME_MAX];
    struct record record = { .lists = { chat->own->lists, chat->own->lists_size } };
    enum fault fault = store_prekey_newest(chat->store, &last_resort);
    if (fault == FAULT_NONE && device != 0)
        fault = write_one_time(chat, now, device, one_time, &record.one_time_count);
    size_t key_count = fault == FAULT_NONE ? chat_link_keys(chat, keys) : 0;
    if (key_count > 0) {
        record.certificate = BYTES_OF(keys[0].certificate);
        record.bundle = BYTES_OF(last_resort.wire);
        for (size_t i = 0; i < record.one_time_count; i++)
            record.one_time[i] = BYTES_OF(one_time[i].wire);
        record_write(&record, out);
    }
    wipe(keys, sizeof keys);
    wipe(&last_resort, sizeof last_resort);
    wipe(one_time, sizeof one_time);
    return key_count > 0 ? FAULT_NONE : FAULT_DISK;
}

enum fault own_renew(struct chat *chat, instant now, bool *changed)
{
    instant list = NEVER, link = NEVER, bundle = NEVER;
    enum fault fault = FAULT_NONE;
    if (chat->own->renew_at == 0)
        fault = read_keys(chat);
    if (fault == FAULT_NONE)
        fault = renew_list(chat, now, changed, &list);
    if (fault == FAULT_NONE)
        fault = renew_link_key(chat, now, changed, &link);
    if (fault == FAULT_NONE)
        fault = renew_bundle(chat, now, changed, &bundle);
    chat->own->renew_at = earlier(list, earlier(link, bundle));
    return fault;
}
