/* What is told. Links with something to tell take turns, one event each. */
#include "engine/link/inside.h"

#include <string.h>

void events_want(struct link *link)
{
    if (list_empty(&link->ready))
        list_append(&link->links->ready, &link->ready);
}

/* The view handed out last is no longer looked at: its bytes go, and the peer may send as many
 * more. */
static void give_back(struct links *links)
{
    struct link *link = links->pulled.link == 0 ? NULL : link_find(links, links->pulled.link);
    links->pulled.link = 0;
    if (link == NULL)
        return;
    connection_consume(link->connection, links->pulled.kind, links->pulled.size);
    if (link->phase != LINK_OPEN)
        return;
    out_want(link);
    if (connection_phase(link->connection) == CONNECTION_OVER)
        link_end(link, LINK_BROKEN, true);
}

static void fill(struct link *link, enum link_event_kind kind, struct link_event *out)
{
    out->kind = kind;
    out->link = link->id;
    out->reason = link->reason;
    out->we_called = link->we_called;
    out->address = link->address;
    out->stamp = link->we_called ? 0 : link->stamp;
    out->own_stamp = link->we_called ? link->stamp : 0;
}

static void fill_who(struct link *link, struct link_event *out)
{
    out->certificate = link->certificate;
    memcpy(out->certificate_wire, link->certificate_wire, CERTIFICATE_BYTES);
}

static bool tell(struct link *link, bool *flag, enum link_event_kind kind, struct link_event *out)
{
    if (!*flag)
        return false;
    *flag = false;
    fill(link, kind, out);
    if (kind == LINK_UP || kind == LINK_RECORD || kind == LINK_VISITOR)
        fill_who(link, out);
    if (kind == LINK_UP)
        out->stamp = links_find_peer(link->links, link->device)->newest;
    if (kind == LINK_UP)
        out->trusted = connection_trusted(link->connection);
    if (kind == LINK_RECORD)
        out->data = (struct bytes){ link->record.bytes, link->record.size };
    return true;
}

static bool tell_data(struct link *link, struct link_event *out)
{
    struct links *links = link->links;
    struct connection *connection = link->connection;
    if (link->deaf || link->role == LINK_ROLE_DOOR)
        return false;
    if (connection_thrown(connection, &out->data)) {
        fill(link, LINK_THROWN, out);
        links->pulled.kind = CONNECTION_THROWN;
    } else if (connection_frame(connection, links->scratch, &out->data)) {
        fill(link, LINK_FRAME, out);
        links->pulled.kind = CONNECTION_FRAME;
    } else if (connection_raw(connection, &out->data)) {
        fill(link, LINK_RAW, out);
        links->pulled.kind = CONNECTION_RAW;
    } else {
        return false;
    }
    links->pulled.link = link->id;
    links->pulled.size = out->data.size;
    return true;
}

static bool tell_next(struct link *link, struct link_event *out)
{
    struct news *news = &link->news;
    return tell(link, &news->up, LINK_UP, out) || tell(link, &news->visitor, LINK_VISITOR, out) ||
           tell(link, &news->record, LINK_RECORD, out) ||
           tell(link, &news->moved, LINK_MOVED, out) || tell_data(link, out) ||
           tell(link, &news->writable, LINK_WRITABLE, out) ||
           tell(link, &news->down, LINK_DOWN, out);
}

bool links_next_event(struct links *links, struct link_event *out)
{
    give_back(links);
    while (!list_empty(&links->ready)) {
        struct link *link = LIST_ITEM(links->ready.next, struct link, ready);
        memset(out, 0, sizeof *out);
        bool told = tell_next(link, out);
        bool ended = link->phase == LINK_ENDED;
        if (!told || !ended)
            list_remove(&link->ready);
        if (told && !ended)
            list_append(&links->ready, &link->ready);
        if (told && ended && !link_has_news(link)) {
            list_remove(&link->ready);
            link_destroy_if_done(link);
        }
        if (told)
            return true;
    }
    return false;
}
