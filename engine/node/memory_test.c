/* What a node leaves in memory when it is locked, that is destroyed: nothing of its keys. */
#include "engine/node/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "engine/crypto/key.h"
#include "tests/memory.h"

#define START    ((instant)1763900000 * SECOND)
#define SIDES    2
#define KEYS_MAX 40

struct side {
    char path[128];
    struct node *node;
    struct address at;
    char card[CARD_TEXT_CHARS + 1];
    struct rng_seeded luck;
    struct rng rng;
    uint8_t key_seed; /* the key of the database, made anew when asked for */
    size_t delivered;
};

static struct side sides[SIDES];
static char folder[64];
static instant now;
static struct hidden hidden[KEYS_MAX];
static size_t hidden_count;

static void remember(const char *name, const void *secret)
{
    CHECK(hidden_count < KEYS_MAX);
    hide(&hidden[hidden_count++], name, secret);
}

/* --- two homes ----------------------------------------------------------------------------------
 */

static struct store_place place_of(const struct side *side)
{
    struct store_place place = { .path = side->path };
    for (size_t i = 0; i < sizeof place.key; i++)
        place.key[i] = (uint8_t)(side->key_seed * 37 + i * 11 + (i >> 2) * 59);
    return place;
}

static void open_node(struct side *side)
{
    struct node_settings settings = { .place = place_of(side),
                                      .datagram_most = 1452,
                                      .no_dht = true };
    enum store_trouble trouble;
    CHECK(node_create(&settings, now, &side->rng, NULL, &side->node, &trouble) == FAULT_NONE);
    wipe(&settings, sizeof settings);
}

static void make(struct side *side, size_t number)
{
    static const char *const addresses[SIDES] = { "192.0.2.1:1000", "192.0.2.2:2000" };
    struct node_identity identity;
    *side = (struct side){ .key_seed = (uint8_t)(number + 1) };
    side->rng = rng_from_seed(&side->luck, number + 1);
    snprintf(side->path, sizeof side->path, "%s/%zu", folder, number);
    CHECK(address_parse(addresses[number], &side->at));
    open_node(side);
    CHECK(node_identity_make(side->node, now, "somebody") == ANSWER_DONE);
    CHECK(node_identity(side->node, &identity) == ANSWER_DONE);
    card_write(side->card, &identity.card);
    CHECK(node_settle(side->node) == FAULT_NONE);
    wipe(&identity, sizeof identity);
}

static void remove_files(const struct side *side)
{
    char path[160];
    unlink(side->path);
    snprintf(path, sizeof path, "%s-wal", side->path);
    unlink(path);
}

/* --- a wire -------------------------------------------------------------------------------------
 */

static void hand_over(struct side *from, struct side *to)
{
    struct datagrams out;
    while (node_next_datagrams(from->node, now, &out))
        for (size_t at = 0; at < out.bytes.size; at += out.segment) {
            size_t left = out.bytes.size - at;
            struct bytes one = { out.bytes.data + at, left < out.segment ? left : out.segment };
            node_receive(to->node, now, &from->at, one);
        }
}

static void look(struct side *side)
{
    struct node_event event;
    while (node_next_event(side->node, now, &event))
        side->delivered +=
            event.event.kind == EVENT_MESSAGE_STATE && event.event.detail == MESSAGE_DELIVERED;
}

static void run(duration length)
{
    for (instant until = now + length; now < until; now += 10 * MILLISECOND)
        for (size_t i = 0; i < SIDES; i++) {
            node_advance(sides[i].node, now);
            hand_over(&sides[i], &sides[1 - i]);
            look(&sides[i]);
        }
}

static int64_t befriend(struct side *side, const struct side *other)
{
    struct node_contact contact;
    CHECK(node_contact_add(side->node, now, other->card, "Friend", &other->at, 1, &contact) ==
          ANSWER_DONE);
    int64_t id = contact.row.id;
    wipe(&contact, sizeof contact);
    return id;
}

/* --- what there is to find ----------------------------------------------------------------------
 */

static void remember_door(const struct store_self *self)
{
    struct card card;
    struct sign_pair account;
    struct dh_pair door;
    sign_pair_from_seed(&account, self->account_seed);
    memcpy(card.account, account.public, sizeof card.account);
    memcpy(card.secret, self->card_secret, sizeof card.secret);
    card_door(&door, &card);
    remember("door", door.secret);
    wipe(&account, sizeof account);
    wipe(&card, sizeof card);
    wipe(&door, sizeof door);
}

static void remember_sessions(struct store *store)
{
    struct store_session session;
    struct store_prekey prekey;
    struct store_contact contact;
    CHECK(store_session_next(store, 1, 0, &session) == FAULT_NONE);
    remember("psk of a session", session.psk);
    remember("exporter of a session", session.exporter);
    CHECK(store_contact_next(store, 0, &contact) == FAULT_NONE && contact.has_pair);
    remember("pair secret", contact.pair);
    CHECK(store_prekey_newest(store, &prekey) == FAULT_NONE);
    remember("X25519 key of a bundle", prekey.dh);
    remember("ML-KEM seed of a bundle", prekey.kem);
    wipe(&session, sizeof session);
    wipe(&contact, sizeof contact);
    wipe(&prekey, sizeof prekey);
}

/* Reads all that a home keeps secret; the home is closed before and after. */
static void remember_home(const struct side *side)
{
    struct store_place place = place_of(side);
    struct store_self self;
    struct store_link_key link;
    struct store *store;
    enum store_trouble trouble;
    remember("key of the database", place.key);
    CHECK(store_open(&place, &store, &trouble) == FAULT_NONE);
    CHECK(store_self_get(store, &self) == FAULT_NONE);
    CHECK(store_link_key_before(store, UINT32_MAX, &link) == FAULT_NONE);
    remember("account seed", self.account_seed);
    remember("device seed", self.device_seed);
    remember("device DH key", self.dh_secret);
    remember("card secret", self.card_secret);
    remember("secret of connection ids", self.node_secret);
    remember("link key", link.secret);
    remember_door(&self);
    remember_sessions(store);
    store_close(store);
    wipe(&place, sizeof place);
    wipe(&self, sizeof self);
    wipe(&link, sizeof link);
}

/* Returns how many of them are somewhere, and names each. */
static size_t count_known(bool named)
{
    size_t known = 0;
    for (size_t i = 0; i < hidden_count; i++) {
        char where[256];
        size_t found = hidden_in_memory(&hidden[i], where);
        known += found > 0;
        if (named && found > 0)
            print_message("%s: %zu times, %s", hidden[i].name, found, where);
    }
    return known;
}

/* They meet and talk in both directions. */
static void live(void)
{
    now = START;
    hidden_count = 0;
    snprintf(folder, sizeof folder, "/tmp/ramage-memory-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < SIDES; i++)
        make(&sides[i], i);
    for (size_t i = 0; i < SIDES; i++) {
        struct store_message message;
        int64_t contact = befriend(&sides[i], &sides[1 - i]);
        CHECK(node_message_send(sides[i].node, now, contact, bytes_of_text("hello"), NULL,
                                &message) == ANSWER_DONE);
    }
    run(30 * SECOND);
    for (size_t i = 0; i < SIDES; i++)
        CHECK(sides[i].delivered == 1);
}

static void test_T27_a_node_that_is_closed_leaves_no_key_in_memory(void)
{
    size_t locked, elsewhere;
    live();
    for (size_t i = 0; i < SIDES; i++)
        node_destroy(sides[i].node);
    for (size_t i = 0; i < SIDES; i++)
        remember_home(&sides[i]);
    secret_usage(&locked, &elsewhere);
    CHECK(locked == 0 && elsewhere == 0); /* nobody forgot to give one back */
    CHECK_INT(count_known(true), 0);
    for (size_t i = 0; i < SIDES; i++)
        open_node(&sides[i]);
    run(SECOND);
    size_t known = count_known(false); /* the search does find what is there */
    for (size_t i = 0; i < SIDES; i++)
        node_destroy(sides[i].node);
    CHECK(known >= hidden_count / 2);
    CHECK_INT(count_known(true), 0);
    for (size_t i = 0; i < SIDES; i++)
        remove_files(&sides[i]);
    rmdir(folder);
}

TESTS(TEST(test_T27_a_node_that_is_closed_leaves_no_key_in_memory))
