/* Digests, what is derived from them, and Argon2id. */
#include "engine/crypto/hash.h"
#include "engine/crypto/kdf.h"
#include "engine/crypto/vault.h"
#include "tests/blake2b.h"
#include "tests/vectors.h"

#include <argon2.h>
#include <string.h>

/* --- BLAKE2b ---------------------------------------------------------------------------------- */

/* Ours takes no salt and no personal string, and nothing shorter than 16 bytes. */
static bool is_ours(const struct blake2b_parameters *p)
{
    return p->salt.size == 0 && p->personal.size == 0 && p->size >= 16 &&
           (p->key.size == 0 || p->key.size >= 16);
}

static bool digests_right(const struct blake2b_parameters *p, struct bytes in, struct bytes out)
{
    uint8_t ours[HASH_MAX_BYTES], theirs[HASH_MAX_BYTES];
    if (!blake2b(theirs, p, in) || memcmp(theirs, out.data, out.size) != 0)
        return false;
    if (!is_ours(p))
        return true;
    hash_blake2b(ours, out.size, p->key, in);
    return memcmp(ours, out.data, out.size) == 0;
}

void run_blake2b(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        struct field key, salt, personal, in, out;
        hex_of(&in, test, "in");
        struct blake2b_parameters parameters = { .size = hex_of(&out, test, "out").size,
                                                 .key = hex_of(&key, test, "key"),
                                                 .salt = hex_of(&salt, test, "salt"),
                                                 .personal = hex_of(&personal, test, "personal") };
        judge(tally, digests_right(&parameters, VIEW(in), VIEW(out)), "differs",
              text_of(test, "out"));
    }
}

/* --- HMAC ------------------------------------------------------------------------------------- */

/* A tag may be the beginning of the whole one. */
static bool tag_right(const struct kdf_hash *hash, const json_t *test, const char *member)
{
    struct field key, text, tag;
    uint8_t mac[KDF_HASH_MAX_BYTES];
    struct bytes data = hex_of(&text, test, "msg");
    hex_of(&key, test, "key");
    hex_of(&tag, test, member);
    kdf_hmac(hash, mac, VIEW(key), &data, 1);
    return tag.size > 0 && tag.size <= hash->size && secret_equal(mac, tag.data, tag.size);
}

void run_hmac_blake2b(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        judge(tally, tag_right(&kdf_blake2b, test, "mac"), "differs", text_of(test, "mac"));
    }
}

static void judge_hmac_sha256(struct tally *tally, const json_t *test, const json_t *group)
{
    (void)group;
    judge(tally, tag_right(&kdf_sha256, test, "tag") == is_valid(test), "misjudged",
          text_of(test, "comment"));
}

static void judge_hmac_sha512(struct tally *tally, const json_t *test, const json_t *group)
{
    (void)group;
    judge(tally, tag_right(&kdf_sha512, test, "tag") == is_valid(test), "misjudged",
          text_of(test, "comment"));
}

void run_hmac_sha256(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_hmac_sha256);
}

void run_hmac_sha512(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_hmac_sha512);
}

/* --- HKDF ------------------------------------------------------------------------------------- */

/* `key` becomes what was extracted. */
static bool derives(const struct kdf_hash *hash, const json_t *test, uint8_t *key)
{
    static struct field input, salt, info, expected;
    static uint8_t out[FIELD_MAX_BYTES];
    hex_of(&input, test, "ikm");
    hex_of(&salt, test, "salt");
    hex_of(&info, test, "info");
    hex_of(&expected, test, "okm");
    kdf_extract(hash, key, VIEW(salt), VIEW(input));
    kdf_expand(hash, out, expected.size, (struct bytes){ key, hash->size }, VIEW(info));
    return expected.size > 0 && memcmp(out, expected.data, expected.size) == 0;
}

void run_hkdf_blake2b(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        struct field extracted;
        uint8_t key[KDF_HASH_MAX_BYTES];
        bool good = derives(&kdf_blake2b, test, key);
        judge(tally, good && bytes_equal(hex_of(&extracted, test, "prk"), BYTES_OF(key)), "differs",
              text_of(test, "okm"));
    }
}

/* What is invalid there asks for more than HKDF gives; to our call that is a bug of the caller's.
 */
static void judge_hkdf(struct tally *tally, const struct kdf_hash *hash, const json_t *test)
{
    uint8_t key[KDF_HASH_MAX_BYTES];
    if (is_valid(test))
        judge(tally, derives(hash, test, key), "differs", text_of(test, "comment"));
    else
        judge(tally, number_of(test, "size") > 255 * hash->size, "invalid without a reason",
              text_of(test, "comment"));
}

static void judge_hkdf_sha256(struct tally *tally, const json_t *test, const json_t *group)
{
    (void)group;
    judge_hkdf(tally, &kdf_sha256, test);
}

static void judge_hkdf_sha512(struct tally *tally, const json_t *test, const json_t *group)
{
    (void)group;
    judge_hkdf(tally, &kdf_sha512, test);
}

void run_hkdf_sha256(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_hkdf_sha256);
}

void run_hkdf_sha512(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_hkdf_sha512);
}

/* --- Argon2id --------------------------------------------------------------------------------- */

/* By the reference library, which takes any salt and several lanes. */
static bool stretched_by_reference(uint8_t *out, size_t size, struct bytes passphrase,
                                   struct bytes salt, const json_t *test)
{
    size_t lanes = json_object_get(test, "p") == NULL ? 1 : number_of(test, "p");
    return argon2id_hash_raw((uint32_t)number_of(test, "t"), (uint32_t)number_of(test, "m_kib"),
                             (uint32_t)lanes, passphrase.data, passphrase.size, salt.data,
                             salt.size, out, size) == ARGON2_OK;
}

/* Ours takes salts of one size, and has one lane. */
static bool stretched_by_us(uint8_t *out, size_t size, struct bytes passphrase, struct bytes salt,
                            const json_t *test)
{
    struct vault_cost cost = { number_of(test, "m_kib") << 10, (uint32_t)number_of(test, "t") };
    return vault_stretch(out, size, passphrase, salt.data, cost) == FAULT_NONE;
}

static bool is_for_us(struct bytes salt, size_t size, const json_t *test)
{
    const json_t *lanes = json_object_get(test, "p");
    return salt.size == VAULT_SALT_BYTES && size >= 16 &&
           (lanes == NULL || json_integer_value(lanes) == 1);
}

static void judge_argon2id(struct tally *tally, const json_t *test)
{
    struct field passphrase, salt, tag;
    static uint8_t out[FIELD_MAX_BYTES];
    hex_of(&passphrase, test, "password");
    hex_of(&salt, test, "salt");
    hex_of(&tag, test, "tag");
    bool good = tag.size > 0 &&
                stretched_by_reference(out, tag.size, VIEW(passphrase), VIEW(salt), test) &&
                memcmp(out, tag.data, tag.size) == 0;
    if (good && is_for_us(VIEW(salt), tag.size, test))
        good = stretched_by_us(out, tag.size, VIEW(passphrase), VIEW(salt), test) &&
               memcmp(out, tag.data, tag.size) == 0;
    judge(tally, good, "differs", text_of(test, "tag"));
}

void run_argon2id(struct tally *tally, const json_t *file)
{
    const json_t *tests = json_object_get(file, "tests");
    for (size_t i = 0; i < json_array_size(tests); i++)
        judge_argon2id(tally, json_array_get(tests, i));
}
