/* What the files of this room share; nobody else's business. */
#ifndef DAEMON_INSIDE_H
#define DAEMON_INSIDE_H

#include "apps/daemon/config.h"
#include "apps/daemon/daemon.h"
#include "base/list.h"
#include "engine/node/node.h"
#include "host/host.h"
#include "rpc/rpc.h"

#define VAULT_FILE                                                                                 \
    "vault" /* the wrapped master key; an identity exists from the moment it does                  \
             */
#define STORE_FILE "store.db"

#define DAEMON_ITEM_BYTES 1024 /* what an item of a page takes beside its text, at most */

enum daemon_state {
    DAEMON_EMPTY,    /* no identity in this home */
    DAEMON_MAKING,   /* one is being made beside the loop */
    DAEMON_LOCKED,   /* the vault is closed */
    DAEMON_OPENING,  /* a passphrase is being tried beside the loop */
    DAEMON_READY,    /* a node runs */
    DAEMON_BARE,     /* a node without a home runs, for the DHT alone */
    DAEMON_STOPPING, /* what was answered still leaves, nothing else is begun */
    DAEMON_STATES
};

struct daemon {
    const struct daemon_settings *settings; /* NULL: a bare one */
    const struct daemon_bare *bare;         /* settings of a bare one; else NULL */
    struct config config;
    struct host *host;
    struct host_home *home;
    struct node *node;     /* READY or BARE alone; and while stopping, until it is closed */
    uint64_t newest_event; /* the last the node told of */
    enum daemon_state state;
    bool has_passphrase;
    uint8_t vault[VAULT_MAX_BYTES];
    size_t vault_size;
    instant started;
    struct list clients, answers, searches;
    instant saved;           /* when a bare one last saved its nodes */
    enum rpc_error ended_by; /* why it stops; RPC_FINE: because it was told to */
};

struct subscription {
    bool on;
    uint64_t since;     /* the last event told or passed over */
    unsigned kinds;     /* a bit per event_kind */
    instant slow_since; /* 0: it keeps up */
};

struct client {
    struct list link;
    struct daemon *daemon;
    struct host_client *host;
    struct rpc_lines *lines;
    size_t unsent; /* bytes of answers that wait for the round */
    bool overlong; /* its last word was a line too long */
    bool ended;    /* it asks no more, and leaves when it has its answers */
    size_t jobs;   /* answers of its that are worked on beside the loop */
    bool stalled;  /* it has lines left for when there is room */
    struct subscription subscription;
};

/* One request on its way through a method. */
struct call {
    struct daemon *daemon;
    struct client *client;
    const json_t *params, *id;
    json_t *result;       /* set by a method that answers RPC_FINE */
    json_t *more;         /* what joins an error's data, or NULL */
    const char *sentence; /* in place of the table's, or NULL */
    char own[160];        /* room for one that is made up */
    bool later;           /* answered by a job, not now */
};

/* --- daemon.c --------------------------------------------------------------------------------- */

void daemon_become(struct daemon *daemon, enum daemon_state next);
const char *daemon_state_name(const struct daemon *daemon); /* as clients know it */
/* Begins the stop; the round's answers still leave. */
void daemon_stop(struct daemon *daemon, enum rpc_error why);
/* Opens the store under the master key; *out is NULL on failure. */
enum rpc_error daemon_create_node(struct daemon *daemon, const uint8_t master[MASTER_KEY_BYTES],
                                  struct node **out);
/* READY from here on; the node is the daemon's. */
void daemon_run_node(struct daemon *daemon, struct node *node);
/* Polite to peers; the caller has settled. */
void daemon_close_node(struct daemon *daemon);

/* What both kinds share: a host with our hooks around `start`, and the run that follows it. */
struct daemon_life {
    enum rpc_error (*start)(struct daemon *daemon); /* refuses before anybody hears "ready" */
    int ready_fd;
    bool verbose;
};
enum rpc_error daemon_live(struct daemon *daemon, const struct daemon_life *life);

/* --- bare.c ----------------------------------------------------------------------------------- */

void bare_advance(struct daemon *daemon); /* after every round */
void bare_end(struct daemon *daemon);     /* before its node ends */

/* --- routers.c -------------------------------------------------------------------------------- */

bool routers_wanted(const struct daemon *daemon); /* may names ever have to be resolved? */
void routers_ask(struct daemon *daemon);          /* nobody else is left to ask */

/* --- search.c --------------------------------------------------------------------------------- */

enum rpc_error search_begin(struct call *call, const struct dht_request *request);
bool search_cancel(struct client *client, const char *tag); /* false: there is none */
void searches_leave(struct client *client);                 /* with a client that goes */
void searches_end(struct daemon *daemon, enum rpc_error why);
void searches_take(struct daemon *daemon, const struct dht_event *event);

/* --- client.c --------------------------------------------------------------------------------- */

void client_opened(void *self, struct host_client *host);
void client_data(void *self, struct host_client *host, struct bytes data);
void client_room(void *self, struct host_client *host);
void client_ended(void *self, struct host_client *host);
void client_closed(void *self, struct host_client *host);
void client_destroy(struct client *client);
/* The answer leaves once the round is settled; takes over result and more. */
void client_answer(struct client *client, const json_t *id, enum rpc_error error, json_t *result,
                   const char *sentence, json_t *more);
/* By the number a job remembers; nothing when the client is gone meanwhile. */
struct client *client_numbered(struct daemon *daemon, uint64_t number);
/* RPC_FINE: sends what waits; else sends that error in place of each. */
void answers_release(struct daemon *daemon, enum rpc_error error);
/* With lines that waited for room; and those who have all their answers leave. */
void clients_go_on(struct daemon *daemon);

/* --- opening.c: passphrases, beside the loop -------------------------------------------------- */

enum rpc_error opening_unlock(struct call *call, const char *passphrase);
enum rpc_error opening_make(struct call *call, const char *name, const char *passphrase);
/* Without waiting for a client: at the start. */
enum rpc_error opening_now(struct daemon *daemon, struct bytes passphrase);

/* --- methods.c -------------------------------------------------------------------------------- */

enum rpc_error method_call(struct call *call, const struct rpc_method *method);
enum rpc_error error_of_answer(const struct daemon *daemon, enum answer answer);
/* The contact the parameter `who` names. */
enum rpc_error call_contact(struct call *call, struct node_contact *out);
/* The message a parameter names, of that contact (0: of anybody). */
enum rpc_error call_message(struct call *call, const char *param, int64_t contact,
                            struct store_message *out);
enum rpc_error error_of_trouble(enum store_trouble trouble);
enum rpc_error error_of_host(enum host_trouble trouble);

typedef enum rpc_error method(struct call *call);
method session_hello, session_status, session_unlock, session_lock, session_shutdown;
method discover, identity_create, identity_show;
method contact_add, contact_list, contact_get, contact_update, contact_remove;
method invitation_speak, invitation_hear, invitation_heard;
method verify_start, verify_confirm, verify_mismatch;
method invitation_create, invitation_accept, invitation_list, invitation_get, invitation_revoke;
method conversation_list, conversation_get, conversation_mark_read;
method message_send, message_list, message_get, message_why;
method network_status, network_doctor;
method method_dht_status, method_dht_ping, method_dht_nodes, method_dht_peers;
method method_dht_announce, method_dht_get, method_dht_put, method_dht_cancel;
method events_since, events_subscribe, events_unsubscribe, events_ack;

/* --- show.c: what the engine says, as JSON ---------------------------------------------------- */

json_t *show_time(instant when);
json_t *show_listening(const struct host *host);
json_t *show_address(const struct address *address);
void show_time_unless(json_t *object, const char *name, instant when, instant absent);
json_t *show_identity(struct daemon *daemon); /* NULL: the store failed */
json_t *show_contact(const struct node_contact *contact);
json_t *show_invitation(struct daemon *daemon, const struct node_invitation *invitation);
json_t *show_message(struct daemon *daemon, const struct store_message *message);
json_t *show_event(struct daemon *daemon, const struct store_event *event);
/* With nothing but its kind; seq 0 for what is not kept. */
json_t *show_any(uint64_t seq, instant time, const char *kind);
json_t *show_gap(struct daemon *daemon, uint64_t from, uint64_t to);
struct store_place_in show_place(const struct store_message *message);
size_t show_text_bytes(struct bytes text); /* what it takes in a line, escaped */
bool show_kind_named(const char *name, unsigned *bit);
unsigned show_kind_bit(enum event_kind kind);

/* --- show_dht.c ------------------------------------------------------------------------------- */

void show_hex(json_t *object, const char *name, struct bytes bytes); /* at most a signature */
json_t *show_dht(struct daemon *daemon);
json_t *show_dht_node(const struct dht_node *node);
json_t *show_dht_item(const struct item *item);
json_t *show_dht_cost(const struct dht_cost *cost);

/* --- stream.c --------------------------------------------------------------------------------- */

void client_tell(struct client *client, json_t *event); /* at once; takes it over */
void streams_advance(struct daemon *daemon); /* tells every subscriber what it has not seen */
void streams_end(struct daemon *daemon);     /* the home was locked: says so, and ends them all */

#endif
