#include "engine/link/inside.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/secret.h"

#include <assert.h>
#include <string.h>

#define TIE_WINDOW        (3 * SECOND) /* two links that came up within it were dialled at once */
#define VISIT_FOR         (5 * SECOND) /* a visitor reads one record */
#define RESETS_PER_SECOND 100

/* Rows are where we are, columns where we may go. An ended link never comes back: a new dial makes
   a new one. */
static const bool may_become[LINK_PHASES][LINK_PHASES] = {
    [LINK_CALLING] = { [LINK_OPEN] = true, [LINK_ENDED] = true },
    [LINK_ANSWERING] = { [LINK_OPEN] = true, [LINK_ENDED] = true },
    [LINK_OPEN] = { [LINK_ENDED] = true },
};

void link_become(struct link *link, enum link_phase next)
{
    assert(may_become[link->phase][next]);
    if (link->phase == LINK_ANSWERING)
        link->links->half_open--;
    link->phase = next;
}

static struct bytes key_of(const uint8_t key[KEY_BYTES])
{
    return (struct bytes){ key, KEY_BYTES };
}

static struct bytes id_bytes(const link_id *id)
{
    return (struct bytes){ (const uint8_t *)id, sizeof *id };
}

bool budget_take(struct budget *budget, instant now, uint32_t per_second, uint32_t most)
{
    duration each = SECOND / per_second;
    uint64_t more = (now - budget->at) / each;
    if (more >= most || budget->at == 0) {
        budget->left = most;
        budget->at = now;
    } else {
        budget->left = budget->left + more > most ? most : budget->left + (uint32_t)more;
        budget->at += more * each;
    }
    if (budget->left == 0)
        return false;
    budget->left--;
    return true;
}

/* --- all of them ---------------------------------------------------------------------------- */

struct links *links_create(const struct links_settings *settings, struct rng *rng, struct log *log)
{
    struct links *links = mem_zeroed(1, sizeof *links);
    links->settings = *settings;
    links->rng = rng;
    links->log = log;
    links->last_stamp = settings->stamp_floor;
    links->instance = rng_u64(rng);
    links->held = secret_new(LINK_HELD_KEYS * sizeof *links->held);
    links->device = secret_new(sizeof *links->device);
    directory_init(&links->directory, settings->secret, LINK_MAX_COUNT, rng);
    wipe(links->settings.secret, sizeof links->settings.secret);
    links->by_id = map_create(LINK_MAX_COUNT, rng_u64(rng));
    links->peers = map_create(PEERS_MAX, rng_u64(rng));
    links->accounts = map_create(PEERS_MAX, rng_u64(rng));
    links->doors = map_create(LINK_MAX_COUNT, rng_u64(rng));
    rng_fill(rng, links->source_key, sizeof links->source_key);
    list_init(&links->ready);
    list_init(&links->writing);
    list_init(&links->loose);
    links->out = mem_resized(NULL, 2, OUT_BYTES); /* a run, and one datagram that does not fit it */
    links->carried.bytes = mem_resized(NULL, 1, OUT_BYTES);
    links->scratch = mem_resized(NULL, 1, 4 + LINK_FRAME_MAX_BYTES);
    return links;
}

static void peer_destroy(struct peer *peer)
{
    secret_free(peer->psks);
    mem_free(peer);
}

static void empty_peers(struct map *peers)
{
    size_t at = 0;
    for (struct peer *peer; (peer = map_each(peers, &at)) != NULL;)
        peer_destroy(peer);
    map_destroy(peers);
}

static void empty_accounts(struct map *accounts)
{
    size_t at = 0;
    for (struct account *account; (account = map_each(accounts, &at)) != NULL;)
        mem_free(account);
    map_destroy(accounts);
}

void links_destroy(struct links *links)
{
    size_t at;
    if (links == NULL)
        return;
    for (struct link *link; at = 0, (link = map_each(links->by_id, &at)) != NULL;)
        link_destroy(link);
    LIST_EACH (item, &links->loose)
        mem_free(item); /* the list is the first member of what it threads */
    map_destroy(links->by_id);
    map_destroy(links->doors);
    empty_peers(links->peers);
    empty_accounts(links->accounts);
    for (size_t role = 0; role < COUNT(links->stash); role++)
        stash_finish(&links->stash[role]);
    secret_free(links->held);
    secret_free(links->device);
    directory_finish(&links->directory);
    timers_finish(&links->timers);
    chunk_pool_finish(&links->pool);
    mem_free(links->out);
    mem_free(links->carried.bytes);
    mem_free(links->scratch);
    wipe(links, sizeof *links);
    mem_free(links);
}

/* --- who we are ----------------------------------------------------------------------------- */

enum fault links_hold(struct links *links, enum link_role role, const struct dh_pair *pair,
                      const uint8_t certificate[CERTIFICATE_BYTES])
{
    if (links->held_count == LINK_HELD_KEYS)
        return FAULT_BUSY;
    struct held *held = &links->held[links->held_count];
    memset(held, 0, sizeof *held);
    held->role = role;
    held->pair = *pair;
    wire_first_key(held->first_key, pair->public);
    if (role == LINK_ROLE_CONTACT) {
        enum fault fault =
            certificate_read(&held->certificate, (struct bytes){ certificate, CERTIFICATE_BYTES });
        assert(fault == FAULT_NONE && held->certificate.role == role &&
               memcmp(held->certificate.link, pair->public, KEY_BYTES) == 0);
        memcpy(held->wire, certificate, CERTIFICATE_BYTES);
        certificate_hash(held->hash, BYTES_OF(held->wire));
    }
    links->held_count++;
    return FAULT_NONE;
}

void links_forget(struct links *links, const uint8_t public[KEY_BYTES])
{
    for (size_t i = 0; i < links->held_count; i++)
        if (memcmp(links->held[i].pair.public, public, KEY_BYTES) == 0) {
            links->held_count--;
            memmove(&links->held[i], &links->held[i + 1],
                    (links->held_count - i) * sizeof links->held[0]);
            wipe(&links->held[links->held_count], sizeof links->held[0]);
            return;
        }
}

void links_set_record(struct links *links, struct bytes record)
{
    uint8_t certificate[CERTIFICATE_BYTES];
    assert(record.size <= sizeof links->record.bytes &&
           record_certificate(record, certificate) == FAULT_NONE);
    memcpy(links->record.bytes, record.data, record.size);
    links->record.size = record.size;
}

void links_set_device(struct links *links, const struct sign_pair *device)
{
    *links->device = *device;
}

const struct held *links_newest_contact(const struct links *links)
{
    for (size_t i = links->held_count; i > 0; i--)
        if (links->held[i - 1].role == LINK_ROLE_CONTACT)
            return &links->held[i - 1];
    return NULL;
}

/* --- who may come in ------------------------------------------------------------------------ */

struct peer *links_find_peer(const struct links *links, const uint8_t device[KEY_BYTES])
{
    return map_get(links->peers, key_of(device));
}

struct peer *links_peer(struct links *links, const uint8_t device[KEY_BYTES])
{
    struct peer *peer = links_find_peer(links, device);
    if (peer != NULL)
        return peer;
    peer = mem_zeroed(1, sizeof *peer);
    memcpy(peer->device, device, KEY_BYTES);
    if (map_put(links->peers, key_of(device), peer))
        return peer;
    mem_free(peer);
    return NULL;
}

void links_admit_device(struct links *links, const uint8_t device[KEY_BYTES], uint64_t newest)
{
    struct peer *peer = links_peer(links, device);
    if (peer == NULL) {
        log_line(links->log, LOG_WARN, "link", "too many devices: one more is not admitted");
        return;
    }
    peer->admitted = true;
    if (newest > peer->newest)
        peer->newest = newest;
}

void links_refuse_device(struct links *links, const uint8_t device[KEY_BYTES])
{
    struct peer *peer = links_find_peer(links, device);
    if (peer == NULL)
        return;
    if (peer->answer != NULL)
        link_end(peer->answer, LINK_CLOSED_HERE, false);
    if (peer->dial != NULL)
        link_end(peer->dial, LINK_CLOSED_HERE, false);
    if (peer->up != NULL)
        link_end(peer->up, LINK_CLOSED_HERE, true);
    map_remove(links->peers, key_of(device));
    peer_destroy(peer);
}

void links_set_psks(struct links *links, const uint8_t device[KEY_BYTES],
                    const struct link_psk *psks, size_t count)
{
    static const uint8_t none[PSK_ID_BYTES];
    struct peer *peer = links_find_peer(links, device);
    assert(count <= LINK_PSKS);
    if (peer == NULL)
        return;
    secret_free(peer->psks);
    peer->psks = count > 0 ? secret_new(count * sizeof *psks) : NULL;
    peer->psk_count = count;
    for (size_t i = 0; i < count; i++) {
        assert(memcmp(psks[i].id, none, sizeof none) != 0);
        peer->psks[i] = psks[i];
    }
}

void links_admit_account(struct links *links, const uint8_t account[KEY_BYTES], uint64_t newest)
{
    struct account *row = map_get(links->accounts, key_of(account));
    if (row == NULL) {
        row = mem_zeroed(1, sizeof *row);
        memcpy(row->key, account, KEY_BYTES);
        if (!map_put(links->accounts, key_of(account), row)) {
            log_line(links->log, LOG_WARN, "link", "too many accounts: one more is not admitted");
            mem_free(row);
            return;
        }
    }
    if (newest > row->newest)
        row->newest = newest;
}

void links_refuse_account(struct links *links, const uint8_t account[KEY_BYTES])
{
    struct account *row = map_get(links->accounts, key_of(account));
    if (row != NULL && row->visit != NULL)
        link_end(row->visit, LINK_CLOSED_HERE, false);
    mem_free(map_remove(links->accounts, key_of(account)));
}

/* --- one of them ---------------------------------------------------------------------------- */

struct link *link_create(struct links *links, enum link_phase phase, enum link_role role)
{
    if (map_count(links->by_id) == LINK_MAX_COUNT)
        return NULL;
    struct link *link = mem_zeroed(1, sizeof *link);
    link->links = links;
    link->id = ++links->last_id;
    link->phase = phase;
    link->role = role;
    link->we_called = phase == LINK_CALLING;
    link->watched_since = NEVER;
    list_init(&link->ready);
    list_init(&link->writing);
    if (phase == LINK_ANSWERING)
        links->half_open++;
    map_put(links->by_id, id_bytes(&link->id), link);
    return link;
}

struct link *link_find(const struct links *links, link_id id)
{
    return map_get(links->by_id, id_bytes(&id));
}

void link_fill_setup(struct link *link, struct connection_setup *out)
{
    struct links *links = link->links;
    memset(out, 0, sizeof *out);
    out->directory = &links->directory;
    out->rng = links->rng;
    out->owner = link;
    out->pool = &links->pool;
    out->keep_alive = links->settings.keep_alive;
    out->bbr = links->settings.bbr;
    out->datagram_most = links->settings.datagram_most;
    out->instance = links->instance;
}

/* Nobody finds it any more, except to tell its end. */
static void detach(struct link *link)
{
    struct peer *peer = links_find_peer(link->links, link->device);
    struct account *account = map_get(link->links->accounts, key_of(link->certificate.account));
    if (link->role == LINK_ROLE_DOOR && link->dialling != NULL)
        map_remove(link->links->doors, key_of(link->dialling->dial.theirs));
    if (peer != NULL && peer->up == link)
        peer->up = NULL;
    if (peer != NULL && peer->dial == link)
        peer->dial = NULL;
    if (peer != NULL && peer->answer == link)
        peer->answer = NULL;
    if (account != NULL && account->visit == link)
        account->visit = NULL;
    timers_set(&link->links->timers, &link->timer, NEVER);
    dial_finish(link);
    guests_finish(link);
}

void link_destroy(struct link *link)
{
    struct links *links = link->links;
    if (link->phase == LINK_ANSWERING)
        links->half_open--;
    link->phase = LINK_ENDED; /* an open door would keep whom it called */
    detach(link);
    list_remove(&link->ready);
    list_remove(&link->writing);
    map_remove(links->by_id, id_bytes(&link->id));
    connection_destroy(link->connection);
    mem_free(link->record.bytes);
    wipe(link, sizeof *link);
    mem_free(link);
}

/* What must be told before it can go; the rest is of no interest once it ended. */
bool link_has_news(const struct link *link)
{
    return link->news.visitor || link->news.down;
}

void link_destroy_if_done(struct link *link)
{
    if (link->phase == LINK_ENDED && !link_has_news(link) && !link->farewell)
        link_destroy(link);
}

void link_end(struct link *link, enum link_reason reason, bool farewell)
{
    struct links *links = link->links;
    if (link->phase == LINK_ENDED)
        return;
    bool was_open = link->phase == LINK_OPEN;
    link_become(link, LINK_ENDED);
    detach(link);
    link->reason = reason;
    link->deaf = reason == LINK_CLOSED_HERE;
    link->farewell = farewell && link->connection != NULL;
    link->news.writable = link->news.moved = false;
    link->news.down = link->known_above;
    if (!was_open || !link->known_above)
        link->deaf = true;
    list_remove(&link->writing);
    if (link->farewell)
        list_append(&links->writing, &link->writing);
    /* An ended link keeps its turn until all is told, so what replaces it is told after it. */
    list_remove(&link->ready);
    if (link_has_news(link))
        list_append(&links->ready, &link->ready);
    link_destroy_if_done(link);
}

static enum link_reason reason_of(const struct link *link)
{
    switch (connection_end(link->connection)) {
    case CONNECTION_CLOSED:
        return LINK_CLOSED_THERE;
    case CONNECTION_REPLACED:
        return LINK_REPLACED;
    case CONNECTION_BROKEN:
        return LINK_BROKEN;
    case CONNECTION_SILENT:
    case CONNECTION_NOT_ENDED:
        break;
    }
    return link->phase == LINK_CALLING ? LINK_NO_ANSWER : LINK_LOST;
}

/* --- coming up ------------------------------------------------------------------------------ */

/* Of two links dialled at once both sides keep the one whose caller has the smaller device key. Of
   two that came up one after the other the newer is kept: the peer would not have called without
   need. So also when the peer has started anew: then nobody is left at the older one's far end. */
static bool older_stays(const struct link *older, const struct link *newer, instant now)
{
    const struct held *us = links_newest_contact(newer->links);
    if (us == NULL || older->we_called == newer->we_called || older->instance != newer->instance ||
        now - older->up_at > TIE_WINDOW)
        return false;
    bool we_are_smaller = memcmp(us->certificate.device, newer->device, KEY_BYTES) < 0;
    return older->we_called == we_are_smaller;
}

static void replace(struct link *loser)
{
    loser->replaced = true;
    link_end(loser, LINK_REPLACED, true);
}

/* False: the certificate shown is not that of whom we dialled. */
static bool take_certificate(struct link *link)
{
    const struct link_dial *dial = &link->dialling->dial;
    uint8_t hash[32];
    memcpy(link->certificate_wire, connection_certificate(link->connection), CERTIFICATE_BYTES);
    link->instance = connection_instance(link->connection);
    certificate_hash(hash, BYTES_OF(link->certificate_wire));
    return certificate_read(&link->certificate, BYTES_OF(link->certificate_wire)) == FAULT_NONE &&
           memcmp(hash, dial->certificate_hash, sizeof hash) == 0 &&
           memcmp(link->certificate.link, dial->theirs, KEY_BYTES) == 0 &&
           memcmp(link->certificate.device, dial->device, KEY_BYTES) == 0;
}

static void open_door(struct link *link, instant now)
{
    link_become(link, LINK_OPEN);
    link->visit_ends = now + VISIT_FOR;
    if (link->we_called)
        return; /* the record is on its way */
    guests_finish(link);
    connection_send(link->connection,
                    (struct bytes){ link->links->record.bytes, link->links->record.size });
    link->news.visitor = true;
    events_want(link);
}

static void open_link(struct link *link, instant now)
{
    struct peer *peer = links_find_peer(link->links, link->device);
    struct link *dial = peer->dial, *older = peer->up;
    if (older != NULL && older_stays(older, link, now)) {
        replace(link);
        return;
    }
    if (older != NULL)
        replace(older);
    if (dial != NULL && dial != link)
        link_end(dial, LINK_REPLACED, false);
    link_become(link, LINK_OPEN);
    /* A call that lost to ours is over as well: whoever kept it must not be answered later. */
    if (link->dialling != NULL)
        peer->newest = later(peer->newest, link->dialling->declined);
    dial_finish(link);
    guests_finish(link);
    peer->dial = NULL;
    if (peer->answer == link)
        peer->answer = NULL;
    peer->up = link;
    link->up_at = now;
    link->known_above = true;
    link->news.up = true;
    events_want(link);
}

void link_came_up(struct link *link, instant now)
{
    if (link->role == LINK_ROLE_DOOR)
        open_door(link, now);
    else if (link->we_called && !take_certificate(link))
        link_end(link, LINK_REFUSED, true);
    else
        open_link(link, now);
}

/* --- at a door ------------------------------------------------------------------------------ */

/* The caller at a door waits for one frame, and judges it itself: nothing else of it goes up. */
static void judge_record(struct link *link)
{
    struct bytes frame;
    if (!connection_frame(link->connection, link->links->scratch, &frame))
        return;
    bool good =
        frame.size <= LINK_RECORD_MAX_BYTES &&
        record_certificate(frame, link->certificate_wire) == FAULT_NONE &&
        certificate_read(&link->certificate, BYTES_OF(link->certificate_wire)) == FAULT_NONE &&
        link->certificate.role == LINK_ROLE_CONTACT &&
        memcmp(link->certificate.account, link->dialling->dial.account, KEY_BYTES) == 0;
    link->news.record = good;
    if (good) {
        link->record.bytes = mem_copy(frame.data, frame.size);
        link->record.size = frame.size;
        events_want(link);
    }
    link_end(link, good ? LINK_CLOSED_HERE : LINK_REFUSED, true);
}

/* --- after anything ------------------------------------------------------------------------- */

static instant due(struct link *link, instant now)
{
    switch (link->phase) {
    case LINK_CALLING:
        return dial_due(link);
    case LINK_ANSWERING:
        return connection_expiry(link->connection);
    case LINK_OPEN:
        return earlier(link->role == LINK_ROLE_DOOR ? link->visit_ends : roam_due(link, now),
                       connection_expiry(link->connection));
    case LINK_ENDED:
    case LINK_PHASES:
        break;
    }
    return NEVER;
}

static void note_opening(struct link *link, instant now)
{
    if (link->phase != LINK_OPEN && connection_phase(link->connection) == CONNECTION_OPEN)
        link_came_up(link, now);
}

static void note_talk(struct link *link)
{
    if (link->phase != LINK_OPEN)
        return;
    if (link->role == LINK_ROLE_DOOR) {
        if (link->we_called)
            judge_record(link);
        return;
    }
    if (connection_has_room_news(link->connection))
        link->news.writable = true;
    if (link->news.writable || connection_readable(link->connection))
        events_want(link);
}

void link_refresh(struct link *link, instant now)
{
    note_opening(link, now);
    if (link->phase == LINK_ENDED)
        return;
    note_talk(link);
    if (link->phase == LINK_ENDED)
        return;
    if (connection_phase(link->connection) == CONNECTION_OVER) {
        struct peer *peer = links_find_peer(link->links, link->device);
        struct link *dial = peer != NULL && peer->answer == link ? peer->dial : NULL;
        link_end(link, reason_of(link), connection_end(link->connection) == CONNECTION_BROKEN);
        if (dial != NULL)
            dial_resume(dial, now);
        return;
    }
    timers_set(&link->links->timers, &link->timer, due(link, now));
}

/* --- the verbs that bring the outside in ---------------------------------------------------- */

static void hear_on(struct link *link, instant now, const struct address *from,
                    struct bytes datagram)
{
    if (link->phase == LINK_ENDED || (link->dialling != NULL && link->dialling->paused) ||
        guests_hear_again(link, now, from, datagram))
        return;
    enum connection_heard heard = connection_read(link->connection, now, datagram);
    if (heard == CONNECTION_HEARD_NEW)
        roam_heard_from(link, now, from);
    if (heard != CONNECTION_HEARD_NOTHING && link->dialling != NULL)
        link->dialling->heard = true;
    out_want(link);
    link_refresh(link, now);
}

static void hear_short(struct links *links, instant now, const struct address *from,
                       struct bytes id, struct bytes datagram)
{
    struct link *link = directory_find(&links->directory, id);
    uint8_t token[WIRE_TOKEN_BYTES], reset[WIRE_RESET_MAX_BYTES];
    if (link != NULL && link->phase != LINK_ENDED) {
        hear_on(link, now, from, datagram);
        return;
    }
    if (link == NULL && (link = directory_find_reset(&links->directory, datagram)) != NULL) {
        link_end(link, LINK_LOST, false);
        return;
    }
    if (!directory_minted(&links->directory, id) ||
        !budget_take(&links->resets, now, RESETS_PER_SECOND, RESETS_PER_SECOND))
        return;
    /* Ours, from an earlier life or of a link that ended: let the peer know at once. */
    wire_reset_token(token, links->directory.reset_key, id.data);
    size_t size = wire_write_reset(reset, datagram.size, token, links->rng);
    out_loose(links, from, (struct bytes){ reset, size });
}

static void hear_long(struct links *links, instant now, const struct address *from, struct bytes id,
                      struct bytes datagram, bool initial)
{
    struct link *link = directory_find(&links->directory, id);
    if (link != NULL)
        hear_on(link, now, from, datagram);
    else if (initial && datagram.size >= WIRE_DATAGRAM_LEAST &&
             datagram.size <= FLIGHT_DATAGRAM_MAX)
        guests_hear(links, now, from, datagram);
}

static void hear_announce(struct links *links, instant now, const struct address *from,
                          struct bytes id, struct bytes datagram)
{
    struct link *link = directory_find(&links->directory, id);
    if (link == NULL || link->phase != LINK_OPEN ||
        !connection_read_announce(link->connection, datagram))
        return;
    roam_announced(link, now, from);
    out_want(link);
    link_refresh(link, now);
}

void links_receive(struct links *links, instant now, const struct address *from,
                   struct bytes datagram)
{
    struct bytes id;
    switch (wire_look(datagram, &id)) {
    case WIRE_FOREIGN:
        return;
    case WIRE_INITIAL:
        hear_long(links, now, from, id, datagram, true);
        return;
    case WIRE_LONG:
        hear_long(links, now, from, id, datagram, false);
        return;
    case WIRE_SHORT:
        hear_short(links, now, from, id, datagram);
        return;
    case WIRE_ANNOUNCE:
        hear_announce(links, now, from, id, datagram);
        return;
    }
}

bool links_claims(const struct links *links, struct bytes datagram)
{
    struct bytes id;
    switch (wire_look(datagram, &id)) {
    case WIRE_FOREIGN:
        return false;
    case WIRE_INITIAL:
    case WIRE_LONG:
        return true;
    case WIRE_SHORT:
    case WIRE_ANNOUNCE:
        break;
    }
    return directory_minted(&links->directory, id) ||
           directory_find_reset(&links->directory, datagram) != NULL;
}

static void advance(struct link *link, instant now)
{
    if (link->phase == LINK_CALLING) {
        dial_advance(link, now);
    } else if (link->role == LINK_ROLE_DOOR && link->phase == LINK_OPEN &&
               now >= link->visit_ends) {
        link_end(link, LINK_NO_ANSWER, true);
    } else {
        connection_expire(link->connection, now);
        roam_advance(link, now);
        out_want(link);
        link_refresh(link, now);
    }
}

void links_advance(struct links *links, instant now)
{
    /* Each link once: one that is due again at once waits for the next call, as the caller must
       write what the first time brought about. */
    for (size_t left = links->timers.count; left > 0; left--) {
        struct timer *first = timers_first(&links->timers);
        if (first == NULL || first->due > now)
            return;
        advance(LIST_ITEM(first, struct link, timer), now);
    }
}

instant links_deadline(const struct links *links)
{
    const struct timer *first = timers_first(&links->timers);
    return first == NULL ? NEVER : first->due;
}

/* --- closing -------------------------------------------------------------------------------- */

void links_close(struct links *links, instant now, link_id id)
{
    struct link *link = link_find(links, id);
    (void)now;
    if (link == NULL || link->phase == LINK_ENDED)
        return;
    link_end(link, LINK_CLOSED_HERE,
             link->phase == LINK_OPEN || (link->dialling != NULL && link->dialling->heard));
}

void links_close_all(struct links *links, instant now)
{
    /* Ending may remove it from the map, so each step begins anew; ids only grow. */
    for (link_id id = 1; id <= links->last_id; id++)
        links_close(links, now, id);
}

/* --- talking -------------------------------------------------------------------------------- */

static struct link *open_one(const struct links *links, link_id id)
{
    struct link *link = link_find(links, id);
    return link != NULL && link->phase == LINK_OPEN && link->role == LINK_ROLE_CONTACT ? link
                                                                                       : NULL;
}

enum fault links_send(struct links *links, instant now, link_id id, struct bytes frame)
{
    struct link *link = open_one(links, id);
    (void)now;
    if (link == NULL)
        return FAULT_GONE;
    enum fault fault = connection_send(link->connection, frame);
    out_want(link);
    return fault;
}

enum fault links_write(struct links *links, instant now, link_id id, struct bytes data,
                       size_t *taken)
{
    struct link *link = open_one(links, id);
    (void)now;
    *taken = 0;
    if (link == NULL)
        return FAULT_GONE;
    *taken = connection_put(link->connection, data);
    out_want(link);
    return *taken < data.size ? FAULT_BUSY : FAULT_NONE;
}

enum fault links_write_end(struct links *links, instant now, link_id id)
{
    struct link *link = open_one(links, id);
    (void)now;
    if (link == NULL)
        return FAULT_GONE;
    connection_put_end(link->connection);
    out_want(link);
    return FAULT_NONE;
}

enum fault links_throw(struct links *links, instant now, link_id id, struct bytes datagram)
{
    struct link *link = open_one(links, id);
    (void)now;
    if (link == NULL)
        return FAULT_GONE;
    enum fault fault = connection_throw(link->connection, datagram);
    out_want(link);
    return fault;
}

void links_moved(struct links *links, instant now)
{
    size_t at = 0;
    for (struct link *link; (link = map_each(links->by_id, &at)) != NULL;)
        roam_moved(link, now);
}

/* --- looking -------------------------------------------------------------------------------- */

bool links_look(const struct links *links, link_id id, struct link_state *out)
{
    const struct link *link = link_find(links, id);
    struct connection_figures figures;
    if (link == NULL || link->phase == LINK_ENDED)
        return false;
    connection_look(link->connection, &figures);
    *out = (struct link_state){ .up = link->phase == LINK_OPEN && link->role == LINK_ROLE_CONTACT,
                                .we_called = link->we_called,
                                .address = link->address,
                                .rtt = figures.rtt,
                                .datagram_bytes = figures.datagram_bytes,
                                .sent_bytes = figures.sent_bytes,
                                .received_bytes = figures.received_bytes,
                                .lost_packets = figures.lost_packets,
                                .moves = link->moves };
    return true;
}

link_id links_find_device(const struct links *links, const uint8_t device[KEY_BYTES])
{
    const struct peer *peer = links_find_peer(links, device);
    return peer == NULL || peer->up == NULL ? 0 : peer->up->id;
}

size_t links_count(const struct links *links)
{
    return map_count(links->by_id);
}
