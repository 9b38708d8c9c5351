#include "engine/node/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* A chain is made anew at every start and must come out the same, for peers hold its hash. */
#define CERTIFICATE_DAYS 3650

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

static void hold_keys(struct node *node, const struct store_self *self)
{
    struct sign_pair account, device;
    struct dh_pair link, door;
    struct card card;
    struct store_link_key key;
    uint8_t certificate[CERTIFICATE_BYTES];
    if (store_link_key_before(node->store, UINT32_MAX, &key) != FAULT_NONE)
        return; /* the store says so at the next settle */
    chat_card(&card, self);
    card_door(&door, &card);
    sign_pair_from_seed(&account, self->account_seed);
    sign_pair_from_seed(&device, self->device_seed);
    dh_pair_from_secret(&link, key.secret);
    certificate_write(certificate, &account, &device, link.public, LINK_ROLE_CONTACT, key.from,
                      key.from + CERTIFICATE_DAYS);
    links_set_device(node->links, &device);
    enum fault fault = links_hold(node->links, LINK_ROLE_CONTACT, &link, certificate);
    if (fault == FAULT_NONE)
        fault = links_hold(node->links, LINK_ROLE_DOOR, &door, certificate);
    assert(fault == FAULT_NONE);
    wipe(&account, sizeof account);
    wipe(&device, sizeof device);
    wipe(&link, sizeof link);
    wipe(&door, sizeof door);
    wipe(&card, sizeof card);
    wipe(&key, sizeof key);
}

static void admit_all(struct node *node)
{
    struct store_contact contact;
    struct store_device device;
    for (int64_t at = 0; chat_contact_next(node->chat, at, &contact) == ANSWER_DONE;
         at = contact.id)
        links_admit_account(node->links, contact.account, contact.newest_stamp);
    for (int64_t at = 0; chat_device_next(node->chat, at, &device) == ANSWER_DONE; at = device.id)
        links_admit_device(node->links, device.device, device.newest_stamp);
}

void node_wake(struct node *node, instant now)
{
    struct store_self self;
    enum fault fault = chat_identity(node->store, &self);
    node_note(node, fault);
    if (fault != FAULT_NONE)
        return;
    node->chat = chat_create(node->store, node->log);
    struct links_settings settings = { .keep_alive = node->settings.keep_alive,
                                       .datagram_most = node->settings.datagram_most,
                                       .stamp_floor = newest_seen(node) };
    memcpy(settings.secret, self.node_secret, sizeof settings.secret);
    node->links = links_create(&settings, node->rng, node->log);
    hold_keys(node, &self);
    admit_all(node);
    node->meet = meet_create(node->store, node->chat, now, node->rng);
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
    node->calls = map_create(LINK_MAX_COUNT, rng_u64(rng));
    node->current = map_create(LINK_MAX_COUNT, rng_u64(rng));
    enum fault fault = store_open(&settings->place, &node->store, trouble);
    if (fault == FAULT_NONE) {
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
    map_destroy(node->calls);
    map_destroy(node->current);
    meet_destroy(node->meet);
    links_destroy(node->links);
    chat_destroy(node->chat);
    store_close(node->store);
    wipe(node, sizeof *node);
    mem_free(node);
}

void node_leave(struct node *node, instant now)
{
    if (node->links != NULL)
        links_close_all(node->links, now);
}

enum store_trouble node_trouble(const struct node *node)
{
    return node->trouble;
}

static bool awake(const struct node *node)
{
    return node->trouble == STORE_FINE && node->links != NULL;
}

/* --- the five verbs --------------------------------------------------------------------------- */

void node_receive(struct node *node, instant now, const struct address *from, struct bytes datagram)
{
    if (!awake(node))
        return;
    links_receive(node->links, now, from, datagram);
    wishes_digest(node, now);
}

void node_advance(struct node *node, instant now)
{
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
    /* Also when nothing is to be settled: a question that failed took the open transaction with it,
       and not every answer can say so. */
    if (store_settle(node->store) != FAULT_NONE)
        return node_stop(node);
    return FAULT_NONE;
}

bool node_next_datagrams(struct node *node, instant now, struct datagrams *out)
{
    struct link_batch batch;
    if (!awake(node))
        return false;
    wishes_carry(node, now);
    if (node_settle(node) != FAULT_NONE || !links_next_batch(node->links, now, &batch))
        return false;
    *out = (struct datagrams){ batch.to, batch.bytes, batch.segment };
    return true;
}

bool node_next_event(struct node *node, struct node_event *out)
{
    uint64_t oldest, newest;
    if (!awake(node) || node_settle(node) != FAULT_NONE)
        return false;
    chat_event_range(node->chat, &oldest, &newest);
    if (newest <= node->told ||
        chat_event_after(node->chat, node->told, &out->event) != ANSWER_DONE)
        return false;
    node->told = out->event.seq;
    return true;
}

instant node_deadline(const struct node *node)
{
    return awake(node) ? agenda_next(node) : NEVER;
}

void node_moved(struct node *node, instant now)
{
    if (!awake(node))
        return;
    links_moved(node->links, now);
    meet_moved(node->meet, now);
}
