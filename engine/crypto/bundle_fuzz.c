/* A bundle that is signed rightly, whatever it says, is read only if it keeps the rules, and then
   has one spelling. */
#include "engine/crypto/bundle.h"

#include <assert.h>
#include <string.h>

#define LABEL      "ramage/bundle/v1"
#define PART_BYTES (BUNDLE_BYTES - SIGNATURE_BYTES)
#define DEVICE_AT  35

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sign_pair device;
static uint8_t genuine[BUNDLE_BYTES];

static void make_genuine(void)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    struct sign_pair account;
    struct bundle_secrets secrets;
    struct bundle bundle = { .kind = BUNDLE_LAST_RESORT, .head.counter = 1, .id = { 1 } };
    if (genuine[0] != 0)
        return;
    sign_pair_make(&account, &rng);
    sign_pair_make(&device, &rng);
    bundle_secrets_make(&secrets, &rng);
    memcpy(bundle.account, account.public, KEY_BYTES);
    memcpy(bundle.device, device.public, KEY_BYTES);
    memcpy(bundle.dh, secrets.dh.public, KEY_BYTES);
    memcpy(bundle.kem, secrets.kem.public, MLKEM_PUBLIC_BYTES);
    bundle_write(genuine, &bundle, &device);
}

static bool reads(struct bytes wire)
{
    struct bundle read;
    uint8_t again[BUNDLE_BYTES];
    if (bundle_read(&read, wire) != FAULT_NONE)
        return false;
    bundle_write(again, &read, &device);
    assert(bytes_equal(wire, BYTES_OF(again)));
    return true;
}

/* Over the true bundle from its start on, signed anew or not. */
static void lay_over(struct bytes in)
{
    uint8_t wire[BUNDLE_BYTES];
    memcpy(wire, genuine, sizeof wire);
    for (size_t i = 0; i < in.size && i < PART_BYTES; i++)
        wire[i] ^= in.data[i];
    bool changed = memcmp(wire, genuine, sizeof wire) != 0;
    assert(reads(BYTES_OF(wire)) == !changed);
    memcpy(wire + DEVICE_AT, device.public, KEY_BYTES);
    sign(wire + PART_BYTES, &device, LABEL, (struct bytes){ wire, PART_BYTES });
    reads(BYTES_OF(wire));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle read;
    make_genuine();
    enum fault fault = bundle_read(&read, (struct bytes){ data, size });
    assert(fault == FAULT_PEER || size == BUNDLE_BYTES);
    lay_over((struct bytes){ data, size });
    return 0;
}
