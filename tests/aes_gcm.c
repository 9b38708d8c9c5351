#include "tests/aes_gcm.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#define BLOCK           16
#define NONCE_MAX_BYTES 128 /* of libcrypto's own GCM */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void sure(int done) /* libcrypto says 1 when it has done as it was told */
{
    assert(done == 1);
}

static const EVP_CIPHER *bare(struct bytes key)
{
    return key.size == 16   ? EVP_aes_128_ecb()
           : key.size == 24 ? EVP_aes_192_ecb()
           : key.size == 32 ? EVP_aes_256_ecb()
                            : NULL;
}

static const EVP_CIPHER *whole(struct bytes key)
{
    return key.size == 16   ? EVP_aes_128_gcm()
           : key.size == 24 ? EVP_aes_192_gcm()
                            : EVP_aes_256_gcm();
}

/* --- by hand ---------------------------------------------------------------------------------- */

static void encipher(uint8_t out[BLOCK], EVP_CIPHER_CTX *aes, const uint8_t in[BLOCK])
{
    int size;
    sure(EVP_EncryptUpdate(aes, out, &size, in, BLOCK));
}

/* sum = (sum + block) * h, where the first bit is that of x^0: SP 800-38D, 6.3. */
static void ghash_block(uint8_t sum[BLOCK], const uint8_t h[BLOCK], const uint8_t *block,
                        size_t size)
{
    uint8_t v[BLOCK], product[BLOCK] = { 0 };
    memcpy(v, h, BLOCK);
    for (size_t i = 0; i < size; i++)
        sum[i] ^= block[i];
    for (size_t bit = 0; bit < 8 * BLOCK; bit++) {
        uint8_t carry = v[BLOCK - 1] & 1;
        if (sum[bit / 8] >> (7 - bit % 8) & 1)
            for (size_t i = 0; i < BLOCK; i++)
                product[i] ^= v[i];
        for (size_t i = BLOCK - 1; i > 0; i--)
            v[i] = (uint8_t)(v[i] >> 1 | v[i - 1] << 7);
        v[0] = v[0] >> 1 ^ (carry ? 0xe1 : 0);
    }
    memcpy(sum, product, BLOCK);
}

/* Over both, each filled up with zeros, and their lengths. */
static void ghash(uint8_t sum[BLOCK], const uint8_t h[BLOCK], struct bytes a, struct bytes b)
{
    uint8_t lengths[BLOCK];
    struct cursor at = cursor_into(lengths, sizeof lengths);
    cursor_put_u64(&at, 8 * (uint64_t)a.size);
    cursor_put_u64(&at, 8 * (uint64_t)b.size);
    memset(sum, 0, BLOCK);
    for (size_t i = 0; i < a.size; i += BLOCK)
        ghash_block(sum, h, a.data + i, smaller(a.size - i, BLOCK));
    for (size_t i = 0; i < b.size; i += BLOCK)
        ghash_block(sum, h, b.data + i, smaller(b.size - i, BLOCK));
    ghash_block(sum, h, lengths, BLOCK);
}

static void count_up(uint8_t counter[BLOCK])
{
    for (size_t i = BLOCK; i > BLOCK - 4 && ++counter[i - 1] == 0; i--)
        ;
}

/* What `in` becomes, either way, and the tag over what is sealed. */
static void by_hand(uint8_t *out, uint8_t tag[BLOCK], struct bytes key, struct bytes nonce,
                    struct bytes in, struct bytes associated, bool sealing)
{
    uint8_t h[BLOCK], zeros[BLOCK] = { 0 }, first[BLOCK] = { 0 }, counter[BLOCK], stream[BLOCK];
    EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
    assert(aes != NULL);
    sure(EVP_EncryptInit_ex(aes, bare(key), NULL, key.data, NULL));
    encipher(h, aes, zeros);
    if (nonce.size == 12)
        memcpy(first, nonce.data, 12), first[BLOCK - 1] = 1;
    else
        ghash(first, h, (struct bytes){ 0 }, nonce);
    memcpy(counter, first, BLOCK);
    for (size_t i = 0; i < in.size; i++) {
        if (i % BLOCK == 0) {
            count_up(counter);
            encipher(stream, aes, counter);
        }
        out[i] = in.data[i] ^ stream[i % BLOCK];
    }
    ghash(tag, h, associated, sealing ? (struct bytes){ out, in.size } : in);
    encipher(stream, aes, first);
    for (size_t i = 0; i < BLOCK; i++)
        tag[i] ^= stream[i];
    EVP_CIPHER_CTX_free(aes);
}

/* --- by libcrypto ----------------------------------------------------------------------------- */

/* Whether libcrypto makes the same of it. */
static bool agreed(const uint8_t *out, const uint8_t tag[BLOCK], struct bytes key,
                   struct bytes nonce, struct bytes in, struct bytes associated, bool sealing)
{
    static uint8_t theirs[1 << 16];
    uint8_t end[BLOCK], expected[BLOCK];
    int size;
    assert(in.size <= sizeof theirs);
    memcpy(expected, tag, BLOCK);
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    assert(gcm != NULL);
    sure(EVP_CipherInit_ex(gcm, whole(key), NULL, NULL, NULL, sealing));
    sure(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_SET_IVLEN, (int)nonce.size, NULL));
    sure(EVP_CipherInit_ex(gcm, NULL, NULL, key.data, nonce.data, sealing));
    if (!sealing)
        sure(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_SET_TAG, BLOCK, expected));
    if (associated.size > 0)
        sure(EVP_CipherUpdate(gcm, NULL, &size, associated.data, (int)associated.size));
    if (in.size > 0)
        sure(EVP_CipherUpdate(gcm, theirs, &size, in.data, (int)in.size));
    bool good = EVP_CipherFinal_ex(gcm, end, &size) == 1;
    if (sealing)
        sure(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_GET_TAG, BLOCK, expected));
    EVP_CIPHER_CTX_free(gcm);
    return good && memcmp(expected, tag, BLOCK) == 0 && memcmp(theirs, out, in.size) == 0;
}

static void crypt(uint8_t *out, uint8_t tag[BLOCK], struct bytes key, struct bytes nonce,
                  struct bytes in, struct bytes associated, bool sealing)
{
    by_hand(out, tag, key, nonce, in, associated, sealing);
    assert(nonce.size > NONCE_MAX_BYTES || agreed(out, tag, key, nonce, in, associated, sealing));
}

bool aes_gcm_seal(uint8_t *out, struct bytes key, struct bytes nonce, struct bytes text,
                  struct bytes associated)
{
    if (bare(key) == NULL || nonce.size == 0)
        return false;
    crypt(out, out + text.size, key, nonce, text, associated, true);
    return true;
}

bool aes_gcm_open(uint8_t *out, struct bytes key, struct bytes nonce, struct bytes sealed,
                  struct bytes associated)
{
    uint8_t tag[BLOCK];
    if (bare(key) == NULL || nonce.size == 0 || sealed.size < BLOCK)
        return false;
    struct bytes in = { sealed.data, sealed.size - BLOCK };
    crypt(out, tag, key, nonce, in, associated, false);
    return memcmp(tag, sealed.data + in.size, BLOCK) == 0;
}
