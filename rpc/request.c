/* A line becomes a request that obeys the table, or an error with a sentence. */
#include "rpc/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ID_TEXT_MAX_BYTES 64

__attribute__((format(printf, 2, 3))) static bool wrong(char *trouble, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(trouble, RPC_TROUBLE_BYTES, format, values);
    va_end(values);
    return false;
}

static bool is_id(const json_t *value)
{
    return json_is_integer(value) ||
           (json_is_string(value) && json_string_length(value) <= ID_TEXT_MAX_BYTES);
}

/* Exactly jsonrpc, id, method and maybe params: a misspelt `parms` must not mean "none". */
static bool is_envelope(const json_t *line, char *trouble)
{
    static const char *const known[] = { "jsonrpc", "id", "method", "params" };
    const char *version = rpc_text(line, "jsonrpc");
    if (version == NULL || strcmp(version, "2.0") != 0)
        return wrong(trouble, "\"jsonrpc\" must be \"2.0\"");
    if (!is_id(json_object_get(line, "id")))
        return wrong(trouble, "\"id\" must be a whole number or a text of at most %d bytes",
                     ID_TEXT_MAX_BYTES);
    if (!json_is_string(json_object_get(line, "method")))
        return wrong(trouble, "\"method\" must be a text");
    size_t expected = 0;
    for (size_t i = 0; i < COUNT(known); i++)
        expected += json_object_get(line, known[i]) != NULL;
    if (json_object_size(line) != expected)
        return wrong(trouble, "only \"jsonrpc\", \"id\", \"method\" and \"params\" belong there");
    const json_t *params = json_object_get(line, "params");
    if (params != NULL && !json_is_object(params))
        return wrong(trouble, "\"params\" must be an object: parameters are named");
    return true;
}

static bool is_text(const struct rpc_field *field, const json_t *value, char *trouble)
{
    if (!json_is_string(value))
        return wrong(trouble, "\"%s\" must be a text", field->name);
    if (field->most > 0 && json_string_length(value) > (size_t)field->most)
        return wrong(trouble, "\"%s\" is longer than %lld bytes", field->name,
                     (long long)field->most);
    if (field->type == RPC_SECRET && json_string_length(value) == 0)
        return wrong(trouble, "\"%s\" is empty", field->name);
    return true;
}

static bool is_whole(const struct rpc_field *field, const json_t *value, char *trouble)
{
    int64_t most = field->most > 0 ? field->most : INT64_MAX;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > most)
        return wrong(trouble, "\"%s\" must be a whole number from 0 to %lld", field->name,
                     (long long)most);
    return true;
}

static bool are_texts(const struct rpc_field *field, const json_t *value, char *trouble)
{
    bool good = json_is_array(value) && json_array_size(value) <= (size_t)field->most;
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = json_is_string(json_array_get(value, i));
    return good || wrong(trouble, "\"%s\" must be a list of at most %lld texts", field->name,
                         (long long)field->most);
}

static bool fits(const struct rpc_field *field, const json_t *value, char *trouble)
{
    switch (field->type) {
    case RPC_TEXT:
    case RPC_SECRET:
        return is_text(field, value, trouble);
    case RPC_WHOLE:
        return is_whole(field, value, trouble);
    case RPC_FLAG:
        return json_is_boolean(value) ||
               wrong(trouble, "\"%s\" must be true or false", field->name);
    case RPC_TEXTS:
        return are_texts(field, value, trouble);
    default:
        return wrong(trouble, "\"%s\" is for answers only", field->name);
    }
}

static bool params_fit(const struct rpc_method *method, const json_t *params, char *trouble)
{
    size_t known = 0;
    for (const struct rpc_field *field = method->params; field->type != RPC_END; field++) {
        const json_t *value = json_object_get(params, field->name);
        if (value == NULL && field->required)
            return wrong(trouble, "%s needs the parameter \"%s\"", method->name, field->name);
        if (value == NULL)
            continue;
        if (!fits(field, value, trouble))
            return false;
        known++;
    }
    if (known != json_object_size(params))
        return wrong(trouble, "%s was given a parameter it does not know", method->name);
    return true;
}

static enum rpc_error understand(const json_t *line, struct rpc_request *out, char *trouble)
{
    json_t *id = json_object_get(line, "id");
    if (is_id(id)) /* also of a line that is wrong otherwise, so that its sender hears which */
        out->id = json_incref(id);
    if (!is_envelope(line, trouble))
        return RPC_INVALID_REQUEST;
    const struct rpc_method *method = rpc_method_named(rpc_text(line, "method"));
    if (method == NULL) {
        wrong(trouble, "%s", rpc_error_row(RPC_UNKNOWN_METHOD)->sentence);
        return RPC_UNKNOWN_METHOD;
    }
    json_t *params = json_object_get(line, "params");
    out->params = params != NULL ? json_incref(params) : json_object();
    if (!params_fit(method, out->params, trouble))
        return RPC_BAD_PARAMS;
    out->method = method;
    return RPC_FINE;
}

enum rpc_error rpc_request_read(struct bytes line, struct rpc_request *out,
                                char trouble[RPC_TROUBLE_BYTES])
{
    *out = (struct rpc_request){ 0 };
    trouble[0] = '\0';
    json_t *value = rpc_json_read(line, trouble);
    if (value == NULL)
        return RPC_PARSE;
    enum rpc_error error = RPC_INVALID_REQUEST;
    if (json_is_object(value))
        error = understand(value, out, trouble);
    else
        wrong(trouble, "a request is an object; batches are not served");
    json_decref(value);
    return error;
}

void rpc_request_release(struct rpc_request *request)
{
    json_decref(request->id);
    json_decref(request->params);
    *request = (struct rpc_request){ 0 };
}
