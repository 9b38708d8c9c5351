/* Arbitrary bytes as message 1 and as message 2 of the handshake the product uses: refused, not one
   byte of the state is different, and the true message still reads. */
#include "base/mem.h"
#include "base/secret.h"
#include "engine/crypto/noise.h"

#include <assert.h>
#include <string.h>

#define MESSAGE_ROOM 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dh_pair one, two;
static size_t room; /* that one side takes */

static struct noise *create(bool initiator, const struct noise_keys *keys, struct rng *rng)
{
    static const uint8_t psk[NOISE_PSK_BYTES] = { 7 };
    size_t locked, before, after;
    secret_usage(&locked, &before);
    struct noise *noise = noise_create(noise_pattern("IKhfs+psk2"), &kdf_blake2b, initiator,
                                       (struct bytes){ 0 }, keys, rng);
    secret_usage(&locked, &after);
    room = after - before;
    noise_set_psk(noise, 0, psk);
    return noise;
}

static void try_bytes(struct noise *noise, struct bytes wire)
{
    size_t payload_size;
    void *before = mem_copy(noise, room), *payload = mem_zeroed(1, wire.size);
    enum fault fault = noise_read(noise, wire, payload, &payload_size);
    assert(fault == FAULT_PEER); /* nobody guesses a tag */
    assert(memcmp(noise, before, room) == 0);
    mem_free(before);
    mem_free(payload);
}

/* The bytes themselves, and laid over the true message. */
static void try_both(struct noise *noise, struct bytes in, struct bytes truth)
{
    uint8_t changed[MESSAGE_ROOM];
    bool same = true;
    memcpy(changed, truth.data, truth.size);
    for (size_t i = 0; i < in.size && i < truth.size; i++) {
        changed[i] ^= in.data[i];
        same &= in.data[i] == 0;
    }
    try_bytes(noise, in);
    if (!same)
        try_bytes(noise, (struct bytes){ changed, truth.size });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    uint8_t message[MESSAGE_ROOM], payload[MESSAGE_ROOM];
    size_t payload_size;
    dh_pair_make(&one, &rng);
    dh_pair_make(&two, &rng);
    struct noise_keys caller = { .ours = &one, .theirs = two.public }, called = { .ours = &two };
    struct noise *side[2] = { create(true, &caller, &rng), create(false, &called, &rng) };
    for (int number = 0; number < 2; number++) {
        struct cursor out = cursor_into(message, sizeof message);
        enum fault fault = noise_write(side[number], bytes_of_text("words"), &out);
        assert(fault == FAULT_NONE);
        try_both(side[1 - number], (struct bytes){ data, size }, cursor_written(&out));
        fault = noise_read(side[1 - number], cursor_written(&out), payload, &payload_size);
        assert(fault == FAULT_NONE && payload_size == 5);
    }
    noise_destroy(side[0]);
    noise_destroy(side[1]);
    return 0;
}
