/* Messages, their order and their states. */
#include "base/mem.h"
#include "base/text.h"
#include "engine/chat/outbox.h"

#include <stdlib.h>
#include <string.h>

enum answer answer_of(enum fault fault)
{
    return fault == FAULT_NONE ? ANSWER_DONE : ANSWER_DISK;
}

struct chat *chat_create(struct store *store, struct log *log)
{
    struct chat *chat = mem_zeroed(1, sizeof *chat);
    struct store_self self;
    struct card card = { 0 };
    if (chat_identity(store, &self) == FAULT_NONE)
        chat_card(&card, &self);
    memcpy(chat->account, card.account, sizeof chat->account);
    wipe(&self, sizeof self);
    wipe(&card, sizeof card);
    chat->store = store;
    chat->log = log;
    chat->outbox = outbox_create();
    return chat;
}

void chat_destroy(struct chat *chat)
{
    if (chat == NULL)
        return;
    outbox_destroy(chat->outbox);
    wipe(chat, sizeof *chat); /* it held the last text */
    mem_free(chat);
}

enum fault chat_tell(struct chat *chat, instant now, enum event_kind kind, int64_t contact,
                     int64_t message, int64_t detail)
{
    struct store_event event = {
        .time = now, .kind = kind, .contact = contact, .message = message, .detail = detail
    };
    return store_event_add(chat->store, &event);
}

/* --- writing ---------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, MESSAGE_ID_BYTES);
}

/* Gives the message its place in the graph and its id. */
static void place(struct chat *chat, const struct store_contact *contact,
                  struct store_message *message)
{
    struct frame *frame = &chat->frame;
    uint64_t height;
    message->parent_count = store_heads(chat->store, contact->id, message->parents, &height);
    message->height = height + 1;
    qsort(message->parents, message->parent_count, MESSAGE_ID_BYTES, by_id);
    frame->kind = FRAME_MESSAGE;
    conversation_id(frame->conversation, chat->account, contact->account);
    frame->height = message->height;
    frame->written_ms = message->written / MILLISECOND;
    frame->parent_count = message->parent_count;
    memcpy(frame->parents, message->parents, sizeof frame->parents);
    frame->text = message->text;
    frame_write(frame, chat->memory);
    message_id(message->id, chat->account, frame->message);
}

static enum answer refuse_text(struct bytes text)
{
    if (text.size == 0)
        return ANSWER_TEXT_EMPTY;
    if (text.size > STORE_TEXT_MAX_BYTES)
        return ANSWER_TEXT_TOO_LONG;
    return text_is_utf8(text) ? ANSWER_DONE : ANSWER_TEXT_NOT_UTF8;
}

/* ANSWER_DONE with out->row set: answered before. With row 0: a new request. */
static enum answer answered_before(struct chat *chat, const char *key, struct store_message *out)
{
    int64_t row;
    out->row = 0;
    if (key == NULL)
        return ANSWER_DONE;
    if (key[0] == '\0' || strlen(key) > STORE_REQUEST_KEY_MAX)
        return ANSWER_BAD_KEY;
    enum fault fault = store_request_get(chat->store, key, &row);
    if (fault == FAULT_GONE)
        return ANSWER_DONE;
    if (fault == FAULT_NONE)
        return chat_message_get(chat, row, out);
    return answer_of(fault);
}

static enum fault keep(struct chat *chat, instant now, struct store_message *message,
                       const char *request_key)
{
    struct store_owed owed = { .contact = message->contact,
                               .queued = now,
                               .expires = after(now, MESSAGE_KEPT_FOR) };
    enum fault fault = store_message_add(chat->store, message);
    owed.message = message->row;
    if (fault == FAULT_NONE)
        fault = store_outbox_add(chat->store, &owed);
    if (fault == FAULT_NONE && request_key != NULL)
        fault = store_request_put(chat->store, request_key, message->row, now);
    if (fault == FAULT_NONE)
        fault = chat_tell(chat, now, EVENT_MESSAGE_STATE, message->contact, message->row,
                          MESSAGE_WRITTEN);
    return fault;
}

enum answer chat_write(struct chat *chat, instant now, int64_t contact, struct bytes text,
                       const char *request_key, struct store_message *out)
{
    struct store_contact row;
    enum answer answer = answered_before(chat, request_key, out);
    if (answer != ANSWER_DONE || out->row != 0)
        return answer;
    answer = refuse_text(text);
    if (answer == ANSWER_DONE)
        answer = chat_contact_get(chat, contact, &row);
    if (answer != ANSWER_DONE)
        return answer;
    if (store_outbox_count(chat->store, 0) >= STORE_OUTBOX_MAX)
        return ANSWER_OUTBOX_FULL;
    *out = (struct store_message){
        .contact = contact,
        .ours = true,
        .read = true,
        .state = MESSAGE_WRITTEN,
        .written = now - now % MILLISECOND, /* what travels, so that both sides show the same */
        .arrived = now,
        .changed = now,
        .text = text,
    };
    place(chat, &row, out);
    enum fault fault = keep(chat, now, out, request_key);
    if (fault == FAULT_NONE)
        outbox_written(chat->outbox, contact);
    return answer_of(fault);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* A height is one more than the greatest of the parents'. Where a parent is not here (yet), it may
   claim more, within a bound: a liar only moves his own words down the page. */
static bool height_fits(struct chat *chat, int64_t contact, const struct frame *frame)
{
    uint8_t heads[STORE_PARENTS_MAX][MESSAGE_ID_BYTES];
    uint64_t greatest = 0, height, top;
    bool all_known = true;
    for (size_t i = 0; i < frame->parent_count; i++) {
        if (store_height(chat->store, contact, frame->parents[i], &height) != FAULT_NONE)
            all_known = false;
        else if (height > greatest)
            greatest = height;
    }
    if (all_known)
        return frame->height == greatest + 1;
    store_heads(chat->store, contact, heads, &top);
    return frame->height > greatest && frame->height <= top + MESSAGE_HEIGHT_JUMP;
}

static enum fault take_message(struct chat *chat, instant now, struct peer *peer,
                               const struct frame *frame)
{
    if (memcmp(frame->conversation, peer->conversation, sizeof peer->conversation) != 0)
        return FAULT_PEER;
    struct store_message message = {
        .contact = peer->contact,
        .state = MESSAGE_DELIVERED,
        .height = frame->height,
        .written = frame->written_ms * MILLISECOND,
        .arrived = now,
        .changed = now,
        .parent_count = frame->parent_count,
        .text = frame->text,
    };
    memcpy(message.parents, frame->parents, sizeof message.parents);
    message_id(message.id, peer->account, frame->message);
    uint64_t height;
    enum fault known = store_height(chat->store, peer->contact, message.id, &height);
    enum fault fault = known;
    if (known == FAULT_GONE) {
        if (!height_fits(chat, peer->contact, frame))
            return FAULT_PEER;
        fault = store_message_add(chat->store, &message);
        if (fault == FAULT_NONE)
            fault = chat_tell(chat, now, EVENT_MESSAGE_RECEIVED, peer->contact, message.row, 0);
    }
    if (fault == FAULT_DISK)
        return fault;
    /* A repeated message is acknowledged again: our first word may have been lost with a link. It
       leaves only after the settle that makes the message durable. */
    outbox_acknowledge(chat->outbox, peer, message.id);
    return FAULT_NONE;
}

static enum fault take_acks(struct chat *chat, instant now, struct peer *peer,
                            const struct frame *frame)
{
    struct store_message message;
    struct store_owed owed;
    for (size_t i = 0; i < frame->id_count; i++) {
        /* An id we do not know, or of another's conversation, or acknowledged already: nothing. */
        enum fault fault = store_message_by_id(chat->store, frame->ids[i], &message);
        if (fault == FAULT_NONE && message.ours && message.contact == peer->contact)
            fault = store_outbox_of(chat->store, message.row, &owed);
        else if (fault == FAULT_NONE)
            continue;
        if (fault == FAULT_NONE)
            fault = outbox_end(chat, now, &owed, MESSAGE_DELIVERED, FAILURE_NONE);
        if (fault == FAULT_DISK)
            return fault;
    }
    return FAULT_NONE;
}

static enum fault take_frame(struct chat *chat, instant now, const struct news *news)
{
    struct frame *frame = &chat->frame;
    struct peer *peer = outbox_peer(chat->outbox, news->device);
    if (peer == NULL)
        return FAULT_NONE;
    enum fault fault = frame_read(frame, news->data);
    if (fault == FAULT_NONE)
        fault = frame->kind == FRAME_MESSAGE ? take_message(chat, now, peer, frame)
                                             : take_acks(chat, now, peer, frame);
    if (fault == FAULT_PEER)
        log_line(chat->log, LOG_TRACE, "chat", "dropped a frame that breaks the protocol");
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

static enum fault come_up(struct chat *chat, const struct news *news)
{
    struct store_contact contact;
    uint8_t conversation[CONVERSATION_ID_BYTES];
    enum fault fault = store_contact_get(chat->store, news->contact, &contact);
    if (fault != FAULT_NONE)
        return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
    conversation_id(conversation, chat->account, contact.account);
    outbox_up(chat->outbox, news, contact.account, conversation);
    return FAULT_NONE;
}

enum fault chat_learn(struct chat *chat, instant now, const struct news *news)
{
    switch (news->kind) {
    case NEWS_UP:
        return come_up(chat, news);
    case NEWS_DOWN:
        outbox_down(chat->outbox, news->device);
        return FAULT_NONE;
    case NEWS_RECEIVED:
        return take_frame(chat, now, news);
    case NEWS_BUSY:
        outbox_busy(chat->outbox, news->device);
        return FAULT_NONE;
    case NEWS_WRITABLE:
        outbox_writable(chat->outbox, news->device);
        return FAULT_NONE;
    case NEWS_KNOWN:
        return FAULT_NONE;
    }
    return FAULT_NONE;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum answer message_found(enum fault fault)
{
    if (fault == FAULT_BUSY)
        return ANSWER_AMBIGUOUS_MESSAGE;
    return fault == FAULT_GONE ? ANSWER_NO_MESSAGE : answer_of(fault);
}

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
#define NAME_BITS        (MESSAGE_NAME_CHARS * 5)
#define NAME_LEAST_CHARS 4

void chat_message_name(char out[MESSAGE_NAME_CHARS + 1], const uint8_t id[MESSAGE_ID_BYTES])
{
    for (size_t i = 0; i < MESSAGE_NAME_CHARS; i++) {
        size_t bit = 5 * i;
        unsigned pair = (unsigned)id[bit / 8] << 8 | id[bit / 8 + 1];
        out[i] = base32[pair >> (11 - bit % 8) & 31];
    }
    out[MESSAGE_NAME_CHARS] = '\0';
}

static bool read_name(uint8_t bits[NAME_BITS / 8 + 1], size_t *count, const char *name)
{
    size_t size = strlen(name);
    memset(bits, 0, NAME_BITS / 8 + 1);
    if (size < NAME_LEAST_CHARS || size > MESSAGE_NAME_CHARS)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
        const char *digit = strchr(base32, c);
        if (digit == NULL)
            return false;
        unsigned value = (unsigned)(digit - base32) << (11 - 5 * i % 8);
        bits[5 * i / 8] |= (uint8_t)(value >> 8);
        bits[5 * i / 8 + 1] |= (uint8_t)value;
    }
    *count = 5 * size;
    return true;
}

enum answer chat_message_find(struct chat *chat, const char *name, struct store_message *out)
{
    uint8_t bits[NAME_BITS / 8 + 1];
    size_t count;
    if (!read_name(bits, &count, name))
        return ANSWER_NO_MESSAGE;
    return message_found(store_message_by_prefix(chat->store, bits, count, out));
}

enum answer chat_message_get(struct chat *chat, int64_t row, struct store_message *out)
{
    return message_found(store_message_get(chat->store, row, out));
}

enum answer chat_message_step(struct chat *chat, int64_t contact, const struct store_place_in *at,
                              bool backwards, bool unread, struct store_message *out)
{
    return message_found(store_message_step(chat->store, contact, at, backwards, unread, out));
}

enum answer chat_mark_read(struct chat *chat, instant now, int64_t contact,
                           const struct store_place_in *until)
{
    size_t changed = 0;
    enum fault fault = store_mark_read(chat->store, contact, until, &changed);
    if (fault == FAULT_NONE && changed > 0)
        fault = chat_tell(chat, now, EVENT_CONVERSATION_CHANGED, contact, 0, 0);
    return answer_of(fault);
}

enum answer chat_summary(struct chat *chat, int64_t contact, struct store_chat *out)
{
    enum fault fault = store_chat_get(chat->store, contact, out);
    return fault == FAULT_GONE ? ANSWER_NO_CONTACT : answer_of(fault);
}

/* --- events ----------------------------------------------------------------------------------- */

enum answer chat_event_after(struct chat *chat, uint64_t since, struct store_event *out)
{
    enum fault fault = store_event_next(chat->store, since, out);
    return fault == FAULT_GONE ? ANSWER_NO_EVENT : answer_of(fault);
}

void chat_event_range(struct chat *chat, uint64_t *oldest, uint64_t *newest)
{
    store_event_range(chat->store, oldest, newest);
}

static bool consumer_good(const char *name)
{
    return name[0] != '\0' && strlen(name) <= STORE_REQUEST_KEY_MAX;
}

enum answer chat_consumer_set(struct chat *chat, const char *name, uint64_t seq)
{
    if (!consumer_good(name))
        return ANSWER_BAD_KEY;
    enum fault fault = store_consumer_set(chat->store, name, seq);
    return fault == FAULT_BUSY ? ANSWER_CONSUMERS_FULL : answer_of(fault);
}

enum answer chat_consumer_get(struct chat *chat, const char *name, uint64_t *seq)
{
    if (!consumer_good(name))
        return ANSWER_BAD_KEY;
    enum fault fault = store_consumer_get(chat->store, name, seq);
    if (fault == FAULT_GONE)
        *seq = 0;
    return fault == FAULT_DISK ? ANSWER_DISK : ANSWER_DONE;
}
