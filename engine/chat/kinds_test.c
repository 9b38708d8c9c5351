/* T-02: every structure of this room, and those it holds, against every reader. What frames and
   cells hold has no signature of its own to tell it apart, so its form must. */
#include "engine/chat/cell.h"
#include "engine/chat/message.h"
#include "engine/chat/record.h"
#include "tests/test.h"

enum kind { CERTIFICATE, LIST, BUNDLE, RECORD, MESSAGE, CONTENT, START_CELL, KINDS };

static struct rng_seeded luck;
static struct rng rng;
static struct sign_pair account, device;
static struct dh_pair dh;
static struct wire {
    uint8_t data[RECORD_MAX_BYTES];
    size_t size;
} wires[KINDS];

static struct bytes view(enum kind kind)
{
    return (struct bytes){ wires[kind].data, wires[kind].size };
}

/* --- made ------------------------------------------------------------------------------------- */

static void make_certificate(void)
{
    certificate_write(wires[CERTIFICATE].data, &account, &device, dh.public, LINK_ROLE_CONTACT, 1,
                      8);
    wires[CERTIFICATE].size = CERTIFICATE_BYTES;
}

static void make_list(struct list_head *head)
{
    struct devices list = { .counter = 1, .device_count = 1 };
    memcpy(list.account, account.public, KEY_BYTES);
    memcpy(list.devices[0].device, device.public, KEY_BYTES);
    memcpy(list.devices[0].dh, dh.public, KEY_BYTES);
    wires[LIST].size = devices_write(wires[LIST].data, &list, &account);
    devices_head(head, &list, view(LIST));
}

static void make_bundle(const struct list_head *head)
{
    struct bundle_secrets secrets;
    struct bundle bundle = { .kind = BUNDLE_LAST_RESORT, .head = *head, .id = { 1 } };
    bundle_secrets_make(&secrets, &rng);
    memcpy(bundle.account, account.public, KEY_BYTES);
    memcpy(bundle.device, device.public, KEY_BYTES);
    memcpy(bundle.dh, secrets.dh.public, KEY_BYTES);
    memcpy(bundle.kem, secrets.kem.public, MLKEM_PUBLIC_BYTES);
    bundle_write(wires[BUNDLE].data, &bundle, &device);
    wires[BUNDLE].size = BUNDLE_BYTES;
}

static void make_record(void)
{
    uint8_t lists[STORE_LIST_MAX_BYTES];
    struct cursor out = cursor_into(wires[RECORD].data, RECORD_MAX_BYTES);
    struct record record = { .certificate = view(CERTIFICATE),
                             .lists = lists_add(lists, (struct bytes){ lists, 0 }, view(LIST)),
                             .bundle = view(BUNDLE) };
    record_write(&record, &out);
    wires[RECORD].size = out.at;
}

/* Longer than the head of a content, which may hold anything: its items tell. */
static void make_message(void)
{
    static const char text[] = "We meet at the old bridge, as last year, when the ice has gone.";
    struct cursor out = cursor_into(wires[MESSAGE].data, RECORD_MAX_BYTES);
    struct message message = { .height = 1, .text = bytes_of_text(text) };
    rng_fill(&rng, message.conversation, sizeof message.conversation);
    message_write(&message, &out);
    wires[MESSAGE].size = out.at;
}

static void make_content(const struct list_head *head)
{
    struct cursor out = cursor_into(wires[CONTENT].data, CELL_SMALL_BYTES);
    content_begin(&out, &(struct content_head){ .ours = *head });
    content_put(&out, ITEM_MESSAGE, view(MESSAGE));
    content_end(&out);
    wires[CONTENT].size = CELL_SMALL_BYTES;
}

/* Its start and what follows are sealed: to whoever does not open them, luck. */
static void make_start_cell(void)
{
    uint8_t start[START_SMALL_BYTES], bundle[BUNDLE_ID_BYTES] = { 1 };
    struct cursor out = cursor_into(wires[START_CELL].data, CELL_LEAST_BYTES);
    rng_fill(&rng, wires[START_CELL].data, CELL_LEAST_BYTES);
    rng_fill(&rng, start, sizeof start);
    cell_write_start(&out, bundle, BYTES_OF(start));
    wires[START_CELL].size = CELL_LEAST_BYTES;
}

static void setup(uint64_t seed)
{
    struct list_head head;
    rng = rng_from_seed(&luck, seed);
    sign_pair_make(&account, &rng);
    sign_pair_make(&device, &rng);
    dh_pair_make(&dh, &rng);
    make_certificate();
    make_list(&head);
    make_bundle(&head);
    make_record();
    make_message();
    make_content(&head);
    make_start_cell();
}

/* --- and read --------------------------------------------------------------------------------- */

static bool reads(enum kind kind, struct bytes wire)
{
    union {
        struct certificate certificate;
        struct devices devices;
        struct bundle bundle;
        struct record record;
        struct message message;
        struct content_head head;
        struct cell_start start;
    } out;
    struct cursor items;
    switch (kind) {
    case CERTIFICATE:
        return certificate_read(&out.certificate, wire) == FAULT_NONE;
    case LIST:
        return devices_read(&out.devices, wire) == FAULT_NONE;
    case BUNDLE:
        return bundle_read(&out.bundle, wire) == FAULT_NONE;
    case RECORD:
        return record_read(&out.record, wire) == FAULT_NONE;
    case MESSAGE:
        return message_read(&out.message, wire) == FAULT_NONE;
    case CONTENT:
        return content_read(wire, &out.head, &items) == FAULT_NONE;
    default:
        return cell_read_start(&out.start, wire) == FAULT_NONE;
    }
}

/* As it is, and cut or filled up with zeros to the length that is expected there. */
static void offer_elsewhere(enum kind made, enum kind expected)
{
    static uint8_t fitted[RECORD_MAX_BYTES];
    size_t size = wires[expected].size;
    memset(fitted, 0, sizeof fitted);
    memcpy(fitted, wires[made].data, wires[made].size < size ? wires[made].size : size);
    CHECK(!reads(expected, view(made)));
    CHECK(!reads(expected, (struct bytes){ fitted, size }));
}

static void test_T02_each_kind_is_read_as_itself_alone(void)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        setup(seed);
        for (enum kind made = 0; made < KINDS; made++)
            for (enum kind expected = 0; expected < KINDS; expected++)
                if (made == expected)
                    CHECK(reads(expected, view(made)));
                else
                    offer_elsewhere(made, expected);
    }
}

TESTS(TEST(test_T02_each_kind_is_read_as_itself_alone))
