/* A peer who owns valid keys says anything: any frames in any packet, any bytes on any stream. The
   link may end; the process goes on, and nothing too long is ever handed up.

   The hostile side is a real one whose packets are overwritten just before they are sealed. For
   that the file that seals is compiled into this program, with the seal replaced. */
#include "engine/crypto/aead.h"

static void hostile_seal(struct aead *aead, uint8_t *out, const uint8_t nonce[AEAD_NONCE_BYTES],
                         struct bytes text, struct bytes associated);
#define aead_seal hostile_seal
#include "engine/link/connection_callbacks.c"
#undef aead_seal

#include "engine/link/link.h"

static const uint8_t *input;
static size_t input_left;
static bool hostile;

/* First byte: how much of this packet to overwrite; 0 leaves it alone. */
static void hostile_seal(struct aead *aead, uint8_t *out, const uint8_t nonce[AEAD_NONCE_BYTES],
                         struct bytes text, struct bytes associated)
{
    uint8_t copy[1500];
    if (hostile && input_left > 0 && text.size <= sizeof copy) {
        size_t size = *input++;
        input_left--;
        size = size < text.size ? size : text.size;
        size = size < input_left ? size : input_left;
        memcpy(copy, text.data, text.size);
        memcpy(copy, input, size);
        if (size > 0)
            memset(copy + size, 0, text.size - size); /* padding */
        input += size;
        input_left -= size;
        aead_seal(aead, out, nonce, (struct bytes){ copy, text.size }, associated);
        return;
    }
    aead_seal(aead, out, nonce, text, associated);
}

struct side {
    struct links *links;
    struct rng rng;
    struct rng_seeded luck;
    struct sign_pair account, device;
    struct dh_pair key;
    uint8_t certificate[CERTIFICATE_BYTES];
    struct address at;
};

/* The keys are made once: an input is about what is said under them. */
static void make_keys(struct side *side, uint8_t number)
{
    side->at.port = number;
    side->rng = rng_from_seed(&side->luck, number);
    sign_pair_make(&side->account, &side->rng);
    sign_pair_make(&side->device, &side->rng);
    dh_pair_make(&side->key, &side->rng);
    certificate_write(side->certificate, &side->account, &side->device, side->key.public,
                      LINK_ROLE_CONTACT, 0, 1);
}

static void open_side(struct side *side, uint8_t number)
{
    struct links_settings settings = { .secret = { number } };
    if (side->at.port == 0)
        make_keys(side, number);
    side->rng = rng_from_seed(&side->luck, number);
    side->links = links_create(&settings, &side->rng, NULL);
    links_set_device(side->links, &side->device);
    links_hold(side->links, LINK_ROLE_CONTACT, &side->key, side->certificate);
}

static void carry(struct side *from, struct side *to, instant now)
{
    struct link_batch batch;
    for (int i = 0; i < 100 && links_next_batch(from->links, now, &batch); i++)
        for (size_t at = 0; at < batch.bytes.size; at += batch.segment) {
            size_t left = batch.bytes.size - at;
            struct bytes one = { batch.bytes.data + at,
                                 left < batch.segment ? left : batch.segment };
            links_receive(to->links, now, &from->at, one);
        }
}

static void listen_to(struct side *side)
{
    struct link_event event;
    while (links_next_event(side->links, &event))
        assert(event.data.size <= LINK_FRAME_MAX_BYTES);
}

static void converse(struct side *good, struct side *bad)
{
    instant now = SECOND;
    for (int round = 0; round < 12; round++) {
        link_id id = links_find_device(bad->links, good->device.public);
        if (id != 0)
            links_send(bad->links, now, id, (struct bytes){ good->certificate, 100 });
        hostile = id != 0 && round >= 3;
        carry(bad, good, now);
        hostile = false;
        listen_to(good);
        carry(good, bad, now);
        listen_to(bad);
        now += 30 * MILLISECOND;
        links_advance(good->links, now);
        links_advance(bad->links, now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct side made[2];
    struct link_dial dial = { 0 };
    link_id id;
    if (size == 0 || !crypto_start())
        return 0;
    bool we_call = data[0] & 1;
    input = data + 1;
    input_left = size - 1;
    open_side(&made[0], 1);
    open_side(&made[1], 2);
    struct side *good = &made[0], *bad = &made[1];
    struct side *caller = we_call ? good : bad, *called = we_call ? bad : good;
    links_admit_device(good->links, bad->device.public, 0);
    links_admit_device(bad->links, good->device.public, 0);
    memcpy(dial.theirs, called->key.public, KEY_BYTES);
    memcpy(dial.device, called->device.public, KEY_BYTES);
    certificate_hash(dial.certificate_hash, BYTES_OF(called->certificate));
    dial.at[dial.at_count++] = called->at;
    links_dial(caller->links, SECOND, &dial, &id);
    converse(good, bad);
    links_destroy(good->links);
    links_destroy(bad->links);
    return 0;
}
