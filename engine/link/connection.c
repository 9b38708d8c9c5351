#include "engine/link/connection_inside.h"

#include "base/mem.h"
#include "base/secret.h"

#include <assert.h>
#include <string.h>

#define INITIAL_RTT                                                                                \
    (100 * MILLISECOND) /* the library's third of a second makes first repairs slow */
#define ACK_DELAY       (8 * MILLISECOND)       /* waited for by the sender of a lone last packet */
#define KEEP_ALIVE      (25 * SECOND)           /* shorter than the 30 s of impatient NATs */
#define STREAM_WINDOW   ((uint64_t)1024 * 1024) /* bytes a peer may send ahead of our reading */
#define PEER_IDS        4                       /* each change of path uses one up */
#define LONG_COPY_BYTES 2048                    /* a datagram with long headers is never larger */

/* Ascending, beyond the 1,200 that every path carries: tunnels, PPPoE; then what settings ask for.
 */
static const uint16_t probe_sizes[] = { 1300, 1372, 1444, 4000, 8952, 16383, 32767, 65507 };

void connection_fill_path(const struct connection *connection, struct made_up_path *out)
{
    memset(out, 0, sizeof *out);
    out->local.sin_family = out->remote.sin_family = AF_INET;
    out->local.sin_port = out->remote.sin_port = 1;
    out->local.sin_addr.s_addr = connection->epoch;
    out->remote.sin_addr.s_addr = 1;
    out->path.local.addr = (ngtcp2_sockaddr *)&out->local;
    out->path.local.addrlen = sizeof out->local;
    out->path.remote.addr = (ngtcp2_sockaddr *)&out->remote;
    out->path.remote.addrlen = sizeof out->remote;
}

void connection_over(struct connection *connection, enum connection_end end)
{
    if (connection->phase == CONNECTION_OVER)
        return;
    connection->phase = CONNECTION_OVER;
    connection->end = end;
}

void connection_forget_opening(struct connection *connection)
{
    if (connection->opening == NULL)
        return;
    handshake_destroy(connection->opening->handshake);
    secret_free(connection->opening->secrets);
    wipe(connection->opening, sizeof *connection->opening);
    mem_free(connection->opening);
    connection->opening = NULL;
}

void connection_put_token(struct connection *connection, const uint8_t token[WIRE_TOKEN_BYTES])
{
    if (connection->token_count == PEER_TOKENS ||
        !directory_put_token(connection->setup.directory, connection->setup.owner, token))
        return; /* a reset by that token goes unheard: the idle timer is slower, and as sure */
    memcpy(connection->tokens[connection->token_count++], token, WIRE_TOKEN_BYTES);
}

void connection_remove_token(struct connection *connection, const uint8_t token[WIRE_TOKEN_BYTES])
{
    for (size_t i = 0; i < connection->token_count; i++)
        if (memcmp(connection->tokens[i], token, WIRE_TOKEN_BYTES) == 0) {
            directory_remove_token(connection->setup.directory, connection->setup.owner, token);
            memmove(connection->tokens[i], connection->tokens[--connection->token_count],
                    WIRE_TOKEN_BYTES);
            return;
        }
}

/* --- making one ----------------------------------------------------------------------------- */

static void fill_parameters(ngtcp2_transport_params *out, const struct connection *connection)
{
    ngtcp2_transport_params_default(out);
    out->initial_max_data = STREAM_KINDS * STREAM_WINDOW;
    out->initial_max_stream_data_uni = STREAM_WINDOW;
    out->initial_max_streams_uni = STREAM_KINDS;
    out->max_idle_timeout = CONNECTION_IDLE_FOR;
    out->max_ack_delay = ACK_DELAY;
    out->active_connection_id_limit = PEER_IDS;
    out->max_datagram_frame_size = UINT16_MAX;
    if (!connection->caller) {
        ngtcp2_cid_init(&out->original_dcid, connection->setup.first_id, WIRE_FIRST_ID_BYTES);
        out->original_dcid_present = 1;
    }
}

/* The form that travels in a Noise payload; the library adds our own id only later. */
static struct bytes write_parameters(uint8_t memory[PARAMETERS_MAX_BYTES],
                                     const ngtcp2_transport_params *parameters,
                                     const uint8_t own_id[WIRE_ID_BYTES])
{
    ngtcp2_transport_params full = *parameters;
    ngtcp2_cid_init(&full.initial_scid, own_id, WIRE_ID_BYTES);
    full.initial_scid_present = 1;
    ngtcp2_ssize size = ngtcp2_transport_params_encode(memory, PARAMETERS_MAX_BYTES, &full);
    assert(size > 0);
    return (struct bytes){ memory, (size_t)size };
}

static size_t probe_count(size_t most)
{
    size_t count = 0;
    while (count < COUNT(probe_sizes) && probe_sizes[count] <= most)
        count++;
    return count;
}

static void fill_settings(ngtcp2_settings *out, const struct connection *connection, instant now)
{
    size_t most = connection->setup.datagram_most;
    ngtcp2_settings_default(out);
    out->initial_ts = now;
    out->initial_rtt = INITIAL_RTT;
    out->cc_algo = connection->setup.bbr ? NGTCP2_CC_ALGO_BBR : NGTCP2_CC_ALGO_CUBIC;
    out->max_tx_udp_payload_size = most;
    out->pmtud_probes = probe_sizes;
    out->pmtud_probeslen = probe_count(most);
    out->handshake_timeout = CONNECTION_HANDSHAKE_FOR;
    out->rand_ctx.native_handle = connection->setup.rng;
}

static struct connection *begin(const struct connection_setup *setup, bool caller,
                                struct handshake *handshake)
{
    struct connection *connection = mem_zeroed(1, sizeof *connection);
    connection->setup = *setup;
    if (setup->datagram_most == 0)
        connection->setup.datagram_most = CONNECTION_DATAGRAM_MOST;
    assert(connection->setup.datagram_most >= WIRE_DATAGRAM_LEAST &&
           connection->setup.datagram_most <= LINK_DATAGRAM_MAX_BYTES);
    connection->caller = caller;
    connection->newest = -1;
    for (size_t i = 0; i < STREAM_KINDS; i++)
        connection->outlets[i].queue.pool = connection->inlets[i].queue.pool = setup->pool;
    connection->opening = mem_zeroed(1, sizeof *connection->opening);
    connection->opening->handshake = handshake;
    memcpy(connection->opening->responder, setup->responder, KEY_BYTES);
    memcpy(connection->opening->first_id, setup->first_id, WIRE_FIRST_ID_BYTES);
    return connection;
}

static void start(struct connection *connection, instant now,
                  const ngtcp2_transport_params *parameters, struct bytes peer_id,
                  const uint8_t own_id[WIRE_ID_BYTES])
{
    ngtcp2_settings settings;
    ngtcp2_cid peer, own;
    struct made_up_path path;
    fill_settings(&settings, connection, now);
    connection_fill_path(connection, &path);
    ngtcp2_cid_init(&peer, peer_id.data, peer_id.size);
    ngtcp2_cid_init(&own, own_id, WIRE_ID_BYTES);
    int failed = connection->caller
                     ? ngtcp2_conn_client_new(&connection->quic, &peer, &own, &path.path,
                                              NGTCP2_PROTO_VER_V1, &connection_callbacks, &settings,
                                              parameters, &connection_memory, connection)
                     : ngtcp2_conn_server_new(&connection->quic, &peer, &own, &path.path,
                                              NGTCP2_PROTO_VER_V1, &connection_callbacks, &settings,
                                              parameters, &connection_memory, connection);
    assert(failed == 0); /* memory never runs out, and the arguments are ours */
    connection->keyed_at = now;
    ngtcp2_conn_set_keep_alive_timeout(connection->quic, connection->setup.keep_alive != 0
                                                             ? connection->setup.keep_alive
                                                             : KEEP_ALIVE);
}

struct connection *connection_call(const struct connection_setup *setup, instant now,
                                   struct handshake *handshake, struct hello *hello,
                                   const struct sign_pair *device)
{
    struct connection *connection = begin(setup, true, handshake);
    struct opening *opening = connection->opening;
    uint8_t own_id[WIRE_ID_BYTES], memory[PARAMETERS_MAX_BYTES];
    struct cursor out = cursor_into(opening->said, sizeof opening->said);
    ngtcp2_transport_params parameters;
    directory_mint(setup->directory, setup->owner, own_id, hello->reset_token);
    fill_parameters(&parameters, connection);
    hello->instance = setup->instance;
    hello->parameters = write_parameters(memory, &parameters, own_id);
    bool written = handshake_write_hello(handshake, hello, device, &out) == FAULT_NONE;
    opening->said_size = cursor_written(&out).size;
    start(connection, now, &parameters, BYTES_OF(setup->first_id), own_id);
    if (written)
        return connection;
    connection_destroy(connection); /* their key is one of those that agree on nothing */
    return NULL;
}

struct connection *connection_answer(const struct connection_setup *setup, instant now,
                                     struct handshake *handshake, const struct hello *hello,
                                     const uint8_t certificate[CERTIFICATE_BYTES],
                                     struct bytes caller_id)
{
    struct connection *connection = begin(setup, false, handshake);
    struct opening *opening = connection->opening;
    uint8_t own_id[WIRE_ID_BYTES], memory[PARAMETERS_MAX_BYTES];
    struct cursor out = cursor_into(opening->said, sizeof opening->said);
    ngtcp2_transport_params parameters;
    struct reply reply;
    directory_mint(setup->directory, setup->owner, own_id, reply.reset_token);
    directory_put(setup->directory, setup->owner, BYTES_OF(setup->first_id));
    fill_parameters(&parameters, connection);
    reply.instance = setup->instance;
    reply.parameters = write_parameters(memory, &parameters, own_id);
    memcpy(reply.certificate, certificate, CERTIFICATE_BYTES);
    memcpy(opening->parameters, hello->parameters.data, hello->parameters.size);
    opening->parameters_size = hello->parameters.size;
    connection_put_token(connection, hello->reset_token);
    bool written = handshake_write_reply(handshake, &reply, &out) == FAULT_NONE;
    opening->said_size = cursor_written(&out).size;
    if (written) {
        opening->secrets = secret_new(sizeof *opening->secrets);
        handshake_secrets(handshake, opening->secrets);
    }
    connection->trusted = handshake_trusted(handshake);
    start(connection, now, &parameters, caller_id, own_id);
    if (written)
        return connection;
    connection_destroy(connection);
    return NULL;
}

static void forget_ids(struct connection *connection)
{
    struct directory *directory = connection->setup.directory;
    /* Those the peer retired stay a while: how many there are is his to say. */
    size_t count = ngtcp2_conn_get_scid(connection->quic, NULL);
    ngtcp2_cid *ids = mem_zeroed(count, sizeof *ids);
    ngtcp2_conn_get_scid(connection->quic, ids);
    for (size_t i = 0; i < count; i++)
        directory_remove(directory, connection->setup.owner,
                         (struct bytes){ ids[i].data, ids[i].datalen });
    mem_free(ids);
    directory_remove(directory, connection->setup.owner, BYTES_OF(connection->setup.first_id));
    while (connection->token_count > 0)
        connection_remove_token(connection, connection->tokens[0]);
}

void connection_destroy(struct connection *connection)
{
    if (connection == NULL)
        return;
    forget_ids(connection);
    ngtcp2_conn_del(connection->quic);
    connection_forget_opening(connection);
    for (size_t i = 0; i < STREAM_KINDS; i++) {
        queue_finish(&connection->outlets[i].queue);
        queue_finish(&connection->inlets[i].queue);
    }
    parcels_finish(&connection->thrown_out);
    parcels_finish(&connection->thrown_in);
    wipe(connection, sizeof *connection);
    mem_free(connection);
}

enum connection_phase connection_phase(const struct connection *connection)
{
    return connection->phase;
}

enum connection_end connection_end(const struct connection *connection)
{
    return connection->end;
}

const uint8_t *connection_certificate(const struct connection *connection)
{
    return connection->certificate;
}

uint64_t connection_instance(const struct connection *connection)
{
    return connection->instance;
}

bool connection_trusted(const struct connection *connection)
{
    return connection->trusted;
}

/* --- datagrams in --------------------------------------------------------------------------- */

static void end_by_library(struct connection *connection, int error)
{
    const ngtcp2_ccerr *told = ngtcp2_conn_get_ccerr(connection->quic);
    switch (error) {
    case NGTCP2_ERR_DRAINING:
        connection_over(connection, told->type == NGTCP2_CCERR_TYPE_APPLICATION &&
                                            told->error_code == REPLACED_CODE
                                        ? CONNECTION_REPLACED
                                        : CONNECTION_CLOSED);
        return;
    case NGTCP2_ERR_IDLE_CLOSE:
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
        connection_over(connection, CONNECTION_SILENT);
        return;
    default:
        connection_over(connection, CONNECTION_BROKEN);
    }
}

static int read_inner(struct connection *connection, instant now, struct bytes datagram)
{
    struct made_up_path path;
    connection_fill_path(connection, &path);
    return ngtcp2_conn_read_pkt(connection->quic, &path.path, NULL, datagram.data, datagram.size,
                                now);
}

/* Only long headers name the version, so only they need a copy to write the inner one into. */
static int read_long(struct connection *connection, instant now, struct bytes datagram)
{
    uint8_t copy[LONG_COPY_BYTES];
    if (datagram.size > sizeof copy)
        return 0;
    memcpy(copy, datagram.data, datagram.size);
    if (!wire_exchange_version(copy, datagram.size, WIRE_VERSION, WIRE_VERSION_INSIDE))
        return 0;
    return read_inner(connection, now, (struct bytes){ copy, datagram.size });
}

enum connection_heard connection_read(struct connection *connection, instant now,
                                      struct bytes datagram)
{
    assert(connection->phase != CONNECTION_OVER);
    connection->heard = CONNECTION_HEARD_NOTHING;
    int failed = (datagram.data[0] & 0x80) != 0 ? read_long(connection, now, datagram)
                                                : read_inner(connection, now, datagram);
    connection->received_bytes += datagram.size;
    if (failed != 0)
        end_by_library(connection, failed);
    if (connection->confirmed)
        connection_forget_opening(connection);
    return connection->heard;
}

bool connection_read_announce(struct connection *connection, struct bytes datagram)
{
    uint64_t counter;
    if (connection->phase != CONNECTION_OPEN ||
        !wire_read_announce(datagram, connection->announce_in, &counter) ||
        counter <= connection->announced_in)
        return false;
    connection->announced_in = counter;
    return true;
}

void connection_write_announce(struct connection *connection, uint8_t out[WIRE_ANNOUNCE_BYTES])
{
    const ngtcp2_cid *peer = ngtcp2_conn_get_dcid(connection->quic);
    assert(connection->phase == CONNECTION_OPEN && peer->datalen == WIRE_ID_BYTES);
    wire_write_announce(out, connection->announce_out, peer->data, ++connection->announced_out);
}

/* --- time and path -------------------------------------------------------------------------- */

instant connection_expiry(const struct connection *connection)
{
    return connection->phase == CONNECTION_OVER ? NEVER : ngtcp2_conn_get_expiry(connection->quic);
}

void connection_expire(struct connection *connection, instant now)
{
    if (connection_expiry(connection) > now)
        return;
    int failed = ngtcp2_conn_handle_expiry(connection->quic, now);
    if (failed != 0)
        end_by_library(connection, failed);
}

bool connection_kick(struct connection *connection, instant now)
{
    struct made_up_path path;
    if (connection->phase != CONNECTION_OPEN || !connection->confirmed)
        return false;
    connection->epoch++;
    if (!connection->caller)
        return true; /* the next datagram read arrives on a path the library does not know */
    connection_fill_path(connection, &path);
    if (ngtcp2_conn_initiate_immediate_migration(connection->quic, &path.path, now) == 0)
        return true;
    connection->epoch--;
    return false;
}
