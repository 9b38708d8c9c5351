/* One socket, two languages: a million real answers of the DHT, and every beginning a datagram of a
   link can have; none goes astray. That a million ids of links never begin with a digit is shown
   where they are minted, in engine/link/wire_test.c. */
#include "engine/node/inside.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#define MILLION 1000000

static const struct address asker = { .ip = { [10] = 0xff, [11] = 0xff, 80, 1, 2, 3 },
                                      .port = 6881 };
static struct rng_seeded luck;
static struct rng rng;

static size_t question_of(const char *kind, const char *target_name, uint8_t out[200])
{
    uint8_t target[20], tid[4];
    struct cursor wire = cursor_into(out, 200);
    char head[64];
    rng_fill(&rng, target, sizeof target);
    rng_fill(&rng, tid, sizeof tid);
    cursor_put_bytes(&wire, bytes_of_text("d1:ad2:id20:aaaaaaaaaaaaaaaaaaaa"));
    cursor_put_bytes(&wire, bytes_of_text(target_name));
    if (target_name[0] != '\0')
        cursor_put(&wire, target, sizeof target);
    snprintf(head, sizeof head, "e1:q%zu:%s1:t4:", strlen(kind), kind);
    cursor_put_bytes(&wire, bytes_of_text(head));
    cursor_put(&wire, tid, sizeof tid);
    cursor_put_bytes(&wire, bytes_of_text("1:y1:qe"));
    return cursor_written(&wire).size;
}

static void test_a_million_answers_of_the_dht_are_its_own(void)
{
    static const struct {
        const char *kind, *target;
    } questions[] = { { "ping", "" },
                      { "find_node", "6:target20:" },
                      { "get_peers", "9:info_hash20:" },
                      { "get", "6:target20:" },
                      { "put", "6:target20:" } /* refused: an error is an answer */ };
    rng = rng_from_seed(&luck, 1);
    struct dht_settings settings = { .rates = { .per_address = DHT_NO_LIMIT,
                                                .reply_bytes_per_second = DHT_NO_LIMIT } };
    instant now = 1000 * DAY;
    struct dht *dht = dht_create(&settings, now, &rng, NULL);
    uint8_t question[200];
    size_t routed = 0;
    for (size_t i = 0; i < MILLION; i++) {
        size_t kind = i % COUNT(questions);
        size_t size = question_of(questions[kind].kind, questions[kind].target, question);
        struct dht_datagram answer;
        dht_receive(dht, now += MILLISECOND, &asker, (struct bytes){ question, size });
        CHECK(route_is_of_dht((struct bytes){ question, size }));
        CHECK(dht_next_datagram(dht, now, &answer));
        routed += route_is_of_dht(answer.bytes);
    }
    CHECK_INT(routed, MILLION);
    dht_destroy(dht);
}

/* All first two bytes there are: a link's second is the first of an id of ours, so no digit. */
static void test_every_beginning_of_a_link_belongs_to_links(void)
{
    uint8_t datagram[60] = { 0 };
    size_t of_dht = 0;
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++) {
            bool digit = second >= '0' && second <= '9';
            datagram[0] = (uint8_t)first;
            datagram[1] = (uint8_t)second;
            CHECK_INT(route_is_of_dht(BYTES_OF(datagram)), first == 'd' && digit);
            of_dht += first == 'd' && digit;
        }
    CHECK_INT(of_dht, 10);
}

/* What is neither is a link's to drop, and it drops it without a word. */
static void test_what_is_too_short_for_a_dictionary_is_not_the_dhts(void)
{
    static const char *const texts[] = { "", "d", "de", "dd", "e1", "1:", "l1:" };
    for (size_t i = 0; i < COUNT(texts); i++)
        CHECK(!route_is_of_dht(bytes_of_text(texts[i])));
    CHECK(route_is_of_dht(bytes_of_text("d1:ad")));
    CHECK(route_is_of_dht(bytes_of_text("d2:ip6:")));
}

/* Without account and store it answers the DHT, and has no ear for links. */
static void test_a_bare_node_speaks_the_dht_only(void)
{
    struct node_settings settings = { .bare = true };
    struct datagrams out;
    struct node *node;
    enum store_trouble trouble;
    uint8_t question[200], noise[60] = { 0x40, 'a' };
    instant now = 1000 * DAY;
    rng = rng_from_seed(&luck, 3);
    CHECK_INT(node_create(&settings, now, &rng, NULL, &node, &trouble), FAULT_NONE);
    node_receive(node, now, &asker, BYTES_OF(noise));
    CHECK(!node_next_datagrams(node, now, &out));
    size_t size = question_of("ping", "", question);
    node_receive(node, now, &asker, (struct bytes){ question, size });
    CHECK(node_next_datagrams(node, now, &out));
    CHECK_BYTES(out.to.ip, asker.ip, sizeof asker.ip);
    CHECK(route_is_of_dht(out.bytes));
    node_destroy(node);
}

TESTS(TEST(test_a_million_answers_of_the_dht_are_its_own),
      TEST(test_every_beginning_of_a_link_belongs_to_links),
      TEST(test_a_bare_node_speaks_the_dht_only),
      TEST(test_what_is_too_short_for_a_dictionary_is_not_the_dhts))
