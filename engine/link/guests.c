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

static size_t place_of(const struct links *links, const struct address *from)
{
    /* A household has a /64 of IPv6, or one IPv4 address. */
    size_t size = address_is_ipv4(from) ? 16 : 8;
    return hash_short(links->source_key, (struct bytes){ from->ip, size }) % SOURCE_BUDGETS;
}

static bool affordable(struct links *links, enum link_role role, instant now,
                       const struct address *from)
{
    return budget_take(&links->calls[role].from[place_of(links, from)], now,
                       SOURCE_CALLS_PER_SECOND, SOURCE_CALLS_AT_ONCE) &&
           budget_take(&links->calls[role].all, now, CALLS_PER_SECOND, CALLS_AT_ONCE);
}

static const struct held *called_key(const struct links *links, struct bytes first_id)
{
    for (size_t i = links->held_count; i > 0; i--)
        if (wire_first_id_good(first_id, links->held[i - 1].first_key))
            return &links->held[i - 1];
    return NULL;
}

/* Opens the Initial packets of the flight: all must be of one call. */
static bool collect(const struct held *held, const struct flight *flight, struct bytes first_id,
                    struct first_message *message)
{
    struct packet_keys call, answer;
    struct bytes id;
    bool good = true;
    keys_initial(&call, &answer, held->pair.public, first_id);
    for (size_t i = 0; i < flight->count && good; i++) {
        struct bytes datagram = { flight->bytes[i], flight->sizes[i] };
        good = wire_look(datagram, &id) == WIRE_INITIAL && bytes_equal(id, first_id) &&
               keys_open_initial(message, datagram, &call) == FAULT_NONE;
    }
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
        return guest->account != NULL && guest->hello.stamp > guest->account->newest;
    }
    guest->peer = links_find_peer(links, who->device);
    return guest->peer != NULL && guest->peer->admitted && guest->hello.stamp > guest->peer->newest;
}

static bool read_message(struct links *links, struct guest *guest, struct bytes message)
{
    struct handshake_setup side = { .caller = false,
                                    .role = guest->held->role,
                                    .ours = &guest->held->pair };
    memcpy(side.first_id, guest->first_id, sizeof side.first_id);
    memcpy(side.certificate_hash, guest->held->hash, sizeof side.certificate_hash);
    guest->handshake = handshake_create(&side, links->rng);
    return handshake_read_hello(guest->handshake, message, guest->memory, &guest->hello,
                                &guest->certificate) == FAULT_NONE &&
           expected(links, guest);
}

/* --- answering ------------------------------------------------------------------------------ */

static bool begin_connection(struct link *link, instant now, struct guest *guest,
                             const struct flight *flight)
{
    struct connection_setup setup;
    struct wire_long packet;
    struct bytes first = { flight->bytes[0], flight->sizes[0] };
    link_fill_setup(link, &setup);
    memcpy(setup.responder, guest->held->pair.public, KEY_BYTES);
    memcpy(setup.first_id, guest->first_id, sizeof setup.first_id);
    bool read = wire_read_long(first, WIRE_VERSION, &packet);
    assert(read); /* it was opened already */
    struct handshake *handshake = guest->handshake;
    guest->handshake = NULL;
    link->connection =
        connection_answer(&setup, now, handshake, &guest->hello, guest->held->wire, packet.from);
    if (link->connection == NULL)
        return false;
    for (size_t i = 0; i < flight->count && connection_phase(link->connection) != CONNECTION_OVER;
         i++)
        connection_read(link->connection, now,
                        (struct bytes){ flight->bytes[i], flight->sizes[i] });
    return connection_phase(link->connection) != CONNECTION_OVER;
}

static void say_flight(struct link *link, const struct address *to)
{
    const struct flight *flight = &link->answering->ours;
    for (size_t i = 0; i < flight->count; i++)
        out_loose(link->links, to, (struct bytes){ flight->bytes[i], flight->sizes[i] });
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

void guests_hear(struct links *links, instant now, const struct address *from,
                 const struct flight *flight, bool insist)
{
    struct guest guest = { 0 };
    struct first_message message = { 0 };
    struct bytes id, noise;
    if (wire_look((struct bytes){ flight->bytes[0], flight->sizes[0] }, &id) != WIRE_INITIAL ||
        (guest.held = called_key(links, id)) == NULL ||
        !collect(guest.held, flight, id, &message) || !first_message_whole(&message, &noise) ||
        !affordable(links, guest.held->role, now, from))
        return;
    memcpy(guest.first_id, id.data, sizeof guest.first_id);
    if (read_message(links, &guest, noise))
        admit(links, now, from, &guest, flight, insist);
    handshake_destroy(guest.handshake);
    wipe(&guest, sizeof guest);
}

/* --- the same flight again ------------------------------------------------------------------ */

static bool is_theirs(const struct answering *answering, struct bytes datagram)
{
    for (size_t i = 0; i < answering->theirs.count; i++)
        if (bytes_equal(datagram,
                        (struct bytes){ answering->theirs.bytes[i], answering->theirs.sizes[i] }))
            return true;
    return false;
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

bool guests_hear_again(struct link *link, instant now, const struct address *from,
                       struct bytes datagram)
{
    if (link->phase != LINK_ANSWERING || !is_theirs(link->answering, datagram))
        return false;
    if (now < link->answering->until && known_source(link->answering, from))
        say_flight(link, from);
    return true;
}

void guests_finish(struct link *link)
{
    mem_free(link->answering);
    link->answering = NULL;
}
