#include "engine/chat/seal.h"

#include "base/mem.h"
#include "engine/chat/own.h"

#include <assert.h>
#include <string.h>

bool seal_with_start(const struct session *session)
{
    return session->row.initiator && !session->row.heard;
}

/* What every content begins with. */
static enum fault make_head(struct chat *chat, struct sessions *sessions, struct content_head *out)
{
    struct store_contact row;
    *out = (struct content_head){ .ours = chat->own->head };
    enum fault fault = store_contact_get(chat->store, sessions->contact, &row);
    if (fault == FAULT_NONE && row.has_pair)
        pair_id(out->pair, row.pair);
    wipe(&row, sizeof row);
    return fault == FAULT_NONE ? sessions_head(chat, sessions, &out->theirs) : fault;
}

/* Bytes of a cell that are not items. */
static size_t cell_overhead(const struct session *session, size_t header_size)
{
    size_t start = seal_with_start(session) ? CELL_START_BYTES(session->row.start_size) : 0;
    return start + header_size + RATCHET_BODY_EXTRA_BYTES + CONTENT_HEAD_BYTES;
}

/* --- from written to sealed ------------------------------------------------------------------- */

static size_t item_size(const struct store_message *message)
{
    return ITEM_EXTRA_BYTES + MESSAGE_FIXED_BYTES + message->parent_count * MESSAGE_ID_BYTES +
           message->text.size;
}

/* Puts a message into the envelope, and tells. */
static enum fault put_in(struct chat *chat, instant now, const struct store_owed *owed,
                         const struct store_envelope *envelope)
{
    enum fault fault = store_outbox_seal(chat->store, owed, envelope->row, envelope->device, now);
    if (fault == FAULT_NONE)
        fault =
            chat_tell(chat, now, EVENT_MESSAGE_STATE, owed->contact, owed->message, MESSAGE_SEALED);
    return fault;
}

/* The messages after the first that still fit, as far as they may be sealed. */
static enum fault fill_up(struct chat *chat, instant now, const struct store_owed *first,
                          const struct store_envelope *envelope, size_t room, size_t most)
{
    struct store_owed owed = *first;
    struct store_message message;
    enum fault fault = FAULT_NONE;
    while (fault == FAULT_NONE && most-- > 0) {
        fault = store_outbox_next_written(chat->store, owed.contact, owed.row, &owed);
        if (fault == FAULT_NONE)
            fault = store_message_get(chat->store, owed.message, &message);
        if (fault != FAULT_NONE || item_size(&message) > room)
            break;
        room -= item_size(&message);
        fault = put_in(chat, now, &owed, envelope);
    }
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

static enum fault take_step(struct chat *chat, instant now, struct session *session, size_t cell,
                            struct store_envelope *out)
{
    struct ratchet_step step;
    enum fault fault = ratchet_step(session->ratchet, now, chat->rng, &step);
    if (fault != FAULT_NONE)
        return fault;
    session->dirty = true;
    session->row.used = now;
    *out = (struct store_envelope){ .device = session->row.device,
                                    .session = session->row.row,
                                    .number = step.number,
                                    .turn = step.turn,
                                    .cell = (uint32_t)cell,
                                    .made = now,
                                    .header_size = step.header_size };
    memcpy(out->chain, step.chain, sizeof out->chain);
    memcpy(out->key, step.key, sizeof out->key);
    assert(step.header_size <= sizeof out->header);
    memcpy(out->header, step.header, step.header_size);
    wipe(&step, sizeof step);
    return store_envelope_add(chat->store, out);
}

static enum fault seal_one(struct chat *chat, instant now, struct session *session,
                           const struct store_owed *owed, size_t most)
{
    struct store_envelope envelope;
    struct store_message message;
    enum fault fault = store_message_get(chat->store, owed->message, &message);
    if (fault != FAULT_NONE)
        return fault;
    size_t needs = item_size(&message) +
                   cell_overhead(session, ratchet_next_header_size(session->ratchet, now));
    size_t cell = cell_class(needs, CELL_LEAST_BYTES);
    if (cell == 0 || message.text.size > CHAT_TEXT_MAX_BYTES)
        return outbox_end(chat, now, owed, MESSAGE_FAILED, FAILURE_TOO_LONG);
    fault = take_step(chat, now, session, cell, &envelope);
    if (fault == FAULT_NONE)
        fault = put_in(chat, now, owed, &envelope);
    if (fault == FAULT_NONE)
        fault = fill_up(chat, now, owed, &envelope, cell - needs, most - 1);
    wipe(&envelope, sizeof envelope);
    return fault;
}

/* A chain that its receiver could not follow is given up for a new session. */
static enum fault renew(struct chat *chat, instant now, struct sessions *sessions)
{
    return session_may_follow(sessions, now) ? session_start(chat, now, sessions, false)
                                             : FAULT_GONE;
}

static enum fault usable(struct chat *chat, instant now, struct sessions *sessions, bool may_start)
{
    struct session *active = sessions_active(sessions);
    if (active == NULL)
        return may_start ? session_start(chat, now, sessions, false) : FAULT_GONE;
    return ratchet_can_step(active->ratchet) ? FAULT_NONE : renew(chat, now, sessions);
}

/* GONE: a person has to decide first. */
static enum fault may_be_sealed_for(struct chat *chat, int64_t contact)
{
    struct store_contact row;
    enum fault fault = store_contact_get(chat->store, contact, &row);
    if (fault == FAULT_NONE && row.trust == TRUST_STOPPED)
        fault = FAULT_GONE;
    wipe(&row, sizeof row);
    return fault;
}

enum fault seal_written(struct chat *chat, instant now, int64_t contact, bool may_start)
{
    struct store_device device;
    struct store_owed owed;
    enum fault fault = store_outbox_next_written(chat->store, contact, 0, &owed);
    if (fault == FAULT_NONE)
        fault = may_be_sealed_for(chat, contact);
    if (fault == FAULT_NONE)
        fault = store_device_next(chat->store, contact, 0, &device);
    if (fault != FAULT_NONE)
        return fault;
    struct sessions *sessions = sessions_with(chat, contact, device.id);
    if (sessions == NULL)
        return FAULT_DISK;
    size_t sealed = store_outbox_sealed(chat->store, device.id);
    while (fault == FAULT_NONE && sealed < CHAT_SEALED_MAX) {
        fault = usable(chat, now, sessions, may_start);
        if (fault == FAULT_NONE)
            fault = seal_one(chat, now, sessions_active(sessions), &owed, CHAT_SEALED_MAX - sealed);
        if (fault == FAULT_NONE)
            fault = store_outbox_next_written(chat->store, contact, 0, &owed);
        sealed = store_outbox_sealed(chat->store, device.id);
    }
    return fault;
}

/* --- from sealed to bytes --------------------------------------------------------------------- */

/* The content begins where it will be sealed from; what is around it has its place in the frame. */
struct layout {
    struct cursor frame;   /* behind kind, start and before header */
    struct cursor content; /* as long as the cell leaves */
};

static struct layout lay_out(struct chat *chat, const struct session *session, size_t cell,
                             size_t header_size)
{
    struct layout layout = { .frame = cursor_into(chat->frame, 1 + cell) };
    bool start = seal_with_start(session);
    cursor_put_u8(&layout.frame, start ? FRAME_START : FRAME_CELL);
    if (start)
        cell_write_start(&layout.frame, session->row.bundle,
                         (struct bytes){ session->row.start, session->row.start_size });
    size_t left = cursor_left(&layout.frame);
    assert(left > header_size + RATCHET_BODY_EXTRA_BYTES);
    layout.content = cursor_into(chat->content, left - header_size - RATCHET_BODY_EXTRA_BYTES);
    return layout;
}

static struct bytes seal_layout(struct chat *chat, const struct session *session,
                                struct layout *layout, const struct ratchet_step *step)
{
    content_end(&layout->content);
    struct bytes content = cursor_written(&layout->content);
    ratchet_seal(layout->frame.write + layout->frame.at, session->row.id, step, content, chat->rng);
    wipe(chat->content, content.size);
    return (struct bytes){ chat->frame, layout->frame.size };
}

static void put_message(struct chat *chat, const uint8_t account[32], struct cursor *content,
                        const struct store_message *stored)
{
    struct message message = { .height = stored->height,
                               .written_ms = stored->written / MILLISECOND,
                               .parent_count = stored->parent_count,
                               .text = stored->text };
    conversation_id(message.conversation, chat->account, account);
    memcpy(message.parents, stored->parents, sizeof message.parents);
    cursor_put_u8(content, ITEM_MESSAGE);
    cursor_put_u16(content, (uint16_t)message_size(&message));
    message_write(&message, content);
}

/* How many items; SIZE_MAX: the store failed. */
static size_t put_owed(struct chat *chat, const uint8_t account[32], int64_t envelope,
                       struct cursor *content)
{
    struct store_owed owed;
    struct store_message message;
    size_t count = 0;
    int64_t at = 0;
    enum fault fault;
    while ((fault = store_outbox_next_in(chat->store, envelope, at, &owed)) == FAULT_NONE) {
        at = owed.row;
        fault = store_message_get(chat->store, owed.message, &message);
        if (fault != FAULT_NONE)
            break;
        if (owed.tombstone)
            content_put(content, ITEM_TOMBSTONE, BYTES_OF(message.id));
        else
            put_message(chat, account, content, &message);
        count++;
    }
    return fault == FAULT_DISK ? SIZE_MAX : count;
}

static void step_of(const struct store_envelope *envelope, struct ratchet_step *out)
{
    *out = (struct ratchet_step){ .number = envelope->number,
                                  .turn = envelope->turn,
                                  .header_size = envelope->header_size };
    memcpy(out->key, envelope->key, sizeof out->key);
    memcpy(out->chain, envelope->chain, sizeof out->chain);
    memcpy(out->header, envelope->header, envelope->header_size);
}

struct bytes seal_frame(struct chat *chat, struct sessions *sessions, const struct session *session,
                        const struct store_envelope *envelope, const uint8_t account[32])
{
    struct content_head head;
    struct ratchet_step step;
    struct layout layout = lay_out(chat, session, envelope->cell, envelope->header_size);
    if (make_head(chat, sessions, &head) != FAULT_NONE)
        return (struct bytes){ 0 };
    content_begin(&layout.content, &head);
    size_t count = put_owed(chat, account, envelope->row, &layout.content);
    if (count == 0 || count == SIZE_MAX)
        return (struct bytes){ 0 };
    step_of(envelope, &step);
    struct bytes frame = seal_layout(chat, session, &layout, &step);
    wipe(&step, sizeof step);
    return frame;
}

struct bytes seal_signal(struct chat *chat, instant now, struct sessions *sessions,
                         struct session *session, const struct ack_run *runs, size_t count)
{
    struct content_head head;
    struct ratchet_step step;
    size_t needs = count == 0 ? 0 : ITEM_EXTRA_BYTES + count * ACK_RUN_BYTES;
    size_t least = seal_with_start(session) ? CELL_LEAST_BYTES : CELL_SMALL_BYTES;
    if (make_head(chat, sessions, &head) != FAULT_NONE ||
        ratchet_step(session->ratchet, now, chat->rng, &step) != FAULT_NONE)
        return (struct bytes){ 0 };
    session->dirty = true;
    session->row.used = now;
    size_t cell = cell_class(needs + cell_overhead(session, step.header_size), least);
    struct layout layout = lay_out(chat, session, cell, step.header_size);
    content_begin(&layout.content, &head);
    if (count > 0)
        content_put_acks(&layout.content, runs, count);
    struct bytes frame = seal_layout(chat, session, &layout, &step);
    wipe(&step, sizeof step);
    return frame;
}
