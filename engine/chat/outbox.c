#include "engine/chat/outbox.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* Acknowledgements are made while a burst is read and leave before the next: more than a link's
   flow control lets in at once is not honest, and what is dropped here is asked for again later. */
#define ACKS_WAITING_MAX 65536

struct outbox {
    struct list peers, ready;
    uint64_t wishes; /* counted, to name them */
};

struct outbox *outbox_create(void)
{
    struct outbox *outbox = mem_zeroed(1, sizeof *outbox);
    list_init(&outbox->peers);
    list_init(&outbox->ready);
    return outbox;
}

static void peer_destroy(struct peer *peer)
{
    list_remove(&peer->link);
    list_remove(&peer->ready);
    mem_free(peer->acks);
    mem_free(peer);
}

void outbox_destroy(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    LIST_EACH (link, &outbox->peers)
        peer_destroy(LIST_ITEM(link, struct peer, link));
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

static void wake(struct outbox *outbox, struct peer *peer)
{
    if (!peer->busy && list_empty(&peer->ready))
        list_append(&outbox->ready, &peer->ready);
}

void outbox_up(struct outbox *outbox, const struct news *news, const uint8_t account[32],
               const uint8_t conversation[CONVERSATION_ID_BYTES])
{
    outbox_down(outbox, news->device); /* a link that replaces another starts afresh */
    struct peer *peer = mem_zeroed(1, sizeof *peer);
    list_append(&outbox->peers, &peer->link);
    list_init(&peer->ready);
    peer->contact = news->contact;
    peer->device = news->device;
    memcpy(peer->account, account, sizeof peer->account);
    memcpy(peer->conversation, conversation, sizeof peer->conversation);
    wake(outbox, peer);
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
    if (peer->acks_wished > 0)
        peer->acks_wished = 0;
    else if (peer->sent != peer->sent_before) {
        peer->sent = peer->sent_before;
        peer->flying--;
    }
}

void outbox_writable(struct outbox *outbox, int64_t device)
{
    struct peer *peer = outbox_peer(outbox, device);
    if (peer == NULL)
        return;
    peer->busy = false;
    wake(outbox, peer);
}

void outbox_written(struct outbox *outbox, int64_t contact)
{
    LIST_EACH (link, &outbox->peers) {
        struct peer *peer = LIST_ITEM(link, struct peer, link);
        if (peer->contact == contact)
            wake(outbox, peer);
    }
}

void outbox_acknowledge(struct outbox *outbox, struct peer *peer,
                        const uint8_t id[MESSAGE_ID_BYTES])
{
    if (peer->ack_count == ACKS_WAITING_MAX)
        return;
    if (peer->ack_count == peer->ack_room) {
        peer->ack_room = peer->ack_room == 0 ? 16 : 2 * peer->ack_room;
        peer->acks = mem_resized(peer->acks, peer->ack_room, sizeof *peer->acks);
    }
    memcpy(peer->acks[peer->ack_count++], id, MESSAGE_ID_BYTES);
    wake(outbox, peer);
}

static void wish_send(struct chat *chat, const struct peer *peer, struct wish *out)
{
    *out = (struct wish){
        .id = ++chat->outbox->wishes,
        .kind = WISH_SEND,
        .contact = peer->contact,
        .device = peer->device,
        .data = frame_write(&chat->frame, chat->memory),
    };
}

static bool wish_acks(struct chat *chat, struct peer *peer, struct wish *out)
{
    /* The last wish was taken, or outbox_busy would have said otherwise. */
    if (peer->acks_wished > 0) {
        peer->ack_count -= peer->acks_wished;
        memmove(peer->acks, peer->acks + peer->acks_wished, peer->ack_count * sizeof *peer->acks);
        peer->acks_wished = 0;
    }
    if (peer->ack_count == 0)
        return false;
    size_t count = peer->ack_count < FRAME_ACKS_MAX ? peer->ack_count : FRAME_ACKS_MAX;
    chat->frame.kind = FRAME_ACK;
    chat->frame.id_count = count;
    memcpy(chat->frame.ids, peer->acks, count * sizeof *peer->acks);
    peer->acks_wished = count;
    wish_send(chat, peer, out);
    return true;
}

static bool wish_message(struct chat *chat, struct peer *peer, struct wish *out)
{
    struct frame *frame = &chat->frame;
    struct store_owed owed;
    struct store_message message;
    peer->sent_before = peer->sent;
    if (peer->flying >= CHAT_WINDOW ||
        store_outbox_next(chat->store, peer->contact, peer->sent, &owed) != FAULT_NONE ||
        store_message_get(chat->store, owed.message, &message) != FAULT_NONE)
        return false;
    frame->kind = FRAME_MESSAGE;
    memcpy(frame->conversation, peer->conversation, sizeof frame->conversation);
    frame->height = message.height;
    frame->written_ms = message.written / MILLISECOND;
    frame->parent_count = message.parent_count;
    memcpy(frame->parents, message.parents, sizeof frame->parents);
    frame->text = message.text;
    peer->sent = owed.row;
    peer->flying++;
    wish_send(chat, peer, out);
    return true;
}

bool chat_next_wish(struct chat *chat, instant now, struct wish *out)
{
    (void)now;
    struct outbox *outbox = chat->outbox;
    while (!list_empty(&outbox->ready)) {
        struct peer *peer = LIST_ITEM(outbox->ready.next, struct peer, ready);
        /* Acknowledgements first: they free the other side's window and disk. */
        if (wish_acks(chat, peer, out) || wish_message(chat, peer, out))
            return true;
        list_remove(&peer->ready);
    }
    return false;
}

enum fault outbox_end(struct chat *chat, instant now, const struct store_owed *owed,
                      enum message_state state, enum message_failure failure)
{
    enum fault fault = store_outbox_end(chat->store, owed->message, state, failure, now);
    if (fault != FAULT_NONE)
        return fault;
    LIST_EACH (link, &chat->outbox->peers) {
        struct peer *peer = LIST_ITEM(link, struct peer, link);
        if (peer->contact != owed->contact || owed->row > peer->sent || peer->flying == 0)
            continue;
        peer->flying--;
        wake(chat->outbox, peer);
    }
    return chat_tell(chat, now, EVENT_MESSAGE_STATE, owed->contact, owed->message, state);
}

/* Expiry is looked for rarely: a month is not exact to the second. */
enum fault chat_advance(struct chat *chat, instant now)
{
    struct store_owed owed;
    enum fault fault;
    while ((fault = store_outbox_first_to_expire(chat->store, &owed)) == FAULT_NONE &&
           owed.expires <= now) {
        fault = outbox_end(chat, now, &owed, MESSAGE_FAILED, FAILURE_EXPIRED);
        if (fault == FAULT_DISK)
            break;
    }
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

instant chat_deadline(struct chat *chat)
{
    struct store_owed owed;
    return store_outbox_first_to_expire(chat->store, &owed) == FAULT_NONE ? owed.expires : NEVER;
}

enum answer chat_owed(struct chat *chat, int64_t message, struct chat_owed *out)
{
    *out = (struct chat_owed){ 0 };
    enum fault fault = store_outbox_of(chat->store, message, &out->owed);
    if (fault == FAULT_DISK)
        return ANSWER_DISK;
    if (fault != FAULT_NONE)
        return ANSWER_DONE;
    struct peer *peer = outbox_peer_of(chat->outbox, out->owed.contact);
    out->sent = peer != NULL && out->owed.row <= peer->sent;
    out->ahead = store_outbox_ahead(chat->store, out->owed.contact, out->owed.row);
    return ANSWER_DONE;
}

size_t chat_owed_count(struct chat *chat, int64_t contact)
{
    return store_outbox_count(chat->store, contact);
}
