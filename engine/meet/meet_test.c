/* Whom meet calls, and when; the links are only told about here. */
#include "engine/meet/fixture.h"
#include "tests/test.h"

#include <stdio.h>

#define START ((instant)1763900000 * SECOND)

static struct somebody person;
static struct store *store;
static struct chat *chat;
static struct meet *meet;
static struct rng_seeded luck;
static struct rng rng;
static instant now;

static void begin(void)
{
    now = START;
    rng = rng_from_seed(&luck, 2);
    somebody_begin(&person, now, &rng);
    store = person.store;
    chat = person.chat;
    meet = person.meet = meet_create(store, chat, now, &rng);
}

static void end(void)
{
    somebody_end(&person);
}

static struct sign_pair account;

static int64_t befriend(const char *name)
{
    struct store_contact contact;
    struct card card = { .secret = { 1 } };
    sign_pair_make(&account, &rng);
    memcpy(card.account, account.public, sizeof card.account);
    CHECK(chat_contact_add(chat, now, &card, name, &contact) == ANSWER_DONE);
    return contact.id;
}

static struct address place(uint16_t port)
{
    struct address address;
    CHECK(address_parse("192.0.2.1:1", &address));
    address.port = port;
    return address;
}

static int64_t befriend_at(const char *name, uint16_t port)
{
    struct address at = place(port);
    int64_t contact = befriend(name);
    CHECK(meet_contact_add(meet, now, contact, &at, 1) == ANSWER_DONE);
    return contact;
}

static int64_t know_device(void)
{
    struct sign_pair device;
    struct dh_pair link;
    struct certificate certificate;
    struct store_device row;
    uint8_t wire[CERTIFICATE_BYTES];
    bool fresh;
    sign_pair_make(&device, &rng);
    dh_pair_make(&link, &rng);
    certificate_write(wire, &account, &device, link.public, LINK_ROLE_CONTACT, 1, 2);
    CHECK(certificate_read(&certificate, BYTES_OF(wire)) == FAULT_NONE);
    CHECK(chat_device_seen(chat, now, &certificate, wire, 0, &row, &fresh) == FAULT_NONE);
    return row.id;
}

/* Whether the dial under way goes to the door. */
static bool at_door(int64_t contact)
{
    struct meet_reach reach;
    meet_look(meet, contact, &reach);
    for (size_t i = 0; i < reach.attempt_count; i++)
        if (reach.attempts[i].ended == 0)
            return reach.attempts[i].door;
    return false;
}

static void tell(enum news_kind kind, int64_t contact, int64_t device, uint16_t port, bool was_up)
{
    struct news news = { .kind = kind,
                         .contact = contact,
                         .device = device,
                         .address = place(port),
                         .door = at_door(contact),
                         .we_called = true,
                         .was_up = was_up,
                         .reason = "no answer" };
    CHECK(meet_learn(meet, now, &news) == FAULT_NONE);
}

static void test_a_new_contact_is_called_at_once_at_the_door(void)
{
    struct wish wish;
    begin();
    CHECK(!meet_next_wish(meet, now, &wish) && meet_deadline(meet) == NEVER);
    int64_t bob = befriend_at("bob", 7);
    CHECK(meet_deadline(meet) <= now && meet_next_wish(meet, now, &wish));
    CHECK(wish.kind == WISH_DIAL && wish.contact == bob && wish.door);
    CHECK(wish.at_count == 1 && wish.at[0].port == 7);
    CHECK(!meet_next_wish(meet, now, &wish)); /* one dial at a time */
    CHECK(meet_deadline(meet) == NEVER);
    end();
}

static void test_behind_the_door_the_device_is_called_at_once(void)
{
    struct wish wish;
    begin();
    int64_t bob = befriend_at("bob", 7), device = know_device();
    CHECK(meet_next_wish(meet, now, &wish));
    tell(NEWS_KNOWN, bob, device, 7, false);
    CHECK(meet_next_wish(meet, now, &wish));
    CHECK(!wish.door && wish.device == device);
    tell(NEWS_UP, bob, device, 7, false);
    CHECK(!meet_next_wish(meet, now, &wish) && meet_deadline(meet) == NEVER);
    struct meet_reach reach;
    meet_look(meet, bob, &reach);
    CHECK(reach.up && reach.attempt_count == 2);
    CHECK_TEXT(reach.attempts[0].outcome, "the door opened");
    CHECK_TEXT(reach.attempts[1].outcome, "connected");
    end();
}

/* Both knock at once: he comes to our door while we are still at his. Then his device is called,
   and what becomes of the knock is of no interest. */
static void test_who_comes_to_our_door_is_called_and_our_knock_forgotten(void)
{
    struct wish wish;
    struct meet_reach reach;
    begin();
    int64_t bob = befriend_at("bob", 7), device = know_device();
    CHECK(meet_next_wish(meet, now, &wish) && wish.door);
    tell(NEWS_KNOWN, bob, device, 7, false);
    CHECK(meet_next_wish(meet, now, &wish) && !wish.door);
    tell(NEWS_KNOWN, bob, device, 7, false); /* now his door opens as well */
    CHECK(!meet_next_wish(meet, now, &wish));
    struct news news = { .kind = NEWS_DOWN, .contact = bob, .door = true, .reason = "no answer" };
    CHECK(meet_learn(meet, now, &news) == FAULT_NONE);
    meet_look(meet, bob, &reach);
    CHECK(reach.dialling && reach.attempt_count == 2 && reach.attempts[1].ended == 0);
    tell(NEWS_UP, bob, device, 7, false);
    meet_look(meet, bob, &reach);
    CHECK_TEXT(reach.attempts[1].outcome, "connected");
    end();
}

static void test_who_does_not_answer_is_called_less_and_less_by_link_and_door(void)
{
    struct wish wish;
    begin();
    int64_t bob = befriend_at("bob", 7), device = know_device();
    CHECK(meet_next_wish(meet, now, &wish));
    tell(NEWS_KNOWN, bob, device, 7, false);
    bool door = true;
    duration last = 0;
    for (int i = 0; i < 20; i++) {
        CHECK(meet_next_wish(meet, now, &wish));
        CHECK(wish.door != door); /* by turns: the other side may have forgotten either */
        door = wish.door;
        now += 9 * SECOND;
        tell(NEWS_DOWN, bob, device, 0, false);
        CHECK(!meet_next_wish(meet, now, &wish));
        duration pause = meet_deadline(meet) - now;
        CHECK(pause >= MEET_FIRST_PAUSE * 3 / 4 && pause <= MEET_LONG_PAUSE * 5 / 4);
        CHECK(i > 8 || pause > last);
        last = pause;
        now = meet_deadline(meet);
    }
    struct meet_reach reach;
    meet_look(meet, bob, &reach);
    CHECK_INT(reach.attempt_count, MEET_ATTEMPTS);
    CHECK_TEXT(reach.attempts[MEET_ATTEMPTS - 1].outcome, "no answer");
    end();
}

static void test_something_to_say_is_a_reason_to_call_soon(void)
{
    struct wish wish;
    begin();
    int64_t bob = befriend_at("bob", 7);
    for (int i = 0; i < 12; i++) {
        CHECK(meet_next_wish(meet, now, &wish));
        now += 9 * SECOND;
        tell(NEWS_DOWN, bob, 0, 0, false);
        CHECK(!meet_next_wish(meet, now, &wish));
        if (i < 11)
            now = meet_deadline(meet);
    }
    CHECK(meet_deadline(meet) > now + MINUTE);
    meet_nudge(meet, now, bob);
    CHECK(meet_deadline(meet) <= now + MEET_FIRST_PAUSE);
    end();
}

static void test_a_link_that_fell_is_called_again(void)
{
    struct wish wish;
    begin();
    int64_t bob = befriend_at("bob", 7), device = know_device();
    CHECK(meet_next_wish(meet, now, &wish));
    tell(NEWS_UP, bob, device, 8, false);
    tell(NEWS_DOWN, bob, device, 0, false); /* the end of our own call that lost the race */
    struct meet_reach reach;
    meet_look(meet, bob, &reach);
    CHECK(reach.up);
    tell(NEWS_DOWN, bob, device, 0, true);
    CHECK(!meet_next_wish(meet, now, &wish)); /* not in the same breath */
    now = meet_deadline(meet);
    CHECK(now <= START + 2 * SECOND && meet_next_wish(meet, now, &wish));
    CHECK(wish.at_count == 2 && wish.at[0].port == 8); /* where it worked last comes first */
    end();
}

static void test_an_unreachable_contact_costs_nothing(void)
{
    struct wish wish;
    begin();
    int64_t bob = befriend("bob");
    CHECK(meet_contact_add(meet, now, bob, NULL, 0) == ANSWER_DONE);
    CHECK(!meet_next_wish(meet, now, &wish) && meet_deadline(meet) == NEVER);
    struct address at = place(5);
    CHECK(meet_contact_add(meet, now, bob, &at, 1) == ANSWER_DONE);
    CHECK(meet_next_wish(meet, now, &wish));
    end();
}

static void test_no_more_dials_at_once_than_stated(void)
{
    struct wish wish;
    begin();
    int64_t first = 0;
    for (int i = 0; i < MEET_DIALS_MAX + 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        int64_t contact = befriend_at(name, 7);
        first = first == 0 ? contact : first;
    }
    size_t count = 0;
    while (meet_next_wish(meet, now, &wish))
        count++;
    CHECK_INT(count, MEET_DIALS_MAX);
    CHECK(meet_deadline(meet) > now); /* no running in circles while all lines are taken */
    tell(NEWS_DOWN, first, 0, 0, false);
    CHECK(meet_deadline(meet) <= now && meet_next_wish(meet, now, &wish));
    CHECK(!meet_next_wish(meet, now, &wish));
    end();
}

static void test_a_removed_contact_is_hung_up_on(void)
{
    struct wish wish;
    begin();
    int64_t bob = befriend_at("bob", 7), device = know_device();
    CHECK(meet_next_wish(meet, now, &wish));
    tell(NEWS_UP, bob, device, 7, false);
    meet_contact_remove(meet, now, bob);
    CHECK(meet_next_wish(meet, now, &wish));
    CHECK(wish.kind == WISH_HANG_UP && wish.contact == bob);
    CHECK(!meet_next_wish(meet, now, &wish) && meet_deadline(meet) == NEVER);
    tell(NEWS_DOWN, bob, device, 0, true); /* too late to matter */
    size_t up, dialling;
    meet_count(meet, &up, &dialling);
    CHECK(up == 0 && dialling == 0);
    end();
}

static void test_a_restart_calls_everybody_with_a_place(void)
{
    struct wish wish;
    begin();
    befriend_at("bob", 7);
    befriend("nowhere");
    meet_destroy(meet);
    meet = person.meet = meet_create(store, chat, now, &rng);
    CHECK(meet_next_wish(meet, now, &wish) && wish.kind == WISH_DIAL);
    CHECK(!meet_next_wish(meet, now, &wish));
    end();
}

TESTS(TEST(test_a_new_contact_is_called_at_once_at_the_door),
      TEST(test_behind_the_door_the_device_is_called_at_once),
      TEST(test_who_comes_to_our_door_is_called_and_our_knock_forgotten),
      TEST(test_who_does_not_answer_is_called_less_and_less_by_link_and_door),
      TEST(test_something_to_say_is_a_reason_to_call_soon),
      TEST(test_a_link_that_fell_is_called_again), TEST(test_an_unreachable_contact_costs_nothing),
      TEST(test_no_more_dials_at_once_than_stated), TEST(test_a_removed_contact_is_hung_up_on),
      TEST(test_a_restart_calls_everybody_with_a_place))
