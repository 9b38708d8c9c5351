#include "engine/crypto/item.h"

#include "engine/crypto/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SIGNED_MAX_BYTES (9 + ITEM_SALT_MAX_BYTES + 29 + ITEM_VALUE_MAX_BYTES)

_Static_assert(ITEM_TARGET_BYTES == SHA1_BYTES, "a target is a SHA-1");

static bool within_bounds(const struct item *item)
{
    return item->value.size > 0 && item->value.size <= ITEM_VALUE_MAX_BYTES &&
           (!item->mutable || (item->salt.size <= ITEM_SALT_MAX_BYTES && item->seq >= 0));
}

/* What is signed: the pairs of a bencoded dictionary, without its ends. No salt leaves no trace. */
static struct bytes signed_form(const struct item *item, uint8_t memory[SIGNED_MAX_BYTES])
{
    char text[40];
    struct cursor out = cursor_into(memory, SIGNED_MAX_BYTES);
    if (item->salt.size > 0) {
        snprintf(text, sizeof text, "4:salt%zu:", item->salt.size);
        cursor_put_bytes(&out, bytes_of_text(text));
        cursor_put_bytes(&out, item->salt);
    }
    snprintf(text, sizeof text, "3:seqi%" PRId64 "e1:v", item->seq);
    cursor_put_bytes(&out, bytes_of_text(text));
    cursor_put_bytes(&out, item->value);
    assert(cursor_good(&out));
    return cursor_written(&out);
}

void item_target(uint8_t out[ITEM_TARGET_BYTES], const struct item *item)
{
    uint8_t memory[KEY_BYTES + ITEM_SALT_MAX_BYTES];
    struct cursor named = cursor_into(memory, sizeof memory);
    if (item->mutable) {
        cursor_put(&named, item->key, KEY_BYTES);
        cursor_put_bytes(&named, item->salt);
        assert(cursor_good(&named));
    }
    hash_sha1(out, item->mutable ? cursor_written(&named) : item->value);
}

void item_sign(struct item *item, const struct sign_pair *pair)
{
    uint8_t memory[SIGNED_MAX_BYTES];
    assert(item->mutable && within_bounds(item));
    memcpy(item->key, pair->public, KEY_BYTES);
    sign_plain(item->signature, pair, signed_form(item, memory));
}

enum fault item_check(const struct item *item)
{
    uint8_t memory[SIGNED_MAX_BYTES];
    if (!within_bounds(item))
        return FAULT_PEER;
    if (!item->mutable)
        return FAULT_NONE;
    return sign_check_plain(item->signature, item->key, signed_form(item, memory));
}
