#include "sim/scenario.h"

#include <string.h>

#define STRANGER_PACKETS 5000
#define RESET_MOST_BYTES 48 /* docs/protocol.md, stateless reset */

/* 10.250.x.y: no computer of this world was ever there. */
static struct address stranger_address(struct sim *sim)
{
    struct address address = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [13] = 250 } };
    address.ip[14] = (uint8_t)sim_luck(sim, 256);
    address.ip[15] = (uint8_t)sim_luck(sim, 256);
    address.port = (uint16_t)(1 + sim_luck(sim, 65535));
    return address;
}

/* Random bytes, with the first ones as QUIC would have them half of the time. */
static size_t half_valid(struct sim *sim, uint8_t packet[1500])
{
    static const uint8_t heads[][6] = {
        { 0xc0, 0, 0, 0, 1, 8 },
        { 0xc3, 0, 0, 0, 0, 18 },
        { 0xc0, 0x6b, 0x33, 0x43, 0xcf, 8 },
        { 0xe0, 0xff, 0, 0, 1, 8 },
        { 0x40, 0, 0, 0, 0, 0 },
        { 0x20, 0, 0, 0, 0, 0 },
        { 'd', '1', ':', 'a', 'd', '2' },
    };
    size_t size = sim_luck(sim, 2) == 0 ? 1200 : sim_luck(sim, 1472);
    for (size_t i = 0; i < size; i++)
        packet[i] = (uint8_t)sim_luck(sim, 256);
    if (size > sizeof heads[0] && sim_luck(sim, 2) == 0)
        memcpy(packet, heads[sim_luck(sim, COUNT(heads))], sizeof heads[0]);
    return size;
}

/* Whoever holds no key of ours gets no answer at all, however loud; friends notice nothing. */
void scenario_stranger_meets_silence(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    for (int i = 0; i < STRANGER_PACKETS; i++) {
        uint8_t packet[1500];
        struct address from = stranger_address(sim);
        size_t size = half_valid(sim, packet);
        sim_inject(sim, &from, bob, (struct bytes){ packet, size });
        sim_run(sim, 1 * MILLISECOND);
        if (i % 100 == 0)
            story_chatter(sim, alice, bob, 1, 0);
    }
    story_ends_well(sim, alice, bob, 10 * SECOND);
    CHECK(network_counts(sim_network(sim)).to_nobody == 0);
}

static void replay_all(struct sim *sim, bool handshakes_only)
{
    for (size_t i = 0; i < network_tapped(sim_network(sim)); i++) {
        struct address from = stranger_address(sim);
        bool long_header = (network_tapped_one(sim_network(sim), i).data[0] & 0x80) != 0;
        if (long_header || !handshakes_only)
            sim_replay(sim, i, &from);
        sim_run(sim, 2 * MILLISECOND);
    }
}

/* Somebody on the path kept what Alice and Bob sent each other from the first packet on, and sends
   it again from elsewhere. No call is answered, nobody believes that the other moved, nothing shows
   twice; nor when both have started again since. All he gets, for packets of a link that has ended,
   is the reset its other end would get: smaller than what he sent, and it tells that a link has
   ended. */
void scenario_old_packets_come_again(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_add(sim, "bob");
    network_tap(sim_network(sim), true);
    sim_introduce(alice, bob);
    story_chatter(sim, alice, bob, 20, 200 * MILLISECOND);
    story_ends_well(sim, alice, bob, 5 * SECOND);
    network_tap(sim_network(sim), false);
    sim_run(sim, 10 * SECOND); /* so long a first packet may be answered again */
    replay_all(sim, true);
    CHECK(network_counts(sim_network(sim)).to_nobody == 0);
    replay_all(sim, false);
    story_chatter(sim, alice, bob, 3, 200 * MILLISECOND);
    story_ends_well(sim, alice, bob, 1 * SECOND);
    sim_kill(bob);
    sim_quit(alice);
    sim_restart(bob);
    uint64_t answers = network_counts(sim_network(sim)).to_nobody;
    replay_all(sim, true);
    sim_restart(alice);
    replay_all(sim, true);
    CHECK(network_counts(sim_network(sim)).to_nobody == answers);
    replay_all(sim, false);
    CHECK(network_counts(sim_network(sim)).to_nobody_largest <= RESET_MOST_BYTES);
    story_chatter(sim, alice, bob, 3, 200 * MILLISECOND);
    story_ends_well(sim, alice, bob, 10 * SECOND);
}

/* A third of all datagrams comes a second time, altered, cut short, or from elsewhere. */
void scenario_damaged_packets(struct sim *sim)
{
    struct sim_node *alice = sim_add(sim, "alice"), *bob = sim_befriend(alice, "bob");
    network_weather(sim_network(sim), &(struct weather){ .latency = 20 * MILLISECOND,
                                                         .jitter = 10 * MILLISECOND,
                                                         .damage = 333 });
    for (int i = 0; i < 5; i++) {
        story_chatter(sim, alice, bob, 20, 100 * MILLISECOND);
        if (sim_luck(sim, 3) == 0) {
            sim_kill(bob);
            sim_restart(bob);
        }
    }
    story_ends_well(sim, alice, bob, 5 * MINUTE);
}
