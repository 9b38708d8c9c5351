/* Whom to call, and when. */
#include "engine/meet/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* Rows are where we are, columns where we may go. */
static const bool may_become[REACH_STATES][REACH_STATES] = {
    [REACH_AWAY] = { [REACH_DIALLING] = true, [REACH_UP] = true },
    [REACH_DIALLING] = { [REACH_AWAY] = true, [REACH_UP] = true },
    [REACH_UP] = { [REACH_AWAY] = true, [REACH_UP] = true },
};

/* --- small moves ------------------------------------------------------------------------------ */

static void become(struct meet *meet, struct reach *reach, enum reach_state next)
{
    assert(may_become[reach->state][next]);
    if (reach->state == REACH_DIALLING)
        meet->earliest = 0; /* a place is free for whoever waits for one */
    meet->up += (next == REACH_UP) - (reach->state == REACH_UP);
    meet->dialling += (next == REACH_DIALLING) - (reach->state == REACH_DIALLING);
    reach->state = next;
}

static struct bytes key_of(const int64_t *contact)
{
    return (struct bytes){ (const uint8_t *)contact, sizeof *contact };
}

struct reach *reach_find(const struct meet *meet, int64_t contact)
{
    return map_get(meet->by_contact, key_of(&contact));
}

static void try_at(struct meet *meet, struct reach *reach, instant when)
{
    reach->next_try = when;
    meet->earliest = earlier(meet->earliest, when);
}

/* A quarter more or less, so that two who lost each other do not call in step for ever. */
static duration about(struct meet *meet, duration pause)
{
    return pause - pause / 4 + rng_below(meet->rng, pause / 2 + 1);
}

static void try_later(struct meet *meet, struct reach *reach, instant now)
{
    duration most =
        chat_owed_count(meet->chat, reach->contact) > 0 ? MEET_OWED_PAUSE : MEET_LONG_PAUSE;
    reach->pause = reach->pause == 0 ? MEET_FIRST_PAUSE : 2 * reach->pause;
    if (reach->pause > most)
        reach->pause = most;
    try_at(meet, reach, after(now, about(meet, reach->pause)));
}

void reach_try_now(struct meet *meet, struct reach *reach, instant now)
{
    reach->pause = 0;
    if (reach->state == REACH_AWAY)
        try_at(meet, reach, now);
}

/* --- what `why` tells ---------------------------------------------------------------------------
 */

static void remember(struct reach *reach, const struct meet_attempt *attempt)
{
    if (reach->attempt_count == MEET_ATTEMPTS) {
        memmove(reach->attempts, reach->attempts + 1,
                (MEET_ATTEMPTS - 1) * sizeof reach->attempts[0]);
        reach->attempt_count--;
    }
    reach->attempts[reach->attempt_count++] = *attempt;
}

/* Ends every attempt still going on; the one at `address` (NULL: none) connected. */
static void conclude(struct reach *reach, instant now, const struct address *address,
                     const char *outcome)
{
    for (size_t i = 0; i < reach->attempt_count; i++) {
        struct meet_attempt *attempt = &reach->attempts[i];
        if (attempt->ended != 0)
            continue;
        attempt->ended = now;
        if (address == NULL)
            attempt->outcome = outcome;
        else
            attempt->outcome =
                address_equal(&attempt->address, address) ? outcome : "another way was first";
    }
}

/* --- contacts --------------------------------------------------------------------------------- */

struct reach *reach_create(struct meet *meet, instant now, int64_t contact)
{
    struct reach *reach = mem_zeroed(1, sizeof *reach);
    struct store_device device;
    struct store_contact row;
    static const uint8_t none[sizeof row.card_secret];
    reach->contact = contact;
    reach->next_try = NEVER;
    if (store_contact_get(meet->store, contact, &row) == FAULT_NONE)
        reach->has_door = memcmp(row.card_secret, none, sizeof none) != 0;
    wipe(&row, sizeof row);
    if (store_device_next(meet->store, contact, 0, &device) == FAULT_NONE)
        reach->device = device.id;
    list_append(&meet->all, &reach->link);
    bool kept = map_put(meet->by_contact, key_of(&contact), reach);
    assert(kept);
    places_begin(meet, reach, now);
    return reach;
}

static void reach_destroy(struct meet *meet, struct reach *reach)
{
    if (reach->state != REACH_AWAY)
        become(meet, reach, REACH_AWAY);
    places_end(meet, reach);
    map_remove(meet->by_contact, key_of(&reach->contact));
    list_remove(&reach->link);
    mem_free(reach);
}

void reach_leave(struct meet *meet, struct reach *reach, instant now)
{
    reach->leaving = true;
    try_at(meet, reach, now);
}

struct meet *meet_create(struct store *store, struct chat *chat, instant now, struct rng *rng)
{
    struct meet *meet = mem_zeroed(1, sizeof *meet);
    struct store_contact contact;
    int64_t at = 0;
    list_init(&meet->all);
    meet->store = store;
    meet->chat = chat;
    meet->rng = rng;
    chat_account(chat, meet->account);
    /* A removed contact stays until his link is down, so there may be a few more than the maximum.
     */
    meet->by_contact = map_create(2 * STORE_CONTACTS_MAX, rng_u64(rng));
    meet->earliest = NEVER;
    while (store_contact_next(store, at, &contact) == FAULT_NONE) {
        struct reach *reach = reach_create(meet, now, contact.id);
        reach->last_up = contact.last_seen;
        reach_try_now(meet, reach, now);
        at = contact.id;
    }
    wipe(&contact, sizeof contact);
    invitations_begin(meet, now);
    return meet;
}

void meet_destroy(struct meet *meet)
{
    if (meet == NULL)
        return;
    LIST_EACH (link, &meet->all)
        reach_destroy(meet, LIST_ITEM(link, struct reach, link));
    map_destroy(meet->by_contact);
    spoken_end(meet);
    mem_free(meet);
}

enum answer meet_contact_add(struct meet *meet, instant now, int64_t contact,
                             const struct address *at, size_t at_count)
{
    for (size_t i = 0; i < at_count; i++) {
        struct store_address address = { .address = at[i], .fixed = true };
        enum fault fault = store_address_put(meet->store, contact, &address);
        if (fault == FAULT_BUSY)
            return ANSWER_ADDRESSES_FULL;
        if (fault != FAULT_NONE)
            return ANSWER_DISK;
    }
    struct reach *reach = reach_find(meet, contact);
    reach_try_now(meet, reach != NULL ? reach : reach_create(meet, now, contact), now);
    return ANSWER_DONE;
}

void meet_contact_remove(struct meet *meet, instant now, int64_t contact)
{
    struct reach *reach = reach_find(meet, contact);
    if (reach != NULL)
        reach_leave(meet, reach, now);
}

void meet_nudge(struct meet *meet, instant now, int64_t contact)
{
    struct reach *reach = reach_find(meet, contact);
    if (reach == NULL || reach->state != REACH_AWAY)
        return;
    places_seek(meet, reach, now);
    /* One dial a second is soon enough, also for somebody who writes a thousand messages. */
    instant soon = after(now, MEET_FIRST_PAUSE);
    for (size_t i = 0; i < reach->attempt_count; i++)
        soon = later(soon, after(reach->attempts[i].ended, MEET_FIRST_PAUSE));
    if (reach->pause <= MEET_FIRST_PAUSE || reach->attempt_count == 0)
        soon = now;
    if (reach->next_try != NEVER && reach->next_try > soon)
        try_at(meet, reach, soon);
}

void meet_moved(struct meet *meet, instant now)
{
    LIST_EACH (link, &meet->all) {
        reach_try_now(meet, LIST_ITEM(link, struct reach, link), now);
        places_moved(meet, LIST_ITEM(link, struct reach, link), now);
    }
}

/* --- wishes ----------------------------------------------------------------------------------- */

static bool wish_dial(struct meet *meet, instant now, struct reach *reach, struct wish *out)
{
    struct store_address known[STORE_ADDRESSES_MAX];
    size_t count = store_addresses(meet->store, reach->contact, known);
    reach->next_try = NEVER;
    if (count == 0 || (reach->device == 0 && !reach->has_door))
        return false;
    /* A door that did not open is tried again as a link, and the other way round: the other side
       may have forgotten our device, or renewed its key, or not know us yet. */
    reach->door = reach->device == 0 || (reach->has_door && reach->pause > 0 && !reach->door);
    *out = (struct wish){ .id = (uint64_t)reach->contact,
                          .kind = WISH_DIAL,
                          .contact = reach->contact,
                          .device = reach->device,
                          .door = reach->door,
                          .at_count = count };
    for (size_t i = 0; i < count; i++) {
        out->at[i] = known[i].address;
        remember(reach, &(struct meet_attempt){
                            .address = known[i].address, .door = reach->door, .started = now });
    }
    become(meet, reach, REACH_DIALLING);
    return true;
}

static bool wish_leave(struct meet *meet, struct reach *reach, struct wish *out)
{
    *out = (struct wish){ .id = (uint64_t)reach->contact,
                          .kind = WISH_HANG_UP,
                          .contact = reach->contact,
                          .device = reach->device };
    bool known = reach->state != REACH_AWAY || reach->places.watching;
    reach_destroy(meet, reach);
    return known;
}

static bool is_among(const struct address *one, const struct address *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (address_equal(one, &at[i]))
            return true;
    return false;
}

static bool is_being_called(const struct reach *reach, const struct address *at)
{
    for (size_t i = 0; i < reach->attempt_count; i++)
        if (reach->attempts[i].ended == 0 && address_equal(&reach->attempts[i].address, at))
            return true;
    return false;
}

void reach_told(struct meet *meet, struct reach *reach, instant now, const struct address *at,
                size_t count)
{
    for (size_t i = 0; i < count && reach->state == REACH_DIALLING; i++)
        reach->anew |= !is_being_called(reach, &at[i]);
    if (reach->state == REACH_UP)
        reach->anew = !is_among(&reach->up_at, at, count);
    if (reach->anew)
        meet->earliest = now;
    reach_try_now(meet, reach, now);
}

static bool wish_hang_up(struct reach *reach, struct wish *out)
{
    *out = (struct wish){ .id = (uint64_t)reach->contact,
                          .kind = WISH_HANG_UP,
                          .contact = reach->contact,
                          .device = reach->device };
    reach->anew = false;
    reach->told_anew = true;
    return true; /* the news that it is down begins the next call */
}

static bool wish_admit(struct reach *reach, struct wish *out)
{
    *out = (struct wish){ .id = (uint64_t)reach->contact,
                          .kind = WISH_ADMIT,
                          .contact = reach->contact,
                          .device = reach->device };
    reach->admit = false;
    return true;
}

static bool wish_unwatch(struct reach *reach, struct wish *out)
{
    *out = (struct wish){ .id = (uint64_t)reach->contact,
                          .kind = WISH_UNWATCH,
                          .contact = reach->contact };
    reach->places.watching = reach->places.unwatch = false;
    return true;
}

static bool wish_of(struct meet *meet, instant now, struct reach *reach, struct wish *out)
{
    if (reach->places.unwatch)
        return wish_unwatch(reach, out);
    if (reach->admit)
        return wish_admit(reach, out);
    if (reach->anew && reach->state != REACH_AWAY)
        return wish_hang_up(reach, out);
    if (reach->next_try <= now && reach->leaving)
        return wish_leave(meet, reach, out);
    if (reach->next_try <= now && meet->dialling < MEET_DIALS_MAX &&
        wish_dial(meet, now, reach, out))
        return true;
    if (places_next_wish(meet, now, reach, out))
        return true;
    instant due = places_due(meet, reach);
    if (reach->next_try > now)
        due = earlier(due, reach->next_try);
    meet->earliest = earlier(meet->earliest, due);
    return false;
}

bool meet_next_wish(struct meet *meet, instant now, struct wish *out)
{
    if (meet->earliest > now)
        return false;
    meet->earliest = NEVER;
    if (spoken_next_wish(meet, now, out)) {
        meet->earliest = now;
        return true;
    }
    LIST_EACH (link, &meet->all) {
        struct reach *reach = LIST_ITEM(link, struct reach, link);
        if (wish_of(meet, now, reach, out)) {
            meet->earliest = now; /* there may be more: the next call walks the rest */
            return true;
        }
    }
    return false;
}

/* --- news ------------------------------------------------------------------------------------- */

static enum fault come_up(struct meet *meet, instant now, struct reach *reach,
                          const struct news *news)
{
    struct store_address address = { .address = news->address, .worked = now };
    conclude(reach, now, &news->address, "connected");
    if (!news->we_called)
        remember(reach, &(struct meet_attempt){ .address = news->address,
                                                .started = now,
                                                .ended = now,
                                                .outcome = "they called" });
    become(meet, reach, REACH_UP);
    reach->device = news->device;
    reach->up_at = news->address;
    reach->pause = 0;
    reach->next_try = NEVER;
    reach->last_up = now;
    places_up(meet, reach, now);
    /* Where he was reached once he may be reached again; when all places are fixed ones, so be it.
     */
    enum fault fault = store_address_put(meet->store, reach->contact, &address);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

static void go_down(struct meet *meet, instant now, struct reach *reach, const struct news *news)
{
    if (reach->state == REACH_AWAY || (reach->state == REACH_UP && !news->was_up))
        return;
    if (reach->state == REACH_DIALLING && news->door != reach->door)
        return; /* the end of a dial that another has replaced */
    conclude(reach, now, NULL, news->reason);
    if (reach->state == REACH_UP)
        remember(reach, &(struct meet_attempt){ .address = reach->up_at,
                                                .started = now,
                                                .ended = now,
                                                .outcome = news->reason });
    become(meet, reach, REACH_AWAY);
    if (reach->leaving) {
        reach_destroy(meet, reach);
        return;
    }
    if (reach->told_anew)
        reach_try_now(meet, reach, now);
    else
        try_later(meet, reach, now);
    reach->told_anew = false;
    if (news->was_up)
        places_down(meet, reach, now);
}

/* Behind the door lay the key of his device: call it, at the address that opened. */
static enum fault become_known(struct meet *meet, instant now, struct reach *reach,
                               const struct news *news)
{
    struct store_address address = { .address = news->address, .worked = now };
    reach->device = news->device;
    if (reach->state == REACH_DIALLING && reach->door) {
        conclude(reach, now, &news->address, "the door opened");
        become(meet, reach, REACH_AWAY);
        reach_try_now(meet, reach, now);
    }
    enum fault fault = store_address_put(meet->store, reach->contact, &address);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

enum fault meet_learn(struct meet *meet, instant now, const struct news *news)
{
    if (spoken_is(news->contact))
        return spoken_learn(meet, now, news);
    struct reach *reach = reach_find(meet, news->contact);
    if (reach == NULL)
        return FAULT_NONE;
    switch (news->kind) {
    case NEWS_UP:
        return come_up(meet, now, reach, news);
    case NEWS_DOWN:
        go_down(meet, now, reach, news);
        return FAULT_NONE;
    case NEWS_KNOWN:
        return become_known(meet, now, reach, news);
    case NEWS_ITEM:
    case NEWS_GOT:
    case NEWS_STORED:
        return places_learn(meet, now, reach, news);
    case NEWS_RECEIVED:
    case NEWS_WRITABLE:
    case NEWS_BUSY:
        return FAULT_NONE;
    }
    return FAULT_NONE;
}

instant meet_deadline(const struct meet *meet)
{
    return meet->earliest;
}

/* --- looking ---------------------------------------------------------------------------------- */

void meet_look(struct meet *meet, int64_t contact, struct meet_reach *out)
{
    *out = (struct meet_reach){ .next_try = NEVER };
    const struct reach *reach = reach_find(meet, contact);
    out->at_count = store_addresses(meet->store, contact, out->at);
    if (reach == NULL)
        return;
    out->up = reach->state == REACH_UP;
    out->dialling = reach->state == REACH_DIALLING;
    out->up_at = reach->up_at;
    out->places = reach->places.seen;
    out->places.ours_change = meet->ports_change;
    out->next_try = reach->next_try;
    out->attempt_count = reach->attempt_count;
    memcpy(out->attempts, reach->attempts, sizeof out->attempts);
}

void meet_clock(const struct meet *meet, struct meet_clock *out)
{
    *out = (struct meet_clock){ 0 };
    LIST_EACH (link, &meet->all) {
        const struct places *places = &LIST_ITEM(link, const struct reach, link)->places;
        if (places->seen.heard == 0 || places->invitation != 0)
            continue; /* nothing, or it may well be old */
        out->found++;
        out->others_ahead += places->skew > 0;
        out->others_behind += places->skew < 0;
    }
}

void meet_count(const struct meet *meet, size_t *up, size_t *dialling)
{
    *up = meet->up;
    *dialling = meet->dialling;
}
