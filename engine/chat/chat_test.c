#include "engine/chat/fixture.h"
#include "engine/chat/message.h"
#include "tests/test.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

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
    connect_both();
    exchange();
    int64_t row = say(&alice, "once");
    carry(&alice, &bob, false);
    carry(&bob, &alice, true); /* the acknowledgement is lost with the link */
    CHECK(state_of(&alice, row) == MESSAGE_SEALED);
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

/* Whatever is refused at whichever moment is wished for again. */
static void test_a_busy_link_loses_nothing(void)
{
    for (size_t refused = 0; refused < 6; refused++) {
        struct bytes frame;
        friends();
        say(&alice, "one");
        say(&alice, "two");
        connect_both();
        for (size_t i = 0; i < refused && (frame = next_frame(&alice)).size > 0; i++) {
            uint8_t *copy = mem_copy(frame.data, frame.size);
            learn(&bob, NEWS_RECEIVED, (struct bytes){ copy, frame.size });
            mem_free(copy);
        }
        if (next_frame(&alice).size > 0) {
            learn(&alice, NEWS_BUSY, (struct bytes){ 0 });
            CHECK_INT(next_frame(&alice).size, 0); /* it waits until it is told */
            learn(&alice, NEWS_WRITABLE, (struct bytes){ 0 });
        }
        exchange();
        CHECK_TEXT(heard(&bob), "one two ");
        CHECK_INT(chat_owed_count(alice.chat, 0), 0);
        part();
    }
}

static void test_no_more_than_900_are_sealed_and_unacknowledged(void)
{
    friends();
    for (int i = 0; i < CHAT_SEALED_MAX + 10; i++) {
        say(&alice, "x");
        next_frame(&alice); /* nobody is there; but what can be sealed is */
    }
    CHECK_INT(store_outbox_sealed(alice.store, alice.device), CHAT_SEALED_MAX);
    connect_both();
    exchange();
    CHECK_INT(chat_owed_count(alice.chat, 0), 0);
    part();
}

static void test_messages_that_wait_together_share_cells(void)
{
    friends();
    connect_both();
    exchange();
    for (int i = 0; i < 100; i++)
        say(&alice, "a short line of text");
    size_t cells = carry(&alice, &bob, false);
    CHECK(cells >= 2 && cells <= 10);
    exchange();
    CHECK_INT(chat_owed_count(alice.chat, 0), 0);
    part();
}

static void test_a_repeated_request_is_answered_not_done_again(void)
{
    friends();
    struct store_message first, again;
    struct bytes text = bytes_of_text("pay the rent");
    CHECK(chat_write(alice.chat, now, alice.contact, text, "k1", &first) == ANSWER_DONE);
    CHECK(chat_write(alice.chat, now, alice.contact, text, "k1", &again) == ANSWER_DONE);
    CHECK_INT(first.row, again.row);
    CHECK(chat_write(alice.chat, now, alice.contact, text, "k2", &again) == ANSWER_DONE);
    CHECK(first.row != again.row);
    CHECK(chat_write(alice.chat, now, alice.contact, text, "", &again) == ANSWER_BAD_KEY);
    CHECK_INT(chat_owed_count(alice.chat, 0), 2);
    part();
}

static void test_refused_texts_change_nothing(void)
{
    friends();
    static char text[CHAT_TEXT_MAX_BYTES + 1];
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
        { { (uint8_t *)text, CHAT_TEXT_MAX_BYTES }, ANSWER_DONE },
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        CHECK_INT(chat_write(alice.chat, now, alice.contact, texts[i].text, NULL, &message),
                  texts[i].answer);
        CHECK_INT(chat_owed_count(alice.chat, 0), texts[i].answer == ANSWER_DONE);
    }
    CHECK(chat_write(alice.chat, now, 99, texts[5].text, NULL, &message) == ANSWER_NO_CONTACT);
    connect_both();
    exchange();
    CHECK_INT(strlen(heard(&bob)) > 0, 1);
    part();
}

static void test_what_is_owed_too_long_fails_visibly(void)
{
    strangers(); /* nothing to seal with */
    int64_t row = say(&alice, "too late");
    instant kept_until = now + MESSAGE_KEPT_FOR;
    CHECK(chat_advance(alice.chat, kept_until - 1) == FAULT_NONE);
    CHECK(state_of(&alice, row) == MESSAGE_WRITTEN);
    CHECK(chat_advance(alice.chat, kept_until) == FAULT_NONE);
    CHECK(state_of(&alice, row) == MESSAGE_FAILED);
    CHECK_INT(chat_owed_count(alice.chat, 0), 0);
    part();
}

/* A number that was used must not be missing: the ratchet could not tell it from a loss. */
static void test_what_expired_after_it_was_sealed_leaves_a_tombstone(void)
{
    friends();
    connect_both();
    exchange();
    cut_both();
    int64_t first = say(&alice, "too late");
    wait_for(MESSAGE_KEPT_FOR - HOUR);
    CHECK(state_of(&alice, first) == MESSAGE_WRITTEN);
    next_frame(&alice);
    CHECK(state_of(&alice, first) == MESSAGE_SEALED);
    wait_for(2 * HOUR);
    CHECK(state_of(&alice, first) == MESSAGE_FAILED);
    int64_t second = say(&alice, "in time");
    connect_both();
    exchange();
    CHECK(state_of(&alice, second) == MESSAGE_DELIVERED);
    CHECK(state_of(&alice, first) == MESSAGE_FAILED);
    CHECK_TEXT(heard(&bob), "in time ");
    CHECK_INT(chat_owed_count(alice.chat, 0), 0);
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
    CHECK(chat_contact_add(alice.chat, now, &alice.card, "me", &found) == ANSWER_OWN_CARD);
    CHECK(chat_contact_add(alice.chat, now, &bob.card, "b2", &found) == ANSWER_CONTACT_EXISTS);
    struct card carol = bob.card;
    struct sign_pair pair;
    sign_pair_make(&pair, &rng);
    memcpy(carol.account, pair.public, sizeof carol.account);
    CHECK(chat_contact_add(alice.chat, now, &carol, "BOB", &found) == ANSWER_NAME_TAKEN);
    CHECK(chat_contact_add(alice.chat, now, &carol, "Carol", &found) == ANSWER_DONE);
    CHECK(chat_contact_rename(alice.chat, now, found.id, "bob") == ANSWER_NAME_TAKEN);
    CHECK(chat_contact_rename(alice.chat, now, found.id, "CAROL") == ANSWER_DONE);
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
    side_reopen(&alice);
    connect_both();
    exchange();
    CHECK(state_of(&alice, row) == MESSAGE_DELIVERED);
    CHECK_TEXT(heard(&bob), "still owed ");
    part();
}

/* Settles and opens again, then spoils on the disk whatever is not in memory by now. */
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
    enum fault fault = FAULT_NONE;
    friends();
    connect_both();
    exchange();
    cut_both();
    say(&alice, "keep this");
    side_reopen(&bob);
    connect_both();
    side_spoil(&bob);
    for (struct bytes frame; fault == FAULT_NONE && (frame = next_frame(&alice)).size > 0;) {
        uint8_t *copy = mem_copy(frame.data, frame.size);
        struct news news = { .kind = NEWS_RECEIVED,
                             .contact = bob.contact,
                             .device = bob.device,
                             .data = { copy, frame.size } };
        fault = chat_learn(bob.chat, now, &news);
        mem_free(copy);
    }
    CHECK(fault == FAULT_DISK);
    while (chat_next_wish(bob.chat, now, &wish)) /* whatever it wishes, nothing gets out */
        continue;
    CHECK(store_settle(bob.store) == FAULT_DISK);
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
    CHECK(chat_contact_add(alice.chat, now, &card, "Mallory", &contact) == ANSWER_DONE);
    CHECK(chat_device_get(alice.chat, alice.device, &before) == ANSWER_DONE);
    dh_pair_make(&link, &rng);
    certificate_write(wire, &mallory, &bob.device_pair, link.public, LINK_ROLE_CONTACT, 20000,
                      30000);
    CHECK(certificate_read(&certificate, BYTES_OF(wire)) == FAULT_NONE);
    CHECK(chat_device_seen(alice.chat, now, &certificate, wire, 9, &device, &fresh) == FAULT_PEER);
    CHECK(chat_device_get(alice.chat, alice.device, &device) == ANSWER_DONE);
    CHECK_BYTES(device.certificate, before.certificate, CERTIFICATE_BYTES);
    CHECK_INT(device.newest_stamp, before.newest_stamp);
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
      TEST(test_no_more_than_900_are_sealed_and_unacknowledged),
      TEST(test_messages_that_wait_together_share_cells),
      TEST(test_a_repeated_request_is_answered_not_done_again),
      TEST(test_refused_texts_change_nothing), TEST(test_what_is_owed_too_long_fails_visibly),
      TEST(test_what_expired_after_it_was_sealed_leaves_a_tombstone),
      TEST(test_names_are_told_apart), TEST(test_contacts_are_found_by_whole_name_or_card_only),
      TEST(test_messages_are_found_by_the_start_of_their_name),
      TEST(test_a_restart_forgets_only_the_links),
      TEST(test_what_the_disk_refused_is_not_acknowledged),
      TEST(test_a_device_belongs_to_one_account), TEST(test_one_reader_too_many_is_refused))
