#include "engine/dht/saved.h"
#include "tests/test.h"

static uint8_t wire[DHT_SAVED_MAX_BYTES + 1];
static struct saved saved, again;

static void fill(size_t ipv4, size_t ipv6)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    rng_fill(&rng, &saved, sizeof saved);
    for (size_t i = 0; i < DHT_SAVED_NODES; i++) {
        struct address *at4 = &saved.nodes[0][i].at, *at6 = &saved.nodes[1][i].at;
        memcpy(at4->ip, (const uint8_t[16]){ [10] = 0xff, [11] = 0xff, [12] = 80 }, 13);
        memcpy(at6->ip, (const uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8 }, 4);
        at4->port = at6->port = (uint16_t)(i + 1);
    }
    saved.count[0] = ipv4;
    saved.count[1] = ipv6;
}

static size_t written(size_t ipv4, size_t ipv6)
{
    fill(ipv4, ipv6);
    return saved_write(&saved, wire);
}

static void test_what_is_saved_comes_back(void)
{
    static const size_t counts[][2] = {
        { 0, 0 }, { 1, 0 }, { 0, 1 }, { 7, 3 }, { DHT_SAVED_NODES, DHT_SAVED_NODES },
    };
    for (size_t i = 0; i < COUNT(counts); i++) {
        size_t size = written(counts[i][0], counts[i][1]);
        CHECK_INT(size, 45 + 26 * counts[i][0] + 38 * counts[i][1]);
        CHECK_INT(saved_read(&again, (struct bytes){ wire, size }), FAULT_NONE);
        CHECK_BYTES(again.self, saved.self, sizeof saved.self);
        for (size_t family = 0; family < 2; family++) {
            CHECK_INT(again.count[family], counts[i][family]);
            for (size_t j = 0; j < counts[i][family]; j++) {
                const struct dht_node *a = &saved.nodes[family][j], *b = &again.nodes[family][j];
                CHECK(address_equal(&a->at, &b->at));
                CHECK_BYTES(&a->id, &b->id, sizeof a->id);
            }
        }
    }
}

static void test_the_longest_fits_what_is_promised(void)
{
    CHECK_INT(written(DHT_SAVED_NODES, DHT_SAVED_NODES), DHT_SAVED_MAX_BYTES);
}

static void test_every_other_length_is_refused(void)
{
    size_t size = written(2, 2);
    for (size_t cut = 0; cut < size; cut++)
        CHECK_INT(saved_read(&again, (struct bytes){ wire, cut }), FAULT_PEER);
    CHECK_INT(saved_read(&again, (struct bytes){ wire, size + 1 }), FAULT_PEER);
}

static void check_refused(size_t at, uint8_t value)
{
    size_t size = written(2, 2);
    CHECK(wire[at] != value);
    wire[at] = value;
    CHECK_INT(saved_read(&again, (struct bytes){ wire, size }), FAULT_PEER);
}

static void test_what_no_node_of_ours_wrote_is_refused(void)
{
    check_refused(0, 2);  /* the next version */
    check_refused(41, 1); /* 258 nodes that are not there */
    check_refused(44, 3);
    check_refused(45 + 20, 224);      /* multicast */
    check_refused(45 + 25, 0);        /* port 0 */
    check_refused(45 + 52 + 20, 255); /* IPv6 multicast */
}

static void test_more_nodes_than_we_keep_are_refused(void)
{
    static uint8_t many[45 + 26 * (DHT_SAVED_NODES + 1)];
    size_t size = written(1, 0);
    memcpy(many, wire, size);
    many[41] = (DHT_SAVED_NODES + 1) >> 8;
    many[42] = (DHT_SAVED_NODES + 1) & 0xff;
    for (size_t i = 1; i <= DHT_SAVED_NODES; i++)
        memcpy(many + 45 + 26 * i, many + 45, 26);
    CHECK_INT(saved_read(&again, BYTES_OF(many)), FAULT_PEER);
    many[42]--;
    CHECK_INT(saved_read(&again, (struct bytes){ many, sizeof many - 26 }), FAULT_NONE);
}

TESTS(TEST(test_what_is_saved_comes_back), TEST(test_the_longest_fits_what_is_promised),
      TEST(test_every_other_length_is_refused), TEST(test_what_no_node_of_ours_wrote_is_refused),
      TEST(test_more_nodes_than_we_keep_are_refused))
