/* Two complete nodes for the demo: real daemons, real sockets, real stores, in a private folder on
   loopback. Whatever happens, pair_end leaves no process and no file behind. */
#ifndef CLI_PAIR_H
#define CLI_PAIR_H

#include <sys/types.h>

#include "apps/cli/command.h"

struct pair_node {
    const char *name; /* what the other one calls it */
    char home[64];
    char address[32]; /* 127.0.0.1:PORT */
    char card[128];
    pid_t process; /* 0: not running */
    struct rpc_client *client;
};

struct pair {
    char folder[48];
    struct pair_node you, echo;
};

/* Both made, friends with each other, and subscribed to their own events. False: said so. */
bool pair_begin(struct cli *cli, struct pair *pair);
void pair_end(struct pair *pair); /* also of half a beginning */

/* Pulls the plug: no goodbye. Then starts it again, as it was. */
void pair_kill(struct pair_node *node);
bool pair_start(struct cli *cli, struct pair_node *node);

/* Asks one of them; NULL: said so. Takes over `params`. */
json_t *pair_ask(struct cli *cli, struct pair_node *node, const char *method, json_t *params);
/* Writes to the other one; *id is the message's, to be freed by mem_free. */
bool pair_send(struct cli *cli, struct pair_node *from, const struct pair_node *to,
               const char *text, char **id);

#endif
