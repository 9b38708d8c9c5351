/* Known answers of every step of the key schedule, and of the forms a message has. They were
   computed with Python's hashlib and hmac, and for XChaCha20-Poly1305 with the cryptography
   package, after docs/protocol.md alone:

       hkdf(salt = root, input = dh [+ secret], info = label + 0 | 1 + H(ek, ct), 96 bytes)
       blake2b(key = chain key, 32 bytes, one byte length + label)

   over texts that count upwards. */
#include "engine/crypto/hash.h"
#include "engine/crypto/ratchet_keys.h"
#include "tests/test.h"

/* `size` bytes: start, start + step, ... */
static void count_up(void *out, size_t size, unsigned start, unsigned step)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)out)[i] = (uint8_t)(start + step * i);
}

static void check_hex(const uint8_t *bytes, size_t size, const char *hex)
{
    uint8_t expected[512];
    CHECK_INT(unhex(expected, sizeof expected, hex), size);
    CHECK_BYTES(bytes, expected, size);
}

static void check_hash(const uint8_t *bytes, size_t size, const char *hex)
{
    uint8_t hash[HASH_BYTES];
    hash_blake2b(hash, sizeof hash, (struct bytes){ 0 }, (struct bytes){ bytes, size });
    check_hex(hash, sizeof hash, hex);
}

/* Luck without any: each nonce is 192, 193, ... */
static void fill_counting(void *source, void *out, size_t size)
{
    (void)source;
    count_up(out, size, 192, 1);
}
static struct rng counting = { fill_counting, NULL };

static void test_T27_a_root_step(void)
{
    uint8_t root[32], dh[KEY_BYTES], chain_key[32], header_key[32];
    count_up(root, sizeof root, 0, 1);
    count_up(dh, sizeof dh, 32, 1);
    ratchet_root(root, chain_key, header_key, dh, NULL);
    check_hex(root, 32, "530fe508de757ba75f57c0f7478eafd4ff006b2761a369fd879c135d84b4b8f1");
    check_hex(chain_key, 32, "01e87f4161ca4bc3208833c16409d640055fba260af731b2a9ff90b1cde5a354");
    check_hex(header_key, 32, "184c8ecdb17f0277b5861212fc02503d2d2ed0e7775ad10268bc4b5ed5aeb09a");
}

static void test_T27_a_root_step_with_a_secret_of_the_kem(void)
{
    uint8_t root[32], dh[KEY_BYTES], chain_key[32], header_key[32];
    uint8_t key[MLKEM_PUBLIC_BYTES], cipher[MLKEM_CIPHER_BYTES];
    struct ratchet_kem kem = { .key = BYTES_OF(key), .cipher = BYTES_OF(cipher) };
    count_up(root, sizeof root, 0, 1);
    count_up(dh, sizeof dh, 32, 1);
    count_up(kem.secret, sizeof kem.secret, 64, 1);
    count_up(key, sizeof key, 1, 7);
    count_up(cipher, sizeof cipher, 2, 11);
    ratchet_root(root, chain_key, header_key, dh, &kem);
    check_hex(root, 32, "910becfcbb2b8a1f1f71fac288b5ecf8c5bcdb8935611bc14e87614b0d5a21bc");
    check_hex(chain_key, 32, "a39e5b801c935c69dcd795f6207b92b84c28ce6d44c978ea754d24904263e1f4");
    check_hex(header_key, 32, "7a70577790f9a451f9a43babb6df03f3a38775a205d5bf75b24e2ae687de9e37");
}

static void test_T27_a_chain_step(void)
{
    uint8_t chain_key[32], key[32];
    count_up(chain_key, sizeof chain_key, 96, 1);
    ratchet_message_key(key, chain_key);
    check_hex(key, 32, "0b0d6b2daeaecff3d50ddf8f572ed79ca65217c6ee04c03479ca9ce73945a61a");
    check_hex(chain_key, 32, "e545c10f1ec843794aacb8136fa332f107f9ea7aa97adc44b3c101185e701c3c");
}

static void test_T27_the_id_of_a_chain(void)
{
    uint8_t session[SESSION_ID_BYTES], dh[KEY_BYTES], id[CHAIN_ID_BYTES];
    count_up(session, sizeof session, 128, 1);
    count_up(dh, sizeof dh, 32, 1);
    ratchet_chain_id(id, session, dh);
    check_hex(id, sizeof id, "993685e1d7409543");
}

/* --- headers ---------------------------------------------------------------------------------- */

static uint8_t session[SESSION_ID_BYTES], header_key[32];

static struct ratchet_header header_of(uint32_t previous, uint32_t number, uint32_t offer,
                                       uint32_t answer)
{
    struct ratchet_header header = { .previous = previous, .number = number };
    count_up(session, sizeof session, 128, 1);
    count_up(header_key, sizeof header_key, 160, 1);
    count_up(header.dh, sizeof header.dh, 32, 1);
    header.offer.kid = offer;
    header.answer.kid = answer;
    count_up(header.offer.key, sizeof header.offer.key, 1, 7);
    count_up(header.answer.cipher, sizeof header.answer.cipher, 2, 11);
    return header;
}

static void test_T27_a_header_and_its_body(void)
{
    uint8_t wire[RATCHET_HEADER_MAX_BYTES], key[32], body[9 + RATCHET_BODY_EXTRA_BYTES], text[9];
    struct ratchet_header header = header_of(5, 7, 0, 0);
    size_t size = ratchet_header_write(wire, header_key, session, &header, &counting);
    struct bytes head = { wire, size };
    check_hex(wire, size,
              "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d79f085ba759e986a08f6128b4cd111a05"
              "8eb75c93b32a16f81f250dd45db15919c261ed3fe4f5a83aecb36772d47efd8b24c1cbc2b97be782"
              "d5");
    count_up(key, sizeof key, 224, 1);
    ratchet_body_write(body, key, session, head, bytes_of_text("On my way"), &counting);
    check_hex(body, sizeof body,
              "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d72ce1cb91ad151342f8522efca0252821"
              "67aae98940c879d32f");
    CHECK(ratchet_body_read(text, key, session, head, BYTES_OF(body)));
    CHECK_BYTES(text, "On my way", sizeof text);
}

static void check_extra(uint32_t offer, uint32_t answer, size_t size, const char *hash)
{
    uint8_t wire[RATCHET_HEADER_MAX_BYTES + RATCHET_BODY_EXTRA_BYTES] = { 0 };
    struct ratchet_header header = header_of(1, 2, offer, answer), again;
    size_t size_again;
    CHECK_INT(ratchet_header_size(offer != 0, answer != 0), size);
    CHECK_INT(ratchet_header_write(wire, header_key, session, &header, &counting), size);
    check_hash(wire, size, hash);
    struct bytes sealed = { wire, size + RATCHET_BODY_EXTRA_BYTES };
    CHECK(ratchet_header_read(&again, &size_again, header_key, session, sealed));
    CHECK(size_again == size && again.previous == 1 && again.number == 2);
    CHECK_BYTES(again.dh, header.dh, sizeof header.dh);
    CHECK(again.offer.kid == offer && again.answer.kid == answer);
    if (offer != 0)
        CHECK_BYTES(again.offer.key, header.offer.key, sizeof header.offer.key);
    if (answer != 0)
        CHECK_BYTES(again.answer.cipher, header.answer.cipher, sizeof header.answer.cipher);
    sealed.size--; /* no room for a body */
    CHECK(!ratchet_header_read(&again, &size_again, header_key, session, sealed));
}

static void test_T27_headers_with_offers_and_answers(void)
{
    check_extra(0, 0, RATCHET_HEADER_BYTES,
                "b9afab4ad81d6766c83e50f31774f4f427f2e85cd51a3d5509bcf91fbe0822fb");
    check_extra(3, 0, 1285, "55953b55daa017f8a6db370fdb0396fedc789eb2fac55536e0c55dfb7af40ba5");
    check_extra(0, 4, 1189, "0eaf67e4b5acd2dad09fa9209233ab02a1966a971b6329d4890e067525f68e0f");
    check_extra(3, 4, 2377, "6b300947708013913e05cf5c78bbe9b1d82d15edf56727df13eaa2a73a087be8");
    CHECK_INT(RATCHET_HEADER_MAX_BYTES, 2377);
}

/* --- one spelling only ------------------------------------------------------------------------ */

static bool reads(const uint8_t *text, size_t text_size)
{
    uint8_t wire[256] = { 0 };
    struct ratchet_header header;
    size_t size;
    (void)header_of(0, 0, 0, 0);
    sealed_write(wire, header_key, (struct bytes){ text, text_size }, BYTES_OF(session), &counting);
    return ratchet_header_read(&header, &size, header_key, session, BYTES_OF(wire));
}

static void test_T15_a_number_of_2_to_the_31_is_refused(void)
{
    uint8_t text[41] = { 0 };
    CHECK(reads(text, sizeof text));
    text[32] = 0x80; /* PN */
    CHECK(!reads(text, sizeof text));
    text[32] = 0x7f;
    CHECK(reads(text, sizeof text));
    text[36] = 0x80; /* N */
    CHECK(!reads(text, sizeof text));
    text[36] = 0x7f;
    CHECK(reads(text, sizeof text));
}

static void test_a_flag_nobody_knows_is_refused(void)
{
    uint8_t text[41] = { 0 };
    for (unsigned flag = 1; flag < 256; flag <<= 1) {
        text[40] = (uint8_t)flag; /* 1 and 2 promise an extra, and there is none */
        CHECK(!reads(text, sizeof text));
    }
}

/* Zeros, but for the last byte of the first kid. */
static bool reads_with_extra(uint8_t flags, uint8_t kid, size_t size)
{
    uint8_t wire[RATCHET_HEADER_MAX_BYTES + RATCHET_BODY_EXTRA_BYTES] = { 0 };
    uint8_t text[41] = { [40] = flags }, extra[RATCHET_HEADER_MAX_BYTES] = { [3] = kid };
    uint8_t nonce[SEALED_NONCE_BYTES];
    struct ratchet_header header = header_of(0, 0, 0, 0);
    size_t header_size;
    count_up(nonce, sizeof nonce, 192, 1);
    nonce[sizeof nonce - 1] ^= 1;
    sealed_write(wire, header_key, BYTES_OF(text), BYTES_OF(session), &counting);
    sealed_write_under(wire + RATCHET_HEADER_BYTES, header_key, nonce,
                       (struct bytes){ extra, size }, (struct bytes){ wire, RATCHET_HEADER_BYTES });
    return ratchet_header_read(&header, &header_size, header_key, session, BYTES_OF(wire));
}

static void test_an_extra_is_what_the_flags_say(void)
{
    enum { OFFER = 4 + MLKEM_PUBLIC_BYTES, ANSWER = 4 + MLKEM_CIPHER_BYTES };
    static const struct {
        uint8_t flags, kid;
        size_t size;
        bool good;
    } cases[] = {
        { 1, 1, OFFER, true },           { 2, 1, ANSWER, true },
        { 1, 0, OFFER, false },          { 2, 0, ANSWER, false },
        { 1, 1, ANSWER, false },         { 2, 1, OFFER, false },
        { 5, 1, OFFER, false },          { 0x82, 1, ANSWER, false },
        { 3, 1, OFFER + ANSWER, false }, /* a second kid of zero */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(reads_with_extra(cases[i].flags, cases[i].kid, cases[i].size) == cases[i].good);
}

TESTS(TEST(test_T27_a_root_step), TEST(test_T27_a_root_step_with_a_secret_of_the_kem),
      TEST(test_T27_a_chain_step), TEST(test_T27_the_id_of_a_chain),
      TEST(test_T27_a_header_and_its_body), TEST(test_T27_headers_with_offers_and_answers),
      TEST(test_T15_a_number_of_2_to_the_31_is_refused), TEST(test_a_flag_nobody_knows_is_refused),
      TEST(test_an_extra_is_what_the_flags_say))
