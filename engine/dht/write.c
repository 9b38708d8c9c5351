/* The second half of ANNOUNCE and PUT: writing to the nodes that the search found. */
#include "engine/dht/operation.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define CAS_MISMATCH 301 /* BEP 44 */
#define SEQ_TOO_LOW  302

static unsigned spares(unsigned wanted)
{
    return wanted / 4 + 1; /* of those that gave a token a moment ago, few are silent now */
}

static void collect(struct operation *operation, struct lookup *lookup)
{
    struct lookup_place places[LOOKUP_WIDE];
    size_t count = lookup_places(lookup, places, COUNT(places));
    operation->writes = mem_resized(operation->writes, operation->write_count + count + 1,
                                    sizeof *operation->writes);
    size_t wanted = operation->request.store_on;
    if (lookup_crowded(lookup) || count < wanted)
        wanted = count;
    operation->wanted += wanted;
    for (size_t i = 0; i < count; i++) {
        struct write *write = &operation->writes[operation->write_count++];
        assert(places[i].token.size <= sizeof write->token);
        *write =
            (struct write){ .node = places[i].node, .token_size = (uint8_t)places[i].token.size };
        memcpy(write->token, places[i].token.data, places[i].token.size);
    }
}

unsigned write_places(const struct dht_request *request)
{
    if (request->task != DHT_ANNOUNCE && request->task != DHT_PUT)
        return 0;
    return request->store_on + spares(request->store_on);
}

void write_begin(struct operation *operation)
{
    for (size_t family = 0; family < FAMILIES; family++)
        if (operation->lookup[family] != NULL)
            collect(operation, operation->lookup[family]);
    operation_become(operation, STAGE_WRITING);
}

static size_t count_in(const struct operation *operation, enum write_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < operation->write_count; i++)
        count += operation->writes[i].state == state;
    return count;
}

static struct write *first_of(struct operation *operation, enum write_state state)
{
    for (size_t i = 0; i < operation->write_count; i++)
        if (operation->writes[i].state == state)
            return &operation->writes[i];
    return NULL;
}

/* Those that were slow come last and once more: a packet may be lost, or fall to their rate. */
static struct write *next_ready(struct operation *operation)
{
    struct write *ready = first_of(operation, WRITE_READY);
    return ready != NULL ? ready : first_of(operation, WRITE_SLOW);
}

static bool send(struct dht *dht, instant now, struct operation *operation, struct write *write)
{
    struct query query = {
        .purpose = FOR_WRITE,
        .method = operation->request.task == DHT_PUT ? KRPC_PUT : KRPC_ANNOUNCE_PEER,
        .id_known = true,
        .to = write->node,
        .target = operation->request.target,
        .owner = operation->id,
        .number = (uint32_t)(write - operation->writes),
        .due = write->state == WRITE_SLOW ? now + AGAIN_AFTER : now,
    };
    return out_ask(dht, &query);
}

void write_pump(struct dht *dht, instant now, struct operation *operation)
{
    size_t asked = count_in(operation, WRITE_ASKED) + count_in(operation, WRITE_ASKED_AGAIN);
    /* Where somebody holds a newer one, or another than was compared with, nobody else gets ours.
     */
    size_t wanted = operation->outdated ? 0 : operation->wanted;
    for (struct write *write;
         operation->stored + asked < wanted && (write = next_ready(operation)) != NULL; asked++) {
        if (!send(dht, now, operation, write))
            break;
        write->state = write->state == WRITE_READY ? WRITE_ASKED : WRITE_ASKED_AGAIN;
    }
    if (asked > 0)
        return;
    struct dht_event event = { .kind = DHT_STORED,
                               .op = operation->id,
                               .stored = operation->stored,
                               .refused = operation->refused,
                               .outdated = operation->outdated };
    out_event(dht, &event);
    operation_finish(dht, now, operation);
}

static void fill_put(const struct operation *operation, struct krpc *out)
{
    const struct item *item = &operation->item;
    out->value = item->value;
    if (!item->mutable)
        return;
    out->key = BYTES_OF(item->key);
    out->signature = BYTES_OF(item->signature);
    out->salt = item->salt;
    out->has_seq = true;
    out->seq = item->seq;
    /* What was compared once must not hinder us from saying the same again. */
    out->has_cas = operation->request.has_cas && operation->round == 0;
    out->cas = operation->request.cas;
}

void write_fill(const struct dht *dht, const struct operation *operation, uint32_t number,
                struct krpc *out)
{
    const struct write *write = &operation->writes[number];
    out->token = (struct bytes){ write->token, write->token_size };
    if (operation->request.task == DHT_PUT) {
        fill_put(operation, out);
        return;
    }
    struct address self = self_address(dht->self, family_of(&write->node.at) == IPV6);
    out->implied_port = operation->request.port == 0;
    out->has_port = true;
    /* Some clients know no implied port: for them the one that others see, or any that is not 0. */
    out->port = operation->request.port != 0 ? operation->request.port
                : self.port != 0             ? self.port
                                             : 1;
    out->seed = operation->request.seed;
}

/* Whoever was asked twice may answer twice: that counts once. */
static bool is_first_word(struct operation *operation, uint32_t number)
{
    bool first = operation->writes[number].state != WRITE_OVER;
    operation->writes[number].state = WRITE_OVER;
    return first;
}

void write_answered(struct operation *operation, uint32_t number)
{
    if (is_first_word(operation, number))
        operation->stored++;
}

void write_refused(struct operation *operation, uint32_t number, int64_t code)
{
    bool newer = operation->newest > operation->item.seq;
    uint8_t state = operation->writes[number].state;
    bool twice = state == WRITE_ASKED_AGAIN || state == WRITE_SILENT;
    if (!is_first_word(operation, number))
        return;
    /* Some clients refuse what they hold already. */
    if (code == SEQ_TOO_LOW && !newer) {
        operation->stored++;
        return;
    }
    operation->refused++;
    /* Whoever says that nothing matches where nothing was to be compared lies; and whoever was
       asked twice may hold ours already. */
    bool compared = operation->request.has_cas && operation->round == 0 && !twice;
    if (code == SEQ_TOO_LOW || (code == CAS_MISMATCH && compared))
        operation->outdated = true;
}

void write_slow(struct operation *operation, uint32_t number)
{
    struct write *write = &operation->writes[number];
    if (write->state == WRITE_ASKED)
        write->state = WRITE_SLOW;
    else if (write->state == WRITE_ASKED_AGAIN)
        write->state = WRITE_SILENT;
}

void write_clear(struct operation *operation)
{
    mem_free(operation->writes);
    operation->writes = NULL;
    operation->write_count = operation->wanted = 0;
    operation->stored = operation->refused = 0;
    operation->outdated = false;
}
