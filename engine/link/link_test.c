#include "engine/link/net_test.h"

static void test_two_meet_talk_and_part(void)
{
    static struct net net;
    net_start(&net, 1, 2);
    net_befriend(&net, 0, 1);
    link_id id = net_dial(&net, 0, 1);
    CHECK(id != 0);
    CHECK(net_until(&net, 0, LINK_UP, 1, SECOND));
    CHECK(net_until(&net, 1, LINK_UP, 1, SECOND));
    CHECK(net.now - NET_START <= 76 * MILLISECOND); /* one round trip and a half */
    const struct heard_event *up = net_last(&net, 1, LINK_UP);
    CHECK(!up->we_called && net_last(&net, 0, LINK_UP)->we_called);
    CHECK_BYTES(up->certificate.device, net.people[0].device.public, KEY_BYTES);
    CHECK(up->stamp == NET_START);
    CHECK(links_send(net.people[0].links, net.now, id, bytes_of_text("hello")) == FAULT_NONE);
    CHECK(links_send(net.people[1].links, net.now, up->link, bytes_of_text("salut")) == FAULT_NONE);
    CHECK(net_until(&net, 0, LINK_FRAME, 1, SECOND));
    CHECK(net_until(&net, 1, LINK_FRAME, 1, SECOND));
    CHECK_INT(net_last(&net, 0, LINK_FRAME)->size, 5);
    links_close(net.people[0].links, net.now, id);
    CHECK(net_until(&net, 1, LINK_DOWN, 1, SECOND));
    CHECK_INT(net_last(&net, 1, LINK_DOWN)->reason, LINK_CLOSED_THERE);
    CHECK_INT(net_last(&net, 0, LINK_DOWN)->reason, LINK_CLOSED_HERE);
    CHECK_INT(links_count(net.people[0].links), 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    net_finish(&net);
}

static void test_a_door_shows_its_record_to_a_contact(void)
{
    static struct net net;
    net_start(&net, 2, 2);
    net_befriend(&net, 0, 1);
    CHECK(net_dial_door(&net, 0, 1) != 0);
    CHECK(net_until(&net, 0, LINK_DOWN, 1, SECOND));
    const struct heard_event *record = net_last(&net, 0, LINK_RECORD);
    CHECK(record != NULL);
    CHECK_BYTES(record->certificate.link, net.people[1].link_key.public, KEY_BYTES);
    CHECK_INT(net_count(&net, 1, LINK_VISITOR), 1);
    CHECK(net_last(&net, 1, LINK_VISITOR)->stamp == NET_START);
    net_run(&net, SECOND);
    CHECK_INT(net_count(&net, 1, LINK_UP) + net_count(&net, 1, LINK_DOWN), 0);
    CHECK_INT(links_count(net.people[0].links), 0);
    CHECK_INT(links_count(net.people[1].links), 0);
    net_finish(&net);
}

TESTS(TEST(test_two_meet_talk_and_part), TEST(test_a_door_shows_its_record_to_a_contact))
