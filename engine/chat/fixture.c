#include "engine/chat/fixture.h"

#include "base/mem.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define START ((instant)1763900000 * SECOND)

struct side alice, bob;
struct rng rng;
instant now;
static struct rng_seeded luck;
static char folder[64];
static bool connected;

void side_open(struct side *side)
{
    struct store_place place = { .path = side->path, .key = { 9 } };
    enum store_trouble trouble;
    CHECK(store_open(&place, &side->store, &trouble) == FAULT_NONE);
}

static void wake(struct side *side)
{
    side->chat = chat_create(side->store, &rng, NULL);
    CHECK(chat_advance(side->chat, now) == FAULT_NONE);
}

void side_start(struct side *side, const char *name)
{
    struct store_self self;
    memset(side, 0, sizeof *side);
    snprintf(side->path, sizeof side->path, "%s/%s", folder, name);
    side_open(side);
    CHECK(chat_identity_make(side->store, now, name, &rng) == ANSWER_DONE);
    CHECK(chat_identity(side->store, &self) == FAULT_NONE);
    chat_card(&side->card, &self);
    sign_pair_from_seed(&side->account_pair, self.account_seed);
    sign_pair_from_seed(&side->device_pair, self.device_seed);
    wake(side);
}

void side_settle(struct side *side)
{
    CHECK(chat_settle(side->chat) == FAULT_NONE);
    CHECK(store_settle(side->store) == FAULT_NONE);
}

static void side_close(struct side *side)
{
    chat_destroy(side->chat);
    store_close(side->store);
}

void side_stop(struct side *side)
{
    char path[160];
    side_close(side);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", side->path,
                 ((const char *[]){ "", "-wal", "-shm" })[i]);
        unlink(path);
    }
}

void side_reopen(struct side *side)
{
    side_settle(side);
    side_close(side);
    side_open(side);
    wake(side);
}

static void copy_file(const char *from, const char *to)
{
    uint8_t block[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    CHECK(in != NULL && out != NULL);
    for (size_t size; (size = fread(block, 1, sizeof block, in)) > 0;)
        CHECK(fwrite(block, 1, size, out) == size);
    CHECK(fclose(in) == 0 && fclose(out) == 0);
}

/* Closing writes the log back into the file, so that the file is all there is. */
void side_copy(struct side *side, const char *suffix)
{
    char path[192];
    snprintf(path, sizeof path, "%s.%s", side->path, suffix);
    side_settle(side);
    side_close(side);
    copy_file(side->path, path);
    side_open(side);
    wake(side);
}

void side_restore(struct side *side, const char *suffix)
{
    char path[192];
    snprintf(path, sizeof path, "%s.%s", side->path, suffix);
    side_settle(side);
    side_close(side);
    CHECK(rename(path, side->path) == 0);
    side_open(side);
    wake(side);
}

/* --- meeting ---------------------------------------------------------------------------------- */

/* What stands behind the other's door. */
static void visit(struct side *side, struct side *other)
{
    struct chat_link_key keys[CHAT_LINK_KEYS];
    struct certificate certificate;
    struct store_device device;
    bool fresh;
    CHECK(chat_link_keys(other->chat, keys) > 0);
    CHECK(certificate_read(&certificate, BYTES_OF(keys[0].certificate)) == FAULT_NONE);
    CHECK(chat_device_seen(side->chat, now, &certificate, keys[0].certificate, 1, &device,
                           &fresh) == FAULT_NONE);
    side->device = device.id;
    struct bytes record = chat_record(other->chat, now);
    CHECK(chat_record_seen(side->chat, now, &device, record) == FAULT_NONE);
}

void meet(void)
{
    visit(&alice, &bob);
    visit(&bob, &alice);
}

void strangers(void)
{
    struct store_contact contact;
    rng = rng_from_seed(&luck, 1);
    now = START;
    connected = false;
    snprintf(folder, sizeof folder, "/tmp/ramage-chat-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    side_start(&alice, "alice");
    side_start(&bob, "bob");
    CHECK(chat_contact_add(alice.chat, now, &bob.card, "Bob", &contact) == ANSWER_DONE);
    alice.contact = contact.id;
    CHECK(chat_contact_add(bob.chat, now, &alice.card, "Alice", &contact) == ANSWER_DONE);
    bob.contact = contact.id;
}

void friends(void)
{
    strangers();
    meet();
}

void part(void)
{
    side_stop(&alice);
    side_stop(&bob);
    rmdir(folder);
}

/* --- the wire --------------------------------------------------------------------------------- */

bool trusted_now(void)
{
    struct chat_psk named[CHAT_PSKS], held[CHAT_PSKS];
    size_t names = chat_psks(alice.chat, alice.device, named);
    size_t holds = chat_psks(bob.chat, bob.device, held);
    for (size_t i = 0; names > 0 && i < holds; i++)
        if (memcmp(named[0].id, held[i].id, sizeof held[i].id) == 0)
            return memcmp(named[0].key, held[i].key, sizeof held[i].key) == 0;
    return false;
}

void learn(struct side *side, enum news_kind kind, struct bytes data)
{
    struct news news = {
        .kind = kind, .contact = side->contact, .device = side->device, .was_up = true, .data = data
    };
    CHECK(chat_learn(side->chat, now, &news) == FAULT_NONE);
}

static void come_up(struct side *side, bool trusted)
{
    struct news news = { .kind = NEWS_UP,
                         .contact = side->contact,
                         .device = side->device,
                         .we_called = side == &alice,
                         .trusted = trusted };
    CHECK(chat_learn(side->chat, now, &news) == FAULT_NONE);
    CHECK(chat_advance(side->chat, now) == FAULT_NONE);
}

void connect_both(void)
{
    bool trusted = trusted_now();
    connected = true;
    come_up(&alice, trusted);
    come_up(&bob, trusted);
}

void cut_both(void)
{
    connected = false;
    learn(&alice, NEWS_DOWN, (struct bytes){ 0 });
    learn(&bob, NEWS_DOWN, (struct bytes){ 0 });
}

struct bytes next_frame(struct side *side)
{
    struct wish wish;
    while (chat_next_wish(side->chat, now, &wish)) {
        if (wish.kind != WISH_SEND)
            continue;
        CHECK(wish.contact == side->contact && wish.device == side->device);
        /* As in the node: what a frame rests on is on disk before it leaves. */
        side_settle(side);
        return wish.data;
    }
    return (struct bytes){ 0 };
}

size_t carry(struct side *from, struct side *to, bool lose)
{
    struct bytes frame;
    size_t count = 0;
    while ((frame = next_frame(from)).size > 0) {
        uint8_t *copy = mem_copy(frame.data, frame.size);
        if (!lose)
            learn(to, NEWS_RECEIVED, (struct bytes){ copy, frame.size });
        mem_free(copy);
        count++;
    }
    return count;
}

void exchange(void)
{
    while (carry(&alice, &bob, false) + carry(&bob, &alice, false) > 0)
        continue;
}

void wait_for(duration time)
{
    instant until = now + time;
    while (now < until) {
        instant due = earlier(chat_deadline(alice.chat), chat_deadline(bob.chat));
        now = later(now + 1, earlier(due, until));
        CHECK(chat_advance(alice.chat, now) == FAULT_NONE);
        CHECK(chat_advance(bob.chat, now) == FAULT_NONE);
        if (connected)
            exchange();
    }
}

/* --- talk ------------------------------------------------------------------------------------- */

int64_t say(struct side *side, const char *text)
{
    struct store_message message;
    CHECK(chat_write(side->chat, now, side->contact, bytes_of_text(text), NULL, &message) ==
          ANSWER_DONE);
    return message.row;
}

enum message_state state_of(struct side *side, int64_t row)
{
    struct store_message message;
    CHECK(chat_message_get(side->chat, row, &message) == ANSWER_DONE);
    return message.state;
}

const char *heard(struct side *side)
{
    static char all[STORE_TEXT_MAX_BYTES + 4096];
    struct store_message message;
    struct store_place_in at, *from = NULL;
    size_t size = 0;
    while (chat_message_step(side->chat, side->contact, from, false, false, &message) ==
           ANSWER_DONE) {
        memcpy(all + size, message.text.data, message.text.size);
        size += message.text.size;
        all[size++] = ' ';
        at.height = message.height;
        memcpy(at.id, message.id, sizeof at.id);
        from = &at;
    }
    all[size] = '\0';
    return all;
}

size_t event_count(struct side *side, enum event_kind kind)
{
    struct store_event event;
    size_t count = 0;
    uint64_t at = 0;
    while (chat_event_after(side->chat, at, &event) == ANSWER_DONE) {
        count += event.kind == kind;
        at = event.seq;
    }
    return count;
}
