#include "engine/node/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

static_assert(CHAT_PSKS <= LINK_PSKS && CHAT_LINK_KEYS < LINK_HELD_KEYS,
              "links hold what chat has, and the door's key beside it");

enum fault node_stop(struct node *node)
{
    if (node->trouble == STORE_FINE) {
        enum store_trouble trouble = store_trouble(node->store);
        node->trouble = trouble == STORE_FINE ? STORE_BROKEN : trouble;
        log_line(node->log, LOG_WARN, "node", "the store failed: stopped");
    }
    return FAULT_DISK;
}

void node_note(struct node *node, enum fault fault)
{
    if (fault == FAULT_DISK)
        node_stop(node);
}

enum answer node_answer(struct node *node, enum answer answer)
{
    if (answer == ANSWER_DISK)
        node_stop(node);
    return answer;
}

/* --- life ------------------------------------------------------------------------------------- */

/* Whatever we saw, we saw before now: a clock set back must not make our handshakes look old. */
static uint64_t newest_seen(struct node *node)
{
    struct store_device device;
    uint64_t newest = 0;
    int64_t at = 0;
    while (chat_device_next(node->chat, at, &device) == ANSWER_DONE) {
        newest = later(newest, device.last_seen);
        at = device.id;
    }
    return newest;
}

static void hold_door(struct node *node, const struct store_self *self)
{
    struct dh_pair door;
    struct card card;
    chat_card(&card, self);
    card_door(&door, &card);
    enum fault fault = links_hold(node->links, LINK_ROLE_DOOR, &door, NULL);
    assert(fault == FAULT_NONE);
    wipe(&door, sizeof door);
    wipe(&card, sizeof card);
}

static bool is_held(const struct node *node, const uint8_t public[KEY_BYTES])
{
    for (size_t i = 0; i < node->held_count; i++)
        if (memcmp(node->held[i], public, KEY_BYTES) == 0)
            return true;
    return false;
}

static bool is_among(const struct chat_link_key *keys, size_t count, const uint8_t *public)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(keys[i].pair.public, public, KEY_BYTES) == 0)
            return true;
    return false;
}

void node_hold_keys(struct node *node, instant now)
{
    struct chat_link_key keys[CHAT_LINK_KEYS];
    size_t count = chat_link_keys(node->chat, keys);
    for (size_t i = 0; i < node->held_count; i++)
        if (!is_among(keys, count, node->held[i]))
            links_forget(node->links, node->held[i]);
    /* Links call with the one held last: the newest. */
    for (size_t i = count; i > 0; i--)
        if (!is_held(node, keys[i - 1].pair.public)) {
            enum fault fault = links_hold(node->links, LINK_ROLE_CONTACT, &keys[i - 1].pair,
                                          keys[i - 1].certificate);
            assert(fault == FAULT_NONE);
        }
    for (node->held_count = 0; node->held_count < count; node->held_count++)
        memcpy(node->held[node->held_count], keys[node->held_count].pair.public, KEY_BYTES);
    wipe(keys, sizeof keys);
    struct bytes record = chat_record(node->chat, now);
    if (record.size == 0)
        node_stop(node);
    else
        links_set_record(node->links, record);
}

void node_share_psks(struct node *node, const struct store_device *device)
{
    struct chat_psk psks[CHAT_PSKS];
    struct link_psk shared[LINK_PSKS];
    size_t count = chat_psks(node->chat, device->id, psks);
    for (size_t i = 0; i < count; i++) {
        memcpy(shared[i].id, psks[i].id, sizeof shared[i].id);
        memcpy(shared[i].key, psks[i].key, sizeof shared[i].key);
    }
    links_set_psks(node->links, device->device, shared, count);
    wipe(psks, sizeof psks);
    wipe(shared, sizeof shared);
}

static void admit_all(struct node *node)
{
    struct store_contact contact;
    struct store_device device;
    for (int64_t at = 0; chat_contact_next(node->chat, at, &contact) == ANSWER_DONE;
         at = contact.id)
        links_admit_account(node->links, contact.account, contact.newest_stamp);
    for (int64_t at = 0; chat_device_next(node->chat, at, &device) == ANSWER_DONE; at = device.id) {
        links_admit_device(node->links, device.device, device.newest_stamp);
        node_share_psks(node, &device);
    }
    wipe(&contact, sizeof contact);
}

void node_wake(struct node *node, instant now)
{
    struct store_self self;
    enum fault fault = chat_identity(node->store, &self);
    node_note(node, fault);
    if (fault != FAULT_NONE)
        return;
    node->chat = chat_create(node->store, node->rng, node->log);
    node_note(node, chat_advance(node->chat, now));
    struct links_settings settings = { .keep_alive = node->settings.keep_alive,
                                       .datagram_most = node->settings.datagram_most,
                                       .stamp_floor = newest_seen(node) };
    memcpy(settings.secret, self.node_secret, sizeof settings.secret);
    node->links = links_create(&settings, node->rng, node->log);
    struct sign_pair device;
    chat_device_pair(node->chat, &device);
    links_set_device(node->links, &device);
    wipe(&device, sizeof device);
    hold_door(node, &self);
    node_hold_keys(node, now);
    admit_all(node);
    node->meet = meet_create(node->store, node->chat, now, node->rng);
    swarm_wake(node, now);
    wipe(&settings, sizeof settings);
    wipe(&self, sizeof self);
}

enum fault node_create(const struct node_settings *settings, instant now, struct rng *rng,
                       struct log *log, struct node **out, enum store_trouble *trouble)
{
    struct node *node = mem_zeroed(1, sizeof *node);
    uint64_t oldest;
    *out = NULL;
    node->settings = *settings;
    wipe(node->settings.place.key, sizeof node->settings.place.key);
    node->rng = rng;
    node->log = log;
    node->call_neighbours = NEVER;
    node->calls = map_create(LINK_MAX_COUNT, rng_u64(rng));
    node->current = map_create(LINK_MAX_COUNT, rng_u64(rng));
    list_init(&node->errands);
    *trouble = STORE_FINE;
    enum fault fault =
        settings->bare ? FAULT_NONE : store_open(&settings->place, &node->store, trouble);
    if (fault == FAULT_NONE && settings->bare) {
        swarm_wake(node, now);
    } else if (fault == FAULT_NONE) {
        node_wake(node, now);
        store_event_range(node->store, &oldest, &node->told);
        *trouble = node->trouble;
        fault = node->trouble == STORE_FINE ? FAULT_NONE : FAULT_DISK;
    }
    if (fault == FAULT_NONE)
        *out = node;
    else
        node_destroy(node);
    return fault;
}

void node_destroy(struct node *node)
{
    if (node == NULL)
        return;
    calls_clear(node);
    errands_clear(node);
    map_destroy(node->calls);
    map_destroy(node->current);
    dht_destroy(node->dht);
    meet_destroy(node->meet);
    links_destroy(node->links);
    chat_destroy(node->chat);
    store_close(node->store);
    wipe(node, sizeof *node);
    mem_free(node);
}

void node_leave(struct node *node, instant now)
{
    swarm_keep(node, now);
    if (node->links != NULL)
        links_close_all(node->links, now);
}

enum store_trouble node_trouble(const struct node *node)
{
    return node->trouble;
}

static bool runs(const struct node *node)
{
    return node->trouble == STORE_FINE;
}

/* With an identity, and so with links. */
static bool awake(const struct node *node)
{
    return runs(node) && node->links != NULL;
}

/* --- the five verbs --------------------------------------------------------------------------- */

void node_receive(struct node *node, instant now, const struct address *from, struct bytes datagram)
{
    if (route_is_of_dht(datagram)) {
        if (runs(node) && node->dht != NULL)
            dht_receive(node->dht, now, from, datagram);
        return;
    }
    if (!awake(node))
        return;
    links_receive(node->links, now, from, datagram);
    wishes_digest(node, now);
}

void node_advance(struct node *node, instant now)
{
    if (runs(node))
        swarm_advance(node, now);
    if (!awake(node))
        return;
    links_advance(node->links, now);
    wishes_digest(node, now);
    if (chat_deadline(node->chat) <= now)
        node_note(node, chat_advance(node->chat, now));
}

enum fault node_settle(struct node *node)
{
    if (node->trouble != STORE_FINE)
        return FAULT_DISK;
    if (node->chat != NULL && chat_settle(node->chat) != FAULT_NONE)
        return node_stop(node);
    /* Also when nothing is to be settled: a question that failed took the open transaction with it,
       and not every answer can say so. */
    if (node->store != NULL && store_settle(node->store) != FAULT_NONE)
        return node_stop(node);
    return FAULT_NONE;
}

/* Those of the DHT rest on nothing that is on disk; they follow those of links. */
static bool next_of_dht(struct node *node, instant now, struct datagrams *out)
{
    struct dht_datagram datagram;
    if (node->dht == NULL || !dht_next_datagram(node->dht, now, &datagram))
        return false;
    *out = (struct datagrams){ datagram.to, datagram.bytes, datagram.bytes.size };
    return true;
}

bool node_next_datagrams(struct node *node, instant now, struct datagrams *out)
{
    struct link_batch batch;
    if (awake(node)) {
        wishes_carry(node, now);
        if (node_settle(node) != FAULT_NONE)
            return false;
        if (links_next_batch(node->links, now, &batch)) {
            *out = (struct datagrams){ batch.to, batch.bytes, batch.segment };
            return true;
        }
    }
    if (runs(node) && neighbours_next(node, now, out))
        return true;
    return runs(node) && next_of_dht(node, now, out);
}

static bool next_kept(struct node *node, struct store_event *out)
{
    uint64_t oldest, newest;
    if (!awake(node) || node_settle(node) != FAULT_NONE)
        return false;
    chat_event_range(node->chat, &oldest, &newest);
    if (newest <= node->told || chat_event_after(node->chat, node->told, out) != ANSWER_DONE)
        return false;
    node->told = out->seq;
    return true;
}

bool node_next_event(struct node *node, instant now, struct node_event *out)
{
    *out = (struct node_event){ 0 };
    if (next_kept(node, &out->event))
        return true;
    while (runs(node) && node->dht != NULL && dht_next_event(node->dht, &out->dht)) {
        if (out->dht.kind == DHT_SELF)
            swarm_tell_self(node, now);
        out->of_dht = !errands_take(node, now, &out->dht);
        if (out->of_dht)
            return true;
    }
    return false;
}

instant node_deadline(const struct node *node)
{
    return runs(node) ? agenda_next(node) : NEVER;
}

void node_moved(struct node *node, instant now)
{
    if (runs(node) && node->dht != NULL)
        dht_moved(node->dht, now);
    if (!awake(node))
        return;
    links_moved(node->links, now);
    meet_moved(node->meet, now);
}
