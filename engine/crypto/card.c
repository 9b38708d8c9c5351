#include "engine/crypto/card.h"

#include "base/mem.h"
#include "engine/crypto/bech32m.h"
#include "engine/crypto/hash.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define CARD_VERSION 1

static void write_text(char *text, size_t chars, const char *prefix, const uint8_t *wire,
                       size_t size)
{
    char longest[BECH32M_TEXT_MAX + 1];
    bool fits = bech32m_write(longest, prefix, (struct bytes){ wire, size });
    assert(fits && strlen(longest) == chars);
    memcpy(text, longest, chars + 1);
    wipe(longest, sizeof longest);
}

static void write_whole(char *text, size_t chars, const char *prefix, const struct card *card)
{
    uint8_t wire[CARD_BYTES] = { CARD_VERSION };
    memcpy(wire + 1, card->account, KEY_BYTES);
    memcpy(wire + 1 + KEY_BYTES, card->secret, CARD_SECRET_BYTES);
    write_text(text, chars, prefix, wire, sizeof wire);
    wipe(wire, sizeof wire);
}

void card_write(char text[CARD_TEXT_CHARS + 1], const struct card *card)
{
    write_whole(text, CARD_TEXT_CHARS, CARD_PREFIX, card);
}

void invitation_write(char text[INVITATION_TEXT_CHARS + 1], const struct card *invitation)
{
    write_whole(text, INVITATION_TEXT_CHARS, INVITATION_PREFIX, invitation);
}

void card_write_short(char text[CARD_SHORT_CHARS + 1], const uint8_t account[KEY_BYTES])
{
    uint8_t wire[1 + KEY_BYTES] = { CARD_VERSION };
    memcpy(wire + 1, account, KEY_BYTES);
    write_text(text, CARD_SHORT_CHARS, CARD_PREFIX, wire, sizeof wire);
}

static enum fault read_whole(struct card *out, const char *prefix, const char *text)
{
    uint8_t wire[CARD_BYTES];
    size_t size;
    if (strncasecmp(text, CARD_LINK_SCHEME, sizeof CARD_LINK_SCHEME - 1) == 0)
        text += sizeof CARD_LINK_SCHEME - 1;
    bool good = bech32m_read(wire, sizeof wire, &size, prefix, text) && size == CARD_BYTES &&
                wire[0] == CARD_VERSION && sign_public_good(wire + 1);
    if (good) {
        memcpy(out->account, wire + 1, KEY_BYTES);
        memcpy(out->secret, wire + 1 + KEY_BYTES, CARD_SECRET_BYTES);
    }
    wipe(wire, sizeof wire);
    return good ? FAULT_NONE : FAULT_PEER;
}

enum fault card_read(struct card *out, const char *text)
{
    return read_whole(out, CARD_PREFIX, text);
}

enum fault invitation_read(struct card *out, const char *text)
{
    return read_whole(out, INVITATION_PREFIX, text);
}

void card_door(struct dh_pair *out, const struct card *card)
{
    uint8_t secret[KEY_BYTES];
    hash_parts(secret, sizeof secret, (struct bytes){ card->secret, CARD_SECRET_BYTES },
               "ramage/card/door/v1", &(struct bytes){ card->account, KEY_BYTES }, 1);
    dh_pair_from_secret(out, secret);
    wipe(secret, sizeof secret);
}
