/* A card that reads is written again in the same words, whatever its case was; and any bytes that
   are written as text read as the same bytes, as a card only if they are one. */
#include "engine/crypto/bech32m.h"
#include "engine/crypto/card.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define TEXT_ROOM 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_text(struct bytes in)
{
    char text[TEXT_ROOM], again[INVITATION_TEXT_CHARS + 1];
    struct card card;
    if (in.size >= sizeof text)
        return;
    if (in.size > 0)
        memcpy(text, in.data, in.size);
    text[in.size] = '\0';
    if (invitation_read(&card, text) == FAULT_NONE) {
        struct card none;
        assert(card_read(&none, text) != FAULT_NONE);
        invitation_write(again, &card);
        assert(strcasecmp(text + strlen(text) - INVITATION_TEXT_CHARS, again) == 0);
        return;
    }
    if (card_read(&card, text) != FAULT_NONE)
        return;
    card_write(again, &card);
    assert(strcasecmp(text + strlen(text) - CARD_TEXT_CHARS, again) == 0);
}

static void write_and_read(struct bytes in)
{
    char text[BECH32M_TEXT_MAX + 1];
    uint8_t out[BECH32M_TEXT_MAX];
    size_t size;
    struct card card;
    if (!bech32m_write(text, CARD_PREFIX, in))
        return;
    bool good = bech32m_read(out, sizeof out, &size, CARD_PREFIX, text);
    assert(good && bytes_equal((struct bytes){ out, size }, in));
    bool is_card = in.size == CARD_BYTES && in.data[0] == 1 && sign_public_good(in.data + 1);
    assert((card_read(&card, text) == FAULT_NONE) == is_card);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as_text((struct bytes){ data, size });
    write_and_read((struct bytes){ data, size });
    return 0;
}
