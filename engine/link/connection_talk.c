/* What is said over a connection, and the packets it goes out in. */
#include "engine/link/connection_inside.h"

#include <assert.h>
#include <string.h>

#define KEY_LIVES      HOUR
#define VIEWS          8 /* pieces of a queue that one packet may take */
#define THROW_OVERHEAD (1 + WIRE_ID_BYTES + 4 + AEAD_TAG_BYTES + 3)

/* --- saying --------------------------------------------------------------------------------- */

static struct outlet *outlet_for(struct connection *connection, enum link_stream kind)
{
    struct outlet *outlet = &connection->outlets[stream_row(kind)];
    int64_t id;
    if (outlet->opened)
        return outlet;
    if (ngtcp2_conn_open_uni_stream(connection->quic, &id, NULL) != 0)
        return NULL; /* a peer that grants no streams is not one of ours */
    outlet_open(outlet, kind, id);
    return outlet;
}

enum fault connection_send(struct connection *connection, struct bytes frame)
{
    if (connection->phase != CONNECTION_OPEN)
        return FAULT_GONE;
    if (frame.size > LINK_FRAME_MAX_BYTES)
        return FAULT_BUSY; /* nor will it ever fit: a stated limit */
    struct outlet *outlet = outlet_for(connection, LINK_STREAM_FRAMES);
    return outlet == NULL ? FAULT_GONE : outlet_put_frame(outlet, frame);
}

size_t connection_put(struct connection *connection, struct bytes data)
{
    struct outlet *outlet = outlet_for(connection, LINK_STREAM_RAW);
    return outlet == NULL || outlet->ended ? 0 : outlet_put(outlet, data);
}

void connection_put_end(struct connection *connection)
{
    struct outlet *outlet = outlet_for(connection, LINK_STREAM_RAW);
    if (outlet != NULL)
        outlet->ended = true;
}

static size_t throw_most(const struct connection *connection)
{
    return ngtcp2_conn_get_path_max_tx_udp_payload_size(connection->quic) - THROW_OVERHEAD;
}

enum fault connection_throw(struct connection *connection, struct bytes datagram)
{
    if (connection->phase != CONNECTION_OPEN)
        return FAULT_GONE;
    if (datagram.size == 0 || datagram.size > throw_most(connection))
        return FAULT_BUSY;
    return parcels_put(&connection->thrown_out, datagram) ? FAULT_NONE : FAULT_BUSY;
}

bool connection_has_room_news(struct connection *connection)
{
    bool news = connection->room_news;
    connection->room_news = false;
    return news;
}

/* --- packets -------------------------------------------------------------------------------- */

/* A datagram lost its chance if the path has shrunk since it was thrown. */
static bool next_thrown(struct connection *connection, struct bytes *out)
{
    while (parcels_first(&connection->thrown_out, out)) {
        if (out->size <= throw_most(connection))
            return true;
        parcels_drop(&connection->thrown_out);
    }
    return false;
}

static struct outlet *next_outlet(struct connection *connection)
{
    for (size_t i = 0; i < STREAM_KINDS; i++)
        if (outlet_has_work(&connection->outlets[i]))
            return &connection->outlets[i];
    return NULL;
}

static ngtcp2_ssize write_thrown(struct connection *connection, instant now, uint8_t *out,
                                 size_t room, struct bytes thrown)
{
    int taken = 0;
    ngtcp2_ssize size = ngtcp2_conn_write_datagram(connection->quic, NULL, NULL, out, room, &taken,
                                                   NGTCP2_WRITE_DATAGRAM_FLAG_NONE, 0, thrown.data,
                                                   thrown.size, now);
    if (taken)
        parcels_drop(&connection->thrown_out);
    return size;
}

/* Whoever steals a key reads an hour of talk at most. Refused while an earlier change is under way.
 */
static void change_key(struct connection *connection, instant now)
{
    if (now >= connection->keyed_at + KEY_LIVES && connection->confirmed &&
        ngtcp2_conn_initiate_key_update(connection->quic, now) == 0)
        connection->keyed_at = now;
}

static ngtcp2_ssize write_outlet(struct connection *connection, instant now, uint8_t *out,
                                 size_t room, struct outlet *outlet)
{
    change_key(connection, now);
    struct bytes views[VIEWS];
    ngtcp2_vec pieces[VIEWS];
    ngtcp2_ssize taken = -1;
    size_t total = 0, count = queue_unmarked(&outlet->queue, views, VIEWS);
    for (size_t i = 0; i < count; i++) {
        pieces[i] = (ngtcp2_vec){ (uint8_t *)views[i].data, views[i].size };
        total += views[i].size;
    }
    bool all = outlet->queue.marked + total == outlet->queue.size;
    uint32_t flags =
        outlet->ended && all ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE;
    ngtcp2_ssize size = ngtcp2_conn_writev_stream(connection->quic, NULL, NULL, out, room, &taken,
                                                  flags, outlet->id, pieces, count, now);
    if (taken >= 0)
        queue_mark(&outlet->queue, (size_t)taken);
    if (taken >= 0 && (size_t)taken == total && flags == NGTCP2_WRITE_STREAM_FLAG_FIN)
        outlet->end_sent = true;
    return size;
}

/* One try to write a packet; NGTCP2_ERR_WRITE_MORE: what was tried cannot go, try the next. */
static ngtcp2_ssize write_something(struct connection *connection, instant now, uint8_t *out,
                                    size_t room)
{
    struct bytes thrown;
    bool open = connection->phase == CONNECTION_OPEN;
    struct outlet *outlet = open ? next_outlet(connection) : NULL;
    if (open && next_thrown(connection, &thrown))
        return write_thrown(connection, now, out, room, thrown);
    if (outlet == NULL)
        return ngtcp2_conn_write_pkt(connection->quic, NULL, NULL, out, room, now);
    ngtcp2_ssize size = write_outlet(connection, now, out, room, outlet);
    if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
        outlet->blocked = true;
        return NGTCP2_ERR_WRITE_MORE;
    }
    return size;
}

void connection_narrow(struct connection *connection)
{
    connection->narrow = true;
}

/* The library moves to a new path, and forgets the size of the old one, only with a spare id of the
   peer's. Those may be in the very packets that no longer pass, so we do not wait for it. */
static size_t room_for(struct connection *connection)
{
    if (ngtcp2_conn_get_path_max_tx_udp_payload_size(connection->quic) <= WIRE_DATAGRAM_LEAST)
        connection->narrow = false;
    return connection->narrow ? WIRE_DATAGRAM_LEAST : connection_datagram_most(connection);
}

size_t connection_write(struct connection *connection, instant now, uint8_t *out)
{
    size_t room = room_for(connection);
    ngtcp2_ssize size;
    if (connection->phase == CONNECTION_OVER)
        return 0;
    do
        size = write_something(connection, now, out, room);
    while (size == NGTCP2_ERR_WRITE_MORE);
    if (size < 0) {
        connection_over(connection, CONNECTION_BROKEN);
        return 0;
    }
    if (connection->confirmed)
        connection_forget_opening(connection);
    bool exchanged = wire_exchange_version(out, (size_t)size, WIRE_VERSION_INSIDE, WIRE_VERSION);
    assert(exchanged);
    connection->sent_bytes += (size_t)size;
    return (size_t)size;
}

size_t connection_burst(const struct connection *connection)
{
    return ngtcp2_conn_get_send_quantum(connection->quic);
}

void connection_burst_end(struct connection *connection, instant now)
{
    if (connection->phase != CONNECTION_OVER)
        ngtcp2_conn_update_pkt_tx_time(connection->quic, now);
}

size_t connection_datagram_most(const struct connection *connection)
{
    return ngtcp2_conn_get_max_tx_udp_payload_size(connection->quic);
}

size_t connection_write_close(struct connection *connection, instant now, bool replaced,
                              uint8_t *out, size_t size)
{
    ngtcp2_ccerr why;
    ngtcp2_ccerr_default(&why);
    if (connection->phase == CONNECTION_OVER && connection->end != CONNECTION_BROKEN)
        return 0; /* they closed it, or nobody is there */
    if (connection->phase == CONNECTION_OVER)
        ngtcp2_ccerr_set_transport_error(&why, NGTCP2_PROTOCOL_VIOLATION, NULL, 0);
    else
        ngtcp2_ccerr_set_application_error(&why, replaced ? REPLACED_CODE : CLOSE_CODE, NULL, 0);
    ngtcp2_ssize written =
        ngtcp2_conn_write_connection_close(connection->quic, NULL, NULL, out, size, &why, now);
    if (written <= 0 ||
        !wire_exchange_version(out, (size_t)written, WIRE_VERSION_INSIDE, WIRE_VERSION))
        return 0;
    return (size_t)written;
}

/* --- hearing -------------------------------------------------------------------------------- */

static struct inlet *inlet_for(struct connection *connection, enum link_stream kind)
{
    for (size_t i = 0; i < STREAM_KINDS; i++)
        if (connection->inlets[i].kind == kind)
            return &connection->inlets[i];
    return NULL;
}

bool connection_frame(struct connection *connection, uint8_t *scratch, struct bytes *out)
{
    struct inlet *inlet = inlet_for(connection, LINK_STREAM_FRAMES);
    return inlet != NULL && inlet_frame(inlet, scratch, out);
}

bool connection_raw(struct connection *connection, struct bytes *out)
{
    struct inlet *inlet = inlet_for(connection, LINK_STREAM_RAW);
    if (inlet == NULL || !inlet_readable(inlet))
        return false;
    *out = queue_front(&inlet->queue, SIZE_MAX);
    return true;
}

bool connection_thrown(struct connection *connection, struct bytes *out)
{
    return parcels_first(&connection->thrown_in, out);
}

/* Reading is what lets the peer send more. */
static void give_credit(struct connection *connection, const struct inlet *inlet, size_t size)
{
    if (connection->phase == CONNECTION_OVER)
        return;
    ngtcp2_conn_extend_max_stream_offset(connection->quic, inlet->id, size);
    ngtcp2_conn_extend_max_offset(connection->quic, size);
}

static void consume_frame(struct connection *connection)
{
    struct inlet *inlet = inlet_for(connection, LINK_STREAM_FRAMES);
    assert(inlet != NULL);
    give_credit(connection, inlet, inlet_drop_frame(inlet));
    if (inlet_spoilt(inlet))
        connection_over(connection, CONNECTION_BROKEN);
}

static void consume_raw(struct connection *connection, size_t size)
{
    struct inlet *inlet = inlet_for(connection, LINK_STREAM_RAW);
    assert(inlet != NULL);
    queue_drop(&inlet->queue, size);
    give_credit(connection, inlet, size);
    if (size == 0)
        inlet->end_told = true;
}

void connection_consume(struct connection *connection, enum connection_read_kind kind, size_t size)
{
    switch (kind) {
    case CONNECTION_FRAME:
        consume_frame(connection);
        return;
    case CONNECTION_RAW:
        consume_raw(connection, size);
        return;
    case CONNECTION_THROWN:
        parcels_drop(&connection->thrown_in);
        return;
    }
}

bool connection_readable(const struct connection *connection)
{
    return connection->thrown_in.count > 0 || inlet_readable(&connection->inlets[0]) ||
           inlet_readable(&connection->inlets[1]);
}

/* --- looking -------------------------------------------------------------------------------- */

void connection_look(const struct connection *connection, struct connection_figures *out)
{
    ngtcp2_conn_info info;
    memset(out, 0, sizeof *out);
    ngtcp2_conn_get_conn_info(connection->quic, &info);
    out->rtt = info.latest_rtt == 0 ? 0 : info.smoothed_rtt;
    out->probe_timeout = ngtcp2_conn_get_pto(connection->quic);
    out->datagram_bytes = ngtcp2_conn_get_path_max_tx_udp_payload_size(connection->quic);
    out->sent_bytes = connection->sent_bytes;
    out->received_bytes = connection->received_bytes;
    out->acknowledged = connection->acknowledged;
    for (size_t i = 0; i < STREAM_KINDS; i++) {
        const struct outlet *outlet = &connection->outlets[i];
        /* Bytes it has not sent count too: the library was seen to believe its window full for
           ever. Not so when the peer's own limit holds us back: then it is he who waits. */
        out->waiting |= outlet->queue.marked > 0 || (outlet->queue.size > 0 && !outlet->blocked);
        if (outlet->opened)
            out->lost_packets += ngtcp2_conn_get_stream_loss_count(connection->quic, outlet->id);
    }
}
