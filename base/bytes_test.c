#include "base/bytes.h"
#include "tests/test.h"

static void test_what_is_put_is_taken(void)
{
    uint8_t memory[64];
    struct cursor out = cursor_into(memory, sizeof memory);
    CHECK(cursor_put_u8(&out, 0x12) && cursor_put_u16(&out, 0x3456));
    CHECK(cursor_put_u32(&out, 0x789abcde) && cursor_put_u64(&out, 0x0123456789abcdef));
    CHECK(cursor_put_u16_bytes(&out, bytes_of_text("two")));
    CHECK(cursor_put_u32_bytes(&out, bytes_of_text("four")));
    struct bytes wire = cursor_written(&out);
    CHECK_INT(wire.size, 1 + 2 + 4 + 8 + 5 + 8);
    CHECK_INT(wire.data[1], 0x34); /* big-endian */
    struct cursor in = cursor_over(wire);
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    struct bytes two, four;
    CHECK(cursor_take_u8(&in, &a) && cursor_take_u16(&in, &b) && cursor_take_u32(&in, &c));
    CHECK(cursor_take_u64(&in, &d));
    CHECK(cursor_view_u16(&in, 3, &two) && cursor_view_u32(&in, 4, &four));
    CHECK(cursor_done(&in));
    CHECK(a == 0x12 && b == 0x3456 && c == 0x789abcde && d == 0x0123456789abcdef);
    CHECK(bytes_equal(two, bytes_of_text("two")) && bytes_equal(four, bytes_of_text("four")));
}

static void test_a_read_past_the_end_spoils_the_cursor_for_good(void)
{
    uint32_t number = 7;
    uint8_t byte;
    struct cursor in = cursor_over(bytes_of_text("abc"));
    CHECK(!cursor_take_u32(&in, &number));
    CHECK_INT(number, 7);
    CHECK(!cursor_take_u8(&in, &byte)); /* also what would have fitted */
    CHECK(!cursor_good(&in) && !cursor_done(&in) && cursor_left(&in) == 0);
}

static void test_a_write_past_the_end_writes_nothing(void)
{
    uint8_t memory[4] = { 9, 9, 9, 9 };
    struct cursor out = cursor_into(memory, 3);
    CHECK(!cursor_put_u32(&out, 0));
    CHECK_INT(memory[0], 9);
    CHECK_INT(cursor_written(&out).size, 0);
}

static void test_a_counted_view_respects_its_maximum(void)
{
    static const uint8_t wire[] = { 0, 3, 'a', 'b', 'c' };
    struct bytes view;
    struct cursor in = cursor_over(BYTES_OF(wire));
    CHECK(!cursor_view_u16(&in, 2, &view));
    in = cursor_over(BYTES_OF(wire));
    CHECK(cursor_view_u16(&in, 3, &view) && view.size == 3);
    in = cursor_over((struct bytes){ wire, 4 }); /* the count promises more than there is */
    CHECK(!cursor_view_u16(&in, 3, &view));
}

static void test_an_empty_view_is_fine(void)
{
    struct bytes view;
    struct cursor in = cursor_over((struct bytes){ 0 });
    CHECK(cursor_done(&in) && cursor_view(&in, 0, &view) && cursor_done(&in));
}

static void test_prefixes_sort_first(void)
{
    CHECK(bytes_compare(bytes_of_text("ab"), bytes_of_text("abc")) < 0);
    CHECK(bytes_compare(bytes_of_text("b"), bytes_of_text("abc")) > 0);
    CHECK(bytes_compare(bytes_of_text("abc"), bytes_of_text("abc")) == 0);
}

TESTS(TEST(test_what_is_put_is_taken), TEST(test_a_read_past_the_end_spoils_the_cursor_for_good),
      TEST(test_a_write_past_the_end_writes_nothing),
      TEST(test_a_counted_view_respects_its_maximum), TEST(test_an_empty_view_is_fine),
      TEST(test_prefixes_sort_first))
