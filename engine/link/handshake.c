#include "engine/link/handshake.h"

#include "base/mem.h"
#include "base/secret.h"
#include "engine/crypto/hash.h"
#include "engine/crypto/noise.h"
#include "engine/link/keys.h"

#include <assert.h>
#include <string.h>

#define PATTERN         "IKhfs+psk2"
#define LABEL           "ramage/link/v2"
#define PROOF_LABEL     "ramage/link/door proof/v1"
#define TRANSPORT_LABEL "ramage/link/transport/v1" /* one each way, under two keys */

struct handshake {
    struct noise *noise;
    enum link_role role;
    uint8_t before[KDF_HASH_MAX_BYTES]; /* h before message 1: covers prologue, responder key */
    size_t before_size;
    struct link_psk named; /* caller: in message 1 */
    bool trusted;
};

static const uint8_t no_psk[NOISE_PSK_BYTES];

static struct bytes write_prologue(uint8_t *memory, size_t size,
                                   const struct handshake_setup *setup)
{
    struct cursor out = cursor_into(memory, size);
    struct bytes label = bytes_of_text(LABEL);
    cursor_put_u8(&out, (uint8_t)label.size);
    cursor_put_bytes(&out, label);
    cursor_put_u32(&out, WIRE_VERSION);
    cursor_put_u8(&out, WIRE_FIRST_ID_BYTES);
    cursor_put(&out, setup->first_id, WIRE_FIRST_ID_BYTES);
    cursor_put_u8(&out, (uint8_t)setup->role);
    cursor_put(&out, setup->certificate_hash, sizeof setup->certificate_hash);
    assert(cursor_good(&out));
    return cursor_written(&out);
}

struct handshake *handshake_create(const struct handshake_setup *setup, struct rng *rng)
{
    uint8_t prologue[128];
    struct handshake *handshake = secret_new(sizeof *handshake);
    struct noise_keys keys = { .ours = setup->ours, .theirs = setup->theirs };
    handshake->role = setup->role;
    handshake->noise = noise_create(noise_pattern(PATTERN), &kdf_blake2b, setup->caller,
                                    write_prologue(prologue, sizeof prologue, setup), &keys, rng);
    noise_set_psk(handshake->noise, 0, no_psk);
    if (setup->psk != NULL)
        handshake->named = *setup->psk;
    struct bytes before = noise_handshake_hash(handshake->noise);
    assert(before.size <= sizeof handshake->before);
    memcpy(handshake->before, before.data, before.size);
    handshake->before_size = before.size;
    return handshake;
}

void handshake_destroy(struct handshake *handshake)
{
    if (handshake == NULL)
        return;
    noise_destroy(handshake->noise);
    secret_free(handshake);
}

/* Everyone who holds a card knows the door's secret, so the static-static agreement of message 1
   proves nothing there. The device key signs the call instead: this door, this call, this moment.
 */
static struct bytes write_proof_text(uint8_t *memory, size_t size,
                                     const struct handshake *handshake, const struct hello *hello)
{
    struct cursor out = cursor_into(memory, size);
    cursor_put(&out, handshake->before, handshake->before_size);
    cursor_put_u64(&out, hello->stamp);
    cursor_put(&out, hello->certificate, sizeof hello->certificate);
    assert(cursor_good(&out));
    return cursor_written(&out);
}

#define PROOF_TEXT_MAX_BYTES (KDF_HASH_MAX_BYTES + 8 + CERTIFICATE_BYTES)

static enum fault write_message(struct handshake *handshake, struct bytes payload,
                                struct cursor *out)
{
    size_t size = payload.size + noise_overhead(handshake->noise);
    assert(size <= UINT16_MAX && cursor_left(out) >= 2 + size);
    cursor_put_u16(out, (uint16_t)size);
    return noise_write(handshake->noise, payload, out);
}

enum fault handshake_write_hello(struct handshake *handshake, struct hello *hello,
                                 const struct sign_pair *device, struct cursor *out)
{
    uint8_t text[PROOF_TEXT_MAX_BYTES], payload[HELLO_MAX_BYTES];
    struct cursor body = cursor_into(payload, sizeof payload);
    if (handshake->role == LINK_ROLE_DOOR)
        sign(hello->proof, device, PROOF_LABEL,
             write_proof_text(text, sizeof text, handshake, hello));
    memcpy(hello->psk_id, handshake->named.id, sizeof hello->psk_id);
    hello_write(&body, handshake->role, hello);
    assert(cursor_good(&body));
    return write_message(handshake, cursor_written(&body), out);
}

static enum fault judge_hello(const struct handshake *handshake, const struct hello *hello,
                              struct certificate *certificate)
{
    uint8_t text[PROOF_TEXT_MAX_BYTES];
    if (certificate_read(certificate, BYTES_OF(hello->certificate)) != FAULT_NONE ||
        certificate->role != LINK_ROLE_CONTACT ||
        memcmp(certificate->link, noise_their_static(handshake->noise), KEY_BYTES) != 0)
        return FAULT_PEER;
    if (handshake->role != LINK_ROLE_DOOR)
        return FAULT_NONE;
    return sign_check(hello->proof, certificate->device, PROOF_LABEL,
                      write_proof_text(text, sizeof text, handshake, hello));
}

enum fault handshake_read_hello(struct handshake *handshake, struct bytes message, uint8_t *memory,
                                struct hello *out, struct certificate *certificate)
{
    uint8_t payload[FIRST_MESSAGE_MAX_BYTES];
    size_t size;
    if (message.size > sizeof payload ||
        noise_read(handshake->noise, message, payload, &size) != FAULT_NONE ||
        size > HELLO_MAX_BYTES)
        return FAULT_PEER;
    memcpy(memory, payload, size);
    if (hello_read((struct bytes){ memory, size }, handshake->role, out) != FAULT_NONE)
        return FAULT_PEER;
    return judge_hello(handshake, out, certificate);
}

void handshake_choose_psk(struct handshake *handshake, const struct link_psk *psk)
{
    noise_set_psk(handshake->noise, 0, psk != NULL ? psk->key : no_psk);
    handshake->trusted = psk != NULL;
}

enum fault handshake_write_reply(struct handshake *handshake, const struct reply *reply,
                                 struct cursor *out)
{
    uint8_t payload[REPLY_MAX_BYTES];
    struct cursor body = cursor_into(payload, sizeof payload);
    reply_write(&body, handshake->role, reply);
    assert(cursor_good(&body));
    return write_message(handshake, cursor_written(&body), out);
}

static bool has_named(const struct handshake *handshake)
{
    static const uint8_t none[PSK_ID_BYTES];
    return memcmp(handshake->named.id, none, sizeof none) != 0;
}

/* The responder may not hold the psk we named: it forgot, or it knows us from a backup. Then it
   used none, and what it says opens without. */
static enum fault read_either(struct handshake *handshake, struct bytes message, uint8_t *payload,
                              size_t *size)
{
    if (has_named(handshake)) {
        handshake_choose_psk(handshake, &handshake->named);
        if (noise_read(handshake->noise, message, payload, size) == FAULT_NONE)
            return FAULT_NONE;
    }
    handshake_choose_psk(handshake, NULL);
    return noise_read(handshake->noise, message, payload, size);
}

enum fault handshake_read_reply(struct handshake *handshake, struct bytes message, uint8_t *memory,
                                struct reply *out)
{
    uint8_t payload[FIRST_MESSAGE_MAX_BYTES];
    size_t size;
    if (message.size > sizeof payload ||
        read_either(handshake, message, payload, &size) != FAULT_NONE || size > REPLY_MAX_BYTES)
        return FAULT_PEER;
    memcpy(memory, payload, size);
    return reply_read((struct bytes){ memory, size }, handshake->role, out);
}

bool handshake_trusted(const struct handshake *handshake)
{
    return handshake->trusted;
}

static void derive(uint8_t out[KEY_BYTES], const uint8_t key[KEY_BYTES], const char *label,
                   struct bytes hash)
{
    hash_parts(out, KEY_BYTES, (struct bytes){ key, KEY_BYTES }, label, &hash, 1);
}

void handshake_secrets(const struct handshake *handshake, struct handshake_secrets *out)
{
    uint8_t keys[3][32];
    assert(noise_finished(handshake->noise));
    /* Mixing the final hash in binds every key to the whole transcript. */
    struct bytes hash = noise_handshake_hash(handshake->noise);
    noise_split(handshake->noise, 3, keys);
    derive(out->transport.call, keys[0], TRANSPORT_LABEL, hash);
    derive(out->transport.answer, keys[1], TRANSPORT_LABEL, hash);
    derive(out->handshake.call, keys[2], "ramage/link/handshake call/v1", hash);
    derive(out->handshake.answer, keys[2], "ramage/link/handshake answer/v1", hash);
    derive(out->announce.call, keys[2], "ramage/link/announce call/v1", hash);
    derive(out->announce.answer, keys[2], "ramage/link/announce answer/v1", hash);
    wipe(keys, sizeof keys);
}
