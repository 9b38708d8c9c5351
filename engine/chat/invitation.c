/* Invitations: what we gave and took, and the contacts that come of them. */
#include "engine/chat/room.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static enum answer found(enum fault fault)
{
    return fault == FAULT_GONE ? ANSWER_NO_INVITATION : answer_of(fault);
}

static bool may_be_name(const char *name)
{
    return name[0] == '\0' || chat_name_good(name);
}

static enum fault tell(struct chat *chat, instant now, const struct store_invitation *row)
{
    return chat_tell(chat, now, EVENT_INVITATION_CHANGED, row->contact, 0, row->row);
}

static enum answer add(struct chat *chat, instant now, struct store_invitation *row)
{
    enum fault fault = store_invitation_add(chat->store, row);
    if (fault == FAULT_BUSY)
        return ANSWER_INVITATIONS_FULL;
    if (fault == FAULT_NONE)
        fault = tell(chat, now, row);
    return answer_of(fault);
}

enum answer chat_invite(struct chat *chat, instant now, const char *name, const char *introduced,
                        instant ends, struct store_invitation *out)
{
    struct store_contact taken;
    if (!may_be_name(name) || !may_be_name(introduced))
        return ANSWER_BAD_NAME;
    enum fault fault = store_contact_by_name(chat->store, name, &taken);
    wipe(&taken, sizeof taken);
    if (fault != FAULT_GONE)
        return fault == FAULT_NONE ? ANSWER_NAME_TAKEN : ANSWER_DISK;
    *out = (struct store_invitation){ .ours = true,
                                      .state = INVITATION_OPEN,
                                      .has_secret = true,
                                      .made = now,
                                      .ends = ends,
                                      .changed = now };
    rng_fill(chat->rng, out->secret, sizeof out->secret);
    memcpy(out->host, chat->account, sizeof out->host);
    memcpy(out->name, name, strlen(name));
    memcpy(out->introduced, introduced, strlen(introduced));
    return add(chat, now, out);
}

/* The name, or with a number behind it if somebody has it. */
static enum answer add_under_free_name(struct chat *chat, instant now, const uint8_t account[32],
                                       const char *wished, struct store_contact *out)
{
    struct card card = { .secret = { 0 } }; /* none: there is no door to call at */
    char name[STORE_NAME_MAX_BYTES + 1];
    memcpy(card.account, account, sizeof card.account);
    enum answer answer = chat_contact_add(chat, now, &card, wished, out);
    for (unsigned i = 2; answer == ANSWER_NAME_TAKEN && i <= STORE_CONTACTS_MAX + 1; i++) {
        int size = snprintf(name, sizeof name, "%s %u", wished, i);
        if (size < 0 || (size_t)size >= sizeof name)
            return add_under_free_name(chat, now, account, "guest", out);
        answer = chat_contact_add(chat, now, &card, name, out);
    }
    return answer;
}

static const char *best_name(const struct store_invitation *row, const char *offered)
{
    if (row->name[0] != '\0')
        return row->name;
    if (chat_name_good(offered))
        return offered;
    return row->ours ? "guest" : "host";
}

enum answer chat_join(struct chat *chat, instant now, const struct card *invitation,
                      const char *name, const char *introduced, struct store_invitation *out)
{
    struct store_contact contact;
    if (!may_be_name(name) || !may_be_name(introduced))
        return ANSWER_BAD_NAME;
    *out = (struct store_invitation){ .state = INVITATION_OPEN,
                                      .has_secret = true,
                                      .made = now,
                                      .ends = after(now, CHAT_GUEST_WAITS),
                                      .changed = now };
    memcpy(out->secret, invitation->secret, sizeof out->secret);
    memcpy(out->host, invitation->account, sizeof out->host);
    memcpy(out->name, name, strlen(name));
    memcpy(out->introduced, introduced, strlen(introduced));
    /* A name that was typed is taken as it is, or refused. */
    struct card card = { .secret = { 0 } };
    memcpy(card.account, invitation->account, sizeof card.account);
    enum answer answer = name[0] != '\0' ? chat_contact_add(chat, now, &card, name, &contact)
                                         : add_under_free_name(chat, now, card.account,
                                                               best_name(out, ""), &contact);
    if (answer == ANSWER_DONE) {
        out->contact = contact.id;
        answer = add(chat, now, out);
        if (answer == ANSWER_INVITATIONS_FULL &&
            chat_contact_remove(chat, now, contact.id) != ANSWER_DONE)
            answer = ANSWER_DISK;
    }
    wipe(&contact, sizeof contact);
    return answer;
}

enum answer chat_guest(struct chat *chat, instant now, struct store_invitation *row,
                       const uint8_t account[32], const char *offered)
{
    struct store_contact contact;
    enum answer answer = add_under_free_name(chat, now, account, best_name(row, offered), &contact);
    if (answer == ANSWER_DONE || answer == ANSWER_CONTACT_EXISTS) {
        row->contact = contact.id;
        row->state = INVITATION_TAKEN;
        answer = chat_invitation_change(chat, now, row);
    }
    wipe(&contact, sizeof contact);
    return answer;
}

enum answer chat_invitation_change(struct chat *chat, instant now, struct store_invitation *row)
{
    row->changed = now;
    if (!row->has_secret)
        wipe(row->secret, sizeof row->secret);
    enum fault fault = store_invitation_update(chat->store, row);
    if (fault == FAULT_NONE)
        fault = tell(chat, now, row);
    return found(fault);
}

enum answer chat_invitation_get(struct chat *chat, int64_t row, struct store_invitation *out)
{
    return found(store_invitation_get(chat->store, row, out));
}

enum answer chat_invitation_of(struct chat *chat, int64_t contact, struct store_invitation *out)
{
    return found(store_invitation_of(chat->store, contact, out));
}

enum answer chat_invitation_next(struct chat *chat, int64_t after, struct store_invitation *out)
{
    return found(store_invitation_next(chat->store, after, out));
}
