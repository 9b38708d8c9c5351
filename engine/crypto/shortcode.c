#include "engine/crypto/shortcode.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define COMMITMENT_LABEL "ramage/shortcode/commitment/v1"
#define DIGITS_LABEL     "ramage/shortcode/digits/v1"
#define CODES            10000000 /* ten to the SHORTCODE_DIGITS */

/* What `step` counts: the messages that went over the line, whoever sent them. */
enum shortcode_step { COMMIT, ANSWER, REVEAL, FINISHED, BROKEN };

void shortcode_start(struct shortcode *code, bool first, const uint8_t keys[HASH_BYTES],
                     struct rng *rng)
{
    *code = (struct shortcode){ .first = first, .step = COMMIT };
    memcpy(code->keys, keys, HASH_BYTES);
    rng_fill(rng, code->ours, sizeof code->ours);
}

static void commit_to(uint8_t out[HASH_BYTES], const uint8_t keys[HASH_BYTES],
                      const uint8_t nonce[32])
{
    struct bytes parts[] = { { keys, HASH_BYTES }, { nonce, 32 } };
    hash_parts(out, HASH_BYTES, (struct bytes){ 0 }, COMMITMENT_LABEL, parts, COUNT(parts));
}

/* The first one says the first and the last message, the second one that between. */
static bool first_speaks(int step)
{
    return step == COMMIT || step == REVEAL;
}

static bool is_open(int step)
{
    return step < FINISHED;
}

enum fault shortcode_say(struct shortcode *code, uint8_t out[32])
{
    if (!is_open(code->step) || first_speaks(code->step) != code->first)
        return FAULT_PEER;
    if (code->step == COMMIT) {
        commit_to(code->commitment, code->keys, code->ours);
        memcpy(out, code->commitment, 32);
    } else {
        memcpy(out, code->ours, 32);
    }
    code->step++;
    return FAULT_NONE;
}

static bool kept_its_word(const struct shortcode *code)
{
    uint8_t commitment[HASH_BYTES];
    commit_to(commitment, code->keys, code->theirs);
    return memcmp(commitment, code->commitment, HASH_BYTES) == 0;
}

enum fault shortcode_hear(struct shortcode *code, const uint8_t message[32])
{
    bool in_turn = is_open(code->step) && first_speaks(code->step) != code->first;
    if (in_turn && code->step == COMMIT)
        memcpy(code->commitment, message, 32);
    else if (in_turn)
        memcpy(code->theirs, message, 32);
    if (!in_turn || (code->step == REVEAL && !kept_its_word(code))) {
        code->step = BROKEN; /* a second try would be a second guess */
        return FAULT_PEER;
    }
    code->step++;
    return FAULT_NONE;
}

enum fault shortcode_digits(const struct shortcode *code, char out[SHORTCODE_DIGITS + 1])
{
    uint8_t hash[HASH_BYTES];
    uint64_t number;
    if (code->step != FINISHED)
        return FAULT_PEER;
    const uint8_t *first = code->first ? code->ours : code->theirs;
    const uint8_t *second = code->first ? code->theirs : code->ours;
    struct bytes parts[] = { { code->keys, HASH_BYTES }, { first, 32 }, { second, 32 } };
    hash_parts(hash, sizeof hash, (struct bytes){ 0 }, DIGITS_LABEL, parts, COUNT(parts));
    struct cursor in = cursor_over(BYTES_OF(hash));
    cursor_take_u64(&in, &number);
    snprintf(out, SHORTCODE_DIGITS + 1, "%0*u", SHORTCODE_DIGITS, (unsigned)(number % CODES));
    return FAULT_NONE;
}

void shortcode_finish(struct shortcode *code)
{
    wipe(code, sizeof *code);
}
