/* When a pair's places are written and read; the DHT is only told about here. */
#include "engine/crypto/item.h"
#include "engine/meet/fixture.h"
#include "engine/meet/rendezvous.h"
#include "tests/test.h"

#define START ((instant)1763900000 * SECOND)

static struct somebody person;
static struct store *store;
static struct chat *chat;
static struct meet *meet;
static struct rng_seeded luck;
static struct rng rng;
static instant now;
static uint8_t ours[KEY_BYTES];
static uint8_t secret[RENDEZVOUS_SECRET];
static struct sign_pair bob_account, bob_device;
static int64_t bob;

static struct address at_port(uint16_t port)
{
    struct address address;
    CHECK(address_parse("192.0.2.1:1", &address));
    address.port = port;
    return address;
}

/* A contact with whom a session was used once; whatever begins with it has begun. */
static void begin(bool shared)
{
    struct store_contact contact;
    struct card card = { .secret = { 1 } };
    now = START;
    rng = rng_from_seed(&luck, 2);
    somebody_begin(&person, now, &rng);
    store = person.store;
    chat = person.chat;
    memcpy(ours, person.account, sizeof ours);
    sign_pair_make(&bob_account, &rng);
    sign_pair_make(&bob_device, &rng);
    rng_fill(&rng, secret, sizeof secret);
    memcpy(card.account, bob_account.public, sizeof card.account);
    CHECK(chat_contact_add(chat, now, &card, "bob", &contact) == ANSWER_DONE);
    contact.has_pair = shared;
    memcpy(contact.pair, secret, sizeof contact.pair);
    CHECK(store_contact_update(store, &contact) == FAULT_NONE);
    bob = contact.id;
    meet = person.meet = meet_create(store, chat, now, &rng);
}

static void end(void)
{
    somebody_end(&person);
}

/* A call that is under way ends. */
static void hang_up(void)
{
    struct meet_reach reach;
    meet_look(meet, bob, &reach);
    struct news news = { .id = (uint64_t)bob,
                         .kind = NEWS_DOWN,
                         .contact = bob,
                         .door = reach.attempt_count > 0 &&
                                 reach.attempts[reach.attempt_count - 1].door,
                         .reason = "no answer" };
    CHECK(meet_learn(meet, now, &news) == FAULT_NONE);
}

/* The next wish of that kind, within so long. Other calls come to nothing. */
static bool until(enum wish_kind kind, duration most, struct wish *out)
{
    for (instant last = now + most;;) {
        while (meet_next_wish(meet, now, out)) {
            if (out->kind == kind)
                return true;
            if (out->kind == WISH_DIAL || out->kind == WISH_HANG_UP)
                hang_up();
        }
        if (meet_deadline(meet) > last) {
            now = last;
            return false;
        }
        now = meet_deadline(meet);
    }
}

static void tell(enum news_kind kind, size_t count)
{
    struct news news = { .id = (uint64_t)bob, .kind = kind, .contact = bob, .count = count };
    CHECK(meet_learn(meet, now, &news) == FAULT_NONE);
}

static uint64_t epoch(void)
{
    return rendezvous_epoch(secret, now);
}

static void expect_place(const struct wish *wish, const uint8_t author[KEY_BYTES], uint64_t which)
{
    struct rendezvous place;
    rendezvous_make(&place, secret, author, which);
    CHECK_BYTES(wish->item.key, place.sign.public, KEY_BYTES);
}

static void be_at(uint16_t port)
{
    struct address self = at_port(port);
    meet_self(meet, now, &self, 1, false);
}

/* --- ours --------------------------------------------------------------------------------------
 */

static void test_he_is_told_where_we_are(void)
{
    struct wish wish;
    begin(true);
    CHECK(!until(WISH_PUT, MINUTE, &wish)); /* we do not know yet */
    be_at(7);
    CHECK(until(WISH_PUT, 5 * SECOND, &wish));
    expect_place(&wish, ours, epoch());
    struct item item = { .mutable = true, .seq = wish.item.seq, .value = wish.item.value };
    memcpy(item.key, wish.item.key, sizeof item.key);
    memcpy(item.signature, wish.item.signature, sizeof item.signature);
    CHECK_INT(item_check(&item), FAULT_NONE);
    struct rendezvous place;
    struct pair_record record;
    struct certificate certificate;
    rendezvous_make(&place, secret, ours, epoch());
    CHECK_INT(pair_record_read(&record, &place, item.value), FAULT_NONE);
    CHECK_INT(record.at_count, 1);
    CHECK_INT(record.at[0].port, 7);
    CHECK_INT(record.head.counter, 1);
    CHECK_INT(certificate_read(&certificate, BYTES_OF(record.certificate)), FAULT_NONE);
    CHECK_BYTES(certificate.account, ours, sizeof ours);
    end();
}

static void test_who_shares_no_secret_has_no_place(void)
{
    struct wish wish;
    begin(false);
    be_at(7);
    CHECK(!until(WISH_PUT, DAY, &wish));
    CHECK(!until(WISH_GET, DAY, &wish));
    end();
}

/* The next one lies there before its time begins, but not long before. */
static void test_it_is_written_once_in_each_epoch(void)
{
    struct wish wish;
    begin(true);
    be_at(7);
    CHECK(until(WISH_PUT, 5 * SECOND, &wish));
    uint64_t first = epoch();
    int64_t seq = wish.item.seq;
    tell(NEWS_STORED, 8);
    for (uint64_t i = 1; i <= 8; i++) {
        CHECK(until(WISH_PUT, 7 * HOUR, &wish));
        expect_place(&wish, ours, first + i);
        instant begins = rendezvous_begin(secret, first + i);
        CHECK(now >= begins - RENDEZVOUS_EARLY && now < begins);
        CHECK(wish.item.seq > seq);
        seq = wish.item.seq;
        tell(NEWS_STORED, 1);
    }
    end();
}

static void test_what_nobody_took_is_written_again(void)
{
    struct wish wish;
    instant last = 0;
    begin(true);
    be_at(7);
    for (int i = 0; i < 8; i++) {
        CHECK(until(WISH_PUT, 20 * MINUTE, &wish));
        expect_place(&wish, ours, epoch());
        if (i > 0)
            CHECK(now - last >= 2 * SECOND && now - last <= 10 * MINUTE);
        last = now;
        tell(NEWS_STORED, 0);
    }
    end();
}

static void test_another_address_is_told_at_once(void)
{
    struct wish wish;
    begin(true);
    be_at(7);
    CHECK(until(WISH_PUT, 5 * SECOND, &wish));
    int64_t seq = wish.item.seq;
    be_at(8); /* while the first one is under way */
    tell(NEWS_STORED, 8);
    CHECK(until(WISH_PUT, 5 * SECOND, &wish));
    expect_place(&wish, ours, epoch());
    CHECK(wish.item.seq > seq);
    tell(NEWS_STORED, 8);
    be_at(8);
    CHECK(!until(WISH_PUT, HOUR, &wish)); /* the same */
    end();
}

static void test_a_removed_contact_is_told_nothing_more(void)
{
    struct wish wish;
    begin(true);
    be_at(7);
    CHECK(until(WISH_PUT, 5 * SECOND, &wish));
    meet_contact_remove(meet, now, bob);
    tell(NEWS_STORED, 8);
    CHECK(!until(WISH_PUT, DAY, &wish));
    end();
}

/* --- his ---------------------------------------------------------------------------------------
 */

static void test_a_sweep_looks_into_three_epochs(void)
{
    struct wish wish;
    static const int order[] = { 0, -1, 1 };
    begin(true);
    for (size_t i = 0; i < COUNT(order); i++) {
        CHECK(until(WISH_GET, 2 * SECOND, &wish));
        expect_place(&wish, bob_account.public, epoch() + (uint64_t)(int64_t)order[i]);
        tell(NEWS_GOT, 0);
    }
    /* Then a few looks where he was last, ever more rarely; then his place is watched, each epoch's
       anew. */
    instant first = now;
    size_t looks = 0, watches = 0;
    for (instant day = now + DAY; until(WISH_GET, day - now, &wish);) {
        watches += wish.watch > 0;
        looks += wish.watch == 0;
        if (watches == 1 && wish.watch > 0)
            CHECK(now - first <= 3 * MINUTE && wish.watch <= 5 * MINUTE);
        tell(NEWS_GOT, 0);
    }
    CHECK(watches >= 4 && watches <= 5);
    CHECK(looks >= 5 && looks <= 6 + 3 * 5);
    end();
}

/* For months, too: what grows with each look must end somewhere. */
static void test_who_stays_away_is_sought_no_more_often(void)
{
    struct wish wish;
    begin(true);
    for (int day = 0; day < 90; day++) {
        size_t looks = 0;
        for (instant end_of_day = now + DAY; until(WISH_GET, end_of_day - now, &wish); looks++)
            tell(NEWS_GOT, 0);
        CHECK(looks <= 40);
    }
    end();
}

static void put_record(struct wish_item *item, uint8_t value[RENDEZVOUS_VALUE], uint64_t which,
                       const struct sign_pair *account, uint16_t port, int64_t seq)
{
    struct rendezvous place;
    struct dh_pair link;
    struct pair_record record = { .at = { at_port(port) }, .at_count = 1 };
    dh_pair_make(&link, &rng);
    certificate_write(record.certificate, account, &bob_device, link.public, LINK_ROLE_CONTACT, 1,
                      2);
    rendezvous_make(&place, secret, bob_account.public, which);
    pair_record_write(value, &place, &record, &rng);
    *item = (struct wish_item){ .seq = seq, .value = { value, RENDEZVOUS_VALUE } };
    memcpy(item->key, place.sign.public, KEY_BYTES);
}

/* Whether he is called at that port after such an item was found. */
static bool is_called(const struct sign_pair *account, uint16_t port, int64_t seq)
{
    struct wish wish;
    uint8_t value[RENDEZVOUS_VALUE];
    struct news news = { .id = (uint64_t)bob, .kind = NEWS_ITEM, .contact = bob };
    CHECK(until(WISH_GET, 2 * HOUR, &wish));
    put_record(&news.item, value, epoch(), account, port, seq);
    CHECK(meet_learn(meet, now, &news) == FAULT_NONE);
    bool called = until(WISH_DIAL, 100 * MILLISECOND, &wish);
    for (size_t i = 0; called && i < wish.at_count; i++)
        if (wish.at[i].port == port)
            break;
        else if (i + 1 == wish.at_count)
            called = false;
    tell(NEWS_GOT, 0);
    hang_up();
    return called;
}

static void test_he_is_called_where_he_says_he_is(void)
{
    struct sign_pair other;
    begin(true);
    sign_pair_make(&other, &rng);
    CHECK(!is_called(&other, 5, 1000)); /* another's certificate */
    CHECK(is_called(&bob_account, 6, 1000));
    CHECK(is_called(&bob_account, 7, 1001));
    struct meet_reach reach;
    meet_look(meet, bob, &reach);
    CHECK_INT(reach.at_count, 2);
    CHECK(!is_called(&bob_account, 8, 1001)); /* not newer */
    CHECK(!is_called(&bob_account, 9, 900));
    end();
}

/* Hours after he was sought last. */
static void test_who_comes_back_while_he_is_watched_is_called(void)
{
    struct wish wish;
    uint8_t value[RENDEZVOUS_VALUE];
    struct news news = { .id = (uint64_t)bob, .kind = NEWS_ITEM };
    begin(true);
    do {
        CHECK(until(WISH_GET, HOUR, &wish));
        tell(NEWS_GOT, 0);
    } while (wish.watch == 0);
    now += HOUR;
    news.contact = bob;
    put_record(&news.item, value, epoch(), &bob_account, 6, 1000);
    CHECK(meet_learn(meet, now, &news) == FAULT_NONE);
    CHECK(until(WISH_DIAL, 100 * MILLISECOND, &wish));
    struct store_device device;
    CHECK(store_device_next(store, bob, 0, &device) == FAULT_NONE);
    struct news up = {
        .kind = NEWS_UP, .contact = bob, .device = device.id, .address = at_port(6)
    };
    CHECK(meet_learn(meet, now, &up) == FAULT_NONE);
    CHECK(until(WISH_UNWATCH, SECOND, &wish)); /* he is here */
    end();
}

static void test_who_is_written_to_is_sought_at_once(void)
{
    struct wish wish;
    begin(true);
    for (int i = 0; i < 3; i++) {
        CHECK(until(WISH_GET, 2 * SECOND, &wish));
        tell(NEWS_GOT, 0);
    }
    for (int i = 0; i < 12; i++) { /* a day of silence */
        CHECK(until(WISH_GET, DAY, &wish));
        tell(NEWS_GOT, 0);
    }
    now += MINUTE;
    meet_nudge(meet, now, bob);
    CHECK(until(WISH_GET, SECOND, &wish));
    expect_place(&wish, bob_account.public, epoch());
    end();
}

static void test_nobody_is_sought_who_is_there(void)
{
    struct wish wish;
    struct store_device device;
    begin(true);
    CHECK(is_called(&bob_account, 6, 1000));
    CHECK(store_device_next(store, bob, 0, &device) == FAULT_NONE);
    struct news up = {
        .kind = NEWS_UP, .contact = bob, .device = device.id, .address = at_port(6)
    };
    CHECK(meet_learn(meet, now, &up) == FAULT_NONE);
    CHECK(!until(WISH_GET, DAY, &wish));
    struct news down = {
        .kind = NEWS_DOWN, .contact = bob, .device = device.id, .was_up = true, .reason = "lost"
    };
    CHECK(meet_learn(meet, now, &down) == FAULT_NONE);
    CHECK(until(WISH_GET, SECOND, &wish));
    end();
}

/* Both at once: then the link between them leads nowhere, but nobody has said so yet. */
static void test_who_moved_too_is_called_where_he_is_now(void)
{
    struct wish wish;
    struct store_device device;
    for (uint16_t port = 6; port <= 7; port++) {
        uint8_t value[RENDEZVOUS_VALUE];
        struct news item = { .kind = NEWS_ITEM };
        begin(true);
        CHECK(is_called(&bob_account, 6, 1000));
        CHECK(store_device_next(store, bob, 0, &device) == FAULT_NONE);
        struct news up = {
            .kind = NEWS_UP, .contact = bob, .device = device.id, .address = at_port(6)
        };
        CHECK(meet_learn(meet, now, &up) == FAULT_NONE);
        meet_moved(meet, now);
        CHECK(until(WISH_GET, 3 * SECOND, &wish));
        item.contact = bob;
        put_record(&item.item, value, epoch(), &bob_account, port, 2000);
        CHECK(meet_learn(meet, now, &item) == FAULT_NONE);
        tell(NEWS_GOT, 0);
        bool wished;
        do
            wished = meet_next_wish(meet, now, &wish);
        while (wished && wish.kind == WISH_ADMIT);
        bool hung_up = wished && wish.kind == WISH_HANG_UP;
        CHECK_INT(hung_up, port == 7); /* at 6 he is still where the link leads */
        struct news down = { .kind = NEWS_DOWN,
                             .contact = bob,
                             .device = device.id,
                             .was_up = true,
                             .reason = "closed here" };
        if (hung_up) {
            CHECK(meet_learn(meet, now, &down) == FAULT_NONE);
            CHECK(until(WISH_DIAL, 100 * MILLISECOND, &wish));
        } else { /* a few looks, and no more */
            size_t looks = 0;
            for (; until(WISH_GET, HOUR, &wish); looks++)
                tell(NEWS_GOT, 0);
            CHECK(looks >= 3 && looks <= 20);
        }
        end();
    }
}

TESTS(TEST(test_he_is_told_where_we_are), TEST(test_who_shares_no_secret_has_no_place),
      TEST(test_it_is_written_once_in_each_epoch), TEST(test_what_nobody_took_is_written_again),
      TEST(test_another_address_is_told_at_once), TEST(test_a_removed_contact_is_told_nothing_more),
      TEST(test_a_sweep_looks_into_three_epochs), TEST(test_who_stays_away_is_sought_no_more_often),
      TEST(test_he_is_called_where_he_says_he_is),
      TEST(test_who_comes_back_while_he_is_watched_is_called),
      TEST(test_who_is_written_to_is_sought_at_once), TEST(test_nobody_is_sought_who_is_there),
      TEST(test_who_moved_too_is_called_where_he_is_now))
