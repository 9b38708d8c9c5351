/* What programs say to each other: JSON-RPC 2.0 over a Unix stream socket, one object per line, and
   the one table of methods and errors that daemon, command line and every later face share.

   JSON values are jansson's `json_t`; this header is the only way to them outside this room.
   Whoever uses it calls rpc_start once, first thing in the process: from then on every byte a JSON
   value held is wiped when it is freed, since any may have been a passphrase or a message.

   Rules: UTF-8, named parameters only, unknown parameters and duplicate keys are errors, no
   batches, no requests without an id. Unknown fields in answers and events are for clients to
   ignore. Times are RFC 3339 UTC with milliseconds, durations seconds (milliseconds where the name
   ends in _ms), sizes whole numbers. */
#ifndef RPC_RPC_H
#define RPC_RPC_H

#include <signal.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/time.h"

#define RPC_API                   "1.2"     /* minor versions only add */
#define RPC_LINE_MAX_BYTES        (1 << 20) /* without its newline; both directions */
#define RPC_DEPTH_MAX             16        /* braces within braces */
#define RPC_VALUES_MAX            32768     /* values in one line: bounds what parsing may cost */
#define RPC_PAGE_MAX              500       /* items in one answer; fewer where they are long */
#define RPC_PAGE_BYTES            (RPC_LINE_MAX_BYTES / 4) /* leaves room for one more text */
#define RPC_REQUEST_KEY_MAX_BYTES 64
#define RPC_PASSPHRASE_MAX_BYTES  1024
#define RPC_ADDRESSES_MAX         8
#define RPC_TAG_MAX_BYTES         64

void rpc_start(void);

/* --- what can go wrong ----------------------------------------------------------------------- */

/* What a shell sees; the same for every verb. */
enum rpc_exit {
    RPC_EXIT_DONE = 0,
    RPC_EXIT_FAILED = 1,
    RPC_EXIT_USAGE = 2,
    RPC_EXIT_NOT_FOUND = 3, /* or ambiguous */
    RPC_EXIT_NO_DAEMON = 4, /* not reachable, or speaks another API */
    RPC_EXIT_LOCKED = 5,
    RPC_EXIT_NOT_YET = 6, /* accepted, but the awaited state was not reached in time */
    RPC_EXIT_TRUST = 7,
    RPC_EXIT_REFUSED = 8, /* by the peer, or a limit is reached */
    RPC_EXIT_NO_NETWORK = 9,
    RPC_EXIT_STORE = 10, /* disk full or store damaged */
    RPC_EXIT_INTERRUPTED = 130,
};

enum rpc_error {
    RPC_FINE,
    /* the line or the request itself */
    RPC_PARSE,
    RPC_INVALID_REQUEST,
    RPC_UNKNOWN_METHOD,
    RPC_BAD_PARAMS,
    RPC_INTERNAL,
    RPC_LINE_TOO_LONG,
    RPC_TOO_MANY_CLIENTS,
    /* identity and lock */
    RPC_NO_IDENTITY,
    RPC_HAS_IDENTITY,
    RPC_LOCKED,
    RPC_WRONG_PASSPHRASE,
    RPC_PASSPHRASE_EMPTY,
    RPC_NO_PASSPHRASE_SET,
    RPC_NO_MEMORY,
    /* people */
    RPC_BAD_NAME,
    RPC_NAME_TAKEN,
    RPC_BAD_CARD,
    RPC_OWN_CARD,
    RPC_CONTACT_EXISTS,
    RPC_CONTACTS_FULL,
    RPC_BAD_ADDRESS,
    RPC_ADDRESSES_FULL,
    RPC_NO_CONTACT,
    RPC_AMBIGUOUS_CONTACT,
    /* messages and events */
    RPC_NO_MESSAGE,
    RPC_AMBIGUOUS_MESSAGE,
    RPC_TEXT_EMPTY,
    RPC_TEXT_TOO_LONG,
    RPC_TEXT_NOT_UTF8,
    RPC_OUTBOX_FULL,
    RPC_BAD_KEY,
    RPC_NO_EVENT,
    RPC_CONSUMERS_FULL,
    /* the home and the machine */
    RPC_HOME_UNWRITABLE,
    RPC_HOME_UNSAFE,
    RPC_ALREADY_RUNNING,
    RPC_PORT_IN_USE,
    RPC_NO_SUCH_LISTEN,
    RPC_BAD_CONFIG,
    RPC_STORE_FULL,
    RPC_STORE_DAMAGED,
    RPC_STORE_TOO_NEW,
    RPC_STORE_BROKEN,
    RPC_STORE_UNSAFE,
    RPC_VAULT_DAMAGED,
    RPC_SHUTTING_DOWN,
    /* the DHT */
    RPC_BARE_NODE,
    RPC_DHT_OFF,
    RPC_DHT_BUSY,
    RPC_BAD_WORDS,
    RPC_WORDS_FAILED,
    RPC_STOPPED,
    RPC_NO_MATCH,
    RPC_BAD_INVITATION,
    RPC_IS_INVITATION,
    RPC_IS_CARD,
    RPC_NO_INVITATION,
    RPC_INVITATIONS_FULL,
    RPC_INVITATION_OVER,
    RPC_INVITATION_LOST,
    RPC_NOT_MET,
    RPC_NO_SEARCH,
    RPC_BAD_ITEM,
    RPC_NOTHING_FOUND,
    RPC_NOT_STORED,
    RPC_OUTDATED,
    RPC_NO_NETWORK,
    RPC_TIME_OVER,
    RPC_BAD_SAVED,
    RPC_BAD_SOCKET,
    /* seen by clients only */
    RPC_USAGE,
    RPC_NO_DAEMON,
    RPC_NO_ANSWER,
    RPC_OTHER_API,
    RPC_NOT_YET,
    RPC_GIVEN_UP,
    RPC_GAP,
    RPC_OUTPUT,
    RPC_INTERRUPTED,
    RPC_ERRORS
};

struct rpc_error_row {
    const char *name; /* "NO_CONTACT": never translated, never changed */
    int code;         /* of JSON-RPC; above 0 it is exit code * 100 + a number of its own */
    enum rpc_exit exit;
    const char *sentence; /* what is wrong; English */
    const char *hint;     /* what to do next; "" where nothing helps */
};
const struct rpc_error_row *rpc_error_row(enum rpc_error error);
/* By name; RPC_INTERNAL for a name of a later release. */
enum rpc_error rpc_error_named(const char *name);

/* --- the table of methods -------------------------------------------------------------------- */

enum rpc_type {
    RPC_END,     /* closes a list of fields */
    RPC_TEXT,    /* `most` bytes, 0: whatever fits a line */
    RPC_SECRET,  /* the same, not empty, never logged or shown */
    RPC_WHOLE,   /* a whole number, 0 to `most` (0: INT64_MAX) */
    RPC_FLAG,    /* true or false */
    RPC_TEXTS,   /* at most `most` texts */
    RPC_TIME,    /* answers only: "2026-11-22T18:06:00.000Z" */
    RPC_SECONDS, /* answers only: a number, maybe with a fraction */
    RPC_NUMBER,  /* the same of something else, which the field's name says */
    RPC_OBJECT,  /* answers only: of the shape `of` */
    RPC_OBJECTS, /* answers only: a list of them */
};

struct rpc_field {
    const char *name;
    enum rpc_type type;
    bool required; /* in answers: always there */
    int64_t most;
    const char *of;    /* name of a shape */
    const char *about; /* one line */
};

/* What must be so before a method may run; the daemon refuses otherwise. */
enum rpc_need {
    RPC_NEEDS_NOTHING, /* answers also while locked or without identity */
    RPC_NEEDS_HOME,    /* the same, but BARE_NODE where there is no home at all */
    RPC_NEEDS_NODE,    /* LOCKED or NO_IDENTITY otherwise, or BARE_NODE */
    RPC_NEEDS_DHT,     /* LOCKED or NO_IDENTITY otherwise, or DHT_OFF */
};

struct rpc_method {
    const char *name; /* "contact.add" */
    enum rpc_need need;
    const struct rpc_field *params, *answer; /* each ends with RPC_END */
    const char *summary;
};

/* An object that several answers hold. */
struct rpc_shape {
    const char *name;
    const struct rpc_field *fields;
};

const struct rpc_method *rpc_method_at(size_t index); /* NULL past the last */
const struct rpc_method *rpc_method_named(const char *name);
const struct rpc_shape *rpc_shape_at(size_t index);
const struct rpc_shape *rpc_shape_named(const char *name);
json_t *rpc_discover(void); /* the table as the answer of rpc.discover; the caller's reference */

/* --- lines: the server's end ----------------------------------------------------------------- */

/* Bytes in, whole lines out. Holds one line at most and what came with it; wiped when consumed. */
struct rpc_lines;

enum rpc_line { RPC_LINE_NONE, RPC_LINE_WHOLE, RPC_LINE_OVERLONG /* for good: say so and close */ };

struct rpc_lines *rpc_lines_create(void);
void rpc_lines_destroy(struct rpc_lines *lines); /* NULL is fine */
void rpc_lines_feed(struct rpc_lines *lines, struct bytes bytes);
/* The next line without its newline, nor a carriage return before it; empty lines are skipped.
   `out` is valid until the next feed. Pull until NONE before feeding again. */
enum rpc_line rpc_lines_next(struct rpc_lines *lines, struct bytes *out);

/* One JSON value, strictly: UTF-8, no duplicate keys, nothing after it, within depth and count.
   NULL otherwise, and `trouble` (may be NULL) says what is wrong. The caller's reference. */
#define RPC_TROUBLE_BYTES 160
json_t *rpc_json_read(struct bytes text, char trouble[RPC_TROUBLE_BYTES]);

struct rpc_request {
    const struct rpc_method *method; /* NULL on failure */
    json_t *id;                      /* whole number or text; NULL on failure when there was none */
    json_t *params;                  /* checked against the table; an object, maybe empty */
};
/* RPC_FINE, RPC_PARSE, RPC_INVALID_REQUEST, RPC_UNKNOWN_METHOD or RPC_BAD_PARAMS; `trouble` is the
   sentence for the person who wrote it. Release in every case. */
enum rpc_error rpc_request_read(struct bytes line, struct rpc_request *out,
                                char trouble[RPC_TROUBLE_BYTES]);
void rpc_request_release(struct rpc_request *request);

/* Of checked params (or of an answer): NULL, `otherwise`, false when it is not there. */
const char *rpc_text(const json_t *object, const char *name);
int64_t rpc_whole(const json_t *object, const char *name, int64_t otherwise);
bool rpc_flag(const json_t *object, const char *name);
/* How many texts the list holds; the one at `index` or NULL. */
size_t rpc_texts(const json_t *object, const char *name);
const char *rpc_text_at(const json_t *object, const char *name, size_t index);

/* A line of memory: NUL-terminated with its newline, `size` counts the newline. Wiped and freed by
   rpc_line_free. `data` NULL: the value did not fit RPC_LINE_MAX_BYTES, or a text was no UTF-8. */
struct rpc_text_line {
    char *data;
    size_t size;
};
void rpc_line_free(struct rpc_text_line *line);
struct rpc_text_line rpc_line_write(const json_t *value);
/* Each takes over `result`, `more` and `event`; ids stay the caller's (NULL: null). An answer that
   would be too long becomes the error RPC_INTERNAL. `sentence` NULL: the table's. `more` NULL or an
   object whose fields join the error's data (candidates, retry_after ...). */
struct rpc_text_line rpc_answer_line(const json_t *id, json_t *result);
struct rpc_text_line rpc_error_line(const json_t *id, enum rpc_error error, const char *sentence,
                                    json_t *more);
struct rpc_text_line rpc_event_line(json_t *event); /* method "event", the event as its params */

#define RPC_TIME_BYTES 25 /* "2026-11-22T18:06:00.000Z" and its NUL */
void rpc_time_print(instant when, char text[RPC_TIME_BYTES]);
bool rpc_time_parse(const char *text, instant *out);

/* Bytes as text. Each print writes a NUL behind; each parse takes one spelling only (but hex in
   either case) and fails when it is another size, or more than `most`. */
#define RPC_BASE64_CHARS(bytes) (((size_t)(bytes) + 2) / 3 * 4)
void rpc_hex_print(struct bytes data, char *text); /* 2 * size + 1 */
bool rpc_hex_parse(const char *text, void *out, size_t size);
void rpc_base64_print(struct bytes data, char *text); /* RPC_BASE64_CHARS(size) + 1 */
bool rpc_base64_parse(const char *text, void *out, size_t most, size_t *size);

/* --- where they meet ------------------------------------------------------------------------- */

#define RPC_HOME_MAX_BYTES   4096
#define RPC_SOCKET_MAX_BYTES 104 /* the smallest sun_path among our systems */

struct rpc_place {
    char home[RPC_HOME_MAX_BYTES];     /* absolute; may not exist yet */
    char socket[RPC_SOCKET_MAX_BYTES]; /* absolute */
};
/* `home` NULL: RAMAGE_HOME, else $XDG_DATA_HOME/ramage, else ~/.local/share/ramage. The socket of
   the default home lies in $XDG_RUNTIME_DIR/ramage, of any other in the home itself, or under a
   short hashed name where that path is too long. False: no home can be named. */
bool rpc_place_find(const char *home, struct rpc_place *out);
/* Makes the socket's folder (0700) and checks that it is ours alone; the home must exist before. */
bool rpc_place_prepare(const struct rpc_place *place);

/* --- the client's end: blocking -------------------------------------------------------------- */

#define RPC_PATIENCE (30 * SECOND) /* for one answer */

struct rpc_client;

/* What came of a call. */
struct rpc_answer {
    enum rpc_error error;
    json_t *result;                /* RPC_FINE: an object */
    char sentence[512], hint[512]; /* otherwise: for the person; as it came, not cleaned */
    json_t *data;                  /* otherwise: the error's data, or NULL */
};
void rpc_answer_release(struct rpc_answer *answer);

/* NULL: nobody listens there, or somebody who is not us. */
struct rpc_client *rpc_client_connect(const char *socket_path);
void rpc_client_close(struct rpc_client *client); /* NULL is fine */
/* Takes over `params` (NULL: none). Events that arrive meanwhile are kept for rpc_client_next.
   Own errors: RPC_NO_ANSWER (gone or silent), RPC_INTERRUPTED (a signal, see below). */
void rpc_client_call(struct rpc_client *client, const char *method, json_t *params,
                     struct rpc_answer *out);
/* The same for what takes longer: events are told as they come, and RPC_TIME_OVER after `patience`.
   The answer that comes later is passed over. */
struct rpc_watch {
    duration patience;
    void (*tell)(void *self, const json_t *event); /* NULL: kept */
    void *self;
};
void rpc_client_call_watched(struct rpc_client *client, const char *method, json_t *params,
                             const struct rpc_watch *watch, struct rpc_answer *out);
/* The next event, waiting at most so long (NEVER: for ever). RPC_FINE with *event NULL: none in
   time. RPC_NO_ANSWER: the stream ended. */
enum rpc_error rpc_client_next(struct rpc_client *client, duration wait, json_t **event);
/* To wait for events and something else at once: readable means rpc_client_next may not block. */
int rpc_client_descriptor(const struct rpc_client *client);
/* Every wait of every client ends with RPC_INTERRUPTED once a signal handler sets this flag. */
void rpc_client_interrupt_on(const volatile sig_atomic_t *flag);

#endif
