/* Their devices: what they prove, which lists name them, what their records say. */
#include "base/mem.h"
#include "engine/chat/outbox.h"
#include "engine/chat/own.h"

#include <string.h>

/* --- who they are ------------------------------------------------------------------------------
 */

/* No list yet: whoever the account signed for. */
static bool is_listed(struct chat *chat, int64_t contact, const uint8_t device[KEY_BYTES])
{
    struct devices list;
    struct bytes lists, newest;
    if (store_list_get(chat->store, contact, &lists) != FAULT_NONE ||
        lists_newest(lists, &list, &newest) != FAULT_NONE)
        return true;
    return devices_find(&list, device) != NULL;
}

/* Is this how the device is called from now on? An older genuine certificate changes nothing. */
static bool is_newer(const struct store_device *known, const struct certificate *certificate,
                     const uint8_t wire[CERTIFICATE_BYTES])
{
    struct certificate held;
    struct bytes bytes = { known->certificate, known->certificate_size };
    if (bytes_equal(bytes, (struct bytes){ wire, CERTIFICATE_BYTES }))
        return false;
    return certificate_read(&held, bytes) != FAULT_NONE ||
           memcmp(held.account, certificate->account, KEY_BYTES) != 0 ||
           held.valid_from <= certificate->valid_from;
}

enum fault chat_device_seen(struct chat *chat, instant now, const struct certificate *certificate,
                            const uint8_t wire[CERTIFICATE_BYTES], uint64_t stamp,
                            struct store_device *out, bool *fresh)
{
    struct store_contact contact;
    struct store_device known;
    enum fault fault = store_contact_by_account(chat->store, certificate->account, &contact);
    if (fault != FAULT_NONE)
        return fault;
    fault = store_device_by_key(chat->store, certificate->device, &known);
    if (fault == FAULT_DISK)
        return fault;
    bool had = fault == FAULT_NONE;
    /* One device, one account: or what is said to one person would go to another's. */
    if ((had && known.contact != contact.id) || !is_listed(chat, contact.id, certificate->device))
        return FAULT_PEER;
    if (!had)
        known = (struct store_device){ .contact = contact.id, .first_seen = now };
    memcpy(known.device, certificate->device, sizeof known.device);
    *fresh = is_newer(&known, certificate, wire);
    if (*fresh) {
        memcpy(known.link, certificate->link, sizeof known.link);
        memcpy(known.certificate, wire, CERTIFICATE_BYTES);
        known.certificate_size = CERTIFICATE_BYTES;
    }
    known.last_seen = later(known.last_seen, now); /* the clock may have been set back */
    if (stamp > known.newest_stamp)
        known.newest_stamp = stamp;
    contact.last_seen = later(contact.last_seen, now);
    fault = store_device_put(chat->store, &known);
    if (fault == FAULT_NONE)
        fault = store_contact_update(chat->store, &contact);
    wipe(&contact, sizeof contact);
    *out = known;
    return fault;
}

enum answer chat_device_get(struct chat *chat, int64_t device, struct store_device *out)
{
    return contact_found(store_device_get(chat->store, device, out));
}

enum answer chat_device_next(struct chat *chat, int64_t after, struct store_device *out)
{
    return contact_found(store_device_next(chat->store, 0, after, out));
}

enum fault chat_visit_seen(struct chat *chat, const uint8_t account[32], uint64_t stamp)
{
    struct store_contact contact;
    enum fault fault = store_contact_by_account(chat->store, account, &contact);
    if (fault == FAULT_NONE && stamp > contact.newest_stamp) {
        contact.newest_stamp = stamp;
        fault = store_contact_update(chat->store, &contact);
    }
    wipe(&contact, sizeof contact);
    return fault;
}

/* --- their lists ------------------------------------------------------------------------------ */

enum fault contact_head(struct chat *chat, int64_t contact, struct list_head *out)
{
    struct devices list;
    struct bytes lists, newest;
    *out = (struct list_head){ 0 };
    enum fault fault = store_list_get(chat->store, contact, &lists);
    if (fault != FAULT_NONE)
        return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
    if (lists_newest(lists, &list, &newest) != FAULT_NONE)
        return FAULT_DISK; /* it was good when it was kept */
    devices_head(out, &list, newest);
    return FAULT_NONE;
}

enum fault contact_alarm(struct chat *chat, instant now, int64_t contact)
{
    struct store_contact row;
    enum fault fault = store_contact_get(chat->store, contact, &row);
    bool known = fault == FAULT_NONE && row.forked;
    if (fault == FAULT_NONE && !known) {
        row.forked = true;
        row.trust = TRUST_STOPPED;
        row.judged = now;
        fault = store_contact_update(chat->store, &row);
        if (fault == FAULT_NONE)
            fault = chat_tell(chat, now, EVENT_LIST_FORKED, contact, 0, 0);
    }
    wipe(&row, sizeof row);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

bool contact_may_reset(struct chat *chat, instant now, int64_t contact)
{
    struct store_contact row;
    bool may = store_contact_get(chat->store, contact, &row) == FAULT_NONE &&
               (row.reset == 0 || after(row.reset, SESSION_RESET_PAUSE) <= now);
    wipe(&row, sizeof row);
    return may;
}

enum fault contact_tell_reset(struct chat *chat, instant now, int64_t contact)
{
    struct store_contact row;
    enum fault fault = store_contact_get(chat->store, contact, &row);
    if (fault == FAULT_NONE) {
        row.reset = now;
        fault = store_contact_update(chat->store, &row);
    }
    wipe(&row, sizeof row);
    if (fault == FAULT_NONE)
        fault = chat_tell(chat, now, EVENT_SESSION_RESET, contact, 0, 0);
    return fault;
}

static enum fault keep_list(struct chat *chat, int64_t contact, struct bytes wire)
{
    uint8_t memory[2 + DEVICES_MAX_BYTES];
    struct cursor out = cursor_into(memory, sizeof memory);
    cursor_put_u16_bytes(&out, wire);
    sessions_list_changed(chat, contact);
    return store_list_put(chat->store, contact, cursor_written(&out));
}

/* May this list take the place of the one held? *older: it is one we are past. */
static enum fault judge_list(struct chat *chat, instant now, int64_t contact,
                             const struct list_head *held, const struct devices *list,
                             struct bytes wire, bool *older)
{
    *older = false;
    switch (devices_step(held, list, wire)) {
    case DEVICES_SAME:
    case DEVICES_FOLLOWS:
        return FAULT_NONE;
    case DEVICES_OLDER:
        *older = true;
        return FAULT_NONE;
    case DEVICES_GAP:
        /* Who was away for so long takes the signed list for what it is: a checkpoint. */
        return list->counter >= held->counter + RECORD_LISTS_SHOWN ? FAULT_NONE : FAULT_PEER;
    case DEVICES_FORKED:
        break;
    }
    enum fault fault = contact_alarm(chat, now, contact);
    return fault == FAULT_NONE ? FAULT_PEER : fault;
}

enum fault contact_take_list(struct chat *chat, instant now, int64_t contact,
                             const struct devices *list, struct bytes wire,
                             const uint8_t device[KEY_BYTES], const uint8_t dh[KEY_BYTES])
{
    struct list_head held;
    struct devices newest;
    struct bytes lists, newest_wire;
    bool older;
    enum fault fault = contact_head(chat, contact, &held);
    if (fault == FAULT_NONE)
        fault = judge_list(chat, now, contact, &held, list, wire, &older);
    if (fault == FAULT_NONE && !older)
        return keep_list(chat, contact, wire);
    if (fault != FAULT_NONE)
        return fault;
    /* A start is repeated as it was made: what counts is whether the device is still listed. */
    if (store_list_get(chat->store, contact, &lists) != FAULT_NONE ||
        lists_newest(lists, &newest, &newest_wire) != FAULT_NONE)
        return FAULT_DISK;
    const struct device_entry *entry = devices_find(&newest, device);
    return entry != NULL && memcmp(entry->dh, dh, KEY_BYTES) == 0 ? FAULT_NONE : FAULT_PEER;
}

/* Walks a record's lists from the oldest. The newest must name the device. */
static enum fault take_lists(struct chat *chat, instant now, const struct store_device *device,
                             const uint8_t account[KEY_BYTES], struct bytes lists)
{
    struct cursor in = cursor_over(lists);
    struct list_head held;
    struct devices list;
    struct bytes wire, newest = { 0 };
    bool older = false, lists_it = false;
    enum fault fault = contact_head(chat, device->contact, &held);
    while (fault == FAULT_NONE && lists_next(&in, &wire)) {
        fault = devices_read(&list, wire);
        if (fault == FAULT_NONE && memcmp(list.account, account, KEY_BYTES) != 0)
            fault = FAULT_PEER;
        if (fault == FAULT_NONE)
            fault = judge_list(chat, now, device->contact, &held, &list, wire, &older);
        if (fault != FAULT_NONE || older)
            continue;
        devices_head(&held, &list, wire);
        newest = wire;
        lists_it = devices_find(&list, device->device) != NULL;
    }
    if (fault != FAULT_NONE)
        return fault;
    return newest.size > 0 && lists_it ? keep_list(chat, device->contact, newest) : FAULT_PEER;
}

/* --- their records ---------------------------------------------------------------------------- */

static enum fault take_bundle(struct chat *chat, const struct store_device *device,
                              const uint8_t account[KEY_BYTES], struct bytes wire,
                              enum bundle_kind kind)
{
    struct bundle bundle;
    struct store_bundle row = { .device = device->id, .one_time = kind == BUNDLE_ONE_TIME };
    if (bundle_read(&bundle, wire) != FAULT_NONE || bundle.kind != kind ||
        memcmp(bundle.account, account, KEY_BYTES) != 0 ||
        memcmp(bundle.device, device->device, KEY_BYTES) != 0 ||
        bundle.made_ms > INT64_MAX / MILLISECOND)
        return FAULT_PEER;
    memcpy(row.id, bundle.id, sizeof row.id);
    row.sequence = bundle.sequence;
    row.made = bundle.made_ms * MILLISECOND;
    memcpy(row.wire, wire.data, wire.size);
    enum fault fault = store_bundle_put(chat->store, &row);
    /* One we have, or as many as we keep: nothing is wrong with that. */
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

static enum fault take_certificate(struct chat *chat, const struct store_device *device,
                                   const struct certificate *certificate, struct bytes wire)
{
    struct store_device row = *device;
    if (!is_newer(device, certificate, wire.data))
        return FAULT_NONE;
    memcpy(row.link, certificate->link, sizeof row.link);
    memcpy(row.certificate, wire.data, wire.size);
    row.certificate_size = wire.size;
    return store_device_put(chat->store, &row);
}

/* Signed by the account, for this device, and for the key that contacts call. */
static bool certifies(const struct certificate *certificate, const struct store_device *device,
                      const uint8_t account[KEY_BYTES])
{
    return certificate->role == LINK_ROLE_CONTACT &&
           memcmp(certificate->account, account, KEY_BYTES) == 0 &&
           memcmp(certificate->device, device->device, KEY_BYTES) == 0;
}

enum fault contact_take_record(struct chat *chat, instant now, const struct store_device *device,
                               struct bytes wire)
{
    struct record record;
    struct certificate certificate;
    struct store_contact contact;
    enum fault fault = record_read(&record, wire);
    if (fault == FAULT_NONE)
        fault = store_contact_get(chat->store, device->contact, &contact);
    if (fault != FAULT_NONE)
        return fault;
    const uint8_t *account = contact.account;
    if (certificate_read(&certificate, record.certificate) != FAULT_NONE ||
        !certifies(&certificate, device, account))
        fault = FAULT_PEER;
    if (fault == FAULT_NONE)
        fault = take_lists(chat, now, device, account, record.lists);
    if (fault == FAULT_NONE)
        fault = take_certificate(chat, device, &certificate, record.certificate);
    if (fault == FAULT_NONE)
        fault = take_bundle(chat, device, account, record.bundle, BUNDLE_LAST_RESORT);
    for (size_t i = 0; i < record.one_time_count && fault == FAULT_NONE; i++)
        fault = take_bundle(chat, device, account, record.one_time[i], BUNDLE_ONE_TIME);
    wipe(&contact, sizeof contact);
    if (fault == FAULT_NONE)
        outbox_known(chat->outbox, now, device->contact);
    return fault;
}

enum fault chat_record_seen(struct chat *chat, instant now, const struct store_device *device,
                            struct bytes record)
{
    enum fault fault = contact_take_record(chat, now, device, record);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

/* --- what links need to know ------------------------------------------------------------------ */

struct bytes chat_record(struct chat *chat, instant now)
{
    struct cursor out = cursor_into(chat->frame, sizeof chat->frame);
    if (own_record(chat, now, 0, &out) != FAULT_NONE)
        return (struct bytes){ 0 };
    return cursor_written(&out);
}

static size_t add_psks(const struct sessions *sessions, bool heard, size_t count,
                       struct chat_psk out[CHAT_PSKS])
{
    for (size_t i = 0; i < sessions->count && count < CHAT_PSKS; i++) {
        const struct store_session *row = &sessions->all[i]->row;
        if (row->heard != heard)
            continue;
        psk_id(out[count].id, row->psk);
        memcpy(out[count++].key, row->psk, sizeof row->psk);
    }
    return count;
}

size_t chat_psks(struct chat *chat, int64_t device, struct chat_psk out[CHAT_PSKS])
{
    struct store_device row;
    if (store_device_get(chat->store, device, &row) != FAULT_NONE)
        return 0;
    struct sessions *sessions = sessions_with(chat, row.contact, device);
    if (sessions == NULL)
        return 0;
    /* One we began and he has not answered he may not have: the one both have used goes first. */
    size_t count = add_psks(sessions, true, 0, out);
    return add_psks(sessions, false, count, out);
}

uint64_t chat_unreadable(const struct chat *chat)
{
    return chat->unreadable;
}

enum answer chat_safety(struct chat *chat, int64_t contact, struct chat_safety *out)
{
    struct store_contact row;
    struct store_device device;
    enum answer answer = chat_contact_get(chat, contact, &row);
    *out = (struct chat_safety){ 0 };
    if (answer != ANSWER_DONE)
        return answer;
    out->reset = row.reset;
    out->forked = row.forked;
    out->trust = row.trust;
    out->judged = row.judged;
    wipe(&row, sizeof row);
    enum fault fault = store_device_next(chat->store, contact, 0, &device);
    if (fault != FAULT_NONE)
        return fault == FAULT_GONE ? ANSWER_DONE : answer_of(fault);
    struct sessions *sessions = sessions_with(chat, contact, device.id);
    if (sessions == NULL)
        return ANSWER_DISK;
    out->session = sessions_heard(sessions);
    out->since = sessions->count > 0 ? sessions_active(sessions)->row.made : 0;
    return ANSWER_DONE;
}
