/* `ramage dht ping` */
#include "apps/cli/dht.h"

#include <stdio.h>

int command_dht_ping(struct cli *cli)
{
    json_t *result = dht_ask(cli, "dht.ping", json_pack("{s:s}", "at", cli->words[0]), NULL);
    if (result == NULL)
        return cli->exit;
    const json_t *node = json_array_get(json_object_get(result, "nodes"), 0);
    const json_t *took = json_object_get(json_object_get(result, "cost"), "took_ms");
    if (wants_json(cli)) {
        print_json(result);
    } else {
        print_clean(rpc_text(node, "id"));
        printf("  %.1f ms\n", json_number_value(took));
    }
    json_decref(result);
    return cli->exit;
}
