/* A link whose ends move, whichever of the two it is.

   Kick: the path is taken as new: validated, measured and sized again. It follows a packet that
   proves the peer is elsewhere now, a change of our own network, an announce, or data that stays
   unacknowledged too long (a path that suddenly carries less looks like that). Announce: a small
   packet that tells the peer to look where it came from. */
#include "engine/link/inside.h"

#define KICK_EVERY     (1500 * MILLISECOND) /* each uses up one of the peer's spare ids */
#define STALL_LEAST    (1500 * MILLISECOND)
#define STALL_MOST     (30 * SECOND) /* an outage must not cost an announce a second */
#define STALL_TIMEOUTS 3

static void kick(struct link *link, instant now)
{
    link->kick_wanted = !connection_kick(link->connection, now); /* without spare ids: later */
    link->kicked_at = now;
}

static void want_kick(struct link *link, instant now)
{
    if (now >= link->kicked_at + KICK_EVERY)
        kick(link, now);
    else
        link->kick_wanted = true;
}

static void announce_at(struct link *link, const struct address *where)
{
    uint8_t packet[WIRE_ANNOUNCE_BYTES];
    connection_write_announce(link->connection, packet);
    out_loose(link->links, where, BYTES_OF(packet));
}

static void announce(struct link *link)
{
    announce_at(link, &link->address);
}

static bool take_address(struct link *link, const struct address *from)
{
    if (address_equal(&link->address, from))
        return false;
    link->address = *from;
    if (link->phase != LINK_OPEN)
        return false; /* the handshake finds out where the peer is */
    link->moves++;
    if (link->known_above) {
        link->news.moved = true;
        events_want(link);
    }
    return true;
}

void roam_heard_from(struct link *link, instant now, const struct address *from)
{
    if (take_address(link, from))
        want_kick(link, now);
}

void roam_announced(struct link *link, instant now, const struct address *from)
{
    take_address(link, from);
    want_kick(link, now);
}

void roam_moved(struct link *link, instant now)
{
    if (link->phase == LINK_CALLING && !link->dialling->heard && !link->dialling->paused)
        dial_send_flight(link);
    if (link->phase != LINK_OPEN)
        return;
    kick(link, now);
    announce(link);
    out_want(link);
    link_refresh(link, now);
}

void roam_seek(struct link *link, const struct address *at, size_t count)
{
    for (size_t i = 0; i < count && i < LINK_CANDIDATES; i++)
        announce_at(link, &at[i]);
}

/* --- the watchdog --------------------------------------------------------------------------- */

static duration patience(const struct connection_figures *figures)
{
    duration timeouts = STALL_TIMEOUTS * figures->probe_timeout;
    return timeouts > STALL_LEAST ? timeouts : STALL_LEAST;
}

static void watch(struct link *link, instant now)
{
    struct connection_figures figures;
    connection_look(link->connection, &figures);
    if (!figures.waiting) {
        link->watched_since = NEVER;
    } else if (link->watched_since == NEVER || figures.acknowledged != link->watched_acknowledged) {
        link->watched_since = now;
        link->watched_acknowledged = figures.acknowledged;
        link->watch_for = patience(&figures);
    }
}

instant roam_due(struct link *link, instant now)
{
    watch(link, now);
    instant due = link->watched_since == NEVER ? NEVER : link->watched_since + link->watch_for;
    return link->kick_wanted ? earlier(due, link->kicked_at + KICK_EVERY) : due;
}

void roam_advance(struct link *link, instant now)
{
    if (link->phase != LINK_OPEN || connection_phase(link->connection) != CONNECTION_OPEN)
        return;
    if (link->kick_wanted && now >= link->kicked_at + KICK_EVERY)
        kick(link, now);
    if (link->watched_since == NEVER || now < link->watched_since + link->watch_for)
        return;
    link->watched_since = now;
    link->watch_for = link->watch_for * 2 < STALL_MOST ? link->watch_for * 2 : STALL_MOST;
    connection_narrow(link->connection);
    kick(link, now);
    announce(link);
}
