/* What the files of one connection share. With them, the only place that knows ngtcp2. */
#ifndef LINK_CONNECTION_INSIDE_H
#define LINK_CONNECTION_INSIDE_H

#include "engine/link/connection.h"
#include "engine/link/keys.h"
#include "engine/link/stream.h"

#include <netinet/in.h>
#include <ngtcp2/ngtcp2.h>

/* The part that only the handshake needs; freed when the peer confirmed it. */
struct opening {
    struct handshake *handshake;
    uint8_t said[HELLO_WIRE_MAX_BYTES > REPLY_WIRE_MAX_BYTES ? HELLO_WIRE_MAX_BYTES
                                                             : REPLY_WIRE_MAX_BYTES];
    size_t said_size;
    uint8_t heard[FIRST_MESSAGE_MAX_BYTES]; /* their message, as it arrives in pieces */
    size_t heard_size;
    uint8_t parameters[PARAMETERS_MAX_BYTES]; /* responder: the caller's */
    size_t parameters_size;
    struct handshake_secrets *secrets; /* responder: known before the library asks; else NULL */
    uint8_t responder[KEY_BYTES], first_id[WIRE_FIRST_ID_BYTES];
};

#define CLOSE_CODE    0u /* application codes of CONNECTION_CLOSE: RFC 9000, 20.2 */
#define REPLACED_CODE 1u
#define PEER_TOKENS                                                                                \
    10 /* of ids in use at once: the current, the one before, and paths being tried */

/* One direction of packet protection; the library carries it as its "native handle". */
struct cipher {
    struct aead *aead; /* made when first used: the keys of a change to come may wait for hours */
    uint8_t key[AEAD_KEY_BYTES];
    uint8_t iv[AEAD_NONCE_BYTES];
    struct connection *watch; /* packets opened with it tell that the peer is there */
    bool numbered;            /* and only those newer than all before count: 1-RTT */
};

struct made_up_path {
    struct sockaddr_in local, remote;
    ngtcp2_path path;
};

struct connection {
    ngtcp2_conn *quic;
    struct connection_setup setup;
    enum connection_phase phase;
    enum connection_end end;
    bool caller, confirmed, narrow, trusted;
    enum connection_heard heard; /* by the datagram being read */
    int64_t newest;              /* highest 1-RTT packet number opened so far */
    uint32_t epoch;
    struct opening *opening;
    uint8_t announce_out[KEY_BYTES], announce_in[KEY_BYTES];
    uint64_t announced_out, announced_in;
    uint8_t certificate[CERTIFICATE_BYTES];
    uint64_t instance; /* theirs, as the certificate: callers only */
    struct outlet outlets[STREAM_KINDS];
    struct inlet inlets[STREAM_KINDS];
    struct parcels thrown_out, thrown_in;
    uint8_t tokens[PEER_TOKENS][WIRE_TOKEN_BYTES]; /* that reset this connection */
    size_t token_count;
    bool room_news;
    instant keyed_at;
    uint64_t sent_bytes, received_bytes, acknowledged;
};

extern const ngtcp2_callbacks connection_callbacks;
extern const ngtcp2_mem connection_memory;

void connection_fill_path(const struct connection *connection, struct made_up_path *out);
void connection_over(struct connection *connection, enum connection_end end);
void connection_forget_opening(struct connection *connection);
void connection_put_token(struct connection *connection, const uint8_t token[WIRE_TOKEN_BYTES]);
void connection_remove_token(struct connection *connection, const uint8_t token[WIRE_TOKEN_BYTES]);

/* The keys of one packet number space in the library's own form. */
struct installed {
    ngtcp2_crypto_aead_ctx aead;
    ngtcp2_crypto_cipher_ctx mask;
    struct packet_keys keys;
};
void installed_make(struct installed *out, const struct packet_keys *keys, struct connection *watch,
                    bool numbered);

#endif
