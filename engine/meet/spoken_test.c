/* Host and guest who share four words, with a DHT that is a list. */
#include "engine/meet/fixture.h"
#include "engine/meet/rendezvous.h"
#include "tests/test.h"

#include <string.h>

#define START ((instant)1763900000 * SECOND)

static struct somebody host, guest;
static struct rng_seeded luck;
static struct rng rng;
static instant now;
static struct {
    uint8_t key[32], value[RENDEZVOUS_VALUE];
    int64_t seq;
} items[64];
static size_t item_count;
static uint8_t right[MEET_SPOKEN_HOURS * WORDS_KEY_BYTES]; /* as words_stretch makes them */

static void begin_one(struct somebody *who)
{
    struct address at;
    somebody_begin(who, now, &rng);
    who->meet = meet_create(who->store, who->chat, now, &rng);
    CHECK(address_parse("192.0.2.1:1", &at));
    meet_self(who->meet, now, &at, 1, false);
}

static void begin(void)
{
    now = START;
    item_count = 0;
    rng = rng_from_seed(&luck, 5);
    begin_one(&host);
    begin_one(&guest);
    rng_fill(&rng, right, sizeof right);
}

static void end(void)
{
    somebody_end(&host);
    somebody_end(&guest);
}

static void put(const struct wish_item *item)
{
    size_t at = 0;
    while (at < item_count && memcmp(items[at].key, item->key, 32) != 0)
        at++;
    CHECK(at < COUNT(items) && item->value.size == RENDEZVOUS_VALUE);
    if (at < item_count && items[at].seq >= item->seq)
        return;
    item_count = at < item_count ? item_count : at + 1;
    memcpy(items[at].key, item->key, 32);
    memcpy(items[at].value, item->value.data, RENDEZVOUS_VALUE);
    items[at].seq = item->seq;
}

static void fulfil(struct somebody *who, const struct wish *wish)
{
    struct news news = { .id = wish->id, .contact = wish->contact, .count = 20 };
    if (wish->kind != WISH_PUT && wish->kind != WISH_GET)
        return;
    news.kind = wish->kind == WISH_PUT ? NEWS_STORED : NEWS_GOT;
    if (wish->kind == WISH_PUT)
        put(&wish->item);
    for (size_t i = 0; wish->kind == WISH_GET && i < item_count; i++) {
        struct news item = { .id = wish->id, .contact = wish->contact, .kind = NEWS_ITEM };
        if (memcmp(items[i].key, wish->item.key, 32) != 0)
            continue;
        item.item = (struct wish_item){ .seq = items[i].seq,
                                        .value = { items[i].value, RENDEZVOUS_VALUE } };
        CHECK(meet_learn(who->meet, now, &item) == FAULT_NONE);
    }
    CHECK(meet_learn(who->meet, now, &news) == FAULT_NONE);
}

static void live(struct somebody *who, duration length)
{
    struct wish wish;
    for (instant last = now + length;;) {
        while (meet_next_wish(who->meet, now, &wish))
            fulfil(who, &wish);
        if (meet_deadline(who->meet) > last) {
            now = last;
            return;
        }
        now = later(now, meet_deadline(who->meet));
    }
}

static struct store_invitation invite(void)
{
    struct store_invitation given;
    CHECK(chat_invite(host.chat, now, "", "Ada", now + DAY, &given) == ANSWER_DONE);
    meet_invitation_add(host.meet, now, &given);
    meet_spoken_host(host.meet, now, given.row, right + WORDS_KEY_BYTES);
    return given;
}

static struct meet_spoken seen(struct somebody *who)
{
    struct meet_spoken out;
    meet_spoken_look(who->meet, now, &out);
    return out;
}

static void both_live(duration length)
{
    for (instant last = now + length; now < last;) {
        live(&guest, SECOND);
        live(&host, SECOND);
    }
}

static void test_who_has_the_words_gets_the_invitation(void)
{
    struct store_contact contact;
    begin();
    struct store_invitation given = invite(), taken;
    CHECK(seen(&host).host_until == now + HOUR);
    live(&host, 10 * SECOND);
    meet_spoken_guest(guest.meet, now, right, "ada", "Bob");
    CHECK_INT(seen(&guest).state, SPOKEN_SEEKS);
    both_live(15 * SECOND);
    CHECK_INT(seen(&guest).state, SPOKEN_JOINED);
    CHECK(chat_invitation_get(guest.chat, seen(&guest).invitation, &taken) == ANSWER_DONE);
    CHECK_BYTES(taken.host, host.account, KEY_BYTES);
    both_live(20 * SECOND);
    CHECK(chat_invitation_get(host.chat, given.row, &given) == ANSWER_DONE);
    CHECK_INT(given.state, INVITATION_TAKEN);
    CHECK(chat_contact_find(host.chat, "bob", &contact) == ANSWER_DONE);
    CHECK(chat_contact_find(guest.chat, "ada", &contact) == ANSWER_DONE);
    CHECK_INT(seen(&host).host_until, 0);
    end();
}

/* Of an hour that is none of those tried, or simply wrong. */
static void test_other_words_find_nobody(void)
{
    uint8_t wrong[MEET_SPOKEN_HOURS * WORDS_KEY_BYTES];
    begin();
    invite();
    rng_fill(&rng, wrong, sizeof wrong);
    meet_spoken_guest(guest.meet, now, wrong, "", "");
    both_live(11 * MINUTE);
    CHECK_INT(seen(&guest).state, SPOKEN_NOBODY);
    CHECK(seen(&host).host_until != 0);
    end();
}

/* Somebody has learnt where the two speak, but not the password: what he says is not taken for the
   other's, and the guest is told. */
static void test_who_knows_the_place_alone_is_found_out(void)
{
    struct store_invitation given;
    begin();
    memset(right + RENDEZVOUS_SECRET, 1, WORDS_KEY_BYTES - RENDEZVOUS_SECRET);
    CHECK(chat_invite(host.chat, now, "", "", now + DAY, &given) == ANSWER_DONE);
    meet_spoken_host(host.meet, now, given.row, right);
    memset(right + RENDEZVOUS_SECRET, 2, WORDS_KEY_BYTES - RENDEZVOUS_SECRET);
    meet_spoken_guest(guest.meet, now, right, "", "");
    both_live(20 * SECOND);
    CHECK_INT(seen(&guest).state, SPOKEN_FAILED);
    CHECK_INT(chat_contact_count(guest.chat), 0);
    CHECK_INT(seen(&host).host_until, 0); /* one guess, and no more */
    end();
}

static void test_words_end(void)
{
    begin();
    struct store_invitation given = invite();
    live(&host, HOUR + SECOND);
    CHECK_INT(seen(&host).host_until, 0);
    meet_spoken_guest(guest.meet, now, right, "", "");
    both_live(MINUTE);
    CHECK_INT(seen(&guest).state, SPOKEN_SEEKS);
    CHECK(meet_invitation_close(host.meet, now, given.row) == ANSWER_DONE);
    end();
}

/* The invitation is used or taken back meanwhile: its words are dead. */
static void test_words_of_what_is_over_give_nothing(void)
{
    begin();
    struct store_invitation given = invite();
    live(&host, SECOND);
    CHECK(meet_invitation_close(host.meet, now, given.row) == ANSWER_DONE);
    meet_spoken_guest(guest.meet, now, right, "", "");
    both_live(MINUTE);
    CHECK_INT(seen(&guest).state, SPOKEN_SEEKS);
    CHECK_INT(chat_contact_count(guest.chat), 0);
    end();
}

static void test_one_spelling_at_the_places_of_words(void)
{
    struct rendezvous place;
    struct spoken_record record = { .host = true, .element = { 1 }, .sealed = { 2 } }, out;
    uint8_t value[RENDEZVOUS_VALUE];
    begin();
    rendezvous_spoken(&place, right, true);
    spoken_record_write(value, &place, &record, &rng);
    CHECK_INT(spoken_record_read(&out, &place, BYTES_OF(value)), FAULT_NONE);
    CHECK(memcmp(&out, &record, sizeof out) == 0);
    record.host = false;
    spoken_record_write(value, &place, &record, &rng);
    CHECK_INT(spoken_record_read(&out, &place, BYTES_OF(value)), FAULT_NONE);
    CHECK(!out.host && out.sealed[0] == 0);
    for (size_t i = 0; i < sizeof value; i += 13) {
        value[i] ^= 1;
        CHECK_INT(spoken_record_read(&out, &place, BYTES_OF(value)), FAULT_PEER);
        value[i] ^= 1;
    }
    rendezvous_spoken(&place, right, false);
    CHECK_INT(spoken_record_read(&out, &place, BYTES_OF(value)), FAULT_PEER);
    end();
}

TESTS(TEST(test_who_has_the_words_gets_the_invitation), TEST(test_other_words_find_nobody),
      TEST(test_who_knows_the_place_alone_is_found_out), TEST(test_words_end),
      TEST(test_words_of_what_is_over_give_nothing), TEST(test_one_spelling_at_the_places_of_words))
