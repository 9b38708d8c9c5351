#include "engine/chat/outbox.h"

#include "base/map.h"
#include "base/mem.h"
#include "engine/chat/own.h"
#include "engine/chat/seal.h"

#include <assert.h>
#include <string.h>

/* Acknowledgements are made while a burst is read and leave before the next: more than a link's
   flow control lets in at once is not honest, and what is dropped here is asked for again later. */
#define RECEIPTS_WAITING_MAX 65536

/* A contact for whom something waits to be sealed. */
struct waiting {
    struct list link;
    int64_t contact;
};

struct outbox {
    struct list peers, ready, waiting;
    struct map *waiting_by_contact;
    uint64_t wishes;  /* counted, to name them */
    instant next_due; /* of all peers; may be too early after a change, never too late */
};

struct outbox *outbox_create(void)
{
    struct outbox *outbox = mem_zeroed(1, sizeof *outbox);
    list_init(&outbox->peers);
    list_init(&outbox->ready);
    list_init(&outbox->waiting);
    outbox->waiting_by_contact = map_create(STORE_CONTACTS_MAX, 0);
    outbox->next_due = NEVER;
    return outbox;
}

static void peer_destroy(struct peer *peer)
{
    list_remove(&peer->link);
    list_remove(&peer->ready);
    mem_free(peer->receipts);
    mem_free(peer);
}

static struct bytes key_of(const int64_t *contact)
{
    return (struct bytes){ (const uint8_t *)contact, sizeof *contact };
}

static void waiting_destroy(struct outbox *outbox, struct waiting *waiting)
{
    map_remove(outbox->waiting_by_contact, key_of(&waiting->contact));
    list_remove(&waiting->link);
    mem_free(waiting);
}

void outbox_destroy(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    LIST_EACH (link, &outbox->peers)
        peer_destroy(LIST_ITEM(link, struct peer, link));
    LIST_EACH (link, &outbox->waiting)
        waiting_destroy(outbox, LIST_ITEM(link, struct waiting, link));
    map_destroy(outbox->waiting_by_contact);
    mem_free(outbox);
}

struct peer *outbox_peer(const struct outbox *outbox, int64_t device)
{
    LIST_EACH (link, &outbox->peers) {
        struct peer *peer = LIST_ITEM(link, struct peer, link);
        if (peer->device == device)
            return peer;
    }
    return NULL;
}

struct peer *outbox_peer_of(const struct outbox *outbox, int64_t contact)
{
    LIST_EACH (link, &outbox->peers) {
        struct peer *peer = LIST_ITEM(link, struct peer, link);
        if (peer->contact == contact)
            return peer;
    }
    return NULL;
}

void outbox_wake(struct outbox *outbox, struct peer *peer)
{
    if (!peer->busy && list_empty(&peer->ready))
        list_append(&outbox->ready, &peer->ready);
}

static void due_at(struct outbox *outbox, instant when)
{
    outbox->next_due = earlier(outbox->next_due, when);
}

/* --- links ------------------------------------------------------------------------------------ */

/* What was sealed in a session that is not the active one, or long ago, the other side may have
   forgotten how to open, and never say so. docs/models/sessions.pml found that. */
static enum fault unseal_stale(struct chat *chat, instant now, const struct sessions *sessions)
{
    struct store_envelope envelope;
    int64_t at = 0;
    enum fault fault;
    while ((fault = store_envelope_next(chat->store, sessions->device, at, &envelope)) ==
           FAULT_NONE) {
        const struct session *session = sessions_active(sessions);
        at = envelope.row;
        if (session == NULL || session->row.row != envelope.session ||
            ratchet_turns(session->ratchet) > envelope.turn + SESSION_STALE_TURNS)
            fault = session_unseal(chat, now, &envelope);
        if (fault != FAULT_NONE)
            break;
    }
    wipe(&envelope, sizeof envelope);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

enum fault outbox_up(struct chat *chat, instant now, const struct news *news,
                     const uint8_t account[32], const uint8_t conversation[CONVERSATION_ID_BYTES])
{
    struct outbox *outbox = chat->outbox;
    outbox_down(outbox, news->device); /* a link that replaces another starts afresh */
    struct sessions *sessions = sessions_with(chat, news->contact, news->device);
    if (sessions == NULL)
        return FAULT_DISK;
    struct peer *peer = mem_zeroed(1, sizeof *peer);
    list_append(&outbox->peers, &peer->link);
    list_init(&peer->ready);
    peer->contact = news->contact;
    peer->device = news->device;
    memcpy(peer->account, account, sizeof peer->account);
    memcpy(peer->conversation, conversation, sizeof peer->conversation);
    peer->trusted = news->trusted;
    peer->record_due = peer->hail_due = true;
    peer->start_at = after(now, news->we_called ? 0 : OUTBOX_START_WAIT);
    /* Whoever cannot prove a session that we remember has lost it, or is not who he says: either
       something of his opens soon, or we begin anew. */
    peer->unreadable_since = !peer->trusted && sessions_heard(sessions) ? now : NEVER;
    due_at(outbox, now);
    outbox_wake(outbox, peer);
    outbox_written(outbox, peer->contact);
    enum fault fault = unseal_stale(chat, now, sessions);
    return fault == FAULT_NONE ? sessions_age(chat, now, sessions) : fault;
}

void outbox_down(struct outbox *outbox, int64_t device)
{
    struct peer *peer = outbox_peer(outbox, device);
    if (peer != NULL)
        peer_destroy(peer);
}

void outbox_busy(struct outbox *outbox, int64_t device)
{
    struct peer *peer = outbox_peer(outbox, device);
    if (peer == NULL)
        return;
    peer->busy = true;
    list_remove(&peer->ready);
    peer->record_due |= peer->record_wished;
    peer->hail_due |= peer->hail_wished;
    peer->record_wished = peer->hail_wished = false;
    peer->receipts_wished = 0;
    peer->sent = peer->sent_before;
}

void outbox_writable(struct outbox *outbox, int64_t device)
{
    struct peer *peer = outbox_peer(outbox, device);
    if (peer == NULL)
        return;
    peer->busy = false;
    outbox_wake(outbox, peer);
}

void outbox_records_due(struct outbox *outbox)
{
    LIST_EACH (link, &outbox->peers) {
        struct peer *peer = LIST_ITEM(link, struct peer, link);
        peer->record_due = true;
        outbox_wake(outbox, peer);
    }
}

void outbox_written(struct outbox *outbox, int64_t contact)
{
    if (map_get(outbox->waiting_by_contact, key_of(&contact)) != NULL)
        return;
    struct waiting *waiting = mem_zeroed(1, sizeof *waiting);
    waiting->contact = contact;
    bool kept = map_put(outbox->waiting_by_contact, key_of(&contact), waiting);
    assert(kept); /* there are no more contacts than it has room for */
    list_append(&outbox->waiting, &waiting->link);
}

void outbox_removed(struct outbox *outbox, int64_t contact)
{
    struct waiting *waiting = map_get(outbox->waiting_by_contact, key_of(&contact));
    struct peer *peer = outbox_peer_of(outbox, contact);
    if (waiting != NULL)
        waiting_destroy(outbox, waiting);
    if (peer != NULL)
        peer_destroy(peer);
}

void outbox_acknowledge(struct outbox *outbox, struct peer *peer, const struct receipt *receipt)
{
    if (peer->receipt_count == RECEIPTS_WAITING_MAX)
        return;
    if (peer->receipt_count == peer->receipt_room) {
        peer->receipt_room = peer->receipt_room == 0 ? 16 : 2 * peer->receipt_room;
        peer->receipts = mem_resized(peer->receipts, peer->receipt_room, sizeof *peer->receipts);
    }
    peer->receipts[peer->receipt_count++] = *receipt;
    outbox_wake(outbox, peer);
}

/* --- wishes ----------------------------------------------------------------------------------- */

static void wish_send(struct chat *chat, const struct peer *peer, struct bytes frame,
                      struct wish *out)
{
    *out = (struct wish){
        .id = ++chat->outbox->wishes,
        .kind = WISH_SEND,
        .contact = peer->contact,
        .device = peer->device,
        .data = frame,
    };
}

static bool wish_record(struct chat *chat, instant now, struct peer *peer, struct wish *out)
{
    struct cursor frame = cursor_into(chat->frame, sizeof chat->frame);
    if (!peer->record_due)
        return false;
    /* One-time bundles are for him who has proved a session: they serve to replace it one day. */
    bool known = peer->trusted || peer->proved;
    cursor_put_u8(&frame, FRAME_RECORD);
    if (own_record(chat, now, known ? peer->device : 0, &frame) != FAULT_NONE)
        return false;
    peer->record_due = false;
    peer->record_wished = true;
    wish_send(chat, peer, cursor_written(&frame), out);
    return true;
}

/* As many as one cell takes, of one session. *runs are filled; returns how many receipts. */
static size_t gather(const struct peer *peer, struct ack_run runs[ACK_RUNS_MAX], size_t *count)
{
    size_t taken = 0;
    *count = 0;
    for (; taken < peer->receipt_count; taken++) {
        const struct receipt *receipt = &peer->receipts[taken];
        struct ack_run *last = *count > 0 ? &runs[*count - 1] : NULL;
        if (receipt->session != peer->receipts[0].session)
            break;
        if (last != NULL && memcmp(last->chain, receipt->chain, sizeof last->chain) == 0 &&
            last->first + last->count == receipt->number && last->count < ACK_RUN_MAX) {
            last->count++;
            continue;
        }
        if (*count == ACK_RUNS_MAX)
            break;
        runs[*count] = (struct ack_run){ .first = receipt->number, .count = 1 };
        memcpy(runs[(*count)++].chain, receipt->chain, sizeof receipt->chain);
    }
    return taken;
}

static void drop_receipts(struct peer *peer, size_t count)
{
    if (count == 0)
        return;
    peer->receipt_count -= count;
    memmove(peer->receipts, peer->receipts + count, peer->receipt_count * sizeof *peer->receipts);
}

static bool wish_acks(struct chat *chat, instant now, struct peer *peer, struct wish *out)
{
    struct ack_run runs[ACK_RUNS_MAX];
    size_t count;
    /* The last wish was taken, or outbox_busy would have said otherwise. */
    drop_receipts(peer, peer->receipts_wished);
    peer->receipts_wished = 0;
    while (peer->receipt_count > 0) {
        size_t taken = gather(peer, runs, &count);
        struct sessions *sessions = sessions_with(chat, peer->contact, peer->device);
        struct session *session =
            sessions == NULL ? NULL : sessions_by_row(sessions, peer->receipts[0].session);
        struct bytes frame = { 0 };
        if (session != NULL)
            frame = seal_signal(chat, now, sessions, session, runs, count);
        if (frame.size == 0) {
            drop_receipts(peer, taken); /* he sends again, and is answered in a newer session */
            continue;
        }
        peer->receipts_wished = taken;
        wish_send(chat, peer, frame, out);
        return true;
    }
    return false;
}

/* To somebody who has not proved himself only that goes which lets him do so. */
static bool may_send(const struct sessions *sessions, const struct session *session,
                     const struct peer *peer)
{
    return peer->trusted || peer->proved || !sessions_heard(sessions) || seal_with_start(session);
}

/* With nothing else to say, an empty cell in the active session: so the other side has it before it
   sleeps, and if it has lost it, finds that out at once. */
static bool wish_hail(struct chat *chat, instant now, struct peer *peer, struct wish *out)
{
    struct sessions *sessions = sessions_with(chat, peer->contact, peer->device);
    struct session *active = sessions == NULL ? NULL : sessions_active(sessions);
    bool due = peer->hail_due;
    peer->hail_due = false;
    if (!due || active == NULL || !may_send(sessions, active, peer) ||
        store_outbox_sealed(chat->store, peer->device) > 0)
        return false;
    struct bytes frame = seal_signal(chat, now, sessions, active, NULL, 0);
    if (frame.size == 0)
        return false;
    peer->hail_wished = true;
    wish_send(chat, peer, frame, out);
    return true;
}

static bool wish_cell(struct chat *chat, struct peer *peer, struct wish *out)
{
    struct sessions *sessions = sessions_with(chat, peer->contact, peer->device);
    struct store_envelope envelope;
    bool wished = false;
    peer->sent_before = peer->sent;
    while (sessions != NULL && !wished &&
           store_envelope_next(chat->store, peer->device, peer->sent, &envelope) == FAULT_NONE) {
        const struct session *session = sessions_by_row(sessions, envelope.session);
        if (session == NULL || !may_send(sessions, session, peer))
            break;
        struct bytes frame = seal_frame(chat, sessions, session, &envelope, peer->account);
        peer->sent = envelope.row;
        wished = frame.size > 0;
        if (wished)
            wish_send(chat, peer, frame, out);
    }
    wipe(&envelope, sizeof envelope);
    return wished;
}

/* A session is not begun towards somebody who is just about to begin one. */
static void seal_waiting(struct chat *chat, instant now)
{
    struct outbox *outbox = chat->outbox;
    while (!list_empty(&outbox->waiting)) {
        struct waiting *waiting = LIST_ITEM(outbox->waiting.next, struct waiting, link);
        int64_t contact = waiting->contact;
        struct peer *peer = outbox_peer_of(outbox, contact);
        waiting_destroy(outbox, waiting);
        bool may_start = peer == NULL || peer->start_at == NEVER || now >= peer->start_at;
        if (seal_written(chat, now, contact, may_start) == FAULT_DISK)
            return; /* the settle will say so */
        if (peer != NULL)
            outbox_wake(outbox, peer);
    }
}

bool outbox_next_wish(struct chat *chat, instant now, struct wish *out)
{
    struct outbox *outbox = chat->outbox;
    seal_waiting(chat, now);
    while (!list_empty(&outbox->ready)) {
        struct peer *peer = LIST_ITEM(outbox->ready.next, struct peer, ready);
        peer->record_wished = peer->hail_wished = false;
        /* Acknowledgements before messages: they free the other side's window and disk. */
        if (wish_record(chat, now, peer, out) || wish_acks(chat, now, peer, out) ||
            wish_hail(chat, now, peer, out) || wish_cell(chat, peer, out))
            return true;
        list_remove(&peer->ready);
    }
    return false;
}

/* --- sessions that are wanted ----------------------------------------------------------------- */

static enum fault begin_session(struct chat *chat, instant now, struct peer *peer,
                                struct sessions *sessions, bool reset)
{
    enum fault fault = session_start(chat, now, sessions, reset);
    peer->hail_due |= fault == FAULT_NONE;
    if (fault == FAULT_NONE)
        peer->missed = false;
    outbox_wake(chat->outbox, peer);
    outbox_written(chat->outbox, peer->contact);
    return fault;
}

static instant peer_due(const struct peer *peer)
{
    return earlier(peer->start_at, after(peer->unreadable_since, OUTBOX_UNREADABLE));
}

static enum fault advance_peer(struct chat *chat, instant now, struct peer *peer)
{
    struct sessions *sessions = sessions_with(chat, peer->contact, peer->device);
    if (sessions == NULL)
        return FAULT_DISK;
    bool first = peer->start_at <= now && sessions->count == 0;
    bool lost = after(peer->unreadable_since, OUTBOX_UNREADABLE) <= now;
    if (peer->start_at <= now)
        peer->start_at = NEVER;
    if (lost)
        peer->unreadable_since = now; /* if this start does not help, another will in an hour */
    if (!first && !(lost && contact_may_reset(chat, now, peer->contact)))
        return FAULT_NONE;
    enum fault fault = begin_session(chat, now, peer, sessions, !first);
    if (fault == FAULT_NONE && !first)
        fault = contact_tell_reset(chat, now, peer->contact);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

enum fault outbox_advance(struct chat *chat, instant now)
{
    struct outbox *outbox = chat->outbox;
    enum fault fault = FAULT_NONE;
    if (outbox->next_due > now)
        return FAULT_NONE;
    outbox->next_due = NEVER;
    LIST_EACH (link, &outbox->peers) {
        struct peer *peer = LIST_ITEM(link, struct peer, link);
        if (fault == FAULT_NONE && peer_due(peer) <= now)
            fault = advance_peer(chat, now, peer);
        due_at(outbox, peer_due(peer));
    }
    return fault;
}

instant outbox_deadline(const struct outbox *outbox)
{
    return outbox->next_due;
}

enum fault outbox_answer_start(struct chat *chat, instant now, struct peer *peer,
                               struct sessions *sessions)
{
    if (!session_may_follow(sessions, now))
        return FAULT_NONE;
    enum fault fault = begin_session(chat, now, peer, sessions, false);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

void outbox_opened(struct outbox *outbox, struct peer *peer, bool in_active)
{
    bool proved = peer->proved;
    peer->proved = true;
    peer->missed &= !in_active;
    if (!peer->missed)
        peer->unreadable_since = NEVER;
    peer->record_due |= !proved && !peer->trusted; /* now with the one-time bundles */
    outbox_wake(outbox, peer);
}

void outbox_unreadable(struct outbox *outbox, struct peer *peer, instant now)
{
    peer->missed = true;
    if (peer->unreadable_since == NEVER)
        peer->unreadable_since = now;
    due_at(outbox, peer_due(peer));
}

void outbox_known(struct outbox *outbox, instant now, int64_t contact)
{
    struct peer *peer = outbox_peer_of(outbox, contact);
    if (peer != NULL && peer->start_at == NEVER)
        peer->start_at = now;
    if (peer != NULL)
        due_at(outbox, peer_due(peer));
    outbox_written(outbox, contact);
}

/* --- ends ------------------------------------------------------------------------------------- */

enum fault outbox_end(struct chat *chat, instant now, const struct store_owed *owed,
                      enum message_state state, enum message_failure failure)
{
    enum fault fault = store_outbox_end(chat->store, owed->message, state, failure, now);
    if (fault != FAULT_NONE || owed->tombstone)
        return fault;
    return chat_tell(chat, now, EVENT_MESSAGE_STATE, owed->contact, owed->message, state);
}

enum fault outbox_delivered(struct chat *chat, instant now, const struct store_envelope *envelope)
{
    struct store_owed owed;
    int64_t at = 0, contact = 0;
    enum fault fault;
    while ((fault = store_outbox_next_in(chat->store, envelope->row, at, &owed)) == FAULT_NONE) {
        at = owed.row;
        contact = owed.contact;
        fault = outbox_end(chat, now, &owed, MESSAGE_DELIVERED, FAILURE_NONE);
        if (fault == FAULT_DISK)
            return fault;
    }
    if (fault == FAULT_GONE)
        fault = store_envelope_remove(chat->store, envelope->row);
    if (contact != 0)
        outbox_written(chat->outbox, contact); /* there is room for more */
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

/* --- looking ---------------------------------------------------------------------------------- */

enum answer chat_owed(struct chat *chat, int64_t message, struct chat_owed *out)
{
    *out = (struct chat_owed){ 0 };
    enum fault fault = store_outbox_of(chat->store, message, &out->owed);
    if (fault == FAULT_DISK)
        return ANSWER_DISK;
    if (fault != FAULT_NONE || out->owed.tombstone) { /* of a tombstone only the place is owed */
        out->owed = (struct store_owed){ 0 };
        return ANSWER_DONE;
    }
    struct peer *peer = outbox_peer_of(chat->outbox, out->owed.contact);
    out->sent = peer != NULL && out->owed.envelope != 0 && out->owed.envelope <= peer->sent;
    out->ahead = store_outbox_ahead(chat->store, out->owed.contact, out->owed.row);
    return ANSWER_DONE;
}

size_t chat_owed_count(struct chat *chat, int64_t contact)
{
    return store_outbox_count(chat->store, contact);
}
