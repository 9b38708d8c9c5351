/* Two devices and the table of sessions each has: docs/protocol.md, "Sessions of a pair".

   Device A (0) may lose its state once, to any older copy of it or to nothing. Links come and go, and
   what was under way is lost with them. Both may write, start at the same time, and run their clocks
   years apart. Then all that stops, links come and go FINALS times more, and

     agreed     both have the same active session,
     delivered  every message written arrived and is known to have arrived, unless the copy with it is
                what A lost,
     bounded    no more than SESSIONS sessions were ever made.

   One atomic step is one transaction of a device. A session is a number; which of two equal ranks wins
   is chosen once. An end of a session that went back to an older copy of itself is a new `end`: what
   the two sides then seal does not open, or looks like a duplicate.

   A rule that is switched off:
     -DNO_RANK   the session made or received last is active
     -DNO_RAISE  a rank is the clock and nothing more
     -DNO_ANSWER a start below the active session is not answered
     -DNO_RESET  cells that do not open lead to nothing
     -DNO_HAIL   a side with nothing to say says nothing when a link comes up
     -DNO_AGAIN  what was sealed in another session stays there when a link comes up
     -DNO_LIST   whoever receives a start takes nothing back, and nor does the maker of a reset
 */
#ifndef SESSIONS
#define SESSIONS 8
#endif
#ifndef KEPT
#define KEPT 3 /* the active one and two others */
#endif
#ifndef DOWNS
#define DOWNS 1 /* times the link fails in the middle */
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef LIMITS
#define LIMITS 0 /* times each begins a session because a chain is full */
#endif
#ifndef FINALS
#define FINALS 2
#endif
#define QUEUE 4

#define SILENT  0 /* the states of a device's only message */
#define WRITTEN 1
#define KNOWN   2 /* to have arrived */
#define SEALED  3 /* and the session */
#define NOBODY  255

#define NAMED(session) (1 << (session))

typedef device {
    byte has;     /* sets of sessions: held, */
    byte heard;   /* something of the other opened in it, */
    byte seen;    /* its start was taken once, */
    byte used;    /* changed since A's copy was made */
    byte message; /* one's own */
    bit wrote;
    bit got;      /* the other's */
    bit may;      /* the hour since the last reset or answer is over */
    bit young;    /* the active one may be */
    bit failed;   /* on this link: something did not open, */
    bit opened;   /* something did */
    bit limited;
#ifdef NO_RANK
    byte last;
#endif
}
device dev[2];

byte rank[SESSIONS];
bit maker[SESSIONS];
byte list[SESSIONS]; /* the kept sessions that its start names */
byte end[SESSIONS];  /* which end of it A has, */
byte bound[SESSIONS]; /* and which one B has heard; 0: none yet */
byte made;
byte clock[2];
bit greater_wins; /* of equal ranks */

/* to each device: is it a start cell, session, end, does it hold the message, the acknowledgement */
chan way[2] = [QUEUE] of { bit, byte, byte, bit, bit };
bit up, caller, calm;
byte downs, finals;

bit copied, lost, excused; /* excused: what A had got went with its state */
byte copy_has, copy_heard, copy_seen, copy_message;
bit copy_got;

byte i, s, best, count; /* of the steps below, zero between them */
bit fresh;

inline find_active(d) /* best */
{
    best = NOBODY;
#ifdef NO_RANK
    if
    :: dev[d].has -> best = dev[d].last
    :: else
    fi;
#else
    for (i : 0 .. SESSIONS - 1) {
        if
        :: (dev[d].has & NAMED(i)) && (best == NOBODY || rank[i] > rank[best] ||
                                      (rank[i] == rank[best] && greater_wins)) -> best = i
        :: else
        fi
    }
    i = 0
#endif
}

inline hold(d, session)
{
    dev[d].has = dev[d].has | NAMED(session);
    dev[d].seen = dev[d].seen | NAMED(session);
#ifdef NO_RANK
    dev[d].last = session;
#endif
    if
    :: d == 0 -> end[session] = 1 + lost
    :: else
    fi;
    find_active(d);
    dev[d].young = dev[d].young | (best == session);
    count = 0; s = NOBODY; /* the oldest of the others */
    for (i : 0 .. SESSIONS - 1) {
        if
        :: dev[d].has & NAMED(i) ->
            count++;
            if
            :: s == NOBODY && i != best -> s = i
            :: else
            fi
        :: else
        fi
    }
    if
    :: count > KEPT -> dev[d].has = dev[d].has & ~NAMED(s)
    :: else
    fi;
    i = 0; s = 0; count = 0
}

/* On the wire if the link is up, else it is what the link will find. */
inline put(d, session, text, receipt)
{
    if
    :: up ->
        dev[d].used = dev[d].used | NAMED(session);
        if
        :: len(way[1 - d]) < QUEUE ->
            way[1 - d]!(maker[session] == d && !(dev[d].heard & NAMED(session))), session,
                (d == 0 -> end[session] : bound[session]), text, receipt
        :: else
        fi
    :: else
    fi
}

inline seal(d)
{
    find_active(d);
    dev[d].message = SEALED + best;
    put(d, best, 1, 0)
}

inline start(d, reset)
{
    assert(made < SESSIONS); /* bounded */
    s = clock[d];
#ifndef NO_RAISE
    for (i : 0 .. SESSIONS - 1) {
        if
        :: (dev[d].has & NAMED(i)) && rank[i] >= s -> s = rank[i] + 1
        :: else
        fi
    }
    i = 0;
#endif
    rank[made] = s; maker[made] = d; s = 0;
    printf("%d starts session %d of rank %d\n", d, made, rank[made]);
    made++;
    hold(d, (made - 1));
    if
    :: !reset -> list[made - 1] = dev[d].has
    :: else
    fi;
    if
#ifdef NO_LIST
    :: dev[d].message == WRITTEN -> seal(d)
#else
    :: dev[d].message == WRITTEN || (reset && dev[d].message >= SEALED) -> seal(d)
#endif
    :: else -> put(d, (made - 1), 0, 0)
    fi
}

inline take(d, is_start, session, which, text, receipt)
{
    if
    :: is_start && !((dev[d].has | dev[d].seen) & NAMED(session)) ->
        bound[session] = 0;
        hold(d, session);
        fresh = (dev[d].has & NAMED(session)) != 0
    :: else
    fi;
    if
    :: (dev[d].has & NAMED(session)) &&
       (d == 0 -> (which == 0 || which == end[session])
                : (bound[session] == 0 || which == bound[session])) ->
        printf("%d opens a cell of session %d: %d %d %d\n", d, session, is_start, text,
            receipt);
        dev[d].opened = 1;
        dev[d].heard = dev[d].heard | NAMED(session);
        dev[d].used = dev[d].used | NAMED(session);
        if
        :: d == 1 -> bound[session] = which
        :: else
        fi;
        if
        :: receipt && dev[d].message >= SEALED -> dev[d].message = KNOWN
        :: else
        fi;
        if
        :: text -> dev[d].got = 1; put(d, session, 0, 1)
        :: else
        fi
    :: d == 1 && (dev[1].has & NAMED(session)) && bound[session] && which != bound[session] ->
        dev[1].opened = 1; /* it seems to be a duplicate */
        if
        :: text -> put(1, session, 0, 1)
        :: else
        fi
    :: else ->
        printf("%d cannot open a cell of session %d\n", d, session);
        dev[d].failed = 1
    fi;
    if
    :: fresh ->
        dev[d].failed = 0;
        find_active(d);
#ifndef NO_ANSWER
        if
        :: best != session && dev[d].may -> dev[d].may = 0; start(d, 0)
        :: best != session && dev[d].young /* then they may have crossed */
        :: best != session && !dev[d].may
        :: best == session
        fi;
#endif
        if
#ifndef NO_LIST
        :: dev[d].message >= SEALED && !(list[session] & NAMED(dev[d].message - SEALED)) -> seal(d)
#endif
        :: dev[d].message == WRITTEN -> seal(d)
        :: else
        fi
    :: else
    fi;
    fresh = 0; best = 0
}

inline come_up()
{
    if
    :: caller = 0
    :: !dev[0].has || !dev[1].has -> caller = 1
    fi;
    printf("the link comes up\n");
    up = 1;
    dev[0].failed = 0; dev[0].opened = 0; dev[1].failed = 0; dev[1].opened = 0;
    for (count : 0 .. 1) {
        if
        :: dev[count].has ->
            find_active(count);
            if
#ifndef NO_AGAIN
            :: dev[count].message >= SEALED -> dev[count].message = SEALED + best
#endif
            :: else
            fi;
#ifndef NO_HAIL
            if
            :: dev[count].message != SEALED + best -> put(count, best, 0, 0)
            :: else
            fi;
#endif
            if
            :: dev[count].message >= SEALED &&
               (dev[count].has & NAMED(dev[count].message - SEALED)) ->
                put(count, (dev[count].message - SEALED), 1, 0)
            :: else
            fi
        :: else
        fi
    }
    count = 0;
    if
    :: !dev[caller].has -> start(caller, 0)
    :: else
    fi;
    best = 0
}

inline go_down()
{
    printf("the link is down\n");
    up = 0; caller = 0;
    do
    :: way[0]?_, _, _, _, _
    :: way[1]?_, _, _, _, _
    :: empty(way[0]) && empty(way[1]) -> break
    od
}

inline write(d)
{
    printf("%d writes\n", d);
    dev[d].wrote = 1;
    dev[d].message = WRITTEN;
    if
    :: dev[d].has -> seal(d)
    :: !dev[d].has && !up -> start(d, 0)
    :: else
    fi;
    best = 0
}

inline make_copy()
{
    copied = 1;
    copy_has = dev[0].has; copy_heard = dev[0].heard; copy_seen = dev[0].seen;
    copy_message = dev[0].message; copy_got = dev[0].got;
    dev[0].used = 0
}

/* A goes on from its copy, or from nothing. */
inline lose()
{
    printf("0 loses its state\n");
    lost = 1;
    go_down();
    if
    :: true
    :: copy_has = 0; copy_heard = 0; copy_seen = 0; copy_message = SILENT; copy_got = 0
    fi;
    excused = dev[0].got && !copy_got && dev[1].message == KNOWN;
    dev[0].has = copy_has; dev[0].heard = copy_heard; dev[0].seen = copy_seen;
    dev[0].message = copy_message; dev[0].got = copy_got;
    dev[0].may = 1; dev[0].young = 0; dev[0].limited = 0;
    if
    :: copy_message == SILENT -> dev[0].wrote = 0; dev[1].got = 0 /* it may write another */
    :: else
    fi;
    for (i : 0 .. SESSIONS - 1) {
        if
        :: dev[0].used & dev[0].has & NAMED(i) -> end[i] = 2
        :: else
        fi
    }
#ifdef NO_RANK
    find_last();
#endif
    i = 0; dev[0].used = 0;
    copy_has = 0; copy_heard = 0; copy_seen = 0; copy_message = 0; copy_got = 0
}

#ifdef NO_RANK
inline find_last()
{
    for (i : 0 .. SESSIONS - 1) {
        if
        :: dev[0].has & NAMED(i) -> dev[0].last = i
        :: else
        fi
    }
}
#endif

inline judge()
{
    find_active(0);
    count = best;
    find_active(1);
    assert(count == best); /* agreed */
    assert(dev[0].message == SILENT || (dev[0].message == KNOWN && dev[1].got)); /* delivered */
    assert(dev[1].message == SILENT || (dev[1].message == KNOWN && (dev[0].got || excused)))
}

bit cell_start, cell_text, cell_receipt;
byte cell_session, cell_end;

#define CELL cell_start, cell_session, cell_end, cell_text, cell_receipt
#define FORGET cell_start = 0; cell_session = 0; cell_end = 0; cell_text = 0; cell_receipt = 0

active proctype world()
{
    atomic {
        if
        :: clock[0] = 1; clock[1] = 1; greater_wins = 0
        :: clock[0] = 1; clock[1] = 1; greater_wins = 1
        :: clock[0] = 1; clock[1] = 4
        :: clock[0] = 4; clock[1] = 1
        fi;
        dev[0].may = 1; dev[1].may = 1
    }
    do
    :: atomic { way[0]?CELL -> take(0, CELL); FORGET }
    :: atomic { way[1]?CELL -> take(1, CELL); FORGET }
    :: atomic { up && !dev[1 - caller].has -> start((1 - caller), 0); best = 0 }
#ifndef NO_RESET
    :: atomic { up && dev[0].failed && !dev[0].opened && dev[0].may ->
                dev[0].may = 0; dev[0].failed = 0; start(0, 1); best = 0 }
    :: atomic { up && dev[1].failed && !dev[1].opened && dev[1].may ->
                dev[1].may = 0; dev[1].failed = 0; start(1, 1); best = 0 }
#endif
    :: atomic { !calm && !dev[0].wrote -> write(0) }
    :: atomic { !calm && !dev[1].wrote -> write(1) }
#if LIMITS
    :: atomic { !calm && !dev[0].limited && dev[0].has -> dev[0].limited = 1; start(0, 0); best = 0 }
    :: atomic { !calm && !dev[1].limited && dev[1].has -> dev[1].limited = 1; start(1, 0); best = 0 }
#endif
    :: atomic { !calm && !up -> come_up() }
    :: atomic { !calm && up && downs < DOWNS -> downs++; go_down() }
#if LOSSES
    :: atomic { !calm && !copied -> make_copy() }
    :: atomic { !calm && copied && !lost -> lose() }
#endif
    :: atomic { !calm -> printf("calm\n"); calm = 1 }
    :: atomic { timeout && finals < FINALS ->
                finals++; go_down();
                dev[0].may = 1; dev[1].may = 1; dev[0].young = 0; dev[1].young = 0;
                come_up() }
    :: atomic { timeout && finals == FINALS -> break }
    od;
    atomic { judge() }
}
