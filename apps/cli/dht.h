/* Asking the DHT: through a daemon that runs, or through a node that lives as long as the question
   does. Private to the command line. */
#ifndef CLI_DHT_H
#define CLI_DHT_H

#include "apps/cli/command.h"

/* Asks and returns the result, the caller's reference; `tell` gets the events of the search on the
   way. With --keep it then goes on until Ctrl-C. NULL: said so, cli->exit is set. Takes over
   `params`.

   With --socket a node that runs is asked, with --bootstrap one is started for this question alone,
   else it is the daemon of the home. */
json_t *dht_ask(struct cli *cli, const char *method, json_t *params,
                void (*tell)(struct cli *cli, const json_t *event));

/* Addresses of a repeated option. False: said so. */
bool dht_addresses(struct cli *cli, enum option_id id, struct address *out, size_t *count);
/* Sets "nodes", "hidden" and "keep" as the options say. False: said so. */
bool dht_common_params(struct cli *cli, json_t *params);
/* "asked 14, answered 12, 0.40 s", for people, on stderr. */
void dht_remark_cost(const struct cli *cli, const json_t *result);

#endif
