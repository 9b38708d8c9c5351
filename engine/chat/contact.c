/* People, and who we are ourselves. */
#include "base/mem.h"
#include "base/text.h"
#include "engine/chat/outbox.h"
#include "engine/chat/own.h"

#include <string.h>

/* --- who we are ------------------------------------------------------------------------------- */

enum answer chat_identity_make(struct store *store, instant now, const char *name, struct rng *rng)
{
    struct store_self self = { .made = now };
    struct store_link_key key = { .from = (uint32_t)(now / DAY) };
    enum fault fault = store_self_get(store, &self);
    if (fault == FAULT_NONE) {
        wipe(&self, sizeof self);
        return ANSWER_HAS_IDENTITY;
    }
    if (fault == FAULT_DISK)
        return ANSWER_DISK;
    /* One's own name may be empty: it is for people who want to show one. */
    if (name[0] != '\0' && !chat_name_good(name))
        return ANSWER_BAD_NAME;
    self = (struct store_self){ .made = now };
    memcpy(self.name, name, strlen(name));
    rng_fill(rng, self.account_seed, sizeof self.account_seed);
    rng_fill(rng, self.device_seed, sizeof self.device_seed);
    rng_fill(rng, self.dh_secret, sizeof self.dh_secret);
    rng_fill(rng, key.secret, sizeof key.secret);
    rng_fill(rng, self.card_secret, sizeof self.card_secret);
    rng_fill(rng, self.node_secret, sizeof self.node_secret);
    fault = store_self_put(store, &self);
    if (fault == FAULT_NONE)
        fault = store_link_key_add(store, &key);
    wipe(&self, sizeof self);
    wipe(&key, sizeof key);
    return answer_of(fault);
}

enum fault chat_identity(struct store *store, struct store_self *out)
{
    return store_self_get(store, out);
}

void chat_card(struct card *out, const struct store_self *self)
{
    struct sign_pair pair;
    sign_pair_from_seed(&pair, self->account_seed);
    memcpy(out->account, pair.public, sizeof out->account);
    memcpy(out->secret, self->card_secret, sizeof out->secret);
    wipe(&pair, sizeof pair);
}

/* --- people ----------------------------------------------------------------------------------- */

enum answer contact_found(enum fault fault)
{
    return fault == FAULT_GONE ? ANSWER_NO_CONTACT : answer_of(fault);
}

static bool starts_like_a_card(const char *name)
{
    return strncasecmp(name, CARD_PREFIX "1", sizeof CARD_PREFIX) == 0 ||
           strncasecmp(name, CARD_LINK_SCHEME, sizeof CARD_LINK_SCHEME - 1) == 0;
}

bool chat_name_good(const char *name)
{
    struct bytes text = bytes_of_text(name);
    if (text.size == 0 || text.size > STORE_NAME_MAX_BYTES || !text_is_utf8(text) ||
        text_has_controls(text))
        return false;
    /* '#' begins a group and '-' an option; blanks at an end cannot be seen. */
    if (name[0] == '#' || name[0] == '-' || name[0] == ' ' || name[text.size - 1] == ' ')
        return false;
    return !starts_like_a_card(name);
}

enum answer chat_contact_add(struct chat *chat, instant now, const struct card *card,
                             const char *name, struct store_contact *out)
{
    struct store_contact contact = { .added = now };
    if (!chat_name_good(name))
        return ANSWER_BAD_NAME;
    if (memcmp(card->account, chat->account, sizeof chat->account) == 0)
        return ANSWER_OWN_CARD;
    if (store_contact_by_account(chat->store, card->account, out) == FAULT_NONE)
        return ANSWER_CONTACT_EXISTS;
    if (store_contact_by_name(chat->store, name, out) == FAULT_NONE)
        return ANSWER_NAME_TAKEN;
    memcpy(contact.name, name, strlen(name));
    memcpy(contact.account, card->account, sizeof contact.account);
    memcpy(contact.card_secret, card->secret, sizeof contact.card_secret);
    enum fault fault = store_contact_add(chat->store, &contact);
    if (fault == FAULT_BUSY)
        return ANSWER_CONTACTS_FULL;
    if (fault == FAULT_NONE)
        fault = chat_tell(chat, now, EVENT_CONTACT_CHANGED, contact.id, 0, 0);
    *out = contact;
    wipe(&contact, sizeof contact);
    return answer_of(fault);
}

/* The start of a name is never enough to send something to its owner; it is enough to ask back. */
static enum answer similar(struct chat *chat, const char *who)
{
    struct store_contact contact;
    size_t size = strlen(who);
    enum fault fault;
    int64_t at = 0;
    bool alike = false;
    while (!alike && (fault = store_contact_next(chat->store, at, &contact)) == FAULT_NONE) {
        alike = size > 0 && strncasecmp(contact.name, who, size) == 0;
        at = contact.id;
    }
    wipe(&contact, sizeof contact);
    return alike ? ANSWER_AMBIGUOUS_CONTACT : contact_found(fault);
}

enum answer chat_contact_find(struct chat *chat, const char *who, struct store_contact *out)
{
    struct card card;
    if (starts_like_a_card(who)) {
        if (card_read(&card, who) != FAULT_NONE)
            return ANSWER_BAD_CARD;
        return contact_found(store_contact_by_account(chat->store, card.account, out));
    }
    enum fault fault = store_contact_by_name(chat->store, who, out);
    return fault == FAULT_GONE ? similar(chat, who) : answer_of(fault);
}

enum answer chat_contact_get(struct chat *chat, int64_t contact, struct store_contact *out)
{
    return contact_found(store_contact_get(chat->store, contact, out));
}

enum answer chat_contact_next(struct chat *chat, int64_t after, struct store_contact *out)
{
    return contact_found(store_contact_next(chat->store, after, out));
}

size_t chat_contact_count(struct chat *chat)
{
    return store_contact_count(chat->store);
}

enum answer chat_contact_rename(struct chat *chat, instant now, int64_t contact, const char *name)
{
    struct store_contact row, other;
    enum answer answer = chat_contact_get(chat, contact, &row);
    if (answer != ANSWER_DONE)
        return answer;
    if (!chat_name_good(name))
        return ANSWER_BAD_NAME;
    if (store_contact_by_name(chat->store, name, &other) == FAULT_NONE && other.id != contact)
        return ANSWER_NAME_TAKEN;
    memset(row.name, 0, sizeof row.name);
    memcpy(row.name, name, strlen(name));
    enum fault fault = store_contact_update(chat->store, &row);
    if (fault == FAULT_NONE)
        fault = chat_tell(chat, now, EVENT_CONTACT_CHANGED, contact, 0, 0);
    wipe(&row, sizeof row);
    wipe(&other, sizeof other);
    return answer_of(fault);
}

enum answer chat_number(struct chat *chat, int64_t contact, char out[SAFETY_DIGITS + 1])
{
    struct store_contact row;
    enum answer answer = chat_contact_get(chat, contact, &row);
    if (answer == ANSWER_DONE)
        safety_number(out, chat->account, row.account);
    wipe(&row, sizeof row);
    return answer;
}

enum answer chat_judge(struct chat *chat, instant now, int64_t contact, bool matches)
{
    struct store_contact row;
    enum answer answer = chat_contact_get(chat, contact, &row);
    if (answer != ANSWER_DONE)
        return answer;
    row.trust = matches ? TRUST_VERIFIED : TRUST_STOPPED;
    row.forked = row.forked && !matches;
    row.judged = now;
    enum fault fault = store_contact_update(chat->store, &row);
    wipe(&row, sizeof row);
    if (fault == FAULT_NONE)
        fault = chat_tell(chat, now, EVENT_CONTACT_CHANGED, contact, 0, 0);
    outbox_written(chat->outbox, contact); /* what waited may be sealed now */
    return answer_of(fault);
}

enum answer chat_contact_remove(struct chat *chat, instant now, int64_t contact)
{
    enum fault fault = store_contact_remove(chat->store, contact);
    sessions_forget(chat, contact);
    outbox_removed(chat->outbox, contact);
    if (fault == FAULT_NONE)
        fault = chat_tell(chat, now, EVENT_CONTACT_REMOVED, contact, 0, 0);
    return contact_found(fault);
}
