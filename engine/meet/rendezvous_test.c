/* Where two leave word for each other, and what. */
#include "engine/crypto/aead.h"
#include "engine/meet/rendezvous.h"
#include "tests/test.h"

#include <string.h>

#define START ((instant)1763900000 * SECOND)

static struct rng_seeded luck;
static struct rng rng;
static uint8_t secret[RENDEZVOUS_SECRET], other_secret[RENDEZVOUS_SECRET];
static uint8_t alice[KEY_BYTES], bob[KEY_BYTES];

static void begin(void)
{
    rng = rng_from_seed(&luck, 1);
    rng_fill(&rng, secret, sizeof secret);
    rng_fill(&rng, other_secret, sizeof other_secret);
    rng_fill(&rng, alice, sizeof alice);
    rng_fill(&rng, bob, sizeof bob);
}

static struct pair_record some_record(size_t addresses)
{
    struct pair_record record = { .at_count = addresses };
    record.head.counter = 3;
    rng_fill(&rng, record.head.hash, sizeof record.head.hash);
    rng_fill(&rng, record.certificate, sizeof record.certificate);
    for (size_t i = 0; i < addresses; i++) {
        rng_fill(&rng, record.at[i].ip, sizeof record.at[i].ip);
        record.at[i].port = (uint16_t)(i + 1);
    }
    return record;
}

static void test_epochs_follow_each_other_every_six_hours(void)
{
    begin();
    uint64_t epoch = rendezvous_epoch(secret, START);
    instant first = rendezvous_begin(secret, epoch);
    CHECK(first <= START && START - first < RENDEZVOUS_EPOCH);
    CHECK_INT(rendezvous_epoch(secret, first), epoch);
    CHECK_INT(rendezvous_epoch(secret, first - 1), epoch - 1);
    CHECK_INT(rendezvous_begin(secret, epoch + 1), first + RENDEZVOUS_EPOCH);
}

/* Else all of a network would publish in one minute. */
static void test_each_pair_has_its_own_hours(void)
{
    size_t in[24] = { 0 };
    begin();
    for (int i = 0; i < 2400; i++) {
        rng_fill(&rng, secret, sizeof secret);
        instant first = rendezvous_begin(secret, rendezvous_epoch(secret, START));
        in[(START - first) / (RENDEZVOUS_EPOCH / COUNT(in))]++;
    }
    for (size_t i = 0; i < COUNT(in); i++)
        CHECK(in[i] >= 60 && in[i] <= 140);
}

static void test_a_place_is_of_one_author_in_one_epoch_of_one_pair(void)
{
    struct rendezvous first, other;
    begin();
    rendezvous_make(&first, secret, alice, 7);
    for (int i = 0; i < 4; i++) {
        rendezvous_make(&other, i == 1 ? other_secret : secret, i == 2 ? bob : alice,
                        i == 3 ? 8 : 7);
        CHECK_INT(memcmp(first.sign.public, other.sign.public, KEY_BYTES) == 0, i == 0);
        CHECK_INT(memcmp(first.key, other.key, sizeof first.key) == 0, i == 0);
    }
}

static void test_what_one_writes_the_other_reads(void)
{
    struct rendezvous place;
    uint8_t value[RENDEZVOUS_VALUE];
    begin();
    rendezvous_make(&place, secret, alice, 7);
    for (size_t count = 0; count <= RENDEZVOUS_ADDRESSES; count++) {
        struct pair_record record = some_record(count), read;
        pair_record_write(value, &place, &record, &rng);
        CHECK_BYTES(value, "636:", 4);
        memset(&read, 0x55, sizeof read);
        CHECK_INT(pair_record_read(&read, &place, BYTES_OF(value)), FAULT_NONE);
        CHECK(list_head_equal(&read.head, &record.head));
        CHECK_BYTES(read.certificate, record.certificate, sizeof read.certificate);
        CHECK_INT(read.at_count, count);
        for (size_t i = 0; i < count; i++)
            CHECK(address_equal(&read.at[i], &record.at[i]));
    }
}

static void test_a_changed_byte_or_another_place_is_refused(void)
{
    struct rendezvous place, other;
    uint8_t value[RENDEZVOUS_VALUE + 1] = { 0 };
    struct pair_record record, read;
    begin();
    record = some_record(3);
    rendezvous_make(&place, secret, alice, 7);
    pair_record_write(value, &place, &record, &rng);
    for (size_t i = 0; i < RENDEZVOUS_VALUE; i++) {
        value[i] ^= 1;
        CHECK_INT(pair_record_read(&read, &place, (struct bytes){ value, RENDEZVOUS_VALUE }),
                  FAULT_PEER);
        value[i] ^= 1;
    }
    for (size_t size = 0; size <= sizeof value; size++)
        CHECK_INT(pair_record_read(&read, &place, (struct bytes){ value, size }) == FAULT_NONE,
                  size == RENDEZVOUS_VALUE);
    for (int i = 0; i < 3; i++) {
        rendezvous_make(&other, i == 0 ? other_secret : secret, i == 1 ? bob : alice,
                        i == 2 ? 8 : 7);
        CHECK_INT(pair_record_read(&read, &other, (struct bytes){ value, RENDEZVOUS_VALUE }),
                  FAULT_PEER);
    }
}

/* Whoever has the secret can seal anything; it still has one spelling. */
static enum fault read_sealed(const uint8_t plain[596])
{
    struct rendezvous place;
    struct pair_record read;
    uint8_t value[RENDEZVOUS_VALUE] = "636:";
    rendezvous_make(&place, secret, alice, 7);
    sealed_write(value + 4, place.key, (struct bytes){ plain, 596 }, BYTES_OF(place.sign.public),
                 &rng);
    return pair_record_read(&read, &place, BYTES_OF(value));
}

static void test_a_record_has_one_spelling(void)
{
    static const size_t count_at = 1 + 40 + 234 + 1;
    uint8_t plain[596] = { 1 };
    begin();
    CHECK_INT(read_sealed(plain), FAULT_NONE);
    plain[count_at] = 1;
    CHECK_INT(read_sealed(plain), FAULT_PEER); /* port 0 */
    plain[count_at + 18] = 1;
    CHECK_INT(read_sealed(plain), FAULT_NONE);
    plain[count_at] = 9;
    CHECK_INT(read_sealed(plain), FAULT_PEER);
    plain[count_at] = 1;
    for (size_t i = count_at + 19; i < sizeof plain; i++) {
        plain[i] = 1;
        CHECK_INT(read_sealed(plain), FAULT_PEER);
        plain[i] = 0;
    }
    plain[40] = 1; /* the hash of no list */
    CHECK_INT(read_sealed(plain), FAULT_PEER);
    plain[8] = 1; /* its counter */
    CHECK_INT(read_sealed(plain), FAULT_NONE);
    plain[count_at - 1] = 2; /* ports change, or do not */
    CHECK_INT(read_sealed(plain), FAULT_PEER);
    plain[count_at - 1] = 1;
    CHECK_INT(read_sealed(plain), FAULT_NONE);
    plain[0] = 3;
    CHECK_INT(read_sealed(plain), FAULT_PEER);
}

/* Two items of one author look no more alike than luck has it. */
static void test_items_look_random(void)
{
    struct rendezvous place;
    uint8_t first[RENDEZVOUS_VALUE], second[RENDEZVOUS_VALUE];
    size_t same = 0;
    begin();
    struct pair_record record = some_record(2);
    rendezvous_make(&place, secret, alice, 7);
    for (int i = 0; i < 100; i++) {
        pair_record_write(first, &place, &record, &rng);
        pair_record_write(second, &place, &record, &rng);
        for (size_t at = 4; at < sizeof first; at++)
            same += first[at] == second[at];
    }
    CHECK(same > 150 && same < 350); /* 63,600 / 256 = 248 */
}

static void test_an_invitations_record_says_more(void)
{
    struct rendezvous place;
    uint8_t value[RENDEZVOUS_VALUE];
    struct pair_record record, out;
    begin();
    record = some_record(8);
    rendezvous_make(&place, secret, alice, 7);
    record.at_invitation = true;
    memset(record.invited.name, 'x', RENDEZVOUS_NAME);
    record.invited.state = INVITED_TAKEN;
    invited_mark(record.invited.mark, secret, bob);
    pair_record_write(value, &place, &record, &rng);
    CHECK_INT(pair_record_read(&out, &place, BYTES_OF(value)), FAULT_NONE);
    CHECK(out.at_invitation && out.invited.state == INVITED_TAKEN);
    CHECK_BYTES(out.invited.mark, record.invited.mark, sizeof out.invited.mark);
    CHECK_TEXT(out.invited.name, record.invited.name);
    CHECK_INT(out.at_count, 8);
    record.invited.state = INVITED_OPEN; /* with a mark: of whom? */
    pair_record_write(value, &place, &record, &rng);
    CHECK_INT(pair_record_read(&out, &place, BYTES_OF(value)), FAULT_PEER);
    record.invited = (struct invited){ .state = INVITED_TAKEN }; /* without one */
    pair_record_write(value, &place, &record, &rng);
    CHECK_INT(pair_record_read(&out, &place, BYTES_OF(value)), FAULT_PEER);
    record.invited.state = INVITED_STATES;
    pair_record_write(value, &place, &record, &rng);
    CHECK_INT(pair_record_read(&out, &place, BYTES_OF(value)), FAULT_PEER);
}

static void test_another_secret_host_or_guest_is_another_invitation(void)
{
    struct card card = { .secret = { 1 } };
    uint8_t first[RENDEZVOUS_SECRET], second[RENDEZVOUS_SECRET], mark[8], other_mark[8];
    begin();
    memcpy(card.account, alice, sizeof alice);
    rendezvous_invited(first, &card);
    card.secret[15] = 1;
    rendezvous_invited(second, &card);
    CHECK(memcmp(first, second, sizeof first) != 0);
    card.secret[15] = 0;
    memcpy(card.account, bob, sizeof bob);
    rendezvous_invited(second, &card);
    CHECK(memcmp(first, second, sizeof first) != 0);
    invited_mark(mark, first, alice);
    invited_mark(other_mark, first, bob);
    CHECK(memcmp(mark, other_mark, sizeof mark) != 0);
}

TESTS(TEST(test_an_invitations_record_says_more),
      TEST(test_another_secret_host_or_guest_is_another_invitation),
      TEST(test_epochs_follow_each_other_every_six_hours), TEST(test_each_pair_has_its_own_hours),
      TEST(test_a_place_is_of_one_author_in_one_epoch_of_one_pair),
      TEST(test_what_one_writes_the_other_reads),
      TEST(test_a_changed_byte_or_another_place_is_refused), TEST(test_a_record_has_one_spelling),
      TEST(test_items_look_random))
