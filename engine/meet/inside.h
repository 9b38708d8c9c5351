/* The inside of meet, shared by its files only: reach.c calls, places.c tells and asks the DHT
   where to call. */
#ifndef MEET_INSIDE_H
#define MEET_INSIDE_H

#include "engine/meet/meet.h"
#include "engine/meet/rendezvous.h"

#include "engine/crypto/cpace.h"

#include "base/list.h"
#include "base/map.h"

enum reach_state {
    REACH_AWAY,     /* not connected; next_try says when to call */
    REACH_DIALLING, /* our call is under way */
    REACH_UP,       /* connected, whoever called */
    REACH_STATES,
};

/* Our two places in the DHT with one contact: ours, where we write, and his, where we read. */
struct places {
    bool putting, getting;      /* a wish of that kind is out */
    bool watching, unwatch;     /* newer words of his are told as they come; no longer wanted */
    instant next_put, next_get; /* NEVER: not before something else happens */
    duration put_pause;         /* after one that nobody took; 0: the last one worked */
    uint64_t put_epoch;         /* being written, or written last; 0: none that is still true */
    int64_t said;               /* seq of our newest item: none is used twice */
    bool sweep, found;          /* three epochs are looked into; he was found in this look */
    int step;                   /* of the sweep */
    int64_t invitation;         /* its secret stands for the pair's; 0: none */
    bool host;                  /* of it: we gave it */
    bool closing;               /* it is over: one last word, and then nothing */
    instant begun;              /* of the looks at its places */
    instant ends;               /* nobody may come after; NEVER once somebody has */
    bool moved;                 /* we moved: whether the link lives is not known yet */
    uint64_t get_from;          /* the present epoch, when it began */
    int skew;                   /* his epoch less ours, when he was found last */
    int64_t heard;              /* seq of his newest item */
    instant swept;              /* when the last sweep began; 0: never */
    duration look_pause;
    struct meet_places seen; /* for people */
};

struct reach {
    struct list link;
    int64_t contact; /* below 0: an invitation of ours, row -contact, for which nobody came yet */
    int64_t device;  /* 0: none known */
    enum reach_state state;
    struct address up_at;
    instant next_try;
    instant last_up; /* 0: never */
    duration pause;  /* before the next try; 0: the last one worked */
    bool door;       /* how the present or last dial went in */
    bool has_door;   /* we hold his card */
    bool admit;      /* links do not know yet that he may come in */
    bool leaving;    /* removed: hang up, then forget */
    bool anew;       /* he is somewhere else than where we are calling: hang up, ... */
    bool told_anew;  /* ... and when that is done call there */
    struct meet_attempt attempts[MEET_ATTEMPTS];
    size_t attempt_count;
    struct places places;
};

/* One place of spoken words. The first is the host's, the others a guest's, an hour each. */
#define SPOKEN_TALKS (1 + MEET_SPOKEN_HOURS)
struct spoken {        /* wipe */
    bool on, answered; /* answered: only what we have said last has to be taken */
    bool putting, getting;
    instant next_put, next_get, begun, ends;
    struct rendezvous ours, theirs;
    struct cpace cpace;
    struct spoken_record said;
};

struct meet {
    struct store *store;
    struct chat *chat;
    struct rng *rng;
    uint8_t account[KEY_BYTES]; /* ours */
    struct list all;
    struct map *by_contact;
    size_t up, dialling;
    instant earliest; /* of all there is to do; may be too early after a change, never too late */
    struct address self[RENDEZVOUS_ADDRESSES]; /* where we can be reached */
    size_t self_count;
    bool ports_change; /* ... but a router makes others for each connection */
    struct spoken spoken[SPOKEN_TALKS];
    int64_t spoken_invitation; /* the host's */
    char spoken_name[STORE_NAME_MAX_BYTES + 1], spoken_introduced[STORE_NAME_MAX_BYTES + 1];
    struct meet_spoken guest; /* how it stands */
    size_t asking;            /* GETs and PUTs under way */
    uint8_t value[RENDEZVOUS_VALUE];
};

/* reach.c */
struct reach *reach_find(const struct meet *meet, int64_t contact);
struct reach *reach_create(struct meet *meet, instant now, int64_t contact);
void reach_leave(struct meet *meet, struct reach *reach, instant now); /* it ends soon */
void reach_try_now(struct meet *meet, struct reach *reach, instant now);
/* He may be reached at these, which the store knows: if we call him elsewhere, call anew. */
void reach_told(struct meet *meet, struct reach *reach, instant now, const struct address *at,
                size_t count);

/* shared.c */
struct shared { /* what two have in common, and what they are in it; wipe */
    uint8_t secret[RENDEZVOUS_SECRET];
    uint8_t ours[KEY_BYTES], theirs[KEY_BYTES]; /* as authors */
    uint8_t account[KEY_BYTES];                 /* of who writes as them */
    bool anybody;                               /* ... is not known yet */
    bool at_invitation;
    struct invited invited; /* ours */
};
/* False: nothing yet, or the store failed, which node finds out. */
bool shared_load(struct meet *meet, const struct reach *reach, struct shared *out);

/* invitations.c */
void invitations_begin(struct meet *meet, instant now);
/* Under which invitation, if any, a new reach looks. */
void invitation_begin(struct meet *meet, instant now, struct reach *reach);
/* Nobody may come any more, or we have come too late. */
void invitation_end(struct meet *meet, instant now, struct reach *reach,
                    enum invitation_state state);
/* The host has taken us: he says so, or talks to us. */
void invitation_up(struct meet *meet, instant now, struct reach *reach);
/* The secret is erased: when both surely share another one; or now. */
void invitation_forget(struct meet *meet, instant now, struct reach *reach);
void invitation_over(struct meet *meet, instant now, struct reach *reach);
/* The first guest was found. `reach` is gone after FAULT_NONE: he has one of his own. */
enum fault invitation_guest(struct meet *meet, instant now, struct reach *reach,
                            const struct pair_record *record, int64_t said);
/* What the host says. */
void invitation_answer(struct meet *meet, instant now, struct reach *reach,
                       const struct shared *shared, const struct invited *said);

/* spoken.c */
bool spoken_is(int64_t contact); /* names a place of spoken words */
bool spoken_next_wish(struct meet *meet, instant now, struct wish *out);
enum fault spoken_learn(struct meet *meet, instant now, const struct news *news);
void spoken_end(struct meet *meet);

/* places.c */
void places_begin(struct meet *meet, struct reach *reach, instant now);
void places_end(struct meet *meet, struct reach *reach);
/* The invitation is over: that is left there as our last word. */
void places_close(struct meet *meet, struct reach *reach, instant now);
/* They are at other places from now on. */
void places_anew(struct reach *reach);
/* His addresses are wanted now. */
void places_seek(struct meet *meet, struct reach *reach, instant now);
/* He came, or went: then something may be owed to the DHT. */
void places_up(struct meet *meet, struct reach *reach, instant now);
/* We are elsewhere now: so may he be, and then an open link is of no use. */
void places_moved(struct meet *meet, struct reach *reach, instant now);
void places_down(struct meet *meet, struct reach *reach, instant now);
/* That record of his is true: he is where it says. FAULT_PEER: it is not from that account. */
enum fault places_heard(struct meet *meet, instant now, struct reach *reach,
                        const struct pair_record *record, int64_t seq,
                        const uint8_t account[KEY_BYTES]);
instant places_due(const struct meet *meet, const struct reach *reach);
bool places_next_wish(struct meet *meet, instant now, struct reach *reach, struct wish *out);
enum fault places_learn(struct meet *meet, instant now, struct reach *reach,
                        const struct news *news);

#endif
