/* Arbitrary bytes as message 1 and as message 2 of the handshake the product uses: refused, and the
   true message still reads afterwards. */
#include "engine/crypto/noise.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_bytes(struct noise *noise, struct bytes wire)
{
    static uint8_t payload[NOISE_MESSAGE_MAX_BYTES];
    size_t payload_size;
    if (wire.size > sizeof payload)
        return;
    enum fault fault = noise_read(noise, wire, payload, &payload_size);
    assert(fault == FAULT_PEER); /* nobody guesses a tag */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    struct dh_pair one, two;
    uint8_t message[128], payload[128];
    size_t payload_size;
    dh_pair_make(&one, &rng);
    dh_pair_make(&two, &rng);
    struct noise_keys caller = { .ours = &one, .theirs = two.public }, called = { .ours = &two };
    struct noise *alice =
        noise_create(noise_pattern("IK"), &kdf_blake2b, true, (struct bytes){ 0 }, &caller, &rng);
    struct noise *bob = noise_create(noise_pattern("IK"), &kdf_blake2b, false,
                                     (struct bytes){ 0 }, &called, &rng);
    for (int number = 0; number < 2; number++) {
        struct noise *from = number == 0 ? alice : bob, *to = number == 0 ? bob : alice;
        struct cursor out = cursor_into(message, sizeof message);
        enum fault fault = noise_write(from, (struct bytes){ 0 }, &out);
        assert(fault == FAULT_NONE);
        try_bytes(to, (struct bytes){ data, size });
        fault = noise_read(to, cursor_written(&out), payload, &payload_size);
        assert(fault == FAULT_NONE);
    }
    noise_destroy(alice);
    noise_destroy(bob);
    return 0;
}
