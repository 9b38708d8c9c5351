#include "engine/store/fixture.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tests/test.h"

static struct fixture home;

static struct store_message message_of(int64_t contact, uint8_t mark, uint64_t height)
{
    return (struct store_message){ .contact = contact,
                                   .id = { mark },
                                   .height = height,
                                   .state = MESSAGE_DELIVERED,
                                   .text = bytes_of_text("x") };
}

static void add(int64_t contact, uint8_t mark, uint64_t height, uint8_t parent)
{
    struct store_message message = message_of(contact, mark, height);
    message.parents[0][0] = parent;
    message.parent_count = parent ? 1 : 0;
    CHECK_INT(store_message_add(home.store, &message), FAULT_NONE);
}

static void test_a_message_comes_back_as_it_was(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_message in = message_of(bob, 0xff, 5), out;
    in.ours = true;
    in.state = MESSAGE_FAILED;
    in.failure = FAILURE_EXPIRED;
    in.read = true;
    in.written = UINT64_MAX;
    in.arrived = 1700000000 * SECOND;
    in.changed = NEVER;
    in.parent_count = STORE_PARENTS_MAX;
    memset(in.parents, 0xab, sizeof in.parents);
    in.text = bytes_of_text("l\xc3\xa0-bas?\n\x01");
    CHECK_INT(store_message_add(home.store, &in), FAULT_NONE);
    fixture_settle(&home);
    fixture_reopen(&home);
    CHECK_INT(store_message_get(home.store, in.row, &out), FAULT_NONE);
    CHECK(out.row == in.row && out.contact == bob && out.ours && out.read && out.height == 5);
    CHECK(out.state == MESSAGE_FAILED && out.failure == FAILURE_EXPIRED);
    CHECK(out.written == UINT64_MAX && out.arrived == in.arrived && out.changed == NEVER);
    CHECK_INT(out.parent_count, STORE_PARENTS_MAX);
    CHECK_BYTES(out.parents, in.parents, sizeof in.parents);
    CHECK(bytes_equal(out.text, in.text));
    CHECK_INT(store_message_by_id(home.store, in.id, &out), FAULT_NONE);
    CHECK(out.row == in.row);
    CHECK_INT(store_message_get(home.store, in.row + 1, &out), FAULT_GONE);
    in.id[31] = 1;
    CHECK_INT(store_message_by_id(home.store, in.id, &out), FAULT_GONE);
    fixture_end(&home);
}

static void test_a_text_may_be_empty_or_as_long_as_the_limit_and_no_longer(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    uint8_t *text = mem_zeroed(STORE_TEXT_MAX_BYTES + 1, 1);
    memset(text, 'x', STORE_TEXT_MAX_BYTES + 1);
    struct store_message longest = message_of(bob, 1, 1), empty = message_of(bob, 2, 2), out;
    longest.text = (struct bytes){ text, STORE_TEXT_MAX_BYTES };
    empty.text = (struct bytes){ NULL, 0 };
    CHECK_INT(store_message_add(home.store, &longest), FAULT_NONE);
    CHECK_INT(store_message_add(home.store, &empty), FAULT_NONE);
    fixture_settle(&home);
    struct store_message longer = message_of(bob, 3, 3);
    longer.text = (struct bytes){ text, STORE_TEXT_MAX_BYTES + 1 };
    CHECK_INT(store_message_add(home.store, &longer), FAULT_BUSY);
    CHECK(!store_dirty(home.store));
    CHECK_INT(store_message_by_id(home.store, longer.id, &out), FAULT_GONE);
    CHECK_INT(store_message_get(home.store, empty.row, &out), FAULT_NONE);
    CHECK_INT(out.text.size, 0);
    CHECK_INT(store_message_get(home.store, longest.row, &out), FAULT_NONE);
    CHECK(bytes_equal(out.text, longest.text));
    mem_free(text);
    fixture_end(&home);
}

static void test_the_same_message_twice_changes_nothing(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    add(bob, 1, 1, 0);
    add(bob, 2, 2, 1);
    fixture_settle(&home);
    struct store_message again = message_of(bob, 1, 1);
    CHECK_INT(store_message_add(home.store, &again), FAULT_GONE);
    CHECK(!store_dirty(home.store));
    struct store_chat chat;
    CHECK_INT(store_chat_get(home.store, bob, &chat), FAULT_NONE);
    CHECK_INT(chat.total, 2);
    fixture_end(&home);
}

/* Both people add the same graph in orders of their own; heads, height and order must agree. */
static void test_any_order_of_arrival_gives_the_same_conversation(void)
{
    static const struct {
        uint8_t mark, height, parents[2];
    } graph[] = { { 1, 1, { 0 } },    { 2, 2, { 1 } }, { 3, 2, { 1 } },
                  { 4, 3, { 2, 3 } }, { 5, 3, { 3 } }, { 6, 4, { 4, 5 } },
                  { 7, 1, { 0 } },    { 8, 2, { 7 } }, { 9, 5, { 6, 99 } } };
    static const uint8_t order[] = { 1, 7, 2, 3, 8, 4, 5, 6, 9 };
    struct rng_seeded memory;
    struct rng rng = rng_from_seed(&memory, 4);
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    fixture_settle(&home);
    for (int round = 0; round < 200; round++) {
        size_t turn[COUNT(graph)];
        for (size_t i = 0; i < COUNT(graph); i++) {
            size_t j = rng_below(&rng, i + 1);
            turn[i] = turn[j];
            turn[j] = i;
        }
        for (size_t i = 0; i < COUNT(graph); i++) {
            struct store_message message =
                message_of(bob, graph[turn[i]].mark, graph[turn[i]].height);
            for (size_t p = 0; p < 2 && graph[turn[i]].parents[p]; p++)
                message.parents[message.parent_count++][0] = graph[turn[i]].parents[p];
            CHECK_INT(store_message_add(home.store, &message), FAULT_NONE);
        }
        uint8_t heads[STORE_PARENTS_MAX][MESSAGE_ID_BYTES];
        uint64_t height;
        CHECK_INT(store_heads(home.store, bob, heads, &height), 2);
        CHECK(heads[0][0] == 9 && heads[1][0] == 8 && height == 5);
        struct store_place_in at, *from = NULL;
        struct store_message out;
        for (size_t i = 0; i < COUNT(order); i++) {
            CHECK_INT(store_message_step(home.store, bob, from, false, false, &out), FAULT_NONE);
            CHECK_INT(out.id[0], order[i]);
            at.height = out.height;
            memcpy(at.id, out.id, sizeof at.id);
            from = &at;
        }
        CHECK_INT(store_message_step(home.store, bob, from, false, false, &out), FAULT_GONE);
        store_undo(home.store);
    }
    fixture_end(&home);
}

static void test_heads_are_the_highest_and_at_most_as_many_as_parents(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob"), eve = fixture_contact(&home, "Eve");
    uint8_t heads[STORE_PARENTS_MAX][MESSAGE_ID_BYTES];
    uint64_t height = 77;
    CHECK_INT(store_heads(home.store, bob, heads, &height), 0);
    CHECK_INT(height, 0);
    for (uint8_t i = 1; i <= 3 * STORE_PARENTS_MAX; i++)
        add(bob, i, i, 0);
    add(eve, 200, 500, 1); /* Bob's first message is nothing to Eve */
    CHECK_INT(store_heads(home.store, bob, heads, &height), STORE_PARENTS_MAX);
    CHECK_INT(height, 3 * STORE_PARENTS_MAX);
    for (uint8_t i = 0; i < STORE_PARENTS_MAX; i++)
        CHECK_INT(heads[i][0], 3 * STORE_PARENTS_MAX - i);
    uint8_t id[MESSAGE_ID_BYTES] = { 1 };
    CHECK_INT(store_height(home.store, bob, id, &height), FAULT_NONE);
    CHECK_INT(height, 1);
    CHECK_INT(store_height(home.store, eve, id, &height), FAULT_GONE);
    fixture_end(&home);
}

static void test_a_prefix_names_one_message_or_none(void)
{
    static const struct {
        uint8_t prefix[MESSAGE_ID_BYTES];
        size_t bits;
        enum fault fault;
        uint8_t last; /* of the id found */
    } asked[] = {
        { { 0 }, 0, FAULT_BUSY, 0 },
        { { 0x80 }, 1, FAULT_BUSY, 0 },
        { { 0x00 }, 1, FAULT_NONE, 3 },
        { { 0x7f }, 1, FAULT_NONE, 3 },
        { { 0xc0 }, 2, FAULT_GONE, 0 },
        { { 0x80, 1 }, 15, FAULT_BUSY, 0 },
        { { 0x80, 1 }, 16, FAULT_BUSY, 0 },
        { { 0x80, 1, 1 }, 24, FAULT_GONE, 0 },
        { { 0x80, 1, [31] = 1 }, 256, FAULT_NONE, 1 },
        { { 0x80, 1, [31] = 2 }, 256, FAULT_NONE, 2 },
        { { 0x80, 1, [31] = 2 }, 255, FAULT_NONE, 2 },
        { { 0x80, 1, [31] = 9 }, 256, FAULT_GONE, 0 },
    };
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    /* Two that differ only in what the index does not hold, and one far from them. */
    struct store_message one = message_of(bob, 0x80, 1), two = message_of(bob, 0x80, 2);
    struct store_message other = message_of(bob, 0x10, 3), out;
    one.id[1] = two.id[1] = 1;
    one.id[31] = 1;
    two.id[31] = 2;
    other.id[31] = 3;
    CHECK_INT(store_message_add(home.store, &one), FAULT_NONE);
    CHECK_INT(store_message_add(home.store, &two), FAULT_NONE);
    CHECK_INT(store_message_add(home.store, &other), FAULT_NONE);
    for (size_t i = 0; i < COUNT(asked); i++) {
        CHECK_INT(store_message_by_prefix(home.store, asked[i].prefix, asked[i].bits, &out),
                  asked[i].fault);
        if (asked[i].fault == FAULT_NONE)
            CHECK_INT(out.id[31], asked[i].last);
    }
    fixture_end(&home);
}

static uint64_t stepped(int64_t contact, const struct store_place_in *at, bool backwards,
                        bool unread)
{
    struct store_message out;
    enum fault fault = store_message_step(home.store, contact, at, backwards, unread, &out);
    CHECK(fault == FAULT_NONE || fault == FAULT_GONE);
    return fault == FAULT_NONE ? out.id[0] : 0;
}

static void test_steps_go_both_ways_and_may_keep_to_what_is_unread(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob"), eve = fixture_contact(&home, "Eve");
    CHECK_INT(stepped(bob, NULL, false, false), 0);
    CHECK_INT(stepped(bob, NULL, true, false), 0);
    add(eve, 50, 1, 0);
    add(bob, 3, 2, 0); /* two of the same height go by id */
    add(bob, 2, 2, 0);
    add(bob, 1, 1, 0);
    struct store_message ours = message_of(bob, 4, 3);
    ours.ours = true;
    CHECK_INT(store_message_add(home.store, &ours), FAULT_NONE);
    struct store_place_in at = { .height = 2, .id = { 2 } };
    CHECK_INT(stepped(bob, NULL, false, false), 1);
    CHECK_INT(stepped(bob, NULL, true, false), 4);
    CHECK_INT(stepped(bob, NULL, true, true), 3);
    CHECK_INT(stepped(bob, &at, false, false), 3);
    CHECK_INT(stepped(bob, &at, true, false), 1);
    CHECK_INT(stepped(bob, &at, true, true), 1);
    size_t changed = 99;
    CHECK_INT(store_mark_read(home.store, bob, &at, &changed), FAULT_NONE);
    CHECK_INT(changed, 2);
    CHECK_INT(store_mark_read(home.store, bob, &at, &changed), FAULT_NONE);
    CHECK_INT(changed, 0);
    CHECK_INT(stepped(bob, NULL, false, true), 3);
    CHECK_INT(stepped(bob, &at, true, true), 0);
    CHECK_INT(store_mark_read(home.store, bob, NULL, &changed), FAULT_NONE);
    CHECK_INT(changed, 1);
    CHECK_INT(stepped(bob, NULL, false, true), 0);
    CHECK_INT(stepped(eve, NULL, false, true), 50);
    fixture_end(&home);
}

static void test_the_list_of_conversations_counts(void)
{
    fixture_begin(&home, NULL);
    int64_t bob = fixture_contact(&home, "Bob");
    struct store_chat chat;
    CHECK_INT(store_chat_get(home.store, bob, &chat), FAULT_NONE);
    CHECK(chat.contact == bob && chat.total == 0 && chat.last_row == 0);
    int64_t first = fixture_owe(&home, bob, "one"), second = fixture_owe(&home, bob, "two");
    fixture_owe(&home, bob, "three");
    int64_t last = fixture_say(&home, bob, false, "four");
    CHECK_INT(store_chat_get(home.store, bob, &chat), FAULT_NONE);
    CHECK(chat.total == 4 && chat.unread == 1 && chat.owed == 3 && chat.last_row == last);
    CHECK(chat.last_time == 4);
    CHECK_INT(store_outbox_end(home.store, first, MESSAGE_DELIVERED, FAILURE_NONE, 9), FAULT_NONE);
    CHECK_INT(store_outbox_end(home.store, second, MESSAGE_FAILED, FAILURE_EXPIRED, 9), FAULT_NONE);
    size_t changed;
    CHECK_INT(store_mark_read(home.store, bob, NULL, &changed), FAULT_NONE);
    CHECK_INT(store_chat_get(home.store, bob, &chat), FAULT_NONE);
    CHECK(chat.total == 4 && chat.unread == 0 && chat.owed == 1);
    CHECK_INT(store_chat_get(home.store, bob + 1, &chat), FAULT_GONE);
    fixture_end(&home);
}

TESTS(TEST(test_a_message_comes_back_as_it_was),
      TEST(test_a_text_may_be_empty_or_as_long_as_the_limit_and_no_longer),
      TEST(test_the_same_message_twice_changes_nothing),
      TEST(test_any_order_of_arrival_gives_the_same_conversation),
      TEST(test_heads_are_the_highest_and_at_most_as_many_as_parents),
      TEST(test_a_prefix_names_one_message_or_none),
      TEST(test_steps_go_both_ways_and_may_keep_to_what_is_unread),
      TEST(test_the_list_of_conversations_counts))
