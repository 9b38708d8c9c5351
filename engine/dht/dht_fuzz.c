/* A living node hears anything from anybody. It may answer, within its means; it never stops, never
   asks to be called without end, and never says more than it may.

   Input: pieces of u8 sender, u16 size, that many bytes of a datagram. The time between two of them
   is 10 ms for each sender number. */
#include "engine/dht/dht.h"

#include <assert.h>

#define SENDERS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pull(struct dht *dht, instant now, size_t *out)
{
    struct dht_datagram datagram;
    struct dht_event event;
    while (dht_next_datagram(dht, now, &datagram)) {
        assert(datagram.bytes.size > 0 && datagram.bytes.size <= DHT_DATAGRAM_MAX);
        *out += datagram.bytes.size;
    }
    while (dht_next_event(dht, &event))
        ;
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
    size_t out = 0;
    struct address from = { .ip = { [10] = 0xff, [11] = 0xff, 80, 1, 1, 1 }, .port = 6881 };
    dht_try(dht, now, DHT_FROM_PEOPLE, &from, 1);
    while (cursor_take_u8(&in, &sender) && cursor_view_u16(&in, DHT_DATAGRAM_MAX, &datagram)) {
        from.ip[13] = sender % SENDERS;
        now += sender * 10 * MILLISECOND;
        dht_receive(dht, now, &from, datagram);
        pull(dht, now, &out);
        if (dht_deadline(dht) <= now)
            dht_advance(dht, now);
        assert(dht_deadline(dht) > now);
        pull(dht, now, &out);
    }
    dht_destroy(dht);
    return 0;
}
