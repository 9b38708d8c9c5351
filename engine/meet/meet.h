/* Finding each other: where a contact may be reached, and who is called when.

   A place is an address somebody typed, one from which a contact's device once answered, or one
   that his device left word of in the DHT, where only he and we can find and read it
   (rendezvous.h). Per contact there is at most one dial at a time. With a known device its link key
   is called; without one, and by turns when it does not answer, the door that the contact's card
   opens. */
#ifndef MEET_MEET_H
#define MEET_MEET_H

#include "base/log.h"
#include "base/rng.h"
#include "engine/chat/chat.h"
#include "engine/crypto/words.h"
#include "engine/wish/wish.h"

#define MEET_DIALS_MAX   64            /* at once */
#define MEET_FIRST_PAUSE (1 * SECOND)  /* after a dial that failed; doubles ... */
#define MEET_OWED_PAUSE  (2 * MINUTE)  /* ... up to this while something is owed to the contact */
#define MEET_LONG_PAUSE  (10 * MINUTE) /* ... and up to this otherwise */
#define MEET_ATTEMPTS    8             /* remembered per contact, for `why` */

struct meet;
/* What two who share a secret leave for each other in the DHT. Times are 0 where nothing was yet.
 */
struct meet_places {
    instant told;                    /* when our addresses were taken, by ... */
    size_t told_on;                  /* ... so many nodes */
    instant looked;                  /* when a look for his ended */
    instant heard;                   /* when he wrote what we found */
    bool ours_change, theirs_change; /* a router makes another port for each connection */
};
/* Store, chat and rng are borrowed. Begins to dial whom the store knows. */
struct meet *meet_create(struct store *store, struct chat *chat, instant now, struct rng *rng);
void meet_destroy(struct meet *meet);

/* A contact came, or got addresses a person typed: they are kept and tried at once. */
enum answer meet_contact_add(struct meet *meet, instant now, int64_t contact,
                             const struct address *at, size_t at_count);
void meet_contact_remove(struct meet *meet, instant now, int64_t contact);
/* Invitations: host and guest leave word for each other in the DHT, and the host takes the first
   guest he finds. `row` is what chat_invite or chat_join has made. */
void meet_invitation_add(struct meet *meet, instant now, const struct store_invitation *row);
/* One of ours that nobody has come for is taken back; what lies in the DHT then says so. */
enum answer meet_invitation_close(struct meet *meet, instant now, int64_t row);
/* What is known of its places. */
void meet_invitation_look(struct meet *meet, const struct store_invitation *row,
                          struct meet_places *out);
/* Spoken words: both must be on. `stretched` is what words_stretch makes of them for an hour; the
   host's are of the hour in which he begins, and hold for an hour; a guest tries several hours at
   once. One meeting of each kind at a time: a later one ends it. The host answers once, whoever
   asks: then the words are of no more use. */
#define MEET_SPOKEN_HOURS 3
#define MEET_SPOKEN_FOR   (1 * HOUR)
void meet_spoken_host(struct meet *meet, instant now, int64_t invitation,
                      const uint8_t stretched[WORDS_KEY_BYTES]);
void meet_spoken_guest(struct meet *meet, instant now,
                       const uint8_t stretched[MEET_SPOKEN_HOURS * WORDS_KEY_BYTES],
                       const char *name, const char *introduced);
enum meet_spoken_state {
    SPOKEN_NONE,    /* no guest's words were said, or it is long over */
    SPOKEN_SEEKS,   /* the host */
    SPOKEN_JOINED,  /* the invitation is ours: its row */
    SPOKEN_FAILED,  /* the host's answer was not for us: somebody else spoke, or stands between */
    SPOKEN_REFUSED, /* the invitation cannot be joined, as chat_join says */
    SPOKEN_NOBODY,  /* no host was there in time */
};
struct meet_spoken {
    enum meet_spoken_state state;
    int64_t invitation;
    enum answer refused;
    instant host_until; /* our own words hold so long; 0: they do not */
};
void meet_spoken_look(const struct meet *meet, instant now, struct meet_spoken *out);

/* Something is owed to him now: if he is away, try soon. */
void meet_nudge(struct meet *meet, instant now, int64_t contact);
/* Our own network changed: whoever is away is tried anew. */
void meet_moved(struct meet *meet, instant now);
/* Where we can be reached, the likeliest first, at most 8: contacts are told in the DHT. Also
   whether a router of ours makes another port for each connection, so that they may be wrong. */
void meet_self(struct meet *meet, instant now, const struct address *at, size_t count,
               bool ports_change);

struct meet_attempt {
    struct address address;
    bool door;
    instant started, ended; /* ended 0: still going on */
    const char *outcome;    /* NULL while going on */
};
struct meet_reach {
    bool up, dialling;
    struct meet_places places;
    struct address up_at;
    instant next_try;                            /* NEVER: nothing to dial, or no need */
    struct meet_attempt attempts[MEET_ATTEMPTS]; /* oldest first */
    size_t attempt_count;
    struct store_address at[STORE_ADDRESSES_MAX];
    size_t at_count;
};
void meet_look(struct meet *meet, int64_t contact, struct meet_reach *out);
/* Of those whose word was found: how many have left it under another epoch than our clock shows. */
struct meet_clock {
    size_t found, others_ahead, others_behind;
};
void meet_clock(const struct meet *meet, struct meet_clock *out);
void meet_count(const struct meet *meet, size_t *up, size_t *dialling);

/* --- wishes: DIAL, HANG_UP, PUT and GET; their id is the contact's row --------------------------
 */

bool meet_next_wish(struct meet *meet, instant now, struct wish *out);
enum fault meet_learn(struct meet *meet, instant now, const struct news *news);
instant meet_deadline(const struct meet *meet);

#endif
