/* What sealing and opening one packet costs: the back end of packets beside libsodium. */
#include "engine/crypto/aead.h"
#include "engine/crypto/key.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define PACKETS      200000
#define ROUNDS       3
#define HEADER_BYTES 20

static const uint8_t key[AEAD_KEY_BYTES] = { 1 }, header[HEADER_BYTES];
static const uint8_t nonce[AEAD_NONCE_BYTES] = { 2 };
static uint8_t text[2048], packet[2048];

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void seal(struct aead *aead, size_t size)
{
    struct bytes plain = { text, size };
    if (aead == NULL)
        aead_seal_once(packet, key, nonce, plain, BYTES_OF(header));
    else
        aead_seal(aead, packet, nonce, plain, BYTES_OF(header));
}

static void open(struct aead *aead, size_t size)
{
    struct bytes sealed = { packet, size + AEAD_TAG_BYTES };
    bool good = aead == NULL ? aead_open_once(text, key, nonce, sealed, BYTES_OF(header))
                             : aead_open(aead, text, nonce, sealed, BYTES_OF(header));
    assert(good);
}

/* Nanoseconds per packet, the best of some rounds. */
static double cost(void (*work)(struct aead *aead, size_t size), struct aead *aead, size_t size)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds();
        for (int i = 0; i < PACKETS; i++)
            work(aead, size);
        double taken = (seconds() - start) / PACKETS * 1e9;
        best = round == 0 || taken < best ? taken : best;
    }
    return best;
}

int main(void)
{
    static const size_t sizes[] = { 64, 256, 1400 };
    bool usable = crypto_start();
    assert(usable);
    struct aead *aead = aead_create(key);
    printf("ns per packet: %s, libsodium\n", aead_back_end());
    for (size_t i = 0; i < COUNT(sizes); i++) {
        printf("seal %5zu bytes: %5.0f %5.0f\n", sizes[i], cost(seal, aead, sizes[i]),
               cost(seal, NULL, sizes[i]));
        printf("open %5zu bytes: %5.0f %5.0f\n", sizes[i], cost(open, aead, sizes[i]),
               cost(open, NULL, sizes[i]));
    }
    aead_destroy(aead);
    return 0;
}
