#include "engine/crypto/certificate.h"

#include "engine/crypto/hash.h"

#include <assert.h>
#include <string.h>

#define CERTIFICATE_VERSION 1
#define DEVICE_LABEL        "ramage/certificate/device/v1"
#define LINK_LABEL          "ramage/certificate/link/v1"

/* Where the device's signature begins: it covers all before it, the account's signature included.
 */
#define LINK_SIGNATURE_AT (CERTIFICATE_BYTES - SIGNATURE_BYTES)

void certificate_write(uint8_t out[CERTIFICATE_BYTES], const struct sign_pair *account,
                       const struct sign_pair *device, const uint8_t link[KEY_BYTES],
                       enum link_role role, uint32_t valid_from, uint32_t valid_until)
{
    uint8_t signature[SIGNATURE_BYTES];
    struct cursor at = cursor_into(out, CERTIFICATE_BYTES);
    cursor_put_u8(&at, CERTIFICATE_VERSION);
    cursor_put(&at, account->public, KEY_BYTES);
    cursor_put(&at, device->public, KEY_BYTES);
    sign(signature, account, DEVICE_LABEL, cursor_written(&at));
    cursor_put(&at, signature, sizeof signature);
    cursor_put(&at, link, KEY_BYTES);
    cursor_put_u8(&at, (uint8_t)role);
    cursor_put_u32(&at, valid_from);
    cursor_put_u32(&at, valid_until);
    sign(signature, device, LINK_LABEL, cursor_written(&at));
    cursor_put(&at, signature, sizeof signature);
    assert(cursor_written(&at).size == CERTIFICATE_BYTES);
}

static bool keys_differ(const struct certificate *certificate)
{
    return memcmp(certificate->account, certificate->device, KEY_BYTES) != 0 &&
           memcmp(certificate->account, certificate->link, KEY_BYTES) != 0 &&
           memcmp(certificate->device, certificate->link, KEY_BYTES) != 0;
}

enum fault certificate_read(struct certificate *out, struct bytes wire)
{
    struct certificate read;
    uint8_t version, role, by_account[SIGNATURE_BYTES], by_device[SIGNATURE_BYTES];
    struct cursor in = cursor_over(wire);
    cursor_take_u8(&in, &version);
    cursor_take(&in, read.account, KEY_BYTES);
    cursor_take(&in, read.device, KEY_BYTES);
    struct bytes device_part = { wire.data, in.at };
    cursor_take(&in, by_account, sizeof by_account);
    cursor_take(&in, read.link, KEY_BYTES);
    cursor_take_u8(&in, &role);
    cursor_take_u32(&in, &read.valid_from);
    cursor_take_u32(&in, &read.valid_until);
    struct bytes link_part = { wire.data, in.at };
    cursor_take(&in, by_device, sizeof by_device);
    if (!cursor_done(&in) || version != CERTIFICATE_VERSION || role > LINK_ROLE_DOOR ||
        read.valid_from > read.valid_until || !keys_differ(&read) || !dh_public_good(read.link))
        return FAULT_PEER;
    if (sign_check(by_account, read.account, DEVICE_LABEL, device_part) != FAULT_NONE ||
        sign_check(by_device, read.device, LINK_LABEL, link_part) != FAULT_NONE)
        return FAULT_PEER;
    read.role = role;
    *out = read;
    return FAULT_NONE;
}

void certificate_hash(uint8_t out[32], struct bytes wire)
{
    hash_parts(out, 32, (struct bytes){ 0 }, "ramage/certificate/hash/v1", &wire, 1);
}
