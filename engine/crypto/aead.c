#include "engine/crypto/aead.h"

#include "base/mem.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#ifdef RAMAGE_LIBCRYPTO
#include <openssl/evp.h>
#endif

#define TAG AEAD_TAG_BYTES

/* --- one-shot, by libsodium ------------------------------------------------------------------- */

void aead_seal_once(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES],
                    const uint8_t nonce[AEAD_NONCE_BYTES], struct bytes text,
                    struct bytes associated)
{
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, text.data, text.size, associated.data,
                                              associated.size, NULL, nonce, key);
}

bool aead_open_once(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES],
                    const uint8_t nonce[AEAD_NONCE_BYTES], struct bytes sealed,
                    struct bytes associated)
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data, sealed.size,
                                                     associated.data, associated.size, nonce,
                                                     key) == 0;
}

/* --- packets of a link ------------------------------------------------------------------------ */

#ifdef RAMAGE_LIBCRYPTO

/* Keyed once: what is set per packet is the nonce alone. A call of libcrypto that fails here could
   only mean a broken installation, never a peer. */
struct aead {
    EVP_CIPHER_CTX *context;
};

#define SEAL 1
#define OPEN 0

/* Looked up once: libcrypto takes longer to find its cipher by name than to key it. */
static const EVP_CIPHER *cipher(void)
{
    static EVP_CIPHER *found;
    if (found == NULL)
        found = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    assert(found != NULL);
    return found;
}

struct aead *aead_create(const uint8_t key[AEAD_KEY_BYTES])
{
    struct aead *aead = mem_zeroed(1, sizeof *aead);
    aead->context = EVP_CIPHER_CTX_new();
    assert(aead->context != NULL);
    int good = EVP_CipherInit_ex(aead->context, cipher(), NULL, key, NULL, SEAL);
    assert(good == 1);
    return aead;
}

void aead_destroy(struct aead *aead)
{
    if (aead == NULL)
        return;
    EVP_CIPHER_CTX_free(aead->context); /* wipes */
    mem_free(aead);
}

/* The text of a packet, or with `out` NULL what is authenticated beside it. */
static int feed(struct aead *aead, uint8_t *out, struct bytes in)
{
    int size;
    assert(in.size <= AEAD_MAX_BYTES);
    return in.size == 0 || EVP_CipherUpdate(aead->context, out, &size, in.data, (int)in.size) == 1;
}

void aead_seal(struct aead *aead, uint8_t *out, const uint8_t nonce[AEAD_NONCE_BYTES],
               struct bytes text, struct bytes associated)
{
    int size;
    uint8_t none;
    assert(text.size <= AEAD_MAX_BYTES - TAG);
    int good = EVP_CipherInit_ex(aead->context, NULL, NULL, NULL, nonce, SEAL);
    good &= feed(aead, NULL, associated);
    good &= feed(aead, out, text);
    good &= EVP_CipherFinal_ex(aead->context, &none, &size);
    good &= EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_GET_TAG, TAG, out + text.size);
    assert(good == 1);
}

bool aead_open(struct aead *aead, uint8_t *out, const uint8_t nonce[AEAD_NONCE_BYTES],
               struct bytes sealed, struct bytes associated)
{
    int size;
    uint8_t none, tag[TAG];
    if (sealed.size < TAG || sealed.size > AEAD_MAX_BYTES)
        return false;
    size_t text = sealed.size - TAG;
    memcpy(tag, sealed.data + text, TAG);
    int good = EVP_CipherInit_ex(aead->context, NULL, NULL, NULL, nonce, OPEN);
    good &= EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_SET_TAG, TAG, tag);
    good &= feed(aead, NULL, associated);
    good &= feed(aead, out, (struct bytes){ sealed.data, text });
    assert(good == 1);
    return EVP_CipherFinal_ex(aead->context, &none, &size) == 1;
}

const char *aead_back_end(void)
{
    return "libcrypto";
}

#else

struct aead {
    uint8_t key[AEAD_KEY_BYTES];
};

struct aead *aead_create(const uint8_t key[AEAD_KEY_BYTES])
{
    struct aead *aead = mem_zeroed(1, sizeof *aead);
    memcpy(aead->key, key, sizeof aead->key);
    return aead;
}

void aead_destroy(struct aead *aead)
{
    if (aead == NULL)
        return;
    wipe(aead, sizeof *aead);
    mem_free(aead);
}

void aead_seal(struct aead *aead, uint8_t *out, const uint8_t nonce[AEAD_NONCE_BYTES],
               struct bytes text, struct bytes associated)
{
    assert(text.size <= AEAD_MAX_BYTES - TAG);
    aead_seal_once(out, aead->key, nonce, text, associated);
}

bool aead_open(struct aead *aead, uint8_t *out, const uint8_t nonce[AEAD_NONCE_BYTES],
               struct bytes sealed, struct bytes associated)
{
    return sealed.size <= AEAD_MAX_BYTES &&
           aead_open_once(out, aead->key, nonce, sealed, associated);
}

const char *aead_back_end(void)
{
    return "libsodium";
}

#endif

void aead_header_mask(uint8_t mask[5], const uint8_t key[AEAD_KEY_BYTES], const uint8_t sample[16])
{
    static const uint8_t zeros[5];
    uint32_t counter = (uint32_t)sample[0] | (uint32_t)sample[1] << 8 | (uint32_t)sample[2] << 16 |
                       (uint32_t)sample[3] << 24;
    crypto_stream_chacha20_ietf_xor_ic(mask, zeros, sizeof zeros, sample + 4, counter, key);
}

/* --- what is stored --------------------------------------------------------------------------- */

/* XChaCha20-Poly1305 is ChaCha20-Poly1305 under a key made of the key and 16 bytes of the nonce,
   and under the other 8 (draft-irtf-cfrg-xchacha-03, 2.3). So what is long goes through the faster
   back end; what is short is done in libsodium before libcrypto has its context. */
#define SHORT_BYTES 512

static bool is_for_libsodium(size_t sealed)
{
    return sealed < SHORT_BYTES || sealed > AEAD_MAX_BYTES;
}

static struct aead *aead_extended(uint8_t rest[AEAD_NONCE_BYTES], const uint8_t key[AEAD_KEY_BYTES],
                                  const uint8_t nonce[SEALED_NONCE_BYTES])
{
    uint8_t derived[AEAD_KEY_BYTES];
    crypto_core_hchacha20(derived, nonce, key, NULL);
    struct aead *aead = aead_create(derived);
    sodium_memzero(derived, sizeof derived);
    memset(rest, 0, 4);
    memcpy(rest + 4, nonce + crypto_core_hchacha20_INPUTBYTES, 8);
    return aead;
}

void sealed_write_under(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES],
                        const uint8_t nonce[SEALED_NONCE_BYTES], struct bytes text,
                        struct bytes associated)
{
    if (is_for_libsodium(text.size + TAG)) {
        crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, text.data, text.size, associated.data,
                                                   associated.size, NULL, nonce, key);
        return;
    }
    uint8_t rest[AEAD_NONCE_BYTES];
    struct aead *aead = aead_extended(rest, key, nonce);
    aead_seal(aead, out, rest, text, associated);
    aead_destroy(aead);
}

bool sealed_read_under(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES],
                       const uint8_t nonce[SEALED_NONCE_BYTES], struct bytes sealed,
                       struct bytes associated)
{
    if (is_for_libsodium(sealed.size))
        return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data, sealed.size,
                                                          associated.data, associated.size, nonce,
                                                          key) == 0;
    uint8_t rest[AEAD_NONCE_BYTES];
    struct aead *aead = aead_extended(rest, key, nonce);
    bool good = aead_open(aead, out, rest, sealed, associated);
    aead_destroy(aead);
    if (!good)
        sodium_memzero(out, sealed.size - TAG); /* nobody is to see what a forger chose */
    return good;
}

void sealed_write(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES], struct bytes text,
                  struct bytes associated, struct rng *rng)
{
    rng_fill(rng, out, SEALED_NONCE_BYTES);
    sealed_write_under(out + SEALED_NONCE_BYTES, key, out, text, associated);
}

bool sealed_read(uint8_t *out, const uint8_t key[AEAD_KEY_BYTES], struct bytes sealed,
                 struct bytes associated)
{
    if (sealed.size < SEALED_EXTRA_BYTES)
        return false;
    struct bytes rest = { sealed.data + SEALED_NONCE_BYTES, sealed.size - SEALED_NONCE_BYTES };
    return sealed_read_under(out, key, sealed.data, rest, associated);
}
