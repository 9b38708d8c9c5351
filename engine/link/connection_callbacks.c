/* What the library asks of us: keys, ids, luck; and what it tells: bytes that arrived. */
#include "engine/link/connection_inside.h"

#include "base/mem.h"
#include "base/secret.h"

#include <assert.h>
#include <string.h>

#define CHACHA_MOST_FORGERIES ((uint64_t)1 << 36) /* RFC 9001, 6.6 */
/* The cipher would allow many more; a new key this often means that a stolen one opens little. */
#define PACKETS_PER_KEY ((uint64_t)1 << 22)

/* --- packet protection ---------------------------------------------------------------------- */

void installed_make(struct installed *out, const struct packet_keys *keys, struct connection *watch,
                    bool numbered)
{
    struct cipher *cipher = mem_zeroed(1, sizeof *cipher);
    memcpy(cipher->key, keys->key, sizeof cipher->key);
    memcpy(cipher->iv, keys->iv, sizeof cipher->iv);
    cipher->watch = watch;
    cipher->numbered = numbered;
    out->aead.native_handle = cipher;
    out->mask.native_handle = mem_copy(keys->mask, sizeof keys->mask);
    out->keys = *keys;
}

static void delete_aead(ngtcp2_conn *quic, ngtcp2_crypto_aead_ctx *context, void *user)
{
    struct cipher *cipher = context->native_handle;
    (void)quic, (void)user;
    if (cipher == NULL)
        return;
    aead_destroy(cipher->aead);
    wipe(cipher, sizeof *cipher);
    mem_free(cipher);
}

static void delete_mask(ngtcp2_conn *quic, ngtcp2_crypto_cipher_ctx *context, void *user)
{
    (void)quic, (void)user;
    if (context->native_handle != NULL)
        wipe(context->native_handle, AEAD_KEY_BYTES);
    mem_free(context->native_handle);
}

static struct aead *ready(struct cipher *cipher)
{
    if (cipher->aead == NULL)
        cipher->aead = aead_create(cipher->key);
    return cipher->aead;
}

static int encrypt(uint8_t *out, const ngtcp2_crypto_aead *aead,
                   const ngtcp2_crypto_aead_ctx *context, const uint8_t *text, size_t text_size,
                   const uint8_t *nonce, size_t nonce_size, const uint8_t *header,
                   size_t header_size)
{
    struct cipher *cipher = context->native_handle;
    (void)aead;
    assert(nonce_size == AEAD_NONCE_BYTES);
    aead_seal(ready(cipher), out, nonce, (struct bytes){ text, text_size },
              (struct bytes){ header, header_size });
    return 0;
}

/* A packet that opens proves that the peer sent it. Only one newer than all before proves where the
   peer is: an old one may have been held back by somebody on the way. */
static void note_heard(const struct cipher *cipher, const uint8_t *nonce)
{
    struct connection *connection = cipher->watch;
    int64_t number = 0;
    if (!cipher->numbered) {
        if (connection->phase == CONNECTION_OPENING)
            connection->heard = CONNECTION_HEARD_NEW;
        return;
    }
    for (int i = AEAD_NONCE_BYTES - 8; i < AEAD_NONCE_BYTES; i++)
        number = (int64_t)((uint64_t)number << 8 | (uint8_t)(nonce[i] ^ cipher->iv[i]));
    if (number > connection->newest) {
        connection->newest = number;
        connection->heard = CONNECTION_HEARD_NEW;
    } else if (connection->heard == CONNECTION_HEARD_NOTHING) {
        connection->heard = CONNECTION_HEARD_OLD;
    }
}

static int decrypt(uint8_t *out, const ngtcp2_crypto_aead *aead,
                   const ngtcp2_crypto_aead_ctx *context, const uint8_t *sealed, size_t sealed_size,
                   const uint8_t *nonce, size_t nonce_size, const uint8_t *header,
                   size_t header_size)
{
    struct cipher *cipher = context->native_handle;
    (void)aead;
    assert(nonce_size == AEAD_NONCE_BYTES);
    if (sealed_size < AEAD_TAG_BYTES ||
        !aead_open(ready(cipher), out, nonce, (struct bytes){ sealed, sealed_size },
                   (struct bytes){ header, header_size }))
        return NGTCP2_ERR_DECRYPT;
    if (cipher->watch != NULL)
        note_heard(cipher, nonce);
    return 0;
}

static int header_mask(uint8_t *out, const ngtcp2_crypto_cipher *mask,
                       const ngtcp2_crypto_cipher_ctx *context, const uint8_t *sample)
{
    (void)mask;
    aead_header_mask(out, context->native_handle, sample);
    return 0;
}

static const ngtcp2_crypto_ctx suite = {
    .aead = { .max_overhead = AEAD_TAG_BYTES },
    .max_encryption = PACKETS_PER_KEY,
    .max_decryption_failure = CHACHA_MOST_FORGERIES,
};

/* --- the handshake -------------------------------------------------------------------------- */

static int install_initial(ngtcp2_conn *quic, struct connection *connection)
{
    struct packet_keys call, answer;
    struct installed in, out;
    keys_initial(&call, &answer, connection->opening->responder,
                 BYTES_OF(connection->opening->first_id));
    ngtcp2_conn_set_initial_crypto_ctx(quic, &suite);
    /* Whoever knows the responder's key can make Initial packets: they say where a responder is
       only to a caller that heard nothing yet. */
    installed_make(&in, connection->caller ? &answer : &call,
                   connection->caller ? connection : NULL, false);
    installed_make(&out, connection->caller ? &call : &answer, NULL, false);
    return ngtcp2_conn_install_initial_key(quic, &in.aead, in.keys.iv, &in.mask, &out.aead,
                                           out.keys.iv, &out.mask, AEAD_NONCE_BYTES);
}

static void make_both(struct connection *connection, const struct both_ways *secrets, bool numbered,
                      struct installed *in, struct installed *out)
{
    struct packet_keys keys;
    keys_from_secret(&keys, connection->caller ? secrets->answer : secrets->call);
    installed_make(in, &keys, connection, numbered);
    keys_from_secret(&keys, connection->caller ? secrets->call : secrets->answer);
    installed_make(out, &keys, NULL, false);
    wipe(&keys, sizeof keys);
}

static int install_handshake(ngtcp2_conn *quic, struct connection *connection,
                             const struct handshake_secrets *secrets)
{
    struct installed in, out;
    make_both(connection, &secrets->handshake, false, &in, &out);
    ngtcp2_conn_set_crypto_ctx(quic, &suite);
    int failed = ngtcp2_conn_install_rx_handshake_key(quic, &in.aead, in.keys.iv, AEAD_NONCE_BYTES,
                                                      &in.mask);
    return failed ? failed
                  : ngtcp2_conn_install_tx_handshake_key(quic, &out.aead, out.keys.iv,
                                                         AEAD_NONCE_BYTES, &out.mask);
}

static int install_transport(ngtcp2_conn *quic, struct connection *connection,
                             const struct handshake_secrets *secrets)
{
    struct installed in, out;
    const struct both_ways *way = &secrets->transport;
    make_both(connection, way, true, &in, &out);
    int failed =
        ngtcp2_conn_install_rx_key(quic, connection->caller ? way->answer : way->call, KEY_BYTES,
                                   &in.aead, in.keys.iv, AEAD_NONCE_BYTES, &in.mask);
    if (failed == 0)
        failed = ngtcp2_conn_install_tx_key(quic, connection->caller ? way->call : way->answer,
                                            KEY_BYTES, &out.aead, out.keys.iv, AEAD_NONCE_BYTES,
                                            &out.mask);
    memcpy(connection->announce_out,
           connection->caller ? secrets->announce.call : secrets->announce.answer, KEY_BYTES);
    memcpy(connection->announce_in,
           connection->caller ? secrets->announce.answer : secrets->announce.call, KEY_BYTES);
    return failed;
}

/* One byte of CRYPTO at this level each way: without it the library never validates the peer's
   path, and never looks for a larger datagram. It plays the part of TLS Finished. */
static int say_finished(ngtcp2_conn *quic)
{
    static const uint8_t finished = 0x14;
    return ngtcp2_conn_submit_crypto_data(quic, NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE, &finished, 1);
}

static int client_initial(ngtcp2_conn *quic, void *user)
{
    struct connection *connection = user;
    uint8_t again[PARAMETERS_MAX_BYTES];
    /* Our parameters are in message 1 already; asking for them makes the library hold to them. */
    if (install_initial(quic, connection) != 0 ||
        ngtcp2_conn_encode_local_transport_params(quic, again, sizeof again) < 0)
        return NGTCP2_ERR_CALLBACK_FAILURE;
    return ngtcp2_conn_submit_crypto_data(quic, NGTCP2_ENCRYPTION_LEVEL_INITIAL,
                                          connection->opening->said,
                                          connection->opening->said_size);
}

static int recv_client_initial(ngtcp2_conn *quic, const ngtcp2_cid *id, void *user)
{
    (void)id;
    return install_initial(quic, user) == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

/* Message 1 was read and judged before this connection existed; here it only takes effect. */
static int answer_hello(ngtcp2_conn *quic, struct connection *connection)
{
    struct opening *opening = connection->opening;
    if (ngtcp2_conn_decode_and_set_remote_transport_params(quic, opening->parameters,
                                                           opening->parameters_size) != 0)
        return NGTCP2_ERR_CRYPTO;
    if (install_handshake(quic, connection, opening->secrets) != 0 ||
        ngtcp2_conn_submit_crypto_data(quic, NGTCP2_ENCRYPTION_LEVEL_INITIAL, opening->said,
                                       opening->said_size) != 0 ||
        say_finished(quic) != 0 || install_transport(quic, connection, opening->secrets) != 0)
        return NGTCP2_ERR_CALLBACK_FAILURE;
    secret_free(opening->secrets);
    opening->secrets = NULL;
    return 0;
}

static int take_reply(ngtcp2_conn *quic, struct connection *connection, struct bytes message)
{
    uint8_t memory[FIRST_MESSAGE_MAX_BYTES];
    struct reply reply;
    struct handshake_secrets secrets;
    int failed = NGTCP2_ERR_CRYPTO;
    if (handshake_read_reply(connection->opening->handshake, message, memory, &reply) != FAULT_NONE)
        return failed;
    handshake_secrets(connection->opening->handshake, &secrets);
    if (install_handshake(quic, connection, &secrets) == 0 &&
        install_transport(quic, connection, &secrets) == 0 &&
        ngtcp2_conn_decode_and_set_remote_transport_params(quic, reply.parameters.data,
                                                           reply.parameters.size) == 0 &&
        say_finished(quic) == 0) {
        memcpy(connection->certificate, reply.certificate, CERTIFICATE_BYTES);
        connection->instance = reply.instance;
        connection->trusted = handshake_trusted(connection->opening->handshake);
        connection_put_token(connection, reply.reset_token);
        ngtcp2_conn_tls_handshake_completed(quic);
        failed = 0;
    }
    wipe(&secrets, sizeof secrets);
    return failed;
}

/* Collects their message; what to do with it depends on who we are. */
static int hear_message(ngtcp2_conn *quic, struct connection *connection, struct bytes data)
{
    struct opening *opening = connection->opening;
    struct bytes message;
    if (data.size > sizeof opening->heard - opening->heard_size)
        return NGTCP2_ERR_CRYPTO;
    memcpy(opening->heard + opening->heard_size, data.data, data.size);
    opening->heard_size += data.size;
    struct cursor in = cursor_over((struct bytes){ opening->heard, opening->heard_size });
    if (!cursor_view_u16(&in, sizeof opening->heard - 2, &message))
        return 0; /* the rest is on its way */
    if (!cursor_done(&in))
        return NGTCP2_ERR_CRYPTO;
    return connection->caller ? take_reply(quic, connection, message)
                              : answer_hello(quic, connection);
}

static int hear_finished(ngtcp2_conn *quic, const struct connection *connection, uint64_t end)
{
    if (end > 1)
        return NGTCP2_ERR_CRYPTO;
    if (!connection->caller)
        ngtcp2_conn_tls_handshake_completed(quic);
    return 0;
}

static int recv_crypto_data(ngtcp2_conn *quic, ngtcp2_encryption_level level, uint64_t offset,
                            const uint8_t *data, size_t size, void *user)
{
    struct connection *connection = user;
    if (level == NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE)
        return hear_finished(quic, connection, offset + size);
    if (level != NGTCP2_ENCRYPTION_LEVEL_INITIAL || connection->opening == NULL)
        return NGTCP2_ERR_CRYPTO;
    return hear_message(quic, connection, (struct bytes){ data, size });
}

static int handshake_completed(ngtcp2_conn *quic, void *user)
{
    struct connection *connection = user;
    (void)quic;
    connection->phase = CONNECTION_OPEN;
    connection->confirmed = !connection->caller;
    return 0;
}

/* To a caller only; for who answers, complete is confirmed (RFC 9001, 4.1.2). From here nothing of
   the handshake is ever sent again: its buffers and keys can go. */
static int handshake_confirmed(ngtcp2_conn *quic, void *user)
{
    struct connection *connection = user;
    (void)quic;
    connection->confirmed = true;
    return 0;
}

/* wire_look lets no Retry packet in. */
static int recv_retry(ngtcp2_conn *quic, const ngtcp2_pkt_hd *header, void *user)
{
    (void)quic, (void)header, (void)user;
    return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int update_key(ngtcp2_conn *quic, uint8_t *in_secret, uint8_t *out_secret,
                      ngtcp2_crypto_aead_ctx *in_context, uint8_t *in_iv,
                      ngtcp2_crypto_aead_ctx *out_context, uint8_t *out_iv, const uint8_t *in_old,
                      const uint8_t *out_old, size_t secret_size, void *user)
{
    struct packet_keys keys;
    struct installed in, out;
    (void)quic;
    assert(secret_size == KEY_BYTES);
    keys_next_secret(in_secret, in_old);
    keys_next_secret(out_secret, out_old);
    keys_from_secret(&keys, in_secret);
    installed_make(&in, &keys, user, true);
    keys_from_secret(&keys, out_secret);
    installed_make(&out, &keys, NULL, false);
    /* The mask keys stay as they were. */
    delete_mask(NULL, &in.mask, NULL);
    delete_mask(NULL, &out.mask, NULL);
    *in_context = in.aead;
    *out_context = out.aead;
    memcpy(in_iv, in.keys.iv, AEAD_NONCE_BYTES);
    memcpy(out_iv, out.keys.iv, AEAD_NONCE_BYTES);
    wipe(&keys, sizeof keys);
    wipe(&in, sizeof in);
    wipe(&out, sizeof out);
    return 0;
}

/* --- ids and luck --------------------------------------------------------------------------- */

static void luck(uint8_t *out, size_t size, const ngtcp2_rand_ctx *context)
{
    rng_fill(context->native_handle, out, size);
}

static int get_path_challenge_data(ngtcp2_conn *quic, uint8_t *out, void *user)
{
    struct connection *connection = user;
    (void)quic;
    rng_fill(connection->setup.rng, out, NGTCP2_PATH_CHALLENGE_DATALEN);
    return 0;
}

static int get_new_connection_id(ngtcp2_conn *quic, ngtcp2_cid *id, uint8_t *token, size_t size,
                                 void *user)
{
    struct connection *connection = user;
    uint8_t made[WIRE_ID_BYTES];
    (void)quic;
    assert(size == WIRE_ID_BYTES);
    directory_mint(connection->setup.directory, connection->setup.owner, made, token);
    ngtcp2_cid_init(id, made, sizeof made);
    return 0;
}

static int remove_connection_id(ngtcp2_conn *quic, const ngtcp2_cid *id, void *user)
{
    struct connection *connection = user;
    (void)quic;
    directory_remove(connection->setup.directory, connection->setup.owner,
                     (struct bytes){ id->data, id->datalen });
    return 0;
}

static int peer_id_status(ngtcp2_conn *quic, ngtcp2_connection_id_status_type type, uint64_t number,
                          const ngtcp2_cid *id, const uint8_t *token, void *user)
{
    struct connection *connection = user;
    (void)quic, (void)number, (void)id;
    if (token == NULL)
        return 0;
    if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE)
        connection_put_token(connection, token);
    else
        connection_remove_token(connection, token);
    return 0;
}

/* --- streams and datagrams ------------------------------------------------------------------ */

/* The peer's unidirectional streams are numbered in steps of four: RFC 9000, 2.1. We grant two. */
static struct inlet *inlet_of(struct connection *connection, int64_t id)
{
    size_t row = (size_t)id >> 2;
    assert(row < STREAM_KINDS);
    connection->inlets[row].id = id;
    return &connection->inlets[row];
}

static int recv_stream_data(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t offset,
                            const uint8_t *data, size_t size, void *user, void *stream_user)
{
    struct connection *connection = user;
    struct inlet *inlet = inlet_of(connection, id);
    bool first = inlet->kind == 0;
    (void)offset, (void)stream_user;
    if (inlet_arrived(inlet, (struct bytes){ data, size },
                      (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0) != FAULT_NONE ||
        (inlet->kind != 0 && connection->inlets[0].kind == connection->inlets[1].kind))
        return NGTCP2_ERR_CALLBACK_FAILURE;
    if (first && inlet->kind != 0) { /* the byte that names the kind is read already */
        ngtcp2_conn_extend_max_stream_offset(quic, id, 1);
        ngtcp2_conn_extend_max_offset(quic, 1);
    }
    return 0;
}

static struct outlet *outlet_of(struct connection *connection, int64_t id)
{
    for (size_t i = 0; i < STREAM_KINDS; i++)
        if (connection->outlets[i].opened && connection->outlets[i].id == id)
            return &connection->outlets[i];
    return NULL;
}

static int acked_stream_data(ngtcp2_conn *quic, int64_t id, uint64_t offset, uint64_t size,
                             void *user, void *stream_user)
{
    struct connection *connection = user;
    struct outlet *outlet = outlet_of(connection, id);
    (void)quic, (void)offset, (void)stream_user;
    connection->acknowledged += size;
    if (outlet != NULL && outlet_acknowledged(outlet, (size_t)size))
        connection->room_news = true;
    return 0;
}

static int extend_max_stream_data(ngtcp2_conn *quic, int64_t id, uint64_t most, void *user,
                                  void *stream_user)
{
    struct outlet *outlet = outlet_of(user, id);
    (void)quic, (void)most, (void)stream_user;
    if (outlet != NULL)
        outlet->blocked = false;
    return 0;
}

/* Nobody of ours cuts a stream short: they end it, or they close the link. */
static int stream_cut(ngtcp2_conn *quic, int64_t id, uint64_t size, uint64_t code, void *user,
                      void *stream_user)
{
    (void)quic, (void)id, (void)size, (void)code, (void)user, (void)stream_user;
    return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int stream_stopped(ngtcp2_conn *quic, int64_t id, uint64_t code, void *user,
                          void *stream_user)
{
    (void)quic, (void)id, (void)code, (void)user, (void)stream_user;
    return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int recv_datagram(ngtcp2_conn *quic, uint32_t flags, const uint8_t *data, size_t size,
                         void *user)
{
    struct connection *connection = user;
    (void)quic, (void)flags;
    parcels_put(&connection->thrown_in, (struct bytes){ data, size }); /* full: lost, as promised */
    return 0;
}

const ngtcp2_callbacks connection_callbacks = {
    .client_initial = client_initial,
    .recv_client_initial = recv_client_initial,
    .recv_crypto_data = recv_crypto_data,
    .handshake_completed = handshake_completed,
    .handshake_confirmed = handshake_confirmed,
    .encrypt = encrypt,
    .decrypt = decrypt,
    .hp_mask = header_mask,
    .recv_stream_data = recv_stream_data,
    .acked_stream_data_offset = acked_stream_data,
    .recv_retry = recv_retry,
    .rand = luck,
    .get_new_connection_id = get_new_connection_id,
    .remove_connection_id = remove_connection_id,
    .update_key = update_key,
    .stream_reset = stream_cut,
    .stream_stop_sending = stream_stopped,
    .extend_max_stream_data = extend_max_stream_data,
    .dcid_status = peer_id_status,
    .delete_crypto_aead_ctx = delete_aead,
    .delete_crypto_cipher_ctx = delete_mask,
    .recv_datagram = recv_datagram,
    .get_path_challenge_data = get_path_challenge_data,
};

/* --- memory --------------------------------------------------------------------------------- */

static void *give(size_t size, void *user)
{
    (void)user;
    return mem_resized(NULL, 1, size);
}

static void take_back(void *memory, void *user)
{
    (void)user;
    mem_free(memory);
}

static void *give_zeroed(size_t count, size_t size, void *user)
{
    (void)user;
    return mem_zeroed(count, size);
}

static void *give_resized(void *memory, size_t size, void *user)
{
    (void)user;
    return mem_resized(memory, 1, size);
}

const ngtcp2_mem connection_memory = {
    .malloc = give, .free = take_back, .calloc = give_zeroed, .realloc = give_resized
};
