/* The parts that know no connection: datagrams, keys, queues, deadlines. */
#include "engine/link/directory.h"
#include "engine/link/keys.h"
#include "engine/link/queue.h"
#include "engine/link/stream.h"
#include "engine/link/timers.h"
#include "tests/test.h"

#include "base/mem.h"

static struct rng_seeded memory;

static void test_minted_ids_are_known_and_never_look_like_the_dht(void)
{
    struct rng rng = rng_from_seed(&memory, 1);
    uint8_t key[16] = { 1 }, other[16] = { 2 }, id[WIRE_ID_BYTES], first[WIRE_FIRST_ID_BYTES];
    uint8_t header[WIRE_SHORT_LEAST] = { 'd' }; /* the one first byte that needs a second look */
    struct bytes to;
    for (int i = 0; i < 1000000; i++) {
        wire_mint_id(id, key, &rng);
        CHECK(id[0] < '0' || id[0] > '9');
        memcpy(header + 1, id, sizeof id);
        CHECK_INT(wire_look(BYTES_OF(header), &to), WIRE_SHORT);
    }
    CHECK(wire_id_minted(BYTES_OF(id), key) && !wire_id_minted(BYTES_OF(id), other));
    CHECK(!wire_id_minted((struct bytes){ id, sizeof id - 1 }, key));
    for (size_t i = 0; i < sizeof id; i++) {
        id[i] ^= 0x80;
        CHECK(!wire_id_minted(BYTES_OF(id), key));
        id[i] ^= 0x80;
    }
    wire_mint_first_id(first, key, &rng);
    CHECK(wire_first_id_good(BYTES_OF(first), key) && !wire_first_id_good(BYTES_OF(first), other));
    first[0] = '1';
    CHECK(!wire_first_id_good(BYTES_OF(first), key));
}

static void test_a_datagram_is_known_by_its_first_bytes(void)
{
    static const struct {
        uint8_t first, second;
        size_t size;
        enum wire_kind kind;
    } rows[] = {
        { 'd', '1', 60, WIRE_FOREIGN },  { 'd', 'a', 60, WIRE_SHORT },
        { 0x40, '1', 60, WIRE_SHORT },   { 0x7f, 0, 33, WIRE_SHORT },
        { 0x40, 0, 32, WIRE_FOREIGN },   { 0x20, 0, 37, WIRE_ANNOUNCE },
        { 0x20, 0, 38, WIRE_FOREIGN },   { 0x00, 0, 60, WIRE_FOREIGN },
        { 0x80, 0, 1200, WIRE_FOREIGN }, { 0xc0, 0, 1200, WIRE_FOREIGN },
    };
    uint8_t datagram[1200] = { 0 };
    struct bytes id;
    for (size_t i = 0; i < COUNT(rows); i++) {
        datagram[0] = rows[i].first;
        datagram[1] = rows[i].second;
        CHECK_INT(wire_look((struct bytes){ datagram, rows[i].size }, &id), rows[i].kind);
    }
}

static void test_only_our_version_and_types_pass(void)
{
    uint8_t datagram[100] = { 0xc0, 'R', 'M', 'G', 2, 2, 'a', 'b', 1, 'c', 0, 0x40, 40 };
    struct bytes id, whole = BYTES_OF(datagram);
    whole.size = 13 + 40;
    CHECK_INT(wire_look(whole, &id), WIRE_INITIAL);
    CHECK(bytes_equal(id, bytes_of_text("ab")));
    datagram[0] = 0xd0; /* 0-RTT */
    CHECK_INT(wire_look(whole, &id), WIRE_FOREIGN);
    datagram[0] = 0xf0; /* Retry */
    CHECK_INT(wire_look(whole, &id), WIRE_FOREIGN);
    datagram[0] = 0xc0;
    datagram[4] = 0; /* another version */
    CHECK_INT(wire_look(whole, &id), WIRE_FOREIGN);
    memset(datagram + 1, 0, 4); /* Version Negotiation */
    CHECK_INT(wire_look(whole, &id), WIRE_FOREIGN);
    datagram[0] = 0xc0, memcpy(datagram + 1, "RMG\x01", 4); /* the one before */
    CHECK_INT(wire_look(whole, &id), WIRE_FOREIGN);
    datagram[0] = 0xc0, memcpy(datagram + 1, "RMG\x02", 4);
    CHECK_INT(wire_look(whole, &id), WIRE_INITIAL);
    whole.size--; /* one byte short of its length */
    CHECK_INT(wire_look(whole, &id), WIRE_FOREIGN);
}

static void test_a_reset_is_shorter_than_what_it_answers(void)
{
    struct rng rng = rng_from_seed(&memory, 2);
    uint8_t out[WIRE_RESET_MAX_BYTES], token[WIRE_TOKEN_BYTES] = { 7 };
    CHECK_INT(wire_write_reset(out, WIRE_SHORT_LEAST, token, &rng), 0);
    for (size_t size = WIRE_SHORT_LEAST + 1; size < 1500; size++) {
        size_t written = wire_write_reset(out, size, token, &rng);
        struct bytes id;
        CHECK(written >= WIRE_SHORT_LEAST && written < size && written <= sizeof out);
        CHECK_BYTES(out + written - WIRE_TOKEN_BYTES, token, WIRE_TOKEN_BYTES);
        CHECK_INT(wire_look((struct bytes){ out, written }, &id), WIRE_SHORT);
    }
}

static void test_a_reset_finds_its_owner_and_no_other(void)
{
    struct rng rng = rng_from_seed(&memory, 3);
    struct directory directory;
    uint8_t secret[KEY_BYTES] = { 5 }, token[WIRE_TOKEN_BYTES], again[WIRE_TOKEN_BYTES];
    uint8_t id[WIRE_ID_BYTES], datagram[40] = { 0x40 };
    int owner, thief;
    directory_init(&directory, secret, 4, &rng);
    directory_mint(&directory, &owner, id, token);
    CHECK(directory_find(&directory, BYTES_OF(id)) == &owner);
    wire_reset_token(again, directory.reset_key, id);
    CHECK_BYTES(token, again, sizeof token); /* also after a restart: from the secret alone */
    CHECK(directory_put_token(&directory, &owner, token));
    CHECK(!directory_put_token(&directory, &thief, token));
    directory_remove_token(&directory, &thief, token);
    memcpy(datagram + 24, token, sizeof token);
    CHECK(directory_find_reset(&directory, BYTES_OF(datagram)) == &owner);
    datagram[39] ^= 1;
    CHECK(directory_find_reset(&directory, BYTES_OF(datagram)) == NULL);
    directory_remove(&directory, &owner, BYTES_OF(id));
    CHECK(directory_find(&directory, BYTES_OF(id)) == NULL);
    CHECK(directory_minted(&directory, BYTES_OF(id)));
    directory_finish(&directory);
}

static void test_an_announce_is_of_one_key_and_whole(void)
{
    uint8_t key[KEY_BYTES] = { 1 }, other[KEY_BYTES] = { 2 };
    uint8_t id[WIRE_ID_BYTES] = { 3 }, packet[WIRE_ANNOUNCE_BYTES];
    uint64_t counter = 0;
    wire_write_announce(packet, key, id, 77);
    CHECK(wire_read_announce(BYTES_OF(packet), key, &counter) && counter == 77);
    CHECK(!wire_read_announce(BYTES_OF(packet), other, &counter));
    for (size_t i = 0; i < sizeof packet; i++) {
        packet[i] ^= 1;
        CHECK(!wire_read_announce(BYTES_OF(packet), key, &counter));
        packet[i] ^= 1;
    }
}

static void test_each_direction_and_each_call_has_its_own_keys(void)
{
    uint8_t responder[KEY_BYTES] = { 1 }, first_id[WIRE_FIRST_ID_BYTES] = { 2 };
    struct packet_keys call, answer, again, reverse;
    keys_initial(&call, &answer, responder, BYTES_OF(first_id));
    CHECK(memcmp(&call, &answer, sizeof call) != 0);
    first_id[15]++;
    keys_initial(&again, &reverse, responder, BYTES_OF(first_id));
    CHECK(memcmp(&call, &again, sizeof call) != 0);
    uint8_t secret[KEY_BYTES] = { 9 }, next[KEY_BYTES];
    keys_next_secret(next, secret);
    CHECK(memcmp(next, secret, sizeof next) != 0);
    keys_next_secret(secret, secret);
    CHECK_BYTES(next, secret, sizeof next);
}

static void test_a_queue_keeps_bytes_in_place_and_in_order(void)
{
    struct rng rng = rng_from_seed(&memory, 4);
    static uint8_t data[50000];
    struct queue queue = { 0 };
    struct chunk_pool pool = { 0 };
    size_t appended = 0, dropped = 0;
    queue.pool = &pool;
    for (int i = 0; i < 5000; i++) {
        size_t size = rng_below(&rng, i % 100 == 0 ? 50000 : 900);
        for (size_t k = 0; k < size; k++)
            data[k] = (uint8_t)((appended + k) * 7 >> 2);
        queue_append(&queue, (struct bytes){ data, size });
        appended += size;
        struct bytes views[8];
        size_t count = queue_unmarked(&queue, views, COUNT(views));
        size_t at = dropped + queue.marked;
        for (size_t v = 0; v < count; at += views[v++].size)
            CHECK(views[v].data[0] == (uint8_t)(at * 7 >> 2));
        queue_mark(&queue, rng_below(&rng, queue.size - queue.marked + 1));
        size_t drop = rng_below(&rng, queue.marked + 1);
        queue_drop(&queue, drop);
        dropped += drop;
        CHECK_INT(queue.size, appended - dropped);
        struct bytes front = queue_front(&queue, 1);
        CHECK(front.size == 0 || front.data[0] == (uint8_t)(dropped * 7 >> 2));
    }
    CHECK(pool.count <= CHUNK_POOL_MAX);
    queue_finish(&queue);
    chunk_pool_finish(&pool);
}

static void test_parcels_have_a_maximum(void)
{
    struct parcels parcels = { 0 };
    struct bytes one;
    size_t count = 0;
    while (parcels_put(&parcels, bytes_of_text("word")))
        count++;
    CHECK_INT(count, PARCELS_MAX);
    CHECK(parcels_first(&parcels, &one) && bytes_equal(one, bytes_of_text("word")));
    parcels_drop(&parcels);
    CHECK(parcels_put(&parcels, bytes_of_text("")));
    parcels_finish(&parcels);
    CHECK(!parcels_first(&parcels, &one) && parcels.bytes == 0);
}

static void test_deadlines_come_in_order(void)
{
    enum { TIMERS = 500 };
    static struct timer timer[TIMERS];
    struct rng rng = rng_from_seed(&memory, 5);
    struct timers timers = { 0 };
    for (int i = 0; i < 20000; i++) {
        instant due = rng_below(&rng, 5) == 0 ? NEVER : rng_below(&rng, 1000);
        timers_set(&timers, &timer[rng_below(&rng, TIMERS)], due);
    }
    instant last = 0;
    for (struct timer *first; (first = timers_first(&timers)) != NULL;) {
        CHECK(first->due >= last);
        last = first->due;
        timers_set(&timers, first, NEVER);
        CHECK_INT(first->at, 0);
    }
    for (size_t i = 0; i < TIMERS; i++)
        CHECK_INT(timer[i].at, 0);
    timers_finish(&timers);
}

static void test_frames_are_told_whole_wherever_they_are_cut(void)
{
    static const uint8_t wire[] = { 1, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 1, 'd' };
    static uint8_t scratch[4 + LINK_FRAME_MAX_BYTES];
    for (size_t cut = 0; cut <= sizeof wire; cut++) {
        struct inlet inlet = { 0 };
        struct bytes frame;
        size_t total = 0, frames = 0;
        CHECK(inlet_arrived(&inlet, (struct bytes){ wire, cut }, false) == FAULT_NONE);
        CHECK(inlet_arrived(&inlet, (struct bytes){ wire + cut, sizeof wire - cut }, false) ==
              FAULT_NONE);
        for (; inlet_frame(&inlet, scratch, &frame); frames++) {
            total += frame.size;
            inlet_drop_frame(&inlet);
        }
        CHECK(frames == 3 && total == 4 && !inlet_readable(&inlet));
        queue_finish(&inlet.queue);
    }
}

static void test_a_stream_that_breaks_its_rules_is_refused(void)
{
    static const struct {
        uint8_t wire[8];
        size_t size;
        bool end;
        enum fault fault;
    } rows[] = {
        { { 1, 0, 2, 0, 0 }, 5, false, FAULT_NONE },
        { { 1, 0, 2, 0, 1 }, 5, false, FAULT_PEER },
        { { 3 }, 1, false, FAULT_PEER },
        { { 0 }, 1, false, FAULT_PEER },
        { { 1 }, 1, true, FAULT_PEER },
        { { 2, 'x' }, 2, true, FAULT_NONE },
        { { 0 }, 0, true, FAULT_PEER },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct inlet inlet = { 0 };
        CHECK_INT(inlet_arrived(&inlet, (struct bytes){ rows[i].wire, rows[i].size }, rows[i].end),
                  rows[i].fault);
        queue_finish(&inlet.queue);
    }
}

TESTS(TEST(test_minted_ids_are_known_and_never_look_like_the_dht),
      TEST(test_a_datagram_is_known_by_its_first_bytes), TEST(test_only_our_version_and_types_pass),
      TEST(test_a_reset_is_shorter_than_what_it_answers),
      TEST(test_a_reset_finds_its_owner_and_no_other),
      TEST(test_an_announce_is_of_one_key_and_whole),
      TEST(test_each_direction_and_each_call_has_its_own_keys),
      TEST(test_a_queue_keeps_bytes_in_place_and_in_order), TEST(test_parcels_have_a_maximum),
      TEST(test_deadlines_come_in_order), TEST(test_frames_are_told_whole_wherever_they_are_cut),
      TEST(test_a_stream_that_breaks_its_rules_is_refused))
