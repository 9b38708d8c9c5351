/* ML-KEM, the Keccak under it, and X-Wing. The product keeps a key as its seed; published files
   also hold keys in the expanded form of FIPS 203, which is read and written here and nowhere else.
   X-Wing, which combines ML-KEM with X25519, is not ours either: it stands here because it is the
   one published hybrid that starts from a seed as we do. */
#include "base/mem.h"
#include "engine/crypto/keccak.h"
#include "engine/crypto/key.h"
#include "tests/vectors_kem.h"

#include <stdlib.h>
#include <string.h>

#define EXPANDED_PUBLIC_AT (POLY_RANK * POLY_BYTES(12))
#define EXPANDED_HASH_AT   (EXPANDED_PUBLIC_AT + MLKEM_PUBLIC_BYTES)
#define EXPANDED_BYTES     (EXPANDED_HASH_AT + 64) /* s, public key, its hash, z */

static struct bytes part(struct bytes whole, size_t at, size_t size)
{
    return (struct bytes){ whole.data + at, size };
}

static bool is_named(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

/* --- Keccak ----------------------------------------------------------------------------------- */

static bool sha3_256_gives(struct bytes message, struct bytes digest)
{
    uint8_t out[32];
    sha3_256(out, message);
    return bytes_equal(BYTES_OF(out), digest);
}

static bool sha3_512_gives(struct bytes message, struct bytes digest)
{
    uint8_t out[64];
    sha3_512(out, message);
    return bytes_equal(BYTES_OF(out), digest);
}

static bool shake_gives(struct shake *shake, struct bytes message, struct bytes digest)
{
    struct field out = { .size = digest.size };
    shake_feed(shake, message);
    shake_squeeze(shake, out.data, out.size);
    return bytes_equal(VIEW(out), digest);
}

static bool shake128_gives(struct bytes message, struct bytes digest)
{
    struct shake shake;
    shake128_start(&shake);
    return shake_gives(&shake, message, digest);
}

static bool shake256_gives(struct bytes message, struct bytes digest)
{
    struct shake shake;
    shake256_start(&shake);
    return shake_gives(&shake, message, digest);
}

typedef bool keccak_gives(struct bytes message, struct bytes digest);

/* By the name a file or a member of a case has. */
static keccak_gives *keccak_named(const char *name)
{
    static const struct {
        const char *start;
        keccak_gives *gives;
    } functions[] = {
        { "SHA3-256", sha3_256_gives },  { "SHA3-512", sha3_512_gives },
        { "SHAKE-128", shake128_gives }, { "SHAKE-256", shake256_gives },
        { "sha3_256", sha3_256_gives },  { "sha3_512", sha3_512_gives },
        { "shake128", shake128_gives },  { "shake256", shake256_gives },
    };
    for (size_t i = 0; i < COUNT(functions); i++)
        if (is_named(name, functions[i].start))
            return functions[i].gives;
    return NULL;
}

/* Lengths are in bits; of an empty message upstream writes one byte all the same. */
void run_keccak(struct tally *tally, const json_t *file)
{
    const json_t *tests = json_object_get(file, "tests");
    keccak_gives *gives = keccak_named(text_of(file, "algorithm"));
    for (size_t i = 0; gives != NULL && i < json_array_size(tests); i++) {
        const json_t *test = json_array_get(tests, i);
        struct field message, digest;
        size_t bits = number_of(test, "len"), out = number_of(test, "outLen");
        hex_of(&message, test, "msg");
        hex_of(&digest, test, "md");
        if (bits % 8 != 0 || out % 8 != 0) {
            tally->skipped++; /* we have whole bytes only */
            continue;
        }
        judge(tally,
              bits / 8 <= message.size && (out == 0 || out / 8 == digest.size) &&
                  gives(part(VIEW(message), 0, bits / 8), VIEW(digest)),
              "differs", text_of(test, "md"));
    }
}

/* Every member but the message is a digest, named after its function. */
void run_keccak_boundaries(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        json_t *test = json_array_get(file, i), *member;
        const char *name;
        struct field message, digest;
        hex_of(&message, test, "msg");
        json_object_foreach(test, name, member)
        {
            keccak_gives *gives = keccak_named(name);
            if (gives != NULL)
                judge(tally, gives(VIEW(message), hex_of(&digest, test, name)), name,
                      text_of(test, "msg"));
        }
    }
}

/* --- keys in the expanded form: s, public key, its hash, z -------------------------------------
 */

/* With the checks of FIPS 203, 7.3. */
bool kem_key_read(struct mlkem_key *out, struct bytes key)
{
    if (key.size != EXPANDED_BYTES || !mlkem_public_good(key.data + EXPANDED_PUBLIC_AT))
        return false;
    for (size_t i = 0; i < POLY_RANK; i++)
        poly_decode(&out->secret[i], key.data + i * POLY_BYTES(12));
    mlkem_open(&out->open, key.data + EXPANDED_PUBLIC_AT);
    memcpy(out->rejection, key.data + EXPANDED_HASH_AT + 32, 32);
    return memcmp(out->open.hash, key.data + EXPANDED_HASH_AT, 32) == 0;
}

static void expanded_write(uint8_t out[EXPANDED_BYTES], const struct mlkem_key *key,
                           const uint8_t public[MLKEM_PUBLIC_BYTES])
{
    for (size_t i = 0; i < POLY_RANK; i++)
        poly_encode(out + i * POLY_BYTES(12), &key->secret[i]);
    memcpy(out + EXPANDED_PUBLIC_AT, public, MLKEM_PUBLIC_BYTES);
    memcpy(out + EXPANDED_HASH_AT, key->open.hash, 32);
    memcpy(out + EXPANDED_HASH_AT + 32, key->rejection, 32);
}

/* --- the three functions, and whether they give what a file says -------------------------------
 */

/* Both ways of making a key out of a seed. */
bool kem_seed_gives(struct bytes seed, struct bytes public, struct bytes expanded)
{
    struct mlkem_pair pair;
    struct mlkem_key key;
    uint8_t own[MLKEM_PUBLIC_BYTES], written[EXPANDED_BYTES];
    if (seed.size != MLKEM_SEED_BYTES)
        return false;
    mlkem_pair_from_seed(&pair, seed.data);
    mlkem_expand(&key, own, seed.data);
    expanded_write(written, &key, own);
    return bytes_equal(BYTES_OF(pair.public), public) && bytes_equal(BYTES_OF(own), public) &&
           bytes_equal(BYTES_OF(written), expanded);
}

static bool public_good(struct bytes public)
{
    return public.size == MLKEM_PUBLIC_BYTES && mlkem_public_good(public.data);
}

static bool encapsulation_gives(struct bytes public, struct bytes m, struct bytes cipher,
                                struct bytes shared)
{
    uint8_t own_cipher[MLKEM_CIPHER_BYTES], own_shared[MLKEM_SHARED_BYTES];
    if (!public_good(public) || m.size != 32)
        return false;
    mlkem_encapsulate_with(own_cipher, own_shared, public.data, m.data);
    return bytes_equal(BYTES_OF(own_cipher), cipher) && bytes_equal(BYTES_OF(own_shared), shared);
}

bool kem_decapsulation_gives(struct bytes expanded, struct bytes cipher, struct bytes shared)
{
    struct mlkem_key key;
    uint8_t own[MLKEM_SHARED_BYTES];
    if (cipher.size != MLKEM_CIPHER_BYTES || !kem_key_read(&key, expanded))
        return false;
    mlkem_decapsulate_with(own, &key, cipher.data);
    return bytes_equal(BYTES_OF(own), shared);
}

static bool seed_decapsulation_gives(struct bytes seed, struct bytes cipher, struct bytes shared)
{
    uint8_t own[MLKEM_SHARED_BYTES];
    if (seed.size != MLKEM_SEED_BYTES || cipher.size != MLKEM_CIPHER_BYTES)
        return false;
    mlkem_decapsulate(own, seed.data, cipher.data);
    return bytes_equal(BYTES_OF(own), shared);
}

/* --- NIST's ACVP ------------------------------------------------------------------------------ */

struct acvp_case {
    struct field seed, public, expanded, m, cipher, shared;
    bool passes;
};

/* A member may stand in the group instead; d and z are the halves of a seed. */
static void acvp_field(struct field *out, const json_t *test, const json_t *group, const char *name)
{
    hex_of(out, json_object_get(test, name) != NULL ? test : group, name);
}

static void acvp_read(struct acvp_case *out, const json_t *test, const json_t *group)
{
    struct field z;
    acvp_field(&out->seed, test, group, "d");
    acvp_field(&z, test, group, "z");
    memcpy(out->seed.data + out->seed.size, z.data, z.size);
    out->seed.size += z.size;
    acvp_field(&out->public, test, group, "ek");
    acvp_field(&out->expanded, test, group, "dk");
    acvp_field(&out->m, test, group, "m");
    acvp_field(&out->cipher, test, group, "c");
    acvp_field(&out->shared, test, group, "k");
    out->passes = json_is_true(json_object_get(test, "testPassed"));
}

static bool is_ours(struct tally *tally, const json_t *group)
{
    bool ours = strcmp(text_of(group, "parameterSet"), "ML-KEM-768") == 0;
    tally->skipped += !ours;
    return ours;
}

static void judge_acvp_keygen(struct tally *tally, const json_t *test, const json_t *group)
{
    struct acvp_case in;
    acvp_read(&in, test, group);
    if (is_ours(tally, group))
        judge(tally, kem_seed_gives(VIEW(in.seed), VIEW(in.public), VIEW(in.expanded)), "key of",
              text_of(test, "d"));
}

void run_acvp_keygen(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_acvp_keygen);
}

/* The private key of the case must open what was made for the public one, if it is there. */
static bool acvp_encapsulation(const struct acvp_case *in)
{
    return encapsulation_gives(VIEW(in->public), VIEW(in->m), VIEW(in->cipher), VIEW(in->shared)) &&
           (in->expanded.size == 0 ||
            kem_decapsulation_gives(VIEW(in->expanded), VIEW(in->cipher), VIEW(in->shared)));
}

static bool acvp_decapsulation(const struct acvp_case *in)
{
    return in->expanded.size > 0
               ? kem_decapsulation_gives(VIEW(in->expanded), VIEW(in->cipher), VIEW(in->shared))
               : seed_decapsulation_gives(VIEW(in->seed), VIEW(in->cipher), VIEW(in->shared));
}

static bool acvp_secret_check(const struct acvp_case *in)
{
    struct mlkem_key key;
    return kem_key_read(&key, VIEW(in->expanded)) == in->passes;
}

static bool acvp_public_check(const struct acvp_case *in)
{
    return public_good(VIEW(in->public)) == in->passes;
}

static void judge_acvp_kem(struct tally *tally, const json_t *test, const json_t *group)
{
    static const struct {
        const char *name;
        bool (*judge)(const struct acvp_case *in);
    } functions[] = {
        { "encapsulation", acvp_encapsulation },
        { "decapsulation", acvp_decapsulation },
        { "decapsulationKeyCheck", acvp_secret_check },
        { "encapsulationKeyCheck", acvp_public_check },
    };
    const char *function = text_of(group, "function");
    struct acvp_case in;
    bool good = false; /* as is a function nobody here knows */
    if (!is_ours(tally, group))
        return;
    acvp_read(&in, test, group);
    for (size_t i = 0; i < COUNT(functions); i++)
        if (strcmp(function, functions[i].name) == 0)
            good = functions[i].judge(&in);
    judge(tally, good, function, text_of(test, "reason"));
}

void run_acvp_kem(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_acvp_kem);
}

/* --- Wycheproof ------------------------------------------------------------------------------- */

static void judge_kem(struct tally *tally, const json_t *test, const json_t *group)
{
    struct field seed, public, expanded, cipher, shared;
    struct mlkem_pair pair;
    if (!is_ours(tally, group))
        return;
    bool good = seed_decapsulation_gives(hex_of(&seed, test, "seed"), hex_of(&cipher, test, "c"),
                                         hex_of(&shared, test, "K"));
    if (good && hex_of(&public, test, "ek").size > 0) {
        mlkem_pair_from_seed(&pair, seed.data);
        good = bytes_equal(BYTES_OF(pair.public), VIEW(public));
    }
    if (good && hex_of(&expanded, test, "dk").size > 0)
        good = kem_decapsulation_gives(VIEW(expanded), VIEW(cipher), VIEW(shared));
    judge(tally, good == is_valid(test), "misjudged", text_of(test, "comment"));
}

void run_kem(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_kem);
}

static void judge_kem_keygen(struct tally *tally, const json_t *test, const json_t *group)
{
    struct field seed, public, expanded;
    if (is_ours(tally, group))
        judge(tally,
              kem_seed_gives(hex_of(&seed, test, "seed"), hex_of(&public, test, "ek"),
                             hex_of(&expanded, test, "dk")) == is_valid(test),
              "misjudged", text_of(test, "comment"));
}

void run_kem_keygen(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_kem_keygen);
}

static void judge_kem_encaps(struct tally *tally, const json_t *test, const json_t *group)
{
    struct field public, m, cipher, shared;
    if (is_ours(tally, group))
        judge(tally,
              encapsulation_gives(hex_of(&public, test, "ek"), hex_of(&m, test, "m"),
                                  hex_of(&cipher, test, "c"),
                                  hex_of(&shared, test, "K")) == is_valid(test),
              "misjudged", text_of(test, "comment"));
}

void run_kem_encaps(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_kem_encaps);
}

static void judge_kem_expanded(struct tally *tally, const json_t *test, const json_t *group)
{
    struct field expanded, cipher, shared;
    if (is_ours(tally, group))
        judge(tally,
              kem_decapsulation_gives(hex_of(&expanded, test, "dk"), hex_of(&cipher, test, "c"),
                                      hex_of(&shared, test, "K")) == is_valid(test),
              "misjudged", text_of(test, "comment"));
}

void run_kem_expanded(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_kem_expanded);
}

/* --- the community's vectors (CCTV) ------------------------------------------------------------
 */

/* One round of the accumulated test: all luck comes from one sponge, all results go into another.
 */
static bool accumulate(struct shake *results, struct shake *luck)
{
    struct mlkem_pair pair;
    uint8_t seed[MLKEM_SEED_BYTES], m[32], noise[MLKEM_CIPHER_BYTES], cipher[MLKEM_CIPHER_BYTES];
    uint8_t shared[MLKEM_SHARED_BYTES], opened[MLKEM_SHARED_BYTES];
    shake_squeeze(luck, seed, sizeof seed);
    shake_squeeze(luck, m, sizeof m);
    shake_squeeze(luck, noise, sizeof noise);
    mlkem_pair_from_seed(&pair, seed);
    mlkem_encapsulate_with(cipher, shared, pair.public, m);
    mlkem_decapsulate(opened, pair.seed, cipher);
    shake_feed(results, BYTES_OF(pair.public));
    shake_feed(results, BYTES_OF(cipher));
    shake_feed(results, BYTES_OF(shared));
    bool same = bytes_equal(BYTES_OF(shared), BYTES_OF(opened));
    mlkem_decapsulate(opened, pair.seed, noise);
    shake_feed(results, BYTES_OF(opened));
    return same;
}

void run_kem_accumulated(struct tally *tally, const json_t *file)
{
    json_t *expected = json_object_get(file, "expected"), *digest;
    const char *rounds;
    json_object_foreach(expected, rounds, digest)
    {
        struct shake luck, results;
        struct field hash;
        uint8_t own[32];
        bool same = true;
        shake128_start(&luck);
        shake128_start(&results);
        for (unsigned long i = strtoul(rounds, NULL, 10); i > 0; i--)
            same &= accumulate(&results, &luck);
        shake_squeeze(&results, own, sizeof own);
        judge(tally, same && bytes_equal(BYTES_OF(own), hex_of(&hash, expected, rounds)),
              "differs after rounds", rounds);
    }
}

/* A key in each line, and each with a coefficient that is too great. */
void run_kem_bad_modulus(struct tally *tally, const json_t *file)
{
    struct field public;
    char *text = mem_text(json_string_value(file)), *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            judge(tally,
                  unhexed(&public, line).size == MLKEM_PUBLIC_BYTES && !public_good(VIEW(public)),
                  "accepted", line);
    mem_free(text);
}

/* Lines of dk, c and K, in this order. */
void run_kem_strcmp(struct tally *tally, const json_t *file)
{
    struct field expanded = { .size = 0 }, cipher = { .size = 0 }, shared;
    char *text = mem_text(json_string_value(file)), *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (is_named(line, "dk = "))
            unhexed(&expanded, line + 5);
        else if (is_named(line, "c = "))
            unhexed(&cipher, line + 4);
        else if (is_named(line, "K = "))
            judge(tally,
                  kem_decapsulation_gives(VIEW(expanded), VIEW(cipher), unhexed(&shared, line + 4)),
                  "differs", line);
    mem_free(text);
}

/* --- X-Wing: draft-connolly-cfrg-xwing-kem-06 --------------------------------------------------
 */

struct xwing {
    struct mlkem_pair kem;
    struct dh_pair dh;
};

static void xwing_expand(struct xwing *out, const uint8_t seed[32])
{
    struct shake shake;
    uint8_t kem[MLKEM_SEED_BYTES], dh[KEY_BYTES];
    shake256_start(&shake);
    shake_feed(&shake, (struct bytes){ seed, 32 });
    shake_squeeze(&shake, kem, sizeof kem);
    shake_squeeze(&shake, dh, sizeof dh);
    mlkem_pair_from_seed(&out->kem, kem);
    dh_pair_from_secret(&out->dh, dh);
}

static void xwing_combine(uint8_t out[32], const uint8_t kem[32], const uint8_t dh[32],
                          const uint8_t ephemeral[32], const uint8_t public[32])
{
    static const char label[6] = { '\\', '.', '/', '/', '^', '\\' };
    uint8_t text[4 * 32 + sizeof label];
    struct cursor in = cursor_into(text, sizeof text);
    cursor_put(&in, kem, 32);
    cursor_put(&in, dh, 32);
    cursor_put(&in, ephemeral, 32);
    cursor_put(&in, public, 32);
    cursor_put(&in, label, sizeof label);
    sha3_256(out, cursor_written(&in));
}

static bool xwing_sends(const struct xwing *key, struct bytes luck, struct bytes cipher,
                        struct bytes shared)
{
    struct dh_pair ephemeral;
    uint8_t own[MLKEM_CIPHER_BYTES + KEY_BYTES], kem[32], dh[32], combined[32];
    mlkem_encapsulate_with(own, kem, key->kem.public, luck.data);
    dh_pair_from_secret(&ephemeral, luck.data + 32);
    memcpy(own + MLKEM_CIPHER_BYTES, ephemeral.public, KEY_BYTES);
    if (dh_agree(dh, ephemeral.secret, key->dh.public) != FAULT_NONE)
        return false;
    xwing_combine(combined, kem, dh, ephemeral.public, key->dh.public);
    return bytes_equal(BYTES_OF(own), cipher) && bytes_equal(BYTES_OF(combined), shared);
}

static bool xwing_receives(const struct xwing *key, struct bytes cipher, struct bytes shared)
{
    const uint8_t *ephemeral = cipher.data + MLKEM_CIPHER_BYTES;
    uint8_t kem[32], dh[32], combined[32];
    mlkem_decapsulate(kem, key->kem.seed, cipher.data);
    if (dh_agree(dh, key->dh.secret, ephemeral) != FAULT_NONE)
        return false;
    xwing_combine(combined, kem, dh, ephemeral, key->dh.public);
    return bytes_equal(BYTES_OF(combined), shared);
}

static bool xwing_good(const json_t *test)
{
    struct field seed, luck, public, cipher, shared;
    struct xwing key;
    if (hex_of(&seed, test, "seed").size != 32 || hex_of(&luck, test, "eseed").size != 64 ||
        hex_of(&public, test, "pk").size != MLKEM_PUBLIC_BYTES + KEY_BYTES ||
        hex_of(&cipher, test, "ct").size != MLKEM_CIPHER_BYTES + KEY_BYTES)
        return false;
    hex_of(&shared, test, "ss");
    xwing_expand(&key, seed.data);
    return bytes_equal(BYTES_OF(key.kem.public), part(VIEW(public), 0, MLKEM_PUBLIC_BYTES)) &&
           bytes_equal(BYTES_OF(key.dh.public),
                       part(VIEW(public), MLKEM_PUBLIC_BYTES, KEY_BYTES)) &&
           xwing_sends(&key, VIEW(luck), VIEW(cipher), VIEW(shared)) &&
           xwing_receives(&key, VIEW(cipher), VIEW(shared));
}

void run_xwing(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        judge(tally, xwing_good(test), "differs", text_of(test, "seed"));
    }
}
