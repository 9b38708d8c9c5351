/* An exchange that another implementation has made: what it opened we open, what it refused we
   refuse, and of what its people sent we make the same bytes from their state and their luck. */
#include "tests/exchange.h"

#include <stdio.h>
#include <string.h>

static bool differs(const char *what, size_t number)
{
    printf("%s %zu differs\n", what, number);
    return false;
}

/* --- people ----------------------------------------------------------------------------------- */

/* Every list that the record shows, each of which must follow the one before. */
static bool read_lists(struct person *person, struct bytes lists)
{
    struct cursor in = cursor_over(lists);
    struct bytes wire;
    struct devices devices;
    person->head = (struct list_head){ 0 };
    while (cursor_left(&in) > 0) {
        if (!cursor_view_u16(&in, DEVICES_MAX_BYTES, &wire) ||
            devices_read(&devices, wire) != FAULT_NONE ||
            devices_step(&person->head, &devices, wire) != DEVICES_FOLLOWS)
            return false;
        devices_head(&person->head, &devices, wire);
        memcpy(person->list, wire.data, wire.size);
        person->list_size = wire.size;
    }
    const struct device_entry *entry = devices_find(&devices, person->device.public);
    return person->head.counter > 0 && entry != NULL &&
           memcmp(entry->dh, person->dh.public, KEY_BYTES) == 0;
}

static bool read_record(struct person *person, struct bytes record)
{
    struct cursor in = cursor_over(record);
    struct certificate certificate;
    struct bundle bundle;
    struct bytes lists, last_resort, one_time;
    uint8_t version, count;
    return cursor_take_u8(&in, &version) && version == 2 &&
           cursor_take(&in, person->certificate, CERTIFICATE_BYTES) &&
           cursor_view_u16(&in, RECORD_LISTS_MAX, &lists) &&
           cursor_view(&in, BUNDLE_BYTES, &last_resort) && cursor_take_u8(&in, &count) &&
           count == 1 && cursor_view(&in, BUNDLE_BYTES, &one_time) && cursor_done(&in) &&
           certificate_read(&certificate, BYTES_OF(person->certificate)) == FAULT_NONE &&
           memcmp(certificate.link, person->link.public, KEY_BYTES) == 0 &&
           bundle_read(&bundle, last_resort) == FAULT_NONE && bundle.kind == BUNDLE_LAST_RESORT &&
           bundle_read(&bundle, one_time) == FAULT_NONE && bundle.kind == BUNDLE_ONE_TIME &&
           read_lists(person, lists);
}

static bool read_person(struct person *person, const json_t *both)
{
    const json_t *secret = json_object_get(both, "secret");
    const json_t *bundles = json_object_get(secret, "bundles");
    uint8_t seed[32], kem[MLKEM_SEED_BYTES];
    recorded_take(seed, sizeof seed, secret, "account_seed");
    sign_pair_from_seed(&person->account, seed);
    recorded_take(seed, sizeof seed, secret, "device_seed");
    sign_pair_from_seed(&person->device, seed);
    recorded_take(seed, sizeof seed, secret, "dh");
    dh_pair_from_secret(&person->dh, seed);
    recorded_take(seed, sizeof seed, secret, "link");
    dh_pair_from_secret(&person->link, seed);
    for (size_t i = 0; i < EXCHANGE_BUNDLES; i++) {
        const json_t *bundle = json_array_get(bundles, i);
        recorded_take(person->bundles[i], BUNDLE_BYTES, bundle, "wire");
        recorded_take(seed, sizeof seed, bundle, "dh");
        dh_pair_from_secret(&person->secrets[i].dh, seed);
        recorded_take(kem, sizeof kem, bundle, "kem_seed");
        mlkem_pair_from_seed(&person->secrets[i].kem, kem);
    }
    const json_t *public = json_object_get(both, "public");
    struct bytes record = recorded_member(public, "record");
    struct card card;
    bool good =
        read_record(person, record) && json_string_value(json_object_get(public, "card")) &&
        card_read(&card, json_string_value(json_object_get(public, "card"))) == FAULT_NONE &&
        memcmp(card.account, person->account.public, KEY_BYTES) == 0;
    if (good)
        card_door(&person->door, &card);
    recorded_free(record);
    return good;
}

/* --- link ------------------------------------------------------------------------------------- */

/* Message `number`, by the caller if it is 0: one side makes it again, the other opens it. */
static bool replay_message(const json_t *link, size_t number, struct noise *from, struct noise *to)
{
    uint8_t written[NOISE_MESSAGE_MAX_BYTES / 16], read[sizeof written];
    struct cursor out = cursor_into(written, sizeof written);
    size_t size;
    struct bytes payload = recorded_new(json_array_get(json_object_get(link, "payloads"), number));
    struct bytes message = recorded_new(json_array_get(json_object_get(link, "messages"), number));
    bool good = noise_write(from, payload, &out) == FAULT_NONE &&
                bytes_equal(cursor_written(&out), message) && message.size <= sizeof read &&
                noise_read(to, message, read, &size) == FAULT_NONE &&
                bytes_equal((struct bytes){ read, size }, payload);
    recorded_free(payload);
    recorded_free(message);
    return good;
}

/* At a door, the caller's device must have signed for this handshake; `noise` has read nothing. */
static bool proof_good(const json_t *link, const struct person *caller, const struct noise *noise)
{
    uint8_t certificate[CERTIFICATE_BYTES], proof[SIGNATURE_BYTES], text[PROOF_BYTES];
    uint64_t stamp;
    struct bytes payload = recorded_new(json_array_get(json_object_get(link, "payloads"), 0)), view;
    struct cursor in = cursor_over(payload);
    bool good = cursor_view(&in, 4 + PSK_ID_BYTES, &view) && cursor_take_u64(&in, &stamp) &&
                cursor_view(&in, 8 + 16, &view) &&
                cursor_take(&in, certificate, sizeof certificate) &&
                cursor_take(&in, proof, sizeof proof);
    if (good) {
        link_proof_text(text, noise, stamp, certificate);
        good = sign_check(proof, caller->device.public, PROOF_LABEL, BYTES_OF(text)) == FAULT_NONE;
    }
    recorded_free(payload);
    return good;
}

static bool replay_link(const json_t *record, struct link_call *link)
{
    const json_t *draws = json_object_get(record, "draws");
    struct luck luck[2];
    struct rng rng[2];
    link->role = recorded_number(record, "role") == 0 ? LINK_ROLE_CONTACT : LINK_ROLE_DOOR;
    recorded_take(link->first_id, sizeof link->first_id, record, "first_id");
    recorded_take(link->psk, sizeof link->psk, record, "psk");
    for (size_t i = 0; i < 2; i++)
        rng[i] = luck_from(&luck[i], json_array_get(draws, i));
    struct noise *call = link_noise(true, link, &rng[0]);
    struct noise *answer = link_noise(false, link, &rng[1]);
    bool good = (link->role == LINK_ROLE_CONTACT || proof_good(record, link->caller, answer)) &&
                replay_message(record, 0, call, answer) &&
                replay_message(record, 1, answer, call) && luck_fitted(&luck[0]) &&
                luck_fitted(&luck[1]);
    for (size_t i = 0; good && i < 2; i++) {
        json_t *secrets = link_secrets(i == 0 ? call : answer);
        good = json_equal(secrets, json_object_get(record, "secrets"));
        json_decref(secrets);
    }
    noise_destroy(call);
    noise_destroy(answer);
    return good;
}

/* --- session ---------------------------------------------------------------------------------- */

static bool replay_start(const json_t *session, struct side *side)
{
    struct luck luck;
    struct rng rng = luck_from(&luck, json_object_get(session, "draws"));
    const json_t *kept = json_object_get(session, "kept");
    struct start_claim claim = { .theirs = side->them->head,
                                 .rank = (uint64_t)recorded_time(session, "rank") / MILLISECOND,
                                 .kept_count = json_array_size(kept),
                                 .list = { side->us->list, side->us->list_size } };
    memcpy(claim.account, side->us->account.public, KEY_BYTES);
    memcpy(claim.device, side->us->device.public, KEY_BYTES);
    recorded_take(claim.token, sizeof claim.token, session, "token");
    for (size_t i = 0; i < claim.kept_count && i < START_KEPT_MAX; i++) {
        struct bytes one = recorded_new(json_array_get(kept, i));
        memcpy(claim.kept[i], one.data, SESSION_ID_BYTES);
        recorded_free(one);
    }
    struct bytes bundle = recorded_member(session, "bundle");
    bool good = side_begin(side, &claim, bundle, recorded_time(session, "began"), &rng) &&
                luck_fitted(&luck) &&
                recorded_is(session, "message", side->start, side->start_size) &&
                recorded_is(session, "id", side->secrets.id, SESSION_ID_BYTES);
    recorded_free(bundle);
    return good;
}

/* Content as it was sealed: the record leaves the zeros at its end out. */
static struct bytes content_of(const json_t *event, uint8_t *memory)
{
    struct bytes content = recorded_member(event, "content");
    size_t size = recorded_number(event, "content_size");
    if (size > CELL_MAX_BYTES || content.size > size)
        die("a content", "is too long");
    memset(memory, 0, size);
    memcpy(memory, content.data, content.size);
    recorded_free(content);
    return (struct bytes){ memory, size };
}

static bool replay_send(const json_t *event, struct side *side)
{
    static uint8_t content[CELL_MAX_BYTES], cell[2 * CELL_MAX_BYTES];
    struct luck luck;
    struct rng rng = luck_from(&luck, json_object_get(event, "draws"));
    struct cursor out = cursor_into(cell, sizeof cell);
    struct ratchet_step step;
    struct bytes text = content_of(event, content);
    if (side->ratchet == NULL ||
        ratchet_step(side->ratchet, recorded_time(event, "now"), &rng, &step) != FAULT_NONE)
        return false;
    side_prefix(side, &out);
    size_t size = out.at + step.header_size + text.size + RATCHET_BODY_EXTRA_BYTES;
    ratchet_seal(cell + out.at, side->secrets.id, &step, text, &rng);
    return luck_fitted(&luck) && recorded_is(event, "cell", cell, size);
}

static bool replay_receive(const json_t *steps, const json_t *event, struct side *side)
{
    static uint8_t content[CELL_MAX_BYTES], expected[CELL_MAX_BYTES];
    const json_t *sent = json_array_get(steps, recorded_number(event, "step"));
    struct bytes cell = recorded_member(sent, "cell");
    struct ratchet_opened opened;
    recorded_alter((uint8_t *)cell.data, cell.size, event);
    const char *gives = side_open(side, recorded_time(event, "now"), cell, content, &opened);
    const char *should = json_string_value(json_object_get(event, "gives"));
    recorded_free(cell);
    return should != NULL && strcmp(gives, should) == 0 &&
           (strcmp(gives, "content") != 0 ||
            bytes_equal((struct bytes){ content, opened.size }, content_of(sent, expected)));
}

static bool replay_steps(const json_t *steps, const json_t *session, struct side sides[2],
                         const char *const names[2])
{
    size_t opened = 0, refused = 0;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *event = json_array_get(steps, i);
        const char *by = json_string_value(json_object_get(event, "by"));
        const char *gives = json_string_value(json_object_get(event, "gives"));
        struct side *side = &sides[strcmp(by, names[0]) != 0];
        if (!(gives == NULL ? replay_send(event, side) : replay_receive(steps, event, side)))
            return differs("step", i);
        opened += gives != NULL && strcmp(gives, "content") == 0;
        refused += gives != NULL && strcmp(gives, "refused") == 0;
    }
    printf("%zu steps, %zu cells opened, %zu refused\n", json_array_size(steps), opened, refused);
    for (size_t i = 0; i < 2; i++)
        if (!recorded_is(session, "id", sides[i].secrets.id, SESSION_ID_BYTES))
            return differs("session of side", i);
    return opened > 0;
}

bool exchange_read(const json_t *exchange)
{
    static const char *const names[2] = { "alice", "bob" };
    static struct person people[2];
    const json_t *session = json_object_get(exchange, "session");
    const json_t *links = json_object_get(exchange, "links");
    struct side sides[2] = { { .us = &people[0], .them = &people[1] },
                             { .us = &people[1], .them = &people[0] } };
    const char *format = json_string_value(json_object_get(exchange, "format"));
    if (format == NULL || strcmp(format, EXCHANGE_FORMAT) != 0)
        die("format", "is unknown");
    for (size_t i = 0; i < 2; i++)
        if (!read_person(&people[i],
                         json_object_get(json_object_get(exchange, "people"), names[i])))
            return differs("person", i);
    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        size_t caller = strcmp(json_string_value(json_object_get(link, "caller")), "alice") != 0;
        struct link_call call = { .caller = &people[caller], .called = &people[1 - caller] };
        if (!replay_link(link, &call))
            return differs("link", i);
    }
    const char *initiator = json_string_value(json_object_get(session, "initiator"));
    bool good = replay_start(session, &sides[strcmp(initiator, names[0]) != 0])
                    ? replay_steps(json_object_get(exchange, "steps"), session, sides, names)
                    : differs("session", 0);
    ratchet_destroy(sides[0].ratchet);
    ratchet_destroy(sides[1].ratchet);
    return good;
}
