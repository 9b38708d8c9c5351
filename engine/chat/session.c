#include "engine/chat/session.h"

#include "base/mem.h"
#include "base/secret.h"
#include "engine/chat/own.h"

#include <assert.h>
#include <string.h>

static_assert(START_KEPT_MAX >= STORE_SESSIONS_MAX, "a start names every session we keep");

#define LOADED_MAX 64 /* devices whose sessions stay in memory between rounds */

/* --- one session ------------------------------------------------------------------------------ */

static void session_destroy(struct session *session)
{
    if (session == NULL)
        return;
    ratchet_destroy(session->ratchet);
    secret_free(session);
}

static struct session *session_create(const struct session_secrets *secrets, instant now)
{
    struct session *session = secret_new(sizeof *session);
    struct store_session *row = &session->row;
    row->made = row->used = now;
    memcpy(row->id, secrets->id, sizeof row->id);
    memcpy(row->psk, secrets->psk, sizeof row->psk);
    memcpy(row->pair, secrets->pair, sizeof row->pair);
    memcpy(row->exporter, secrets->exporter, sizeof row->exporter);
    return session;
}

static enum fault session_write(struct chat *chat, struct session *session, bool add)
{
    size_t size;
    ratchet_write(session->ratchet, chat->state, &size);
    session->row.state = (struct bytes){ chat->state, size };
    enum fault fault = add ? store_session_add(chat->store, &session->row)
                           : store_session_update(chat->store, &session->row);
    session->row.state = (struct bytes){ 0 };
    wipe(chat->state, size);
    session->dirty = false;
    return fault;
}

/* --- all with one device ---------------------------------------------------------------------- */

static bool goes_before(const struct session *one, const struct session *other)
{
    if (one->row.rank != other->row.rank)
        return one->row.rank > other->row.rank;
    return memcmp(one->row.id, other->row.id, sizeof one->row.id) < 0;
}

static void insert(struct sessions *sessions, struct session *session)
{
    size_t at = sessions->count++;
    assert(at < STORE_SESSIONS_MAX);
    for (; at > 0 && goes_before(session, sessions->all[at - 1]); at--)
        sessions->all[at] = sessions->all[at - 1];
    sessions->all[at] = session;
    sessions->psks_changed = true;
}

static void take_out(struct sessions *sessions, size_t at)
{
    session_destroy(sessions->all[at]);
    sessions->count--;
    memmove(sessions->all + at, sessions->all + at + 1,
            (sessions->count - at) * sizeof sessions->all[0]);
    sessions->psks_changed = true;
}

static void unload(struct sessions *sessions)
{
    while (sessions->count > 0)
        take_out(sessions, sessions->count - 1);
    list_remove(&sessions->link);
    mem_free(sessions);
}

static enum fault load(struct chat *chat, struct sessions *sessions)
{
    enum fault fault = FAULT_NONE;
    int64_t after_row = 0;
    while (fault == FAULT_NONE && sessions->count < STORE_SESSIONS_MAX) {
        struct session *session = secret_new(sizeof *session);
        fault = store_session_next(chat->store, sessions->device, after_row, &session->row);
        if (fault == FAULT_NONE && (session->ratchet = ratchet_read(session->row.state)) == NULL)
            fault = FAULT_DISK; /* only a damaged store gives back what we did not write */
        session->row.state = (struct bytes){ 0 };
        after_row = session->row.row;
        if (fault == FAULT_NONE)
            insert(sessions, session);
        else
            session_destroy(session);
    }
    sessions->psks_changed = false;
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

struct sessions *sessions_with(struct chat *chat, int64_t contact, int64_t device)
{
    LIST_EACH (link, &chat->sessions) {
        struct sessions *known = LIST_ITEM(link, struct sessions, link);
        if (known->device != device)
            continue;
        list_remove(
            &known->link); /* the one used last stands first: mostly it is asked for again */
        list_append(chat->sessions.next, &known->link);
        return known;
    }
    struct sessions *sessions = mem_zeroed(1, sizeof *sessions);
    sessions->device = device;
    sessions->contact = contact;
    list_append(chat->sessions.next, &sessions->link);
    if (load(chat, sessions) == FAULT_NONE)
        return sessions;
    unload(sessions);
    return NULL;
}

void sessions_destroy(struct chat *chat)
{
    LIST_EACH (link, &chat->sessions)
        unload(LIST_ITEM(link, struct sessions, link));
}

void sessions_forget(struct chat *chat, int64_t contact)
{
    LIST_EACH (link, &chat->sessions) {
        struct sessions *sessions = LIST_ITEM(link, struct sessions, link);
        if (sessions->contact == contact)
            unload(sessions);
    }
}

enum fault sessions_head(struct chat *chat, struct sessions *sessions, struct list_head *out)
{
    enum fault fault = FAULT_NONE;
    if (!sessions->head_known)
        fault = contact_head(chat, sessions->contact, &sessions->head);
    sessions->head_known = fault == FAULT_NONE;
    *out = sessions->head;
    return fault;
}

void sessions_list_changed(struct chat *chat, int64_t contact)
{
    LIST_EACH (link, &chat->sessions) {
        struct sessions *sessions = LIST_ITEM(link, struct sessions, link);
        if (sessions->contact == contact)
            sessions->head_known = false;
    }
}

enum fault sessions_keep(struct chat *chat)
{
    enum fault fault = FAULT_NONE;
    size_t loaded = 0;
    LIST_EACH (link, &chat->sessions) {
        struct sessions *sessions = LIST_ITEM(link, struct sessions, link);
        for (size_t i = 0; i < sessions->count && fault == FAULT_NONE; i++)
            if (sessions->all[i]->dirty)
                fault = session_write(chat, sessions->all[i], false);
        if (fault == FAULT_NONE && ++loaded > LOADED_MAX && !sessions->psks_changed)
            unload(sessions);
    }
    return fault;
}

struct session *sessions_active(const struct sessions *sessions)
{
    return sessions->count > 0 ? sessions->all[0] : NULL;
}

struct session *sessions_by_row(const struct sessions *sessions, int64_t row)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (sessions->all[i]->row.row == row)
            return sessions->all[i];
    return NULL;
}

bool sessions_heard(const struct sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (sessions->all[i]->row.heard)
            return true;
    return false;
}

/* --- ending ----------------------------------------------------------------------------------- */

enum fault session_unseal(struct chat *chat, instant now, const struct store_envelope *envelope)
{
    struct store_owed owed;
    int64_t at = 0;
    enum fault fault;
    while ((fault = store_outbox_next_in(chat->store, envelope->row, at, &owed)) == FAULT_NONE) {
        at = owed.row;
        /* A tombstone only kept a number from being skipped; elsewhere it says nothing. */
        if (owed.tombstone)
            fault =
                store_outbox_end(chat->store, owed.message, MESSAGE_FAILED, FAILURE_EXPIRED, now);
        else
            fault = store_outbox_seal(chat->store, &owed, 0, 0, now);
        if (fault == FAULT_NONE && !owed.tombstone)
            fault = chat_tell(chat, now, EVENT_MESSAGE_STATE, owed.contact, owed.message,
                              MESSAGE_WRITTEN);
        if (fault == FAULT_DISK)
            return fault;
    }
    if (fault == FAULT_GONE)
        fault = store_envelope_remove(chat->store, envelope->row);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

/* What was sealed in sessions for which `gone` holds is written again. */
static enum fault unseal_where(struct chat *chat, instant now, const struct sessions *sessions,
                               bool (*gone)(int64_t session, const void *context),
                               const void *context)
{
    struct store_envelope envelope;
    int64_t at = 0;
    enum fault fault;
    while ((fault = store_envelope_next(chat->store, sessions->device, at, &envelope)) ==
           FAULT_NONE) {
        at = envelope.row;
        if (gone(envelope.session, context))
            fault = session_unseal(chat, now, &envelope);
        if (fault != FAULT_NONE)
            break;
    }
    wipe(&envelope, sizeof envelope);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

static bool is_any(int64_t session, const void *context)
{
    (void)session, (void)context;
    return true;
}

static bool is_row(int64_t session, const void *context)
{
    return session == *(const int64_t *)context;
}

static enum fault session_end(struct chat *chat, instant now, struct sessions *sessions, size_t at)
{
    int64_t row = sessions->all[at]->row.row;
    enum fault fault = unseal_where(chat, now, sessions, is_row, &row);
    if (fault == FAULT_NONE)
        fault = store_session_remove(chat->store, row);
    take_out(sessions, at);
    return fault;
}

enum fault sessions_age(struct chat *chat, instant now, struct sessions *sessions)
{
    enum fault fault = FAULT_NONE;
    for (size_t i = 0; i < sessions->count; i++)
        sessions->all[i]->dirty |= ratchet_age(sessions->all[i]->ratchet, now);
    for (size_t i = sessions->count; i > 1 && fault == FAULT_NONE; i--)
        if (after(sessions->all[i - 1]->row.used, SESSION_OTHERS_FOR) <= now)
            fault = session_end(chat, now, sessions, i - 1);
    return fault;
}

/* Room for one more: the least of those that are not active goes. */
static enum fault make_room(struct chat *chat, instant now, struct sessions *sessions)
{
    enum fault fault = sessions_age(chat, now, sessions);
    if (fault == FAULT_NONE && sessions->count == STORE_SESSIONS_MAX)
        fault = session_end(chat, now, sessions, sessions->count - 1);
    return fault;
}

/* --- starting --------------------------------------------------------------------------------- */

static uint64_t next_rank(const struct sessions *sessions, instant now)
{
    uint64_t rank = now / MILLISECOND;
    if (sessions->count > 0 && rank <= sessions->all[0]->row.rank)
        rank = sessions->all[0]->row.rank + 1;
    return rank;
}

bool session_may_follow(const struct sessions *sessions, instant now)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (sessions->all[i]->row.initiator &&
            after(sessions->all[i]->row.made, SESSION_CROSSING_FOR) > now)
            return false;
    return true;
}

/* Their DH key, as their newest list has it. */
static enum fault find_device(struct chat *chat, const struct sessions *sessions,
                              struct start_claim *claim, uint8_t dh[KEY_BYTES])
{
    struct store_device device;
    struct devices list;
    struct bytes lists, newest;
    enum fault fault = store_device_get(chat->store, sessions->device, &device);
    if (fault == FAULT_NONE)
        fault = store_list_get(chat->store, sessions->contact, &lists);
    if (fault != FAULT_NONE)
        return fault;
    if (lists_newest(lists, &list, &newest) != FAULT_NONE)
        return FAULT_DISK;
    const struct device_entry *entry = devices_find(&list, device.device);
    if (entry == NULL)
        return FAULT_GONE;
    devices_head(&claim->theirs, &list, newest);
    memcpy(dh, entry->dh, KEY_BYTES);
    return FAULT_NONE;
}

static enum fault best_bundle(struct chat *chat, instant now, int64_t device,
                              struct store_bundle *out)
{
    enum fault fault = store_bundle_best(chat->store, device, out);
    while (fault == FAULT_NONE && out->one_time && after(out->made, CHAT_ONE_TIME_FOR) <= now) {
        fault = store_bundle_remove(chat->store, device, out->id);
        if (fault == FAULT_NONE)
            fault = store_bundle_best(chat->store, device, out);
    }
    return fault;
}

static void describe_us(struct chat *chat, instant now, const struct sessions *sessions, bool reset,
                        struct start_claim *claim)
{
    struct own *own = chat->own;
    struct cursor lists = cursor_over((struct bytes){ own->lists, own->lists_size });
    memcpy(claim->account, chat->account, KEY_BYTES);
    memcpy(claim->device, own->device.public, KEY_BYTES);
    claim->rank = next_rank(sessions, now);
    for (; !reset && claim->kept_count < sessions->count; claim->kept_count++)
        memcpy(claim->kept[claim->kept_count], sessions->all[claim->kept_count]->row.id,
               SESSION_ID_BYTES);
    while (lists_next(&lists, &claim->list))
        continue; /* the newest stands last */
}

static struct session *make(struct chat *chat, instant now, const struct start_claim *claim,
                            const uint8_t their_dh[KEY_BYTES], const struct store_bundle *stored)
{
    struct session_secrets secrets;
    struct bundle bundle;
    uint8_t start[START_LARGE_BYTES];
    size_t size;
    struct session *session = NULL;
    if (bundle_read(&bundle, BYTES_OF(stored->wire)) == FAULT_NONE &&
        start_write(start, &size, &secrets, claim, &chat->own->dh, their_dh, BYTES_OF(stored->wire),
                    chat->rng) == FAULT_NONE) {
        session = session_create(&secrets, now);
        session->ratchet = ratchet_create_initiator(&secrets, bundle.dh, now, chat->rng);
        session->row.initiator = true;
        session->row.one_time = stored->one_time;
        session->row.rank = claim->rank;
        memcpy(session->row.bundle, stored->id, sizeof stored->id);
        memcpy(session->row.start, start, size);
        session->row.start_size = size;
    }
    wipe(&secrets, sizeof secrets);
    return session;
}

enum fault session_start(struct chat *chat, instant now, struct sessions *sessions, bool reset)
{
    struct start_claim claim = { 0 };
    struct store_bundle bundle;
    uint8_t dh[KEY_BYTES];
    enum fault fault = find_device(chat, sessions, &claim, dh);
    if (fault == FAULT_NONE)
        fault = best_bundle(chat, now, sessions->device, &bundle);
    if (fault != FAULT_NONE)
        return fault;
    describe_us(chat, now, sessions, reset, &claim);
    fault = reset ? unseal_where(chat, now, sessions, is_any, NULL) : FAULT_NONE;
    if (fault == FAULT_NONE)
        fault = make_room(chat, now, sessions);
    if (fault != FAULT_NONE)
        return fault;
    struct session *session = make(chat, now, &claim, dh, &bundle);
    if (session == NULL)
        return FAULT_GONE;
    session->row.device = sessions->device;
    fault = session_write(chat, session, true);
    if (fault == FAULT_NONE && bundle.one_time)
        fault = store_bundle_remove(chat->store, sessions->device, bundle.id);
    if (fault == FAULT_NONE)
        insert(sessions, session);
    else
        session_destroy(session);
    return fault;
}

/* --- receiving a start ------------------------------------------------------------------------ */

struct session *sessions_by_start(const struct sessions *sessions, struct bytes start)
{
    uint8_t hash[HASH_BYTES];
    start_seen_hash(hash, start);
    for (size_t i = 0; i < sessions->count; i++) {
        const struct store_session *row = &sessions->all[i]->row;
        if (!row->initiator && row->start_size == sizeof hash &&
            memcmp(row->start, hash, sizeof hash) == 0)
            return sessions->all[i];
    }
    return NULL;
}

static enum fault read_prekey(struct chat *chat, const uint8_t id[BUNDLE_ID_BYTES],
                              struct bundle_secrets *secrets, struct store_prekey *prekey)
{
    enum fault fault = store_prekey_get(chat->store, id, prekey);
    if (fault != FAULT_NONE)
        return fault;
    dh_pair_from_secret(&secrets->dh, prekey->dh);
    mlkem_pair_from_seed(&secrets->kem, prekey->kem);
    return FAULT_NONE;
}

static enum fault open_start(struct chat *chat, instant now, struct bytes start,
                             const struct bundle_secrets *secrets,
                             const struct store_prekey *prekey, struct session_begun *out)
{
    struct session_secrets made;
    enum fault fault = start_read(start, out->memory, &made, &out->claim, &out->list,
                                  &chat->own->dh, secrets, BYTES_OF(prekey->wire), chat->rng);
    if (fault == FAULT_NONE) {
        out->list_wire = out->claim.list;
        out->one_time = prekey->one_time;
        memcpy(out->bundle, prekey->id, sizeof out->bundle);
        out->session = session_create(&made, now);
        out->session->ratchet = ratchet_create_recipient(&made, &secrets->dh, now);
        out->session->row.rank = out->claim.rank;
        out->session->row.one_time = prekey->one_time;
        memcpy(out->session->row.bundle, prekey->id, sizeof prekey->id);
        memcpy(out->session->row.start, out->seen, sizeof out->seen);
        out->session->row.start_size = sizeof out->seen;
    }
    wipe(&made, sizeof made);
    return fault;
}

/* Is it the device that we know under this row, of the contact that it says? */
static enum fault claimed_truly(struct chat *chat, const struct sessions *sessions,
                                const struct start_claim *claim)
{
    struct store_contact contact;
    struct store_device device;
    enum fault fault = store_contact_get(chat->store, sessions->contact, &contact);
    if (fault == FAULT_NONE)
        fault = store_device_get(chat->store, sessions->device, &device);
    if (fault == FAULT_NONE && (memcmp(claim->account, contact.account, KEY_BYTES) != 0 ||
                                memcmp(claim->device, device.device, KEY_BYTES) != 0))
        fault = FAULT_PEER;
    wipe(&contact, sizeof contact);
    return fault;
}

/* Further ahead than it can be counted: the clock was set back. */
static instant starts_until(const struct sessions *sessions, instant now)
{
    bool sane = sessions->starts_until <= after(now, SESSION_STARTS_AT_ONCE * SESSION_STARTS_PAUSE);
    return sane ? later(sessions->starts_until, now) : now;
}

static bool may_take_another(const struct sessions *sessions, instant now)
{
    return starts_until(sessions, now) <=
           after(now, (SESSION_STARTS_AT_ONCE - 1) * SESSION_STARTS_PAUSE);
}

enum fault session_read_start(struct chat *chat, instant now, const struct sessions *sessions,
                              const uint8_t bundle[BUNDLE_ID_BYTES], struct bytes start,
                              struct session_begun *out)
{
    struct bundle_secrets secrets;
    struct store_prekey prekey;
    uint8_t session[SESSION_ID_BYTES];
    memset(out, 0, sizeof *out);
    start_seen_hash(out->seen, start);
    enum fault fault = store_seen(chat->store, out->seen, session);
    if (fault == FAULT_DISK)
        return fault;
    if (fault == FAULT_NONE)
        return FAULT_GONE;
    fault =
        may_take_another(sessions, now) ? read_prekey(chat, bundle, &secrets, &prekey) : FAULT_PEER;
    if (fault == FAULT_NONE)
        fault = prekey.one_time && prekey.device != sessions->device ? FAULT_PEER : FAULT_NONE;
    if (fault == FAULT_NONE)
        fault = open_start(chat, now, start, &secrets, &prekey, out);
    if (fault == FAULT_NONE)
        fault = claimed_truly(chat, sessions, &out->claim);
    if (fault == FAULT_NONE && out->claim.rank > after(now, SESSION_RANK_AHEAD) / MILLISECOND)
        fault = FAULT_PEER;
    wipe(&secrets, sizeof secrets);
    wipe(&prekey, sizeof prekey);
    if (fault != FAULT_NONE)
        session_abandon(out);
    return fault;
}

void session_abandon(struct session_begun *begun)
{
    session_destroy(begun->session);
    wipe(begun, sizeof *begun);
}

struct losses {
    const struct sessions *sessions;
    const struct start_claim *claim;
};

/* Did the other side say that it no longer has the session of that row? */
static bool is_lost(int64_t row, const void *context)
{
    const struct losses *losses = context;
    const struct session *session = sessions_by_row(losses->sessions, row);
    if (session == NULL)
        return true;
    for (size_t i = 0; i < losses->claim->kept_count; i++)
        if (memcmp(losses->claim->kept[i], session->row.id, SESSION_ID_BYTES) == 0)
            return false;
    return true;
}

static enum session_meaning meaning_of(const struct sessions *sessions, instant now)
{
    const struct session *active = sessions_active(sessions);
    if (!sessions_heard(sessions))
        return SESSION_FIRST;
    if (after(active->row.made, SESSION_CROSSING_FOR) > now)
        return SESSION_CROSSED;
    return SESSION_RESET;
}

enum fault session_adopt(struct chat *chat, instant now, struct sessions *sessions,
                         struct session_begun *begun, enum session_meaning *meaning, bool *behind)
{
    struct losses losses = { sessions, &begun->claim };
    struct session *session = begun->session;
    const struct session *active = sessions_active(sessions);
    *meaning = meaning_of(sessions, now);
    *behind = active != NULL && goes_before(active, session) &&
              after(active->row.made, SESSION_CROSSING_FOR) <= now;
    session->row.device = sessions->device;
    session->row.heard = true;
    /* Without its secrets no second copy of the start can be opened; those of a last-resort bundle
       live on, so what was seen under it is remembered: first, for there may be no room. */
    enum fault fault =
        begun->one_time ? store_prekey_remove(chat->store, begun->bundle)
                        : store_seen_add(chat->store, begun->seen, begun->bundle, session->row.id);
    if (fault == FAULT_NONE)
        fault = unseal_where(chat, now, sessions, is_lost, &losses);
    if (fault == FAULT_NONE)
        fault = make_room(chat, now, sessions);
    if (fault == FAULT_NONE)
        fault = session_write(chat, session, true);
    if (fault == FAULT_NONE) {
        insert(sessions, session);
        sessions->starts_until = after(starts_until(sessions, now), SESSION_STARTS_PAUSE);
        begun->session = NULL;
    }
    return fault;
}
