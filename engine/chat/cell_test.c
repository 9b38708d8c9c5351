#include "engine/chat/cell.h"
#include "tests/test.h"

static uint8_t memory[CELL_MAX_BYTES + 1];
static const struct content_head sample_head = { .ours = { 3, { 1 } },
                                                 .theirs = { 0, { 0 } },
                                                 .pair = { 9 } };

static struct bytes sample(size_t size)
{
    struct cursor out = cursor_into(memory, size);
    static const struct ack_run runs[] = { { { 1 }, 0, 1 }, { { 2 }, 7, ACK_RUN_MAX } };
    uint8_t id[32] = { 5 };
    content_begin(&out, &sample_head);
    content_put(&out, ITEM_MESSAGE, bytes_of_text("anything here"));
    content_put_acks(&out, runs, COUNT(runs));
    content_put(&out, ITEM_TOMBSTONE, BYTES_OF(id));
    content_end(&out);
    CHECK_INT(out.at, size);
    return cursor_written(&out);
}

static void test_a_content_reads_as_it_was_written(void)
{
    struct content_head head;
    struct cursor items;
    struct item item;
    struct ack_run run;
    CHECK(content_read(sample(900), &head, &items) == FAULT_NONE);
    CHECK(list_head_equal(&head.ours, &sample_head.ours));
    CHECK(list_head_equal(&head.theirs, &sample_head.theirs));
    CHECK_BYTES(head.pair, sample_head.pair, sizeof head.pair);
    CHECK(content_next(&items, &item) && item.kind == ITEM_MESSAGE && item.bytes.size == 13);
    CHECK(content_next(&items, &item) && item.kind == ITEM_ACK);
    struct cursor runs = cursor_over(item.bytes);
    CHECK(ack_run_next(&runs, &run) && run.first == 0 && run.count == 1);
    CHECK(ack_run_next(&runs, &run) && run.first == 7 && run.count == ACK_RUN_MAX);
    CHECK(!ack_run_next(&runs, &run));
    CHECK(content_next(&items, &item) && item.kind == ITEM_TOMBSTONE);
    CHECK(!content_next(&items, &item));
}

/* T-27: padding at every length around the ends of the class, and malformed. */
static void test_T27_padding_fills_the_cell_and_is_all_zero(void)
{
    struct content_head head;
    struct cursor items;
    struct item item;
    for (size_t room = 0; room < 40; room++) {
        struct cursor out = cursor_into(memory, CONTENT_HEAD_BYTES + ITEM_EXTRA_BYTES + 1 + room);
        content_begin(&out, &sample_head);
        content_put(&out, ITEM_MESSAGE, bytes_of_text("x"));
        content_end(&out);
        struct bytes content = cursor_written(&out);
        CHECK(content_read(content, &head, &items) == FAULT_NONE);
        CHECK(content_next(&items, &item) && item.bytes.size == 1 && !content_next(&items, &item));
        for (size_t i = 0; i < room; i++) {
            memory[content.size - 1 - i] = 0x80;
            CHECK(content_read(content, &head, &items) == FAULT_PEER);
            memory[content.size - 1 - i] = 0;
        }
    }
    CHECK(content_read((struct bytes){ memory, CONTENT_HEAD_BYTES - 1 }, &head, &items) ==
          FAULT_PEER);
}

static void test_classes_are_the_smallest_that_hold_it(void)
{
    static const struct {
        size_t bytes, least, cell;
    } cases[] = {
        { 0, 0, 1024 },         { 1, 0, 1024 },         { 1024, 0, 1024 },   { 1025, 0, 4096 },
        { 1, 4096, 4096 },      { 4096, 4096, 4096 },   { 4097, 0, 16384 },  { 16384, 0, 16384 },
        { 16385, 4096, 65536 }, { 65535, 4096, 65536 }, { 65536, 0, 65536 }, { 65537, 0, 0 },
        { 1, 16384, 16384 },    { SIZE_MAX, 0, 0 },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(cell_class(cases[i].bytes, cases[i].least), cases[i].cell);
    for (size_t size = 0; size <= CELL_MAX_BYTES + 1; size++)
        CHECK(cell_size_good(size) ==
              (size == 1024 || size == 4096 || size == 16384 || size == 65536));
}

static void test_what_is_not_canonical_is_refused(void)
{
    struct content_head head;
    struct cursor items;
    static const uint8_t bad[][24] = {
        { 1, 0, 0 },                                            /* an empty message */
        { 2, 0, 0 },                                            /* acknowledges nothing */
        { 2, 0, 13, 1 },                                        /* not a whole run */
        { 2, 0, 14, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0 }, /* a run of none */
        { 2, 0, 14, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0 }, /* of 1024 */
        { 2, 0, 14, 1, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 2 }, /* beyond 2^31 */
        { 3, 0, 5, 1 },                                                     /* half an id */
        { 4, 0, 1, 1 },                                                     /* a kind that is not */
        { 1, 0xff, 0xff, 1 }, /* longer than the cell */
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct cursor out = cursor_into(memory, 300);
        content_begin(&out, &sample_head);
        cursor_put(&out, bad[i], sizeof bad[i]);
        content_end(&out);
        CHECK(content_read(cursor_written(&out), &head, &items) == FAULT_PEER);
    }
    struct bytes content = sample(900);
    memory[8] = 1;
    memset(memory, 0, 8); /* counter 0 with a hash */
    CHECK(content_read(content, &head, &items) == FAULT_PEER);
}

static void test_a_cell_holds_so_many_runs_and_no_more(void)
{
    struct ack_run runs[ACK_RUNS_MAX] = { { .count = 1 } };
    struct content_head head;
    struct cursor items;
    for (size_t i = 0; i < COUNT(runs); i++)
        runs[i] = (struct ack_run){ .first = (uint32_t)i, .count = ACK_RUN_MAX };
    for (size_t more = 0; more < 2; more++) {
        struct cursor out = cursor_into(memory, 2000);
        content_begin(&out, &sample_head);
        content_put_acks(&out, runs, COUNT(runs));
        if (more > 0)
            content_put_acks(&out, runs, more);
        content_end(&out);
        CHECK(content_read(cursor_written(&out), &head, &items) ==
              (more > 0 ? FAULT_PEER : FAULT_NONE));
    }
}

static void test_a_start_cell_is_taken_apart(void)
{
    static uint8_t start[START_LARGE_BYTES];
    static const struct {
        size_t cell, start;
    } classes[] = { { 4096, START_SMALL_BYTES },
                    { 16384, START_SMALL_BYTES },
                    { 16384, START_LARGE_BYTES },
                    { 65536, START_LARGE_BYTES } };
    uint8_t bundle[BUNDLE_ID_BYTES] = { 7 };
    struct cell_start parts;
    for (size_t i = 0; i < COUNT(classes); i++) {
        struct cursor out = cursor_into(memory, sizeof memory);
        cell_write_start(&out, bundle, (struct bytes){ start, classes[i].start });
        CHECK_INT(out.at, CELL_START_BYTES(classes[i].start));
        CHECK(cell_read_start(&parts, (struct bytes){ memory, classes[i].cell }) == FAULT_NONE);
        CHECK_INT(parts.start.size, classes[i].start);
        CHECK_INT(parts.sealed.size, classes[i].cell - out.at);
        CHECK_BYTES(parts.bundle, bundle, sizeof bundle);
        CHECK(cell_read_start(&parts, (struct bytes){ memory, classes[i].cell - 1 }) == FAULT_PEER);
    }
    CHECK(cell_read_start(&parts, (struct bytes){ memory, 1024 }) == FAULT_PEER);
    memory[BUNDLE_ID_BYTES + 2]--; /* the length of the start: none other than the two */
    CHECK(cell_read_start(&parts, (struct bytes){ memory, 16384 }) == FAULT_PEER);
    memory[BUNDLE_ID_BYTES + 2]++;
    memory[0] = 1; /* T-21: another suite is refused, never tried */
    CHECK(cell_read_start(&parts, (struct bytes){ memory, 4096 }) == FAULT_PEER);
}

TESTS(TEST(test_a_content_reads_as_it_was_written),
      TEST(test_T27_padding_fills_the_cell_and_is_all_zero),
      TEST(test_classes_are_the_smallest_that_hold_it), TEST(test_what_is_not_canonical_is_refused),
      TEST(test_a_cell_holds_so_many_runs_and_no_more), TEST(test_a_start_cell_is_taken_apart))
