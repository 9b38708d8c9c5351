/* Two whole nodes and a wire without faults; the faults are the simulator's. */
#include "engine/node/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void test_two_people_meet_at_a_door_and_talk(void)
{
    friends();
    say(&alice, "bonjour");
    run(SECOND);
    CHECK(online(&alice) && online(&bob));
    CHECK_INT(bob.received, 1);
    CHECK_INT(alice.delivered, 1);
    say(&bob, "salut");
    run(60 * MILLISECOND);
    CHECK_INT(alice.received, 1); /* one trip after it was said */
    CHECK_INT(bob.delivered, 1);  /* and one trip back */
    end();
}

static void test_nobody_answers_who_was_not_added(void)
{
    begin();
    add(&alice, &bob, "Bob", true);
    say(&alice, "anybody?");
    run(12 * SECOND);
    CHECK(!online(&alice));
    CHECK_INT(bob.received, 0);
    struct node_why why;
    CHECK(node_why(alice.node, now, 1, &why) == ANSWER_DONE);
    CHECK(why.attempt_count > 0 && why.attempts[0].door);
    CHECK_TEXT(why.attempts[0].outcome, "no answer");
    CHECK(why.owed.row != 0 && !why.sent && why.ahead == 0);
    add(&bob, &alice, "Alice", false); /* now he knows her: the next call comes through */
    run(30 * SECOND);
    CHECK_INT(bob.received, 1);
    CHECK_INT(alice.delivered, 1);
    end();
}

static void test_who_restarts_is_met_again_without_the_door(void)
{
    friends();
    run(SECOND);
    node_destroy(alice.node);
    side_start(&alice);
    say(&alice, "back");
    run(2 * SECOND);
    CHECK_INT(bob.received, 1);
    struct node_why why;
    CHECK(node_why(alice.node, now, 1, &why) == ANSWER_DONE);
    CHECK(why.attempt_count == 1 && !why.attempts[0].door);
    end();
}

/* The callee learned where the caller was: after his own restart he calls back by himself. */
static void test_the_one_who_was_called_can_call(void)
{
    friends();
    run(5 * SECOND);
    node_destroy(bob.node);
    side_start(&bob);
    say(&bob, "my turn");
    run(SECOND);
    CHECK_INT(alice.received, 1);
    end();
}

static void test_a_removed_contact_is_cut_off_at_once(void)
{
    friends();
    run(SECOND);
    CHECK(node_contact_remove(bob.node, now, bob.contact) == ANSWER_DONE);
    run(SECOND);
    CHECK(!online(&alice));
    say(&alice, "are you there?");
    run(30 * SECOND);
    CHECK_INT(bob.received, 0);
    struct node_contact contact;
    CHECK(node_contact_find(bob.node, "Alice", &contact) == ANSWER_NO_CONTACT);
    end();
}

static void test_goodbye_is_heard(void)
{
    friends();
    run(SECOND);
    node_leave(bob.node, now);
    send_off(&bob);
    now += TRIP;
    for (size_t i = 0; i < air_count; i++)
        node_receive(air[i].to->node, now, &air[i].from,
                     (struct bytes){ air[i].data, air[i].size });
    air_count = 0;
    CHECK(!online(&alice));
    end();
}

static void test_a_thousand_messages_cross_in_order(void)
{
    friends();
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "%d", i);
        say(&alice, text);
        say(&bob, text);
    }
    run(20 * SECOND);
    CHECK_INT(alice.received, 500);
    CHECK_INT(bob.received, 500);
    CHECK_INT(alice.delivered, 500);
    struct store_message message;
    struct store_place_in at, *from = NULL;
    int expected = 0;
    while (node_message_step(bob.node, bob.contact, from, false, false, &message) == ANSWER_DONE) {
        char text[32];
        snprintf(text, sizeof text, "%d", expected);
        if (!message.ours) {
            CHECK(bytes_equal(message.text, bytes_of_text(text)));
            expected++;
        }
        at.height = message.height;
        memcpy(at.id, message.id, sizeof at.id);
        from = &at;
    }
    CHECK_INT(expected, 500);
    end();
}

static void test_commands_refuse_what_they_must(void)
{
    friends();
    struct node_contact contact;
    struct address at[STORE_ADDRESSES_MAX + 1];
    CHECK(node_contact_add(alice.node, now, alice.card, "me", NULL, 0, &contact) ==
          ANSWER_OWN_CARD);
    CHECK(node_contact_add(alice.node, now, bob.card, "again", NULL, 0, &contact) ==
          ANSWER_CONTACT_EXISTS);
    CHECK(node_contact_add(alice.node, now, "rmg1nonsense", "x", NULL, 0, &contact) ==
          ANSWER_BAD_CARD);
    for (size_t i = 0; i < COUNT(at); i++) {
        at[i] = bob.at;
        at[i].port = (uint16_t)(3000 + i);
    }
    CHECK(node_contact_reach(alice.node, now, alice.contact, at, STORE_ADDRESSES_MAX) ==
          ANSWER_ADDRESSES_FULL); /* one is there already */
    CHECK(node_contact_get(alice.node, alice.contact, &contact) == ANSWER_DONE);
    CHECK_INT(contact.at_count, 1);
    CHECK(node_contact_reach(alice.node, now, alice.contact, at, STORE_ADDRESSES_MAX - 1) ==
          ANSWER_DONE);
    CHECK(node_contact_get(alice.node, alice.contact, &contact) == ANSWER_DONE);
    CHECK_INT(contact.at_count, STORE_ADDRESSES_MAX);
    CHECK(node_contact_find(alice.node, "nobody", &contact) == ANSWER_NO_CONTACT);
    end();
}

/* What was open is gone with the question that failed: nothing that rests on it may get out. */
static void test_a_question_that_failed_stops_the_node(void)
{
    uint8_t noise[4096];
    struct node_contact contact;
    struct datagrams out;
    begin();
    add(&bob, &alice, "Alice", true);
    CHECK(node_settle(bob.node) == FAULT_NONE);
    node_destroy(bob.node);
    side_start(&bob);
    int file = open(bob.path, O_RDWR);
    CHECK(file >= 0);
    off_t size = lseek(file, 0, SEEK_END);
    for (off_t at = 0; at < size; at += (off_t)sizeof noise) {
        rng_fill(&bob.rng, noise, sizeof noise);
        CHECK(pwrite(file, noise, sizeof noise, at) == (ssize_t)sizeof noise);
    }
    close(file);
    CHECK(node_contact_get(bob.node, bob.contact, &contact) == ANSWER_DISK);
    CHECK(node_settle(bob.node) == FAULT_DISK);
    CHECK(node_trouble(bob.node) != STORE_FINE);
    CHECK(!node_next_datagrams(bob.node, now, &out));
    end();
}

/* Bob's home again, with everything of his but the account: another person on the same device. */
static void bob_becomes(const char *name)
{
    struct store_place place = side_place(&bob);
    struct node_identity identity;
    struct store_self self;
    struct store_link_key key;
    struct store *store;
    enum store_trouble trouble;
    CHECK(node_settle(bob.node) == FAULT_NONE);
    node_destroy(bob.node);
    CHECK(store_open(&place, &store, &trouble) == FAULT_NONE);
    CHECK(store_self_get(store, &self) == FAULT_NONE);
    CHECK(store_link_key_before(store, UINT32_MAX, &key) == FAULT_NONE);
    store_close(store);
    snprintf(bob.path, sizeof bob.path, "%s/%s", folder, name);
    place = side_place(&bob);
    self.account_seed[0] ^= 1;
    key.secret[0] ^= 8;
    self.card_secret[0] ^= 1;
    CHECK(store_open(&place, &store, &trouble) == FAULT_NONE);
    CHECK(store_self_put(store, &self) == FAULT_NONE);
    CHECK(store_link_key_add(store, &key) == FAULT_NONE && store_settle(store) == FAULT_NONE);
    store_close(store);
    side_start(&bob);
    CHECK(node_identity(bob.node, &identity) == ANSWER_DONE);
    card_write(bob.card, &identity.card);
}

static void test_a_record_that_is_refused_ends_the_dial(void)
{
    char path[sizeof bob.path];
    struct node_contact carol;
    friends();
    run(3 * SECOND);
    CHECK(online(&alice));
    memcpy(path, bob.path, sizeof path);
    bob_becomes("carol");
    add(&bob, &alice, "Alice", false);
    add(&alice, &bob, "Carol", true);
    run(5 * SECOND);
    CHECK(node_contact_get(alice.node, alice.contact, &carol) == ANSWER_DONE);
    CHECK(!carol.online && !carol.dialling);
    unlink(path);
    end();
}

TESTS(TEST(test_a_record_that_is_refused_ends_the_dial),
      TEST(test_a_question_that_failed_stops_the_node),
      TEST(test_two_people_meet_at_a_door_and_talk), TEST(test_nobody_answers_who_was_not_added),
      TEST(test_who_restarts_is_met_again_without_the_door),
      TEST(test_the_one_who_was_called_can_call), TEST(test_a_removed_contact_is_cut_off_at_once),
      TEST(test_goodbye_is_heard), TEST(test_a_thousand_messages_cross_in_order),
      TEST(test_commands_refuse_what_they_must))
