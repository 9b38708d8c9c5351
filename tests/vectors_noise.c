/* The Noise engine against vectors of classical and hybrid patterns: every message, every hash,
   byte for byte. */
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
    struct field theirs, kem_luck;
    uint8_t kem_seed[MLKEM_SEED_BYTES];
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

/* Of the hybrid vectors: what the initiator's KEM key and the responder's ciphertext are made of.
 */
static void load_kem(struct party *party, const json_t *vector)
{
    struct field d, z;
    if (hex_of(&d, vector, "init_kem_d").size == 32 &&
        hex_of(&z, vector, "init_kem_z").size == 32) {
        memcpy(party->kem_seed, d.data, 32);
        memcpy(party->kem_seed + 32, z.data, 32);
        party->keys.kem_seed = party->kem_seed;
    }
    if (hex_of(&party->kem_luck, vector, "resp_kem_m").size == 32)
        party->keys.kem_luck = party->kem_luck.data;
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
    load_kem(party, vector);
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

static bool run_handshake(struct party *party, const json_t *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *message = json_array_get(messages, i);
        struct field payload, wire;
        if (!handshake_step(&party[i % 2], &party[1 - i % 2], hex_of(&payload, message, "payload"),
                            hex_of(&wire, message, "ciphertext")))
            return false;
    }
    noise_split(party[0].noise, 2, party[0].split);
    noise_split(party[1].noise, 2, party[1].split);
    return memcmp(party[0].split, party[1].split, sizeof party[0].split) == 0;
}

static bool run_noise_messages(struct party *party, const json_t *vector, size_t handshakes)
{
    const json_t *messages = json_object_get(vector, "messages");
    uint64_t numbers[2] = { 0, 0 };
    if (json_array_size(messages) < handshakes || !run_handshake(party, messages, handshakes))
        return false;
    for (size_t i = handshakes; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        struct field payload, wire;
        bool by_initiator = handshakes == 1 || i % 2 == 0;
        if (!transport_step(&party[0], by_initiator, numbers[!by_initiator]++,
                            hex_of(&payload, message, "payload"),
                            hex_of(&wire, message, "ciphertext")))
            return false;
    }
    return true;
}

/* The protocol is Noise_PATTERN_25519_ChaChaPoly_HASH, or has 25519+MLKEM768; false: not of ours.
 */
static bool read_protocol(const char *name, const struct noise_pattern **pattern,
                          const struct kdf_hash **hash)
{
    char pattern_name[24], curve[24], hash_name[16];
    if (sscanf(name, "Noise_%23[^_]_%23[^_]_ChaChaPoly_%15s", pattern_name, curve, hash_name) != 3)
        return false;
    *pattern = noise_pattern(pattern_name);
    *hash = hash_named(hash_name);
    bool hybrid = strstr(pattern_name, "hfs") != NULL;
    return *pattern != NULL && *hash != NULL &&
           strcmp(curve, hybrid ? "25519+MLKEM768" : "25519") == 0;
}

/* What the vector says of the end, if it does. */
static bool ends_as_told(const struct party *party, const json_t *vector)
{
    struct field hash, k1, k2;
    struct bytes expected = hex_of(&hash, vector, "handshake_hash");
    struct bytes first = hex_of(&k1, vector, "split_k1"), second = hex_of(&k2, vector, "split_k2");
    return (expected.size == 0 || (bytes_equal(noise_handshake_hash(party[0].noise), expected) &&
                                   bytes_equal(noise_handshake_hash(party[1].noise), expected))) &&
           (first.size == 0 || bytes_equal(BYTES_OF(party[0].split[0]), first)) &&
           (second.size == 0 || bytes_equal(BYTES_OF(party[0].split[1]), second));
}

static void run_noise_vector(struct tally *tally, const json_t *vector)
{
    static struct party party[2];
    const struct noise_pattern *pattern;
    const struct kdf_hash *hash;
    const char *name = text_of(vector, "protocol_name");
    if (!read_protocol(name, &pattern, &hash)) {
        judge(tally, false, "unknown protocol", name);
        return;
    }
    party_start(&party[0], vector, true, pattern, hash);
    party_start(&party[1], vector, false, pattern, hash);
    bool good = run_noise_messages(party, vector, noise_pattern_messages(pattern)) &&
                ends_as_told(party, vector);
    noise_destroy(party[0].noise);
    noise_destroy(party[1].noise);
    judge(tally, good, "differs", name);
}

void run_noise(struct tally *tally, const json_t *file)
{
    const json_t *vectors = json_object_get(file, "vectors");
    for (size_t i = 0; i < json_array_size(vectors); i++)
        run_noise_vector(tally, json_array_get(vectors, i));
}
