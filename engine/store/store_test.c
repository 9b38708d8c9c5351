#include "engine/store/store.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/store/database.h"
#include "engine/store/faulty.h"
#include "engine/store/fixture.h"
#include "tests/test.h"

static struct fixture home;

/* --- the transaction ------------------------------------------------------------------------ */

static void test_what_is_settled_stays_and_the_rest_is_gone(void)
{
    fixture_begin(&home, NULL);
    CHECK(!store_dirty(home.store));
    int64_t bob = fixture_contact(&home, "Bob");
    CHECK(store_dirty(home.store));
    int64_t kept = fixture_owe(&home, bob, "kept");
    fixture_settle(&home);
    fixture_settle(&home); /* nothing to do */
    int64_t lost = fixture_owe(&home, bob, "lost");
    struct store_message message;
    CHECK_INT(store_message_get(home.store, lost, &message), FAULT_NONE);
    fixture_reopen(&home);
    CHECK_INT(store_message_get(home.store, kept, &message), FAULT_NONE);
    CHECK_INT(store_message_get(home.store, lost, &message), FAULT_GONE);
    CHECK_INT(store_outbox_count(home.store, 0), 1);
    fixture_end(&home);
}

static void test_an_undo_takes_back_everything_since_the_settle(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    int64_t kept = fixture_owe(&home, bob, "kept");
    fixture_settle(&home);
    fixture_contact(&home, "Eve");
    fixture_owe(&home, bob, "undone");
    CHECK_INT(store_outbox_end(home.store, kept, MESSAGE_DELIVERED, FAILURE_NONE, 5), FAULT_NONE);
    CHECK_INT(store_contact_remove(home.store, bob), FAULT_NONE);
    store_undo(home.store);
    store_undo(home.store);
    CHECK(!store_dirty(home.store));
    struct store_message message;
    struct store_chat chat;
    uint64_t oldest, newest;
    CHECK_INT(store_contact_count(home.store), 1);
    CHECK_INT(store_outbox_count(home.store, 0), 1);
    CHECK_INT(store_message_get(home.store, kept, &message), FAULT_NONE);
    CHECK_INT(message.state, MESSAGE_WRITTEN);
    CHECK_INT(store_chat_get(home.store, bob, &chat), FAULT_NONE);
    CHECK(chat.total == 1 && chat.owed == 1);
    store_event_range(home.store, &oldest, &newest);
    CHECK(oldest == 1 && newest == 1);
    fixture_end(&home);
}

static void test_every_settle_syncs(void)
{
    faulty_register();
    fixture_begin(&home, FAULTY_VFS);
    int64_t bob = fixture_contact(&home, "Bob");
    fixture_settle(&home);
    for (int i = 0; i < 50; i++) {
        uint64_t before = faulty_count(FAULTY_SYNC);
        fixture_owe(&home, bob, "hello");
        CHECK_INT(faulty_count(FAULTY_SYNC), before);
        fixture_settle(&home);
        CHECK(faulty_count(FAULTY_SYNC) > before);
    }
    fixture_end(&home);
}

static size_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

static void test_the_wal_stays_bounded(void)
{
    const size_t most = 5 << 20;
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    for (int i = 0; i < 2000; i++) {
        fixture_owe(&home, bob, "hello");
        fixture_settle(&home);
        CHECK(size_of(home.wal) <= most);
    }
    for (int i = 0; i < 40000; i++) /* one settle larger than the bound */
        fixture_owe(&home, bob, "hello, and a hundred bytes more of what people tell each other");
    fixture_settle(&home);
    fixture_owe(&home, bob, "hello");
    fixture_settle(&home);
    CHECK(size_of(home.wal) <= most);
    fixture_end(&home);
    CHECK_INT(size_of(home.wal), 0);
}

/* --- opening -------------------------------------------------------------------------------- */

static void test_a_wrong_key_is_refused_and_changes_nothing(void)
{
    fixture_begin(&home, NULL);
    fixture_contact(&home, "Bob");
    fixture_settle(&home);
    store_close(home.store);
    home.store = NULL;
    for (size_t i = 0; i < sizeof home.place.key; i += 31) {
        home.place.key[i] ^= 0x80;
        CHECK_INT(fixture_trouble(&home), STORE_DAMAGED);
        home.place.key[i] ^= 0x80;
    }
    fixture_reopen(&home);
    CHECK_INT(store_contact_count(home.store), 1);
    fixture_end(&home);
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    CHECK(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static void test_a_file_that_is_no_store_is_refused(void)
{
    static const char plain[] = "SQLite format 3";
    uint8_t garbage[3 * 4096];
    fixture_begin(&home, NULL);
    store_close(home.store);
    home.store = NULL;
    /* SQLite takes one byte for an empty file. */
    for (size_t size = 2; size <= sizeof garbage; size = size * 3 + 1) {
        memset(garbage, 0x5a, sizeof garbage);
        write_file(home.path, garbage, size);
        CHECK_INT(fixture_trouble(&home), STORE_DAMAGED);
        memcpy(garbage, plain, sizeof plain);
        write_file(home.path, garbage, size);
        CHECK_INT(fixture_trouble(&home), STORE_DAMAGED);
        CHECK_INT(size_of(home.path), size);
    }
    unlink(home.path);
    fixture_end(&home);
}

static void test_a_place_where_nothing_can_be_written_is_refused(void)
{
    fixture_begin(&home, NULL);
    fixture_contact(&home, "Bob");
    fixture_settle(&home);
    store_close(home.store);
    home.store = NULL;
    struct fixture elsewhere = home;
    elsewhere.place.path = home.directory;
    CHECK_INT(fixture_trouble(&elsewhere), STORE_UNWRITABLE);
    elsewhere.place.path = "/nonexistent/store.db";
    CHECK_INT(fixture_trouble(&elsewhere), STORE_UNWRITABLE);
    CHECK(chmod(home.path, 0444) == 0 && chmod(home.directory, 0555) == 0);
    pid_t child = fork();
    if (child == 0) {
        enum store_trouble trouble;
        struct store *store;
        if (geteuid() == 0 &&
            (setgid(65534) != 0 || setuid(65534) != 0)) /* root may write anywhere */
            _exit(99);
        _exit(store_open(&home.place, &store, &trouble) == FAULT_DISK ? (int)trouble : 98);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), STORE_UNWRITABLE);
    CHECK(chmod(home.directory, 0700) == 0 && chmod(home.path, 0600) == 0);
    fixture_end(&home);
}

static void test_a_second_opener_is_told_so_at_once(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    fixture_settle(&home);
    CHECK_INT(fixture_trouble(&home), STORE_TAKEN);
    pid_t child = fork();
    if (child == 0) {
        enum store_trouble trouble;
        struct store *store;
        _exit(store_open(&home.place, &store, &trouble) == FAULT_DISK ? (int)trouble : 98);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), STORE_TAKEN);
    fixture_owe(&home, bob, "the first one goes on");
    fixture_settle(&home);
    fixture_end(&home);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    *size = size_of(path);
    uint8_t *data = mem_zeroed(*size + 1, 1);
    FILE *file = fopen(path, "r");
    CHECK(file && fread(data, 1, *size, file) == *size && fclose(file) == 0);
    return data;
}

static void test_a_store_of_a_later_release_is_refused_untouched(void)
{
    fixture_begin(&home, NULL);
    fixture_contact(&home, "Bob");
    fixture_settle(&home);
    CHECK_INT(sqlite3_exec(home.store->db, "PRAGMA user_version = 1000", NULL, NULL, NULL),
              SQLITE_OK);
    store_close(home.store);
    home.store = NULL;
    size_t size, size_after;
    uint8_t *before = read_file(home.path, &size);
    CHECK_INT(fixture_trouble(&home), STORE_TOO_NEW);
    uint8_t *after_it = read_file(home.path, &size_after);
    CHECK_INT(size, size_after);
    CHECK_BYTES(before, after_it, size);
    mem_free(before);
    mem_free(after_it);
    fixture_end(&home);
}

/* --- what others may read ------------------------------------------------------------------- */

static bool holds(const char *path, const void *secret, size_t size)
{
    size_t file_size;
    uint8_t *data = read_file(path, &file_size);
    bool found = memmem(data, file_size, secret, size) != NULL;
    mem_free(data);
    return found;
}

static void test_nothing_is_ever_written_in_clear(void)
{
    static const char *const secrets[] = { "a secret text",   "Bob the builder", "Alice herself",
                                           "CREATE TABLE",    "account_seed",    "SQLite format 3",
                                           "request of a bot" };
    fixture_begin(&home, NULL);
    struct store_self self = { .name = "Alice herself" };
    memcpy(self.account_seed, "account seed in 32 bytes, really", 32);
    CHECK_INT(store_self_put(home.store, &self), FAULT_NONE);
    int64_t bob = fixture_contact(&home, "Bob the builder");
    for (int i = 0; i < 100; i++)
        fixture_owe(&home, bob, "a secret text, and some more of it");
    CHECK_INT(store_request_put(home.store, "request of a bot", 1, 1), FAULT_NONE);
    fixture_settle(&home);
    for (int closed = 0; closed < 2; closed++) {
        const char *path = closed ? home.path : home.wal;
        CHECK(size_of(path) > 4096);
        for (size_t i = 0; i < COUNT(secrets); i++)
            CHECK(!holds(path, secrets[i], strlen(secrets[i])));
        CHECK(!holds(path, home.place.key, 16));
        CHECK(!holds(path, self.account_seed, 16));
        CHECK(!holds(path, "account of Bob", 14));
        char shared_memory[96];
        snprintf(shared_memory, sizeof shared_memory, "%s-shm", home.path);
        CHECK(access(shared_memory, F_OK) != 0);
        store_close(home.store);
        home.store = NULL;
    }
    fixture_end(&home);
}

/* --- a failing machine ---------------------------------------------------------------------- */

#define STEPS 6

/* Seals what is owed, and moves the ratchet on. */
static enum fault live_sealed(struct store *store, struct store_session *session,
                              const struct store_owed *owed)
{
    struct store_envelope envelope = { .device = session->device, .session = session->row };
    envelope.number = (uint32_t)owed->message;
    session->state = (struct bytes){ (const uint8_t *)&owed->message, sizeof owed->message };
    enum fault fault = store_envelope_add(store, &envelope);
    if (fault == FAULT_NONE)
        fault = store_outbox_seal(store, owed, envelope.row, session->device, 1);
    return fault == FAULT_NONE ? store_session_update(store, session) : fault;
}

/* Lives through some steps, each settled; *settled counts those the store promised to keep. */
static enum fault live(struct store *store, int *settled)
{
    struct store_contact bob = { .name = "Bob" };
    struct store_message message = { .ours = true, .state = MESSAGE_WRITTEN };
    uint8_t text[3000] = { 1 };
    message.text = BYTES_OF(text);
    struct store_session session = { .device = 1 };
    enum fault fault = store_contact_add(store, &bob);
    if (fault == FAULT_NONE)
        fault = store_session_add(store, &session);
    if (fault == FAULT_NONE)
        fault = store_settle(store);
    for (int i = 0; fault == FAULT_NONE && i < STEPS; i++) {
        message.contact = bob.id;
        fixture_id(message.id, (uint64_t)i);
        message.parent_count = store_heads(store, bob.id, message.parents, &message.height);
        message.height++;
        struct store_event event = { .kind = EVENT_MESSAGE_STATE };
        struct store_owed owed = { .contact = bob.id };
        fault = store_message_add(store, &message);
        owed.message = message.row;
        if (fault == FAULT_NONE)
            fault = store_outbox_add(store, &owed);
        if (fault == FAULT_NONE)
            fault = live_sealed(store, &session, &owed);
        if (fault == FAULT_NONE)
            fault = store_event_add(store, &event);
        if (fault == FAULT_NONE)
            fault = store_settle(store);
        *settled += fault == FAULT_NONE;
    }
    return fault;
}

static void check_sealed(struct store *store, int64_t last, size_t count)
{
    struct store_session session;
    struct store_envelope envelope = { .row = 0 };
    size_t envelopes = 0;
    while (store_envelope_next(store, 1, envelope.row, &envelope) == FAULT_NONE)
        envelopes++;
    CHECK_INT(envelopes, count);
    CHECK_INT(store_outbox_sealed(store, 1), count);
    if (count == 0)
        return;
    CHECK_INT(store_session_next(store, 1, 0, &session), FAULT_NONE);
    CHECK_INT(session.state.size, sizeof last);
    CHECK_BYTES(session.state.data, &last, sizeof last);
}

/* Each step is there whole or not at all, and none is missing that was promised. */
static void check_lived(struct store *store, int settled)
{
    struct store_contact bob;
    struct store_chat chat = { .total = 0 };
    struct store_message message;
    uint64_t oldest, newest;
    int64_t last = 0;
    if (store_contact_by_name(store, "Bob", &bob) == FAULT_NONE)
        CHECK_INT(store_chat_get(store, bob.id, &chat), FAULT_NONE);
    CHECK((int)chat.total >= settled && (int)chat.total <= settled + 1);
    CHECK_INT(store_outbox_count(store, 0), chat.total);
    store_event_range(store, &oldest, &newest);
    CHECK_INT(newest, chat.total);
    for (size_t i = 1; i <= chat.total; i++) {
        CHECK_INT(store_message_get(store, last + 1, &message), FAULT_NONE);
        CHECK_INT(message.height, i);
        CHECK_INT(message.state, MESSAGE_SEALED);
        last = message.row;
    }
    check_sealed(store, last, chat.total);
}

static void check_refuses(struct store *store, enum store_trouble trouble)
{
    struct store_contact eve = { .name = "Eve" };
    struct store_event event = { .kind = EVENT_NETWORK_CHANGED };
    CHECK_INT(store_trouble(store), trouble);
    CHECK(!store_dirty(store));
    CHECK_INT(store_contact_add(store, &eve), FAULT_DISK);
    CHECK_INT(store_event_add(store, &event), FAULT_DISK);
    CHECK_INT(store_contact_by_name(store, "Bob", &eve), FAULT_DISK);
    CHECK_INT(store_settle(store), FAULT_DISK);
    store_undo(store);
    CHECK_INT(store_trouble(store), trouble);
}

/* Lets the n-th operation of a kind fail, and all after it. False: so many were not needed. */
static bool live_with_failure(enum faulty_operation operation, uint64_t n, int result,
                              enum store_trouble expected)
{
    enum store_trouble trouble;
    int settled = 0;
    fixture_begin(&home, FAULTY_VFS);
    store_close(home.store);
    unlink(home.path);
    home.store = NULL;
    faulty_fail(operation, n, result);
    enum fault fault = store_open(&home.place, &home.store, &trouble);
    if (fault == FAULT_NONE) {
        fault = live(home.store, &settled);
        if (fault != FAULT_NONE)
            check_refuses(home.store, expected);
    } else {
        CHECK(trouble == expected || (operation == FAULTY_READ && trouble != STORE_FINE));
    }
    store_close(home.store); /* may meet the failure too, when it copies the WAL home */
    home.store = NULL;
    faulty_heal();
    fixture_reopen(&home);
    check_lived(home.store, settled);
    fixture_end(&home);
    return fault != FAULT_NONE;
}

static void test_a_failure_at_any_operation_stops_cleanly_and_loses_nothing(void)
{
    static const struct {
        enum faulty_operation operation;
        int result;
        enum store_trouble trouble;
        uint64_t least; /* operations we know to happen */
    } failures[] = {
        { FAULTY_WRITE, SQLITE_FULL, STORE_FULL, 50 },
        { FAULTY_WRITE, SQLITE_IOERR_WRITE, STORE_BROKEN, 50 },
        { FAULTY_SYNC, SQLITE_IOERR_FSYNC, STORE_BROKEN, STEPS },
        { FAULTY_READ, SQLITE_IOERR_READ, STORE_BROKEN, 1 },
    };
    faulty_register();
    for (size_t i = 0; i < COUNT(failures); i++) {
        uint64_t n = 0;
        while (live_with_failure(failures[i].operation, n, failures[i].result, failures[i].trouble))
            n++;
        CHECK(n >= failures[i].least);
    }
}

static void test_a_wal_that_cannot_be_copied_home_is_told(void)
{
    faulty_register();
    fixture_begin(&home, FAULTY_VFS);
    int64_t bob = fixture_contact(&home, "Bob");
    fixture_settle(&home);
    enum fault fault = FAULT_NONE;
    int said = 0;
    for (; fault == FAULT_NONE && said < 4000; said++) {
        fixture_owe(&home, bob, "hello");
        faulty_fail(FAULTY_SYNC, 1, SQLITE_IOERR_FSYNC); /* the second sync only happens then */
        fault = store_settle(home.store);
        faulty_heal();
    }
    CHECK_INT(fault, FAULT_DISK);
    CHECK_INT(store_trouble(home.store), STORE_BROKEN);
    fixture_reopen(&home);
    CHECK_INT(store_outbox_count(home.store, 0), said);
    fixture_end(&home);
}

/* Fills the place it is called in, then tells how it went by its exit. */
static int fill(const char *path)
{
    struct store_place place = { .path = path, .key = { 1 } };
    enum store_trouble trouble;
    struct store *store;
    struct store_contact bob = { .name = "Bob" };
    uint8_t text[STORE_TEXT_MAX_BYTES] = { 1 };
    uint64_t settled = 0;
    if (store_open(&place, &store, &trouble) != FAULT_NONE ||
        store_contact_add(store, &bob) != FAULT_NONE)
        return 90;
    struct store_message message = { .contact = bob.id, .text = BYTES_OF(text) };
    for (;; settled++) {
        fixture_id(message.id, settled);
        message.height = settled + 1;
        if (store_message_add(store, &message) != FAULT_NONE || store_settle(store) != FAULT_NONE)
            break;
    }
    if (store_trouble(store) != STORE_FULL || settled < 2)
        return 91;
    store_close(store);
    if (store_open(&place, &store, &trouble) != FAULT_NONE)
        return trouble == STORE_FULL ? 0 : 92; /* there may be no room to copy the WAL home */
    struct store_chat chat = { .total = 0 };
    if (store_chat_get(store, bob.id, &chat) != FAULT_NONE || chat.total < settled)
        return 93;
    store_close(store);
    return 0;
}

static int status_of(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_a_limit_on_file_size_is_a_full_disk(void)
{
    fixture_begin(&home, NULL);
    store_close(home.store);
    home.store = NULL;
    unlink(home.path);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = { 2 << 20, 2 << 20 };
        signal(SIGXFSZ, SIG_IGN);
        _exit(setrlimit(RLIMIT_FSIZE, &limit) == 0 ? fill(home.path) : 99);
    }
    CHECK_INT(status_of(child), 0);
    fixture_end(&home);
}

static void test_a_full_disk_stops_cleanly(void)
{
    fixture_begin(&home, NULL);
    store_close(home.store);
    home.store = NULL;
    unlink(home.path);
    pid_t child = fork();
    if (child == 0) {
        /* A file system of our own, gone with this process; not every machine lets us have one. */
        if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", home.directory, "tmpfs", 0, "size=2m") != 0)
            _exit(77);
        _exit(fill(home.path));
    }
    int status = status_of(child);
    if (status == 77)
        print_message("no mount namespaces here: not tried\n");
    CHECK(status == 0 || status == 77);
    fixture_end(&home);
}

/* --- speed ---------------------------------------------------------------------------------- */

static void ask_of_sessions(struct store *store, int64_t contact)
{
    struct store_prekey prekey = { .ends = NEVER }, ended = { .id = { 1 }, .ends = 1 };
    struct store_bundle bundle = { .device = 1 }, one_time = { .device = 1, .one_time = true };
    struct store_session session = { .device = 1 };
    struct store_envelope envelope = { .device = 1 };
    struct store_link_key key = { .from = 1 };
    struct store_owed owed;
    struct bytes list;
    uint8_t hash[32] = { 0 };
    instant next;
    store_link_key_add(store, &key);
    store_link_key_before(store, 2, &key);
    store_link_key_forget(store, 1);
    store_list_put(store, contact, bytes_of_text("list"));
    store_list_get(store, contact, &list);
    store_prekey_put(store, &prekey);
    store_prekey_put(store, &ended);
    store_prekey_get(store, prekey.id, &prekey);
    store_prekey_newest(store, &prekey);
    store_prekey_next(store, 1, NULL, &prekey);
    store_prekey_retire(store, 5);
    store_prekey_expire(store, 1, &next);
    store_seen_add(store, hash, prekey.id, hash);
    store_prekey_remove(store, prekey.id);
    store_bundle_put(store, &bundle);
    store_bundle_put(store, &bundle);
    store_bundle_put(store, &one_time);
    store_bundle_best(store, 1, &bundle);
    store_bundle_remove(store, 1, bundle.id);
    store_session_add(store, &session);
    store_session_update(store, &session);
    store_session_get(store, session.row, &session);
    store_session_next(store, 1, 0, &session);
    store_session_next(store, 1, session.row, &session);
    store_envelope_add(store, &envelope);
    store_envelope_next(store, 1, 0, &envelope);
    store_envelope_in_run(store, 1, envelope.chain, 1, 1, &envelope);
    store_outbox_next_written(store, contact, 0, &owed);
    store_outbox_seal(store, &owed, envelope.row, 1, 1);
    store_outbox_sealed(store, 1);
    store_outbox_next_in(store, envelope.row, 0, &owed);
    store_outbox_bury(store, owed.message, FAILURE_EXPIRED, 1);
    store_session_remove(store, session.row);
    store_envelope_remove(store, envelope.row);
    store_contact_remove(store, contact);
}

static void ask_everything(struct store *store, int64_t contact)
{
    struct store_contact person;
    struct store_device device = { .contact = contact };
    struct store_address addresses[STORE_ADDRESSES_MAX] = { { .fixed = false } };
    struct store_message message;
    struct store_place_in place = { 1, { 0 } };
    struct store_chat chat;
    struct store_owed owed;
    struct store_event event;
    uint8_t heads[STORE_PARENTS_MAX][MESSAGE_ID_BYTES], id[32] = { 0 };
    uint64_t number;
    int64_t row;
    size_t count;
    store_contact_get(store, contact, &person);
    store_contact_update(store, &person);
    store_contact_by_account(store, id, &person);
    store_contact_by_name(store, "Bob", &person);
    store_contact_next(store, 0, &person);
    store_device_put(store, &device);
    store_device_put(store, &device);
    store_device_get(store, 1, &device);
    store_device_next(store, 0, 0, &device);
    store_device_next(store, contact, 0, &device);
    store_address_put(store, contact, &addresses[0]);
    store_address_remove(store, contact, &addresses[0].address);
    store_message_by_id(store, id, &message);
    store_message_by_prefix(store, id, 20, &message);
    store_height(store, contact, id, &number);
    store_heads(store, contact, heads, &number);
    for (int i = 0; i < 4; i++)
        store_message_step(store, contact, &place, i & 1, i & 2, &message);
    store_mark_read(store, contact, &place, &count);
    store_chat_get(store, contact, &chat);
    store_outbox_next(store, contact, 0, &owed);
    store_outbox_first_to_expire(store, &owed);
    store_outbox_count(store, contact);
    store_outbox_ahead(store, contact, 1);
    store_outbox_end(store, 99, MESSAGE_DELIVERED, FAILURE_NONE, 1);
    store_event_next(store, 0, &event);
    store_consumer_set(store, "tui", 1);
    store_request_put(store, "key", 1, 1);
    store_request_get(store, "key", &row);
    ask_of_sessions(store, contact);
    CHECK_INT(store_trouble(store), STORE_FINE);
}

/* Few rows, or once: counting everything at opening, removing a person. */
static bool may_scan(const char *sql)
{
    static const char *const small[] = { "FROM self",
                                         "FROM consumer",
                                         "ORDER BY worked",
                                         "count(*) FROM contact",
                                         "FROM link_key",
                                         "WHERE one_time = 0 AND id <>",
                                         "DELETE FROM request WHERE message IN" };
    for (size_t i = 0; i < COUNT(small); i++)
        if (strstr(sql, small[i]))
            return true;
    return false;
}

/* What a question that holds the first must be answered by. */
static const char *index_for(const char *sql)
{
    static const struct {
        const char *part, *index;
    } expected[] = { { "AND ours = 0 AND read = 0", "message_unread" },
                     { "(height, id)", "message_order" },
                     { "WHERE start", "message_start" },
                     { "WHERE expires", "outbox_expires" },
                     { "WHERE envelope = ", "outbox_envelope" },
                     { "FROM outbox WHERE message", "outbox_message" } };
    for (size_t i = 0; i < COUNT(expected); i++)
        if (strstr(sql, expected[i].part))
            return expected[i].index;
    return "";
}

static void check_step(const char *sql, const char *step)
{
    /* In the order of an index, and stops. */
    bool in_order =
        strstr(sql, "ORDER BY row LIMIT ?") || strstr(sql, "ORDER BY sequence DESC LIMIT 1");
    bool scans = strncmp(step, "SCAN", 4) == 0 && strcmp(step, "SCAN CONSTANT ROW") != 0;
    if (strstr(step, "TEMP B-TREE") || (scans && !in_order))
        fail_msg("%s: %s", sql, step);
    if (strstr(step, "SEARCH") && !strstr(step, index_for(sql)))
        fail_msg("%s: %s, not %s", sql, step, index_for(sql));
}

static void check_plan(struct store *store, const char *sql)
{
    char explain[1024];
    sqlite3_stmt *plan;
    if (may_scan(sql))
        return;
    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    CHECK_INT(sqlite3_prepare_v2(store->db, explain, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW)
        check_step(sql, (const char *)sqlite3_column_text(plan, 3));
    sqlite3_finalize(plan);
}

static void test_no_question_reads_a_whole_table(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    fixture_owe(&home, bob, "hello");
    ask_everything(home.store, bob);
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        if (home.store->statements[i].sql)
            check_plan(home.store, home.store->statements[i].sql);
    CHECK(home.store->statement_count > 70);
    fixture_end(&home);
}

TESTS(TEST(test_what_is_settled_stays_and_the_rest_is_gone),
      TEST(test_an_undo_takes_back_everything_since_the_settle), TEST(test_every_settle_syncs),
      TEST(test_the_wal_stays_bounded), TEST(test_a_wrong_key_is_refused_and_changes_nothing),
      TEST(test_a_file_that_is_no_store_is_refused),
      TEST(test_a_place_where_nothing_can_be_written_is_refused),
      TEST(test_a_second_opener_is_told_so_at_once),
      TEST(test_a_store_of_a_later_release_is_refused_untouched),
      TEST(test_nothing_is_ever_written_in_clear),
      TEST(test_a_failure_at_any_operation_stops_cleanly_and_loses_nothing),
      TEST(test_a_wal_that_cannot_be_copied_home_is_told),
      TEST(test_a_limit_on_file_size_is_a_full_disk), TEST(test_a_full_disk_stops_cleanly),
      TEST(test_no_question_reads_a_whole_table))
