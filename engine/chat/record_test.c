#include "engine/chat/record.h"
#include "tests/test.h"

static uint8_t memory[RECORD_MAX_BYTES + 1], lists[STORE_LIST_MAX_BYTES];
static uint8_t certificate[CERTIFICATE_BYTES], bundle[BUNDLE_BYTES];

static struct bytes some_lists(size_t count, size_t size)
{
    static uint8_t list[DEVICES_MAX_BYTES];
    struct bytes all = { lists, 0 };
    for (size_t i = 0; i < count; i++) {
        memset(list, (int)i + 1, sizeof list);
        all = lists_add(lists, all, (struct bytes){ list, size });
    }
    return all;
}

static struct bytes sample(size_t one_time)
{
    struct cursor out = cursor_into(memory, sizeof memory);
    struct record record = { .certificate = BYTES_OF(certificate),
                             .lists = some_lists(2, 243),
                             .bundle = BYTES_OF(bundle),
                             .one_time_count = one_time };
    for (size_t i = 0; i < one_time; i++)
        record.one_time[i] = BYTES_OF(bundle);
    record_write(&record, &out);
    return cursor_written(&out);
}

static void test_a_record_reads_as_it_was_written(void)
{
    struct record record;
    for (size_t i = 0; i <= STORE_ONE_TIME_MAX; i++) {
        struct bytes wire = sample(i);
        CHECK(record_read(&record, wire) == FAULT_NONE);
        CHECK_INT(record.one_time_count, i);
        CHECK_INT(record.lists.size, 2 * 245);
        CHECK_INT(record.bundle.size, BUNDLE_BYTES);
        for (size_t size = 0; size < wire.size; size++)
            CHECK(record_read(&record, (struct bytes){ memory, size }) == FAULT_PEER);
        CHECK(record_read(&record, (struct bytes){ memory, wire.size + 1 }) == FAULT_PEER);
    }
}

static void test_what_is_not_canonical_is_refused(void)
{
    static const size_t lists_at = 1 + CERTIFICATE_BYTES;
    struct record record;
    struct bytes wire = sample(0);
    static const struct {
        size_t at;
        uint8_t value;
    } damage[] = {
        { 0, 1 },            /* a record of version 1 */
        { lists_at, 0xff },  /* longer than may be */
        { lists_at + 2, 1 }, /* a list longer than all of them */
        { lists_at + 3, 1 }, /* a list that ends inside another */
    };
    for (size_t i = 0; i < COUNT(damage); i++) {
        wire = sample(0);
        memory[damage[i].at] = damage[i].value;
        CHECK(record_read(&record, wire) == FAULT_PEER);
    }
    wire = sample(0);
    memory[wire.size - 1] = STORE_ONE_TIME_MAX + 1;
    CHECK(record_read(&record, wire) == FAULT_PEER);
}

static void test_old_lists_make_room_for_new_ones(void)
{
    struct bytes list;
    struct bytes all = some_lists(20, 243);
    struct cursor in = cursor_over(all);
    uint8_t expected = 20 - RECORD_LISTS_SHOWN;
    while (lists_next(&in, &list))
        CHECK_INT(list.data[0], ++expected);
    CHECK_INT(expected, 20);
    all = some_lists(5, DEVICES_MAX_BYTES); /* the longest: one and no more fits */
    in = cursor_over(all);
    CHECK(lists_next(&in, &list) && list.data[0] == 5 && !lists_next(&in, &list));
}

TESTS(TEST(test_a_record_reads_as_it_was_written), TEST(test_what_is_not_canonical_is_refused),
      TEST(test_old_lists_make_room_for_new_ones))
