/* Keys and signatures: we are stricter than the curves, since one key must have one spelling. */
#include "engine/crypto/key.h"
#include "tests/vectors.h"

#include <string.h>

void run_x25519_strict(struct tally *tally, const json_t *file)
{
    static const uint8_t secret[KEY_BYTES] = { 9 };
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        struct field key;
        uint8_t out[KEY_BYTES];
        bool whole = hex_of(&key, test, "public").size == KEY_BYTES;
        judge(tally,
              whole && !dh_public_good(key.data) && dh_agree(out, secret, key.data) == FAULT_PEER,
              "accepted", text_of(test, "why"));
    }
}

static void judge_x25519(struct tally *tally, const json_t *test, const json_t *group)
{
    struct field public, private, shared;
    uint8_t out[KEY_BYTES];
    (void)group;
    hex_of(&public, test, "public");
    hex_of(&private, test, "private");
    hex_of(&shared, test, "shared");
    bool refuse = has_flag(test, "NonCanonicalPublic") || has_flag(test, "ZeroSharedSecret") ||
                  has_flag(test, "LowOrderPublic") || (public.data[KEY_BYTES - 1] & 0x80) != 0;
    bool agreed = dh_agree(out, private.data, public.data) == FAULT_NONE;
    judge(tally,
          agreed == !refuse && agreed == dh_public_good(public.data) &&
              (!agreed || memcmp(out, shared.data, KEY_BYTES) == 0),
          "differs", text_of(test, "comment"));
}

void run_x25519(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_x25519);
}

void run_ed25519_points(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        struct field key;
        bool whole = hex_of(&key, test, "point").size == KEY_BYTES;
        bool valid = json_is_true(json_object_get(test, "valid_key"));
        judge(tally, whole && sign_public_good(key.data) == valid, "misjudged",
              text_of(test, "class"));
    }
}

static void judge_ed25519(struct tally *tally, const json_t *test, const json_t *group)
{
    struct field key, signature, text;
    hex_of(&key, json_object_get(group, "publicKey"), "pk");
    hex_of(&text, test, "msg");
    bool good = hex_of(&signature, test, "sig").size == SIGNATURE_BYTES &&
                sign_check_plain(signature.data, key.data, VIEW(text)) == FAULT_NONE;
    judge(tally, good == is_valid(test), "misjudged", text_of(test, "comment"));
}

void run_ed25519(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_ed25519);
}

/* Upstream gives no verdict, only what is odd about a case. Ours: nothing odd, or refused. */
void run_ed25519_edge(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        struct field key, signature;
        bool odd = json_array_size(json_object_get(test, "flags")) > 0;
        bool good = hex_of(&key, test, "key").size == KEY_BYTES &&
                    hex_of(&signature, test, "sig").size == SIGNATURE_BYTES &&
                    sign_check_plain(signature.data, key.data,
                                     bytes_of_text(text_of(test, "msg"))) == FAULT_NONE;
        judge(tally, good == !odd, "misjudged", text_of(test, "msg"));
    }
}
