/* A whole exchange between two people on engine/crypto, for another implementation to follow; and
   one that another has made, followed here:  exchange write FILE | exchange read FILE
   tests/reader/README.md describes the file. */
#include "tests/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *why, const char *what)
{
    fprintf(stderr, "exchange: %s: %s\n", why, what);
    exit(2);
}

/* --- one side of a session -------------------------------------------------------------------- */

bool side_begin(struct side *side, const struct start_claim *claim, struct bytes wire, instant now,
                struct rng *rng)
{
    struct bundle bundle;
    if (bundle_read(&bundle, wire) != FAULT_NONE ||
        start_write(side->start, &side->start_size, &side->secrets, claim, &side->us->dh,
                    side->them->dh.public, wire, rng) != FAULT_NONE)
        return false;
    memcpy(side->bundle, bundle.id, sizeof bundle.id);
    side->initiator = true;
    side->ratchet = ratchet_create_initiator(&side->secrets, bundle.dh, now, rng);
    return true;
}

void side_prefix(const struct side *side, struct cursor *out)
{
    if (!side->initiator || side->heard)
        return;
    cursor_put_u8(out, 2);
    cursor_put(out, side->bundle, sizeof side->bundle);
    cursor_put_u16_bytes(out, (struct bytes){ side->start, side->start_size });
}

static bool accept(struct side *side, instant now, size_t bundle, struct bytes start)
{
    static uint8_t memory[START_LARGE_BYTES];
    struct start_claim claim;
    struct devices list;
    const struct bundle_secrets *secrets = &side->us->secrets[bundle];
    if (start_read(start, memory, &side->secrets, &claim, &list, &side->us->dh, secrets,
                   BYTES_OF(side->us->bundles[bundle]), NULL) != FAULT_NONE ||
        memcmp(claim.account, side->them->account.public, KEY_BYTES) != 0 ||
        memcmp(claim.device, side->them->device.public, KEY_BYTES) != 0)
        return false;
    memcpy(side->start, start.data, start.size);
    side->start_size = start.size;
    side->ratchet = ratchet_create_recipient(&side->secrets, &secrets->dh, now);
    return true;
}

/* Takes a start cell for one of our bundles apart; anything else is a ratchet cell. */
static bool split(const struct side *side, struct bytes cell, size_t *bundle, struct bytes *start,
                  struct bytes *sealed)
{
    struct cursor in = cursor_over(cell);
    uint8_t version, id[BUNDLE_ID_BYTES];
    if (!cursor_take_u8(&in, &version) || version != 2 || !cursor_take(&in, id, sizeof id) ||
        !cursor_view_u16(&in, START_LARGE_BYTES, start) ||
        !cursor_view(&in, cursor_left(&in), sealed))
        return false;
    for (*bundle = 0; *bundle < EXCHANGE_BUNDLES; ++*bundle) {
        struct bundle ours;
        if (bundle_read(&ours, BYTES_OF(side->us->bundles[*bundle])) == FAULT_NONE &&
            memcmp(ours.id, id, sizeof id) == 0)
            return start->size == START_SMALL_BYTES || start->size == START_LARGE_BYTES;
    }
    return false;
}

const char *side_open(struct side *side, instant now, struct bytes cell, uint8_t *content,
                      struct ratchet_opened *opened)
{
    struct bytes start, sealed = cell;
    size_t bundle;
    bool starts = split(side, cell, &bundle, &start, &sealed);
    if (!starts)
        sealed = cell;
    if (side->ratchet == NULL && (!starts || !accept(side, now, bundle, start)))
        return "refused";
    if (starts && !bytes_equal(start, (struct bytes){ side->start, side->start_size }))
        return "refused"; /* another session's: one is all that is played here */
    const char *gives = recorded_open(side->ratchet, now, sealed, content, opened);
    side->heard |= strcmp(gives, "content") == 0;
    return gives;
}

/* --- link ------------------------------------------------------------------------------------- */

static void link_prologue(uint8_t out[LINK_PROLOGUE_BYTES], const struct link_call *link)
{
    struct cursor at = cursor_into(out, LINK_PROLOGUE_BYTES);
    uint8_t hash[HASH_BYTES] = { 0 };
    if (link->role == LINK_ROLE_CONTACT)
        certificate_hash(hash, BYTES_OF(link->called->certificate));
    cursor_put_u8(&at, 14);
    cursor_put_bytes(&at, bytes_of_text("ramage/link/v2"));
    cursor_put_u32(&at, 0x524d4702);
    cursor_put_u8(&at, LINK_FIRST_ID_BYTES);
    cursor_put(&at, link->first_id, LINK_FIRST_ID_BYTES);
    cursor_put_u8(&at, (uint8_t)link->role);
    cursor_put(&at, hash, sizeof hash);
}

struct noise *link_noise(bool calls, const struct link_call *link, struct rng *rng)
{
    uint8_t prologue[LINK_PROLOGUE_BYTES];
    const struct dh_pair *answers =
        link->role == LINK_ROLE_DOOR ? &link->called->door : &link->called->link;
    struct noise_keys keys = { .ours = calls ? &link->caller->link : answers };
    if (calls)
        keys.theirs = answers->public;
    link_prologue(prologue, link);
    struct noise *noise = noise_create(noise_pattern(LINK_PROTOCOL), &kdf_blake2b, calls,
                                       BYTES_OF(prologue), &keys, rng);
    noise_set_psk(noise, 0, link->psk);
    return noise;
}

void link_proof_text(uint8_t out[PROOF_BYTES], const struct noise *noise, uint64_t stamp,
                     const uint8_t certificate[CERTIFICATE_BYTES])
{
    struct cursor at = cursor_into(out, PROOF_BYTES);
    cursor_put_bytes(&at, noise_handshake_hash(noise));
    cursor_put_u64(&at, stamp);
    cursor_put(&at, certificate, CERTIFICATE_BYTES);
}

json_t *link_secrets(const struct noise *noise)
{
    static const struct {
        const char *name, *label;
        int key;
    } rows[LINK_SECRETS] = {
        { "handshake_call", "ramage/link/handshake call/v1", 2 },
        { "handshake_answer", "ramage/link/handshake answer/v1", 2 },
        { "transport_call", "ramage/link/transport/v1", 0 },
        { "transport_answer", "ramage/link/transport/v1", 1 },
        { "announce_call", "ramage/link/announce call/v1", 2 },
        { "announce_answer", "ramage/link/announce answer/v1", 2 },
    };
    uint8_t keys[3][32], secret[32];
    struct bytes hash = noise_handshake_hash(noise);
    json_t *out = json_object();
    noise_split(noise, 3, keys);
    for (size_t i = 0; i < COUNT(rows); i++) {
        hash_parts(secret, sizeof secret, BYTES_OF(keys[rows[i].key]), rows[i].label, &hash, 1);
        json_object_set_new(out, rows[i].name, recorded_hex(BYTES_OF(secret)));
    }
    return out;
}

int main(int count, char **arguments)
{
    json_error_t error;
    if (count != 3)
        die("usage", "exchange write FILE | exchange read FILE");
    if (!crypto_start())
        die("libsodium", "cannot be used");
    if (strcmp(arguments[1], "write") == 0) {
        json_t *written = exchange_write();
        if (json_dump_file(written, arguments[2], JSON_INDENT(1)) != 0)
            die(arguments[2], "cannot be written");
        json_decref(written);
        return 0;
    }
    json_t *exchange = json_load_file(arguments[2], JSON_REJECT_DUPLICATES, &error);
    if (exchange == NULL)
        die(arguments[2], error.text);
    bool good = exchange_read(exchange);
    json_decref(exchange);
    return good ? 0 : 1;
}
