/* What is carried for others: rules of BEP 44, and who loses what when room is short. */
#include "engine/dht/items.h"
#include "tests/test.h"

#include "base/rng.h"
#include "engine/dht/id.h"

static const instant start = 20000 * DAY;
static const struct dht_id self;

static struct rng_seeded luck;
static struct rng rng;

static struct items *begin(void)
{
    rng = rng_from_seed(&luck, 6);
    return items_create(&rng);
}

static struct address somebody(unsigned number)
{
    return (struct address){
        .ip = { [10] = 0xff, [11] = 0xff, 91, (uint8_t)(number >> 8), (uint8_t)number, 1 },
        .port = 6881
    };
}

/* The first byte is how far from us it is. */
static struct dht_id place(uint8_t far, unsigned number)
{
    return (struct dht_id){ { far, (uint8_t)(number >> 8), (uint8_t)number } };
}

static struct item mutable_item(int64_t seq, const char *value)
{
    return (struct item){ .mutable = true, .seq = seq, .value = bytes_of_text(value) };
}

static enum put put_at(struct items *items, instant now, unsigned who, struct dht_id target)
{
    struct address from = somebody(who);
    struct item item = { .value = bytes_of_text("1:a") };
    return items_put(items, now, &self, &from, &target, &item, NULL);
}

static enum put put_seq(struct items *items, int64_t seq, const char *value, const int64_t *cas)
{
    struct address from = somebody(1);
    struct dht_id target = place(1, 1);
    struct item item = mutable_item(seq, value);
    return items_put(items, start, &self, &from, &target, &item, cas);
}

static bool holds(struct items *items, struct dht_id target)
{
    return items_get(items, &target) != NULL;
}

static bool says(struct items *items, const char *value)
{
    struct dht_id target = place(1, 1);
    const struct item *item = items_get(items, &target);
    return item != NULL && bytes_equal(item->value, bytes_of_text(value));
}

/* As many addresses as it takes, each within its share. */
static void fill(struct items *items, instant now, uint8_t far)
{
    for (unsigned i = 0; i < SERVED_ITEMS; i++)
        CHECK_INT(put_at(items, now, 1000 + i / 50, place(far, i)), PUT_DONE);
    CHECK_INT(items_count(items), SERVED_ITEMS);
}

static void test_only_a_later_one_replaces(void)
{
    struct items *items = begin();
    CHECK_INT(put_seq(items, 5, "1:a", NULL), PUT_DONE);
    CHECK_INT(put_seq(items, 4, "1:b", NULL), PUT_OLD);
    CHECK(says(items, "1:a"));
    CHECK_INT(put_seq(items, 5, "1:c", NULL), PUT_DONE); /* accepted, and not believed */
    CHECK(says(items, "1:a"));
    CHECK_INT(put_seq(items, 6, "1:d", NULL), PUT_DONE);
    CHECK(says(items, "1:d"));
    CHECK_INT(put_seq(items, INT64_MAX, "1:e", NULL), PUT_DONE);
    CHECK(says(items, "1:e"));
    CHECK_INT(items_count(items), 1);
    items_destroy(items);
}

static void test_cas_compares_with_what_is_held(void)
{
    struct items *items = begin();
    const int64_t five = 5, six = 6;
    CHECK_INT(put_seq(items, 5, "1:a", &six), PUT_DONE); /* nothing is there to compare with */
    CHECK_INT(put_seq(items, 7, "1:b", &six), PUT_CAS);
    CHECK_INT(put_seq(items, 4, "1:b", &six), PUT_CAS); /* before the seq: 301 must be said */
    CHECK_INT(put_seq(items, 4, "1:b", &five), PUT_OLD);
    CHECK(says(items, "1:a"));
    CHECK_INT(put_seq(items, 7, "1:b", &five), PUT_DONE);
    CHECK(says(items, "1:b"));
    items_destroy(items);
}

static void test_what_is_held_is_a_copy(void)
{
    struct items *items = begin();
    struct address from = somebody(1);
    struct dht_id target = place(1, 1);
    uint8_t salt[3] = { 's', 'a', 'l' }, value[3] = { '1', ':', 'a' };
    struct item item = { .mutable = true, .salt = BYTES_OF(salt), .value = BYTES_OF(value) };
    CHECK_INT(items_put(items, start, &self, &from, &target, &item, NULL), PUT_DONE);
    memset(salt, 0, sizeof salt);
    memset(value, 0, sizeof value);
    const struct item *held = items_get(items, &target);
    CHECK(bytes_equal(held->salt, bytes_of_text("sal")));
    CHECK(bytes_equal(held->value, bytes_of_text("1:a")));
    items_destroy(items);
}

static void test_one_address_fills_its_share_and_no_more(void)
{
    struct items *items = begin();
    for (unsigned i = 0; i < SERVED_ITEMS; i++)
        CHECK_INT(put_at(items, start, 1, place(1, i)),
                  i < SERVED_ITEMS / ITEMS_SHARE ? PUT_DONE : PUT_FULL);
    CHECK_INT(items_count(items), SERVED_ITEMS / ITEMS_SHARE);
    CHECK_INT(put_at(items, start, 1, place(1, 0)), PUT_DONE); /* his own again */
    CHECK_INT(put_at(items, start, 2, place(2, 0)), PUT_DONE); /* others have theirs */
    CHECK_INT(put_at(items, start, 1, place(2, 0)), PUT_FULL); /* nor may he take that one over */
    items_destroy(items);
}

static void test_a_64_of_ipv6_is_one_address(void)
{
    struct items *items = begin();
    struct item item = { .value = bytes_of_text("1:a") };
    unsigned taken = 0;
    for (unsigned i = 0; i < SERVED_ITEMS; i++) {
        struct address from = { .ip = { 0x2a, [14] = (uint8_t)(i >> 8), (uint8_t)i }, .port = 1 };
        struct dht_id target = place(1, i);
        taken += items_put(items, start, &self, &from, &target, &item, NULL) == PUT_DONE;
    }
    CHECK_INT(taken, SERVED_ITEMS / ITEMS_SHARE);
    items_destroy(items);
}

static void test_within_two_hours_only_closer_ones_come_in(void)
{
    struct items *items = begin();
    instant last = start + ITEMS_KEPT - 1;
    fill(items, start, 8);
    CHECK_INT(put_at(items, last, 1, place(9, 0)), PUT_FULL);
    CHECK_INT(put_at(items, last, 1, place(7, 0)), PUT_DONE);
    CHECK(holds(items, place(7, 0)));
    CHECK(!holds(items, place(8, SERVED_ITEMS - 1))); /* the farthest made room */
    CHECK(holds(items, place(8, 0)));
    CHECK_INT(items_count(items), SERVED_ITEMS);
    items_destroy(items);
}

static void test_after_two_hours_those_nobody_asks_for_go_first(void)
{
    struct items *items = begin();
    instant over = start + ITEMS_KEPT;
    fill(items, start, 8);
    for (unsigned i = 0; i < SERVED_ITEMS; i++)
        if (i != 3)
            CHECK(holds(items, place(8, i)));
    CHECK(holds(items, place(8, 900)));
    CHECK_INT(put_at(items, over, 1, place(9, 0)), PUT_DONE); /* farther, and still welcome */
    CHECK(!holds(items, place(8, 3)));
    CHECK_INT(items_count(items), SERVED_ITEMS);
    items_destroy(items);
}

static void test_what_is_put_again_stays(void)
{
    struct items *items = begin();
    fill(items, start, 8);
    for (unsigned i = 0; i < SERVED_ITEMS; i++)
        if (i != 3)
            CHECK_INT(put_at(items, start + HOUR, 1000 + i / 50, place(8, i)), PUT_DONE);
    CHECK_INT(put_at(items, start + ITEMS_KEPT, 1, place(9, 0)), PUT_DONE);
    CHECK(!holds(items, place(8, 3)));
    CHECK_INT(put_at(items, start + ITEMS_KEPT, 1, place(9, 1)), PUT_FULL);
    items_destroy(items);
}

static void test_one_address_cannot_flush_what_others_put(void)
{
    struct items *items = begin();
    unsigned left = 0;
    fill(items, start, 8);
    for (unsigned i = 0; i < 10 * SERVED_ITEMS; i++)
        put_at(items, start + 2 * ITEMS_KEPT, 1,
               place(1, i)); /* closest of all, and all are over */
    for (unsigned i = 0; i < SERVED_ITEMS; i++)
        left += holds(items, place(8, i));
    CHECK_INT(left, SERVED_ITEMS - SERVED_ITEMS / ITEMS_SHARE);
    items_destroy(items);
}

TESTS(TEST(test_only_a_later_one_replaces), TEST(test_cas_compares_with_what_is_held),
      TEST(test_what_is_held_is_a_copy), TEST(test_one_address_fills_its_share_and_no_more),
      TEST(test_a_64_of_ipv6_is_one_address), TEST(test_within_two_hours_only_closer_ones_come_in),
      TEST(test_after_two_hours_those_nobody_asks_for_go_first), TEST(test_what_is_put_again_stays),
      TEST(test_one_address_cannot_flush_what_others_put))
