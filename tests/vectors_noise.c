/* The Noise engine against cacophony's vectors: every message, every hash, byte for byte. */
#include "engine/crypto/aead.h"
#include "engine/crypto/noise.h"
#include "tests/blake2s.h"
#include "tests/vectors.h"

#include <stdio.h>
#include <string.h>

static void digest_blake2s(uint8_t *out, const struct bytes *parts, size_t count)
{
    blake2s(out, parts, count);
}

static const struct kdf_hash kdf_blake2s = { "BLAKE2s", 32, 64, digest_blake2s };

static const struct kdf_hash *hash_named(const char *name)
{
    const struct kdf_hash *const all[] = { &kdf_blake2b, &kdf_blake2s, &kdf_sha256, &kdf_sha512 };
    for (size_t i = 0; i < COUNT(all); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

struct party {
    struct dh_pair s, e;
    struct field theirs;
    struct noise_keys keys;
    struct noise *noise;
    uint8_t split[2][32];
};

static void load_pair(struct dh_pair *pair, const struct dh_pair **slot, const json_t *vector,
                      const char *name)
{
    struct field field;
    if (hex_of(&field, vector, name).size != KEY_BYTES)
        return;
    dh_pair_from_secret(pair, field.data);
    *slot = pair;
}

static void party_start(struct party *party, const json_t *vector, bool initiator,
                        const struct noise_pattern *pattern, const struct kdf_hash *hash)
{
    struct field prologue;
    const char *mine[] = { initiator ? "init_static" : "resp_static",
                           initiator ? "init_ephemeral" : "resp_ephemeral",
                           initiator ? "init_remote_static" : "resp_remote_static",
                           initiator ? "init_prologue" : "resp_prologue",
                           initiator ? "init_psks" : "resp_psks" };
    memset(party, 0, sizeof *party);
    load_pair(&party->s, &party->keys.ours, vector, mine[0]);
    load_pair(&party->e, &party->keys.ephemeral, vector, mine[1]);
    if (hex_of(&party->theirs, vector, mine[2]).size == KEY_BYTES)
        party->keys.theirs = party->theirs.data;
    party->noise = noise_create(pattern, hash, initiator, hex_of(&prologue, vector, mine[3]),
                                &party->keys, NULL);
    const json_t *psks = json_object_get(vector, mine[4]);
    for (size_t i = 0; i < json_array_size(psks); i++) {
        struct field key;
        if (unhexed(&key, json_string_value(json_array_get(psks, i))).size == NOISE_PSK_BYTES)
            noise_set_psk(party->noise, i, key.data);
    }
}

static bool handshake_step(struct party *from, struct party *to, struct bytes payload,
                           struct bytes wire)
{
    static uint8_t written[FIELD_MAX_BYTES], read[FIELD_MAX_BYTES];
    struct cursor out = cursor_into(written, sizeof written);
    size_t size;
    return noise_write(from->noise, payload, &out) == FAULT_NONE &&
           bytes_equal(cursor_written(&out), wire) &&
           noise_read(to->noise, wire, read, &size) == FAULT_NONE &&
           bytes_equal((struct bytes){ read, size }, payload);
}

/* One-way patterns keep sending with the first key; others take turns. */
static bool transport_step(const struct party *party, bool from_initiator, uint64_t number,
                           struct bytes payload, struct bytes wire)
{
    static uint8_t sealed[FIELD_MAX_BYTES];
    uint8_t nonce[AEAD_NONCE_BYTES] = { [4] = (uint8_t)number };
    aead_seal_once(sealed, party->split[from_initiator ? 0 : 1], nonce, payload,
                   (struct bytes){ 0 });
    return bytes_equal((struct bytes){ sealed, payload.size + AEAD_TAG_BYTES }, wire);
}

static bool run_noise_messages(struct party *party, const json_t *vector, size_t handshakes)
{
    const json_t *messages = json_object_get(vector, "messages");
    size_t count = json_array_size(messages);
    uint64_t numbers[2] = { 0, 0 };
    for (size_t i = 0; i < count; i++) {
        const json_t *message = json_array_get(messages, i);
        struct field payload, wire;
        struct bytes text = hex_of(&payload, message, "payload");
        struct bytes sealed = hex_of(&wire, message, "ciphertext");
        bool by_initiator = handshakes == 1 || i % 2 == 0;
        if (i < handshakes) {
            if (!handshake_step(&party[i % 2], &party[1 - i % 2], text, sealed))
                return false;
            continue;
        }
        if (i == handshakes) {
            noise_split(party[0].noise, 2, party[0].split);
            noise_split(party[1].noise, 2, party[1].split);
        }
        if (memcmp(party[0].split, party[1].split, sizeof party[0].split) != 0 ||
            !transport_step(&party[0], by_initiator, numbers[!by_initiator]++, text, sealed))
            return false;
    }
    return count > handshakes;
}

static void run_noise_vector(struct tally *tally, const json_t *vector)
{
    static struct party party[2];
    char name[96];
    snprintf(name, sizeof name, "%s", text_of(vector, "protocol_name"));
    char *pattern_name = name + strlen("Noise_"), *end = strstr(name, "_25519_ChaChaPoly_");
    if (end == NULL)
        die(name, "is not a protocol of ours");
    *end = '\0';
    const struct kdf_hash *hash = hash_named(end + strlen("_25519_ChaChaPoly_"));
    const struct noise_pattern *pattern = noise_pattern(pattern_name);
    if (pattern == NULL || hash == NULL) {
        judge(tally, false, "unknown protocol", text_of(vector, "protocol_name"));
        return;
    }
    party_start(&party[0], vector, true, pattern, hash);
    party_start(&party[1], vector, false, pattern, hash);
    bool good = run_noise_messages(party, vector, noise_pattern_messages(pattern));
    struct field expected;
    if (hex_of(&expected, vector, "handshake_hash").size > 0)
        good = good && bytes_equal(noise_handshake_hash(party[0].noise), VIEW(expected)) &&
               bytes_equal(noise_handshake_hash(party[1].noise), VIEW(expected));
    noise_destroy(party[0].noise);
    noise_destroy(party[1].noise);
    judge(tally, good, "differs", text_of(vector, "protocol_name"));
}

void run_noise(struct tally *tally, const json_t *file)
{
    const json_t *vectors = json_object_get(file, "vectors");
    for (size_t i = 0; i < json_array_size(vectors); i++)
        run_noise_vector(tally, json_array_get(vectors, i));
}
