/* A world in one process: people with computers, a network and disks that fail, and one clock that
   only sim_run moves. Everything is drawn from one seed, so that a story which fails can be told
   again.

   Under it runs the real engine, store and crypto; only what is outside of them is pretended. The
   packets and the course of a run repeat exactly. The bytes of a database do not: SQLCipher draws
   its nonces from OpenSSL, which we leave alone. Nothing that happens depends on them.

   People here are honest clients: what they were told stands, they read events from where they left
   off, and repeat a request that was not answered under its old key. What a person may never see (a
   message twice, an event that changed its mind) ends the run at once, see sim_fail. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "engine/node/node.h"
#include "sim/disk.h"
#include "sim/network.h"

#define SIM_NODES_MAX 64

struct sim;
struct sim_node; /* a person and his computer */

struct sim *sim_create(const char *story, uint64_t seed, bool loud); /* loud: prints log lines */
void sim_destroy(struct sim *sim);
uint64_t sim_luck(struct sim *sim, uint64_t bound); /* 0 to bound - 1 */
duration sim_age(const struct sim *sim);            /* since the world began */
struct network *sim_network(struct sim *sim);
void sim_run(struct sim *sim, duration length);
/* A packet from wherever it says, to where somebody can be dialled. */
void sim_inject(struct sim *sim, const struct address *from, struct sim_node *to,
                struct bytes packet);
/* Runs until nobody awake owes anything, at most so long; false: something is still owed. */
bool sim_run_till_delivered(struct sim *sim, duration most);
/* Prints what is not true, the state of everybody and how to replay it; ends the process. */
_Noreturn void sim_fail(struct sim *sim, const char *file, int line, const char *claim);
#define SIM_CHECK(sim, claim) ((claim) ? (void)0 : sim_fail(sim, __FILE__, __LINE__, #claim))

/* What network_tap kept, sent again now. */
void sim_replay(struct sim *sim, size_t number, const struct address *from);

/* --- people and their computers ---------------------------------------------------------- */

struct sim_node *sim_add(struct sim *sim, const char *name); /* has an identity, knows nobody */
/* The power goes in the middle of that step of its disk: before it has an identity, in making it,
   or later. Whoever set it up starts it again and goes on where that is due. */
struct sim_node *sim_add_dying(struct sim *sim, const char *name, uint64_t step);
/* The card, and the address if it can be dialled at one. */
void sim_give_card(struct sim_node *to, struct sim_node *of, bool with_address);
void sim_tell_address(struct sim_node *to, struct sim_node *of);        /* where he is now */
void sim_introduce(struct sim_node *a, struct sim_node *b);             /* both, with addresses */
struct sim_node *sim_befriend(struct sim_node *node, const char *name); /* a new one, introduced */
void sim_forget(struct sim_node *node, struct sim_node *whom);          /* removes the contact */

struct plug *sim_plug(struct sim_node *node);
struct disk *sim_disk(struct sim_node *node);
struct node *sim_engine(struct sim_node *node);    /* NULL while dead */
uint64_t sim_wakeups(const struct sim_node *node); /* how often a deadline came due */
instant sim_clock(const struct sim_node *node);    /* what its own clock says */
void sim_clock_forward(struct sim_node *node, duration by);
void sim_clock_back(struct sim_node *node, duration by); /* only while it is dead */
void sim_move(struct sim_node *node,
              bool notices); /* another address; `notices`: the host saw it */

/* --- misfortunes ------------------------------------------------------------------------- */

void sim_sleep(struct sim_node *node); /* the lid is shut: nothing runs, nothing arrives */
void sim_wake(struct sim_node *node, bool clock_ran); /* false: it believes no time has passed */
void sim_kill(struct sim_node *node); /* power cut or kill -9, as the disk's luck has it */
void sim_quit(struct sim_node *node); /* says goodbye and stops cleanly */
/* The power goes in the middle of that disk step from now on, or after the next start. */
void sim_kill_at(struct sim_node *node, uint64_t step);
/* Starts what is dead. It may die in that: see sim_alive. */
void sim_restart(struct sim_node *node);
bool sim_alive(const struct sim_node *node);
enum store_trouble sim_trouble(const struct sim_node *node); /* why it stopped by itself */

/* Copies the home of one who is not running; and puts the old copy in place of what is there now.
   The person forgets with it what he was shown since, not what he said. */
void sim_back_up(struct sim_node *node);
void sim_restore(struct sim_node *node);

/* --- talk -------------------------------------------------------------------------------- */

/* Says it, now if the node is alive, else when it is again. One person's words keep their order. */
void sim_say(struct sim_node *from, struct sim_node *to, const char *text);
size_t sim_heard(const struct sim_node *node, const char *text); /* how often it was shown to him */
size_t sim_heard_count(const struct sim_node *node);
bool sim_knows_delivered(struct sim_node *from, const char *text); /* the latest so said */
/* About a message he said: FALSE when it was never taken. */
bool sim_why(struct sim_node *from, const char *text, struct node_why *out);
/* What both may expect once all is delivered: each heard what the other said, each thing once, in
   order; both see one conversation in one order; all of it is marked as delivered. */
void sim_check_talk(struct sim_node *a, struct sim_node *b);

#endif
