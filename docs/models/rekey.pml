/* The ML-KEM-768 step in a ratchet whose sides take turns: docs/protocol.md, "Ratchet", "PQ rekey".

   Two sides send SENDS messages each over ways that lose, delay and repeat. Chains are numbered in the
   order of their root steps: odd ones are of side 0, even ones of side 1. Then the ways become good,
   each sends FINALS more, and

     opens     every header that arrives belongs to a chain the receiver can open, and an answer meets
               a secret that is still there,
     agrees    both mix the same KEM secret, or none, into the root step of a chain,
     progress  in the end no offer is open: each was answered.

   A rule that is switched off:
     -DNO_ONCE    a kid is answered again in the next chain
     -DNO_GREATER any kid is answered but the one answered last
     -DNO_KEEP    the secret of an offer is erased when the next offer is made, answered or not
     -DNO_REPEAT  an offer stands in one header only
     -DNO_EVERY   an answer stands in the first header of its chain only
     -DNO_COMMIT  a message may leave before the state it led to is kept, and that state be lost
     -DNO_WHOLE   the secret is erased before the chain it opens is kept, and that chain be lost
 */
#ifndef SENDS
#define SENDS 3
#endif
#ifndef OFFERS
#define OFFERS 2
#endif
#ifndef QUEUE
#define QUEUE 2
#endif
#ifndef FINALS
#define FINALS 3
#endif
#define CHAINS (2 * (SENDS + FINALS) + 2)

typedef side_state {
    byte sending, receiving; /* greatest chain of one's own, of the other */
    byte kid;                /* of the last offer made */
    bit open;                /* it waits for an answer: its secret is there */
    bit shown;               /* it stood in a header */
    bit first;               /* the chain has sent nothing yet */
    byte known, answered;    /* kids of the other: offered last, answered last */
    byte answer;             /* what the sending chain answers; 0: nothing */
    byte sends;
}
side_state side[2];

byte mixed[CHAINS]; /* the kid in the root step of each chain, as its sender has it */
bit made[CHAINS];   /* a chain that is made twice is two chains */
bit calm;
byte finals;

/* to each side: chain, which making of it, offer, answer */
chan way[2] = [QUEUE] of { byte, bit, byte, byte };

byte offer; /* of the step below, zero between them */

#ifdef NO_GREATER
#define ANSWERABLE !=
#define NEWER      !=
#else
#define ANSWERABLE >
#define NEWER      >
#endif
#define CAN_SEND(p) (side[p].sending || side[p].receiving)

inline begin_chain(p)
{
    side[p].sending = side[p].receiving + 1;
    side[p].first = 1;
    side[p].answer = 0;
    if
    :: side[p].known ANSWERABLE side[p].answered ->
        side[p].answer = side[p].known;
        side[p].answered = side[p].known
#ifdef NO_ONCE
    :: side[p].known && side[p].known <= side[p].answered -> side[p].answer = side[p].known
#endif
    :: else
    fi;
    mixed[side[p].sending] = side[p].answer
}

inline send(p)
{
    if
    :: side[p].receiving > side[p].sending -> begin_chain(p)
    :: else
    fi;
    if
#ifdef NO_KEEP
    :: !calm && side[p].kid < OFFERS -> side[p].kid++; side[p].open = 1; side[p].shown = 0
#else
    :: !calm && !side[p].open && side[p].kid < OFFERS ->
        side[p].kid++; side[p].open = 1; side[p].shown = 0
#endif
    :: true
    fi;
    offer = (side[p].open -> side[p].kid : 0);
#ifdef NO_REPEAT
    offer = (side[p].shown -> 0 : offer);
#endif
    side[p].shown = side[p].open;
    printf("%d sends in chain %d: offer %d, answer %d\n", p, side[p].sending, offer, side[p].answer);
#ifdef NO_EVERY
    way[1 - p]!side[p].sending, made[side[p].sending], offer, (side[p].first -> side[p].answer : 0);
#else
    way[1 - p]!side[p].sending, made[side[p].sending], offer, side[p].answer;
#endif
    side[p].first = 0;
    offer = 0
}

inline take(p, chain, making, offered, answer_)
{
    printf("%d takes chain %d: offer %d, answer %d\n", p, chain, offered, answer_);
    assert(chain <= side[p].receiving || chain == side[p].sending + 1); /* opens */
    assert(making == made[chain]);
    if
    :: chain > side[p].receiving ->
        assert(answer_ == mixed[chain]); /* agrees */
        if
        :: answer_ ->
            assert(side[p].open && answer_ == side[p].kid); /* opens */
            side[p].open = 0;
            side[p].shown = 0
        :: else
        fi;
        side[p].receiving = chain
    :: else
    fi;
    if
    :: offered && offered NEWER side[p].known -> side[p].known = offered
    :: else
    fi
}

byte chain, offered, answered;
bit making;

#define MESSAGE chain, making, offered, answered
#define FORGET  chain = 0; making = 0; offered = 0; answered = 0

active proctype world()
{
    side[0].sending = 1; side[0].first = 1; /* the initiator's first chain */
    do
    :: atomic { !calm && side[0].sends < SENDS && len(way[1]) < QUEUE ->
                side[0].sends++; send(0) }
    :: atomic { !calm && side[1].sends < SENDS && len(way[0]) < QUEUE && CAN_SEND(1) ->
                side[1].sends++; send(1) }
    :: atomic { way[0]?MESSAGE -> take(0, MESSAGE); FORGET }
    :: atomic { way[1]?MESSAGE -> take(1, MESSAGE); FORGET }
    /* repeated */
    :: atomic { way[0]?<MESSAGE> -> take(0, MESSAGE); FORGET }
    :: atomic { way[1]?<MESSAGE> -> take(1, MESSAGE); FORGET }
    /* behind the others */
    :: atomic { len(way[0]) > 1 -> way[0]?MESSAGE; way[0]!MESSAGE; FORGET }
    :: atomic { len(way[1]) > 1 -> way[1]?MESSAGE; way[1]!MESSAGE; FORGET }
    /* lost */
    :: atomic { !calm && way[0]?[MESSAGE] -> way[0]?MESSAGE; FORGET }
    :: atomic { !calm && way[1]?[MESSAGE] -> way[1]?MESSAGE; FORGET }
#ifdef NO_COMMIT
    /* what led to the only message of a chain is lost: the chain is made again */
    :: atomic { !calm && side[0].sending > 1 && side[0].sending > side[0].receiving && !made[side[0].sending] ->
                made[side[0].sending] = 1 }
#endif
#ifdef NO_WHOLE
    /* the answer was taken, its secret erased; the chain was not kept */
    :: atomic { way[0]?[MESSAGE] && side[0].open -> side[0].open = 0 }
#endif
    :: atomic { timeout && finals < FINALS ->
                calm = 1; finals++; send(0);
                if
                :: CAN_SEND(1) -> send(1)
                :: else
                fi }
    :: atomic { timeout && finals == FINALS -> break }
    od;
    assert(!side[0].open && !side[1].open) /* progress */
}
