/* What the rooms above get from a node: finding, storing, and what they are told of it. */
#include "engine/dht/id.h"
#include "engine/dht/net_test.h"

static struct net net;

static struct dht_id some_place(uint8_t seed)
{
    struct dht_id id;
    memset(id.bytes, seed, sizeof id.bytes);
    return id;
}

static struct item mutable_item(const char *seed, const char *salt, int64_t seq, const char *value)
{
    uint8_t secret[KEY_BYTES] = { 0 };
    struct sign_pair pair;
    struct item item = {
        .mutable = true, .seq = seq, .salt = bytes_of_text(salt), .value = bytes_of_text(value)
    };
    memcpy(secret, seed, strlen(seed));
    sign_pair_from_seed(&pair, secret);
    item_sign(&item, &pair);
    return item;
}

static void begin(size_t count)
{
    net_start(&net, 2); /* here no asker is among the closest to what he puts */
    net_grow(&net, count);
}

static void test_a_ping_is_answered_by_whoever_is_there(void)
{
    begin(2);
    dht_op op =
        net_begin(&net, 0, &(struct dht_request){ .task = DHT_PING, .at = net.nodes[1].at });
    size_t told = net_until(&net, 0, DHT_NODES, op, SECOND);
    CHECK(told != 0);
    CHECK(address_equal(&net.nodes[0].events[told - 1].node.at, &net.nodes[1].at));
    CHECK(net_until(&net, 0, DHT_ENDED, op, SECOND) != 0);
    net_finish(&net);
}

static void test_a_ping_to_nobody_ends(void)
{
    begin(2);
    net.nodes[1].deaf = true;
    dht_op op =
        net_begin(&net, 0, &(struct dht_request){ .task = DHT_PING, .at = net.nodes[1].at });
    CHECK(net_until(&net, 0, DHT_ENDED, op, 6 * SECOND) != 0);
    CHECK_INT(net_told(&net, 0, DHT_NODES, op), 0);
    net_finish(&net);
}

/* By then the other has used up what it sends to one address. */
static void test_a_ping_is_sent_once_more(void)
{
    begin(2);
    for (int i = 0; i < 12; i++) {
        dht_op op =
            net_begin(&net, 0, &(struct dht_request){ .task = DHT_PING, .at = net.nodes[1].at });
        CHECK(net_until(&net, 0, DHT_ENDED, op, 6 * SECOND) != 0);
        size_t told = net_told(&net, 0, DHT_NODES, op);
        CHECK(told != 0);
        CHECK_INT(net.nodes[0].events[net_told(&net, 0, DHT_ENDED, op) - 1].cost.took,
                  2 * NET_LATENCY);
    }
    net_finish(&net);
}

static void test_a_number_is_not_used_for_two_values(void)
{
    begin(30);
    struct item first = mutable_item("one", "", 7, "3:one"), second = first;
    second = mutable_item("one", "", 7, "3:two");
    const struct item *puts[] = { &first, &second, &first };
    for (size_t i = 0; i < COUNT(puts); i++) {
        dht_op put = net_begin(&net, i, &(struct dht_request){ .task = DHT_PUT, .item = puts[i] });
        size_t told = net_until(&net, i, DHT_STORED, put, 10 * SECOND);
        CHECK(told != 0);
        CHECK_INT(net.nodes[i].events[told - 1].outdated, i == 1);
        CHECK_INT(net.nodes[i].events[told - 1].stored, i == 1 ? 0 : DHT_STORE_ON);
    }
    net_finish(&net);
}

static void test_what_one_puts_another_gets(void)
{
    begin(40);
    struct item item = { .value = bytes_of_text("5:hello") };
    dht_op put = net_begin(&net, 3, &(struct dht_request){ .task = DHT_PUT, .item = &item });
    size_t told = net_until(&net, 3, DHT_STORED, put, 5 * SECOND);
    CHECK(told != 0);
    CHECK_INT(net.nodes[3].events[told - 1].stored, DHT_STORE_ON);
    struct dht_request request = { .task = DHT_GET };
    item_target(request.target.bytes, &item);
    dht_op get = net_begin(&net, 30, &request);
    told = net_until(&net, 30, DHT_ITEM, get, 5 * SECOND);
    CHECK(told != 0);
    CHECK_INT(net.nodes[30].events[told - 1].value_size, 7);
    CHECK_BYTES(net.nodes[30].events[told - 1].value, "5:hello", 7);
    told = net_until(&net, 30, DHT_ENDED, get, SECOND);
    CHECK(told != 0);
    CHECK(net.nodes[30].events[told - 1].cost.first > 0);
    CHECK(net.nodes[30].events[told - 1].cost.took < SECOND);
    net_finish(&net);
}

static void test_the_newest_of_a_key_is_found(void)
{
    begin(40);
    struct item old = mutable_item("one", "salt", 7, "3:old");
    struct item new = mutable_item("one", "salt", 8, "3:new");
    struct item wanted = { .mutable = true, .salt = old.salt };
    memcpy(wanted.key, old.key, sizeof wanted.key);
    const struct item *puts[] = { &old, &new, &old };
    bool outdated[] = { false, false, true };
    for (size_t i = 0; i < 3; i++) {
        dht_op put = net_begin(&net, i, &(struct dht_request){ .task = DHT_PUT, .item = puts[i] });
        size_t told = net_until(&net, i, DHT_STORED, put, 5 * SECOND);
        CHECK(told != 0);
        CHECK_INT(net.nodes[i].events[told - 1].outdated, outdated[i]);
        /* Who comes late is shown what is newer. */
        CHECK_INT(net_told(&net, i, DHT_ITEM, put) != 0, outdated[i]);
    }
    dht_op get = net_begin(&net, 20, &(struct dht_request){ .task = DHT_GET, .item = &wanted });
    CHECK(net_until(&net, 20, DHT_ENDED, get, 5 * SECOND) != 0);
    size_t told = net_told(&net, 20, DHT_ITEM, get);
    CHECK(told != 0);
    CHECK_INT(net.nodes[20].events[told - 1].seq, 8);
    CHECK_INT(net_told_count(&net, 20, DHT_ITEM, get), 1);
    net_finish(&net);
}

static void test_a_put_compares_first_when_told_to(void)
{
    begin(30);
    struct item first = mutable_item("one", "", 1, "1:a");
    struct item second = mutable_item("one", "", 2, "1:b");
    dht_op put = net_begin(&net, 0, &(struct dht_request){ .task = DHT_PUT, .item = &first });
    CHECK(net_until(&net, 0, DHT_ENDED, put, 5 * SECOND) != 0);
    struct dht_request request = { .task = DHT_PUT, .item = &second, .has_cas = true, .cas = 9 };
    put = net_begin(&net, 1, &request);
    size_t told = net_until(&net, 1, DHT_STORED, put, 5 * SECOND);
    CHECK(told != 0);
    CHECK(net.nodes[1].events[told - 1].outdated);
    CHECK(net.nodes[1].events[told - 1].refused >= DHT_STORE_ON);
    request.cas = 1;
    put = net_begin(&net, 1, &request);
    told = net_until(&net, 1, DHT_STORED, put, 5 * SECOND);
    CHECK(told != 0);
    CHECK_INT(net.nodes[1].events[told - 1].stored, DHT_STORE_ON);
    net_finish(&net);
}

static void test_who_announces_is_found_at_his_address(void)
{
    begin(40);
    struct dht_id place = some_place(0x42);
    static const uint16_t ports[] = { 0, 4711 };
    for (size_t i = 0; i < COUNT(ports); i++) {
        place.bytes[19] = (uint8_t)i;
        dht_op announce = net_begin(
            &net, 5,
            &(struct dht_request){ .task = DHT_ANNOUNCE, .target = place, .port = ports[i] });
        CHECK(net_until(&net, 5, DHT_ENDED, announce, 5 * SECOND) != 0);
        dht_op find =
            net_begin(&net, 33, &(struct dht_request){ .task = DHT_FIND_PEERS, .target = place });
        CHECK(net_until(&net, 33, DHT_ENDED, find, 5 * SECOND) != 0);
        size_t told = net_told(&net, 33, DHT_PEERS, find);
        CHECK(told != 0);
        CHECK_INT(net_told_count(&net, 33, DHT_PEERS, find), 1); /* each once */
        struct address at = net.nodes[5].at;
        if (ports[i] != 0)
            at.port = ports[i];
        CHECK(address_equal(&net.nodes[33].events[told - 1].peer, &at));
    }
    net_finish(&net);
}

static void test_a_quarter_of_silent_nodes_costs_no_second(void)
{
    begin(64);
    for (size_t i = 3; i < 64; i += 4)
        net.nodes[i].deaf = true;
    for (uint8_t i = 0; i < 20; i++) {
        dht_op find = net_begin(&net, 0,
                                &(struct dht_request){ .task = DHT_FIND_PEERS,
                                                       .target = some_place((uint8_t)(13 * i)) });
        size_t told = net_until(&net, 0, DHT_ENDED, find, 10 * SECOND);
        CHECK(told != 0);
        CHECK(net.nodes[0].events[told - 1].cost.took < SECOND);
        net_run(&net, 5 * SECOND);
    }
    net_finish(&net);
}

static void test_items_are_stored_though_a_third_knows_no_items(void)
{
    begin(64);
    for (size_t i = 1; i < 64; i += 3)
        net.nodes[i].no_items = true;
    struct item item = { .value = bytes_of_text("4:here") };
    dht_op put = net_begin(&net, 0, &(struct dht_request){ .task = DHT_PUT, .item = &item });
    size_t told = net_until(&net, 0, DHT_STORED, put, 10 * SECOND);
    CHECK(told != 0);
    CHECK_INT(net.nodes[0].events[told - 1].stored, DHT_STORE_ON);
    struct dht_request request = { .task = DHT_GET };
    item_target(request.target.bytes, &item);
    dht_op get = net_begin(&net, 63, &request);
    CHECK(net_until(&net, 63, DHT_ITEM, get, 5 * SECOND) != 0);
    net_finish(&net);
}

static void test_what_is_kept_up_is_there_after_a_day(void)
{
    begin(30);
    struct item item = { .value = bytes_of_text("4:stay") };
    struct dht_request request = { .task = DHT_PUT, .item = &item, .keep_up = true };
    dht_op put = net_begin(&net, 0, &request);
    dht_op announce = net_begin(
        &net, 0,
        &(struct dht_request){ .task = DHT_ANNOUNCE, .target = some_place(1), .keep_up = true });
    net_run(&net, 5 * HOUR);
    size_t puts = net_told_count(&net, 0, DHT_STORED, put);
    size_t announces = net_told_count(&net, 0, DHT_STORED, announce);
    CHECK(puts >= 5 && puts <= 7);
    CHECK(announces >= 18 && announces <= 24);
    dht_cancel(net_dht(&net, 0), put);
    dht_cancel(net_dht(&net, 0), announce);
    net_run(&net, 2 * HOUR);
    CHECK_INT(net_told_count(&net, 0, DHT_STORED, put), puts);
    CHECK_INT(net_told_count(&net, 0, DHT_STORED, announce), announces);
    net_finish(&net);
}

static void test_a_cancelled_operation_says_nothing_more(void)
{
    begin(20);
    struct item item = { .value = bytes_of_text("4:none") };
    struct dht_request request = { .task = DHT_GET };
    item_target(request.target.bytes, &item);
    dht_op op = net_begin(&net, 0, &request);
    net_run(&net, 30 * MILLISECOND);
    dht_cancel(net_dht(&net, 0), op);
    net_run(&net, 10 * SECOND);
    CHECK_INT(net_told(&net, 0, DHT_ENDED, op), 0);
    net_finish(&net);
}

static void test_an_item_that_is_not_valid_is_refused(void)
{
    begin(2);
    dht_op op;
    struct item good = mutable_item("one", "", 1, "1:a"), bad[4];
    for (size_t i = 0; i < COUNT(bad); i++)
        bad[i] = good;
    bad[0].seq = 2; /* not what was signed */
    bad[1].signature[0] ^= 1;
    bad[2].value = bytes_of_text("a"); /* not bencoded */
    bad[3] = (struct item){ .value = { 0 } };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct dht_request request = { .task = DHT_PUT, .item = &bad[i] };
        CHECK_INT(dht_begin(net_dht(&net, 0), net.now, &request, &op), FAULT_PEER);
    }
    net_finish(&net);
}

static void test_there_is_a_most_of_operations(void)
{
    begin(1);
    dht_op op;
    struct dht_request request = { .task = DHT_FIND_PEERS, .target = some_place(3) };
    struct address silent;
    CHECK(address_parse("11.12.13.14:15", &silent));
    /* While somebody may still answer, operations wait. */
    dht_try(net_dht(&net, 0), net.now, DHT_FROM_PEOPLE, &silent, 1);
    for (size_t i = 0; i < DHT_OPERATIONS_MAX; i++)
        CHECK_INT(dht_begin(net_dht(&net, 0), net.now, &request, &op), FAULT_NONE);
    CHECK_INT(dht_begin(net_dht(&net, 0), net.now, &request, &op), FAULT_BUSY);
    net_run(&net, 30 * SECOND);
    struct dht_status status;
    dht_look(net_dht(&net, 0), net.now, &status);
    CHECK_INT(status.operations, 0); /* nobody is there: they have all ended */
    net_finish(&net);
}

/* --- coming in, and coming back --------------------------------------------------------------- */

static void test_a_newcomer_knows_the_network_within_seconds(void)
{
    begin(60);
    size_t new = net_add(&net, NULL);
    dht_try(net_dht(&net, new), net.now, DHT_FROM_PEOPLE, &net.nodes[17].at, 1);
    net_run(&net, 10 * SECOND);
    struct dht_status status;
    dht_look(net_dht(&net, new), net.now, &status);
    CHECK(status.ipv4.good >= DHT_STORE_ON);
    net_finish(&net);
}

static void test_a_router_is_asked_and_not_kept(void)
{
    begin(30);
    size_t new = net_add(&net, NULL);
    dht_try(net_dht(&net, new), net.now, DHT_FROM_ROUTER, &net.nodes[0].at, 1);
    net_run(&net, 10 * SECOND);
    struct dht_status status;
    dht_look(net_dht(&net, new), net.now, &status);
    CHECK(status.ipv4.good >= 8);
    net_finish(&net);
}

static void test_who_meets_nobody_asks_for_routers_now_and_then(void)
{
    begin(1);
    net_run(&net, 30 * SECOND);
    CHECK_INT(net_told_count(&net, 0, DHT_NOBODY, 0), 1); /* net_grow ran a minute */
    net_run(&net, 9 * MINUTE);
    CHECK_INT(net_told_count(&net, 0, DHT_NOBODY, 0), 1);
    net_run(&net, HOUR);
    CHECK_INT(net_told_count(&net, 0, DHT_NOBODY, 0), 1 + 6);
    net_finish(&net);
}

static size_t good(size_t node)
{
    struct dht_status status;
    dht_look(net_dht(&net, node), net.now, &status);
    return status.ipv4.good;
}

static void test_a_lost_packet_does_not_cost_the_way_back(void)
{
    begin(2);
    net_add(&net, NULL);
    net.nodes[2].deaf = true; /* the first answers are lost */
    dht_try(net_dht(&net, 2), net.now, DHT_FROM_PEOPLE, &net.nodes[0].at, 1);
    net_run(&net, 2 * SECOND);
    net.nodes[2].deaf = false;
    CHECK_INT(good(2), 0);
    net_run(&net, 6 * SECOND);
    CHECK(good(2) > 0);
    net_finish(&net);
}

/* A machine that is switched on long before its network is there. */
static void test_the_way_back_is_found_when_there_is_a_network_again(void)
{
    for (int told = 0; told < 2; told++) {
        begin(30);
        size_t new = net_add(&net, NULL);
        net.nodes[new].deaf = true;
        for (uint8_t i = 0; i < 20; i++) { /* and many who are gone for good */
            struct address gone = { .ip = { [10] = 0xff, 0xff, 97, i, 1, 1 }, .port = 1 };
            dht_try(net_dht(&net, new), net.now, DHT_FROM_PEOPLE, &gone, 1);
        }
        for (size_t i = 0; i < 5; i++)
            dht_try(net_dht(&net, new), net.now, DHT_FROM_PEOPLE, &net.nodes[i].at, 1);
        net_run(&net, 5 * HOUR);
        CHECK_INT(good(new), 0);
        /* Who does not answer is left in peace. */
        struct dht_status status;
        dht_look(net_dht(&net, new), net.now, &status);
        CHECK(status.queries <= 25 * (10 + 5 * 60 / 8));
        net.nodes[new].deaf = false;
        if (told == 1)
            dht_moved(net_dht(&net, new), net.now);
        net_run(&net, told == 1 ? 12 * SECOND : 40 * MINUTE);
        CHECK(good(new) >= 8);
        net_finish(&net);
    }
}

static void test_an_address_just_typed_comes_before_those_tried_in_vain(void)
{
    begin(2);
    size_t new = net_add(&net, NULL);
    for (uint8_t i = 0; i < 60; i++) {
        struct address dead = { .ip = { [10] = 0xff, 0xff, 97, i, 1, 1 }, .port = 1 };
        dht_try(net_dht(&net, new), net.now, DHT_FROM_PEOPLE, &dead, 1);
    }
    net_run(&net, 3 * HOUR);
    dht_try(net_dht(&net, new), net.now, DHT_FROM_PEOPLE, &net.nodes[0].at, 1);
    net_run(&net, 2 * SECOND);
    CHECK(good(new) > 0);
    net_finish(&net);
}

static void test_saved_nodes_lead_back_though_most_are_gone(void)
{
    static uint8_t saved[DHT_SAVED_MAX_BYTES];
    begin(60);
    struct dht_status before, after;
    net_run(&net, 10 * MINUTE); /* it comes to know most of them */
    size_t size = dht_save(net_dht(&net, 9), saved);
    dht_look(net_dht(&net, 9), net.now, &before);
    net_kill(&net, 9);
    for (size_t i = 0; i < 60; i++)
        net.nodes[i].deaf = i % 10 != 0;
    net_revive(&net, 9, NULL);
    net.nodes[9].deaf = false;
    struct bytes wire = { saved, size };
    CHECK_INT(dht_restore(net_dht(&net, 9), net.now, wire), FAULT_NONE);
    net_run(&net, MINUTE);
    dht_look(net_dht(&net, 9), net.now, &after);
    CHECK(id_equal(&before.ipv4.id, &after.ipv4.id));
    CHECK(after.ipv4.good >= 3);
    CHECK_INT(net_told(&net, 9, DHT_NOBODY, 0), 0);
    net_finish(&net);
}

static void test_damaged_saved_nodes_are_refused(void)
{
    static uint8_t saved[DHT_SAVED_MAX_BYTES];
    begin(5);
    size_t size = dht_save(net_dht(&net, 1), saved);
    size_t new = net_add(&net, NULL);
    CHECK_INT(dht_restore(net_dht(&net, new), net.now, (struct bytes){ saved, size - 1 }),
              FAULT_PEER);
    saved[0]++;
    CHECK_INT(dht_restore(net_dht(&net, new), net.now, (struct bytes){ saved, size }), FAULT_PEER);
    net_finish(&net);
}

static void test_an_id_follows_the_address_others_see(void)
{
    begin(30);
    for (size_t i = 0; i < 30; i++) {
        struct dht_status status;
        dht_look(net_dht(&net, i), net.now, &status);
        CHECK(address_equal(&status.ipv4.self, &net.nodes[i].at));
        CHECK(id_fits(&status.ipv4.id, &net.nodes[i].at));
    }
    net_finish(&net);
}

static void test_two_overlays_live_beside_each_other(void)
{
    net_start(&net, 5);
    for (size_t i = 0; i < 20; i++) {
        size_t number = net_add_ipv6(&net);
        if (number > 0)
            dht_try(net_dht(&net, number), net.now, DHT_FROM_PEOPLE, &net.nodes[0].at, 1);
        net_run(&net, 300 * MILLISECOND);
    }
    net_run(&net, MINUTE);
    struct item item = { .value = bytes_of_text("3:six") };
    dht_op put = net_begin(&net, 1, &(struct dht_request){ .task = DHT_PUT, .item = &item });
    size_t told = net_until(&net, 1, DHT_STORED, put, 5 * SECOND);
    CHECK(told != 0);
    CHECK_INT(net.nodes[1].events[told - 1].stored, DHT_STORE_ON);
    net_finish(&net);
}

/* --- strangers -------------------------------------------------------------------------------- */

static void test_an_answer_counts_only_from_whom_was_asked(void)
{
    begin(2);
    struct krpc question;
    struct address elsewhere = net.nodes[1].at;
    net.outside = (struct address){ .port = 9999 };
    memcpy(net.outside.ip, net.nodes[1].at.ip, sizeof net.outside.ip);
    net.outside.ip[13] = 200;
    elsewhere.port++;
    struct address *liars[] = { &elsewhere, &net.outside };
    for (size_t i = 0; i < COUNT(liars); i++) {
        dht_op op =
            net_begin(&net, 0, &(struct dht_request){ .task = DHT_PING, .at = net.outside });
        net.heard_count = 0;
        net_run(&net, 30 * MILLISECOND);
        CHECK_INT(net.heard_count, 1);
        struct bytes heard = { net.heard[0].bytes, net.heard[0].size };
        CHECK_INT(krpc_decode(heard, &question), KRPC_READ);
        CHECK_INT(question.tid.size, 4);
        struct krpc answer = { .kind = KRPC_REPLY, .tid = question.tid };
        memset(answer.id.bytes, 0x5a, sizeof answer.id.bytes);
        uint8_t wire[200];
        size_t size = krpc_encode(&answer, wire, sizeof wire);
        net_inject(&net, liars[i], &net.nodes[0].at, (struct bytes){ wire, size });
        net_run(&net, SECOND);
        CHECK_INT(net_told(&net, 0, DHT_NODES, op) != 0, i == 1);
        net_run(&net, 10 * SECOND);
    }
    net_finish(&net);
}

static size_t answered_bytes(struct net *world, struct bytes query, size_t times)
{
    size_t bytes = 0;
    world->heard_count = 0;
    for (size_t i = 0; i < times; i++)
        net_inject(world, &world->outside, &world->nodes[0].at, query);
    net_run(world, SECOND);
    for (size_t i = 0; i < world->heard_count; i++)
        bytes += world->heard[i].size;
    return bytes;
}

static void test_a_stranger_gets_four_packets_a_second_at_most(void)
{
    begin(20);
    static const char ping[] = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
    net.outside = (struct address){ .ip = { [10] = 0xff, [11] = 0xff, 99, 9, 9, 9 }, .port = 9 };
    answered_bytes(&net, bytes_of_text(ping), 50);
    CHECK_INT(net.heard_count, 4);
    net_finish(&net);
}

static void test_a_guest_never_serves(void)
{
    begin(3);
    size_t guest = net_add(&net, &(struct dht_settings){ .read_only = true });
    dht_try(net_dht(&net, guest), net.now, DHT_FROM_PEOPLE, &net.nodes[0].at, 1);
    net_run(&net, 10 * SECOND);
    dht_op op =
        net_begin(&net, 0, &(struct dht_request){ .task = DHT_PING, .at = net.nodes[guest].at });
    CHECK(net_until(&net, 0, DHT_ENDED, op, 10 * SECOND) != 0);
    CHECK_INT(net_told(&net, 0, DHT_NODES, op), 0);
    struct dht_status status;
    dht_look(net_dht(&net, 0), net.now, &status);
    CHECK_INT(status.ipv4.known, 2); /* and nobody has it in a table */
    net_finish(&net);
}

static void test_an_idle_node_is_quiet(void)
{
    begin(40);
    net_run(&net, HOUR);
    struct dht_status before, after;
    dht_look(net_dht(&net, 7), net.now, &before);
    net_run(&net, HOUR);
    dht_look(net_dht(&net, 7), net.now, &after);
    CHECK(after.queries - before.queries <= HOUR / (5 * SECOND));
    net_finish(&net);
}

TESTS(TEST(test_a_ping_is_answered_by_whoever_is_there), TEST(test_a_ping_to_nobody_ends),
      TEST(test_a_ping_is_sent_once_more), TEST(test_a_number_is_not_used_for_two_values),
      TEST(test_what_one_puts_another_gets), TEST(test_the_newest_of_a_key_is_found),
      TEST(test_a_put_compares_first_when_told_to),
      TEST(test_who_announces_is_found_at_his_address),
      TEST(test_a_quarter_of_silent_nodes_costs_no_second),
      TEST(test_items_are_stored_though_a_third_knows_no_items),
      TEST(test_what_is_kept_up_is_there_after_a_day),
      TEST(test_a_cancelled_operation_says_nothing_more),
      TEST(test_an_item_that_is_not_valid_is_refused), TEST(test_there_is_a_most_of_operations),
      TEST(test_a_newcomer_knows_the_network_within_seconds),
      TEST(test_a_router_is_asked_and_not_kept),
      TEST(test_who_meets_nobody_asks_for_routers_now_and_then),
      TEST(test_an_address_just_typed_comes_before_those_tried_in_vain),
      TEST(test_a_lost_packet_does_not_cost_the_way_back),
      TEST(test_the_way_back_is_found_when_there_is_a_network_again),
      TEST(test_saved_nodes_lead_back_though_most_are_gone),
      TEST(test_damaged_saved_nodes_are_refused), TEST(test_an_id_follows_the_address_others_see),
      TEST(test_two_overlays_live_beside_each_other),
      TEST(test_an_answer_counts_only_from_whom_was_asked),

      TEST(test_a_stranger_gets_four_packets_a_second_at_most), TEST(test_a_guest_never_serves),
      TEST(test_an_idle_node_is_quiet))
