/* What tests share: a check, a list of tests with names that are sentences, and hex. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

#include <string.h>

#define CHECK(claim)            assert_true(claim)
#define CHECK_BYTES(a, b, size) assert_memory_equal(a, b, size)
#define CHECK_TEXT(a, b)        assert_string_equal(a, b)
#define CHECK_INT(a, b)         assert_int_equal(a, b)

struct test {
    const char *name;
    void (*run)(void);
};
#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
/* At the end of a test file: TESTS(TEST(test_a), TEST(test_b)) */
#define TESTS(...)                                                                                 \
    static void run_one(void **state)                                                              \
    {                                                                                              \
        ((const struct test *)*state)->run();                                                      \
    }                                                                                              \
    int main(void)                                                                                 \
    {                                                                                              \
        static struct test tests[] = { __VA_ARGS__ };                                              \
        static struct CMUnitTest units[COUNT(tests)];                                              \
        for (size_t i = 0; i < COUNT(tests); i++)                                                  \
            units[i] = (struct CMUnitTest){ tests[i].name, run_one, NULL, NULL, &tests[i] };       \
        return _cmocka_run_group_tests("tests", units, COUNT(tests), NULL, NULL) == 0 ? 0 : 1;     \
    }

/* Fills `out` from hex digits and returns how many bytes; fails the test on anything else. */
static inline size_t unhex(uint8_t *out, size_t most, const char *hex)
{
    size_t size = strlen(hex) / 2;
    assert_true(strlen(hex) % 2 == 0 && size <= most);
    for (size_t i = 0; i < 2 * size; i++) {
        char c = hex[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        assert_true(digit >= 0);
        out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
    }
    return size;
}

#endif
