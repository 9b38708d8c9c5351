/* T-31: what two people say and who they are is nowhere in clear, neither in a datagram nor in what
   lies on a disk. A whole story is overheard, and every key of both homes searched for in it. */
#include "base/mem.h"
#include "engine/crypto/bundle.h"
#include "engine/node/fixture.h"

#include <dirent.h>
#include <stdio.h>

#define HEAP_MAX_BYTES   (64 << 20)
#define NEEDLES_MAX      400
#define NEEDLE_MAX_BYTES 128
#define KEY_IS_AT_LEAST  8 /* bytes: nothing shorter is searched for, chance would find it */

/* Where one looks: all datagrams, or all that was ever seen of the files. */
static struct heap {
    const char *name;
    uint8_t *data;
    size_t size, parts;
} wire = { .name = "datagrams" }, disk = { .name = "files" };

static struct needle {
    char name[80];
    uint8_t data[NEEDLE_MAX_BYTES];
    size_t size;
} needles[NEEDLES_MAX];
static size_t needle_count;

static void heap_add(struct heap *heap, struct bytes part)
{
    CHECK(part.size <= HEAP_MAX_BYTES - heap->size);
    memcpy(heap->data + heap->size, part.data, part.size);
    heap->size += part.size;
    heap->parts++;
}

static void hear(struct bytes datagram)
{
    heap_add(&wire, datagram);
}

/* Every file of both homes as it is now, the write-ahead logs among them. */
static void see_files(void)
{
    static uint8_t content[8 << 20];
    struct dirent *entry;
    DIR *files = opendir(folder);
    CHECK(files != NULL);
    while ((entry = readdir(files)) != NULL) {
        char path[400];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        CHECK(file != NULL);
        size_t size = fread(content, 1, sizeof content, file);
        CHECK(size < sizeof content);
        fclose(file);
        if (size > 0)
            heap_add(&disk, (struct bytes){ content, size });
    }
    closedir(files);
}

/* --- what is searched for ---------------------------------------------------------------------
 */

static void remember(const struct side *side, const char *name, const void *data, size_t size)
{
    static const uint8_t zeros[NEEDLE_MAX_BYTES];
    struct needle *needle = &needles[needle_count++];
    CHECK(needle_count <= NEEDLES_MAX && size >= KEY_IS_AT_LEAST && size <= NEEDLE_MAX_BYTES);
    CHECK(memcmp(data, zeros, size) != 0); /* or it was never there */
    snprintf(needle->name, sizeof needle->name, "%s's %s", side == &alice ? "alice" : "bob", name);
    memcpy(needle->data, data, size);
    needle->size = size;
}

static void remember_text(const struct side *side, const char *name, const char *text)
{
    remember(side, name, text, strlen(text));
}

static void remember_signer(const struct side *side, const char *name, const uint8_t seed[32])
{
    struct sign_pair pair;
    sign_pair_from_seed(&pair, seed);
    remember(side, name, pair.seed, sizeof pair.seed);
    remember(side, name, pair.public, sizeof pair.public);
}

static void remember_pair(const struct side *side, const char *name, const uint8_t secret[32])
{
    struct dh_pair pair;
    dh_pair_from_secret(&pair, secret);
    remember(side, name, pair.secret, sizeof pair.secret);
    remember(side, name, pair.public, sizeof pair.public);
}

static void remember_self(const struct side *side, struct store *store)
{
    struct store_self self;
    struct store_link_key link;
    struct card card;
    struct dh_pair door;
    char short_form[CARD_SHORT_CHARS + 1];
    CHECK(store_self_get(store, &self) == FAULT_NONE);
    remember_signer(side, "account key", self.account_seed);
    remember_signer(side, "device key", self.device_seed);
    remember_pair(side, "DH key", self.dh_secret);
    remember(side, "card secret", self.card_secret, sizeof self.card_secret);
    remember(side, "secret of connection ids", self.node_secret, sizeof self.node_secret);
    remember_text(side, "name", self.name);
    remember_text(side, "card", side->card);
    CHECK(card_read(&card, side->card) == FAULT_NONE);
    card_write_short(short_form, card.account);
    remember_text(side, "short card", short_form);
    card_door(&door, &card);
    remember_pair(side, "door key", door.secret);
    uint32_t day = UINT32_MAX;
    for (; store_link_key_before(store, day, &link) == FAULT_NONE; day = link.from)
        remember_pair(side, "link key", link.secret);
    CHECK(day != UINT32_MAX);
}

static void remember_bundle(const struct side *side, const struct store_prekey *prekey)
{
    struct bundle bundle;
    remember_pair(side, "bundle's X25519 key", prekey->dh);
    remember(side, "bundle's ML-KEM seed", prekey->kem, sizeof prekey->kem);
    CHECK(bundle_read(&bundle, BYTES_OF(prekey->wire)) == FAULT_NONE);
    remember(side, "bundle's ML-KEM key", bundle.kem, 32);
    remember(side, "bundle's id", bundle.id, sizeof bundle.id);
}

/* The state of a ratchet begins with: version, phase, session 32, turns u64; then come the keys
   (engine/crypto/ratchet_keep.c). */
static void remember_ratchet(const struct side *side, struct bytes state)
{
    static const char *const keys[] = { "ratchet's root", "next sending header key",
                                        "next receiving header key", "ratchet's newest secret" };
    CHECK(state.size > 42 + 32 * COUNT(keys));
    for (size_t i = 0; i < 3; i++)
        remember(side, keys[i], state.data + 42 + 32 * i, 32);
    if (state.data[1] != 2) /* in phase 2 a count of messages comes next, and no key */
        remember(side, keys[3], state.data + 42 + 96, 32);
}

/* Returns how many. */
static size_t remember_sessions(const struct side *side, struct store *store, int64_t device)
{
    struct store_session session = { .row = 0 };
    struct store_envelope envelope = { .row = 0 };
    size_t count = 0;
    for (; store_session_next(store, device, session.row, &session) == FAULT_NONE; count++) {
        remember(side, "session's id", session.id, sizeof session.id);
        remember(side, "psk", session.psk, sizeof session.psk);
        remember(side, "session's pair secret", session.pair, sizeof session.pair);
        remember(side, "exporter", session.exporter, sizeof session.exporter);
        remember_ratchet(side, session.state);
    }
    while (store_envelope_next(store, device, envelope.row, &envelope) == FAULT_NONE) {
        remember(side, "message key", envelope.key, sizeof envelope.key);
        remember(side, "chain's id", envelope.chain, sizeof envelope.chain);
    }
    return count;
}

static void remember_messages(const struct side *side, struct store *store, int64_t contact)
{
    struct store_message message;
    struct store_place_in at, *from = NULL;
    while (store_message_step(store, contact, from, false, false, &message) == FAULT_NONE) {
        char shown[MESSAGE_NAME_CHARS + 1];
        chat_message_name(shown, message.id);
        remember(side, "message's text", message.text.data, message.text.size);
        remember(side, "message's id", message.id, sizeof message.id);
        remember_text(side, "message's id as it is shown", shown);
        at.height = message.height;
        memcpy(at.id, message.id, sizeof at.id);
        from = &at;
    }
    CHECK(from != NULL);
}

static void remember_contact(const struct side *side, struct store *store)
{
    struct store_contact contact;
    struct store_device device = { .id = 0 };
    struct store_prekey prekey;
    size_t sessions = 0;
    CHECK(store_contact_next(store, 0, &contact) == FAULT_NONE && contact.has_pair);
    remember_text(side, "name for the other", contact.name);
    remember(side, "pair secret", contact.pair, sizeof contact.pair);
    while (store_device_next(store, contact.id, device.id, &device) == FAULT_NONE) {
        sessions += remember_sessions(side, store, device.id);
        const uint8_t *last = NULL;
        for (uint8_t id[8]; store_prekey_next(store, device.id, last, &prekey) == FAULT_NONE;) {
            remember_bundle(side, &prekey);
            memcpy(id, prekey.id, sizeof id);
            last = id;
        }
    }
    CHECK(sessions > 0);
    remember_messages(side, store, contact.id);
}

/* All that a closed home keeps. */
static void remember_home(const struct side *side)
{
    struct store_place place = side_place(side);
    struct store_prekey prekey;
    enum store_trouble trouble;
    struct store *store;
    CHECK(store_open(&place, &store, &trouble) == FAULT_NONE);
    remember(side, "key of the database", place.key, sizeof place.key);
    remember_self(side, store);
    remember_contact(side, store);
    CHECK(store_prekey_newest(store, &prekey) == FAULT_NONE);
    remember_bundle(side, &prekey);
    store_close(store);
}

/* --- the search -------------------------------------------------------------------------------
 */

static bool holds(const struct heap *heap, const void *data, size_t size)
{
    return memmem(heap->data, heap->size, data, size) != NULL;
}

/* As it is, or as hex digits. */
static bool is_in(const struct heap *heap, const struct needle *needle)
{
    char digits[2 * NEEDLE_MAX_BYTES + 1];
    for (size_t i = 0; i < needle->size; i++)
        snprintf(digits + 2 * i, 3, "%02x", needle->data[i]);
    return holds(heap, needle->data, needle->size) || holds(heap, digits, 2 * needle->size);
}

/* A search that cannot find has shown nothing: each needle is put into the heap once. */
static bool would_be_found(struct heap *heap, const struct needle *needle, struct rng *rng)
{
    uint8_t saved[NEEDLE_MAX_BYTES];
    uint8_t *at = heap->data + rng_below(rng, heap->size - needle->size);
    memcpy(saved, at, needle->size);
    memcpy(at, needle->data, needle->size);
    bool found = is_in(heap, needle);
    memcpy(at, saved, needle->size);
    return found;
}

/* Returns how many of them lie there in clear, and names each. */
static size_t count_found(struct heap *heap)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 31);
    size_t found = 0;
    print_message("%zu %s, %zu bytes\n", heap->parts, heap->name, heap->size);
    for (size_t i = 0; i < needle_count; i++) {
        bool here = is_in(heap, &needles[i]);
        found += here;
        if (here)
            print_message("among the %s: %s\n", heap->name, needles[i].name);
        CHECK(would_be_found(heap, &needles[i], &rng));
    }
    return found;
}

static bool remembers(const char *name)
{
    for (size_t i = 0; i < needle_count; i++)
        if (strcmp(needles[i].name, name) == 0)
            return true;
    return false;
}

/* --- the story --------------------------------------------------------------------------------
 */

static void stop_and_remember(struct side *side)
{
    CHECK(node_settle(side->node) == FAULT_NONE);
    see_files();
    node_destroy(side->node);
    see_files();
    remember_home(side);
}

/* They meet at a door, begin a session, talk; one writes while the other is away; both are started
   again, and what was owed arrives on a link that names the psk. */
static void live(void)
{
    begin_as("the name of her who calls", "the name of him who is called");
    add(&alice, &bob, "what she calls him, and nobody else", true);
    add(&bob, &alice, "what he calls her, and nobody else", false);
    say(&alice, "a text that she writes before they have met");
    run(2 * SECOND);
    say(&bob, "a text that he writes in answer to hers");
    run(2 * SECOND);
    CHECK_INT(bob.received, 1);
    CHECK_INT(alice.received, 1);
    stop_and_remember(&bob);
    say(&alice, "a text that she writes while he is away");
    node_advance(alice.node, now);
    send_off(&alice);
    stop_and_remember(&alice);
    CHECK(remembers("alice's message key")); /* it is sealed, and he has not acknowledged it */
    side_start(&alice);
    side_start(&bob);
    run(10 * SECOND);
    say(&bob, "a text that he writes when they meet again");
    run(2 * SECOND);
    CHECK(online(&alice) && online(&bob));
    CHECK_INT(bob.received, 2);
    CHECK_INT(alice.received, 2);
    stop_and_remember(&alice);
    stop_and_remember(&bob);
}

static void test_T31_no_key_name_or_text_is_in_clear_on_the_wire_or_on_the_disk(void)
{
    wire.data = mem_zeroed(HEAP_MAX_BYTES, 1);
    disk.data = mem_zeroed(HEAP_MAX_BYTES, 1);
    overheard = hear;
    live();
    print_message("%zu keys, names, texts and ids of both\n", needle_count);
    size_t found = count_found(&wire) + count_found(&disk);
    side_start(&alice);
    side_start(&bob);
    end();
    mem_free(wire.data);
    mem_free(disk.data);
    CHECK_INT(found, 0);
}

TESTS(TEST(test_T31_no_key_name_or_text_is_in_clear_on_the_wire_or_on_the_disk))
