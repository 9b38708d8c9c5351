#include "tests/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- luck ------------------------------------------------------------------------------------- */

static void fill_and_record(void *source, void *out, size_t size)
{
    struct recorder *recorder = source;
    rng_fill(recorder->source, out, size);
    json_array_append_new(recorder->draws, recorded_hex((struct bytes){ out, size }));
}

struct rng recorder_start(struct recorder *recorder, struct rng *source)
{
    *recorder = (struct recorder){ source, json_array() };
    return (struct rng){ fill_and_record, recorder };
}

json_t *recorder_take(struct recorder *recorder)
{
    json_t *draws = recorder->draws;
    recorder->draws = json_array();
    return draws;
}

static void fill_from_record(void *source, void *out, size_t size)
{
    struct luck *luck = source;
    memset(out, 0, size);
    for (size_t i = 0; i < json_array_size(luck->draws); i++) {
        const json_t *draw = json_array_get(luck->draws, i);
        if (luck->used[i] || json_string_length(draw) != 2 * size)
            continue;
        struct bytes bytes = recorded_new(draw);
        memcpy(out, bytes.data, size);
        recorded_free(bytes);
        luck->used[i] = true;
        return;
    }
    luck->missed = true;
}

struct rng luck_from(struct luck *luck, const json_t *draws)
{
    if (json_array_size(draws) > DRAWS_MAX)
        die("draws", "are too many");
    *luck = (struct luck){ .draws = draws };
    return (struct rng){ fill_from_record, luck };
}

bool luck_fitted(const struct luck *luck)
{
    for (size_t i = 0; i < json_array_size(luck->draws); i++)
        if (!luck->used[i])
            return false;
    return !luck->missed;
}

/* --- hex -------------------------------------------------------------------------------------- */

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct bytes recorded_new(const json_t *hex)
{
    const char *text = json_string_value(hex);
    size_t size = json_string_length(hex) / 2;
    if (text == NULL || strlen(text) != 2 * size || size > RECORDED_MAX_BYTES)
        die("a field", "is missing, has half a byte or is too long");
    uint8_t *data = malloc(size + 1);
    if (data == NULL)
        die("memory", "is out");
    for (size_t i = 0; i < size; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            die("a field", "is not hex");
        data[i] = (uint8_t)(high << 4 | low);
    }
    return (struct bytes){ data, size };
}

struct bytes recorded_member(const json_t *object, const char *name)
{
    return recorded_new(json_object_get(object, name));
}

void recorded_free(struct bytes bytes)
{
    free((void *)bytes.data);
}

void recorded_take(void *out, size_t size, const json_t *object, const char *name)
{
    struct bytes bytes = recorded_member(object, name);
    if (bytes.size != size)
        die(name, "has another length");
    memcpy(out, bytes.data, size);
    recorded_free(bytes);
}

json_t *recorded_hex(struct bytes bytes)
{
    static char text[2 * RECORDED_MAX_BYTES + 1];
    if (bytes.size > RECORDED_MAX_BYTES)
        die("bytes", "are too many");
    text[0] = '\0';
    for (size_t i = 0; i < bytes.size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes.data[i]);
    return json_string(text);
}

bool recorded_is(const json_t *object, const char *name, const void *data, size_t size)
{
    struct bytes bytes = recorded_member(object, name);
    bool same = bytes_equal(bytes, (struct bytes){ data, size });
    recorded_free(bytes);
    return same;
}

/* --- events ----------------------------------------------------------------------------------- */

size_t recorded_number(const json_t *object, const char *name)
{
    return (size_t)json_integer_value(json_object_get(object, name));
}

instant recorded_time(const json_t *object, const char *name)
{
    return (instant)json_integer_value(json_object_get(object, name)) * MILLISECOND;
}

void recorded_alter(uint8_t *data, size_t size, const json_t *event)
{
    const json_t *alter = json_object_get(event, "alter");
    if (alter == NULL)
        return;
    size_t at = (size_t)json_integer_value(json_array_get(alter, 0));
    if (at >= size)
        die("an alteration", "lies outside");
    data[at] ^= (uint8_t)json_integer_value(json_array_get(alter, 1));
}

const char *recorded_open(struct ratchet *ratchet, instant now, struct bytes sealed,
                          uint8_t *content, struct ratchet_opened *opened)
{
    enum fault fault = ratchet_open(ratchet, now, sealed, content, opened);
    if (fault == FAULT_NONE)
        ratchet_keep(ratchet);
    return fault == FAULT_NONE ? "content" : fault == FAULT_GONE ? "duplicate" : "refused";
}
