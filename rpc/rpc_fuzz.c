/* Whatever bytes arrive on the socket: lines come whole, each is read as a request or refused with
   a sentence, and what is read can be written and read again. */
#include "rpc/rpc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void check_time(struct bytes line)
{
    char text[2 * RPC_TIME_BYTES], again[RPC_TIME_BYTES];
    instant when;
    if (line.size >= sizeof text)
        return;
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    if (!rpc_time_parse(text, &when))
        return;
    rpc_time_print(when, again);
    must(strcmp(text, again) == 0);
}

/* A text that reads as bytes is the one these bytes have. */
static void check_coding(struct bytes line)
{
    char text[256], again[256];
    uint8_t bytes[128];
    size_t size;
    if (line.size >= sizeof text)
        return;
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    if (rpc_base64_parse(text, bytes, 96, &size)) {
        rpc_base64_print((struct bytes){ bytes, size }, again);
        must(strcmp(text, again) == 0);
    }
    if (rpc_hex_parse(text, bytes, strlen(text) / 2)) {
        rpc_hex_print((struct bytes){ bytes, strlen(text) / 2 }, again);
        must(strcasecmp(text, again) == 0);
    }
}

static void check_line(struct bytes line)
{
    check_time(line);
    check_coding(line);
    struct rpc_request request;
    char trouble[RPC_TROUBLE_BYTES];
    enum rpc_error error = rpc_request_read(line, &request, trouble);
    must((error == RPC_FINE) == (request.method != NULL));
    must(error == RPC_FINE || (trouble[0] != '\0' && strlen(trouble) < RPC_TROUBLE_BYTES));
    if (error == RPC_FINE)
        must(json_is_object(request.params));
    rpc_request_release(&request);

    json_t *value = rpc_json_read(line, NULL);
    if (value == NULL)
        return;
    struct rpc_text_line again = rpc_line_write(value);
    if (again.data != NULL) { /* escapes may have made it too long */
        json_t *same = rpc_json_read((struct bytes){ (uint8_t *)again.data, again.size }, NULL);
        must(json_equal(value, same));
        json_decref(same);
    }
    rpc_line_free(&again);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        rpc_start();
    started = true;
    if (size == 0)
        return 0;
    size_t step = 1 + data[0] * 7u; /* the first byte says how the rest is cut */
    struct rpc_lines *lines = rpc_lines_create();
    enum rpc_line found = RPC_LINE_NONE;
    for (size_t at = 1; at < size && found != RPC_LINE_OVERLONG; at += step) {
        size_t left = size - at;
        rpc_lines_feed(lines, (struct bytes){ data + at, left < step ? left : step });
        struct bytes line;
        while ((found = rpc_lines_next(lines, &line)) == RPC_LINE_WHOLE)
            check_line(line);
    }
    rpc_lines_destroy(lines);
    return 0;
}
