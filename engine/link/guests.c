/* Message 1 of whoever knocks. Everything is checked before anything is kept, and before a single
   byte is said: to whoever is not expected this address is silent. From cheap to dear: the proof in
   the connection id, the packet's seal, a budget, then the Noise message and who it names. */
#include "engine/link/inside.h"

#include "base/map.h"
#include "base/mem.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <string.h>

/* Agreements we are ready to compute for people who know our key: contacts, and holders of our
 * card. */
#define CALLS_PER_SECOND        1000
#define CALLS_AT_ONCE           1000
#define SOURCE_CALLS_PER_SECOND 50
#define SOURCE_CALLS_AT_ONCE    100

struct guest {
    const struct held *held;
    struct handshake *handshake;
    uint8_t first_id[WIRE_FIRST_ID_BYTES];
    uint8_t memory[HELLO_MAX_BYTES];
    struct hello hello;
    struct certificate certificate;
    struct peer *peer;       /* at our link key: his device */
    struct account *account; /* at our door */
};

static uint64_t source_of(const struct links *links, const struct address *from)
{
    /* A household has a /64 of IPv6, or one IPv4 address. */
    size_t size = address_is_ipv4(from) ? 16 : 8;
    return hash_short(links->source_key, (struct bytes){ from->ip, size });
}

static bool affordable(struct links *links, enum link_role role, instant now,
                       const struct address *from)
{
    size_t place = source_of(links, from) % SOURCE_BUDGETS;
    return budget_take(&links->calls[role].from[place], now, SOURCE_CALLS_PER_SECOND,
                       SOURCE_CALLS_AT_ONCE) &&
           budget_take(&links->calls[role].all, now, CALLS_PER_SECOND, CALLS_AT_ONCE);
}

static const struct held *called_key(const struct links *links, struct bytes first_id)
{
    for (size_t i = links->held_count; i > 0; i--)
        if (wire_first_id_good(first_id, links->held[i - 1].first_key))
            return &links->held[i - 1];
    return NULL;
}

/* Opens the Initial packets of a flight: all of one call, made by somebody who knows our key. */
static bool collect(const struct held *held, const struct flight *flight, struct bytes first_id,
                    struct first_message *message)
{
    struct packet_keys call, answer;
    bool good = true;
    keys_initial(&call, &answer, held->pair.public, first_id);
    for (size_t i = 0; i < flight->count && good; i++)
        good = keys_open_initial(message, flight_datagram(flight, i), &call) == FAULT_NONE;
    return good;
}

static bool expected(struct links *links, struct guest *guest)
{
    const struct certificate *who = &guest->certificate;
    const struct held *us = links_newest_contact(links);
    if (us == NULL || memcmp(us->certificate.device, who->device, KEY_BYTES) == 0)
        return false; /* nobody calls himself */
    if (guest->held->role == LINK_ROLE_DOOR) {
        guest->account = map_get(links->accounts, (struct bytes){ who->account, KEY_BYTES });
        return links->record.size > 0 && guest->account != NULL &&
               guest->hello.stamp > guest->account->newest;
    }
    guest->peer = links_find_peer(links, who->device);
    return guest->peer != NULL && guest->peer->admitted && guest->hello.stamp > guest->peer->newest;
}

/* Exactly the one he named, or none: to try others would tell him which we hold. */
static const struct link_psk *named_psk(const struct guest *guest)
{
    const struct peer *peer = guest->peer; /* none at a door, and no psk */
    for (size_t i = 0; peer != NULL && i < peer->psk_count; i++)
        if (memcmp(peer->psks[i].id, guest->hello.psk_id, PSK_ID_BYTES) == 0)
            return &peer->psks[i];
    return NULL;
}

static bool read_message(struct links *links, struct guest *guest, struct bytes message)
{
    struct handshake_setup side = { .caller = false,
                                    .role = guest->held->role,
                                    .ours = &guest->held->pair };
    memcpy(side.first_id, guest->first_id, sizeof side.first_id);
    memcpy(side.certificate_hash, guest->held->hash, sizeof side.certificate_hash);
    guest->handshake = handshake_create(&side, links->rng);
    if (handshake_read_hello(guest->handshake, message, guest->memory, &guest->hello,
                             &guest->certificate) != FAULT_NONE ||
        !expected(links, guest))
        return false;
    handshake_choose_psk(guest->handshake, named_psk(guest));
    return true;
}

/* --- answering ------------------------------------------------------------------------------ */

static bool begin_connection(struct link *link, instant now, struct guest *guest,
                             const struct flight *flight)
{
    struct connection_setup setup;
    struct wire_long packet;
    link_fill_setup(link, &setup);
    memcpy(setup.responder, guest->held->pair.public, KEY_BYTES);
    memcpy(setup.first_id, guest->first_id, sizeof setup.first_id);
    bool read = wire_read_long(flight_datagram(flight, 0), WIRE_VERSION, &packet);
    assert(read); /* it was opened already */
    struct handshake *handshake = guest->handshake;
    guest->handshake = NULL;
    link->connection =
        connection_answer(&setup, now, handshake, &guest->hello, guest->held->wire, packet.from);
    if (link->connection == NULL)
        return false;
    for (size_t i = 0; i < flight->count && connection_phase(link->connection) != CONNECTION_OVER;
         i++)
        connection_read(link->connection, now, flight_datagram(flight, i));
    return connection_phase(link->connection) != CONNECTION_OVER;
}

static void say_flight(struct link *link, const struct address *to)
{
    const struct flight *flight = &link->answering->ours;
    for (size_t i = 0; i < flight->count; i++)
        out_loose(link->links, to, flight_datagram(flight, i));
}

static bool write_flight(struct link *link, instant now)
{
    uint8_t *out = link->links->out;
    for (size_t size; link->answering->ours.count < FLIGHT_MAX_DATAGRAMS &&
                      (size = connection_write(link->connection, now, out)) > 0;)
        if (!flight_add(&link->answering->ours, (struct bytes){ out, size }))
            return false;
    connection_burst_end(link->connection, now);
    return link->answering->ours.count > 0;
}

static void answer(struct links *links, instant now, const struct address *from,
                   struct guest *guest, const struct flight *flight)
{
    struct link *link = link_create(links, LINK_ANSWERING, guest->held->role);
    if (link == NULL)
        return;
    link->certificate = guest->certificate;
    memcpy(link->certificate_wire, guest->hello.certificate, CERTIFICATE_BYTES);
    memcpy(link->device, guest->certificate.device, KEY_BYTES);
    link->stamp = guest->hello.stamp;
    link->instance = guest->hello.instance;
    link->address = *from;
    link->answering = mem_zeroed(1, sizeof *link->answering);
    link->answering->theirs = *flight;
    link->answering->sources[link->answering->source_count++] = *from;
    link->answering->until = now + FIRST_FLIGHT_FOR;
    if (!begin_connection(link, now, guest, flight) || !write_flight(link, now)) {
        link_destroy(link);
        return;
    }
    if (guest->peer != NULL)
        guest->peer->answer = link;
    else
        guest->account->visit = link;
    say_flight(link, from);
    out_want(link);
    link_refresh(link, now);
}

/* A device that calls again gave up its last call, and an account its last visit. */
static void admit(struct links *links, instant now, const struct address *from, struct guest *guest,
                  const struct flight *flight, bool insist)
{
    struct peer *peer = guest->peer;
    if (peer != NULL && peer->dial != NULL && !insist) {
        if (dial_wins(peer->dial, now, from, flight,
                      links_newest_contact(links)->certificate.device)) {
            peer->dial->dialling->declined =
                later(peer->dial->dialling->declined, guest->hello.stamp);
            return;
        }
        dial_pause(peer->dial);
    }
    if (peer != NULL && peer->answer != NULL)
        link_end(peer->answer, LINK_REPLACED, false);
    if (peer == NULL && guest->account->visit != NULL)
        link_end(guest->account->visit, LINK_REPLACED, false);
    if (links->half_open == HALF_OPEN_MAX)
        return;
    if (peer != NULL)
        peer->newest = guest->hello.stamp;
    else
        guest->account->newest = guest->hello.stamp;
    answer(links, now, from, guest, flight);
    if (peer != NULL && peer->dial != NULL && peer->answer == NULL)
        dial_resume(peer->dial, now);
}

/* A flight that is whole: now it costs us an agreement to know more. */
static void judge(struct links *links, instant now, const struct address *from,
                  const struct held *held, const struct flight *flight, struct bytes first_id,
                  struct bytes noise, bool insist)
{
    struct guest guest = { .held = held };
    if (!affordable(links, held->role, now, from))
        return;
    memcpy(guest.first_id, first_id.data, sizeof guest.first_id);
    if (read_message(links, &guest, noise))
        admit(links, now, from, &guest, flight, insist);
    handshake_destroy(guest.handshake);
    wipe(&guest, sizeof guest);
}

void guests_insist(struct links *links, instant now, const struct address *from,
                   const struct flight *flight)
{
    struct first_message message = { 0 };
    struct bytes id, noise;
    wire_look(flight_datagram(flight, 0), &id);
    const struct held *held = called_key(links, id); /* it may have been forgotten meanwhile */
    if (held != NULL && collect(held, flight, id, &message) &&
        first_message_whole(&message, &noise))
        judge(links, now, from, held, flight, id, noise, true);
}

/* --- halves --------------------------------------------------------------------------------- */

/* The other half may have come before, from this address or from another of the caller's: it is
   known by the first id. The half with the first byte goes first, as the library wants it. */
static bool complete(struct stash *stash, instant now, const struct held *held,
                     struct bytes first_id, struct bytes datagram, struct flight *flight,
                     struct first_message *message, struct bytes *noise)
{
    bool begun = message->begun;
    size_t at = 0;
    for (struct bytes other; stash_next(stash, now, first_id, &at, &other);) {
        *flight = (struct flight){ 0 };
        *message = (struct first_message){ 0 };
        flight_add(flight, begun ? datagram : other);
        flight_add(flight, begun ? other : datagram);
        if (collect(held, flight, first_id, message) && first_message_whole(message, noise))
            return true;
    }
    return false;
}

void guests_hear(struct links *links, instant now, const struct address *from,
                 struct bytes datagram)
{
    struct first_message message = { 0 };
    struct flight flight = { 0 };
    struct bytes id, noise;
    wire_look(datagram, &id);
    const struct held *held = called_key(links, id);
    flight_add(&flight, datagram);
    if (held == NULL || !collect(held, &flight, id, &message) || message.filled == 0)
        return;
    struct stash *stash = &links->stash[held->role];
    bool whole = first_message_whole(&message, &noise) ||
                 complete(stash, now, held, id, datagram, &flight, &message, &noise);
    if (!whole) {
        stash_keep(stash, now, source_of(links, from), id, datagram);
        return;
    }
    stash_drop(stash, id);
    judge(links, now, from, held, &flight, id, noise, false);
}

/* --- the same flight again ------------------------------------------------------------------ */

/* Which datagram of theirs it is, or their count. */
static size_t place_in(const struct flight *theirs, struct bytes datagram)
{
    size_t i = 0;
    while (i < theirs->count && !bytes_equal(datagram, flight_datagram(theirs, i)))
        i++;
    return i;
}

static bool known_source(struct answering *answering, const struct address *from)
{
    for (size_t i = 0; i < answering->source_count; i++)
        if (address_equal(&answering->sources[i], from))
            return true;
    if (answering->source_count == SOURCES_MAX)
        return false;
    answering->sources[answering->source_count++] = *from;
    return true;
}

/* One for one, so that whoever repeats it is sent no more than he sent; the last of theirs also
   brings what we had to say beyond that. */
static void say_again(struct link *link, const struct address *to, size_t place)
{
    const struct flight *ours = &link->answering->ours;
    size_t end = place + 1 < link->answering->theirs.count ? place + 1 : ours->count;
    for (size_t i = place; i < end && i < ours->count; i++)
        out_loose(link->links, to, flight_datagram(ours, i));
}

bool guests_hear_again(struct link *link, instant now, const struct address *from,
                       struct bytes datagram)
{
    if (link->phase != LINK_ANSWERING)
        return false;
    size_t place = place_in(&link->answering->theirs, datagram);
    if (place == link->answering->theirs.count)
        return false;
    if (now < link->answering->until && known_source(link->answering, from))
        say_again(link, from, place);
    return true;
}

void guests_finish(struct link *link)
{
    mem_free(link->answering);
    link->answering = NULL;
}
