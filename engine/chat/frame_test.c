#include "engine/chat/frame.h"
#include "tests/test.h"

static struct frame frame, again;
static uint8_t memory[FRAME_MAX_BYTES + 1];

static struct bytes sample(size_t parents, size_t text)
{
    static uint8_t letters[STORE_TEXT_MAX_BYTES];
    memset(&frame, 0, sizeof frame);
    memset(letters, 'a', sizeof letters);
    frame.kind = FRAME_MESSAGE;
    memset(frame.conversation, 7, sizeof frame.conversation);
    frame.height = parents == 0 ? 1 : 5;
    frame.written_ms = 1763900000123;
    frame.parent_count = parents;
    for (size_t i = 0; i < parents; i++)
        memset(frame.parents[i], (int)i + 1, MESSAGE_ID_BYTES);
    frame.text = (struct bytes){ letters, text };
    return frame_write(&frame, memory);
}

static void test_a_message_reads_as_it_was_written(void)
{
    for (size_t parents = 0; parents <= STORE_PARENTS_MAX; parents++) {
        struct bytes wire = sample(parents, 12);
        CHECK(frame_read(&again, wire) == FAULT_NONE);
        CHECK_INT(again.height, frame.height);
        CHECK_INT(again.written_ms, frame.written_ms);
        CHECK_INT(again.parent_count, parents);
        CHECK_BYTES(again.parents, frame.parents, parents * MESSAGE_ID_BYTES);
        CHECK(bytes_equal(again.text, frame.text));
    }
}

static void test_the_longest_text_fits_and_one_byte_more_does_not(void)
{
    struct bytes wire = sample(STORE_PARENTS_MAX, STORE_TEXT_MAX_BYTES);
    CHECK_INT(wire.size, FRAME_MAX_BYTES);
    CHECK(frame_read(&again, wire) == FAULT_NONE);
    memory[wire.size - STORE_TEXT_MAX_BYTES - 1]++; /* the last byte of the length */
    memory[wire.size] = 'a';
    CHECK(frame_read(&again, (struct bytes){ memory, wire.size + 1 }) == FAULT_PEER);
}

static void test_every_shorter_and_longer_form_is_refused(void)
{
    struct bytes wire = sample(2, 5);
    for (size_t size = 0; size < wire.size; size++)
        CHECK(frame_read(&again, (struct bytes){ memory, size }) == FAULT_PEER);
    CHECK(frame_read(&again, (struct bytes){ memory, wire.size + 1 }) == FAULT_PEER);
}

/* Offsets into a sample: kind 0, version 1, kind of message 2, conversation 3, height 35, time 43,
   parents 51. */
static void test_what_is_not_canonical_is_refused(void)
{
    static const struct {
        size_t parents, at;
        uint8_t value;
        enum fault fault;
    } damage[] = {
        { 2, 0, 0, FAULT_GONE }, /* kinds and versions to come are passed over */
        { 2, 0, 9, FAULT_GONE },     { 2, 1, 2, FAULT_GONE },
        { 2, 2, 2, FAULT_GONE },     { 0, 42, 0, FAULT_PEER }, /* height 0 */
        { 0, 42, 2, FAULT_PEER },                              /* no parents, yet not the first */
        { 2, 42, 1, FAULT_PEER },                              /* parents, yet the first */
        { 2, 43, 1, FAULT_PEER },                              /* a time beyond every calendar */
        { 2, 45, 9, FAULT_PEER },                              /* nanoseconds of it would wrap */
        { 2, 51, 9, FAULT_PEER },                              /* more parents than there may be */
        { 2, 52, 3, FAULT_PEER },                              /* parents out of order */
        { 0, 52, 1, FAULT_PEER },                              /* a text longer than what follows */
        { 0, 56, 0xff, FAULT_PEER },                           /* not UTF-8 */
        { 0, 56, 0, FAULT_PEER },                              /* a NUL */
    };
    for (size_t i = 0; i < COUNT(damage); i++) {
        struct bytes wire = sample(damage[i].parents, 3);
        memory[damage[i].at] = damage[i].value;
        CHECK_INT(frame_read(&again, wire), damage[i].fault);
    }
    struct bytes twins = sample(2, 3);
    memcpy(memory + 52, memory + 84, MESSAGE_ID_BYTES);
    CHECK(frame_read(&again, twins) == FAULT_PEER);
}

static void test_acknowledgements_have_a_maximum(void)
{
    memset(&frame, 0, sizeof frame);
    frame.kind = FRAME_ACK;
    frame.id_count = FRAME_ACKS_MAX;
    memset(frame.ids, 3, sizeof frame.ids);
    struct bytes wire = frame_write(&frame, memory);
    CHECK(frame_read(&again, wire) == FAULT_NONE);
    CHECK_INT(again.id_count, FRAME_ACKS_MAX);
    CHECK(frame_read(&again, (struct bytes){ (const uint8_t *)"\2\0\0", 3 }) == FAULT_PEER);
    memory[2]++;
    CHECK(frame_read(&again, wire) == FAULT_PEER);
}

static void test_an_id_depends_on_author_and_every_byte(void)
{
    uint8_t author[32] = { 1 }, first[MESSAGE_ID_BYTES], other[MESSAGE_ID_BYTES];
    struct bytes wire = sample(1, 3);
    CHECK(frame_read(&again, wire) == FAULT_NONE);
    message_id(first, author, again.message);
    for (size_t i = 1; i < wire.size; i++) {
        memory[i] ^= 1;
        message_id(other, author, again.message);
        CHECK(memcmp(first, other, sizeof first) != 0);
        memory[i] ^= 1;
    }
    author[31]++;
    message_id(other, author, again.message);
    CHECK(memcmp(first, other, sizeof first) != 0);
}

static void test_a_pair_has_one_conversation(void)
{
    uint8_t one[32] = { 1 }, two[32] = { 2 }, a[32], b[32];
    conversation_id(a, one, two);
    conversation_id(b, two, one);
    CHECK_BYTES(a, b, sizeof a);
}

TESTS(TEST(test_a_message_reads_as_it_was_written),
      TEST(test_the_longest_text_fits_and_one_byte_more_does_not),
      TEST(test_every_shorter_and_longer_form_is_refused),
      TEST(test_what_is_not_canonical_is_refused), TEST(test_acknowledgements_have_a_maximum),
      TEST(test_an_id_depends_on_author_and_every_byte), TEST(test_a_pair_has_one_conversation))
