/* Questions of ours that wait to be sent or to be answered: each is named by a tid of four random
   bytes and taken for answered only by whoever was asked, at the address that was asked. */
#ifndef DHT_FLIGHT_H
#define DHT_FLIGHT_H

#include "engine/dht/krpc.h"

#define FLIGHT_MAX        1024                /* at once, waiting ones included */
#define FLIGHT_GONE_AFTER (10 * SECOND)       /* an answer later than this is none */
#define FLIGHT_SLOW_LEAST (200 * MILLISECOND) /* slow is judged by the round trips seen, within */
#define FLIGHT_SLOW_MOST  (1 * SECOND)        /* these */
#define FLIGHT_TID_BYTES  4                   /* some clients want exactly four */

enum purpose {
    FOR_TABLE,  /* is it alive? */
    FOR_ENTRY,  /* an address that may be a node: does anybody answer? `number`: tries in vain */
    FOR_ROUTER, /* the same at a public entry point, which is not to be kept */
    FOR_SEARCH, /* `owner` is an operation, `number` its lookup's question */
    FOR_WRITE,  /* `owner` is an operation, `number` the place written to */
    FOR_PERSON, /* `owner` is an operation: DHT_PING */
    FOR_WATCH, /* `owner` is an operation, `number` the place in its list: is there a newer item? */
};

enum query_state { QUERY_WAITING, QUERY_SENT, QUERY_SLOW };

struct query {
    uint8_t tid[FLIGHT_TID_BYTES];
    uint8_t state, purpose, method; /* enums query_state, purpose, krpc_method */
    bool id_known;                  /* else any id may answer */
    struct dht_node to;
    struct dht_id target; /* methods that have one */
    dht_op owner;
    uint32_t number;
    instant due;  /* WAITING: to be sent; SENT: slow from then on */
    instant sent; /* not while WAITING */
};

struct flight {
    struct query *queries; /* in no order; NULL while there are none */
    size_t count, room;
    duration rtt, deviation; /* over all who answer: RFC 6298; rtt 0: nobody did yet */
};

void flight_finish(struct flight *flight);

/* A copy waits from now on, under a tid of its own. False: FLIGHT_MAX. */
bool flight_begin(struct flight *flight, const struct query *query, struct rng *rng);
/* It left. `rtt`: what its node is known for, 0: nothing. */
void flight_sent(struct flight *flight, struct query *query, instant now, duration rtt);
/* The question that an answer with this tid from there belongs to; NULL: none of ours. */
struct query *flight_match(const struct flight *flight, struct bytes tid,
                           const struct address *from);
/* Its answer came after so long. */
void flight_learn(struct flight *flight, duration rtt);
/* It is over. The pointer, and every other one, is void then. */
void flight_remove(struct flight *flight, struct query *query);
/* All of that operation: no answer to them is one any more. Pointers are void then, too. */
void flight_forget(struct flight *flight, dht_op owner);
/* A question whose time has come: to be sent, slow, or over; NULL: none at `now`. */
struct query *flight_next_due(const struct flight *flight, instant now);
instant flight_deadline(const struct flight *flight);
bool flight_is_asking(const struct flight *flight, const struct address *at);
size_t flight_count(const struct flight *flight, enum query_state state);

#endif
