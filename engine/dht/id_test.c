/* The ids published for BEP 42 are held against id_fits in vectors_fixture.c. */
#include "engine/dht/id.h"
#include "tests/test.h"

static struct rng_seeded luck;

static struct dht_id id_of(const char *hex)
{
    struct dht_id id = { { 0 } };
    unhex(id.bytes, sizeof id.bytes, hex); /* the rest is zero */
    return id;
}

static struct address address_of(const char *text)
{
    struct address at;
    CHECK(address_parse(text, &at));
    return at;
}

static void test_nearer_is_what_differs_later(void)
{
    static const struct {
        const char *target, *a, *b;
        int sign;
    } cases[] = {
        { "00", "01", "02", -1 },
        { "00", "02", "01", 1 },
        { "ff", "01", "02", 1 },
        { "80", "80", "7f", -1 }, /* XOR, not the difference of numbers */
        { "0102", "0102", "0103", -1 },
        { "00", "80ff", "81", -1 },
        { "1234", "5678", "5678", 0 },
        { "00", "0000000000000000000000000000000000000001",
          "0000000000000000000000000000000000000000", 1 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dht_id target = id_of(cases[i].target), a = id_of(cases[i].a), b = id_of(cases[i].b);
        int order = id_closer(&target, &a, &b);
        CHECK_INT((order > 0) - (order < 0), cases[i].sign);
        CHECK_INT(id_closer(&target, &b, &a), -order);
        CHECK_INT(id_equal(&a, &b), cases[i].sign == 0);
    }
}

static void test_ids_share_their_first_bits(void)
{
    static const struct {
        const char *a, *b;
        unsigned bits;
    } cases[] = {
        { "00", "80", 0 },
        { "00", "40", 1 },
        { "00", "01", 7 },
        { "ff", "ff80", 8 },
        { "1234", "1235", 15 },
        { "12", "12", 160 },
        { "00", "0000000000000000000000000000000000000001", 159 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dht_id a = id_of(cases[i].a), b = id_of(cases[i].b);
        CHECK_INT(id_shared_bits(&a, &b), cases[i].bits);
        CHECK_INT(id_shared_bits(&b, &a), cases[i].bits);
    }
}

static void test_an_id_near_another_parts_where_it_should(void)
{
    struct rng rng = rng_from_seed(&luck, 1);
    struct dht_id like, near, again;
    unsigned varied = 0;
    rng_fill(&rng, &like, sizeof like);
    for (unsigned shared = 0; shared <= 160; shared++) {
        id_near(&near, &like, shared, &rng);
        id_near(&again, &like, shared, &rng);
        CHECK_INT(id_shared_bits(&like, &near), shared);
        if (shared < 120) /* behind that bit it is any */
            CHECK(!id_equal(&near, &again));
    }
    for (unsigned i = 0; i < 64; i++) {
        id_near(&near, &like, 3, &rng);
        varied |= near.bytes[0] ^ like.bytes[0];
    }
    CHECK_INT(varied, 0x1f);
}

static void test_distance_is_a_part_of_the_space(void)
{
    struct dht_id zero = { { 0 } }, half = id_of("80"), quarter = id_of("40"), most;
    memset(&most, 0xff, sizeof most);
    CHECK(id_distance(&zero, &zero) == 0 && id_distance(&most, &most) == 0);
    CHECK(id_distance(&zero, &half) == 0.5 && id_distance(&half, &quarter) == 0.75);
    CHECK(id_distance(&zero, &most) > 0.999 && id_distance(&zero, &most) <= 1);
    struct dht_id least = id_of("0000000000000000000000000000000000000001");
    CHECK(id_distance(&zero, &least) > 0 && id_distance(&zero, &least) < 1e-48);
    CHECK(id_is_zero(&zero) && !id_is_zero(&least));
}

static void test_local_networks_are_exempt(void)
{
    static const struct {
        const char *at;
        bool exempt;
    } cases[] = {
        { "9.255.255.255:1", false },  { "10.0.0.0:1", true },    { "10.255.255.255:1", true },
        { "11.0.0.0:1", false },       { "127.0.0.1:1", true },   { "128.0.0.1:1", false },
        { "172.15.255.255:1", false }, { "172.16.0.0:1", true },  { "172.31.255.255:1", true },
        { "172.32.0.0:1", false },     { "192.168.0.1:1", true }, { "192.169.0.1:1", false },
        { "192.167.0.1:1", false },    { "169.254.1.1:1", true }, { "169.253.1.1:1", false },
        { "[::1]:1", true },           { "[::2]:1", false },      { "[fc00::1]:1", true },
        { "[fdff::1]:1", true },       { "[fe00::1]:1", false },  { "[fe80::1]:1", true },
        { "[febf::1]:1", true },       { "[fec0::1]:1", false },  { "[2001:db8::1]:1", false },
    };
    struct rng rng = rng_from_seed(&luck, 2);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address at = address_of(cases[i].at);
        CHECK_INT(id_exempt(&at), cases[i].exempt);
        unsigned fit = 0;
        for (unsigned j = 0; j < 64; j++) {
            struct dht_id any;
            rng_fill(&rng, &any, sizeof any);
            fit += id_fits(&any, &at);
        }
        CHECK_INT(fit, cases[i].exempt ? 64 : 0); /* 21 bits do not agree by luck */
    }
}

static void test_what_we_make_fits_and_is_fresh(void)
{
    static const char *const places[] = { "124.31.75.21:1", "[2001:db8:1:2::3]:1", "10.1.1.1:1" };
    struct rng rng = rng_from_seed(&luck, 3);
    for (size_t i = 0; i < COUNT(places); i++) {
        struct address at = address_of(places[i]);
        unsigned kinds = 0, varied = 0;
        for (unsigned j = 0; j < 200; j++) {
            struct dht_id one, two;
            id_make(&one, &at, &rng);
            id_make(&two, &at, &rng);
            CHECK(id_fits(&one, &at) && !id_equal(&one, &two));
            kinds |= 1u << (one.bytes[19] & 7);
            varied |= one.bytes[2] ^ two.bytes[2];
            if (id_exempt(&at))
                continue;
            one.bytes[2] ^= 8; /* the last of the bits that are fixed */
            CHECK(!id_fits(&one, &at));
            one.bytes[2] ^= 8 | 7, one.bytes[3] ^= 0xff;
            CHECK(id_fits(&one, &at));
        }
        CHECK_INT(varied & 7, 7); /* behind the bits that are fixed */
        CHECK_INT(kinds, 255);    /* each of the eight an address may have */
    }
}

/* An address may have other ids where only bits differ that BEP 42 does not look at. */
static void test_a_neighbour_in_a_block_has_the_same_ids(void)
{
    struct rng rng = rng_from_seed(&luck, 4);
    struct address at = address_of("124.31.75.21:1"), twin = address_of("252.31.75.21:9"),
                   other = address_of("124.31.75.22:1");
    struct address at6 = address_of("[2001:db8:1:2::3]:1"),
                   twin6 = address_of("[2001:db8:1:2::9]:1"),
                   other6 = address_of("[2001:db8:1:3::3]:1");
    struct dht_id id;
    id_make(&id, &at, &rng);
    CHECK(id_fits(&id, &twin) && !id_fits(&id, &other));
    id_make(&id, &at6, &rng);
    CHECK(id_fits(&id, &twin6) && !id_fits(&id, &other6));
}

static void test_a_block_is_what_one_party_may_hold(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        { "80.1.2.3:1", "80.1.2.200:9", true },
        { "80.1.2.3:1", "80.1.3.3:1", false },
        { "10.1.2.3:1", "10.1.2.4:1", false }, /* a lab's, or a household's */
        { "[2001:db8:1:2::3]:1", "[2001:db8:1:2:ffff::]:1", true },
        { "[2001:db8:1:2::3]:1", "[2001:db8:1:3::3]:1", false },
        { "[fe80::1]:1", "[fe80::2]:1", false },
        { "80.1.2.3:1", "[2001:db8:1:2::3]:1", false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address a = address_of(cases[i].a), b = address_of(cases[i].b);
        CHECK_INT(address_same_block(&a, &b), cases[i].same);
        CHECK_INT(address_same_block(&b, &a), cases[i].same);
    }
}

TESTS(TEST(test_nearer_is_what_differs_later), TEST(test_ids_share_their_first_bits),
      TEST(test_an_id_near_another_parts_where_it_should),
      TEST(test_distance_is_a_part_of_the_space), TEST(test_local_networks_are_exempt),
      TEST(test_what_we_make_fits_and_is_fresh), TEST(test_a_neighbour_in_a_block_has_the_same_ids),
      TEST(test_a_block_is_what_one_party_may_hold))
