/* Two chats on two real stores, and a wire made of arrays. */
#include "engine/chat/chat.h"
#include "tests/test.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW ((instant)1763900000 * SECOND)

struct side {
    char path[128];
    struct store *store;
    struct chat *chat;
    struct card card;
    int64_t contact, device;
    struct sign_pair account_pair, device_pair;
};

static struct side alice, bob;
static struct rng_seeded luck;
static struct rng rng;
static char folder[64];

static void side_open(struct side *side)
{
    struct store_place place = { .path = side->path, .key = { 9 } };
    enum store_trouble trouble;
    CHECK(store_open(&place, &side->store, &trouble) == FAULT_NONE);
}

static void side_start(struct side *side, const char *name)
{
    struct store_self self;
    memset(side, 0, sizeof *side);
    snprintf(side->path, sizeof side->path, "%s/%s", folder, name);
    side_open(side);
    CHECK(chat_identity_make(side->store, NOW, name, &rng) == ANSWER_DONE);
    CHECK(chat_identity(side->store, &self) == FAULT_NONE);
    chat_card(&side->card, &self);
    sign_pair_from_seed(&side->account_pair, self.account_seed);
    sign_pair_from_seed(&side->device_pair, self.device_seed);
    side->chat = chat_create(side->store, NULL);
}

/* What the link room would tell after a handshake. */
static void side_knows(struct side *side, const struct side *other)
{
    struct dh_pair link;
    struct certificate certificate;
    uint8_t wire[CERTIFICATE_BYTES];
    struct store_device device;
    bool fresh;
    dh_pair_make(&link, &rng);
    certificate_write(wire, &other->account_pair, &other->device_pair, link.public,
                      LINK_ROLE_CONTACT, 20000, 30000);
    CHECK(certificate_read(&certificate, BYTES_OF(wire)) == FAULT_NONE);
    CHECK(chat_device_seen(side->chat, NOW, &certificate, wire, 1, &device, &fresh) == FAULT_NONE);
    CHECK(fresh);
    side->device = device.id;
}

static void friends(void)
{
    struct store_contact contact;
    rng = rng_from_seed(&luck, 1);
    snprintf(folder, sizeof folder, "/tmp/ramage-chat-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    side_start(&alice, "alice");
    side_start(&bob, "bob");
    CHECK(chat_contact_add(alice.chat, NOW, &bob.card, "Bob", &contact) == ANSWER_DONE);
    alice.contact = contact.id;
    CHECK(chat_contact_add(bob.chat, NOW, &alice.card, "Alice", &contact) == ANSWER_DONE);
    bob.contact = contact.id;
    side_knows(&alice, &bob);
    side_knows(&bob, &alice);
}

static void side_stop(struct side *side)
{
    char path[160];
    chat_destroy(side->chat);
    store_close(side->store);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", side->path,
                 ((const char *[]){ "", "-wal", "-shm" })[i]);
        unlink(path);
    }
}

static void part(void)
{
    side_stop(&alice);
    side_stop(&bob);
    rmdir(folder);
}

static void learn(struct side *side, enum news_kind kind, struct bytes data)
{
    struct news news = {
        .kind = kind, .contact = side->contact, .device = side->device, .was_up = true, .data = data
    };
    CHECK(chat_learn(side->chat, NOW, &news) == FAULT_NONE);
}

/* Carries wishes until nobody has one; returns how many frames went over. */
static size_t carry(struct side *from, struct side *to, bool lose)
{
    struct wish wish;
    size_t count = 0;
    while (chat_next_wish(from->chat, NOW, &wish)) {
        CHECK(wish.kind == WISH_SEND && wish.contact == from->contact);
        uint8_t *copy = mem_copy(wish.data.data, wish.data.size);
        if (!lose)
            learn(to, NEWS_RECEIVED, (struct bytes){ copy, wish.data.size });
        mem_free(copy);
        count++;
    }
    return count;
}

static void connect_both(void)
{
    learn(&alice, NEWS_UP, (struct bytes){ 0 });
    learn(&bob, NEWS_UP, (struct bytes){ 0 });
}

static void cut_both(void)
{
    learn(&alice, NEWS_DOWN, (struct bytes){ 0 });
    learn(&bob, NEWS_DOWN, (struct bytes){ 0 });
}

static void exchange(void)
{
    while (carry(&alice, &bob, false) + carry(&bob, &alice, false) > 0)
        continue;
}

static int64_t say(struct side *side, const char *text)
{
    struct store_message message;
    CHECK(chat_write(side->chat, NOW, side->contact, bytes_of_text(text), NULL, &message) ==
          ANSWER_DONE);
    return message.row;
}

static enum message_state state_of(struct side *side, int64_t row)
{
    struct store_message message;
    CHECK(chat_message_get(side->chat, row, &message) == ANSWER_DONE);
    return message.state;
}

/* The conversation as one line, in its order. */
static const char *heard(struct side *side)
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

static void test_what_is_written_is_delivered_and_acknowledged(void)
{
    friends();
    int64_t row = say(&alice, "salut");
    CHECK(state_of(&alice, row) == MESSAGE_WRITTEN);
    connect_both();
    exchange();
    CHECK(state_of(&alice, row) == MESSAGE_DELIVERED);
    CHECK_TEXT(heard(&bob), "salut ");
    CHECK_INT(chat_owed_count(alice.chat, 0), 0);
    part();
}

static void test_a_lost_acknowledgement_repeats_the_message_but_shows_it_once(void)
{
    friends();
    int64_t row = say(&alice, "once");
    connect_both();
    carry(&alice, &bob, false);
    carry(&bob, &alice, true); /* the acknowledgement is lost with the link */
    CHECK(state_of(&alice, row) == MESSAGE_WRITTEN);
    cut_both();
    connect_both();
    exchange();
    CHECK(state_of(&alice, row) == MESSAGE_DELIVERED);
    CHECK_TEXT(heard(&bob), "once ");
    part();
}

static void test_both_sides_show_one_order(void)
{
    friends();
    say(&alice, "a1");
    say(&alice, "a2");
    say(&bob, "b1");
    say(&bob, "b2");
    connect_both();
    exchange();
    say(&bob, "b3");
    exchange();
    say(&alice, "a3");
    exchange();
    char first[64];
    snprintf(first, sizeof first, "%s", heard(&alice));
    CHECK_TEXT(heard(&bob), first);
    CHECK(strstr(first, "a1") < strstr(first, "a2") && strstr(first, "a2") < strstr(first, "a3"));
    CHECK(strstr(first, "b2") < strstr(first, "b3") && strstr(first, "b3") < strstr(first, "a3"));
    part();
}

static void test_a_busy_link_loses_nothing(void)
{
    friends();
    struct wish wish;
    say(&alice, "one");
    say(&alice, "two");
    connect_both();
    CHECK(chat_next_wish(alice.chat, NOW, &wish));
    learn(&alice, NEWS_BUSY, (struct bytes){ 0 });
    CHECK(!chat_next_wish(alice.chat, NOW, &wish)); /* it waits until it is told */
    learn(&alice, NEWS_WRITABLE, (struct bytes){ 0 });
    exchange();
    CHECK_TEXT(heard(&bob), "one two ");
    CHECK_INT(chat_owed_count(alice.chat, 0), 0);
    part();
}

static void test_no_more_than_a_window_flies_unacknowledged(void)
{
    friends();
    for (int i = 0; i < CHAT_WINDOW + 10; i++)
        say(&alice, "x");
    connect_both();
    CHECK_INT(carry(&alice, &bob, false), CHAT_WINDOW);
    exchange();
    CHECK_INT(chat_owed_count(alice.chat, 0), 0);
    part();
}

static void test_a_repeated_request_is_answered_not_done_again(void)
{
    friends();
    struct store_message first, again;
    struct bytes text = bytes_of_text("pay the rent");
    CHECK(chat_write(alice.chat, NOW, alice.contact, text, "k1", &first) == ANSWER_DONE);
    CHECK(chat_write(alice.chat, NOW, alice.contact, text, "k1", &again) == ANSWER_DONE);
    CHECK_INT(first.row, again.row);
    CHECK(chat_write(alice.chat, NOW, alice.contact, text, "k2", &again) == ANSWER_DONE);
    CHECK(first.row != again.row);
    CHECK(chat_write(alice.chat, NOW, alice.contact, text, "", &again) == ANSWER_BAD_KEY);
    CHECK_INT(chat_owed_count(alice.chat, 0), 2);
    part();
}

static void test_refused_texts_change_nothing(void)
{
    friends();
    static char text[STORE_TEXT_MAX_BYTES + 1];
    memset(text, 'x', sizeof text);
    struct store_message message;
    static const uint8_t broken[] = { 0xff }, overlong[] = { 0xc0, 0xaf }, nul[] = { 'a', 0 };
    const struct {
        struct bytes text;
        enum answer answer;
    } texts[] = {
        { { (uint8_t *)text, sizeof text }, ANSWER_TEXT_TOO_LONG },
        { { NULL, 0 }, ANSWER_TEXT_EMPTY },
        { BYTES_OF(broken), ANSWER_TEXT_NOT_UTF8 },
        { BYTES_OF(overlong), ANSWER_TEXT_NOT_UTF8 },
        { BYTES_OF(nul), ANSWER_TEXT_NOT_UTF8 },
        { { (uint8_t *)text, STORE_TEXT_MAX_BYTES }, ANSWER_DONE },
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        CHECK_INT(chat_write(alice.chat, NOW, alice.contact, texts[i].text, NULL, &message),
                  texts[i].answer);
        CHECK_INT(chat_owed_count(alice.chat, 0), texts[i].answer == ANSWER_DONE);
    }
    CHECK(chat_write(alice.chat, NOW, 99, texts[5].text, NULL, &message) == ANSWER_NO_CONTACT);
    connect_both();
    exchange();
    CHECK_INT(strlen(heard(&bob)) > 0, 1);
    part();
}

static void test_what_is_owed_too_long_fails_visibly(void)
{
    friends();
    int64_t row = say(&alice, "too late");
    CHECK_INT(chat_deadline(alice.chat), NOW + MESSAGE_KEPT_FOR);
    CHECK(chat_advance(alice.chat, NOW + MESSAGE_KEPT_FOR - 1) == FAULT_NONE);
    CHECK(state_of(&alice, row) == MESSAGE_WRITTEN);
    CHECK(chat_advance(alice.chat, NOW + MESSAGE_KEPT_FOR) == FAULT_NONE);
    CHECK(state_of(&alice, row) == MESSAGE_FAILED);
    CHECK(chat_deadline(alice.chat) == NEVER);
    part();
}

/* Carol's words in Alice's conversation: another author makes another id, another pair another
   conversation; neither gets in. */
static void test_frames_of_another_conversation_are_dropped(void)
{
    friends();
    struct wish wish;
    say(&alice, "for bob");
    connect_both();
    CHECK(chat_next_wish(alice.chat, NOW, &wish));
    uint8_t *copy = mem_copy(wish.data.data, wish.data.size);
    copy[5] ^= 1; /* inside the conversation's id */
    learn(&bob, NEWS_RECEIVED, (struct bytes){ copy, wish.data.size });
    CHECK_TEXT(heard(&bob), "");
    CHECK_INT(carry(&bob, &alice, false), 0); /* and is not acknowledged */
    mem_free(copy);
    part();
}

static void test_a_height_no_parent_explains_is_refused(void)
{
    friends();
    struct wish wish;
    say(&alice, "one");
    connect_both();
    exchange();
    say(&alice, "two");
    CHECK(chat_next_wish(alice.chat, NOW, &wish));
    uint8_t *copy = mem_copy(wish.data.data, wish.data.size);
    copy[42]++; /* the height's last byte */
    learn(&bob, NEWS_RECEIVED, (struct bytes){ copy, wish.data.size });
    CHECK_TEXT(heard(&bob), "one ");
    copy[42]--;
    learn(&bob, NEWS_RECEIVED, (struct bytes){ copy, wish.data.size });
    CHECK_TEXT(heard(&bob), "one two ");
    mem_free(copy);
    part();
}

static void test_an_unwelcome_acknowledgement_changes_nothing(void)
{
    friends();
    int64_t row = say(&alice, "waiting");
    struct store_message message;
    CHECK(chat_message_get(alice.chat, row, &message) == ANSWER_DONE);
    uint8_t ack[3 + MESSAGE_ID_BYTES] = { 2, 0, 1 };
    connect_both();
    memset(ack + 3, 5, MESSAGE_ID_BYTES);
    learn(&alice, NEWS_RECEIVED, BYTES_OF(ack));
    CHECK(state_of(&alice, row) == MESSAGE_WRITTEN);
    memcpy(ack + 3, message.id, MESSAGE_ID_BYTES);
    learn(&alice, NEWS_RECEIVED, BYTES_OF(ack));
    learn(&alice, NEWS_RECEIVED, BYTES_OF(ack)); /* twice is once */
    CHECK(state_of(&alice, row) == MESSAGE_DELIVERED);
    part();
}

static void test_names_are_told_apart(void)
{
    friends();
    static const struct {
        const char *name;
        bool good;
    } names[] = {
        { "Zoé", true },       { "a b", true },        { "", false },      { " a", false },
        { "a ", false },       { "#group", false },    { "-x", false },    { "a\nb", false },
        { "\x1b[31m", false }, { "rmg1qqq", false },   { "RMG1x", false }, { "ramage:x", false },
        { "\xff", false },     { "a\xc2\x9b", false }, { "rmg", true },
    };
    char longest[STORE_NAME_MAX_BYTES + 2];
    for (size_t i = 0; i < COUNT(names); i++)
        CHECK(chat_name_good(names[i].name) == names[i].good);
    memset(longest, 'n', sizeof longest);
    longest[STORE_NAME_MAX_BYTES + 1] = '\0';
    CHECK(!chat_name_good(longest));
    longest[STORE_NAME_MAX_BYTES] = '\0';
    CHECK(chat_name_good(longest));
    part();
}

static void test_contacts_are_found_by_whole_name_or_card_only(void)
{
    friends();
    struct store_contact found, again;
    char text[CARD_TEXT_CHARS + 1];
    card_write(text, &bob.card);
    CHECK(chat_contact_find(alice.chat, "bob", &found) == ANSWER_DONE);
    CHECK(chat_contact_find(alice.chat, text, &again) == ANSWER_DONE && again.id == found.id);
    CHECK(chat_contact_find(alice.chat, "bo", &found) == ANSWER_AMBIGUOUS_CONTACT);
    CHECK(chat_contact_find(alice.chat, "eve", &found) == ANSWER_NO_CONTACT);
    text[20] = text[20] == 'q' ? 'p' : 'q';
    CHECK(chat_contact_find(alice.chat, text, &found) == ANSWER_BAD_CARD);
    CHECK(chat_contact_add(alice.chat, NOW, &alice.card, "me", &found) == ANSWER_OWN_CARD);
    CHECK(chat_contact_add(alice.chat, NOW, &bob.card, "b2", &found) == ANSWER_CONTACT_EXISTS);
    struct card carol = bob.card;
    struct sign_pair pair;
    sign_pair_make(&pair, &rng);
    memcpy(carol.account, pair.public, sizeof carol.account);
    CHECK(chat_contact_add(alice.chat, NOW, &carol, "BOB", &found) == ANSWER_NAME_TAKEN);
    CHECK(chat_contact_add(alice.chat, NOW, &carol, "Carol", &found) == ANSWER_DONE);
    CHECK(chat_contact_rename(alice.chat, NOW, found.id, "bob") == ANSWER_NAME_TAKEN);
    CHECK(chat_contact_rename(alice.chat, NOW, found.id, "CAROL") == ANSWER_DONE);
    part();
}

static void test_messages_are_found_by_the_start_of_their_name(void)
{
    friends();
    struct store_message message, found;
    char name[MESSAGE_NAME_CHARS + 1];
    CHECK(chat_message_get(alice.chat, say(&alice, "find me"), &message) == ANSWER_DONE);
    chat_message_name(name, message.id);
    for (size_t size = MESSAGE_NAME_CHARS; size >= 4; size--) {
        name[size] = '\0';
        CHECK(chat_message_find(alice.chat, name, &found) == ANSWER_DONE);
        CHECK_INT(found.row, message.row);
    }
    CHECK(chat_message_find(alice.chat, "abc", &found) == ANSWER_NO_MESSAGE);
    CHECK(chat_message_find(alice.chat, "0000", &found) == ANSWER_NO_MESSAGE);
    name[0] = name[0] == 'a' ? 'b' : 'a';
    CHECK(chat_message_find(alice.chat, name, &found) == ANSWER_NO_MESSAGE);
    part();
}

/* Everything above also holds after a restart: the links' progress is gone, what is owed is not. */
static void test_a_restart_forgets_only_the_links(void)
{
    friends();
    int64_t row = say(&alice, "still owed");
    connect_both();
    carry(&alice, &bob, true);
    CHECK(store_settle(alice.store) == FAULT_NONE);
    chat_destroy(alice.chat);
    store_close(alice.store);
    side_open(&alice);
    alice.chat = chat_create(alice.store, NULL);
    connect_both();
    exchange();
    CHECK(state_of(&alice, row) == MESSAGE_DELIVERED);
    CHECK_TEXT(heard(&bob), "still owed ");
    part();
}

/* Settles and opens again, then spoils on the disk whatever is not in memory by now. */
static void side_reopen(struct side *side)
{
    CHECK(store_settle(side->store) == FAULT_NONE);
    chat_destroy(side->chat);
    store_close(side->store);
    side_open(side);
    side->chat = chat_create(side->store, NULL);
}

static void side_spoil(const struct side *side)
{
    uint8_t noise[4096];
    int file = open(side->path, O_RDWR);
    CHECK(file >= 0);
    off_t size = lseek(file, 0, SEEK_END);
    for (off_t at = 0; at < size; at += (off_t)sizeof noise) {
        rng_fill(&rng, noise, sizeof noise);
        CHECK(pwrite(file, noise, sizeof noise, at) == (ssize_t)sizeof noise);
    }
    close(file);
}

static void test_what_the_disk_refused_is_not_acknowledged(void)
{
    struct wish wish;
    friends();
    say(&alice, "keep this");
    side_reopen(&bob);
    connect_both();
    side_spoil(&bob);
    CHECK(chat_next_wish(alice.chat, NOW, &wish));
    struct news news = {
        .kind = NEWS_RECEIVED, .contact = bob.contact, .device = bob.device, .data = wish.data
    };
    CHECK(chat_learn(bob.chat, NOW, &news) == FAULT_DISK);
    CHECK(!chat_next_wish(bob.chat, NOW, &wish));
    part();
}

/* Two people who share a device stay two people, or what is said to one would go to the other. */
static void test_a_device_belongs_to_one_account(void)
{
    struct sign_pair mallory;
    struct card card = { .secret = { 1 } };
    struct store_contact contact;
    struct store_device device, before;
    struct certificate certificate;
    struct dh_pair link;
    uint8_t wire[CERTIFICATE_BYTES];
    bool fresh;
    friends();
    sign_pair_make(&mallory, &rng);
    memcpy(card.account, mallory.public, sizeof card.account);
    CHECK(chat_contact_add(alice.chat, NOW, &card, "Mallory", &contact) == ANSWER_DONE);
    CHECK(chat_device_get(alice.chat, alice.device, &before) == ANSWER_DONE);
    dh_pair_make(&link, &rng);
    certificate_write(wire, &mallory, &bob.device_pair, link.public, LINK_ROLE_CONTACT, 20000,
                      30000);
    CHECK(certificate_read(&certificate, BYTES_OF(wire)) == FAULT_NONE);
    CHECK(chat_device_seen(alice.chat, NOW, &certificate, wire, 9, &device, &fresh) == FAULT_PEER);
    CHECK(chat_device_get(alice.chat, alice.device, &device) == ANSWER_DONE);
    CHECK_BYTES(device.certificate, before.certificate, CERTIFICATE_BYTES);
    CHECK_INT(device.newest_stamp, before.newest_stamp);
    part();
}

static void test_each_device_of_a_contact_has_a_window_of_its_own(void)
{
    struct news second = { .kind = NEWS_UP };
    struct wish wish;
    size_t carried = 0;
    friends();
    second.contact = alice.contact;
    second.device = alice.device + 1;
    connect_both();
    CHECK(chat_learn(alice.chat, NOW, &second) == FAULT_NONE);
    for (size_t i = 0; i < CHAT_WINDOW + 1; i++) {
        say(&alice, "both of you");
        exchange();
    }
    say(&alice, "and this");
    while (chat_next_wish(alice.chat, NOW, &wish))
        carried++;
    CHECK_INT(carried, 2);
    part();
}

static void test_one_reader_too_many_is_refused(void)
{
    char name[16];
    uint64_t seq;
    friends();
    for (size_t i = 0; i < STORE_CONSUMERS_MAX; i++) {
        snprintf(name, sizeof name, "reader %zu", i);
        CHECK(chat_consumer_set(alice.chat, name, 1) == ANSWER_DONE);
    }
    CHECK(chat_consumer_set(alice.chat, "one more", 1) == ANSWER_CONSUMERS_FULL);
    CHECK(chat_consumer_get(alice.chat, "one more", &seq) == ANSWER_DONE && seq == 0);
    CHECK(chat_consumer_set(alice.chat, "reader 0", 2) == ANSWER_DONE);
    part();
}

TESTS(TEST(test_what_is_written_is_delivered_and_acknowledged),
      TEST(test_a_lost_acknowledgement_repeats_the_message_but_shows_it_once),
      TEST(test_both_sides_show_one_order), TEST(test_a_busy_link_loses_nothing),
      TEST(test_no_more_than_a_window_flies_unacknowledged),
      TEST(test_a_repeated_request_is_answered_not_done_again),
      TEST(test_refused_texts_change_nothing), TEST(test_what_is_owed_too_long_fails_visibly),
      TEST(test_frames_of_another_conversation_are_dropped),
      TEST(test_a_height_no_parent_explains_is_refused),
      TEST(test_an_unwelcome_acknowledgement_changes_nothing), TEST(test_names_are_told_apart),
      TEST(test_contacts_are_found_by_whole_name_or_card_only),
      TEST(test_messages_are_found_by_the_start_of_their_name),
      TEST(test_a_restart_forgets_only_the_links),
      TEST(test_what_the_disk_refused_is_not_acknowledged),
      TEST(test_a_device_belongs_to_one_account),
      TEST(test_each_device_of_a_contact_has_a_window_of_its_own),
      TEST(test_one_reader_too_many_is_refused))
