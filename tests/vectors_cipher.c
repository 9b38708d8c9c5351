/* Ciphers, by every way in which our code calls them, and the packets of QUIC. */
#include "engine/crypto/aead.h"
#include "engine/crypto/kdf.h"
#include "tests/aes_gcm.h"
#include "tests/vectors.h"

#include <string.h>

struct aead_case {
    struct field key, nonce, associated, text, sealed;
};

static void load(struct aead_case *out, const json_t *test)
{
    struct field tag;
    hex_of(&out->key, test, "key");
    hex_of(&out->nonce, test, "iv");
    hex_of(&out->associated, test, "aad");
    hex_of(&out->text, test, "msg");
    hex_of(&out->sealed, test, "ct");
    hex_of(&tag, test, "tag");
    if (out->sealed.size + tag.size > FIELD_MAX_BYTES)
        die("a ciphertext", "is too long");
    memcpy(out->sealed.data + out->sealed.size, tag.data, tag.size);
    out->sealed.size += tag.size;
}

/* False also when the two ways disagree. */
static bool opens(const struct aead_case *c, bool expected)
{
    static uint8_t quick[FIELD_MAX_BYTES], once[FIELD_MAX_BYTES];
    struct aead *aead = aead_create(c->key.data);
    bool a = aead_open(aead, quick, c->nonce.data, VIEW(c->sealed), VIEW(c->associated));
    bool b = aead_open_once(once, c->key.data, c->nonce.data, VIEW(c->sealed), VIEW(c->associated));
    aead_destroy(aead);
    return a == expected && b == expected &&
           (!expected || (memcmp(quick, c->text.data, c->text.size) == 0 &&
                          memcmp(once, c->text.data, c->text.size) == 0));
}

static bool seals(const struct aead_case *c)
{
    static uint8_t quick[FIELD_MAX_BYTES], once[FIELD_MAX_BYTES];
    struct aead *aead = aead_create(c->key.data);
    aead_seal(aead, quick, c->nonce.data, VIEW(c->text), VIEW(c->associated));
    aead_seal_once(once, c->key.data, c->nonce.data, VIEW(c->text), VIEW(c->associated));
    aead_destroy(aead);
    return memcmp(quick, c->sealed.data, c->sealed.size) == 0 &&
           memcmp(once, c->sealed.data, c->sealed.size) == 0;
}

static void judge_chacha(struct tally *tally, const json_t *test, const json_t *group)
{
    static struct aead_case c;
    bool valid = is_valid(test);
    (void)group;
    load(&c, test);
    if (c.nonce.size != AEAD_NONCE_BYTES) /* our calls cannot even be given another size */
        judge(tally, !valid, "valid with another nonce", text_of(test, "comment"));
    else
        judge(tally, opens(&c, valid) && (!valid || seals(&c)), "differs",
              text_of(test, "comment"));
}

void run_chacha(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_chacha);
}

/* Gives what is to be random: the nonce of the case. */
static void fill_nonce(void *source, void *out, size_t size)
{
    memcpy(out, ((const struct field *)source)->data, size);
}

static void judge_xchacha(struct tally *tally, const json_t *test, const json_t *group)
{
    static struct aead_case c;
    static struct field whole;
    static uint8_t out[FIELD_MAX_BYTES], again[FIELD_MAX_BYTES];
    const size_t nonce_size = SEALED_EXTRA_BYTES - AEAD_TAG_BYTES;
    bool valid = is_valid(test);
    (void)group;
    load(&c, test);
    memcpy(whole.data, c.nonce.data, c.nonce.size);
    memcpy(whole.data + c.nonce.size, c.sealed.data, c.sealed.size);
    whole.size = c.nonce.size + c.sealed.size;
    bool opened =
        c.nonce.size == nonce_size && sealed_read(out, c.key.data, VIEW(whole), VIEW(c.associated));
    bool good = opened == valid;
    if (good && valid) {
        struct rng rng = { fill_nonce, &c.nonce };
        sealed_write(again, c.key.data, VIEW(c.text), VIEW(c.associated), &rng);
        good = memcmp(out, c.text.data, c.text.size) == 0 &&
               memcmp(again, whole.data, whole.size) == 0;
    }
    judge(tally, good, "differs", text_of(test, "comment"));
}

void run_xchacha(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_xchacha);
}

/* --- AES-GCM, by libcrypto -------------------------------------------------------------------- */

static void judge_aes_gcm(struct tally *tally, const json_t *test, const json_t *group)
{
    static struct aead_case c;
    static uint8_t out[FIELD_MAX_BYTES + AES_GCM_TAG_BYTES];
    (void)group;
    load(&c, test);
    struct bytes key = VIEW(c.key), nonce = VIEW(c.nonce), associated = VIEW(c.associated);
    bool valid = is_valid(test);
    bool good = aes_gcm_open(out, key, nonce, VIEW(c.sealed), associated) == valid;
    if (good && valid)
        good = memcmp(out, c.text.data, c.text.size) == 0 &&
               aes_gcm_seal(out, key, nonce, VIEW(c.text), associated) &&
               memcmp(out, c.sealed.data, c.sealed.size) == 0;
    judge(tally, good, "differs", text_of(test, "comment"));
}

void run_aes_gcm(struct tally *tally, const json_t *file)
{
    each_in_groups(tally, file, judge_aes_gcm);
}

/* --- QUIC: RFC 9001, 5.3 and 5.4 -------------------------------------------------------------- */

/* Takes the mask off a short-header packet, then opens it; `id_size` bytes follow the first. */
static bool open_packet(const json_t *test, size_t id_size, size_t width, struct bytes text)
{
    struct field key, iv, hp, packet;
    uint8_t nonce[AEAD_NONCE_BYTES], mask[5], out[FIELD_MAX_BYTES];
    size_t at = 1 + id_size; /* of the packet number */
    uint64_t number = number_of(test, "packet_number");
    hex_of(&key, test, "key");
    hex_of(&hp, test, "hp");
    hex_of(&packet, test, "packet");
    if (hex_of(&iv, test, "iv").size != sizeof nonce || packet.size < at + 4 + AEAD_TAG_BYTES)
        return false;
    memcpy(nonce, iv.data, sizeof nonce);
    for (size_t i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(number >> 8 * i);
    aead_header_mask(mask, hp.data, packet.data + at + 4);
    packet.data[0] ^= mask[0] & 0x1f;
    for (size_t i = 0; i < width; i++)
        packet.data[at + i] ^= mask[1 + i];
    struct bytes sealed = { packet.data + at + width, packet.size - at - width };
    return (size_t)(packet.data[0] & 3) + 1 == width && sealed.size == text.size + AEAD_TAG_BYTES &&
           aead_open_once(out, key.data, nonce, sealed,
                          (struct bytes){ packet.data, at + width }) &&
           memcmp(out, text.data, text.size) == 0;
}

void run_quic(struct tally *tally, const json_t *file)
{
    for (size_t i = 0; i < json_array_size(file); i++) {
        const json_t *test = json_array_get(file, i);
        struct field id, text;
        hex_of(&text, test, "plaintext");
        size_t id_size = hex_of(&id, test, "dcid").size;
        judge(tally, open_packet(test, id_size, number_of(test, "pn_len"), VIEW(text)), "differs",
              text_of(test, "packet"));
    }
}

/* HKDF-Expand-Label of TLS 1.3 (RFC 8446, 7.1) with an empty context. */
static bool label_gives(const json_t *test, const char *label, const char *member)
{
    struct field secret, expected;
    uint8_t info[64], out[64];
    struct cursor at = cursor_into(info, sizeof info);
    size_t size = hex_of(&expected, test, member).size;
    hex_of(&secret, test, "secret");
    cursor_put_u16(&at, (uint16_t)size);
    cursor_put_u8(&at, (uint8_t)strlen(label));
    cursor_put_bytes(&at, bytes_of_text(label));
    cursor_put_u8(&at, 0);
    kdf_expand(&kdf_sha256, out, size, VIEW(secret), cursor_written(&at));
    return size > 0 && memcmp(out, expected.data, size) == 0;
}

void run_quic_rfc9001(struct tally *tally, const json_t *file)
{
    static const struct {
        const char *label, *member;
    } keys[] = { { "tls13 quic key", "key" },
                 { "tls13 quic iv", "iv" },
                 { "tls13 quic hp", "hp" },
                 { "tls13 quic ku", "ku" } };
    struct field text, hp, sample, expected;
    uint8_t mask[5];
    for (size_t i = 0; i < COUNT(keys); i++)
        judge(tally, label_gives(file, keys[i].label, keys[i].member), "differs", keys[i].member);
    hex_of(&hp, file, "hp");
    hex_of(&sample, file, "sample");
    aead_header_mask(mask, hp.data, sample.data);
    judge(tally, bytes_equal(hex_of(&expected, file, "mask"), BYTES_OF(mask)), "differs", "mask");
    hex_of(&text, file, "plaintext");
    size_t width = hex_of(&expected, file, "unprotected_header").size - 1;
    judge(tally, open_packet(file, 0, width, VIEW(text)), "differs", "packet");
}
