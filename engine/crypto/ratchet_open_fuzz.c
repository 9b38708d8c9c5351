/* What a stranger, and what a peer without manners may send. The first byte says which: bytes as
   they are, bytes laid over a true letter, or bytes sealed properly as header, extra and body.
   Whatever is refused leaves no trace, and the true letter still opens. */
#include "base/mem.h"
#include "engine/crypto/fixture.h"
#include "engine/crypto/ratchet_state.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER_TEXT_BYTES (RATCHET_HEADER_BYTES - SEALED_EXTRA_BYTES)
#define TEXT_MAX_BYTES    (RATCHET_HEADER_MAX_BYTES - RATCHET_HEADER_BYTES)

enum { AS_THEY_ARE, LAID_OVER, SEALED, SEALED_AS_NEXT, WAYS };

/* Where every run begins. Only side 1 moves, and is put back. */
static struct talk talk;
static struct letter truth;
static struct kept start, before;
static uint8_t content[RATCHET_HEADER_MAX_BYTES + 4096];

/* True: it opened, and was kept. */
static bool offer_bytes(struct bytes wire)
{
    struct ratchet_opened opened;
    struct ratchet *ratchet = talk.side[1];
    if (wire.size > sizeof content)
        return false;
    kept_take(&before, ratchet);
    enum fault fault = ratchet_open(ratchet, talk.now, wire, content, &opened);
    assert(fault == FAULT_NONE || fault == FAULT_PEER || fault == FAULT_GONE);
    assert(kept_same(&before, ratchet));
    if (fault != FAULT_NONE)
        return false;
    ratchet_keep(ratchet);
    assert(ratchet->skipped_count <= RATCHET_SKIPPED_MAX);
    talk_reload(&talk, 1);
    return true;
}

static bool lay_over(struct bytes in)
{
    struct letter letter = truth;
    for (size_t i = 0; i < in.size && i < letter.size; i++)
        letter.wire[i] ^= in.data[i];
    return offer_bytes((struct bytes){ letter.wire, letter.size });
}

/* The key of the body: `number` steps on in the running chain, or in one that begins with `dh`. */
static void body_key(bool next, const uint8_t dh[KEY_BYTES], uint32_t number, uint8_t key[32])
{
    const struct ratchet_state *victim = &talk.side[1]->now;
    uint8_t chain_key[32], root[32], shared[KEY_BYTES], header_key[32];
    const struct receiving *running = &victim->receiving[victim->receiving_count - 1];
    memcpy(chain_key, running->key, sizeof chain_key);
    if (next) {
        memcpy(root, victim->root, sizeof root);
        (void)dh_agree(shared, victim->sending.pair.secret, dh);
        ratchet_root(root, chain_key, header_key, shared, NULL);
    } else {
        number = number < running->next ? 0 : number - running->next;
    }
    do
        ratchet_message_key(key, chain_key);
    while (number-- > 0);
}

/* The input is a header's text, and then an extra's. */
static bool seal(struct bytes in, bool next)
{
    uint8_t wire[RATCHET_HEADER_MAX_BYTES + RATCHET_BODY_EXTRA_BYTES], text[HEADER_TEXT_BYTES];
    uint8_t nonce[SEALED_NONCE_BYTES], key[32];
    const struct sending *sending = &talk.side[0]->now.sending;
    const uint8_t *header_key = next ? talk.side[1]->now.next_receiving : sending->header_key;
    size_t extra = in.size < sizeof text ? 0 : in.size - sizeof text, size = RATCHET_HEADER_BYTES;
    if (in.size < sizeof text || extra + AEAD_TAG_BYTES > TEXT_MAX_BYTES)
        return false;
    memcpy(text, in.data, sizeof text);
    if (!next) /* the chain's key, which nobody would guess */
        memcpy(text, sending->pair.public, KEY_BYTES);
    sealed_write(wire, header_key, BYTES_OF(text), BYTES_OF(talk.secrets.id), &talk.rng);
    if (extra > 0) {
        memcpy(nonce, wire, sizeof nonce);
        nonce[sizeof nonce - 1] ^= 1;
        sealed_write_under(wire + size, header_key, nonce,
                           (struct bytes){ in.data + sizeof text, extra },
                           (struct bytes){ wire, RATCHET_HEADER_BYTES });
        size += extra + AEAD_TAG_BYTES;
    }
    uint32_t number = (uint32_t)text[38] << 8 | text[39]; /* far enough to pass every limit */
    body_key(next, text, number, key);
    ratchet_body_write(wire + size, key, talk.secrets.id, (struct bytes){ wire, size },
                       (struct bytes){ 0 }, &talk.rng);
    return offer_bytes((struct bytes){ wire, size + RATCHET_BODY_EXTRA_BYTES });
}

static bool try_way(int way, struct bytes in)
{
    switch (way) {
    case AS_THEY_ARE:
        return offer_bytes(in);
    case LAID_OVER:
        return lay_over(in);
    default:
        return seal(in, way == SEALED_AS_NEXT);
    }
}

static void begin(void)
{
    struct letter letter;
    talk_begin(&talk, 1);
    talk_rounds(&talk, 2);
    talk_write(&talk, 0, &letter); /* skipped: a key for it is there */
    talk_write(&talk, 0, &letter);
    talk_pass(&talk, &letter);
    talk.now += RATCHET_OFFER_LATEST;
    talk_write(&talk, 1, &letter); /* on its way: the next chain may come, and an answer in it */
    talk_write(&talk, 0, &truth);
    kept_take(&start, talk.side[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (talk.side[1] == NULL)
        begin();
    if (size == 0)
        return 0;
    talk.rng = rng_from_seed(&talk.luck, 2);
    if (!try_way(data[0] % WAYS, (struct bytes){ data + 1, size - 1 }))
        talk_pass(&talk, &truth);
    ratchet_destroy(talk.side[1]);
    talk.side[1] = kept_copy(&start);
    return 0;
}
