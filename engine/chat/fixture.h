/* Two people on two real stores, and a wire made of arrays between them. For tests of chat. */
#ifndef CHAT_FIXTURE_H
#define CHAT_FIXTURE_H

#include "engine/chat/room.h"

struct side {
    char path[128];
    struct store *store;
    struct chat *chat;
    struct card card;
    int64_t contact, device; /* of the other, here */
    struct sign_pair account_pair, device_pair;
};

extern struct side alice, bob;
extern struct rng rng;
extern instant now; /* both sides' clock */

void friends(void);   /* both exist, and have met at each other's door */
void strangers(void); /* both exist and are contacts, and have not met */
void meet(void);      /* as if each had been at the other's door now */
void part(void);
void side_start(struct side *side, const char *name);
void side_stop(struct side *side);
void side_open(struct side *side); /* the store alone */
void side_settle(struct side *side);
void side_reopen(struct side *side); /* settled, closed and opened again */
/* Keeps a copy of the store as it is now, and puts it back. */
void side_copy(struct side *side, const char *suffix);
void side_restore(struct side *side, const char *suffix);

/* What the link room would tell after a handshake that Alice began, psk and all. */
void connect_both(void);
void cut_both(void);
bool trusted_now(void); /* would such a link be trusted? */
void learn(struct side *side, enum news_kind kind, struct bytes data);
/* The next frame one side wishes to send; size 0: none. Valid until its next wish. */
struct bytes next_frame(struct side *side);
/* Carries wishes until that side has none; returns how many frames it sent. */
size_t carry(struct side *from, struct side *to, bool lose);
void exchange(void);          /* until nobody has anything to say */
void wait_for(duration time); /* both rooms live through it, and talk */

int64_t say(struct side *side, const char *text);
enum message_state state_of(struct side *side, int64_t row);
const char *heard(struct side *side); /* the conversation as one line, in its order */
size_t event_count(struct side *side, enum event_kind kind);

#endif
