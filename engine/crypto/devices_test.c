/* Device lists. The test spells lists by itself, so that it can also spell those no honest account
   writes. The known answer was computed by another program. */
#include "engine/crypto/devices.h"
#include "tests/test.h"

#include <sodium.h>
#include <stdlib.h>

#define LABEL "ramage/devices/v1"

/* One more of everything than a list may hold. */
#define DEVICES_TRIED     (DEVICES_MAX + 1)
#define REVOKED_TRIED     (DEVICES_REVOKED_MAX + 1)
#define TRIED_MAX_BYTES   (DEVICES_MAX_BYTES + 100 + 36 + 1)
#define FIXED_BYTES       (79 + SIGNATURE_BYTES) /* of a list of nothing */
#define SPELT_BYTES(d, r) (FIXED_BYTES + 100 * (d) + 36 * (r))

/* A list as it is spelt, rightly or not. */
struct spelling {
    uint8_t version, account[KEY_BYTES], previous[HASH_BYTES];
    uint64_t counter;
    struct device_entry devices[DEVICES_TRIED];
    struct device_revoked revoked[REVOKED_TRIED];
    size_t device_count, revoked_count;
};

static struct rng_seeded luck;
static struct rng rng;
static struct sign_pair account, other, pairs[DEVICES_TRIED + REVOKED_TRIED];
static uint8_t wire[TRIED_MAX_BYTES];

static int by_public(const void *a, const void *b)
{
    const struct sign_pair *one = a, *two = b;
    return memcmp(one->public, two->public, KEY_BYTES);
}

/* A good list of so many devices and revoked ones. */
static void sample(struct spelling *list, size_t devices, size_t revoked)
{
    *list = (struct spelling){ .version = 1, .counter = 7 };
    rng = rng_from_seed(&luck, 5);
    sign_pair_make(&account, &rng);
    sign_pair_make(&other, &rng);
    for (size_t i = 0; i < COUNT(pairs); i++)
        sign_pair_make(&pairs[i], &rng);
    qsort(pairs, COUNT(pairs), sizeof pairs[0], by_public);
    memcpy(list->account, account.public, KEY_BYTES);
    rng_fill(&rng, list->previous, HASH_BYTES);
    for (size_t i = 0; i < DEVICES_TRIED; i++) {
        struct dh_pair dh;
        dh_pair_make(&dh, &rng);
        memcpy(list->devices[i].device, pairs[i].public, KEY_BYTES);
        memcpy(list->devices[i].dh, dh.public, KEY_BYTES);
        list->devices[i].since = (uint32_t)i;
    }
    for (size_t i = 0; i < REVOKED_TRIED; i++)
        memcpy(list->revoked[i].device, pairs[DEVICES_TRIED + i].public, KEY_BYTES);
    list->device_count = devices;
    list->revoked_count = revoked;
}

static struct bytes spell_as(const struct spelling *list, const struct sign_pair *by,
                             const char *label)
{
    uint8_t signature[SIGNATURE_BYTES];
    struct cursor at = cursor_into(wire, sizeof wire);
    cursor_put_u8(&at, list->version);
    cursor_put(&at, list->account, KEY_BYTES);
    cursor_put_u64(&at, list->counter);
    cursor_put(&at, list->previous, HASH_BYTES);
    cursor_put_u32(&at, 20090);
    cursor_put_u8(&at, (uint8_t)list->device_count);
    for (size_t i = 0; i < list->device_count; i++) {
        cursor_put(&at, list->devices[i].device, KEY_BYTES);
        cursor_put(&at, list->devices[i].dh, KEY_BYTES);
        cursor_put(&at, list->devices[i].name_hash, HASH_BYTES);
        cursor_put_u32(&at, list->devices[i].since);
    }
    cursor_put_u8(&at, (uint8_t)list->revoked_count);
    for (size_t i = 0; i < list->revoked_count; i++) {
        cursor_put(&at, list->revoked[i].device, KEY_BYTES);
        cursor_put_u32(&at, list->revoked[i].when);
    }
    sign(signature, by, label, cursor_written(&at));
    cursor_put(&at, signature, sizeof signature);
    CHECK(cursor_good(&at));
    return cursor_written(&at);
}

static struct bytes spell(const struct spelling *list)
{
    return spell_as(list, &account, LABEL);
}

static bool reads(struct bytes spelt)
{
    struct devices out;
    return devices_read(&out, spelt) == FAULT_NONE;
}

static void test_a_list_reads_as_it_was_spelt_and_is_written_the_same(void)
{
    struct spelling list;
    struct devices read;
    uint8_t again[DEVICES_MAX_BYTES];
    sample(&list, 3, 2);
    struct bytes spelt = spell(&list);
    CHECK(devices_read(&read, spelt) == FAULT_NONE);
    CHECK_BYTES(read.account, account.public, KEY_BYTES);
    CHECK_BYTES(read.previous, list.previous, HASH_BYTES);
    CHECK(read.counter == 7 && read.valid_until == 20090);
    CHECK(read.device_count == 3 && read.revoked_count == 2);
    for (size_t i = 0; i < 3; i++) {
        const struct device_entry *entry = devices_find(&read, list.devices[i].device);
        CHECK(entry == &read.devices[i] && entry->since == i);
        CHECK_BYTES(entry->dh, list.devices[i].dh, KEY_BYTES);
    }
    CHECK(devices_find(&read, list.devices[3].device) == NULL);
    CHECK(devices_find(&read, list.revoked[0].device) == NULL); /* no longer one of them */
    CHECK_INT(devices_write(again, &read, &account), spelt.size);
    CHECK_BYTES(again, spelt.data, spelt.size);
}

static void test_a_list_with_any_bit_changed_is_refused(void)
{
    struct spelling list;
    struct devices read = { .counter = 77 };
    sample(&list, 1, 1);
    struct bytes spelt = spell(&list);
    for (size_t bit = 0; bit < 8 * spelt.size; bit++) {
        wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(devices_read(&read, spelt) == FAULT_PEER);
        wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < spelt.size; size++)
        CHECK(devices_read(&read, (struct bytes){ wire, size }) == FAULT_PEER);
    wire[spelt.size] = 0;
    CHECK(devices_read(&read, (struct bytes){ wire, spelt.size + 1 }) == FAULT_PEER);
    CHECK_INT(read.counter, 77); /* a failed read leaves nothing behind */
    CHECK(reads(spelt));
}

static void test_T09_a_list_signed_by_another_than_its_account_is_refused(void)
{
    struct spelling list;
    sample(&list, 2, 0);
    CHECK(reads(spell_as(&list, &account, LABEL)));
    CHECK(!reads(spell_as(&list, &pairs[0], LABEL))); /* a device that stands on it */
    CHECK(!reads(spell_as(&list, &other, LABEL)));    /* another account */
    CHECK(!reads(spell_as(&list, &account, "ramage/certificate/device/v1")));
    CHECK(!reads(spell_as(&list, &account, "ramage/devices/v2")));
    memcpy(list.account, other.public, KEY_BYTES); /* my list under another's name */
    CHECK(!reads(spell(&list)));
}

/* --- lists signed rightly that keep a rule broken --------------------------------------------- */

static void device_twice(struct spelling *list)
{
    memcpy(list->devices[1].device, list->devices[0].device, KEY_BYTES);
}
static void device_is_the_account(struct spelling *list)
{
    list->device_count = 1; /* so that the order holds in any case */
    memcpy(list->devices[0].device, account.public, KEY_BYTES);
}
static void device_out_of_order(struct spelling *list)
{
    struct device_entry first = list->devices[0];
    list->devices[0] = list->devices[1];
    list->devices[1] = first;
}
static void dh_twice(struct spelling *list)
{
    memcpy(list->devices[2].dh, list->devices[0].dh, KEY_BYTES);
}
static void device_listed_and_revoked(struct spelling *list)
{
    memcpy(list->revoked[0].device, list->devices[1].device, KEY_BYTES);
}
static void revoked_twice(struct spelling *list)
{
    memcpy(list->revoked[1].device, list->revoked[0].device, KEY_BYTES);
}
static void revoked_out_of_order(struct spelling *list)
{
    struct device_revoked first = list->revoked[0];
    list->revoked[0] = list->revoked[1];
    list->revoked[1] = first;
}
static void revoked_is_the_account(struct spelling *list)
{
    list->revoked_count = 1;
    memcpy(list->revoked[0].device, account.public, KEY_BYTES);
}
static void no_devices(struct spelling *list)
{
    list->device_count = 0;
}
static void counter_zero(struct spelling *list)
{
    list->counter = 0;
    memset(list->previous, 0, HASH_BYTES);
}
static void first_with_one_before(struct spelling *list)
{
    list->counter = 1;
}
static void version_zero(struct spelling *list)
{
    list->version = 0;
}
static void version_two(struct spelling *list)
{
    list->version = 2;
}
static void device_of_low_order(struct spelling *list)
{
    memset(list->devices[0].device, 0, KEY_BYTES); /* y = 0 has order 4, and sorts first */
}
static void dh_of_low_order(struct spelling *list)
{
    memset(list->devices[0].dh, 0, KEY_BYTES);
}
static void dh_spelt_otherwise(struct spelling *list)
{
    list->devices[0].dh[31] |= 0x80;
}
static void revoked_of_low_order(struct spelling *list)
{
    memset(list->revoked[0].device, 0, KEY_BYTES);
}

static void test_T09_a_list_that_breaks_a_rule_is_refused(void)
{
    static void (*const bends[])(struct spelling *) = {
        device_twice,
        device_is_the_account,
        device_out_of_order,
        dh_twice,
        device_listed_and_revoked,
        revoked_twice,
        revoked_out_of_order,
        revoked_is_the_account,
        no_devices,
        counter_zero,
        first_with_one_before,
        version_zero,
        version_two,
        device_of_low_order,
        dh_of_low_order,
        dh_spelt_otherwise,
        revoked_of_low_order,
    };
    struct spelling list;
    sample(&list, 3, 2);
    CHECK(reads(spell(&list)));
    for (size_t i = 0; i < COUNT(bends); i++) {
        sample(&list, 3, 2);
        bends[i](&list);
        CHECK(!reads(spell(&list)));
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

static void test_T28_as_many_devices_as_there_may_be_and_no_more(void)
{
    static const struct {
        size_t devices, revoked;
        bool good;
    } lists[] = {
        { 1, 0, true },
        { DEVICES_MAX, 0, true },
        { 1, DEVICES_REVOKED_MAX, true },
        { DEVICES_MAX, DEVICES_REVOKED_MAX, true },
        { DEVICES_MAX + 1, 0, false },
        { 1, DEVICES_REVOKED_MAX + 1, false },
        { DEVICES_MAX + 1, DEVICES_REVOKED_MAX + 1, false },
    };
    struct spelling list;
    for (size_t i = 0; i < COUNT(lists); i++) {
        sample(&list, lists[i].devices, lists[i].revoked);
        struct bytes spelt = spell(&list);
        CHECK_INT(spelt.size, SPELT_BYTES(lists[i].devices, lists[i].revoked));
        CHECK(reads(spelt) == lists[i].good);
    }
    CHECK_INT(SPELT_BYTES(DEVICES_MAX, DEVICES_REVOKED_MAX), DEVICES_MAX_BYTES);
}

static void test_T28_the_greatest_numbers_are_read(void)
{
    struct spelling list;
    struct devices read;
    sample(&list, 1, 1);
    list.counter = UINT64_MAX;
    list.devices[0].since = list.revoked[0].when = UINT32_MAX;
    CHECK(devices_read(&read, spell(&list)) == FAULT_NONE);
    CHECK(read.counter == UINT64_MAX && read.devices[0].since == UINT32_MAX);
    struct list_head held = { .counter = UINT64_MAX };
    CHECK(devices_step(&held, &read, spell(&list)) == DEVICES_FORKED); /* and nothing overflows */
    held.counter = UINT64_MAX - 1;
    memcpy(held.hash, list.previous, HASH_BYTES);
    CHECK(devices_step(&held, &read, spell(&list)) == DEVICES_FOLLOWS);
}

/* --- one list after the other ----------------------------------------------------------------- */

static enum devices_step step_to(const struct list_head *held, const struct spelling *list)
{
    struct devices next;
    struct bytes spelt = spell(list);
    CHECK(devices_read(&next, spelt) == FAULT_NONE);
    return devices_step(held, &next, spelt);
}

static void head_of(struct list_head *out, const struct spelling *list)
{
    struct devices read;
    struct bytes spelt = spell(list);
    CHECK(devices_read(&read, spelt) == FAULT_NONE);
    devices_head(out, &read, spelt);
}

static void test_T10_only_the_next_list_follows(void)
{
    struct spelling list;
    struct list_head held, none = { 0 };
    sample(&list, 2, 0);
    head_of(&held, &list);
    CHECK(held.counter == 7);
    CHECK(step_to(NULL, &list) == DEVICES_FOLLOWS); /* the first one seen */
    CHECK(step_to(&none, &list) == DEVICES_FOLLOWS);
    CHECK(step_to(&held, &list) == DEVICES_SAME);
    list.devices[1].since++; /* another list under the same counter */
    CHECK(step_to(&held, &list) == DEVICES_FORKED);
    list.counter = 8; /* upon the list before the one held */
    CHECK(step_to(&held, &list) == DEVICES_FORKED);
    memcpy(list.previous, held.hash, HASH_BYTES);
    CHECK(step_to(&held, &list) == DEVICES_FOLLOWS);
    list.counter = 9; /* the link between is missing, whatever it names as the one before */
    CHECK(step_to(&held, &list) == DEVICES_GAP);
    list.counter = 6;
    CHECK(step_to(&held, &list) == DEVICES_OLDER);
    list.counter = 1;
    memset(list.previous, 0, HASH_BYTES);
    CHECK(step_to(&held, &list) == DEVICES_OLDER);
}

static void test_T10_a_chain_of_lists_is_followed_link_by_link(void)
{
    struct spelling list;
    struct list_head held = { 0 }, old;
    sample(&list, 1, 0);
    for (uint64_t counter = 1; counter <= 20; counter++) {
        list.counter = counter;
        memcpy(list.previous, held.hash, HASH_BYTES);
        CHECK(step_to(&held, &list) == DEVICES_FOLLOWS);
        old = held;
        head_of(&held, &list);
        CHECK(!list_head_equal(&old, &held));
        CHECK(step_to(&held, &list) == DEVICES_SAME);
    }
}

/* Ed25519 with a nonce of one's own choice (RFC 8032, 5.1.6, takes it from the text, so that
   signing twice gives the same). Nobody can tell from outside. */
static void sign_anew(uint8_t signature[SIGNATURE_BYTES], const struct sign_pair *by,
                      struct bytes data)
{
    uint8_t secret[64], luck_of_it[64] = { 7 }, r[32], a[64] = { 0 }, k[32], challenge[64];
    crypto_hash_sha512_state state;
    crypto_hash_sha512(secret, by->seed, sizeof by->seed);
    secret[0] &= 248, secret[31] &= 127, secret[31] |= 64;
    memcpy(a, secret, 32);
    crypto_core_ed25519_scalar_reduce(r, luck_of_it);
    CHECK(crypto_scalarmult_ed25519_base_noclamp(signature, r) == 0);
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, signature, 32);
    crypto_hash_sha512_update(&state, by->public, KEY_BYTES);
    crypto_hash_sha512_update(&state, (const uint8_t *)LABEL, sizeof LABEL);
    crypto_hash_sha512_update(&state, data.data, data.size);
    crypto_hash_sha512_final(&state, challenge);
    crypto_core_ed25519_scalar_reduce(k, challenge);
    crypto_core_ed25519_scalar_reduce(a, a);
    crypto_core_ed25519_scalar_mul(k, k, a);
    crypto_core_ed25519_scalar_add(signature + 32, k, r);
}

/* The same words under another signature, which only the account itself can make: the signature is
   part of what the hash covers, so it is another list, and an alarm. */
static void test_T28_a_list_signed_anew_is_a_fork(void)
{
    struct spelling list;
    struct devices next;
    struct list_head held;
    sample(&list, 2, 1);
    head_of(&held, &list);
    struct bytes spelt = spell(&list);
    uint8_t before[SIGNATURE_BYTES], *signature = wire + spelt.size - SIGNATURE_BYTES;
    memcpy(before, signature, sizeof before);
    sign_anew(signature, &account, (struct bytes){ wire, spelt.size - SIGNATURE_BYTES });
    CHECK(memcmp(before, signature, sizeof before) != 0);
    CHECK(devices_read(&next, spelt) == FAULT_NONE);
    CHECK(devices_step(&held, &next, spelt) == DEVICES_FORKED);
}

static void test_a_head_has_one_spelling(void)
{
    uint8_t spelt[LIST_HEAD_BYTES] = { 0 };
    struct list_head head = { .counter = 3 }, read;
    struct cursor out, in = cursor_over(BYTES_OF(spelt));
    CHECK(list_head_read(&in, &read) && read.counter == 0 && cursor_done(&in));
    spelt[39] = 1; /* no list, and yet its hash */
    in = cursor_over(BYTES_OF(spelt));
    CHECK(!list_head_read(&in, &read));
    head.hash[5] = 9;
    out = cursor_into(spelt, sizeof spelt);
    list_head_write(&out, &head);
    CHECK_INT(cursor_written(&out).size, LIST_HEAD_BYTES);
    in = cursor_over(BYTES_OF(spelt));
    CHECK(list_head_read(&in, &read) && list_head_equal(&head, &read));
    read.hash[31]++;
    CHECK(!list_head_equal(&head, &read));
    in = cursor_over((struct bytes){ spelt, LIST_HEAD_BYTES - 1 });
    CHECK(!list_head_read(&in, &read));
}

static void test_a_list_matches_an_independent_program(void)
{
    struct sign_pair device, revoked;
    struct dh_pair dh;
    struct devices list = { .counter = 1,
                            .valid_until = 20090,
                            .device_count = 1,
                            .revoked_count = 1,
                            .devices[0].since = 20000,
                            .revoked[0].when = 19999 };
    uint8_t seed[KEY_BYTES], expected[SPELT_BYTES(1, 1)], hash[HASH_BYTES];
    unhex(seed, sizeof seed, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    sign_pair_from_seed(&account, seed);
    unhex(seed, sizeof seed, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    sign_pair_from_seed(&device, seed);
    unhex(seed, sizeof seed, "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    sign_pair_from_seed(&revoked, seed);
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    dh_pair_from_secret(&dh, seed);
    memcpy(list.account, account.public, KEY_BYTES);
    memcpy(list.devices[0].device, device.public, KEY_BYTES);
    memcpy(list.devices[0].dh, dh.public, KEY_BYTES);
    memcpy(list.revoked[0].device, revoked.public, KEY_BYTES);
    devices_name_hash(list.devices[0].name_hash, device.public, "laptop");
    CHECK_INT(devices_write(wire, &list, &account), sizeof expected);
    unhex(expected, sizeof expected,
          "01d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a000000000000"
          "0001000000000000000000000000000000000000000000000000000000000000000000004e7a01"
          "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c8f40c5adb68f25"
          "624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285fed31122dfcf38b05d868607c938f"
          "fd10200d1c45d36bd20479f31010473fd93e00004e2001fc51cd8e6218a1a38da47ed00230f058"
          "0816ed13ba3303ac5deb91154890802500004e1f72a79e5dadf7e3f317a0ff946dbbcc9d7d88e5"
          "54d60b6795b13873d1dd8f2ad1082b629b8ee8547b1047c858080760c05a948f9e6077f49c4a1d"
          "b985491ce207");
    CHECK_BYTES(wire, expected, sizeof expected);
    devices_hash(hash, BYTES_OF(expected));
    unhex(expected, sizeof expected,
          "3623f7715f940461739af9ee7fd4fa0a27a05e1979bf60ec947dd852b27e0071");
    CHECK_BYTES(hash, expected, sizeof hash);
}

TESTS(TEST(test_a_list_reads_as_it_was_spelt_and_is_written_the_same),
      TEST(test_a_list_with_any_bit_changed_is_refused),
      TEST(test_T09_a_list_signed_by_another_than_its_account_is_refused),
      TEST(test_T09_a_list_that_breaks_a_rule_is_refused),
      TEST(test_T28_as_many_devices_as_there_may_be_and_no_more),
      TEST(test_T28_the_greatest_numbers_are_read), TEST(test_T10_only_the_next_list_follows),
      TEST(test_T10_a_chain_of_lists_is_followed_link_by_link),
      TEST(test_T28_a_list_signed_anew_is_a_fork), TEST(test_a_head_has_one_spelling),
      TEST(test_a_list_matches_an_independent_program))
