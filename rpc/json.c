/* JSON in and out: jansson behind our limits, with memory that is wiped when it is freed. */
#include "rpc/rpc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* jansson frees without telling the size, so each piece remembers its own. */
struct piece {
    size_t size;
    max_align_t memory[];
};

static void *piece_alloc(size_t size)
{
    struct piece *piece = mem_zeroed(1, sizeof *piece + size);
    piece->size = size;
    return piece->memory;
}

static void piece_free(void *memory)
{
    if (memory == NULL)
        return;
    struct piece *piece = (void *)((char *)memory - offsetof(struct piece, memory));
    wipe(piece, sizeof *piece + piece->size);
    mem_free(piece);
}

void rpc_start(void)
{
    json_set_alloc_funcs(piece_alloc, piece_free);
}

/* jansson allows 2,048 levels and any number of values; our limits are met before it allocates. The
   text may still be wrong in every other way: only brackets and commas outside strings are counted.
 */
static const char *excess(struct bytes text)
{
    size_t depth = 0, values = 1;
    bool in_string = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        in_string = c == '"';
        if (c == '[' || c == '{')
            depth++, values++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        else if (c == ',')
            values++;
        if (depth > RPC_DEPTH_MAX)
            return "it is nested too deeply";
        if (values > RPC_VALUES_MAX)
            return "it holds too many values";
    }
    return NULL;
}

static json_t *refused(char *trouble, const char *why)
{
    if (trouble != NULL)
        snprintf(trouble, RPC_TROUBLE_BYTES, "%s", why);
    return NULL;
}

json_t *rpc_json_read(struct bytes text, char trouble[RPC_TROUBLE_BYTES])
{
    if (text.size > RPC_LINE_MAX_BYTES)
        return refused(trouble, "it is longer than 1 MiB");
    const char *why = excess(text);
    if (why != NULL)
        return refused(trouble, why);
    json_error_t error;
    json_t *value = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL &&
        trouble != NULL) /* its words may quote the line, which may hold a secret */
        snprintf(trouble, RPC_TROUBLE_BYTES, "it is not JSON from byte %d on", error.position);
    wipe(&error, sizeof error);
    return value;
}

const char *rpc_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

int64_t rpc_whole(const json_t *object, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

bool rpc_flag(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

size_t rpc_texts(const json_t *object, const char *name)
{
    return json_array_size(json_object_get(object, name));
}

const char *rpc_text_at(const json_t *object, const char *name, size_t index)
{
    return json_string_value(json_array_get(json_object_get(object, name), index));
}

void rpc_line_free(struct rpc_text_line *line)
{
    if (line->data != NULL)
        wipe(line->data, line->size);
    mem_free(line->data);
    *line = (struct rpc_text_line){ 0 };
}

struct rpc_text_line rpc_line_write(const json_t *value)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    size_t size = json_dumpb(value, NULL, 0, flags);
    if (size == 0 || size > RPC_LINE_MAX_BYTES)
        return (struct rpc_text_line){ 0 };
    struct rpc_text_line line = { mem_zeroed(1, size + 2), size + 1 };
    size_t written = json_dumpb(value, line.data, size, flags);
    assert(written == size);
    line.data[size] = '\n';
    return line;
}

static json_t *id_or_null(const json_t *id)
{
    return id == NULL ? json_null() : json_deep_copy(id);
}

struct rpc_text_line rpc_answer_line(const json_t *id, json_t *result)
{
    json_t *object =
        json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", id_or_null(id), "result", result);
    struct rpc_text_line line = rpc_line_write(object);
    json_decref(object);
    if (line.data == NULL)
        return rpc_error_line(id, RPC_INTERNAL, "the answer does not fit one line", NULL);
    return line;
}

struct rpc_text_line rpc_error_line(const json_t *id, enum rpc_error error, const char *sentence,
                                    json_t *more)
{
    const struct rpc_error_row *row = rpc_error_row(error);
    json_t *data = json_pack("{s:s, s:s}", "name", row->name, "hint", row->hint);
    if (more != NULL)
        json_object_update_missing(data, more);
    json_decref(more);
    json_t *message = json_string(sentence != NULL ? sentence : row->sentence);
    if (message == NULL) /* it quoted something that is no UTF-8 */
        message = json_string(row->sentence);
    json_t *object =
        json_pack("{s:s, s:o, s:{s:i, s:o, s:o}}", "jsonrpc", "2.0", "id", id_or_null(id), "error",
                  "code", row->code, "message", message, "data", data);
    struct rpc_text_line line = rpc_line_write(object);
    json_decref(object);
    return line;
}

struct rpc_text_line rpc_event_line(json_t *event)
{
    json_t *object =
        json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", "event", "params", event);
    struct rpc_text_line line = rpc_line_write(object);
    json_decref(object);
    return line;
}
