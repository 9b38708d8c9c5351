/* Runs every published vector of the topics below, from a directory of theirs:  vectors DIR
   A line per file with the number of cases run; a file that gives none has failed. Ends with
   `N passed, M failed`. */
#include "engine/crypto/aead.h"
#include "engine/crypto/bech32m.h"
#include "engine/crypto/hash.h"
#include "engine/crypto/noise.h"
#include "tests/blake2s.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_MAX_BYTES 8192

struct tally {
    size_t passed, failed;
    const char *file;
};

static void judge(struct tally *tally, bool good, const char *what, const char *detail)
{
    tally->passed += good;
    tally->failed += !good;
    if (!good)
        printf("%s: %s %s\n", tally->file, what, detail);
}

/* --- reading fields --------------------------------------------------------------------------- */

struct field {
    uint8_t data[FIELD_MAX_BYTES];
    size_t size;
};

static void die(const char *why, const char *what)
{
    fprintf(stderr, "vectors: %s: %s\n", why, what);
    exit(2);
}

static int digit(char c)
{
    const char *at = strchr("0123456789abcdef", c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    if (c == '\0' || at == NULL)
        die("not hex", "a field");
    return (int)(at - "0123456789abcdef");
}

static struct bytes unhexed(struct field *field, const char *hex)
{
    field->size = strlen(hex) / 2;
    if (field->size > FIELD_MAX_BYTES)
        die("too long", "a field");
    for (size_t i = 0; i < field->size; i++)
        field->data[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return (struct bytes){ field->data, field->size };
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static struct bytes hex_of(struct field *field, const json_t *object, const char *name)
{
    return unhexed(field, text_of(object, name));
}

static bool is_valid(const json_t *test)
{
    return strcmp(text_of(test, "result"), "valid") == 0;
}

static bool has_flag(const json_t *test, const char *name)
{
    size_t i;
    json_t *flag;
    json_array_foreach(json_object_get(test, "flags"), i,
                       flag) if (strcmp(json_string_value(flag), name) == 0) return true;
    return false;
}

/* --- noise ------------------------------------------------------------------------------------ */

static void digest_blake2s(uint8_t *out, const struct bytes *parts, size_t count)
{
    blake2s(out, parts, count);
}

static const struct kdf_hash kdf_blake2s = { "BLAKE2s", 32, 64, digest_blake2s };

static const struct kdf_hash *hash_named(const char *name)
{
    const struct kdf_hash *const all[] = { &kdf_blake2b, &kdf_blake2s, &kdf_sha256,
                                             &kdf_sha512 };
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
    size_t i;
    json_t *psk;
    json_array_foreach(json_object_get(vector, mine[4]), i, psk)
    {
        struct field key;
        unhexed(&key, json_string_value(psk));
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
    size_t i;
    json_t *message;
    uint64_t numbers[2] = { 0, 0 };
    json_array_foreach(json_object_get(vector, "messages"), i, message)
    {
        struct field payload, wire;
        hex_of(&payload, message, "payload");
        hex_of(&wire, message, "ciphertext");
        struct bytes text = { payload.data, payload.size }, sealed = { wire.data, wire.size };
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
    return i > handshakes;
}

static void run_noise_vector(struct tally *tally, const json_t *vector)
{
    static struct party party[2];
    char name[96];
    snprintf(name, sizeof name, "%s", text_of(vector, "protocol_name"));
    char *pattern_name = name + strlen("Noise_"), *end = strstr(name, "_25519_ChaChaPoly_");
    if (end == NULL)
        die("protocol", name);
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
        good &= bytes_equal(noise_handshake_hash(party[0].noise),
                            (struct bytes){ expected.data, expected.size });
    noise_destroy(party[0].noise);
    noise_destroy(party[1].noise);
    judge(tally, good, "differs", text_of(vector, "protocol_name"));
}

static void run_noise(struct tally *tally, const json_t *file)
{
    size_t i;
    json_t *vector;
    json_array_foreach(json_object_get(file, "vectors"), i, vector) run_noise_vector(tally, vector);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void run_x25519_strict(struct tally *tally, const json_t *file)
{
    size_t i;
    json_t *test;
    json_array_foreach(file, i, test)
    {
        struct field key;
        uint8_t out[KEY_BYTES];
        static const uint8_t secret[KEY_BYTES] = { 9 };
        hex_of(&key, test, "public");
        judge(tally, !dh_public_good(key.data) && dh_agree(out, secret, key.data) == FAULT_PEER,
              "accepted", text_of(test, "why"));
    }
}

static void run_points(struct tally *tally, const json_t *file)
{
    size_t i;
    json_t *test;
    json_array_foreach(file, i, test)
    {
        struct field key;
        hex_of(&key, test, "point");
        judge(tally, sign_public_good(key.data) == json_is_true(json_object_get(test, "valid_key")),
              "misjudged", text_of(test, "class"));
    }
}

/* Calls `run` for every test of a Wycheproof file. */
static void each_test(struct tally *tally, const json_t *file,
                      void (*run)(struct tally *, const json_t *))
{
    size_t i, j;
    json_t *group, *test;
    json_array_foreach(json_object_get(file, "testGroups"), i, group)
        json_array_foreach(json_object_get(group, "tests"), j, test) run(tally, test);
}

/* We are stricter than the file: keys of low order or in a second spelling are refused. */
static void run_x25519_test(struct tally *tally, const json_t *test)
{
    struct field public, private, shared;
    uint8_t out[KEY_BYTES];
    hex_of(&public, test, "public");
    hex_of(&private, test, "private");
    hex_of(&shared, test, "shared");
    bool refuse = has_flag(test, "NonCanonicalPublic") || has_flag(test, "ZeroSharedSecret") ||
                  has_flag(test, "LowOrderPublic") || (public.data[31] & 0x80) != 0;
    enum fault fault = dh_agree(out, private.data, public.data);
    bool good = fault == FAULT_PEER ? refuse : !refuse && memcmp(out, shared.data, KEY_BYTES) == 0;
    judge(tally, good && (fault == FAULT_NONE) == dh_public_good(public.data), "differs",
          text_of(test, "comment"));
}

static void run_x25519(struct tally *tally, const json_t *file)
{
    each_test(tally, file, run_x25519_test);
}

/* --- ciphers ---------------------------------------------------------------------------------- */

struct aead_case {
    struct field key, nonce, associated, text, sealed;
};

static void load_aead(struct aead_case *out, const json_t *test)
{
    struct field tag;
    hex_of(&out->key, test, "key");
    hex_of(&out->nonce, test, "iv");
    hex_of(&out->associated, test, "aad");
    hex_of(&out->text, test, "msg");
    hex_of(&out->sealed, test, "ct");
    hex_of(&tag, test, "tag");
    memcpy(out->sealed.data + out->sealed.size, tag.data, tag.size);
    out->sealed.size += tag.size;
}

#define VIEW(field) ((struct bytes){ (field).data, (field).size })

static bool open_both_ways(const struct aead_case *c, uint8_t *out)
{
    struct aead *aead = aead_create(c->key.data);
    bool quick = aead_open(aead, out, c->nonce.data, VIEW(c->sealed), VIEW(c->associated));
    bool once =
        aead_open_once(out, c->key.data, c->nonce.data, VIEW(c->sealed), VIEW(c->associated));
    aead_destroy(aead);
    return quick && once;
}

static bool seal_both_ways(const struct aead_case *c, uint8_t *out)
{
    struct aead *aead = aead_create(c->key.data);
    aead_seal(aead, out, c->nonce.data, VIEW(c->text), VIEW(c->associated));
    bool same = memcmp(out, c->sealed.data, c->sealed.size) == 0;
    aead_seal_once(out, c->key.data, c->nonce.data, VIEW(c->text), VIEW(c->associated));
    aead_destroy(aead);
    return same && memcmp(out, c->sealed.data, c->sealed.size) == 0;
}

static void run_chacha_test(struct tally *tally, const json_t *test)
{
    static struct aead_case c;
    static uint8_t out[FIELD_MAX_BYTES + AEAD_TAG_BYTES];
    load_aead(&c, test);
    if (c.nonce.size != AEAD_NONCE_BYTES) { /* our calls cannot even be given another size */
        judge(tally, !is_valid(test), "valid with another nonce", "");
        return;
    }
    bool opened = open_both_ways(&c, out);
    bool good = opened == is_valid(test);
    if (opened)
        good &= memcmp(out, c.text.data, c.text.size) == 0 && seal_both_ways(&c, out);
    judge(tally, good, "differs", text_of(test, "comment"));
}

static void run_chacha(struct tally *tally, const json_t *file)
{
    each_test(tally, file, run_chacha_test);
}

static void run_xchacha_test(struct tally *tally, const json_t *test)
{
    static struct aead_case c;
    static uint8_t whole[FIELD_MAX_BYTES * 2], out[FIELD_MAX_BYTES];
    load_aead(&c, test);
    memcpy(whole, c.nonce.data, c.nonce.size);
    memcpy(whole + c.nonce.size, c.sealed.data, c.sealed.size);
    struct bytes sealed = { whole, c.nonce.size + c.sealed.size };
    bool opened = c.nonce.size == 24 && sealed_read(out, c.key.data, sealed, VIEW(c.associated));
    judge(tally,
          opened == is_valid(test) && (!opened || memcmp(out, c.text.data, c.text.size) == 0),
          "differs", text_of(test, "comment"));
}

static void run_xchacha(struct tally *tally, const json_t *file)
{
    each_test(tally, file, run_xchacha_test);
}

/* A short-header packet: seal, then mask the first byte's low bits and the packet number. */
static void run_quic(struct tally *tally, const json_t *file)
{
    size_t i;
    json_t *test;
    json_array_foreach(file, i, test)
    {
        struct field key, iv, hp, id, text, packet;
        uint8_t nonce[AEAD_NONCE_BYTES], mask[5];
        hex_of(&key, test, "key");
        hex_of(&iv, test, "iv");
        hex_of(&hp, test, "hp");
        hex_of(&id, test, "dcid");
        hex_of(&text, test, "plaintext");
        hex_of(&packet, test, "packet");
        uint64_t number = (uint64_t)json_integer_value(json_object_get(test, "packet_number"));
        size_t width = (size_t)json_integer_value(json_object_get(test, "pn_len"));
        size_t at = 1 + id.size; /* of the packet number */
        memcpy(nonce, iv.data, sizeof nonce);
        for (size_t j = 0; j < 8; j++)
            nonce[11 - j] ^= (uint8_t)(number >> 8 * j);
        aead_header_mask(mask, hp.data, packet.data + at + 4);
        packet.data[0] ^= mask[0] & 0x1f;
        for (size_t j = 0; j < width; j++)
            packet.data[at + j] ^= mask[1 + j];
        uint8_t out[FIELD_MAX_BYTES];
        struct bytes sealed = { packet.data + at + width, packet.size - at - width };
        bool good =
            aead_open_once(out, key.data, nonce, sealed, (struct bytes){ packet.data, at + width });
        judge(tally, good && memcmp(out, text.data, text.size) == 0, "differs", "packet");
    }
}

/* --- hashes and text ----------------------------------------------------------------------------
 */

static void run_blake2b(struct tally *tally, const json_t *file)
{
    size_t i;
    json_t *test;
    json_array_foreach(file, i, test)
    {
        struct field key, in, out;
        uint8_t digest[HASH_MAX_BYTES];
        hash_blake2b(digest, hex_of(&out, test, "out").size, hex_of(&key, test, "key"),
                     hex_of(&in, test, "in"));
        judge(tally, memcmp(digest, out.data, out.size) == 0, "differs", text_of(test, "in"));
    }
}

static void run_bech32m_generated(struct tally *tally, const json_t *file)
{
    size_t i, size;
    json_t *test;
    uint8_t data[64];
    char text[BECH32M_TEXT_MAX + 1];
    json_array_foreach(json_object_get(file, "encode"), i, test)
    {
        struct field expected;
        struct bytes want = hex_of(&expected, test, "data_hex");
        const char *prefix = text_of(test, "hrp"), *string = text_of(test, "bech32m");
        bool good =
            bech32m_write(text, prefix, want) && strcmp(text, string) == 0 &&
            bech32m_read(data, sizeof data, &size, prefix, string) &&
            bytes_equal((struct bytes){ data, size }, want) &&
            !bech32m_read(data, sizeof data, &size, prefix, text_of(test, "bech32_wrong_constant"));
        judge(tally, good, "differs", string);
    }
    json_array_foreach(json_object_get(file, "must_reject"), i, test)
        judge(tally, !bech32m_read(data, sizeof data, &size, "id", text_of(test, "string")),
              "accepted", text_of(test, "kind"));
}

/* BIP 350 judges strings of any prefix and any digits; ours also wants whole bytes, so of its valid
   strings only the checksum can be asked: those whose digits are whole bytes read, none crashes. */
static void run_bip350(struct tally *tally, const json_t *file)
{
    size_t i, size;
    json_t *item;
    uint8_t data[64];
    json_array_foreach(json_object_get(file, "valid"), i, item)
    {
        char prefix[128];
        const char *string = json_string_value(item), *last = strrchr(string, '1');
        size_t length = (size_t)(last - string);
        for (size_t j = 0; j < length; j++)
            prefix[j] = string[j] >= 'A' && string[j] <= 'Z' ? (char)(string[j] + 32) : string[j];
        prefix[length] = '\0';
        size_t bits = 5 * (strlen(last + 1) - 6) % 8;
        bool whole = bech32m_read(data, sizeof data, &size, prefix, string);
        judge(tally, whole || bits != 0 || strstr(string, "lllllll") != NULL, "refused", string);
    }
    json_array_foreach(json_object_get(file, "invalid_hex"), i, item)
    {
        struct field string;
        unhexed(&string, json_string_value(item));
        string.data[string.size] = '\0';
        char prefix[FIELD_MAX_BYTES];
        snprintf(prefix, sizeof prefix, "%s", (char *)string.data);
        char *last = strrchr(prefix, '1');
        if (last != NULL)
            *last = '\0';
        judge(tally, !bech32m_read(data, sizeof data, &size, prefix, (char *)string.data),
              "accepted", (char *)string.data);
    }
}

/* --- topics ----------------------------------------------------------------------------------- */

static const struct topic {
    const char *path;
    void (*run)(struct tally *, const json_t *);
} topics[] = {
    { "noise/cacophony_25519_chachapoly.json", run_noise },
    { "x25519-strict/must_reject.json", run_x25519_strict },
    { "ed25519-edge/points_generated.json", run_points },
    { "wycheproof/x25519_test.json", run_x25519 },
    { "wycheproof/chacha20_poly1305_test.json", run_chacha },
    { "wycheproof/xchacha20_poly1305_test.json", run_xchacha },
    { "quic-chacha/generated_short_header.json", run_quic },
    { "blake2/blake2b_kat.json", run_blake2b },
    { "bech32m/generated.json", run_bech32m_generated },
    { "bech32m/bip350.json", run_bip350 },
};

static void run_topic(struct tally *all, const char *folder, const struct topic *topic)
{
    char path[4096];
    json_error_t error;
    struct tally tally = { .file = topic->path };
    snprintf(path, sizeof path, "%s/%s", folder, topic->path);
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (file != NULL)
        topic->run(&tally, file);
    else
        printf("%s: %s\n", topic->path, error.text);
    json_decref(file);
    if (tally.passed + tally.failed == 0)
        tally.failed = 1;
    printf("%s: %zu cases, %zu failed\n", topic->path, tally.passed + tally.failed, tally.failed);
    all->passed += tally.passed;
    all->failed += tally.failed;
}

int main(int count, char **arguments)
{
    struct tally all = { 0 };
    if (count != 2 || !crypto_start())
        die("usage", "vectors DIR");
    for (size_t i = 0; i < COUNT(topics); i++)
        run_topic(&all, arguments[1], &topics[i]);
    printf("%zu passed, %zu failed\n", all.passed, all.failed);
    return all.failed == 0 ? 0 : 1;
}
