/* A node's five verbs: what comes is sorted here, and everything has its turn. */
#include "engine/dht/inside.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* --- life ------------------------------------------------------------------------------------- */

struct dht *dht_create(const struct dht_settings *settings, instant now, struct rng *rng,
                       struct log *log)
{
    struct dht *dht = mem_zeroed(1, sizeof *dht);
    dht->settings = *settings;
    dht->rng = rng;
    dht->log = log;
    dht->heard = dht->now = now;
    list_init(&dht->operations);
    list_init(&dht->packets);
    list_init(&dht->events);
    for (size_t family = 0; family < FAMILIES; family++)
        rng_fill(rng, dht->id[family].bytes, DHT_ID_BYTES);
    if (!id_is_zero(&settings->id))
        dht->id[IPV4] = settings->id;
    if (!settings->no_ipv4)
        dht->table[IPV4] = table_create(false, &dht->id[IPV4], rng);
    if (!settings->no_ipv6)
        dht->table[IPV6] = table_create(true, &dht->id[IPV6], rng);
    dht->self = self_create(settings->read_only, now);
    dht->polite = polite_create(&settings->rates, now, rng);
    dht->served = served_create(now, rng);
    return dht;
}

void dht_destroy(struct dht *dht)
{
    if (dht == NULL)
        return;
    operations_clear(dht);
    out_clear(dht);
    flight_finish(&dht->flight);
    mem_free(dht->attempts);
    for (size_t family = 0; family < FAMILIES; family++)
        if (dht->table[family] != NULL)
            table_destroy(dht->table[family]);
    self_destroy(dht->self);
    polite_destroy(dht->polite);
    served_destroy(dht->served);
    mem_free(dht);
}

size_t dht_good(const struct dht *dht, enum family family)
{
    size_t good = 0, known;
    if (dht->table[family] != NULL)
        table_count(dht->table[family], dht->now, &good, &known);
    return good;
}

/* --- over a restart --------------------------------------------------------------------------- */

size_t dht_save(const struct dht *dht, uint8_t out[DHT_SAVED_MAX_BYTES])
{
    struct saved *saved = mem_zeroed(1, sizeof *saved);
    for (size_t family = 0; family < FAMILIES; family++) {
        saved->self[family] = dht->id[family];
        if (dht->table[family] != NULL)
            saved->count[family] =
                table_save(dht->table[family], saved->nodes[family], DHT_SAVED_NODES);
    }
    size_t size = saved_write(saved, out);
    mem_free(saved);
    return size;
}

static void rename_to(struct dht *dht, enum family family, const struct dht_id *id)
{
    dht->id[family] = *id;
    if (dht->table[family] != NULL)
        table_rename(dht->table[family], id);
}

enum fault dht_restore(struct dht *dht, instant now, struct bytes wire)
{
    struct saved *saved = mem_zeroed(1, sizeof *saved);
    enum fault fault = saved_read(saved, wire);
    for (size_t family = 0; fault == FAULT_NONE && family < FAMILIES; family++) {
        if (family == IPV6 || id_is_zero(&dht->settings.id))
            rename_to(dht, family, &saved->self[family]);
        for (size_t i = 0; i < saved->count[family]; i++)
            upkeep_add(dht, &(struct attempt){ .node = saved->nodes[family][i],
                                               .id_known = true,
                                               .purpose = FOR_ENTRY });
    }
    mem_free(saved);
    dht->now = now;
    upkeep_advance(dht, now);
    dht_go_on(dht, now);
    return fault;
}

void dht_moved(struct dht *dht, instant now)
{
    dht->now = now;
    self_moved(dht->self, now);
    for (size_t family = 0; family < FAMILIES; family++)
        if (dht->table[family] != NULL)
            table_forget_routes(dht->table[family]);
    upkeep_moved(dht, now);
}

/* --- questions of others ---------------------------------------------------------------------- */

static bool is_known(const struct dht *dht, const struct address *from, const struct krpc *query)
{
    struct dht_node node = { query->id, *from };
    struct table_node known;
    return table_find(dht->table[family_of(from)], &node, &known) && known.rtt > 0;
}

/* Whether it is right is soon found out; what others spend is not lost to him until then. */
static bool shows_token(const struct krpc *query)
{
    return query->method == KRPC_PUT || query->method == KRPC_ANNOUNCE_PEER;
}

static bool may_answer(struct dht *dht, instant now, const struct address *from, bool known)
{
    if (dht->packet_count < DHT_PACKETS_MAX && polite_may_answer(dht->polite, now, from, known))
        return true;
    dht->dropped++;
    return false;
}

static void serve(struct dht *dht, instant now, const struct address *from, size_t asked,
                  const struct krpc *query)
{
    uint8_t wire[DHT_DATAGRAM_MAX];
    bool proved = false;
    struct served_by by = { .self = &dht->id[family_of(from)],
                            .ipv4 = dht->table[IPV4],
                            .ipv6 = dht->table[IPV6],
                            .most = sizeof wire };
    bool known = is_known(dht, from, query);
    if (!may_answer(dht, now, from, known || shows_token(query)))
        return;
    size_t size = served_answer(dht->served, now, from, query, &by, wire, sizeof wire, &proved);
    if (size == 0)
        return;
    known |= proved;
    if (!polite_answer(dht->polite, now, from, asked, size, known)) {
        /* Perhaps it was too much for a stranger. Only questions have answers that long, so asking
           ourselves again changes nothing. */
        by.most = 4 * asked;
        if (size <= by.most)
            return;
        size = served_answer(dht->served, now, from, query, &by, wire, sizeof wire, &proved);
        if (size == 0 || !polite_answer(dht->polite, now, from, asked, size, false))
            return;
    }
    dht->served_count++;
    out_packet(dht, from, (struct bytes){ wire, size });
}

static void on_query(struct dht *dht, instant now, const struct address *from, size_t asked,
                     const struct krpc *query)
{
    enum family family = family_of(from);
    if (id_equal(&query->id, &dht->id[family]))
        return; /* ourselves, or somebody who would like to be */
    if (polite_stranger(dht->polite, now, from))
        self_reached(dht->self, now);
    if (self_read_only(dht->self, now))
        return;
    if (!query->read_only)
        table_told(dht->table[family], now, &(struct dht_node){ query->id, *from });
    serve(dht, now, from, asked, query);
}

static void on_refused(struct dht *dht, instant now, const struct address *from, size_t asked,
                       const struct krpc *refused)
{
    uint8_t wire[DHT_DATAGRAM_MAX];
    if (self_read_only(dht->self, now) || !may_answer(dht, now, from, false))
        return;
    size_t size = served_refuse(refused, from, &dht->id[family_of(from)], wire, sizeof wire);
    if (size > 0 && polite_answer(dht->polite, now, from, asked, size, false))
        out_packet(dht, from, (struct bytes){ wire, size });
}

/* --- questions of ours: what becomes of them -------------------------------------------------- */

static void on_gone(struct dht *dht, instant now, const struct query *query)
{
    struct table *table = dht->table[family_of(&query->to.at)];
    /* Many do not speak BEP 44 and say nothing at all to `get`: that is no sign of death. */
    if (query->id_known && query->method != KRPC_GET && query->method != KRPC_PUT)
        table_silent(table, now, &query->to);
    operation_gone(dht, now, query);
}

static void advance_query(struct dht *dht, instant now, struct query *query)
{
    struct query copy = *query;
    switch ((enum query_state)query->state) {
    case QUERY_WAITING:
        out_query(dht, now, query);
        return;
    case QUERY_SENT:
        query->state = QUERY_SLOW;
        operation_slow(dht, &copy);
        upkeep_slow(dht, &copy);
        return;
    case QUERY_SLOW:
        flight_remove(&dht->flight, query);
        on_gone(dht, now, &copy);
        return;
    }
}

void dht_go_on(struct dht *dht, instant now)
{
    struct query *query;
    for (bool again = true; again;) {
        operations_pump(dht, now);
        for (again = false; (query = flight_next_due(&dht->flight, now)) != NULL; again = true)
            advance_query(dht, now, query);
    }
}

/* --- answers to us ---------------------------------------------------------------------------- */

static void hear_list(struct dht *dht, instant now, enum family family, struct bytes nodes)
{
    struct dht_node node;
    while (dht->table[family] != NULL && krpc_next_node(&nodes, family == IPV6, &node))
        if (!id_equal(&node.id, &dht->id[family]))
            table_told(dht->table[family], now, &node);
}

static void hear_nodes(struct dht *dht, instant now, const struct krpc *answer)
{
    hear_list(dht, now, IPV4, answer->nodes);
    hear_list(dht, now, IPV6, answer->nodes6);
}

/* Our id follows our address: BEP 42. The table stays. */
static void see_self(struct dht *dht, instant now, const struct address *voter,
                     const struct address *seen)
{
    enum family family = family_of(seen);
    struct dht_id id;
    if (seen->port == 0 || !self_vote(dht->self, now, voter, seen))
        return;
    struct address self = self_address(dht->self, family == IPV6);
    if (self.port != 0 && !id_fits(&dht->id[family], &self)) {
        id_make(&id, &self, dht->rng);
        rename_to(dht, family, &id);
    }
    out_event(dht, &(struct dht_event){ .kind = DHT_SELF, .self = self });
}

static void on_answer(struct dht *dht, instant now, const struct address *from,
                      const struct krpc *answer)
{
    enum family family = family_of(from);
    struct query *match = flight_match(&dht->flight, answer->tid, from);
    struct dht_node node = { answer->id, *from };
    if (match == NULL || id_equal(&answer->id, &dht->id[family])) {
        dht->dropped++;
        return;
    }
    struct query query = *match;
    flight_remove(&dht->flight, match);
    flight_learn(&dht->flight, now - query.sent);
    dht->answered++;
    dht->heard = now;
    self_answered(dht->self, now);
    see_self(dht, now, from, &answer->seen);
    if (query.purpose != FOR_ROUTER) {
        table_answered(dht->table[family], now, &node, later(now - query.sent, 1));
        if (query.method == KRPC_GET && answer->token.size > 0)
            table_learn_items(dht->table[family], &node, true);
    }
    hear_nodes(dht, now, answer);
    if (query.purpose == FOR_ENTRY || query.purpose == FOR_ROUTER) {
        dht->entered = true;
        upkeep_entered(dht, now, family, answer);
    }
    operation_answered(dht, now, &query, from, answer);
    dht_go_on(dht, now);
}

static void on_error(struct dht *dht, instant now, const struct address *from,
                     const struct krpc *error)
{
    struct query *match = flight_match(&dht->flight, error->tid, from);
    if (match == NULL) {
        dht->dropped++;
        return;
    }
    struct query query = *match;
    flight_remove(&dht->flight, match);
    if (query.method == KRPC_GET && query.id_known)
        table_learn_items(dht->table[family_of(from)], &query.to, false);
    operation_refused(dht, now, &query, error);
    dht_go_on(dht, now);
}

/* --- the five verbs --------------------------------------------------------------------------- */

void dht_receive(struct dht *dht, instant now, const struct address *from, struct bytes datagram)
{
    struct krpc message;
    dht->now = now;
    dht->received++;
    dht->received_bytes += datagram.size;
    if (dht->table[family_of(from)] == NULL || from->port == 0) {
        dht->dropped++;
        return;
    }
    switch (krpc_decode(datagram, &message)) {
    case KRPC_SILENT:
        dht->dropped++;
        return;
    case KRPC_REFUSE:
        on_refused(dht, now, from, datagram.size, &message);
        return;
    case KRPC_READ:
        break;
    }
    switch (message.kind) {
    case KRPC_QUERY:
        on_query(dht, now, from, datagram.size, &message);
        return;
    case KRPC_REPLY:
        on_answer(dht, now, from, &message);
        return;
    case KRPC_ERROR:
        on_error(dht, now, from, &message);
        return;
    }
}

void dht_advance(struct dht *dht, instant now)
{
    dht->now = now;
    do { /* somebody's silence may make room for a chore */
        upkeep_advance(dht, now);
        dht_go_on(dht, now);
    } while (upkeep_deadline(dht) <= now);
    if (served_deadline(dht->served) <= now)
        served_advance(dht->served, now);
}

instant dht_deadline(const struct dht *dht)
{
    instant first = earlier(flight_deadline(&dht->flight), operations_deadline(dht));
    first = earlier(first, upkeep_deadline(dht));
    return earlier(first, served_deadline(dht->served));
}

/* --- looking ---------------------------------------------------------------------------------- */

static void look_at(const struct dht *dht, instant now, enum family family, struct dht_family *out)
{
    *out = (struct dht_family){ .id = dht->id[family] };
    if (dht->table[family] == NULL)
        return;
    table_count(dht->table[family], now, &out->good, &out->known);
    out->estimate = estimate_nodes(&dht->estimate[family]);
    out->self = self_address(dht->self, family == IPV6);
    out->ports_change = self_ports_change(dht->self, family == IPV6);
}

void dht_look(const struct dht *dht, instant now, struct dht_status *out)
{
    *out = (struct dht_status){
        .read_only = self_read_only(dht->self, now),
        .operations = dht->operation_count,
        .in_flight = dht->flight.count,
        .received = dht->received,
        .received_bytes = dht->received_bytes,
        .sent = dht->sent,
        .sent_bytes = dht->sent_bytes,
        .queries = dht->queries,
        .answered = dht->answered,
        .served = dht->served_count,
        .dropped = dht->dropped,
    };
    look_at(dht, now, IPV4, &out->ipv4);
    look_at(dht, now, IPV6, &out->ipv6);
    served_count(dht->served, &out->infohashes, &out->peers, &out->items);
}
