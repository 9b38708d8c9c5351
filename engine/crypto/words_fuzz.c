/* What reads as a code is written in the canonical text, which reads as the same code; what does
   not read names a word of it, or the end. */
#include "engine/crypto/words.h"

#include <assert.h>
#include <string.h>

#define TEXT_ROOM 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(enum words_language language, const uint16_t code[WORDS_COUNT])
{
    enum words_language found;
    uint16_t again[WORDS_COUNT];
    char text[WORDS_TEXT_MAX + 1], same[WORDS_TEXT_MAX + 1];
    size_t wrong;
    words_write(text, language, code);
    enum fault fault = words_read(text, &found, again, &wrong);
    assert(fault == FAULT_NONE && found == language && memcmp(code, again, sizeof again) == 0);
    words_write(same, found, again);
    assert(strcmp(text, same) == 0);
}

static void complete(const char *start)
{
    const char *out[4];
    for (int language = 0; language < WORDS_LANGUAGES; language++) {
        size_t count = words_complete((enum words_language)language, start, out, COUNT(out));
        assert(count <= COUNT(out));
        for (size_t i = 0; i < count; i++)
            assert(strlen(out[i]) <= WORDS_LETTERS_MAX && strlen(start) <= 2 * strlen(out[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum words_language language;
    uint16_t code[WORDS_COUNT];
    char text[TEXT_ROOM];
    size_t wrong;
    if (size >= sizeof text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (words_read(text, &language, code, &wrong) == FAULT_NONE)
        write_and_read(language, code);
    else
        assert(wrong <= WORDS_COUNT);
    complete(text);
    return 0;
}
