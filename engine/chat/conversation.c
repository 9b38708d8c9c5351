/* Messages, their order and their states. */
#include "base/mem.h"
#include "base/text.h"
#include "engine/chat/own.h"
#include "engine/chat/receive.h"

#include <stdlib.h>
#include <string.h>

enum answer answer_of(enum fault fault)
{
    return fault == FAULT_NONE ? ANSWER_DONE : ANSWER_DISK;
}

struct chat *chat_create(struct store *store, struct rng *rng, struct log *log)
{
    struct chat *chat = mem_zeroed(1, sizeof *chat);
    struct store_self self;
    struct store_contact contact;
    struct card card = { 0 };
    if (chat_identity(store, &self) == FAULT_NONE)
        chat_card(&card, &self);
    memcpy(chat->account, card.account, sizeof chat->account);
    wipe(&self, sizeof self);
    wipe(&card, sizeof card);
    chat->store = store;
    chat->rng = rng;
    chat->log = log;
    list_init(&chat->sessions);
    chat->own = own_create();
    chat->outbox = outbox_create();
    for (int64_t at = 0; store_contact_next(store, at, &contact) == FAULT_NONE; at = contact.id)
        outbox_written(chat->outbox, contact.id);
    wipe(&contact, sizeof contact);
    return chat;
}

void chat_destroy(struct chat *chat)
{
    if (chat == NULL)
        return;
    sessions_destroy(chat);
    outbox_destroy(chat->outbox);
    own_destroy(chat->own);
    wipe(chat, sizeof *chat); /* it held the last text */
    mem_free(chat);
}

enum fault chat_settle(struct chat *chat)
{
    return sessions_keep(chat);
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
static void place(struct chat *chat, const struct store_contact *contact, struct store_message *row)
{
    struct message message = { .written_ms = row->written / MILLISECOND, .text = row->text };
    struct cursor out = cursor_into(chat->content, sizeof chat->content);
    uint64_t height;
    row->parent_count = store_heads(chat->store, contact->id, row->parents, &height);
    row->height = message.height = height + 1;
    qsort(row->parents, row->parent_count, MESSAGE_ID_BYTES, by_id);
    conversation_id(message.conversation, chat->account, contact->account);
    message.parent_count = row->parent_count;
    memcpy(message.parents, row->parents, sizeof message.parents);
    message_write(&message, &out);
    message_id(row->id, chat->account, cursor_written(&out));
    wipe(chat->content, out.at);
}

static enum answer refuse_text(struct bytes text)
{
    if (text.size == 0)
        return ANSWER_TEXT_EMPTY;
    if (text.size > CHAT_TEXT_MAX_BYTES)
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
    if (row.trust == TRUST_STOPPED) {
        wipe(&row, sizeof row);
        return ANSWER_STOPPED;
    }
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
    wipe(&row, sizeof row);
    enum fault fault = keep(chat, now, out, request_key);
    if (fault == FAULT_NONE)
        outbox_written(chat->outbox, contact);
    return answer_of(fault);
}

/* --- news ------------------------------------------------------------------------------------- */

static enum fault come_up(struct chat *chat, instant now, const struct news *news)
{
    struct store_contact contact;
    uint8_t conversation[CONVERSATION_ID_BYTES];
    enum fault fault = store_contact_get(chat->store, news->contact, &contact);
    if (fault != FAULT_NONE)
        return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
    conversation_id(conversation, chat->account, contact.account);
    fault = outbox_up(chat, now, news, contact.account, conversation);
    wipe(&contact, sizeof contact);
    return fault;
}

static enum fault take_frame(struct chat *chat, instant now, const struct news *news)
{
    struct peer *peer = outbox_peer(chat->outbox, news->device);
    return peer == NULL ? FAULT_NONE : receive_frame(chat, now, peer, news->data);
}

enum fault chat_learn(struct chat *chat, instant now, const struct news *news)
{
    switch (news->kind) {
    case NEWS_UP:
        return come_up(chat, now, news);
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
    case NEWS_ITEM: /* meet's */
    case NEWS_GOT:
    case NEWS_STORED:
        return FAULT_NONE;
    }
    return FAULT_NONE;
}

/* --- wishes and time -------------------------------------------------------------------------- */

bool chat_next_wish(struct chat *chat, instant now, struct wish *out)
{
    if (chat->keys_changed) {
        chat->keys_changed = false;
        *out = (struct wish){ .kind = WISH_KEYS };
        return true;
    }
    LIST_EACH (link, &chat->sessions) {
        struct sessions *sessions = LIST_ITEM(link, struct sessions, link);
        if (!sessions->psks_changed)
            continue;
        sessions->psks_changed = false;
        *out = (struct wish){ .kind = WISH_PSKS,
                              .contact = sessions->contact,
                              .device = sessions->device };
        return true;
    }
    return outbox_next_wish(chat, now, out);
}

/* Expiry is looked for rarely: a month is not exact to the second. */
static enum fault expire(struct chat *chat, instant now)
{
    struct store_owed owed;
    enum fault fault;
    while ((fault = store_outbox_first_to_expire(chat->store, &owed)) == FAULT_NONE &&
           owed.expires <= now) {
        if (owed.envelope == 0) {
            fault = outbox_end(chat, now, &owed, MESSAGE_FAILED, FAILURE_EXPIRED);
        } else {
            fault = store_outbox_bury(chat->store, owed.message, FAILURE_EXPIRED, now);
            if (fault == FAULT_NONE)
                fault = chat_tell(chat, now, EVENT_MESSAGE_STATE, owed.contact, owed.message,
                                  MESSAGE_FAILED);
        }
        if (fault == FAULT_DISK)
            break;
    }
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

enum fault chat_advance(struct chat *chat, instant now)
{
    enum fault fault = FAULT_NONE;
    bool changed = chat->own->renew_at == 0; /* links have asked for nothing yet */
    if (chat->own->renew_at <= now)
        fault = own_renew(chat, now, &changed);
    if (changed && fault == FAULT_NONE) {
        chat->keys_changed = true;
        outbox_records_due(chat->outbox);
    }
    if (fault == FAULT_NONE)
        fault = expire(chat, now);
    return fault == FAULT_NONE ? outbox_advance(chat, now) : fault;
}

instant chat_deadline(struct chat *chat)
{
    struct store_owed owed;
    instant due = earlier(chat->own->renew_at, outbox_deadline(chat->outbox));
    if (store_outbox_first_to_expire(chat->store, &owed) == FAULT_NONE)
        due = earlier(due, owed.expires);
    return due;
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
