#include "base/mem.h"
#include "tests/test.h"

static void test_nothing_asked_for_is_still_an_address(void)
{
    void *zero = mem_zeroed(0, 8), *copy = mem_copy(NULL, 0);
    CHECK(zero != NULL && copy != NULL);
    mem_free(zero);
    mem_free(copy);
    mem_free(NULL);
}

static void test_what_was_there_stays_when_memory_grows(void)
{
    uint8_t *memory = mem_zeroed(4, 1);
    CHECK(memory[0] == 0 && memory[3] == 0);
    memcpy(memory, "four", 4);
    memory = mem_resized(memory, 1000, 4);
    CHECK_BYTES(memory, "four", 4);
    mem_free(memory);
}

static void test_a_copy_is_a_copy(void)
{
    char text[] = "words", *copy = mem_text(text);
    text[0] = 'W';
    CHECK_TEXT(copy, "words");
    mem_free(copy);
}

static void test_a_secret_is_gone_once_wiped(void)
{
    uint8_t secret[16];
    static const uint8_t zero[16];
    memset(secret, 7, sizeof secret);
    wipe(secret, sizeof secret - 1);
    CHECK_BYTES(secret, zero, sizeof secret - 1);
    CHECK_INT(secret[15], 7);
    wipe(secret, 0);
}

TESTS(TEST(test_nothing_asked_for_is_still_an_address),
      TEST(test_what_was_there_stays_when_memory_grows), TEST(test_a_copy_is_a_copy),
      TEST(test_a_secret_is_gone_once_wiped))
