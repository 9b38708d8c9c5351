/* Coming into the network, and staying in it.

   First those who answered in an earlier life, eight at once; then addresses that people know; and
   when after 40 s nobody has answered at all, whoever runs us is asked for public routers. Without
   a network nobody answers: so all of them are tried again and again, ever more slowly, until one
   does. Later the table says what is to be checked. */
#include "engine/dht/inside.h"

#include "base/mem.h"

#include <string.h>

#define AT_ONCE_LOST   8 /* tried at once while nobody has answered, */
#define AT_ONCE_COMING 4 /* and while too few have to search well */
#define FEW            8
#define ENOUGH         20           /* good nodes: settled */
#define PAUSE_COMING   (2 * SECOND) /* until then */
#define PAUSE_SETTLED  (15 * SECOND)
#define NOBODY_AFTER   (40 * SECOND)
#define NOBODY_AGAIN   (10 * MINUTE)
#define TRIES_OF_HOPE  2
#define TRIES_SLOWEST  8 /* 2 s times 2^8: 8 minutes between one try of all and the next */

/* --- addresses to try ------------------------------------------------------------------------- */

static bool is_waiting(const struct dht *dht, const struct address *at)
{
    for (size_t i = 0; i < dht->attempt_count; i++)
        if (address_equal(&dht->attempts[i].node.at, at))
            return true;
    return flight_is_asking(&dht->flight, at);
}

/* Behind those tried as often: a new one comes first. */
static void append(struct dht *dht, const struct attempt *attempt)
{
    if (dht->attempt_count == DHT_ATTEMPTS_MAX)
        return;
    if (dht->attempt_count == dht->attempt_room) {
        dht->attempt_room = dht->attempt_room == 0 ? 4 : 2 * dht->attempt_room;
        dht->attempts = mem_resized(dht->attempts, dht->attempt_room, sizeof *dht->attempts);
    }
    size_t at = dht->attempt_count++;
    for (; at > 0 && dht->attempts[at - 1].tries > attempt->tries; at--)
        dht->attempts[at] = dht->attempts[at - 1];
    dht->attempts[at] = *attempt;
}

void upkeep_add(struct dht *dht, const struct attempt *attempt)
{
    if (attempt->node.at.port != 0 && dht->table[family_of(&attempt->node.at)] != NULL &&
        !is_waiting(dht, &attempt->node.at))
        append(dht, attempt);
}

static struct attempt next_attempt(struct dht *dht)
{
    struct attempt first = dht->attempts[0];
    dht->attempt_count--;
    memmove(dht->attempts, dht->attempts + 1, dht->attempt_count * sizeof *dht->attempts);
    if (dht->attempt_count == 0) {
        mem_free(dht->attempts);
        dht->attempts = NULL;
        dht->attempt_room = 0;
    }
    return first;
}

void dht_try(struct dht *dht, instant now, enum dht_source source, const struct address *at,
             size_t count)
{
    size_t waiting = dht->attempt_count;
    dht->now = now;
    for (size_t i = 0; i < count && dht->attempt_count < waiting + DHT_PEOPLE_MAX; i++)
        upkeep_add(dht, &(struct attempt){ .node.at = at[i],
                                           .purpose = source == DHT_FROM_ROUTER ? FOR_ROUTER
                                                                                : FOR_ENTRY });
    /* Somebody wants it now: it does not wait for the pace of an earlier life's nodes. */
    dht->attempt_due = now;
    upkeep_advance(dht, now);
    dht_go_on(dht, now);
}

static void try_one(struct dht *dht, instant now, enum family family, const struct attempt *attempt)
{
    struct query query = { .purpose = attempt->purpose,
                           .method = KRPC_FIND_NODE,
                           .id_known = attempt->id_known,
                           .to = attempt->node,
                           .target = dht->id[family],
                           .number = attempt->tries,
                           .due = now };
    out_ask(dht, &query);
}

static size_t good_in_all(const struct dht *dht)
{
    return dht_good(dht, IPV4) + dht_good(dht, IPV6);
}

static void try_some(struct dht *dht, instant now)
{
    size_t good = good_in_all(dht);
    size_t most = good == 0 ? AT_ONCE_LOST : good < FEW ? AT_ONCE_COMING : 1;
    for (size_t i = 0; i < most && dht->attempt_count > 0; i++) {
        struct attempt attempt = next_attempt(dht);
        try_one(dht, now, family_of(&attempt.node.at), &attempt);
    }
    duration pause = good < ENOUGH ? PAUSE_COMING : PAUSE_SETTLED;
    if (good == 0 && dht->attempt_count > 0)
        pause <<= dht->attempts[0].tries;
    dht->attempt_due = now + pause;
}

void upkeep_slow(struct dht *dht, const struct query *query)
{
    struct attempt again = { .node = query->to,
                             .id_known = query->id_known,
                             .purpose = query->purpose,
                             .tries = query->number < TRIES_SLOWEST ? (uint8_t)(query->number + 1)
                                                                    : TRIES_SLOWEST };
    bool tried = query->purpose == FOR_ENTRY || query->purpose == FOR_ROUTER;
    if (!tried || good_in_all(dht) > 0)
        return;
    if (dht->attempt_count == 0)
        dht->attempt_due = later(dht->attempt_due, dht->now + (PAUSE_COMING << again.tries));
    append(dht, &again);
}

void upkeep_moved(struct dht *dht, instant now)
{
    for (size_t i = 0; i < dht->attempt_count; i++)
        dht->attempts[i].tries = 0;
    dht->attempt_due = dht->heard = now;
    dht->told_nobody = 0;
}

void upkeep_entered(struct dht *dht, instant now, enum family family, const struct krpc *answer)
{
    for (size_t other = 0; other < FAMILIES; other++) {
        bool has = other == IPV6 ? answer->nodes6.size > 0 : answer->nodes.size > 0;
        if (dht->table[other] != NULL && !dht->at_chore[other] && dht_good(dht, other) < ENOUGH &&
            (has || other == family))
            operation_begin_chore(dht, now, other, &dht->id[other], answer);
    }
}

bool upkeep_is_hopeful(const struct dht *dht)
{
    for (size_t i = 0; i < dht->attempt_count; i++)
        if (dht->attempts[i].tries < TRIES_OF_HOPE)
            return true;
    return flight_count(&dht->flight, QUERY_WAITING) + flight_count(&dht->flight, QUERY_SENT) > 0;
}

/* --- the table's chores ----------------------------------------------------------------------- */

static void do_chore(struct dht *dht, instant now, enum family family,
                     const struct table_chore *chore)
{
    if (chore->search) {
        if (!dht->at_chore[family] && dht_good(dht, family) > 0)
            operation_begin_chore(dht, now, family, &chore->target, NULL);
        return;
    }
    struct query query = {
        .purpose = FOR_TABLE, .method = KRPC_PING, .id_known = true, .to = chore->node, .due = now
    };
    out_ask(dht, &query);
}

static void do_chores(struct dht *dht, instant now)
{
    struct table_chore chore;
    for (size_t family = 0; family < FAMILIES; family++)
        while (dht->table[family] != NULL && table_deadline(dht->table[family]) <= now &&
               table_chore(dht->table[family], now, &chore))
            do_chore(dht, now, family, &chore);
}

/* --- when ------------------------------------------------------------------------------------- */

static instant nobody_at(const struct dht *dht)
{
    instant due = dht->heard + (dht->entered ? TABLE_FRESH : NOBODY_AFTER);
    return dht->told_nobody == 0 ? due : later(due, dht->told_nobody + NOBODY_AGAIN);
}

void upkeep_advance(struct dht *dht, instant now)
{
    if (dht->attempt_count > 0 && dht->attempt_due <= now)
        try_some(dht, now);
    if (nobody_at(dht) <= now) {
        dht->told_nobody = now;
        out_event(dht, &(struct dht_event){ .kind = DHT_NOBODY });
    }
    do_chores(dht, now);
}

instant upkeep_deadline(const struct dht *dht)
{
    instant first = nobody_at(dht);
    if (dht->attempt_count > 0)
        first = earlier(first, dht->attempt_due);
    for (size_t family = 0; family < FAMILIES; family++)
        if (dht->table[family] != NULL)
            first = earlier(first, table_deadline(dht->table[family]));
    return first;
}
