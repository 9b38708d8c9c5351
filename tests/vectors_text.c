/* Text and lengths: bech32m, Padme. */
#include "engine/crypto/bech32m.h"
#include "engine/crypto/padme.h"
#include "tests/vectors.h"

#include <stdio.h>
#include <string.h>

static uint8_t data[64];

static bool reads(const char *prefix, const char *text, struct bytes *out)
{
    size_t size = 0;
    bool good = bech32m_read(data, sizeof data, &size, prefix, text);
    *out = (struct bytes){ data, good ? size : 0 };
    return good;
}

void run_bech32m(struct tally *tally, const json_t *file)
{
    const json_t *encode = json_object_get(file, "encode"),
                 *reject = json_object_get(file, "must_reject");
    struct bytes read;
    for (size_t i = 0; i < json_array_size(encode); i++) {
        const json_t *test = json_array_get(encode, i);
        struct field expected;
        char text[BECH32M_TEXT_MAX + 1];
        const char *prefix = text_of(test, "hrp"), *string = text_of(test, "bech32m");
        hex_of(&expected, test, "data_hex");
        judge(tally,
              bech32m_write(text, prefix, VIEW(expected)) && strcmp(text, string) == 0 &&
                  reads(prefix, string, &read) && bytes_equal(read, VIEW(expected)) &&
                  !reads(prefix, text_of(test, "bech32_wrong_constant"), &read),
              "differs", string);
    }
    for (size_t i = 0; i < json_array_size(reject); i++) {
        const json_t *test = json_array_get(reject, i);
        judge(tally, !reads("id", text_of(test, "string"), &read), "accepted",
              text_of(test, "kind"));
    }
}

/* The prefix as we would ask for it: what stands before the last '1', in lower case. */
static void prefix_of(char *prefix, size_t room, const char *string)
{
    const char *last = strrchr(string, '1');
    size_t size = last == NULL ? strlen(string) : (size_t)(last - string);
    if (size >= room)
        die("a prefix", "is too long");
    for (size_t i = 0; i < size; i++)
        prefix[i] = string[i] >= 'A' && string[i] <= 'Z' ? (char)(string[i] + 32) : string[i];
    prefix[size] = '\0';
}

/* BIP 350 has strings of any number of digits; ours also wants them to be whole bytes. */
void run_bip350(struct tally *tally, const json_t *file)
{
    const json_t *valid = json_object_get(file, "valid"),
                 *invalid = json_object_get(file, "invalid_hex");
    char prefix[FIELD_MAX_BYTES];
    struct bytes read;
    for (size_t i = 0; i < json_array_size(valid); i++) {
        const char *string = json_string_value(json_array_get(valid, i));
        prefix_of(prefix, sizeof prefix, string);
        size_t digits = strlen(string) - strlen(prefix) - 1 - 6;
        bool whole = 5 * digits % 8 == 0;
        judge(tally,
              reads(prefix, string, &read) == whole && read.size == (whole ? 5 * digits / 8 : 0),
              "misjudged", string);
    }
    for (size_t i = 0; i < json_array_size(invalid); i++) {
        struct field text;
        char string[FIELD_MAX_BYTES + 1];
        unhexed(&text, json_string_value(json_array_get(invalid, i)));
        snprintf(string, sizeof string, "%.*s", (int)text.size, (const char *)text.data);
        prefix_of(prefix, sizeof prefix, string);
        judge(tally, !reads(prefix, string, &read), "accepted", string);
    }
}

/* Pairs of a length and what it is padded to. */
void run_padme(struct tally *tally, const json_t *file)
{
    const json_t *tests = json_object_get(file, "tests");
    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *pair = json_array_get(tests, i);
        json_int_t length = json_integer_value(json_array_get(pair, 0)),
                   padded = json_integer_value(json_array_get(pair, 1));
        char detail[32];
        snprintf(detail, sizeof detail, "%" JSON_INTEGER_FORMAT, length);
        judge(tally, length >= 0 && padme_bytes((uint64_t)length) == (uint64_t)padded,
              "is padded otherwise", detail);
    }
}
