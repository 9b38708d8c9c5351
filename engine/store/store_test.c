#include "engine/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/test.h"

static char home[] = "/tmp/ramage-store-XXXXXX";

static void test_message(void)
{
    char path[64];
    CHECK(mkdtemp(home));
    snprintf(path, sizeof path, "%s/store.db", home);
    struct store_place place = { .path = path, .key = "thirty-two bytes of a raw key.." };
    struct store *store;
    enum store_trouble trouble;
    CHECK_INT(store_open(&place, &store, &trouble), FAULT_NONE);
    CHECK_INT(trouble, STORE_FINE);
    struct store_contact c = { .name = "Bob", .added = 5 };
    CHECK_INT(store_contact_add(store, &c), FAULT_NONE);
    struct store_message m = { .contact = c.id,
                               .id = "x",
                               .ours = true,
                               .state = MESSAGE_WRITTEN,
                               .height = 1,
                               .text = bytes_of_text("hello") };
    CHECK_INT(store_message_add(store, &m), FAULT_NONE);
    CHECK_INT(store_settle(store), FAULT_NONE);
    store_close(store);
    place.key[0]++;
    CHECK_INT(store_open(&place, &store, &trouble), FAULT_DISK);
    CHECK_INT(trouble, STORE_DAMAGED);
    place.key[0]--;
    CHECK_INT(store_open(&place, &store, &trouble), FAULT_NONE);
    struct store_message got;
    CHECK_INT(store_message_step(store, c.id, NULL, false, false, &got), FAULT_NONE);
    CHECK(bytes_equal(got.text, bytes_of_text("hello")));
    CHECK_INT(store_message_step(store, c.id, NULL, true, false, &got), FAULT_NONE);
    CHECK_INT(store_message_step(store, c.id, NULL, true, true, &got), FAULT_GONE);
    CHECK_INT(store_contact_remove(store, c.id), FAULT_NONE);
    store_close(store);
}
TESTS(TEST(test_message))
