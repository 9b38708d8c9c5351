/* A pair's places in the DHT: ours is written once per epoch and when our addresses change, his is
   read at the start, when something is owed to him, and now and then while he is away.

   His clock may be wrong by an epoch, so a sweep looks into three, and later looks go where the
   last sweep found him. Nothing of this is stored: after a restart all begins anew. */
#include "engine/meet/inside.h"

#include "engine/crypto/item.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define AT_ONCE      8            /* GETs and PUTs of ours under way */
#define START_WITHIN (1 * SECOND) /* not all of them in one moment */
#define MOVED_AFTER  (1 * SECOND) /* what has changed may change again */
#define MOVED_FOR    (1 * MINUTE) /* then a link that is dead has ended by itself */
#define FIRST_PAUSE  (2 * SECOND)
#define LONG_PAUSE   (10 * MINUTE)
#define SEEK_PAUSE   (30 * SECOND) /* between sweeps that messages ask for */
#define LOOK_FIRST   (2 * SECOND)  /* at recent ones who are away; doubles ... */
#define RECENT       16
#define WATCH_AFTER  (1 * MINUTE) /* looks that are rarer than this are not worth a search each */
#define WATCH_EVERY  (1 * MINUTE) /* who was there within WATCH_CLOSE, ... */
#define WATCH_RARELY (5 * MINUTE) /* ... and others */
#define WATCH_CLOSE  (12 * HOUR)
#define GUEST_FAST   (1 * MINUTE) /* so long looks at an invitation do not become rarer, ... */
#define GUEST_SWEEP  (1 * HOUR)   /* and so often the epochs before are looked into */
#define GUEST_EVERY  (1 * HOUR)   /* what one left there is written again */
#define GUEST_NODES  20           /* it must outlive its author's absence */
#define SPREAD       (RENDEZVOUS_EARLY - 5 * MINUTE)

/* Epochs, from the present one: a pair's, whose clocks may differ; and an invitation's, whose host
   and guest may come 36 h one after the other, or in this very moment. */
static const int of_pair[] = { 0, -1, 1 };
static const int of_invitation[] = { 0, -1, 0, 1, 0, -2, 0, -3, 0, -4, 0, -5, 0, -6 };

static bool is_invited(const struct reach *reach)
{
    return reach->places.invitation != 0;
}

static int sweep_steps(const struct reach *reach)
{
    return is_invited(reach) ? (int)COUNT(of_invitation) : (int)COUNT(of_pair);
}

static int sweep_epoch(const struct reach *reach)
{
    assert(reach->places.step < sweep_steps(reach));
    return is_invited(reach) ? of_invitation[reach->places.step] : of_pair[reach->places.step];
}

static instant soon(struct meet *meet, instant now, duration within)
{
    return now + rng_below(meet->rng, within);
}

static void put_at(struct meet *meet, struct reach *reach, instant when)
{
    reach->places.next_put = when;
    meet->earliest = earlier(meet->earliest, when);
}

static void get_at(struct meet *meet, struct reach *reach, instant when)
{
    reach->places.next_get = when;
    meet->earliest = earlier(meet->earliest, when);
}

void places_anew(struct reach *reach)
{
    reach->places.put_epoch = 0; /* what lies there is another's */
    reach->places.step = 0;      /* of another sweep */
    reach->places.sweep = true;
}

void places_end(struct meet *meet, struct reach *reach)
{
    meet->asking -= reach->places.putting;
    meet->asking -= reach->places.getting;
}

void places_close(struct meet *meet, struct reach *reach, instant now)
{
    reach->places.closing = true;
    reach->places.ends = reach->places.next_get = NEVER;
    reach->places.put_epoch = 0;
    put_at(meet, reach, now);
}

void places_seek(struct meet *meet, struct reach *reach, instant now)
{
    struct places *places = &reach->places;
    instant when = places->swept == 0 ? now : later(now, places->swept + SEEK_PAUSE);
    if (reach->state == REACH_UP)
        return;
    places->sweep = true;
    places->look_pause = LOOK_FIRST;
    if (places->next_get > when)
        get_at(meet, reach, when);
}

/* A link lives when it is said to have moved, or carries something; that is not told here. So there
   are a few looks for a newer word of his. */
void places_moved(struct meet *meet, struct reach *reach, instant now)
{
    struct places *places = &reach->places;
    if (reach->state != REACH_UP)
        return;
    places->moved = true;
    places->sweep = false;
    places->look_pause = LOOK_FIRST;
    get_at(meet, reach, now + LOOK_FIRST);
}

void places_up(struct meet *meet, struct reach *reach, instant now)
{
    reach->places.moved = false;
    reach->places.next_get = NEVER;
    reach->places.unwatch = reach->places.watching;
    if (is_invited(reach))
        invitation_up(meet, now, reach);
    if (is_invited(reach) || reach->places.next_put == NEVER) /* the secret may be new */
        put_at(meet, reach, earlier(reach->places.next_put, now + MINUTE));
}

void places_down(struct meet *meet, struct reach *reach, instant now)
{
    if (reach->places.next_put == NEVER)
        put_at(meet, reach, now);
    places_seek(meet, reach, now);
}

void meet_self(struct meet *meet, instant now, const struct address *at, size_t count,
               bool ports_change)
{
    count = count < COUNT(meet->self) ? count : COUNT(meet->self);
    bool same = count == meet->self_count && ports_change == meet->ports_change;
    for (size_t i = 0; same && i < count; i++)
        same = address_equal(&meet->self[i], &at[i]);
    if (same)
        return;
    memcpy(meet->self, at, count * sizeof *at);
    meet->self_count = count;
    meet->ports_change = ports_change;
    LIST_EACH (link, &meet->all) {
        struct reach *reach = LIST_ITEM(link, struct reach, link);
        reach->places.put_epoch = 0; /* what lies there is no longer true */
        put_at(meet, reach, now + MOVED_AFTER + rng_below(meet->rng, START_WITHIN));
    }
}

/* --- beginning ---------------------------------------------------------------------------------
 */

/* A pair that shares nothing yet has no places: places_up says when it may. */
void places_begin(struct meet *meet, struct reach *reach, instant now)
{
    struct shared shared;
    reach->places.next_put = reach->places.next_get = NEVER;
    places_anew(reach);
    reach->places.look_pause = LOOK_FIRST;
    reach->places.ends = NEVER;
    invitation_begin(meet, now, reach);
    if (!shared_load(meet, reach, &shared))
        return;
    wipe(&shared, sizeof shared);
    put_at(meet, reach, soon(meet, now, START_WITHIN));
    get_at(meet, reach, soon(meet, now, START_WITHIN));
}

/* --- ours --------------------------------------------------------------------------------------
 */

/* The epoch whose item is due; 0: none yet, and next_put says when. */
static uint64_t epoch_due(struct meet *meet, struct reach *reach, const struct shared *shared,
                          instant now)
{
    uint64_t present = rendezvous_epoch(shared->secret, now);
    instant next = rendezvous_begin(shared->secret, present + 1) - RENDEZVOUS_EARLY;
    instant again = is_invited(reach) ? reach->places.seen.told + GUEST_EVERY : NEVER;
    if (reach->places.put_epoch < present || again <= now)
        return present;
    if (reach->places.put_epoch == present && now >= next)
        return present + 1;
    if (again < next) {
        put_at(meet, reach, again);
        return 0;
    }
    put_at(meet, reach, soon(meet, later(now, next), SPREAD));
    return 0;
}

/* False: the store failed, and node finds that out. */
static bool make_item(struct meet *meet, struct reach *reach, const struct shared *shared,
                      uint64_t epoch, instant now, struct wish_item *out)
{
    struct chat_link_key keys[CHAT_LINK_KEYS];
    struct rendezvous place;
    struct pair_record record = { .at_count = meet->self_count,
                                  .ports_change = meet->ports_change,
                                  .at_invitation = shared->at_invitation,
                                  .invited = shared->invited };
    struct places *places = &reach->places;
    memcpy(record.at, meet->self, sizeof record.at);
    chat_list_head(meet->chat, &record.head);
    bool held = chat_link_keys(meet->chat, keys) > 0;
    if (held)
        memcpy(record.certificate, keys[0].certificate, sizeof record.certificate);
    wipe(keys, sizeof keys);
    if (!held)
        return false;
    rendezvous_make(&place, shared->secret, shared->ours, epoch);
    pair_record_write(meet->value, &place, &record, meet->rng);
    int64_t time = (int64_t)(now / MILLISECOND);
    places->said = time > places->said ? time : places->said + 1;
    struct item item = { .mutable = true, .seq = places->said, .value = BYTES_OF(meet->value) };
    item_sign(&item, &place.sign);
    *out = (struct wish_item){ .seq = item.seq, .value = item.value };
    memcpy(out->key, item.key, sizeof out->key);
    memcpy(out->signature, item.signature, sizeof out->signature);
    wipe(&place, sizeof place);
    return true;
}

static bool wish_put(struct meet *meet, instant now, struct reach *reach, struct wish *out)
{
    struct shared shared;
    reach->places.next_put = NEVER;
    if (is_invited(reach))
        invitation_forget(meet, now, reach);
    if (!shared_load(meet, reach, &shared)) {
        if (reach->state == REACH_UP)
            put_at(meet, reach, now + MINUTE);
        return false;
    }
    uint64_t epoch = epoch_due(meet, reach, &shared, now);
    *out = (struct wish){ .id = (uint64_t)reach->contact,
                          .kind = WISH_PUT,
                          .contact = reach->contact,
                          .store_on = is_invited(reach) ? GUEST_NODES : 0 };
    bool wished = epoch != 0 && make_item(meet, reach, &shared, epoch, now, &out->item);
    if (wished) {
        reach->places.putting = true;
        reach->places.put_epoch = epoch;
        meet->asking++;
    }
    wipe(&shared, sizeof shared);
    return wished;
}

static void stored(struct meet *meet, instant now, struct reach *reach, size_t count)
{
    struct places *places = &reach->places;
    if (!places->putting)
        return;
    places->putting = false;
    meet->asking--;
    meet->earliest = now; /* somebody may wait for his turn */
    if (places->put_epoch == 0)
        return; /* it is no longer true, and due again already */
    if (places->closing && count > 0) {
        invitation_over(meet, now, reach);
        reach_leave(meet, reach, now);
        return;
    }
    if (count > 0) {
        places->put_pause = 0;
        places->seen.told = now;
        places->seen.told_on = count;
        put_at(meet, reach, now); /* which finds out when the next one is due */
        return;
    }
    places->put_epoch--;
    places->put_pause = places->put_pause == 0 ? FIRST_PAUSE : 2 * places->put_pause;
    if (places->put_pause > LONG_PAUSE)
        places->put_pause = LONG_PAUSE;
    put_at(meet, reach, now + places->put_pause);
}

/* --- his ---------------------------------------------------------------------------------------
 */

static bool is_recent(const struct meet *meet, const struct reach *reach)
{
    size_t later_ones = 0;
    LIST_EACH (link, &meet->all)
        later_ones += LIST_ITEM(link, const struct reach, link)->last_up > reach->last_up;
    return later_ones < RECENT;
}

static uint64_t epoch_of_look(const struct reach *reach)
{
    const struct places *places = &reach->places;
    return places->get_from +
           (uint64_t)(int64_t)(places->sweep ? sweep_epoch(reach) : places->skew);
}

/* 0: it is a look. */
static duration watch_period(const struct reach *reach, instant now)
{
    const struct places *places = &reach->places;
    if (places->sweep || places->moved || places->look_pause <= WATCH_AFTER)
        return 0;
    return is_invited(reach) || now < reach->last_up + WATCH_CLOSE ? WATCH_EVERY : WATCH_RARELY;
}

static bool wish_get(struct meet *meet, instant now, struct reach *reach, struct wish *out)
{
    struct places *places = &reach->places;
    struct rendezvous place;
    struct shared shared;
    places->next_get = NEVER;
    if ((reach->state == REACH_UP && !places->moved) || !shared_load(meet, reach, &shared))
        return false;
    uint64_t present = rendezvous_epoch(shared.secret, now);
    if (present != places->get_from ||
        (is_invited(reach) && places->step == 0 && now >= places->swept + GUEST_SWEEP))
        places->sweep = true; /* once in each epoch, and of a guest nobody knows the clock */
    if (places->step == 0) {
        places->get_from = present;
        places->found = false;
        if (places->sweep)
            places->swept = now;
    }
    rendezvous_make(&place, shared.secret, shared.theirs, epoch_of_look(reach));
    *out = (struct wish){ .id = (uint64_t)reach->contact,
                          .kind = WISH_GET,
                          .contact = reach->contact,
                          .watch = watch_period(reach, now) };
    places->watching = out->watch > 0;
    places->unwatch = false;
    memcpy(out->item.key, place.sign.public, sizeof out->item.key);
    places->getting = true;
    meet->asking++;
    wipe(&place, sizeof place);
    wipe(&shared, sizeof shared);
    return true;
}

/* Up to where watching takes over. */
static void slow_down(struct places *places)
{
    if (places->look_pause <= WATCH_AFTER)
        places->look_pause *= 2;
}

/* Somebody waits, on at least one side: then his place is watched, and the others looked into now
   and then. */
static void look_again(struct meet *meet, struct reach *reach, instant now)
{
    struct places *places = &reach->places;
    if (places->watching)
        get_at(meet, reach, now + GUEST_SWEEP);
    else
        get_at(meet, reach, places->look_pause > WATCH_AFTER ? now : now + places->look_pause);
    if (now >= places->begun + GUEST_FAST)
        slow_down(places);
}

static void look_later(struct meet *meet, struct reach *reach, instant now)
{
    struct places *places = &reach->places;
    struct shared shared;
    if (reach->state == REACH_UP) {
        places->moved = places->moved && places->look_pause <= MOVED_FOR;
        if (places->moved)
            get_at(meet, reach, now + places->look_pause);
        slow_down(places);
        return;
    }
    if (!shared_load(meet, reach, &shared))
        return;
    instant next = rendezvous_begin(shared.secret, rendezvous_epoch(shared.secret, now) + 1);
    wipe(&shared, sizeof shared);
    next = soon(meet, next, LONG_PAUSE);
    if (is_invited(reach)) {
        look_again(meet, reach, now);
        return;
    }
    if (places->watching || !is_recent(meet, reach)) {
        get_at(meet, reach, next);
        return;
    }
    if (places->look_pause < WATCH_AFTER)
        next =
            earlier(next, now + places->look_pause - rng_below(meet->rng, places->look_pause / 4));
    else
        next = now; /* which begins to watch */
    slow_down(places);
    get_at(meet, reach, next);
}

static void got(struct meet *meet, instant now, struct reach *reach)
{
    struct places *places = &reach->places;
    if (!places->getting)
        return;
    places->getting = false;
    places->seen.looked = now;
    meet->asking--;
    meet->earliest = now;
    if (places->sweep && !places->found && places->step + 1 < sweep_steps(reach)) {
        places->step++;
        get_at(meet, reach, now);
        return;
    }
    if (places->sweep && places->found)
        places->skew = sweep_epoch(reach);
    places->sweep = false;
    places->step = 0;
    look_later(meet, reach, now);
}

/* Who holds the secret sealed it; it still has to be his certificate. */
static enum fault take(struct meet *meet, instant now, instant said, struct reach *reach,
                       const struct pair_record *record, const uint8_t account[KEY_BYTES])
{
    struct certificate certificate;
    struct store_device device;
    bool fresh;
    if (certificate_read(&certificate, BYTES_OF(record->certificate)) != FAULT_NONE ||
        certificate.role != LINK_ROLE_CONTACT ||
        memcmp(certificate.account, account, KEY_BYTES) != 0)
        return FAULT_PEER;
    enum fault fault =
        chat_device_seen(meet->chat, said, &certificate, record->certificate, 0, &device, &fresh);
    for (size_t i = 0; i < record->at_count && fault == FAULT_NONE; i++) {
        struct store_address address = { .address = record->at[i] };
        fault = store_address_put(meet->store, reach->contact, &address);
        if (fault == FAULT_BUSY)
            fault = FAULT_NONE; /* all places are those a person typed */
    }
    if (fault != FAULT_NONE)
        return fault;
    reach->admit |= fresh;
    reach->device = device.id;
    reach_told(meet, reach, now, record->at, record->at_count);
    return FAULT_NONE;
}

enum fault places_heard(struct meet *meet, instant now, struct reach *reach,
                        const struct pair_record *record, int64_t seq,
                        const uint8_t account[KEY_BYTES])
{
    instant said = earlier(now, (instant)seq * MILLISECOND);
    enum fault fault = take(meet, now, said, reach, record, account);
    if (fault == FAULT_NONE) {
        reach->places.heard = seq;
        reach->places.seen.heard = said;
        reach->places.seen.theirs_change = record->ports_change;
    }
    return fault;
}

static enum fault judge(struct meet *meet, instant now, struct reach *reach,
                        const struct shared *shared, const struct pair_record *record, int64_t seq)
{
    if (record->at_invitation != shared->at_invitation)
        return FAULT_PEER;
    if (shared->anybody)
        return invitation_guest(meet, now, reach, record, seq);
    enum fault fault = places_heard(meet, now, reach, record, seq, shared->account);
    if (fault == FAULT_NONE && shared->at_invitation)
        invitation_answer(meet, now, reach, shared, &record->invited);
    return fault;
}

static enum fault found(struct meet *meet, instant now, struct reach *reach,
                        const struct wish_item *item)
{
    struct places *places = &reach->places;
    struct pair_record record;
    struct rendezvous place;
    struct shared shared;
    enum fault fault = FAULT_NONE;
    if (!(places->getting || places->watching) || !shared_load(meet, reach, &shared))
        return FAULT_NONE;
    rendezvous_make(&place, shared.secret, shared.theirs, epoch_of_look(reach));
    if (pair_record_read(&record, &place, item->value) == FAULT_NONE) {
        places->found = true;
        if (item->seq > places->heard)
            fault = judge(meet, now, reach, &shared, &record, item->seq);
    }
    wipe(&place, sizeof place);
    wipe(&shared, sizeof shared);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}

/* --- wishes and news ---------------------------------------------------------------------------
 */

static bool may_ask(const struct meet *meet)
{
    return meet->asking < AT_ONCE;
}

instant places_due(const struct meet *meet, const struct reach *reach)
{
    const struct places *places = &reach->places;
    if (reach->leaving || !may_ask(meet))
        return NEVER; /* the end of another brings it up again */
    instant put = places->putting || meet->self_count == 0 ? NEVER : places->next_put;
    return earlier(places->ends, earlier(put, places->getting ? NEVER : places->next_get));
}

bool places_next_wish(struct meet *meet, instant now, struct reach *reach, struct wish *out)
{
    const struct places *places = &reach->places;
    if (places_due(meet, reach) > now)
        return false;
    if (places->ends <= now)
        invitation_end(meet, now, reach, INVITATION_EXPIRED);
    if (!places->getting && places->next_get <= now)
        return wish_get(meet, now, reach, out);
    return !places->putting && places->next_put <= now && meet->self_count > 0 &&
           wish_put(meet, now, reach, out);
}

enum fault places_learn(struct meet *meet, instant now, struct reach *reach,
                        const struct news *news)
{
    if (news->kind == NEWS_ITEM)
        return found(meet, now, reach, &news->item);
    if (news->kind == NEWS_GOT)
        got(meet, now, reach);
    else
        stored(meet, now, reach, news->count);
    return FAULT_NONE;
}
