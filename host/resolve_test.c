/* Names of this machine alone: no test asks the network. */
#include "host/host.h"
#include "tests/test.h"

#include <string.h>

static struct host *host;
static struct address told[HOST_RESOLVED_MAX];
static size_t told_count, calls;

static void on_told(void *self, const struct address *at, size_t count)
{
    CHECK(self == &calls);
    calls++;
    told_count = count;
    memcpy(told, at, count * sizeof *at);
    host_stop(host);
}

static void resolve(const char *name)
{
    host = host_create(&(struct host_settings){ .hooks = { .self = NULL } });
    calls = 0;
    told_count = HOST_RESOLVED_MAX;
    host_resolve(host, name, 6881, on_told, &calls);
    host_run(host);
    host_destroy(host);
    CHECK_INT(calls, 1);
}

static void expect_one(const char *text)
{
    struct address at;
    CHECK(address_parse(text, &at));
    CHECK_INT(told_count, 1);
    CHECK(address_equal(&told[0], &at));
}

static void test_an_address_is_a_name_too(void)
{
    resolve("192.0.2.7");
    expect_one("192.0.2.7:6881");
    resolve("2001:db8::7");
    expect_one("[2001:db8::7]:6881");
}

static void test_the_machine_knows_itself(void)
{
    struct address four, six;
    CHECK(address_parse("127.0.0.1:6881", &four) && address_parse("[::1]:6881", &six));
    resolve("localhost");
    CHECK(told_count > 0);
    for (size_t i = 0; i < told_count; i++)
        CHECK(address_equal(&told[i], &four) || address_equal(&told[i], &six));
}

static void test_no_name_is_nobody(void)
{
    resolve("no name");
    CHECK_INT(told_count, 0);
}

/* What runs beside the loop is waited for, and says nothing to whoever is gone. */
static void test_a_host_may_end_while_a_name_is_asked_for(void)
{
    calls = 0;
    host = host_create(&(struct host_settings){ .hooks = { .self = NULL } });
    host_resolve(host, "localhost", 6881, on_told, &calls);
    host_destroy(host);
    CHECK(calls <= 1);
}

TESTS(TEST(test_an_address_is_a_name_too), TEST(test_the_machine_knows_itself),
      TEST(test_no_name_is_nobody), TEST(test_a_host_may_end_while_a_name_is_asked_for))
