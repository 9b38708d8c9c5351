/* Session start and ratchet against what the second reader (tests/reader) computed: the same bytes
   where the luck is given, and no more is opened than it opens. */
#include "tests/recorded.h"
#include "tests/vectors.h"

#include <stdio.h>
#include <string.h>

/* --- session start ---------------------------------------------------------------------------- */

struct start_case {
    struct dh_pair ours, theirs; /* the initiator's, the recipient's */
    struct bundle_secrets secrets;
    struct bundle bundle;
    struct bytes wire, list, message;
    struct start_claim claim;
};

static struct list_head head_of(const json_t *vector, const char *name)
{
    uint8_t wire[LIST_HEAD_BYTES];
    struct list_head head = { 0 };
    struct cursor in = cursor_over(BYTES_OF(wire));
    recorded_take(wire, sizeof wire, vector, name);
    if (!list_head_read(&in, &head))
        die(name, "is no head");
    return head;
}

static void claim_load(struct start_claim *claim, const json_t *vector, struct bytes list)
{
    const json_t *kept = json_object_get(vector, "kept");
    *claim = (struct start_claim){ .rank = recorded_number(vector, "rank"),
                                   .theirs = head_of(vector, "their_head"),
                                   .list = list };
    recorded_take(claim->account, KEY_BYTES, vector, "account");
    recorded_take(claim->device, KEY_BYTES, vector, "device");
    recorded_take(claim->token, START_TOKEN_BYTES, vector, "token");
    for (; claim->kept_count < json_array_size(kept); claim->kept_count++) {
        struct bytes id = recorded_new(json_array_get(kept, claim->kept_count));
        memcpy(claim->kept[claim->kept_count], id.data, SESSION_ID_BYTES);
        recorded_free(id);
    }
}

static void start_load(struct start_case *out, const json_t *vector)
{
    uint8_t secret[KEY_BYTES], seed[MLKEM_SEED_BYTES];
    recorded_take(secret, sizeof secret, vector, "initiator_dh");
    dh_pair_from_secret(&out->ours, secret);
    recorded_take(secret, sizeof secret, vector, "recipient_dh");
    dh_pair_from_secret(&out->theirs, secret);
    recorded_take(secret, sizeof secret, vector, "bundle_dh");
    dh_pair_from_secret(&out->secrets.dh, secret);
    recorded_take(seed, sizeof seed, vector, "bundle_kem_seed");
    mlkem_pair_from_seed(&out->secrets.kem, seed);
    out->wire = recorded_member(vector, "bundle");
    out->list = recorded_member(vector, "list");
    out->message = recorded_member(vector, "message");
    claim_load(&out->claim, vector, out->list);
}

static void start_free(struct start_case *one)
{
    recorded_free(one->wire);
    recorded_free(one->list);
    recorded_free(one->message);
}

static bool secrets_fit(const struct session_secrets *secrets, const json_t *vector)
{
    uint8_t psk[PSK_ID_BYTES], pair[8];
    psk_id(psk, secrets->psk);
    pair_id(pair, secrets->pair);
    return recorded_is(vector, "id", secrets->id, sizeof secrets->id) &&
           recorded_is(vector, "root", secrets->root, 32) &&
           recorded_is(vector, "header_initiator", secrets->header_initiator, 32) &&
           recorded_is(vector, "next_header_recipient", secrets->next_header_recipient, 32) &&
           recorded_is(vector, "exporter", secrets->exporter, 32) &&
           recorded_is(vector, "psk", secrets->psk, 32) &&
           recorded_is(vector, "pair", secrets->pair, 32) &&
           recorded_is(vector, "psk_id", psk, sizeof psk) &&
           recorded_is(vector, "pair_id", pair, sizeof pair);
}

static bool start_writes(const struct start_case *one, const json_t *vector)
{
    uint8_t out[START_LARGE_BYTES];
    size_t size;
    struct session_secrets secrets;
    struct luck luck;
    struct rng rng = luck_from(&luck, json_object_get(vector, "draws"));
    return start_write(out, &size, &secrets, &one->claim, &one->ours, one->theirs.public, one->wire,
                       &rng) == FAULT_NONE &&
           luck_fitted(&luck) && bytes_equal((struct bytes){ out, size }, one->message) &&
           secrets_fit(&secrets, vector);
}

static enum fault read_message(const struct start_case *one, struct bytes message,
                               struct session_secrets *secrets, struct start_claim *claim)
{
    static uint8_t memory[START_LARGE_BYTES];
    struct devices list;
    return start_read(message, memory, secrets, claim, &list, &one->theirs, &one->secrets,
                      one->wire, NULL);
}

static bool claims_equal(const struct start_claim *a, const struct start_claim *b)
{
    return memcmp(a->account, b->account, KEY_BYTES) == 0 &&
           memcmp(a->device, b->device, KEY_BYTES) == 0 && a->rank == b->rank &&
           memcmp(a->token, b->token, START_TOKEN_BYTES) == 0 &&
           list_head_equal(&a->theirs, &b->theirs) && a->kept_count == b->kept_count &&
           memcmp(a->kept, b->kept, a->kept_count * SESSION_ID_BYTES) == 0 &&
           bytes_equal(a->list, b->list);
}

static bool start_reads(const struct start_case *one, const json_t *vector)
{
    uint8_t seen[HASH_BYTES];
    struct session_secrets secrets;
    struct start_claim claim;
    start_seen_hash(seen, one->message);
    return read_message(one, one->message, &secrets, &claim) == FAULT_NONE &&
           secrets_fit(&secrets, vector) && claims_equal(&claim, &one->claim) &&
           recorded_is(vector, "seen", seen, sizeof seen);
}

static bool start_refuses(const struct start_case *one, const json_t *refused)
{
    struct session_secrets secrets;
    struct start_claim claim;
    struct bytes message = recorded_member(refused, "message");
    enum fault fault = read_message(one, message, &secrets, &claim);
    recorded_free(message);
    return fault == FAULT_PEER;
}

void run_session_start(struct tally *tally, const json_t *file)
{
    const json_t *cases = json_object_get(file, "cases"),
                 *refused = json_object_get(file, "refused");
    struct start_case one;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        start_load(&one, vector);
        judge(tally, bundle_read(&one.bundle, one.wire) == FAULT_NONE && start_writes(&one, vector),
              "is written otherwise:", text_of(vector, "name"));
        judge(tally, start_reads(&one, vector), "is read otherwise:", text_of(vector, "name"));
        start_free(&one);
    }
    for (size_t i = 0; i < json_array_size(refused); i++) {
        const json_t *vector = json_array_get(refused, i);
        start_load(&one, json_array_get(cases, recorded_number(vector, "case")));
        judge(tally, start_refuses(&one, vector), "is not refused:", text_of(vector, "name"));
        start_free(&one);
    }
}

/* --- ratchet ---------------------------------------------------------------------------------- */

static bool sends(struct ratchet *ratchet, const json_t *event)
{
    struct luck luck;
    struct rng rng = luck_from(&luck, json_object_get(event, "draws"));
    struct ratchet_step step;
    uint8_t sealed[RATCHET_HEADER_MAX_BYTES + RATCHET_BODY_EXTRA_BYTES + 256];
    if (ratchet_step(ratchet, recorded_time(event, "now"), &rng, &step) != FAULT_NONE)
        return false;
    struct bytes content = recorded_member(event, "content");
    size_t size = step.header_size + content.size + RATCHET_BODY_EXTRA_BYTES;
    if (size <= sizeof sealed)
        ratchet_seal(sealed, ratchet_session(ratchet), &step, content, &rng);
    recorded_free(content);
    return size <= sizeof sealed && luck_fitted(&luck) &&
           recorded_is(event, "sealed", sealed, size) &&
           recorded_is(event, "chain", step.chain, CHAIN_ID_BYTES) &&
           recorded_number(event, "number") == step.number;
}

/* What is received stands in the event of its sending, or, when nobody should have sealed it, in
   the event itself. */
static bool receives(struct ratchet *ratchet, const json_t *events, const json_t *event)
{
    const json_t *from = json_object_get(event, "sealed") != NULL
                             ? event
                             : json_array_get(events, recorded_number(event, "event"));
    uint8_t content[RATCHET_HEADER_MAX_BYTES + RATCHET_BODY_EXTRA_BYTES + 256];
    struct ratchet_opened opened;
    struct bytes sealed = recorded_member(from, "sealed");
    if (sealed.size > sizeof content)
        die("a message", "is too long");
    recorded_alter((uint8_t *)sealed.data, sealed.size, event);
    const char *gives =
        recorded_open(ratchet, recorded_time(event, "now"), sealed, content, &opened);
    recorded_free(sealed);
    return strcmp(gives, text_of(event, "gives")) == 0 &&
           (strcmp(gives, "content") != 0 || recorded_is(from, "content", content, opened.size));
}

static void sides_make(struct ratchet *sides[2], const json_t *vector, struct luck *luck)
{
    struct session_secrets secrets = { 0 };
    struct dh_pair bundle;
    struct rng rng = luck_from(luck, json_object_get(vector, "draws"));
    uint8_t secret[KEY_BYTES];
    recorded_take(secrets.id, sizeof secrets.id, vector, "id");
    recorded_take(secrets.root, 32, vector, "root");
    recorded_take(secrets.header_initiator, 32, vector, "header_initiator");
    recorded_take(secrets.next_header_recipient, 32, vector, "next_header_recipient");
    recorded_take(secret, sizeof secret, vector, "bundle_dh");
    dh_pair_from_secret(&bundle, secret);
    sides[0] =
        ratchet_create_initiator(&secrets, bundle.public, recorded_time(vector, "began"), &rng);
    sides[1] = ratchet_create_recipient(&secrets, &bundle, recorded_time(vector, "began"));
}

/* Every event counts: a case stops at the first that goes otherwise. */
void run_session_ratchet(struct tally *tally, const json_t *file)
{
    const json_t *cases = json_object_get(file, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        const json_t *events = json_object_get(vector, "events");
        struct ratchet *sides[2];
        struct luck luck;
        sides_make(sides, vector, &luck);
        bool good = luck_fitted(&luck);
        judge(tally, good, "begins otherwise:", text_of(vector, "name"));
        for (size_t j = 0; good && j < json_array_size(events); j++) {
            const json_t *event = json_array_get(events, j);
            struct ratchet *side = sides[strcmp(text_of(event, "by"), "recipient") == 0];
            good = strcmp(text_of(event, "do"), "send") == 0 ? sends(side, event)
                                                             : receives(side, events, event);
            judge(tally, good, "an event goes otherwise:", text_of(vector, "name"));
            if (!good)
                printf("    event %zu\n", j);
        }
        ratchet_destroy(sides[0]);
        ratchet_destroy(sides[1]);
    }
}
