/* T-19. ChaCha20-Poly1305 does not commit to its key: whoever knows two keys can make one sealed
   text that opens under both, to two texts (Dodis, Grubbs, Ristenpart, Woodage 2018). This builds
   one, so that nobody takes "it opened" for "we read the same", and shows what does tell: the hash
   of what was read, which is what a message's id is. */
#include "engine/crypto/aead.h"
#include "engine/crypto/hash.h"
#include "tests/test.h"

#include <sodium.h>

/* --- numbers modulo p = 2^130 - 5, in five limbs of 26 bits -----------------------------------
 */

#define LIMBS     5
#define LIMB_BITS 26
#define LIMB_MASK ((UINT64_C(1) << LIMB_BITS) - 1)

struct number {
    uint64_t limbs[LIMBS];
};

static uint64_t limb_of_p(size_t index)
{
    return index == 0 ? LIMB_MASK - 4 : LIMB_MASK;
}

/* Every limb below 2^26, but for a little in the lowest. */
static struct number carried(struct number a)
{
    for (int round = 0; round < 2; round++) {
        uint64_t carry = 0;
        for (size_t i = 0; i < LIMBS; i++) {
            a.limbs[i] += carry;
            carry = a.limbs[i] >> LIMB_BITS;
            a.limbs[i] &= LIMB_MASK;
        }
        a.limbs[0] += 5 * carry; /* 2^130 is 5 */
    }
    return a;
}

static struct number sum(struct number a, struct number b)
{
    for (size_t i = 0; i < LIMBS; i++)
        a.limbs[i] += b.limbs[i];
    return carried(a);
}

static struct number difference(struct number a, struct number b)
{
    for (size_t i = 0; i < LIMBS; i++)
        a.limbs[i] += 2 * limb_of_p(i) - b.limbs[i];
    return carried(a);
}

static struct number product(struct number a, struct number b)
{
    struct number out = { 0 };
    for (size_t i = 0; i < LIMBS; i++)
        for (size_t j = 0; j < LIMBS; j++)
            out.limbs[(i + j) % LIMBS] += a.limbs[i] * b.limbs[j] * (i + j < LIMBS ? 1 : 5);
    return carried(out);
}

/* a^(p - 2), by Fermat: p - 2 is 2^130 - 7, all bits set but those of 2 and 4. */
static struct number inverse(struct number a)
{
    struct number out = { { 1 } };
    for (int bit = 129; bit >= 0; bit--) {
        out = product(out, out);
        if (bit != 1 && bit != 2)
            out = product(out, a);
    }
    return out;
}

/* 16 bytes, little-endian, and 2^128 for each block of a message. */
static struct number from_block(const uint8_t block[16], bool with_top_bit)
{
    struct number out = { 0 };
    for (size_t bit = 0; bit < 128; bit++)
        out.limbs[bit / LIMB_BITS] |= (uint64_t)(block[bit / 8] >> bit % 8 & 1) << bit % LIMB_BITS;
    if (with_top_bit)
        out.limbs[128 / LIMB_BITS] |= UINT64_C(1) << 128 % LIMB_BITS;
    return out;
}

/* False: it is no block, which has 2^128 and nothing above. */
static bool to_block(uint8_t block[16], struct number a)
{
    memset(block, 0, 16);
    for (size_t bit = 0; bit < 128; bit++)
        block[bit / 8] |= (uint8_t)((a.limbs[bit / LIMB_BITS] >> bit % LIMB_BITS & 1) << bit % 8);
    return a.limbs[0] <= LIMB_MASK && a.limbs[4] >> 128 % LIMB_BITS == 1;
}

/* --- the salamander ---------------------------------------------------------------------------
   Four blocks: the first says something to the first reader, the second to the second, the third
   is tried, and the fourth makes the tags equal. To the other reader each is noise. */

#define BLOCK_BYTES 16
#define TEXT_BYTES  (4 * BLOCK_BYTES)
#define NONCE_BYTES 24

struct reader {
    uint8_t key[AEAD_KEY_BYTES];
    uint8_t pad[TEXT_BYTES]; /* what the text is hidden with */
    struct number r, s;      /* of Poly1305 */
    uint8_t sealed[TEXT_BYTES + SEALED_EXTRA_BYTES], text[TEXT_BYTES];
};
static struct reader first, second;
static const uint8_t nonce[NONCE_BYTES] = { 1 };

static void prepare(struct reader *reader, uint8_t key)
{
    static const uint8_t clamp[16] = { 255, 255, 255, 15, 252, 255, 255, 15,
                                       252, 255, 255, 15, 252, 255, 255, 15 };
    uint8_t stream[64 + TEXT_BYTES]; /* the first block is for Poly1305: RFC 8439, 2.6 */
    memset(reader->key, key, sizeof reader->key);
    crypto_stream_xchacha20(stream, sizeof stream, nonce, reader->key);
    for (size_t i = 0; i < sizeof clamp; i++)
        stream[i] &= clamp[i];
    reader->r = from_block(stream, false);
    reader->s = from_block(stream + 16, false);
    memcpy(reader->pad, stream + 64, TEXT_BYTES);
}

/* What Poly1305 makes of the text and its length, the last block counted as zero; and s. */
static struct number tag_without_last(const struct reader *reader, const uint8_t *text)
{
    static const uint8_t lengths[16] = { [8] = TEXT_BYTES };
    struct number out = { 0 };
    for (size_t at = 0; at < TEXT_BYTES - BLOCK_BYTES; at += BLOCK_BYTES)
        out = product(sum(out, from_block(text + at, true)), reader->r);
    out = product(out, reader->r);
    return sum(product(sum(out, from_block(lengths, true)), reader->r), reader->s);
}

/* The last block x, for which x r1^2 + t1 = x r2^2 + t2. */
static bool solve(uint8_t *text)
{
    struct number slope = difference(product(first.r, first.r), product(second.r, second.r));
    struct number gap = difference(tag_without_last(&second, text), tag_without_last(&first, text));
    return to_block(text + TEXT_BYTES - BLOCK_BYTES, product(gap, inverse(slope)));
}

static void say(uint8_t *sealed, size_t at, const struct reader *to, const char *words)
{
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        sealed[at + i] = (uint8_t)words[i] ^ to->pad[at + i];
}

/* Seals for a reader the text that looks like this when sealed. */
static void seal_as(struct reader *reader, const uint8_t *looks)
{
    uint8_t text[TEXT_BYTES];
    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = looks[i] ^ reader->pad[i];
    memcpy(reader->sealed, nonce, NONCE_BYTES);
    sealed_write_under(reader->sealed + NONCE_BYTES, reader->key, nonce, BYTES_OF(text),
                       (struct bytes){ 0 });
}

static void make_salamander(void)
{
    uint8_t looks[TEXT_BYTES] = { 0 };
    bool made = false;
    prepare(&first, 1);
    prepare(&second, 2);
    say(looks, 0, &first, "I shall be there");
    say(looks, BLOCK_BYTES, &second, "Nobody will come");
    for (int tries = 0; tries < 200 && !made; tries++) {
        looks[2 * BLOCK_BYTES]++;
        if (!solve(looks))
            continue;
        seal_as(&first, looks);
        seal_as(&second, looks);
        made = memcmp(first.sealed, second.sealed, sizeof first.sealed) == 0;
    }
    CHECK(made);
}

static bool opens(struct reader *reader, struct bytes sealed)
{
    return sealed_read(reader->text, reader->key, sealed, (struct bytes){ 0 });
}

/* As a message's id is made: author, and what was read. */
static void id_of(uint8_t out[HASH_BYTES], const uint8_t *author, const uint8_t text[TEXT_BYTES])
{
    struct bytes parts[] = { { author, 32 }, { text, TEXT_BYTES } };
    hash_parts(out, HASH_BYTES, (struct bytes){ 0 }, "ramage/test/v1", parts, COUNT(parts));
}

static void test_T19_one_sealed_text_can_open_under_two_keys(void)
{
    make_salamander();
    struct bytes sealed = BYTES_OF(first.sealed);
    CHECK(opens(&first, sealed) && opens(&second, sealed));
    CHECK_BYTES(first.text, "I shall be there", BLOCK_BYTES);
    CHECK_BYTES(second.text + BLOCK_BYTES, "Nobody will come", BLOCK_BYTES);
    CHECK(memcmp(first.text, second.text, TEXT_BYTES) != 0);
    struct reader third;
    prepare(&third, 3);
    CHECK(!opens(&third, sealed)); /* not under any third, of course */
}

/* The first tells the second what it has read by naming it: then both know that one author has said
   two things in one place. */
static void test_T19_the_second_reader_notices_by_the_id(void)
{
    static const uint8_t author[32] = { 7 };
    uint8_t told[HASH_BYTES], read[HASH_BYTES];
    make_salamander();
    CHECK(opens(&first, BYTES_OF(first.sealed)) && opens(&second, BYTES_OF(first.sealed)));
    id_of(told, author, first.text);
    id_of(read, author, second.text);
    CHECK(memcmp(told, read, sizeof told) != 0);
    id_of(read, author, first.text); /* and the same text has the same id everywhere */
    CHECK_BYTES(told, read, sizeof told);
}

/* A hash of the sealed text would not do. */
static void test_T19_a_name_made_from_the_sealed_text_would_tell_nothing(void)
{
    uint8_t one[HASH_BYTES], other[HASH_BYTES];
    make_salamander();
    hash_blake2b(one, sizeof one, (struct bytes){ 0 }, BYTES_OF(first.sealed));
    hash_blake2b(other, sizeof other, (struct bytes){ 0 }, BYTES_OF(second.sealed));
    CHECK_BYTES(one, other, sizeof one);
}

TESTS(TEST(test_T19_one_sealed_text_can_open_under_two_keys),
      TEST(test_T19_the_second_reader_notices_by_the_id),
      TEST(test_T19_a_name_made_from_the_sealed_text_would_tell_nothing))
