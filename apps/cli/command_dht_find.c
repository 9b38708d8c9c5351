/* `ramage dht find`: peers under an infohash, or the nodes closest to a place. */
#include "apps/cli/dht.h"

#include <stdio.h>

static void print_peers(struct cli *cli, const json_t *event)
{
    (void)cli;
    for (size_t i = 0; i < rpc_texts(event, "peers"); i++) {
        print_clean(rpc_text_at(event, "peers", i));
        putchar('\n');
    }
}

static void print_nodes(const json_t *result)
{
    size_t i;
    json_t *node;
    json_array_foreach(json_object_get(result, "nodes"), i, node)
    {
        print_clean(rpc_text(node, "id"));
        fputs("  ", stdout);
        print_clean(rpc_text(node, "at"));
        putchar('\n');
    }
}

int command_dht_find(struct cli *cli)
{
    const char *nodes = value(cli, OPTION_NODES);
    if ((cli->word_count == 1) == (nodes != NULL))
        return fail_usage(cli, "`ramage dht find` needs INFOHASH, or --nodes ID, and not both");
    json_t *params = nodes != NULL ? json_pack("{s:s}", "target", nodes)
                                   : json_pack("{s:s}", "infohash", cli->words[0]);
    if (given(cli, OPTION_HIDDEN))
        json_object_set_new(params, "hidden", json_true());
    json_t *result = nodes != NULL ? dht_ask(cli, "dht.nodes", params, NULL)
                                   : dht_ask(cli, "dht.peers", params, print_peers);
    if (result == NULL)
        return cli->exit;
    if (wants_json(cli))
        print_json(result);
    else if (nodes != NULL)
        print_nodes(result);
    if (nodes == NULL && rpc_whole(result, "found", 0) == 0)
        fail(cli, RPC_NOTHING_FOUND);
    else
        dht_remark_cost(cli, result);
    json_decref(result);
    return cli->exit;
}
