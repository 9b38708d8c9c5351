#include "tests/test.h"

#include "rpc/rpc.h"

static void test_the_vectors_of_rfc_4648_hold(void)
{
    static const struct {
        const char *plain, *coded;
    } rows[] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[16], back[16];
        size_t size;
        rpc_base64_print(bytes_of_text(rows[i].plain), text);
        CHECK_TEXT(text, rows[i].coded);
        CHECK(rpc_base64_parse(text, back, sizeof back, &size));
        CHECK(bytes_equal(bytes_of_text(rows[i].plain), (struct bytes){ (uint8_t *)back, size }));
    }
}

static void test_every_byte_comes_back(void)
{
    uint8_t data[256], back[256];
    char text[RPC_BASE64_CHARS(256) + 1], hex[2 * 256 + 1];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (size_t size = 0; size <= sizeof data; size++) {
        size_t got;
        rpc_base64_print((struct bytes){ data, size }, text);
        CHECK_INT(strlen(text), RPC_BASE64_CHARS(size));
        CHECK(rpc_base64_parse(text, back, size, &got));
        CHECK(bytes_equal((struct bytes){ data, size }, (struct bytes){ back, got }));
        CHECK(size == 0 || !rpc_base64_parse(text, back, size - 1, &got)); /* no room */
    }
    rpc_hex_print((struct bytes){ data, sizeof data }, hex);
    CHECK(rpc_hex_parse(hex, back, sizeof back) && memcmp(data, back, sizeof data) == 0);
}

static void test_one_spelling_and_no_other(void)
{
    static const char *const wrong[] = { "Zg=",      "Zg",   "Zh==",   "Zm9=", "Z===", "====",
                                         "Zg==Zg==", " Zm9", "Zm9v\n", "Zm-_", "=m9v", "Zm=v" };
    uint8_t out[16];
    size_t size;
    for (size_t i = 0; i < COUNT(wrong); i++)
        CHECK(!rpc_base64_parse(wrong[i], out, sizeof out, &size));
    CHECK(rpc_hex_parse("00fFA9", out, 3) && out[1] == 0xff && out[2] == 0xa9);
    CHECK(!rpc_hex_parse("00ffa", out, 3) && !rpc_hex_parse("00ffa900", out, 3) &&
          !rpc_hex_parse("00ffag", out, 3) && !rpc_hex_parse("0x00ff", out, 3));
}

TESTS(TEST(test_the_vectors_of_rfc_4648_hold), TEST(test_every_byte_comes_back),
      TEST(test_one_spelling_and_no_other))
