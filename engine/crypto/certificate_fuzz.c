/* No bytes laid over a true chain leave a true chain. And a chain that is signed rightly, whatever
   its fields say, is read only if it keeps the rules, and then has one spelling. */
#include "engine/crypto/certificate.h"

#include <assert.h>
#include <string.h>

#define LINK_LABEL        "ramage/certificate/link/v1"
#define DEVICE_PART_BYTES 65
#define LINK_AT           (DEVICE_PART_BYTES + SIGNATURE_BYTES)
#define LINK_PART_BYTES   (CERTIFICATE_BYTES - SIGNATURE_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sign_pair account, device;
static uint8_t genuine[CERTIFICATE_BYTES];

static void make_genuine(void)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    struct dh_pair link;
    if (genuine[0] != 0)
        return;
    sign_pair_make(&account, &rng);
    sign_pair_make(&device, &rng);
    dh_pair_make(&link, &rng);
    certificate_write(genuine, &account, &device, link.public, LINK_ROLE_CONTACT, 1, 2);
}

/* What reads has the length it must have, and is written again in the same bytes. */
static bool reads(struct bytes wire)
{
    struct certificate read;
    uint8_t again[CERTIFICATE_BYTES];
    if (certificate_read(&read, wire) != FAULT_NONE)
        return false;
    certificate_write(again, &account, &device, read.link, read.role, read.valid_from,
                      read.valid_until);
    assert(bytes_equal(wire, BYTES_OF(again)));
    return true;
}

static void lay_over(struct bytes in)
{
    uint8_t wire[CERTIFICATE_BYTES];
    bool changed = false;
    memcpy(wire, genuine, sizeof wire);
    for (size_t i = 0; i < in.size && i < sizeof wire; i++) {
        wire[i] ^= in.data[i];
        changed |= in.data[i] != 0;
    }
    assert(reads(BYTES_OF(wire)) == !changed);
}

/* The input is what the device signs: link key, role, dates. */
static void sign_anything(struct bytes in)
{
    uint8_t wire[CERTIFICATE_BYTES];
    memcpy(wire, genuine, sizeof wire);
    for (size_t i = 0; i < in.size && LINK_AT + i < LINK_PART_BYTES; i++)
        wire[LINK_AT + i] = in.data[i];
    sign(wire + LINK_PART_BYTES, &device, LINK_LABEL, (struct bytes){ wire, LINK_PART_BYTES });
    reads(BYTES_OF(wire));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct certificate read;
    struct bytes in = { data, size };
    make_genuine();
    enum fault fault = certificate_read(&read, in);
    assert(fault == FAULT_PEER || size == CERTIFICATE_BYTES);
    lay_over(in);
    sign_anything(in);
    return 0;
}
