/* Two devices that found each other: what they say arrives, within its limits. */
#include "engine/link/net_test.h"

#include "base/mem.h"

static struct net net;
static link_id ids[2];

static void connect(uint64_t seed)
{
    net_start(&net, seed, 2);
    net_befriend(&net, 0, 1);
    CHECK(net_dial(&net, 0, 1) != 0);
    CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
    for (size_t i = 0; i < 2; i++) {
        ids[i] = links_find_device(net.people[i].links, net.people[1 - i].device.public);
        CHECK(ids[i] != 0);
    }
}

static enum fault say(size_t who, struct bytes frame)
{
    return links_send(net.people[who].links, net.now, ids[who], frame);
}

static void test_two_meet_talk_and_part(void)
{
    connect(1);
    const struct heard_event *here = net_last(&net, 0, LINK_UP),
                             *there = net_last(&net, 1, LINK_UP);
    CHECK(here->at - NET_START == 50 * MILLISECOND); /* one round trip */
    CHECK(there->at - NET_START == 75 * MILLISECOND);
    CHECK(here->we_called && !there->we_called && there->stamp == NET_START);
    CHECK_BYTES(there->certificate.device, net.people[0].device.public, KEY_BYTES);
    CHECK_BYTES(here->certificate.account, net.people[1].account.public, KEY_BYTES);
    CHECK(say(0, bytes_of_text("hello")) == FAULT_NONE);
    CHECK(say(1, bytes_of_text("salut")) == FAULT_NONE);
    CHECK(net_until(&net, 0, LINK_FRAME, 1, SECOND));
    CHECK(net_until(&net, 1, LINK_FRAME, 1, SECOND));
    CHECK_INT(net_last(&net, 0, LINK_FRAME)->size, 5);
    links_close(net.people[0].links, net.now, ids[0]);
    CHECK(net_until(&net, 1, LINK_DOWN, 1, SECOND));
    CHECK_INT(net_last(&net, 1, LINK_DOWN)->reason, LINK_CLOSED_THERE);
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_CLOSED_HERE);
    CHECK_INT(links_count(net.people[0].links), 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    CHECK(say(0, bytes_of_text("too late")) == FAULT_GONE);
    net_finish(&net);
}

static void test_what_was_said_before_parting_arrives_first(void)
{
    connect(2);
    for (int i = 0; i < 50; i++)
        CHECK(say(0, bytes_of_text("last words")) == FAULT_NONE);
    net_run(&net, 30 * MILLISECOND);
    links_close_all(net.people[0].links, net.now);
    CHECK(net_until(&net, 1, LINK_DOWN, 1, SECOND));
    CHECK_INT(net_count(&net, 1, LINK_FRAME), 50);
    CHECK(net.people[1].events[net.people[1].event_count - 1].kind == LINK_DOWN);
    net_finish(&net);
}

static void test_a_door_shows_its_record_to_a_contact(void)
{
    net_start(&net, 3, 2);
    net_befriend(&net, 0, 1);
    CHECK(net_dial_door(&net, 0, 1) != 0);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, SECOND));
    const struct heard_event *record = net_last(&net, 0, LINK_RECORD);
    CHECK(record != NULL);
    CHECK_BYTES(record->certificate.link, net.people[1].link_key.public, KEY_BYTES);
    CHECK_INT(record->size, 1 + CERTIFICATE_BYTES + NET_RECORD_REST); /* whole, for those above */
    CHECK_INT(net_count(&net, 1, LINK_VISITOR), 1);
    CHECK(net_last(&net, 1, LINK_VISITOR)->stamp == NET_START);
    CHECK_BYTES(net_last(&net, 1, LINK_VISITOR)->certificate.device, net.people[0].device.public,
                KEY_BYTES);
    net_run(&net, SECOND);
    CHECK_INT(net_count(&net, 1, LINK_UP) + net_count(&net, 1, LINK_DOWN), 0);
    CHECK_INT(links_count(net.people[0].links), 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    net_finish(&net);
}

static void test_frames_of_every_size_arrive_whole_and_in_order(void)
{
    static const size_t sizes[] = {
        0, 1, 2, 1000, 1400, 16000, 16384, 70000, 131071, 131072, 3, 0
    };
    uint8_t *frame = mem_zeroed(1, LINK_FRAME_MAX_BYTES + 1);
    connect(4);
    net.loss_percent = 5;
    net.jitter = 10 * MILLISECOND;
    for (size_t i = 0; i < LINK_FRAME_MAX_BYTES; i++)
        frame[i] = (uint8_t)(i * 31 >> 3);
    for (size_t i = 0; i < COUNT(sizes); i++)
        CHECK(say(0, (struct bytes){ frame, sizes[i] }) == FAULT_NONE);
    CHECK(say(0, (struct bytes){ frame, LINK_FRAME_MAX_BYTES + 1 }) == FAULT_BUSY);
    CHECK(net_until(&net, 1, LINK_FRAME, COUNT(sizes), 20 * SECOND));
    size_t seen = 0;
    for (size_t i = 0; i < net.people[1].event_count; i++)
        if (net.people[1].events[i].kind == LINK_FRAME)
            CHECK_INT(net.people[1].events[i].size, sizes[seen++]);
    mem_free(frame);
    net_finish(&net);
}

static void test_a_full_queue_says_so_and_tells_when_it_has_room(void)
{
    uint8_t *frame = mem_zeroed(1, LINK_FRAME_MAX_BYTES);
    size_t taken;
    connect(5);
    int sent = 0;
    while (say(0, (struct bytes){ frame, LINK_FRAME_MAX_BYTES }) == FAULT_NONE)
        sent++;
    CHECK_INT(sent, 7); /* 1 MiB, and four bytes of length each */
    CHECK(say(0, (struct bytes){ frame, LINK_FRAME_MAX_BYTES }) == FAULT_BUSY);
    CHECK_INT(net_count(&net, 0, LINK_WRITABLE), 0);
    CHECK(net_until(&net, 0, LINK_WRITABLE, 1, 5 * SECOND));
    CHECK(say(0, (struct bytes){ frame, LINK_FRAME_MAX_BYTES }) == FAULT_NONE);
    CHECK(net_until(&net, 1, LINK_FRAME, 8, 5 * SECOND));
    CHECK_INT(net_count(&net, 0, LINK_WRITABLE), 1);
    for (size_t i = 0; i < 16; i++)
        links_write(net.people[0].links, net.now, ids[0],
                    (struct bytes){ frame, LINK_FRAME_MAX_BYTES }, &taken);
    CHECK_INT(taken, 0);
    CHECK(net_until(&net, 0, LINK_WRITABLE, 2, 5 * SECOND));
    mem_free(frame);
    net_finish(&net);
}

static void test_raw_bytes_end_when_told_to(void)
{
    size_t taken;
    connect(6);
    net.people[1].keep_data = true;
    CHECK(links_write(net.people[0].links, net.now, ids[0], bytes_of_text("abc"), &taken) ==
          FAULT_NONE);
    CHECK(links_write(net.people[0].links, net.now, ids[0], bytes_of_text("def"), &taken) ==
          FAULT_NONE);
    CHECK(links_write_end(net.people[0].links, net.now, ids[0]) == FAULT_NONE);
    CHECK(links_write(net.people[0].links, net.now, ids[0], bytes_of_text("x"), &taken) ==
          FAULT_BUSY);
    net_run(&net, SECOND);
    CHECK_INT(net.people[1].data_size, 6);
    CHECK_BYTES(net.people[1].data, "abcdef", 6);
    CHECK_INT(net_last(&net, 1, LINK_RAW)->size, 0);
    CHECK(say(0, bytes_of_text("frames go on")) == FAULT_NONE);
    CHECK(net_until(&net, 1, LINK_FRAME, 1, SECOND));
    net_finish(&net);
}

static void test_thrown_datagrams_arrive_or_not(void)
{
    static uint8_t data[2000];
    struct link_state state;
    connect(7);
    net_run(&net, 2 * SECOND); /* the path's size is known now */
    CHECK(links_look(net.people[0].links, ids[0], &state));
    CHECK_INT(state.datagram_bytes, 1444);
    CHECK(links_throw(net.people[0].links, net.now, ids[0], (struct bytes){ data, 1408 }) ==
          FAULT_NONE);
    CHECK(links_throw(net.people[0].links, net.now, ids[0], (struct bytes){ data, 1409 }) ==
          FAULT_BUSY);
    CHECK(links_throw(net.people[0].links, net.now, ids[0], (struct bytes){ data, 0 }) ==
          FAULT_BUSY);
    CHECK(net_until(&net, 1, LINK_THROWN, 1, SECOND));
    CHECK_INT(net_last(&net, 1, LINK_THROWN)->size, 1408);
    net.loss_percent = 30;
    for (int i = 0; i < 100; i++) {
        CHECK(links_throw(net.people[0].links, net.now, ids[0], (struct bytes){ data, 100 }) ==
              FAULT_NONE);
        net_run(&net, 20 * MILLISECOND);
    }
    size_t arrived = net_count(&net, 1, LINK_THROWN);
    CHECK(arrived > 40 && arrived < 95);
    net_finish(&net);
}

static void test_an_idle_link_lives_and_costs_little(void)
{
    connect(8);
    net_run(&net, 10 * SECOND);
    uint64_t datagrams = net.people[0].sent_datagrams + net.people[1].sent_datagrams;
    uint64_t bytes = net.people[0].sent_bytes + net.people[1].sent_bytes;
    net_run(&net, HOUR);
    datagrams = net.people[0].sent_datagrams + net.people[1].sent_datagrams - datagrams;
    bytes = net.people[0].sent_bytes + net.people[1].sent_bytes - bytes;
    CHECK(datagrams <= 4 * HOUR / (25 * SECOND)); /* a question and an answer each way, at most */
    CHECK(bytes <= 150 * HOUR / (25 * SECOND));
    CHECK(say(0, bytes_of_text("still there")) == FAULT_NONE);
    CHECK(net_until(&net, 1, LINK_FRAME, 1, SECOND));
    net_finish(&net);
}

static void test_a_peer_who_falls_silent_is_lost(void)
{
    connect(9);
    net_run(&net, SECOND);
    net.people[0].deaf = net.people[1].deaf = true;
    CHECK(net_until(&net, 0, LINK_DOWN, 1, 3 * MINUTE));
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_LOST);
    CHECK(net.now - NET_START <= 120 * SECOND);
    net_finish(&net);
}

static void test_a_partition_of_a_minute_heals(void)
{
    connect(10);
    net.people[0].deaf = net.people[1].deaf = true;
    CHECK(say(0, bytes_of_text("in the dark")) == FAULT_NONE);
    net_run(&net, MINUTE);
    net.people[0].deaf = net.people[1].deaf = false;
    CHECK(net_until(&net, 1, LINK_FRAME, 1, 31 * SECOND));
    CHECK_INT(net_count(&net, 0, LINK_DOWN), 0);
    net_finish(&net);
}

static void test_keys_change_under_way(void)
{
    static uint8_t block[64 * 1024];
    size_t taken, total = 0;
    connect(11);
    /* More packets than one key serves would take hours here; the hour does it as well. */
    for (int hour = 0; hour < 4; hour++) {
        net_run(&net, HOUR + MINUTE);
        CHECK(links_write(net.people[0].links, net.now, ids[0], BYTES_OF(block), &taken) ==
              FAULT_NONE);
        total += taken;
        net_run(&net, 2 * SECOND);
    }
    net.people[1].keep_data = true;
    CHECK_INT(net_count(&net, 0, LINK_DOWN) + net_count(&net, 1, LINK_DOWN), 0);
    CHECK(total == 4 * sizeof block);
    net_finish(&net);
}

static bool lose_one;
static size_t lost;
static bool lose_the_next(struct net *here, size_t from, size_t to, struct bytes datagram)
{
    (void)here, (void)to, (void)datagram;
    if (from != 0 || !lose_one)
        return true;
    lose_one = false;
    lost++;
    return false;
}

static void test_a_lone_lost_packet_is_repaired_quickly(void)
{
    connect(12);
    net_run(&net, 5 * SECOND);
    for (int i = 0; i < 20; i++) { /* the round trip is well known */
        CHECK(say(0, bytes_of_text("words")) == FAULT_NONE);
        net_run(&net, 500 * MILLISECOND);
    }
    net.gate = lose_the_next;
    lose_one = true;
    instant said = net.now;
    CHECK(say(0, bytes_of_text("lost")) == FAULT_NONE);
    CHECK(net_until(&net, 1, LINK_FRAME, 21, SECOND));
    CHECK_INT(lost, 1);
    CHECK(net.now - said <= 120 * MILLISECOND);
    net_finish(&net);
}

static uint64_t one_story(uint64_t seed)
{
    connect(seed);
    net.loss_percent = 10;
    net.double_percent = 10;
    net.jitter = 30 * MILLISECOND;
    for (int i = 0; i < 200; i++) {
        say(i & 1, bytes_of_text("a word among many"));
        net_run(&net, 7 * MILLISECOND);
    }
    net_run(&net, 10 * SECOND);
    CHECK_INT(net_count(&net, 0, LINK_FRAME), 100);
    CHECK_INT(net_count(&net, 1, LINK_FRAME), 100);
    uint64_t trace = net.trace;
    net_finish(&net);
    return trace;
}

static void test_the_same_luck_tells_the_same_story(void)
{
    uint64_t first = one_story(13);
    CHECK(first == one_story(13));
    CHECK(first != one_story(14));
}

static void test_runs_hold_equal_segments(void)
{
    static uint8_t block[256 * 1024];
    size_t taken;
    connect(15);
    for (int i = 0; i < 200; i++) { /* the window opens */
        links_write(net.people[0].links, net.now, ids[0], BYTES_OF(block), &taken);
        net_run(&net, 10 * MILLISECOND);
    }
    CHECK(net.people[0].longest_run > 4); /* and none was longer than a system call takes */
    net_finish(&net);
}

TESTS(TEST(test_two_meet_talk_and_part), TEST(test_what_was_said_before_parting_arrives_first),
      TEST(test_a_door_shows_its_record_to_a_contact),
      TEST(test_frames_of_every_size_arrive_whole_and_in_order),
      TEST(test_a_full_queue_says_so_and_tells_when_it_has_room),
      TEST(test_raw_bytes_end_when_told_to), TEST(test_thrown_datagrams_arrive_or_not),
      TEST(test_an_idle_link_lives_and_costs_little), TEST(test_a_peer_who_falls_silent_is_lost),
      TEST(test_a_partition_of_a_minute_heals), TEST(test_keys_change_under_way),
      TEST(test_a_lone_lost_packet_is_repaired_quickly),
      TEST(test_the_same_luck_tells_the_same_story), TEST(test_runs_hold_equal_segments))
