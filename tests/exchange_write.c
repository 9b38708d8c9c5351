/* Makes an exchange: two people, two links, a session, and some hundreds of cells over a bad line,
   with every byte on the wire, and beside it what each drew at random, so that whoever follows can
   take the place of either. */
#include "tests/exchange.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SEED         20261123
#define BEGAN_DAY    20650
#define BEGAN_MS     (UINT64_C(86400000) * BEGAN_DAY)
#define TURNS        120
#define BURST_MAX    7 /* cells one sends before the other is heard */
#define FLYING_MAX   1024
#define OWED_MAX     200
#define MESSAGE_HEAD (1 + 1 + 32 + 8 + 8 + 1 + 32 + 4)
#define TEXT_MAX     57344

static const char *const names[2] = { "alice", "bob" };

struct writer {
    struct person person;
    struct side side;
    uint8_t conversation[HASH_BYTES];
    /* A causal chain of what this one wrote is graph enough here. */
    uint8_t parent[HASH_BYTES];
    uint64_t height;
    /* Chain ids and numbers still to be acknowledged. */
    struct ratchet_opened owed[OWED_MAX];
    size_t owed_count;
    size_t flying[FLYING_MAX]; /* steps that sent what has not arrived */
    size_t flying_count;
};

struct play {
    struct writer writers[2];
    struct rng_seeded memory, dice_memory;
    struct rng seeded, rng, dice; /* rng is recorded; dice only chooses what happens */
    struct recorder recorder;
    uint64_t now_ms;
    json_t *steps;
    size_t texts;
};

/* --- people ----------------------------------------------------------------------------------- */

static void put_entry(struct devices *devices, const struct sign_pair *device,
                      const struct dh_pair *dh, const char *name)
{
    struct device_entry *entry = &devices->devices[devices->device_count++];
    memcpy(entry->device, device->public, KEY_BYTES);
    memcpy(entry->dh, dh->public, KEY_BYTES);
    devices_name_hash(entry->name_hash, device->public, name);
    entry->since = BEGAN_DAY - 9;
}

/* With `others` a second device is listed first, and revoked in a second list: two lists. */
static void make_lists(struct person *person, const char *name, bool others, struct rng *rng,
                       struct cursor *lists)
{
    struct devices devices = { .counter = 1, .valid_until = BEGAN_DAY + 81 };
    struct sign_pair other;
    struct dh_pair other_dh;
    memcpy(devices.account, person->account.public, KEY_BYTES);
    put_entry(&devices, &person->device, &person->dh, name);
    if (others) {
        do
            sign_pair_make(&other, rng);
        while (memcmp(other.public, person->device.public, KEY_BYTES) < 0);
        dh_pair_make(&other_dh, rng);
        put_entry(&devices, &other, &other_dh, "other");
    }
    person->list_size = devices_write(person->list, &devices, &person->account);
    cursor_put_u16_bytes(lists, (struct bytes){ person->list, person->list_size });
    if (others) {
        devices_hash(devices.previous, (struct bytes){ person->list, person->list_size });
        devices.counter = 2;
        devices.device_count = 1;
        memcpy(devices.revoked[0].device, other.public, KEY_BYTES);
        devices.revoked[0].when = BEGAN_DAY - 1;
        devices.revoked_count = 1;
        person->list_size = devices_write(person->list, &devices, &person->account);
        cursor_put_u16_bytes(lists, (struct bytes){ person->list, person->list_size });
    }
    devices_head(&person->head, &devices, (struct bytes){ person->list, person->list_size });
}

static void make_bundle(struct person *person, size_t number, struct rng *rng)
{
    struct bundle bundle = { .kind = number == 0 ? BUNDLE_LAST_RESORT : BUNDLE_ONE_TIME,
                             .head = person->head,
                             .sequence = number + 1,
                             .made_ms = BEGAN_MS };
    struct bundle_secrets *secrets = &person->secrets[number];
    bundle_secrets_make(secrets, rng);
    memcpy(bundle.account, person->account.public, KEY_BYTES);
    memcpy(bundle.device, person->device.public, KEY_BYTES);
    rng_fill(rng, bundle.id, sizeof bundle.id);
    memcpy(bundle.dh, secrets->dh.public, KEY_BYTES);
    memcpy(bundle.kem, secrets->kem.public, MLKEM_PUBLIC_BYTES);
    bundle_write(person->bundles[number], &bundle, &person->device);
}

static json_t *public_of(const struct person *person, const char *card, struct bytes lists)
{
    static uint8_t record[RECORD_MAX_BYTES];
    struct cursor out = cursor_into(record, sizeof record);
    cursor_put_u8(&out, 2);
    cursor_put(&out, person->certificate, CERTIFICATE_BYTES);
    cursor_put_u16_bytes(&out, lists);
    cursor_put(&out, person->bundles[0], BUNDLE_BYTES);
    cursor_put_u8(&out, 1);
    cursor_put(&out, person->bundles[1], BUNDLE_BYTES);
    assert(cursor_good(&out));
    return json_pack("{soss}", "record", recorded_hex(cursor_written(&out)), "card", card);
}

static json_t *secret_of(const struct person *person)
{
    json_t *bundles = json_array();
    for (size_t i = 0; i < EXCHANGE_BUNDLES; i++)
        json_array_append_new(
            bundles, json_pack("{sososo}", "wire", recorded_hex(BYTES_OF(person->bundles[i])), "dh",
                               recorded_hex(BYTES_OF(person->secrets[i].dh.secret)), "kem_seed",
                               recorded_hex(BYTES_OF(person->secrets[i].kem.seed))));
    return json_pack("{sososososo}", "account_seed", recorded_hex(BYTES_OF(person->account.seed)),
                     "device_seed", recorded_hex(BYTES_OF(person->device.seed)), "dh",
                     recorded_hex(BYTES_OF(person->dh.secret)), "link",
                     recorded_hex(BYTES_OF(person->link.secret)), "bundles", bundles);
}

static json_t *make_person(struct person *person, size_t which, struct rng *rng)
{
    uint8_t memory[2 * (2 + DEVICES_MAX_BYTES)];
    struct cursor lists = cursor_into(memory, sizeof memory);
    struct card card;
    char text[CARD_TEXT_CHARS + 1];
    sign_pair_make(&person->account, rng);
    sign_pair_make(&person->device, rng);
    dh_pair_make(&person->dh, rng);
    dh_pair_make(&person->link, rng);
    memcpy(card.account, person->account.public, KEY_BYTES);
    rng_fill(rng, card.secret, sizeof card.secret);
    card_write(text, &card);
    card_door(&person->door, &card);
    certificate_write(person->certificate, &person->account, &person->device, person->link.public,
                      LINK_ROLE_CONTACT, BEGAN_DAY - 2, BEGAN_DAY + 5);
    make_lists(person, names[which], which == 1, rng, &lists);
    for (size_t i = 0; i < EXCHANGE_BUNDLES; i++)
        make_bundle(person, i, rng);
    return json_pack("{soso}", "public", public_of(person, text, cursor_written(&lists)), "secret",
                     secret_of(person));
}

/* --- link ------------------------------------------------------------------------------------- */

static void put_proof(struct cursor *out, const struct noise *noise, uint64_t stamp,
                      const struct person *caller)
{
    uint8_t text[PROOF_BYTES], proof[SIGNATURE_BYTES];
    link_proof_text(text, noise, stamp, caller->certificate);
    sign(proof, &caller->device, PROOF_LABEL, BYTES_OF(text));
    cursor_put(out, proof, sizeof proof);
}

/* `noise` is the caller's, before its first message; NULL: the payload of the answer. */
static struct bytes link_payload(uint8_t memory[LINK_PAYLOAD_MAX], struct play *play,
                                 const struct link_call *link, const struct noise *noise)
{
    static const uint8_t none[32];
    struct cursor out = cursor_into(memory, LINK_PAYLOAD_MAX);
    uint8_t id[PSK_ID_BYTES] = { 0 }, random[8 + 16 + 60];
    uint64_t stamp = play->now_ms * MILLISECOND;
    if (memcmp(link->psk, none, sizeof none) != 0)
        psk_id(id, link->psk);
    rng_fill(&play->seeded, random, sizeof random);
    cursor_put_u32(&out, 0);
    if (noise != NULL) {
        cursor_put(&out, id, sizeof id);
        cursor_put_u64(&out, stamp);
    }
    cursor_put(&out, random, 8 + 16); /* instance, reset token */
    if (noise != NULL)
        cursor_put(&out, link->caller->certificate, CERTIFICATE_BYTES);
    else if (link->role == LINK_ROLE_CONTACT)
        cursor_put(&out, link->called->certificate, CERTIFICATE_BYTES);
    if (noise != NULL && link->role == LINK_ROLE_DOOR)
        put_proof(&out, noise, stamp, link->caller);
    cursor_put_u16_bytes(&out, (struct bytes){ random + 24, 60 });
    return cursor_written(&out);
}

/* One message of the handshake, which the other side reads; its wire form. */
static json_t *link_message(struct noise *from, struct noise *to, struct bytes payload)
{
    uint8_t wire[4096], read[4096];
    struct cursor out = cursor_into(wire, sizeof wire);
    size_t size;
    if (noise_write(from, payload, &out) != FAULT_NONE ||
        noise_read(to, cursor_written(&out), read, &size) != FAULT_NONE)
        die("a message of the link", "cannot be made");
    return recorded_hex(cursor_written(&out));
}

static json_t *make_link(struct play *play, enum link_role role, size_t calls,
                         const uint8_t psk[32])
{
    uint8_t memory[2][LINK_PAYLOAD_MAX];
    struct link_call link = { .role = role,
                              .caller = &play->writers[calls].person,
                              .called = &play->writers[1 - calls].person };
    rng_fill(&play->seeded, link.first_id, sizeof link.first_id);
    memcpy(link.psk, psk, sizeof link.psk);
    struct noise *call = link_noise(true, &link, &play->rng);
    struct noise *answer = link_noise(false, &link, &play->rng);
    struct bytes first = link_payload(memory[0], play, &link, call);
    struct bytes second = link_payload(memory[1], play, &link, NULL);
    json_t *out =
        json_pack("{sssisosososo}", "caller", names[calls], "role", (int)role, "first_id",
                  recorded_hex(BYTES_OF(link.first_id)), "psk", recorded_hex(BYTES_OF(link.psk)),
                  "messages", json_array(), "draws", json_array());
    json_t *messages = json_object_get(out, "messages"), *draws = json_object_get(out, "draws");
    json_decref(recorder_take(&play->recorder));
    json_array_append_new(messages, link_message(call, answer, first));
    json_array_append_new(draws, recorder_take(&play->recorder));
    json_array_append_new(messages, link_message(answer, call, second));
    json_array_append_new(draws, recorder_take(&play->recorder));
    json_object_set_new(out, "payloads",
                        json_pack("[oo]", recorded_hex(first), recorded_hex(second)));
    json_object_set_new(out, "secrets", link_secrets(answer));
    noise_destroy(call);
    noise_destroy(answer);
    return out;
}

/* --- session ---------------------------------------------------------------------------------- */

static json_t *make_session(struct play *play)
{
    struct writer *from = &play->writers[0], *to = &play->writers[1];
    struct start_claim claim = { .rank = play->now_ms,
                                 .theirs = to->person.head,
                                 .kept_count = 2,
                                 .list = { from->person.list, from->person.list_size } };
    memcpy(claim.account, from->person.account.public, KEY_BYTES);
    memcpy(claim.device, from->person.device.public, KEY_BYTES);
    rng_fill(&play->seeded, claim.token, sizeof claim.token);
    rng_fill(&play->seeded, claim.kept, sizeof claim.kept);
    struct bytes bundle = BYTES_OF(to->person.bundles[0]);
    json_decref(recorder_take(&play->recorder));
    if (!side_begin(&from->side, &claim, bundle, play->now_ms * MILLISECOND, &play->rng))
        die("the session", "cannot be started");
    return json_pack(
        "{sssssosIsIsos[oo]sososo}", "initiator", names[0], "recipient", names[1], "bundle",
        recorded_hex(bundle), "rank", (json_int_t)play->now_ms, "began", (json_int_t)play->now_ms,
        "token", recorded_hex(BYTES_OF(claim.token)), "kept", recorded_hex(BYTES_OF(claim.kept[0])),
        recorded_hex(BYTES_OF(claim.kept[1])), "message",
        recorded_hex((struct bytes){ from->side.start, from->side.start_size }), "draws",
        recorder_take(&play->recorder), "id", recorded_hex(BYTES_OF(from->side.secrets.id)));
}

/* --- what is said ----------------------------------------------------------------------------- */

static void put_item(struct cursor *out, uint8_t kind, struct bytes bytes)
{
    cursor_put_u8(out, kind);
    cursor_put_u16_bytes(out, bytes);
}

static void put_acknowledgement(struct cursor *out, struct writer *writer)
{
    cursor_put_u8(out, 2);
    cursor_put_u16(out, (uint16_t)(14 * writer->owed_count));
    for (size_t i = 0; i < writer->owed_count; i++) {
        cursor_put(out, writer->owed[i].chain, CHAIN_ID_BYTES);
        cursor_put_u32(out, writer->owed[i].number);
        cursor_put_u16(out, 1);
    }
    writer->owed_count = 0;
}

static void put_message(struct cursor *out, struct writer *writer, uint64_t now_ms,
                        size_t text_size)
{
    static uint8_t memory[MESSAGE_HEAD + TEXT_MAX], text[TEXT_MAX];
    struct cursor at = cursor_into(memory, sizeof memory);
    bool first = writer->height == 0;
    memset(text, 'a' + (int)(writer->height % 26), text_size);
    cursor_put_u8(&at, 1);
    cursor_put_u8(&at, 1);
    cursor_put(&at, writer->conversation, HASH_BYTES);
    cursor_put_u64(&at, ++writer->height);
    cursor_put_u64(&at, now_ms);
    cursor_put_u8(&at, first ? 0 : 1);
    cursor_put(&at, writer->parent, first ? 0 : HASH_BYTES);
    cursor_put_u32_bytes(&at, (struct bytes){ text, text_size });
    struct bytes parts[] = { BYTES_OF(writer->person.account.public), cursor_written(&at) };
    hash_parts(writer->parent, HASH_BYTES, (struct bytes){ 0 }, "ramage/chat/message/v1", parts, 2);
    put_item(out, 1, cursor_written(&at));
}

/* Heads, pair, items: what the next cell holds, without the zeros. Is there a message in it? */
static bool put_content(struct cursor *out, struct play *play, struct writer *writer)
{
    static const size_t big[] = { 3000, 12000, TEXT_MAX, 20000 };
    const struct writer *other = &play->writers[writer == &play->writers[0]];
    uint8_t id[8] = { 0 }, tombstone[HASH_BYTES];
    if (writer->side.heard)
        pair_id(id, writer->side.secrets.pair);
    list_head_write(out, &writer->person.head);
    list_head_write(out, &other->person.head);
    cursor_put(out, id, sizeof id);
    if (writer->owed_count > 0)
        put_acknowledgement(out, writer);
    size_t text = play->texts++, size = 1 + rng_below(&play->dice, 400);
    if (text % 37 != 20 && rng_below(&play->dice, 10) == 0) {
        if (rng_below(&play->dice, 2) == 0) {
            rng_fill(&play->dice, tombstone, sizeof tombstone);
            put_item(out, 3, BYTES_OF(tombstone));
        }
        return false;
    }
    put_message(out, writer, play->now_ms, text % 37 == 20 ? big[text / 37 % COUNT(big)] : size);
    return true;
}

/* The smallest class holds no messages and no starts. */
static size_t cell_class(size_t bytes, bool small)
{
    size_t size = small ? 1024 : 4096;
    while (size < bytes)
        size *= 4;
    assert(size <= CELL_MAX_BYTES);
    return size;
}

static void send(struct play *play, size_t by)
{
    static uint8_t content[CELL_MAX_BYTES], cell[CELL_MAX_BYTES];
    struct writer *writer = &play->writers[by];
    struct cursor text = cursor_into(content, sizeof content), out = cursor_into(cell, sizeof cell);
    struct ratchet_step step;
    play->now_ms += 1 + rng_below(&play->dice, 90000);
    memset(content, 0, sizeof content);
    bool says = put_content(&text, play, writer);
    json_decref(recorder_take(&play->recorder));
    if (ratchet_step(writer->side.ratchet, play->now_ms * MILLISECOND, &play->rng, &step) !=
        FAULT_NONE)
        die("a step", "cannot be made");
    side_prefix(&writer->side, &out);
    size_t rest = out.at + step.header_size + RATCHET_BODY_EXTRA_BYTES;
    size_t size = cell_class(rest + text.at, out.at == 0 && !says);
    ratchet_seal(cell + out.at, writer->side.secrets.id, &step,
                 (struct bytes){ content, size - rest }, &play->rng);
    assert(writer->flying_count < FLYING_MAX);
    writer->flying[writer->flying_count++] = json_array_size(play->steps);
    json_array_append_new(play->steps, json_pack("{sssssIsosososI}", "do", "send", "by", names[by],
                                                 "now", (json_int_t)play->now_ms, "draws",
                                                 recorder_take(&play->recorder), "cell",
                                                 recorded_hex((struct bytes){ cell, size }),
                                                 "content", recorded_hex(cursor_written(&text)),
                                                 "content_size", (json_int_t)(size - rest)));
}

/* --- what arrives ----------------------------------------------------------------------------- */

/* `flip` 0: as it was sent. */
static void receive(struct play *play, size_t by, size_t step, size_t at, int flip)
{
    static uint8_t content[CELL_MAX_BYTES];
    struct writer *writer = &play->writers[by];
    struct bytes cell = recorded_member(json_array_get(play->steps, step), "cell");
    struct ratchet_opened opened;
    json_t *event = json_pack("{sssssIsI}", "do", "receive", "by", names[by], "now",
                              (json_int_t)play->now_ms, "step", (json_int_t)step);
    if (flip != 0)
        json_object_set_new(event, "alter", json_pack("[Ii]", (json_int_t)(at % cell.size), flip));
    recorded_alter((uint8_t *)cell.data, cell.size, event);
    const char *gives =
        side_open(&writer->side, play->now_ms * MILLISECOND, cell, content, &opened);
    if (strcmp(gives, "content") == 0 && writer->owed_count < OWED_MAX)
        writer->owed[writer->owed_count++] = opened;
    json_object_set_new(event, "gives", json_string(gives));
    json_array_append_new(play->steps, event);
    recorded_free(cell);
}

/* The oldest few may overtake each other; one in ten is lost, comes twice, or is altered before. */
static void arrive(struct play *play, size_t by)
{
    struct writer *from = &play->writers[1 - by];
    size_t at = rng_below(&play->dice, from->flying_count < 5 ? from->flying_count : 5);
    size_t step = from->flying[at];
    from->flying_count--;
    memmove(from->flying + at, from->flying + at + 1,
            (from->flying_count - at) * sizeof from->flying[0]);
    if (rng_below(&play->dice, 10) == 0)
        return;
    if (rng_below(&play->dice, 10) == 0) {
        size_t place = rng_below(&play->dice, CELL_MAX_BYTES);
        receive(play, by, step, place, 1 << rng_below(&play->dice, 8));
    }
    receive(play, by, step, 0, 0);
    if (rng_below(&play->dice, 10) == 0)
        receive(play, by, step, 0, 0);
}

static void play_turns(struct play *play)
{
    for (size_t turn = 0; turn < TURNS; turn++) {
        size_t by = turn % 2;
        struct writer *from = &play->writers[by];
        for (uint64_t left = 1 + rng_below(&play->dice, BURST_MAX); left > 0; left--)
            if (from->side.ratchet != NULL && ratchet_can_step(from->side.ratchet))
                send(play, by);
        while (from->flying_count > 6 || (from->flying_count > 0 && rng_below(&play->dice, 3) > 0))
            arrive(play, 1 - by);
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

static void name_conversation(struct play *play)
{
    const uint8_t *a = play->writers[0].person.account.public;
    const uint8_t *b = play->writers[1].person.account.public;
    bool swapped = memcmp(a, b, KEY_BYTES) > 0;
    struct bytes parts[] = { { swapped ? b : a, KEY_BYTES }, { swapped ? a : b, KEY_BYTES } };
    for (size_t i = 0; i < 2; i++)
        hash_parts(play->writers[i].conversation, HASH_BYTES, (struct bytes){ 0 },
                   "ramage/chat/pair/v1", parts, 2);
}

json_t *exchange_write(void)
{
    static struct play play;
    static const uint8_t no_psk[32];
    json_t *people = json_object(), *links = json_array();
    play.seeded = rng_from_seed(&play.memory, SEED);
    play.dice = rng_from_seed(&play.dice_memory, SEED + 1);
    play.rng = recorder_start(&play.recorder, &play.seeded);
    play.now_ms = BEGAN_MS;
    play.steps = json_array();
    for (size_t i = 0; i < 2; i++) {
        struct writer *writer = &play.writers[i];
        json_object_set_new(people, names[i], make_person(&writer->person, i, &play.seeded));
        writer->side.us = &writer->person;
        writer->side.them = &play.writers[1 - i].person;
    }
    name_conversation(&play);
    json_t *session = make_session(&play);
    const uint8_t *psk = play.writers[0].side.secrets.psk;
    json_array_append_new(links, make_link(&play, LINK_ROLE_DOOR, 1, no_psk));
    json_array_append_new(links, make_link(&play, LINK_ROLE_CONTACT, 0, no_psk));
    json_array_append_new(links, make_link(&play, LINK_ROLE_CONTACT, 1, psk));
    play_turns(&play);
    for (size_t i = 0; i < 2; i++)
        ratchet_destroy(play.writers[i].side.ratchet);
    json_decref(recorder_take(&play.recorder));
    json_decref(play.recorder.draws);
    return json_pack("{sssssosososo}", "format", EXCHANGE_FORMAT, "made_by", "tests/exchange.c",
                     "people", people, "session", session, "links", links, "steps", play.steps);
}
