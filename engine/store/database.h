/* The database under the room: how it is opened, its one transaction, and statements that are
   prepared once. Private to engine/store, the home of SQLCipher. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <sqlcipher/sqlite3.h>

#include "engine/store/store.h"

#define SEALED_KNOWN   64  /* devices whose sealed rows are counted in memory */
#define STATEMENTS_MAX 256 /* slots of prepared statements; a power of two, a third stays empty */

/* What would be counted too often; always what the open transaction says. */
struct tally {
    uint64_t contacts, owed, envelopes, seen; /* rows of contact, outbox, envelope, seen */
    int64_t next_owed, next_envelope;         /* row numbers not used since we opened */
    uint64_t oldest_event, newest_event;      /* 0: none */
};

/* What a question returned last as a view. */
struct kept {
    uint8_t *data; /* secret memory */
    size_t room;
};

struct store {
    sqlite3 *db;
    bool dirty;   /* a transaction is open */
    bool exposed; /* pages with keys of ours are in the cache: dropped at the next settle */
    enum store_trouble trouble;
    struct tally tally;
    struct {
        const char *sql; /* the literal itself: its address is the key */
        sqlite3_stmt *prepared;
    } statements[STATEMENTS_MAX];
    size_t statement_count;
    struct kept text, list, state; /* of store_message_*, store_list_get, store_session_* */
    struct {
        int64_t device; /* 0: nobody's */
        size_t count;
    } sealed[SEALED_KNOWN]; /* a device has one place; see outbox.c */
};

/* Notes what SQLite answered, undoes what is not settled and refuses everything from here on. */
enum fault database_fail(struct store *store, int result);
/* The same for a row whose shape no release ever wrote. */
enum fault database_damaged(struct store *store);
/* Reads the tally anew: after opening and after an undo. */
enum fault database_count(struct store *store);
/* Copies to where it stays until the next of its kind; what was there is wiped. */
struct bytes database_keep(struct kept *kept, struct bytes data);

/* All that the envelopes of a session hold is only written again; the envelopes go (envelope.c) or
   stay (outbox.c). */
enum fault envelope_unseal_session(struct store *store, int64_t session);
enum fault outbox_unseal_session(struct store *store, int64_t session);

/* --- one question: bind its parameters in order, step, take its columns in order, close ----- */

struct query {
    struct store *store;
    sqlite3_stmt *statement; /* NULL: the store has failed */
    int bound, column;
    bool misshapen;
};

/* `sql` must be one literal with static storage, always the same for the same question. */
struct query query_open(struct store *store, const char *sql);
void query_bind(struct query *query, int64_t value);
void query_bind_u64(struct query *query, uint64_t value);     /* any value; its order is not kept */
void query_bind_ordered(struct query *query, uint64_t value); /* any value, its order kept */
void query_bind_time(struct query *query, instant value); /* ordered; from year 2262 on: NEVER */
void query_bind_blob(struct query *query, const void *data,
                     size_t size); /* borrowed until closed */
void query_bind_text(struct query *query, const char *text);

/* NONE: a row is there, take its columns and close. GONE: no row, closed. DISK: failed, closed. */
enum fault query_step(struct query *query);
int64_t query_take(struct query *query);
uint64_t query_take_u64(struct query *query);
uint64_t query_take_ordered(struct query *query);
instant query_take_time(struct query *query);
void query_take_blob(struct query *query, void *out, size_t size); /* exactly that many bytes */
size_t query_take_blob_upto(struct query *query, void *out, size_t most);
void query_take_text(struct query *query, char *out, size_t most); /* with room for most + 1 */
struct bytes query_take_view(struct query *query, size_t most);    /* valid until closed */
enum fault query_close(struct query *query);

/* Runs a change whose parameters are bound, opening the transaction when none is. *changed (may be
   NULL) is the number of rows it touched. */
enum fault query_change(struct query *query, size_t *changed);
/* The same for a change with one number to bind, of which there are many. */
enum fault query_change_of(struct store *store, const char *sql, int64_t value, size_t *changed);
/* The one number that a bound question answers with. */
enum fault query_number(struct query *query, uint64_t *out);

#endif
