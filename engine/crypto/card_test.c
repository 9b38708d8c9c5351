/* The card and its text. Bech32m itself is held against vectors in tests/vectors_text.c; the door's
   key was computed by another program. */
#include "engine/crypto/bech32m.h"
#include "engine/crypto/card.h"
#include "tests/test.h"

#include <stdio.h>

/* The first key pair of RFC 8032, 7.1. */
#define ACCOUNT_SEED   "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define ACCOUNT_PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define CARD_TEXT                                                                                  \
    "rmg1q8t44xqps2cs4d74f0ld8jtyquaqactj70d2vge94upp568hqag35qqpqgpsgpgxquyqjzstpsxsurcde9c6j"
#define CARD_SHORT "rmg1q8t44xqps2cs4d74f0ld8jtyquaqactj70d2vge94upp568hqag35hc025c"

static void sample_card(struct card *card)
{
    unhex(card->account, sizeof card->account, ACCOUNT_PUBLIC);
    for (size_t i = 0; i < sizeof card->secret; i++)
        card->secret[i] = (uint8_t)i;
}

static void test_a_card_has_one_text_and_a_door(void)
{
    struct card card, read;
    struct dh_pair door;
    uint8_t expected[KEY_BYTES];
    char text[CARD_TEXT_CHARS + 1], brief[CARD_SHORT_CHARS + 1];
    sample_card(&card);
    card_write(text, &card);
    CHECK_TEXT(text, CARD_TEXT);
    card_write_short(brief, card.account);
    CHECK_TEXT(brief, CARD_SHORT);
    CHECK(card_read(&read, text) == FAULT_NONE && memcmp(&read, &card, sizeof card) == 0);
    card_door(&door, &card);
    unhex(expected, sizeof expected,
          "f12aace18f84995412464d0c82a8b880f38e3969637b84773b0522962366c35f");
    CHECK_BYTES(door.public, expected, KEY_BYTES);
}

static void test_cards_are_read_in_either_case_and_as_links(void)
{
    struct card card;
    char upper[CARD_TEXT_CHARS + 1] = CARD_TEXT;
    for (size_t i = 0; i < CARD_TEXT_CHARS; i++)
        upper[i] = upper[i] >= 'a' && upper[i] <= 'z' ? (char)(upper[i] - 32) : upper[i];
    CHECK(card_read(&card, upper) == FAULT_NONE);
    CHECK(card_read(&card, CARD_LINK_SCHEME CARD_TEXT) == FAULT_NONE);
    CHECK(card_read(&card, "RAMAGE:" CARD_TEXT) == FAULT_NONE);
    upper[4] = 'q';
    CHECK(card_read(&card, upper) == FAULT_PEER); /* two cases */
}

static void test_a_card_with_any_one_wrong_character_is_refused(void)
{
    static const char all[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7lbio1 -";
    struct card card;
    char text[CARD_TEXT_CHARS + 2];
    for (size_t i = 0; i < CARD_TEXT_CHARS; i++) {
        for (const char *c = all; *c != '\0'; c++) {
            memcpy(text, CARD_TEXT, CARD_TEXT_CHARS + 1);
            if (text[i] == *c)
                continue;
            text[i] = *c;
            CHECK(card_read(&card, text) == FAULT_PEER);
        }
        memcpy(text, CARD_TEXT, CARD_TEXT_CHARS + 1); /* one left out */
        memmove(text + i, text + i + 1, CARD_TEXT_CHARS - i);
        CHECK(card_read(&card, text) == FAULT_PEER);
        memcpy(text, CARD_TEXT, i); /* one doubled */
        memcpy(text + i + 1, &CARD_TEXT[i], CARD_TEXT_CHARS + 1 - i);
        text[i] = CARD_TEXT[i];
        CHECK(card_read(&card, text) == FAULT_PEER);
    }
    CHECK(card_read(&card, "") == FAULT_PEER && card_read(&card, CARD_SHORT) == FAULT_PEER);
}

static void test_another_secret_or_account_is_another_door(void)
{
    struct card card;
    struct dh_pair door, changed;
    sample_card(&card);
    card_door(&door, &card);
    card.secret[15] ^= 1;
    card_door(&changed, &card);
    CHECK(memcmp(door.public, changed.public, KEY_BYTES) != 0);
    card.secret[15] ^= 1;
    card.account[0] ^= 1;
    card_door(&changed, &card);
    CHECK(memcmp(door.public, changed.public, KEY_BYTES) != 0);
}

/* Well spelled, with a right checksum, and still no card. */
static void test_a_text_that_holds_no_card_is_refused(void)
{
    struct card card, before;
    uint8_t wire[CARD_BYTES + 1] = { 1 };
    char text[BECH32M_TEXT_MAX + 1];
    sample_card(&card);
    before = card;
    memcpy(wire + 1, card.account, KEY_BYTES);
    static const struct {
        const char *prefix;
        size_t size, at;
        uint8_t change;
    } wrong[] = {
        { "rmg", CARD_BYTES - 1, 0, 0 }, /* too short: a byte of the secret is missing */
        { "rmgx", CARD_BYTES, 0, 0 },    /* another prefix */
        { "rm", CARD_BYTES + 1, 0, 0 },  /* another prefix, and too long for any card */
        { "rmg", CARD_BYTES, 0, 1 },     /* version 0 */
        { "rmg", CARD_BYTES, 0, 3 },     /* version 2 */
        { "rmg", CARD_BYTES, 1, 0x01 },  /* an account key that is no point of the curve */
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        wire[wrong[i].at] ^= wrong[i].change;
        CHECK(bech32m_write(text, wrong[i].prefix, (struct bytes){ wire, wrong[i].size }));
        CHECK(card_read(&card, text) == FAULT_PEER);
        CHECK(memcmp(&card, &before, sizeof card) == 0); /* nothing of it is kept */
        wire[wrong[i].at] ^= wrong[i].change;
    }
}

static void test_an_invitation_is_no_card(void)
{
    char text[INVITATION_TEXT_CHARS + 1], link[INVITATION_TEXT_CHARS + 16],
        card_text[CARD_TEXT_CHARS + 1];
    struct card card, again;
    struct sign_pair pair;
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 3);
    sign_pair_make(&pair, &rng);
    memcpy(card.account, pair.public, sizeof card.account);
    rng_fill(&rng, card.secret, sizeof card.secret);
    invitation_write(text, &card);
    CHECK(strncmp(text, "rmgi1", 5) == 0 && strlen(text) == 90);
    snprintf(link, sizeof link, "Ramage:%s", text);
    CHECK_INT(invitation_read(&again, link), FAULT_NONE);
    CHECK(memcmp(&again, &card, sizeof card) == 0);
    CHECK_INT(card_read(&again, text), FAULT_PEER);
    card_write(card_text, &card);
    CHECK_INT(invitation_read(&again, card_text), FAULT_PEER);
}

static void test_T28_a_text_that_would_be_too_long_is_not_written(void)
{
    static const uint8_t data[60];
    char text[BECH32M_TEXT_MAX + 1];
    CHECK(bech32m_write(text, "rm", (struct bytes){ data, 50 })); /* 2 + 1 + 80 + 6 */
    CHECK_INT(strlen(text), 89);
    CHECK(bech32m_write(text, "rmg", (struct bytes){ data, 50 }));
    CHECK_INT(strlen(text), BECH32M_TEXT_MAX);
    CHECK(!bech32m_write(text, "rmgx", (struct bytes){ data, 50 }));
    CHECK(!bech32m_write(text, "", (struct bytes){ data, 1 }));
    CHECK(!bech32m_write(text, "Rmg", (struct bytes){ data, 1 }));
    CHECK(!bech32m_write(text, "r g", (struct bytes){ data, 1 }));
}

/* Zero bits may fill the last digit up, but there is no digit too many. */
static void test_digits_that_are_no_whole_bytes_are_refused(void)
{
    static const struct {
        const char *text;
        size_t bytes; /* none: refused */
    } texts[] = {
        { "rmg1qza98ke", 0 },      /* one digit */
        { "rmg1qqq3yht4", 1 },     /* two */
        { "rmg1qpa8szk8", 0 },     /* two, and a bit set in what is left over */
        { "rmg1qqql44f5c", 0 },    /* three */
        { "rmg1qqqq3gsjnn", 2 },   /* four */
        { "rmg1qqqqqq6xe36j", 0 }, /* six */
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        uint8_t out[8];
        size_t size = 0;
        CHECK(bech32m_read(out, sizeof out, &size, "rmg", texts[i].text) == (texts[i].bytes > 0));
        CHECK(texts[i].bytes == 0 || size == texts[i].bytes);
    }
}

/* Never a byte past the room that was given. */
static void test_T28_data_that_does_not_fit_is_refused(void)
{
    uint8_t out[4] = { 9, 9, 9, 9 };
    size_t size;
    char text[BECH32M_TEXT_MAX + 1];
    CHECK(bech32m_write(text, "x", bytes_of_text("abc")));
    CHECK(!bech32m_read(out, 2, &size, "x", text));
    CHECK_INT(out[2], 9);
    CHECK(bech32m_read(out, 3, &size, "x", text) && size == 3 && out[3] == 9);
}

TESTS(TEST(test_a_card_has_one_text_and_a_door),
      TEST(test_cards_are_read_in_either_case_and_as_links),
      TEST(test_a_card_with_any_one_wrong_character_is_refused),
      TEST(test_another_secret_or_account_is_another_door),
      TEST(test_a_text_that_holds_no_card_is_refused), TEST(test_an_invitation_is_no_card),
      TEST(test_T28_a_text_that_would_be_too_long_is_not_written),
      TEST(test_digits_that_are_no_whole_bytes_are_refused),
      TEST(test_T28_data_that_does_not_fit_is_refused))
