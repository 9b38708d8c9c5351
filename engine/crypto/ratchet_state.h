/* What a ratchet remembers. For ratchet*.c alone.

   All but the skipped keys is one flat struct, copied for every message that is opened; the skipped
   keys, which may be many, stay where they are, and what a message adds to them or takes from them
   is noted beside until it is kept. */
#ifndef CRYPTO_RATCHET_STATE_H
#define CRYPTO_RATCHET_STATE_H

#include "engine/crypto/mlkem.h"
#include "engine/crypto/ratchet_keys.h"

/* Whose move it is. */
enum ratchet_phase {
    PHASE_WAITS, /* a recipient that has heard nothing: its own pair is the bundle's */
    PHASE_SENDS, /* a sending chain is there */
    PHASE_TURNS, /* the other side has answered it: what is sent next begins a new one */
    PHASES
};

struct sending {
    struct dh_pair pair; /* of the chain; of the bundle while we wait; none when we turn */
    uint8_t id[CHAIN_ID_BYTES];
    uint8_t header_key[32], key[32];
    uint32_t number;   /* of the next message */
    uint32_t previous; /* messages of the chain before: PN */
};

/* The last of them is still running, the others have ended: `next` is where, `key` is wiped. */
struct receiving {
    uint8_t dh[KEY_BYTES], id[CHAIN_ID_BYTES];
    uint8_t header_key[32], key[32];
    uint32_t next; /* the first number whose key has not been derived */
    uint32_t
        lost_below;   /* keys of smaller numbers have died of age, so a missing one says nothing */
    uint32_t skipped; /* its keys in the array of skipped ones, after those of older chains */
};
#define RECEIVING_MAX (1 + RATCHET_CHAINS_MAX)

/* An offer of ours, from when it is made until the chain that answers it is kept. */
struct own_offer {
    uint32_t kid;      /* of the last one made; 0: none */
    bool open;         /* `pair` is there */
    uint32_t sent;     /* messages since the last answer came, or since the session began */
    instant since;     /* when that was */
    duration used;     /* time of use since then */
    instant last_sent; /* where use is counted from */
    struct mlkem_pair pair;
};

struct ratchet_state {
    enum ratchet_phase phase;
    uint64_t turns;
    uint8_t root[32];
    uint8_t next_sending[32], next_receiving[32]; /* header keys */
    struct sending sending;
    struct receiving receiving[RECEIVING_MAX]; /* oldest first */
    size_t receiving_count;
    struct own_offer ours;
    struct ratchet_offer theirs; /* not answered yet; kid 0: none */
    uint32_t answered;           /* greatest kid of theirs that was answered; 0: none */
};

struct skipped {
    uint8_t key[32];
    uint32_t number;
    instant since;
};

struct ratchet {
    uint8_t session[SESSION_ID_BYTES];
    struct ratchet_state now;
    struct ratchet_answer
        answer;              /* in every header of the sending chain; opening leaves it alone */
    struct skipped *skipped; /* by chain as in now.receiving, within a chain by number */
    size_t skipped_count, skipped_room;

    /* What the last ratchet_open led to, until it is kept or dropped. */
    bool pending;
    struct ratchet_state next;
    size_t added;                 /* skipped keys that stand behind skipped_count */
    size_t removed_from, removed; /* a range of those before it */
};
_Static_assert(sizeof(struct ratchet) <= 8192, "secret memory comes in powers of two");

/* Room for `more` skipped keys behind those that are there. */
void ratchet_skipped_reserve(struct ratchet *ratchet, size_t more);
/* Wipes that range and closes the gap. */
void ratchet_skipped_remove(struct ratchet *ratchet, size_t from, size_t count);

#endif
