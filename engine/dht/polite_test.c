/* What goes to one address is held against a plain list of all that went there; what goes to all,
   against sums. */
#include "engine/dht/polite.h"
#include "tests/test.h"

#include "base/rng.h"

#define PER_WINDOW 4
#define TICKS      (2 * MILLISECOND) /* time is kept in milliseconds, and cut short */

static const instant start = 20000 * DAY;

static struct rng_seeded luck;
static struct rng rng;

static struct polite *begin(const struct dht_rates *rates)
{
    rng = rng_from_seed(&luck, 9);
    return polite_create(rates, start, &rng);
}

static struct polite *usual(void)
{
    return begin(&(struct dht_rates){ 0 });
}

/* Bounds of one kind only are in the way. */
static struct dht_rates without_sums(void)
{
    return (struct dht_rates){ .queries_per_second = DHT_NO_LIMIT,
                               .queries_at_once = DHT_NO_LIMIT,
                               .lookups_per_second = DHT_NO_LIMIT,
                               .reply_bytes_per_second = DHT_NO_LIMIT };
}

static struct address somebody(unsigned number)
{
    return (struct address){ .ip = { [10] = 0xff,
                                     [11] = 0xff,
                                     91,
                                     (uint8_t)(number >> 16),
                                     (uint8_t)(number >> 8),
                                     (uint8_t)number },
                             .port = 6881 };
}

static struct address at(const char *text)
{
    struct address address;
    CHECK(address_parse(text, &address));
    return address;
}

static bool answer(struct polite *polite, instant now, unsigned who, size_t size, bool known)
{
    struct address to = somebody(who);
    return polite_answer(polite, now, &to, 100, size, known);
}

/* How many of 100 packets at once may go there. */
static unsigned packets_at_once(struct polite *polite, instant now, const char *const *to,
                                size_t count)
{
    unsigned sent = 0;
    for (size_t i = 0; i < 100; i++) {
        struct address address = at(to[i % count]);
        sent += polite_answer(polite, now, &address, 100, 100, true);
    }
    return sent;
}

/* --- one address ------------------------------------------------------------------------------ */

struct history {
    instant sent[PER_WINDOW]; /* newest first */
    size_t count;
};

static void note(struct history *history, instant now)
{
    memmove(history->sent + 1, history->sent, sizeof history->sent - sizeof history->sent[0]);
    history->sent[0] = now;
    history->count++;
}

/* Sends if it may; every refusal and every packet is judged. */
static void try_one(struct polite *polite, struct history *history, instant now,
                    const struct address *to, bool query)
{
    duration since = now - history->sent[PER_WINDOW - 1];
    bool full = history->count >= PER_WINDOW;
    bool may = query ? polite_query_at(polite, now, to) == now
                     : polite_answer(polite, now, to, 100, 100, false);
    if (may && query)
        polite_query_sent(polite, now, to);
    if (may)
        CHECK(!full || since >= POLITE_WINDOW);
    else
        CHECK(full && since < POLITE_WINDOW + TICKS);
    if (may)
        note(history, now);
}

static void test_four_packets_in_a_window_queries_and_answers_together(void)
{
    struct dht_rates rates = without_sums();
    struct polite *polite = begin(&rates);
    struct history histories[5] = { 0 };
    instant now = start;
    for (unsigned turn = 0; turn < 200000; turn++) {
        unsigned who = (unsigned)rng_below(&rng, COUNT(histories));
        struct address to = somebody(who);
        to.port = (uint16_t)(1 + rng_below(&rng, 9));
        try_one(polite, &histories[who], now, &to, rng_below(&rng, 2) == 0);
        now += rng_below(&rng, 100) == 0 ? rng_below(&rng, 3 * SECOND)
                                         : rng_below(&rng, 100 * MILLISECOND);
    }
    for (size_t i = 0; i < COUNT(histories); i++)
        CHECK(histories[i].count > 1000);
    polite_destroy(polite);
}

static void test_at_most_36_in_any_ten_seconds(void)
{
    struct dht_rates rates = without_sums();
    struct polite *polite = begin(&rates);
    instant sent[400];
    size_t count = 0;
    for (duration passed = 0; passed < MINUTE; passed += MILLISECOND)
        if (answer(polite, start + passed, 1, 100, true))
            sent[count++] = start + passed;
    CHECK(count > 200);
    for (size_t i = 36; i < count; i++)
        CHECK(sent[i] - sent[i - 36] >= 10 * SECOND);
    polite_destroy(polite);
}

static void test_when_a_query_may_go_is_told_beforehand(void)
{
    struct polite *polite = usual();
    struct address to = somebody(1);
    instant now = start;
    for (unsigned i = 0; i < 40; i++) {
        instant told = polite_query_at(polite, now, &to);
        CHECK(told == now || polite_query_at(polite, told - TICKS, &to) > told - TICKS);
        CHECK(polite_query_at(polite, told, &to) == told);
        now = told;
        polite_query_sent(polite, now, &to);
    }
    CHECK(now - start >= 9 * POLITE_WINDOW && now - start < 9 * (POLITE_WINDOW + TICKS));
    polite_destroy(polite);
}

static void test_who_counts_as_one(void)
{
    static const char *const ports[] = { "91.1.1.1:1", "91.1.1.1:2" };
    static const char *const hosts[] = { "91.1.1.1:1", "91.1.1.2:1" };
    static const char *const one_64[] = { "[2a00:1:2:3::1]:1", "[2a00:1:2:3:ffff::2]:7" };
    static const char *const two_64[] = { "[2a00:1:2:3::1]:1", "[2a00:1:2:4::1]:1" };
    static const char *const loopback[] = { "127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "[::1]:2" };
    static const char *const nearby[] = { "192.168.1.9:1", "192.168.1.9:2" };
    struct polite *polite = usual();
    CHECK_INT(packets_at_once(polite, start, ports, COUNT(ports)), PER_WINDOW);
    CHECK_INT(packets_at_once(polite, start + MINUTE, hosts, COUNT(hosts)), 2 * PER_WINDOW);
    CHECK_INT(packets_at_once(polite, start, one_64, COUNT(one_64)), PER_WINDOW);
    CHECK_INT(packets_at_once(polite, start + MINUTE, two_64, COUNT(two_64)), 2 * PER_WINDOW);
    CHECK_INT(packets_at_once(polite, start, loopback, COUNT(loopback)), 4 * PER_WINDOW);
    CHECK_INT(packets_at_once(polite, start, nearby, COUNT(nearby)), 100);
    CHECK_INT(packets_at_once(polite, start, nearby, COUNT(nearby)), 32 * PER_WINDOW - 100);
    polite_destroy(polite);
}

static void test_other_dues_are_kept_too(void)
{
    static const struct {
        uint32_t due;
        unsigned sent;
    } cases[] = {
        { 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 4 }, { 8, 8 }, { 40, 40 }, { DHT_NO_LIMIT, 100 }
    };
    static const char *const to[] = { "91.1.1.1:1" };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct polite *polite = begin(&(struct dht_rates){ .per_address = cases[i].due });
        CHECK_INT(packets_at_once(polite, start, to, 1), cases[i].sent);
        CHECK_INT(packets_at_once(polite, start + POLITE_WINDOW - TICKS, to, 1),
                  cases[i].due == DHT_NO_LIMIT ? 100 : 0);
        CHECK_INT(packets_at_once(polite, start + POLITE_WINDOW + TICKS, to, 1), cases[i].sent);
        polite_destroy(polite);
    }
}

static void test_a_stranger_is_whom_we_did_not_write_to_for_five_minutes(void)
{
    struct polite *polite = usual();
    struct address to = somebody(1), other = somebody(2);
    CHECK(polite_stranger(polite, start, &to));
    polite_query_sent(polite, start, &to);
    CHECK(!polite_stranger(polite, start + POLITE_MEMORY - TICKS, &to));
    CHECK(polite_stranger(polite, start + POLITE_MEMORY, &to));
    CHECK(polite_stranger(polite, start, &other));
    polite_destroy(polite);
}

/* --- how many addresses ----------------------------------------------------------------------- */

static void test_so_many_addresses_are_remembered_and_no_more(void)
{
    struct dht_rates rates = without_sums();
    struct polite *polite = begin(&rates);
    unsigned answered = 0;
    for (unsigned i = 0; i < 3 * POLITE_ADDRESSES; i++)
        answered += answer(polite, start, i, 100, true);
    CHECK_INT(answered, POLITE_ADDRESSES);
    for (unsigned i = 0; i < 100; i++) /* nobody within a window may be forgotten */
        CHECK(!answer(polite, start + POLITE_WINDOW / 2, 1000000 + i, 100, true));
    for (unsigned i = 0; i < POLITE_ADDRESSES; i++) {
        struct address to = somebody(i);
        CHECK(!polite_stranger(polite, start, &to));
    }
    instant past = start + POLITE_WINDOW + 10 * MILLISECOND;
    for (unsigned i = 0; i < 100; i++)
        CHECK(answer(polite, past, 1000000 + i, 100, true));
    polite_destroy(polite);
}

static void test_a_crowd_pushes_nobody_out_of_his_window(void)
{
    struct dht_rates rates = without_sums();
    struct polite *polite = begin(&rates);
    struct history history = { 0 };
    struct address to = somebody(1);
    instant now = start;
    for (unsigned i = 0; i < 300000; i++) {
        answer(polite, now, 1000 + i, 100, true);
        if (i % 20 == 0 && polite_query_at(polite, now, &to) == now) {
            CHECK(history.count < PER_WINDOW ||
                  now - history.sent[PER_WINDOW - 1] >= POLITE_WINDOW);
            polite_query_sent(polite, now, &to);
            note(&history, now);
        }
        now += 300 * MICROSECOND;
    }
    CHECK(history.count > 200);
    polite_destroy(polite);
}

/* --- all together ----------------------------------------------------------------------------- */

static void test_queries_of_ours_are_50_a_second_and_100_at_once(void)
{
    struct polite *polite = usual();
    unsigned sent = 0;
    for (duration passed = 0; passed < 10 * SECOND; passed += MILLISECOND) {
        struct address to = somebody((unsigned)(passed / MILLISECOND));
        while (polite_query_at(polite, start + passed, &to) == start + passed) {
            polite_query_sent(polite, start + passed, &to);
            to = somebody(++sent << 4);
        }
        if (passed == 0)
            CHECK_INT(sent, 100);
    }
    CHECK(sent >= 100 + 499 && sent <= 100 + 500);
    polite_destroy(polite);
}

static void test_searches_begin_once_a_second_and_8_at_once(void)
{
    struct polite *polite = usual();
    instant now = start;
    for (unsigned i = 0; i < 8; i++)
        CHECK(polite_lookup(polite, now));
    for (unsigned i = 0; i < 20; i++) {
        CHECK(!polite_lookup(polite, now));
        CHECK(polite_lookup_at(polite, now) == now + SECOND);
        now += SECOND;
        CHECK(!polite_lookup(polite, now - 1));
        CHECK(polite_lookup(polite, now));
    }
    polite_destroy(polite);
}

/* Bytes that go to ever new addresses within `passed`, a millisecond at a time. */
static size_t bytes_within(struct polite *polite, duration passed, size_t size, bool known)
{
    size_t sent = 0;
    unsigned who = 0;
    for (instant now = start; now <= start + passed; now += MILLISECOND)
        while (answer(polite, now, who, size, known)) {
            sent += size;
            who++;
        }
    return sent;
}

static void test_answers_are_128_kib_a_second(void)
{
    const size_t second = 128 * 1024, size = 400;
    for (unsigned seconds = 0; seconds < 5; seconds++) {
        struct polite *polite = usual();
        size_t sent = bytes_within(polite, seconds * SECOND, size, true);
        CHECK(sent <= (2 + seconds) * second && sent > (2 + seconds) * second - 2 * size);
        polite_destroy(polite);
    }
}

static void test_strangers_leave_a_second_of_it_to_nodes(void)
{
    const size_t second = 128 * 1024, size = 400;
    struct polite *polite = usual();
    size_t sent = bytes_within(polite, 0, size, false);
    struct address new = somebody(1 << 20);
    CHECK(sent <= second && sent > second - size);
    CHECK(!polite_may_answer(polite, start, &new, false));
    CHECK(polite_may_answer(polite, start, &new, true));
    CHECK(answer(polite, start, 1 << 20, size, true));
    polite_destroy(polite);
}

static void test_beyond_four_times_there_is_little_for_strangers(void)
{
    const size_t asked = 100, size = 1400;
    struct polite *polite = usual();
    size_t sent = bytes_within(polite, 0, size, false);
    size_t excess = sent / size * (size - 4 * asked);
    CHECK(excess <= 64 * 1024 && excess > 64 * 1024 - size);
    CHECK(answer(polite, start, 1 << 20, 4 * asked, false)); /* four times is always his */
    CHECK(!answer(polite, start, 1 << 20, size, false));
    CHECK(answer(polite, start, 1 << 20, size, true));
    polite_destroy(polite);
    polite = usual();
    sent = bytes_within(polite, 10 * SECOND, size, false);
    excess = sent / size * (size - 4 * asked);
    CHECK(excess <= (64 + 160) * 1024 && excess > (64 + 160) * 1024 - 2 * size);
    polite_destroy(polite);
}

static void test_whom_we_may_not_answer_costs_nothing(void)
{
    const unsigned who = 1 << 20;
    struct polite *polite = usual();
    struct address to = somebody(who);
    CHECK(polite_may_answer(polite, start, &to, false));
    for (unsigned i = 0; i < PER_WINDOW; i++)
        CHECK(answer(polite, start, who, 1400, true));
    for (unsigned i = 0; i < 1000; i++)
        CHECK(!answer(polite, start, who, 1400, true));
    CHECK(!polite_may_answer(polite, start, &to, true));
    size_t sent = bytes_within(polite, 0, 400, true);
    CHECK(sent > 2 * 128 * 1024 - PER_WINDOW * 1400 - 2 * 400);
    polite_destroy(polite);
}

TESTS(TEST(test_four_packets_in_a_window_queries_and_answers_together),
      TEST(test_at_most_36_in_any_ten_seconds), TEST(test_when_a_query_may_go_is_told_beforehand),
      TEST(test_who_counts_as_one), TEST(test_other_dues_are_kept_too),
      TEST(test_a_stranger_is_whom_we_did_not_write_to_for_five_minutes),
      TEST(test_so_many_addresses_are_remembered_and_no_more),
      TEST(test_a_crowd_pushes_nobody_out_of_his_window),
      TEST(test_queries_of_ours_are_50_a_second_and_100_at_once),
      TEST(test_searches_begin_once_a_second_and_8_at_once),
      TEST(test_answers_are_128_kib_a_second), TEST(test_strangers_leave_a_second_of_it_to_nodes),
      TEST(test_beyond_four_times_there_is_little_for_strangers),
      TEST(test_whom_we_may_not_answer_costs_nothing))
