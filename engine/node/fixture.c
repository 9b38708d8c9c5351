#include "engine/node/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct side alice, bob;
struct flying *air;
size_t air_count;
instant now;
char folder[64];
void (*overheard)(struct bytes datagram);

struct store_place side_place(const struct side *side)
{
    struct store_place place = { .path = side->path };
    for (size_t i = 0; i < sizeof place.key; i++)
        place.key[i] = (uint8_t)(5 + 37 * i);
    return place;
}

void side_start(struct side *side)
{
    struct node_settings settings = { .place = side_place(side),
                                      .datagram_most = 1452,
                                      .no_dht = true };
    enum store_trouble trouble;
    CHECK(node_create(&settings, now, &side->rng, NULL, &side->node, &trouble) == FAULT_NONE);
}

static void side_make(struct side *side, const char *name, const char *at, uint64_t seed)
{
    struct node_identity identity;
    memset(side, 0, sizeof *side);
    side->rng = rng_from_seed(&side->luck, seed);
    snprintf(side->path, sizeof side->path, "%s/%s", folder, name);
    CHECK(address_parse(at, &side->at));
    side_start(side);
    CHECK(node_identity(side->node, &identity) == ANSWER_NO_IDENTITY);
    CHECK(node_identity_make(side->node, now, name) == ANSWER_DONE);
    CHECK(node_identity_make(side->node, now, name) == ANSWER_HAS_IDENTITY);
    CHECK(node_identity(side->node, &identity) == ANSWER_DONE);
    CHECK_TEXT(identity.name, name);
    card_write(side->card, &identity.card);
    CHECK(node_settle(side->node) == FAULT_NONE);
}

void begin_as(const char *alices_name, const char *bobs_name)
{
    now = START;
    air_count = 0;
    air = calloc(IN_FLIGHT_MAX, sizeof *air);
    snprintf(folder, sizeof folder, "/tmp/ramage-node-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    side_make(&alice, alices_name, "192.0.2.1:1000", 1);
    side_make(&bob, bobs_name, "192.0.2.2:2000", 2);
}

void begin(void)
{
    begin_as("alice", "bob");
}

static void side_remove(struct side *side)
{
    char path[160];
    node_destroy(side->node);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", side->path,
                 ((const char *[]){ "", "-wal", "-shm" })[i]);
        unlink(path);
    }
}

void end(void)
{
    side_remove(&alice);
    side_remove(&bob);
    rmdir(folder);
    free(air);
}

void send_off(struct side *from)
{
    struct datagrams out;
    while (node_next_datagrams(from->node, now, &out)) {
        for (size_t at = 0; at < out.bytes.size; at += out.segment) {
            size_t size = out.bytes.size - at < out.segment ? out.bytes.size - at : out.segment;
            struct side *to = address_equal(&out.to, &alice.at) ? &alice
                              : address_equal(&out.to, &bob.at) ? &bob
                                                                : NULL;
            if (overheard != NULL)
                overheard((struct bytes){ out.bytes.data + at, size });
            if (to == NULL || air_count == IN_FLIGHT_MAX || size > sizeof air[0].data)
                continue;
            struct flying *flying = &air[air_count++];
            *flying =
                (struct flying){ .to = to, .from = from->at, .arrives = now + TRIP, .size = size };
            memcpy(flying->data, out.bytes.data + at, size);
        }
    }
}

static void look(struct side *side)
{
    struct node_event event;
    while (node_next_event(side->node, now, &event)) {
        side->received += event.event.kind == EVENT_MESSAGE_RECEIVED;
        side->delivered +=
            event.event.kind == EVENT_MESSAGE_STATE && event.event.detail == MESSAGE_DELIVERED;
    }
}

void run(duration length)
{
    instant until = now + length;
    for (;;) {
        send_off(&alice);
        send_off(&bob);
        look(&alice);
        look(&bob);
        instant next = earlier(node_deadline(alice.node), node_deadline(bob.node));
        if (air_count > 0)
            next = earlier(next, air[0].arrives);
        if (next > until)
            break;
        now = later(now, next);
        size_t due = 0;
        for (; due < air_count && air[due].arrives <= now; due++)
            node_receive(air[due].to->node, now, &air[due].from,
                         (struct bytes){ air[due].data, air[due].size });
        memmove(air, air + due, (air_count - due) * sizeof *air);
        air_count -= due;
        node_advance(alice.node, now);
        node_advance(bob.node, now);
    }
    now = until;
}

void add(struct side *side, const struct side *other, const char *name, bool with_address)
{
    struct node_contact contact;
    CHECK(node_contact_add(side->node, now, other->card, name, &other->at, with_address,
                           &contact) == ANSWER_DONE);
    side->contact = contact.row.id;
}

void friends(void)
{
    begin();
    add(&alice, &bob, "Bob", true);
    add(&bob, &alice, "Alice", false);
}

int64_t say(struct side *side, const char *text)
{
    struct store_message message;
    CHECK(node_message_send(side->node, now, side->contact, bytes_of_text(text), NULL, &message) ==
          ANSWER_DONE);
    return message.row;
}

bool online(struct side *side)
{
    struct node_contact contact;
    CHECK(node_contact_get(side->node, side->contact, &contact) == ANSWER_DONE);
    return contact.online;
}
