/* No bytes that come from outside make a list. And a list that is signed rightly, whatever it says,
   is read only if it keeps the rules, and then has one spelling. */
#include "engine/crypto/devices.h"

#include <assert.h>
#include <string.h>

#define LABEL "ramage/devices/v1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sign_pair account;

static void make_account(void)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    if (account.public[0] == 0)
        sign_pair_make(&account, &rng);
}

/* What reads is written again in the same bytes. */
static void read_and_write(struct bytes wire)
{
    struct devices read;
    uint8_t again[DEVICES_MAX_BYTES];
    if (devices_read(&read, wire) != FAULT_NONE)
        return;
    assert(memcmp(read.account, account.public, KEY_BYTES) == 0);
    size_t size = devices_write(again, &read, &account);
    assert(bytes_equal(wire, (struct bytes){ again, size }));
    for (size_t i = 0; i < read.device_count; i++)
        assert(devices_find(&read, read.devices[i].device) == &read.devices[i]);
}

/* The input is what the account signs: its own key is put where it belongs. */
static void sign_anything(struct bytes in)
{
    uint8_t wire[SIGN_MAX_BYTES + SIGNATURE_BYTES];
    if (in.size < 1 + KEY_BYTES || in.size > SIGN_MAX_BYTES)
        return;
    memcpy(wire, in.data, in.size);
    memcpy(wire + 1, account.public, KEY_BYTES);
    sign(wire + in.size, &account, LABEL, (struct bytes){ wire, in.size });
    read_and_write((struct bytes){ wire, in.size + SIGNATURE_BYTES });
}

static void read_head(struct bytes in)
{
    uint8_t again[LIST_HEAD_BYTES];
    struct list_head head;
    struct cursor from = cursor_over(in), to = cursor_into(again, sizeof again);
    if (!list_head_read(&from, &head))
        return;
    list_head_write(&to, &head);
    assert(memcmp(again, in.data, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = { data, size };
    struct devices read;
    make_account();
    /* Who finds a signature by chance may keep it. */
    if (devices_read(&read, in) == FAULT_NONE)
        assert(read.device_count > 0 && read.counter > 0);
    sign_anything(in);
    read_head(in);
    return 0;
}
