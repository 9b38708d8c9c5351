/* The outside world of one process: a loop, a clock, luck, files, sockets. The only code that
   waits.

   A host drives at most one node: it feeds it datagrams and time, and lets out what the node wants
   let out, in rounds. One round takes everything that has arrived, settles it once, and only then
   tells `settled`, sends datagrams and hands over events; so many small commands cost one sync of
   the disk.

   One thread runs everything here but `host_work`. Nothing is global, except that SIGPIPE is
   ignored, and the memory for secrets. Sources: udp(7), RFC 8899 for path MTU; unix(7), socket(7)
   SO_PEERCRED; flock(2). */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "engine/node/node.h"

struct host;
struct host_client;

#define HOST_LISTEN_MAX         16                  /* addresses one process listens on */
#define HOST_CLIENTS_MAX        128                 /* local clients at once */
#define HOST_QUEUE_MAX_BYTES    ((size_t)4 << 20)   /* not read by a client: then it is closed */
#define HOST_QUEUE_ENOUGH_BYTES ((size_t)256 << 10) /* from here on we read no more from it */
#define HOST_SOCKET_PATH_MAX    104                 /* with its NUL: what BSD and macOS hold */
#define HOST_FILE_MAX_BYTES     4096                /* small files read and written whole */

enum host_trouble {
    HOST_FINE,
    HOST_ABSENT,          /* no such file */
    HOST_UNWRITABLE,      /* permission, read-only, or no folder where one must be */
    HOST_NOT_OURS,        /* the folder belongs to another user */
    HOST_FULL,            /* no space left, or over quota */
    HOST_HOME_TAKEN,      /* another process holds this home */
    HOST_PORT_TAKEN,      /* somebody listens there */
    HOST_NOT_OUR_ADDRESS, /* this machine has no such address */
    HOST_PATH_TOO_LONG,   /* a socket's path above HOST_SOCKET_PATH_MAX */
    HOST_SOCKET_TAKEN,    /* somebody answers at the local socket */
    HOST_BROKEN,          /* anything else: too many files open, an input/output error ... */
};

/* Any may be NULL. None is called from inside a call of the same host, but from host_run alone. */
struct host_hooks {
    void *self;
    /* The round is on disk (NONE), or the store failed (DISK): then no later round will succeed. */
    void (*settled)(void *self, enum fault fault);
    void (*event)(void *self, const struct node_event *event);
    void (*stop)(void *self); /* SIGTERM or SIGINT */
    void (*opened)(void *self, struct host_client *client);
    void (*data)(void *self, struct host_client *client, struct bytes data); /* at most 64 KiB */
    void (*room)(void *self, struct host_client *client); /* its full queue has drained */
    /* It will send no more, but still listens: hang up once it has what it waits for. NULL: at
     * once. */
    void (*ended)(void *self, struct host_client *client);
    void (*closed)(void *self, struct host_client *client); /* the last word about it */
};

/* Memory for secrets (base/secret.h), before the first of them is made: one region, locked as far
   as this machine allows, between two pages that may not be touched, in no core dump and no child.
   A signal that kills wipes it first. Returns the bytes locked; 0: none are, and the region is
   ordinary memory. Sources: mlock(2), madvise(2). */
size_t host_secrets_begin(void);
void host_secrets_end(void); /* wipes it, for good: before the process ends */

struct host_settings {
    struct host_hooks hooks;
    /* Told to a client above HOST_CLIENTS_MAX before it is closed; borrowed. */
    struct bytes crowded;
    bool verbose; /* notes and traces too, else warnings alone; to stderr */
};

/* NULL: the machine refuses a loop (too many open files). */
struct host *host_create(const struct host_settings *settings);
/* Closes every socket and client, without `closed`; not from inside host_run. */
void host_destroy(struct host *host); /* NULL is fine */
void host_run(struct host *host);     /* until host_stop */
/* The round that runs is ended; clients get a second to take what they wait for. */
void host_stop(struct host *host);

instant host_now(struct host *host);     /* base/time.h; counts a suspended machine's sleep too */
struct rng *host_rng(struct host *host); /* getrandom(2); the program stops rather than guess */
struct log *host_log(struct host *host);
size_t host_resident_bytes(const struct host *host); /* memory of this process; 0: unknown */

/* --- the home: a private folder that one process at a time holds ------------------------------ */

struct host_home;
/* Makes the folder (0700, with its parents) when there is none, and takes its lock. */
enum host_trouble host_home_open(const char *path, struct host_home **out);
void host_home_close(struct host_home *home); /* NULL is fine */
/* BROKEN: larger than `most`. */
enum host_trouble host_home_read(struct host_home *home, const char *name, void *out, size_t most,
                                 size_t *size);
/* All or nothing, also when the power goes: a second file, synced, takes the first one's name. At
   most HOST_FILE_MAX_BYTES. */
enum host_trouble host_home_write(struct host_home *home, const char *name, struct bytes data);
/* Gives `name` another name, replacing what has it. ABSENT: there is none. */
enum host_trouble host_home_rename(struct host_home *home, const char *name, const char *to);
uint64_t host_home_free(const struct host_home *home);    /* bytes on its disk; 0: unknown */
const char *host_home_path(const struct host_home *home); /* absolute */
/* The path of `name` inside, to be freed by mem_free. */
char *host_home_file(const struct host_home *home, const char *name);

/* The same for a file anywhere, for processes without a home. ABSENT: the folder is there, the file
   is not; UNWRITABLE: nor is the folder. */
enum host_trouble host_file_read(const char *path, void *out, size_t most, size_t *size);
enum host_trouble host_file_write(const char *path, struct bytes data);

/* --- datagrams -------------------------------------------------------------------------------- */

/* Without addresses: one random port of all IPv4 and, where there is any, IPv6 addresses. Listens
   on all of them or on none; `failed`, which may be NULL, is then set to the one that was refused.
   Once per host. */
enum host_trouble host_listen(struct host *host, const struct address *at, size_t count,
                              struct address *failed);
/* Also hears who calls on the local networks, and lets the node call there. Best effort. */
void host_listen_nearby(struct host *host);
/* Where it listens; how many there are. */
size_t host_listening(const struct host *host, struct address out[HOST_LISTEN_MAX]);

/* --- the node it drives ----------------------------------------------------------------------- */

void host_drive(struct host *host, struct node *node); /* borrowed; one at a time */
/* Sends what the node still wants to send and lets go of it; NULL when none is driven. */
struct node *host_release(struct host *host);
/* A command changed the node, or answers wait: a round is due before the loop sleeps. */
void host_touch(struct host *host);

/* --- local clients: bytes over a Unix socket -------------------------------------------------- */

/* The socket is 0600; its folder must exist. A stale socket is replaced. Only processes of our own
   user get in. Once per host; removed by host_destroy. */
enum host_trouble host_serve(struct host *host, const char *path);
/* Takes all of it. False: it was too much for the queue, and the client is being closed. */
bool host_write(struct host_client *client, struct bytes data);
size_t host_queued(const struct host_client *client); /* bytes not yet taken by the kernel */
void host_hang_up(struct host_client *client);        /* after what is queued; `closed` follows */
uint64_t host_client_number(const struct host_client *client);            /* never used twice */
struct host_client *host_client_find(struct host *host, uint64_t number); /* NULL: gone */
void host_client_keep(struct host_client *client, void *yours);
void *host_client_kept(const struct host_client *client);

/* --- slow work beside the loop ---------------------------------------------------------------- */

/* `run` in another thread, then `done` from the loop. host_destroy waits for what runs. */
void host_work(struct host *host, void (*run)(void *work), void (*done)(void *work), void *work);

/* Asks the system's resolver for a name, beside the loop: `done` gets its addresses with that port,
   none when there is no answer within seconds. The one place where we ask for names. */
#define HOST_RESOLVED_MAX 16
void host_resolve(struct host *host, const char *name, uint16_t port,
                  void (*done)(void *self, const struct address *at, size_t count), void *self);

#endif
