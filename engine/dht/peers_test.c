/* Who announced himself: found for 45 minutes, within every bound, whatever strangers do. */
#include "engine/dht/peers.h"
#include "tests/test.h"

#include "base/rng.h"
#include "engine/dht/bloom.h"
#include "engine/dht/krpc.h"

static const instant start = 20000 * DAY;

static struct rng_seeded luck;
static struct rng rng;

static struct peers *begin(void)
{
    rng = rng_from_seed(&luck, 8);
    return peers_create(&rng);
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

static struct address of_ipv6(unsigned number)
{
    return (struct address){
        .ip = { 0x2a, [4] = (uint8_t)(number >> 8), (uint8_t)number, [15] = 1 }, .port = 6881
    };
}

static struct dht_id infohash(unsigned number)
{
    return (struct dht_id){ { 7, (uint8_t)(number >> 8), (uint8_t)number } };
}

static bool put(struct peers *peers, instant now, unsigned swarm, struct address who)
{
    struct dht_id there = infohash(swarm);
    return peers_put(peers, now, &there, &who, &who, false);
}

/* How many are handed out, all of them whole and of that family. */
static unsigned found(const struct peers *peers, instant now, unsigned swarm, bool ipv6,
                      size_t most, size_t size)
{
    uint8_t wire[SERVED_PEERS * (3 + ADDRESS_WIRE_BYTES)];
    struct dht_id there = infohash(swarm);
    struct address at;
    unsigned count = 0;
    struct bytes values = { wire, peers_write(peers, now, &there, ipv6, false, most, wire, size) };
    for (; krpc_next_value(&values, &at); count++)
        CHECK(address_is_ipv4(&at) != ipv6);
    CHECK_INT(values.size, 0);
    return count;
}

static unsigned all(const struct peers *peers, instant now, unsigned swarm)
{
    return found(peers, now, swarm, false, SERVED_PEERS, SERVED_PEERS * (3 + ADDRESS_WIRE_BYTES));
}

static size_t count_of(const struct peers *peers, bool infohashes)
{
    size_t swarms, count;
    peers_count(peers, &swarms, &count);
    return infohashes ? swarms : count;
}

static void test_an_announce_is_found_for_45_minutes(void)
{
    struct peers *peers = begin();
    instant over = start + PEERS_KEPT;
    CHECK(put(peers, start, 1, somebody(1)));
    CHECK_INT(all(peers, over - SECOND, 1), 1);
    CHECK_INT(all(peers, over, 1), 0); /* whether or not he has been forgotten by then */
    CHECK(put(peers, start + MINUTE, 1, somebody(1)));
    CHECK_INT(all(peers, over, 1), 1);
    CHECK_INT(count_of(peers, false), 1);
    peers_advance(peers, over + MINUTE);
    CHECK_INT(count_of(peers, false), 0);
    CHECK_INT(count_of(peers, true), 0);
    peers_destroy(peers);
}

static void test_two_ports_of_one_address_are_two(void)
{
    struct peers *peers = begin();
    struct address one = somebody(1), other = somebody(1);
    other.port = 1;
    CHECK(put(peers, start, 1, one));
    CHECK(put(peers, start, 1, other));
    CHECK_INT(all(peers, start, 1), 2);
    peers_destroy(peers);
}

static void test_families_are_handed_out_apart(void)
{
    struct peers *peers = begin();
    for (unsigned i = 0; i < 7; i++)
        CHECK(put(peers, start, 1, somebody(i)));
    for (unsigned i = 0; i < 5; i++)
        CHECK(put(peers, start, 1, of_ipv6(i)));
    CHECK_INT(all(peers, start, 1), 7);
    CHECK_INT(found(peers, start, 1, true, 100, 1000), 5);
    CHECK_INT(all(peers, start, 2), 0);
    peers_destroy(peers);
}

static void test_an_answer_is_within_its_bounds(void)
{
    struct peers *peers = begin();
    for (unsigned i = 0; i < 100; i++)
        CHECK(put(peers, start, 1, somebody(i)));
    CHECK_INT(found(peers, start, 1, false, 30, 4096), 30);
    for (size_t size = 0; size < 300; size++)
        CHECK(8 * found(peers, start, 1, false, 100, size) <= size);
    peers_destroy(peers);
}

/* Whoever asks again learns of others: nobody is hidden behind those who came first. */
static void test_everybody_is_handed_out_sometimes(void)
{
    struct peers *peers = begin();
    struct dht_id there = infohash(1);
    bool seen[40] = { false };
    for (unsigned i = 0; i < COUNT(seen); i++)
        CHECK(put(peers, start, 1, somebody(i)));
    for (unsigned i = 0; i < 300; i++) {
        uint8_t wire[64];
        struct address at;
        struct bytes values = { wire, peers_write(peers, start, &there, false, false, 2, wire,
                                                  sizeof wire) };
        while (krpc_next_value(&values, &at))
            seen[at.ip[15]] = true;
    }
    for (unsigned i = 0; i < COUNT(seen); i++)
        CHECK(seen[i]);
    peers_destroy(peers);
}

static void test_seeds_are_left_out_when_asked(void)
{
    struct peers *peers = begin();
    struct dht_id there = infohash(1);
    uint8_t wire[64], seeds[KRPC_BLOOM_BYTES], others[KRPC_BLOOM_BYTES];
    uint8_t of_seed[KRPC_BLOOM_BYTES] = { 0 }, of_other[KRPC_BLOOM_BYTES] = { 0 };
    struct address seed = somebody(1), other = somebody(2);
    CHECK(!peers_scrape(peers, start, &there, seeds, others));
    CHECK(peers_put(peers, start, &there, &seed, &seed, true));
    CHECK(put(peers, start, 1, other));
    CHECK_INT(peers_write(peers, start, &there, false, true, 9, wire, sizeof wire), 8);
    CHECK_BYTES(wire + 2, other.ip + 12, 4);
    bloom_add(of_seed, &seed);
    bloom_add(of_other, &other);
    CHECK(peers_scrape(peers, start, &there, seeds, others));
    CHECK_BYTES(seeds, of_seed, sizeof seeds);
    CHECK_BYTES(others, of_other, sizeof others);
    peers_destroy(peers);
}

static void test_a_list_is_full_at_500(void)
{
    struct peers *peers = begin();
    struct dht_id there = infohash(1);
    unsigned next = 0;
    while (peers_has_room(peers, &there) && next < 4 * SERVED_PEERS)
        put(peers, start, 1, somebody(next++ * 256)); /* a share may be full: of two it is one */
    CHECK_INT(all(peers, start, 1), SERVED_PEERS);
    CHECK(!put(peers, start, 1, somebody(next * 256)));
    CHECK_INT(count_of(peers, false), SERVED_PEERS);
    CHECK(put(peers, start + MINUTE, 1, somebody(0))); /* who is there may say so again */
    peers_destroy(peers);
}

static void test_one_address_has_a_sixteenth_of_a_list(void)
{
    struct peers *peers = begin();
    unsigned taken = 0;
    for (unsigned port = 1; port <= SERVED_PEERS; port++) {
        struct address who = somebody(1);
        who.port = (uint16_t)port;
        taken += put(peers, start, 1, who);
    }
    CHECK_INT(taken, SERVED_PEERS / PEERS_SHARE);
    CHECK(put(peers, start, 1, somebody(2)));
    peers_destroy(peers);
}

static void test_a_64_of_ipv6_has_one_share(void)
{
    struct peers *peers = begin();
    unsigned taken = 0;
    for (unsigned i = 0; i < SERVED_PEERS; i++) {
        struct address who = { .ip = { 0x2a, [14] = (uint8_t)(i >> 8), (uint8_t)i }, .port = 1 };
        taken += put(peers, start, 1, who);
    }
    CHECK_INT(taken, SERVED_PEERS / PEERS_SHARE);
    peers_destroy(peers);
}

static void test_of_2000_lists_the_one_left_alone_longest_goes(void)
{
    struct peers *peers = begin();
    for (unsigned i = 0; i < SERVED_INFOHASHES; i++)
        CHECK(put(peers, start + i * MILLISECOND, i, somebody(256 * (i / 20))));
    CHECK(put(peers, start + MINUTE, 0, somebody(0)));
    CHECK(put(peers, start + MINUTE, SERVED_INFOHASHES, somebody(9)));
    CHECK_INT(count_of(peers, true), SERVED_INFOHASHES);
    CHECK_INT(all(peers, start + MINUTE, 0), 1);
    CHECK_INT(all(peers, start + MINUTE, 1), 0);
    CHECK_INT(all(peers, start + MINUTE, SERVED_INFOHASHES), 1);
    peers_destroy(peers);
}

static void test_one_address_cannot_flush_the_lists_of_others(void)
{
    struct peers *peers = begin();
    unsigned left = 0;
    for (unsigned i = 0; i < SERVED_INFOHASHES; i++)
        CHECK(put(peers, start, i, somebody(256 * (i / 20))));
    for (unsigned i = 0; i < 5 * SERVED_INFOHASHES; i++)
        put(peers, start + MINUTE, SERVED_INFOHASHES + i, somebody(1 << 20));
    for (unsigned i = 0; i < SERVED_INFOHASHES; i++)
        left += all(peers, start + MINUTE, i);
    CHECK(left >= SERVED_INFOHASHES - SERVED_INFOHASHES / PEERS_SHARE);
    CHECK_INT(count_of(peers, true), SERVED_INFOHASHES);
    peers_destroy(peers);
}

/* Nor by announces that are refused, when he has his share of all peers in others' lists. */
static void test_a_refused_announce_puts_nobody_out(void)
{
    struct peers *peers = begin();
    struct address liar = somebody(1 << 20);
    for (unsigned i = 0; i < SERVED_INFOHASHES; i++)
        CHECK(put(peers, start, i, somebody(256 * (i / 20))));
    for (unsigned i = 0; i <= SERVED_PEERS_ALL / SERVED_PEERS + PEERS_SHARE; i++)
        for (liar.port = 1; liar.port <= SERVED_PEERS / PEERS_SHARE; liar.port++)
            put(peers, start, i, liar);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(!put(peers, start, SERVED_INFOHASHES + i, liar));
    for (unsigned i = 0; i < SERVED_INFOHASHES; i++)
        CHECK(all(peers, start, i) > 0);
    peers_destroy(peers);
}

static void test_all_lists_together_are_bounded(void)
{
    struct peers *peers = begin();
    for (unsigned i = 0; i < 3 * SERVED_PEERS_ALL / 2; i++)
        put(peers, start, i % 400, somebody(i));
    CHECK_INT(count_of(peers, false), SERVED_PEERS_ALL);
    CHECK(!put(peers, start, 1000, somebody(1 << 22)));
    peers_advance(peers, start + PEERS_KEPT);
    CHECK_INT(count_of(peers, false), 0);
    CHECK(put(peers, start + PEERS_KEPT, 1000, somebody(1 << 22)));
    peers_destroy(peers);
}

static void test_one_address_has_a_sixteenth_of_all(void)
{
    struct peers *peers = begin();
    unsigned taken = 0;
    for (unsigned i = 0; i < 400; i++)
        CHECK(put(peers, start, i, somebody(256 * (i / 20))));
    for (unsigned i = 0; i < 400; i++)
        for (uint16_t port = 1; port <= SERVED_PEERS / PEERS_SHARE; port++) {
            struct address who = somebody(1 << 20);
            who.port = port;
            taken += put(peers, start, i, who);
        }
    CHECK(taken <= SERVED_PEERS_ALL / PEERS_SHARE);
    CHECK(taken > SERVED_PEERS_ALL / PEERS_SHARE - 400);
    peers_destroy(peers);
}

static void test_a_sample_is_of_different_ones(void)
{
    struct peers *peers = begin();
    struct dht_id sample[KRPC_SAMPLES_MAX];
    bool seen[100] = { false };
    CHECK_INT(peers_sample(peers, sample, COUNT(sample)), 0);
    for (unsigned i = 0; i < COUNT(seen); i++)
        CHECK(put(peers, start, i, somebody(i)));
    for (unsigned turn = 0; turn < 100; turn++) {
        CHECK_INT(peers_sample(peers, sample, COUNT(sample)), COUNT(sample));
        for (size_t i = 0; i < COUNT(sample); i++) {
            seen[sample[i].bytes[2]] = true;
            for (size_t k = 0; k < i; k++)
                CHECK(memcmp(&sample[i], &sample[k], sizeof sample[i]) != 0);
        }
    }
    for (size_t i = 0; i < COUNT(seen); i++)
        CHECK(seen[i]);
    peers_destroy(peers);
}

TESTS(TEST(test_an_announce_is_found_for_45_minutes), TEST(test_two_ports_of_one_address_are_two),
      TEST(test_families_are_handed_out_apart), TEST(test_an_answer_is_within_its_bounds),
      TEST(test_everybody_is_handed_out_sometimes), TEST(test_seeds_are_left_out_when_asked),
      TEST(test_a_list_is_full_at_500), TEST(test_one_address_has_a_sixteenth_of_a_list),
      TEST(test_a_64_of_ipv6_has_one_share),
      TEST(test_of_2000_lists_the_one_left_alone_longest_goes),
      TEST(test_one_address_cannot_flush_the_lists_of_others),
      TEST(test_a_refused_announce_puts_nobody_out), TEST(test_all_lists_together_are_bounded),
      TEST(test_one_address_has_a_sixteenth_of_all), TEST(test_a_sample_is_of_different_ones))
