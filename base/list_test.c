#include "base/list.h"
#include "tests/test.h"

struct item {
    int number;
    struct list link;
};

static struct list head;
static struct item items[4];

static void fill(void)
{
    list_init(&head);
    for (int i = 0; i < 4; i++) {
        items[i].number = i;
        list_append(&head, &items[i].link);
    }
}

/* The numbers along the list as the digits of one. */
static int walk(void)
{
    int seen = 0;
    LIST_EACH (link, &head)
        seen = seen * 10 + LIST_ITEM(link, struct item, link)->number + 1;
    return seen;
}

static void test_items_stay_in_order_of_arrival(void)
{
    fill();
    CHECK_INT(walk(), 1234);
    list_remove(&items[1].link);
    CHECK_INT(walk(), 134);
    list_append(&head, &items[1].link);
    CHECK_INT(walk(), 1342);
}

static void test_removing_twice_is_fine(void)
{
    fill();
    list_remove(&items[0].link);
    list_remove(&items[0].link);
    CHECK_INT(walk(), 234);
    CHECK(list_empty(&items[0].link));
}

static void test_an_item_may_leave_while_the_list_is_walked(void)
{
    int seen = 0;
    fill();
    LIST_EACH (link, &head) {
        list_remove(link);
        seen++;
    }
    CHECK(seen == 4 && list_empty(&head) && walk() == 0);
}

TESTS(TEST(test_items_stay_in_order_of_arrival), TEST(test_removing_twice_is_fine),
      TEST(test_an_item_may_leave_while_the_list_is_walked))
