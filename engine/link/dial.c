/* Calling somebody. The first flight is kept and sent again byte for byte, to every address he may
   be at, until his answer is whole: duplicates do no harm, it punches holes, and it makes him
   repeat the half of his answer that was lost. The library's own repair starts with the first half.
 */
#include "engine/link/inside.h"

#include "base/map.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define PATIENCE     (9 * SECOND)
#define FIRST_REPEAT (200 * MILLISECOND) /* then 400, 800, ...: counted from the start */
#define YIELD_AFTER  (500 * MILLISECOND) /* the path to him may be open one way only */

bool flight_add(struct flight *flight, struct bytes datagram)
{
    if (flight->count == FLIGHT_MAX_DATAGRAMS || datagram.size > FLIGHT_DATAGRAM_MAX)
        return false;
    memcpy(flight->bytes[flight->count], datagram.data, datagram.size);
    flight->sizes[flight->count++] = datagram.size;
    return true;
}

struct bytes flight_datagram(const struct flight *flight, size_t index)
{
    assert(index < flight->count);
    return (struct bytes){ flight->bytes[index], flight->sizes[index] };
}

static void send_to(struct link *link, const struct address *to)
{
    const struct flight *flight = &link->dialling->flight;
    for (size_t i = 0; i < flight->count; i++)
        out_loose(link->links, to, flight_datagram(flight, i));
}

void dial_send_flight(struct link *link)
{
    const struct link_dial *dial = &link->dialling->dial;
    for (size_t i = 0; i < dial->at_count; i++)
        send_to(link, &dial->at[i]);
}

/* --- starting ------------------------------------------------------------------------------- */

static bool add_address(struct link_dial *dial, const struct address *address)
{
    for (size_t i = 0; i < dial->at_count; i++)
        if (address_equal(&dial->at[i], address))
            return false;
    if (address->port == 0 || dial->at_count == LINK_CANDIDATES)
        return false;
    dial->at[dial->at_count++] = *address;
    return true;
}

static struct dialling *dialling_create(const struct link_dial *dial, instant now)
{
    struct dialling *dialling = mem_zeroed(1, sizeof *dialling);
    dialling->dial = *dial;
    dialling->dial.at_count = 0;
    for (size_t i = 0; i < dial->at_count && i < LINK_CANDIDATES; i++)
        add_address(&dialling->dial, &dial->at[i]);
    dialling->started = now;
    dialling->interval = FIRST_REPEAT;
    dialling->next_send = now + FIRST_REPEAT;
    dialling->patience_ends = after(now, dial->patience == 0 ? PATIENCE : dial->patience);
    return dialling;
}

/* Greater than any before, also when the clock is not. */
static uint64_t next_stamp(struct links *links, instant now)
{
    links->last_stamp = now > links->last_stamp ? now : links->last_stamp + 1;
    return links->last_stamp;
}

/* The newest we share with that device. A door is no place for it: what opens there proves that
   somebody holds the card, not who he is. */
static const struct link_psk *psk_for(const struct links *links, const struct link_dial *dial)
{
    const struct peer *peer = links_find_peer(links, dial->device);
    return dial->role == LINK_ROLE_CONTACT && peer->psk_count > 0 ? &peer->psks[0] : NULL;
}

static struct connection *call(struct link *link, instant now, const struct held *us)
{
    struct links *links = link->links;
    const struct link_dial *dial = &link->dialling->dial;
    struct connection_setup setup;
    struct handshake_setup side = { .caller = true,
                                    .role = dial->role,
                                    .ours = &us->pair,
                                    .theirs = dial->theirs,
                                    .psk = psk_for(links, dial) };
    struct hello hello = { .stamp = link->stamp = next_stamp(links, now) };
    uint8_t first_key[16];
    link_fill_setup(link, &setup);
    memcpy(setup.responder, dial->theirs, KEY_BYTES);
    wire_first_key(first_key, dial->theirs);
    wire_mint_first_id(setup.first_id, first_key, links->rng);
    memcpy(side.first_id, setup.first_id, sizeof side.first_id);
    if (dial->role == LINK_ROLE_CONTACT)
        memcpy(side.certificate_hash, dial->certificate_hash, sizeof side.certificate_hash);
    memcpy(hello.certificate, us->wire, CERTIFICATE_BYTES);
    return connection_call(&setup, now, handshake_create(&side, links->rng), &hello, links->device);
}

static bool write_flight(struct link *link, instant now)
{
    uint8_t *out = link->links->out;
    for (size_t size; (size = connection_write(link->connection, now, out)) > 0;)
        if (!flight_add(&link->dialling->flight, (struct bytes){ out, size }))
            return false;
    connection_burst_end(link->connection, now);
    return link->dialling->flight.count > 0;
}

/* Who is dialled already, or connected. */
static struct link *present(const struct links *links, const struct link_dial *dial)
{
    if (dial->role == LINK_ROLE_DOOR)
        return map_get(links->doors, (struct bytes){ dial->theirs, KEY_BYTES });
    const struct peer *peer = links_find_peer(links, dial->device);
    if (peer == NULL)
        return NULL;
    return peer->up != NULL ? peer->up : peer->dial;
}

static void enlist(struct link *link)
{
    struct links *links = link->links;
    const struct link_dial *dial = &link->dialling->dial;
    if (link->role == LINK_ROLE_DOOR)
        map_put(links->doors, (struct bytes){ dial->theirs, KEY_BYTES }, link);
    else
        links_find_peer(links, dial->device)->dial = link;
}

/* He is calling already, and we answered: that call goes first. */
static bool is_answered(const struct link *link)
{
    const struct peer *peer = links_find_peer(link->links, link->device);
    return link->role == LINK_ROLE_CONTACT && peer->answer != NULL;
}

enum fault links_dial(struct links *links, instant now, const struct link_dial *dial, link_id *out)
{
    const struct held *us = links_newest_contact(links);
    struct link *link = present(links, dial);
    *out = link == NULL ? 0 : link->id;
    if (link != NULL)
        return FAULT_BUSY;
    if (us == NULL || !dh_public_good(dial->theirs))
        return FAULT_GONE;
    if (dial->role == LINK_ROLE_CONTACT && links_peer(links, dial->device) == NULL)
        return FAULT_BUSY;
    link = link_create(links, LINK_CALLING, dial->role);
    if (link == NULL)
        return FAULT_BUSY;
    link->dialling = dialling_create(dial, now);
    if (dial->role == LINK_ROLE_CONTACT)
        memcpy(link->device, dial->device, KEY_BYTES);
    link->connection = call(link, now, us);
    if (link->connection == NULL || !write_flight(link, now)) {
        link_destroy(link);
        return FAULT_GONE;
    }
    enlist(link);
    link->known_above = true;
    *out = link->id;
    if (is_answered(link))
        dial_pause(link);
    else
        dial_send_flight(link);
    link_refresh(link, now);
    return FAULT_NONE;
}

void links_dial_also(struct links *links, instant now, link_id id, const struct address *at,
                     size_t count)
{
    struct link *link = link_find(links, id);
    (void)now;
    if (link != NULL && link->phase == LINK_OPEN)
        roam_seek(link, at, count);
    if (link == NULL || link->phase != LINK_CALLING)
        return;
    for (size_t i = 0; i < count; i++)
        if (add_address(&link->dialling->dial, &at[i]) && !link->dialling->heard)
            send_to(link, &at[i]);
}

/* --- going on ------------------------------------------------------------------------------- */

instant dial_due(const struct link *link)
{
    const struct dialling *dialling = link->dialling;
    instant due = dialling->patience_ends;
    if (dialling->heard)
        due = earlier(due, connection_expiry(link->connection));
    if (!dialling->paused)
        due = earlier(due, dialling->next_send);
    if (dialling->waiting != NULL)
        due = earlier(due, dialling->waiting->since + YIELD_AFTER);
    return due;
}

static void repeat(struct link *link, instant now)
{
    struct dialling *dialling = link->dialling;
    while (dialling->next_send <= now) {
        dialling->interval *= 2;
        dialling->next_send = dialling->started + dialling->interval;
    }
    dial_send_flight(link);
}

/* Our own call got nowhere: let his through. */
static void yield(struct link *link, instant now)
{
    struct waiting *waiting = link->dialling->waiting;
    link->dialling->waiting = NULL;
    if (!link->dialling->heard)
        guests_insist(link->links, now, &waiting->from, &waiting->flight);
    mem_free(waiting);
}

void dial_advance(struct link *link, instant now)
{
    struct dialling *dialling = link->dialling;
    if (now >= dialling->patience_ends) {
        link_end(link, LINK_NO_ANSWER, dialling->heard);
        return;
    }
    if (dialling->waiting != NULL && now >= dialling->waiting->since + YIELD_AFTER)
        yield(link, now);
    if (dialling->heard) {
        connection_expire(link->connection, now);
        out_want(link);
    }
    if (!dialling->paused && now >= dialling->next_send)
        repeat(link, now);
    link_refresh(link, now);
}

/* --- both at once --------------------------------------------------------------------------- */

bool dial_wins(struct link *link, instant now, const struct address *from,
               const struct flight *flight, const uint8_t ours[KEY_BYTES])
{
    struct dialling *dialling = link->dialling;
    if (memcmp(ours, link->device, KEY_BYTES) > 0)
        return false;
    if (dialling->waiting == NULL && !dialling->heard) {
        dialling->waiting = mem_zeroed(1, sizeof *dialling->waiting);
        dialling->waiting->flight = *flight;
        dialling->waiting->from = *from;
        dialling->waiting->since = now;
        link_refresh(link, now);
    }
    return true;
}

void dial_pause(struct link *link)
{
    link->dialling->paused = true;
}

void dial_resume(struct link *link, instant now)
{
    if (!link->dialling->paused)
        return;
    link->dialling->paused = false;
    if (!link->dialling->heard)
        repeat(link, now);
    link_refresh(link, now);
}

void dial_finish(struct link *link)
{
    if (link->dialling == NULL || (link->role == LINK_ROLE_DOOR && link->phase == LINK_OPEN))
        return; /* a door's record is still to be compared with whom we called */
    mem_free(link->dialling->waiting);
    mem_free(link->dialling);
    link->dialling = NULL;
}
