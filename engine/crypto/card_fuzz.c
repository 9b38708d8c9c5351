/* A card that reads is written again in the same words, whatever its case was. */
#include "engine/crypto/card.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256], again[CARD_TEXT_CHARS + 1];
    struct card card;
    if (size >= sizeof text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (card_read(&card, text) != FAULT_NONE)
        return 0;
    card_write(again, &card);
    assert(strcasecmp(text + strlen(text) - CARD_TEXT_CHARS, again) == 0);
    return 0;
}
