/* Messages: one table in order of arrival, read in the order of their conversation. */
#include "engine/store/database.h"

#include <assert.h>
#include <string.h>

/* --- ids ------------------------------------------------------------------------------------ */

/* The first 63 bits of an id, as a number that sorts as the ids do. */
static int64_t start_of(const uint8_t id[MESSAGE_ID_BYTES])
{
    uint64_t start = 0;
    for (size_t i = 0; i < 8; i++)
        start = start << 8 | id[i];
    return (int64_t)(start >> 1);
}

static void bind_id(struct query *query, const uint8_t id[MESSAGE_ID_BYTES])
{
    query_bind(query, start_of(id));
    query_bind_blob(query, id, MESSAGE_ID_BYTES);
}

enum fault store_height(struct store *store, int64_t contact, const uint8_t id[MESSAGE_ID_BYTES],
                        uint64_t *out)
{
    static const char sql[] =
        "SELECT height FROM message WHERE start = ? AND id = ? AND contact = ?";
    struct query query = query_open(store, sql);
    bind_id(&query, id);
    query_bind(&query, contact);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    *out = query_take_u64(&query);
    return query_close(&query);
}

/* NONE: it is there. */
static enum fault find_id(struct store *store, const uint8_t id[MESSAGE_ID_BYTES])
{
    static const char sql[] = "SELECT 1 FROM message WHERE start = ? AND id = ?";
    struct query query = query_open(store, sql);
    bind_id(&query, id);
    enum fault fault = query_step(&query);
    return fault == FAULT_NONE ? query_close(&query) : fault;
}

/* --- heads ---------------------------------------------------------------------------------- */

static enum fault head_add(struct store *store, const struct store_message *message)
{
    static const char sql[] = "INSERT INTO head (contact, height, id) VALUES (?, ?, ?)";
    struct query query = query_open(store, sql);
    query_bind(&query, message->contact);
    query_bind_u64(&query, message->height);
    query_bind_blob(&query, message->id, MESSAGE_ID_BYTES);
    return query_change(&query, NULL);
}

static enum fault head_end(struct store *store, int64_t contact, uint64_t height,
                           const uint8_t id[MESSAGE_ID_BYTES])
{
    static const char sql[] = "DELETE FROM head WHERE contact = ? AND height = ? AND id = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    query_bind_u64(&query, height);
    query_bind_blob(&query, id, MESSAGE_ID_BYTES);
    return query_change(&query, NULL);
}

static enum fault await(struct store *store, int64_t contact, const uint8_t id[MESSAGE_ID_BYTES])
{
    static const char sql[] = "INSERT OR IGNORE INTO awaited (contact, id) VALUES (?, ?)";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    query_bind_blob(&query, id, MESSAGE_ID_BYTES);
    return query_change(&query, NULL);
}

static enum fault await_end(struct store *store, const struct store_message *message,
                            size_t *awaited)
{
    static const char sql[] = "DELETE FROM awaited WHERE contact = ? AND id = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, message->contact);
    query_bind_blob(&query, message->id, MESSAGE_ID_BYTES);
    return query_change(&query, awaited);
}

static enum fault follow_parent(struct store *store, int64_t contact,
                                const uint8_t id[MESSAGE_ID_BYTES])
{
    uint64_t height;
    enum fault fault = store_height(store, contact, id, &height);
    if (fault == FAULT_NONE)
        return head_end(store, contact, height, id);
    return fault == FAULT_GONE ? await(store, contact, id) : fault;
}

static enum fault update_heads(struct store *store, const struct store_message *message)
{
    size_t awaited = 0;
    enum fault fault = await_end(store, message, &awaited);
    if (fault == FAULT_NONE && awaited == 0)
        fault = head_add(store, message);
    for (size_t i = 0; fault == FAULT_NONE && i < message->parent_count; i++)
        fault = follow_parent(store, message->contact, message->parents[i]);
    return fault;
}

static enum fault read_height(struct store *store, int64_t contact, uint64_t *height)
{
    static const char sql[] =
        "SELECT height FROM message WHERE contact = ? ORDER BY height DESC LIMIT 1";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    *height = 0;
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    *height = query_take_u64(&query);
    return query_close(&query);
}

size_t store_heads(struct store *store, int64_t contact,
                   uint8_t out[STORE_PARENTS_MAX][MESSAGE_ID_BYTES], uint64_t *height)
{
    static const char sql[] =
        "SELECT id FROM head WHERE contact = ? ORDER BY height DESC, id DESC LIMIT ?";
    if (read_height(store, contact, height) != FAULT_NONE)
        return 0;
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    query_bind(&query, STORE_PARENTS_MAX);
    size_t count = 0;
    enum fault fault;
    for (; (fault = query_step(&query)) == FAULT_NONE; count++) {
        query.column = 0;
        query_take_blob(&query, out[count], MESSAGE_ID_BYTES);
    }
    return fault == FAULT_GONE && query_close(&query) == FAULT_NONE ? count : 0;
}

/* --- adding --------------------------------------------------------------------------------- */

static enum fault insert(struct store *store, struct store_message *message)
{
    static const char sql[] =
        "INSERT INTO message (start, id, contact, height, ours, state, failure, read, written,"
        " arrived, changed, parents, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    struct query query = query_open(store, sql);
    bind_id(&query, message->id);
    query_bind(&query, message->contact);
    query_bind_u64(&query, message->height);
    query_bind(&query, message->ours);
    query_bind(&query, message->state);
    query_bind(&query, message->failure);
    query_bind(&query, message->read);
    query_bind_u64(&query, message->written);
    query_bind_time(&query, message->arrived);
    query_bind_time(&query, message->changed);
    query_bind_blob(&query, message->parents, message->parent_count * MESSAGE_ID_BYTES);
    query_bind_blob(&query, message->text.data, message->text.size);
    enum fault fault = query_change(&query, NULL);
    if (fault == FAULT_NONE)
        message->row = sqlite3_last_insert_rowid(store->db);
    return fault;
}

static enum fault count_message(struct store *store, const struct store_message *message)
{
    static const char sql[] = "UPDATE conversation SET total = total + 1, unread = unread + ?,"
                              " owed = owed + ?, last_row = ?, last_time = ? WHERE contact = ?";
    struct query query = query_open(store, sql);
    size_t changed = 0;
    query_bind(&query, !message->ours && !message->read);
    query_bind(&query, message->ours && message->state == MESSAGE_WRITTEN);
    query_bind(&query, message->row);
    query_bind_time(&query, message->arrived);
    query_bind(&query, message->contact);
    enum fault fault = query_change(&query, &changed);
    assert(fault != FAULT_NONE || changed == 1); /* a message belongs to somebody we know */
    return fault;
}

enum fault store_message_add(struct store *store, struct store_message *message)
{
    assert(message->parent_count <= STORE_PARENTS_MAX && message->height < INT64_MAX);
    if (message->text.size > STORE_TEXT_MAX_BYTES)
        return FAULT_BUSY;
    enum fault fault = find_id(store, message->id);
    if (fault != FAULT_GONE)
        return fault == FAULT_NONE ? FAULT_GONE : fault;
    fault = insert(store, message);
    if (fault == FAULT_NONE)
        fault = update_heads(store, message);
    if (fault == FAULT_NONE)
        fault = count_message(store, message);
    return fault;
}

/* --- reading -------------------------------------------------------------------------------- */

#define MESSAGE_COLUMNS                                                                            \
    "row, contact, id, ours, state, failure, read, height, written, arrived, changed, parents, "   \
    "text"

static enum fault one_message(struct query *query, struct store_message *out)
{
    enum fault fault = query_step(query);
    if (fault != FAULT_NONE)
        return fault;
    out->row = query_take(query);
    out->contact = query_take(query);
    query_take_blob(query, out->id, MESSAGE_ID_BYTES);
    out->ours = query_take(query) != 0;
    out->state = (enum message_state)query_take(query);
    out->failure = (enum message_failure)query_take(query);
    out->read = query_take(query) != 0;
    out->height = query_take_u64(query);
    out->written = query_take_u64(query);
    out->arrived = query_take_time(query);
    out->changed = query_take_time(query);
    size_t parents = query_take_blob_upto(query, out->parents, sizeof out->parents);
    out->parent_count = parents / MESSAGE_ID_BYTES;
    if (parents % MESSAGE_ID_BYTES != 0)
        query->misshapen = true;
    out->text = database_keep(&query->store->text, query_take_view(query, STORE_TEXT_MAX_BYTES));
    return query_close(query);
}

enum fault store_message_get(struct store *store, int64_t row, struct store_message *out)
{
    static const char sql[] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE row = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, row);
    return one_message(&query, out);
}

enum fault store_message_by_id(struct store *store, const uint8_t id[MESSAGE_ID_BYTES],
                               struct store_message *out)
{
    static const char sql[] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE start = ? AND id = ?";
    struct query query = query_open(store, sql);
    bind_id(&query, id);
    return one_message(&query, out);
}

/* The least and the greatest id that begins with these bits. */
static void range_of(const uint8_t *prefix, size_t bits, uint8_t least[MESSAGE_ID_BYTES],
                     uint8_t greatest[MESSAGE_ID_BYTES])
{
    assert(bits <= MESSAGE_ID_BYTES * 8);
    for (size_t i = 0; i < MESSAGE_ID_BYTES; i++) {
        size_t known = bits <= i * 8 ? 0 : bits - i * 8;
        uint8_t free_bits = known >= 8 ? 0 : (uint8_t)(0xff >> known);
        least[i] = known == 0 ? 0 : (uint8_t)(prefix[i] & ~free_bits);
        greatest[i] = least[i] | free_bits;
    }
}

enum fault store_message_by_prefix(struct store *store, const uint8_t *prefix, size_t bits,
                                   struct store_message *out)
{
    static const char sql[] = "SELECT id FROM message WHERE start BETWEEN ? AND ?"
                              " AND id BETWEEN ? AND ? ORDER BY start LIMIT 2";
    uint8_t least[MESSAGE_ID_BYTES], greatest[MESSAGE_ID_BYTES], id[MESSAGE_ID_BYTES];
    range_of(prefix, bits, least, greatest);
    struct query query = query_open(store, sql);
    query_bind(&query, start_of(least));
    query_bind(&query, start_of(greatest));
    query_bind_blob(&query, least, sizeof least);
    query_bind_blob(&query, greatest, sizeof greatest);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    query_take_blob(&query, id, sizeof id);
    fault = query_step(&query);
    if (fault == FAULT_DISK)
        return fault;
    enum fault closed = query_close(&query);
    if (fault == FAULT_NONE || closed != FAULT_NONE)
        return fault == FAULT_NONE ? FAULT_BUSY : closed;
    return store_message_by_id(store, id, out);
}

/* --- in order ------------------------------------------------------------------------------- */

#define STEP_FROM   "SELECT " MESSAGE_COLUMNS " FROM message WHERE contact = ?"
#define NOT_READ    " AND ours = 0 AND read = 0"
#define STEP_AFTER  " AND (height, id) > (?, ?) ORDER BY height, id LIMIT 1"
#define STEP_BEFORE " AND (height, id) < (?, ?) ORDER BY height DESC, id DESC LIMIT 1"

/* No place stands before everything, or behind it: an empty id comes before all of that height. */
static void bind_place(struct query *query, const struct store_place_in *place, bool behind_all)
{
    query_bind(query, place ? (int64_t)place->height : behind_all ? INT64_MAX : -1);
    query_bind_blob(query, place ? place->id : NULL, place ? MESSAGE_ID_BYTES : 0);
}

enum fault store_message_step(struct store *store, int64_t contact, const struct store_place_in *at,
                              bool backwards, bool unread, struct store_message *out)
{
    static const char next[] = STEP_FROM STEP_AFTER;
    static const char next_unread[] = STEP_FROM NOT_READ STEP_AFTER;
    static const char previous[] = STEP_FROM STEP_BEFORE;
    static const char previous_unread[] = STEP_FROM NOT_READ STEP_BEFORE;
    struct query query = query_open(store, backwards ? (unread ? previous_unread : previous)
                                                     : (unread ? next_unread : next));
    query_bind(&query, contact);
    bind_place(&query, at, backwards);
    return one_message(&query, out);
}

static enum fault count_read(struct store *store, int64_t contact, size_t changed)
{
    static const char sql[] = "UPDATE conversation SET unread = unread - ? WHERE contact = ?";
    struct query query = query_open(store, sql);
    query_bind_u64(&query, changed);
    query_bind(&query, contact);
    return query_change(&query, NULL);
}

enum fault store_mark_read(struct store *store, int64_t contact, const struct store_place_in *until,
                           size_t *changed)
{
    static const char sql[] =
        "UPDATE message SET read = 1 WHERE contact = ?" NOT_READ " AND (height, id) <= (?, ?)";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    bind_place(&query, until, true);
    enum fault fault = query_change(&query, changed);
    if (fault == FAULT_NONE && *changed > 0)
        fault = count_read(store, contact, *changed);
    return fault;
}

enum fault store_chat_get(struct store *store, int64_t contact, struct store_chat *out)
{
    static const char sql[] = "SELECT contact, total, unread, owed, last_row, last_time"
                              " FROM conversation WHERE contact = ?";
    struct query query = query_open(store, sql);
    query_bind(&query, contact);
    enum fault fault = query_step(&query);
    if (fault != FAULT_NONE)
        return fault;
    out->contact = query_take(&query);
    out->total = query_take_u64(&query);
    out->unread = query_take_u64(&query);
    out->owed = query_take_u64(&query);
    out->last_row = query_take(&query);
    out->last_time = query_take_time(&query);
    return query_close(&query);
}
