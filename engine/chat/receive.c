/* A cell is opened on a copy of its ratchet, judged whole, and only then kept: whatever is wrong
   with it leaves everything as it was. */
#include "engine/chat/receive.h"

#include "base/mem.h"
#include "engine/chat/own.h"
#include "engine/chat/seal.h"

#include <assert.h>
#include <string.h>

/* --- judging ---------------------------------------------------------------------------------- */

/* What is in a cell that has opened. */
struct opened {
    struct session *session;
    struct ratchet_opened ratchet;
    struct content_head head;
    struct cursor items;
    bool start; /* it came with the start of its session */
};

static enum fault judge_message(const struct peer *peer, struct bytes wire)
{
    struct message message;
    if (message_read(&message, wire) != FAULT_NONE)
        return FAULT_PEER;
    return memcmp(message.conversation, peer->conversation, sizeof message.conversation) == 0
               ? FAULT_NONE
               : FAULT_PEER;
}

static enum fault judge(struct chat *chat, const struct peer *peer, struct opened *opened)
{
    struct item item;
    enum fault fault = content_read((struct bytes){ chat->content, opened->ratchet.size },
                                    &opened->head, &opened->items);
    struct cursor items = opened->items;
    while (fault == FAULT_NONE && content_next(&items, &item))
        if (item.kind == ITEM_MESSAGE)
            fault = judge_message(peer, item.bytes);
    return fault;
}

/* --- taking messages -------------------------------------------------------------------------- */

/* A height is one more than the greatest of the parents'. Where a parent is not here (yet), it may
   claim more, within a bound: a liar only moves his own words down the page. */
static bool height_fits(struct chat *chat, int64_t contact, const struct message *message)
{
    uint8_t heads[STORE_PARENTS_MAX][MESSAGE_ID_BYTES];
    uint64_t greatest = 0, height, top;
    bool all_known = true;
    for (size_t i = 0; i < message->parent_count; i++) {
        if (store_height(chat->store, contact, message->parents[i], &height) != FAULT_NONE)
            all_known = false;
        else if (height > greatest)
            greatest = height;
    }
    if (all_known)
        return message->height == greatest + 1;
    store_heads(chat->store, contact, heads, &top);
    return message->height > greatest && message->height <= top + MESSAGE_HEIGHT_JUMP;
}

static enum fault take_message(struct chat *chat, instant now, const struct peer *peer,
                               struct bytes wire)
{
    struct message message;
    uint64_t height;
    if (message_read(&message, wire) != FAULT_NONE)
        return FAULT_PEER;
    struct store_message row = {
        .contact = peer->contact,
        .state = MESSAGE_DELIVERED,
        .height = message.height,
        .written = message.written_ms * MILLISECOND,
        .arrived = now,
        .changed = now,
        .parent_count = message.parent_count,
        .text = message.text,
    };
    memcpy(row.parents, message.parents, sizeof row.parents);
    message_id(row.id, peer->account, wire);
    enum fault fault = store_height(chat->store, peer->contact, row.id, &height);
    if (fault != FAULT_GONE)
        return fault; /* it was sealed anew because our first word of it was lost: it is here */
    if (!height_fits(chat, peer->contact, &message)) {
        log_line(chat->log, LOG_TRACE, "chat", "passed over a message that fits nowhere");
        return FAULT_NONE;
    }
    fault = store_message_add(chat->store, &row);
    if (fault == FAULT_NONE)
        fault = chat_tell(chat, now, EVENT_MESSAGE_RECEIVED, peer->contact, row.row, 0);
    return fault;
}

/* A number we do not know, or acknowledged already: nothing. Who names a thousand such numbers in a
   few bytes makes us look once. */
static enum fault take_run(struct chat *chat, instant now, const struct session *session,
                           const struct ack_run *run)
{
    struct store_envelope envelope;
    uint32_t end = run->first + run->count, first = run->first;
    enum fault fault = FAULT_NONE;
    while (fault == FAULT_NONE && first < end) {
        fault = store_envelope_in_run(chat->store, session->row.row, run->chain, first, end - first,
                                      &envelope);
        if (fault != FAULT_NONE)
            break;
        first = envelope.number + 1;
        fault = outbox_delivered(chat, now, &envelope);
    }
    wipe(&envelope, sizeof envelope);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

static enum fault take_acks(struct chat *chat, instant now, const struct session *session,
                            struct bytes item)
{
    struct cursor in = cursor_over(item);
    struct ack_run run;
    enum fault fault = FAULT_NONE;
    while (fault == FAULT_NONE && ack_run_next(&in, &run))
        fault = take_run(chat, now, session, &run);
    return fault;
}

/* *answer: something in it is to be acknowledged. */
static enum fault take_items(struct chat *chat, instant now, const struct peer *peer,
                             struct opened *opened, bool *answer)
{
    struct item item;
    enum fault fault = FAULT_NONE;
    *answer = opened->start;
    while (fault == FAULT_NONE && content_next(&opened->items, &item)) {
        *answer |= item.kind != ITEM_ACK;
        if (item.kind == ITEM_MESSAGE)
            fault = take_message(chat, now, peer, item.bytes);
        else if (item.kind == ITEM_ACK)
            fault = take_acks(chat, now, opened->session, item.bytes);
    }
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

/* --- taking the head -------------------------------------------------------------------------- */

static bool contradicts(const struct list_head *claimed, const struct list_head *held)
{
    return claimed->counter != 0 && claimed->counter == held->counter &&
           !list_head_equal(claimed, held);
}

/* What he says about both lists: who sees another one than we do has been lied to, or we have. */
static enum fault take_heads(struct chat *chat, instant now, struct sessions *sessions,
                             const struct content_head *head)
{
    struct list_head held;
    enum fault fault = sessions_head(chat, sessions, &held);
    if (fault != FAULT_NONE)
        return fault;
    bool ours_is_new = head->theirs.counter > chat->own->head.counter;
    if (ours_is_new || contradicts(&head->theirs, &chat->own->head) ||
        contradicts(&head->ours, &held))
        return contact_alarm(chat, now, sessions->contact);
    return FAULT_NONE;
}

/* The pair secret is that of the first session both have used. Where both sides differ, that of the
   session in which it comes out holds. */
static enum fault take_pair(struct chat *chat, const struct peer *peer,
                            const struct session *session, const struct content_head *head)
{
    static const uint8_t none[8];
    struct store_contact contact;
    uint8_t ours[8];
    enum fault fault = store_contact_get(chat->store, peer->contact, &contact);
    if (fault == FAULT_NONE && contact.has_pair)
        pair_id(ours, contact.pair);
    if (fault == FAULT_NONE &&
        (!contact.has_pair || (memcmp(head->pair, none, sizeof none) != 0 &&
                               memcmp(head->pair, ours, sizeof ours) != 0))) {
        contact.has_pair = true;
        memcpy(contact.pair, session->row.pair, sizeof contact.pair);
        fault = store_contact_update(chat->store, &contact);
    }
    wipe(&contact, sizeof contact);
    return fault;
}

/* --- taking a cell ---------------------------------------------------------------------------- */

/* Acknowledgements and nothing else. */
static bool is_answer(const struct opened *opened)
{
    struct cursor items = opened->items;
    struct item item;
    bool any = false;
    while (content_next(&items, &item)) {
        if (item.kind != ITEM_ACK)
            return false;
        any = true;
    }
    return any;
}

static void answer(struct chat *chat, struct peer *peer, const struct opened *opened)
{
    struct receipt receipt = { .session = opened->session->row.row,
                               .number = opened->ratchet.number };
    memcpy(receipt.chain, opened->ratchet.chain, sizeof receipt.chain);
    outbox_acknowledge(chat->outbox, peer, &receipt);
}

/* It has opened and is judged: all that follows from it is one transaction. */
static enum fault keep(struct chat *chat, instant now, struct peer *peer, struct sessions *sessions,
                       struct opened *opened)
{
    struct session *session = opened->session;
    bool wants_answer = false;
    ratchet_keep(session->ratchet);
    sessions->psks_changed |= !session->row.heard;
    session->row.heard = true;
    session->row.used = now;
    session->dirty = true;
    if (session->row.initiator && session->row.start_size > 0) {
        wipe(session->row.start, sizeof session->row.start);
        session->row.start_size = 0;
    }
    /* An answer comes in the session of what it answers; all else shows which one he holds active.
     */
    bool same = session == sessions_active(sessions) && !is_answer(opened);
    outbox_opened(chat->outbox, peer, same);
    enum fault fault = take_heads(chat, now, sessions, &opened->head);
    if (fault == FAULT_NONE)
        fault = take_pair(chat, peer, session, &opened->head);
    if (fault == FAULT_NONE)
        fault = take_items(chat, now, peer, opened, &wants_answer);
    if (fault == FAULT_NONE && wants_answer)
        answer(chat, peer, opened);
    outbox_written(chat->outbox, peer->contact); /* a chain has ended, or a session can seal now */
    return fault;
}

static enum fault open_in(struct chat *chat, instant now, struct peer *peer,
                          struct sessions *sessions, struct opened *opened, struct bytes sealed)
{
    struct ratchet *ratchet = opened->session->ratchet;
    enum fault fault = ratchet_open(ratchet, now, sealed, chat->content, &opened->ratchet);
    if (fault == FAULT_GONE) {
        /* Our answer may have been lost with a link. Acknowledgements are not told from messages
           here: one that comes twice is answered too, which costs a cell. */
        answer(chat, peer, opened);
        return FAULT_NONE;
    }
    if (fault != FAULT_NONE)
        return fault;
    fault = judge(chat, peer, opened);
    if (fault == FAULT_NONE)
        fault = keep(chat, now, peer, sessions, opened);
    else
        ratchet_drop(ratchet);
    wipe(chat->content, sealed.size);
    return fault;
}

/* While a session that we began has not been answered, what still comes in an older one is no news:
   it was on its way. */
static void miss(struct chat *chat, instant now, struct peer *peer, const struct sessions *sessions)
{
    const struct session *active = sessions_active(sessions);
    if (active != NULL && seal_with_start(active))
        return;
    chat->unreadable++;
    outbox_unreadable(chat->outbox, peer, now);
}

static enum fault take_cell(struct chat *chat, instant now, struct peer *peer, struct bytes cell)
{
    struct sessions *sessions = sessions_with(chat, peer->contact, peer->device);
    enum fault fault = FAULT_PEER;
    if (sessions == NULL)
        return FAULT_DISK;
    if (!cell_size_good(cell.size))
        return FAULT_PEER;
    for (size_t i = 0; i < sessions->count && fault == FAULT_PEER; i++) {
        struct opened opened = { .session = sessions->all[i] };
        fault = open_in(chat, now, peer, sessions, &opened, cell);
    }
    if (fault == FAULT_PEER)
        miss(chat, now, peer, sessions);
    return fault;
}

/* --- taking a start --------------------------------------------------------------------------- */

/* The session is new: its first cell must open too, or nothing of it is kept. */
static enum fault begin(struct chat *chat, instant now, struct peer *peer,
                        struct sessions *sessions, struct session_begun *begun, struct bytes sealed)
{
    struct opened opened = { .session = begun->session, .start = true };
    enum session_meaning meaning;
    bool behind;
    enum fault fault =
        ratchet_open(begun->session->ratchet, now, sealed, chat->content, &opened.ratchet);
    if (fault == FAULT_NONE)
        fault = judge(chat, peer, &opened);
    if (fault == FAULT_NONE)
        fault = contact_take_list(chat, now, peer->contact, &begun->list, begun->list_wire,
                                  begun->claim.device,
                                  devices_find(&begun->list, begun->claim.device)->dh);
    if (fault == FAULT_NONE)
        fault = session_adopt(chat, now, sessions, begun, &meaning, &behind);
    if (fault == FAULT_NONE)
        fault = keep(chat, now, peer, sessions, &opened);
    wipe(chat->content, sealed.size);
    if (fault != FAULT_NONE)
        return fault;
    if (meaning == SESSION_RESET)
        fault = contact_tell_reset(chat, now, peer->contact);
    if (fault == FAULT_NONE && behind)
        fault = outbox_answer_start(chat, now, peer, sessions);
    return fault;
}

static enum fault take_start(struct chat *chat, instant now, struct peer *peer, struct bytes cell)
{
    struct sessions *sessions = sessions_with(chat, peer->contact, peer->device);
    struct session_begun begun = { 0 };
    struct cell_start parts;
    if (sessions == NULL)
        return FAULT_DISK;
    if (cell_read_start(&parts, cell) != FAULT_NONE)
        return FAULT_PEER;
    struct opened opened = { .session = sessions_by_start(sessions, parts.start), .start = true };
    if (opened.session != NULL)
        return open_in(chat, now, peer, sessions, &opened, parts.sealed);
    enum fault fault = session_read_start(chat, now, sessions, parts.bundle, parts.start, &begun);
    if (fault == FAULT_NONE)
        fault = begin(chat, now, peer, sessions, &begun, parts.sealed);
    else if (fault == FAULT_GONE)
        miss(chat, now, peer, sessions);
    session_abandon(&begun);
    return fault;
}

/* --- frames ----------------------------------------------------------------------------------- */

static enum fault take_record(struct chat *chat, instant now, const struct peer *peer,
                              struct bytes wire)
{
    struct store_device device;
    enum fault fault = store_device_get(chat->store, peer->device, &device);
    return fault == FAULT_NONE ? contact_take_record(chat, now, &device, wire) : fault;
}

enum fault receive_frame(struct chat *chat, instant now, struct peer *peer, struct bytes frame)
{
    struct cursor in = cursor_over(frame);
    struct bytes rest;
    uint8_t kind;
    enum fault fault = FAULT_PEER;
    if (cursor_take_u8(&in, &kind) && cursor_view(&in, cursor_left(&in), &rest)) {
        if (kind == FRAME_RECORD)
            fault = take_record(chat, now, peer, rest);
        else if (kind == FRAME_START)
            fault = take_start(chat, now, peer, rest);
        else if (kind == FRAME_CELL)
            fault = take_cell(chat, now, peer, rest);
    }
    if (fault == FAULT_PEER)
        log_line(chat->log, LOG_TRACE, "chat", "dropped a frame that breaks the protocol");
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}
