/* Nothing but what Alice wrote opens, and what is refused leaves nothing. A payload that is sealed
   rightly, whatever it says, is read only if it keeps the rules, and then has one spelling. */
#include "engine/crypto/start_fixture.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rng_seeded luck;
static struct rng rng;
static struct person alice, bob;
static struct spelling genuine;
static uint8_t message[START_LARGE_BYTES];
static size_t message_size;
static struct heard heard;

static void meet_once(void)
{
    struct start_claim claim;
    if (message_size > 0)
        return;
    rng = rng_from_seed(&luck, 1);
    person_make(&alice, &rng);
    person_make(&bob, &rng);
    claim = person_claim(&alice, &bob);
    spelling_honest(&genuine, &alice, &bob, &claim, &rng);
    message_size = spelling_write(message, &genuine);
}

static bool opens(struct bytes wire)
{
    memset(heard.memory, 0, sizeof heard.memory);
    if (person_hears(&heard, &bob, wire) == FAULT_NONE)
        return true;
    for (size_t i = 0; i < sizeof heard.memory; i++)
        assert(heard.memory[i] == 0);
    return false;
}

/* Returns whether anything changed. */
static bool lay_over(uint8_t *out, size_t size, struct bytes in)
{
    bool changed = false;
    for (size_t i = 0; i < in.size && i < size; i++) {
        out[i] ^= in.data[i];
        changed |= in.data[i] != 0;
    }
    return changed;
}

static void change_message(struct bytes in)
{
    uint8_t wire[START_LARGE_BYTES];
    memcpy(wire, message, message_size);
    bool changed = lay_over(wire, message_size, in);
    assert(opens((struct bytes){ wire, message_size }) == !changed);
}

/* What was read is written again in the same bytes. */
static void check_one_spelling(const struct spelling *spelling)
{
    uint8_t wire[START_LARGE_BYTES];
    struct session_secrets secrets;
    struct start_claim claim = heard.claim;
    struct heard again;
    size_t size;
    enum fault fault = start_write(wire, &size, &secrets, &claim, &alice.dh, bob.dh.public,
                                   BYTES_OF(bob.bundle_wire), &rng);
    assert(fault == FAULT_NONE);
    fault = person_hears(&again, &bob, (struct bytes){ wire, size });
    assert(fault == FAULT_NONE && memcmp(&again.secrets, &secrets, sizeof secrets) == 0);
    assert(memcmp(again.memory, spelling->payload, spelling->payload_size) == 0);
}

/* The payload that Alice sealed, with the input laid over it, in either size. */
static void change_payload(struct bytes in, size_t payload_size)
{
    uint8_t wire[START_LARGE_BYTES];
    struct spelling spelling = genuine;
    spelling.payload_size = payload_size;
    lay_over(spelling.payload, payload_size, in);
    size_t size = spelling_write(wire, &spelling);
    if (opens((struct bytes){ wire, size }))
        check_one_spelling(&spelling);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    meet_once();
    if (size == 0)
        return 0;
    struct bytes rest = { data + 1, size - 1 };
    switch (data[0] % 4) { /* one thing at a time: each costs a handshake */
    case 0:
        assert(!opens(rest) || bytes_equal(rest, (struct bytes){ message, message_size }));
        break;
    case 1:
        change_message(rest);
        break;
    case 2:
        change_payload(rest, 640);
        break;
    default:
        change_payload(rest, 2560);
    }
    return 0;
}
