/* Host and guest who share nothing but four spoken words: both are on, and make a key of them in
   two places of the DHT that follow from the words. The guest leaves an element, the host answers
   with his and with the invitation under the key that comes of both; then all goes on as if the
   guest had been given its link.

   Who finds the place has the words already, so the exchange gives him no second chance to guess:
   it is for those who learn the words later, and then learn nothing of the invitation. */
#include "engine/meet/inside.h"

#include "engine/crypto/item.h"

#include "base/mem.h"

#include <string.h>

#define LOOK_EVERY  (2 * SECOND)
#define LOOK_RARELY (10 * SECOND)
#define LOOK_FAST   (3 * MINUTE)  /* so long the host looks often: he has just said the words */
#define GUEST_FOR   (10 * MINUTE) /* he is told then that nobody is there */
#define AGAIN       (2 * SECOND)  /* when nobody took what we said */
#define NODES       20

#define FIRST_ID (INT64_MIN / 2) /* contacts of wishes: below all invitations */

bool spoken_is(int64_t contact)
{
    return contact <= FIRST_ID;
}

static bool is_host(const struct meet *meet, const struct spoken *spoken)
{
    return spoken == &meet->spoken[0];
}

static void stop(struct spoken *spoken)
{
    wipe(spoken, sizeof *spoken);
}

static void stop_guest(struct meet *meet, enum meet_spoken_state state)
{
    for (size_t i = 1; i < SPOKEN_TALKS; i++)
        stop(&meet->spoken[i]);
    meet->guest.state = state;
}

void spoken_end(struct meet *meet)
{
    stop(&meet->spoken[0]);
    stop_guest(meet, SPOKEN_NONE);
}

/* --- beginning ---------------------------------------------------------------------------------
 */

static void begin(struct meet *meet, instant now, struct spoken *spoken,
                  const uint8_t stretched[WORDS_KEY_BYTES])
{
    bool host = is_host(meet, spoken);
    *spoken = (struct spoken){ .on = true,
                               .begun = now,
                               .next_put = host ? NEVER : now,
                               .next_get = now + rng_below(meet->rng, LOOK_EVERY),
                               .ends = now + (host ? MEET_SPOKEN_FOR : GUEST_FOR) };
    rendezvous_spoken(&spoken->ours, stretched, host);
    rendezvous_spoken(&spoken->theirs, stretched, !host);
    const struct rendezvous *guests = host ? &spoken->theirs : &spoken->ours;
    cpace_start(&spoken->cpace, !host, stretched + RENDEZVOUS_SECRET, BYTES_OF(guests->sign.public),
                meet->rng);
    spoken->said.host = host;
    cpace_say(&spoken->cpace, spoken->said.element);
    meet->earliest = now;
}

void meet_spoken_host(struct meet *meet, instant now, int64_t invitation,
                      const uint8_t stretched[WORDS_KEY_BYTES])
{
    meet->spoken_invitation = invitation;
    begin(meet, now, &meet->spoken[0], stretched);
}

void meet_spoken_guest(struct meet *meet, instant now,
                       const uint8_t stretched[MEET_SPOKEN_HOURS * WORDS_KEY_BYTES],
                       const char *name, const char *introduced)
{
    stop_guest(meet, SPOKEN_SEEKS);
    memset(meet->spoken_name, 0, sizeof meet->spoken_name);
    memset(meet->spoken_introduced, 0, sizeof meet->spoken_introduced);
    memcpy(meet->spoken_name, name, strnlen(name, STORE_NAME_MAX_BYTES));
    memcpy(meet->spoken_introduced, introduced, strnlen(introduced, STORE_NAME_MAX_BYTES));
    for (size_t i = 0; i < MEET_SPOKEN_HOURS; i++)
        begin(meet, now, &meet->spoken[1 + i], stretched + i * WORDS_KEY_BYTES);
}

void meet_spoken_look(const struct meet *meet, instant now, struct meet_spoken *out)
{
    const struct spoken *host = &meet->spoken[0];
    *out = meet->guest;
    out->host_until = host->on && !host->answered && now < host->ends ? host->ends : 0;
}

/* --- what is said ------------------------------------------------------------------------------
 */

static void wish_put(struct meet *meet, instant now, struct spoken *spoken, struct wish *out)
{
    struct item item = { .mutable = true, .seq = (int64_t)(now / MILLISECOND) };
    spoken_record_write(meet->value, &spoken->ours, &spoken->said, meet->rng);
    item.value = BYTES_OF(meet->value);
    item_sign(&item, &spoken->ours.sign);
    out->kind = WISH_PUT;
    out->store_on = NODES;
    out->item = (struct wish_item){ .seq = item.seq, .value = item.value };
    memcpy(out->item.key, item.key, sizeof out->item.key);
    memcpy(out->item.signature, item.signature, sizeof out->item.signature);
    spoken->next_put = NEVER;
    spoken->putting = true;
}

static void wish_get(struct spoken *spoken, struct wish *out)
{
    out->kind = WISH_GET;
    memcpy(out->item.key, spoken->theirs.sign.public, sizeof out->item.key);
    spoken->next_get = NEVER;
    spoken->getting = true;
}

static bool may_put(const struct meet *meet, const struct spoken *spoken)
{
    return !spoken->putting && meet->self_count > 0;
}

static instant due(const struct meet *meet, const struct spoken *spoken)
{
    instant put = may_put(meet, spoken) ? spoken->next_put : NEVER;
    return earlier(spoken->ends, earlier(put, spoken->getting ? NEVER : spoken->next_get));
}

static bool wish_of(struct meet *meet, instant now, struct spoken *spoken, struct wish *out)
{
    if (now >= spoken->ends) {
        if (is_host(meet, spoken))
            stop(spoken);
        else
            stop_guest(meet, SPOKEN_NOBODY);
        return false;
    }
    if (due(meet, spoken) > now)
        return false;
    int64_t id = FIRST_ID - (spoken - meet->spoken);
    *out = (struct wish){ .id = (uint64_t)id, .contact = id };
    if (may_put(meet, spoken) && spoken->next_put <= now)
        wish_put(meet, now, spoken, out);
    else
        wish_get(spoken, out);
    return true;
}

bool spoken_next_wish(struct meet *meet, instant now, struct wish *out)
{
    for (size_t i = 0; i < SPOKEN_TALKS; i++) {
        struct spoken *spoken = &meet->spoken[i];
        if (spoken->on && wish_of(meet, now, spoken, out))
            return true;
        if (spoken->on)
            meet->earliest = earlier(meet->earliest, due(meet, spoken));
    }
    return false;
}

/* --- what is heard -----------------------------------------------------------------------------
 */

/* Somebody has the words: he gets the invitation, and nobody after him. */
static enum fault answer(struct meet *meet, instant now, struct spoken *spoken,
                         const struct spoken_record *heard)
{
    struct store_invitation row;
    uint8_t plain[SPOKEN_PLAIN], key[CPACE_BYTES];
    if (chat_invitation_get(meet->chat, meet->spoken_invitation, &row) != ANSWER_DONE ||
        row.state != INVITATION_OPEN) {
        stop(spoken);
        return FAULT_NONE;
    }
    enum fault fault = cpace_hear(&spoken->cpace, heard->element, key);
    if (fault == FAULT_NONE) {
        memcpy(plain, row.host, KEY_BYTES);
        memcpy(plain + KEY_BYTES, row.secret, CARD_SECRET_BYTES);
        sealed_write(spoken->said.sealed, key, BYTES_OF(plain), BYTES_OF(spoken->ours.sign.public),
                     meet->rng);
        spoken->answered = true;
        spoken->next_get = NEVER;
        spoken->next_put = meet->earliest = now;
        wipe(plain, sizeof plain);
        wipe(key, sizeof key);
    }
    wipe(&row, sizeof row);
    return fault;
}

static void join(struct meet *meet, instant now, const uint8_t plain[SPOKEN_PLAIN])
{
    struct card card;
    struct store_invitation row = { .row = 0 };
    memcpy(card.account, plain, KEY_BYTES);
    memcpy(card.secret, plain + KEY_BYTES, CARD_SECRET_BYTES);
    enum answer answer =
        sign_public_good(card.account)
            ? chat_join(meet->chat, now, &card, meet->spoken_name, meet->spoken_introduced, &row)
            : ANSWER_BAD_INVITATION;
    stop_guest(meet, answer == ANSWER_DONE ? SPOKEN_JOINED : SPOKEN_REFUSED);
    meet->guest.refused = answer;
    meet->guest.invitation = row.row;
    if (answer == ANSWER_DONE)
        meet_invitation_add(meet, now, &row);
    wipe(&row, sizeof row);
    wipe(&card, sizeof card);
}

/* The host has answered: it was for us, or somebody else has spoken to him, or stands between. */
static enum fault take(struct meet *meet, instant now, struct spoken *spoken,
                       const struct spoken_record *heard)
{
    uint8_t plain[SPOKEN_PLAIN], key[CPACE_BYTES];
    enum fault fault = cpace_hear(&spoken->cpace, heard->element, key);
    if (fault != FAULT_NONE)
        return fault;
    if (sealed_read(plain, key, BYTES_OF(heard->sealed), BYTES_OF(spoken->theirs.sign.public)))
        join(meet, now, plain);
    else
        stop_guest(meet, SPOKEN_FAILED);
    wipe(plain, sizeof plain);
    wipe(key, sizeof key);
    return meet->guest.refused == ANSWER_DISK ? FAULT_DISK : FAULT_NONE;
}

static void got(struct meet *meet, instant now, struct spoken *spoken)
{
    spoken->getting = false;
    if (spoken->answered)
        return;
    bool fast = !is_host(meet, spoken) || now < spoken->begun + LOOK_FAST;
    spoken->next_get = now + (fast ? LOOK_EVERY : LOOK_RARELY);
    meet->earliest = earlier(meet->earliest, spoken->next_get);
}

static void stored(struct meet *meet, instant now, struct spoken *spoken, size_t count)
{
    spoken->putting = false;
    if (spoken->next_put != NEVER) { /* it changed meanwhile */
        meet->earliest = now;
    } else if (count == 0) {
        spoken->next_put = now + AGAIN;
        meet->earliest = earlier(meet->earliest, spoken->next_put);
    } else if (spoken->answered) {
        stop(spoken);
    }
}

enum fault spoken_learn(struct meet *meet, instant now, const struct news *news)
{
    struct spoken *spoken = &meet->spoken[FIRST_ID - news->contact];
    struct spoken_record heard;
    enum fault fault = FAULT_NONE;
    if (!spoken->on)
        return FAULT_NONE;
    if (news->kind == NEWS_STORED)
        stored(meet, now, spoken, news->count);
    else if (news->kind == NEWS_GOT)
        got(meet, now, spoken);
    else if (news->kind == NEWS_ITEM && !spoken->answered &&
             spoken_record_read(&heard, &spoken->theirs, news->item.value) == FAULT_NONE &&
             heard.host != is_host(meet, spoken))
        fault = is_host(meet, spoken) ? answer(meet, now, spoken, &heard)
                                      : take(meet, now, spoken, &heard);
    return fault == FAULT_DISK ? FAULT_DISK : FAULT_NONE;
}
