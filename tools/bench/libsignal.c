#include "tools/bench/libsignal.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <signal/curve.h>
#include <signal/key_helper.h>
#include <signal/protocol.h>
#include <signal/session_builder.h>
#include <signal/session_cipher.h>
#include <signal/session_pre_key.h>
#include <signal/signal_protocol.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNED_ID 7

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "libsignal: %s failed\n", what);
    exit(1);
}

/* --- ciphers and hashes: fetched once, as a program that cares for speed does
 * --------------------- */

static struct {
    EVP_MAC_CTX *hmac; /* knows its hash, and no key yet */
    EVP_MD *sha512;
    EVP_CIPHER *cbc, *ctr;
    EVP_CIPHER_CTX *cipher;
} tools;

static void tools_fetch(void)
{
    char hash[] = "SHA256";
    OSSL_PARAM params[] = { OSSL_PARAM_utf8_string("digest", hash, sizeof hash - 1),
                            OSSL_PARAM_END };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    tools.hmac = EVP_MAC_CTX_new(mac);
    must(EVP_MAC_CTX_set_params(tools.hmac, params) == 1, "hmac");
    EVP_MAC_free(mac);
    tools.sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
    tools.cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    tools.ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
    tools.cipher = EVP_CIPHER_CTX_new();
}

static int luck(uint8_t *data, size_t size, void *user)
{
    (void)user;
    return RAND_bytes(data, (int)size) == 1 ? 0 : -1;
}

static int hmac_init(void **context, const uint8_t *key, size_t size, void *user)
{
    (void)user;
    *context = EVP_MAC_CTX_dup(tools.hmac);
    return EVP_MAC_init(*context, key, size, NULL) == 1 ? 0 : -1;
}

static int hmac_update(void *context, const uint8_t *data, size_t size, void *user)
{
    (void)user;
    return EVP_MAC_update(context, data, size) == 1 ? 0 : -1;
}

static int hmac_final(void *context, signal_buffer **output, void *user)
{
    uint8_t mac[32];
    size_t size;
    (void)user;
    if (EVP_MAC_final(context, mac, &size, sizeof mac) != 1)
        return -1;
    *output = signal_buffer_create(mac, size);
    return 0;
}

static void hmac_cleanup(void *context, void *user)
{
    (void)user;
    EVP_MAC_CTX_free(context);
}

static int sha_init(void **context, void *user)
{
    (void)user;
    *context = EVP_MD_CTX_new();
    return EVP_DigestInit_ex(*context, tools.sha512, NULL) == 1 ? 0 : -1;
}

static int sha_update(void *context, const uint8_t *data, size_t size, void *user)
{
    (void)user;
    return EVP_DigestUpdate(context, data, size) == 1 ? 0 : -1;
}

static int sha_final(void *context, signal_buffer **output, void *user)
{
    uint8_t hash[64];
    (void)user;
    if (EVP_DigestFinal_ex(context, hash, NULL) != 1)
        return -1;
    *output = signal_buffer_create(hash, sizeof hash);
    return EVP_DigestInit_ex(context, tools.sha512, NULL) == 1 ? 0 : -1;
}

static void sha_cleanup(void *context, void *user)
{
    (void)user;
    EVP_MD_CTX_free(context);
}

static int run_cipher(signal_buffer **output, bool sealing, int cipher, const uint8_t *key,
                      const uint8_t *iv, const uint8_t *text, size_t size)
{
    int first, last;
    signal_buffer *out = signal_buffer_alloc(size + 16);
    bool cbc = cipher == SG_CIPHER_AES_CBC_PKCS5;
    *output = NULL;
    if (EVP_CipherInit_ex2(tools.cipher, cbc ? tools.cbc : tools.ctr, key, iv, sealing, NULL) ==
            1 &&
        EVP_CipherUpdate(tools.cipher, signal_buffer_data(out), &first, text, (int)size) == 1 &&
        EVP_CipherFinal_ex(tools.cipher, signal_buffer_data(out) + first, &last) == 1)
        *output = signal_buffer_create(signal_buffer_data(out), (size_t)(first + last));
    signal_buffer_free(out);
    return *output == NULL ? -1 : 0;
}

static int encrypt(signal_buffer **output, int cipher, const uint8_t *key, size_t key_size,
                   const uint8_t *iv, size_t iv_size, const uint8_t *text, size_t size, void *user)
{
    (void)key_size, (void)iv_size, (void)user;
    return run_cipher(output, true, cipher, key, iv, text, size);
}

static int decrypt(signal_buffer **output, int cipher, const uint8_t *key, size_t key_size,
                   const uint8_t *iv, size_t iv_size, const uint8_t *text, size_t size, void *user)
{
    (void)key_size, (void)iv_size, (void)user;
    return run_cipher(output, false, cipher, key, iv, text, size);
}

static const signal_crypto_provider provider = {
    .random_func = luck,
    .hmac_sha256_init_func = hmac_init,
    .hmac_sha256_update_func = hmac_update,
    .hmac_sha256_final_func = hmac_final,
    .hmac_sha256_cleanup_func = hmac_cleanup,
    .sha512_digest_init_func = sha_init,
    .sha512_digest_update_func = sha_update,
    .sha512_digest_final_func = sha_final,
    .sha512_digest_cleanup_func = sha_cleanup,
    .encrypt_func = encrypt,
    .decrypt_func = decrypt,
};

/* --- people, each with room for one session
 * ------------------------------------------------------- */

static signal_context *context;

static struct person {
    signal_protocol_address address;
    signal_protocol_store_context *store;
    ratchet_identity_key_pair *identity;
    session_signed_pre_key *prekey;
    signal_buffer *prekey_record, *session;
} people[2];

static int session_load(signal_buffer **record, signal_buffer **user_record,
                        const signal_protocol_address *address, void *user)
{
    struct person *person = user;
    (void)address;
    *user_record = NULL;
    if (person->session == NULL)
        return 0;
    *record = signal_buffer_copy(person->session);
    return 1;
}

static int session_keep(const signal_protocol_address *address, uint8_t *record, size_t size,
                        uint8_t *user_record, size_t user_size, void *user)
{
    struct person *person = user;
    (void)address, (void)user_record, (void)user_size;
    signal_buffer_free(person->session);
    person->session = signal_buffer_create(record, size);
    return 0;
}

static int session_have(const signal_protocol_address *address, void *user)
{
    (void)address;
    return ((struct person *)user)->session != NULL;
}

static int signed_load(signal_buffer **record, uint32_t id, void *user)
{
    struct person *person = user;
    if (id != SIGNED_ID)
        return SG_ERR_INVALID_KEY_ID;
    *record = signal_buffer_copy(person->prekey_record);
    return SG_SUCCESS;
}

static int one_time_load(signal_buffer **record, uint32_t id, void *user)
{
    (void)record, (void)id, (void)user;
    return SG_ERR_INVALID_KEY_ID; /* there are none */
}

static int identity_get(signal_buffer **public, signal_buffer **private, void *user)
{
    struct person *person = user;
    ec_public_key_serialize(public, ratchet_identity_key_pair_get_public(person->identity));
    ec_private_key_serialize(private, ratchet_identity_key_pair_get_private(person->identity));
    return 0;
}

static int registration(void *user, uint32_t *id)
{
    (void)user;
    *id = 1;
    return 0;
}

static int identity_keep(const signal_protocol_address *address, uint8_t *key, size_t size,
                         void *user)
{
    (void)address, (void)key, (void)size, (void)user;
    return 0;
}

static int identity_trusted(const signal_protocol_address *address, uint8_t *key, size_t size,
                            void *user)
{
    (void)address, (void)key, (void)size, (void)user;
    return 1;
}

static void person_make(struct person *person, const char *name)
{
    const signal_protocol_session_store sessions = { .load_session_func = session_load,
                                                     .store_session_func = session_keep,
                                                     .contains_session_func = session_have,
                                                     .user_data = person };
    const signal_protocol_signed_pre_key_store prekeys = { .load_signed_pre_key = signed_load,
                                                           .user_data = person };
    const signal_protocol_pre_key_store one_time = { .load_pre_key = one_time_load };
    const signal_protocol_identity_key_store identities = {
        .get_identity_key_pair = identity_get,
        .get_local_registration_id = registration,
        .save_identity = identity_keep,
        .is_trusted_identity = identity_trusted,
        .user_data = person,
    };
    person->address = (signal_protocol_address){ name, strlen(name), 1 };
    signal_protocol_store_context_create(&person->store, context);
    signal_protocol_store_context_set_session_store(person->store, &sessions);
    signal_protocol_store_context_set_signed_pre_key_store(person->store, &prekeys);
    signal_protocol_store_context_set_pre_key_store(person->store, &one_time);
    signal_protocol_store_context_set_identity_key_store(person->store, &identities);
    must(signal_protocol_key_helper_generate_identity_key_pair(&person->identity, context) == 0 &&
             signal_protocol_key_helper_generate_signed_pre_key(&person->prekey, person->identity,
                                                                SIGNED_ID, 1, context) == 0 &&
             session_signed_pre_key_serialize(&person->prekey_record, person->prekey) == 0,
         "keys");
}

void signal_begin(void)
{
    tools_fetch();
    must(signal_context_create(&context, NULL) == 0 &&
             signal_context_set_crypto_provider(context, &provider) == 0,
         "context");
    person_make(&people[0], "alice");
    person_make(&people[1], "bob");
}

void signal_end(void)
{
    for (struct person *person = people; person < people + 2; person++) {
        signal_protocol_store_context_destroy(person->store);
        SIGNAL_UNREF(person->identity);
        SIGNAL_UNREF(person->prekey);
        signal_buffer_free(person->prekey_record);
        signal_buffer_free(person->session);
    }
    signal_context_destroy(context);
    EVP_MAC_CTX_free(tools.hmac);
    EVP_MD_free(tools.sha512);
    EVP_CIPHER_free(tools.cbc);
    EVP_CIPHER_free(tools.ctr);
    EVP_CIPHER_CTX_free(tools.cipher);
}

/* --- what is measured ---------------------------------------------------------------------------
 */

static signal_buffer *open_message(session_cipher *cipher, ciphertext_message *sealed)
{
    signal_buffer *wire = ciphertext_message_get_serialized(sealed), *text = NULL;
    if (ciphertext_message_get_type(sealed) == CIPHERTEXT_PREKEY_TYPE) {
        pre_key_signal_message *message;
        must(pre_key_signal_message_deserialize(&message, signal_buffer_data(wire),
                                                signal_buffer_len(wire), context) == 0 &&
                 session_cipher_decrypt_pre_key_signal_message(cipher, message, NULL, &text) == 0,
             "opening a first message");
        SIGNAL_UNREF(message);
    } else {
        signal_message *message;
        must(signal_message_deserialize(&message, signal_buffer_data(wire), signal_buffer_len(wire),
                                        context) == 0 &&
                 session_cipher_decrypt_signal_message(cipher, message, NULL, &text) == 0,
             "opening a message");
        SIGNAL_UNREF(message);
    }
    return text;
}

void signal_say(int speaker, const uint8_t *text, size_t size)
{
    struct person *from = &people[speaker], *to = &people[1 - speaker];
    session_cipher *sealing = NULL, *opening = NULL;
    ciphertext_message *sealed = NULL;
    must(session_cipher_create(&sealing, from->store, &to->address, context) == 0 &&
             session_cipher_create(&opening, to->store, &from->address, context) == 0 &&
             session_cipher_encrypt(sealing, text, size, &sealed) == 0,
         "sealing");
    signal_buffer *opened = open_message(opening, sealed);
    must(signal_buffer_len(opened) == size, "the length");
    signal_buffer_free(opened);
    SIGNAL_UNREF(sealed);
    session_cipher_free(sealing);
    session_cipher_free(opening);
}

void signal_meet(void)
{
    struct person *from = &people[0], *to = &people[1];
    session_pre_key_bundle *bundle = NULL;
    session_builder *builder = NULL;
    for (struct person *person = people; person < people + 2; person++) {
        signal_buffer_free(person->session);
        person->session = NULL;
    }
    must(session_pre_key_bundle_create(
             &bundle, 1, 1, 0, NULL, SIGNED_ID,
             ec_key_pair_get_public(session_signed_pre_key_get_key_pair(to->prekey)),
             session_signed_pre_key_get_signature(to->prekey),
             session_signed_pre_key_get_signature_len(to->prekey),
             ratchet_identity_key_pair_get_public(to->identity)) == 0 &&
             session_builder_create(&builder, from->store, &to->address, context) == 0 &&
             session_builder_process_pre_key_bundle(builder, bundle) == 0,
         "a session");
    session_builder_free(builder);
    SIGNAL_UNREF(bundle);
    signal_say(0, (const uint8_t *)"hello", 5);
}
