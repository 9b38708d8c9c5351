#include "base/time.h"
#include "tests/test.h"

static void test_adding_a_wait_never_wraps(void)
{
    CHECK(after(5 * SECOND, SECOND) == 6 * SECOND);
    CHECK(after(NEVER, 0) == NEVER && after(NEVER, SECOND) == NEVER);
    CHECK(after(NEVER - 1, 1) == NEVER && after(NEVER - 1, 2) == NEVER);
    CHECK(after(0, NEVER) == NEVER && after(1, NEVER) == NEVER);
}

static void test_never_is_later_than_anything(void)
{
    CHECK(earlier(NEVER, WEEK) == WEEK && later(NEVER, WEEK) == NEVER);
    CHECK(earlier(1, 2) == 1 && later(1, 2) == 2 && earlier(3, 3) == 3);
}

TESTS(TEST(test_adding_a_wait_never_wraps), TEST(test_never_is_later_than_anything))
