/* Host and guest of an invitation, with a DHT that is a list. */
#include "engine/crypto/item.h"
#include "engine/meet/fixture.h"
#include "engine/meet/rendezvous.h"
#include "tests/test.h"

#include <string.h>

#define START ((instant)1763900000 * SECOND)

static struct somebody host, guest, other;
static struct rng_seeded luck;
static struct rng rng;
static instant now;
static struct {
    uint8_t key[32], value[RENDEZVOUS_VALUE];
    int64_t seq;
} items[256];
static size_t item_count;
static struct store_invitation given;
static struct card card;

/* Places that somebody watches, and the newest he was told of. */
static struct watch {
    const struct somebody *who;
    uint64_t id;
    int64_t contact, seq;
    uint8_t key[32];
} watches[16];

/* What became of the wishes of one, but for those about the DHT. */
struct wished {
    bool admitted;
    bool called;
    uint16_t port;
};

static void begin_one(struct somebody *who, uint16_t port)
{
    struct address at;
    somebody_begin(who, now, &rng);
    who->meet = meet_create(who->store, who->chat, now, &rng);
    CHECK(address_parse("192.0.2.1:1", &at));
    at.port = port;
    meet_self(who->meet, now, &at, 1, false);
}

static void begin(void)
{
    now = START;
    item_count = 0;
    memset(watches, 0, sizeof watches);
    rng = rng_from_seed(&luck, 5);
    begin_one(&host, 1);
    begin_one(&guest, 2);
    begin_one(&other, 3);
}

static void end(void)
{
    somebody_end(&host);
    somebody_end(&guest);
    somebody_end(&other);
}

static void put(const struct wish_item *item)
{
    struct item whole = { .mutable = true, .seq = item->seq, .value = item->value };
    size_t at = 0;
    memcpy(whole.key, item->key, sizeof whole.key);
    memcpy(whole.signature, item->signature, sizeof whole.signature);
    CHECK_INT(item_check(&whole), FAULT_NONE);
    CHECK_INT(item->value.size, RENDEZVOUS_VALUE);
    while (at < item_count && memcmp(items[at].key, item->key, 32) != 0)
        at++;
    if (at < item_count && items[at].seq >= item->seq)
        return;
    CHECK(at < COUNT(items));
    item_count = at < item_count ? item_count : at + 1;
    memcpy(items[at].key, item->key, 32);
    memcpy(items[at].value, item->value.data, item->value.size);
    items[at].seq = item->seq;
}

static void unwatch(const struct somebody *who, uint64_t id)
{
    for (size_t i = 0; i < COUNT(watches); i++)
        if (watches[i].who == who && watches[i].id == id)
            watches[i].who = NULL;
}

static void watch(const struct somebody *who, const struct wish *wish)
{
    size_t at = 0;
    while (at < COUNT(watches) && watches[at].who != NULL)
        at++;
    CHECK(at < COUNT(watches));
    watches[at] = (struct watch){ who, wish->id, wish->contact, 0, { 0 } };
    memcpy(watches[at].key, wish->item.key, 32);
}

/* What was put since is told to whoever watches. */
static void tell_watcher(struct somebody *who)
{
    for (size_t i = 0; i < COUNT(watches); i++)
        for (size_t j = 0; j < item_count && watches[i].who == who; j++) {
            struct news news = { .id = watches[i].id,
                                 .kind = NEWS_ITEM,
                                 .contact = watches[i].contact,
                                 .item = { .seq = items[j].seq,
                                           .value = { items[j].value, RENDEZVOUS_VALUE } } };
            if (memcmp(items[j].key, watches[i].key, 32) != 0 || items[j].seq <= watches[i].seq)
                continue;
            watches[i].seq = items[j].seq;
            memcpy(news.item.key, items[j].key, 32);
            CHECK(meet_learn(who->meet, now, &news) == FAULT_NONE);
        }
}

static void fulfil(struct somebody *who, const struct wish *wish, struct wished *out)
{
    struct news news = { .id = wish->id, .contact = wish->contact, .door = wish->door };
    switch (wish->kind) {
    case WISH_PUT:
        put(&wish->item);
        news.kind = NEWS_STORED;
        news.count = 20;
        break;
    case WISH_UNWATCH:
    case WISH_HANG_UP:
        unwatch(who, wish->id);
        return;
    case WISH_GET:
        unwatch(who, wish->id);
        if (wish->watch > 0)
            watch(who, wish);
        for (size_t i = 0; i < item_count; i++) {
            if (memcmp(items[i].key, wish->item.key, 32) != 0)
                continue;
            news.kind = NEWS_ITEM;
            news.item = (struct wish_item){ .seq = items[i].seq,
                                            .value = { items[i].value, RENDEZVOUS_VALUE } };
            memcpy(news.item.key, wish->item.key, 32);
            CHECK(meet_learn(who->meet, now, &news) == FAULT_NONE);
        }
        news.kind = NEWS_GOT;
        break;
    case WISH_ADMIT:
        out->admitted = true;
        return;
    case WISH_DIAL:
        CHECK(!wish->door); /* there is no card */
        out->called = true;
        out->port = wish->at[wish->at_count - 1].port;
        news.kind = NEWS_DOWN;
        news.reason = "no answer";
        break;
    default:
        return;
    }
    CHECK(meet_learn(who->meet, now, &news) == FAULT_NONE);
}

/* One lives for so long, alone. */
static struct wished live(struct somebody *who, duration length)
{
    struct wished out = { false };
    struct wish wish;
    tell_watcher(who);
    for (instant last = now + length;;) {
        while (meet_next_wish(who->meet, now, &wish))
            fulfil(who, &wish, &out);
        if (meet_deadline(who->meet) > last) {
            now = last;
            return out;
        }
        now = later(now, meet_deadline(who->meet));
    }
}

static void invite(instant ends)
{
    CHECK(chat_invite(host.chat, now, "", "Ada", ends, &given) == ANSWER_DONE);
    meet_invitation_add(host.meet, now, &given);
    memcpy(card.account, given.host, sizeof card.account);
    memcpy(card.secret, given.secret, sizeof card.secret);
}

static struct store_invitation join(struct somebody *who, const char *name, const char *introduced)
{
    struct store_invitation row;
    CHECK(chat_join(who->chat, now, &card, name, introduced, &row) == ANSWER_DONE);
    meet_invitation_add(who->meet, now, &row);
    return row;
}

static enum invitation_state state_of(struct somebody *who, int64_t row)
{
    struct store_invitation out;
    CHECK(chat_invitation_get(who->chat, row, &out) == ANSWER_DONE);
    return out.state;
}

static void test_the_first_guest_becomes_a_contact_and_both_call(void)
{
    struct store_contact contact;
    begin();
    invite(now + DAY);
    live(&host, 3 * SECOND);
    struct store_invitation taken = join(&guest, "", "Bob");
    struct wished guests = live(&guest, 3 * SECOND);
    CHECK(guests.admitted && guests.called && guests.port == 1);
    struct wished hosts = live(&host, 4 * SECOND);
    CHECK(hosts.admitted && hosts.called && hosts.port == 2);
    CHECK(chat_contact_find(host.chat, "bob", &contact) == ANSWER_DONE);
    CHECK_BYTES(contact.account, guest.account, KEY_BYTES);
    CHECK(chat_contact_find(guest.chat, "host", &contact) == ANSWER_DONE);
    CHECK_BYTES(contact.account, host.account, KEY_BYTES);
    CHECK_INT(state_of(&host, given.row), INVITATION_TAKEN);
    CHECK_INT(state_of(&guest, taken.row), INVITATION_OPEN); /* no word of it yet */
    live(&guest, 10 * SECOND);
    CHECK_INT(state_of(&guest, taken.row), INVITATION_TAKEN);
    end();
}

/* Never on at the same time, an hour less than a day and a half apart. */
static void test_the_guest_may_come_while_the_host_sleeps(void)
{
    begin();
    invite(NEVER);
    live(&host, MINUTE);
    now += 17 * HOUR;
    struct store_invitation taken = join(&guest, "ada", "");
    live(&guest, 10 * MINUTE);
    now += 35 * HOUR;
    somebody_restart(&host, now, &rng);
    struct address at;
    CHECK(address_parse("192.0.2.1:1", &at));
    meet_self(host.meet, now, &at, 1, false);
    CHECK(live(&host, MINUTE).called);
    CHECK_INT(state_of(&host, given.row), INVITATION_TAKEN);
    now += 35 * HOUR;
    somebody_restart(&guest, now, &rng);
    live(&guest, MINUTE);
    CHECK_INT(state_of(&guest, taken.row), INVITATION_TAKEN);
    end();
}

static void test_a_second_guest_is_told_that_he_is_late(void)
{
    begin();
    invite(now + DAY);
    live(&host, 3 * SECOND);
    join(&other, "", "Eve");
    live(&other, 3 * SECOND);
    live(&host, 5 * SECOND);
    CHECK_INT(state_of(&host, given.row), INVITATION_TAKEN);
    struct store_invitation late = join(&guest, "", "Bob");
    live(&guest, 20 * SECOND);
    CHECK_INT(state_of(&guest, late.row), INVITATION_LOST);
    struct store_contact contact;
    CHECK_INT(chat_contact_count(host.chat), 1);
    live(&host, HOUR);
    CHECK_INT(chat_contact_count(host.chat), 1);
    CHECK(chat_contact_find(host.chat, "eve", &contact) == ANSWER_DONE);
    end();
}

static void test_one_taken_back_admits_nobody(void)
{
    begin();
    invite(now + DAY);
    live(&host, 3 * SECOND);
    CHECK(meet_invitation_close(host.meet, now, given.row) == ANSWER_DONE);
    live(&host, 3 * SECOND);
    CHECK_INT(state_of(&host, given.row), INVITATION_CLOSED);
    struct store_invitation late = join(&guest, "", "");
    live(&guest, 20 * SECOND);
    CHECK_INT(state_of(&guest, late.row), INVITATION_CLOSED);
    live(&host, DAY);
    CHECK_INT(chat_contact_count(host.chat), 0);
    struct store_invitation row;
    CHECK(chat_invitation_get(host.chat, given.row, &row) == ANSWER_DONE);
    CHECK(!row.has_secret);
    CHECK(meet_invitation_close(host.meet, now, given.row) == ANSWER_NO_INVITATION);
    end();
}

static void test_one_ends_when_it_says(void)
{
    for (int asleep = 0; asleep <= 1; asleep++) {
        begin();
        invite(now + HOUR);
        live(&host, MINUTE);
        if (asleep) {
            now += HOUR;
            somebody_restart(&host, now, &rng);
        } else {
            live(&host, HOUR);
        }
        join(&guest, "", "");
        live(&guest, MINUTE);
        live(&host, MINUTE);
        CHECK_INT(state_of(&host, given.row), INVITATION_EXPIRED);
        CHECK_INT(chat_contact_count(host.chat), 0);
        end();
    }
}

/* Once both have used a session, what was in the link leads nowhere. */
static void test_the_secret_of_the_link_is_forgotten(void)
{
    struct store_invitation row;
    struct store_contact contact;
    struct store_device device;
    begin();
    invite(now + DAY);
    join(&guest, "", "");
    for (int i = 0; i < 4; i++) {
        live(&guest, SECOND);
        live(&host, SECOND);
    }
    CHECK(chat_contact_find(host.chat, "guest", &contact) == ANSWER_DONE);
    CHECK(store_device_next(host.store, contact.id, 0, &device) == FAULT_NONE);
    struct news up = { .kind = NEWS_UP, .contact = contact.id, .device = device.id };
    CHECK(meet_learn(host.meet, now, &up) == FAULT_NONE);
    live(&host, 3 * MINUTE);
    CHECK(chat_invitation_get(host.chat, given.row, &row) == ANSWER_DONE && row.has_secret);
    contact.has_pair = true;
    CHECK(store_contact_update(host.store, &contact) == FAULT_NONE);
    live(&host, 2 * HOUR);
    CHECK(chat_invitation_get(host.chat, given.row, &row) == ANSWER_DONE && !row.has_secret);
    end();
}

/* Connected in the middle of a sweep through many epochs, forgotten, and lost: the pair's own sweep
   has three. */
static void test_a_sweep_that_was_cut_short_begins_anew(void)
{
    struct store_contact contact;
    struct sign_pair pair;
    struct wish wish;
    begin();
    invite(now + DAY);
    struct store_invitation taken = join(&guest, "", "");
    for (int looks = 0; looks < 9; now = later(now, meet_deadline(guest.meet)))
        while (looks < 9 && meet_next_wish(guest.meet, now, &wish)) {
            struct news over = { .id = wish.id, .contact = wish.contact, .count = 20 };
            over.kind = wish.kind == WISH_PUT ? NEWS_STORED : NEWS_GOT;
            looks += wish.kind == WISH_GET; /* in vain */
            if (wish.kind == WISH_GET || wish.kind == WISH_PUT)
                CHECK(meet_learn(guest.meet, now, &over) == FAULT_NONE);
        }
    CHECK(store_contact_get(guest.store, taken.contact, &contact) == FAULT_NONE);
    sign_pair_make(&pair, &rng);
    struct news up = { .kind = NEWS_UP, .contact = contact.id, .device = 1 };
    CHECK(meet_learn(guest.meet, now, &up) == FAULT_NONE);
    contact.has_pair = true;
    CHECK(store_contact_update(guest.store, &contact) == FAULT_NONE);
    live(&guest, 2 * HOUR);
    CHECK(chat_invitation_get(guest.chat, taken.row, &taken) == ANSWER_DONE && !taken.has_secret);
    struct news down = {
        .kind = NEWS_DOWN, .contact = contact.id, .device = 1, .was_up = true, .reason = "lost"
    };
    CHECK(meet_learn(guest.meet, now, &down) == FAULT_NONE);
    live(&guest, MINUTE);
    end();
}

static void test_a_guest_who_waits_for_weeks_asks_no_more_often(void)
{
    struct wish wish;
    begin();
    invite(now + DAY);
    join(&guest, "", "");
    for (int day = 0; day < 30; day++) {
        size_t looks = 0;
        for (instant last = now + DAY; now < last && looks < 2000;) {
            while (meet_next_wish(guest.meet, now, &wish)) {
                struct news over = { .id = wish.id, .contact = wish.contact, .count = 20 };
                over.kind = wish.kind == WISH_PUT ? NEWS_STORED : NEWS_GOT;
                looks += wish.kind == WISH_GET;
                if (wish.kind == WISH_GET || wish.kind == WISH_PUT)
                    CHECK(meet_learn(guest.meet, now, &over) == FAULT_NONE);
            }
            now = earlier(last, later(now, meet_deadline(guest.meet)));
        }
        CHECK(looks < 24 * 16 + 60);
    }
    end();
}

/* Clocks that differ by five hours name other epochs. */
static void test_clocks_may_differ(void)
{
    for (int wrong = -5; wrong <= 5; wrong += 5) {
        duration ahead = (duration)((int64_t)wrong * (int64_t)HOUR); /* the guest's, modulo 2^64 */
        begin();
        invite(now + DAY);
        live(&host, MINUTE);
        now += ahead;
        struct store_invitation taken = join(&guest, "", "");
        live(&guest, 20 * SECOND);
        now -= ahead;
        CHECK(live(&host, HOUR + 10 * MINUTE).called);
        now += ahead;
        CHECK(live(&guest, 6 * MINUTE).called);
        CHECK_INT(state_of(&guest, taken.row), INVITATION_TAKEN);
        end();
    }
}

TESTS(TEST(test_the_first_guest_becomes_a_contact_and_both_call),
      TEST(test_the_guest_may_come_while_the_host_sleeps),
      TEST(test_a_second_guest_is_told_that_he_is_late), TEST(test_one_taken_back_admits_nobody),
      TEST(test_one_ends_when_it_says), TEST(test_the_secret_of_the_link_is_forgotten),
      TEST(test_a_sweep_that_was_cut_short_begins_anew),
      TEST(test_a_guest_who_waits_for_weeks_asks_no_more_often), TEST(test_clocks_may_differ))
