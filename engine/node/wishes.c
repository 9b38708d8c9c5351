/* Wishes of rooms to links, and what links tell back to rooms: one table each way. No opinion about
   messages is held here. */
#include "engine/node/inside.h"

#include "base/mem.h"

#include <string.h>

/* --- calls: which link is for whom ------------------------------------------------------------ */

static struct bytes key_of(const void *number)
{
    return (struct bytes){ number, sizeof(uint64_t) };
}

static struct call *call_of(const struct node *node, link_id link)
{
    return map_get(node->calls, key_of(&link));
}

static struct call *call_to(const struct node *node, int64_t device)
{
    return map_get(node->current, key_of(&device));
}

static struct call *call_create(struct node *node, link_id link)
{
    struct call *call = mem_zeroed(1, sizeof *call);
    call->link = link;
    if (!map_put(node->calls, key_of(&link), call)) {
        mem_free(call);
        return NULL;
    }
    return call;
}

static void call_destroy(struct node *node, struct call *call)
{
    if (call->up && call_to(node, call->device) == call)
        map_remove(node->current, key_of(&call->device));
    map_remove(node->calls, key_of(&call->link));
    mem_free(call);
}

void calls_clear(struct node *node)
{
    for (size_t at = 0;; at = 0) {
        struct call *call = map_each(node->calls, &at);
        if (call == NULL)
            return;
        call_destroy(node, call);
    }
}

/* --- from rooms to links ---------------------------------------------------------------------- */

static void tell_down(struct node *node, instant now, const struct wish *wish, const char *reason)
{
    struct news news = { .id = wish->id,
                         .kind = NEWS_DOWN,
                         .contact = wish->contact,
                         .device = wish->device,
                         .door = wish->door,
                         .reason = reason };
    node_note(node, meet_learn(node->meet, now, &news));
}

static bool describe_dial(struct node *node, const struct wish *wish, struct link_dial *dial)
{
    struct store_contact contact;
    struct store_device device;
    memcpy(dial->at, wish->at, wish->at_count * sizeof dial->at[0]);
    dial->at_count = wish->at_count;
    if (wish->door) {
        struct card card;
        struct dh_pair door;
        if (chat_contact_get(node->chat, wish->contact, &contact) != ANSWER_DONE)
            return false;
        memcpy(card.account, contact.account, sizeof card.account);
        memcpy(card.secret, contact.card_secret, sizeof card.secret);
        card_door(&door, &card);
        dial->role = LINK_ROLE_DOOR;
        memcpy(dial->theirs, door.public, sizeof dial->theirs);
        memcpy(dial->account, contact.account, sizeof dial->account);
        wipe(&door, sizeof door);
        wipe(&card, sizeof card);
        wipe(&contact, sizeof contact);
        return true;
    }
    if (chat_device_get(node->chat, wish->device, &device) != ANSWER_DONE)
        return false;
    dial->role = LINK_ROLE_CONTACT;
    memcpy(dial->theirs, device.link, sizeof dial->theirs);
    memcpy(dial->device, device.device, sizeof dial->device);
    certificate_hash(dial->certificate_hash,
                     (struct bytes){ device.certificate, device.certificate_size });
    return true;
}

static void carry_dial(struct node *node, instant now, const struct wish *wish)
{
    struct link_dial dial = { 0 };
    link_id link = 0;
    if (!describe_dial(node, wish, &dial) ||
        links_dial(node->links, now, &dial, &link) != FAULT_NONE) {
        tell_down(node, now, wish, "busy");
        return;
    }
    struct call *call = call_create(node, link);
    if (call == NULL) {
        links_close(node->links, now, link);
        tell_down(node, now, wish, "busy");
        return;
    }
    call->contact = wish->contact;
    call->device = wish->device;
    call->door = wish->door;
}

static void carry_hang_up(struct node *node, instant now, const struct wish *wish)
{
    size_t at = 0;
    errands_unwatch(node, wish->id);
    for (struct call *call; (call = map_each(node->calls, &at)) != NULL;)
        if (call->contact == wish->contact)
            links_close(node->links, now, call->link);
}

static void carry_send(struct node *node, instant now, const struct wish *wish)
{
    struct call *call = call_to(node, wish->device);
    if (call != NULL && links_send(node->links, now, call->link, wish->data) == FAULT_NONE)
        return;
    struct news news = {
        .id = wish->id, .kind = NEWS_BUSY, .contact = wish->contact, .device = wish->device
    };
    node_note(node, chat_learn(node->chat, now, &news));
}

static void carry_psks(struct node *node, const struct wish *wish)
{
    struct store_device device;
    if (chat_device_get(node->chat, wish->device, &device) == ANSWER_DONE)
        node_share_psks(node, &device);
}

static void carry_admit(struct node *node, const struct wish *wish)
{
    struct store_contact contact;
    struct store_device device;
    if (chat_contact_get(node->chat, wish->contact, &contact) == ANSWER_DONE)
        links_admit_account(node->links, contact.account, contact.newest_stamp);
    if (wish->device != 0 && chat_device_get(node->chat, wish->device, &device) == ANSWER_DONE)
        links_admit_device(node->links, device.device, device.newest_stamp);
    wipe(&contact, sizeof contact);
}

static void carry(struct node *node, instant now, const struct wish *wish)
{
    switch (wish->kind) {
    case WISH_DIAL:
        carry_dial(node, now, wish);
        return;
    case WISH_HANG_UP:
        carry_hang_up(node, now, wish);
        return;
    case WISH_SEND:
        carry_send(node, now, wish);
        return;
    case WISH_KEYS:
        node_hold_keys(node, now);
        return;
    case WISH_PSKS:
        carry_psks(node, wish);
        return;
    case WISH_ADMIT:
        carry_admit(node, wish);
        return;
    case WISH_UNWATCH:
        errands_unwatch(node, wish->id);
        return;
    case WISH_PUT:
    case WISH_GET:
        errands_carry(node, now, wish);
        return;
    }
}

void wishes_carry(struct node *node, instant now)
{
    struct wish wish;
    while (node->trouble == STORE_FINE &&
           (meet_next_wish(node->meet, now, &wish) || chat_next_wish(node->chat, now, &wish)))
        carry(node, now, &wish);
}

/* --- from links to rooms ---------------------------------------------------------------------- */

static const char *const reasons[] = {
    [LINK_CLOSED_HERE] = "closed here",
    [LINK_CLOSED_THERE] = "closed by the other side",
    [LINK_NO_ANSWER] = "no answer",
    [LINK_LOST] = "lost",
    [LINK_BROKEN] = "broke the protocol",
    [LINK_REPLACED] = "another way was first",
    [LINK_REFUSED] = "somebody else answered",
};

static void tell_meet(struct node *node, instant now, const struct news *news)
{
    node_note(node, meet_learn(node->meet, now, news));
}

static void tell_chat(struct node *node, instant now, const struct news *news)
{
    node_note(node, chat_learn(node->chat, now, news));
}

/* Who is it? False: nobody of ours, or the store failed. */
static bool recognise(struct node *node, instant now, const struct link_event *event,
                      uint64_t stamp, struct store_device *out)
{
    bool fresh;
    /* A stamp of ours counts as a time: then, after a restart with a clock set back, the next one
       is greater all the same. */
    instant seen = later(now, event->own_stamp);
    enum fault fault = chat_device_seen(node->chat, seen, &event->certificate,
                                        event->certificate_wire, stamp, out, &fresh);
    node_note(node, fault);
    return fault == FAULT_NONE;
}

static void link_up(struct node *node, instant now, const struct link_event *event)
{
    struct store_device device;
    struct call *call = call_of(node, event->link);
    if (call == NULL)
        call = call_create(node, event->link);
    if (call == NULL || !recognise(node, now, event, event->stamp, &device)) {
        links_close(node->links, now, event->link);
        return;
    }
    call->contact = device.contact;
    call->device = device.id;
    call->up = true;
    map_remove(node->current, key_of(&device.id)); /* the newest link of a device is the one used */
    map_put(node->current, key_of(&device.id), call);
    struct news news = { .kind = NEWS_UP,
                         .contact = device.contact,
                         .device = device.id,
                         .address = event->address,
                         .we_called = event->we_called,
                         .trusted = event->trusted };
    tell_chat(node, now, &news);
    tell_meet(node, now, &news);
}

static void link_down(struct node *node, instant now, const struct link_event *event)
{
    struct call *call = call_of(node, event->link);
    if (call == NULL)
        return;
    struct news news = { .kind = NEWS_DOWN,
                         .contact = call->contact,
                         .device = call->device,
                         .door = call->door,
                         .was_up = call->up,
                         .reason = reasons[event->reason] };
    bool replaced = call->up && call_to(node, call->device) != call;
    bool answered = call->answered;
    call_destroy(node, call);
    if (replaced || answered)
        return;
    if (news.was_up)
        tell_chat(node, now, &news);
    tell_meet(node, now, &news);
}

static void link_frame(struct node *node, instant now, const struct link_event *event)
{
    struct call *call = call_of(node, event->link);
    if (call == NULL || !call->up)
        return;
    struct news news = {
        .kind = NEWS_RECEIVED, .contact = call->contact, .device = call->device, .data = event->data
    };
    tell_chat(node, now, &news);
}

static void link_writable(struct node *node, instant now, const struct link_event *event)
{
    struct call *call = call_of(node, event->link);
    if (call == NULL || !call->up)
        return;
    struct news news = { .kind = NEWS_WRITABLE, .contact = call->contact, .device = call->device };
    tell_chat(node, now, &news);
}

static void link_moved(struct node *node, instant now, const struct link_event *event)
{
    struct call *call = call_of(node, event->link);
    if (call == NULL || !call->up || call_to(node, call->device) != call)
        return;
    struct news news = { .kind = NEWS_UP,
                         .contact = call->contact,
                         .device = call->device,
                         .address = event->address,
                         .we_called = true };
    tell_meet(node, now, &news);
}

/* A door opened, ours or theirs: from now on the device may come and be called. */
static void link_known(struct node *node, instant now, const struct link_event *event)
{
    struct store_device device;
    struct call *call = call_of(node, event->link);
    if (!recognise(node, now, event, 0, &device))
        return; /* then the end of our call is news, or we would wait for ever */
    if (call != NULL)
        call->answered = true;
    if (event->kind == LINK_VISITOR)
        node_note(node, chat_visit_seen(node->chat, event->certificate.account, event->stamp));
    else
        node_note(node, chat_record_seen(node->chat, now, &device, event->data));
    links_admit_device(node->links, device.device, device.newest_stamp);
    struct news news = { .kind = NEWS_KNOWN,
                         .contact = device.contact,
                         .device = device.id,
                         .address = event->address };
    tell_meet(node, now, &news);
}

static void digest(struct node *node, instant now, const struct link_event *event)
{
    switch (event->kind) {
    case LINK_UP:
        link_up(node, now, event);
        return;
    case LINK_DOWN:
        link_down(node, now, event);
        return;
    case LINK_FRAME:
        link_frame(node, now, event);
        return;
    case LINK_WRITABLE:
        link_writable(node, now, event);
        return;
    case LINK_MOVED:
        link_moved(node, now, event);
        return;
    case LINK_RECORD:
    case LINK_VISITOR:
        link_known(node, now, event);
        return;
    case LINK_RAW:
    case LINK_THROWN:
        return; /* no room of this release speaks them */
    }
}

void wishes_digest(struct node *node, instant now)
{
    struct link_event event;
    while (node->trouble == STORE_FINE && links_next_event(node->links, &event))
        digest(node, now, &event);
}
