#include "engine/crypto/words.h"

#include "base/mem.h"
#include "engine/crypto/hash.h"
#include "engine/crypto/vault.h"
#include "engine/crypto/words_english.h"
#include "engine/crypto/words_french.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SALT_LABEL "ramage/words/salt/v1"
#define BETWEEN    " \t\r\n-" /* what stands between words; out of one file, a line may end so */

static const struct vault_cost stretch_cost = { (size_t)64 << 20, 3 };

static const char (*const lists[WORDS_LANGUAGES])[WORDS_LETTERS_MAX + 1] = {
    [WORDS_ENGLISH] = words_english,
    [WORDS_FRENCH] = words_french,
};

void words_pick(uint16_t out[WORDS_COUNT], struct rng *rng)
{
    for (size_t i = 0; i < WORDS_COUNT; i++)
        out[i] = (uint16_t)rng_below(rng, WORDS_LIST);
}

const char *words_word(enum words_language language, uint16_t index)
{
    assert(language < WORDS_LANGUAGES && index < WORDS_LIST);
    return lists[language][index];
}

/* --- letters as people type them --------------------------------------------------------------
 */

/* The letters below the accents of French: U+00C0 to U+00DF, and U+00E0 to U+00FF for the small
   ones, which UTF-8 writes as ACCENTED and one byte of which the last five bits count. */
#define ACCENTED 0xc3
static const char below_accent[] = "a.a.a..ceeee..ii....o.o..u.uu...";

static bool take_letter(struct cursor *in, char *letter)
{
    uint8_t byte = 0;
    cursor_take_u8(in, &byte);
    if (byte == ACCENTED) {
        if (!cursor_take_u8(in, &byte) || byte < 0x80 || byte > 0xbf)
            return false;
        byte = (uint8_t)below_accent[byte & 0x1f];
    } else if (byte >= 'A' && byte <= 'Z') {
        byte = (uint8_t)(byte - 'A' + 'a');
    }
    *letter = (char)byte;
    return byte >= 'a' && byte <= 'z';
}

/* The same letters as the lists have them. False: it is nothing that a word could begin with. */
static bool make_plain(char out[WORDS_LETTERS_MAX + 1], struct bytes typed)
{
    struct cursor in = cursor_over(typed);
    size_t count = 0;
    while (cursor_left(&in) > 0) {
        if (count == WORDS_LETTERS_MAX || !take_letter(&in, &out[count]))
            return false;
        count++;
    }
    out[count] = '\0';
    return true;
}

/* --- looking up ------------------------------------------------------------------------------- */

/* The place of the first word that does not come before `start`: if any begins so, it is this. */
static size_t place_of(enum words_language language, const char *start)
{
    size_t low = 0, high = WORDS_LIST;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(lists[language][middle], start) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool begins_at(enum words_language language, size_t place, const char *start)
{
    return place < WORDS_LIST && strncmp(lists[language][place], start, strlen(start)) == 0;
}

bool words_find(const char *word, size_t size, enum words_language *language, uint16_t *index)
{
    char start[WORDS_LETTERS_MAX + 1];
    if (!make_plain(start, (struct bytes){ (const uint8_t *)word, size }) ||
        strlen(start) < WORDS_START)
        return false;
    for (int i = 0; i < WORDS_LANGUAGES; i++) {
        size_t place = place_of((enum words_language)i, start);
        if (begins_at((enum words_language)i, place, start)) {
            *language = (enum words_language)i;
            *index = (uint16_t)place;
            return true;
        }
    }
    return false;
}

size_t words_complete(enum words_language language, const char *start, const char **out,
                      size_t most)
{
    char plain[WORDS_LETTERS_MAX + 1];
    size_t count = 0;
    assert(language < WORDS_LANGUAGES);
    if (!make_plain(plain, bytes_of_text(start)))
        return 0;
    for (size_t at = place_of(language, plain); count < most && begins_at(language, at, plain);
         at++)
        out[count++] = lists[language][at];
    return count;
}

/* --- whole codes ------------------------------------------------------------------------------ */

/* The next word of the text, which is then behind it; empty at the end. */
static struct bytes next_word(const char **text)
{
    *text += strspn(*text, BETWEEN);
    struct bytes word = { (const uint8_t *)*text, strcspn(*text, BETWEEN) };
    *text += word.size;
    return word;
}

enum fault words_read(const char *text, enum words_language *language, uint16_t out[WORDS_COUNT],
                      size_t *wrong)
{
    enum words_language of_all = WORDS_ENGLISH, own;
    uint16_t code[WORDS_COUNT];
    for (size_t i = 0; i < WORDS_COUNT; i++) {
        struct bytes word = next_word(&text);
        *wrong = i;
        if (!words_find((const char *)word.data, word.size, &own, &code[i]) ||
            (i > 0 && own != of_all))
            return FAULT_PEER;
        of_all = own;
    }
    *wrong = WORDS_COUNT;
    if (next_word(&text).size > 0)
        return FAULT_PEER;
    memcpy(out, code, sizeof code);
    *language = of_all;
    return FAULT_NONE;
}

void words_write(char out[WORDS_TEXT_MAX + 1], enum words_language language,
                 const uint16_t code[WORDS_COUNT])
{
    _Static_assert(WORDS_COUNT == 4, "as many as are written here");
    snprintf(out, WORDS_TEXT_MAX + 1, "%s-%s-%s-%s", words_word(language, code[0]),
             words_word(language, code[1]), words_word(language, code[2]),
             words_word(language, code[3]));
}

bool words_stretch(uint8_t out[WORDS_KEY_BYTES], enum words_language language,
                   const uint16_t code[WORDS_COUNT], uint64_t hour)
{
    uint8_t canonical[1 + 2 * WORDS_COUNT], hour_wire[8], salt[HASH_BYTES];
    struct cursor at = cursor_into(canonical, sizeof canonical);
    struct cursor hour_at = cursor_into(hour_wire, sizeof hour_wire);
    cursor_put_u8(&at, (uint8_t)language);
    for (size_t i = 0; i < WORDS_COUNT; i++)
        cursor_put_u16(&at, code[i]);
    cursor_put_u64(&hour_at, hour);
    struct bytes part = BYTES_OF(hour_wire);
    hash_parts(salt, sizeof salt, (struct bytes){ 0 }, SALT_LABEL, &part, 1);
    enum fault fault = vault_stretch(out, WORDS_KEY_BYTES, BYTES_OF(canonical), salt, stretch_cost);
    wipe(canonical, sizeof canonical);
    return fault == FAULT_NONE;
}
