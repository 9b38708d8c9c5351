#include "tests/test.h"

#include "rpc/rpc.h"

#define SEND_START "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"message.send\",\"params\":"

static enum rpc_error read_line(const char *line, struct rpc_request *out, char *trouble)
{
    return rpc_request_read(bytes_of_text(line), out, trouble);
}

static void test_a_request_is_read_or_refused_with_a_reason(void)
{
    static const struct {
        const char *line;
        enum rpc_error error;
        const char *says;
    } rows[] = {
        { SEND_START "{\"who\":\"a\",\"text\":\"hi\"}}", RPC_FINE, "" },
        { "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"session.hello\"}", RPC_FINE, "" },
        { "", RPC_PARSE, "not JSON" },
        { "{", RPC_PARSE, "not JSON" },
        { "{} {}", RPC_PARSE, "not JSON" },
        { "\xff", RPC_PARSE, "not JSON" },
        { "{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.hello\"}",
          RPC_PARSE, "not JSON" },
        { SEND_START "{\"who\":\"a\",\"text\":\"\\u0000\"}}", RPC_PARSE, "not JSON" },
        { "[]", RPC_INVALID_REQUEST, "batches" },
        { "3", RPC_PARSE, "not JSON" },
        { "{\"id\":1,\"method\":\"session.hello\"}", RPC_INVALID_REQUEST, "\"2.0\"" },
        { "{\"jsonrpc\":\"2.0\",\"method\":\"session.hello\"}", RPC_INVALID_REQUEST, "\"id\"" },
        { "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"session.hello\"}", RPC_INVALID_REQUEST,
          "\"id\"" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"session.hello\"}", RPC_INVALID_REQUEST,
          "\"id\"" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_INVALID_REQUEST, "\"method\"" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.hello\",\"parms\":{}}",
          RPC_INVALID_REQUEST, "only" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.hello\",\"params\":[]}",
          RPC_INVALID_REQUEST, "named" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.helo\"}", RPC_UNKNOWN_METHOD,
          "no such" },
        { SEND_START "{\"who\":\"a\"}}", RPC_BAD_PARAMS, "\"text\"" },
        { SEND_START "{\"who\":\"a\",\"text\":1}}", RPC_BAD_PARAMS, "must be a text" },
        { SEND_START "{\"who\":\"a\",\"text\":\"b\",\"txet\":\"b\"}}", RPC_BAD_PARAMS,
          "does not know" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.since\",\"params\":{\"since\":-1}}",
          RPC_BAD_PARAMS, "whole number" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.since\",\"params\":{\"since\":1.0}}",
          RPC_BAD_PARAMS, "whole number" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.since\",\"params\":{\"limit\":501}}",
          RPC_BAD_PARAMS, "0 to 500" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.unlock\",\"params\":"
          "{\"passphrase\":\"\"}}",
          RPC_BAD_PARAMS, "empty" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"contact.add\",\"params\":{\"card\":\"c\","
          "\"name\":\"n\",\"at\":[1]}}",
          RPC_BAD_PARAMS, "list of at most 8" },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"contact.add\",\"params\":{\"card\":\"c\","
          "\"name\":\"n\",\"at\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}}",
          RPC_BAD_PARAMS, "list of at most 8" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rpc_request request;
        char trouble[RPC_TROUBLE_BYTES];
        CHECK_INT(read_line(rows[i].line, &request, trouble), rows[i].error);
        CHECK(strstr(trouble, rows[i].says) != NULL);
        CHECK((request.method != NULL) == (rows[i].error == RPC_FINE));
        rpc_request_release(&request);
    }
}

static void test_a_refused_request_still_has_its_id(void)
{
    struct rpc_request request;
    char trouble[RPC_TROUBLE_BYTES];
    CHECK(read_line("{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"x\"}", &request, trouble) ==
          RPC_INVALID_REQUEST);
    CHECK_INT(json_integer_value(request.id), 7);
    rpc_request_release(&request);
}

static void test_a_refusal_never_quotes_the_line(void)
{
    struct rpc_request request;
    char trouble[RPC_TROUBLE_BYTES];
    CHECK(read_line("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.unlock\",\"params\":"
                    "{\"passphrase\":\"hunter2\"",
                    &request, trouble) == RPC_PARSE);
    CHECK(strstr(trouble, "hunter") == NULL);
    rpc_request_release(&request);
}

static void test_depth_and_count_are_bounded(void)
{
    char deep[2 * (RPC_DEPTH_MAX + 1) + 1] = "";
    for (size_t most = RPC_DEPTH_MAX; most <= RPC_DEPTH_MAX + 1; most++) {
        memset(deep, '[', most);
        memset(deep + most, ']', most);
        json_t *value = rpc_json_read((struct bytes){ (uint8_t *)deep, 2 * most }, NULL);
        CHECK((value != NULL) == (most == RPC_DEPTH_MAX));
        json_decref(value);
    }
    static char wide[2 * RPC_VALUES_MAX + 3];
    size_t size = 0;
    wide[size++] = '[';
    for (size_t i = 0; i < RPC_VALUES_MAX; i++) {
        wide[size++] = '1';
        wide[size++] = ',';
    }
    wide[size - 1] = ']';
    char trouble[RPC_TROUBLE_BYTES];
    CHECK(rpc_json_read((struct bytes){ (uint8_t *)wide, size }, trouble) == NULL);
    CHECK(strstr(trouble, "too many") != NULL);
    wide[size - 5] = ']'; /* two values fewer, the array itself counts as one */
    json_t *value = rpc_json_read((struct bytes){ (uint8_t *)wide, size - 4 }, trouble);
    CHECK_INT(json_array_size(value), RPC_VALUES_MAX - 2);
    json_decref(value);
}

static void test_a_bracket_in_a_text_is_text(void)
{
    const char *text = "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[\\\"{{{{{{{{{{{{{{{{{{{{{{\"}";
    json_t *value = rpc_json_read(bytes_of_text(text), NULL);
    CHECK(value != NULL);
    json_decref(value);
}

TESTS(TEST(test_a_request_is_read_or_refused_with_a_reason),
      TEST(test_a_refused_request_still_has_its_id), TEST(test_a_refusal_never_quotes_the_line),
      TEST(test_depth_and_count_are_bounded), TEST(test_a_bracket_in_a_text_is_text))
