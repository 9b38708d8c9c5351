#include "engine/chat/message.h"
#include "tests/test.h"

static struct message message, again;
static uint8_t memory[MESSAGE_MAX_BYTES + 1];

static struct bytes sample(size_t parents, size_t text)
{
    static uint8_t letters[CHAT_TEXT_MAX_BYTES];
    memset(&message, 0, sizeof message);
    memset(letters, 'a', sizeof letters);
    memset(message.conversation, 7, sizeof message.conversation);
    message.height = parents == 0 ? 1 : 5;
    message.written_ms = 1763900000123;
    message.parent_count = parents;
    for (size_t i = 0; i < parents; i++)
        memset(message.parents[i], (int)i + 1, MESSAGE_ID_BYTES);
    message.text = (struct bytes){ letters, text };
    struct cursor out = cursor_into(memory, sizeof memory);
    message_write(&message, &out);
    CHECK_INT(out.at, message_size(&message));
    return cursor_written(&out);
}

static void test_a_message_reads_as_it_was_written(void)
{
    for (size_t parents = 0; parents <= STORE_PARENTS_MAX; parents++) {
        struct bytes wire = sample(parents, 12);
        CHECK(message_read(&again, wire) == FAULT_NONE);
        CHECK_INT(again.height, message.height);
        CHECK_INT(again.written_ms, message.written_ms);
        CHECK_INT(again.parent_count, parents);
        CHECK_BYTES(again.parents, message.parents, parents * MESSAGE_ID_BYTES);
        CHECK(bytes_equal(again.text, message.text));
    }
}

static void test_T28_the_longest_text_fits_and_one_byte_more_does_not(void)
{
    struct bytes wire = sample(STORE_PARENTS_MAX, CHAT_TEXT_MAX_BYTES);
    CHECK_INT(wire.size, MESSAGE_MAX_BYTES);
    CHECK(message_read(&again, wire) == FAULT_NONE);
    memory[wire.size - CHAT_TEXT_MAX_BYTES - 1]++; /* the last byte of the length */
    memory[wire.size] = 'a';
    CHECK(message_read(&again, (struct bytes){ memory, wire.size + 1 }) == FAULT_PEER);
}

static void test_every_shorter_and_longer_form_is_refused(void)
{
    struct bytes wire = sample(2, 5);
    for (size_t size = 0; size < wire.size; size++)
        CHECK(message_read(&again, (struct bytes){ memory, size }) == FAULT_PEER);
    CHECK(message_read(&again, (struct bytes){ memory, wire.size + 1 }) == FAULT_PEER);
}

/* Offsets into a sample: version 0, kind 1, conversation 2, height 34, time 42, parents 50. */
static void test_what_is_not_canonical_is_refused(void)
{
    static const struct {
        size_t parents, at;
        uint8_t value;
        enum fault fault;
    } damage[] = {
        { 2, 0, 2, FAULT_GONE }, /* kinds and versions to come are told apart */
        { 2, 1, 2, FAULT_GONE },     { 0, 41, 0, FAULT_PEER }, /* height 0 */
        { 0, 41, 2, FAULT_PEER },                              /* no parents, yet not the first */
        { 2, 41, 1, FAULT_PEER },                              /* parents, yet the first */
        { 2, 42, 1, FAULT_PEER },                              /* a time beyond every calendar */
        { 2, 44, 9, FAULT_PEER },                              /* nanoseconds of it would wrap */
        { 2, 50, 9, FAULT_PEER },                              /* more parents than there may be */
        { 2, 51, 3, FAULT_PEER },                              /* parents out of order */
        { 0, 51, 1, FAULT_PEER },                              /* a text longer than what follows */
        { 0, 55, 0xff, FAULT_PEER },                           /* not UTF-8 */
        { 0, 55, 0, FAULT_PEER },                              /* a NUL */
    };
    for (size_t i = 0; i < COUNT(damage); i++) {
        struct bytes wire = sample(damage[i].parents, 3);
        memory[damage[i].at] = damage[i].value;
        CHECK_INT(message_read(&again, wire), damage[i].fault);
    }
    struct bytes twins = sample(2, 3);
    memcpy(memory + 51, memory + 83, MESSAGE_ID_BYTES);
    CHECK(message_read(&again, twins) == FAULT_PEER);
}

static void test_the_id_depends_on_every_byte_and_on_the_author(void)
{
    uint8_t author[32] = { 1 }, first[MESSAGE_ID_BYTES], other[MESSAGE_ID_BYTES];
    struct bytes wire = sample(2, 5);
    message_id(first, author, wire);
    for (size_t i = 0; i < wire.size; i++) {
        memory[i] ^= 1;
        message_id(other, author, wire);
        CHECK(memcmp(first, other, sizeof first) != 0);
        memory[i] ^= 1;
    }
    author[0] = 2;
    message_id(other, author, wire);
    CHECK(memcmp(first, other, sizeof first) != 0);
}

static void test_a_conversation_has_one_name_for_both(void)
{
    uint8_t one[32] = { 1 }, two[32] = { 2 }, name[32], same[32];
    conversation_id(name, one, two);
    conversation_id(same, two, one);
    CHECK_BYTES(name, same, sizeof name);
    one[31] = 1;
    conversation_id(same, two, one);
    CHECK(memcmp(name, same, sizeof name) != 0);
}

TESTS(TEST(test_a_message_reads_as_it_was_written),
      TEST(test_T28_the_longest_text_fits_and_one_byte_more_does_not),
      TEST(test_every_shorter_and_longer_form_is_refused),
      TEST(test_what_is_not_canonical_is_refused),
      TEST(test_the_id_depends_on_every_byte_and_on_the_author),
      TEST(test_a_conversation_has_one_name_for_both))
