/* What the verbs about invitations share. */
#ifndef CLI_INVITATION_H
#define CLI_INVITATION_H

#include "apps/cli/command.h"

/* Of an invitation, by id: looks again and again, and says on stderr how far it is, until host and
   guest are connected. False: said so, cli->exit is set; *invitation is what it was last. */
bool invitation_wait(struct cli *cli, duration patience, json_t **invitation);
/* --timeout, or that. False: said so. */
bool invitation_patience(struct cli *cli, duration usually, duration *out);
/* What both makers of them take: --name and --introduce. NULL: said so. */
json_t *invitation_params(struct cli *cli);

#endif
