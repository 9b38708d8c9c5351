/* Items of the DHT: where each lies, and what is signed. */
#include "engine/crypto/item.h"
#include "tests/vectors.h"

#include <string.h>

/* Both files: one has text, the other hex. */
static struct bytes value_of(struct field *field, const json_t *test)
{
    const char *text = text_of(test, "v_bencoded");
    return text[0] != '\0' ? bytes_of_text(text) : hex_of(field, test, "v_bencoded_hex");
}

static struct bytes salt_of(struct field *field, const json_t *test)
{
    const char *text = text_of(test, "salt");
    return text[0] != '\0' ? bytes_of_text(text) : hex_of(field, test, "salt_hex");
}

static void copy_key(uint8_t *out, size_t size, const json_t *test, const char *name)
{
    struct field field;
    if (hex_of(&field, test, name).size != size)
        die(name, "has another size");
    memcpy(out, field.data, size);
}

static bool lies_right(const struct item *item, const json_t *test)
{
    uint8_t expected[ITEM_TARGET_BYTES], target[ITEM_TARGET_BYTES];
    copy_key(expected, sizeof expected, test, "target");
    item_target(target, item);
    return memcmp(target, expected, sizeof target) == 0;
}

/* Where the seed is told, ours is the very same signature. */
static bool signs_right(const struct item *item, const json_t *test)
{
    if (json_object_get(test, "seed") == NULL)
        return true;
    uint8_t seed[KEY_BYTES];
    struct sign_pair pair;
    copy_key(seed, sizeof seed, test, "seed");
    sign_pair_from_seed(&pair, seed);
    struct item ours = *item;
    item_sign(&ours, &pair);
    return memcmp(ours.key, item->key, KEY_BYTES) == 0 &&
           memcmp(ours.signature, item->signature, SIGNATURE_BYTES) == 0;
}

static void judge_item(struct tally *tally, const json_t *test)
{
    static struct field value, salt;
    struct item item = { .mutable = strcmp(text_of(test, "kind"), "mutable") == 0,
                         .salt = salt_of(&salt, test),
                         .value = value_of(&value, test),
                         .seq = (int64_t)number_of(test, "seq") };
    if (item.mutable) {
        copy_key(item.key, KEY_BYTES, test, "public_key");
        copy_key(item.signature, SIGNATURE_BYTES, test, "signature");
    }
    if (json_is_false(json_object_get(test, "valid"))) {
        judge(tally, item_check(&item) == FAULT_PEER, "accepted", text_of(test, "why"));
        return;
    }
    judge(tally,
          item_check(&item) == FAULT_NONE && lies_right(&item, test) &&
              (!item.mutable || signs_right(&item, test)),
          "differs", text_of(test, "target"));
}

void run_bep44(struct tally *tally, const json_t *file)
{
    const json_t *tests = json_is_array(file) ? file : json_object_get(file, "tests");
    for (size_t i = 0; i < json_array_size(tests); i++)
        judge_item(tally, json_array_get(tests, i));
}
