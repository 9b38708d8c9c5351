/* The newest votes of distinct networks, and when somebody last came unasked. */
#include "engine/dht/self.h"

#include "base/mem.h"

#include <string.h>

#define VOTES_KEPT  16
#define TRIAL       (15 * MINUTE)
#define TRY_EVERY   (1 * HOUR)
#define TRY_FOR     (5 * MINUTE)
#define PROOF_LASTS (2 * HOUR) /* then we are on trial again */

#define LOCAL (1ull << 63)
struct vote {
    uint64_t network; /* of the voter; LOCAL: beside us */
    struct address seen;
};

struct opinion {                   /* about one family */
    struct vote votes[VOTES_KEPT]; /* the newest last */
    size_t count;
    struct address self;
};

struct self {
    bool always_read_only;
    instant trial;               /* its beginning; 0: nobody has answered yet */
    struct opinion *opinions[2]; /* NULL: nobody voted yet, as in a family that is not used */
};

struct self *self_create(bool always_read_only, instant now)
{
    (void)now;
    struct self *self = mem_zeroed(1, sizeof *self);
    self->always_read_only = always_read_only;
    return self;
}

static void forget(struct self *self)
{
    for (size_t i = 0; i < COUNT(self->opinions); i++)
        mem_free(self->opinions[i]);
    *self = (struct self){ .always_read_only = self->always_read_only };
}

void self_destroy(struct self *self)
{
    forget(self);
    mem_free(self);
}

/* --- our address ------------------------------------------------------------------------------ */

static uint64_t number(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* A /16 of IPv4 or a /32 of IPv6. Local networks are small: there each node is one of its own, but
   it has a say about local addresses only. */
static uint64_t network_of(const struct address *voter)
{
    bool ipv4 = address_is_ipv4(voter);
    if (!id_exempt(voter))
        return ipv4 ? number(voter->ip + 12, 2) : number(voter->ip, 4);
    return (number(voter->ip + (ipv4 ? 12 : 8), ipv4 ? 4 : 8) << 16 | voter->port) | LOCAL;
}

static bool is_local(const struct vote *vote)
{
    return (vote->network & LOCAL) != 0;
}

/* Whoever is beside us can be as many nodes as he likes: he is not asked once the world has spoken.
 */
static bool may_vote(const struct opinion *opinion, const struct address *voter,
                     const struct address *seen)
{
    if (address_is_ipv4(voter) != address_is_ipv4(seen) || seen->port == 0)
        return false;
    return !id_exempt(voter) ||
           (id_exempt(seen) && (opinion->count == 0 || is_local(&opinion->votes[0])));
}

/* Whoever votes again takes his earlier vote back; the oldest vote makes room. */
static void count_vote(struct opinion *opinion, uint64_t network, const struct address *seen)
{
    size_t at = 0;
    if (opinion->count > 0 && is_local(&opinion->votes[0]) != ((network & LOCAL) != 0))
        opinion->count = 0; /* the world's first word */
    while (at < opinion->count && opinion->votes[at].network != network)
        at++;
    if (at == VOTES_KEPT)
        at = 0;
    if (at < opinion->count) {
        opinion->count--;
        memmove(opinion->votes + at, opinion->votes + at + 1,
                (opinion->count - at) * sizeof *opinion->votes);
    }
    opinion->votes[opinion->count++] = (struct vote){ network, *seen };
}

static size_t votes_for(const struct opinion *opinion, const struct address *seen, bool port_too)
{
    size_t votes = 0;
    for (size_t i = 0; i < opinion->count; i++) {
        const struct address *other = &opinion->votes[i].seen;
        votes += memcmp(other->ip, seen->ip, sizeof seen->ip) == 0 &&
                 (!port_too || other->port == seen->port);
    }
    return votes;
}

static struct opinion *opinion_about(struct self *self, bool ipv6)
{
    if (self->opinions[ipv6] == NULL)
        self->opinions[ipv6] = mem_zeroed(1, sizeof *self->opinions[ipv6]);
    return self->opinions[ipv6];
}

bool self_vote(struct self *self, instant now, const struct address *voter,
               const struct address *seen)
{
    (void)now;
    struct opinion *opinion = opinion_about(self, !address_is_ipv4(seen));
    if (!may_vote(opinion, voter, seen))
        return false;
    count_vote(opinion, network_of(voter), seen);
    size_t votes = votes_for(opinion, seen, false);
    if (votes < SELF_QUORUM || 2 * votes <= opinion->count || address_equal(&opinion->self, seen))
        return false;
    /* Behind some translators every node sees another port: then any will do, and it stays. */
    bool moved = memcmp(opinion->self.ip, seen->ip, sizeof seen->ip) != 0;
    if (!moved && votes_for(opinion, seen, true) < SELF_QUORUM)
        return false;
    /* Liars are at times the most of those we asked last. While as many as once sufficed still
       confirm where we are, we have not moved. */
    if (moved && opinion->self.port != 0 &&
        votes_for(opinion, &opinion->self, false) >= SELF_QUORUM)
        return false;
    opinion->self = *seen;
    return true;
}

struct address self_address(const struct self *self, bool ipv6)
{
    return self->opinions[ipv6] == NULL ? (struct address){ .port = 0 }
                                        : self->opinions[ipv6]->self;
}

bool self_ports_change(const struct self *self, bool ipv6)
{
    const struct opinion *opinion = self->opinions[ipv6];
    if (opinion == NULL || opinion->self.port == 0)
        return false;
    size_t here = votes_for(opinion, &opinion->self, false), most = 0;
    for (size_t i = 0; i < opinion->count; i++) {
        size_t alike = votes_for(opinion, &opinion->votes[i].seen, true);
        most = alike > most ? alike : most;
    }
    return here >= SELF_QUORUM && 2 * most <= here;
}

/* --- whether we can be reached ---------------------------------------------------------------- */

void self_reached(struct self *self, instant now)
{
    self->trial = now + PROOF_LASTS;
}

void self_answered(struct self *self, instant now)
{
    if (self->trial == 0)
        self->trial = now;
}

bool self_read_only(const struct self *self, instant now)
{
    if (self->always_read_only)
        return true;
    if (self->trial == 0 || now < self->trial + TRIAL)
        return false;
    return (now - self->trial - TRIAL) % TRY_EVERY < TRY_EVERY - TRY_FOR;
}

void self_moved(struct self *self, instant now)
{
    (void)now;
    forget(self);
}
