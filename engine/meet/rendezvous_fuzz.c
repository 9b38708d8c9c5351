/* A stranger's bytes in a pair's place are never a record. What somebody who has the secret seals
   is read only if it keeps the rules, and then is written again in the same bytes. */
#include "engine/crypto/aead.h"
#include "engine/meet/rendezvous.h"

#include <assert.h>
#include <string.h>

#define FRAME_BYTES 4
#define PLAIN_BYTES (RENDEZVOUS_VALUE - FRAME_BYTES - SEALED_EXTRA_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rng_seeded luck;
    struct rng rng = rng_from_seed(&luck, 1);
    struct rendezvous place;
    struct pair_record record;
    uint8_t secret[RENDEZVOUS_SECRET] = { 1 }, author[KEY_BYTES] = { 2 },
            plain[PLAIN_BYTES] = { 0 };
    uint8_t value[RENDEZVOUS_VALUE] = "636:", again[RENDEZVOUS_VALUE], opened[PLAIN_BYTES];
    rendezvous_make(&place, secret, author, 7);
    assert(pair_record_read(&record, &place, (struct bytes){ data, size }) == FAULT_PEER);
    struct spoken_record spoken;
    assert(spoken_record_read(&spoken, &place, (struct bytes){ data, size }) == FAULT_PEER);
    memcpy(plain, data, size < sizeof plain ? size : sizeof plain);
    sealed_write(value + FRAME_BYTES, place.key, BYTES_OF(plain), BYTES_OF(place.sign.public),
                 &rng);
    if (pair_record_read(&record, &place, BYTES_OF(value)) == FAULT_NONE)
        pair_record_write(again, &place, &record, &rng);
    else if (spoken_record_read(&spoken, &place, BYTES_OF(value)) == FAULT_NONE)
        spoken_record_write(again, &place, &spoken, &rng);
    else
        return 0;
    assert(sealed_read(opened, place.key,
                       (struct bytes){ again + FRAME_BYTES, sizeof again - FRAME_BYTES },
                       BYTES_OF(place.sign.public)));
    assert(memcmp(plain, opened, sizeof plain) == 0);
    return 0;
}
