/* Digests, what is derived from them, and Argon2id. */
#include "engine/crypto/hash.h"
#include "engine/crypto/kdf.h"
#include "engine/crypto/vault.h"
#include "tests/vectors.h"

#include <string.h>

void run_blake2b(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        struct field key, in, out;
        uint8_t digest[HASH_MAX_BYTES];
        if (text_of(test, "salt")[0] != '\0' || text_of(test, "personal")[0] != '\0') {
            tally->skipped++;
            continue;
        }
        hash_blake2b(digest, hex_of(&out, test, "out").size, hex_of(&key, test, "key"),
                     hex_of(&in, test, "in"));
        judge(tally, memcmp(digest, out.data, out.size) == 0, "differs", text_of(test, "in"));
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

void run_argon2id(struct tally *tally, const json_t *file)
{
    const json_t *tests = json_object_get(file, "tests");
    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *test = json_array_get(tests, i);
        struct field passphrase, salt, tag;
        uint8_t out[64];
        struct vault_cost cost = { number_of(test, "m_kib") << 10, (uint32_t)number_of(test, "t") };
        hex_of(&passphrase, test, "password");
        if (hex_of(&salt, test, "salt").size != VAULT_SALT_BYTES ||
            hex_of(&tag, test, "tag").size > sizeof out) {
            tally->skipped++;
            continue;
        }
        judge(tally,
              vault_stretch(out, tag.size, VIEW(passphrase), salt.data, cost) == FAULT_NONE &&
                  memcmp(out, tag.data, tag.size) == 0,
              "differs", text_of(test, "tag"));
    }
}
