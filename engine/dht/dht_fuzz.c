/* A living node hears anything from anybody. It may answer, within its means; it never stops, never
   asks to be called without end, and believes no item that is not signed.

   Input: pieces of u8 sender, u16 size, that many bytes of a datagram. The sender's lower half is
   who he is; the whole is the time since the piece before, in 10 ms. The tid `tid?` stands for that
   of the last query he was sent, so that answers are answers whatever our luck draws. An empty
   piece begins a task, which is the sender's number. */
#include "engine/dht/dht.h"

#include <assert.h>
#include <string.h>

#define SENDERS   16
#define TID_BYTES 4
#define END       "1:y1:qe" /* of every query of ours, right behind the tid */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct address first = { .ip = { [10] = 0xff, [11] = 0xff, 80, 1, 1, 1 },
                                      .port = 6881 };
static uint8_t asked[SENDERS][TID_BYTES];

static void note_query(const struct dht_datagram *datagram)
{
    struct bytes wire = datagram->bytes;
    size_t end = sizeof END - 1;
    if (wire.size < end + TID_BYTES || memcmp(wire.data + wire.size - end, END, end) != 0)
        return;
    memcpy(asked[datagram->to.ip[13] % SENDERS], wire.data + wire.size - end - TID_BYTES,
           TID_BYTES);
}

static void pull(struct dht *dht, instant now)
{
    struct dht_datagram datagram;
    struct dht_event event;
    while (dht_next_datagram(dht, now, &datagram)) {
        assert(datagram.bytes.size > 0 && datagram.bytes.size <= DHT_DATAGRAM_MAX);
        note_query(&datagram);
    }
    while (dht_next_event(dht, &event))
        assert(event.kind != DHT_ITEM || item_check(event.item) == FAULT_NONE);
}

/* The datagram as it arrives. */
static struct bytes with_tid(struct bytes datagram, uint8_t sender, uint8_t *copy)
{
    static const char wanted[] = "1:t4:tid?";
    size_t size = sizeof wanted - 1;
    memcpy(copy, datagram.data, datagram.size);
    for (size_t at = 0; at + size <= datagram.size; at++)
        if (memcmp(copy + at, wanted, size) == 0)
            memcpy(copy + at + size - TID_BYTES, asked[sender % SENDERS], TID_BYTES);
    return (struct bytes){ copy, datagram.size };
}

static void begin(struct dht *dht, instant now, enum dht_task task)
{
    static const uint8_t seed[KEY_BYTES] = { 7 };
    struct sign_pair pair;
    struct item item = { .mutable = true, .seq = 1, .value = bytes_of_text("4:spam") };
    dht_op op;
    bool started = crypto_start();
    assert(started);
    sign_pair_from_seed(&pair, seed);
    item_sign(&item, &pair);
    struct dht_request request = {
        .task = task, .item = task >= DHT_GET ? &item : NULL, .at = first, .target = { { 1 } }
    };
    enum fault fault = dht_begin(dht, now, &request, &op);
    assert(fault == FAULT_NONE || fault == FAULT_BUSY);
}

static void hear(struct dht *dht, instant now, uint8_t sender, struct bytes datagram)
{
    static uint8_t copy[DHT_DATAGRAM_MAX];
    struct address from = first;
    from.ip[13] = sender % SENDERS;
    if (datagram.size == 0)
        begin(dht, now, (enum dht_task)(sender % (DHT_PUT + 1)));
    else
        dht_receive(dht, now, &from, with_tid(datagram, sender, copy));
    pull(dht, now);
    if (dht_deadline(dht) <= now)
        dht_advance(dht, now);
    pull(dht, now);
    assert(dht_deadline(dht) > now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    struct dht_settings settings = { .rates = { .per_address = 4 } };
    instant now = 1000 * DAY;
    struct dht *dht = dht_create(&settings, now, &rng, NULL);
    struct cursor in = cursor_over((struct bytes){ data, size });
    struct bytes datagram;
    uint8_t sender;
    memset(asked, 0, sizeof asked);
    dht_try(dht, now, DHT_FROM_PEOPLE, &first, 1);
    pull(dht, now);
    while (cursor_take_u8(&in, &sender) && cursor_view_u16(&in, DHT_DATAGRAM_MAX, &datagram)) {
        now += sender * 10 * MILLISECOND;
        hear(dht, now, sender, datagram);
    }
    dht_destroy(dht);
    return 0;
}
