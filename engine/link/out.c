/* What leaves. A run is as many datagrams of one size to one address as one system call can take.
 */
#include "engine/link/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

struct loose {
    struct list item; /* first: links_destroy frees by it */
    struct address to;
    size_t size;
    uint8_t bytes[];
};

void out_want(struct link *link)
{
    bool quiet = link->dialling != NULL && (!link->dialling->heard || link->dialling->paused);
    if (link->phase == LINK_ENDED || (link->phase == LINK_CALLING && quiet))
        return;
    list_remove(&link->writing);
    list_append(&link->links->writing, &link->writing);
}

void out_loose(struct links *links, const struct address *to, struct bytes datagram)
{
    if (datagram.size == 0 || links->loose_count == LOOSE_MAX)
        return; /* all of these are repeated, or were a courtesy */
    struct loose *loose = mem_resized(NULL, 1, sizeof *loose + datagram.size);
    loose->to = *to;
    loose->size = datagram.size;
    memcpy(loose->bytes, datagram.data, datagram.size);
    list_append(&links->loose, &loose->item);
    links->loose_count++;
}

static bool next_loose(struct links *links, struct link_batch *out)
{
    if (list_empty(&links->loose))
        return false;
    struct loose *loose = LIST_ITEM(links->loose.next, struct loose, item);
    memcpy(links->out, loose->bytes, loose->size);
    *out = (struct link_batch){ .to = loose->to,
                                .bytes = { links->out, loose->size },
                                .segment = loose->size };
    list_remove(&loose->item);
    links->loose_count--;
    mem_free(loose);
    return true;
}

static bool say_farewell(struct link *link, instant now, struct link_batch *out)
{
    struct links *links = link->links;
    size_t size = 0;
    if (link->address.port != 0)
        size = connection_write_close(link->connection, now, link->replaced, links->out, OUT_BYTES);
    *out =
        (struct link_batch){ .to = link->address, .bytes = { links->out, size }, .segment = size };
    list_remove(&link->writing);
    link->farewell = false;
    link_destroy_if_done(link);
    return size > 0;
}

/* --- runs ----------------------------------------------------------------------------------- */

struct run {
    size_t size, count, segment;
    bool ended; /* the link has nothing more to say now */
};

static void add(struct run *run, size_t size)
{
    if (run->count == 0)
        run->segment = size;
    run->size += size;
    run->count++;
}

/* What the last run had no place for begins this one. */
static void take_carried(struct links *links, struct link *link, struct run *run)
{
    if (links->carried.size == 0 || links->carried.link != link->id)
        return;
    memcpy(links->out, links->carried.bytes, links->carried.size);
    add(run, links->carried.size);
    links->carried.size = 0;
}

static bool fits(const struct run *run, size_t size)
{
    return run->count == 0 || (size <= run->segment && run->size + size <= OUT_BYTES);
}

static void fill(struct link *link, instant now, struct run *run)
{
    struct links *links = link->links;
    size_t most = connection_datagram_most(link->connection);
    size_t burst = connection_burst(link->connection);
    while (run->count < OUT_SEGMENTS && run->size < burst && run->size + most <= 2 * OUT_BYTES) {
        size_t at = run->size, size = connection_write(link->connection, now, links->out + at);
        if (size == 0) {
            run->ended = true;
            return;
        }
        if (!fits(run, size)) {
            links->carried.link = link->id;
            links->carried.size = size;
            memcpy(links->carried.bytes, links->out + at, size);
            return;
        }
        add(run, size);
        if (size < run->segment)
            return;
    }
    /* A whole burst: the library's pacing says when the next may leave. */
    run->ended = run->size >= burst;
}

static bool next_run(struct link *link, instant now, struct link_batch *out)
{
    struct links *links = link->links;
    struct run run = { 0 };
    take_carried(links, link, &run);
    fill(link, now, &run);
    if (run.ended) {
        list_remove(&link->writing);
        connection_burst_end(link->connection, now);
    }
    *out = (struct link_batch){ .to = link->address,
                                .bytes = { links->out, run.size },
                                .segment = run.segment };
    if (run.ended)
        link_refresh(link, now);
    return run.size > 0;
}

/* The link whose datagram was carried may have ended since; then the datagram is not missed. */
static struct link *next_link(struct links *links)
{
    struct link *carrier = links->carried.size > 0 ? link_find(links, links->carried.link) : NULL;
    if (carrier != NULL && carrier->phase != LINK_ENDED)
        return carrier;
    links->carried.size = 0;
    return list_empty(&links->writing) ? NULL
                                       : LIST_ITEM(links->writing.next, struct link, writing);
}

bool links_next_batch(struct links *links, instant now, struct link_batch *out)
{
    struct link *link;
    while ((link = next_link(links)) != NULL) {
        if (links->carried.size == 0 && next_loose(links, out))
            return true;
        if (link->phase == LINK_ENDED ? say_farewell(link, now, out) : next_run(link, now, out))
            return true;
    }
    return next_loose(links, out);
}
